-- Credentials of agents: issuing, using, listing and revoking them.
\set VERBOSITY default
SET client_min_messages = warning;
SELECT last_value AS agents, is_called AS called FROM projectalpha.agents_id_seq \gset
SELECT setval('projectalpha.agents_id_seq', 600);
CREATE ROLE regress_app IN ROLE projectalpha_anon;
CREATE ROLE regress_admin IN ROLE projectalpha_admin;
SELECT projectalpha.set_admin_token('admin-token-of-credentials') IS NOT NULL AS set;
SELECT agent_id AS ann, api_key AS ann_key FROM projectalpha.create_agent('Ann', roles => '{analyst}', permissions => '{reports:write}') \gset
SELECT agent_id AS bob, api_key AS bob_key FROM projectalpha.create_agent('Bob') \gset
SELECT count(token) AS registered FROM (VALUES ('open_c', false), ('closed_c', true), ('bare_c', true)) AS t (name, sensitive)
 CROSS JOIN LATERAL projectalpha.register_tool(t.name, 'token-of-' || t.name, '[{"name": "n", "type": "int", "unique": true}]', sensitive => t.sensitive);
SELECT count(token) AS registered FROM projectalpha.register_tool('entry_c', 'token-of-entry_c', storage => 'none');
SELECT projectalpha.update_tool_info('closed_c', '{"allowed_scopes": ["read", "write", "delete", "publish", "admin"]}');
SELECT projectalpha.update_tool_info('entry_c', '{"allowed_scopes": ["run"]}');
-- Everything on open_c; on closed_c by role and permission; nothing on bare_c but what is forbidden, and what is switched off.
SELECT count(projectalpha.create_policy(tool, name, effect, actions, conditions, allowed_scopes)) AS policies FROM (VALUES
    ('open_c', 'all', 'allow', '{*}'::text[], '{}'::jsonb, '{read,write,update,delete,admin}'::text[]),
    ('closed_c', 'everybody-reads', 'allow', '{read}', '{}', NULL),
    ('closed_c', 'analysts-write', 'allow', '{write}', '{"roles": ["analyst", "editor"]}', NULL),
    ('closed_c', 'reporters', 'allow', '{delete,publish}', '{"permissions": ["reports:write"]}', '{publish}'),
    ('closed_c', 'editors-administer', 'allow', '{*}', '{"roles": ["editor"], "permissions": ["reports:write"]}', '{admin,delete}'),
    ('bare_c', 'no', 'deny', '{read}', '{}', NULL),
    ('bare_c', 'off', 'allow', '{*}', '{}', NULL),
    ('entry_c', 'all', 'allow', '{*}', '{}', NULL)) AS p (tool, name, effect, actions, conditions, allowed_scopes);
SELECT projectalpha.update_policy('bare_c', 'off', '{"is_active": false}');

-- By an administrator, by whoever has an admin token, by the agent itself.
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read,write,update,delete,read}', '90 days', label => 'laptop') AS "full" \gset
SELECT :'full' ~ '^pas_agent_[0-9a-f]{64}$' AS generated;
SET ROLE regress_app;
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 s', admin_token => 'admin-token-of-credentials') ~ '^pas_agent_' AS with_admin_token;
SELECT projectalpha.issue_credential(:bob, 'closed_c', '{read}', '10 years', api_key => :'bob_key') ~ '^pas_agent_' AS with_own_key;
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 day', api_key => :'bob_key');
\echo :SQLSTATE
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 day');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 day', admin_token => 'admin-token-of-credentials', api_key => 'wrong-key');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 day', api_key => :'full');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 day', admin_token => :'full');
SELECT projectalpha.issue_credential(NULL, 'open_c', '{read}', '1 day', api_key => :'ann_key');
RESET ROLE;
SELECT agent_name, tool_name, project_id, scopes, hint ~ '^pas_(agent|key)_…[0-9a-f]{4}$' AS hint, label, age(expires_at, created_at) AS time, is_live
  FROM projectalpha.list_credentials() ORDER BY credential_id;

