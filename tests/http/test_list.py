"""GET /tools/{tool_id}."""

import re

import pytest

from contract import NO_TOOL, UNAUTHORIZED, expect, expect_detail, expect_invalid, negative, not_int

CREATED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")


@pytest.fixture(scope="module")
def filled(stack):
    """A tool with 105 records, user_id 1 to 105."""
    tool = stack.register()
    stack.sql(
        """select projectalpha.store_record(%s, %s, jsonb_build_object('user_id', n))
           from generate_series(1, 105) n""",
        tool.name, tool.token,
    )
    return tool


@pytest.fixture
def sensitive(stack):
    """A tool registered in SQL as sensitive, with one record."""
    tool = stack.register()._replace(name=stack.new_name())
    stack.sql(
        """select projectalpha.register_tool(tool_name => %s, token => %s, sensitive => true,
               schema => '[{"name": "user_id", "type": "int"}]')""",
        tool.name, tool.token,
    )
    stack.store(tool, {"user_id": 42})
    return tool


def ids(first, last):
    return list(range(first, last + 1))


@pytest.mark.parametrize(
    "query, expected",
    [
        ("", ids(1, 10)),
        ("?", ids(1, 10)),
        ("?limit=3", ids(1, 3)),
        ("?limit=0", []),
        ("?limit=100", ids(1, 100)),
        ("?limit=101", ids(1, 100)),
        ("?limit=1000000", ids(1, 100)),
        ("?limit=2147483648", ids(1, 100)),
        ("?offset=0", ids(1, 10)),
        ("?offset=5", ids(6, 15)),
        ("?limit=2&offset=3", ids(4, 5)),
        ("?offset=3&limit=2", ids(4, 5)),
        ("?limit=100&offset=100", ids(101, 105)),
        ("?offset=105", []),
        ("?offset=9223372036854775807", []),
        ("?limit=%32", ids(1, 2)),
        ("?%6Cimit=2", ids(1, 2)),
        ("?Limit=2", ids(1, 10)),
        ("?unknown=1&limit=2&other", ids(1, 2)),
    ],
)
def test_a_page_is_cut_by_limit_and_offset_oldest_first(stack, filled, query, expected):
    rows = stack.rows(filled, query)
    assert [row["user_id"] for row in rows] == expected
    assert [row["id"] for row in rows] == expected


LIMIT, OFFSET = ("query", "limit"), ("query", "offset")


@pytest.mark.parametrize(
    "query, entries",
    [
        ("?limit=abc", [not_int(*LIMIT)]),
        ("?limit=", [not_int(*LIMIT)]),
        ("?limit=1.5", [not_int(*LIMIT)]),
        ("?limit=1e1", [not_int(*LIMIT)]),
        ("?limit=0x10", [not_int(*LIMIT)]),
        ("?limit=null", [not_int(*LIMIT)]),
        ("?limit=%00", [not_int(*LIMIT)]),
        ("?limit=%FF", [not_int(*LIMIT)]),
        ("?limit=1;drop", [not_int(*LIMIT)]),
        ("?offset=x", [not_int(*OFFSET)]),
        ("?offset=", [not_int(*OFFSET)]),
        ("?limit=abc&offset=x", [not_int(*LIMIT), not_int(*OFFSET)]),
        ("?offset=x&limit=abc", [not_int(*LIMIT), not_int(*OFFSET)]),
        ("?limit=-1", [negative(*LIMIT)]),
        ("?offset=-1", [negative(*OFFSET)]),
        ("?limit=-5&offset=-5", [negative(*LIMIT), negative(*OFFSET)]),
        ("?limit=x&offset=-1", [not_int(*LIMIT), negative(*OFFSET)]),
    ],
)
def test_a_bad_limit_or_offset_is_reported(stack, filled, query, entries):
    expect_invalid(stack.get(filled.path + query), *entries)
    expect_invalid(stack.get("/tools/nonexistent_tool" + query), *entries)


