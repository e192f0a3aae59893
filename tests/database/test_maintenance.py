"""A DBA's housekeeping does not break sessions that are warm, and what they keep follows it."""

import psycopg
import pytest

from cluster import rows, value

HOUSEKEEPING = [
    "VACUUM FULL projectalpha.tools",
    "VACUUM FULL projectalpha.credentials",
    "VACUUM (FREEZE, ANALYZE) projectalpha.credentials",
    "REINDEX TABLE projectalpha.tools",
    "REINDEX TABLE CONCURRENTLY projectalpha.credentials",
    "REINDEX SCHEMA projectalpha",
    "CLUSTER projectalpha.tools USING tools_pkey",
    "ANALYZE",
    "ALTER TABLE projectalpha.tools ADD COLUMN IF NOT EXISTS later text",
    "ALTER TABLE projectalpha.credentials ADD COLUMN IF NOT EXISTS later text",
    "VACUUM FULL projectalpha_data.tool_survey",
    "REINDEX TABLE CONCURRENTLY projectalpha_data.tool_survey",
    "VACUUM FULL projectalpha_data.multiple_tools",
    "VACUUM FULL pg_catalog.pg_class",
    "REINDEX SYSTEM",
    "CHECKPOINT",
    "UPDATE projectalpha.tools SET description = 'changed'",
    "ALTER FUNCTION projectalpha.store_record PARALLEL UNSAFE",
    "ALTER EXTENSION projectalpha_store UPDATE",
]
STORE = "SELECT projectalpha.store_record('survey', 'survey-token-001', '{\"n\": 1}')"
LIST = "SELECT count(*) FROM projectalpha.list_records('survey', 1000, token => 'survey-token-001')"
COMMON = "SELECT projectalpha.store_common('small', '{}', true, 'common-token-001')"
LIST_COMMON = "SELECT count(*) FROM projectalpha.list_common('small', 1000, token => 'common-token-001')"


@pytest.fixture
def warm(cluster, store):
    """A session of a role without rights of its own, warm."""
    store.execute("""SELECT projectalpha.register_tool('survey', 'survey-token-001', '[{"name": "n", "type": "int"}]', sensitive => true)""")
    store.execute("SELECT projectalpha.add_common_token('common-token-001')")
    with cluster.another(store) as session:
        session.execute("SET SESSION AUTHORIZATION projectalpha_anon")
        session.execute("SET plan_cache_mode = force_generic_plan")
        use(session, 1)
        yield session


def use(session, times):
    """All four calls; the number of rows is that of the calls so far."""
    session.execute(STORE)
    session.execute(COMMON)
    assert (value(session, LIST), value(session, LIST_COMMON)) == (times, times)


def refused(session):
    for query in (STORE, LIST, COMMON, LIST_COMMON):
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
            session.execute(query)


def test_housekeeping_goes_unnoticed(store, warm):
    for times, statement in enumerate(HOUSEKEEPING, 2):
        statement = statement.replace("REINDEX SYSTEM", f"REINDEX SYSTEM {store.info.dbname}")
        with store.cursor() as cursor:
            cursor.execute("SET client_min_messages = warning")
            cursor.execute(statement)
        use(warm, times)


def test_after_all_of_it_a_revocation_still_arrives(store, warm):
    for statement in HOUSEKEEPING[:6]:
        store.execute(statement)
        use(warm, HOUSEKEEPING.index(statement) + 2)
    store.execute("SELECT projectalpha.revoke_token(t) FROM unnest(ARRAY['survey-token-001', 'common-token-001']) AS t")
    refused(warm)


@pytest.mark.parametrize("statement", ["DISCARD ALL", "DISCARD PLANS", "DISCARD TEMP", "DEALLOCATE ALL", "RESET ALL", "RESET SESSION AUTHORIZATION"])
def test_a_session_that_is_handed_on_by_a_pooler(warm, statement):
    warm.execute(statement)
    use(warm, 2)


@pytest.mark.parametrize("table", ["tools", "credentials"])
def test_emptied_tables_open_nothing(store, warm, table):
    store.execute(f"TRUNCATE projectalpha.{table} CASCADE")
    expected = psycopg.errors.UndefinedObject if table == "tools" else psycopg.errors.InvalidAuthorizationSpecification
    with pytest.raises(expected):
        warm.execute(STORE)


@pytest.mark.parametrize("statement", ["TRUNCATE projectalpha.tools RESTART IDENTITY CASCADE", "DELETE FROM projectalpha.tools"])
def test_tokens_of_a_tool_that_was_removed_by_hand_open_no_other(store, warm, statement):
    store.execute(statement)
    store.execute("SELECT projectalpha.register_tool('other', 'other-token-001')")
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        store.execute("SELECT projectalpha.store_record('other', 'survey-token-001', '{}')")
    assert rows(store, "SELECT tool_name FROM projectalpha.active_tokens WHERE 'write' = ANY (scopes)") == [("other",)]


def test_a_small_cache_is_only_slower(store, warm):
    names = [f"tool_{i}" for i in range(20)]
    for name in names:
        store.execute("SELECT projectalpha.register_tool(%s, 'survey-token-001', '[{\"name\": \"n\", \"type\": \"int\"}]')", [name])
    for size in (1, 2, 256):
        warm.execute(f"SET projectalpha_store.cache_size = {size}")
        for name in names * 2:
            warm.execute("SELECT projectalpha.store_record(%s, 'survey-token-001', '{\"n\": 1}')", [name])
    assert rows(warm, "SELECT DISTINCT (SELECT count(*) FROM projectalpha.list_records(name)) FROM unnest(%s::text[]) AS name", names) == [(6,)]


def test_a_cancelled_call_leaves_nothing_behind(cluster, store, warm):
    """Cancelled while it waits for a lock, and while it stores many: the session goes on."""
    with cluster.another(store) as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE projectalpha_data.tool_survey")
        warm.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            warm.execute(STORE)
        warm.execute("RESET statement_timeout")
    use(warm, 2)
    assert value(warm, "SELECT current_user") == "projectalpha_anon"
    assert value(store, "SELECT count(*) FROM pg_locks WHERE relation = 'projectalpha_data.tool_survey'::regclass") == 0
