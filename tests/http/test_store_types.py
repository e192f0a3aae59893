"""POST /tools/{tool_id}: which JSON value fits which field, and how it is kept."""

import json

import pytest

from contract import canonical, expect_detail, expect_message, expect_some_detail

STORED = "Data stored successfully"

# JSON text by the name of its Python class, as the contract's messages say it.
KINDS = {
    "str": ['"not-a-number"', '"42"', '"true"', '""'],
    "int": ["42", "0", "-1"],
    "float": ["42.0", "0.5", "-1.25"],
    "bool": ["true", "false"],
    "list": ["[]", "[1]"],
    "dict": ["{}", '{"a": 1}'],
}
FIELDS = {"user_id": "int", "feedback": "str", "happy": "bool", "score": "float", "seen_at": "timestamp"}
FITS = {("int", "int"), ("str", "str"), ("bool", "bool"), ("float", "float"), ("float", "int"), ("timestamp", "str")}
MISMATCHES = [
    (field, declared, kind, text)
    for field, declared in FIELDS.items()
    for kind, texts in KINDS.items()
    if (declared, kind) not in FITS
    for text in texts
]


def send(stack, tool, field, text):
    return stack.post(tool.path, f'{{"{field}": {text}}}'.encode(), tool.auth)


@pytest.mark.parametrize("field, declared, kind, text", MISMATCHES)
def test_a_value_of_the_wrong_kind_is_refused(stack, survey, field, declared, kind, text):
    answer = send(stack, survey, field, text)
    expect_detail(answer, 400, f"Field '{field}' expected {declared}, got <class '{kind}'>")
    assert stack.rows(survey) == []


@pytest.mark.parametrize("alias, short", [("integer", "int"), ("string", "str"), ("boolean", "bool")])
def test_the_long_names_of_types_are_reported_by_the_short_ones(stack, alias, short):
    tool = stack.register([{"name": "value", "type": alias}])
    answer = stack.store(tool, {"value": []})
    expect_detail(answer, 400, f"Field 'value' expected {short}, got <class 'list'>")


@pytest.mark.parametrize(
    "field, text",
    [
        ("user_id", "42"),
        ("user_id", "9223372036854775807"),
        ("user_id", "-9223372036854775808"),
        ("feedback", '"x"'),
        ("feedback", '""'),
        ("happy", "true"),
        ("happy", "false"),
        ("score", "1.5"),
        ("score", "0.1"),
        ("score", "1.7976931348623157e308"),
        ("score", "5e-324"),
        ("extra", "{}"),
        ("extra", '{"a": {"b": [1, 2.5, null, true, "x"]}}'),
        ("extra", "[]"),
        ("extra", '["a", {}]'),
        ("extra", '"text"'),
        ("extra", "5"),
        ("extra", "1.5"),
        ("extra", "false"),
    ],
)
def test_a_fitting_value_is_kept(stack, survey, field, text):
    expect_message(send(stack, survey, field, text), STORED)
    stored = stack.value(f"select to_json({field})::text from projectalpha_data.tool_{survey.name}")
    (row,) = stack.rows(survey)
    assert json.dumps(row[field]) == canonical(stored) == canonical(text)


@pytest.mark.parametrize("number", [42, 0, -7, 9007199254740993])
def test_an_int_is_accepted_for_a_float(stack, survey, number):
    expect_message(stack.store(survey, {"score": number}), STORED)
    assert stack.value(f"select score from projectalpha_data.tool_{survey.name}") == float(number)


@pytest.mark.parametrize("field", [*FIELDS, "extra"])
def test_null_is_stored_as_null(stack, survey, field):
    expect_message(stack.store(survey, {field: None}), STORED)
    (row,) = stack.rows(survey)
    assert row[field] is None
    assert stack.value(f"select {field} is null from projectalpha_data.tool_{survey.name}")


def test_missing_fields_are_null_and_present_in_the_answer(stack, survey):
    expect_message(stack.store(survey, {"feedback": "only this"}), STORED)
    (row,) = stack.rows(survey)
    fields = {key: value for key, value in row.items() if key not in ("id", "created_at")}
    assert fields == {
        "user_id": None, "feedback": "only this", "happy": None, "score": None, "extra": None, "seen_at": None
    }


