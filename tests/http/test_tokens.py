"""Tokens that the DBA sets, adds and revokes in SQL: what they open over HTTP, at once and on every connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest

AT_ONCE = 20  # as many as PostgREST keeps connections


def statuses(call):
    """What many calls at once are answered with, so that every open session takes part."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {answer.status for answer in pool.map(lambda _: call(), range(3 * AT_ONCE))}


@pytest.fixture
def tool(own_stack):
    return own_stack.register()


def test_a_revoked_tool_token_is_refused_at_once_by_every_session(own_stack, tool):
    assert statuses(lambda: own_stack.store(tool, {})) == {200}
    own_stack.sql("select projectalpha.revoke_token(%s)", tool.token)
    assert statuses(lambda: own_stack.store(tool, {})) == {401}
    assert statuses(lambda: own_stack.get(tool.path)) == {200}


def test_a_common_token_is_good_from_its_addition_to_its_revocation(own_stack):
    stack = own_stack
    headers = [("tool-name", "tokens"), ("sensitive", "1"), ("token", "added-later-001")]

    def store():
        return stack.post("/common", {}, *headers)

    assert statuses(store) == {401}
    stack.sql("select projectalpha.add_common_token('added-later-001')")
    assert statuses(store) == {200}
    stack.sql("select projectalpha.revoke_token('added-later-001')")
    assert statuses(store) == {401}


def test_a_new_admin_token_takes_the_place_of_the_old_one(own_stack):
    stack = own_stack
    before, after = stack.admin, ("admin-token", "the-next-admin-001")

    def deletion(token):
        return lambda: stack.delete("/tools/nonexistent_tool", token)

    assert statuses(deletion(before)) == {404} and statuses(deletion(after)) == {403}
    stack.sql("select projectalpha.set_admin_token(%s)", after[1])
    assert statuses(deletion(before)) == {403} and statuses(deletion(after)) == {404}
    stack.sql("select projectalpha.set_admin_token(%s)", before[1])
    assert statuses(deletion(before)) == {404} and statuses(deletion(after)) == {403}


def test_a_tool_that_becomes_sensitive_in_another_session_is_closed_at_once(own_stack, tool):
    assert statuses(lambda: own_stack.get(tool.path)) == {200}
    own_stack.sql("update projectalpha.tools set sensitive = true where tool_name = %s", tool.name)
    assert statuses(lambda: own_stack.get(tool.path)) == {401}
    assert statuses(lambda: own_stack.get(tool.path, tool.auth)) == {200}


def test_a_registration_that_is_rolled_back_is_known_to_no_session(own_stack):
    stack, name = own_stack, own_stack.new_name()
    with stack.connect() as session:
        session.execute("select projectalpha.register_tool(%s, 'rolled-back-001', '[]')", [name])
        session.execute("select projectalpha.store_record(%s, 'rolled-back-001', '{}')", [name])
        assert statuses(lambda: stack.get(f"/tools/{name}")) == {404}
        session.rollback()
    assert statuses(lambda: stack.get(f"/tools/{name}")) == {404}
    body = {"tool_name": name, "token": "second-try-001", "schema": []}
    assert stack.post("/register-tool", body, stack.admin).status == 200


@pytest.mark.parametrize("relation", ["credentials", "registered_tools", "active_tokens"])
def test_no_token_can_be_read_from_the_database(own_stack, tool, relation):
    assert own_stack.store(tool, {}).status == 200
    rows = own_stack.value(f"select string_agg(t::text, ' ') from projectalpha.{relation} t")
    for token in (tool.token, own_stack.admin_token, own_stack.common_tokens[0]):
        assert token not in rows and token.encode().hex() not in rows
