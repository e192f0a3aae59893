"""What the gate says as policies, tokens, tools and projects change: in a transaction, at a time, after an archive."""

import pytest
from psycopg.types.json import Jsonb

from gate_world import BUILTIN, CALLS, CONFIGURED_CALLS, EVERY_SCOPE, Caller, add_policy, configure, issue, new_agent, register

STORE = CALLS["store"]


@pytest.fixture(scope="module")
def caller(stack):
    return Caller(stack)


@pytest.fixture
def tool(stack):
    """A tool, its own token, an agent and a token of it; a policy lets agents in."""
    name, own = register(stack, "life")
    add_policy(stack, name, "agents", "allow", ["*"], {"roles": ["clerk"]}, EVERY_SCOPE)
    agent, _ = new_agent(stack, ["clerk"])
    return name, own, agent, issue(stack, agent, name, BUILTIN)


def sqlstate(caller, call, tool, token, body=None, db=None):
    return caller.sql(call, tool, token, body, db).sqlstate


def test_a_policy_holds_in_the_transaction_that_makes_it(stack, caller, tool):
    name, own, _, token = tool

    def told(who, db):
        try:
            with db.transaction(force_rollback=True):
                db.execute("SELECT projectalpha.store_record(%s, %s, '{}')", [name, who])
                return None
        except stack.SqlError as error:
            return error.sqlstate

    with stack.connect() as db:
        db.execute("SELECT 1")  # from here on it is one transaction
        assert told(own, db) is None and told(token, db) is None
        create = "SELECT projectalpha.create_policy(%s, %s, 'deny', '{write}', priority => 1)"
        with db.transaction(force_rollback=True):
            db.execute(create, [name, "closed"])
            assert told(own, db) == "42501" and told(token, db) == "42501"
            assert sqlstate(caller, STORE, name, own) is None
        assert told(own, db) is None and told(token, db) is None
        with db.transaction():
            db.execute(create, [name, "closed"])
        db.execute("SELECT projectalpha.update_policy(%s, 'closed', '{\"is_active\": false}')", [name])
        assert told(own, db) is None
        db.rollback()
        assert told(own, db) is None
    assert stack.value("SELECT count(*) FROM projectalpha.policy_list WHERE tool_name = %s", name) == 1


def test_an_agent_and_its_token_hold_in_the_transaction_that_makes_them(stack, tool):
    name, *_ = tool
    with stack.connect() as db:
        agent = db.execute("SELECT agent_id FROM projectalpha.create_agent(%s, roles => '{clerk}')", [f"of {name}"]).fetchone()[0]
        token = db.execute("SELECT projectalpha.issue_credential(%s, %s, '{write}', '1 day')", [agent, name]).fetchone()[0]
        store = "SELECT projectalpha.store_record(%s, %s, '{}')"
        db.execute(store, [name, token])
        for change, refusal in [("SELECT projectalpha.deactivate_agent(%s)", "28000"), ("SELECT projectalpha.update_agent(%s, '{\"roles\": []}')", "42501"), ("SELECT projectalpha.revoke_all(%s)", "28000")]:
            with db.transaction(force_rollback=True):
                db.execute(change, [agent])
                with pytest.raises(stack.SqlError) as refused, db.transaction():
                    db.execute(store, [name, token])
                assert refused.value.sqlstate == refusal
            db.execute(store, [name, token])
        db.rollback()
        with pytest.raises(stack.SqlError) as refused:
            db.execute(store, [name, token])
        assert refused.value.sqlstate == "28000"


