"""No token and no payload appears in any log, whatever happens."""

import secrets
from threading import Thread
from urllib.parse import quote

import pytest

from stack import ALL_TYPES, Tool

MARK = f"leak{secrets.token_hex(8)}"  # in every token and every payload of this module
WRONG = f"wrong-{MARK}"


@pytest.fixture(scope="module")
def tool(own_stack):
    """A tool whose token has the mark, and whose table refuses some rows."""
    tool = Tool("watched", f"tool-{MARK}")
    body = {"tool_name": tool.name, "token": tool.token, "schema": ALL_TYPES}
    assert own_stack.post("/register-tool", body, own_stack.admin).status == 200
    own_stack.sql("alter table projectalpha_data.tool_watched add constraint positive check (user_id > 0)")
    return tool


@pytest.fixture
def no_leak(own_stack):
    before = own_stack.logs()
    yield
    hidden = [MARK, own_stack.admin_token, own_stack.common_tokens[0]]
    needles = [form for text in hidden for form in (text.encode(), text.encode().hex().encode())]
    for name, content in own_stack.logs().items():
        new = content.removeprefix(before.get(name, b""))
        lines = [line for line in new.splitlines() if any(needle in line for needle in needles)]
        assert lines == [], name


def drop_in_calls(stack, tool):
    good, bad = {"user_id": 1, "feedback": MARK}, {"user_id": MARK}
    registration = {"tool_name": tool.name, "token": WRONG, "schema": [{"name": MARK, "type": MARK}]}
    sensitive = [("tool-name", "watched"), ("sensitive", "1")]
    raw = MARK.encode()
    return [
        stack.store(tool, good),
        stack.store(tool, bad),
        stack.store(tool, {"user_id": -1, "feedback": MARK}),
        stack.store(tool, {"seen_at": MARK}),
        stack.post(tool.path, b'{"feedback": "' + raw, tool.auth),
        stack.post(tool.path, b'{"feedback": "\\u0000' + raw + b'"}', tool.auth),
        stack.post(tool.path, b'{"feedback": "\xff' + raw + b'"}', tool.auth),
        stack.post(tool.path, b"[" * 100_000 + raw, tool.auth),
        stack.post(tool.path, {"feedback": MARK + "x" * 1024 * 1024}, tool.auth),
        stack.http("POST", tool.path, [tool.auth], b'{"feedback": "%s"}' % (raw * 70_000), chunked=True),
        stack.post(tool.path, good, ("token", WRONG)),
        stack.post(tool.path, good, ("token", WRONG), ("token", tool.token)),
        stack.post(tool.path, good, ("token", b"\xff" + WRONG.encode())),
        stack.post(tool.path, good, ("token", WRONG * 600)),
        stack.post(tool.path, good, ("authorization", f"Bearer {WRONG}"), ("cookie", WRONG)),
        stack.post(f"{tool.path}?token={WRONG}", good, tool.auth),
        stack.get(f"{tool.path}?token={WRONG}", tool.auth),
        stack.get(f"/nothing?token={WRONG}", tool.auth, stack.admin),
        stack.http("PUT", f"{tool.path}?token={WRONG}", [tool.auth, stack.admin], b"{}"),
        stack.post("/register-tool", registration, stack.admin),
        stack.post("/register-tool", registration, ("admin-token", WRONG)),
        stack.post("/register-tool", registration | {"schema": []}, stack.admin),
        stack.post("/register-tool", b'{"token": "' + raw, stack.admin),
        stack.post("/common", good, *sensitive, ("token", stack.common_tokens[0])),
        stack.post("/common", good, *sensitive, ("token", WRONG)),
        stack.post("/common", good, ("tool-name", MARK * 3)),
        stack.delete("/tools/unknown", stack.admin),
        stack.delete(tool.path, ("admin-token", WRONG)),
    ]


