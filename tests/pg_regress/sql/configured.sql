-- Tools that begin in the common table (spec 000): configuration, tokens, posts and lists.
\set VERBOSITY default
SET client_min_messages = warning;
DROP TABLE IF EXISTS projectalpha_data.multiple_tools;
-- The three of the spec.
SELECT tool_name, endpoint, table_name, token ~ '^pas_tool_[0-9a-f]{64}$' AS generated
  FROM projectalpha.configure_tool('analytics', sensitive => true, use_individual_table => true);
SELECT * FROM projectalpha.configure_tool('reports', sensitive => true, use_individual_table => true, token => 'token-of-reports');
SELECT * FROM projectalpha.configure_tool('metrics');
SELECT * FROM projectalpha.configure_tool('diary', sensitive => true, token => 'token-of-diary');
SELECT * FROM projectalpha.configure_tool('open', use_individual_table => true);
SELECT tool_name, endpoint, table_name, sensitive, regexp_replace(token_hint, '[0-9a-f]{4}$', '....') AS token_hint, promoting
  FROM projectalpha.configured_tools ORDER BY 1;
-- Nothing is made or registered before the first post.
SELECT to_regclass('projectalpha_data.tool_reports') IS NULL AS no_table;
SELECT count(*) FROM projectalpha.registered_tools;

-- What is refused.
SELECT projectalpha.configure_tool('Bad');
SELECT projectalpha.configure_tool('x"; DROP TABLE projectalpha.tools; --');
\set VERBOSITY terse
SELECT projectalpha.configure_tool(NULL);
SELECT projectalpha.configure_tool('x', NULL);
SELECT projectalpha.configure_tool('x', true, NULL);
SELECT projectalpha.configure_tool('x', true, false, 'short');
SELECT projectalpha.configure_tool('x', true, false, ' padded-token ');
SELECT projectalpha.configure_tool('x', true, false, 'token-of-diary');
SET ROLE projectalpha_anon;
SELECT projectalpha.configure_tool('x');
SELECT projectalpha.configure_tool('x', admin_token => 'token-of-reports');
SELECT projectalpha.unconfigure_tool('metrics');
SELECT projectalpha.unconfigure_tool('metrics', 'token-of-reports');
RESET ROLE;
SELECT count(*) FROM projectalpha.configured_tools WHERE tool_name = 'x';
-- The name is taken for register_tool.
\set VERBOSITY default
SELECT projectalpha.register_tool('reports', 'another-token');
\set VERBOSITY terse
SELECT projectalpha.register_tool('metrics', 'another-token');
SELECT projectalpha.delete_tool('metrics');

-- Posts. A sensitive tool needs its own token, and no other will do.
SELECT projectalpha.set_admin_token('admin-of-configured') IS NOT NULL AS set, projectalpha.add_common_token('common-of-configured') IS NOT NULL AS added;
SET ROLE projectalpha_anon;
SELECT table_name FROM projectalpha.configure_tool('by_token', admin_token => 'admin-of-configured');
SELECT projectalpha.unconfigure_tool('by_token', 'admin-of-configured');
CREATE FUNCTION pg_temp.post(tool text, token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN projectalpha.store_configured(tool, jsonb_build_object('t', token), token)::text;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION pg_temp.list(tool text, token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(r->'data'->'t')::text, 'empty') FROM projectalpha.list_configured(tool, token => list.token) AS r);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT tool, token, pg_temp.post(tool, token) AS post, pg_temp.list(tool, token) AS list
  FROM unnest(ARRAY['metrics', 'open', 'diary', 'reports']) AS tool
     , unnest(ARRAY[NULL, '', 'wrong-token', 'token-of-diary', 'token-of-reports', 'common-of-configured', 'admin-of-configured']) AS token;
RESET ROLE;
-- Membership in projectalpha_admin is no token of a tool either.
SELECT pg_temp.post('diary', NULL), pg_temp.post('reports', NULL);
-- Its table came with the first post; each tool is where it belongs.
\d projectalpha_data.tool_reports
SELECT id, data FROM projectalpha_data.tool_reports ORDER BY id;
SELECT tool_name, data, sensitive FROM projectalpha_data.multiple_tools ORDER BY id;
SELECT tool_name, schema_definition, table_name, sensitive, token_hint FROM projectalpha.registered_tools ORDER BY 1;
SELECT table_name FROM projectalpha.configured_tools WHERE tool_name = 'reports';
-- The calls of spec 001 know it from then on, and want its token.
SELECT projectalpha.store_record('reports', 'token-of-reports', '{"t": 2}');
SELECT projectalpha.store_record('open', NULL, '{"t": 2}');
SELECT r->'data' AS data FROM projectalpha.list_records('open', 1) AS r;
SELECT projectalpha.store_record('diary', 'token-of-diary', '{"t": 2}');

