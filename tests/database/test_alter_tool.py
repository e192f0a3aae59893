"""alter_tool on a table in use: how long others wait for it."""

import json
import threading
import time

import psycopg
import pytest

from cluster import rows, value
from stack import eventually

FIELDS = json.dumps([{"name": "n", "type": "int"}, {"name": "s", "type": "str"}])
ADD = json.dumps({"add": {"name": "extra", "type": "int"}})


@pytest.fixture
def tool(store):
    store.execute("SELECT projectalpha.register_tool('t', 'token-of-t', %s)", [FIELDS])
    store.execute("SELECT projectalpha.store_record('t', 'token-of-t', '{\"n\": 1}')")
    return store


def seconds(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


def store_record(connection, payload="{}"):
    return value(connection, "SELECT projectalpha.store_record('t', 'token-of-t', %s)", payload)


def test_a_change_gives_up_and_nobody_waits_longer_for_it(cluster, tool):
    """A transaction keeps the table in use for as long as the test runs."""
    with cluster.connect(tool.info.dbname) as holder, cluster.connect(tool.info.dbname) as writer, cluster.connect(tool.info.dbname) as dba:
        holder.execute("BEGIN")
        store_record(holder)
        store_record(writer)
        dba.execute("SET projectalpha_store.ddl_lock_timeout = '700 ms'")
        failure = []

        def alter():
            with pytest.raises(psycopg.errors.LockNotAvailable) as raised:
                dba.execute("SELECT projectalpha.alter_tool('t', %s)", [ADD])
            failure.append(raised.value)

        changing = threading.Thread(target=lambda: waited.append(seconds(alter)))
        waited = []
        changing.start()
        # Behind the change, which is behind the holder.
        eventually(lambda: value(tool, "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"))
        slowest = max(seconds(lambda: store_record(writer)) for _ in range(5))
        changing.join()
        assert 0.7 <= waited[0] < 3
        assert slowest < 3
        assert failure[0].diag.message_primary == "Tool 't' is in use"
        assert "700 ms" in failure[0].diag.message_detail and "ddl_lock_timeout" in failure[0].diag.message_hint
        # The session's own timeout, where it is shorter; and both are as before.
        dba.execute("SET projectalpha_store.ddl_lock_timeout = '10 s'; SET lock_timeout = '100 ms'")
        assert seconds(alter) < 5
        assert rows(dba, "SELECT current_setting('lock_timeout'), current_setting('projectalpha_store.ddl_lock_timeout')") == [("100ms", "10s")]
        holder.execute("COMMIT")
        dba.execute("SELECT projectalpha.alter_tool('t', %s)", [ADD])
        assert value(dba, "SELECT current_setting('lock_timeout')") == "100ms"
        assert store_record(writer, '{"extra": 1}')


def test_records_are_checked_while_others_write(cluster, tool):
    """The long part needs no lock that keeps writers out: one is stored while the check is under way."""
    count = 300_000
    tool.execute("INSERT INTO projectalpha_data.tool_t (n, s) SELECT g, repeat('x', 30) || g FROM generate_series(1, %s) AS g", [count])
    # A pattern that takes a while for every record, and one record that breaks it at the very end.
    tool.execute("INSERT INTO projectalpha_data.tool_t (s) VALUES ('breaks it')")
    change = json.dumps({"set": {"field": "s", "pattern": "^(x+x+)+[0-9]+$"}})
    with cluster.connect(tool.info.dbname) as dba, cluster.connect(tool.info.dbname) as writer:
        store_record(writer)
        raised = []

        def alter():
            try:
                dba.execute("SELECT projectalpha.alter_tool('t', %s)", [change])
            except psycopg.errors.CheckViolation as error:
                raised.append(error)

        changing = threading.Thread(target=alter)
        changing.start()
        stored = 0
        while changing.is_alive():
            store_record(writer, '{"s": "xx1"}')
            stored += 1
        changing.join()
        assert raised and raised[0].diag.message_detail == f"1 row, the first ids: {count + 2}"
        assert stored > 10, "writers waited for the check"


def test_a_backlog_of_writers_loses_nothing(cluster, tool):
    """Four writers store while fields come, are renamed and go: every record is there with what it was stored with."""
    stop, stored, faults = threading.Event(), [], []

    def write(number):
        with cluster.connect(tool.info.dbname) as connection:
            while not stop.is_set():
                try:
                    stored.append(store_record(connection, json.dumps({"n": number, "s": "s", "extra": 5, "renamed": 5})))
                except psycopg.Error as error:
                    faults.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(15):
        for change in (
            {"add": {"name": "extra", "type": "int", "default": 7, "required": True}},
            {"rename": {"field": "extra", "to": "renamed"}},
            {"widen": {"field": "renamed", "type": "json"}},
            {"drop": "renamed"},
        ):
            tool.execute("SELECT projectalpha.alter_tool('t', %s)", [json.dumps(change)])
    stop.set()
    for writer in writers:
        writer.join()
    assert not faults and len(stored) > 50
    assert len(set(stored)) == len(stored)
    assert value(tool, "SELECT count(*) FROM projectalpha_data.tool_t WHERE s = 's'") == len(stored)
    assert value(tool, "SELECT count(*) FROM projectalpha.schema_history") == 61
