"""What administrators add to a tool's table works as it does for an INSERT: the same rows, the same side effects, the same
refusals."""

import json

import psycopg
import pytest

from cluster import rows, value
from twins import PAYLOADS, PREPARED, VARIANTS, contents, insert, make, outcome, store_record


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_record_is_stored_as_an_insert_stores_it(both, variant):
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, VARIANTS[variant])
    for payload in PAYLOADS:
        assert store_record(db, payload) == insert(db, payload), payload
        assert contents(db, tool) == contents(db, twin), payload
    # And in a session that has nothing warm, all at once or not at all.
    db.execute("SELECT pg_stat_clear_snapshot()")
    good = [payload for payload in PAYLOADS if isinstance(insert(db, payload), int)]
    if variant.startswith(("unique", "index", "exclusion", "check that reads")) or not good:
        return
    before = contents(db, tool)
    refused = [payload for payload in PAYLOADS if isinstance(insert(db, payload), tuple)]
    many = "SELECT projectalpha.store_records('hand', 'token-of-hand', %s)"
    if refused:
        whole = outcome(db, many, [json.dumps([*good, *refused])])
        assert isinstance(whole, tuple) and contents(db, tool)[:2] == before[:2]
    assert outcome(db, many, [json.dumps(good)]) == len(good)


def test_a_function_that_is_replaced_is_the_new_one_at_once(both):
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, "ALTER TABLE {t} ADD COLUMN c text DEFAULT {x}.folded('Old'), ADD CONSTRAINT folded CHECK ({x}.folded(s) = s)")
    assert store_record(db, {"s": "a"}) == insert(db, {"s": "a"}) == 1
    make(db, (tool, twin), "CREATE OR REPLACE FUNCTION {x}.folded(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN upper($1); END'")
    for payload in ({"s": "a"}, {"s": "A"}):
        assert store_record(db, payload) == insert(db, payload), payload
    assert contents(db, tool) == contents(db, twin)
    assert rows(db, "SELECT c FROM projectalpha_data.tool_hand ORDER BY id") == [("old",), ("OLD",)]


def test_what_a_type_says_holds_in_sessions_that_are_warm(both):
    """None of these changes says anything about the table."""
    db, tool, twin = both
    make(
        db, (tool, twin), PREPARED,
        """CREATE DOMAIN {x}.five AS int DEFAULT 5; CREATE DOMAIN {x}.free AS text; CREATE DOMAIN {x}.inner AS float8; CREATE DOMAIN {x}.outer AS {x}.inner; CREATE TYPE {x}.mood AS ENUM ('one', 'two');
           CREATE FUNCTION {x}.to_mood(text) RETURNS {x}.mood LANGUAGE plpgsql AS 'BEGIN IF $1 IS NULL THEN RETURN ''two''; END IF; RETURN lower($1); END';
           CREATE CAST (text AS {x}.mood) WITH FUNCTION {x}.to_mood AS ASSIGNMENT;
           ALTER TABLE {t} ADD COLUMN e {x}.five, ALTER COLUMN n TYPE {x}.small, ADD COLUMN f2 {x}.free, ALTER COLUMN f TYPE {x}.outer, ADD COLUMN f3 {x}.outer, ALTER COLUMN s TYPE {x}.mood USING s::text::{x}.mood""",
    )
    changes = [
        "SELECT 1",
        "ALTER DOMAIN {x}.five SET DEFAULT 6",
        "ALTER DOMAIN {x}.five DROP DEFAULT",
        "ALTER DOMAIN {x}.small SET DEFAULT 8",
        "ALTER DOMAIN {x}.free SET DEFAULT 'filled'; ALTER DOMAIN {x}.five ADD CHECK (VALUE > 100) NOT VALID",
        "ALTER DOMAIN {x}.five SET DEFAULT 101",
        "ALTER DOMAIN {x}.inner ADD CONSTRAINT above CHECK (VALUE > 0) NOT VALID",
        "ALTER DOMAIN {x}.inner DROP CONSTRAINT above",
        "ALTER DOMAIN {x}.outer SET DEFAULT 1.5",
        "UPDATE {t} SET f = 1, f3 = 1; ALTER DOMAIN {x}.outer SET NOT NULL",
        "ALTER DOMAIN {x}.outer DROP NOT NULL; ALTER DOMAIN {x}.outer ADD CHECK (VALUE > -2) NOT VALID",
        "CREATE OR REPLACE FUNCTION {x}.to_mood(text) RETURNS {x}.mood LANGUAGE sql AS 'SELECT ''two''::{x}.mood'",
        "CREATE OR REPLACE FUNCTION {x}.to_mood(text) RETURNS {x}.mood LANGUAGE sql AS 'SELECT ''one''::{x}.mood'",
        "DROP CAST (text AS {x}.mood)",
        """DROP FUNCTION {x}.to_mood;
           CREATE FUNCTION {x}.to_mood(text) RETURNS {x}.mood LANGUAGE plpgsql AS 'BEGIN RETURN ''two''; END';
           CREATE CAST (text AS {x}.mood) WITH FUNCTION {x}.to_mood AS ASSIGNMENT""",
    ]
    for change in changes:
        make(db, (tool, twin), change)
        for payload in ({}, {"n": 1}, {"n": 2, "s": "ONE"}, {"s": "three"}, {"s": None}, {"f": -1.5}, {"f": -2.5}, {"f": None}):
            # The one plans its cast for a value of text, the other for a constant: what they say differs, not what they do.
            stored, inserted = store_record(db, payload), insert(db, payload)
            assert stored == inserted or stored[0] == inserted[0], (change, payload, stored, inserted)
        table, twins = (rows(db, f"SELECT n, s::text, e, f2, f, f3 FROM {side['t']} ORDER BY id") for side in (tool, twin))
        assert table == twins, change


