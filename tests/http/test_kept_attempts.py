"""The access log over HTTP: what is refused is written with the answer, or by a worker where a request may only read."""

import pytest

LOG = """SELECT action, status, sqlstate, face, role_name, request_data, credential_id IS NOT NULL
           FROM projectalpha_data.access_logs WHERE tool_name = %s ORDER BY logged_at"""
ANON = "projectalpha_anon"


@pytest.fixture
def log(stack, survey):
    """The rows of the tool's attempts; waits until there are so many."""
    def rows(count):
        def ready():
            return stack.value("SELECT to_regclass('projectalpha_data.access_logs') IS NOT NULL") and len(stack.sql(LOG, survey.name)) >= count
        stack.eventually(ready)
        found = stack.sql(LOG, survey.name)
        assert len(found) == count
        return found
    return rows


def configure(stack, tool, level, payloads=False):
    stack.sql("SELECT projectalpha.configure_access_log(%s, %s, %s)", tool.name, level, payloads)


def test_what_is_denied_is_kept(stack, survey, log):
    assert stack.post(survey.path, {"user_id": 1}, ("token", "wrong-token-001")).status == 401
    assert stack.post(survey.path + "/records:batch", [], ("token", "wrong-token-001")).status == 401
    # Stored by the request itself: it is there with the answer.
    assert log(2) == [("write", "denied", "28000", "http", ANON, None, False)] * 2
    assert stack.store(survey, {"user_id": 1}).status == 200
    assert stack.store(survey, {"user_id": "x"}).status == 400
    assert len(log(2)) == 2


def test_what_is_denied_where_nothing_can_be_written(stack, survey, log):
    stack.sql("UPDATE projectalpha.tools SET sensitive = true WHERE tool_name = %s", survey.name)
    for path in ("", "/records/1", "/records:count"):
        assert stack.get(survey.path + path, ("token", "wrong-token-001")).status == 401
    assert log(3) == [("read", "denied", "28000", "http", ANON, None, False)] * 3


def test_what_becomes_of_writes(stack, survey, log):
    configure(stack, survey, "writes", payloads=True)
    assert stack.store(survey, {"user_id": 1}).status == 200
    assert stack.store(survey, {"user_id": "x"}).status == 400
    assert stack.http("DELETE", survey.path + "/records/77", [survey.auth]).status == 404
    assert stack.get(survey.path).status == 200
    assert log(3) == [
        ("write", "success", None, "http", ANON, {"user_id": 1}, True),
        ("write", "error", "42804", "http", ANON, {"user_id": "x"}, True),
        ("delete", "error", "02000", "http", ANON, None, True),
    ]
    # The record of the second one is not there, the row about it is.
    assert len(stack.rows(survey)) == 1


def test_reads_are_kept_by_the_worker(stack, survey, log):
    configure(stack, survey, "all")
    assert stack.get(survey.path).status == 200
    assert stack.get(survey.path + "/records/9").status == 404
    assert [row[:3] for row in log(2)] == [("read", "success", None), ("read", "error", "02000")]


def test_the_same_through_the_native_functions(stack, survey, log):
    body = {"tool_name": survey.name, "token": "wrong-token-001", "payload": {}}
    assert stack.post("/rpc/store_record", body).status in (401, 403)
    assert [row[:5] for row in log(1)] == [("write", "denied", "28000", "sql", ANON)]


def test_no_token_and_no_payload_gets_anywhere_else(stack, survey, log):
    token = "a-token-that-must-not-show"
    assert stack.post(survey.path, {"user_id": 1, "secret": "a-value-that-must-not-show"}, ("token", token)).status == 401
    (row,) = stack.sql("SELECT l::text FROM projectalpha_data.access_logs AS l WHERE l.tool_name = %s", survey.name) if log(1) else ()
    assert "must-not-show" not in row[0]
    for name, text in stack.logs().items():
        assert b"must-not-show" not in text, name
