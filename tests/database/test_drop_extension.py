"""DROP EXTENSION leaves every stored row; CREATE EXTENSION again works, also for sessions that lived through both."""

import psycopg
import pytest

from cluster import rows, value

REGISTER = """SELECT token FROM projectalpha.register_tool('survey', 'survey-token-001', '[{"name": "n", "type": "int"}]')"""
STORE = "SELECT projectalpha.store_record('survey', 'survey-token-001', '{\"n\": 42}')"
LIST = "SELECT r->'n' FROM projectalpha.list_records('survey', 100) AS r"
COMMON = "SELECT projectalpha.store_common('small', '{\"a\": 1}')"
LIST_COMMON = "SELECT count(*) FROM projectalpha.list_common('small', 100)"


@pytest.fixture
def warm(cluster, store):
    """Another session that has used everything."""
    store.execute(REGISTER)
    with cluster.another(store) as session:
        for query in (STORE, LIST, COMMON, LIST_COMMON):
            session.execute(query)
        yield session


def test_every_row_stays(store, warm):
    before = rows(store, "SELECT * FROM projectalpha_data.tool_survey"), rows(store, "SELECT * FROM projectalpha_data.multiple_tools")
    store.execute("DROP EXTENSION projectalpha_store")
    assert (rows(store, "SELECT * FROM projectalpha_data.tool_survey"), rows(store, "SELECT * FROM projectalpha_data.multiple_tools")) == before
    assert rows(store, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^projectalpha'") == [("projectalpha_data",)]
    store.execute("INSERT INTO projectalpha_data.tool_survey (n) VALUES (43)")
    with pytest.raises(psycopg.errors.InvalidSchemaName):
        warm.execute(STORE)


def test_a_drop_that_is_rolled_back_was_none(store, warm):
    with store.transaction(force_rollback=True):
        store.execute("DROP EXTENSION projectalpha_store")
    for session in (store, warm):
        session.execute(STORE)
    assert rows(warm, LIST) == [(42,)] * 3


def test_sessions_live_through_drop_and_create(store, warm):
    store.execute("DROP EXTENSION projectalpha_store")
    store.execute("CREATE EXTENSION projectalpha_store")
    for session in (store, warm):
        with pytest.raises(psycopg.errors.UndefinedObject, match="Tool not found"):
            session.execute(STORE)
        with pytest.raises(psycopg.errors.UndefinedObject, match="Tool not found"):
            session.execute(LIST)
    # The table left behind is in nobody's way once it is renamed, with the sequence and index that bear its name.
    for statement in (
        "ALTER TABLE projectalpha_data.tool_survey RENAME TO old_survey",
        "ALTER SEQUENCE projectalpha_data.id_of_tool_survey RENAME TO id_of_old_survey",
        "ALTER INDEX projectalpha_data.pk_of_tool_survey RENAME TO pk_of_old_survey",
    ):
        store.execute(statement)
    warm.execute(REGISTER)
    for session in (store, warm):
        session.execute(STORE)
    assert rows(store, LIST) == [(42,)] * 2
    assert rows(store, "SELECT n FROM projectalpha_data.old_survey") == [(42,)]
    # The common table is simply there again.
    for session in (store, warm):
        session.execute(COMMON)
        assert value(session, LIST_COMMON) > 1
    # Tokens of before are gone: none is valid by accident.
    assert value(store, "SELECT count(*) FROM projectalpha.credentials") == 1


def test_a_dba_can_put_the_registry_back(store, warm):
    store.execute("CREATE TABLE saved_tools AS SELECT * FROM projectalpha.tools")
    store.execute("CREATE TABLE saved_credentials AS SELECT * FROM projectalpha.credentials")
    store.execute("DROP EXTENSION projectalpha_store")
    store.execute("CREATE EXTENSION projectalpha_store")
    store.execute("INSERT INTO projectalpha.tools OVERRIDING SYSTEM VALUE SELECT * FROM saved_tools")
    store.execute("INSERT INTO projectalpha.credentials OVERRIDING SYSTEM VALUE SELECT * FROM saved_credentials")
    for session in (store, warm):
        session.execute(STORE)
    assert rows(warm, LIST) == [(42,)] * 3


def test_what_others_built_on_it_is_not_dropped_silently(store):
    store.execute("CREATE VIEW tool_names AS SELECT tool_name FROM projectalpha.registered_tools")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        store.execute("DROP EXTENSION projectalpha_store")
    store.execute(REGISTER)
    assert rows(store, "SELECT * FROM tool_names") == [("survey",)]


def test_two_databases_share_roles_and_nothing_else(cluster, store):
    store.execute(REGISTER)
    with cluster.new_store() as other:
        with pytest.raises(psycopg.errors.UndefinedObject):
            other.execute(STORE)
        other.execute(REGISTER)
        other.execute(STORE)
        other.execute("DROP EXTENSION projectalpha_store")
    store.execute(STORE)
    assert rows(store, LIST) == [(42,)]
