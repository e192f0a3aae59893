-- delete_tool(archive => true), restore_tool, purge_archived_tool.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_keeper IN ROLE projectalpha_anon;
CREATE ROLE regress_archive_reader IN ROLE projectalpha_reader;
SELECT projectalpha.set_admin_token('admin-of-archive') = 'admin-of-archive' AS set;
SELECT table_name FROM projectalpha.register_tool('a', 'token-of-a', '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}]', description => 'first');
SELECT projectalpha.store_records('a', 'token-of-a', '[{"n": 1, "s": "one"}, {"n": 2}, {"n": 3}]');
DELETE FROM projectalpha_data.tool_a WHERE n = 3;
-- What a DBA has added: an index named after the table, one that is not, a view.
CREATE INDEX ON projectalpha_data.tool_a (lower(s));
CREATE INDEX tool_a_with_a_name_of_63_bytes_that_goes_on_until_there_it_ends ON projectalpha_data.tool_a (s);
CREATE INDEX by_hand ON projectalpha_data.tool_a (n);
CREATE VIEW public.view_of_a AS SELECT id, n, s FROM projectalpha_data.tool_a;
CREATE VIEW pg_temp.relations AS
SELECT c.relkind, regexp_replace(c.relname, '\d{20}', '<time>') AS relation, c.relowner::regrole AS owner
  FROM pg_class AS c WHERE c.relnamespace = 'projectalpha_data'::regnamespace AND c.relname !~ 'multiple' ORDER BY relname COLLATE "C";
SELECT * FROM pg_temp.relations;

-- Archived, there is no such tool; its records are there, for readers and views too.
SELECT projectalpha.delete_tool('a', archive => true);
SELECT projectalpha.store_record('a', 'token-of-a', '{"n": 4}');
SELECT projectalpha.list_records('a');
SELECT projectalpha.delete_tool('a', archive => true);
\echo :SQLSTATE
SELECT * FROM pg_temp.relations;
SELECT * FROM public.view_of_a ORDER BY id;
SELECT count(*) FROM projectalpha.registered_tools;
SELECT count(*) FROM projectalpha.active_tokens WHERE scopes <> '{admin}';
SET ROLE regress_archive_reader;
SELECT archived_id > 0 AS id, tool_name, table_name ~ '^archived_a_\d{20}$' AS table_name, archived_at <= now() AS archived_at
     , archived_by = session_user AS archived_by, schema_definition, sensitive, description, table_exists
  FROM projectalpha.archived_tool_list;
SELECT digest FROM projectalpha.archived_credentials;
SELECT * FROM projectalpha.archived_tools;
RESET ROLE;

-- The name is free again, for another tool, which is archived in turn.
SELECT table_name FROM projectalpha.register_tool('a', 'token-of-second', '[{"name": "other", "type": "bool"}]', description => 'second');
SELECT projectalpha.store_record('a', 'token-of-second', '{"other": true}');
SELECT projectalpha.store_record('a', 'token-of-a', '{"other": true}');
SELECT projectalpha.delete_tool('a', 'admin-of-archive', true);
SELECT table_name FROM projectalpha.register_tool('a', 'token-of-third', description => 'third');
SELECT tool_name, description FROM projectalpha.archived_tool_list ORDER BY archived_id;

-- The name is taken: nothing is restored, unless under another name. The last one comes first.
SELECT tool_name FROM projectalpha.restore_tool('a');
\echo :SQLSTATE
SELECT tool_name, table_name FROM projectalpha.restore_tool('a', new_name => 'second');
SELECT r::jsonb - 'created_at' AS record FROM projectalpha.list_records('second') AS r;
SELECT projectalpha.store_record('second', 'token-of-second', '{"other": false}');
SELECT projectalpha.delete_tool('a');
SELECT tool_name, table_name FROM projectalpha.restore_tool('a', admin_token => 'admin-of-archive');
-- With records, ids, sequence, tokens, index names and description as they were.
SELECT projectalpha.store_record('a', 'token-of-a', '{"n": 4}');
SELECT r::jsonb - 'created_at' AS record FROM projectalpha.list_records('a') AS r;
SELECT * FROM pg_temp.relations;
SELECT * FROM public.view_of_a ORDER BY id;
SELECT tool_name, description, schema_definition, token_hint FROM projectalpha.registered_tools ORDER BY id;
SELECT count(*) FROM projectalpha.archived_tools;
SELECT count(*) FROM projectalpha.archived_credentials;
SELECT h.tool_name, version, changed_through, change #- '{restore,archived_id}' #- '{restore,table_name}' AS change, h.schema_definition
  FROM projectalpha.schema_history AS h JOIN projectalpha.tools AS t ON t.id = h.tool_id ORDER BY tool_id, version;

