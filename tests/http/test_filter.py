"""GET /tools/{tool_id} with filters, order and cursor in the query, and the links that carry them."""

import json
import re
from urllib.parse import quote, urlencode

import pytest

from contract import NO_TOOL, UNAUTHORIZED, expect, expect_detail, expect_invalid, not_int
from stack import ALL_TYPES

LINK = re.compile(r'<(/tools/[^>]+)>; rel="next"')

RECORDS = [
    {"user_id": 1, "feedback": "a", "happy": True, "score": 0.1, "extra": {"k": [1, 2]}, "seen_at": "2026-01-01T00:00:00.000001"},
    {"user_id": 2, "feedback": "a,b&c=d", "happy": False, "score": 1.5, "extra": [1], "seen_at": "2026-01-01T00:00:00.000002"},
    {"user_id": 3, "feedback": "100% ü", "happy": True, "score": -2.0, "extra": "x", "seen_at": "2026-01-02T00:00:00"},
    {"user_id": 4, "feedback": "", "happy": None, "score": 1e300, "extra": 5, "seen_at": None},
    {},
]


@pytest.fixture(scope="module")
def filled(stack):
    tool = stack.register(ALL_TYPES)
    stack.sql("select projectalpha.store_records(%s, %s, %s::jsonb)", tool.name, tool.token, json.dumps(RECORDS))
    return tool


def found(stack, tool, *parameters):
    """The user ids of one page; parameters are encoded here."""
    return [row["user_id"] for row in stack.rows(tool, "?" + urlencode(parameters))]


def walk(stack, path, *headers):
    """The user ids of each page, following the links."""
    pages = []
    while path is not None:
        answer = stack.get(path, *headers)
        assert answer.status == 200, answer
        pages.append([row["user_id"] for row in answer.json()])
        links = answer.header("link")
        path = LINK.fullmatch(links[0])[1] if links else None
    return pages


@pytest.mark.parametrize(("parameters", "users"), [
    ([("user_id.eq", "2")], [2]),
    ([("user_id.ne", "2")], [1, 3, 4]),
    ([("user_id.gte", "2"), ("user_id.lt", "4")], [2, 3]),
    ([("user_id.gt", "1"), ("user_id.gt", "3")], [4]),
    ([("user_id.in", "1"), ("user_id.in", "3"), ("user_id.in", "99")], [1, 3]),
    ([("user_id.is_null", "true")], [None]),
    ([("user_id.is_null", "false")], [1, 2, 3, 4]),
    ([("feedback.eq", "")], [4]),
    ([("feedback.eq", "a,b&c=d")], [2]),
    ([("feedback.in", "a,b&c=d"), ("feedback.in", "a")], [1, 2]),
    ([("feedback.like", "a%")], [1, 2]),
    ([("feedback.like", "100\\%_ü")], [3]),
    ([("feedback.eq", "'; drop table projectalpha.tools; --")], []),
    ([("happy.eq", "true")], [1, 3]),
    ([("score.lte", "1.5")], [1, 2, 3]),
    ([("score.eq", "0.1")], [1]),
    ([("score.eq", "1e300")], [4]),
    ([("extra.contains", '{"k": [2]}')], [1]),
    ([("extra.eq", '"x"')], [3]),
    ([("extra.in", "5"), ("extra.in", "[1]")], [2, 4]),
    ([("seen_at.gt", "2026-01-01T00:00:00.000001Z")], [2, 3]),
    ([("seen_at.eq", "2026-01-01T05:30:00.000001+05:30")], [1]),
    ([("id.in", "1"), ("id.in", "5")], [1, None]),
    ([("created_at.gt", "2020-01-01")], [1, 2, 3, 4, None]),
    ([("user_id.gte", "1"), ("limit", "2"), ("offset", "1")], [2, 3]),
    ([("order_by", "-user_id")], [None, 4, 3, 2, 1]),
    ([("order_by", "score"), ("happy.is_null", "false")], [3, 1, 2]),
    ([("order_by", "score"), ("order_by", "-id")], [None, 4, 3, 2, 1]),
])
def test_what_is_found(stack, filled, parameters, users):
    assert found(stack, filled, *parameters) == users


