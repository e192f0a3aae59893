"""GET /tools/{tool_id}?after_id=: pages by id, and the link to the next one."""

import re

import pytest

from contract import UNAUTHORIZED, expect, expect_detail, expect_invalid, negative, not_int

LINK = re.compile(r'<(/tools/[a-z0-9_]+\?limit=\d+&after_id=\d+)>; rel="next"')


@pytest.fixture(scope="module")
def filled(stack):
    """A tool with 25 records, user_id 1 to 25."""
    tool = stack.register()
    stack.sql(
        """select projectalpha.store_records(%s, %s, jsonb_agg(jsonb_build_object('user_id', n)))
           from generate_series(1, 25) n""",
        tool.name, tool.token,
    )
    return tool


def walk(stack, path):
    """The user ids of each page, following the links."""
    pages = []
    while path is not None:
        answer = stack.get(path)
        assert answer.status == 200, answer
        pages.append([row["user_id"] for row in answer.json()])
        links = answer.header("link")
        path = LINK.fullmatch(links[0])[1] if links else None
    return pages


@pytest.mark.parametrize(("query", "sizes"), [
    ("", [10, 10, 5]),
    ("?limit=10", [10, 10, 5]),
    ("?limit=25", [25]),
    ("?limit=24", [24, 1]),
    ("?limit=100", [25]),
    ("?limit=5&offset=15", [5, 5]),
    ("?limit=10&after_id=20", [5]),
    ("?limit=10&after_id=15", [10]),
    ("?limit=10&after_id=25", [0]),
    ("?limit=0", [0]),
])
def test_links_lead_through_all_pages(stack, filled, query, sizes):
    pages = walk(stack, filled.path + query)
    assert [len(page) for page in pages] == sizes
    shown = [number for page in pages for number in page]
    assert shown == list(range(26 - len(shown), 26)) or query == "?limit=0"


def test_the_cap_holds_and_the_link_keeps_it(stack, filled):
    stack.sql(
        """select projectalpha.store_records(%s, %s, jsonb_agg(jsonb_build_object('user_id', n)))
           from generate_series(26, 130) n""",
        filled.name, filled.token,
    )
    assert [len(page) for page in walk(stack, f"{filled.path}?limit=1000")] == [100, 30]


def test_after_id_must_be_a_number(stack, filled):
    expect_invalid(stack.get(f"{filled.path}?after_id=x"), not_int("query", "after_id"))
    expect_invalid(stack.get(f"{filled.path}?after_id=-1"), negative("query", "after_id"))


def test_beyond_every_id_there_is_nothing(stack, filled):
    answer = stack.get(f"{filled.path}?after_id=99999999999999999999")
    expect(answer, 200, [])
    assert answer.header("link") == []


def test_an_error_has_no_link(stack):
    name = stack.new_name()
    stack.sql("select projectalpha.register_tool(tool_name => %s, token => 'token-of-it', sensitive => true)", name)
    answer = stack.get(f"/tools/{name}?after_id=0")
    expect_detail(answer, 401, UNAUTHORIZED)
    assert answer.header("link") == []