-- All in one transaction, and taken back.
BEGIN;
SELECT projectalpha.delete_tool('a', archive => true);
SELECT table_name FROM projectalpha.register_tool('a', 'token-of-fourth');
SELECT projectalpha.store_record('a', 'token-of-fourth', '{"whole": true}');
SELECT projectalpha.delete_tool('a', archive => true);
SELECT tool_name FROM projectalpha.restore_tool('a');
SELECT projectalpha.store_record('a', 'token-of-fourth', '{"whole": true}');
ROLLBACK;
SELECT projectalpha.store_record('a', 'token-of-a', '{"n": 5}') > 4 AS goes_on;
SELECT count(*) FROM projectalpha.archived_tools;

-- A token that is revoked while its tool is archived does not come back;
-- one in its grace period has no more of it than it had.
SELECT projectalpha.delete_tool('second', archive => true);
SELECT projectalpha.revoke_token('token-of-second');
SELECT tool_name FROM projectalpha.restore_tool('second');
SELECT projectalpha.store_record('second', 'token-of-second', '{}');
SELECT projectalpha.revoke_token('token-of-second');
SELECT projectalpha.rotate_token('second', token => 'newer-of-second');
SELECT projectalpha.rotate_token('second', '1 hour', token => 'newest-of-second');
SELECT projectalpha.delete_tool('second', archive => true);
SELECT tool_name FROM projectalpha.restore_tool('second', new_name => 'later');
SELECT hint, expires_at - now() < '1 hour' AS expires FROM projectalpha.active_tokens WHERE tool_name = 'later' ORDER BY token_id;
SELECT projectalpha.store_record('later', 'newer-of-second', '{}') IS NOT NULL AS old, projectalpha.store_record('later', 'newest-of-second', '{}') AS new;

-- What has a short name because the long one did not fit goes on with it under another name.
SELECT projectalpha.delete_tool('a', archive => true);
SELECT tool_name FROM projectalpha.restore_tool('a', new_name => 'a_much_longer_name');
SELECT * FROM pg_temp.relations WHERE relation ~ 'much';
SELECT projectalpha.delete_tool('a_much_longer_name', archive => true);
SELECT tool_name FROM projectalpha.restore_tool('a_much_longer_name', new_name => 'a');

-- Purged: table, tokens and history are gone. Views are in the way, as with delete_tool.
SELECT projectalpha.delete_tool('a', archive => true), projectalpha.delete_tool('later', archive => true);
\set VERBOSITY sqlstate
SELECT projectalpha.purge_archived_tool(archived_id) FROM projectalpha.archived_tool_list WHERE tool_name = 'a';
\set VERBOSITY default
DROP VIEW public.view_of_a;
SELECT projectalpha.purge_archived_tool(archived_id, 'wrong') FROM projectalpha.archived_tool_list;
SELECT * FROM pg_temp.relations;
SELECT count(*) FROM projectalpha.schema_history;
SELECT count(*) FROM projectalpha.archived_credentials;
SELECT projectalpha.purge_archived_tool(1);
\echo :SQLSTATE

