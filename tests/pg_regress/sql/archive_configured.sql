-- Configured tools that are archived and restored.
\set VERBOSITY default
SET client_min_messages = warning;
DROP TABLE IF EXISTS projectalpha_data.multiple_tools;
CREATE VIEW pg_temp.places AS
SELECT t.tool_name IS NOT NULL AS registered, c.use_individual_table, c.promoting, (SELECT count(*) FROM projectalpha.archived_tool_list) AS archived
     , to_regclass('projectalpha_data.tool_kept') IS NOT NULL AS has_table
  FROM (SELECT 'kept' AS tool_name) AS n LEFT JOIN projectalpha.tools AS t USING (tool_name) LEFT JOIN projectalpha.tool_configuration AS c USING (tool_name);

-- What is only in the common table cannot be archived.
SELECT table_name FROM projectalpha.configure_tool('kept', sensitive => true, token => 'token-of-kept');
SELECT projectalpha.store_configured('kept', '{"n": 1}', 'token-of-kept');
SELECT projectalpha.delete_tool('kept', archive => true);
\echo :SQLSTATE
SELECT * FROM pg_temp.places;

-- With a table of its own it can, and its configuration goes with it: a post does not make the table again.
SELECT moved, done FROM projectalpha.promote_tool('kept');
SELECT projectalpha.store_configured('kept', '{"n": 2}', 'token-of-kept');
SELECT projectalpha.delete_tool('kept', archive => true);
SELECT * FROM pg_temp.places;
SELECT projectalpha.store_configured('kept', '{"n": 3}', 'token-of-kept');
\echo :SQLSTATE
SELECT projectalpha.list_configured('kept', token => 'token-of-kept');
SELECT * FROM pg_temp.places;

-- Configured meanwhile, it cannot be restored: neither under its name nor under another that is configured.
SELECT table_name FROM projectalpha.configure_tool('kept', use_individual_table => true);
SELECT projectalpha.restore_tool('kept');
\echo :SQLSTATE
SELECT table_name FROM projectalpha.configure_tool('other');
SELECT projectalpha.restore_tool('kept', new_name => 'other');
SELECT projectalpha.unconfigure_tool('other');
SELECT * FROM pg_temp.places;
-- Not while it has rows in the common table and is being promoted either.
SELECT table_name FROM projectalpha.configure_tool('kept');
SELECT count(projectalpha.store_configured('kept', jsonb_build_object('n', n))) FROM generate_series(4, 6) AS n;
SELECT moved, done FROM projectalpha.promote_tool('kept', 2);
SELECT projectalpha.restore_tool('kept');
SELECT r->'data' AS data FROM projectalpha.list_configured('kept') AS r;
SELECT moved, done FROM projectalpha.promote_tool('kept', 2);
SELECT projectalpha.restore_tool('kept');
SELECT projectalpha.delete_tool('kept', archive => true);

-- The last one comes back first, with its records, and configured as it was: it is posted to at its own URL.
SELECT tool_name FROM projectalpha.restore_tool('kept');
SELECT * FROM pg_temp.places;
SELECT r->'data' AS data FROM projectalpha.list_records('kept') AS r;
SELECT projectalpha.store_configured('kept', '{"n": 7}');
SELECT projectalpha.delete_tool('kept');
SELECT tool_name FROM projectalpha.restore_tool('kept');
SELECT r->'data' AS data FROM projectalpha.list_records('kept', token => 'token-of-kept') AS r;
SELECT projectalpha.list_records('kept');
SELECT projectalpha.store_record('kept', 'token-of-kept', '{"n": 8}');
-- Configured again it stays as it is, and takes up what is in the common table since.
SELECT projectalpha.store_common('kept', '{"n": 9}');
SELECT table_name FROM projectalpha.configure_tool('kept');
SELECT table_name, token FROM projectalpha.configure_tool('kept', sensitive => true, use_individual_table => true);
SELECT moved, done FROM projectalpha.promote_tool('kept', 1);
SELECT * FROM pg_temp.places;
SELECT r->'data' AS data FROM projectalpha.list_configured('kept', token => 'token-of-kept') AS r;
-- Archived in the middle of that, nothing of it is left behind.
SELECT projectalpha.delete_tool('kept', archive => true);
SELECT * FROM pg_temp.places;
SELECT table_name FROM projectalpha.register_tool('kept', 'token-of-another');
SELECT projectalpha.delete_tool('kept');
SELECT projectalpha.purge_archived_tool(archived_id) FROM projectalpha.archived_tool_list;
SELECT * FROM pg_temp.places;
SELECT count(*) FROM projectalpha.active_tokens WHERE tool_name = 'kept' OR 'tool:kept' = ANY (scopes);
DELETE FROM projectalpha.credentials;
DROP TABLE projectalpha_data.multiple_tools;
