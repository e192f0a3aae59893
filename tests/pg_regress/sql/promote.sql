-- From the common table to one of its own, and what storage_advice() says before.
\set VERBOSITY default
SET client_min_messages = warning;
DROP TABLE IF EXISTS projectalpha_data.multiple_tools;
-- Before the first row there is nothing to advise on.
SELECT * FROM projectalpha.storage_advice();

SELECT table_name FROM projectalpha.configure_tool('grown');
SELECT table_name FROM projectalpha.configure_tool('secret', sensitive => true, token => 'token-of-secret');
SELECT count(projectalpha.store_configured('grown', jsonb_build_object('n', n))) FROM generate_series(1, 7) AS n;
SELECT count(projectalpha.store_configured('secret', jsonb_build_object('n', n), 'token-of-secret')) FROM generate_series(1, 2) AS n;
SELECT projectalpha.store_common('big', jsonb_build_object('x', repeat('x', 5000)));
SELECT projectalpha.store_common('mixed', jsonb_build_object('n', n), n = 1) FROM generate_series(1, 3) AS n;
SELECT projectalpha.store_common('It''s %s; --', '{}', true);
SELECT projectalpha.store_common('small', '{"cpu": 45}');
UPDATE projectalpha_data.multiple_tools SET created_at = '2026-01-01 00:00:00Z'::timestamptz + id * interval '1 hour';

SELECT * FROM projectalpha.storage_advice();
SET projectalpha_store.promote_rows = 6;
SET projectalpha_store.promote_payload_bytes = '8kB';
SET projectalpha_store.promote_bytes = '4kB';
SELECT tool_name, reasons FROM projectalpha.storage_advice();
RESET projectalpha_store.promote_rows;
RESET projectalpha_store.promote_payload_bytes;
RESET projectalpha_store.promote_bytes;
-- The size of a payload is that before compression.
SELECT projectalpha.payload_bytes(data) AS payload, pg_column_size(data) < 1000 AS compressed
  FROM projectalpha_data.multiple_tools WHERE tool_name = 'big';
SELECT projectalpha.payload_bytes('{}'), projectalpha.payload_bytes(NULL);
-- Administrators and readers may ask, in a read-only transaction, and no transaction id is taken.
BEGIN READ ONLY;
SET LOCAL ROLE projectalpha_reader;
SELECT count(*), pg_current_xact_id_if_assigned() FROM projectalpha.storage_advice();
COMMIT;
BEGIN;
SELECT count(*) FROM projectalpha.storage_advice();
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SET ROLE projectalpha_anon;
SELECT * FROM projectalpha.storage_advice();
RESET ROLE;

-- What is refused.
SET ROLE projectalpha_anon;
SELECT * FROM projectalpha.promote_tool('grown');
SELECT * FROM projectalpha.promote_tool('grown', admin_token => 'wrong-token');
RESET ROLE;
SELECT * FROM projectalpha.promote_tool('small');
SELECT * FROM projectalpha.promote_tool(NULL);
\set VERBOSITY terse
SELECT * FROM projectalpha.promote_tool('It''s %s; --');
SELECT * FROM projectalpha.promote_tool('grown"; DROP TABLE projectalpha.tools; --');
SELECT * FROM projectalpha.promote_tool('grown', 0);
SELECT * FROM projectalpha.promote_tool('grown', -1);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM projectalpha.promote_tool('grown');
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM projectalpha.promote_tool('grown');
ROLLBACK;
-- A table of that name that somebody left behind.
CREATE TABLE projectalpha_data.tool_grown (id int);
SELECT * FROM projectalpha.promote_tool('grown');
DROP TABLE projectalpha_data.tool_grown;
-- A public tool with sensitive rows would show them to everybody.
SELECT table_name FROM projectalpha.configure_tool('mixed');
SELECT * FROM projectalpha.promote_tool('mixed');
SELECT * FROM projectalpha.promote_tool('mixed', 2);
SELECT count(*) FROM projectalpha_data.multiple_tools WHERE tool_name = 'mixed';
SELECT to_regclass('projectalpha_data.tool_mixed') IS NULL AS no_table, promoting FROM projectalpha.configured_tools WHERE tool_name = 'mixed';

