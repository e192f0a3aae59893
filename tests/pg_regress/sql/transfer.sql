-- export_tool and import_tool: there and back, and every way in which an import can be refused.
\set VERBOSITY default
SET timezone = 'Asia/Kolkata';
SELECT table_name FROM projectalpha.register_tool('moved', 'token-of-moved',
    '[{"name": "i", "type": "integer"}, {"name": "s", "type": "str"}, {"name": "b", "type": "bool"}, {"name": "f", "type": "float"}, {"name": "j", "type": "json"}, {"name": "t", "type": "timestamp"}]',
    description => E'A "tool"\nof two lines');
SELECT projectalpha.store_record('moved', 'token-of-moved', p::jsonb) FROM (VALUES
    ('{"i": 9223372036854775807, "s": "a \"b\" \\ \n\t\u0001 é 🙂", "b": true, "f": 0.1, "j": {"x": [1.10, null, "\\n"]}, "t": "2026-02-05T10:30:00.123456"}'),
    ('{}'), ('{"f": 1e300, "j": null, "s": ""}'), ('{"f": -5, "j": "text", "s": "\\."}')) AS v (p);
DELETE FROM projectalpha_data.tool_moved WHERE id = 2;
UPDATE projectalpha_data.tool_moved SET created_at = '2026-02-05 10:30:00.5+00';
SELECT projectalpha.export_tool('moved') AS line;
SELECT line FROM projectalpha.export_tool('moved') AS line OFFSET 3;
COPY (SELECT projectalpha.export_tool('moved')) TO STDOUT WITH (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01');
-- A tool without a schema, and one that is empty and sensitive.
SELECT table_name FROM projectalpha.register_tool('moved_whole', 'token-of-whole');
SELECT projectalpha.store_record('moved_whole', 'token-of-whole', '{"id": "mine", "data": {"a": [1, {}]}}');
SELECT regexp_replace(projectalpha.export_tool('moved_whole'), '20\d\d-[^"]+', 'TIME') AS line;
SELECT table_name FROM projectalpha.register_tool('moved_empty', 'token-of-empty', '[]', sensitive => true);
SELECT projectalpha.export_tool('moved_empty') AS line;

-- And back, under another name. Ids, times and values are kept; new ids go on.
CREATE TEMP TABLE lines (line text);
INSERT INTO lines SELECT projectalpha.export_tool('moved');
SELECT tool_name, table_name, token, records FROM projectalpha.import_tool('lines', tool_name => 'moved_2', token => 'token-of-moved-2');
SELECT a.line = b.line AS same FROM (SELECT row_number() OVER () AS n, line FROM projectalpha.export_tool('moved') AS line) AS a
  FULL JOIN (SELECT row_number() OVER () AS n, replace(line, 'moved_2', 'moved') AS line FROM projectalpha.export_tool('moved_2') AS line) AS b USING (n);
SELECT projectalpha.store_record('moved_2', 'token-of-moved-2', '{}') AS next_id;
SELECT projectalpha.store_record('moved_2', 'token-of-moved', '{}');
SELECT a.schema_definition = b.schema_definition AS schema, a.description = b.description AS description
  FROM projectalpha.registered_tools AS a, projectalpha.registered_tools AS b WHERE a.tool_name = 'moved' AND b.tool_name = 'moved_2';
TRUNCATE lines;
INSERT INTO lines SELECT projectalpha.export_tool('moved_whole');
SELECT token ~ '^pas_tool_' AS made, records FROM projectalpha.import_tool('lines', 'moved_whole_2');
SELECT data FROM projectalpha_data.tool_moved_whole_2;
TRUNCATE lines;
INSERT INTO lines SELECT projectalpha.export_tool('moved_empty');
SELECT records FROM projectalpha.import_tool('lines', 'moved_empty_2');
SELECT sensitive FROM projectalpha.registered_tools WHERE tool_name = 'moved_empty_2';
SELECT projectalpha.store_record('moved_empty_2', 'token-of-empty', '{}');

-- A tool with every option and rule. Versions are kept; a null stays one beside a default; nothing is announced, and
-- more records than the limit come along, but none after them.
SELECT table_name FROM projectalpha.register_tool('moved_ruled', 'token-of-ruled',
    '[{"name": "email", "type": "str", "required": true, "unique": true, "pattern": "@", "max_length": 20}, {"name": "n", "type": "int", "default": 7, "min": 0, "max": 9, "index": true}, {"name": "kind", "type": "str", "enum": ["a", "b"]}, {"name": "j", "type": "json", "json_schema": {"type": "object"}}]',
    strict => true, versioned => true, notify => true, max_records => 2, max_bytes => 1000000000);
SELECT projectalpha.store_record('moved_ruled', 'token-of-ruled', '{"email": "a@x", "n": null, "kind": "a", "j": {}}');
SELECT projectalpha.store_record('moved_ruled', 'token-of-ruled', '{"email": "b@x"}');
SELECT projectalpha.update_record('moved_ruled', 'token-of-ruled', 2, '{"kind": "b"}') ->> 'version' AS version;
UPDATE projectalpha_data.tool_moved_ruled SET created_at = '2026-02-05 10:30:00+00', updated_at = '2026-02-06 10:30:00.5+00';
INSERT INTO projectalpha_data.tool_moved_ruled (email, created_at, updated_at) VALUES ('c@x', '2026-02-06', '2026-02-06');
SELECT projectalpha.export_tool('moved_ruled') AS line;
TRUNCATE lines;
INSERT INTO lines SELECT projectalpha.export_tool('moved_ruled');
LISTEN projectalpha_moved_ruled_2;
SELECT records FROM projectalpha.import_tool('lines', 'moved_ruled_2', 'token-of-ruled-2');
UNLISTEN *;
SELECT a.line = b.line AS same FROM (SELECT row_number() OVER () AS n, line FROM projectalpha.export_tool('moved_ruled') AS line) AS a
  FULL JOIN (SELECT row_number() OVER () AS n, replace(line, 'moved_ruled_2', 'moved_ruled') AS line FROM projectalpha.export_tool('moved_ruled_2') AS line) AS b USING (n);
SELECT projectalpha.store_record('moved_ruled_2', 'token-of-ruled-2', '{"email": "d@x"}');
SELECT projectalpha.delete_record('moved_ruled_2', 'token-of-ruled-2', id) FROM generate_series(2, 3) AS id;
SELECT projectalpha.store_record('moved_ruled_2', 'token-of-ruled-2', '{"email": "a@x"}');
SELECT projectalpha.update_record('moved_ruled_2', 'token-of-ruled-2', 1, '{"n": 8}', if_version => 1) ->> 'version' AS version;

-- Refused, with the number of the line; and nothing is left of it.
CREATE FUNCTION pg_temp.try(VARIADIC texts text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    sqlstate_ text; message text; detail text; hint text;
BEGIN
    TRUNCATE lines;
    INSERT INTO lines SELECT t FROM unnest(texts) AS t;
    PERFORM projectalpha.import_tool('lines', token => 'token-of-tried');
    PERFORM projectalpha.delete_tool('tried');
    RETURN 'imported';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS sqlstate_ = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', sqlstate_, message, detail, hint);
END
$$;
\set head '{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "schema": [{"name": "n", "type": "int"}]}'
\set good '{"id": 5, "created_at": "2026-02-05T10:30:00+00:00", "n": 1}'
SELECT pg_temp.try(:'head') AS only_a_definition;
SELECT pg_temp.try('', NULL, :'head', '  ', :'good', NULL) AS blank_lines;
SELECT pg_temp.try(:'head', '{"id": -3, "created_at": "2026-02-05", "n": null, "extra": 1}') AS extra_fields_are_ignored_as_ever;
SELECT pg_temp.try(VARIADIC '{}') AS empty;
SELECT pg_temp.try('', NULL) AS blank;
SELECT pg_temp.try(:'good', :'head') AS no_definition;
SELECT pg_temp.try('nonsense') AS nonsense;
SELECT pg_temp.try('{"projectalpha_export": 2}') AS later;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "unknown": {}}') AS unknown_key;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "x; DROP", "sensitive": false}') AS name;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "moved", "sensitive": false}') AS taken;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "schema": [{"name": "n", "type": "xyz"}]}') AS schema;
SELECT pg_temp.try(:'head', :'good', '{"id": 6,') AS no_json;
SELECT pg_temp.try(:'head', '[]') AS no_object;
SELECT pg_temp.try(:'head', '{"id": 6, "created_at": "2026-02-05", "n": "\u0000"}') AS nul;
SELECT pg_temp.try(:'head', '{"created_at": "2026-02-05", "n": 1}') AS no_id;
SELECT pg_temp.try(:'head', '{"id": "6", "created_at": "2026-02-05"}') AS id_text;
SELECT pg_temp.try(:'head', '{"id": 1.5, "created_at": "2026-02-05"}') AS id_fraction;
SELECT pg_temp.try(:'head', '{"id": 9223372036854775808, "created_at": "2026-02-05"}') AS id_large;
SELECT pg_temp.try(:'head', '{"id": 6}') AS no_time;
SELECT pg_temp.try(:'head', '{"id": 6, "created_at": "yesterday"}') AS bad_time;
SELECT pg_temp.try(:'head', :'good', '{"id": 6, "created_at": "2026-02-05", "n": "s3cret"}') AS kind;
SELECT pg_temp.try(:'head', :'good', '{"id": 6, "created_at": "2026-02-05", "n": 2}', :'good') AS same_id_twice;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "records": 2}', '{"id": 1, "created_at": "2026-02-05", "data": {}}') AS cut_off;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false}', '{"id": 1, "created_at": "2026-02-05", "data": []}') AS data_no_object;
-- What the rules and options of a tool refuse.
\set ruled '{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "schema": [{"name": "u", "type": "int", "unique": true, "required": true}, {"name": "n", "type": "int", "min": 0, "default": 3}], "options": {"strict": true, "versioned": true}}'
\set versioned '{"id": 5, "created_at": "2026-02-05", "updated_at": "2026-02-06", "version": 4, "u": 1, "n": null}'
SELECT pg_temp.try(:'ruled', :'versioned') AS fits;
SELECT pg_temp.try(:'ruled', '{"id": 5, "created_at": "2026-02-05", "updated_at": "2026-02-06", "version": 4, "u": 1}') AS default_of_missing;
SELECT pg_temp.try(:'ruled', :'versioned', '{"id": 6, "created_at": "2026-02-05", "updated_at": "2026-02-06", "version": 1, "u": 1}') AS not_unique;
SELECT pg_temp.try(:'ruled', '{"id": 5, "created_at": "2026-02-05", "updated_at": "2026-02-06", "version": 4, "u": null}') AS required;
SELECT pg_temp.try(:'ruled', '{"id": 5, "created_at": "2026-02-05", "updated_at": "2026-02-06", "version": 4, "u": 1, "n": -1}') AS min;
SELECT pg_temp.try(:'ruled', '{"id": 5, "created_at": "2026-02-05", "updated_at": "2026-02-06", "version": 4, "u": 1, "x": 1}') AS strict;
SELECT pg_temp.try(:'ruled', '{"id": 5, "created_at": "2026-02-05", "updated_at": "2026-02-06", "u": 1}') AS no_version;
SELECT pg_temp.try(:'ruled', '{"id": 5, "created_at": "2026-02-05", "version": 1, "u": 1}') AS no_updated_at;
SELECT pg_temp.try(:'ruled', '{"id": 5, "created_at": "2026-02-05", "updated_at": "2026-02-06", "version": 1.5, "u": 1}') AS version_fraction;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "schema": [], "options": {"strict": true}}', '{"id": 5, "created_at": "2026-02-05", "version": 1}') AS version_of_none;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "options": {"max_records": 0}}') AS option;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "options": {"strict": 1}}') AS option_kind;
SELECT pg_temp.try('{"projectalpha_export": 1, "tool_name": "tried", "sensitive": false, "options": {"unknown": 1}}') AS option_unknown;
SELECT count(*) AS left_behind FROM projectalpha.registered_tools WHERE tool_name = 'tried';
SELECT to_regclass('projectalpha_data.tool_tried') AS left_behind;

