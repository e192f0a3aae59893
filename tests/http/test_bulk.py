"""POST /tools/{tool_id}/records:batch: many records, all or nothing."""

import pytest

from contract import (
    NO_TOOL, NOT_ALLOWED, TOO_LARGE, UNAUTHORIZED, expect_detail, expect_invalid, expect_message, missing, not_list,
)


def batch(stack, tool, payloads, *headers):
    return stack.post(f"{tool.path}/records:batch", payloads, *(headers or (tool.auth,)))


def user_ids(stack, tool):
    return [row["user_id"] for row in stack.rows(tool, "?limit=100")]


@pytest.mark.parametrize("count", [0, 1, 3, 60])
def test_all_records_are_stored_in_their_order(stack, survey, count):
    payloads = [{"user_id": number, "extra": {"nested": [number]}} for number in range(count)]
    expect_message(batch(stack, survey, payloads), f"{count} records stored")
    assert user_ids(stack, survey) == list(range(count))


def test_thousands_of_records_fit_one_call(stack, survey):
    payloads = [{"user_id": number} for number in range(20_000)]
    expect_message(batch(stack, survey, payloads), "20000 records stored")
    counted = stack.sql(f"select count(*), count(distinct id), sum(user_id) from projectalpha_data.tool_{survey.name}")
    assert counted == [(20_000, 20_000, sum(range(20_000)))]


@pytest.mark.parametrize("position", [0, 2, 1500])
def test_one_bad_record_is_named_and_none_is_stored(stack, survey, position):
    payloads = [{"user_id": number} for number in range(2000)]
    payloads[position] = {"user_id": "x"}
    answer = batch(stack, survey, payloads)
    expect_detail(answer, 400, f"Record {position}: Field 'user_id' expected int, got <class 'str'>")
    assert user_ids(stack, survey) == []


def test_an_element_that_is_no_object_is_named(stack, survey):
    expect_detail(batch(stack, survey, [{}, 5]), 400, "Record 1: Payload must be a JSON object")
    assert user_ids(stack, survey) == []


@pytest.mark.parametrize("body", [b"{}", b"5", b"null", b'"x"', b"[", b"[1,]", b'[{"a": "\\u0000"}]', b"\xff"])
def test_a_body_that_is_no_array_is_refused(stack, survey, body):
    expect_invalid(batch(stack, survey, body), not_list("body"))


def test_faults_of_form_come_together(stack, survey):
    answer = stack.post(f"{survey.path}/records:batch", b"")
    expect_invalid(answer, missing("header", "token"), missing("body"))


def test_token_and_tool_are_checked(stack, survey):
    expect_detail(batch(stack, survey, [{}], ("token", "wrong-token")), 401, UNAUTHORIZED)
    expect_detail(batch(stack, survey._replace(name="no_such_tool"), [{}]), 404, NO_TOOL)


def test_an_array_posted_to_the_tool_itself_stays_422(stack, survey):
    assert stack.store(survey, [{"user_id": 1}]).status == 422


def test_other_methods_are_not_allowed(stack, survey):
    answer = stack.get(f"{survey.path}/records:batch")
    expect_detail(answer, 405, NOT_ALLOWED)
    assert answer.header("allow") == ["POST"]


def test_a_trailing_slash_redirects(stack, survey):
    answer = stack.post(f"{survey.path}/records:batch/", [])
    assert (answer.status, answer.header("location")) == (307, [f"{survey.path}/records:batch"])


def test_the_limit_of_the_body_holds(stack, survey):
    expect_detail(batch(stack, survey, b"[" + b" " * (1 << 20) + b"]"), 413, TOO_LARGE)
