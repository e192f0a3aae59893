-- alter_tool: fields and options change, the records stay.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_alterer IN ROLE projectalpha_anon;
SELECT projectalpha.set_admin_token('admin-of-alter') = 'admin-of-alter' AS set;
CREATE FUNCTION pg_temp.store(payload jsonb, tool text DEFAULT 'a') RETURNS bigint LANGUAGE sql
RETURN projectalpha.store_record(tool, 'token-of-alter', payload);
CREATE FUNCTION pg_temp.records(tool text DEFAULT 'a') RETURNS TABLE (record jsonb) LANGUAGE sql AS
$$ SELECT r::jsonb - 'created_at' - 'updated_at' FROM projectalpha.list_records(tool, 100) AS r $$;
CREATE FUNCTION pg_temp.fields(tool text DEFAULT 'a') RETURNS TABLE (field jsonb) LANGUAGE sql AS
$$ SELECT jsonb_array_elements(schema_definition) FROM projectalpha.registered_tools WHERE tool_name = tool $$;
-- The change, or why not; in either case the schema and the columns agree.
CREATE FUNCTION pg_temp.alter(changes jsonb, tool text DEFAULT 'a') RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    RETURN 'version ' || projectalpha.alter_tool(tool, changes);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || detail;
END $$;

SELECT table_name FROM projectalpha.register_tool('a', 'token-of-alter', '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}]');
SELECT pg_temp.store('{"n": 1, "s": "one"}'), pg_temp.store('{"n": 2}'), pg_temp.store('{"n": 2, "s": "two"}');

-- Add: existing records have the default, or NULL; new ones have it from the service, the column has none.
SELECT projectalpha.alter_tool('a', '{"add": {"name": "plain", "type": "str"}}');
SELECT projectalpha.alter_tool('a', changes => '[
    {"add": {"name": "i", "type": "int", "default": 7, "min": 0, "required": true}},
    {"add": {"name": "f", "type": "float", "default": -1.5e-3}},
    {"add": {"name": "t", "type": "str", "default": "it''s \\ \"quoted\""}},
    {"add": {"name": "b", "type": "boolean", "default": true}},
    {"add": {"name": "j", "type": "json", "default": {"a": ["\\", "''", null]}, "index": true}},
    {"add": {"name": "at", "type": "timestamp", "default": "1999-12-31T23:59:59.999999+05:30", "index": true}}]', admin_token => NULL);
SELECT * FROM pg_temp.records();
SELECT pg_temp.store('{"n": 4}');
SELECT pg_temp.store('{"n": 4, "i": -1}');
SELECT record FROM pg_temp.records() OFFSET 3;
\d projectalpha_data.tool_a
-- Payloads of before go on working: what they do not name is NULL or the default.
SELECT projectalpha.store_records('a', 'token-of-alter', '[{"n": 5, "s": "five"}]');
-- standard_conforming_strings, TimeZone, DateStyle and search_path of the caller do not matter.
SET standard_conforming_strings = off; SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'SQL, DMY'; SET extra_float_digits = -15; SET search_path = '';
SELECT projectalpha.alter_tool('a', pg_catalog.jsonb_build_array(
    pg_catalog.jsonb_build_object('add', pg_catalog.jsonb_build_object('name', 'q', 'type', 'str', 'default', E'\\''; DROP TABLE projectalpha.tools; --')),
    pg_catalog.jsonb_build_object('add', pg_catalog.jsonb_build_object('name', 'q_at', 'type', 'timestamp', 'default', '2026-02-05T10:30:00'))));
RESET standard_conforming_strings; RESET TimeZone; RESET DateStyle; RESET extra_float_digits; RESET search_path;
SELECT DISTINCT record->'q' AS q, record->'q_at' AS q_at FROM pg_temp.records();

