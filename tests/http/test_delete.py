"""DELETE /tools/{tool_id}."""

import pytest

from contract import FORBIDDEN, NO_TOOL, expect, expect_detail, expect_invalid, expect_message, missing


def table_exists(stack, tool):
    return stack.value("select to_regclass(%s) is not null", f"projectalpha_data.tool_{tool.name}")


def registered(stack, tool):
    return stack.value("select count(*) from projectalpha.registered_tools where tool_name = %s", tool.name) == 1


def test_deleting_drops_the_entry_and_the_table(stack, survey):
    stack.store(survey, {"user_id": 1})
    expect_message(stack.delete(survey.path, stack.admin), f"Tool '{survey.name}' deleted")
    assert not table_exists(stack, survey) and not registered(stack, survey)


def test_a_deleted_tool_is_not_found_any_more(stack, survey):
    stack.delete(survey.path, stack.admin)
    expect_detail(stack.get(survey.path), 404, NO_TOOL)
    expect_detail(stack.store(survey, {"user_id": 1}), 404, NO_TOOL)
    expect_detail(stack.delete(survey.path, stack.admin), 404, NO_TOOL)


def test_a_deleted_name_can_be_registered_anew_and_begins_empty(stack, survey):
    stack.store(survey, {"user_id": 1})
    stack.delete(survey.path, stack.admin)
    again = survey._replace(token="another-token-002")
    body = {"tool_name": again.name, "token": again.token, "schema": [{"name": "user_id", "type": "str"}]}
    expect_message(stack.post("/register-tool", body, stack.admin), f"Tool '{again.name}' registered and table created")
    assert stack.store(survey, {"user_id": "x"}).status == 401
    assert stack.store(again, {"user_id": "x"}).status == 200
    assert [(row["id"], row["user_id"]) for row in stack.rows(again)] == [(1, "x")]


def test_an_unknown_tool_is_not_found(stack):
    for name in ("nonexistent_tool", "A%20b", "%00", "%FF"):
        expect_detail(stack.delete(f"/tools/{name}", stack.admin), 404, NO_TOOL)


@pytest.mark.parametrize("token", ["", "wrong-admin", "' or true --", b"\xff\xfe"], ids=repr)
def test_a_wrong_admin_token_is_forbidden_and_deletes_nothing(stack, survey, token):
    expect_detail(stack.delete(survey.path, ("admin-token", token)), 403, FORBIDDEN)
    expect_detail(stack.delete("/tools/nonexistent_tool", ("admin-token", token)), 403, FORBIDDEN)
    assert table_exists(stack, survey) and registered(stack, survey)


@pytest.mark.parametrize("header", [None, "token", "admin_token"])
def test_a_missing_admin_token_is_reported_and_deletes_nothing(stack, survey, header):
    headers = [(header, stack.admin_token)] if header else []
    expect_invalid(stack.delete(survey.path, *headers), missing("header", "admin-token"))
    assert table_exists(stack, survey) and registered(stack, survey)


def test_a_tool_cannot_delete_itself(stack, survey):
    for headers in ([("admin-token", survey.token)], [("admin-token", survey.token), survey.auth]):
        expect_detail(stack.delete(survey.path, *headers), 403, FORBIDDEN)
    assert table_exists(stack, survey) and registered(stack, survey)


def test_a_body_is_not_looked_at(stack, survey):
    answer = stack.http("DELETE", survey.path, [stack.admin], b"{not json")
    expect(answer, 200, {"message": f"Tool '{survey.name}' deleted"})


def test_deleting_one_tool_leaves_the_others(stack, survey):
    other = stack.register()
    stack.store(other, {"user_id": 7})
    stack.delete(survey.path, stack.admin)
    assert [row["user_id"] for row in stack.rows(other)] == [7]
