"""Refusals tell nobody more than they must: the same words whatever was wrong with the token, and whatever denied."""

import json

import pytest

from gate_world import (
    BUILTIN, CALLS, CONFIGURED_CALLS, EVERY_SCOPE, WRONG, Caller, add_policy, anonymous_tokens, configure, issue, new_agent, outdate, register,
)
from gate_model import UNKNOWN

# Headers that differ between any two answers.
OF_ITS_TIME = ("date",)


@pytest.fixture(scope="module")
def caller(stack):
    return Caller(stack)


@pytest.fixture(scope="module")
def dead_tokens(stack):
    """For a tool: all that is no token of it, by what is wrong with it."""
    project = stack.value("SELECT projectalpha.create_project(%s)", stack.new_name())
    listed, api_key = new_agent(stack)
    silent, silent_key = new_agent(stack)
    foreign, foreign_token = register(stack, "foreign")
    add_policy(stack, foreign, "all", "allow", ["*"], scopes=EVERY_SCOPE)
    foreign_agents = issue(stack, listed, foreign, EVERY_SCOPE)

    def make(tool, own):
        add_policy(stack, tool, "all", "allow", ["*"], scopes=EVERY_SCOPE)
        tokens = {token.kind: token.text for token in anonymous_tokens(stack, api_key, project)}
        tokens |= {"longest": "x" * 512, "too long": "x" * 5000, "not ASCII": "tökén-tökén", "another tool's": foreign_token, "agent's of another tool": foreign_agents}
        tokens |= {"key of a silent agent": silent_key, "digest": "\\x" + "00" * 32}
        for kind, agent in (("revoked agent's", listed), ("outdated agent's", listed), ("silent agent's", silent)):
            tokens[kind] = issue(stack, agent, tool, EVERY_SCOPE)
        stack.sql("UPDATE projectalpha.credentials SET revoked_at = now() WHERE digest = sha256(%s)", tokens["revoked agent's"].encode())
        outdate(stack, tokens["outdated agent's"])
        tokens["rotated"] = own
        tokens["graced and over"] = stack.value("SELECT projectalpha.rotate_token(%s)", tool)
        tokens["longer than the token"] = stack.value("SELECT projectalpha.rotate_token(%s, grace => '1 hour')", tool) + "0"
        outdate(stack, tokens["graced and over"])
        return tokens

    tools = {}
    for kind, sensitive in (("public", False), ("sensitive", True)):
        name, own = register(stack, kind, sensitive=sensitive)
        tools[kind] = name, make(name, own)
    name, own = configure(stack, "secret", True)
    tools["configured"] = name, make(name, own)
    stack.sql("SELECT projectalpha.deactivate_agent(%s)", silent)
    return tools


def without_time(answer):
    return answer._replace(headers=tuple(header for header in answer.headers if header[0] not in OF_ITS_TIME))


def calls(kind):
    every = [*CALLS.values(), *(CONFIGURED_CALLS if kind == "configured" else [])]
    return [call for call in every if kind != "public" or not call.everybody]


@pytest.mark.parametrize("kind", ["public", "sensitive", "configured"])
def test_nobody_learns_what_is_wrong_with_a_token(caller, dead_tokens, kind):
    tool, tokens = dead_tokens[kind]
    for call in calls(kind):
        answers = {
            (caller.sql(call, tool, token), without_time(caller.http(call, tool, token.encode("utf-8") if token else token))): told
            for told, token in tokens.items() if token is not None
        }
        assert len(answers) == 1, (call.name, answers)
        (in_sql, over_http), = answers
        assert in_sql == caller.sql(call, tool, None)
        assert (in_sql.sqlstate, in_sql.message) == ("28000", UNKNOWN) and in_sql.detail and in_sql.hint
        assert (over_http.status, json.loads(over_http.message)) == (401, {"detail": UNKNOWN})


def test_nobody_learns_it_at_rpc(stack, dead_tokens):
    """PostgREST's own answers have all that SQL has."""
    tool, tokens = dead_tokens["sensitive"]
    arguments = {
        "store_record": {"payload": {}}, "store_records": {"payloads": []}, "update_record": {"id": 1, "changes": {}}, "delete_record": {"id": 1},
        "upsert_record": {"payload": {}, "on_field": "n"}, "list_records": {}, "get_record": {"id": 1}, "count_records": {}, "validate_record": {"payload": {}},
    }
    for function, beside in arguments.items():
        answers = set()
        for token in tokens.values():
            answer = stack.post(f"/rpc/{function}", {"tool_name": tool, "token": token, **beside})
            answers.add((answer.status, answer.body, tuple(header for header in answer.headers if header[0] not in OF_ITS_TIME)))
        assert len(answers) == 1 and next(iter(answers))[0] == 403, (function, answers)


