"""What administrators add to a tool's table works as it does for an INSERT: the same rows, the same side effects, the same
refusals. Each variant is made twice, on the tool's table and on a twin of the same name in another schema."""

import json
import re

import psycopg
import pytest

from cluster import rows, value

FIELDS = {"n": "int", "s": "str", "f": "float", "b": "bool", "j": "json", "t": "timestamp"}
TYPES = {"n": "bigint", "s": "text", "f": "float8", "b": "boolean", "j": "jsonb", "t": "timestamptz"}
PAYLOADS = [
    {"n": 1, "s": "one", "f": 1.5, "b": True, "j": {"a": [1]}, "t": "2026-01-02T03:04:05.678+00:00"},
    {"n": 2, "s": "two words"},
    {"n": 2, "s": "again"},
    {},
    {"n": None, "s": None},
    {"n": 13, "s": "unlucky"},
    {"n": 14},
    {"n": -7, "s": "negative", "f": -0.25},
    {"n": 3_000_000_000, "s": "x" * 50, "f": 1e300, "j": []},
    {"s": "ONE", "j": {"a": [2]}},
]

# {t} is the table, {x} the schema with what belongs to it.
PREPARED = """
CREATE TABLE {x}.seen (what text, n bigint, who name, path text, rows bigint);
CREATE TABLE {x}.known (n bigint PRIMARY KEY);
INSERT INTO {x}.known VALUES (1), (2), (13);
CREATE SEQUENCE {x}.numbers;
CREATE FUNCTION {x}.folded(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lower($1); END';
CREATE FUNCTION {x}.as_many_as() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM {t}); END';
CREATE FUNCTION {x}.on_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {x}.seen VALUES (TG_NAME || ' ' || TG_WHEN, NEW.n, current_user, current_setting('search_path'), (SELECT count(*) FROM {t}));
    IF NEW.n = 13 THEN RETURN NULL; END IF;
    IF NEW.n = 14 THEN RAISE EXCEPTION 'not fourteen' USING ERRCODE = 'P0042', HINT = 'Try 15.'; END IF;
    IF TG_WHEN = 'BEFORE' THEN NEW.s := upper(NEW.s); END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION {x}.on_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {x}.seen VALUES (TG_NAME || ' ' || TG_WHEN || ' ' || TG_LEVEL, NULL, current_user, current_setting('search_path'), (SELECT count(*) FROM {t}));
    RETURN NULL;
END $$;
CREATE FUNCTION {x}.on_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {x}.seen SELECT TG_NAME || ' added', n, current_user, s, (SELECT count(*) FROM {t}) FROM added;
    RETURN NULL;
END $$;
CREATE FUNCTION {x}.some() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE a text[];
BEGIN FOR i IN 1..20 LOOP a[i] := repeat('x', 20) || i; END LOOP; RETURN a; END $$;
CREATE FUNCTION {x}.length(a text[]) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN array_length(a, 1); END';
CREATE DOMAIN {x}.small AS bigint CHECK (VALUE < 1000) DEFAULT 5;
CREATE DOMAIN {x}.present AS text NOT NULL;
GRANT USAGE ON SCHEMA {x} TO projectalpha_owner;
GRANT SELECT, INSERT ON {x}.seen, {x}.known TO projectalpha_owner;
GRANT USAGE ON {x}.numbers TO projectalpha_owner;
"""

