"""What an agent carries is for one tool: it administers nothing, whatever its scopes are called."""

import pytest
from psycopg.types.json import Jsonb

from gate_world import EVERY_SCOPE, Caller, add_policy, issue, new_agent, register

# Scopes that mean something on other credentials.
NAMES_OF_OTHERS = ["common", "agent", "project"]


@pytest.fixture(scope="module")
def world(stack):
    name, own = register(stack, "escalation")
    stack.sql("SELECT projectalpha.update_tool_info(%s, %s)", name, Jsonb({"allowed_scopes": [*EVERY_SCOPE, *NAMES_OF_OTHERS]}))
    add_policy(stack, name, "all", "allow", ["*"], scopes=[*EVERY_SCOPE, *NAMES_OF_OTHERS])
    project = stack.value("SELECT projectalpha.create_project(%s)", stack.new_name())
    stack.sql("SELECT projectalpha.enable_tool(%s, %s)", name, project)
    agent, key = new_agent(stack)
    scopes = [*EVERY_SCOPE, *NAMES_OF_OTHERS]
    return name, project, {"shared": issue(stack, agent, name, scopes), "of project": issue(stack, agent, name, scopes, project), "API key": key}


CALLS = [
    "register_tool('mine', admin_token => %(token)s)", "create_policy(%(tool)s, 'mine', 'allow', '{*}', admin_token => %(token)s)",
    "update_policy(%(tool)s, 'all', '{}', %(token)s)", "delete_policy(%(tool)s, 'all', %(token)s)", "create_agent('mine', admin_token => %(token)s)",
    "issue_credential(1, %(tool)s, '{read}', '1 day', admin_token => %(token)s)", "list_credentials(admin_token => %(token)s)", "revoke_credential(1, %(token)s)",
    "deactivate_agent(1, %(token)s)", "delete_agent(1, %(token)s)", "rotate_api_key(1, %(token)s)", "explain_access(NULL, %(tool)s, 'read', admin_token => %(token)s)",
    "configure_access_log(%(tool)s, 'none', admin_token => %(token)s)", "deactivate_tool(%(tool)s, %(token)s)", "delete_tool(%(tool)s, %(token)s)", "alter_tool(%(tool)s, '{}', %(token)s)",
    "update_tool_info(%(tool)s, '{}', %(token)s)", "rotate_token(%(tool)s, admin_token => %(token)s)", "rotate_token(%(tool)s, current_token => %(token)s)",
    "rotate_token(%(tool)s, current_token => %(token)s, project_id => %(project)s)", "list_common('x', token => %(token)s)", "set_metadata(%(project)s, 'k', '1', token => %(token)s)",
    "render_prompt(%(project)s, 1, '{}', %(token)s)", "configure_tool('mine', admin_token => %(token)s)", "promote_tool(%(tool)s, admin_token => %(token)s)",
]


@pytest.mark.parametrize("call", CALLS)
def test_over_sql(stack, world, call):
    tool, project, tokens = world
    caller = Caller(stack)
    for token in tokens.values():
        with pytest.raises(stack.SqlError) as refused:
            caller.db.execute(f"SELECT projectalpha.{call}", {"tool": tool, "project": project, "token": token})
        assert refused.value.sqlstate in ("42501", "28000"), refused.value


def test_over_http(stack, world, nothing_created):
    tool, _, tokens = world
    for token in tokens.values():
        body = {"tool_name": "mine", "token": "a-good-token-001", "schema": []}
        assert stack.post("/register-tool", body, ("admin-token", token)).status == 403
        assert stack.delete(f"/tools/{tool}", ("admin-token", token)).status == 403


def test_an_api_key_opens_no_records(stack, world):
    tool, _, tokens = world
    key = tokens["API key"]
    assert stack.post(f"/tools/{tool}", {"n": 1}, ("token", key)).status == 401
    assert not Caller(stack).check(tool, key, "write")
    with pytest.raises(stack.SqlError) as refused:
        Caller(stack).db.execute("SELECT projectalpha.issue_credential((SELECT 1), %s, '{read}', '1 day', api_key => %s)", [tool, tokens["shared"]])
    assert refused.value.sqlstate == "28000"