-- In the common table a tool's token is good for its own rows, and for no others.
SET ROLE projectalpha_anon;
SELECT projectalpha.store_common('diary', '{"t": "common"}', true, 'token-of-diary') IS NOT NULL AS stored;
SELECT projectalpha.store_common('metrics', '{"t": "common"}', true, 'token-of-diary');
SELECT projectalpha.store_common('metrics', '{"t": "hidden"}', true, 'common-of-configured') IS NOT NULL AS stored;
SELECT count(*) FROM projectalpha.list_common('diary', token => 'token-of-diary');
SELECT count(*) FROM projectalpha.list_common('diary', token => 'token-of-reports');
SELECT count(*) FROM projectalpha.list_common('metrics', token => 'token-of-diary');
SELECT count(*) FROM projectalpha.list_common('tool:diary', token => 'token-of-diary');
SELECT pg_temp.list('metrics', NULL), pg_temp.list('metrics', 'common-of-configured');
SELECT * FROM projectalpha.set_admin_token('x');
SELECT projectalpha.register_tool('no', admin_token => 'token-of-diary');
RESET ROLE;

-- Bad posts and pages. A post that fails leaves no table behind.
SELECT projectalpha.store_configured('analytics', '{}', 'wrong-token');
SELECT table_name FROM projectalpha.configure_tool('bad', use_individual_table => true);
SELECT projectalpha.store_configured('bad', '[1]');
SELECT projectalpha.store_configured('bad', '5');
SELECT projectalpha.store_configured('bad', NULL);
SELECT to_regclass('projectalpha_data.tool_bad') IS NULL AS no_table;
SELECT projectalpha.store_configured('metrics', '"text"');
SELECT projectalpha.store_configured('metrics', NULL);
SELECT projectalpha.store_configured(NULL, '{}');
\set VERBOSITY default
SELECT projectalpha.store_configured('unknown', '{}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.store_configured('Un known''', '{}');
SELECT * FROM projectalpha.list_configured('unknown');
SELECT * FROM projectalpha.list_configured(NULL);
SELECT * FROM projectalpha.list_configured('metrics', -1);
SELECT * FROM projectalpha.list_configured('metrics', 1, -1);
SELECT count(*) FROM projectalpha.list_configured('open', 2) AS o, projectalpha.list_configured('metrics', 2, 1) AS m;
-- A table that is not ours where the tool's should be.
CREATE TABLE projectalpha_data.tool_bad ();
SELECT projectalpha.store_configured('bad', '{}');
SELECT count(*) FROM projectalpha.list_configured('bad');
DROP TABLE projectalpha_data.tool_bad;
SELECT projectalpha.store_configured('bad', '{}');

-- Lists take no transaction id.
BEGIN READ ONLY;
SELECT count(*) > 0 AS listed FROM projectalpha.list_configured('metrics');
SELECT count(*) FROM projectalpha.list_configured('reports', token => 'token-of-reports');
SELECT pg_current_xact_id_if_assigned() IS NULL AS none;
COMMIT;

-- Again: a new token takes the place of the old one; without one the old one stays.
SELECT token FROM projectalpha.configure_tool('diary', true);
SELECT pg_temp.list('diary', 'token-of-diary') ~ 'common' AS listed;
SELECT token FROM projectalpha.configure_tool('diary', true, token => 'second-of-diary');
SELECT pg_temp.list('diary', 'token-of-diary'), pg_temp.list('diary', 'second-of-diary') ~ 'common' AS listed;
SELECT token FROM projectalpha.configure_tool('reports', true, true, 'second-of-reports');
SELECT pg_temp.list('reports', 'token-of-reports'), pg_temp.list('reports', 'second-of-reports') LIKE '%token-of-reports%' AS listed;
-- Public, and sensitive again.
SELECT token FROM projectalpha.configure_tool('reports', false, true);
SELECT pg_temp.list('reports', NULL) LIKE '%token-of-reports%' AS listed, sensitive FROM projectalpha.registered_tools WHERE tool_name = 'reports';
SELECT token FROM projectalpha.configure_tool('reports', true, true);
SELECT pg_temp.list('reports', NULL), pg_temp.list('reports', 'second-of-reports') LIKE '%token-of-reports%' AS listed;
-- Revoked: nobody gets in until there is a new one.
SELECT projectalpha.revoke_token('second-of-diary');
SELECT pg_temp.list('diary', 'second-of-diary');
SELECT token IS NOT NULL AS generated FROM projectalpha.configure_tool('diary', true);
-- A tool with a table does not go back; a registered one can be configured, and keeps its token.
\set VERBOSITY default
SELECT projectalpha.configure_tool('reports', true);
\set VERBOSITY terse
SELECT table_name FROM projectalpha.register_tool('survey', 'token-of-survey', '[{"name": "n", "type": "int"}]');
SELECT projectalpha.store_configured('survey', '{"n": 1}');
SELECT projectalpha.configure_tool('survey');
SELECT table_name, token FROM projectalpha.configure_tool('survey', use_individual_table => true);
SELECT projectalpha.store_configured('survey', '{"n": 1}');
SELECT projectalpha.store_configured('survey', '{"n": "one"}');
SELECT r->'n' AS n FROM projectalpha.list_configured('survey') AS r;
SELECT token FROM projectalpha.configure_tool('survey', true, true, 'second-of-survey');
SELECT projectalpha.store_configured('survey', '{"n": 2}');
SELECT projectalpha.store_configured('survey', '{"n": 2}', 'token-of-survey');
SELECT projectalpha.store_configured('survey', '{"n": 3}', 'second-of-survey');

-- Unconfigured: records and registered tools stay, the token of one that was not registered goes.
SELECT projectalpha.unconfigure_tool('survey');
SELECT projectalpha.store_configured('survey', '{"n": 4}', 'token-of-survey');
SELECT projectalpha.store_record('survey', 'second-of-survey', '{"n": 4}');
SELECT token FROM projectalpha.configure_tool('diary', true, token => 'third-of-diary');
SELECT projectalpha.unconfigure_tool('diary');
SELECT projectalpha.unconfigure_tool('diary');
SELECT projectalpha.unconfigure_tool(NULL);
SELECT count(*) > 0 AS rows FROM projectalpha_data.multiple_tools WHERE tool_name = 'diary';
SELECT projectalpha.store_common('diary', '{}', true, 'third-of-diary') IS NOT NULL AS by_an_administrator;
SET ROLE projectalpha_anon;
SELECT projectalpha.store_common('diary', '{}', true, 'third-of-diary');
RESET ROLE;
SELECT table_name FROM projectalpha.register_tool('diary', 'fourth-of-diary');
-- Deleted: with its configuration, so that no post brings it back.
SELECT projectalpha.delete_tool('open');
SELECT projectalpha.store_configured('open', '{}');
SELECT to_regclass('projectalpha_data.tool_open') IS NULL AS no_table;

-- Over HTTP.
CREATE FUNCTION pg_temp.http(method text, uri text, body text DEFAULT '', token text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    PERFORM set_config('response.status', '', true);
    PERFORM set_config('request.headers', json_strip_nulls(json_build_object('x-uri', uri, 'token', token))::text, true);
    IF method = 'GET' THEN
        answer := convert_from(projectalpha_http.list_configured(convert_to(body, 'UTF8')), 'UTF8');
    ELSE
        answer := convert_from(projectalpha_http.store_configured(convert_to(body, 'UTF8')), 'UTF8');
    END IF;
    RETURN coalesce(nullif(current_setting('response.status'), ''), '200') || ' '
           || regexp_replace(answer, '"created_at":"[0-9T:.-]+"', '"created_at":"..."', 'g');
END $$;
SELECT table_name FROM projectalpha.configure_tool('web');
SELECT table_name FROM projectalpha.configure_tool('web_own', sensitive => true, use_individual_table => true, token => 'token-of-web');
SET ROLE projectalpha_anon;
SELECT pg_temp.http('POST', '/tool-web', '{"cpu": 1}');
SELECT pg_temp.http('POST', '/tool-w%65b?x=1', '{"cpu": 2}', 'any-token');
SELECT pg_temp.http('POST', '/tool-web', '[]'), pg_temp.http('POST', '/tool-web', ''), pg_temp.http('POST', '/tool-web', '{no');
SELECT pg_temp.http('POST', '/tool-nothing', '{}'), pg_temp.http('POST', '/tool-', '{}'), pg_temp.http('POST', '/tools/web', '{}'), pg_temp.http('POST', '', '{}');
SELECT pg_temp.http('GET', '/tool-nothing'), pg_temp.http('GET', '/tool-web%27%3B--');
BEGIN;
SELECT regexp_replace(pg_temp.http('GET', '/tool-web?limit=1'), '"id":\d+', '"id":...');
SELECT current_setting('response.headers') ~ '</tool-web\?limit=1&after_id=\d+>; rel=' AS link_to_the_next_page;
COMMIT;
SELECT pg_temp.http('GET', '/tool-web?limit=x&offset=-1');
SELECT pg_temp.http('GET', '/tool-web_own'), pg_temp.http('GET', '/tool-web_own', '', 'token-of-web');
SELECT pg_temp.http('POST', '/tool-web_own', '{"s": 1}'), pg_temp.http('POST', '/tool-web_own', '{"s": 1}', ''), pg_temp.http('POST', '/tool-web_own', '{"s": 1}', 'wrong-token');
SELECT pg_temp.http('POST', '/tool-web_own', '{"s": 1}', 'token-of-web'), pg_temp.http('POST', '/tool-web_own', '{"s": 2}', 'token-of-web');
SELECT pg_temp.http('GET', '/tool-web_own?offset=1', '', 'token-of-web'), pg_temp.http('GET', '/tool-web_own?after_id=2', '', 'token-of-web');
RESET ROLE;

SELECT count(projectalpha.delete_tool(tool_name)) FROM projectalpha.registered_tools;
SELECT count(projectalpha.unconfigure_tool(tool_name)) FROM projectalpha.configured_tools;
SELECT projectalpha.revoke_token('admin-of-configured'), projectalpha.revoke_token('common-of-configured');
SELECT count(*) FROM projectalpha.active_tokens;
DROP TABLE projectalpha_data.multiple_tools;