-- Rename, drop; several at once, also a swap and a name used again.
SELECT pg_temp.alter('[{"drop": "q"}, {"drop": "q_at"}, {"drop": "plain"}, {"drop": "t"}, {"drop": "f"}, {"drop": "b"}]');
SELECT pg_temp.alter('[{"rename": {"field": "n", "to": "tmp"}}, {"rename": {"field": "i", "to": "n"}}, {"rename": {"field": "tmp", "to": "i"}}]');
SELECT pg_temp.alter('[{"drop": "s"}, {"add": {"name": "s", "type": "int"}}, {"rename": {"field": "at", "to": "moment"}}]');
SELECT * FROM pg_temp.fields();
SELECT * FROM pg_temp.records();
SELECT pg_temp.store('{"i": 6, "n": 0, "s": 6, "moment": null}');
-- The index has gone along with its field; the name of the old field has room for another one.
SELECT pg_temp.alter('{"add": {"name": "at", "type": "int", "index": true}}');
SELECT indexdef FROM pg_indexes WHERE tablename = 'tool_a' AND indexname LIKE 'ix%' ORDER BY regexp_replace(indexdef, '.* USING', '');

-- Widen. Every value is what it was.
SELECT pg_temp.alter('{"widen": {"field": "n", "type": "float"}}');
SELECT pg_temp.store('{"i": 7, "n": 0.5}');
SELECT record->'n' AS n FROM pg_temp.records();
SELECT pg_temp.alter('[{"widen": {"field": "i", "type": "json"}}, {"set": {"field": "moment", "index": null}}, {"widen": {"field": "moment", "type": "json"}}]');
SELECT pg_temp.store('{"i": {"any": "thing"}, "n": 8}');
SELECT record->'i' AS i, record->'moment' AS moment FROM pg_temp.records();
-- An index of another kind, for json.
SELECT pg_temp.alter('{"widen": {"field": "at", "type": "json"}}');
SELECT indexdef FROM pg_indexes WHERE tablename = 'tool_a' AND indexname LIKE 'ix%' ORDER BY regexp_replace(indexdef, '.* USING', '');
SELECT pg_temp.alter(c) FROM unnest(ARRAY[
    '{"widen": {"field": "n", "type": "int"}}', '{"widen": {"field": "n", "type": "float"}}', '{"widen": {"field": "i", "type": "str"}}'
  , '{"widen": {"field": "n", "type": "json"}}', '{"widen": {"field": "n", "type": "wide"}}', '{"widen": {"field": "x", "type": "json"}}']::jsonb[]) AS c;
SELECT table_name FROM projectalpha.register_tool('w', 'token-of-alter', '[{"name": "n", "type": "int", "min": -5, "unique": true, "default": 1}, {"name": "f", "type": "float"}, {"name": "b", "type": "bool"}, {"name": "s", "type": "str"}]');
SELECT pg_temp.store('{"n": 9007199254740992, "f": 0.1, "b": true, "s": "a\"b"}', 'w'), pg_temp.store('{"n": 9007199254740993, "f": 1e300}', 'w');
SELECT pg_temp.alter('{"widen": {"field": "n", "type": "float"}}', 'w');
DELETE FROM projectalpha_data.tool_w WHERE id = 2;
SELECT pg_temp.alter('[{"widen": {"field": "n", "type": "float"}}, {"widen": {"field": "f", "type": "json"}}, {"widen": {"field": "b", "type": "json"}}, {"widen": {"field": "s", "type": "json"}}]', 'w');
SELECT * FROM pg_temp.records('w');
SELECT * FROM pg_temp.fields('w');
SELECT pg_temp.store('{"n": -5.5}', 'w');
SELECT pg_temp.store('{"n": 9007199254740992}', 'w');
SELECT projectalpha.delete_tool('w');