def test_names_may_be_encoded_too(stack, filled):
    assert [row["user_id"] for row in stack.rows(filled, "?user%5Fid%2Egte=4&feedback.eq=")] == [4]


def test_parameters_without_a_dot_are_ignored_as_ever(stack, filled):
    assert len(stack.rows(filled, "?user_id=2&select=id&order=user_id&filter=x&=&x")) == 5


def test_parameters_that_name_neither_field_nor_operator_are_ignored_too(stack, filled):
    answer = stack.get(f"{filled.path}?limit=1&not.id=eq.1&utm.source=x&.=&%3E.%0D%0A=y&user_id.gt=2")
    assert [row["user_id"] for row in answer.json()] == [3]
    link = LINK.fullmatch(answer.header("link")[0])[1]
    assert "%3E.%0D%0A=y" in link
    assert walk(stack, link) == [[4]]


@pytest.mark.parametrize(("query", "detail"), [
    ("userid.eq=1", "Unknown field 'userid'"),
    (".eq=1", "Unknown field ''"),
    ("ctid.eq=1", "Unknown field 'ctid'"),
    ("user_id.=1", "Unknown operator '' for field 'user_id'"),
    ("user_id.between=1", "Unknown operator 'between' for field 'user_id'"),
    ("user_id.eq.eq=1", "Unknown operator 'eq.eq' for field 'user_id'"),
    ("user_id.like=1", "Operator 'like' does not fit field 'user_id' of type int"),
    ("happy.gt=true", "Operator 'gt' does not fit field 'happy' of type bool"),
    ("user_id.eq=x", "Operator 'eq' of field 'user_id' expected a value of type int"),
    ("user_id.eq=1.0", "Operator 'eq' of field 'user_id' expected a value of type int"),
    ("user_id.eq", "Operator 'eq' of field 'user_id' expected a value of type int"),
    ("user_id.in=1,2", "Operator 'in' of field 'user_id' expected 1 to 1000 values of type int"),
    ("score.eq=NaN", "Operator 'eq' of field 'score' expected a value of type float"),
    ("happy.eq=1", "Operator 'eq' of field 'happy' expected a value of type bool"),
    ("seen_at.eq=2026-01-01T00:00:00+05:30", "Operator 'eq' of field 'seen_at' expected a value of type timestamp"),  # + is a blank
    ("seen_at.eq=yesterday", "Operator 'eq' of field 'seen_at' expected a value of type timestamp"),
    ("feedback.eq=%00", "Operator 'eq' of field 'feedback' expected a value of type str"),
    ("feedback.like=a%5C", "Operator 'like' of field 'feedback' expected a pattern that does not end in an escape character"),
    ("extra.contains={", "Operator 'contains' of field 'extra' expected a value of type json"),
    ("extra.eq=%22%5Cu0000%22", "Operator 'eq' of field 'extra' expected a value of type json"),
    ("extra.eq=1e999999", "Operator 'eq' of field 'extra' expected a value of type json"),
    ("extra.eq=" + 8000 * "[" + 8000 * "]", None),
    ("extra.eq=null", "Operator 'eq' of field 'extra' expected a value of type json"),
    ("user_id.is_null=1", "Operator 'is_null' of field 'user_id' expected true or false"),
    ("&".join(["user_id.gt=1"] * 101), "A filter can have at most 100 conditions"),
    ("&".join(["user_id.in=1"] * 1001), "Operator 'in' of field 'user_id' expected 1 to 1000 values of type int"),
    ("order_by=", "Unknown field ''"),
    ("order_by=userid", "Unknown field 'userid'"),
    ("order_by=user_id.desc", "Unknown field 'user_id.desc'"),
    ("order_by=extra", "Records cannot be ordered by field 'extra'"),
    ("after=x", "Invalid cursor"),
    ("after=", "Invalid cursor"),
    ("order_by=user_id&after=e30", "Invalid cursor"),
])
def test_what_is_refused(stack, filled, query, detail):
    answer = stack.get(f"{filled.path}?{query}")
    if detail is None:  # nested deeply: either way the server says so itself
        assert answer.status in (200, 400), answer
        return
    expect_detail(answer, 400, detail)
    assert answer.header("link") == []


