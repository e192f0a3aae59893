"""POST /common."""

import pytest

from contract import (
    COMMON_UNAUTHORIZED, NOT_OBJECTS, expect_detail, expect_invalid, expect_message, expect_some_detail,
    missing, not_dict, not_int, not_zero_or_one,
)

URL = "/common"
STORED = "JSON stored in common table"
BODY = {"cpu": 45, "memory": 2048}
SENSITIVE = ("sensitive", "1")


@pytest.fixture
def name(stack):
    return ("tool-name", stack.new_name())


def rows(stack, name):
    return stack.sql(
        "select data, sensitive from projectalpha_data.multiple_tools where tool_name = %s order by id", name[1]
    )


@pytest.fixture
def nothing_stored(stack):
    # The table is made at first use: make sure that it is there.
    stack.post(URL, BODY, ("tool-name", "first_use"))
    count = "select count(*) from projectalpha_data.multiple_tools"
    before = stack.value(count)
    yield
    assert stack.value(count) == before


def test_the_table_has_the_columns_of_the_spec(stack, name):
    stack.post(URL, BODY, name)
    columns = stack.sql(
        """select attname::text, format_type(atttypid, null) from pg_attribute
           where attrelid = 'projectalpha_data.multiple_tools'::regclass and attnum > 0 order by attnum"""
    )
    types = dict(columns)
    assert set(types) == {"id", "tool_name", "data", "sensitive", "created_at"}
    assert types["sensitive"] == "integer"


@pytest.mark.parametrize("headers", [[], [("sensitive", "0")], [("sensitive", "0"), ("token", "wrong-token")]], ids=str)
def test_public_data_needs_no_token(stack, name, headers):
    expect_message(stack.post(URL, BODY, name, *headers), STORED)
    assert rows(stack, name) == [(BODY, 0)]


@pytest.mark.parametrize("number", [0, 1])
def test_sensitive_data_is_stored_with_each_common_token(stack, name, number):
    expect_message(stack.post(URL, {"secret": 1}, name, SENSITIVE, ("token", stack.common_tokens[number])), STORED)
    assert rows(stack, name) == [({"secret": 1}, 1)]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("token", [None, "", " ", "wrong-token", "token12", "TOKEN123", "token123,token456", b"\xff"])
def test_sensitive_data_without_a_good_token_is_unauthorized(stack, name, token):
    headers = [("token", token)] if token is not None else []
    expect_detail(stack.post(URL, BODY, name, SENSITIVE, *headers), 401, COMMON_UNAUTHORIZED)


def test_the_token_of_a_tool_is_no_common_token(stack, name, survey):
    expect_detail(stack.post(URL, BODY, name, SENSITIVE, survey.auth), 401, COMMON_UNAUTHORIZED)
    assert rows(stack, name) == []


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "value, fault",
    [
        ("x", not_int),
        ("", not_int),
        ("1.0", not_int),
        ("true", not_int),
        ("2", not_zero_or_one),
        ("-1", not_zero_or_one),
        ("99999999999999999999", not_zero_or_one),
    ],
)
def test_a_bad_sensitive_header_is_reported(stack, name, value, fault):
    good = ("token", stack.common_tokens[0])
    expect_invalid(stack.post(URL, BODY, name, ("sensitive", value), good), fault("header", "sensitive"))


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("headers", [[], [("tool_name", "x")], [("name", "x"), ("sensitive", "0")]], ids=str)
def test_a_missing_tool_name_is_reported(stack, headers):
    expect_invalid(stack.post(URL, BODY, *headers), missing("header", "tool-name"))


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("value", ["", " ", "n" * 51, "é".encode() * 51], ids=repr)
def test_an_empty_or_overlong_tool_name_is_refused(stack, value):
    expect_some_detail(stack.post(URL, BODY, ("tool-name", value)), 400)


@pytest.mark.parametrize(
    "value", ["n" * 50, "Metrics Collector", "a-b.c/d", "'; drop table x; --", "1", "é", "日本", "é" * 50]
)
def test_any_other_tool_name_will_do(stack, value):
    expect_message(stack.post(URL, BODY, ("tool-name", value.encode())), STORED)
    assert rows(stack, ("tool-name", value)) == [(BODY, 0)]


def test_a_tool_name_may_be_that_of_a_registered_tool_and_has_nothing_to_do_with_it(stack, survey):
    expect_message(stack.post(URL, {"user_id": "any"}, ("tool-name", survey.name)), STORED)
    assert stack.rows(survey) == []


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("raw", [None, b""], ids=["no length", "length 0"])
def test_a_missing_body_is_reported(stack, name, raw):
    expect_invalid(stack.http("POST", URL, [name], raw), missing("body"))


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("raw", NOT_OBJECTS.values(), ids=NOT_OBJECTS)
def test_a_body_that_is_not_an_object_is_reported(stack, name, raw):
    expect_invalid(stack.post(URL, raw, name), not_dict("body"))


@pytest.mark.usefixtures("nothing_stored")
def test_all_that_is_wrong_is_reported_together_and_before_the_token(stack, name):
    name_missing, body_missing = missing("header", "tool-name"), missing("body")
    no_int = not_int("header", "sensitive")
    expect_invalid(stack.post(URL, b""), name_missing, body_missing)
    expect_invalid(stack.post(URL, b"[]", ("sensitive", "x")), name_missing, no_int, not_dict("body"))
    expect_invalid(stack.post(URL, b"[]", name, SENSITIVE), not_dict("body"))
    expect_invalid(stack.post(URL, b"{}", SENSITIVE), name_missing)


@pytest.mark.parametrize(
    "body", [{}, {"a": {"b": [1, 2.5, None, True, "é😀"]}}, {"id": 1, "tool_name": "x", "sensitive": 5}], ids=str
)
def test_any_object_is_kept_as_it_is(stack, name, body):
    expect_message(stack.post(URL, body, name), STORED)
    assert rows(stack, name) == [(body, 0)]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_over_one_mebibyte_is_too_large(stack, name, chunked):
    body = b'{"a":"%s"}' % (b"x" * 1024 * 1024)
    expect_detail(stack.http("POST", URL, [name], body, chunked), 413, "Request body too large")