-- Sources that are none.
CREATE TEMP TABLE two (a text, b text);
CREATE TEMP TABLE number (a int);
SELECT projectalpha.import_tool('two');
SELECT projectalpha.import_tool('number');
SELECT projectalpha.import_tool('projectalpha_data.id_of_tool_moved');
SELECT projectalpha.import_tool(NULL);
SELECT projectalpha.import_tool('no_such_table');
SELECT projectalpha.import_tool('lines', token => 'short');
-- A column that was dropped is no column; a name that has to be quoted is one.
ALTER TABLE two RENAME a TO "the ""line""";
ALTER TABLE two DROP b;
INSERT INTO two VALUES (:'head');
SELECT records FROM projectalpha.import_tool('two', token => 'token-of-tried');
SELECT projectalpha.delete_tool('tried');

-- A table larger than a part of the cache is read from its start, a view as it is.
CREATE TABLE many (line text);
INSERT INTO many SELECT :'head';
INSERT INTO many SELECT format('{"id": %s, "created_at": "2026-02-05", "n": %s}', i, i) FROM generate_series(1, 3000) AS i;
CREATE VIEW a_few AS SELECT line FROM many LIMIT 11;
SELECT records FROM projectalpha.import_tool('many', token => 'token-of-tried');
SELECT count(*), sum(n), max(id) FROM projectalpha_data.tool_tried;
SELECT projectalpha.delete_tool('tried');
SELECT records FROM projectalpha.import_tool('a_few', token => 'token-of-tried');
SELECT projectalpha.delete_tool('tried');

