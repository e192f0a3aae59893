"""GET /tools and GET /tools/{tool_id}/openapi.json: who sees what of which tool."""

import pytest

from contract import FORBIDDEN, NO_TOOL, NOT_ALLOWED, UNAUTHORIZED, expect_detail, expect_invalid, negative, not_int

WRONG = "a-wrong-token-0001"
FIELDS = [{"name": "user_id", "type": "int"}, {"name": "note", "type": "string"}]


@pytest.fixture(scope="module")
def public(own_stack):
    return register(own_stack, "a_public", "token-of-public-1", description="Says \"hello\"")


@pytest.fixture(scope="module")
def secret(own_stack):
    return register(own_stack, "b_secret", "token-of-secret-1", sensitive=True, description="Nobody's business")


@pytest.fixture(scope="module")
def other(own_stack):
    return register(own_stack, "c_other", "token-of-other-01", sensitive=True)


@pytest.fixture
def stack(own_stack, public, secret, other):
    """A stack with three tools, and only those."""
    return own_stack


def register(stack, name, token, sensitive=False, description=None):
    stack.sql(
        """select projectalpha.register_tool(tool_name => %s, token => %s, sensitive => %s, description => %s,
               schema => '[{"name": "user_id", "type": "int"}, {"name": "note", "type": "string"}]')""",
        name, token, sensitive, description,
    )
    return name


def listed(stack, query="", *headers):
    """The tools of an answer by their names."""
    answer = stack.get("/tools" + query, *headers)
    assert answer.status == 200 and answer.header("content-type") == ["application/json"], answer
    return {tool["tool_name"]: tool for tool in answer.json()}


def open_ones(stack, *headers):
    return [name for name, tool in listed(stack, "", *headers).items() if "fields" in tool]


def test_what_everybody_sees(stack):
    tools = listed(stack)
    assert list(tools) == ["a_public", "b_secret", "c_other"]
    created_at = tools["a_public"].pop("created_at")
    assert created_at.startswith("20") and "+" not in created_at
    assert tools["a_public"] == {
        "tool_name": "a_public", "endpoint": "/tools/a_public", "sensitive": False,
        "token_kind": "tool token to write; reading is public", "fields": FIELDS, "description": "Says \"hello\"",
    }
    assert tools["b_secret"] == {
        "tool_name": "b_secret", "endpoint": "/tools/b_secret", "sensitive": True, "token_kind": "tool token to write and to read",
    }


def test_a_token_opens_its_own_tool_alone(stack):
    assert open_ones(stack) == ["a_public"]
    assert open_ones(stack, ("token", "token-of-secret-1")) == ["a_public", "b_secret"]
    assert open_ones(stack, ("token", "token-of-public-1")) == ["a_public"]
    assert open_ones(stack, ("token", WRONG)) == ["a_public"]
    assert open_ones(stack, ("token", "")) == ["a_public"]
    assert open_ones(stack, ("token", stack.admin_token)) == ["a_public"]
    assert listed(stack, "", ("token", "token-of-secret-1"))["b_secret"]["description"] == "Nobody's business"


def test_the_admin_token_opens_all(stack):
    assert open_ones(stack, stack.admin) == ["a_public", "b_secret", "c_other"]
    for wrong in (WRONG, "", "token-of-secret-1", stack.common_tokens[0]):
        expect_detail(stack.get("/tools", ("admin-token", wrong)), 403, FORBIDDEN)


def test_a_revoked_or_expired_token_opens_nothing(stack):
    change = "update projectalpha.credentials set {} where tool_id = (select id from projectalpha.tools where tool_name = 'c_other')"
    token = ("token", "token-of-other-01")
    assert "c_other" in open_ones(stack, token)
    stack.sql(change.format("expires_at = now() - interval '1 s'"))
    assert "c_other" not in open_ones(stack, token)
    expect_detail(stack.get("/tools/c_other/openapi.json", token), 401, UNAUTHORIZED)
    stack.sql(change.format("expires_at = null, scopes = '{write}'"))
    assert "c_other" not in open_ones(stack, token)
    stack.sql(change.format("scopes = '{read,write}', revoked_at = now()"))
    assert "c_other" not in open_ones(stack, token)
    stack.sql(change.format("revoked_at = null"))
    assert "c_other" in open_ones(stack, token)


