-- update_tool_info, tool_registry; tools that are inactive, and tools without storage.
\set VERBOSITY default
SELECT projectalpha.set_admin_token('admin-of-registry') = 'admin-of-registry' AS set;
SELECT table_name FROM projectalpha.register_tool('reg', 'token-of-reg', '[{"name": "n", "type": "int"}]', description => 'Counts things');
CREATE VIEW pg_temp.facts AS
SELECT category, api_endpoint, auth_method, auth_config, params, version, tags, allowed_scopes, owner, is_active, storage
     , schema_type, schema_version, inputs, outputs, examples, custom_metrics FROM projectalpha.tool_registry WHERE tool_name = 'reg';
SELECT * FROM pg_temp.facts \gx

-- All facts at once; then a few of them.
SELECT projectalpha.update_tool_info('reg', '{
    "category": " counting ", "api_endpoint": "https://api.example.org:8443/v1/count?x=1", "auth_method": "oauth2",
    "auth_config": {"token_url": "https://auth.example.org/token"}, "params": {"type": "object", "required": ["n"]},
    "version": "1.4.0-rc.1+build.7", "tags": [" math", "count", "math "], "allowed_scopes": ["read", "count:all", "read"],
    "owner": "team-a", "schema_type": "jsonschema", "schema_version": "2020-12",
    "inputs": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 0}}},
    "outputs": {"type": "number"},
    "examples": [{"name": "one", "input": {"n": 1}, "output": 2.5}, {"input": {"n": 0}}],
    "custom_metrics": {"exact": 1234567890123456789012345678901234567890.10, "p99": 0.5}}');
SELECT * FROM pg_temp.facts \gx
SELECT projectalpha.update_tool_info('reg', '{"category": null, "version": "2.0.0", "tags": []}');
SELECT category, version, tags, owner FROM pg_temp.facts;
SELECT projectalpha.update_tool_info('reg', '{}');
SELECT updated_at > created_at AS updated FROM projectalpha.tool_registry WHERE tool_name = 'reg';

-- Each value is checked, and its key is named. Nothing of such a call stays.
SELECT projectalpha.update_tool_info('reg', '{"owner": "nobody", "version": "2"}');
\echo :SQLSTATE
SELECT projectalpha.update_tool_info('reg', '{"owner": "nobody", "colour": "red"}');
SELECT projectalpha.update_tool_info('reg', '{"description": "Counts more"}');
SELECT projectalpha.update_tool_info('reg', '{"is_active": false}');
SELECT projectalpha.update_tool_info('reg', '["owner"]');
\set VERBOSITY terse
SELECT projectalpha.update_tool_info('reg', jsonb_build_object(key, value))
  FROM (VALUES ('category', to_jsonb(repeat('x', 101)))) AS v (key, value);
SELECT projectalpha.update_tool_info('reg', '{"api_endpoint": "/v1"}');
SELECT projectalpha.update_tool_info('reg', '{"api_endpoint": "https://me:s3cret@example.org"}');
SELECT projectalpha.update_tool_info('reg', '{"auth_method": "magic"}');
SELECT projectalpha.update_tool_info('reg', '{"auth_config": {"a": {"Api-Key": "s3cret"}}}');
SELECT projectalpha.update_tool_info('reg', '{"params": {"type": "thing"}}');
SELECT projectalpha.update_tool_info('reg', '{"inputs": {"$ref": "https://example.org/x.json"}}');
SELECT projectalpha.update_tool_info('reg', '{"outputs": true}');
SELECT projectalpha.update_tool_info('reg', '{"tags": ["a", 1]}');
SELECT projectalpha.update_tool_info('reg', '{"allowed_scopes": ["Read"]}');
SELECT projectalpha.update_tool_info('reg', '{"examples": [{"in": 1}]}');
SELECT projectalpha.update_tool_info('reg', '{"custom_metrics": 1e400}');
SELECT projectalpha.update_tool_info('reg', '{"custom_metrics": {"n": 1e400}}');
SELECT projectalpha.update_tool_info('reg', jsonb_build_object('params', jsonb_build_object('description', repeat('x', 65536))));
\set VERBOSITY default
SELECT owner, version FROM pg_temp.facts;

-- Every violation of every example, and no value of any.
SELECT projectalpha.update_tool_info('reg', '{"examples": [{"input": {"n": 1}}, {"input": {"n": -5}, "output": "s3cret"}, {"input": {}}]}');
\echo :SQLSTATE
-- They must go on fitting when what they fit changes.
SELECT projectalpha.update_tool_info('reg', '{"outputs": {"type": "string"}}');
SELECT projectalpha.update_tool_info('reg', '{"outputs": {"type": "string"}, "examples": [{"output": "x"}]}');
SELECT projectalpha.update_tool_info('reg', '{"inputs": null, "outputs": null}');