-- What is refused of each argument.
\set VERBOSITY default
SELECT projectalpha.issue_credential(9999, 'open_c', '{read}', '1 day');
\echo :SQLSTATE
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '0');
\echo :SQLSTATE
SELECT projectalpha.issue_credential(:ann, 'open_c', '{}', '1 day');
\echo :SQLSTATE
SELECT projectalpha.issue_credential(:ann, 'open_c', '{run}', '1 day');
\echo :SQLSTATE
SELECT projectalpha.issue_credential(:ann, 'closed_c', '{update}', '1 day');
\echo :SQLSTATE
SELECT projectalpha.issue_credential(:ann, 'closed_c', '{delete}', '1 day');
\echo :SQLSTATE
SELECT projectalpha.deactivate_agent(:bob);
SELECT projectalpha.issue_credential(:bob, 'open_c', '{read}', '1 day');
\echo :SQLSTATE
SELECT projectalpha.activate_agent(:bob);
\set VERBOSITY terse
SELECT projectalpha.issue_credential(NULL, 'open_c', '{read}', '1 day');
SELECT projectalpha.issue_credential(:ann, NULL, '{read}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'unknown', '{read}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'No Name', '{read}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', NULL, '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{NULL}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', array_fill('read'::text, '{51}'), '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{agent}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{*}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{Read}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{project}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{common}', '1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', NULL);
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '-1 day');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 month -31 days');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '10 years 1 s');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '178000000 years');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '-178000000 years');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', make_interval(days => 2147483647, hours => 2147483647));
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 day', 9999);
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 day', -1);

