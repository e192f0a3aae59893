-- search_tools and GET /tools?q=: what is found, in which order, and what is shown to whom.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE TABLE pg_temp.described (name text, description text, sensitive boolean, info jsonb);
INSERT INTO pg_temp.described VALUES
    ('survey_bot', 'Collects reports from users.', false, '{"tags": ["feedback", "nlp/text"], "category": "people", "version": "1.0.0"}'),
    ('survey_archive', 'Old answers; input/output as before', false, '{"tags": ["feedback", "old"], "category": "people"}'),
    ('weather', 'Forecasts for cities: größere Städte', false, '{"tags": ["api"], "category": "data"}'),
    ('report_maker', NULL, false, '{}'),
    ('payroll', 'Salaries of the board', true, '{"tags": ["money", "feedback"], "category": "people", "version": "2.0.0"}');
SELECT table_name FROM pg_temp.described, projectalpha.register_tool(name, 'token-of-' || name, description => described.description, sensitive => described.sensitive);
SELECT count(projectalpha.update_tool_info(name, info)) FROM pg_temp.described;
RESET client_min_messages;
CREATE FUNCTION pg_temp.found(query text) RETURNS text LANGUAGE sql AS
$$SELECT string_agg(tool_name, ' ' ORDER BY ordinality) FROM projectalpha.search_tools(query) WITH ORDINALITY$$;

-- By words of names, descriptions and tags: as they are and as English has them; names weigh most.
SELECT q AS query, pg_temp.found(q) AS tools
  FROM unnest(ARRAY['survey', 'SURVEY', 'survey_bot', 'survey-bot', 'bot survey', 'report', 'reports', 'reporting', 'surv', 'surv ', 'bot surv'
                  , 'the users', 'users of the', 'the', 'nlp', 'nlp text', 'text/nlp', 'input', 'output', 'feedback -old', 'feedback -olds', '-feedback weather'
                  , '"old answers"', '"answers old"', 'weather or payroll', 'weather or', 'größere', 'GRÖSSERE', 'stä', 'salaries', 'bo', 'nothing']) AS q;
-- Any text is a query.
SELECT left(q, 20) AS query, pg_temp.found(q) AS tools
  FROM unnest(ARRAY['!!!', '( & | !', 'a:*', ''':*', '''', '\', '"', '""', '-', '--', '- survey', '-"survey', 'or', 'or or', '& survey', 'survey & | bot'
                  , '<->', ':ABCD', E'survey\nbot', E'\x01', '؟', repeat('x ', 2000), repeat('"', 600)]) AS q;
SELECT array_agg(tool_name) FROM projectalpha.search_tools('');
SELECT array_agg(tool_name) FROM projectalpha.search_tools('  ');
SELECT * FROM projectalpha.search_tools();
-- The rank says which word was where.
SELECT tool_name, rank > 0 AS ranked, rank > lead(rank) OVER () AS better FROM projectalpha.search_tools('report');

-- Tags, all of them; category; active or not; pages.
SELECT tool_name FROM projectalpha.search_tools(tags => '{feedback}');
SELECT tool_name FROM projectalpha.search_tools(tags => '{feedback,old}');
SELECT tool_name FROM projectalpha.search_tools('survey', '{nlp/text}', 'people');
SELECT tool_name FROM projectalpha.search_tools(category => 'data');
SELECT tool_name FROM projectalpha.search_tools(tags => '{}', category => 'none');
SELECT projectalpha.deactivate_tool('survey_archive');
SELECT tool_name, is_active FROM projectalpha.search_tools('survey');
SELECT tool_name, is_active FROM projectalpha.search_tools('survey', active => false);
SELECT tool_name, is_active FROM projectalpha.search_tools('survey', active => NULL);
SELECT tool_name FROM projectalpha.search_tools(row_limit => 2);
SELECT tool_name FROM projectalpha.search_tools(row_limit => 2, row_offset => 2);
SELECT tool_name FROM projectalpha.search_tools(row_limit => 0);
SELECT tool_name FROM projectalpha.search_tools(row_limit => -1);
SELECT tool_name FROM projectalpha.search_tools(row_offset => -1);
SELECT projectalpha.activate_tool('survey_archive');