TO_A_DOMAIN = {
    "a table": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n) VALUES (NEW.n)",
    "a view": "CREATE VIEW {x}.logs AS SELECT * FROM {x}.log; ALTER VIEW {x}.logs OWNER TO projectalpha_owner; CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.logs (n) VALUES (NEW.n)",
    "a table by way of a table": "CREATE TABLE {x}.first (n bigint); GRANT INSERT ON {x}.first TO projectalpha_owner; CREATE RULE also AS ON INSERT TO {x}.first DO ALSO INSERT INTO {x}.log (n) VALUES (NEW.n); CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.first VALUES (NEW.n)",
    "a table, later": "CREATE RULE also AS ON INSERT TO {x}.seen DO ALSO INSERT INTO {x}.log (n) VALUES (NEW.n); CREATE RULE also AS ON INSERT TO {t} WHERE {x}.folded(NEW.s) <> 'x' DO ALSO INSERT INTO {x}.seen (n) VALUES (NEW.n)",
}


@pytest.mark.parametrize("what", TO_A_DOMAIN)
def test_what_a_type_says_holds_where_rules_write_to(both, what):
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, "CREATE DOMAIN {x}.five AS int DEFAULT 5; CREATE DOMAIN {x}.free AS text", "ALTER TABLE {x}.log ADD COLUMN d {x}.five, ADD COLUMN e {x}.free")
    *before, rule = TO_A_DOMAIN[what].split("; ")
    make(db, (tool, twin), *before)
    store_record(db, {"n": 1, "s": "a"}), insert(db, {"n": 1, "s": "a"})  # warm before the rule is there
    make(db, (tool, twin), rule)
    for change in ("SELECT 1", "ALTER DOMAIN {x}.five SET DEFAULT 6", "ALTER DOMAIN {x}.free SET DEFAULT 'filled'", "ALTER DOMAIN {x}.five DROP DEFAULT", "ALTER DOMAIN {x}.five ADD CHECK (VALUE > 6) NOT VALID", "ALTER DOMAIN {x}.five SET DEFAULT 1"):
        make(db, (tool, twin), change)
        for payload in ({"n": 1, "s": "a"}, {"n": 2, "s": "b"}):
            assert store_record(db, payload) == insert(db, payload), change
        assert contents(db, tool) == contents(db, twin), change


def test_a_function_that_is_evaluated_to_look_at_a_table_may_store_into_it(both, cluster):
    db, tool, _ = both
    make(db, (tool,), PREPARED, "CREATE INDEX ON {t} ((s || {x}.folded('Q')))")
    make(
        db, (tool,),
        """CREATE OR REPLACE FUNCTION {x}.folded(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
           BEGIN
               IF coalesce(current_setting('x.stored', true), '') = '' THEN
                   PERFORM set_config('x.stored', 'yes', false);
                   PERFORM projectalpha.store_record('hand', 'token-of-hand', '{"n": 77}');
               END IF;
               RETURN 'q';
           END $$""",
    )
    with cluster.another(db) as fresh:
        assert store_record(fresh, {"n": 1}) == 2
        assert rows(fresh, "SELECT id, n FROM projectalpha_data.tool_hand ORDER BY id") == [(1, 77), (2, 1)]