def test_the_clock_goes_on_in_a_transaction(stack, caller, tool):
    """What ends while a session has it warm has ended for its next call."""
    name, own, agent, token = tool
    short = stack.value("SELECT projectalpha.issue_credential(%s, %s, '{read,write}', '3 seconds')", agent, name)
    add_policy(stack, name, "soon_over", "allow", ["write"], {"valid_until": stack.value("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '3 s', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")}, priority=2)
    add_policy(stack, name, "then_closed", "deny", ["write"], priority=1)
    with stack.connect() as db:
        db.execute("SET ROLE projectalpha_anon")
        first = [sqlstate(caller, CALLS[what], name, who, db=db) for what, who in (("list", short), ("validate", token), ("validate", own))]
        early = db.execute("SELECT clock_timestamp() < now() + interval '2 s'").fetchone()[0]
        assert first == [None, None, None] or not early
        db.execute("SELECT pg_sleep(4)")
        assert sqlstate(caller, CALLS["validate"], name, token, db=db) == "42501"
        db.rollback()
        db.execute("SET ROLE projectalpha_anon")
        assert sqlstate(caller, CALLS["validate"], name, own, db=db) == "42501"
        db.rollback()
        assert sqlstate(caller, STORE, name, short) == "28000"
    assert caller.http(STORE, name, token).status == 403 and caller.http(STORE, name, short).status == 401


def test_who_may_not_is_told_so_before_anything_is_looked_at(stack, caller, tool):
    """Neither what is wrong with the payload, nor which records there are."""
    name, own, agent, token = tool
    add_policy(stack, name, "closed", "deny", ["*"], {"roles": ["clerk"]}, priority=3)
    bad = [("store", {"n": "none"}), ("store", []), ("store", "text"), ("batch", {"n": 1}), ("batch", [{"n": "none"}]), ("update", {"n": []}), ("upsert", {"s": None}), ("validate", [])]
    for who, refusal in ((token, ("42501", 403)), ("wrong-token", ("28000", 401))):
        for what, body in bad:
            if what != "validate" or who == token:
                assert sqlstate(caller, CALLS[what], name, who, body) == refusal[0], (what, body)
        for query in ("get_record(%s, NULL, %s)", "get_record(%s, 999999, %s)", "count_records(%s, '{\"missing\": {\"eq\": 1}}', %s)", "update_record(%s, token => %s, id => NULL, changes => NULL)",
                      "delete_record(%s, %s, NULL)", "delete_record(%s, %s, 999999)", "store_record(%s, %s, NULL)", "store_records(%s, %s, NULL)", "upsert_record(%s, %s, '{}', NULL)", "upsert_record(%s, %s, '{}', 'missing')"):
            if "get" in query or "count" in query:
                if who != token:
                    continue  # everybody reads
            with pytest.raises(stack.SqlError) as refused:
                caller.db.execute(f"SELECT projectalpha.{query}", [name, who])
            assert refused.value.sqlstate == refusal[0], query
        for method, path, body in (("PATCH", "/records/999999", b"{}"), ("DELETE", "/records/999999", None), ("POST", "/records:upsert?on_field=missing", b"{}"), ("POST", "/records:batch", b"[{\"n\": []}]")):
            assert stack.http(method, f"/tools/{name}{path}", [("token", who)], body).status == refusal[1], path
    # An idempotency key that has been used gives nothing away, either.
    assert stack.post(f"/tools/{name}", {"n": 5}, ("token", own), ("Idempotency-Key", "k")).status == 200
    assert stack.post(f"/tools/{name}", {"n": 5}, ("token", token), ("Idempotency-Key", "k")).status == 403


def test_whoever_may_change_but_not_read_is_not_shown_the_record(stack, caller, tool):
    name, own, agent, token = tool
    number = stack.value("SELECT projectalpha.store_record(%s, %s, '{\"n\": 7, \"s\": \"before\"}')", name, own)
    add_policy(stack, name, "no_reading", "deny", ["read"], priority=4)
    update = CALLS["update"]._replace(sql=CALLS["update"].sql.replace(" 1,", f" {number},"), path=f"/tools/{{}}/records/{number}")
    for who in (own, token):
        for face in (caller.sql, caller.http):
            shown = face(update, name, who, {"amount": 8})
            assert (shown.sqlstate, shown.status) in ((None, None), (None, 200)) and "before" not in shown.message and '"n"' not in shown.message
        # Nor by a change that changes nothing.
        assert "before" not in caller.http(update, name, who, {}).message
    stack.sql("SELECT projectalpha.delete_policy(%s, 'no_reading')", name)
    assert "before" in caller.http(update, name, token, {"amount": 9}).message


