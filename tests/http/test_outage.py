"""PostgreSQL or PostgREST is down, and comes back."""

import pytest

from contract import expect_detail, expect_message, expect_some_detail


@pytest.fixture(scope="module")
def tool(own_stack):
    return own_stack.register()


def calls(stack, tool):
    """One call of each endpoint, each of which would succeed."""
    registration = {"tool_name": stack.new_name(), "token": "outage-token-001", "schema": []}
    return [
        lambda: stack.get(tool.path),
        lambda: stack.get(tool.path + "?limit=5"),
        lambda: stack.store(tool, {"user_id": 99}),
        lambda: stack.post("/common", {}, ("tool-name", "outage")),
        lambda: stack.post("/register-tool", registration, stack.admin),
        lambda: stack.delete(tool.path, stack.admin),
        lambda: stack.post("/rpc/list_records", {"tool_name": tool.name}),
        lambda: stack.get("/rpc/"),
    ]


def recovered(stack, tool):
    """Many calls in a row succeed, so that no connection that died is left in any pool."""
    return all(stack.get(tool.path).status == 200 for _ in range(30))


@pytest.mark.parametrize("part", ["postgresql", "postgrest"])
def test_an_outage_is_answered_in_fixed_words_and_ends_by_itself(own_stack, tool, part):
    stack = own_stack
    expect_message(stack.store(tool, {"user_id": 1}), "Data stored successfully")
    before = stack.rows(tool)
    others = [other for other in ("postgresql", "postgrest", "caddy") if other != part]
    processes = [stack.process_id(other) for other in others]

    stack.stop(part)
    answers = [call() for call in calls(stack, tool)]
    for answer in answers:
        expect_some_detail(answer, 500)
    assert len({answer.body for answer in answers}) == 1

    stack.start(part)
    stack.eventually(lambda: recovered(stack, tool))
    assert [stack.process_id(other) for other in others] == processes
    assert stack.rows(tool) == before
    expect_message(stack.store(tool, {"user_id": 2}), "Data stored successfully")
    assert [row["user_id"] for row in stack.rows(tool)] == [row["user_id"] for row in before] + [2]


def test_what_needs_no_database_is_answered_during_an_outage(own_stack, tool):
    own_stack.stop("postgresql")
    try:
        expect_detail(own_stack.get("/nothing"), 404, "Not Found")
        expect_detail(own_stack.http("PUT", tool.path), 405, "Method Not Allowed")
        assert own_stack.get(tool.path + "/").status == 307
    finally:
        own_stack.start("postgresql")
        own_stack.eventually(lambda: recovered(own_stack, tool))


def test_a_restart_between_two_calls_loses_nothing_that_was_confirmed(own_stack, tool):
    stack = own_stack
    before = len(stack.rows(tool, "?limit=100"))
    confirmed = sum(stack.store(tool, {"user_id": n}).status == 200 for n in range(10))
    stack.stop("postgresql")
    stack.start("postgresql")
    stack.eventually(lambda: recovered(stack, tool))
    assert confirmed == 10
    assert len(stack.rows(tool, "?limit=100")) == before + 10
    assert stack.store(tool._replace(token="wrong-token"), {}).status == 401


def test_a_connection_that_is_cut_off_is_replaced(own_stack, tool):
    stack = own_stack
    stack.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'")
    stack.eventually(lambda: recovered(stack, tool))
    expect_message(stack.store(tool, {"user_id": 1}), "Data stored successfully")
