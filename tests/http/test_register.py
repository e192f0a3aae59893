"""POST /register-tool: who may, and what can be registered."""

import pytest

from contract import FORBIDDEN, expect_detail, expect_invalid, expect_message, expect_some_detail, missing

URL = "/register-tool"
FIELD = {"name": "user_id", "type": "int"}
NO_NAME_OR_TYPE = "Each field must have 'name' and 'type'"
ALLOWED = "['int', 'integer', 'str', 'string', 'bool', 'boolean', 'float', 'json', 'timestamp']"


def test_registering_creates_the_entry_and_the_table(stack, body):
    name = body["tool_name"]
    expect_message(stack.post(URL, body, stack.admin), f"Tool '{name}' registered and table created")
    registry = "select table_name from projectalpha.registered_tools where tool_name = %s"
    assert len(stack.sql(registry, name)) == 1
    assert stack.value("select to_regclass(%s) is not null", f"projectalpha_data.tool_{name}")


def test_each_type_gets_its_column(stack):
    types = ["int", "integer", "str", "string", "bool", "boolean", "float", "json", "timestamp"]
    tool = stack.register([{"name": f"f_{kind}", "type": kind} for kind in types])
    columns = stack.sql(
        """select attname::text, format_type(atttypid, atttypmod) from pg_attribute
           where attrelid = %s::regclass and attnum > 0 order by attnum""",
        f"projectalpha_data.tool_{tool.name}",
    )
    assert columns == [
        ("id", "bigint"),
        ("created_at", "timestamp with time zone"),
        ("f_int", "bigint"),
        ("f_integer", "bigint"),
        ("f_str", "text"),
        ("f_string", "text"),
        ("f_bool", "boolean"),
        ("f_boolean", "boolean"),
        ("f_float", "double precision"),
        ("f_json", "jsonb"),
        ("f_timestamp", "timestamp with time zone"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"tool_name": "n" * 50},
        {"tool_name": "select"},
        {"token": "8letters"},
        {"schema": [{"name": "n" * 63, "type": "int"}]},
        {"schema": [{"name": "_under", "type": "int"}, {"name": "table", "type": "str"}]},
        {"schema": [{"name": f"f{i}", "type": "int"} for i in range(500)]},
        {"schema": [FIELD | {"comment": "ignored"}]},
        {"more": "ignored"},
    ],
    ids=[
        "name of 50", "name that is an SQL word", "token of 8", "field of 63", "field that is an SQL word",
        "500 fields", "more keys in a field", "more keys in the body",
    ],
)
def test_what_is_just_within_the_limits_is_registered(stack, body, change):
    body |= change
    answer = stack.post(URL, body, stack.admin)
    expect_message(answer, f"Tool '{body['tool_name']}' registered and table created")