def test_faults_of_the_page_come_first(stack, filled):
    expect_invalid(stack.get(f"{filled.path}?limit=x&no_field.eq=1"), not_int("query", "limit"))
    expect_detail(stack.get("/tools/no_such_tool?no_field.eq=1"), 404, NO_TOOL)


def test_a_sensitive_tool_wants_its_token_before_all_else(stack):
    name = stack.new_name()
    stack.sql(
        """select projectalpha.register_tool(%s, 'token-of-sensitive', '[{"name": "user_id", "type": "int"}]', true)""", name)
    stack.sql("""select projectalpha.store_records(%s, 'token-of-sensitive', '[{"user_id": 1}, {"user_id": 2}]')""", name)
    for query in ("user_id.eq=1", "no_field.eq=1", "order_by=no_field", "after=x"):
        expect_detail(stack.get(f"/tools/{name}?{query}"), 401, UNAUTHORIZED)
        expect_detail(stack.get(f"/tools/{name}?{query}", ("token", "token-of-another")), 401, UNAUTHORIZED)
    token = ("token", "token-of-sensitive")
    assert walk(stack, f"/tools/{name}?order_by=-user_id&limit=1", token) == [[2], [1]]


@pytest.mark.parametrize(("query", "pages"), [
    ("limit=2&order_by=user_id", [[1, 2], [3, 4], [None]]),
    ("limit=2&order_by=-user_id", [[None, 4], [3, 2], [1]]),
    ("limit=1&order_by=-score&user_id.gt=1", [[4], [2], [3]]),
    ("limit=1&order_by=feedback&user_id.lt=4", None),
    ("limit=2&order_by=seen_at", [[1, 2], [3, 4], [None]]),
    ("limit=1&order_by=happy", None),
    ("limit=2&order_by=-id&after_id=1", [[None, 4], [3, 2]]),
    ("limit=2&user_id.gt=1", [[2, 3], [4]]),
    ("limit=1&feedback.in=a%2Cb%26c%3Dd&feedback.in=100%25+%C3%BC&order_by=id", [[2], [3]]),
    ("limit=2&user_id.in=1&user_id.in=2&user_id.in=3", [[1, 2], [3]]),
    ("limit=5&order_by=user_id", [[1, 2, 3, 4, None]]),
    ("limit=0&order_by=user_id", [[]]),
])
def test_links_carry_filters_and_order(stack, filled, query, pages):
    walked = walk(stack, f"{filled.path}?{query}")
    if pages is None:
        pages = [[row["user_id"]] for row in stack.rows(filled, "?" + query.replace("limit=1", "limit=100"))]
        assert len(pages) > 2
    assert walked == pages


def test_a_cursor_holds_for_its_order_alone(stack, filled):
    link = LINK.fullmatch(stack.get(f"{filled.path}?limit=2&order_by=user_id").header("link")[0])[1]
    assert re.fullmatch(r"/tools/[a-z0-9_]+\?limit=2&order_by=user_id&after=[A-Za-z0-9_-]+", link)
    other = link.replace("order_by=user_id", "order_by=-user_id")
    expect_detail(stack.get(other), 400, "The cursor was made for another order")
    expect_detail(stack.get(link.replace("&order_by=user_id", "")), 400, "The cursor was made for another order")
    # Any filter goes with it.
    assert [row["user_id"] for row in stack.get(f"{link}&user_id.ne=3").json()] == [4]


