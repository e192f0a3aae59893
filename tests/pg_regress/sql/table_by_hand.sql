-- A DBA works on a tool's table by hand, in a session that has its plans already: store and list go on as an INSERT and a
-- SELECT would.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('hand', 'token-of-hand', '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}]');
CREATE FUNCTION pg_temp.store(payload jsonb) RETURNS bigint LANGUAGE sql RETURN projectalpha.store_record('hand', 'token-of-hand', payload);
CREATE FUNCTION pg_temp.list() RETURNS SETOF jsonb LANGUAGE sql BEGIN ATOMIC;
    SELECT r::jsonb - 'created_at' FROM projectalpha.list_records('hand', row_limit => 100) AS r;
END;
SELECT pg_temp.store('{"n": 1, "s": "one"}');
SELECT * FROM pg_temp.list();

-- Rows put in, changed and taken out.
INSERT INTO projectalpha_data.tool_hand (n, s) VALUES (2, 'by hand');
INSERT INTO projectalpha_data.tool_hand (id, n, s) OVERRIDING SYSTEM VALUE VALUES (-5, -5, 'before all');
UPDATE projectalpha_data.tool_hand SET s = upper(s) WHERE n = 1;
SELECT pg_temp.store('{"n": 3}');
SELECT * FROM pg_temp.list();
DELETE FROM projectalpha_data.tool_hand WHERE id < 0;

-- A column with a default; an index; a default for a field, which a record that leaves the field out gets, and a null does not.
ALTER TABLE projectalpha_data.tool_hand ADD COLUMN reviewed boolean NOT NULL DEFAULT false;
CREATE INDEX ON projectalpha_data.tool_hand (lower(s));
ALTER TABLE projectalpha_data.tool_hand ALTER COLUMN s SET DEFAULT 'unused';
SELECT pg_temp.store('{"n": 4}'), pg_temp.store('{"n": 44, "s": null}');
SELECT n, s, reviewed FROM projectalpha_data.tool_hand WHERE n IN (4, 44);
SELECT * FROM pg_temp.list() OFFSET 3;
ALTER TABLE projectalpha_data.tool_hand ALTER COLUMN reviewed DROP DEFAULT;
SELECT pg_temp.store('{"n": 5, "s": "s3cret"}');
\echo :SQLSTATE
ALTER TABLE projectalpha_data.tool_hand ALTER COLUMN s DROP DEFAULT;
ALTER TABLE projectalpha_data.tool_hand DROP COLUMN reviewed;
SELECT pg_temp.store('{"n": 5, "s": "five"}');

-- Constraints: they hold, are named, and show no value of the payload.
ALTER TABLE projectalpha_data.tool_hand ADD CONSTRAINT small CHECK (n < 1000), ADD CONSTRAINT once UNIQUE (n);
SELECT pg_temp.store('{"n": 1000, "s": "s3cret"}');
\echo :SQLSTATE
SELECT pg_temp.store('{"n": 5, "s": "s3cret"}');
\echo :SQLSTATE
ALTER TABLE projectalpha_data.tool_hand ADD CONSTRAINT known FOREIGN KEY (n) REFERENCES projectalpha_data.tool_hand (n)
    , ADD CONSTRAINT apart EXCLUDE (lower(s) WITH =), ALTER COLUMN s TYPE varchar(12);