VARIANTS = {
    "nothing": "",
    "check": "ALTER TABLE {t} ADD CHECK (n < 1000), ADD CONSTRAINT words CHECK (s ~ '^[a-z ]*$')",
    "check by a function": "ALTER TABLE {t} ADD CONSTRAINT folded CHECK ({x}.folded(s) = s)",
    "check that reads the table": "ALTER TABLE {t} ADD CONSTRAINT few CHECK ({x}.as_many_as() < 5)",
    "check that cannot be evaluated": "ALTER TABLE {t} ADD CONSTRAINT number CHECK (s::numeric > 0)",
    "check of tableoid": "ALTER TABLE {t} ADD CONSTRAINT here CHECK (tableoid = '{t}'::regclass)",
    "not null": "ALTER TABLE {t} ALTER COLUMN s SET NOT NULL",
    "not null, not a field": "ALTER TABLE {t} ADD COLUMN extra text NOT NULL",
    "defaults": "ALTER TABLE {t} ADD COLUMN extra text NOT NULL DEFAULT 'x', ALTER COLUMN n SET DEFAULT 7, ALTER COLUMN j SET DEFAULT '[0]', ADD COLUMN c int DEFAULT 40 + 2",
    "defaults that are computed": "ALTER TABLE {t} ADD COLUMN extra bigint DEFAULT nextval('{x}.numbers'), ALTER COLUMN s SET DEFAULT {x}.folded('DEF'), ADD COLUMN c text DEFAULT current_user",
    "defaults that others would change in place": "ALTER TABLE {t} ADD COLUMN tags text[] DEFAULT array_append(ARRAY['new'], current_user::text), ADD CHECK (cardinality(tags || 'z'::text) < 50), ADD COLUMN c int GENERATED ALWAYS AS (cardinality(tags)) STORED; CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW WHEN (cardinality(NEW.tags || 'w'::text) > 0) EXECUTE FUNCTION {x}.on_row()",
    "defaults that others would take over": "ALTER TABLE {t} ADD COLUMN a text[] DEFAULT {x}.some(), ADD CHECK ({x}.length(a) > 0), ADD CHECK ({x}.length(a) = 20); CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW WHEN ({x}.length(NEW.a) > 0) EXECUTE FUNCTION {x}.on_row()",
    "default null": "ALTER TABLE {t} ALTER COLUMN n SET DEFAULT NULL, ADD COLUMN extra int DEFAULT NULL",
    "default that fails": "ALTER TABLE {t} ADD COLUMN extra int; ALTER TABLE {t} ALTER COLUMN extra SET DEFAULT 1 / (random() * 0)::int",
    "generated": "ALTER TABLE {t} ADD COLUMN twice bigint GENERATED ALWAYS AS (n * 2) STORED, ADD COLUMN low text GENERATED ALWAYS AS ({x}.folded(s)) STORED",
    "generated and checked": "ALTER TABLE {t} ADD COLUMN twice bigint GENERATED ALWAYS AS (n * 2) STORED CHECK (twice <> 4)",
    "a field is generated": "ALTER TABLE {t} DROP COLUMN b, ADD COLUMN b boolean GENERATED ALWAYS AS (n > 1) STORED",
    "another identity": "ALTER TABLE {t} ADD COLUMN extra bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5)",
    "a field is an identity": "ALTER TABLE {t} DROP COLUMN n, ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY",
    "id of a sequence": "ALTER TABLE {t} ALTER COLUMN id DROP IDENTITY; ALTER TABLE {t} ALTER COLUMN id SET DEFAULT nextval('{x}.numbers')",
    "id that may be null": "ALTER TABLE {t} DROP CONSTRAINT {k}; ALTER TABLE {t} ALTER COLUMN id DROP IDENTITY; ALTER TABLE {t} ALTER COLUMN id DROP NOT NULL",
    "id by default": "ALTER TABLE {t} ALTER COLUMN id SET GENERATED BY DEFAULT",
    "triggers of rows": "CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE TRIGGER a AFTER INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row()",
    "triggers with conditions": "CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW WHEN (NEW.n > 1) EXECUTE FUNCTION {x}.on_row(); CREATE TRIGGER c AFTER INSERT ON {t} FOR EACH ROW WHEN (NEW.s ~ 'o') EXECUTE FUNCTION {x}.on_row()",
    "trigger that looks at system columns": "CREATE TRIGGER a AFTER INSERT ON {t} FOR EACH ROW WHEN (NEW.xmin::text <> '0' AND NEW.ctid::text <> '') EXECUTE FUNCTION {x}.on_row()",
    "trigger that is off": "CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); ALTER TABLE {t} DISABLE TRIGGER b",
    "trigger of replicas": "CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); ALTER TABLE {t} ENABLE REPLICA TRIGGER b",
    "triggers of other events": "CREATE TRIGGER b BEFORE UPDATE OR DELETE ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE TRIGGER t BEFORE TRUNCATE ON {t} EXECUTE FUNCTION {x}.on_statement()",
    "trigger at the end": "CREATE CONSTRAINT TRIGGER a AFTER INSERT ON {t} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.n = 14) EXECUTE FUNCTION {x}.on_row()",
    "trigger that is a constraint": "CREATE CONSTRAINT TRIGGER a AFTER INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row()",
    "trigger, check and generated": "ALTER TABLE {t} ADD COLUMN low text GENERATED ALWAYS AS (s || '!') STORED, ADD CONSTRAINT loud CHECK (s = upper(s)); CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row()",
    "triggers of statements": "CREATE TRIGGER b BEFORE INSERT ON {t} EXECUTE FUNCTION {x}.on_statement(); CREATE TRIGGER a AFTER INSERT ON {t} EXECUTE FUNCTION {x}.on_statement()",
    "triggers of all kinds": "CREATE TRIGGER b BEFORE INSERT ON {t} EXECUTE FUNCTION {x}.on_statement(); CREATE TRIGGER r BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE TRIGGER a AFTER INSERT ON {t} EXECUTE FUNCTION {x}.on_statement()",
    "transition table": "CREATE TRIGGER a AFTER INSERT ON {t} REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {x}.on_added()",
    "transition table after a trigger": "CREATE TRIGGER r BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE TRIGGER a AFTER INSERT ON {t} REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {x}.on_added()",
    "transition table and rows": "CREATE TRIGGER r AFTER INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE TRIGGER a AFTER INSERT ON {t} REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION {x}.on_added()",
    "transition table of each row": "CREATE TRIGGER a AFTER INSERT ON {t} REFERENCING NEW TABLE AS added FOR EACH ROW EXECUTE FUNCTION {x}.on_added()",
    "foreign key": "ALTER TABLE {t} ADD CONSTRAINT known FOREIGN KEY (n) REFERENCES {x}.known",
    "foreign key at the end": "ALTER TABLE {t} ADD CONSTRAINT known FOREIGN KEY (n) REFERENCES {x}.known DEFERRABLE INITIALLY DEFERRED",
    "foreign key and transition table": "ALTER TABLE {t} ADD CONSTRAINT known FOREIGN KEY (n) REFERENCES {x}.known; CREATE TRIGGER a AFTER INSERT ON {t} REFERENCING NEW TABLE AS added EXECUTE FUNCTION {x}.on_added()",
    "unique": "ALTER TABLE {t} ADD CONSTRAINT once UNIQUE (n)",
    "unique at the end": "ALTER TABLE {t} ADD CONSTRAINT once UNIQUE (n) DEFERRABLE INITIALLY DEFERRED",
    "unique after the statement": "ALTER TABLE {t} ADD CONSTRAINT once UNIQUE (n) DEFERRABLE",
    "indexes": "CREATE UNIQUE INDEX ON {t} (lower(s)) WHERE n IS NULL; CREATE INDEX ON {t} USING gin (j); CREATE INDEX ON {t} USING hash (s); CREATE INDEX ON {t} USING brin (n); CREATE INDEX ON {t} ({x}.folded(s))",
    "index that cannot be made": "CREATE INDEX ON {t} ((1 / (n + 7)))",
    "exclusion": "ALTER TABLE {t} ADD CONSTRAINT apart EXCLUDE (n WITH =)",
    "narrow columns": "ALTER TABLE {t} ALTER COLUMN n TYPE integer, ALTER COLUMN s TYPE varchar(9), ALTER COLUMN f TYPE numeric(6, 1), ALTER COLUMN t TYPE timestamp",
    "narrow columns with defaults": "ALTER TABLE {t} ALTER COLUMN n TYPE smallint, ALTER COLUMN n SET DEFAULT 3, ALTER COLUMN s TYPE char(20), ALTER COLUMN s SET DEFAULT 'd'",
    "domains": "ALTER TABLE {t} ALTER COLUMN n TYPE {x}.small, ALTER COLUMN s TYPE {x}.present",
    "domains that are no fields": "ALTER TABLE {t} ADD COLUMN c {x}.small, ADD COLUMN d {x}.present DEFAULT 'here'",
    "a domain that refuses": "ALTER TABLE {t} ADD COLUMN d {x}.present",
    "a type without a cast": "ALTER TABLE {t} ALTER COLUMN f TYPE boolean USING f > 0",
    "dropped columns": "ALTER TABLE {t} ADD COLUMN extra int; ALTER TABLE {t} DROP COLUMN extra, DROP COLUMN b, ADD COLUMN b boolean CHECK (b)",
    "row security": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "row security, forced": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (true) WITH CHECK (n > 1)",
    "row security and checks": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, ADD CHECK (n < 1000)",
    "rule": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.seen VALUES ('rule', NEW.n)",
    "rule instead": "CREATE RULE nothing AS ON INSERT TO {t} WHERE NEW.n = 2 DO INSTEAD NOTHING",
    "storage": "ALTER TABLE {t} SET (fillfactor = 10), ALTER COLUMN s SET STORAGE EXTERNAL, SET UNLOGGED",
}