def test_a_trigger_that_is_made_on_the_way_fires_once(both):
    db, tool, _ = both
    make(
        db, (tool,), PREPARED, VARIANTS["transition table"],
        """CREATE FUNCTION {x}.make() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
               CREATE OR REPLACE TRIGGER late AFTER INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row();
               RETURN NEW;
           END $$;
           GRANT CREATE ON SCHEMA {x} TO projectalpha_owner; GRANT EXECUTE ON FUNCTION {x}.on_row() TO projectalpha_owner;
           CREATE TRIGGER make BEFORE INSERT ON {t} FOR EACH ROW WHEN (NEW.n = 1) EXECUTE FUNCTION {x}.make()""",
    )
    db.execute("SELECT projectalpha.store_records('hand', 'token-of-hand', '[{\"n\": 1}, {\"n\": 2}, {\"n\": 3}]')")
    fired = rows(db, "SELECT n, count(*) FROM of_tool.seen WHERE what LIKE 'late%' AND n > 1 GROUP BY n ORDER BY n")
    added = rows(db, "SELECT n, count(*) FROM of_tool.seen WHERE what = 'a added' GROUP BY n ORDER BY n")
    assert fired == [(2, 1), (3, 1)] and added == [(1, 1), (2, 1), (3, 1)]


def test_a_default_that_fails_is_no_matter_to_records_that_name_the_field(both):
    db, tool, _ = both
    make(db, (tool,), "ALTER TABLE {t} ALTER COLUMN n SET DEFAULT 1 / 0")
    assert [isinstance(store_record(db, payload), int) for payload in ({"n": 1}, {"s": "x"}, {"n": 2})] == [True, False, True]
    assert store_record(db, {"s": "x"})[:2] == ("22012", "division by zero")


def test_code_on_the_table_may_store_a_record_itself(both):
    db, tool, twin = both
    make(db, (tool, twin), PREPARED)
    db.execute(
        """CREATE FUNCTION public.again() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
               IF NEW.n > 0 THEN
                   PERFORM projectalpha.store_record('hand', 'token-of-hand', jsonb_build_object('n', NEW.n - 1, 's', TG_WHEN));
               END IF;
               RETURN NEW;
           END $$;
           CREATE TRIGGER b BEFORE INSERT ON projectalpha_data.tool_hand FOR EACH ROW WHEN (NEW.n % 2 = 0) EXECUTE FUNCTION public.again();
           CREATE TRIGGER a AFTER INSERT ON projectalpha_data.tool_hand FOR EACH ROW WHEN (NEW.n % 2 = 1) EXECUTE FUNCTION public.again()"""
    )
    assert store_record(db, {"n": 5}) == 1
    assert rows(db, "SELECT n, s FROM projectalpha_data.tool_hand ORDER BY n") == [
        (0, "AFTER"), (1, "BEFORE"), (2, "AFTER"), (3, "BEFORE"), (4, "AFTER"), (5, None),
    ]


def test_a_partition_keeps_within_its_bounds(both):
    db, tool, twin = both
    make(
        db, (tool, twin), PREPARED,
        "ALTER TABLE {t} DROP CONSTRAINT {k}; CREATE TABLE {x}.parent (LIKE {t} INCLUDING DEFAULTS) PARTITION BY RANGE (n)",
        "ALTER TABLE {x}.parent ATTACH PARTITION {t} FOR VALUES FROM (0) TO (10)",
    )
    for payload in PAYLOADS:
        assert store_record(db, payload) == insert(db, payload), payload
    assert contents(db, tool) == contents(db, twin)
    assert value(db, "SELECT count(*) FROM of_tool.parent") == 3


def test_a_read_only_transaction_stores_nothing(both):
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, VARIANTS["check"])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), db.transaction():
        db.execute("SET TRANSACTION READ ONLY")
        db.execute("SELECT projectalpha.store_record('hand', 'token-of-hand', '{}')")
    assert contents(db, tool)[0] == []


@pytest.mark.parametrize("variants", [["triggers of rows", "check"], ["rule that is refused"], ["rule with a condition by a function", "check"]])
def test_a_record_that_is_refused_leaves_the_session_as_it_was(both, variants):
    """Path, role, memory and locks, many times over."""
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, *(VARIANTS[variant] for variant in variants))
    state = """SELECT current_user::text, current_setting('search_path'), current_schemas(true)::text[], (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()),
                      (SELECT array_agg(name || ' ' || total_bytes ORDER BY name, total_bytes) FROM pg_backend_memory_contexts
                       WHERE name ~ 'ExecutorState|ExprContext|TopTransaction|PortalContext|SPI|TopMemoryContext')"""

    def store_all(times):
        for _ in range(times):
            for payload in PAYLOADS:
                store_record(db, payload)
        return rows(db, state)[0]

    first = store_all(3)
    assert store_all(30) == first