SELECT pg_temp.store('{"n": 6, "s": "FIVE"}');
\echo :SQLSTATE
SELECT pg_temp.store('{"n": 6, "s": "s3cret s3cret s3cret"}');
\echo :SQLSTATE
ALTER TABLE projectalpha_data.tool_hand DROP CONSTRAINT known, DROP CONSTRAINT apart, ALTER COLUMN s TYPE text;
-- An expression that cannot be evaluated for a value must not show it either: only true.
CREATE FUNCTION pg_temp.complaint(payload jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text; detail text; hint text; context text;
BEGIN
    RETURN 'stored ' || pg_temp.store(payload);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws('|', SQLSTATE, said, detail, hint, context);
END
$$;
ALTER TABLE projectalpha_data.tool_hand ADD CONSTRAINT numeric_text CHECK (s::numeric IS NOT NULL) NOT VALID;
SELECT pg_temp.complaint('{"n": 7, "s": "s3cret"}') !~ 's3cret' AS silent, left(pg_temp.complaint('{"n": 7, "s": "s3cret"}'), 5) AS sqlstate;
ALTER TABLE projectalpha_data.tool_hand DROP CONSTRAINT numeric_text;
CREATE INDEX as_date ON projectalpha_data.tool_hand ((s::jsonb)) WHERE n > 500;
SELECT pg_temp.complaint('{"n": 501, "s": "s3cret"}') !~ 's3cret' AS silent, left(pg_temp.complaint('{"n": 501, "s": "s3cret"}'), 5) AS sqlstate;
DROP INDEX projectalpha_data.as_date;

-- Triggers before and after each row, as the owner of the table, with a search_path that nobody else writes to.
CREATE TABLE regress_seen (who name, path text, n bigint);
GRANT INSERT ON regress_seen TO projectalpha_owner;
CREATE FUNCTION regress_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n = 13 THEN RETURN NULL; END IF;
    IF NEW.n = 14 THEN RAISE EXCEPTION 'not fourteen' USING ERRCODE = 'P0042', HINT = 'Try 15.'; END IF;
    NEW.s := upper(NEW.s);
    RETURN NEW;
END
$$;
CREATE FUNCTION regress_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.regress_seen VALUES (current_user, current_setting('search_path'), NEW.n);
    RETURN NULL;
END
$$;
CREATE TRIGGER b BEFORE INSERT ON projectalpha_data.tool_hand FOR EACH ROW EXECUTE FUNCTION regress_before();
CREATE TRIGGER a AFTER INSERT ON projectalpha_data.tool_hand FOR EACH ROW EXECUTE FUNCTION regress_after();
SET search_path = public;
SELECT pg_temp.store('{"n": 12, "s": "twelve"}') IS NOT NULL AS stored;
SELECT pg_temp.store('{"n": 13, "s": "taken away"}') IS NULL AS taken_away;
SELECT pg_temp.store('{"n": 14, "s": "refused"}');
\echo :SQLSTATE
SHOW search_path;
RESET search_path;
SELECT * FROM regress_seen;
SELECT n, s FROM projectalpha_data.tool_hand WHERE n > 11;
-- Of a statement; a rule; a generated column; row security, which the owner of the table is above.
DROP TRIGGER b ON projectalpha_data.tool_hand;
DROP TRIGGER a ON projectalpha_data.tool_hand;
CREATE TRIGGER a AFTER INSERT ON projectalpha_data.tool_hand REFERENCING NEW TABLE AS new FOR EACH STATEMENT EXECUTE FUNCTION regress_after();
SELECT pg_temp.store('{"n": 20}');
DROP TRIGGER a ON projectalpha_data.tool_hand;
ALTER TABLE projectalpha_data.tool_hand ADD COLUMN twice bigint GENERATED ALWAYS AS (n * 2) STORED;
ALTER TABLE projectalpha_data.tool_hand ENABLE ROW LEVEL SECURITY;
SELECT pg_temp.store('{"n": 21}') IS NOT NULL AS stored;
SELECT n, twice FROM projectalpha_data.tool_hand WHERE n = 21;
ALTER TABLE projectalpha_data.tool_hand DISABLE ROW LEVEL SECURITY, DROP COLUMN twice;
CREATE RULE also AS ON INSERT TO projectalpha_data.tool_hand DO ALSO INSERT INTO public.regress_seen VALUES (current_user, 'rule', NEW.n);
SELECT pg_temp.store('{"n": 22}') IS NOT NULL AS stored;
SELECT * FROM regress_seen WHERE path = 'rule';
DROP RULE also ON projectalpha_data.tool_hand;
CREATE RULE nothing AS ON INSERT TO projectalpha_data.tool_hand DO INSTEAD NOTHING;
SELECT pg_temp.store('{"n": 23}');
DROP RULE nothing ON projectalpha_data.tool_hand;

-- The type of a column: what the INSERT can assign is stored; what the field's type can show is listed.
ALTER TABLE projectalpha_data.tool_hand ALTER COLUMN n TYPE integer;
SELECT pg_temp.store('{"n": 30}') IS NOT NULL AS stored;
SELECT pg_temp.store('{"n": 3000000000}');
\echo :SQLSTATE
SELECT * FROM pg_temp.list() AS r WHERE r @> '{"n": 30}';
ALTER TABLE projectalpha_data.tool_hand ALTER COLUMN n TYPE bigint;

-- A column dropped, and put back; a column renamed.
ALTER TABLE projectalpha_data.tool_hand DROP COLUMN s;
SELECT pg_temp.store('{"n": 40, "s": "s3cret"}');
\echo :SQLSTATE
SELECT * FROM pg_temp.list();
\echo :SQLSTATE
ALTER TABLE projectalpha_data.tool_hand ADD COLUMN s text;
SELECT pg_temp.store('{"n": 41, "s": "back"}') IS NOT NULL AS stored;
SELECT * FROM pg_temp.list() AS r WHERE r @> '{"n": 41}';

-- Its sequence, its storage, its name, its schema: still the same tool, or clearly none.
ALTER SEQUENCE projectalpha_data.id_of_tool_hand RESTART WITH 1000;
SELECT pg_temp.store('{"n": 50}');
TRUNCATE projectalpha_data.tool_hand;
SELECT * FROM pg_temp.list();
CLUSTER projectalpha_data.tool_hand USING pk_of_tool_hand;
VACUUM FULL projectalpha_data.tool_hand;
ALTER TABLE projectalpha_data.tool_hand SET UNLOGGED;
REINDEX TABLE projectalpha_data.tool_hand;
SELECT pg_temp.store('{"n": 51}');
ALTER TABLE projectalpha_data.tool_hand RENAME TO tool_elsewhere;
SELECT pg_temp.store('{"n": 52}');
\echo :SQLSTATE
ALTER TABLE projectalpha_data.tool_elsewhere RENAME TO tool_hand;
SELECT pg_temp.store('{"n": 52}');
SELECT * FROM pg_temp.list();

-- Another table in its place; none in its place.
DROP TABLE projectalpha_data.tool_hand;
SELECT pg_temp.store('{"n": 60}');
\echo :SQLSTATE
SELECT * FROM pg_temp.list();
SET ROLE projectalpha_owner;
CREATE TABLE projectalpha_data.tool_hand (s text, extra int, n numeric, created_at timestamptz DEFAULT now(), id bigserial);
RESET ROLE;
SELECT pg_temp.store('{"n": 61, "s": "other"}');
SELECT * FROM pg_temp.list();

SELECT projectalpha.delete_tool('hand');
DROP TABLE regress_seen;
DROP FUNCTION regress_before, regress_after;
