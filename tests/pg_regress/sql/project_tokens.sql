-- Tokens of projects: issuing and revoking them, and every function x every token that is not the right one.
\set VERBOSITY default
SET client_min_messages = warning;
SELECT last_value AS projects, is_called AS called FROM projectalpha.projects_id_seq \gset
SELECT setval('projectalpha.projects_id_seq', 900), setval('projectalpha.object_models_id_seq', 90), setval('projectalpha.prompts_id_seq', 50);
SELECT projectalpha.create_project('One') AS one, projectalpha.create_project('Two') AS two, projectalpha.create_object_model('m', '1', '{}') AS model, projectalpha.create_prompt('p', 'Hello {{name}}.') AS prompt \gset
CREATE ROLE regress_app IN ROLE projectalpha_anon;
CREATE ROLE regress_reader IN ROLE projectalpha_reader;
CREATE ROLE regress_admin IN ROLE projectalpha_admin;

SELECT projectalpha.issue_project_token(:one) AS both
     , projectalpha.issue_project_token(:one, '{read}') AS "read", projectalpha.issue_project_token(:one, scopes => '{write,write}') AS "write"
     , projectalpha.issue_project_token(:two) AS "foreign"
     , projectalpha.issue_project_token(:one) AS revoked
     , projectalpha.issue_project_token(:one, expires => clock_timestamp() + interval '1 day') AS expired \gset
SELECT :'both' ~ '^pas_project_[0-9a-f]{64}$' AS generated;
SELECT project_id, tool_name, scopes, hint ~ '^pas_project_…[0-9a-f]{4}$' AS hint, expires_at IS NOT NULL AS expires
  FROM projectalpha.active_tokens WHERE project_id IS NOT NULL ORDER BY token_id;
SELECT projectalpha.revoke_token(:'revoked');
UPDATE projectalpha.credentials SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL AND project_id = :one;
SELECT count(*) AS live FROM projectalpha.active_tokens WHERE project_id IS NOT NULL;

