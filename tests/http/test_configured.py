"""POST and GET /tool-{tool_id}: tools that begin in the common table, and may have a table of their own (spec 000)."""

import json

import pytest

from contract import (
    NO_TOOL, NOT_ALLOWED, NOT_OBJECTS, UNAUTHORIZED, expect_detail, expect_invalid, expect_json, expect_message,
    missing, negative, not_dict, not_int,
)

BODY = {"cpu": 45, "memory": 2048}
IN_COMMON_TABLE = "JSON stored in common table"


class Configured:
    def __init__(self, stack, sensitive, own_table):
        self.name, self.own_table = stack.new_name(), own_table
        self.url = f"/tool-{self.name}"
        self.token = stack.value(
            "select token from projectalpha.configure_tool(%s, %s, %s)", self.name, sensitive, own_table
        )
        self.auth = [("token", self.token)] if sensitive else []
        self.stored = f"JSON stored in table tool_{self.name}" if own_table else IN_COMMON_TABLE


@pytest.fixture(params=[False, True], ids=["common table", "own table"])
def own_table(request):
    return request.param


@pytest.fixture
def public(stack, own_table):
    return Configured(stack, False, own_table)


@pytest.fixture
def secret(stack, own_table):
    return Configured(stack, True, own_table)


def data(answer):
    assert answer.status == 200, answer
    expect_json(answer)
    return [row["data"] for row in answer.json()]


@pytest.mark.parametrize("headers", [[], [("token", "")], [("token", "wrong-token")]], ids=str)
def test_a_public_tool_takes_records_of_anybody(stack, public, headers):
    expect_message(stack.post(public.url, BODY, *headers), public.stored)
    assert data(stack.get(public.url)) == [BODY]


def test_rows_have_the_shape_of_their_table(stack, public):
    stack.post(public.url, BODY)
    [row] = stack.get(public.url).json()
    more = [] if public.own_table else ["tool_name"]
    assert list(row) == ["id", "created_at", *more, "data"] + ([] if public.own_table else ["sensitive"])


def test_a_sensitive_tool_wants_its_own_token(stack, secret):
    expect_message(stack.post(secret.url, BODY, *secret.auth), secret.stored)
    assert data(stack.get(secret.url, *secret.auth)) == [BODY]


@pytest.mark.parametrize("first_post", [False, True])
@pytest.mark.parametrize("which", ["none", "empty", "wrong", "common", "admin", "other", "bytes"])
def test_a_sensitive_tool_refuses_every_other_token(stack, secret, which, first_post):
    if not first_post:
        stack.post(secret.url, BODY, *secret.auth)
    other = Configured(stack, True, secret.own_table)
    token = {
        "empty": "", "wrong": secret.token + "x", "common": stack.common_tokens[0], "admin": stack.admin_token,
        "other": other.token, "bytes": b"\xff",
    }.get(which)
    headers = [] if token is None else [("token", token)]
    expect_detail(stack.post(secret.url, BODY, *headers), 401, UNAUTHORIZED)
    expect_detail(stack.get(secret.url, *headers), 401, UNAUTHORIZED)
    assert data(stack.get(secret.url, *secret.auth)) == ([] if first_post else [BODY])


@pytest.mark.parametrize("name", ["nothing_of_the_kind", "Upper", "a-b", "x%27%3B%20drop%20table%20x", "%00", "%ff", "x" * 60])
def test_a_tool_that_is_not_configured_is_not_found(stack, name):
    expect_detail(stack.post(f"/tool-{name}", BODY), 404, NO_TOOL)
    expect_detail(stack.get(f"/tool-{name}"), 404, NO_TOOL)


def test_a_registered_tool_is_not_configured_by_that(stack, survey):
    expect_detail(stack.get(f"/tool-{survey.name}"), 404, NO_TOOL)


def test_other_methods_are_not_allowed(stack, public):
    for method in ("DELETE", "PUT", "PATCH"):
        expect_detail(stack.http(method, public.url, [], b""), 405, NOT_ALLOWED)


@pytest.mark.parametrize("raw", NOT_OBJECTS.values(), ids=NOT_OBJECTS)
def test_a_body_that_is_not_an_object_is_reported(stack, public, raw):
    expect_invalid(stack.post(public.url, raw), not_dict("body"))
    assert data(stack.get(public.url)) == []


def test_a_missing_body_is_reported_before_the_token(stack, secret):
    expect_invalid(stack.http("POST", secret.url, [], b""), missing("body"))


def test_pages_and_the_way_to_the_next(stack, public):
    for n in range(5):
        stack.post(public.url, {"n": n})
    answer = stack.get(f"{public.url}?limit=2&offset=1")
    assert data(answer) == [{"n": 1}, {"n": 2}]
    last = answer.json()[-1]["id"]
    assert answer.header("link") == [f'<{public.url}?limit=2&after_id={last}>; rel="next"']
    assert data(stack.get(f"{public.url}?limit=9&after_id={last}")) == [{"n": 3}, {"n": 4}]
    expect_invalid(
        stack.get(f"{public.url}?limit=x&offset=-1"), not_int("query", "limit"), negative("query", "offset")
    )


def test_sensitive_rows_of_a_public_tool_are_hidden(stack):
    tool = Configured(stack, False, False)
    common = ("token", stack.common_tokens[0])
    stack.post("/common", {"secret": 1}, ("tool-name", tool.name), ("sensitive", "1"), common)
    stack.post(tool.url, BODY)
    assert data(stack.get(tool.url)) == [BODY]
    assert data(stack.get(tool.url, common)) == [{"secret": 1}, BODY]


def test_the_token_of_a_tool_opens_the_common_table_for_it_alone(stack):
    tool, other = Configured(stack, True, False), stack.new_name()
    sensitive, auth = ("sensitive", "1"), tool.auth[0]
    expect_message(stack.post("/common", BODY, ("tool-name", tool.name), sensitive, auth), IN_COMMON_TABLE)
    assert stack.post("/common", BODY, ("tool-name", other), sensitive, auth).status == 401


def test_promoted_between_two_requests(stack):
    tool = Configured(stack, True, False)
    for n in range(3):
        expect_message(stack.post(tool.url, {"n": n}, *tool.auth), IN_COMMON_TABLE)
    before = [(row["id"], row["created_at"]) for row in stack.get(tool.url, *tool.auth).json()]
    assert stack.value("select done from projectalpha.promote_tool(%s, 2)", tool.name) is False
    assert [(row["id"], row["created_at"]) for row in stack.get(tool.url, *tool.auth).json()] == before
    assert stack.value("select done from projectalpha.promote_tool(%s)", tool.name) is True
    expect_message(stack.post(tool.url, {"n": 3}, *tool.auth), f"JSON stored in table tool_{tool.name}")
    after = stack.get(tool.url, *tool.auth).json()
    assert [(row["id"], row["created_at"]) for row in after[:3]] == before
    assert [row["data"] for row in after] == [{"n": n} for n in range(4)]
    # The endpoints of spec 001 know it now, with the same token.
    assert json.loads(stack.get(f"/tools/{tool.name}", *tool.auth).body) == after


def test_no_token_is_in_an_answer(stack, secret):
    for answer in (stack.post(secret.url, BODY, *secret.auth), stack.get(secret.url, ("token", secret.token + "x"))):
        assert secret.token.encode() not in answer.body


def test_a_trailing_slash_leads_to_the_url_without_it(stack, public):
    answer = stack.get(f"{public.url}/?limit=1")
    assert (answer.status, answer.header("location")) == (307, [f"{public.url}?limit=1"])
