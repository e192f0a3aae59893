"""A tool that is rotated, altered, archived and restored while HTTP clients use it: their pooled sessions follow at once."""

import pytest

from contract import expect_detail

NOT_THIS_TOKEN = "Unauthorized: Invalid token for this tool"


def call(stack, function, **arguments):
    """The function over /rpc/, as an administrator by token."""
    answer = stack.post(f"/rpc/{function}", arguments | {"admin_token": stack.admin_token})
    assert answer.status in (200, 204), answer
    return answer.json() if answer.status == 200 else None


def store(stack, tool, token, payload):
    return stack.post(tool.path, payload, ("token", token))


def test_a_rotated_token_works_for_its_grace_period(stack, survey):
    assert store(stack, survey, survey.token, {"user_id": 1}).status == 200
    call(stack, "rotate_token", tool_name=survey.name, grace="1 hour", token="rotated-token-001")
    for token in (survey.token, "rotated-token-001"):
        assert store(stack, survey, token, {"user_id": 2}).status == 200
    call(stack, "rotate_token", tool_name=survey.name, token="rotated-token-002")
    for token in (survey.token, "rotated-token-001"):
        for _ in range(5):
            expect_detail(store(stack, survey, token, {"user_id": 3}), 401, NOT_THIS_TOKEN)
    assert store(stack, survey, "rotated-token-002", {"user_id": 4}).status == 200


def test_the_holder_of_a_token_rotates_it(stack, survey):
    body = {"tool_name": survey.name, "current_token": survey.token}
    answer = stack.post("/rpc/rotate_token", body)
    assert answer.status == 200 and answer.json().startswith("pas_tool_")
    assert store(stack, survey, answer.json(), {"user_id": 1}).status == 200
    refused = stack.post("/rpc/rotate_token", body)
    assert refused.status in (401, 403) and survey.token.encode() not in refused.body


def test_an_altered_tool_takes_the_old_payloads_and_the_new(stack, survey):
    assert store(stack, survey, survey.token, {"user_id": 1}).status == 200
    call(stack, "alter_tool", tool_name=survey.name, changes={"add": {"name": "rating", "type": "int", "default": 3, "max": 5}})
    for payload in ({"user_id": 2}, {"user_id": 3, "rating": 5}):
        assert store(stack, survey, survey.token, payload).status == 200
    assert store(stack, survey, survey.token, {"user_id": 4, "rating": 6}).status == 400
    assert [row["rating"] for row in stack.rows(survey)] == [3, 3, 5]


def test_an_archived_tool_is_not_found_until_it_is_restored(stack, survey):
    assert store(stack, survey, survey.token, {"user_id": 1}).status == 200
    call(stack, "delete_tool", tool_name=survey.name, archive=True)
    for _ in range(5):
        expect_detail(store(stack, survey, survey.token, {"user_id": 2}), 404, "Tool not found")
    (restored,) = call(stack, "restore_tool", tool_name=survey.name)
    assert restored["tool_name"] == survey.name
    assert store(stack, survey, survey.token, {"user_id": 3}).status == 200
    assert [(row["id"], row["user_id"]) for row in stack.rows(survey)] == [(1, 1), (2, 3)]


def test_delete_over_http_is_for_good(stack, survey):
    archived = stack.value("select count(*) from projectalpha.archived_tools")
    assert stack.delete(survey.path, stack.admin).status == 200
    assert stack.value("select count(*) from projectalpha.archived_tools") == archived
    assert stack.value("select count(*) from pg_class where relname ~ %s", survey.name) == 0


@pytest.mark.parametrize(
    "function, arguments",
    [
        ("rotate_token", {}),
        ("rotate_token", {"current_token": "wrong-token"}),
        ("rotate_token", {"current_token": ""}),
        ("alter_tool", {"changes": {"drop": "user_id"}}),
        ("delete_tool", {"archive": True}),
        ("restore_tool", {}),
    ],
)
@pytest.mark.parametrize("admin_token", [{}, {"admin_token": ""}, {"admin_token": "wrong-admin"}], ids=str)
def test_without_a_right_nothing_changes(stack, survey, function, arguments, admin_token):
    before = stack.footprint()
    answer = stack.post(f"/rpc/{function}", {"tool_name": survey.name} | arguments | admin_token)
    assert answer.status in (401, 403), answer
    assert b"wrong-" not in answer.body
    assert stack.footprint() == before
    assert store(stack, survey, survey.token, {"user_id": 1}).status == 200
