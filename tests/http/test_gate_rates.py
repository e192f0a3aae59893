"""Rates: whose calls count together, what counts and what does not, over SQL and HTTP. None asserts how long anything takes."""

import json
import re
import threading

import pytest

from gate_world import BUILTIN, CALLS, EVERY_SCOPE, Caller, add_policy, issue, new_agent, register

HOUR = 3600


@pytest.fixture(scope="module")
def caller(stack):
    return Caller(stack)


@pytest.fixture
def tool(stack):
    """A tool without policies, with its own token and those of two agents, of which one has two."""
    name, own = register(stack, "rate")
    add_policy(stack, name, "grants", "allow", ["*"], scopes=EVERY_SCOPE)
    first, second = (new_agent(stack, ["clerk"])[0] for _ in range(2))
    tokens = {"own": own, "a1": issue(stack, first, name, BUILTIN), "a2": issue(stack, first, name, BUILTIN), "b": issue(stack, second, name, BUILTIN), "none": None}
    stack.sql("SELECT projectalpha.delete_policy(%s, 'grants')", name)
    return name, tokens


def limit(most, by="credential", per="1 hour"):
    return {"rate": {"max": most, "per": per, "by": by}}


def passes(caller, tool, token, what="list", face="sql", body=None):
    """True if the call passes, False if it was one too many; says so in the right words."""
    told = getattr(caller, face)(CALLS[what], tool, token, body)
    if face == "sql":
        if told.sqlstate is None:
            return True
        assert (told.sqlstate, told.message) == ("53400", "Too many requests"), told
        seconds = re.fullmatch(r"Try again in (\d+) s\.", told.detail).group(1)
    else:
        if told.status == 200:
            assert not [value for key, value in told.headers if key == "retry-after"]
            return True
        assert (told.status, json.loads(told.message)) == (429, {"detail": "Too many requests"}), told
        (seconds,) = [value for key, value in told.headers if key == "retry-after"]
    assert 1 <= int(seconds) <= HOUR
    return False


