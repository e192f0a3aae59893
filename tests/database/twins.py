"""What administrators do to a tool's table, done to the table and to a twin of the same name in another schema; the tool stores
into the one, its owner inserts into the other."""

import json
import re

import psycopg

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
CREATE TABLE {x}.log (id bigint GENERATED ALWAYS AS IDENTITY, n bigint, s text, who text DEFAULT current_user, at timestamptz NOT NULL DEFAULT now());
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
CREATE DOMAIN {x}.smaller AS {x}.small CHECK (VALUE <> 2);
CREATE DOMAIN {x}.short AS varchar(9) CHECK ({x}.folded(VALUE) <> 'one');
GRANT USAGE ON SCHEMA {x} TO projectalpha_owner;
GRANT SELECT, INSERT ON {x}.seen, {x}.known, {x}.log TO projectalpha_owner;
GRANT UPDATE, DELETE ON {x}.known TO projectalpha_owner;
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
    "domains with defaults": "ALTER TABLE {t} ALTER COLUMN n TYPE {x}.small, ALTER COLUMN n SET DEFAULT 7, ALTER COLUMN s TYPE {x}.present, ALTER COLUMN s SET DEFAULT 'here'",
    "domains of domains": "ALTER TABLE {t} ALTER COLUMN n TYPE {x}.smaller, ALTER COLUMN s TYPE {x}.short, ADD COLUMN c {x}.smaller, ADD COLUMN d {x}.short DEFAULT 'one'",
    "columns of text": "ALTER TABLE {t} ALTER COLUMN n TYPE text, ALTER COLUMN f TYPE text, ALTER COLUMN b TYPE varchar(4), ALTER COLUMN j TYPE text, ALTER COLUMN t TYPE text",
    "a type without a cast": "ALTER TABLE {t} ALTER COLUMN f TYPE boolean USING f > 0",
    "dropped columns": "ALTER TABLE {t} ADD COLUMN extra int; ALTER TABLE {t} DROP COLUMN extra, DROP COLUMN b, ADD COLUMN b boolean CHECK (b)",
    "row security": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "row security, forced": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (true) WITH CHECK (n > 1)",
    "row security and checks": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, ADD CHECK (n < 1000)",
    "rule": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.seen VALUES ('rule', NEW.n)",
    "row security, forced, by who it is": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (current_user = 'projectalpha_owner') WITH CHECK (n > 1 AND s < 'x')",
    "row security, forced, by a function": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (true) WITH CHECK ({x}.folded(s) = s)",
    "row security, forced, by another table": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON {t} USING (true) WITH CHECK (n IN (SELECT k.n FROM {x}.known AS k))",
    "row security, forced, and more": "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, ALTER COLUMN n TYPE integer, ALTER COLUMN s SET DEFAULT 'here', ADD CHECK (n < 1000); CREATE POLICY p ON {t} WITH CHECK (n > 1)",
    "rule to a log": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule with a condition": "CREATE RULE also AS ON INSERT TO {t} WHERE NEW.n > 1 DO ALSO INSERT INTO {x}.log (n, s, who) VALUES (NEW.n, upper(NEW.s), session_user)",
    "rule with a condition by a function": "CREATE RULE also AS ON INSERT TO {t} WHERE {x}.folded(NEW.s) = NEW.s DO ALSO INSERT INTO {x}.log (n) VALUES (NEW.n)",
    "rule of many rows": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n, s) VALUES (NEW.n, 'a'), (1, NEW.s)",
    "rule that asks": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n) SELECT k.n FROM {x}.known AS k WHERE k.n = NEW.n",
    "rule that changes": "CREATE RULE also AS ON INSERT TO {t} DO ALSO UPDATE {x}.known SET n = k.n + 100 FROM {x}.known AS k WHERE known.n = k.n AND k.n = NEW.n",
    "rule that deletes": "CREATE RULE also AS ON INSERT TO {t} DO ALSO DELETE FROM {x}.known WHERE n = NEW.n",
    "rule that notifies": "CREATE RULE also AS ON INSERT TO {t} DO ALSO NOTIFY stored",
    "rule with a conflict": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.known VALUES (NEW.n) ON CONFLICT (n) DO UPDATE SET n = EXCLUDED.n + 100",
    "rule with a common table": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n) WITH one AS (SELECT 1 AS n) SELECT n FROM one",
    "rule that is refused": "CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.known VALUES (NEW.n)",
    "rules of rules": "CREATE RULE more AS ON INSERT TO {x}.log DO ALSO INSERT INTO {x}.seen (what, n) VALUES ('log', NEW.n); CREATE RULE also AS ON INSERT TO {t} DO ALSO (INSERT INTO {x}.log (n) VALUES (NEW.n); INSERT INTO {x}.seen (what, n) VALUES ('table', NEW.n))",
    "rules in a circle": "CREATE RULE more AS ON INSERT TO {x}.log DO ALSO INSERT INTO {x}.known VALUES (1); CREATE RULE most AS ON INSERT TO {x}.known DO ALSO INSERT INTO {x}.log (n) VALUES (NEW.n); CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n) VALUES (NEW.n)",
    "rule to a table with more to it": "ALTER TABLE {x}.log ADD CHECK (n < 1000), ADD COLUMN twice bigint GENERATED ALWAYS AS (n * 2) STORED, ADD UNIQUE (n, s), ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {x}.log WITH CHECK (n <> 14); CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule to a table with a trigger": "CREATE TRIGGER b BEFORE INSERT ON {x}.log FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule to a table with a foreign key": "ALTER TABLE {x}.log ADD CONSTRAINT known FOREIGN KEY (n) REFERENCES {x}.known; CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule to a table that is partitioned": "CREATE TABLE {x}.parts (n bigint, s text) PARTITION BY LIST (n); CREATE TABLE {x}.part_2 PARTITION OF {x}.parts FOR VALUES IN (2); CREATE TABLE {x}.rest PARTITION OF {x}.parts DEFAULT; GRANT INSERT ON {x}.parts TO projectalpha_owner; CREATE TRIGGER b BEFORE INSERT ON {x}.part_2 FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.parts VALUES (NEW.n, NEW.s)",
    "rule to a view": "CREATE VIEW {x}.looks AS SELECT n, s FROM {x}.log; ALTER VIEW {x}.looks OWNER TO projectalpha_owner; GRANT INSERT ON {x}.looks TO projectalpha_owner; CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.looks VALUES (NEW.n, NEW.s)",
    "rule that may not": "REVOKE INSERT ON {x}.log FROM projectalpha_owner; CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n) VALUES (NEW.n)",
    "rule and more": "ALTER TABLE {t} ALTER COLUMN n TYPE integer, ALTER COLUMN s SET DEFAULT 'here', ADD CHECK (n <> 14); CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule and a trigger": "CREATE TRIGGER b BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {x}.on_row(); CREATE RULE also AS ON INSERT TO {t} DO ALSO INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule of other events": "CREATE RULE also AS ON DELETE TO {t} DO ALSO INSERT INTO {x}.log (n) VALUES (OLD.n)",
    "rule for another table": "CREATE RULE also AS ON INSERT TO {t} DO INSTEAD INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule for another table that returns": "CREATE RULE also AS ON INSERT TO {t} DO INSTEAD INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s), (1, 'more') RETURNING id + 10, at, n, s, 1.5::float8, true, '{}'::jsonb, at",
    "rule for another table that returns no id": "CREATE RULE also AS ON INSERT TO {t} DO INSTEAD INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s) RETURNING NULL::bigint, at, n, s, 1.5::float8, true, '{}'::jsonb, at",
    "rule for another table at times": "CREATE RULE nothing AS ON INSERT TO {t} DO INSTEAD NOTHING; CREATE RULE also AS ON INSERT TO {t} WHERE NEW.n > 1 DO INSTEAD INSERT INTO {x}.log (n, s) VALUES (NEW.n, NEW.s)",
    "rule instead": "CREATE RULE nothing AS ON INSERT TO {t} WHERE NEW.n = 2 DO INSTEAD NOTHING",
    "storage": "ALTER TABLE {t} SET (fillfactor = 10), ALTER COLUMN s SET STORAGE EXTERNAL, SET UNLOGGED",
}


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
    log = rows(db, f"SELECT to_jsonb(l) - 'at' FROM {side['x']}.log AS l ORDER BY id"), rows(db, f"SELECT n FROM {side['x']}.known")
    assert value(db, f"SELECT count(*) FROM {side['t']} WHERE created_at IS NULL") == 0
    return table, seen, value(db, f"SELECT last_value FROM {side['x']}.numbers"), log