-- Which tokens there are not.
SELECT projectalpha.issue_project_token(:one, '{admin}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.issue_project_token(:one, '{read,common}');
SELECT projectalpha.issue_project_token(:one, '{project}');
SELECT projectalpha.issue_project_token(:one, '{}');
SELECT projectalpha.issue_project_token(:one, '{read,NULL}');
SELECT projectalpha.issue_project_token(:one, NULL);
SELECT projectalpha.issue_project_token(:one, expires => now() - interval '1 s');
SELECT projectalpha.issue_project_token(:one, expires => '-infinity');
SELECT projectalpha.issue_project_token(:one, expires => 'infinity') ~ '^pas_project' AS never_expires;
SELECT projectalpha.issue_project_token(999);
SELECT projectalpha.issue_project_token(-1);
SELECT projectalpha.issue_project_token(NULL);
SET ROLE regress_app;
SELECT projectalpha.issue_project_token(:one);
RESET ROLE;

-- A project token is none of another kind, and no other kind is a project token.
SELECT projectalpha.set_admin_token('admin-token-of-tokens') IS NOT NULL AS set, projectalpha.add_common_token('common-token-of-tokens') IS NOT NULL AS added;
SELECT token IS NOT NULL AS registered FROM projectalpha.register_tool('tool_of_tokens', 'tool-token-of-tokens');
UPDATE projectalpha.credentials SET scopes = '{project,read,write,admin,common}' WHERE project_id = :two;
SET ROLE regress_app;
SELECT projectalpha.delete_tool('tool_of_tokens', :'foreign');
SELECT projectalpha.store_common('x', '{}', true, :'foreign');
SELECT projectalpha.list_common('x', token => :'foreign');
SELECT projectalpha.store_record('tool_of_tokens', :'foreign', '{}');
SELECT projectalpha.rotate_token('tool_of_tokens', current_token => :'foreign');
RESET ROLE;
UPDATE projectalpha.credentials SET scopes = '{project,read,write}' WHERE project_id = :two;

-- Every function with every token. All that is refused is refused in the same words: nobody learns which projects there are.
CREATE TABLE calls AS SELECT * FROM (VALUES
    ('render_prompt',    $$SELECT projectalpha.render_prompt(%1$s, 51, '{"name": "Ann"}', %2$L)$$),
    ('adapt_prompt',     $$SELECT projectalpha.adapt_prompt(%1$s, 51, 'Hi {{name}}.', %2$L)$$),
    ('store_content',    $$SELECT projectalpha.store_content(%1$s, 91, 't', 'b', '{}', %2$L)$$),
    ('set_vocabulary',   $$SELECT projectalpha.set_vocabulary(%1$s, 't', 'd', 'c', %2$L)$$),
    ('set_metadata',     $$SELECT projectalpha.set_metadata(%1$s, 'k', '1', 'd', %2$L)$$),
    ('record_llm_usage', $$SELECT projectalpha.record_llm_usage(%1$s, 51, 'm', 1, 1, 0.1, %2$L)$$)) AS c (name, call);
CREATE TABLE tokens (kind text, project bigint, token text);
INSERT INTO tokens VALUES ('both', :one, :'both'), ('read', :one, :'read'), ('write', :one, :'write'), ('foreign', :one, :'foreign'), ('of the other', :two, :'foreign')
     , ('revoked', :one, :'revoked'), ('expired', :one, :'expired'), ('wrong', :one, 'wrong-token'), ('empty', :one, ''), ('none', :one, NULL)
     , ('upper case', :one, upper(:'both')), ('admin', :one, 'admin-token-of-tokens'), ('common', :one, 'common-token-of-tokens'), ('tool', :one, 'tool-token-of-tokens')
     , ('unknown project', 999, :'both'), ('negative project', -1, :'both'), ('no project', 0, NULL);
GRANT SELECT ON calls, tokens TO PUBLIC;
CREATE FUNCTION say(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; hint text; detail text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), hint);
END $$;
-- Every function that checks tokens of projects is among them: the others of anon have no argument project_id, but for
-- rotate_token, which goes by the token of a tool, and those that go by the API key of an agent.
SELECT p.proname AS not_tried FROM pg_proc AS p
 WHERE p.pronamespace = 'projectalpha'::regnamespace AND has_function_privilege('projectalpha_anon', p.oid, 'EXECUTE')
   AND 'project_id' = ANY (p.proargnames) AND NOT EXISTS (SELECT FROM calls AS c WHERE c.name = p.proname)
   AND p.proname NOT IN ('rotate_token', 'issue_credential', 'list_credentials');
SET ROLE regress_app;
SELECT c.name, string_agg(t.kind, ', ' ORDER BY t.kind COLLATE "C") AS tokens, s.said
  FROM calls AS c CROSS JOIN tokens AS t CROSS JOIN LATERAL say(format(c.call, t.project, t.token)) AS s (said)
 GROUP BY c.name, s.said ORDER BY c.name, s.said;
RESET ROLE;
-- What the two have stored, and nothing more.
SELECT (SELECT count(*) FROM project_901.contents) AS contents, (SELECT count(*) FROM project_901.prompt_components) AS adapted, (SELECT count(*) FROM project_902.contents) AS of_the_other;
SELECT project_id, count(*) FROM projectalpha_data.llm_usage GROUP BY 1 ORDER BY 1;
-- Wrong arguments are not told to those who may not call.
SET ROLE regress_app;
SELECT projectalpha.store_content(:one, NULL, NULL, NULL);
SELECT projectalpha.render_prompt(:one, -1, '[]', :'foreign');
SELECT projectalpha.record_llm_usage(:one, NULL, NULL, -1, NULL, NULL, 'wrong-token');
-- Roles that are neither.
SET ROLE regress_reader;
SELECT projectalpha.render_prompt(:one, :prompt, '{"name": "Ann"}', :'both');
-- An administrator needs none, but cannot make up a project.
SET ROLE regress_admin;
SELECT c.name, string_agg(t.kind, ', ' ORDER BY t.kind COLLATE "C") AS tokens, s.said
  FROM calls AS c CROSS JOIN tokens AS t CROSS JOIN LATERAL say(format(c.call, t.project, t.token)) AS s (said)
 WHERE t.kind IN ('none', 'wrong', 'unknown project') GROUP BY c.name, s.said ORDER BY c.name, s.said;