-- In batches. In between each row is in one of two places, and listed from both.
CREATE FUNCTION pg_temp.listed(tool text, token text DEFAULT NULL) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg((r->>'id') || ':' || (r->'data'->>'n'), ' ') FROM projectalpha.list_configured(tool, token => listed.token) AS r);
SELECT pg_temp.listed('grown');
SELECT * FROM projectalpha.promote_tool('grown', 3);
SELECT promoting, table_name FROM projectalpha.configured_tools WHERE tool_name = 'grown';
SELECT pg_temp.listed('grown');
SELECT r FROM projectalpha.list_configured('grown', row_limit => 2, row_offset => 2) AS r;
SELECT r->'id' AS id FROM projectalpha.list_configured('grown', row_limit => 3, after_id => 2) AS r;
SELECT r->'id' AS id FROM projectalpha.list_common('grown') AS r;
SELECT projectalpha.store_configured('grown', '{"n": 8}') AS in_the_common_table;
-- The configuration waits until it is finished, and the tool is none yet.
SELECT projectalpha.configure_tool('grown', true);
SELECT projectalpha.unconfigure_tool('grown');
SELECT projectalpha.register_tool('grown');
SELECT projectalpha.delete_tool('grown');
SELECT * FROM projectalpha.list_records('grown');
-- A procedure cannot commit what somebody else has begun.
BEGIN;
CALL projectalpha.promote_tool_in_batches('grown', 2);
ROLLBACK;
SET client_min_messages = notice;
CALL projectalpha.promote_tool_in_batches('grown', 2);
SET client_min_messages = warning;
SELECT promoting, table_name FROM projectalpha.configured_tools WHERE tool_name = 'grown';
SELECT id, created_at AT TIME ZONE 'UTC' AS created_at, data FROM projectalpha_data.tool_grown WHERE data->>'n' < '8' ORDER BY id;
SELECT pg_temp.listed('grown');
SELECT count(*) FROM projectalpha_data.multiple_tools WHERE tool_name = 'grown';
SELECT count(*) AS as_before FROM projectalpha_data.multiple_tools WHERE tool_name <> 'grown';
-- New ids go on after the old ones.
SELECT projectalpha.store_configured('grown', '{"n": 9}') > (SELECT max(id) FROM projectalpha_data.tool_grown) AS after_the_others;

-- At once, with the tool's token, which is that of the registered tool from then on.
SELECT * FROM projectalpha.promote_tool('secret');
SELECT pg_temp.listed('secret', 'token-of-secret');
SELECT pg_temp.listed('secret');
SELECT projectalpha.store_configured('secret', '{"n": 3}');
SELECT projectalpha.store_configured('secret', '{"n": 3}', 'token-of-secret') IS NOT NULL AS stored;
SELECT projectalpha.store_record('secret', 'token-of-secret', '{"n": 4}') IS NOT NULL AS stored;
SELECT tool_name, schema_definition, sensitive, token_hint FROM projectalpha.registered_tools WHERE tool_name = 'secret';
SET ROLE projectalpha_anon;
SELECT projectalpha.store_common('secret', '{"n": 5}', true, 'token-of-secret');
RESET ROLE;

-- What was sent to the common table under the tool's name after that comes with another call, with new ids.
SELECT projectalpha.store_common('grown', jsonb_build_object('n', n)) IS NOT NULL AS stored FROM generate_series(11, 13) AS n;
SELECT pg_temp.listed('grown') ~ '11' AS listed;
SELECT moved, done FROM projectalpha.promote_tool('grown', 2);
SELECT promoting FROM projectalpha.configured_tools WHERE tool_name = 'grown';
SELECT moved, done FROM projectalpha.promote_tool('grown', 2);
SELECT string_agg(data->>'n', ' ' ORDER BY id) AS in_order, count(DISTINCT id) FROM projectalpha_data.tool_grown;
SELECT moved, done FROM projectalpha.promote_tool('grown');
SELECT projectalpha.store_common('grown', '{"secret": 1}', true) IS NOT NULL AS stored;
SELECT moved, done FROM projectalpha.promote_tool('grown');

-- A tool that was to have its own table from the start (spec 000, step 4: configured, then migrated).
SELECT projectalpha.store_common('planned', jsonb_build_object('n', n)) IS NOT NULL AS stored FROM generate_series(1, 2) AS n;
SELECT table_name FROM projectalpha.configure_tool('planned', use_individual_table => true);
SELECT moved, done FROM projectalpha.promote_tool('planned', 1);
SELECT moved, done FROM projectalpha.promote_tool('planned');
SELECT pg_temp.listed('planned');
-- One with nothing in the common table, and one with fields, which the common table knows nothing of.
SELECT table_name FROM projectalpha.configure_tool('empty');
SELECT * FROM projectalpha.promote_tool('empty', 10);
SELECT projectalpha.store_configured('empty', '{}');
SELECT table_name FROM projectalpha.register_tool('fields', 'token-of-fields', '[{"name": "n", "type": "int"}]');
SELECT table_name FROM projectalpha.configure_tool('fields', use_individual_table => true);
SELECT * FROM projectalpha.promote_tool('fields');


-- The advice can be followed as it is written; then there is none left but for names that no tool can have.
SELECT projectalpha.store_common('fields', '{"n": 1}') IS NOT NULL AS stored;
SELECT tool_name, advice, reasons FROM projectalpha.storage_advice();
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT advice FROM projectalpha.storage_advice() WHERE advice LIKE 'SELECT %' LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
SELECT tool_name, advice FROM projectalpha.storage_advice();
SELECT tool_name, table_name, sensitive, token_hint IS NOT NULL AS has_token FROM projectalpha.configured_tools ORDER BY 1;

SELECT count(projectalpha.delete_tool(tool_name)) FROM projectalpha.registered_tools;
SELECT tool_name FROM projectalpha.configured_tools;
DROP TABLE projectalpha_data.multiple_tools;
