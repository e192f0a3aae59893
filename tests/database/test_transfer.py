"""A tool moves from one database to another: all of it, and in bounded memory."""

import json
import threading
import time
from random import Random

import psycopg
import pytest

from cluster import rows, value
from stack import eventually

MEGABYTE = 1 << 20
TOKEN = "token-of-moved-1"
RECORDS = 300_000
AS_IT_IS = r"(FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01')"


def make_tool(connection, name="moved"):
    connection.execute(
        """SELECT projectalpha.register_tool(%s, %s, '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}, {"name": "j", "type": "json"},
               {"name": "f", "type": "float"}, {"name": "t", "type": "timestamp"}]', description => 'To be moved')""",
        [name, TOKEN],
    )


def fill(connection, records, text="x"):
    connection.execute(
        """INSERT INTO projectalpha_data.tool_moved (created_at, n, s, j, f, t)
           SELECT timestamptz '2026-02-05 10:30:00+00' + i * interval '1 ms', i, %s || i || E'\\\\ "\\n', jsonb_build_array(i, '\\'), i / 7.0, '2026-01-01'
             FROM generate_series(1, %s) AS i""",
        [text, records],
    )


class Peak:
    """Watches the memory of a backend, less what it shares with others; in bytes."""

    def __init__(self, connection):
        self.path = f"/proc/{connection.info.backend_pid}/status"
        self.peak = self.start = self.now()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def now(self):
        with open(self.path) as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))

    def watch(self):
        while not self.done.wait(0.02):
            self.peak = max(self.peak, self.now())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    @property
    def growth(self):
        return self.peak - self.start


def export(connection, tool="moved", options=AS_IT_IS):
    """The pieces of an export, as they come."""
    with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT projectalpha.export_tool('{tool}')) TO STDOUT WITH {options}") as pieces:
        yield from pieces


def load(connection, pieces, options=AS_IT_IS):
    connection.execute("CREATE TEMP TABLE lines (line text)")
    with connection.cursor() as cursor, cursor.copy(f"COPY lines FROM STDIN WITH {options}") as copy:
        for piece in pieces:
            copy.write(piece)


CONTENT = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY id)) FROM projectalpha_data.tool_moved AS t"


@pytest.fixture
def other(cluster):
    """A second database with the extension."""
    with cluster.passing_store() as connection:
        yield connection


def test_many_records_in_bounded_memory(cluster, store, other):
    make_tool(store)
    fill(store, RECORDS)
    store.execute("DELETE FROM projectalpha_data.tool_moved WHERE id = %s", [RECORDS])
    with cluster.another(store) as session:
        list(export(session, options="(FORMAT text)"))  # what is kept for the session is there now
        with Peak(session) as exporting:
            load(other, export(session))
        # A measure that shows what is gathered: PostgreSQL does so with what stands in FROM.
        session.execute("SET work_mem = '64MB'")
        with Peak(session) as gathering:
            assert value(session, "SELECT count(*) FROM projectalpha.export_tool('moved')") == RECORDS
        assert gathering.growth > 32 * MEGABYTE
    with Peak(other) as importing:
        assert rows(other, "SELECT tool_name, table_name, token, records FROM projectalpha.import_tool('lines', token => %s)", TOKEN) == [
            ("moved", "tool_moved", TOKEN, RECORDS - 1)
        ]
    assert exporting.growth < 8 * MEGABYTE
    assert importing.growth < 16 * MEGABYTE
    assert rows(other, CONTENT) == rows(store, CONTENT)
    assert value(other, "SELECT projectalpha.store_record('moved', %s, '{}')", TOKEN) == RECORDS
    assert rows(other, "SELECT schema_definition, sensitive, description FROM projectalpha.registered_tools") == rows(
        store, "SELECT schema_definition, sensitive, description FROM projectalpha.registered_tools"
    )


def test_large_records_are_not_gathered(cluster, store, other):
    """150 records of a megabyte: a few of them are in memory at a time."""
    make_tool(store)
    fill(store, 150, "x" * MEGABYTE)
    with cluster.another(store) as session:
        with Peak(session) as exporting:
            load(other, export(session))
    with Peak(other) as importing:
        assert value(other, "SELECT records FROM projectalpha.import_tool('lines')") == 150
    assert exporting.growth < 40 * MEGABYTE
    assert importing.growth < 40 * MEGABYTE
    assert rows(other, CONTENT) == rows(store, CONTENT)


