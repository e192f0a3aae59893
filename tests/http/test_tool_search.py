"""GET /tools?q=, tag= and category=: the tools that are found; and what HTTP says of tools without storage or not active."""

import json

import pytest

from contract import FORBIDDEN, expect_detail, expect_invalid, expect_message, negative, not_int

TOOLS = {
    "survey_bot": ("Collects reports from users", False, {"tags": ["feedback", "a&b=c"], "category": "people"}),
    "survey_archive": ("Old answers", False, {"tags": ["feedback"], "category": "people"}),
    "weather": ("Forecasts for cities", False, {"tags": ["api"], "category": "data", "auth_config": {"header": "X-Api-Key"}}),
    "payroll": ("Salaries of the board", True, {"tags": ["money"], "category": "people"}),
}


@pytest.fixture(scope="module")
def stack(own_stack):
    """A stack with four tools, and only those."""
    for name, (description, sensitive, facts) in TOOLS.items():
        own_stack.sql(
            "select projectalpha.register_tool(%s, %s, description => %s, sensitive => %s)", name, f"token-of-{name}", description, sensitive,
        )
        own_stack.sql("select projectalpha.update_tool_info(%s, %s)", name, json.dumps(facts))
    return own_stack


def found(stack, query, *headers):
    answer = stack.get("/tools" + query, *headers)
    assert answer.status == 200 and answer.header("content-type") == ["application/json"], answer
    return [tool["tool_name"] for tool in answer.json()]


@pytest.mark.parametrize(
    "query, names",
    [
        ("?q=survey", ["survey_archive", "survey_bot"]),
        ("?q=SURVEY_BOT", ["survey_bot"]),
        ("?q=report", ["survey_bot"]),
        ("?q=forec", ["weather"]),
        ("?q=survey%20-answers", ["survey_bot"]),
        ("?q=%22old+answers%22", ["survey_archive"]),
        ("?q=weather+or+payroll", ["payroll", "weather"]),
        ("?q=salaries", []),
        ("?q=%27%20OR%20true--", []),
        ("?q=%ff%00%3A%2A", []),
        ("?tag=feedback", ["survey_archive", "survey_bot"]),
        ("?tag=feedback&tag=a%26b%3Dc", ["survey_bot"]),
        ("?tag=feed", []),
        ("?tag=money", []),
        ("?category=people", ["survey_archive", "survey_bot"]),
        ("?q=survey&tag=feedback&category=data", []),
        ("?q=&tag=&category=", ["payroll", "survey_archive", "survey_bot", "weather"]),
    ],
)
def test_what_is_found(stack, query, names):
    assert found(stack, query) == names


def test_tools_look_as_in_the_directory(stack):
    for headers in ([], [("token", "token-of-payroll")], [stack.admin]):
        directory = {tool["tool_name"]: tool for tool in stack.get("/tools", *headers).json()}
        for name, tool in directory.items():
            assert stack.get(f"/tools?q={name}", *headers).json() == [tool]
    assert "auth_config" not in json.dumps(list(directory.values()))


def test_a_token_opens_its_own_tool_alone(stack):
    assert found(stack, "?q=salaries", ("token", "token-of-payroll")) == ["payroll"]
    assert found(stack, "?tag=money", ("token", "token-of-payroll")) == ["payroll"]
    assert found(stack, "?q=salaries", ("token", "token-of-weather")) == []
    assert found(stack, "?q=salaries", stack.admin) == ["payroll"]
    expect_detail(stack.get("/tools?q=salaries", ("admin-token", "wrong")), 403, FORBIDDEN)


def test_pages_lead_to_one_another(stack):
    target, names = "/tools?limit=1&tag=feedback&category=people&q=survey", []
    while target:
        answer = stack.get(target)
        names += [tool["tool_name"] for tool in answer.json()]
        links = answer.header("link")
        target = links[0].split(";")[0].strip("<>") if links else None
    assert names == ["survey_archive", "survey_bot"]
    first = stack.get("/tools?limit=1&tag=a%26b%3Dc&tag=feedback&q=s")
    assert first.header("link") == []
    assert stack.get("/tools?limit=1&q=survey").header("link") == ['</tools?limit=1&offset=1&q=survey>; rel="next"']
    expect_invalid(stack.get("/tools?q=x&limit=y"), not_int("query", "limit"))
    expect_invalid(stack.get("/tools?q=x&offset=-1"), negative("query", "offset"))


def test_an_inactive_tool_is_not_found_and_takes_no_writes(stack):
    tool, token = "/tools/weather", ("token", "token-of-weather")
    expect_message(stack.post(tool, {"a": 1}, token), "Data stored successfully")
    stack.sql("select projectalpha.deactivate_tool('weather')")
    try:
        assert found(stack, "?q=weather") == []
        for answer in (
            stack.post(tool, {"a": 1}, token),
            stack.post(tool + "/records:batch", [{"a": 1}], token),
            stack.http("PATCH", tool + "/records/1", [token], b'{"a": 2}'),
            stack.http("DELETE", tool + "/records/1", [token]),
        ):
            expect_detail(answer, 409, "Tool is not active")
        assert stack.post(tool, {"a": 1}, ("token", "wrong")).status == 401
        assert len(stack.get(tool).json()) == 1
        assert stack.get(tool + "/records/1").status == 200
    finally:
        stack.sql("select projectalpha.activate_tool('weather')")
    expect_message(stack.post(tool, {"a": 1}, token), "Data stored successfully")


def test_an_entry_of_the_catalogue_has_no_records(stack):
    stack.sql("select projectalpha.register_tool('entry', 'token-of-entry', storage => 'none')")
    try:
        tool, token = "/tools/entry", ("token", "token-of-entry")
        for answer in (stack.post(tool, {"a": 1}, token), stack.get(tool), stack.get(tool + "/records/1"), stack.get(tool + "/openapi.json")):
            expect_detail(answer, 404, "Tool has no storage")
        (entry,) = stack.get("/tools?q=entry").json()
        assert entry["endpoint"] is None and entry["token_kind"] == "none"
    finally:
        expect_message(stack.delete("/tools/entry", stack.admin), "Tool 'entry' deleted")


def test_postgrest_serves_the_functions_too(stack):
    answer = stack.post("/rpc/search_tools", {"query": "survey", "tags": ["feedback"], "row_limit": 1})
    assert answer.status == 200, answer
    (tool,) = answer.json()
    assert tool.pop("rank") > 0
    assert tool == {
        "tool_name": "survey_archive", "description": "Old answers", "category": "people", "tags": ["feedback"], "version": None, "is_active": True,
    }
    changes = {"tool_name": "survey_archive", "changes": {"version": "1.0"}}
    refused = stack.post("/rpc/update_tool_info", changes | {"admin_token": stack.admin_token})
    assert refused.status == 400 and refused.json()["code"] == "22023" and "'version' must be" in refused.json()["message"]
    assert stack.post("/rpc/update_tool_info", changes).status in (401, 403)
    assert stack.post("/rpc/reveal_tool_secret", {"tool_name": "weather", "key": "k"}).status in (401, 403, 404)
