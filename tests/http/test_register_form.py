"""POST /register-tool: requests that are not of its form, each fault in one entry of a 422 answer."""

import pytest

from contract import NOT_OBJECTS, expect_invalid, missing, not_dict, not_list, not_str, null

URL = "/register-tool"
FIELD = {"name": "user_id", "type": "int"}

pytestmark = pytest.mark.usefixtures("nothing_created")


@pytest.mark.parametrize("raw", [None, b""], ids=["no length", "length 0"])
def test_a_missing_body_is_reported(stack, raw):
    expect_invalid(stack.http("POST", URL, [stack.admin], raw), missing("body"))


@pytest.mark.parametrize("raw", NOT_OBJECTS.values(), ids=NOT_OBJECTS)
def test_a_body_that_is_not_an_object_is_reported(stack, raw):
    expect_invalid(stack.post(URL, raw, stack.admin), not_dict("body"))


@pytest.mark.parametrize(
    "left_out",
    [["tool_name"], ["token"], ["schema"], ["tool_name", "schema"], ["tool_name", "token", "schema"]],
    ids=", ".join,
)
def test_missing_keys_are_reported_together(stack, body, left_out):
    kept = {key: value for key, value in body.items() if key not in left_out}
    expect_invalid(stack.post(URL, kept, stack.admin), *(missing("body", key) for key in left_out))


WRONG_KINDS = {
    "tool_name null": ({"tool_name": None}, [null("body", "tool_name")]),
    "token null": ({"token": None}, [null("body", "token")]),
    "schema null": ({"schema": None}, [null("body", "schema")]),
    "tool_name a list": ({"tool_name": ["a"]}, [not_str("body", "tool_name")]),
    "tool_name an object": ({"tool_name": {}}, [not_str("body", "tool_name")]),
    "token a list": ({"token": []}, [not_str("body", "token")]),
    "token an object": ({"token": {"a": 1}}, [not_str("body", "token")]),
    "tool_name a number": ({"tool_name": 5}, [not_str("body", "tool_name")]),
    "token a number": ({"token": 1234567890}, [not_str("body", "token")]),
    "token a boolean": ({"token": True}, [not_str("body", "token")]),
    "schema an object": ({"schema": FIELD}, [not_list("body", "schema")]),
    "schema a string": ({"schema": "int"}, [not_list("body", "schema")]),
    "schema a number": ({"schema": 1}, [not_list("body", "schema")]),
    "an element a string": ({"schema": ["a"]}, [not_dict("body", "schema", 0)]),
    "an element a list": ({"schema": [FIELD, []]}, [not_dict("body", "schema", 1)]),
    "elements of both kinds": (
        {"schema": [1, FIELD, True]}, [not_dict("body", "schema", 0), not_dict("body", "schema", 2)]
    ),
    "all three": (
        {"tool_name": 1, "token": None, "schema": {}},
        [not_str("body", "tool_name"), null("body", "token"), not_list("body", "schema")],
    ),
}


@pytest.mark.parametrize("change, entries", WRONG_KINDS.values(), ids=WRONG_KINDS)
def test_values_of_the_wrong_kind_are_reported_together(stack, body, change, entries):
    expect_invalid(stack.post(URL, body | change, stack.admin), *entries)


@pytest.mark.parametrize(
    "raw, entries",
    [
        (b"", [missing("body")]),
        (b"[]", [not_dict("body")]),
        (b"{}", [missing("body", "tool_name"), missing("body", "token"), missing("body", "schema")]),
        (b'{"schema": 1, "token": 2}', [
            missing("body", "tool_name"), not_str("body", "token"), not_list("body", "schema"),
        ]),
    ],
    ids=["empty", "array", "no keys", "mixed"],
)
def test_a_missing_header_is_reported_before_the_faults_of_the_body(stack, raw, entries):
    expect_invalid(stack.post(URL, raw), missing("header", "admin-token"), *entries)


def test_a_request_is_checked_in_form_before_its_admin_token(stack):
    expect_invalid(stack.post(URL, b"[]", ("admin-token", "wrong-admin")), not_dict("body"))