def test_a_second_tool_of_the_same_name_is_refused_and_the_first_stays(stack, body):
    tool = stack.register()
    stack.store(tool, {"user_id": 7})
    before = stack.footprint()
    answer = stack.post(URL, body | {"tool_name": tool.name}, stack.admin)
    expect_detail(answer, 400, f"Tool '{tool.name}' already registered")
    assert stack.footprint() == before
    expect_message(stack.store(tool, {"user_id": 8}), "Data stored successfully")
    assert [row["user_id"] for row in stack.rows(tool)] == [7, 8]


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize(
    "field",
    [{}, {"name": "a"}, {"type": "int"}, {"nome": "a", "type": "int"}, {"Name": "a", "Type": "int"}],
    ids=str,
)
@pytest.mark.parametrize("before", [[], [FIELD]], ids=["first", "second"])
def test_a_field_without_name_or_type_is_refused(stack, body, before, field):
    answer = stack.post(URL, body | {"schema": [*before, field]}, stack.admin)
    expect_detail(answer, 400, NO_NAME_OR_TYPE)


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize("kind", ["xyz", "INT", "Integer", " int", "int4", "text", "jsonb", "int; drop", "", "ínt"])
def test_an_unsupported_type_is_named_with_the_allowed_ones(stack, body, kind):
    answer = stack.post(URL, body | {"schema": [FIELD, {"name": "a", "type": kind}]}, stack.admin)
    expect_detail(answer, 400, f"Unsupported type: {kind}. Allowed: {ALLOWED}")


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize("value", [5, 1.5, True, None, [], {}], ids=repr)
@pytest.mark.parametrize("key", ["name", "type"])
def test_a_field_whose_name_or_type_is_no_string_is_refused(stack, body, key, value):
    expect_some_detail(stack.post(URL, body | {"schema": [FIELD | {key: value}]}, stack.admin), 400)


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize(
    "name",
    [
        "", " ", "Survey", "SURVEY", "1survey", "_survey", "sur-vey", "sur vey", "sur.vey", "sur/vey", "survey\n",
        'sur"vey', "sur'vey", "x; drop table t", "sürvey", "ѕurvey", "survey\u200b", "n" * 51, "é" * 26,
    ],
    ids=repr,
)
def test_a_bad_tool_name_is_refused(stack, body, name):
    expect_some_detail(stack.post(URL, body | {"tool_name": name}, stack.admin), 400)


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize(
    "name",
    [
        "", " ", "id", "created_at", "xmin", "tableoid", "Field", "1st", "a-b", "a b", "a.b", 'a"b', "a'b", "a\n",
        "fïeld", "аge", "n" * 64,
    ],
    ids=repr,
)
def test_a_bad_or_reserved_field_name_is_refused(stack, body, name):
    schema = [FIELD, {"name": name, "type": "int"}]
    expect_some_detail(stack.post(URL, body | {"schema": schema}, stack.admin), 400)


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize(
    "change",
    [
        {"schema": [FIELD, FIELD]},
        {"schema": [FIELD, {"name": "user_id", "type": "str"}]},
        {"schema": [{"name": f"f{i}", "type": "int"} for i in range(501)]},
        {"token": "7letter"},
        {"token": ""},
    ],
    ids=["field twice", "field twice with two types", "501 fields", "token of 7", "empty token"],
)
def test_what_is_just_outside_the_limits_is_refused(stack, body, change):
    expect_some_detail(stack.post(URL, body | change, stack.admin), 400)


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize(
    "token",
    ["", " ", "wrong", "' or true --", b"\xff\xfe", "a-good-token-001", "token123", "null"],
    ids=repr,
)
def test_a_wrong_admin_token_is_forbidden(stack, body, token):
    expect_detail(stack.post(URL, body, ("admin-token", token)), 403, FORBIDDEN)


@pytest.mark.usefixtures("nothing_created")
def test_a_part_of_the_admin_token_is_forbidden(stack, body):
    for wrong in (stack.admin_token[:-1], stack.admin_token + "x", stack.admin_token.upper()):
        expect_detail(stack.post(URL, body, ("admin-token", wrong)), 403, FORBIDDEN)


@pytest.mark.usefixtures("nothing_created")
def test_a_tool_token_is_not_an_admin_token(stack, body):
    tool = stack.register()
    expect_detail(stack.post(URL, body, ("admin-token", tool.token)), 403, FORBIDDEN)
    expect_message(stack.delete(tool.path, stack.admin), f"Tool '{tool.name}' deleted")


@pytest.mark.usefixtures("nothing_created")
@pytest.mark.parametrize("header", [None, "token", "admin_token", "x-admin-token", "authorization"])
def test_a_missing_admin_token_is_reported(stack, body, header):
    headers = [(header, stack.admin_token)] if header else []
    answer = stack.post(URL, body, *headers)
    expect_invalid(answer, missing("header", "admin-token"))
    assert answer.body == (
        b'{"detail":[{"loc":["header","admin-token"],"msg":"field required","type":"value_error.missing"}]}'
    )


def test_the_header_name_may_be_in_any_case(stack, body):
    answer = stack.post(URL, body, ("ADMIN-Token", stack.admin_token))
    expect_message(answer, f"Tool '{body['tool_name']}' registered and table created")


@pytest.mark.usefixtures("nothing_created")
def test_who_is_not_admin_learns_nothing_of_the_registry(stack, body):
    tool = stack.register()
    for name in (tool.name, body["tool_name"]):
        answer = stack.post(URL, body | {"tool_name": name}, ("admin-token", "wrong-admin"))
        expect_detail(answer, 403, FORBIDDEN)
    stack.delete(tool.path, stack.admin)
