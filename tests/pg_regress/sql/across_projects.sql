-- One question to many projects: which rows come, filtered as list_records filters, and what is refused.
\set VERBOSITY default
SET client_min_messages = warning;
SELECT projectalpha.create_project('first') AS first, projectalpha.create_project('second') AS second, projectalpha.create_project('third') AS third \gset
SELECT format('project_%s', :first) AS first_schema, format('project_%s', :second) AS second_schema, format('project_%s', :third) AS third_schema \gset
CREATE FUNCTION pg_temp.refused(table_name text, filter jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text;
BEGIN
    PERFORM projectalpha.across_projects(table_name, where_filter => filter);
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    -- Ids of projects depend on what ran before.
    RETURN concat_ws(E'\n', state, regexp_replace(message, '(roject[_ ])\d+', '\1N'), detail, hint);
END
$$;
CREATE FUNCTION pg_temp.name_of(project jsonb) RETURNS text LANGUAGE sql
RETURN (SELECT p.name FROM projectalpha.projects AS p WHERE p.id = project::bigint);
INSERT INTO :second_schema.contents (title, body, object_model_id, metadata, created_at) VALUES
    ('b', 'second', 1, '{"a": [1, 2]}', '2026-01-01 00:00:00.000001+00'), (NULL, 'none', 2, NULL, '2026-02-01 12:00+02');
INSERT INTO :first_schema.contents (title, body, object_model_id, metadata, created_at) VALUES
    ('a', 'O''Brien "; drop table x; --\', 1, '{"a": 1}', 'infinity');
UPDATE :first_schema.contents SET updated_at = '2026-03-01 00:00+00';
UPDATE :second_schema.contents SET updated_at = '2026-03-01 00:00+00';

-- In the order of the projects, whatever their status; times in UTC, whatever the session's zone.
SELECT projectalpha.set_project_status(:second, 'archived');
SET TimeZone = 'Asia/Kathmandu';
SELECT pg_temp.name_of(r->'project_id') AS project, r - 'project_id' AS row FROM projectalpha.across_projects('contents') AS r;
RESET TimeZone;
SELECT pg_temp.name_of(r->'project_id') AS project, r->'id' AS id FROM projectalpha.across_projects('contents', ARRAY[:third, :second, :second]) AS r;
SELECT count(*) FROM projectalpha.across_projects('contents', '{}');
SELECT count(*) FROM projectalpha.across_projects('vocabulary');
SELECT count(*) FROM projectalpha.across_projects('contents', NULL, NULL);

-- Filters.
CREATE FUNCTION pg_temp.found(filter jsonb) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(pg_temp.name_of(r->'project_id') || ' ' || (r->>'id'), ', ' ORDER BY n)
          FROM projectalpha.across_projects('contents', where_filter => filter) WITH ORDINALITY AS x (r, n));
SELECT filter, pg_temp.found(filter::jsonb) FROM (VALUES
    ('{}'), ('{"title": "a"}'), ('{"title": null}'), ('{"title": {"is_null": false}}'), ('{"title": {"like": "%"}}'), ('{"title": {"in": ["a", "b"]}}'),
    ('{"body": "O''Brien \"; drop table x; --\\"}'), ('{"object_model_id": 1}'), ('{"object_model_id": {"gt": 1}, "id": {"lte": 2}}'),
    ('{"metadata": {"contains": {"a": [2]}}}'), ('{"metadata": {"eq": {"a": 1}}}'), ('{"created_at": {"lt": "2026-01-15"}}'), ('{"created_at": "2026-02-01T10:00:00Z"}'))
    AS v (filter);

-- Tables of any making: other types, odd names, columns that mean something elsewhere.
CREATE TABLE :first_schema."Odd ""table"
( r int4, t varchar(10), "a""b" int2, project_id text, u uuid, f8 float8, f4 float4, n numeric, b boolean, j json, ts timestamp, d date, arr int4[], gone int, f int GENERATED ALWAYS AS (r * 2) STORED );
ALTER TABLE :first_schema."Odd ""table" DROP COLUMN gone;
ALTER TABLE :first_schema."Odd ""table" OWNER TO projectalpha_owner;
INSERT INTO :first_schema."Odd ""table" (r, t, "a""b", project_id, u, f8, f4, n, b, j, ts, d, arr) VALUES
    (1, 'x', 7, 'not me', '00000000-0000-0000-0000-000000000001', 0.1, 0.1, 12345678901234567890.123456789, true, '{"k": 1}', '2026-01-01', '2026-01-01', '{1,2}'),
    (2, 'y', 8, NULL, NULL, 'NaN', NULL, 'NaN', false, NULL, NULL, 'infinity', NULL);
SELECT r - 'project_id' AS row, pg_temp.name_of(r->'project_id') AS project FROM projectalpha.across_projects('Odd "table') AS r;
SELECT filter, (SELECT string_agg(r->>'r', ' ') FROM projectalpha.across_projects('Odd "table', where_filter => filter::jsonb) AS r) AS found FROM (VALUES
    ('{"r": 1}'), ('{"t": {"gte": "y"}}'), ('{"a\"b": {"in": [7, 9]}}'), ('{"project_id": "not me"}'), ('{"f8": 0.1}'), ('{"b": {"ne": true}}'), ('{"j": {"contains": {"k": 1}}}'),
    ('{"r": 9223372036854775807}'), ('{"f": 4}')) AS v (filter);
SELECT filter, pg_temp.refused('Odd "table', filter::jsonb) FROM (VALUES
    ('{"n": 1}'), ('{"u": {"is_null": true}}'), ('{"ts": "2026-01-01"}'), ('{"arr": 1}'), ('{"gone": 1}'), ('{"ctid": "(0,1)"}')) AS v (filter);

-- What is refused.
\set VERBOSITY default
SELECT filter, pg_temp.refused('contents', filter::jsonb) FROM (VALUES
    ('{"nope": 1}'), ('{"id": {"like": "1"}}'), ('{"id": "one"}'), ('[]'), ('{"id": {"about": 1}}')) AS v (filter);
SELECT projectalpha.across_projects('nothing_like_it');
SELECT projectalpha.across_projects('Contents');
SELECT projectalpha.across_projects('project_7.contents');
SELECT projectalpha.across_projects(repeat('x', 100));
SELECT projectalpha.across_projects(NULL);
SELECT projectalpha.across_projects('contents', ARRAY[:first, NULL]);
SELECT projectalpha.across_projects('contents', ARRAY[0]);
\set VERBOSITY terse
SELECT projectalpha.across_projects('contents', ARRAY[[:first], [9223372036854775807]]);
-- Only tables, and only ours; whose rows nothing hides.
CREATE VIEW :third_schema.spy AS SELECT pg_catalog.current_setting('role') AS as_whom;
CREATE TABLE :second_schema.strange (id int);
CREATE ROLE regress_stranger;
ALTER TABLE :second_schema.strange OWNER TO regress_stranger;
CREATE TABLE :second_schema.hidden (id int);
ALTER TABLE :second_schema.hidden OWNER TO projectalpha_owner;
ALTER TABLE :second_schema.hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TYPE :second_schema.kind AS (a int);
SELECT t, pg_temp.refused(t) FROM (VALUES ('spy'), ('strange'), ('hidden'), ('kind'), ('contents_pkey'), ('contents_id_seq')) AS v (t);
-- Partitions are read through their table; what inherits counts as SQL counts it.
CREATE TABLE :second_schema.parted (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE :second_schema.parted_1 PARTITION OF :second_schema.parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE :second_schema.parted OWNER TO projectalpha_owner;
ALTER TABLE :second_schema.parted_1 OWNER TO projectalpha_owner;
INSERT INTO :second_schema.parted VALUES (1, '2026-05-05');
SELECT r->'at' AS at FROM projectalpha.across_projects('parted') AS r;

-- Reads only: no transaction id, in a READ ONLY transaction, under a hostile path; with the snapshot of the query.
BEGIN READ ONLY;
SELECT count(*) FROM projectalpha.across_projects('contents');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;
CREATE SCHEMA regress_evil;
CREATE FUNCTION regress_evil.equals(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil'; END $$;
CREATE OPERATOR regress_evil.= (FUNCTION = regress_evil.equals, LEFTARG = bigint, RIGHTARG = bigint);
CREATE FUNCTION regress_evil.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"evil"'::jsonb $$;
SET search_path = regress_evil, pg_catalog;
SELECT count(*) FROM projectalpha.across_projects('contents', where_filter => '{"id": 1}');
RESET search_path;
DROP SCHEMA regress_evil CASCADE;

-- A project whose schema is gone has no table; in a select list, and stopped early.
DROP SCHEMA :third_schema CASCADE;
SELECT count(*) FROM projectalpha.across_projects('contents');
SELECT (projectalpha.across_projects('contents'))->'id' AS id LIMIT 1;
SELECT projectalpha.drop_project(:first, 'first'), projectalpha.drop_project(:second, 'second'), projectalpha.drop_project(:third, 'third');
SELECT projectalpha.across_projects('contents');
DROP ROLE regress_stranger;
