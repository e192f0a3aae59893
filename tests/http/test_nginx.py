"""The stack with nginx in Caddy's place (STORE_PROXY=nginx): the essentials of the same contract."""

import secrets

import pytest

from contract import (
    COMMON_UNAUTHORIZED, FORBIDDEN, NO_TOOL, NOT_ALLOWED, NOT_FOUND, TOO_LARGE, UNAUTHORIZED, expect, expect_detail,
    expect_invalid, expect_message, missing,
)
from stack import ALL_TYPES, Stack

MARK = f"leak{secrets.token_hex(8)}"
UNAVAILABLE = "Database is not available"


@pytest.fixture(scope="module")
def nginx():
    with Stack(proxy="nginx") as running:
        yield running


@pytest.fixture
def tool(nginx):
    return nginx.register(ALL_TYPES)


def test_the_life_of_a_tool(nginx, tool):
    expect_message(nginx.store(tool, {"user_id": 7, "feedback": "é"}), "Data stored successfully")
    assert [(row["user_id"], row["feedback"]) for row in nginx.rows(tool, "?limit=1&offset=0")] == [(7, "é")]
    assert nginx.rows(tool, "?offset=1") == []
    expect_message(nginx.delete(tool.path, nginx.admin), f"Tool '{tool.name}' deleted")
    expect_detail(nginx.get(tool.path), 404, NO_TOOL)


def test_tools_are_found(nginx, tool):
    assert [found["tool_name"] for found in nginx.get(f"/tools?q={tool.name}&limit=5").json()] == [tool.name]
    assert nginx.get(f"/tools?q={tool.name}&tag=none").json() == []


def test_the_common_table(nginx):
    name, sensitive = ("tool-name", nginx.new_name()), ("sensitive", "1")
    expect_message(nginx.post("/common", {"a": 1}, name), "JSON stored in common table")
    expect_message(
        nginx.post("/common", {"a": 1}, name, sensitive, ("token", nginx.common_tokens[0])),
        "JSON stored in common table",
    )
    expect_detail(nginx.post("/common", {"a": 1}, name, sensitive, ("token", "wrong")), 401, COMMON_UNAUTHORIZED)
    expect_invalid(nginx.post("/common", {"a": 1}, ("tool_name", "x")), missing("header", "tool-name"))


def test_refusals_keep_the_words_of_the_function(nginx, tool):
    expect_detail(nginx.post(tool.path, {"user_id": 1}, ("token", "wrong")), 401, UNAUTHORIZED)
    expect_detail(nginx.post(tool.path, {"user_id": 1}, ("token", b"\xff" + tool.token.encode())), 401, UNAUTHORIZED)
    expect_invalid(nginx.post(tool.path, {"user_id": 1}), missing("header", "token"))
    expect_detail(nginx.delete(tool.path, ("admin-token", "wrong")), 403, FORBIDDEN)
    expect_detail(nginx.store(tool._replace(name="unknown"), {}), 404, NO_TOOL)
    registration = {"tool_name": tool.name, "token": "a-good-token-001", "schema": []}
    assert nginx.post("/register-tool", registration, nginx.admin).status in (400, 409, 422)
    assert nginx.rows(tool) == []


def test_a_refusal_is_kept_once(nginx, tool):
    """nginx asks a second time for the words."""
    expect_detail(nginx.post(tool.path, {"user_id": 1}, ("token", "wrong")), 401, UNAUTHORIZED)
    kept = "select count(*) from projectalpha_data.access_logs where tool_name = %s"
    assert nginx.sql(kept, tool.name) == [(1,)]


def test_postgrest_s_own_words_are_not_shown(nginx, tool):
    nginx.sql("revoke execute on all functions in schema projectalpha_http from projectalpha_anon")
    try:
        expect_detail(nginx.store(tool, {"user_id": 1}), 500, "Internal Server Error")
    finally:
        nginx.sql("grant execute on all functions in schema projectalpha_http to projectalpha_anon")
    expect_message(nginx.store(tool, {"user_id": 1}), "Data stored successfully")


@pytest.mark.parametrize(
    "path",
    ["/", "/tools/a/b", "/tools//a", "//tools/a", "/Tools/x", "/%54ools/x", "/common%2F", "/rpcx"],
)
def test_an_unknown_url_is_not_found(nginx, path):
    for method in ("GET", "POST", "DELETE"):
        expect_detail(nginx.http(method, path, body=b"{}" if method == "POST" else None), 404, NOT_FOUND)


