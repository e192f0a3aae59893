-- Faults found by readers of the gate, each with the call that showed it.
\set VERBOSITY sqlstate
SELECT tool_name FROM projectalpha.register_tool('upserted', 'token-of-upserted',
    '[{"name": "code", "type": "str", "unique": true}, {"name": "status", "type": "str", "default": "draft"}, {"name": "n", "type": "int"}]');
SELECT projectalpha.create_policy('upserted', 'writers', 'allow', '{write}') > 0 AS made;
SELECT projectalpha.create_policy('upserted', 'drafts', 'allow', '{update}', '{"fields": {"status": "draft"}}') > 0 AS made;
SELECT agent_id FROM projectalpha.create_agent('upserter') \gset
SELECT projectalpha.issue_credential(:agent_id, 'upserted', '{write,update}', '1 hour') AS token \gset
SELECT projectalpha.store_record('upserted', 'token-of-upserted', '{"code": "a", "status": "final", "n": 1}');

-- An upsert changes what it names, so that a default is nothing that policies for updates may look at.
SELECT projectalpha.update_record('upserted', :'token', 1, '{"n": 2}');
SELECT projectalpha.upsert_record('upserted', :'token', '{"code": "a", "n": 2}', 'code');
SELECT projectalpha.upsert_record('upserted', :'token', '{"code": "b", "status": "draft", "n": 3}', 'code');
SELECT r->>'code' AS code, r->>'status' AS status, r->>'n' AS n FROM projectalpha.list_records('upserted', token => 'token-of-upserted') AS r;

-- Who may update but not read is shown nothing of the record.
SELECT r->>'id' AS id, r->>'n' AS n, r::jsonb ? 'code' AS shown
  FROM projectalpha.update_record('upserted', :'token', 2, '{"status": "draft", "n": 4}') AS r;

-- A pattern that would take minutes.
SELECT projectalpha.create_policy('upserted', 'slow', 'deny', '{write}', jsonb_build_object('fields', jsonb_build_object('code', jsonb_build_object('like', repeat('%a', 200)))));

-- What is sent as an action is not kept: it may be a token in the wrong place.
SET projectalpha_store.access_log = 'denied';
SELECT projectalpha.check_access('write', 'upserted', 'token-of-upserted');
-- Nor is what an endpoint refuses forgotten, because whoever calls it by hand rolls back.
BEGIN;
SET LOCAL request.headers = '{"x-uri": "/tools/upserted", "token": "wrong-token-001"}';
SELECT convert_from(projectalpha_http.store_record('{"n": 1}'), 'UTF8');
ROLLBACK;
-- Refused before the gate of a tool: an administrator's token, a tool's current one, an API key.
SET ROLE projectalpha_anon;
SELECT projectalpha.deactivate_tool('upserted', 'wrong-token-002');
SELECT projectalpha.rotate_token('upserted', current_token => 'wrong-token-003');
SELECT projectalpha.list_credentials(api_key => 'wrong-token-004');
RESET ROLE;
DO $$
BEGIN
    FOR i IN 1..3000 LOOP
        IF to_regclass('projectalpha_data.access_logs') IS NOT NULL THEN
            EXIT WHEN (SELECT count(*) FROM projectalpha_data.access_logs WHERE tool_name IN ('upserted', '')) >= 5;
        END IF;
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;
SELECT tool_name, action, status, sqlstate FROM projectalpha_data.access_logs WHERE tool_name IN ('upserted', '') ORDER BY log_id;
RESET projectalpha_store.access_log;
-- A label is no place for megabytes.
SELECT projectalpha.issue_credential(:agent_id, 'upserted', '{write}', '1 hour', label => repeat('x', 256));
SELECT projectalpha.delete_agent(:agent_id);
SELECT projectalpha.delete_tool('upserted');