def test_policies_go_to_the_archive_with_their_tool(stack, caller, tool):
    name, own, agent, token = tool
    add_policy(stack, name, "closed", "deny", ["delete"], priority=3)
    stack.sql("SELECT projectalpha.delete_tool(%s, archive => true)", name)
    assert sqlstate(caller, STORE, name, token) == "42704" and not caller.check(name, token, "write")
    stack.sql("SELECT projectalpha.restore_tool(%s, new_name => %s)", name, f"{name}_again")
    name = f"{name}_again"
    assert sqlstate(caller, STORE, name, token) is None and sqlstate(caller, CALLS["delete"], name, token) == "42501"
    assert sqlstate(caller, CALLS["delete"], name, own) == "42501"
    stack.sql("SELECT projectalpha.delete_tool(%s)", name)
    assert stack.value("SELECT count(*) FROM projectalpha.policies AS p WHERE NOT EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.id = p.tool_id)") == 0
    # A tool of the same name begins without.
    stack.sql("SELECT projectalpha.register_tool(%s, %s, '[]')", name, "another-token-of-it")
    assert sqlstate(caller, CALLS["list"], name, token) is None and sqlstate(caller, STORE, name, token) == "28000"


def test_projects_come_and_go(stack, caller, tool):
    name, own, agent, _ = tool
    project = stack.value("SELECT projectalpha.create_project(%s)", stack.new_name())
    of_project = stack.value("SELECT projectalpha.enable_tool(%s, %s)", name, project)
    token = issue(stack, agent, name, BUILTIN, project)
    assert sqlstate(caller, STORE, name, token) is None
    assert caller.sql(CALLS["count"], name, token).message == "1" and caller.sql(CALLS["count"], name, own).message == "0"
    for status, reads, writes in (("suspended", None, "55000"), ("archived", "55000", "55000"), ("active", None, None)):
        stack.sql("SELECT projectalpha.set_project_status(%s, %s)", project, status)
        for who in (token, of_project):
            assert (sqlstate(caller, CALLS["list"], name, who), sqlstate(caller, CALLS["batch"], name, who, [])) == (reads, writes), status
            assert (caller.check(name, who, "read"), caller.check(name, who, "write")) == (reads is None, writes is None)
            assert caller.explain(name, who, "write")["allowed"] is (writes is None)
    # No token of the project opens the shared table once the project does not have the tool.
    stack.sql("SELECT projectalpha.disable_tool(%s, %s, keep_data => true)", name, project)
    for who in (token, of_project):
        assert sqlstate(caller, STORE, name, who) in ("28000", "55000") and not caller.check(name, who, "write") and not caller.explain(name, who, "write")["allowed"]
    with pytest.raises(stack.SqlError) as refused:
        issue(stack, agent, name, BUILTIN, project)
    assert refused.value.sqlstate == "55000"
    assert caller.sql(CALLS["count"], name, own).message == "0"