@pytest.fixture
def both(store):
    """The tool's table and its twin, and the schemas with what belongs to them."""
    schema = json.dumps([{"name": name, "type": kind} for name, kind in FIELDS.items()])
    store.execute("SELECT projectalpha.register_tool('hand', 'token-of-hand', %s)", [schema])
    store.execute("CREATE SCHEMA twin AUTHORIZATION projectalpha_owner; CREATE SCHEMA of_tool; CREATE SCHEMA of_twin")
    store.execute("CREATE TABLE twin.tool_hand (LIKE projectalpha_data.tool_hand INCLUDING ALL)")
    store.execute("ALTER TABLE twin.tool_hand OWNER TO projectalpha_owner")
    sides = ({"t": "projectalpha_data.tool_hand", "x": "of_tool"}, {"t": "twin.tool_hand", "x": "of_twin"})
    for side in sides:
        side["k"] = value(store, "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'", side["t"])
    return store, *sides


def make(db, sides, *scripts):
    for side in sides:
        for script in scripts:
            for name, what in side.items():
                script = script.replace(f"{{{name}}}", what)
            db.execute(script)


def outcome(db, statement, parameters):
    """What comes of a statement in a transaction of its own."""
    try:
        with db.transaction():
            found = rows(db, statement, *parameters)
            db.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return found[0][0] if found else None
    except psycopg.Error as error:
        said = error.diag
        message = (said.message_primary or "").replace("of_twin", "of_tool")
        return (said.sqlstate, re.split('["…]', message)[0], said.message_hint, said.constraint_name, said.column_name)