def test_a_cursor_of_sql_is_one_of_http(stack, filled):
    cursor = stack.value(
        "select projectalpha.page_cursor(r, '-score') from projectalpha.list_records(%s, 1, 1, order_by => '-score') r", filled.name)
    assert found(stack, filled, ("order_by", "-score"), ("after", cursor)) == [2, 1, 3]


def test_a_link_that_would_be_too_long_is_left_out(stack):
    tool = stack.register([{"name": "user_id", "type": "int"}, {"name": "text", "type": "str"}])
    stack.sql(
        "select projectalpha.store_records(%s, %s, jsonb_build_array(jsonb_build_object('text', repeat('x', 5000)), '{}'::jsonb))",
        tool.name, tool.token,
    )
    answer = stack.get(f"{tool.path}?limit=1&order_by=text")
    assert (answer.status, answer.header("link")) == (200, [])
    answer = stack.get(f"{tool.path}?limit=1&text.ne={'y' * 5000}&id.gt=0")
    assert (answer.status, answer.header("link")) == (200, [])
    # By another order there is one.
    assert len(stack.get(f"{tool.path}?limit=1&order_by=-id").header("link")) == 1


def test_floats_and_microseconds_keep_their_last_digit(stack):
    tool = stack.register([{"name": "user_id", "type": "int"}, {"name": "score", "type": "float"}, {"name": "at", "type": "timestamp"}])
    stack.sql(
        """select projectalpha.store_records(%s, %s, jsonb_agg(jsonb_build_object('user_id', n,
               'score', (0.1::float8 * 3 + n * 5.6e-17::float8)::text::numeric, 'at', '2026-01-01T00:00:00.' || lpad(n::text, 6, '0'))))
           from generate_series(1, 20) n""",
        tool.name, tool.token,
    )
    for order in ("score", "-score", "at", "-at"):
        users = [user for page in walk(stack, f"{tool.path}?limit=3&order_by={order}") for user in page]
        assert sorted(users) == list(range(1, 21)), order


def test_natively_with_named_arguments(stack, filled):
    answer = stack.post("/rpc/list_records", {"tool_name": filled.name, "filter": {"user_id": {"gte": 2}}, "order_by": "-user_id"})
    assert [row["user_id"] for row in answer.json()] == [4, 3, 2]
    cursor = stack.post("/rpc/page_cursor", {"record": answer.json()[0], "order_by": "-user_id"}).json()
    answer = stack.post("/rpc/list_records", {"tool_name": filled.name, "order_by": "-user_id", "after": cursor})
    assert [row["user_id"] for row in answer.json()] == [3, 2, 1]
    assert stack.post("/rpc/count_records", {"tool_name": filled.name, "filter": {"user_id": 1}}).json() == 1
    answer = stack.post("/rpc/count_records", {"tool_name": filled.name, "filter": {"userid": 1}})
    assert (answer.status, answer.json()["code"]) == (400, "42703")
    # In a GET PostgREST passes JSON arguments as strings, which are no filters.
    few = quote(json.dumps({"user_id": {"lt": 3}}))
    answer = stack.get(f"/rpc/count_records?tool_name={filled.name}&filter={few}")
    assert (answer.status, answer.json()["message"]) == (400, "Filter must be a JSON object")


def test_nothing_of_the_query_is_logged(stack, filled):
    stack.get(f"{filled.path}?feedback.eq=secret-in-filter&user_id.eq=secret-in-int")
    stack.get(f"{filled.path}?feedback.eq=secret-in-filter&extra.eq=%7Bsecret-in-json")
    expect(stack.get(f"{filled.path}?feedback.eq=secret-in-filter"), 200, [])
    for name, written in stack.logs().items():
        assert b"secret-in" not in written, name