-- A table that was dropped by hand cannot come back, and can be purged.
SELECT table_name FROM projectalpha.register_tool('lost', 'token-of-lost');
SELECT projectalpha.delete_tool('lost', archive => true);
DO $$ BEGIN EXECUTE (SELECT format('DROP TABLE projectalpha_data.%I', table_name) FROM projectalpha.archived_tool_list); END $$;
SELECT table_exists FROM projectalpha.archived_tool_list;
DO $$ BEGIN PERFORM projectalpha.restore_tool('lost'); EXCEPTION WHEN undefined_table THEN RAISE WARNING '%', regexp_replace(SQLERRM, '\d{20}', '<time>'); END $$;
SELECT count(*) FROM projectalpha.tools;
SELECT projectalpha.purge_archived_tool(archived_id) FROM projectalpha.archived_tool_list;
SELECT count(*) FROM projectalpha.archived_tools;
-- Nothing to archive.
SELECT table_name FROM projectalpha.register_tool('lost', 'token-of-lost');
DROP TABLE projectalpha_data.tool_lost;
SELECT projectalpha.delete_tool('lost', archive => true);
\echo :SQLSTATE
SELECT projectalpha.delete_tool('lost');
-- A table in the way of the restored one.
SELECT table_name FROM projectalpha.register_tool('way', 'token-of-way');
SELECT projectalpha.delete_tool('way', archive => true);
CREATE TABLE projectalpha_data.tool_way ();
SELECT projectalpha.restore_tool('way');
\echo :SQLSTATE
DROP TABLE projectalpha_data.tool_way;
SELECT table_name FROM projectalpha.restore_tool('way');
SELECT projectalpha.delete_tool('way');

-- Long names: table, sequence and key fit, and come back as they were.
SELECT repeat('x', 50) AS long \gset
SELECT repeat('x', 49) || 'y' AS long_too \gset
SELECT table_name FROM projectalpha.register_tool(:'long', 'token-of-long', '[{"name": "n", "type": "int"}]');
SELECT table_name FROM projectalpha.register_tool(:'long_too', 'token-of-long', '[{"name": "n", "type": "int"}]');
CREATE INDEX tool_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_n ON projectalpha_data.tool_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx (n);
SELECT projectalpha.store_record(:'long', 'token-of-long', '{"n": 1}');
SELECT projectalpha.delete_tool(:'long', archive => true), projectalpha.delete_tool(:'long_too', archive => true);
SELECT relkind, relation, length(relation) + 14 AS length FROM pg_temp.relations;
SELECT tool_name FROM projectalpha.restore_tool(:'long');
SELECT tool_name FROM projectalpha.restore_tool(:'long_too', new_name => 'short');
SELECT projectalpha.store_record(:'long', 'token-of-long', '{"n": 2}');
SELECT * FROM pg_temp.relations;
SELECT projectalpha.delete_tool(:'long'), projectalpha.delete_tool('short');

-- Indexes of fields, also of a tool with a long name: the name is free at once, and each comes back by the name its table gives it.
SELECT t, (projectalpha.register_tool(t, 'token-of-rules', '[{"name": "u", "type": "str", "unique": true}, {"name": "i", "type": "int", "index": true}]', strict => true, versioned => true)).table_name
  FROM unnest(ARRAY['ruled', repeat('l', 50)]) AS t;
CREATE TEMP TABLE before AS SELECT relation FROM pg_temp.relations;
SELECT projectalpha.delete_tool(tool_name, archive => true) FROM projectalpha.registered_tools;
SELECT count(*) FROM pg_temp.relations JOIN before USING (relation);
SELECT t, (projectalpha.register_tool(t, 'token-of-rules', '[{"name": "u", "type": "str", "unique": true}, {"name": "i", "type": "int", "index": true}]')).table_name
  FROM unnest(ARRAY['ruled', repeat('l', 50)]) AS t;
SELECT (projectalpha.restore_tool(tool_name, new_name => 'other' || length(tool_name))).tool_name FROM projectalpha.archived_tool_list ORDER BY archived_id;
SELECT * FROM pg_temp.relations;
SELECT tool_name, options FROM projectalpha.registered_tools ORDER BY id;
SELECT projectalpha.delete_tool('ruled'), projectalpha.delete_tool(repeat('l', 50));
SELECT projectalpha.delete_tool(tool_name, archive => true) FROM projectalpha.registered_tools;
SELECT (projectalpha.restore_tool(tool_name, new_name => CASE tool_name WHEN 'other5' THEN 'ruled' ELSE repeat('l', 50) END)).tool_name FROM projectalpha.archived_tool_list ORDER BY archived_id;
SELECT count(*) = (SELECT count(*) FROM before) AS as_before FROM pg_temp.relations JOIN before USING (relation);
SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.registered_tools;