def test_an_encoded_slash_is_part_of_no_tool(nginx, tool):
    for path in (f"/tools/x%2F..%2F{tool.name}", f"/tools/%2f{tool.name}"):
        expect_detail(nginx.get(path), 404, NOT_FOUND)
    for suffix in ("%00", "%20", "%FF", "%3Flimit=1", "/%2e%2e"):
        assert nginx.store(tool._replace(name=tool.name + suffix), {}).status == 404
    assert nginx.rows(tool) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_wrong_method_is_not_allowed(nginx, method):
    for path, allowed in (("/tools/x", "DELETE, GET, POST"), ("/common", "POST"), ("/register-tool", "POST")):
        answer = nginx.http(method, path)
        expect_detail(answer, 405, NOT_ALLOWED)
        assert answer.header("allow") == [allowed]


def test_a_trailing_slash_is_redirected(nginx):
    for path, target in (("/tools/x/?limit=5&a=%20", "/tools/x?limit=5&a=%20"), ("/common/", "/common")):
        answer = nginx.get(path)
        assert (answer.status, answer.header("location")) == (307, [target])


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_one_mebibyte_is_too_large(nginx, tool, chunked):
    for path in (tool.path, "/rpc/store_record"):
        body = b'{"user_id": 1}'.ljust(1024 * 1024 + 1)
        expect_detail(nginx.http("POST", path, [tool.auth], body, chunked), 413, TOO_LARGE)
    expect_message(nginx.http("POST", tool.path, [tool.auth], body[:-1], chunked), "Data stored successfully")
    assert len(nginx.rows(tool)) == 1


def test_a_token_sent_twice_never_stores_unless_the_first_one_is_good(nginx, tool):
    """nginx 1.22 shows its configuration no more than the first (see nginx.conf)."""
    for first in ("wrong", ""):
        answer = nginx.post(tool.path, {"user_id": 1}, ("token", first), ("Token", tool.token))
        assert answer.status in (401, 422)
    answer = nginx.post(tool.path, {"user_id": 1}, ("token", f"{tool.token}, {tool.token}"))
    expect_detail(answer, 401, UNAUTHORIZED)
    assert nginx.rows(tool) == []


def test_an_empty_header_counts_as_absent(nginx, tool):
    expect_invalid(nginx.post(tool.path, {"user_id": 1}, ("token", "")), missing("header", "token"))
    expect_invalid(nginx.delete(tool.path, ("admin-token", "")), missing("header", "admin-token"))


@pytest.mark.parametrize(
    "header",
    [
        ("X-Uri", "/tools/other"), ("Prefer", "tx=rollback"), ("Content-Profile", "public"), ("Accept", "text/csv"),
        ("Authorization", "Bearer a.b.c"), ("Connection", "X-Uri, Content-Profile"), ("Range", "0-0"),
    ],
    ids=": ".join,
)
def test_other_headers_change_nothing(nginx, tool, header):
    expect_message(nginx.post(tool.path, {"user_id": 1}, tool.auth, header), "Data stored successfully")
    assert len(nginx.rows(tool)) == 1


def test_postgrest_s_own_way(nginx, tool):
    body = {"tool_name": tool.name, "token": tool.token, "payload": {"user_id": 5}}
    answer = nginx.post("/rpc/store_record", body, ("Authorization", "Bearer x"), ("Content-Profile", "projectalpha"))
    assert (answer.status, answer.json()) == (200, 1)
    answer = nginx.get(f"/rpc/list_records?tool_name={tool.name}&row_limit=1", ("Accept-Profile", "projectalpha_http"))
    assert [row["user_id"] for row in answer.json()] == [5]
    assert nginx.post("/rpc/store_record", body | {"token": "wrong"}).json()["code"]
    assert "/rpc/store_record" in nginx.get("/rpc/").json()["paths"]