-- Who may.
SET ROLE projectalpha_anon;
\set VERBOSITY terse
SELECT projectalpha.update_tool_info('reg', '{"owner": "anon"}');
SELECT projectalpha.update_tool_info('reg', '{"owner": "anon"}', 'token-of-reg');
SELECT projectalpha.update_tool_info('reg', '{"owner": "by token"}', admin_token => 'admin-of-registry');
SELECT projectalpha.update_tool_info('no_such', '{}', 'admin-of-registry');
SELECT projectalpha.update_tool_info('No Such', '{}', 'admin-of-registry');
SELECT projectalpha.update_tool_info(NULL, '{}', 'admin-of-registry');
SELECT projectalpha.update_tool_info('reg', NULL, 'admin-of-registry');
SELECT projectalpha.deactivate_tool('reg');
SELECT owner FROM projectalpha.tool_registry;
SET ROLE projectalpha_reader;
SELECT owner FROM projectalpha.tool_registry WHERE tool_name = 'reg';
SELECT * FROM projectalpha.tool_info;
SELECT * FROM projectalpha.tool_secrets;
SELECT * FROM projectalpha.tool_search;
RESET ROLE;
\set VERBOSITY default

-- An inactive tool refuses every write, to whom it would be allowed; it is read on.
SELECT projectalpha.store_record('reg', 'token-of-reg', '{"n": 1}');
SELECT projectalpha.deactivate_tool('reg', 'admin-of-registry');
SELECT projectalpha.deactivate_tool('reg');
SELECT projectalpha.store_record('reg', 'token-of-reg', '{"n": 2}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.store_record('reg', 'wrong-token', '{"n": 2}');
SELECT projectalpha.store_records('reg', 'token-of-reg', '[]');
SELECT projectalpha.update_record('reg', 'token-of-reg', 1, '{"n": 2}');
SELECT projectalpha.delete_record('reg', 'token-of-reg', 1);
SELECT projectalpha.upsert_record('reg', 'token-of-reg', '{"n": 2}', 'n');
\set VERBOSITY default
SELECT r->'n' AS n FROM projectalpha.list_records('reg') AS r;
SELECT projectalpha.get_record('reg', 1)->'n' AS n;
SELECT count(*) FROM projectalpha.validate_record('reg', '{"n": "x"}');
SELECT tool_name, is_active FROM projectalpha.registered_tools;
SELECT tool_name, is_active FROM projectalpha.tool_directory;
SELECT projectalpha.activate_tool('reg');
SELECT projectalpha.store_record('reg', 'token-of-reg', '{"n": 2}');
SELECT projectalpha.activate_tool('no_such');
SELECT projectalpha.deactivate_tool(NULL);
-- Over HTTP it is a conflict.
SELECT projectalpha.deactivate_tool('reg');
SELECT set_config('request.headers', '{"x-uri": "/tools/reg", "token": "token-of-reg"}', false) \g /dev/null
BEGIN;
SELECT convert_from(projectalpha_http.store_record('{"n": 3}'), 'UTF8') AS body, current_setting('response.status') AS status;
ROLLBACK;
-- A configured tool with a table of its own, too.
SELECT endpoint FROM projectalpha.configure_tool('reg_conf', use_individual_table => true);
SELECT projectalpha.store_configured('reg_conf', '{"a": 1}');
SELECT projectalpha.deactivate_tool('reg_conf');
\set VERBOSITY terse
SELECT projectalpha.store_configured('reg_conf', '{"a": 2}');
\set VERBOSITY default
SELECT r->'data' AS data FROM projectalpha.list_configured('reg_conf') AS r;

-- Archived, a tool keeps its facts, and that it is inactive; deleted for good, it keeps nothing.
SELECT projectalpha.update_tool_info('reg', '{"tags": ["kept"]}');
SELECT projectalpha.delete_tool('reg', archive => true);
SELECT count(*) FROM projectalpha.tool_registry WHERE tool_name = 'reg';
SELECT tool_name FROM projectalpha.search_tools('kept');
SELECT tool_name, table_name FROM projectalpha.restore_tool('reg', new_name => 'reg_again');
SELECT tool_name, owner, tags, is_active FROM projectalpha.tool_registry WHERE owner IS NOT NULL;
SELECT tool_name, is_active FROM projectalpha.search_tools('kept reg', active => NULL);
SELECT projectalpha.delete_tool('reg_again', archive => true);
SELECT count(*) FROM projectalpha.tool_info;
SELECT projectalpha.purge_archived_tool(archived_id) FROM projectalpha.archived_tool_list;
SELECT projectalpha.delete_tool('reg_conf');
SELECT count(*) FROM projectalpha.tool_info;
SELECT count(*) FROM projectalpha.tool_search;

-- An entry of the catalogue alone: no table, and calls that need one say so.
SELECT tool_name, table_name, token IS NOT NULL AS has_token FROM projectalpha.register_tool('entry', storage => 'none', description => 'Elsewhere');
SELECT to_regclass('projectalpha_data.tool_entry');
SELECT projectalpha.update_tool_info('entry', '{"api_endpoint": "https://api.example.org"}');
SELECT projectalpha.store_record('entry', 'any-token', '{}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.store_records('entry', 'any-token', '[]');
SELECT projectalpha.list_records('entry');
SELECT projectalpha.count_records('entry');
SELECT projectalpha.get_record('entry', 1);
SELECT projectalpha.update_record('entry', 'any-token', 1, '{}');
SELECT projectalpha.delete_record('entry', 'any-token', 1);
SELECT projectalpha.upsert_record('entry', 'any-token', '{}', 'n');
SELECT projectalpha.validate_record('entry', '{}');
SELECT projectalpha.export_tool('entry');
SELECT projectalpha.tool_document('entry');
SELECT projectalpha.configure_tool('entry', use_individual_table => true);
SELECT projectalpha.register_tool('entry', storage => 'none');
SELECT projectalpha.register_tool('e2', storage => 'elsewhere');
SELECT projectalpha.register_tool('e2', storage => NULL);
SELECT projectalpha.register_tool('e2', schema => '[]', storage => 'none');
SELECT projectalpha.register_tool('e2', versioned => true, storage => 'none');
SELECT projectalpha.register_tool('e2', max_bytes => 5, storage => 'none');
SELECT projectalpha.alter_tool('entry', '{"options": {"versioned": true}}');
SELECT projectalpha.alter_tool('entry', '{"add": {"name": "n", "type": "int"}}');
\set VERBOSITY default
SELECT projectalpha.alter_tool('entry', '{"options": {"sensitive": true, "description": "Else"}}') AS version;
BEGIN;
SELECT set_config('request.headers', '{"x-uri": "/tools/entry"}', true) \g /dev/null
SELECT convert_from(projectalpha_http.list_records(''), 'UTF8') AS body, current_setting('response.status') AS status;
ROLLBACK;
SELECT tool_name, table_name, sensitive, description, storage FROM projectalpha.registered_tools;
SELECT tool_name, endpoint, table_name, token_kind FROM projectalpha.tool_directory;
SELECT count(*) FROM projectalpha.tool_activity WHERE tool_name IS NOT NULL;
SELECT change FROM projectalpha.schema_history WHERE tool_name = 'entry' ORDER BY version;
SELECT projectalpha.rotate_token('entry') IS NOT NULL AS rotated;
-- Its table is not touched by its deletion if somebody else has one of that name.
CREATE TABLE projectalpha_data.tool_entry (mine int);
SELECT projectalpha.delete_tool('entry', archive => true);
SELECT tool_name, table_name, table_exists FROM projectalpha.archived_tool_list;
SELECT tool_name, table_name FROM projectalpha.restore_tool('entry');
SELECT tool_name, api_endpoint, storage FROM projectalpha.tool_registry;
SELECT projectalpha.delete_tool('entry');
SELECT * FROM projectalpha_data.tool_entry;
DROP TABLE projectalpha_data.tool_entry;

-- Tools that are removed by hand leave nothing behind; the functions mind no search_path.
CREATE SCHEMA registry_trap;
CREATE FUNCTION registry_trap.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
CREATE OPERATOR registry_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = registry_trap.trap);
CREATE FUNCTION registry_trap.jsonb_populate_record(anyelement, jsonb) RETURNS anyelement LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
CREATE FUNCTION registry_trap.to_tsvector(regconfig, text) RETURNS tsvector LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
SET search_path = registry_trap, pg_catalog, public;
SELECT table_name FROM projectalpha.register_tool('trapped', 'token-of-trapped');
SELECT projectalpha.update_tool_info('trapped', '{"tags": ["a"], "inputs": {}, "examples": [{"input": 1}]}');
SELECT projectalpha.deactivate_tool('trapped');
SELECT tool_name FROM projectalpha.search_tools('trapped', '{a}', active => false);
RESET search_path;
DROP SCHEMA registry_trap CASCADE;
TRUNCATE projectalpha.tools;
SELECT (SELECT count(*) FROM projectalpha.tool_info) AS info, (SELECT count(*) FROM projectalpha.tool_search) AS search;
DROP TABLE projectalpha_data.tool_trapped;
DROP TABLE IF EXISTS projectalpha_data.multiple_tools;
DELETE FROM projectalpha.credentials;
DELETE FROM projectalpha.tool_configuration;