def test_fields_that_an_older_table_does_not_have_fail_closed(stack, caller, tool):
    """A project that has not been upgraded has the tool as it was."""
    name, own, agent, shared = tool
    project = stack.value("SELECT projectalpha.create_project(%s)", stack.new_name())
    of_project = stack.value("SELECT projectalpha.enable_tool(%s, %s)", name, project)
    token = issue(stack, agent, name, BUILTIN, project)
    stack.sql("SELECT projectalpha.alter_tool(%s, '{\"add\": {\"name\": \"grade\", \"type\": \"int\"}}')", name)
    stack.sql("SELECT projectalpha.delete_policy(%s, 'agents')", name)
    add_policy(stack, name, "graded", "allow", ["write"], {"fields": {"grade": {"is_null": True}}})
    if stack.value("SELECT count(*) FROM information_schema.columns WHERE table_schema = %s AND table_name = %s AND column_name = 'grade'", f"project_{project}", f"tool_{name}"):
        pytest.fail("the project was upgraded by itself: the test shows nothing")
    assert sqlstate(caller, STORE, name, shared, {"n": 1}) is None and sqlstate(caller, STORE, name, token, {"n": 1}) == "42501"
    assert sqlstate(caller, STORE, name, of_project, {"n": 2}) is None
    stack.sql("SELECT projectalpha.update_policy(%s, 'graded', '{\"effect\": \"deny\", \"conditions\": {\"fields\": {\"grade\": {\"gt\": 5}}}}')", name)
    assert sqlstate(caller, STORE, name, own, {"n": 3}) is None and sqlstate(caller, STORE, name, of_project, {"n": 3}) == "42501"
    assert not caller.explain(name, of_project, "write", {"payload": {"n": 3}})["allowed"] and not caller.check(name, of_project, "write", {"payload": {"n": 3}})
    stack.sql("SELECT projectalpha.upgrade_project(%s)", project)
    assert sqlstate(caller, STORE, name, of_project, {"n": 3}) is None and sqlstate(caller, STORE, name, of_project, {"n": 4, "grade": 6}) == "42501"


def test_a_call_of_a_configured_tool_counts_once(stack, caller):
    name, own = configure(stack, "configured", False)
    add_policy(stack, name, "slowly", "allow", ["*"], {"rate": {"max": 4, "per": "1 hour"}})
    post, listing = CONFIGURED_CALLS
    calls = [(caller.sql, post), (caller.http, post), (caller.sql, listing), (caller.http, listing)]
    assert all((told.sqlstate, told.status) in ((None, None), (None, 200)) for told in (face(call, name, own) for face, call in calls))
    assert sqlstate(caller, post, name, own) == "53400" and caller.http(listing, name, own).status == 429


def test_an_agent_gets_what_policies_grant_and_no_more(stack, caller):
    name, own = register(stack, "grants")
    clerk, key = new_agent(stack, ["clerk"], ["p"])
    add_policy(stack, name, "readers", "allow", ["read"], {"roles": ["clerk"]})
    add_policy(stack, name, "writers", "allow", ["write"], {"roles": ["clerk"], "permissions": ["p", "q"]})
    add_policy(stack, name, "no_refund", "deny", ["refund"], scopes=None)
    add_policy(stack, name, "idle", "allow", ["delete"])
    stack.sql("SELECT projectalpha.update_policy(%s, 'idle', '{\"is_active\": false}')", name)
    for face in ("administrator", "agent"):
        def issued(scopes):
            if face == "administrator":
                return issue(stack, clerk, name, scopes)
            return caller.db.execute("SELECT projectalpha.issue_credential(%s, %s, %s, '1 day', api_key => %s)", [clerk, name, scopes, key]).fetchone()[0]

        token = issued(["read"])
        assert sqlstate(caller, CALLS["list"], name, token) is None and sqlstate(caller, STORE, name, token) == "42501"
        for scopes in (["write"], ["read", "write"], ["refund"], ["delete"], ["admin"]):
            with pytest.raises(stack.SqlError) as refused:
                issued(scopes)
            assert refused.value.sqlstate == "42501", scopes
        for scopes in (["no_such_scope"], [], ["agent"], ["common"], ["*"], ["READ"]):
            with pytest.raises(stack.SqlError) as refused:
                issued(scopes)
            assert refused.value.sqlstate == "22023", scopes
    # What was granted once is decided anew at each call.
    stack.sql("SELECT projectalpha.delete_policy(%s, 'readers')", name)
    assert sqlstate(caller, CALLS["list"], name, token) == "42501"
    stack.sql("SELECT projectalpha.update_agent(%s, %s)", clerk, Jsonb({"permissions": ["q", "p"]}))
    assert sqlstate(caller, STORE, name, issue(stack, clerk, name, ["write"])) is None