@pytest.mark.parametrize("part", ["postgresql", "postgrest"])
def test_an_outage_ends_by_itself_and_no_log_holds_a_token(nginx, tool, part):
    processes = nginx.process_id("nginx")
    nginx.stop(part)
    try:
        for answer in (
            nginx.get(f"{tool.path}?token={MARK}"),
            nginx.store(tool, {"feedback": MARK}),
            nginx.delete(tool.path, ("admin-token", MARK)),
            nginx.get(f"/rpc/list_records?tool_name={tool.name}&token={MARK}"),
        ):
            expect(answer, 500, {"detail": UNAVAILABLE})
        expect_detail(nginx.get("/nothing"), 404, NOT_FOUND)
    finally:
        nginx.start(part)
    nginx.eventually(lambda: all(nginx.get(tool.path).status == 200 for _ in range(30)))
    assert nginx.process_id("nginx") == processes
    nginx.get(f"/tools/%00?token={MARK}")
    nginx.get(f"/rpc/list_records?token={MARK}")
    nginx.post(tool.path, {}, ("token", MARK * 2000))
    for name, content in nginx.logs().items():
        for secret in (MARK, tool.token, nginx.admin_token):
            assert secret.encode() not in content, name
    assert "nginx.log" in nginx.logs()


def test_the_other_endpoints(nginx, tool):
    nginx.store(tool, {"user_id": 1})
    record = f"{tool.path}/records/{nginx.rows(tool)[0]['id']}"
    assert nginx.get(record).json()["user_id"] == 1
    changed = nginx.http("PATCH", record, [tool.auth], b'{"user_id": 2}')
    assert (changed.status, changed.json()["user_id"]) == (200, 2)
    assert nginx.get(f"{tool.path}/records:count?user_id.gte=2").json() == {"count": 1}
    assert nginx.post(f"{tool.path}/records:validate", {"user_id": "x"}).json()[0]["rule"] == "type"
    expect_detail(nginx.post(f"{tool.path}/records:upsert?on_field=user_id", {"user_id": 2}, tool.auth), 400,
                  "Field 'user_id' is not declared unique")
    assert any(entry["endpoint"] == tool.path for entry in nginx.get("/tools?limit=100").json())
    assert nginx.get(f"{tool.path}/openapi.json").json()["openapi"] == "3.1.0"
    assert nginx.delete(record, tool.auth).status == 200
    expect_detail(nginx.get(record), 404, "Record not found")
    for path, method, allowed in ((record, "PUT", "DELETE, GET, PATCH"), ("/tools", "POST", "GET"), ("/tool-x", "PUT", "GET, POST"),
                                  (f"{tool.path}/records:upsert", "GET", "POST"), (f"{tool.path}/openapi.json", "POST", "GET")):
        answer = nginx.http(method, path)
        expect_detail(answer, 405, NOT_ALLOWED)
        assert answer.header("allow") == [allowed]


def test_versions_and_keys(nginx):
    name = nginx.new_name()
    token = nginx.value("select token from projectalpha.register_tool(%s, schema => %s::jsonb, versioned => true)",
                        name, '[{"name": "n", "type": "int"}]')
    auth, record = ("token", token), f"/tools/{name}/records/1"
    for _ in range(2):
        expect_message(nginx.post(f"/tools/{name}", {"n": 1}, auth, ("Idempotency-Key", "once")), "Data stored successfully")
    expect_detail(nginx.post(f"/tools/{name}", {"n": 2}, auth, ("Idempotency-Key", "once")), 409,
                  "Idempotency key was used with another payload")
    answer = nginx.get(record)
    assert answer.header("etag") == ['"1"']
    answer = nginx.get(record, ("If-None-Match", '"1"'))
    assert (answer.status, answer.body, answer.header("etag")) == (304, b"", ['"1"'])
    expect_detail(nginx.http("PATCH", record, [auth, ("If-Match", '"7"')], b'{"n": 3}'), 412, "Record 1 has version 1 now")
    assert nginx.http("PATCH", record, [auth, ("If-Match", '"1"')], b'{"n": 3}').header("etag") == ['"2"']


def test_configured_tools(nginx):
    name = nginx.new_name()
    nginx.sql("select projectalpha.configure_tool(%s)", name)
    expect_message(nginx.post(f"/tool-{name}", {"a": 1}), "JSON stored in common table")
    assert len(nginx.get(f"/tool-{name}").json()) == 1
    expect_detail(nginx.get("/tool-no_such_tool"), 404, NO_TOOL)
    expect_detail(nginx.get("/tool-%00"), 404, NO_TOOL)


def test_a_tool_that_is_full(nginx):
    name = nginx.new_name()
    token = nginx.value("select token from projectalpha.register_tool(%s, schema => '[]', max_records => 1)", name)
    assert nginx.post(f"/tools/{name}", {}, ("token", token)).status == 200
    expect_detail(nginx.post(f"/tools/{name}", {}, ("token", token)), 507, f"Tool '{name}' is full")
