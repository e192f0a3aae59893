"""Configured tools in a dump, on a standby and in the server log; a promotion that is killed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.types.json import Jsonb

from cluster import Cluster, rows, value
from stack import eventually
from test_standby import Standby

CONTENTS = {
    "configuration": "SELECT * FROM projectalpha.tool_configuration ORDER BY 1",
    "view": "SELECT * FROM projectalpha.configured_tools ORDER BY 1",
    "credentials": "SELECT * FROM projectalpha.credentials ORDER BY id",
    "common": "SELECT * FROM projectalpha_data.multiple_tools ORDER BY id",
    "half": "SELECT * FROM projectalpha_data.tool_half ORDER BY id",
}


def configure(db, name, sensitive=False, own_table=False, token=None):
    return value(db, "SELECT token FROM projectalpha.configure_tool(%s, %s, %s, %s)", name, sensitive, own_table, token)


def store(db, name, token=None, n=1):
    return value(db, "SELECT projectalpha.store_configured(%s, jsonb_build_object('n', %s::int), %s)", name, n, token)


def listed(db, name, token=None):
    return [n for (n,) in rows(db, "SELECT r->'data'->'n' FROM projectalpha.list_configured(%s, token => %s) AS r", name, token)]


def promote(db, name, batch=None):
    return rows(db, "SELECT moved, done FROM projectalpha.promote_tool(%s, %s)", name, batch)[0]


def test_a_restored_database_goes_on_where_the_dump_was_taken(cluster, store_with_tools):
    source = store_with_tools
    text = cluster.client("pg_dump", source.info.dbname)
    assert "-token-001" not in text
    database = cluster.new_database()
    cluster.client("psql", database, "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", input=text)
    with cluster.connect(database) as restored:
        for what, query in CONTENTS.items():
            assert rows(restored, query) == rows(source, query), what
        assert store(restored, "waiting", "waiting-token-001") == 1
        assert value(restored, "SELECT projectalpha.store_record('waiting', 'waiting-token-001', '{}')") == 2
        assert listed(restored, "small", "small-token-001") == [1]
        with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
            store(restored, "small", "waiting-token-001")
        assert listed(restored, "half") == [1, 2, 3, 4]
        assert promote(restored, "half") == (2, True)
        assert listed(restored, "half") == [1, 2, 3, 4]
        assert store(restored, "half", n=5) == 5


@pytest.fixture
def store_with_tools(cluster):
    """One tool that waits for its first record, one in the common table, one that is being promoted."""
    with cluster.new_store() as db:
        configure(db, "waiting", True, True, "waiting-token-001")
        configure(db, "half")
        for n in range(1, 5):
            store(db, "half", n=n)
        configure(db, "small", True, False, "small-token-001")
        store(db, "small", "small-token-001")
        assert promote(db, "half", 2) == (2, False)
        yield db


def test_what_was_stored_outlives_the_extension(store_with_tools):
    db = store_with_tools
    db.execute("DROP EXTENSION projectalpha_store")
    assert value(db, "SELECT count(*) FROM projectalpha_data.tool_half") == 2
    assert value(db, "SELECT count(*) FROM projectalpha_data.multiple_tools") == 3


def test_listing_and_advice_on_a_standby():
    with Cluster("wal_level=replica", "max_wal_senders=4") as primary, Standby(primary) as standby, primary.new_store() as here:
        configure(here, "waiting", True, True, "waiting-token-001")
        configure(here, "half")
        for n in range(1, 4):
            store(here, "half", n=n)
        promote(here, "half", 2)
        standby.catch_up()
        with standby.connect(here.info.dbname) as there:
            assert listed(there, "half") == [1, 2, 3]
            assert listed(there, "waiting", "waiting-token-001") == []
            assert rows(there, "SELECT tool_name, rows FROM projectalpha.storage_advice()") == [("half", 1)]
            for statement in (
                "SELECT projectalpha.store_configured('half', '{}')",
                "SELECT projectalpha.store_configured('waiting', '{}', 'waiting-token-001')",
                "SELECT projectalpha.promote_tool('half')",
            ):
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    there.execute(statement)
            promote(here, "half")
            store(here, "waiting", "waiting-token-001")
            standby.catch_up()
            assert listed(there, "half") == [1, 2, 3]
            assert listed(there, "waiting", "waiting-token-001") == [1]


def test_a_promotion_that_was_killed_goes_on(cluster, store):
    db = store
    configure(db, "grown")
    total = 20_000
    value(db, "SELECT projectalpha.store_configured('grown', '{}')")
    db.execute(
        """INSERT INTO projectalpha_data.multiple_tools (tool_name, data)
           SELECT 'grown', jsonb_build_object('n', n) FROM generate_series(2, %s) AS n""" % total
    )
    worker = cluster.another(db)
    pid = worker.info.backend_pid
    with cluster.another(db) as holder:
        # It comes to a row in the middle, and waits for it.
        holder.execute("BEGIN")
        holder.execute("SELECT FROM projectalpha_data.multiple_tools WHERE data->'n' = %s FOR UPDATE", [Jsonb(total // 2)])
        worker.pgconn.send_query(b"CALL projectalpha.promote_tool_in_batches('grown', 100)")
        eventually(lambda: value(db, "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)", pid))
        assert value(db, "SELECT pg_terminate_backend(%s, 60000)", pid)
    worker.close()
    moved = value(db, "SELECT count(*) FROM projectalpha_data.tool_grown")
    assert 0 < moved < total
    assert value(db, "SELECT count(*) FROM projectalpha_data.multiple_tools") == total - moved
    notices = []
    db.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    db.execute("CALL projectalpha.promote_tool_in_batches('grown', 5000)")
    assert notices[0] == "Tool 'grown': 5000 rows moved" and len(notices) > 1
    assert rows(db, "SELECT count(*), count(DISTINCT id), min(id), max(id) FROM projectalpha_data.tool_grown") == [(total, total, 1, total)]
    assert value(db, "SELECT count(*) FROM projectalpha_data.multiple_tools") == 0


def test_many_post_first_at_the_same_moment(cluster, store):
    sessions, tools = 6, [f"race_{n}" for n in range(12)]
    for name in tools:
        configure(store, name, True, True, f"{name}-token-001")
    start = threading.Barrier(sessions)

    def post():
        with cluster.another(store) as session:
            for name in tools:
                start.wait(30)
                session.execute("SELECT projectalpha.store_configured(%s, '{}', %s)", [name, f"{name}-token-001"])

    with ThreadPoolExecutor(sessions) as pool:
        for done in [pool.submit(post) for _ in range(sessions)]:
            done.result()
    for name in tools:
        assert value(store, f"SELECT count(*) FROM projectalpha_data.tool_{name}") == sessions
    assert value(store, "SELECT count(*) FROM projectalpha.registered_tools WHERE token_hint = '(given)'") == len(tools)


def test_no_token_is_in_the_server_log(cluster, store):
    with cluster.another(store) as caller:
        caller.execute("SET ROLE projectalpha_anon")
        for statement in (
            "SELECT projectalpha.configure_tool('x', true, token => 'logged-token-001', admin_token => 'logged-token-002')",
            "SELECT projectalpha.unconfigure_tool('x', 'logged-token-003')",
            "SELECT projectalpha.store_configured('x', '{\"a\": \"logged-value\"}', 'logged-token-004')",
            "SELECT projectalpha.list_configured('x', token => 'logged-token-005')",
            "SELECT projectalpha.promote_tool('x', admin_token => 'logged-token-006')",
            "CALL projectalpha.promote_tool_in_batches('x', admin_token => 'logged-token-007')",
        ):
            with pytest.raises(psycopg.Error):
                caller.execute(statement)
        assert "Tool not found" in (cluster.data.parent / "log").read_text()
        assert "logged-" not in (cluster.data.parent / "log").read_text()


def test_tools_without_it_in_a_database_that_was_not_updated(cluster):
    """The library is there, and the SQL of the first version."""
    with cluster.connect(cluster.new_database()) as old:
        old.execute("CREATE EXTENSION projectalpha_store VERSION '0.1.0'")
        old.execute("SELECT projectalpha.register_tool('survey', 'survey-token-001')")
        assert value(old, "SELECT projectalpha.store_record('survey', 'survey-token-001', '{}')") == 1
        assert value(old, "SELECT projectalpha.store_common('small', '{}')") == 1
        old.execute("SELECT projectalpha.delete_tool('survey')")