-- What policies grant: all that fit the agent count together; those that deny or are off grant nothing. The wild card is no admin.
CREATE FUNCTION try(agent bigint, tool text, scope text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM projectalpha.issue_credential(agent, tool, ARRAY[scope], '1 hour', label => 'try');
    RETURN 'issued';
EXCEPTION WHEN OTHERS THEN
    RETURN concat(SQLSTATE, ' ', SQLERRM);
END $$;
CREATE VIEW tried AS
SELECT t.tool, s.scope, try(a.id, t.tool, s.scope) AS outcome, a.name
  FROM (VALUES ('open_c'), ('closed_c'), ('bare_c'), ('entry_c')) AS t (tool)
 CROSS JOIN unnest(ARRAY['read', 'write', 'update', 'delete', 'admin', 'publish', 'run']) AS s (scope)
 CROSS JOIN projectalpha.agents AS a;
SELECT tool, outcome, string_agg(scope, ' ' ORDER BY scope) FILTER (WHERE name = 'Ann') AS ann, string_agg(scope, ' ' ORDER BY scope) FILTER (WHERE name = 'Bob') AS bob
  FROM tried GROUP BY tool, outcome ORDER BY tool, outcome;
-- They follow the agent as it is now.
SELECT projectalpha.update_agent(:ann, '{"roles": ["editor"]}'), projectalpha.update_agent(:bob, '{"permissions": ["reports:write", "x"]}');
SELECT tool, outcome, string_agg(scope, ' ' ORDER BY scope) FILTER (WHERE name = 'Ann') AS ann, string_agg(scope, ' ' ORDER BY scope) FILTER (WHERE name = 'Bob') AS bob
  FROM tried WHERE tool = 'closed_c' GROUP BY tool, outcome ORDER BY tool, outcome;
SELECT projectalpha.update_agent(:ann, '{"roles": ["analyst"]}'), projectalpha.update_agent(:bob, '{"permissions": []}');
DELETE FROM projectalpha.credentials WHERE label = 'try';

-- What each scope allows, and what it does not.
CREATE TABLE held (kind text, token text);
INSERT INTO held SELECT s, projectalpha.issue_credential(:ann, 'open_c', string_to_array(s, ','), '1 hour')
  FROM unnest(ARRAY['read', 'write', 'update', 'delete', 'write,update', 'admin']) AS s;
INSERT INTO held SELECT 'closed ' || s, projectalpha.issue_credential(:ann, 'closed_c', string_to_array(s, ','), '1 hour') FROM unnest(ARRAY['read', 'write', 'publish']) AS s;
INSERT INTO held VALUES ('none', NULL), ('wrong', 'wrong-token'), ('tool''s own', 'token-of-open_c');
CREATE TABLE calls AS SELECT * FROM (VALUES
    ('1 store_record', $$SELECT 'stored' FROM projectalpha.store_record(%1$L, %2$L, '{}')$$),
    ('1 store_records', $$SELECT 'stored' FROM projectalpha.store_records(%1$L, %2$L, '[{}]')$$),
    ('2 upsert_record', $$SELECT 'upserted' FROM projectalpha.upsert_record(%1$L, %2$L, '{"n": 1}', 'n')$$),
    ('3 update_record', $$SELECT 'updated' FROM projectalpha.update_record(%1$L, %2$L, 1, '{"n": 1}')$$),
    ('4 delete_record', $$SELECT 'deleted' FROM projectalpha.delete_record(%1$L, %2$L, 1)$$),
    ('5 list_records', $$SELECT 'listed' FROM (SELECT count(*) FROM projectalpha.list_records(%1$L, token => %2$L)) AS l$$),
    ('5 get_record', $$SELECT 'got' FROM projectalpha.get_record(%1$L, 1, %2$L)$$),
    ('5 count_records', $$SELECT 'counted' FROM projectalpha.count_records(%1$L, token => %2$L)$$),
    ('6 validate_record', $$SELECT 'valid' FROM (SELECT count(*) FROM projectalpha.validate_record(%1$L, '{}', %2$L)) AS v$$),
    ('7 rotate_token', $$SELECT 'rotated' FROM projectalpha.rotate_token(%1$L, current_token => %2$L, admin_token => 'admin-token-of-credentials')$$)) AS c (name, call);
GRANT SELECT ON held, calls TO PUBLIC;
-- Whatever is done is undone.
CREATE FUNCTION say(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    BEGIN
        EXECUTE call INTO answer;
        RAISE EXCEPTION USING MESSAGE = 'undo', DETAIL = answer;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS answer = PG_EXCEPTION_DETAIL;
        RETURN CASE SQLERRM WHEN 'undo' THEN answer ELSE concat(SQLSTATE, ' ', SQLERRM) END;
    END;
END $$;
SELECT projectalpha.store_record(t, 'token-of-' || t, '{"n": 1}') FROM unnest(ARRAY['open_c', 'closed_c']) AS t;
SET ROLE regress_app;
SELECT t.tool, c.name AS call, s.said, string_agg(h.kind, ', ' ORDER BY h.kind COLLATE "C") AS held
  FROM (VALUES ('open_c'), ('closed_c')) AS t (tool) CROSS JOIN calls AS c CROSS JOIN held AS h
 CROSS JOIN LATERAL say(format(c.call, t.tool, h.token)) AS s (said)
 GROUP BY 1, 2, 3 ORDER BY t.tool DESC, c.name, s.said;
\set VERBOSITY default
SELECT projectalpha.delete_record('open_c', (SELECT token FROM held WHERE kind = 'read'), 1);
\echo :SQLSTATE
\set VERBOSITY terse
RESET ROLE;

-- Expired, revoked, of a deactivated or deleted agent: the same words as a wrong token.
INSERT INTO held SELECT k, projectalpha.issue_credential(:ann, 'closed_c', '{read,write}', '1 hour', label => k) FROM unnest(ARRAY['expired', 'revoked', 'revoked too']) AS k;
UPDATE projectalpha.credentials SET expires_at = now() - interval '1 s' WHERE label = 'expired';
SELECT projectalpha.revoke_credential(credential_id) FROM projectalpha.list_credentials(:ann) WHERE label = 'revoked';
SELECT projectalpha.revoke_token(token) FROM held WHERE kind = 'revoked too';
INSERT INTO held SELECT 'deactivated', projectalpha.issue_credential(:bob, 'closed_c', '{read}', '1 hour');
SELECT projectalpha.deactivate_agent(:bob);
SET ROLE regress_app;
SELECT c.name AS call, s.said, string_agg(h.kind, ', ' ORDER BY h.kind COLLATE "C") AS held
  FROM calls AS c JOIN held AS h ON h.kind IN ('expired', 'revoked', 'revoked too', 'deactivated', 'wrong') AND c.name ~ '[15] .*record$'
 CROSS JOIN LATERAL say(format(c.call, 'closed_c', h.token)) AS s (said)
 GROUP BY 1, 2 ORDER BY 1, 2;
RESET ROLE;
SELECT projectalpha.activate_agent(:bob);
SELECT say(format('SELECT count(*) FROM projectalpha.list_records(''closed_c'', token => %L)', token)) AS active_again FROM held WHERE kind = 'deactivated';

-- One that this session has used expires by itself: nothing is invalidated then.
SELECT projectalpha.issue_credential(:ann, 'closed_c', '{read}', '2 s') AS short \gset
SELECT count(say(format('SELECT count(*) FROM projectalpha.list_records(''closed_c'', token => %L)', :'short'))) AS used;
SELECT FROM pg_sleep_until((SELECT max(expires_at) FROM projectalpha.credentials WHERE expires_at < now() + interval '1 minute') + interval '10 ms');
SELECT say(format('SELECT count(*) FROM projectalpha.list_records(''closed_c'', token => %L)', :'short')) AS said;

-- The catalogue shows a sensitive tool to who may read it.
CREATE FUNCTION sees(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', json_build_object('token', token)::text, true);
    RETURN (SELECT string_agg(d->>'tool_name', ' ' ORDER BY d->>'tool_name')
              FROM jsonb_array_elements(convert_from(projectalpha_http.list_tools(''), 'UTF8')::jsonb) AS d WHERE d ? 'fields');
END $$;
SELECT sees(token) AS open, string_agg(kind, ', ' ORDER BY kind COLLATE "C") AS held FROM held GROUP BY 1 ORDER BY 1;
-- A scope alone does not open it: the policies are asked, too.
SELECT projectalpha.update_policy('closed_c', 'everybody-reads', '{"is_active": false}');
SELECT sees(token) AS open, sees('token-of-closed_c') AS to_the_tools_own FROM held WHERE kind = 'closed read';
SELECT projectalpha.update_policy('closed_c', 'everybody-reads', '{"is_active": true}');

-- A token of the tool is rotated, and those of agents go on; they are none of the tool's in what people see.
SELECT projectalpha.rotate_token('closed_c') AS rotated \gset
SELECT say(format('SELECT count(*) FROM projectalpha.list_records(''closed_c'', token => %L)', token)) AS goes_on FROM held WHERE kind = 'closed read';
SELECT projectalpha.rotate_token('closed_c', '1 hour') ~ '^pas_tool_' AS rotated;
SELECT count(*) AS expire_sooner FROM projectalpha.list_credentials(tool_name => 'closed_c') WHERE expires_at < created_at + interval '1 hour';
SELECT token_hint ~ 'pas_agent' AS shown FROM projectalpha.registered_tools WHERE tool_name = 'closed_c';

-- An archived tool keeps them, one that is deleted does not; what is revoked meanwhile stays so, also by the agent's going.
SELECT projectalpha.delete_tool('closed_c', archive => true);
SELECT tool_name, count(*) FROM projectalpha.list_credentials(live => false) GROUP BY 1 ORDER BY 1;
SELECT projectalpha.revoke_token(token) FROM held WHERE kind = 'closed write';
SELECT projectalpha.delete_agent(:bob);
SELECT count(*) AS of_the_deleted FROM projectalpha.archived_credentials WHERE agent_id = :bob;
SELECT tool_name FROM projectalpha.restore_tool('closed_c');
SELECT h.kind, say(format('SELECT ''listed'' FROM (SELECT count(*) FROM projectalpha.list_records(''closed_c'', token => %L)) AS l', h.token)) AS said
  FROM held AS h WHERE h.kind IN ('closed read', 'closed write', 'closed publish', 'expired', 'deactivated') ORDER BY h.kind COLLATE "C";
SELECT projectalpha.delete_tool('closed_c', archive => true);
SELECT projectalpha.revoke_all(:ann) > 3 AS all_revoked;
SELECT tool_name FROM projectalpha.restore_tool('closed_c');
SELECT count(*) AS live FROM projectalpha.list_credentials(:ann);
SELECT count(*) AS known FROM projectalpha.list_credentials(:ann, 'closed_c', false);
SELECT projectalpha.delete_tool('closed_c');
SELECT DISTINCT tool_name FROM projectalpha.list_credentials(:ann, live => false) ORDER BY 1;

-- Listing and revoking: by whom, and what of.
SELECT agent_id AS eve, api_key AS eve_key FROM projectalpha.create_agent('Eve') \gset
SELECT projectalpha.rotate_api_key(:ann) AS ann_key \gset
SELECT projectalpha.issue_credential(:eve, 'open_c', '{read}', '1 hour') AS eves \gset
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 hour') AS anns \gset
SET ROLE regress_app;
SELECT agent_name, tool_name FROM projectalpha.list_credentials(api_key => :'eve_key');
SELECT agent_name, tool_name FROM projectalpha.list_credentials(:eve, 'open_c', api_key => :'eve_key');
SELECT count(*) FROM projectalpha.list_credentials(:ann, api_key => :'eve_key');
SELECT count(*) FROM projectalpha.list_credentials(api_key => :'eves');
SELECT count(*) FROM projectalpha.list_credentials();
SELECT count(*) FROM projectalpha.list_credentials(admin_token => 'wrong-token');
SELECT count(*) FROM projectalpha.list_credentials(api_key => 'wrong-key', admin_token => 'admin-token-of-credentials');
SELECT count(*) > 5 AS all_of_them FROM projectalpha.list_credentials(live => false, admin_token => 'admin-token-of-credentials');
RESET ROLE;
SELECT count(*) FROM projectalpha.list_credentials(9999);
SELECT count(*) FROM projectalpha.list_credentials(tool_name => 'unknown');
SELECT count(*) FROM projectalpha.list_credentials(tool_name => 'No Name');
SELECT count(*) FROM projectalpha.list_credentials(live => NULL);
SELECT credential_id AS of_ann FROM projectalpha.list_credentials(:ann, 'open_c') \gset
SELECT credential_id AS of_eve FROM projectalpha.list_credentials(:eve, 'open_c') \gset
SELECT token_id AS of_tool FROM projectalpha.active_tokens WHERE tool_name = 'open_c' AND agent_id IS NULL \gset
SET ROLE regress_app;
SELECT projectalpha.revoke_credential(:of_ann, api_key => :'eve_key');
SELECT projectalpha.revoke_credential(:of_ann);
SELECT projectalpha.revoke_credential(NULL, api_key => :'eve_key');
SELECT projectalpha.revoke_credential(:of_tool, 'admin-token-of-credentials');
SELECT projectalpha.revoke_credential(:of_eve, api_key => :'eve_key');
SELECT projectalpha.revoke_credential(:of_eve, api_key => :'eve_key');
SELECT projectalpha.revoke_credential(:of_ann, 'admin-token-of-credentials');
SELECT projectalpha.revoke_credential(-1, 'admin-token-of-credentials');
SELECT projectalpha.revoke_all(:ann, api_key => :'eve_key');
SELECT projectalpha.revoke_all(NULL, api_key => :'eve_key');
SELECT projectalpha.revoke_all(:eve);
SELECT projectalpha.revoke_all(:eve, api_key => :'eve_key');
SELECT projectalpha.revoke_all(:eve, api_key => :'eve_key');
SELECT projectalpha.revoke_all(:ann, 'admin-token-of-credentials');
RESET ROLE;
SELECT projectalpha.revoke_all(:ann);
SELECT projectalpha.revoke_all(9999);
SELECT projectalpha.revoke_all(NULL);
SELECT projectalpha.revoke_credential(NULL);

-- Projects: a credential opens the table of one, and no other; an agent opens none for itself.
SELECT projectalpha.create_project('One of credentials') AS one, projectalpha.create_project('Two of credentials') AS two, projectalpha.rotate_api_key(:ann) AS ann_key \gset
SELECT projectalpha.enable_tool('open_c', :one, 'token-of-one') IS NOT NULL AS one, projectalpha.enable_tool('open_c', :two, 'token-of-two') IS NOT NULL AS two;
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read,write}', '1 hour', :one) AS for_one \gset
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 hour', :two) AS reads_two \gset
SET ROLE regress_app;
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 hour', :one, api_key => :'ann_key');
\echo :SQLSTATE
SELECT projectalpha.store_record('open_c', :'for_one', '{"n": 71}') > 0 AS stored;
SELECT projectalpha.store_record('open_c', :'reads_two', '{"n": 72}') > 0 AS stored;
SELECT projectalpha.count_records('open_c', token => :'for_one') AS one, projectalpha.count_records('open_c', token => :'reads_two') AS two;
SELECT projectalpha.update_record('open_c', :'for_one', 1, '{"n": 73}');
RESET ROLE;
SELECT count(*) AS in_one, (SELECT count(*) FROM projectalpha.project_tool_list WHERE token_hint ~ 'pas_agent') AS hints FROM projectalpha.list_credentials() WHERE project_id = :one;
SELECT projectalpha.set_project_status(:one, 'suspended');
SELECT projectalpha.store_record('open_c', :'for_one', '{}');
SELECT projectalpha.count_records('open_c', token => :'for_one');
SELECT projectalpha.set_project_status(:one, 'archived');
SELECT projectalpha.count_records('open_c', token => :'for_one');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 hour', :one);
SELECT projectalpha.set_project_status(:one, 'active');
SELECT projectalpha.issue_credential(:ann, 'bare_c', '{read}', '1 hour', :one);
SELECT projectalpha.rotate_token('open_c', project_id => :one) IS NOT NULL AS rotated;
SELECT projectalpha.count_records('open_c', token => :'for_one') AS goes_on;
SELECT projectalpha.disable_tool('open_c', :one);
SELECT projectalpha.count_records('open_c', token => :'for_one') AS reads_as_everybody;
SELECT projectalpha.store_record('open_c', :'for_one', '{}');
SELECT projectalpha.issue_credential(:ann, 'open_c', '{read}', '1 hour', :one);
SELECT projectalpha.enable_tool('open_c', :one, 'token-of-one-again') IS NOT NULL AS enabled;
SELECT projectalpha.store_record('open_c', :'for_one', '{}');
SELECT projectalpha.drop_project(:one, 'One of credentials'), projectalpha.drop_project(:two, 'Two of credentials');
SELECT count(*) AS live FROM projectalpha.list_credentials() WHERE project_id IS NOT NULL;

-- The endpoint of a configured tool is open to all, but not to who holds, or held, a credential that does not allow it.
SELECT table_name FROM projectalpha.configure_tool('small_c', use_individual_table => true, token => 'token-of-small_c');
SELECT projectalpha.store_configured('small_c', '{"a": 1}') > 0 AS stored;
SELECT projectalpha.create_policy('small_c', 'all', 'allow', '{*}') > 0 AS policy;
SELECT projectalpha.issue_credential(:ann, 'small_c', '{write}', '1 hour') AS writes, projectalpha.issue_credential(:ann, 'small_c', '{read}', '1 hour') AS "reads"
     , projectalpha.issue_credential(:ann, 'small_c', '{write}', '1 hour', label => 'former') AS former \gset
SELECT projectalpha.revoke_credential(credential_id) FROM projectalpha.list_credentials(:ann) WHERE label = 'former';
SET ROLE regress_app;
SELECT projectalpha.store_configured('small_c', '{"a": 2}', :'writes') > 0 AS stored;
SELECT projectalpha.store_configured('small_c', '{"a": 3}', :'reads');
SELECT projectalpha.store_configured('small_c', '{"a": 4}', :'former');
SELECT projectalpha.store_configured('small_c', '{"a": 5}', 'never-there') > 0 AS stored;
SELECT count(*) FROM projectalpha.list_configured('small_c', token => :'reads');
SELECT count(*) FROM projectalpha.list_configured('small_c', token => :'writes');
SELECT count(*) FROM projectalpha.list_configured('small_c', token => :'former');
RESET ROLE;
-- Its own token is replaced, and the agent's, whatever its label, is not.
SELECT projectalpha.issue_credential(:ann, 'small_c', '{write}', '1 hour', label => 'configure_tool') AS labelled \gset
SELECT table_name FROM projectalpha.configure_tool('small_c', use_individual_table => true, token => 'new-token-of-small_c');
SELECT projectalpha.store_configured('small_c', '{"a": 6}', :'labelled') > 0 AS stored;
SELECT token_hint FROM projectalpha.configured_tools WHERE tool_name = 'small_c';

SELECT projectalpha.unconfigure_tool('small_c');
SELECT count(projectalpha.delete_tool(t)) AS deleted FROM unnest(ARRAY['open_c', 'bare_c', 'entry_c', 'small_c']) AS t;
SELECT count(projectalpha.delete_agent(id)) AS deleted FROM projectalpha.agents;
SELECT count(*) AS left_behind FROM projectalpha.credentials WHERE agent_id IS NOT NULL;
SELECT projectalpha.revoke_token('admin-token-of-credentials');
SELECT setval('projectalpha.agents_id_seq', :agents, :'called') > 0 AS reset;
DROP VIEW tried;
DROP TABLE held, calls;
DROP FUNCTION try, say, sees;
DROP ROLE regress_app, regress_admin;
