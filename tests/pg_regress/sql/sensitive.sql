-- Sensitive tools: reading needs a token too.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('secret', 'token-of-secret', '[{"name": "n", "type": "int"}]', sensitive => true);
SELECT table_name FROM projectalpha.register_tool('open', 'token-of-open', '[{"name": "n", "type": "int"}]');
SELECT tool_name, sensitive FROM projectalpha.registered_tools WHERE tool_name IN ('secret', 'open') ORDER BY tool_name;
SELECT projectalpha.store_record('secret', 'token-of-secret', '{"n": 1}');
SELECT projectalpha.store_record('open', 'token-of-open', '{"n": 2}');
SELECT projectalpha.set_admin_token('admin-of-sensitive') = 'admin-of-sensitive' AS set;
SELECT projectalpha.add_common_token('common-of-sensitive') = 'common-of-sensitive' AS added;

-- With the tool's own token; with nothing else, not even as a superuser: the table is there for those.
SELECT r->'n' AS n FROM projectalpha.list_records('secret', token => 'token-of-secret') AS r;
SELECT projectalpha.list_records('secret');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.list_records('secret', token => NULL);
SELECT projectalpha.list_records('secret', token => '');
SELECT projectalpha.list_records('secret', token => 'token-of-open');
SELECT projectalpha.list_records('secret', token => 'admin-of-sensitive');
SELECT projectalpha.list_records('secret', token => 'common-of-sensitive');
SELECT projectalpha.list_records('secret', token => 'TOKEN-OF-SECRET');
SELECT projectalpha.list_records('secret', token => 'token-of-secret ');
-- Even to learn that there is nothing on the page.
SELECT projectalpha.list_records('secret', row_limit => 0);
SELECT projectalpha.list_records('secret', row_offset => 1000);

-- A tool that is not sensitive does not look at the token.
SELECT r->'n' AS n FROM projectalpha.list_records('open') AS r;
SELECT r->'n' AS n FROM projectalpha.list_records('open', token => 'wrong-token') AS r;

-- Made sensitive by a DBA, and open again: at once, in a session that has just used it.
UPDATE projectalpha.tools SET sensitive = true WHERE tool_name = 'open';
SELECT r->'n' AS n FROM projectalpha.list_records('open') AS r;
SELECT r->'n' AS n FROM projectalpha.list_records('open', token => 'token-of-open') AS r;
UPDATE projectalpha.tools SET sensitive = false WHERE tool_name IN ('open', 'secret');
SELECT r->'n' AS n FROM projectalpha.list_records('open') AS r;
SELECT r->'n' AS n FROM projectalpha.list_records('secret') AS r;
UPDATE projectalpha.tools SET sensitive = true WHERE tool_name = 'secret';

-- A token that may only write, or only read, as a DBA can make it.
UPDATE projectalpha.credentials SET scopes = '{write}' WHERE tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = 'secret');
SELECT projectalpha.list_records('secret', token => 'token-of-secret');
SELECT projectalpha.store_record('secret', 'token-of-secret', '{"n": 3}');
UPDATE projectalpha.credentials SET scopes = '{read}' WHERE tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = 'secret');
SELECT r->'n' AS n FROM projectalpha.list_records('secret', token => 'token-of-secret') AS r;
SELECT projectalpha.store_record('secret', 'token-of-secret', '{"n": 4}');

-- NULL is no "no": refused or taken for "yes", but never public.
DO $$
BEGIN
    PERFORM projectalpha.register_tool('unsaid', 'token-of-unsaid', sensitive => NULL);
EXCEPTION WHEN null_value_not_allowed THEN
    NULL;
END
$$;
SELECT tool_name AS wrongly_public FROM projectalpha.tools WHERE tool_name = 'unsaid' AND NOT sensitive;

SELECT count(projectalpha.delete_tool(tool_name)) > 0 AS cleaned FROM projectalpha.registered_tools WHERE tool_name IN ('secret', 'open', 'unsaid');
SELECT projectalpha.revoke_token('admin-of-sensitive'), projectalpha.revoke_token('common-of-sensitive');
