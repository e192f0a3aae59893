"""Which URLs and methods there are, and headers that try to get round the rules."""

from urllib.parse import urljoin, urlsplit

import pytest

from contract import (
    COMMON_UNAUTHORIZED, FORBIDDEN, NO_TOOL, NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED, expect_detail, expect_json,
    expect_message,
)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]
URLS = {
    "/register-tool": {"POST"}, "/common": {"POST"}, "/tools/x": {"GET", "POST", "DELETE"}, "/tools": {"GET"},
    "/tools/x/openapi.json": {"GET"},
}


@pytest.mark.parametrize(
    "path",
    [
        "/", "/?limit=1", "/nothing", "/tools/a/b", "/tools/a/openapi.jsonx", "/tools/a/openapi_json", "/tools/a/b/c", "/tools//a", "//tools/a",
        "/toolsx/a", "/xtools/a", "/x/tools/a", "/register-tool/x", "/common/x", "/commonx", "/xcommon",
        "/register_tool", "/registered_tools", "/multiple_tools", "/docs", "/rpcx", "/.env",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_url_is_not_found(stack, method, path):
    expect_detail(stack.http(method, path, body=b"{}" if method == "POST" else None), 404, NOT_FOUND)


@pytest.mark.parametrize("path", ["/Common", "/COMMON", "/Register-Tool", "/Tools/x", "/TOOLS/x", "/%54ools/x"])
def test_paths_are_case_sensitive(stack, path):
    expect_detail(stack.post(path, {}, stack.admin, ("tool-name", "x")), 404, NOT_FOUND)


@pytest.mark.parametrize(
    "method, path", [(method, url) for url, known in URLS.items() for method in METHODS if method not in known]
)
def test_a_wrong_method_is_not_allowed(stack, method, path):
    answer = stack.http(method, path, [stack.admin, ("tool-name", "x"), ("token", "x")])
    if method == "HEAD":  # has the headers of an answer, but no body
        assert (answer.status, answer.body) == (405, b"")
        assert answer.header("content-type") == ["application/json"]
    else:
        expect_detail(answer, 405, NOT_ALLOWED)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH"])
def test_a_wrong_method_on_a_real_tool_does_nothing(stack, survey, method):
    stack.store(survey, {"user_id": 1})
    answer = stack.http(method, survey.path, [survey.auth, stack.admin], b'{"user_id": 2}')
    assert answer.status == 405
    assert [row["user_id"] for row in stack.rows(survey)] == [1]


def test_a_browser_s_question_before_a_call_is_not_answered_by_postgrest(stack, survey):
    headers = [("Origin", "https://example.com"), ("Access-Control-Request-Method", "POST")]
    answer = stack.http("OPTIONS", survey.path, headers)
    expect_detail(answer, 405, NOT_ALLOWED)


@pytest.mark.parametrize(
    "method, path, target",
    [
        ("GET", "/tools/x/", "/tools/x"),
        ("GET", "/tools/x/?limit=5&offset=a%20b", "/tools/x?limit=5&offset=a%20b"),
        ("POST", "/tools/x/", "/tools/x"),
        ("DELETE", "/tools/x/", "/tools/x"),
        ("POST", "/register-tool/", "/register-tool"),
        ("POST", "/common/", "/common"),
    ],
)
def test_a_trailing_slash_is_redirected(stack, method, path, target):
    answer = stack.http(method, path, [stack.admin], b"{}" if method == "POST" else None)
    assert answer.status == 307
    (location,) = answer.header("location")
    assert urljoin(stack.url + path, location) == stack.url + target


@pytest.mark.parametrize("path", ["//evil.example/", "/tools//evil.example/", "/%2Fevil.example/", "/tools/%0d%0aX:y/"])
def test_a_redirect_never_leaves_the_host_or_breaks_the_headers(stack, path):
    answer = stack.get(path)
    assert answer.status in (307, 404)
    for location in answer.header("location"):
        assert urlsplit(urljoin(stack.url, location)).netloc == urlsplit(stack.url).netloc
    assert not answer.header("x")


def test_an_encoded_name_is_decoded(stack, survey):
    head, last = survey.path[:-1], survey.path[-1]
    for path in (f"{head}%{ord(last):02x}", survey.path.replace("_", "%5F"), survey.path.replace("_", "%5f")):
        expect_message(stack.post(path, {"user_id": 1}, survey.auth), "Data stored successfully")
        assert stack.get(path).status == 200
    assert len(stack.rows(survey)) == 3


@pytest.mark.parametrize(
    "path",
    [
        "/tools/a%2Fb", "/tools/a%2fb", "/tools/%2F", "/tools/x%2F..%2F{name}", "/tools/{name}%2F", "/tools/%2F{name}",
        "/%2Ftools/{name}",
    ],
)
def test_an_encoded_slash_is_part_of_no_tool(stack, survey, path):
    path = path.format(name=survey.name)
    for answer in (stack.get(path), stack.post(path, {}, survey.auth), stack.delete(path, stack.admin)):
        assert answer.status == 404, answer
        expect_json(answer)
        assert answer.json()["detail"] in (NOT_FOUND, NO_TOOL)
    assert stack.rows(survey) == []


@pytest.mark.parametrize(
    "suffix", ["%00", "%20", "%0A", "%FF", "%C0%AF", "%ED%A0%80", "%2500", "+", "%27", "%22", "%3B", ";x", "%3Flimit=1"]
)
def test_a_strange_name_is_no_tool(stack, survey, suffix):
    path = survey.path + suffix
    expect_detail(stack.get(path), 404, NO_TOOL)
    expect_detail(stack.post(path, {}, survey.auth), 404, NO_TOOL)
    expect_detail(stack.delete(path, stack.admin), 404, NO_TOOL)


def pairs(good, bad):
    return [[good, bad], [bad, good], [good, good], [good, ""], ["", good]]


def test_a_token_sent_twice_is_unauthorized(stack, survey):
    for values in pairs(survey.token, "wrong-token"):
        for second in ("token", "Token"):
            headers = [("token", values[0]), (second, values[1])]
            expect_detail(stack.post(survey.path, {"user_id": 1}, *headers), 401, UNAUTHORIZED)
    assert stack.rows(survey) == []


def test_an_admin_token_sent_twice_is_forbidden(stack, survey):
    body = {"tool_name": stack.new_name(), "token": "a-good-token-001", "schema": []}
    before = stack.footprint()
    for values in pairs(stack.admin_token, "wrong-admin"):
        headers = [("admin-token", value) for value in values]
        expect_detail(stack.post("/register-tool", body, *headers), 403, FORBIDDEN)
        expect_detail(stack.delete(survey.path, *headers), 403, FORBIDDEN)
    assert stack.footprint() == before


def test_a_common_token_sent_twice_is_unauthorized(stack):
    for values in pairs(stack.common_tokens[0], "wrong-token"):
        headers = [("token", value) for value in values]
        answer = stack.post("/common", {}, ("tool-name", "twice"), ("sensitive", "1"), *headers)
        expect_detail(answer, 401, COMMON_UNAUTHORIZED)


def test_a_token_that_lists_the_good_one_is_unauthorized(stack, survey):
    good = survey.token
    for value in (f"{good},{good}", f"{good}, wrong", f'"{good}"', f"Bearer {good}"):
        expect_detail(stack.post(survey.path, {"user_id": 1}, ("token", value)), 401, UNAUTHORIZED)


@pytest.mark.parametrize(
    "header", ["X-Uri", "X-Original-Uri", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Prefix"]
)
def test_a_forged_target_is_ignored(stack, survey, header):
    other = stack.register()
    stack.store(survey, {"user_id": 1})
    stack.store(other, {"user_id": 2})
    for target in (other.path, f"{other.path}?limit=0"):
        assert [row["user_id"] for row in stack.get(survey.path, (header, target)).json()] == [1]
        assert [row["user_id"] for row in stack.get(survey.path, (header, ""), (header, target)).json()] == [1]
    expect_detail(stack.post(survey.path, {}, (header, other.path), other.auth), 401, UNAUTHORIZED)
    answer = stack.delete(survey.path, (header, other.path), stack.admin)
    expect_message(answer, f"Tool '{survey.name}' deleted")
    assert len(stack.rows(other)) == 1


@pytest.mark.parametrize(
    "header",
    [
        ("Prefer", "tx=rollback"), ("Prefer", "return=minimal"), ("Prefer", "params=multiple-objects"),
        ("Prefer", "missing=default,resolution=merge-duplicates"), ("Content-Profile", "public"),
        ("Accept-Profile", "public"), ("Accept", "text/csv"), ("Authorization", "Bearer a.b.c"),
        ("Authorization", "Basic eDp5"), ("Range", "0-0"), ("X-HTTP-Method-Override", "DELETE"),
        ("Connection", "X-Uri"),
        ("Connection", "Content-Profile, Content-Type, Accept"), ("Connection", "close, Host"), ("TE", "trailers"),
    ],
    ids=": ".join,
)
def test_words_of_postgrest_change_nothing_in_a_store(stack, survey, header):
    answer = stack.post(survey.path, {"user_id": 1}, survey.auth, header)
    expect_message(answer, "Data stored successfully")
    assert [row["user_id"] for row in stack.rows(survey)] == [1]


@pytest.mark.parametrize("query", ["?columns=a", "?select=id", "?limit=x", "?token=x", "?tool_id=other", "?"])
def test_a_query_changes_nothing_in_a_store(stack, survey, query):
    answer = stack.post(survey.path + query, {"user_id": 1}, survey.auth)
    expect_message(answer, "Data stored successfully")
    assert len(stack.rows(survey)) == 1


@pytest.mark.parametrize("placeholder", ["{http.request.header.X-Value}", "{header.x-value}", "{vars.token}"])
def test_placeholders_of_the_proxy_are_not_filled_in(stack, survey, placeholder):
    answer = stack.post(survey.path, {}, ("token", placeholder), ("X-Value", survey.token))
    expect_detail(answer, 401, UNAUTHORIZED)
    answer = stack.delete(survey.path, ("admin-token", placeholder), ("X-Value", stack.admin_token))
    expect_detail(answer, 403, FORBIDDEN)
    expect_detail(stack.get(f"/tools/{placeholder}", ("X-Value", survey.name)), 404, NO_TOOL)


@pytest.mark.parametrize(
    "token", ["{http.request.method}", "{env.HOME}", "a,b,c,d,e", "two  words", "~!@#$%^&*()_+|\"'\\", "tökén-日本-🔑"]
)
def test_a_token_may_hold_any_characters_that_a_header_can(stack, token):
    name = stack.new_name()
    body = {"tool_name": name, "token": token, "schema": []}
    assert stack.post("/register-tool", body, stack.admin).status == 200
    expect_message(stack.post(f"/tools/{name}", {}, ("token", token.encode())), "Data stored successfully")