def test_an_empty_object_is_a_row(stack, survey):
    expect_message(stack.store(survey, {}), STORED)
    (row,) = stack.rows(survey)
    assert [key for key, value in row.items() if value is not None] == ["id", "created_at"]


@pytest.mark.parametrize(
    "extra",
    [{"unknown": 1}, {"id": 99}, {"created_at": "2000-01-01T00:00:00"}, {"ID": 1, "User_Id": 2}, {"": 0}],
    ids=str,
)
def test_what_is_not_in_the_schema_is_ignored(stack, survey, extra):
    expect_message(stack.store(survey, {"user_id": 5} | extra), STORED)
    (row,) = stack.rows(survey)
    assert (row["id"], row["user_id"]) == (1, 5)
    assert not row["created_at"].startswith("2000-")
    assert set(extra) & set(row) <= {"id", "created_at"}


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "1" + "0" * 400])
def test_an_int_beyond_bigint_is_refused(stack, survey, text):
    expect_some_detail(send(stack, survey, "user_id", text), 400)
    assert stack.rows(survey) == []


@pytest.mark.parametrize("text", ["1e309", "-1e309", "1" + "0" * 400])
def test_a_float_beyond_double_precision_is_refused(stack, survey, text):
    expect_some_detail(send(stack, survey, "score", text), 400)
    assert stack.rows(survey) == []


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "not-a-time", "2026-13-01T00:00:00", "2026-02-30T00:00:00", "2026-02-05T25:00:00", "10:30",
        "2026-02-05T10:30:00+99:00", "now", "today", "infinity", "-infinity", "epoch", "'; drop table x; --",
    ],
    ids=repr,
)
def test_a_malformed_timestamp_is_refused(stack, survey, text):
    expect_some_detail(stack.store(survey, {"seen_at": text}), 400)
    assert stack.rows(survey) == []


@pytest.mark.parametrize(
    "sent, shown",
    [
        ("2026-02-05T10:30:00", "2026-02-05T10:30:00"),
        ("2026-02-05 10:30:00", "2026-02-05T10:30:00"),
        ("2026-02-05T10:30:00Z", "2026-02-05T10:30:00"),
        ("2026-02-05T10:30:00+00:00", "2026-02-05T10:30:00"),
        ("2026-02-05T16:00:00+05:30", "2026-02-05T10:30:00"),
        ("2026-02-04T22:30:00-12:00", "2026-02-05T10:30:00"),
        ("2026-02-05T10:30:00.25", "2026-02-05T10:30:00.250000"),
        ("2026-02-05T10:30:00.000001Z", "2026-02-05T10:30:00.000001"),
        ("2026-02-05T10:30:00.000000", "2026-02-05T10:30:00"),
        ("2026-02-05", "2026-02-05T00:00:00"),
        ("1969-12-31T23:59:59", "1969-12-31T23:59:59"),
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"),
    ],
)
def test_a_timestamp_is_shown_in_utc_without_a_zone(stack, survey, sent, shown):
    expect_message(stack.store(survey, {"seen_at": sent}), STORED)
    (row,) = stack.rows(survey)
    assert row["seen_at"] == shown


def test_a_key_given_twice_counts_with_its_last_value(stack, survey):
    expect_message(stack.post(survey.path, b'{"user_id": 1, "user_id": 2}', survey.auth), STORED)
    assert [row["user_id"] for row in stack.rows(survey)] == [2]


@pytest.mark.parametrize("depth", [100, 100_000])
def test_deep_nesting_is_stored_or_refused_in_the_contract_s_words(stack, survey, depth):
    answer = send(stack, survey, "extra", "[" * depth + "]" * depth)
    if depth == 100:
        expect_message(answer, STORED)
    else:
        assert answer.status in (400, 422) and list(answer.json()) == ["detail"], answer
    assert len(stack.rows(survey)) == (depth == 100)
