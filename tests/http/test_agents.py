"""Agents over HTTP: what their tokens are told at every endpoint, and how they get and lose them at /rpc/."""

import json

import pytest

from contract import FORBIDDEN, UNAUTHORIZED, expect, expect_detail, expect_message

SCHEMA = [{"name": "code", "type": "int", "unique": True}, {"name": "text", "type": "str"}]
DENIED = "Access denied"


class Agents:
    """A sensitive tool on which every agent may be granted everything, and one agent."""

    def __init__(self, stack):
        self.stack, self.tool = stack, stack.new_name()
        stack.sql("select projectalpha.register_tool(%s, %s, %s::jsonb, true)", self.tool, f"token-of-{self.tool}", json.dumps(SCHEMA))
        stack.sql("select projectalpha.create_policy(%s, 'all', 'allow', '{*}', allowed_scopes => '{read,write,update,delete,admin}')", self.tool)
        (self.id, self.key), = stack.sql("select * from projectalpha.create_agent(%s)", f"agent of {self.tool}")
        self.path = f"/tools/{self.tool}"

    def issue(self, *scopes, expires_in="1 hour"):
        return self.stack.value("select projectalpha.issue_credential(%s, %s, %s, %s::interval)", self.id, self.tool, list(scopes), expires_in)

    def endpoints(self, token):
        """The answer of each endpoint that takes the token, by the action that it is."""
        def call(method, path, body=None):
            headers = [("token", token)] + ([("Content-Type", "application/json")] if body is not None else [])
            return self.stack.http(method, self.path + path, headers, json.dumps(body).encode() if body is not None else None)

        self.stack.sql("select projectalpha.store_record(%s, %s, '{\"code\": 0}') where not exists"
                       f" (select from projectalpha_data.tool_{self.tool} where code = 0)", self.tool, f"token-of-{self.tool}")
        record = self.stack.value(f"select id from projectalpha_data.tool_{self.tool} where code = 0")
        return {
            "write": [call("POST", "", {"text": "x"}), call("POST", "/records:batch", [{"text": "x"}])],
            "update": [call("PATCH", f"/records/{record}", {"text": "y"})],
            "write and update": [call("POST", "/records:upsert?on_field=code", {"code": 0, "text": "z"})],
            "read": [call("GET", ""), call("GET", f"/records/{record}"), call("GET", "/records:count"), call("GET", "/openapi.json")],
            "check": [call("POST", "/records:validate", {})],
            "delete": [call("DELETE", f"/records/{record}")],
        }


@pytest.fixture
def agents(stack):
    return Agents(stack)


@pytest.mark.parametrize("scopes", [("read",), ("write",), ("update",), ("delete",), ("write", "update"), ("admin",)])
def test_a_token_does_what_its_scopes_name(agents, scopes):
    for action, answers in agents.endpoints(agents.issue(*scopes)).items():
        needed = {"write and update": {"write", "update"}, "check": {"write"}}.get(action, {action})
        for answer in answers:
            if "admin" in scopes or needed <= set(scopes):
                assert answer.status == 200, (action, answer)
            else:
                expect_detail(answer, 403, DENIED)


@pytest.mark.parametrize("end", ["revoke", "revoke all", "expire", "deactivate", "delete"])
def test_a_token_that_ended_is_a_wrong_one(agents, end):
    token = agents.issue("read", "write", "update", "delete")
    assert agents.stack.get(agents.path, ("token", token)).status == 200
    agents.stack.sql({
        "revoke": "select projectalpha.revoke_credential(credential_id) from projectalpha.list_credentials(%s) where tool_name is not null",
        "revoke all": "select projectalpha.revoke_all(%s)",
        "expire": "update projectalpha.credentials set expires_at = now() - interval '1 s' where agent_id = %s",
        "deactivate": "select projectalpha.deactivate_agent(%s)",
        "delete": "select projectalpha.delete_agent(%s)",
    }[end], agents.id)
    wrong = agents.endpoints("a-token-of-nobody")
    for action, answers in agents.endpoints(token).items():
        for answer, other in zip(answers, wrong[action], strict=True):
            expect_detail(answer, 401, UNAUTHORIZED)
            assert (answer.status, answer.body) == (other.status, other.body)


def test_an_agent_gets_and_revokes_its_own_by_its_key(agents):
    stack = agents.stack

    def rpc(function, **arguments):
        return stack.post(f"/rpc/{function}", arguments)

    asked = {"agent_id": agents.id, "tool_name": agents.tool, "scopes": ["read"], "expires_in": "1 hour"}
    issued = rpc("issue_credential", **asked, api_key=agents.key)
    assert issued.status == 200 and issued.json().startswith("pas_agent_"), issued
    expect(stack.get(agents.path, ("token", issued.json())), 200, [])
    listed = rpc("list_credentials", api_key=agents.key).json()
    assert [(c["tool_name"], c["scopes"], c["is_live"]) for c in listed] == [(None, ["agent"], True), (agents.tool, ["read"], True)]
    assert issued.json() not in json.dumps(listed) and agents.key not in json.dumps(listed)
    assert rpc("revoke_credential", credential_id=listed[1]["credential_id"], api_key=agents.key).status in (200, 204)
    expect_detail(stack.get(agents.path, ("token", issued.json())), 401, UNAUTHORIZED)

    # Without the key, with another's, or with a token: nothing.
    assert rpc("issue_credential", **asked).status in (401, 403)
    assert rpc("issue_credential", **asked, api_key="pas_key_wrong").status in (401, 403)
    assert rpc("issue_credential", **asked, admin_token=agents.issue("admin")).status in (401, 403)
    assert rpc("issue_credential", **asked, admin_token=stack.admin_token).status == 200
    # A key is no token, and no token of an agent administers.
    expect_detail(stack.get(agents.path, ("token", agents.key)), 401, UNAUTHORIZED)
    for token in (agents.key, agents.issue("admin")):
        expect_detail(stack.delete(agents.path, ("admin-token", token)), 403, FORBIDDEN)


def test_a_token_for_a_project_opens_that_alone(agents):
    stack = agents.stack
    one, two = (stack.value("select projectalpha.create_project(%s)", name) for name in ("one", "two"))
    for project in (one, two):
        stack.sql("select projectalpha.enable_tool(%s, %s)", agents.tool, project)
    token = stack.value("select projectalpha.issue_credential(%s, %s, '{read,write}', '1 hour', %s)", agents.id, agents.tool, one)
    held = ("token", token)
    expect_message(stack.post(agents.path, {"code": 7}, held), "Data stored successfully")
    counts = [stack.value(f"select count(*) from {schema}.tool_{agents.tool}") for schema in (f"project_{one}", f"project_{two}", "projectalpha_data")]
    assert counts == [1, 0, 0]
    stack.sql("select projectalpha.set_project_status(%s, 'suspended')", one)
    expect_detail(stack.post(agents.path, {}, held), 409, "Project is suspended")
    assert len(stack.get(agents.path, held).json()) == 1