@pytest.mark.parametrize("by, together", [
    ("credential", [["a1"], ["a2"], ["b"], ["own"], ["none"]]), ("agent", [["a1", "a2"], ["b"], ["own"], ["none"]]),
    ("address", [["a1", "own", "none", "b"]]), ("policy", [["none", "b", "a2", "own"]]), (None, [["a1", "a2"], ["b"], ["own"]]),
])
def test_whose_calls_count_together(stack, caller, tool, by, together):
    name, tokens = tool
    rate = limit(4, by)
    if by is None:
        del rate["rate"]["by"]
    add_policy(stack, name, "slowly", "allow", ["*"], rate)
    for group in together:
        for call in range(4):
            # By turns over both faces, in whatever session PostgREST takes, and by all of the group.
            assert passes(caller, name, tokens[group[call % len(group)]], face=("sql", "http")[call // 2 % 2]), (group, call)
        for who in group:
            assert not passes(caller, name, tokens[who]) and not passes(caller, name, tokens[who], face="http")
            explained = caller.explain(name, tokens[who], "read")
            if by != "address":
                # The administrator who asks comes from the same address, but not from everybody's.
                assert (explained["allowed"], explained["policies"][0]["outcome"]) == (False, "decides") and 1 <= explained["retry_after"] <= HOUR


def test_another_token_is_no_other_allowance(stack, caller, tool):
    """Whoever has a tool's own token can exchange it."""
    name, tokens = tool
    add_policy(stack, name, "slowly", "allow", ["*"], limit(2))
    token = tokens["own"]
    assert passes(caller, name, token) and passes(caller, name, token, face="http")
    rotated = stack.value("SELECT projectalpha.rotate_token(%s, current_token => %s)", name, token)
    assert not passes(caller, name, rotated) and not passes(caller, name, rotated, face="http")


def test_asking_for_others_spends_nothing_of_theirs(stack, caller, tool):
    name, tokens = tool
    add_policy(stack, name, "slowly", "allow", ["*"], limit(2, "address"))
    ask = "SELECT projectalpha.check_access(%s, %s, 'read', '{\"address\": \"127.0.0.1\"}')"
    assert [stack.value(ask, tokens["own"], name) for _ in range(4)] == [True, True, False, False]
    assert passes(caller, name, None, face="http") and passes(caller, name, tokens["own"], face="http")
    assert not passes(caller, name, None, face="http")


def test_every_call_counts_once(stack, caller, tool):
    """A batch is one, and so is an upsert, which is two actions; what fails counts, and what is undone."""
    name, tokens = tool
    add_policy(stack, name, "slowly", "allow", ["*"], limit(8))
    for face in ("sql", "http"):
        who = tokens[{"sql": "a1", "http": "b"}[face]]
        base = {"sql": 0, "http": 1000}[face]
        batch = [{"n": base + i} for i in range(50)]
        assert passes(caller, name, who, "batch", face, batch)
        assert passes(caller, name, who, "upsert", face, {"n": base + 1, "s": "again"})
        # A record that is none, and one that is not there.
        refused = getattr(caller, face)(CALLS["store"], name, who, {"n": "none"})
        assert (refused.sqlstate, refused.status) in (("42804", None), (None, 400)), refused
        missing = getattr(caller, face)(CALLS["delete"]._replace(sql=CALLS["delete"].sql.replace(" 1)", " 999999)"), path="/tools/{}/records/999999"), name, who)
        assert (missing.sqlstate, missing.status) in (("02000", None), (None, 404)), missing
        assert all(passes(caller, name, who, what, face) for what in ("list", "count"))
        with stack.connect() as db:
            assert caller.sql(CALLS["list"], name, who, db=db).sqlstate is None
            db.rollback()
        assert caller.check(name, who, "read")
        assert not passes(caller, name, who, "list", face) and not caller.check(name, who, "read")


def test_what_is_only_asked_counts_nothing(stack, caller, tool):
    name, tokens = tool
    add_policy(stack, name, "slowly", "allow", ["*"], limit(2))
    for who in ("own", "a1"):
        for _ in range(5):
            assert passes(caller, name, tokens[who], "validate") and passes(caller, name, tokens[who], "validate", "http")
            assert caller.explain(name, tokens[who], "write")["allowed"]
        assert passes(caller, name, tokens[who]) and passes(caller, name, tokens[who], face="http")
        # But beyond the rate nothing is told, either.
        assert not passes(caller, name, tokens[who], "validate") and not passes(caller, name, tokens[who], "validate", "http")


def test_what_does_not_match_counts_nothing(stack, caller, tool):
    name, tokens = tool
    add_policy(stack, name, "clerks", "allow", ["read"], {"roles": ["clerk"], "max_payload_bytes": 50, **limit(1, "policy")}, priority=1)
    add_policy(stack, name, "rest", "allow", ["*"])
    # No clerk, or another action.
    for _ in range(3):
        assert passes(caller, name, tokens["own"]) and passes(caller, name, None) and passes(caller, name, tokens["a1"], "upsert")
    assert passes(caller, name, tokens["a1"]) and not passes(caller, name, tokens["b"]) and not passes(caller, name, tokens["a1"], face="http")
    # Nobody falls through to the policy below.
    assert caller.explain(name, tokens["b"], "read")["policies"][1]["outcome"] == "not_asked"


def test_a_denial_begins_beyond_its_rate(stack, caller, tool):
    name, tokens = tool
    add_policy(stack, name, "all", "allow", ["*"])
    add_policy(stack, name, "not_often", "deny", ["write"], limit(2), priority=5)
    assert [passes(caller, name, tokens["own"], "store", body={"n": number}) for number in range(4)] == [True, True, False, False]
    assert passes(caller, name, tokens["own"]) and passes(caller, name, tokens["a1"], "store", body={"n": 10})
    add_policy(stack, name, "never", "deny", ["write"], {"roles": ["clerk"]}, priority=6)
    assert caller.sql(CALLS["store"], name, tokens["a1"]).sqlstate == "42501"


def test_two_rates_of_one_call(stack, caller, tool):
    """Each policy counts for itself; a call that a second one refuses has been counted by the first."""
    name, tokens = tool
    add_policy(stack, name, "burst", "deny", ["*"], limit(3), priority=5)
    add_policy(stack, name, "all", "allow", ["*"], limit(2))
    assert [passes(caller, name, tokens["a1"]) for _ in range(5)] == [True, True, False, False, False]
    assert caller.explain(name, tokens["a1"], "read")["policies"][0]["outcome"] == "decides"


def test_sessions_at_once_get_no_more(stack, tool):
    name, tokens = tool
    add_policy(stack, name, "slowly", "allow", ["*"], limit(40, "agent"))
    passed, failures = [], []

    def work(face, token):
        try:
            mine = Caller(stack)
            passed.append(sum(passes(mine, name, token, face=face) for _ in range(20)))
        except BaseException as error:  # shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(face, tokens[who])) for face in ("sql", "http") for who in ("a1", "a2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and sum(passed) == 40


def test_whoever_waits_for_so_long_may_call_again(stack, caller, tool):
    name, tokens = tool
    add_policy(stack, name, "slowly", "allow", ["*"], limit(1, per="2 seconds"))
    assert passes(caller, name, tokens["a1"])
    # Where calls take long, it need not be the next one.
    refused = next(told for _ in range(100) if (told := caller.sql(CALLS["list"], name, tokens["a1"])).sqlstate)
    seconds = int(re.search(r"\d+", refused.detail).group())
    caller.db.execute("SELECT pg_sleep(%s)", [seconds])
    assert passes(caller, name, tokens["a1"])


def test_a_call_that_starts_over_counts_once(stack, caller, tool):
    """It waits for the table, and finds that the tool has changed meanwhile."""
    name, tokens = tool
    add_policy(stack, name, "once", "allow", ["*"], limit(1))
    told = []
    with stack.connect() as db:
        db.execute("SELECT projectalpha.alter_tool(%s, '{\"add\": {\"name\": \"more\", \"type\": \"int\"}}')", [name])
        thread = threading.Thread(target=lambda: told.append(caller.sql(CALLS["store"], name, tokens["a1"])))
        thread.start()
        stack.eventually(lambda: stack.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass", f"projectalpha_data.tool_{name}") == 1)
        db.commit()
    thread.join()
    assert told[0].sqlstate is None, told
    assert not passes(caller, name, tokens["a1"])


def test_another_rate_of_the_same_policy(stack, caller, tool):
    name, tokens = tool
    add_policy(stack, name, "slowly", "allow", ["*"], limit(1))
    assert [passes(caller, name, tokens["a1"]) for _ in range(2)] == [True, False]
    stack.sql("SELECT projectalpha.update_policy(%s, 'slowly', %s::jsonb)", name, json.dumps({"conditions": limit(3)}))
    assert [passes(caller, name, tokens["a1"]) for _ in range(3)] == [True, True, False]