def native_calls(stack, tool):
    def call(function, **arguments):
        return stack.post(f"/rpc/{function}", {"tool_name": tool.name} | arguments)

    good = {"user_id": 1, "feedback": MARK}
    raw = MARK.encode()
    return [
        call("store_record", token=tool.token, payload=good),
        call("store_record", token=WRONG, payload=good),
        call("store_record", token=tool.token, payload={"user_id": MARK}),
        call("store_record", token=tool.token, payload={"user_id": -1, "feedback": MARK}),
        call("store_record", token=tool.token, payload=[MARK]),
        call("store_record", token=tool.token, payload={"feedback": MARK + "\0" + MARK}),
        call("store_record", token=tool.token, payload=good, unknown=WRONG),
        call("list_records", token=WRONG, row_limit="x"),
        call("register_tool", token=WRONG, schema=[{"name": "a", "type": "int"}], admin_token=stack.admin_token),
        call("register_tool", token=WRONG, schema=MARK, admin_token=stack.admin_token),
        call("store_common", payload=good, sensitive=True, token=stack.common_tokens[0]),
        call("store_common", payload=good, sensitive=True, token=WRONG),
        call("delete_tool", admin_token=WRONG),
        stack.post("/rpc/set_admin_token", {"token": WRONG}),
        stack.post("/rpc/store_record", b'{"token": "' + raw),
        stack.post("/rpc/store_record", b'{"token": "%s", "payload": {"a": "%s\\ud800%s"}}' % (raw, raw, raw)),
        stack.post("/rpc/store_record", b'{"tool_name": "watched", "payload": {}, "token": "%s\\u0000"}' % raw),
        stack.post("/rpc/store_record", b'{"token": "%s", "payload": {"%s": 1e999999}}' % (raw, raw)),
        stack.post("/rpc/store_record", b'{"token": "%s", "payload": %s}' % (raw, b"[" * 100_000 + b"]" * 100_000)),
        stack.post("/rpc/store_record", b'{"token": "\xff' + raw + b'"}'),
        stack.post("/rpc/store_record", {"tool_name": tool.name, "token": WRONG}, ("Authorization", f"Bearer {WRONG}")),
        stack.get(f"/rpc/list_records?tool_name={tool.name}&token={tool.token}"),
        stack.get(f"/rpc/list_records?tool_name=unknown&token={WRONG}"),
        stack.get(f"/rpc/list_records?tool_name={tool.name}&row_limit=x&token={WRONG}"),
        stack.get(f"/rpc/store_record?tool_name={tool.name}&token={tool.token}&payload={quote('{}')}"),
        stack.get(f"/rpc/unknown?token={WRONG}"),
        stack.get(f"/rpc/{WRONG}"),
        stack.get(f"/rpc/?token={WRONG}"),
    ]


CALLS = pytest.mark.parametrize("calls", [drop_in_calls, native_calls])


