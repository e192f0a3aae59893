-- tool_directory and tool_document: what they show, to whom; the HTTP endpoints without PostgREST.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('listed', 'token-of-listed', '[{"name": "rating", "type": "integer"}, {"name": "note", "type": "str"}]',
                                                  description => 'Ratings');
SELECT table_name FROM projectalpha.register_tool('listed_secret', 'token-of-secret', '[{"name": "email", "type": "str"}]', sensitive => true);
SELECT table_name FROM projectalpha.register_tool('listed_whole', 'token-of-whole');
SELECT tool_name, endpoint, table_name, sensitive, token_kind, fields, description, created_at <= now() AS created
  FROM projectalpha.tool_directory WHERE tool_name ~ '^listed' ORDER BY tool_name;
-- The table is there.
SELECT ('projectalpha_data.' || table_name)::regclass FROM projectalpha.tool_directory WHERE tool_name = 'listed';

-- The document: its URLs, what each answers, the fields in their order.
SELECT path, method, string_agg(status, ' ' ORDER BY status COLLATE "C") AS answers, (operation->'security')::text AS security
  FROM json_each(projectalpha.tool_document('listed')->'paths') AS p (path, operations), json_each(operations) AS o (method, operation)
     , json_object_keys(operation->'responses') AS status
 GROUP BY 1, 2, 4 ORDER BY 1, 2;
SELECT path, method, string_agg(status, ' ' ORDER BY status COLLATE "C") AS answers, (operation->'security')::text AS security
  FROM json_each(projectalpha.tool_document('listed_secret')->'paths') AS p (path, operations), json_each(operations) AS o (method, operation)
     , json_object_keys(operation->'responses') AS status
 GROUP BY 1, 2, 4 ORDER BY 1, 2;