-- New rules: refused with the number of records and the first ids if these break them.
SELECT table_name FROM projectalpha.register_tool('r', 'token-of-alter', '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}, {"name": "j", "type": "json"}, {"name": "at", "type": "timestamp"}, {"name": "f", "type": "float"}, {"name": "b", "type": "bool"}]');
SELECT projectalpha.store_records('r', 'token-of-alter', (SELECT jsonb_agg(jsonb_build_object('n', nullif(g % 20, 7), 's', repeat('x', g), 'j', jsonb_build_object('k', g), 'at', '2026-01-01T00:00:00Z'::timestamptz + g * interval '1 day', 'f', g / 2.0, 'b', g > 3)) FROM generate_series(1, 25) AS g));
SELECT pg_temp.alter(jsonb_build_object('set', c), 'r') FROM unnest(ARRAY[
    '{"field": "n", "required": true}', '{"field": "n", "unique": true}', '{"field": "n", "min": 4}', '{"field": "n", "max": 18}', '{"field": "n", "max": 18, "required": true}'
  , '{"field": "n", "enum": [1, 2, 3]}', '{"field": "s", "max_length": 24}', '{"field": "s", "pattern": "^x{2,}$"}'
  , '{"field": "j", "json_schema": {"properties": {"k": {"maximum": 23}}}}', '{"field": "at", "min": "2026-01-03T00:00:00"}', '{"field": "f", "max": 12}'
  , '{"field": "b", "enum": [true]}']::jsonb[]) AS c;
-- Nothing has changed.
SELECT * FROM pg_temp.fields('r');
SELECT count(*) FROM projectalpha.schema_history WHERE tool_name = 'r';
-- Bad rules.
SELECT pg_temp.alter(jsonb_build_object('set', c), 'r') FROM unnest(ARRAY[
    '{"field": "n", "max_length": 4}', '{"field": "n", "min": "4"}', '{"field": "n", "min": 4, "max": 3}', '{"field": "n", "type": "json"}', '{"field": "n", "name": "m"}'
  , '{"field": "n", "wrong": 1}', '{"field": "x", "min": 1}', '{"field": "j", "unique": true}', '{"min": 1}', '5', 'null', '{"field": "s", "pattern": "("}'
  , '{"field": "n", "min": 0, "default": -1}']::jsonb[]) AS c;
-- Rules that they follow; from then on new records must.
DELETE FROM projectalpha_data.tool_r WHERE n IS NULL OR id > 20;
SELECT pg_temp.alter('[{"set": {"field": "n", "required": true, "unique": true, "min": 0, "max": 100}}, {"set": {"field": "s", "max_length": 20, "pattern": "^x*$", "index": true, "default": "x"}}
                     , {"set": {"field": "j", "json_schema": {"properties": {"k": {"type": "integer"}}}}}]', 'r');
SELECT * FROM pg_temp.fields('r');
SELECT pg_temp.store('{}', 'r');
SELECT pg_temp.store('{"n": 101}', 'r');
SELECT pg_temp.store('{"n": 20, "s": "y"}', 'r');
SELECT pg_temp.store('{"n": 20, "j": {"k": "no"}}', 'r');
SELECT pg_temp.store('{"n": 20}', 'r') IS NOT NULL AS stored;
\set VERBOSITY sqlstate
SELECT pg_temp.store('{"n": 20}', 'r');
\set VERBOSITY default
\d projectalpha_data.tool_r
-- And taken away again.
SELECT pg_temp.alter('[{"set": {"field": "n", "required": null, "unique": false, "min": null}}, {"set": {"field": "s", "index": null, "pattern": null}}]', 'r');
SELECT * FROM pg_temp.fields('r') LIMIT 2;
SELECT count(pg_temp.store(p, 'r')) FROM unnest(ARRAY['{"n": 20, "s": "y"}', '{}', '{"n": -1}']::jsonb[]) AS p;
\d projectalpha_data.tool_r
-- A required, a unique, a changed field that is new.
SELECT pg_temp.alter(c, 'r') FROM unnest(ARRAY[
    '{"add": {"name": "x", "type": "int", "required": true}}', '{"add": {"name": "x", "type": "int", "unique": true, "default": 1}}'
  , '[{"add": {"name": "x", "type": "int", "default": 1}}, {"set": {"field": "x", "min": 2, "default": 2}}]'
  , '[{"add": {"name": "x", "type": "int"}}, {"set": {"field": "x", "required": true}}]'
  , '[{"add": {"name": "x", "type": "int", "unique": true}}, {"add": {"name": "y", "type": "int", "default": 1}}, {"set": {"field": "y", "max": 1, "required": true}}, {"widen": {"field": "y", "type": "float"}}]']::jsonb[]) AS c;