@pytest.mark.usefixtures("no_leak")
@CALLS
def test_nothing_leaks_while_all_is_well(own_stack, tool, calls):
    answers = calls(own_stack, tool)
    assert answers[0].status == 200
    assert {answer.status // 100 for answer in answers} >= {2, 4}


@pytest.fixture
def every_statement_logged(own_stack):
    """What a DBA may turn on to find slow statements."""
    settings = {"log_statement": "'all'", "log_min_duration_statement": "0", "log_connections": "on"}
    for name, value in settings.items():
        own_stack.sql(f"alter system set {name} = {value}")
    own_stack.sql("select pg_reload_conf()")
    own_stack.eventually(lambda: own_stack.value("show log_statement") == "all")
    yield
    own_stack.sql("alter system reset all")
    own_stack.sql("select pg_reload_conf()")


@pytest.mark.usefixtures("no_leak", "every_statement_logged")
@CALLS
def test_nothing_leaks_even_when_every_statement_is_logged(own_stack, tool, calls):
    before = own_stack.logs()["postgresql.log"]
    assert calls(own_stack, tool)[0].status == 200
    assert b"pgrst_source" in own_stack.logs()["postgresql.log"].removeprefix(before)


@pytest.mark.usefixtures("no_leak")
@pytest.mark.parametrize("part", ["postgresql", "postgrest"])
@CALLS
def test_nothing_leaks_during_an_outage(own_stack, tool, calls, part):
    own_stack.stop(part)
    try:
        answers = calls(own_stack, tool)
    finally:
        own_stack.start(part)
        own_stack.eventually(lambda: own_stack.get(tool.path).status == 200)
    assert answers[0].status == 500


@pytest.mark.usefixtures("no_leak")
@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
@pytest.mark.parametrize("native", [False, True], ids=["drop-in", "native"])
def test_nothing_leaks_when_a_store_is_interrupted(own_stack, tool, native, how):
    stack, answers = own_stack, []

    def store():
        payload = {"user_id": 1, "feedback": MARK}
        if native:
            body = {"tool_name": tool.name, "token": tool.token, "payload": payload}
            answers.append(stack.post("/rpc/store_record", body))
        else:
            answers.append(stack.store(tool, payload))

    waiting = "from pg_stat_activity where usename = 'authenticator' and wait_event_type = 'Lock'"
    with stack.connect() as holder:
        holder.execute("lock table projectalpha_data.tool_watched in access exclusive mode")
        thread = Thread(target=store)
        thread.start()
        stack.eventually(lambda: stack.value(f"select count(*) {waiting}") == 1)
        stack.sql(f"select {how}(pid) {waiting}")
        thread.join()
    (answer,) = answers
    assert answer.status >= 500 and MARK.encode() not in answer.body
    assert b"due to" in stack.logs()["postgresql.log"]
    stack.eventually(lambda: stack.get(tool.path).status == 200)


@pytest.mark.usefixtures("no_leak")
def test_nothing_leaks_when_a_table_is_missing(own_stack):
    tool = Tool("bereft", f"tool-{MARK}")
    body = {"tool_name": tool.name, "token": tool.token, "schema": ALL_TYPES}
    assert own_stack.post("/register-tool", body, own_stack.admin).status == 200
    own_stack.sql("drop table projectalpha_data.tool_bereft")
    answer = own_stack.store(tool, {"feedback": MARK})
    assert answer.status == 500 and list(answer.json()) == ["detail"] and MARK.encode() not in answer.body
    assert own_stack.get(tool.path).status == 500


@pytest.mark.usefixtures("no_leak")
@pytest.mark.parametrize(
    "call",
    [
        "store_record('watched', '{wrong}', '{{}}')",
        "store_record('watched', '{token}', '{{\"user_id\": \"{mark}\"}}')",
        "store_record('watched', '{token}', '{{\"user_id\": -1, \"feedback\": \"{mark}\"}}')",
        "store_record('watched', '{token}', '[\"{mark}\"]')",
        "list_records('unknown', token => '{wrong}')",
        "delete_tool('unknown', admin_token => '{wrong}')",
        "register_tool('watched', '{wrong}', '[]')",
        "store_common('', '{{\"a\": \"{mark}\"}}', true, '{wrong}')",
        "set_admin_token('{mark}\n')",
        "add_common_token('{mark}\n')",
        "revoke_token('{wrong}')",
    ],
)
def test_nothing_leaks_when_a_statement_in_sql_fails(own_stack, tool, call):
    text = call.format(wrong=WRONG, token=tool.token, mark=MARK)
    before = len(own_stack.logs()["postgresql.log"])
    with pytest.raises(own_stack.SqlError) as raised:
        own_stack.sql(f"select projectalpha.{text}")
    assert MARK not in str(raised.value.diag.message_primary) + str(raised.value.diag.message_detail)
    assert b"ERROR" in own_stack.logs()["postgresql.log"][before:]


def test_the_logs_that_were_searched_are_those_of_all_three(own_stack, tool):
    own_stack.stop("postgrest")
    own_stack.get(tool.path)
    own_stack.start("postgrest")
    logs = own_stack.logs()
    assert b"database system is ready" in logs["postgresql.log"]
    assert b"Starting PostgREST" in logs["postgrest.log"]
    assert b"server running" in logs["caddy.log"]
