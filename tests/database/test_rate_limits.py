"""Rates in the memory that all sessions share, and a server with the library preloaded."""

import contextlib
import json
import threading
import time

import psycopg
import pytest

from cluster import Cluster, rows, value

STATUS = "SELECT * FROM projectalpha.rate_limit_status()"
SLOTS = 65536
STORE = "SELECT projectalpha.store_record(%s, %s, %s)"


def limit(db, tool, rate, actions=("write",), **more):
    """A tool, the records of which may be written so often."""
    db.execute("SELECT projectalpha.register_tool(%s, %s, '[{\"name\": \"n\", \"type\": \"int\"}]')", [tool, f"token-of-{tool}"])
    add_policy(db, tool, {"rate": rate, **more}, actions)


def add_policy(db, tool, conditions, actions=("write",), effect="allow", name="limit"):
    db.execute("SELECT projectalpha.create_policy(%s, %s, %s, %s, %s)", [tool, name, effect, list(actions), json.dumps(conditions)])


def stores(db, tool, payload="{}"):
    """True if a record was stored, False if there were too many."""
    try:
        db.execute(STORE, [tool, f"token-of-{tool}", payload])
        return True
    except psycopg.errors.ConfigurationLimitExceeded:
        return False


def together(count, work):
    """Runs `work` in that many threads at once; gives what each returned."""
    results, faults = [None] * count, []

    def run(index):
        try:
            results[index] = work(index)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    return results


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


def test_all_sessions_together_never_exceed_a_rate(preloaded):
    with preloaded.new_store() as db:
        limit(db, "shared", {"max": 100, "per": "1 hour"})

        def hammer(_):
            with preloaded.another(db) as session:
                return sum(stores(session, "shared") for _ in range(40))

        assert sum(together(8, hammer)) == 100
        assert value(db, "SELECT count(*) FROM projectalpha_data.tool_shared") == 100
        with pytest.raises(psycopg.Error) as refused:
            db.execute(STORE, ["shared", "token-of-shared", "{}"])
        assert (refused.value.sqlstate, refused.value.diag.message_primary) == ("53400", "Too many requests")
        wait = int(refused.value.diag.message_detail.removeprefix("Try again in ").removesuffix(" s."))
        assert 1 <= wait <= 3600


def test_no_stretch_of_time_has_more_calls_than_the_rate(preloaded):
    most, per = 20, 1.0
    with preloaded.new_store() as db:
        limit(db, "stream", {"max": most, "per": "1 second"})
        end = time.monotonic() + 4

        def hammer(_):
            passed = []
            with preloaded.another(db) as session:
                while (began := time.monotonic()) < end:
                    if stores(session, "stream"):
                        passed.append((began, time.monotonic()))
            return passed

        passed = [call for calls in together(4, hammer) for call in calls]
        assert len(passed) >= most
        # A call took its turn at some time between its two. So whatever lies within a second as a whole was within it.
        for start, _ in passed:
            assert sum(start <= began and ended < start + per for began, ended in passed) <= most


def test_whom_a_rate_counts_together(preloaded):
    with preloaded.new_store() as db:
        db.execute("SELECT projectalpha.register_tool('who', 'token-of-who', '[]')")
        add_policy(db, "who", {}, name="all", actions=["read"])
        agents = []
        for name in ("one", "two"):
            agent = value(db, "SELECT agent_id FROM projectalpha.create_agent(%s)", name)
            agents.append(agent)

        def credential(agent):
            return value(db, "SELECT projectalpha.issue_credential(%s, 'who', '{write}', '1 day')", agent)

        for by, groups in (("credential", 4), ("agent", 3), ("address", 1), ("policy", 1)):
            add_policy(db, "who", {"rate": {"max": 2, "per": "1 hour", "by": by}}, name=by)
            # Two of the first agent, one of the other, and the tool's own.
            tokens = [credential(agents[0]), credential(agents[0]), credential(agents[1]), "token-of-who"]
            passed = 0
            for token in tokens * 3:
                with contextlib.suppress(psycopg.errors.ConfigurationLimitExceeded):
                    db.execute(STORE, ["who", token, "{}"])
                    passed += 1
            assert passed == groups * 2, by
            db.execute("SELECT projectalpha.delete_policy('who', %s)", [by])


def test_what_counts(preloaded):
    with preloaded.new_store() as db:
        limit(db, "counted", {"max": 6, "per": "1 hour"})
        token = "token-of-counted"
        assert stores(db, "counted")
        # A batch is one call, and so is one that comes to nothing.
        assert value(db, "SELECT projectalpha.store_records('counted', %s, '[{}, {}, {}]')", token) == 3
        with pytest.raises(psycopg.errors.DatatypeMismatch):
            db.execute(STORE, ["counted", token, '{"n": "x"}'])
        with contextlib.suppress(ZeroDivisionError), db.transaction():
            assert stores(db, "counted")
            raise ZeroDivisionError
        # Neither a wrong token nor trying whether a record fits takes anything.
        for _ in range(9):
            with pytest.raises(psycopg.Error, match="Invalid token"):
                db.execute(STORE, ["counted", "a-wrong-token", "{}"])
            db.execute("SELECT projectalpha.validate_record('counted', '{}', %s)", [token])
            db.execute("SELECT projectalpha.explain_access(%s, 'counted', 'write')", [token])
        assert value(db, "SELECT projectalpha.check_access(%s, 'counted', 'write')", token)
        assert [stores(db, "counted") for _ in range(3)] == [True, False, False]
        assert not value(db, "SELECT projectalpha.check_access(%s, 'counted', 'write')", token)
        # More is allowed than was: what was counted stays.
        db.execute("SELECT projectalpha.update_policy('counted', 'limit', %s)", [json.dumps({"conditions": {"rate": {"max": 7, "per": "1 hour"}}})])
        assert [stores(db, "counted") for _ in range(2)] == [True, False]