-- The endpoint of a configured tool comes back with it, under the new name too.
SELECT table_name FROM projectalpha.configure_tool('conf', use_individual_table => true);
SELECT projectalpha.store_configured('conf', '{"n": 1}');
SELECT projectalpha.delete_tool('conf', archive => true);
SELECT projectalpha.store_configured('conf', '{"n": 2}');
SELECT tool_name FROM projectalpha.restore_tool('conf');
SELECT projectalpha.store_configured('conf', '{"n": 2}');
SELECT projectalpha.delete_tool('conf', archive => true);
SELECT tool_name FROM projectalpha.restore_tool('conf', new_name => 'conf_new');
SELECT tool_name, endpoint, table_name FROM projectalpha.configured_tools;
SELECT r->'data' AS data FROM projectalpha.list_configured('conf_new') AS r;
SELECT projectalpha.delete_tool('conf_new', archive => true);
-- Its name may be configured again meanwhile, and then is taken.
SELECT table_name FROM projectalpha.configure_tool('conf_new');
SELECT projectalpha.restore_tool('conf', new_name => 'conf_new');
SELECT projectalpha.restore_tool('conf_new');
SELECT projectalpha.unconfigure_tool('conf_new');
SELECT tool_name FROM projectalpha.restore_tool('conf_new');
SELECT projectalpha.delete_tool('conf_new');

-- Bad input and people without a right change nothing.
SELECT table_name FROM projectalpha.register_tool('b', 'token-of-b');
SET ROLE regress_keeper;
SELECT projectalpha.delete_tool('b', archive => true);
SELECT projectalpha.delete_tool('b', 'token-of-b', true);
SELECT projectalpha.delete_tool('b', 'admin-of-archive', NULL);
SELECT projectalpha.delete_tool('b', 'admin-of-archive', true);
SELECT projectalpha.restore_tool('b');
SELECT projectalpha.restore_tool('b', admin_token => 'token-of-b');
SELECT projectalpha.purge_archived_tool(1);
SELECT projectalpha.purge_archived_tool(NULL, 'admin-of-archive');
SELECT projectalpha.restore_tool(NULL, admin_token => 'admin-of-archive');
SELECT projectalpha.restore_tool('nobody', admin_token => 'admin-of-archive');
\echo :SQLSTATE
SELECT projectalpha.restore_tool('b"; --', admin_token => 'admin-of-archive');
SELECT projectalpha.restore_tool('b', -1, admin_token => 'admin-of-archive');
SELECT projectalpha.restore_tool('b', new_name => 'B"; --', admin_token => 'admin-of-archive');
SELECT * FROM projectalpha.archived_tool_list;
RESET ROLE;
SELECT tool_name, table_exists, archived_by FROM projectalpha.archived_tool_list;
-- A schema of functions in front changes nothing.
CREATE SCHEMA regress_hostile;
CREATE FUNCTION regress_hostile.to_jsonb(projectalpha.tools) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''hostile''; END';
CREATE FUNCTION regress_hostile.equal(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''hostile''; END';
CREATE OPERATOR regress_hostile.= (leftarg = bigint, rightarg = bigint, function = regress_hostile.equal);
SET search_path = regress_hostile, pg_catalog;
SELECT tool_name FROM projectalpha.restore_tool('b');
SELECT projectalpha.delete_tool('b', archive => true);
SELECT tool_name FROM projectalpha.restore_tool('b');
SELECT projectalpha.rotate_token('b', '1 hour', 'rotated-of-b');
RESET search_path;
SELECT projectalpha.delete_tool('b');
DROP SCHEMA regress_hostile CASCADE;
DELETE FROM projectalpha.credentials;
SELECT count(*) FROM projectalpha.schema_history;
DROP ROLE regress_keeper, regress_archive_reader;