def test_check_access_tells_no_more(stack, caller, dead_tokens):
    for kind in ("public", "sensitive", "configured"):
        tool, tokens = dead_tokens[kind]
        actions = [*BUILTIN, "refund", "no_such_action"][kind == "public":]
        for token in tokens.values():
            for action in actions:
                for context in (None, {"address": "192.0.2.1", "payload": {"n": 1}}):
                    assert caller.check(tool, token, action, context) is False
                    assert caller.check("no_such_tool", token, action, context) is False
                answers = {
                    stack.post("/rpc/check_access", {"token": token, "tool_name": name, "action": action}).body for name in (tool, "no_such_tool", "NO NAME")
                }
                assert answers == {b"false"}


def test_api_keys_are_as_unknown_as_each_other(stack, caller, dead_tokens):
    tool, tokens = dead_tokens["public"]
    agent, key = new_agent(stack)
    silent, silent_key = new_agent(stack)
    stack.sql("SELECT projectalpha.deactivate_agent(%s)", silent)
    other, other_key = new_agent(stack)
    former = stack.value("SELECT projectalpha.rotate_api_key(%s)", agent) and key
    bad = [WRONG, "", former, silent_key, other_key, tokens["another tool's"], tokens["agent's of another tool"], stack.admin_token]
    for call, arguments in [
        ("issue_credential(%s, %s, %s, '1 day', api_key => %s)", [agent, tool, ["read"]]),
        ("list_credentials(%s, api_key => %s)", [agent]),
        ("revoke_all(%s, api_key => %s)", [agent]),
        ("rotate_api_key(%s, api_key => %s)", [agent]),
    ]:
        told = set()
        for key in bad:
            with pytest.raises(stack.SqlError) as refused:
                caller.db.execute(f"SELECT projectalpha.{call}", [*arguments, key])
            error = refused.value.diag
            told.add((error.sqlstate, error.message_primary, error.message_detail, error.message_hint))
        assert len(told) == 1 and next(iter(told))[0] == "28000", (call, told)
    # Nor does it show who there is.
    for unknown in (agent + 10_000, other):
        with pytest.raises(stack.SqlError) as refused:
            caller.db.execute("SELECT projectalpha.revoke_all(%s, api_key => %s)", [unknown, WRONG])
        error = refused.value.diag
        assert (error.sqlstate, error.message_primary, error.message_detail, error.message_hint) in told


def test_a_denial_does_not_say_who_denied(stack, caller):
    """The scope, a policy, that there is none, or one that does not match: the same words, for every call."""
    seen = set()
    agent, _ = new_agent(stack, ["clerk"])
    for policies in (None, [], [("deny", {}, 9)], [("allow", {"roles": ["chief"]}, 0)], [("allow", {"valid_until": "2001-01-01"}, 0)], [("allow", {"addresses": ["192.0.2.0/24"]}, 0)]):
        tool, own = register(stack, "denied")
        add_policy(stack, tool, "grants", "allow", ["*"], scopes=EVERY_SCOPE)
        # Without policies it is the scope that is lacking.
        token = issue(stack, agent, tool, ["refund"] if policies is None else BUILTIN)
        if policies is not None:
            stack.sql("SELECT projectalpha.delete_policy(%s, 'grants')", tool)
        for number, (effect, conditions, priority) in enumerate(policies or []):
            add_policy(stack, tool, f"policy_{number}", effect, ["*"], conditions, priority=priority)
        for call in CALLS.values():
            in_sql, over_http = caller.sql(call, tool, token), without_time(caller.http(call, tool, token))
            assert in_sql.sqlstate == "42501" and over_http.status == 403, (policies, call.name, in_sql, over_http)
            seen.add((in_sql, over_http))
            if policies and policies[0][0] == "deny":
                seen.add((caller.sql(call, tool, own), without_time(caller.http(call, tool, own))))
                if call.everybody:
                    seen.add((caller.sql(call, tool, None), without_time(caller.http(call, tool, None))))
    (in_sql, over_http), = seen
    assert (in_sql.message, json.loads(over_http.message)) == ("Access denied", {"detail": "Access denied"})
    assert "policy_" not in str(seen) and in_sql.detail and "explain_access" in in_sql.hint