def test_read_only_transactions_are_counted(preloaded):
    with preloaded.new_store() as db:
        limit(db, "looked", {"max": 2, "per": "1 hour"}, actions=["read"])
        listing = "SELECT projectalpha.list_records('looked', token => 'token-of-looked')"
        db.execute("SET default_transaction_read_only = on")
        for _ in range(2):
            db.execute(listing)
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            db.execute(listing)
        assert value(db, "SELECT pg_current_xact_id_if_assigned()") is None


def test_with_too_few_slots_the_oldest_begins_anew():
    with Cluster("projectalpha_store.rate_limit_slots=8", preloaded=True) as cluster, cluster.new_store() as db:
        names = [f"tool_{number}" for number in range(12)]
        for name in names:
            limit(db, name, {"max": 1, "per": "1 hour"})
        assert [stores(db, name) for name in names[:8]] == [True] * 8
        assert [stores(db, name) for name in names[:8]] == [False] * 8
        assert rows(db, STATUS) == [(True, 8, 8, 0)]
        assert [stores(db, name) for name in names[8:]] == [True] * 4
        assert rows(db, STATUS) == [(True, 8, 8, 4)]
        assert [stores(db, name) for name in names[4:8]] == [False] * 4
        assert stores(db, names[0])


def test_sessions_that_are_ended_lock_nobody_out(preloaded):
    """A lock that is held when its session goes would have all others wait for ever."""
    with preloaded.new_store() as db:
        limit(db, "wild", {"max": 1000000, "per": "1 hour"})
        stop = threading.Event()

        def hammer(_):
            while not stop.is_set():
                # Ended from outside; it comes again.
                with contextlib.suppress(psycopg.OperationalError), preloaded.another(db) as session:
                    session.execute("SET statement_timeout = 5")
                    while not stop.is_set():
                        with contextlib.suppress(psycopg.errors.QueryCanceled):
                            session.execute(STORE, ["wild", "token-of-wild", "{}"])

        def end_them(_):
            try:
                for _ in range(30):
                    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
                    with preloaded.another(db) as session:
                        session.execute("SET statement_timeout = '60s'")
                        assert stores(session, "wild")
            finally:
                stop.set()

        together(5, lambda index: (hammer if index else end_them)(index))


def test_a_session_that_is_killed_leaves_the_server_able_to_go_on():
    with Cluster(preloaded=True) as cluster:
        with cluster.new_store() as db:
            limit(db, "once", {"max": 1, "per": "1 hour"})
            assert [stores(db, "once") for _ in range(2)] == [True, False]
            name, victim, at_work = db.info.dbname, cluster.another(db), threading.Event()

            def hammer():
                with contextlib.suppress(psycopg.OperationalError):
                    while not stores(victim, "once"):
                        at_work.set()

            thread = threading.Thread(target=hammer)
            thread.start()
            at_work.wait()
            cluster.kill_backend(victim.info.backend_pid)
            thread.join()
        # PostgreSQL ends all sessions then, and makes its shared memory anew.
        with cluster.reconnect(name) as db:
            assert rows(db, STATUS) == [(True, SLOTS, 0, 0)]
            assert [stores(db, "once") for _ in range(2)] == [True, False]


def test_a_restart_empties_it_and_without_preloading_a_rate_lets_nobody_through():
    with Cluster(preloaded=True) as cluster:
        with cluster.new_store() as db:
            name = db.info.dbname
            limit(db, "kept", {"max": 1, "per": "1 hour"})
            db.execute("SELECT projectalpha.register_tool('forbidden', 'token-of-forbidden', '[]')")
            add_policy(db, "forbidden", {"rate": {"max": 1, "per": "1 hour"}}, effect="deny")
            agent = value(db, "SELECT agent_id FROM projectalpha.create_agent('someone')")
            token = value(db, "SELECT projectalpha.issue_credential(%s, 'kept', '{write}', '1 day')", agent)
            for tool in ("kept", "forbidden"):
                assert [stores(db, tool) for _ in range(2)] == [True, False]
            db.execute(STORE, ["kept", token, "{}"])
        cluster.serve("pg_ctl", "-D", str(cluster.data), "-w", "restart")
        with cluster.connect(name) as db:
            for tool in ("kept", "forbidden"):
                assert [stores(db, tool) for _ in range(2)] == [True, False]

        cluster.serve("pg_ctl", "-D", str(cluster.data), "-m", "fast", "-w", "stop")
        cluster.settings = ()
        cluster.start()
        with cluster.connect(name) as db:
            # An allowing policy does not match, which leaves an agent with none; a denying one does.
            for tool, wrong in (("kept", token), ("forbidden", "token-of-forbidden")):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    db.execute(STORE, [tool, wrong, "{}"])
            with pytest.raises(psycopg.Error) as refused:
                limit(db, "another", {"max": 1, "per": "1 hour"})
            assert refused.value.sqlstate == "55000"
            assert "shared_preload_libraries" in refused.value.diag.message_hint