-- The source is read with the rights of the caller, and the rest is done without any.
SET ROLE projectalpha_admin;
SELECT projectalpha.import_tool('many');
RESET ROLE;
GRANT SELECT ON many TO projectalpha_admin;
SET ROLE projectalpha_admin;
SELECT records FROM projectalpha.import_tool('many', token => 'token-of-tried');
SELECT count(*) FROM projectalpha.export_tool('tried');
SELECT projectalpha.delete_tool('tried');
SET ROLE projectalpha_anon;
SELECT projectalpha.export_tool('moved');
SELECT projectalpha.import_tool('many');
SET ROLE projectalpha_reader;
SELECT projectalpha.export_tool('moved');
RESET ROLE;
GRANT EXECUTE ON FUNCTION projectalpha.export_tool(text), projectalpha.import_tool(regclass, text, text) TO projectalpha_reader;
GRANT SELECT ON many TO projectalpha_reader;
SET ROLE projectalpha_reader;
SELECT projectalpha.export_tool('moved');
SELECT projectalpha.import_tool('many');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION projectalpha.export_tool(text), projectalpha.import_tool(regclass, text, text) FROM projectalpha_reader;
-- Code in the source runs as its caller.
CREATE FUNCTION pg_temp.who() RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'read as %', current_user; RETURN 'x'; END$$;
CREATE TEMP VIEW spy AS SELECT pg_temp.who() AS line;
SELECT projectalpha.import_tool('spy');