def test_versions_rules_and_options_come_along(store, other):
    """A tool that announces what is stored: an import does not, and brings more than the limit that was set afterwards."""
    store.execute(
        """SELECT projectalpha.register_tool('moved', %s, '[{"name": "n", "type": "int", "unique": true, "required": true, "min": 0},
               {"name": "s", "type": "str", "default": "x"}]', strict => true, versioned => true, notify => true)""",
        [TOKEN],
    )
    store.execute("INSERT INTO projectalpha_data.tool_moved (n, version, updated_at) SELECT i, i % 7 + 1, now() - i * interval '1 s' FROM generate_series(1, 20000) AS i")
    store.execute("SELECT projectalpha.alter_tool('moved', '{\"options\": {\"max_records\": 10}}')")
    load(other, export(store))
    other.execute("LISTEN projectalpha_moved")
    with other.transaction():
        assert value(other, "SELECT records FROM projectalpha.import_tool('lines', token => %s)", TOKEN) == 20_000
        # They would wait for the commit.
        assert value(other, "SELECT pg_notification_queue_usage()") == 0
    assert list(other.notifies(timeout=0.2)) == []
    assert rows(other, CONTENT) == rows(store, CONTENT)
    registered = "SELECT schema_definition, options FROM projectalpha.registered_tools"
    assert rows(other, registered) == rows(store, registered)
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        other.execute("SELECT projectalpha.store_record('moved', %s, '{\"n\": 0}')", [TOKEN])
    # A value twice in a unique field, by its line and name; and nothing is left of it.
    other.execute("SELECT projectalpha.delete_tool('moved')")
    other.execute("UPDATE lines SET line = replace(line, '\"n\":7,', '\"n\":6,')")
    with pytest.raises(psycopg.errors.UniqueViolation, match="Line 8: Field 'n' must be unique"):
        other.execute("DROP TABLE IF EXISTS sorted; CREATE TEMP TABLE sorted AS SELECT line FROM lines ORDER BY NOT line ~ 'projectalpha_export', (line::jsonb ->> 'id')::int")
        other.execute("SELECT projectalpha.import_tool('sorted')")
    assert value(other, "SELECT count(*) FROM projectalpha.registered_tools") == 0


@pytest.mark.parametrize("options", [AS_IT_IS, "(FORMAT text)", "(FORMAT csv)", "(FORMAT binary)"])
def test_any_format_will_do_if_it_is_the_same_on_both_ends(store, other, options):
    make_tool(store)
    fill(store, 100)
    load(other, export(store, options=options), options)
    assert value(other, "SELECT records FROM projectalpha.import_tool('lines')") == 100
    assert rows(other, CONTENT) == rows(store, CONTENT)


def test_psql_from_one_to_the_other_through_a_file(cluster, store, other, tmp_path):
    """What the documentation says, word for word. Each line of the file is JSON, as any other program would have it."""
    make_tool(store)
    fill(store, 50)
    file = tmp_path / "moved.ndjson"
    file.write_text(cluster.client("psql", store.info.dbname, "-X", "-c", rf"COPY (SELECT projectalpha.export_tool('moved')) TO STDOUT WITH {AS_IT_IS}"))
    lines = file.read_text().splitlines()
    assert [json.loads(line).get("n") for line in lines] == [None, *range(1, 51)]
    said = cluster.client(
        "psql", other.info.dbname, "-XAtq",
        "-c", "CREATE TABLE lines (line text)",
        "-c", rf"\copy lines FROM '{file}' WITH {AS_IT_IS}",
        "-c", "SELECT tool_name, records FROM projectalpha.import_tool('lines')",
    )
    assert said == "moved|50\n"
    assert rows(other, CONTENT) == rows(store, CONTENT)


def test_a_file_on_the_server_needs_no_staging_table(cluster, store, other):
    make_tool(store)
    fill(store, 50)
    file = cluster.home / "moved.ndjson"
    file.write_bytes(b"".join(export(store)))
    other.execute("CREATE EXTENSION file_fdw")
    other.execute("CREATE SERVER files FOREIGN DATA WRAPPER file_fdw")
    other.execute(rf"CREATE FOREIGN TABLE lines (line text) SERVER files OPTIONS (filename '{file}', format 'csv', delimiter E'\x02', quote E'\x01')")
    assert value(other, "SELECT records FROM projectalpha.import_tool('lines')") == 50
    assert rows(other, CONTENT) == rows(store, CONTENT)


