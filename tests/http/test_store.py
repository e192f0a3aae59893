"""POST /tools/{tool_id}: who may, and which bodies are read at all."""

import json
from urllib.parse import quote

import pytest

from contract import (
    NO_TOOL, NOT_OBJECTS, UNAUTHORIZED, expect_detail, expect_invalid, expect_message, missing, not_dict,
)

STORED = "Data stored successfully"
MEBIBYTE = 1024 * 1024


def test_a_record_is_stored_and_read_back(stack, survey):
    expect_message(stack.store(survey, {"user_id": 42, "feedback": "Great product!"}), STORED)
    (row,) = stack.rows(survey)
    assert (row["user_id"], row["feedback"]) == (42, "Great product!")


@pytest.mark.parametrize(
    "name", ["nonexistent_tool", "NONEXISTENT", "a b", "é", "%", "\x00", "pg_class", "n" * 51, "n" * 5000], ids=ascii
)
def test_an_unknown_tool_is_not_found_whatever_the_token(stack, survey, name):
    for token in (survey.token, "wrong-token", ""):
        answer = stack.post(f"/tools/{quote(name)}", {"user_id": 1}, ("token", token))
        expect_detail(answer, 404, NO_TOOL)


def test_the_name_of_a_tool_is_never_folded(stack, survey):
    for path in (survey.path.replace("probe", "PROBE"), f"{survey.path}_", f"/tools/tool_{survey.name}"):
        expect_detail(stack.post(path, {"user_id": 1}, survey.auth), 404, NO_TOOL)


@pytest.mark.parametrize(
    "token", ["", " ", "wrong-token", "' or true --", "null", b"\xff\xfe", "é".encode(), "x" * 4000], ids=repr
)
def test_a_wrong_token_is_unauthorized(stack, survey, token):
    expect_detail(stack.post(survey.path, {"user_id": 1}, ("token", token)), 401, UNAUTHORIZED)
    assert stack.rows(survey) == []


def test_a_token_that_is_good_elsewhere_is_unauthorized_here(stack, survey):
    other = stack.register()
    for token in (other.token, stack.common_tokens[0], stack.admin_token, survey.token[:-1], survey.token.upper()):
        expect_detail(stack.post(survey.path, {"user_id": 1}, ("token", token)), 401, UNAUTHORIZED)
    assert stack.rows(survey) == []


@pytest.mark.parametrize("header", [None, "admin-token", "authorization", "x-token", "tok_en"])
def test_a_missing_token_is_reported(stack, survey, header):
    headers = [(header, survey.token)] if header else []
    expect_invalid(stack.post(survey.path, {"user_id": 1}, *headers), missing("header", "token"))
    assert stack.rows(survey) == []


@pytest.mark.parametrize("raw", [None, b""], ids=["no length", "length 0"])
def test_a_missing_body_is_reported(stack, survey, raw):
    expect_invalid(stack.http("POST", survey.path, [survey.auth], raw), missing("body"))
    assert stack.rows(survey) == []


@pytest.mark.parametrize("raw", NOT_OBJECTS.values(), ids=NOT_OBJECTS)
def test_a_body_that_is_not_an_object_is_reported(stack, survey, raw):
    expect_invalid(stack.post(survey.path, raw, survey.auth), not_dict("body"))
    assert stack.rows(survey) == []


@pytest.mark.parametrize(
    "raw, fault", [(b"", missing("body")), (b"[]", not_dict("body")), (b"\xff", not_dict("body"))], ids=repr
)
def test_a_missing_token_is_reported_before_the_fault_of_the_body(stack, survey, raw, fault):
    expect_invalid(stack.post(survey.path, raw), missing("header", "token"), fault)


def test_a_request_is_checked_in_form_before_its_tool_and_token(stack, survey):
    expect_invalid(stack.post(survey.path, b"[]", ("token", "wrong-token")), not_dict("body"))
    expect_invalid(stack.post("/tools/nonexistent_tool", b"[]", survey.auth), not_dict("body"))
    expect_invalid(stack.post("/tools/nonexistent_tool", b"{}"), missing("header", "token"))


def test_a_token_is_checked_before_the_types(stack, survey):
    answer = stack.post(survey.path, {"user_id": "not-a-number"}, ("token", "wrong-token"))
    expect_detail(answer, 401, UNAUTHORIZED)


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "text/csv", "application/json; charset=utf-16"],
)
def test_the_content_type_is_not_looked_at(stack, survey, kind):
    headers = [survey.auth] + ([("Content-Type", kind)] if kind is not None else [])
    expect_message(stack.http("POST", survey.path, headers, '{"feedback": "é"}'.encode()), STORED)
    assert [row["feedback"] for row in stack.rows(survey)] == ["é"]


@pytest.mark.parametrize(
    "text",
    [
        "Zażółć gęślą jaźń", "日本語テキスト", "😀👩‍👩‍👧", "\u202eright to left", "e\u0301 \u00e9", "\ufeffmark", "\u2028\u0085",
        "quotes ' \" \\ ` $1 %s", "'; drop table x; --", "line\nbreak\ttab\r\x01\x1f\x7f", "", " ", "\uffff\U0010ffff",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "raw"])
def test_text_is_kept_to_the_letter(stack, survey, text, escaped):
    body = json.dumps({"feedback": text, "extra": {text: [text]}}, ensure_ascii=escaped).encode()
    expect_message(stack.post(survey.path, body, survey.auth), STORED)
    (row,) = stack.rows(survey)
    assert (row["feedback"], row["extra"]) == (text, {text: [text]})
    assert stack.sql(f"select feedback from projectalpha_data.tool_{survey.name}") == [(text,)]


def filled(size):
    """A record of exactly so many bytes, one long string."""
    return b'{"feedback":"%s"}' % (b"x" * (size - len(b'{"feedback":""}')))


def trailed(size):
    """A record of exactly so many bytes, nearly all of them blanks after it: cut off, it would still be one."""
    return b'{"feedback":"cut"}'.ljust(size)


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_of_one_mebibyte_is_stored(stack, survey, chunked):
    answer = stack.http("POST", survey.path, [survey.auth], filled(MEBIBYTE), chunked)
    expect_message(answer, STORED)
    assert stack.value(f"select length(feedback) from projectalpha_data.tool_{survey.name}") == MEBIBYTE - 15


@pytest.mark.parametrize("body", [filled, trailed], ids=["filled", "trailed"])
@pytest.mark.parametrize("size", [MEBIBYTE + 1, MEBIBYTE + 2, 5 * MEBIBYTE])
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_over_one_mebibyte_is_too_large(stack, survey, chunked, size, body):
    answer = stack.http("POST", survey.path, [survey.auth], body(size), chunked)
    expect_detail(answer, 413, "Request body too large")
    assert stack.rows(survey) == []


def test_a_chunked_body_is_stored(stack, survey):
    expect_message(stack.http("POST", survey.path, [survey.auth], b'{"user_id": 5}', chunked=True), STORED)
    assert [row["user_id"] for row in stack.rows(survey)] == [5]


def test_what_fails_while_it_is_written_leaves_nothing(stack, survey):
    """A plain table is written to without a subtransaction: what fails there ends the transaction of the request."""
    expect_message(stack.store(survey, {"user_id": 1}), STORED)
    stack.sql(f"alter table projectalpha_data.tool_{survey.name} alter id restart with 1")
    expect_detail(stack.store(survey, {"user_id": 2}), 500, "Internal Server Error")
    expect_message(stack.store(survey, {"user_id": 3}), STORED)
    assert [row["user_id"] for row in stack.rows(survey)] == [1, 3]