def test_an_empty_table_is_an_empty_array(stack, survey):
    expect(stack.get(survey.path), 200, [])


@pytest.mark.parametrize("path", ["/tools/nonexistent_tool", "/tools/nonexistent_tool?limit=5", "/tools/PROBE_1"])
def test_an_unknown_tool_is_not_found(stack, path):
    expect_detail(stack.get(path), 404, NO_TOOL)


def test_a_record_shows_id_and_creation_and_then_the_fields_as_registered(stack):
    fields = ["zulu", "a", "much_longer_name", "b", "alpha"]
    tool = stack.register([{"name": name, "type": "int"} for name in fields])
    stack.store(tool, {"b": 2, "alpha": 5, "zulu": 1})
    (row,) = stack.rows(tool)
    created_at = row["created_at"]
    assert CREATED_AT.fullmatch(created_at)
    shown = {"zulu": 1, "a": None, "much_longer_name": None, "b": 2, "alpha": 5}
    expect(stack.get(tool.path), 200, [{"id": 1, "created_at": created_at} | shown])


@pytest.mark.parametrize(
    "stored, shown",
    [
        ("2026-02-05 10:30:00+00", "2026-02-05T10:30:00"),
        ("2026-02-05 10:30:00.5+00", "2026-02-05T10:30:00.500000"),
        ("2026-02-05 10:30:00.000123+00", "2026-02-05T10:30:00.000123"),
        ("2026-02-05 16:00:00+05:30", "2026-02-05T10:30:00"),
    ],
)
def test_the_time_of_creation_is_shown_in_utc_without_a_zone(stack, survey, stored, shown):
    stack.store(survey, {})
    stack.sql(f"update projectalpha_data.tool_{survey.name} set created_at = %s", stored)
    assert [row["created_at"] for row in stack.rows(survey)] == [shown]


@pytest.mark.parametrize(
    "query, headers",
    [
        ("?select=id", []),
        ("?order=id.desc", []),
        ("?id=eq.3&user_id=gt.100", []),
        ("?and=(id.eq.3)&or=(id.eq.3)&not.id=eq.1", []),
        ("?columns=id&on_conflict=id", []),
        ("?tool_name=other&row_limit=1", []),
        ("", [("Range", "0-0"), ("Range-Unit", "items")]),
        ("", [("Range", "bytes=0-1")]),
        ("", [("Prefer", "count=exact")]),
        ("", [("Prefer", "return=minimal,params=single-object,max-affected=1,handling=strict")]),
        ("", [("Accept-Profile", "public")]),
        ("", [("Content-Profile", "projectalpha")]),
        ("", [("Accept", "text/csv")]),
        ("", [("Accept", "application/vnd.pgrst.plan+json")]),
        ("", [("Accept", "application/vnd.pgrst.object+json")]),
        ("", [("Accept", "nonsense")]),
        ("", [("Accept", "")]),
        ("", [("Authorization", "Bearer not.a.token")]),
        ("", [("Cookie", "a=b"), ("If-None-Match", "*"), ("X-HTTP-Method-Override", "DELETE")]),
    ],
    ids=str,
)
def test_words_of_postgrest_change_nothing(stack, filled, query, headers):
    plain = stack.get(filled.path)
    answer = stack.get(filled.path + query, *headers)
    expect(answer, 200, plain.json())
    assert answer.body == plain.body
    assert not answer.header("content-range")


def test_a_sensitive_tool_is_read_with_its_token_alone(stack, sensitive, survey):
    for headers in ([], [("token", "")], [("token", "wrong-token")], [survey.auth], [stack.admin]):
        expect_detail(stack.get(sensitive.path, *headers), 401, UNAUTHORIZED)
    answer = stack.get(sensitive.path, sensitive.auth)
    assert (answer.status, [row["user_id"] for row in answer.json()]) == (200, [42])


def test_a_public_tool_is_read_whatever_the_token(stack, filled):
    for token in ("", "wrong-token"):
        assert stack.get(filled.path, ("token", token)).status == 200