def store_record(db, payload):
    return outcome(db, "SELECT projectalpha.store_record('hand', 'token-of-hand', %s)", [json.dumps(payload)])


def insert(db, payload):
    """The INSERT that names what the payload names, as the owner and with the path that the owner's code runs with."""
    names = list(payload)
    columns = f"({', '.join(names)}) VALUES ({', '.join(f'%s::text::{TYPES[name]}' for name in names)})" if names else "DEFAULT VALUES"
    values = [json.dumps(v) if v is not None and FIELDS[k] == "json" else v for k, v in payload.items()]
    # A value that a cast refuses is refused when the row is made, not when the plan is.
    db.execute("SET ROLE projectalpha_owner; SET search_path = pg_catalog, pg_temp; SET plan_cache_mode = force_generic_plan")
    try:
        return outcome(db, f"INSERT INTO twin.tool_hand {columns} RETURNING id", values)
    finally:
        db.execute("RESET ROLE; RESET search_path; RESET plan_cache_mode")


def contents(db, side):
    table = rows(db, f"SELECT to_jsonb(h) - 'created_at' FROM {side['t']} AS h ORDER BY id")
    seen = rows(db, f"SELECT what, n, who::text, path, rows FROM {side['x']}.seen")
    assert value(db, f"SELECT count(*) FROM {side['t']} WHERE created_at IS NULL") == 0
    return table, seen, value(db, f"SELECT last_value FROM {side['x']}.numbers")


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
        """CREATE DOMAIN {x}.five AS int DEFAULT 5; CREATE DOMAIN {x}.free AS text; CREATE TYPE {x}.mood AS ENUM ('one', 'two');
           CREATE FUNCTION {x}.to_mood(text) RETURNS {x}.mood LANGUAGE plpgsql AS 'BEGIN RETURN $1::{x}.mood; END';
           CREATE CAST (text AS {x}.mood) WITH FUNCTION {x}.to_mood AS ASSIGNMENT;
           ALTER TABLE {t} ADD COLUMN e {x}.five, ALTER COLUMN n TYPE {x}.small, ADD COLUMN f2 {x}.free, ALTER COLUMN s TYPE {x}.mood USING s::text::{x}.mood""",
    )
    changes = [
        "SELECT 1",
        "ALTER DOMAIN {x}.five SET DEFAULT 6",
        "ALTER DOMAIN {x}.five DROP DEFAULT",
        "ALTER DOMAIN {x}.small SET DEFAULT 8",
        "ALTER DOMAIN {x}.free SET DEFAULT 'filled'; ALTER DOMAIN {x}.five ADD CHECK (VALUE > 100) NOT VALID",
        "ALTER DOMAIN {x}.five SET DEFAULT 101",
        """DROP CAST (text AS {x}.mood); DROP FUNCTION {x}.to_mood;
           CREATE FUNCTION {x}.to_mood(text) RETURNS {x}.mood LANGUAGE plpgsql AS 'BEGIN RETURN ''two''; END';
           CREATE CAST (text AS {x}.mood) WITH FUNCTION {x}.to_mood AS ASSIGNMENT""",
    ]
    for change in changes:
        make(db, (tool, twin), change)
        for payload in ({}, {"n": 1}, {"n": 2, "s": "one"}):
            # The one plans its cast for a value of text, the other for a constant: what they say differs, not what they do.
            stored, inserted = store_record(db, payload), insert(db, payload)
            assert stored == inserted or stored[0] == inserted[0], (change, payload)
        table, twins = (rows(db, f"SELECT n, s::text, e, f2 FROM {side['t']} ORDER BY id") for side in (tool, twin))
        assert table == twins, change


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


