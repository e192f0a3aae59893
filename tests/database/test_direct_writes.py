"""Records are written past the executor. Whatever else in PostgreSQL must know of a row knows of it: indexes, visibility,
statistics, the write-ahead log, logical decoding, two-phase commit."""

import threading

import psycopg
import pytest

from cluster import Cluster, rows, value

REGISTER = """SELECT projectalpha.register_tool('survey', 'survey-token-001',
    '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}, {"name": "j", "type": "json"}]')"""
STORE = "SELECT projectalpha.store_record('survey', 'survey-token-001', jsonb_build_object('n', %s::int, 's', %s::text, 'j', '[1]'::jsonb))"
STORE_MANY = """SELECT projectalpha.store_records('survey', 'survey-token-001',
    (SELECT jsonb_agg(jsonb_build_object('n', n, 's', repeat('x', 100))) FROM generate_series(%s::int, %s::int) AS n))"""


@pytest.fixture(scope="module")
def logical():
    with Cluster("wal_level=logical", "max_prepared_transactions=4", "max_replication_slots=4", "autovacuum=off") as running:
        yield running


@pytest.fixture
def db(logical):
    with logical.new_store() as connection:
        connection.execute(REGISTER)
        yield connection


def check(connection):
    """Heap and indexes of the table are sound, and every index holds every row."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
    assert rows(connection, "SELECT * FROM verify_heapam('projectalpha_data.tool_survey', check_toast => true)") == []
    connection.execute("SELECT bt_index_parent_check(indexrelid, heapallindexed => true) FROM pg_index WHERE indrelid = 'projectalpha_data.tool_survey'::regclass")


def add_indexes(connection):
    connection.execute("CREATE UNIQUE INDEX ON projectalpha_data.tool_survey (n)")
    connection.execute("CREATE INDEX ON projectalpha_data.tool_survey (s DESC NULLS LAST, id) INCLUDE (n)")


def test_indexes_and_heap_are_sound(db):
    add_indexes(db)
    db.execute(STORE_MANY, [1, 5000])
    for n in range(5001, 5101):
        db.execute(STORE, [n, "y" * n])  # up to 5 kB: some out of line
    db.execute("DELETE FROM projectalpha_data.tool_survey WHERE n % 3 = 0")
    db.execute("VACUUM projectalpha_data.tool_survey")
    db.execute(STORE_MANY, [10_001, 14_000])  # into the space that has become free
    for n in range(14_001, 14_101):
        db.execute(STORE, [n, None])
    check(db)
    # Pages that VACUUM has marked as visible to all are not any more: an index-only scan sees what a sequential one sees.
    counts = []
    for scan in ("enable_seqscan", "enable_indexonlyscan"):
        db.execute(f"SET {scan} = off")
        counts.append(value(db, "SELECT count(*) FROM projectalpha_data.tool_survey WHERE n > 0"))
        db.execute(f"RESET {scan}")
    assert counts[0] == counts[1] == 5100 - 1700 + 4100


def test_many_sessions_at_once(logical, db):
    """Stores, bulks and indexes that come and go concurrently; of each number one record."""
    add_indexes(db)
    failures = []

    def work(worker):
        with logical.another(db) as session:
            for n in range(300):
                try:
                    session.execute(STORE, [n, f"worker {worker}"])
                except psycopg.errors.UniqueViolation:
                    pass
                except psycopg.Error as error:
                    failures.append(error)
                if n % 50 == 0:
                    try:
                        session.execute(STORE_MANY, [10_000 + 100 * worker + n // 50 * 1000, 10_099 + 100 * worker + n // 50 * 1000])
                    except psycopg.Error as error:
                        failures.append(error)

    workers = [threading.Thread(target=work, args=[worker]) for worker in range(6)]
    for worker in workers:
        worker.start()
    for _ in range(3):
        db.execute("CREATE INDEX CONCURRENTLY passing ON projectalpha_data.tool_survey (n, s)")
        assert value(db, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'projectalpha_data.passing'::regclass")
        check(db)
        db.execute("DROP INDEX CONCURRENTLY projectalpha_data.passing")
        db.execute("REINDEX TABLE CONCURRENTLY projectalpha_data.tool_survey")
    for worker in workers:
        worker.join()
    assert not failures, failures[:3]
    check(db)
    assert rows(db, "SELECT count(*), count(DISTINCT n), count(DISTINCT id) FROM projectalpha_data.tool_survey") == [(300 + 3600,) * 3]


def test_statistics_count_it(db):
    """Or autovacuum would never come."""
    for n in range(10):
        db.execute(STORE, [n, "x"])
    db.execute(STORE_MANY, [100, 1099])
    with pytest.raises(psycopg.errors.DatatypeMismatch):
        db.execute("SELECT projectalpha.store_records('survey', 'survey-token-001', '[{\"n\": \"x\"}]')")
    db.execute("SELECT count(*) FROM projectalpha.list_records('survey', 100)")
    db.execute("SELECT pg_stat_force_next_flush()")
    inserted, live, since_vacuum, scans = rows(
        db, "SELECT n_tup_ins, n_live_tup, n_ins_since_vacuum, idx_scan FROM pg_stat_user_tables WHERE relname = 'tool_survey'"
    )[0]
    assert (inserted, live, since_vacuum) == (1010, 1010, 1010)
    assert scans >= 1


def test_logical_decoding_shows_every_row(db):
    db.execute("SELECT pg_create_logical_replication_slot('watch', 'test_decoding')")
    try:
        db.execute(STORE, [1, "single"])
        db.execute(STORE_MANY, [2, 3])
        db.execute("SELECT projectalpha.store_common('small', '{\"a\": 1}')")
        with pytest.raises(psycopg.errors.DatatypeMismatch):
            db.execute("SELECT projectalpha.store_records('survey', 'survey-token-001', '[{\"n\": 9}, {\"n\": \"x\"}]')")
        changes = [row[0] for row in rows(db, "SELECT data FROM pg_logical_slot_get_changes('watch', NULL, NULL) WHERE data ~ 'INSERT'")]
    finally:
        db.execute("SELECT pg_drop_replication_slot('watch')")
    survey = [change for change in changes if "tool_survey" in change]
    assert len(survey) == 3 and "'single'" in survey[0] and "n[bigint]:3" in survey[2]
    assert len([change for change in changes if "multiple_tools" in change]) == 1


def test_prepared_transactions(logical, db):
    """Registered, stored and revoked, prepared, and then committed or not by another session."""
    for outcome, stored in (("ROLLBACK", 0), ("COMMIT", 3)):
        with logical.another(db) as session:
            session.autocommit = False
            session.execute(STORE, [1, "x"])
            session.execute(STORE_MANY, [2, 3])
            session.execute("SELECT projectalpha.register_tool('second', 'second-token-001')")
            session.execute("SELECT projectalpha.revoke_token('survey-token-001')")
            session.execute("PREPARE TRANSACTION 'later'")
        db.execute(STORE, [None, "meanwhile"])
        db.execute(f"{outcome} PREPARED 'later'")
        assert value(db, "SELECT count(*) FROM projectalpha_data.tool_survey WHERE n IS NOT NULL") == stored
    with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
        db.execute(STORE, [4, "revoked"])
    db.execute("SELECT projectalpha.store_record('second', 'second-token-001', '{}')")
    check(db)


def test_a_crash_loses_nothing_that_was_committed(logical, db):
    """The server dies without a checkpoint; what it replays is what was stored, in every index."""
    add_indexes(db)
    db.execute("CHECKPOINT")
    db.execute(STORE_MANY, [1, 3000])
    for n in range(3001, 3051):
        db.execute(STORE, [n, "z" * 3000])
    db.execute("SELECT projectalpha.store_common('small', '{\"a\": 1}')")
    name = db.info.dbname
    with logical.connect(name, autocommit=False) as unfinished:
        unfinished.execute(STORE_MANY, [5000, 6000])
        logical.serve("pg_ctl", "-D", str(logical.data), "-m", "immediate", "-w", "stop")
        unfinished.close()
    logical.start()
    with logical.connect(name) as after:
        assert rows(after, "SELECT count(*), max(n) FROM projectalpha_data.tool_survey") == [(3050, 3050)]
        check(after)
        # The ids go on, with a gap at most: none is given twice.
        assert value(after, STORE, 4000, "after") > 3050
        assert value(after, "SELECT count(*) FROM projectalpha.list_common('small')") == 1
