"""Policies: which one decides about a call, and why, over SQL and HTTP. The decisions are written by hand."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from gate_world import BUILTIN, CALLS, EVERY_SCOPE, Caller, add_policy, issue, new_agent, register

NOW = datetime.now(timezone.utc)
BERLIN = NOW.astimezone(ZoneInfo("Europe/Berlin"))
PAST, FUTURE = (NOW - timedelta(days=1)).isoformat(), (NOW + timedelta(days=1)).isoformat()
SMALL, LARGE = {"n": 200, "amount": 5}, {"n": 200, "amount": 5, "s": "x" * 500}
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def allow(name, actions="*", priority=0, **conditions):
    return name, "allow", actions.split(), conditions, priority


def deny(name, actions="*", priority=0, **conditions):
    return name, "deny", actions.split(), conditions, priority


def hours(start, end, clock, **others):
    """A window from so many hours before or after now, by a clock on the wall."""
    at = [(clock + timedelta(hours=hour)).strftime("%H:%M") for hour in (start, end)]
    return {"from": at[0], "to": at[1], **others}


# Policies; then calls: who, what, (payload,) the decision, and the policy that decides. Who: `own` the tool's token, `none`,
# `chief` an agent with roles {chief, clerk} and permissions {a, b}, `clerk` with {clerk} and {a}, `nobody` without any.
# What does not match is given as policy: condition.
SCENARIOS = {
    "no policy": ([], [("own", "store", "yes", None), ("none", "list", "yes", None), ("chief", "list", "no", None), ("chief", "store", "no", None)], {}),
    "allow some actions": (
        [allow("readers", "read")],
        [("chief", "list", "yes", "readers"), ("chief", "get", "yes", "readers"), ("chief", "count", "yes", "readers"), ("chief", "store", "no", None),
         ("chief", "delete", "no", None), ("chief", "validate", "no", None), ("own", "delete", "yes", None), ("own", "list", "yes", "readers"), ("none", "list", "yes", "readers")],
        {"readers": "actions"},
    ),
    "deny some actions": (
        [allow("all"), deny("no_delete", "delete")],
        [("chief", "delete", "no", "no_delete"), ("own", "delete", "no", "no_delete"), ("chief", "store", "yes", "all"), ("own", "update", "yes", "all"), ("none", "list", "yes", "all")],
        {},
    ),
    "an upsert writes and updates": (
        [allow("writers", "write")],
        [("chief", "upsert", "no", None), ("chief", "store", "yes", "writers"), ("own", "upsert", "yes", None), ("chief", "update", "no", None), ("chief", "validate", "yes", "writers")],
        {},
    ),
    "an upsert is denied by half": (
        [allow("all"), deny("no_update", "update")], [("own", "upsert", "no", "no_update"), ("chief", "upsert", "no", "no_update"), ("own", "store", "yes", "all")], {},
    ),
    "deny all": ([deny("closed")], [(who, what, "no", "closed") for who, what in (("own", "list"), ("own", "store"), ("none", "list"), ("none", "validate"), ("chief", "batch"))], {}),
    "the higher priority first": (
        [deny("low", priority=-1), allow("high", priority=1)],
        [("own", "store", "yes", "high"), ("chief", "delete", "yes", "high"), ("none", "list", "yes", "high")], {},
    ),
    "and so for denials": ([allow("low", priority=1), deny("high", "write", priority=2)], [("own", "store", "no", "high"), ("own", "list", "yes", "low")], {}),
    "deny wins within a priority": ([allow("first", priority=5), deny("second", priority=5), allow("third", priority=5)], [("own", "store", "no", "second"), ("chief", "list", "no", "second")], {}),
    "the older one within an effect": ([allow("older", priority=3), allow("newer", priority=3)], [("chief", "store", "yes", "older")], {}),
    "what does not match is passed over": (
        [deny("chiefs", roles=["chief"], priority=9), allow("clerks", roles=["clerk"], priority=8), deny("rest", priority=1)],
        [("chief", "store", "no", "chiefs"), ("clerk", "store", "yes", "clerks"), ("nobody", "store", "no", "rest"), ("own", "store", "no", "rest"), ("none", "list", "no", "rest")], {},
    ),
    "any role": (
        [allow("roles", roles=["boss", "clerk"])],
        [("chief", "store", "yes", "roles"), ("clerk", "store", "yes", "roles"), ("nobody", "store", "no", None), ("own", "store", "yes", None), ("none", "list", "yes", None)], {"nobody": "roles"},
    ),
    "all permissions": (
        [allow("permissions", permissions=["a", "b"])], [("chief", "store", "yes", "permissions"), ("clerk", "store", "no", None), ("nobody", "store", "no", None)], {"clerk": "permissions"},
    ),
    "roles and permissions": (
        [allow("both", roles=["clerk"], permissions=["b"])], [("chief", "store", "yes", "both"), ("clerk", "store", "no", None)], {"clerk": "permissions"},
    ),
    "whoever is no agent has no role": ([deny("agents", roles=["clerk", "chief"])], [("own", "store", "yes", None), ("none", "list", "yes", None), ("clerk", "store", "no", "agents")], {"own": "roles"}),
    "valid now": ([allow("now", valid_from=PAST, valid_until=FUTURE)], [("chief", "store", "yes", "now")], {}),
    "not valid yet": ([allow("soon", valid_from=FUTURE)], [("chief", "store", "no", None)], {"chief": "valid_from"}),
    "valid no longer": ([allow("over", valid_until=PAST), deny("over_too", valid_until=PAST)], [("chief", "store", "no", None), ("own", "store", "yes", None)], {"chief": "valid_until"}),
    "these hours": ([allow("open", time=hours(-2, 2, NOW))], [("chief", "store", "yes", "open")], {}),
    "other hours": ([allow("open", time=hours(2, 4, NOW))], [("chief", "store", "no", None)], {"chief": "time"}),
    "these hours elsewhere": ([allow("open", time=hours(-2, 2, BERLIN, zone="Europe/Berlin"))], [("chief", "store", "yes", "open")], {}),
    "other hours elsewhere": ([deny("shut", time=hours(2, 20, BERLIN, zone="Europe/Berlin"))], [("own", "store", "yes", None)], {"own": "time"}),
    "every day": ([deny("days", time={"days": EVERY_DAY})], [("own", "store", "no", "days")], {}),
    "another day": (
        [allow("days", time={"days": [day for day in EVERY_DAY if day not in {EVERY_DAY[(NOW + timedelta(hours=h)).weekday()] for h in (-1, 0, 1)}]})],
        [("chief", "store", "no", None)], {"chief": "time"},
    ),
    "from here": ([allow("here", addresses=["192.0.2.0/24", "127.0.0.0/8"])], [("chief", "store", "yes", "here"), ("chief", "list", "yes", "here")], {}),
    "from elsewhere": ([allow("there", addresses=["192.0.2.0/24", "::1"]), deny("far", addresses=["2001:db8::/32"])], [("chief", "store", "no", None), ("own", "store", "yes", None)], {"chief": "addresses"}),
    "from here in other words": ([deny("mapped", addresses=["::ffff:127.0.0.1"])], [("own", "store", "no", "mapped")], {}),
    "small payloads": (
        [allow("small", max_payload_bytes=100)],
        [("chief", "store", SMALL, "yes", "small"), ("chief", "store", LARGE, "no", None), ("chief", "list", "yes", "small"), ("chief", "delete", "yes", "small"),
         ("chief", "batch", [SMALL], "yes", "small"), ("chief", "batch", [SMALL, LARGE], "no", None), ("own", "store", LARGE, "yes", None), ("chief", "update", {"s": "y" * 200}, "no", None)], {},
    ),
    "no large payloads": (
        [allow("all"), deny("large", min_payload_bytes=100)],
        [("chief", "store", SMALL, "yes", "all"), ("own", "store", LARGE, "no", "large"), ("own", "list", "yes", "all"), ("own", "validate", LARGE, "no", "large"), ("none", "validate", SMALL, "yes", "all")], {},
    ),
    "fields that allow": (
        [allow("cheap", fields={"amount": {"lte": 10}})],
        [("chief", "store", SMALL, "yes", "cheap"), ("chief", "store", {"n": 1, "amount": 11}, "no", None), ("chief", "store", {"n": 200}, "no", None), ("chief", "store", {"amount": None}, "no", None),
         ("chief", "batch", [SMALL, {"n": 201, "amount": 9}], "yes", "cheap"), ("chief", "batch", [SMALL, {"n": 201, "amount": 99}], "no", None), ("chief", "batch", [], "no", None),
         ("chief", "update", {"amount": 7}, "yes", "cheap"), ("chief", "update", {"s": "x"}, "no", None), ("chief", "list", "no", None), ("chief", "delete", "no", None)], {"chief": "fields"},
    ),
    "fields that deny": (
        [allow("all"), deny("dear", fields={"amount": {"gt": 10}, "s": {"like": "%urgent%"}})],
        [("own", "store", {"amount": 11, "s": "very urgent"}, "no", "dear"), ("own", "store", {"amount": 11, "s": "calm"}, "yes", "all"), ("own", "store", {"s": "urgent"}, "yes", "all"),
         ("own", "batch", [SMALL, {"n": 201, "amount": 11, "s": "urgent"}], "no", "dear"), ("own", "batch", [SMALL], "yes", "all"), ("own", "list", "yes", "all"), ("own", "delete", "yes", "all"),
         ("own", "update", {"amount": 12, "s": "urgent"}, "no", "dear"), ("own", "update", {"amount": 12}, "yes", "all")], {},
    ),
    "fields that are not there": ([deny("empty", "write", fields={"s": {"is_null": True}})], [("own", "store", SMALL, "no", "empty"), ("own", "store", {"s": None}, "no", "empty"), ("own", "store", LARGE, "yes", None)], {}),
    "many conditions": (
        [allow("all", "write", roles=["chief"], permissions=["a"], addresses=["127.0.0.1"], max_payload_bytes=100, valid_from=PAST, fields={"n": {"in": [200, 201]}}, time={"days": EVERY_DAY})],
        [("chief", "store", SMALL, "yes", "all"), ("chief", "store", {"n": 5}, "no", None), ("clerk", "store", SMALL, "no", None), ("chief", "update", {"n": 200}, "no", None)], {},
    ),
}


def make_world(stack, sensitive):
    caller = Caller(stack)
    tool, own = register(stack, "policies", sensitive=sensitive)
    agents = {"chief": (["chief", "clerk"], ["b", "a"]), "clerk": (["clerk"], ["a"]), "nobody": ([], [])}
    add_policy(stack, tool, "grants", "allow", ["*"], scopes=EVERY_SCOPE)
    tokens = {"own": own, "none": None} | {who: issue(stack, new_agent(stack, *words)[0], tool, BUILTIN) for who, words in agents.items()}
    stack.sql("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1000)", f"projectalpha_data.tool_{tool}")
    return stack, caller, tool, tokens, sensitive


@pytest.fixture(scope="module")
def world(stack):
    return make_world(stack, sensitive=False)


@pytest.fixture(scope="module")
def sensitive_world(stack):
    return make_world(stack, sensitive=True)


def reset(stack, tool, policies):
    stack.sql("SELECT projectalpha.delete_policy(tool_name, name) FROM projectalpha.policy_list WHERE tool_name = %s", tool)
    for name, effect, actions, conditions, priority in policies:
        add_policy(stack, tool, name, effect, actions, conditions, priority=priority)


def with_record(caller, tool):
    """The one that calls change and delete."""
    caller.admin.execute(f"DELETE FROM projectalpha_data.tool_{tool}")
    caller.admin.execute(f"INSERT INTO projectalpha_data.tool_{tool} (id, n) OVERRIDING SYSTEM VALUE VALUES (1, 1)")


@pytest.mark.parametrize("name", SCENARIOS)
def test_of_a_public_tool(world, name):
    check_scenario(world, *SCENARIOS[name])


@pytest.mark.parametrize("name", ["no policy", "allow some actions", "deny all", "what does not match is passed over", "fields that deny"])
def test_of_a_sensitive_tool(sensitive_world, name):
    check_scenario(sensitive_world, *SCENARIOS[name])


def check_scenario(world, policies, calls, unmet):
    stack, caller, tool, tokens, sensitive = world
    reset(stack, tool, policies)
    ids = {policy: number for policy, number in stack.sql("SELECT name, policy_id FROM projectalpha.policy_list WHERE tool_name = %s", tool)}
    for who, what, *payload, decision, decider in calls:
        call, token, body = CALLS[what], tokens[who], payload[0] if payload else None
        case = f"{who} {what} {payload}"
        if who == "none" and sensitive:
            assert caller.sql(call, tool, None, body).sqlstate == "28000" and caller.http(call, tool, None, body).status == 401, case
            continue
        with_record(caller, tool)
        in_sql = caller.sql(call, tool, token, body)
        with_record(caller, tool)
        over_http = caller.http(call, tool, token, body)
        assert (in_sql.sqlstate, over_http.status) == {"yes": (None, 200), "no": ("42501", 403)}[decision], (case, in_sql, over_http)

        carried = body if body is not None else call.body
        context = {} if carried is None else {"payload": carried}
        explained = [caller.explain(tool, token, action, context) for action in call.actions]
        if call.everybody and call.name != "list":
            # A record may be validated by whoever may not store it; the rules are the same for all others.
            explained = explained if who != "none" else []
        if explained:
            assert all(e["allowed"] for e in explained) == (decision == "yes"), case
            assert [e for e in explained if e["policy_id"] == ids.get(decider)], (case, explained)
            check_steps(explained, policies, decision, decider)
            if token or call.name == "list":
                assert all([caller.check(tool, token, action, context) for action in call.actions]) == (decision == "yes"), case
        if who in unmet and decision == "no" and decider is None:
            assert any(step["reason"].startswith(f"{unmet[who]}: ") for e in explained for step in e["policies"]), (case, explained)


def check_steps(explained, policies, decision, decider):
    """Every policy is there, in the order in which it was asked, and those after the one that decided were not."""
    order = [policy[0] for policy in sorted(policies, key=lambda policy: (-policy[4], policy[1] == "allow"))]
    for answer in explained:
        assert [step["name"] for step in answer["policies"]] == order
        outcomes = [step["outcome"] for step in answer["policies"]]
        decided = outcomes.index("decides") if "decides" in outcomes else len(outcomes)
        assert outcomes == ["does_not_match"] * decided + ["decides"] * (decided < len(outcomes)) + ["not_asked"] * (len(outcomes) - decided - 1)
        for step in answer["policies"]:
            assert step["reason"]
            if step["outcome"] == "does_not_match":
                assert any(not fact["holds"] and step["reason"] == f"{fact['condition']}: {fact['reason']}" for fact in step["conditions"])
            if step["outcome"] == "decides":
                assert all(fact["holds"] for fact in step["conditions"]) and answer["policy_id"] == step["policy_id"]


# A window, a time, and whether it is in it. Berlin is one hour ahead of UTC until 29 March 2026, and two after.
WINDOWS = [
    ({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}, [
        ("2026-03-27T06:59:59Z", False), ("2026-03-27T07:00:00Z", True), ("2026-03-27T16:59:59.999999Z", True), ("2026-03-27T17:00:00Z", False), ("2026-03-28T10:00:00Z", False),
        ("2026-03-30T05:59:59Z", False), ("2026-03-30T06:00:00Z", True), ("2026-03-30T15:59:59Z", True), ("2026-03-30T16:00:00Z", False), ("2026-03-30T07:59:59+02:00", False)]),
    ({"days": ["fri"], "from": "22:00", "to": "06:00"}, [
        ("2026-03-27T21:59:59Z", False), ("2026-03-27T22:00:00Z", True), ("2026-03-28T05:59:59Z", True), ("2026-03-28T06:00:00Z", False), ("2026-03-27T05:00:00Z", False), ("2026-03-28T22:00:00Z", False)]),
    ({"from": "20:00", "to": "24:00"}, [("2026-03-27T19:59:59Z", False), ("2026-03-27T20:00:00Z", True), ("2026-03-27T23:59:59.999Z", True), ("2026-03-28T00:00:00Z", False)]),
    ({"days": ["sun"], "zone": "Pacific/Auckland"}, [("2026-03-28T10:59:59Z", False), ("2026-03-28T11:00:00Z", True), ("2026-03-29T10:59:59Z", True), ("2026-03-29T11:00:00Z", False)]),
]


def test_windows_are_those_of_the_clocks_of_a_place(world):
    stack, caller, tool, tokens, _ = world
    for window, instants in WINDOWS:
        reset(stack, tool, [allow("window", time=window)])
        for at, inside in instants:
            assert caller.explain(tool, tokens["chief"], "read", {"at": at})["allowed"] is inside, (window, at)


def test_from_and_until(world):
    stack, caller, tool, tokens, _ = world
    reset(stack, tool, [allow("validity", valid_from="2026-01-01T00:00:00+01:00", valid_until="2026-02-01")])
    for at, inside in (("2025-12-31T22:59:59.999999Z", False), ("2025-12-31T23:00:00Z", True), ("2026-01-31T23:59:59.999999Z", True), ("2026-02-01T00:00:00Z", False)):
        assert caller.explain(tool, tokens["chief"], "read", {"at": at})["allowed"] is inside, at


def test_addresses_that_the_asker_gives(world):
    """Of whoever has a token; anybody else comes from where the session does."""
    stack, caller, tool, tokens, sensitive = world
    reset(stack, tool, [deny("inner", addresses=["10.0.0.0/8", "2001:db8::/32", "203.0.113.9"]), allow("all")])
    for address, allowed in (("10.1.2.3", False), ("11.0.0.1", True), ("::ffff:10.1.2.3", False), ("2001:db8:1::1", False), ("2001:db9::1", True), ("203.0.113.9", False), ("203.0.113.10", True)):
        for who in ("own", "chief"):
            context = {"address": address}
            assert caller.check(tool, tokens[who], "write", context) is allowed, address
            assert caller.explain(tool, tokens[who], "write", context)["allowed"] is allowed
        assert caller.check(tool, None, "read", {"address": address}) is (not sensitive)


def test_a_policy_that_is_switched_off_is_not_asked(world):
    stack, caller, tool, tokens, _ = world
    reset(stack, tool, [allow("all"), deny("closed")])
    assert not caller.check(tool, tokens["own"], "write")
    stack.sql("""SELECT projectalpha.update_policy(%s, 'closed', '{"is_active": false}')""", tool)
    assert caller.check(tool, tokens["own"], "write") and caller.http(CALLS["list"], tool, tokens["chief"]).status == 200
    assert [step["name"] for step in caller.explain(tool, tokens["own"], "write")["policies"]] == ["all"]


def test_own_actions_are_asked_of_policies(world):
    stack, caller, tool, tokens, _ = world
    reset(stack, tool, [allow("grants", scopes) for scopes in ["refund"]])
    token = issue(stack, new_agent(stack)[0], tool, ["refund"])
    assert caller.check(tool, token, "refund") and not caller.check(tool, token, "read") and not caller.check(tool, tokens["chief"], "refund")
    reset(stack, tool, [deny("large", "refund", fields={"amount": {"gt": 100}}), allow("some", "refund")])
    assert caller.check(tool, token, "refund", {"payload": {"amount": 100}}) and not caller.check(tool, token, "refund", {"payload": {"amount": 101}})
    assert not caller.check(tool, tokens["own"], "refund", {"payload": [{"amount": 1}, {"amount": 101}]}) and caller.check(tool, tokens["own"], "refund")