# What only looks as if it were PostgreSQL's own: {t} is the table, and each calls public.looks, which looks at the path.
LOOKS = """
CREATE FUNCTION public.looks() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('search_path') ~ 'hostile' THEN
        RAISE EXCEPTION 'found by the path of the caller';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION public.compare(bigint, bigint) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN btint8cmp($1, $2); END';
CREATE FUNCTION public.hashed(bigint, bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN hashint8extended($1, $2); END';
CREATE FUNCTION public.compare(json, json) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN bttextcmp($1::text, $2::text); END';
CREATE FUNCTION public.same(json, json) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN $1::text = $2::text; END';
CREATE FUNCTION public.less(json, json) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN $1::text < $2::text; END';
CREATE FUNCTION public.as_uuid(text) RETURNS uuid IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.looks(); RETURN uuid_in(textout($1)); END';
CREATE OPERATOR CLASS public.ordered FOR TYPE bigint USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 public.compare(bigint, bigint);
CREATE OPERATOR CLASS public.spread FOR TYPE bigint USING hash AS OPERATOR 1 =, FUNCTION 2 public.hashed(bigint, bigint);
"""
NOT_BUILTIN = {
    "an index": "CREATE UNIQUE INDEX ON {t} (n public.ordered)",
    "an index of the table that a key refers to": "CREATE TABLE public.known (n bigint NOT NULL); INSERT INTO public.known VALUES (1), (2); CREATE UNIQUE INDEX u ON public.known (n public.ordered); ALTER TABLE {t} ADD FOREIGN KEY (n) REFERENCES public.known (n)",
    "partitions of the table that a key refers to": "CREATE TABLE public.known (n bigint PRIMARY KEY) PARTITION BY HASH (n public.spread); CREATE TABLE public.part PARTITION OF public.known FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO public.known VALUES (1), (2); ALTER TABLE {t} ADD FOREIGN KEY (n) REFERENCES public.known",
    "a cast of a key": "CREATE CAST (text AS uuid) WITH FUNCTION public.as_uuid AS IMPLICIT; CREATE TABLE public.known (u uuid PRIMARY KEY); INSERT INTO public.known VALUES ('00000000-0000-0000-0000-000000000001'), ('00000000-0000-0000-0000-000000000002'); ALTER TABLE {t} ADD FOREIGN KEY (s) REFERENCES public.known",
    "how arrays are compared": "CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = json, RIGHTARG = json); CREATE OPERATOR public.< (FUNCTION = public.less, LEFTARG = json, RIGHTARG = json); CREATE OPERATOR CLASS public.of_json DEFAULT FOR TYPE json USING btree AS OPERATOR 1 public.<, OPERATOR 3 public.=, FUNCTION 1 public.compare(json, json); ALTER TABLE {t} ADD COLUMN k json[] DEFAULT ARRAY['1'::json], ADD CHECK (k <> ARRAY['2'::json])",
    "a cast": "CREATE CAST (text AS uuid) WITH FUNCTION public.as_uuid AS ASSIGNMENT; ALTER TABLE {t} ALTER COLUMN s TYPE uuid USING s::uuid",
    "a default": "ALTER TABLE {t} ADD COLUMN extra boolean DEFAULT public.looks()",
}