RESET ROLE;

-- Status of the project: suspended, reading works; archived, nothing does with a token.
SELECT projectalpha.set_project_status(:one, 'suspended');
SET ROLE regress_app;
SELECT c.name, t.kind, s.said FROM calls AS c CROSS JOIN tokens AS t CROSS JOIN LATERAL say(format(c.call, t.project, t.token)) AS s (said)
 WHERE t.kind IN ('both', 'foreign') ORDER BY c.name, t.kind;
SET ROLE regress_admin;
SELECT c.name, s.said FROM calls AS c CROSS JOIN LATERAL say(format(c.call, :one, NULL)) AS s (said) ORDER BY c.name;
RESET ROLE;
SELECT projectalpha.set_project_status(:one, 'archived');
SET ROLE regress_app;
SELECT c.name, t.kind, s.said FROM calls AS c CROSS JOIN tokens AS t CROSS JOIN LATERAL say(format(c.call, t.project, t.token)) AS s (said)
 WHERE t.kind IN ('both', 'foreign') ORDER BY c.name, t.kind;
SET ROLE regress_admin;
SELECT c.name, s.said FROM calls AS c CROSS JOIN LATERAL say(format(c.call, :one, NULL)) AS s (said) ORDER BY c.name;
RESET ROLE;
SELECT projectalpha.set_project_status(:one, 'active');

-- A revocation counts at once, and is undone if it is rolled back; so does an expiry between two calls.
BEGIN;
SELECT say(format('SELECT projectalpha.revoke_token(%L)', :'both'));
SET LOCAL ROLE regress_app;
SELECT projectalpha.render_prompt(:one, :prompt, '{"name": "Ann"}', :'both');
ROLLBACK;
SET ROLE regress_app;
SELECT projectalpha.render_prompt(:one, :prompt, '{"name": "Ann"}', :'both');
RESET ROLE;
SELECT projectalpha.issue_project_token(:one, expires => clock_timestamp() + interval '1 s') AS brief \gset
BEGIN;
SET LOCAL ROLE regress_app;
SELECT projectalpha.render_prompt(:one, :prompt, '{"name": "Ann"}', :'brief');
SELECT pg_sleep(1.1);
SELECT projectalpha.render_prompt(:one, :prompt, '{"name": "Ann"}', :'brief');
ROLLBACK;
-- By its id, too; and with its project.
SELECT projectalpha.revoke_token(token_id => max(token_id)) FROM projectalpha.active_tokens WHERE project_id = :two;
SET ROLE regress_app;
SELECT projectalpha.render_prompt(:two, :prompt, '{"name": "Ann"}', :'foreign');
RESET ROLE;
SELECT projectalpha.drop_project(:one, 'One');
SELECT count(*) FROM projectalpha.credentials WHERE project_id = :one AND revoked_at IS NULL;
SET ROLE regress_app;
SELECT projectalpha.render_prompt(:one, :prompt, '{"name": "Ann"}', :'both');
RESET ROLE;

-- No token is anywhere in what is kept.
SELECT count(*) AS shown FROM projectalpha.credentials AS c, tokens AS t WHERE t.token <> '' AND c::text LIKE '%' || t.token || '%';

SELECT projectalpha.drop_project(:two, 'Two');
SELECT projectalpha.delete_tool('tool_of_tokens');
DELETE FROM projectalpha.credentials;
DELETE FROM projectalpha.prompts;
DELETE FROM projectalpha.object_models;
DROP TABLE projectalpha_data.llm_usage, calls, tokens;
DROP FUNCTION say;
DROP ROLE regress_app, regress_reader, regress_admin;
SELECT setval('projectalpha.projects_id_seq', :projects, :'called') IS NOT NULL AS as_before;
