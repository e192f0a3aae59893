"""Rates in the memory that all sessions share, and a server with the library preloaded."""

import os
import signal
import time

import psycopg
import pytest

from cluster import Cluster, rows, value

STATUS = "SELECT * FROM projectalpha.rate_limit_status()"
SLOTS = 65536


def test_without_preloading_there_is_no_memory_for_rates(store):
    assert rows(store, STATUS) == [(False, None, None, None)]
    # The setting is known nonetheless, and nothing changes it.
    with pytest.raises(psycopg.Error) as refused:
        store.execute("SET projectalpha_store.rate_limit_slots = 8")
    assert refused.value.sqlstate == "55P02"


def test_a_setting_in_postgresql_conf_warns_nobody():
    for preloaded, slots in ((False, None), (True, 104)):
        with Cluster("projectalpha_store.rate_limit_slots=100", preloaded=preloaded) as cluster, cluster.new_store() as db:
            assert rows(db, STATUS) == [(preloaded, slots, slots and 0, slots and 0)]
            with cluster.another(db) as other:
                assert value(other, "SHOW projectalpha_store.rate_limit_slots") == "100"
            assert "WARNING" not in (cluster.data.parent / "log").read_text()


def test_preloaded_there_is(preloaded):
    with preloaded.new_store() as db:
        available, slots, *_ = rows(db, STATUS)[0]
        assert (available, slots) == (True, SLOTS)
        assert value(db, "SELECT count(*) FROM pg_shmem_allocations WHERE name = 'projectalpha_store rate limits' AND size > 65536 * 100") == 1
        with pytest.raises(psycopg.Error) as refused:
            db.execute("SET projectalpha_store.rate_limit_slots = 8")
        assert refused.value.sqlstate == "55P02"
        # A database without the extension has the library too, and is none the worse.
        with preloaded.connect("postgres") as other:
            assert value(other, "SELECT 1") == 1


def test_sessions_follow_each_other_with_callbacks_of_the_postmaster(preloaded):
    """Caches are dropped by callbacks that were registered before the session began."""
    with preloaded.new_store() as db, preloaded.another(db) as other:
        db.execute("SELECT projectalpha.register_tool('seen', 'token-of-seen', '[{\"name\": \"n\", \"type\": \"int\"}]')")
        store = "SELECT projectalpha.store_record('seen', %s, %s)"
        for session in (db, other):
            assert value(session, store, "token-of-seen", '{"n": 1}')
        db.execute("SELECT projectalpha.alter_tool('seen', '{\"add\": {\"name\": \"m\", \"type\": \"int\"}}')")
        other.execute(store, ["token-of-seen", '{"m": 2}'])
        assert value(db, "SELECT count(*) FROM projectalpha_data.tool_seen WHERE m = 2") == 1
        token = value(db, "SELECT projectalpha.rotate_token('seen')")
        with pytest.raises(psycopg.Error, match="Invalid token for this tool"):
            other.execute(store, ["token-of-seen", "{}"])
        assert value(other, store, token, "{}")
        # What a transaction has seen of its own is forgotten with it.
        with pytest.raises(ZeroDivisionError), other.transaction():
            other.execute("SELECT projectalpha.register_tool('gone', 'token-of-gone')")
            other.execute("SELECT projectalpha.store_record('gone', 'token-of-gone', '{}')")
            raise ZeroDivisionError
        with pytest.raises(psycopg.Error, match="Tool not found"):
            other.execute("SELECT projectalpha.store_record('gone', 'token-of-gone', '{}')")


def test_a_session_that_is_killed_leaves_the_server_able_to_start_again():
    with Cluster(preloaded=True) as cluster:
        with cluster.new_store() as db:
            name, victim = db.info.dbname, cluster.another(db)
            victim.execute(STATUS)
            os.kill(victim.info.backend_pid, signal.SIGKILL)
        for _ in range(100):
            try:
                with cluster.connect(name) as db:
                    assert rows(db, STATUS) == [(True, SLOTS, 0, 0)]
                    break
            except psycopg.OperationalError:
                time.sleep(0.1)
        else:
            raise AssertionError("the server did not come back")
