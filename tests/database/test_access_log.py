"""The access log: what is denied is kept although it rolls back, whoever ends, stops or is in the way; figures that count everything once."""

import json
import subprocess
import threading
import time

import psycopg
import pytest

from cluster import Cluster, program, rows, value
from stack import eventually
from test_standby import Standby

FIELDS = json.dumps([{"name": "n", "type": "int"}])
DENIED = "SELECT projectalpha.store_record('survey', 'wrong-token-001', '{\"n\": 4711}')"
STORED = "SELECT projectalpha.store_record('survey', 'survey-token-001', '{\"n\": 1}')"
# So many denied calls in one statement, each caught by the caller.
MANY_DENIED = f"""DO $$ BEGIN
    FOR i IN 1..%s LOOP
        BEGIN PERFORM ({DENIED}); EXCEPTION WHEN invalid_authorization_specification THEN NULL; END;
    END LOOP;
END $$"""
# Rows of some other time and tool, of a transaction each.
COPIED = """INSERT INTO projectalpha_data.access_logs (logged_at, tool_id, tool_name, action, status, scopes, face, role_name, duration_ms, cluster)
            SELECT logged_at, tool_id, tool_name, action, status, scopes, face, role_name, duration_ms, cluster
              FROM projectalpha_data.access_logs CROSS JOIN generate_series(1, %s) LIMIT %s"""


@pytest.fixture(scope="module")
def logged_cluster():
    """One with the log as it is by default. Autovacuum would hold back what can be summarised, for a moment now and then."""
    with Cluster("autovacuum=off", access_log="denied") as running:
        yield running


@pytest.fixture
def db(logged_cluster):
    with new_store(logged_cluster) as connection:
        yield connection


def new_store(cluster):
    connection = cluster.new_store()
    connection.execute("SELECT projectalpha.register_tool('survey', 'survey-token-001', %s)", [FIELDS])
    return connection


def deny(connection):
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        connection.execute(DENIED)


def kept(connection):
    if not value(connection, "SELECT to_regclass('projectalpha_data.access_logs') IS NOT NULL"):
        return 0
    return value(connection, "SELECT count(*) FROM projectalpha_data.access_logs")