SELECT DISTINCT record->'x' AS x, record->'y' AS y FROM pg_temp.records('r');
DELETE FROM projectalpha_data.tool_r;
SELECT pg_temp.alter('{"add": {"name": "z", "type": "int", "required": true}}', 'r');
SELECT pg_temp.store('{"y": 1, "z": 3}', 'r') IS NOT NULL AS stored;
SELECT pg_temp.store('{"y": 1}', 'r');

-- Options.
SELECT pg_temp.alter('{"options": {"strict": true, "sensitive": true, "description": "It''s new", "max_records": 1000, "notify": true}}', 'r');
SELECT sensitive, description, options FROM projectalpha.registered_tools WHERE tool_name = 'r';
SELECT pg_temp.store('{"y": 1, "z": 3, "unknown": 1}', 'r');
SELECT pg_temp.records('r');
SELECT pg_temp.alter('{"options": {"strict": false, "sensitive": false, "max_records": null}}', 'r');
SELECT sensitive, description, options FROM projectalpha.registered_tools WHERE tool_name = 'r';
SELECT pg_temp.alter('{"options": {"versioned": true, "description": null}}', 'r');
SELECT record->'version' AS version FROM pg_temp.records('r');
SELECT pg_temp.alter(c, 'r') FROM unnest(ARRAY['{"add": {"name": "version", "type": "int"}}', '{"rename": {"field": "x", "to": "updated_at"}}'
  , '[{"add": {"name": "version", "type": "int"}}, {"drop": "version"}]'
  , '[{"options": {"versioned": false}}, {"add": {"name": "version", "type": "int", "default": 5}}]', '{"options": {"versioned": true}}'
  , '[{"options": {"versioned": true}}, {"drop": "version"}]']::jsonb[]) AS c;
SELECT record->'version' AS version FROM pg_temp.records('r');
SELECT pg_temp.alter(jsonb_build_object('options', c), 'r') FROM unnest(ARRAY['{"strict": 1}', '{"strict": null}', '{"max_records": 0}', '{"max_bytes": 1.5}', '{"max_bytes": "9"}', '{"description": 5}', '{"other": true}', '[]', 'null']::jsonb[]) AS c;
SELECT description, options FROM projectalpha.registered_tools WHERE tool_name = 'r';

-- A tool of whole payloads has options alone.
SELECT table_name FROM projectalpha.register_tool('whole', 'token-of-alter');
SELECT pg_temp.alter(c, 'whole') FROM unnest(ARRAY['{"add": {"name": "a", "type": "int"}}', '{"drop": "data"}', '{"rename": {"field": "data", "to": "b"}}', '{"options": {"versioned": true}}']::jsonb[]) AS c;
SELECT pg_temp.store('{"any": 1}', 'whole');
SELECT schema_definition, options FROM projectalpha.registered_tools WHERE tool_name = 'whole';

-- Bad input, and people without a right: nothing changes.
SELECT pg_temp.alter(c) FROM unnest(ARRAY[NULL, 'null', '5', '"drop"', '[]', '{}', '[[]]', '[{}]', '{"truncate": "a"}', '{"drop": "i", "add": {"name": "c", "type": "int"}}', '{"drop": "x"}', '{"drop": 5}', '{"drop": "id"}', '{"drop": "created_at"}'
  , '{"add": {"name": "i", "type": "int"}}', '{"add": {"name": "id", "type": "int"}}', '{"add": {"name": "B", "type": "int"}}', '{"add": {"name": "c"}}', '{"add": {"name": "c", "type": "money"}}', '{"add": []}', '{"add": {"name": "c\"; DROP TABLE x; --", "type": "int"}}'
  , '{"rename": {"field": "i", "to": "n"}}', '{"rename": {"field": "i", "to": "i"}}', '{"rename": {"field": "i", "to": "ctid"}}', '{"rename": {"field": "i"}}', '{"rename": {"field": "i", "to": "k", "more": 1}}', '{"rename": "i"}'
  , '[{"add": {"name": "c", "type": "int"}}, {"drop": "nothing"}]']::jsonb[]) AS c;