-- Under a path with objects of others.
CREATE SCHEMA transfer_trap;
CREATE FUNCTION transfer_trap.trap() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
CREATE FUNCTION transfer_trap.trap(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT transfer_trap.trap()';
CREATE FUNCTION transfer_trap.setval(regclass, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT transfer_trap.trap()::int::bigint';
CREATE FUNCTION transfer_trap.count() RETURNS bigint LANGUAGE sql AS 'SELECT transfer_trap.trap()::int::bigint';
CREATE OPERATOR transfer_trap.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = transfer_trap.trap);
CREATE TABLE transfer_trap.lines (line text);
SET search_path = transfer_trap, pg_catalog, public;
INSERT INTO transfer_trap.lines SELECT projectalpha.export_tool('moved');
SELECT tool_name, records FROM projectalpha.import_tool('transfer_trap.lines', 'tried', 'token-of-tried');
SELECT projectalpha.last_stored('tried') = '2026-02-05 10:30:00.5+00' AS last;
SELECT projectalpha.store_record('tried', 'token-of-tried', '{}') AS next_id;
RESET search_path;
SELECT projectalpha.delete_tool('tried');
SET client_min_messages = warning;
DROP SCHEMA transfer_trap CASCADE;
RESET client_min_messages;

-- A strict tool with versions: what every record has is no unknown field, and it is kept.
SELECT tool_name FROM projectalpha.register_tool('tried_strict', 'token-of-strict', '[{"name": "n", "type": "int", "max": 5}]', strict => true, versioned => true);
SELECT projectalpha.store_records('tried_strict', 'token-of-strict', '[{"n": 1}, {"n": 2}]');
SELECT projectalpha.update_record('tried_strict', 'token-of-strict', 2, '{"n": 3}')->'version' AS version;
CREATE TEMP TABLE strict_lines AS SELECT projectalpha.export_tool('tried_strict') AS line;
SELECT tool_name, records FROM projectalpha.import_tool('strict_lines', 'tried_again', 'token-of-again');
SELECT count(*) FROM (TABLE projectalpha_data.tool_tried_strict EXCEPT TABLE projectalpha_data.tool_tried_again) AS changed;
SELECT projectalpha.get_record('tried_again', 2)->'version' AS version, projectalpha.count_records('tried_again') AS records;
SELECT projectalpha.update_record('tried_again', 'token-of-again', 2, '{"n": 4}', if_version => 2)->'version' AS version;
SELECT projectalpha.delete_tool('tried_again');
CREATE FUNCTION pg_temp.import_changed(text, text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE changed AS SELECT replace(line, $1, $2) AS line FROM strict_lines;
    PERFORM projectalpha.import_tool('changed', 'tried_again');
    RETURN 'imported';
EXCEPTION WHEN others THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
SELECT pg_temp.import_changed('"n":3', '"n":3,"m":4');
SELECT pg_temp.import_changed('"n":3', '"n":6');
SELECT pg_temp.import_changed('"version":2', '"version":"2"');
SELECT pg_temp.import_changed('"version":2,', '');
SELECT pg_temp.import_changed('"updated_at":"20', '"updated_at":"x20');
DROP TABLE strict_lines;

-- Exports that are refused, given up, or of what changes meanwhile.
SELECT projectalpha.export_tool('no_such_tool');
SELECT projectalpha.export_tool(NULL);
SELECT projectalpha.export_tool('moved') IS NOT NULL AS line LIMIT 1;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT count(*) FROM projectalpha.export_tool('moved');
SELECT pg_current_xact_id_if_assigned() AS xid;
COMMIT;
SELECT records FROM projectalpha.import_tool('many', token => 'token-of-tried');
BEGIN;
DECLARE c CURSOR FOR SELECT projectalpha.export_tool('tried') AS line;
FETCH 2 FROM c;
DELETE FROM projectalpha_data.tool_tried WHERE id > 10;
MOVE 2998 FROM c;
FETCH 2 FROM c; -- the rows of when it began
CLOSE c;
DECLARE c CURSOR FOR SELECT projectalpha.export_tool('tried') AS line;
FETCH 1 FROM c;
SELECT projectalpha.delete_tool('tried');
MOVE ALL c;
ROLLBACK;
-- Its table was renamed by hand.
ALTER TABLE projectalpha_data.tool_tried RENAME TO away;
SELECT projectalpha.export_tool('tried');
ALTER TABLE projectalpha_data.away RENAME TO tool_tried;

DROP VIEW a_few;
DROP TABLE many;
SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.registered_tools WHERE tool_name ~ '^moved|^tried';