@pytest.mark.parametrize(
    "query, names, following",
    [
        ("?limit=2", ["a_public", "b_secret"], "/tools?limit=2&after=b_secret"),
        ("?limit=2&after=b_secret", ["c_other"], None),
        ("?limit=3", ["a_public", "b_secret", "c_other"], None),
        ("?limit=1000", ["a_public", "b_secret", "c_other"], None),
        ("?limit=0", [], None),
        ("?after=c_other", [], None),
        ("?after=b", ["b_secret", "c_other"], None),
        ("?after=b_secret%00c", ["c_other"], None),
        ("?after=", ["a_public", "b_secret", "c_other"], None),
        ("?after=%27%20OR%20true--", ["a_public", "b_secret", "c_other"], None),
    ],
)
def test_pages(stack, query, names, following):
    assert list(listed(stack, query)) == names
    assert stack.get("/tools" + query).header("link") == ([f'<{following}>; rel="next"'] if following else [])


def test_bad_pages(stack):
    expect_invalid(stack.get("/tools?limit=x"), not_int("query", "limit"))
    expect_invalid(stack.get("/tools?limit=-1"), negative("query", "limit"))


def test_the_document_of_a_public_tool(stack):
    for headers in ([], [("token", WRONG)], [("admin-token", WRONG)]):
        answer = stack.get("/tools/a_public/openapi.json", *headers)
        assert answer.status == 200 and answer.header("content-type") == ["application/json"], answer
        document = answer.json()
        assert document["info"]["title"] == "a_public" and document["servers"] == [{"url": "/"}]
    assert document == stack.value("select projectalpha.tool_document('a_public')")


def test_the_document_of_a_sensitive_tool(stack):
    path = "/tools/b_secret/openapi.json"
    for headers in ([], [("token", WRONG)], [("token", "")], [("token", "token-of-public-1")], [("token", stack.admin_token)]):
        expect_detail(stack.get(path, *headers), 401, UNAUTHORIZED)
    expect_detail(stack.get(path, ("admin-token", WRONG)), 403, FORBIDDEN)
    for headers in ([("token", "token-of-secret-1")], [stack.admin]):
        assert stack.get(path, *headers).status == 200


@pytest.mark.parametrize("name", ["no_such_tool", "A_PUBLIC", "%27", "%00", "..%2fa_public"])
def test_no_document(stack, name):
    answer = stack.get(f"/tools/{name}/openapi.json")
    if name == "..%2fa_public":
        assert answer.status == 404
    else:
        expect_detail(answer, 404, NO_TOOL)


def test_other_methods(stack):
    for path in ("/tools", "/tools/a_public/openapi.json"):
        for method in ("POST", "PUT", "DELETE"):
            answer = stack.http(method, path, [], b"{}")
            expect_detail(answer, 405, NOT_ALLOWED)
            assert answer.header("allow") == ["GET"]


def test_no_secret_is_shown(stack):
    shown = stack.get("/tools", stack.admin).body + b"".join(
        stack.get(f"/tools/{name}/openapi.json", stack.admin).body for name in ("a_public", "b_secret", "c_other")
    )
    for secret in (stack.admin_token, "token-of-public-1", "token-of-secret-1", "token-of-other-01", *stack.common_tokens):
        assert secret.encode() not in shown


def test_a_tool_that_is_deleted_is_gone(stack):
    register(stack, "d_brief", "token-of-brief-1")
    assert "d_brief" in listed(stack)
    assert stack.get("/tools/d_brief/openapi.json").status == 200
    assert stack.delete("/tools/d_brief", stack.admin).status == 200
    assert "d_brief" not in listed(stack)
    expect_detail(stack.get("/tools/d_brief/openapi.json"), 404, NO_TOOL)