def workers(connection):
    return [pid for (pid,) in rows(connection, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'projectalpha_store access log' AND datname = current_database()")]


def server_log(cluster):
    return (cluster.data.parent / "log").read_text()


def counted(connection):
    return value(connection, "SELECT coalesce(sum(calls), 0)::bigint FROM projectalpha.api_usage_daily")


def test_a_session_that_ends_at_once_loses_nothing(logged_cluster, db):
    for number in range(1, 11):
        psql = [program("psql"), "-X", "-h", "127.0.0.1", "-p", str(logged_cluster.port), "-U", "postgres", "-d", db.info.dbname, "-c", DENIED]
        assert "Invalid token for this tool" in subprocess.run(psql, capture_output=True, text=True, check=False).stderr
    eventually(lambda: kept(db) == number)
    # Nobody waits for more from a session that has gone.
    eventually(lambda: not workers(db))


def test_a_burst_is_one_process_and_leaves_no_gap(db):
    db.execute(MANY_DENIED % 1000)
    eventually(lambda: kept(db) == 1000)
    assert value(db, "SELECT count(DISTINCT logged_at) > 1 AND min(status) = 'denied' AND max(sqlstate) = '28000' FROM projectalpha_data.access_logs")
    assert len(workers(db)) <= 1
    # Then it ends by itself, and the next attempt starts another one.
    eventually(lambda: not workers(db))
    deny(db)
    eventually(lambda: kept(db) == 1001)


def test_a_denied_call_stays_what_it_is_in_any_transaction(db):
    for begin in ("READ ONLY", "ISOLATION LEVEL SERIALIZABLE", "ISOLATION LEVEL REPEATABLE READ READ ONLY"):
        db.execute(f"BEGIN {begin}")
        deny(db)
        db.execute("ROLLBACK")
    eventually(lambda: kept(db) == 3)
    db.execute("SET default_transaction_read_only = on")
    deny(db)
    eventually(lambda: kept(db) == 4)


def test_whoever_locks_the_log_keeps_nobody_from_being_denied(logged_cluster, db):
    deny(db)
    eventually(lambda: kept(db) == 1)
    with logged_cluster.another(db) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE projectalpha_data.access_logs IN ACCESS EXCLUSIVE MODE")
        db.execute("SET statement_timeout = '5s'")
        for _ in range(3):
            deny(db)
        other.execute("ROLLBACK")
    eventually(lambda: kept(db) == 4)


def test_a_worker_that_is_stopped_is_replaced_by_the_next_attempt(db):
    deny(db)
    eventually(lambda: kept(db) == 1)
    for pid in workers(db):
        db.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert workers(db) == []
    deny(db)
    eventually(lambda: kept(db) == 2)


def test_an_uncommitted_log_is_waited_for(logged_cluster, db):
    """The first row of all is written by a transaction that then is denied something."""
    db.execute("SET projectalpha_store.access_log = 'writes'")
    db.execute("BEGIN")
    db.execute(STORED)
    with logged_cluster.another(db) as other:
        deny(other)
        time.sleep(0.2)
        db.execute("COMMIT")
        eventually(lambda: kept(db) == 2)


def test_first_rows_by_many_at_once(logged_cluster, db):
    db.execute(f"ALTER DATABASE {db.info.dbname} SET projectalpha_store.access_log = 'writes'")
    ready = threading.Barrier(8)

    def store():
        with logged_cluster.another(db) as other:
            ready.wait()
            other.execute(STORED)

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(db) == 8


def test_without_a_worker_it_is_in_the_server_log():
    with Cluster("max_worker_processes=0", access_log="denied") as cluster, new_store(cluster) as db:
        deny(db)
        deny(db)
        with cluster.another(db) as other:
            deny(other)
        eventually(lambda: server_log(cluster).count("access log: write of tool 'survey' is denied, as role \"postgres\" through sql") == 3)
        assert "no worker can be started, see max_worker_processes" in server_log(cluster)
        assert "wrong-token" not in server_log(cluster) and "4711" not in server_log(cluster)
        assert kept(db) == 0
        # What needs no worker is written.
        db.execute("SET projectalpha_store.access_log = 'writes'")
        db.execute(STORED)
        assert kept(db) == 1


def test_a_queue_that_is_full_goes_on_in_the_server_log(logged_cluster, db):
    deny(db)
    eventually(lambda: kept(db) == 1)
    with logged_cluster.another(db) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE projectalpha_data.access_logs IN ACCESS EXCLUSIVE MODE")
        before = server_log(logged_cluster).count("more come than can be written")
        db.execute(MANY_DENIED % 5000)
        logged = server_log(logged_cluster).count("more come than can be written") - before
        other.execute("ROLLBACK")
    assert 0 < logged < 5000
    eventually(lambda: kept(db) == 1 + 5000 - logged)


def test_what_cannot_be_written_is_in_the_server_log(logged_cluster, db):
    deny(db)
    eventually(lambda: kept(db) == 1)
    partition, bounds = rows(db, """
        SELECT c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_class AS c
         WHERE c.oid = (SELECT tableoid FROM projectalpha_data.access_logs)""")[0]
    db.execute(f"ALTER TABLE projectalpha_data.access_logs DETACH PARTITION {partition}")
    told = "access log: write of tool 'survey' is denied, as role \"postgres\" through sql from 127.0.0.1, sqlstate 28000 (not in projectalpha_data.access_logs: no partition"
    before = server_log(logged_cluster).count(told)
    db.execute(MANY_DENIED % 20)
    eventually(lambda: server_log(logged_cluster).count(told) == before + 20)
    assert "Failing row" not in server_log(logged_cluster) and "4711" not in server_log(logged_cluster)
    db.execute(f"ALTER TABLE projectalpha_data.access_logs ATTACH PARTITION {partition} {bounds}")
    deny(db)
    eventually(lambda: kept(db) == 2)


def test_a_session_does_not_grow(db):
    def resident():
        return int(next(line for line in open(f"/proc/{db.info.backend_pid}/status") if line.startswith("VmRSS")).split()[1])

    db.execute(MANY_DENIED % 4000)
    before = resident()
    for _ in range(5):
        db.execute(MANY_DENIED % 4000)
    assert resident() - before < 2048


def test_a_database_is_dropped_soon_after_a_denial(logged_cluster):
    for _ in range(5):
        with new_store(logged_cluster) as db:
            name = db.info.dbname
            deny(db)
        with logged_cluster.connect("postgres") as postgres:
            postgres.execute(f"DROP DATABASE {name}")


def test_the_log_outlives_the_extension(db):
    deny(db)
    eventually(lambda: kept(db) == 1)
    db.execute("SELECT projectalpha.summarise_usage()")
    db.execute("DROP EXTENSION projectalpha_store")
    assert kept(db) == 1
    db.execute("CREATE EXTENSION projectalpha_store")
    db.execute("SELECT projectalpha.register_tool('survey', 'survey-token-001', storage => 'none')")
    assert rows(db, "SELECT tool_name, denied FROM projectalpha.access_summary") == [("survey", 1)]
    # The tool of before had this id; nothing of it is said of this one.
    assert rows(db, "SELECT usage_count, last_used FROM projectalpha.tool_metadata") == [(0, None)]


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
def test_a_database_that_is_not_updated_has_no_log(logged_cluster, version):
    with logged_cluster.connect(logged_cluster.new_database()) as db:
        db.execute(f"CREATE EXTENSION projectalpha_store VERSION '{version}'")
        db.execute("SELECT projectalpha.register_tool('survey', 'survey-token-001', %s)", [FIELDS])
        deny(db)
        db.execute("SET projectalpha_store.access_log = 'all'")
        db.execute(STORED)
        deny(db)
        assert workers(db) == []
        db.execute("ALTER EXTENSION projectalpha_store UPDATE")
        assert kept(db) == 0
        db.execute(STORED)
        deny(db)
        eventually(lambda: kept(db) == 2)


def test_a_transaction_that_commits_late_is_counted_once(logged_cluster, db):
    db.execute(f"ALTER DATABASE {db.info.dbname} SET projectalpha_store.access_log = 'writes'")
    with logged_cluster.another(db) as late, logged_cluster.another(db) as other:
        other.execute(STORED)
        late.execute("BEGIN")
        late.execute(STORED)
        other.execute(STORED)
        # What is younger than the oldest running transaction is for later.
        assert value(db, "SELECT projectalpha.summarise_usage()") == 1
        assert value(db, "SELECT projectalpha.summarise_usage()") == 0
        assert rows(db, "SELECT allowed FROM projectalpha.access_summary") == [(2,)]
        # It has written, so that nothing can be dropped under it.
        with pytest.raises(psycopg.errors.LockNotAvailable):
            db.execute("SET projectalpha_store.ddl_lock_timeout = '100ms'")
            db.execute("SELECT projectalpha.drop_access_logs((now() + interval '40 days')::date)")
        late.execute("COMMIT")
        assert value(db, "SELECT projectalpha.summarise_usage()") == 2
        assert counted(db) == 3
        # One that has not written, but is older than what is new: the month is kept.
        late.execute("BEGIN")
        late.execute("SELECT pg_current_xact_id()")
        other.execute(STORED)
        assert value(db, "SELECT projectalpha.drop_access_logs((now() + interval '40 days')::date)") <= 1
        assert kept(db) == 4
        late.execute("ROLLBACK")
        assert value(db, "SELECT projectalpha.drop_access_logs((now() + interval '40 days')::date)") >= 1
        assert (kept(db), counted(db)) == (0, 4)


def test_many_summarise_while_many_write(logged_cluster, db):
    db.execute(f"ALTER DATABASE {db.info.dbname} SET projectalpha_store.access_log = 'writes'")
    stop = threading.Event()
    failures = []

    def repeat(statement, times):
        try:
            with logged_cluster.another(db) as session:
                done = 0
                while done < times and not (times > 10_000 and stop.is_set()):
                    session.execute(statement)
                    done += 1
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    writers = [threading.Thread(target=repeat, args=(STORED, 300)) for _ in range(3)]
    summarisers = [threading.Thread(target=repeat, args=("SELECT projectalpha.summarise_usage()", 1_000_000)) for _ in range(3)]
    for thread in writers + summarisers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in summarisers:
        thread.join()
    db.execute("SELECT projectalpha.summarise_usage()")
    assert failures == []
    assert counted(db) == kept(db) == 900


def test_a_summary_that_is_killed_is_done_again():
    with Cluster("autovacuum=off", access_log="writes") as cluster:
        with new_store(cluster) as db:
            name = db.info.dbname
            db.execute(STORED)
            db.execute(COPIED, [300_000, 300_000])
        for delay in (0.02, 0.1, 0.3):
            with cluster.reconnect(name) as victim:
                pid = victim.info.backend_pid
                killer = threading.Timer(delay, lambda: cluster.kill_backend(pid))
                killer.start()
                try:
                    victim.execute("SELECT projectalpha.summarise_usage()")
                except psycopg.OperationalError:
                    pass
                killer.join()
        with cluster.reconnect(name) as db:
            db.execute("SELECT projectalpha.summarise_usage()")
            assert counted(db) == kept(db) == 300_001


def test_a_dump_goes_on_in_another_cluster(logged_cluster, db):
    db.execute("SET projectalpha_store.access_log = 'writes'")
    for _ in range(3):
        db.execute(STORED)
    assert value(db, "SELECT projectalpha.summarise_usage()") == 3
    deny(db)
    db.execute(STORED)
    eventually(lambda: kept(db) == 5)
    dumped = logged_cluster.client("pg_dump", db.info.dbname)
    partitions = "SELECT relid::text, isleaf FROM pg_partition_tree('projectalpha_data.access_logs') ORDER BY 1"
    with Cluster("autovacuum=off", access_log="writes") as elsewhere:
        name = elsewhere.new_database()
        elsewhere.client("psql", name, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", input=dumped)
        with elsewhere.connect(name) as there:
            log = "SELECT * FROM projectalpha_data.access_logs ORDER BY log_id"
            assert rows(there, log) == rows(db, log)
            assert rows(there, partitions) == rows(db, partitions)
            assert rows(there, "SELECT allowed, denied FROM projectalpha.access_summary") == [(4, 1)]
            there.execute(STORED)
            deny(there)
            eventually(lambda: kept(there) == 7)
            assert value(there, "SELECT projectalpha.summarise_usage()") == 4
            assert value(there, "SELECT projectalpha.summarise_usage()") == 0
            assert counted(there) == 7
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                there.execute("SET ROLE projectalpha_owner")
                there.execute("DELETE FROM projectalpha_data.access_logs")


def test_on_a_standby():
    with Cluster("wal_level=replica", "max_wal_senders=4", access_log="all") as primary, new_store(primary) as here:
        here.execute(STORED)
        with Standby(primary) as standby, standby.connect(here.info.dbname) as there:
            standby.catch_up()
            assert value(there, "SELECT projectalpha.list_records('survey')")["n"] == 1
            for _ in range(2):
                deny(there)
            eventually(lambda: server_log(standby).count("access log: write of tool 'survey' is denied") == 2)
            assert "this is a standby" in server_log(standby)
            assert kept(there) == 1 and rows(there, "SELECT allowed FROM projectalpha.access_summary") == [(1,)]