SELECT pg_temp.alter(jsonb_agg(jsonb_build_object('add', jsonb_build_object('name', 'f' || g, 'type', 'int')))) FROM generate_series(1, 500) AS g;
SELECT pg_temp.alter(jsonb_agg(jsonb_build_object('drop', 'i'))) FROM generate_series(1, 1001) AS g;
SELECT pg_temp.alter('{"drop": "i"}', 'nobody');
SELECT pg_temp.alter('{"drop": "i"}', 'a"; --');
SELECT pg_temp.alter('{"drop": "i"}', NULL);
SELECT * FROM pg_temp.fields();
SET ROLE regress_alterer;
SELECT projectalpha.alter_tool('a', '{"drop": "i"}');
SELECT projectalpha.alter_tool('a', '{"drop": "i"}', 'token-of-alter');
SELECT projectalpha.alter_tool('a', '{"drop": "s"}', 'admin-of-alter') > 1 AS altered;
RESET ROLE;
-- A view on a column, and a column that is gone: the error of PostgreSQL, and nothing changed.
CREATE VIEW view_of_i AS SELECT i FROM projectalpha_data.tool_a;
SELECT pg_temp.alter('[{"add": {"name": "gone", "type": "int"}}, {"drop": "i"}]');
SELECT pg_temp.alter('{"rename": {"field": "i", "to": "in_view"}}');
SELECT count(*) FROM view_of_i;
DROP VIEW view_of_i;
ALTER TABLE projectalpha_data.tool_a DROP COLUMN in_view;
SELECT pg_temp.alter('{"rename": {"field": "in_view", "to": "i"}}');
DROP TABLE projectalpha_data.tool_a;
SELECT pg_temp.alter('{"rename": {"field": "in_view", "to": "i"}}');

-- The history: every change, by whom, and what the schema was then.
SELECT version, changed_by = 'regress_alterer' AS by_alterer, changed_through, change, jsonb_path_query_array(schema_definition, '$[*].name') AS fields
  FROM projectalpha.schema_history WHERE tool_name = 'a' ORDER BY version;
-- A tool from before there was a history gets its first version now.
DELETE FROM projectalpha.schema_history WHERE tool_name = 'whole';
SELECT projectalpha.alter_tool('whole', '{"options": {"notify": true}}');
SELECT version, changed_by = current_user AS by_me, changed_at = (SELECT created_at FROM projectalpha.tools WHERE tool_name = 'whole') AS at_registration, change FROM projectalpha.schema_history WHERE tool_name = 'whole' ORDER BY version;
-- Rolled back, it is as before, in the cache too.
BEGIN;
SELECT projectalpha.alter_tool('whole', '{"options": {"versioned": false}}');
SELECT pg_temp.records('whole');
ROLLBACK;
SELECT pg_temp.records('whole');
SELECT max(version) FROM projectalpha.schema_history WHERE tool_name = 'whole';

-- No hostile function in front of the search_path is called.
CREATE SCHEMA regress_hostile;
CREATE FUNCTION regress_hostile.equal(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''hostile''; END';
CREATE OPERATOR regress_hostile.> (leftarg = bigint, rightarg = bigint, function = regress_hostile.equal);
CREATE OPERATOR regress_hostile.= (leftarg = bigint, rightarg = bigint, function = regress_hostile.equal);
CREATE FUNCTION regress_hostile.to_jsonb(bigint) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''hostile''; END';
SET search_path = regress_hostile, pg_catalog;
SELECT projectalpha.alter_tool('r', '[{"set": {"field": "x", "required": false, "max": 5}}, {"widen": {"field": "n", "type": "float"}}]') > 1 AS altered;
RESET search_path;
DROP SCHEMA regress_hostile CASCADE;

SELECT count(projectalpha.delete_tool(tool_name)) FROM projectalpha.registered_tools;
SELECT count(*) FROM projectalpha.schema_history;
DELETE FROM projectalpha.credentials;
DROP ROLE regress_alterer;