SELECT d->'openapi' AS openapi, d#>'{info}' AS info, d#>'{servers}' AS servers FROM projectalpha.tool_document('listed') AS d;
SELECT jsonb_pretty((d#>'{components,schemas,NewRecord}')::jsonb) FROM projectalpha.tool_document('listed') AS d;
SELECT d#>'{components,schemas,Record,required}' AS required, d#>'{components,schemas,Record,example}' AS example FROM projectalpha.tool_document('listed') AS d;
SELECT d#>'{components,schemas,NewRecord}' AS new, d#>'{components,schemas,Record,example}' AS example FROM projectalpha.tool_document('listed_whole') AS d;
-- An example can be stored as it is.
SELECT projectalpha.store_record('listed', 'token-of-listed', (d#>'{paths,/tools/listed,post,requestBody,content,application/json,example}')::jsonb)
  FROM projectalpha.tool_document('listed') AS d;

-- Where the service is.
SELECT projectalpha.tool_document('listed', 'https://storage.example.org/v1/')->'servers' AS servers;
SELECT projectalpha.tool_document('listed', base_url => '/tools');
SELECT projectalpha.tool_document('listed', 'https://{host}');
SELECT projectalpha.tool_document('listed', '');
SELECT projectalpha.tool_document('no_such_tool');
SELECT projectalpha.tool_document('x'' OR true --');
SELECT projectalpha.tool_document(NULL);
-- A document is of the registration: it needs no table.
ALTER TABLE projectalpha_data.tool_listed_whole RENAME TO away;
SELECT projectalpha.tool_document('listed_whole')->'info' AS info;
ALTER TABLE projectalpha_data.away RENAME TO tool_listed_whole;

-- No token in any of it. (None must appear.)
SELECT v.line AS shows_a_token
  FROM (SELECT d::text FROM projectalpha.tool_directory AS d UNION ALL SELECT projectalpha.tool_document(tool_name)::text FROM projectalpha.tool_directory) AS v (line)
     , unnest(ARRAY['token-of-', encode(sha256('token-of-listed'), 'hex')]) AS secret
 WHERE v.line ~ secret;

-- Readers and administrators see it; nobody writes through it.
SET ROLE projectalpha_reader;
SELECT count(*) FROM projectalpha.tool_directory WHERE tool_name ~ '^listed';
SELECT projectalpha.tool_document('listed_secret')->'info' AS info;
SET ROLE projectalpha_admin;
SELECT count(*) FROM projectalpha.tool_directory WHERE tool_name ~ '^listed';
SELECT projectalpha.tool_document('listed_secret')->'info' AS info;
UPDATE projectalpha.tool_directory SET sensitive = false;
DELETE FROM projectalpha.tool_directory;
SET ROLE projectalpha_anon;
SELECT count(*) FROM projectalpha.tool_directory;
SELECT projectalpha.tool_document('listed');

-- The endpoints, as PostgREST calls them.
SELECT set_config('request.headers', '{"x-uri": "/tools?after=listed&limit=1"}', false) \gset ignore_
BEGIN;
SELECT convert_from(projectalpha_http.list_tools(''), 'UTF8') AS body;
SELECT current_setting('response.headers') AS headers;
ROLLBACK;
SELECT set_config('request.headers', '{"x-uri": "/tools?after=listed&limit=1", "token": "token-of-secret"}', false) \gset ignore_
SELECT regexp_replace(convert_from(projectalpha_http.list_tools(''), 'UTF8'), '20\d\d-[0-9T:.-]+', 'TIME') AS body;
-- A document is read without a transaction id.
SELECT set_config('request.headers', '{"x-uri": "/tools/listed_secret/openapi.json", "token": "token-of-secret"}', false) \gset ignore_
BEGIN READ ONLY;
SELECT convert_from(projectalpha_http.tool_document(''), 'UTF8')::json->'info' AS info;
SELECT pg_current_xact_id_if_assigned() AS xid;
ROLLBACK;
SELECT set_config('request.headers', '{"x-uri": "/tools/listed_secret/openapi.json", "token": "token-of-listed"}', false) \gset ignore_
SELECT convert_from(projectalpha_http.tool_document(''), 'UTF8') AS body;
RESET ROLE;

-- Under a path with objects of others.
CREATE SCHEMA directory_trap;
CREATE FUNCTION directory_trap.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
CREATE OPERATOR directory_trap.> (LEFTARG = text, RIGHTARG = text, FUNCTION = directory_trap.trap);
CREATE OPERATOR directory_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = directory_trap.trap);
CREATE FUNCTION directory_trap.count() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
SET search_path = directory_trap, pg_catalog, public;
SELECT projectalpha.tool_document('listed')->'info' AS info;
SELECT set_config('request.headers', '{"x-uri": "/tools?after=listed_w", "token": "token-of-secret"}', false) \gset ignore_
SELECT convert_from(projectalpha_http.list_tools(''), 'UTF8') LIKE '[{"tool_name":"listed_whole",%' AS body;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA directory_trap CASCADE;
RESET client_min_messages;
RESET request.headers;
SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.tool_directory WHERE tool_name ~ '^listed';

-- Configured tools, whichever table they are in (spec 000, step 5); a sensitive one is described to who has its token.
SELECT table_name FROM projectalpha.configure_tool('metrics');
SELECT table_name FROM projectalpha.configure_tool('reports', sensitive => true, token => 'token-of-reports');
SELECT table_name FROM projectalpha.configure_tool('analytics', use_individual_table => true);
SELECT projectalpha.store_configured('analytics', '{"n": 1}') IS NOT NULL AS stored;
SELECT table_name FROM projectalpha.register_tool('fielded', 'token-of-fielded', '[{"name": "n", "type": "int"}]');
SELECT tool_name, endpoint, table_name, sensitive, token_kind, fields FROM projectalpha.tool_directory ORDER BY tool_name COLLATE "C";
SELECT set_config('request.headers', '{"x-uri": "/tools?limit=100"}', false) IS NOT NULL AS asked;
SELECT d->>'tool_name' AS tool_name, d->>'endpoint' AS endpoint, d ? 'fields' AS open
  FROM jsonb_array_elements(convert_from(projectalpha_http.list_tools(''), 'UTF8')::jsonb) AS d;
SELECT set_config('request.headers', '{"x-uri": "/tools?limit=100", "token": "token-of-reports"}', false) IS NOT NULL AS asked;
SELECT d->>'tool_name' AS tool_name, d ? 'fields' AS open
  FROM jsonb_array_elements(convert_from(projectalpha_http.list_tools(''), 'UTF8')::jsonb) AS d;
SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.registered_tools;
SELECT projectalpha.unconfigure_tool(tool_name) FROM projectalpha.configured_tools;