-- What changes is found as it is then.
SELECT projectalpha.alter_tool('weather', '{"options": {"description": "Sunshine"}}') AS version;
SELECT pg_temp.found('sunshine') AS new, pg_temp.found('cities') AS old;
SELECT projectalpha.update_tool_info('weather', '{"tags": ["rain"]}');
SELECT pg_temp.found('rain') AS new, pg_temp.found('api') AS old;
UPDATE projectalpha.tools SET tool_name = 'climate' WHERE tool_name = 'weather';
SELECT pg_temp.found('climate') AS new, pg_temp.found('weather') AS old;
UPDATE projectalpha.tools SET tool_name = 'weather' WHERE tool_name = 'climate';
SELECT pg_temp.found('weather sunshine rain');
-- A long text, a long word.
SELECT projectalpha.alter_tool('weather', jsonb_build_object('options', jsonb_build_object('description', repeat('x', 5000) || ' ' || repeat('many words ', 100000)))) AS version;
SELECT pg_temp.found('many words');
SELECT projectalpha.alter_tool('weather', '{"options": {"description": null}}') AS version;

-- To everybody but administrators and readers a sensitive tool is its name: nothing else of it is shown, or found.
SET ROLE projectalpha_anon;
SELECT tool_name, description, category, tags, version, is_active FROM projectalpha.search_tools('pay');
SELECT tool_name FROM projectalpha.search_tools('salaries');
SELECT tool_name FROM projectalpha.search_tools('payroll -salaries');
SELECT tool_name FROM projectalpha.search_tools('payroll board');
SELECT tool_name FROM projectalpha.search_tools('feedback');
SELECT tool_name FROM projectalpha.search_tools(tags => '{money}');
SELECT tool_name FROM projectalpha.search_tools(category => 'people');
SELECT count(*) FROM projectalpha.search_tools();
SELECT tool_name, description, tags FROM projectalpha.search_tools('survey', row_limit => 1);
SET ROLE projectalpha_reader;
SELECT tool_name, description, category, tags, version FROM projectalpha.search_tools('salaries');
SET ROLE projectalpha_admin;
SELECT tool_name FROM projectalpha.search_tools(tags => '{money}');
RESET ROLE;

-- It only reads, and has no transaction id.
BEGIN READ ONLY;
SELECT tool_name FROM projectalpha.search_tools('survey', '{old}');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
ROLLBACK;

-- The endpoint, as PostgREST calls it.
SET ROLE projectalpha_anon;
CREATE FUNCTION pg_temp.tools(uri text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', (jsonb_build_object('x-uri', uri) || more)::text, true);
    RETURN regexp_replace(convert_from(projectalpha_http.list_tools(''), 'UTF8'), '20\d\d-[0-9T:.-]+', 'TIME', 'g')
        || coalesce(' ' || substring(current_setting('response.headers', true) FROM '<.*>'), '');
END $$;
SELECT pg_temp.tools('/tools?q=survey&tag=old');
SELECT pg_temp.tools('/tools?q=survey&limit=1');
SELECT pg_temp.tools('/tools?q=survey&limit=1&offset=1&category=people');
SELECT pg_temp.tools('/tools?tag=feedback&tag=nlp%2Ftext&limit=1');
SELECT pg_temp.tools('/tools?q=salaries');
SELECT pg_temp.tools('/tools?q=salaries', '{"token": "token-of-payroll"}');
SELECT pg_temp.tools('/tools?q=salaries', '{"token": "token-of-weather"}');
SELECT pg_temp.tools('/tools?q=payroll');
SELECT pg_temp.tools('/tools?q=payroll', '{"admin-token": "wrong"}');
SELECT pg_temp.tools('/tools?q=%00&tag=%00&category=%00');
SELECT pg_temp.tools('/tools?q=x&offset=-1');
SELECT pg_temp.tools('/tools?q=&limit=1');
RESET ROLE;

SET client_min_messages = warning;
SELECT count(projectalpha.delete_tool(tool_name)) FROM projectalpha.registered_tools;