def test_whatever_can_be_stored_can_be_moved(store, other):
    random = Random(20260205)
    parts = ["\\", '"', "\n", "\r", "\t", "\x01", "\x02", "\x7f", "\u2028", "é", "🙂", "\\.", "\\N", "", " ", ",", "{", "a" * 3000, "null", "\ufeff"]

    def text():
        return "".join(random.choices(parts, k=random.randrange(6)))

    def any_json(depth=0):
        kind = random.randrange(7 if depth < 3 else 5)
        if kind == 5:
            return [any_json(depth + 1) for _ in range(random.randrange(4))]
        if kind == 6:
            return {text(): any_json(depth + 1) for _ in range(random.randrange(4))}
        return [text(), random.randrange(-10**25, 10**25), random.uniform(-1e300, 1e300), random.random() < 0.5, None][kind]

    def record():
        fields = {
            "n": random.randrange(-2**63, 2**63), "s": text(), "j": any_json(), "f": random.uniform(-1, 1) * 10.0 ** random.randrange(-300, 300),
            "t": f"{random.randrange(1, 10000):04}-02-{random.randrange(1, 29):02}T10:30:00.{random.randrange(10**6):06}Z",
        }
        return {name: random.choice([value, value, None]) for name, value in fields.items() if random.random() < 0.9}

    make_tool(store)
    records = [record() for _ in range(2000)]
    assert value(store, "SELECT projectalpha.store_records('moved', %s, %s)", TOKEN, json.dumps(records)) == 2000
    load(other, export(store))
    assert value(other, "SELECT records FROM projectalpha.import_tool('lines')") == 2000
    assert rows(other, CONTENT) == rows(store, CONTENT)


def test_a_backslash_lost_on_the_way_is_found_out(store, other):
    """Written as it is but read as COPY's text format, in which a backslash escapes."""
    make_tool(store)
    fill(store, 3)
    load(other, export(store), "(FORMAT text)")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="Line 2: Not a line of JSON"):
        other.execute("SELECT projectalpha.import_tool('lines')")
    assert value(other, "SELECT count(*) FROM projectalpha.registered_tools") == 0


def test_a_file_that_was_cut_off_is_refused(store, other):
    make_tool(store)
    fill(store, 10)
    load(other, list(export(store))[:-1])
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="The export has 10 records, the source has 9"):
        other.execute("SELECT projectalpha.import_tool('lines')")
    assert value(other, "SELECT count(*) FROM projectalpha.registered_tools") == 0
    assert value(other, "SELECT to_regclass('projectalpha_data.tool_moved')") is None


def test_an_export_is_of_one_moment(cluster, store):
    """What is stored and deleted while it runs is not in it."""
    make_tool(store)
    fill(store, 20_000)
    with cluster.another(store) as writer:
        store.execute("BEGIN")
        store.execute("DECLARE c CURSOR FOR SELECT projectalpha.export_tool('moved')")
        assert len(rows(store, "FETCH 10 FROM c")) == 10
        writer.execute("SELECT projectalpha.store_record('moved', %s, '{}')", [TOKEN])
        writer.execute("DELETE FROM projectalpha_data.tool_moved WHERE id > 10000")
        # The tool itself stays as it is until the export is done.
        writer.execute("SET lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            writer.execute("SELECT projectalpha.delete_tool('moved')")
        assert len(rows(store, "FETCH ALL FROM c")) == 20_001 - 10
        store.execute("COMMIT")
        writer.execute("SELECT projectalpha.delete_tool('moved')")


def test_an_export_from_a_session_that_gives_up_leaves_nothing_behind(cluster, store):
    make_tool(store)
    fill(store, 50_000)
    with cluster.another(store) as session:
        query = "SELECT projectalpha.export_tool('moved') LIMIT 2000"
        memory = "SELECT sum(total_bytes) FROM pg_backend_memory_contexts"
        for _ in range(3):
            session.execute(query)
        before = value(session, memory)
        for number in range(50):
            session.execute(query)
            if number % 2:
                session.execute("BEGIN")
                session.execute("DECLARE c CURSOR FOR SELECT projectalpha.export_tool('moved')")
                session.execute("FETCH 10 FROM c")
                session.execute("ROLLBACK")
        assert value(session, memory) - before < MEGABYTE


def test_an_import_stops_when_it_is_cancelled(cluster, store, other):
    make_tool(store)
    fill(store, 50_000)
    load(other, export(store))
    with cluster.another(other) as canceller:
        def cancel():
            started = "SELECT state = 'active' AND query ~ 'import_tool' FROM pg_stat_activity WHERE pid = %s"
            eventually(lambda: value(canceller, started, other.info.backend_pid))
            time.sleep(0.1)
            canceller.execute("SELECT pg_cancel_backend(%s)", [other.info.backend_pid])

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            other.execute("SELECT projectalpha.import_tool('lines')")
        thread.join()
    assert value(other, "SELECT count(*) FROM projectalpha.registered_tools") == 0
    assert value(other, "SELECT records FROM projectalpha.import_tool('lines')") == 50_000
