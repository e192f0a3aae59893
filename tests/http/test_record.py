"""One record over HTTP: /tools/{tool_id}/records/{record_id}, upsert, validate, versions and idempotency keys."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract import (
    NO_TOOL, NOT_ALLOWED, UNAUTHORIZED, entry, expect, expect_detail, expect_invalid, expect_json, expect_message,
    missing, not_dict,
)

NO_RECORD = "Record not found"


def fresh(stack, schema, **options):
    """A new tool with options, which the HTTP registration does not have."""
    name = stack.new_name()
    settings = "".join(f", {option} => {value}" for option, value in options.items())
    token = stack.value(
        f"select token from projectalpha.register_tool(%s, schema => %s::jsonb{settings})", name, json.dumps(schema)
    )
    from stack import Tool
    return Tool(name, token)


@pytest.fixture
def people(stack):
    return fresh(stack, [
        {"name": "email", "type": "str", "unique": True},
        {"name": "visits", "type": "int", "min": 0, "default": 1},
    ], versioned="true")


def store(stack, tool, payload):
    expect_message(stack.store(tool, payload), "Data stored successfully")
    return stack.rows(tool, "?limit=100")[-1]


def patch(stack, tool, record, changes, *headers):
    body = changes if isinstance(changes, bytes) else json.dumps(changes).encode()
    return stack.http("PATCH", f"{tool.path}/records/{record}", headers or [tool.auth], body)


def test_a_record_is_given_as_it_is_listed(stack, survey):
    listed = store(stack, survey, {"user_id": 1, "extra": {"a": [1.50]}, "seen_at": "2026-02-05T10:30:00+05:30"})
    answer = stack.get(f"{survey.path}/records/{listed['id']}")
    expect(answer, 200, listed)
    assert answer.header("etag") == []


def test_only_the_named_fields_change(stack, survey):
    listed = store(stack, survey, {"user_id": 1, "feedback": "x", "happy": True})
    answer = patch(stack, survey, listed["id"], {"feedback": "y", "happy": None, "unknown": 1})
    expect(answer, 200, listed | {"feedback": "y", "happy": None})
    assert stack.rows(survey) == [listed | {"feedback": "y", "happy": None}]


def test_a_deleted_record_is_gone(stack, survey):
    record = store(stack, survey, {"user_id": 1})["id"]
    expect_message(stack.delete(f"{survey.path}/records/{record}", survey.auth), f"Record {record} deleted")
    assert stack.rows(survey) == []
    for answer in (stack.get(f"{survey.path}/records/{record}"), patch(stack, survey, record, {"user_id": 2}),
                   stack.delete(f"{survey.path}/records/{record}", survey.auth)):
        expect_detail(answer, 404, NO_RECORD)


@pytest.mark.parametrize("record", ["abc", "1.5", "%20", "0x1", "1%2F2", "records"])
def test_an_id_that_is_no_number(stack, survey, record):
    fault = entry(("path", "record_id"), "value is not a valid integer", "type_error.integer")
    if record == "1%2F2":
        return expect_detail(stack.get(f"{survey.path}/records/{record}"), 404, "Not Found")
    expect_invalid(stack.get(f"{survey.path}/records/{record}"), fault)
    expect_invalid(stack.http("DELETE", f"{survey.path}/records/{record}"), fault, missing("header", "token"))
    expect_invalid(patch(stack, survey, record, b"[]"), fault, not_dict("body"))


@pytest.mark.parametrize("record", ["0", "-1", "99999999999999999999", "+7"])
def test_an_id_that_nobody_has(stack, survey, record):
    expect_detail(stack.get(f"{survey.path}/records/{record}"), 404, NO_RECORD)


def test_tokens_decide(stack, survey):
    record = store(stack, survey, {"user_id": 1})["id"]
    other = stack.register()
    for wrong in (("token", "wrong-token"), other.auth, ("token", ""), stack.admin):
        answer = patch(stack, survey, record, {"user_id": 2}, wrong)
        if wrong is stack.admin:
            expect_invalid(answer, missing("header", "token"))
            continue
        expect_detail(answer, 401, UNAUTHORIZED)
        expect_detail(stack.delete(f"{survey.path}/records/{record}", wrong), 401, UNAUTHORIZED)
    twice = [survey.auth, ("token", "wrong-token")]
    expect_detail(stack.http("DELETE", f"{survey.path}/records/{record}", twice), 401, UNAUTHORIZED)
    expect_detail(stack.get("/tools/no_such_tool/records/1"), 404, NO_TOOL)
    assert stack.rows(survey)[0]["user_id"] == 1


def test_a_sensitive_tool_shows_no_record_without_its_token(stack):
    tool = fresh(stack, [{"name": "n", "type": "int"}], sensitive="true")
    stack.store(tool, {"n": 1})
    expect_detail(stack.get(f"{tool.path}/records/1"), 401, UNAUTHORIZED)
    assert stack.get(f"{tool.path}/records/1", tool.auth).json()["n"] == 1
    expect_detail(stack.post(f"{tool.path}/records:validate", {}), 401, UNAUTHORIZED)


def test_values_are_checked_as_when_storing(stack, survey):
    record = store(stack, survey, {"user_id": 1})["id"]
    expect_detail(patch(stack, survey, record, {"user_id": "x"}), 400, "Field 'user_id' expected int, got <class 'str'>")
    expect_invalid(patch(stack, survey, record, b"{"), not_dict("body"))
    expect_invalid(patch(stack, survey, record, b""), missing("body"))


# Versions

def test_a_version_comes_as_an_etag(stack, people):
    listed = store(stack, people, {"email": "a@x"})
    url = f"{people.path}/records/{listed['id']}"
    assert list(listed)[:4] == ["id", "created_at", "updated_at", "version"]
    assert stack.get(url).header("etag") == ['"1"']
    answer = patch(stack, people, listed["id"], {"visits": 5})
    assert (answer.status, answer.header("etag"), answer.json()["version"]) == (200, ['"2"'], 2)


def test_an_altered_tool_has_other_etags(stack, people):
    record = store(stack, people, {"email": "a@x"})["id"]
    url = f"{people.path}/records/{record}"
    stack.sql("select projectalpha.alter_tool(%s, %s)", people.name, '{"rename": {"field": "visits", "to": "calls"}}')
    answer = stack.get(url, ("If-None-Match", '"1"'))
    assert (answer.status, answer.header("etag")) == (200, ['"1-2"']) and "calls" in answer.json()
    assert stack.get(url, ("If-None-Match", '"1-2"')).status == 304
    assert patch(stack, people, record, {"calls": 1}, people.auth, ("If-Match", '"1"')).status == 412
    answer = patch(stack, people, record, {"calls": 1}, people.auth, ("If-Match", '"1-2"'))
    assert (answer.status, answer.header("etag")) == (200, ['"2-2"'])
    # Versions that begin anew are no versions of before.
    for versioned in ("false", "true"):
        stack.sql("select projectalpha.alter_tool(%s, %s)", people.name, f'{{"options": {{"versioned": {versioned}}}}}')
    answer = stack.get(url, ("If-None-Match", '"1-2"'))
    assert (answer.status, answer.header("etag")) == (200, ['"1-4"'])


@pytest.mark.parametrize("tag, modified", [
    ('"1"', False), ('W/"1"', False), ('"7", "1"', False), ("*", False),
    ('"2"', True), ("1", True), ("", True), ('"01"', True),
])
def test_what_the_client_has_is_not_sent_again(stack, people, tag, modified):
    record = store(stack, people, {"email": "a@x"})["id"]
    answer = stack.get(f"{people.path}/records/{record}", ("If-None-Match", tag))
    assert answer.header("etag") == ['"1"']
    if modified:
        assert answer.status == 200 and answer.json()["id"] == record
    else:
        assert (answer.status, answer.body) == (304, b"")


@pytest.mark.parametrize("tag, matches", [
    ('"1"', True), ('"9", "1"', True), ("*", True),
    ('"2"', False), ('W/"1"', False), ("1", False), ("", False), ("nonsense", False),
])
def test_only_the_version_that_was_read_is_changed(stack, people, tag, matches):
    listed = store(stack, people, {"email": "a@x"})
    record = listed["id"]
    answer = patch(stack, people, record, {"visits": 5}, people.auth, ("If-Match", tag))
    if matches:
        assert (answer.status, answer.json()["visits"]) == (200, 5)
        deleted = stack.delete(f"{people.path}/records/{record}", people.auth, ("If-Match", '"1"'))
        expect_detail(deleted, 412, f"Record {record} has version 2 now")
        expect_message(
            stack.delete(f"{people.path}/records/{record}", people.auth, ("If-Match", '"2"')),
            f"Record {record} deleted",
        )
    else:
        expect_detail(answer, 412, f"Record {record} has version 1 now")
        assert stack.rows(people) == [listed]


def test_a_tool_without_versions_matches_no_tag(stack, survey):
    record = store(stack, survey, {"user_id": 1})["id"]
    answer = patch(stack, survey, record, {"user_id": 2}, survey.auth, ("If-Match", '"1"'))
    expect_detail(answer, 412, f"Tool '{survey.name}' is not versioned")
    assert patch(stack, survey, record, {"user_id": 2}, survey.auth, ("If-Match", "*")).status == 200
    assert stack.get(f"{survey.path}/records/{record}", ("If-None-Match", "*")).status == 200


def test_of_many_changes_to_one_version_one_wins(stack, people):
    record = store(stack, people, {"email": "a@x"})["id"]

    def change(number):
        return patch(stack, people, record, {"visits": number}, people.auth, ("If-Match", '"1"')).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(change, range(16)))
    assert sorted(statuses) == [200] + [412] * 15
    assert stack.rows(people)[0]["version"] == 2


# Upsert and unique fields

def test_upsert_stores_or_changes(stack, people):
    url = f"{people.path}/records:upsert?on_field=email"
    expect(stack.post(url, {"email": "a@x", "visits": 3}, people.auth), 200, {"id": 1, "inserted": True})
    expect(stack.post(url, {"email": "a@x"}, people.auth), 200, {"id": 1, "inserted": False})
    row = stack.rows(people)[0]
    assert (row["visits"], row["version"]) == (3, 2)


def test_what_upsert_refuses(stack, people):
    url = f"{people.path}/records:upsert"
    expect_invalid(stack.post(url, {"email": "a@x"}, people.auth), missing("query", "on_field"))
    expect_detail(stack.post(f"{url}?on_field=visits", {"visits": 1}, people.auth), 400,
                  "Field 'visits' is not declared unique")
    expect_detail(stack.post(f"{url}?on_field=email", {"visits": 1}, people.auth), 400,
                  "Field 'email' must have a value to find the record by")
    expect_detail(stack.post(f"{url}?on_field=email", {"email": "a@x"}, ("token", "wrong-token")), 401, UNAUTHORIZED)


def test_a_value_that_is_there_is_a_conflict(stack, people):
    store(stack, people, {"email": "a@x"})
    store(stack, people, {"email": "b@x"})
    taken = "Field 'email' must be unique, and another record has this value"
    expect_detail(stack.store(people, {"email": "a@x"}), 409, taken)
    expect_detail(patch(stack, people, stack.rows(people)[1]["id"], {"email": "a@x"}), 409, taken)
    expect_detail(stack.post(f"{people.path}/records:batch", [{"email": "c@x"}, {"email": "c@x"}], people.auth), 409, f"Record 1: {taken}")
    assert [row["email"] for row in stack.rows(people)] == ["a@x", "b@x"]


def test_upserts_of_one_value_at_once_store_one_record(stack, people):
    def upsert(number):
        return stack.post(f"{people.path}/records:upsert?on_field=email", {"email": "a@x", "visits": number}, people.auth)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(upsert, range(24)))
    assert {answer.status for answer in answers} == {200}
    assert sum(answer.json()["inserted"] for answer in answers) == 1
    assert [row["version"] for row in stack.rows(people)] == [24]


# Idempotency keys

def test_the_same_key_stores_once(stack, survey):
    key = ("Idempotency-Key", "order-1")
    for _ in range(3):
        expect_message(stack.post(survey.path, {"user_id": 1}, survey.auth, key), "Data stored successfully")
    expect_detail(stack.post(survey.path, {"user_id": 2}, survey.auth, key), 409,
                  "Idempotency key was used with another payload")
    expect_message(stack.post(survey.path, {"user_id": 2}, survey.auth, ("Idempotency-Key", "order-2")),
                   "Data stored successfully")
    assert [row["user_id"] for row in stack.rows(survey)] == [1, 2]


def test_the_same_key_at_once_stores_once(stack, survey):
    def post(_):
        return stack.post(survey.path, {"user_id": 1}, survey.auth, ("Idempotency-Key", "at-once"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(24)))
    assert {answer.status for answer in answers} == {200}
    assert len(stack.rows(survey, "?limit=100")) == 1


def test_a_refused_payload_does_not_use_up_its_key(stack, survey):
    key = ("Idempotency-Key", "order-3")
    assert stack.post(survey.path, {"user_id": "x"}, survey.auth, key).status == 400
    expect_message(stack.post(survey.path, {"user_id": 3}, survey.auth, key), "Data stored successfully")


def test_a_key_that_cannot_be_one(stack, survey):
    for bad in ("", "k" * 256):
        expect_detail(stack.post(survey.path, {"user_id": 1}, survey.auth, ("Idempotency-Key", bad)), 400,
                      "Idempotency key must have 1 to 255 characters and no control characters")
    assert stack.rows(survey) == []


# Rules

def test_everything_wrong_is_told_at_once(stack, people):
    expect(stack.post(f"{people.path}/records:validate", {"visits": -1, "email": 5}), 200, [
        {"field": "email", "rule": "type", "message": "Field 'email' expected str, got <class 'int'>"},
        {"field": "visits", "rule": "min", "message": "Field 'visits' must be at least 0"},
    ])
    expect(stack.post(f"{people.path}/records:validate", {}), 200, [])
    expect_invalid(stack.post(f"{people.path}/records:validate", b"[]"), not_dict("body"))
    assert stack.rows(people) == []


def test_rules_may_come_over_http(stack, body):
    body["schema"] = [{"name": "rating", "type": "int", "required": True, "max": 5}]
    expect_message(stack.post("/register-tool", body, stack.admin), f"Tool '{body['tool_name']}' registered and table created")
    auth = ("token", body["token"])
    expect_detail(stack.post(f"/tools/{body['tool_name']}", {}, auth), 400, "Field 'rating' is required")
    expect_detail(stack.post(f"/tools/{body['tool_name']}", {"rating": 6}, auth), 400, "Field 'rating' must be at most 5")


def test_a_bad_rule_registers_nothing(stack, body, nothing_created):
    body["schema"] = [{"name": "rating", "type": "int", "max": "five"}]
    expect_detail(stack.post("/register-tool", body, stack.admin), 400, "Option 'max' of field 'rating' needs an integer")


# The way there

@pytest.mark.parametrize("path, allowed", [
    ("records/1", "DELETE, GET, PATCH"), ("records:upsert", "POST"), ("records:validate", "POST"),
])
def test_other_methods_are_told_what_is_allowed(stack, survey, path, allowed):
    answer = stack.http("PUT", f"{survey.path}/{path}", [survey.auth], b"{}")
    expect_detail(answer, 405, NOT_ALLOWED)
    assert answer.header("allow") == [allowed]


def test_a_trailing_slash_leads_to_the_record(stack, survey):
    answer = stack.get(f"{survey.path}/records/1/?x=1")
    assert (answer.status, answer.header("location")) == (307, [f"{survey.path}/records/1?x=1"])


def test_answers_have_the_headers_of_all_others(stack, people):
    record = store(stack, people, {"email": "a@x"})["id"]
    expect_json(stack.get(f"{people.path}/records/{record}"))
    expect_json(patch(stack, people, record, {"visits": 2}))