@pytest.mark.parametrize("what", NOT_BUILTIN)
def test_code_that_is_not_postgresqls_own_never_runs_with_the_path_of_the_caller(both, what):
    db, tool, _ = both
    make(db, (tool,), LOOKS, NOT_BUILTIN[what])
    db.execute("CREATE SCHEMA hostile; SET search_path = hostile, pg_catalog")
    stored = [store_record(db, {"n": n, "s": f"00000000-0000-0000-0000-00000000000{n}"}) for n in (1, 2)]
    assert all(isinstance(answer, int) for answer in stored), stored


def test_names_in_a_value_are_not_looked_up_in_the_path_of_the_caller(both):
    db, tool, _ = both
    make(db, (tool,), "ALTER TABLE {t} ALTER COLUMN s TYPE regclass USING NULL")
    db.execute("CREATE SCHEMA hostile; CREATE TABLE hostile.pg_class (n int); SET search_path = hostile, pg_catalog")
    assert store_record(db, {"s": "pg_class"}) == 1
    assert value(db, "SELECT s::oid::bigint FROM projectalpha_data.tool_hand") == 1259


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


def test_a_record_that_is_refused_leaves_the_session_as_it_was(both):
    """Path, role and memory, many times over."""
    db, tool, twin = both
    make(db, (tool, twin), PREPARED, VARIANTS["triggers of rows"], VARIANTS["check"])
    state = "SELECT current_user::text, current_setting('search_path'), (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name ~ 'ExecutorState|ExprContext')"

    def store_all(times):
        for _ in range(times):
            for payload in PAYLOADS:
                store_record(db, payload)
        return rows(db, state)[0]

    first = store_all(3)
    assert store_all(30) == first
