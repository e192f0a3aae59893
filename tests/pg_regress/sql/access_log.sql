-- The access log: what is kept at each level, by whom it can be changed, and the figures that come of it.
\set VERBOSITY default
SET client_min_messages = warning;
DROP TABLE IF EXISTS projectalpha_data.access_logs, projectalpha_data.api_usage, projectalpha_data.access_log_horizons;
RESET client_min_messages;
CREATE ROLE regress_log_admin IN ROLE projectalpha_admin;
CREATE ROLE regress_log_reader IN ROLE projectalpha_reader;
-- Nothing is there before the first attempt that is kept, and the views are empty.
SHOW projectalpha_store.access_log;
SELECT tool_name, token FROM projectalpha.register_tool('logged', 'token-of-logged', '[{"name": "n", "type": "int"}]');
SELECT tool_name, token FROM projectalpha.register_tool('quiet', 'token-of-quiet', sensitive => true);
SELECT projectalpha.store_record('logged', 'wrong-token-001', '{}');
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": 1}');
SELECT to_regclass('projectalpha_data.access_logs');
SELECT * FROM projectalpha.access_summary;
SELECT * FROM projectalpha.api_usage_daily;
SELECT tool_name, usage_count, last_used, avg_response_time, error_rate FROM projectalpha.tool_metadata ORDER BY tool_name;
SELECT projectalpha.summarise_usage();
SELECT projectalpha.drop_access_logs('2020-01-01');

-- A worker writes what is denied or has failed: waits until there are so many rows.
CREATE PROCEDURE await(expected bigint) LANGUAGE plpgsql AS $$
DECLARE
    there bigint := 0;
BEGIN
    FOR i IN 1..3000 LOOP
        IF to_regclass('projectalpha_data.access_logs') IS NOT NULL THEN
            SELECT count(*) INTO there FROM projectalpha_data.access_logs;
        END IF;
        IF there >= expected THEN RETURN; END IF;
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RAISE 'only % rows', there;
END
$$;
-- Adds to the figures until so many are added: what is younger than a transaction of somebody else's waits for that.
CREATE PROCEDURE summarise(expected bigint) LANGUAGE plpgsql AS $$
DECLARE
    added bigint := 0;
BEGIN
    FOR i IN 1..3000 LOOP
        added := added + projectalpha.summarise_usage();
        IF added >= expected THEN EXIT; END IF;
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
    RAISE NOTICE '% added', added;
END
$$;

-- Denied ones: with the wrong token, with none, where reading needs one.
SET projectalpha_store.access_log = 'denied';
SELECT projectalpha.store_record('logged', 'wrong-token-002', '{"n": 1}');
SELECT projectalpha.delete_record('logged', NULL, 1);
SELECT projectalpha.list_records('quiet');
SELECT projectalpha.store_record('no_such_tool', 'wrong-token-003', '{}');
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": 2}');
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": "x"}');
CALL await(3);
CREATE VIEW seen AS
SELECT tool_name, action, status, sqlstate, scopes, face, role_name, request_ip, request_data, project_id, agent_id, policy_id
     , credential_id IS NOT NULL AS credential, duration_ms >= 0 AS timed
  FROM projectalpha_data.access_logs ORDER BY logged_at;
SELECT * FROM seen;

-- Writes, with what became of them; the caller's transaction takes its own back, a batch is one.
SET projectalpha_store.access_log = 'writes';
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": 3}') > 0 AS stored;
SELECT projectalpha.store_records('logged', 'token-of-logged', '[{"n": 4}, {"n": 5}]');
SELECT projectalpha.update_record('logged', 'token-of-logged', 1, '{"n": 6}')->'n' AS n;
SELECT projectalpha.delete_record('logged', 'token-of-logged', 1);
BEGIN;
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": 7}') > 0 AS stored;
ROLLBACK;
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": "x"}');
SELECT count(*) FROM projectalpha.list_records('logged');
CALL await(8);
SELECT action, status, sqlstate, scopes, credential FROM seen OFFSET 3;

-- An exception that is caught hides nothing.
DO $$
BEGIN
    PERFORM projectalpha.store_record('logged', 'wrong-token-004', '{}');
EXCEPTION WHEN invalid_authorization_specification THEN
    RAISE NOTICE 'caught';
END
$$;
CALL await(9);

-- Reads, also where nothing else may be written.
SET projectalpha_store.access_log = 'all';
SELECT count(*) FROM projectalpha.list_records('logged');
BEGIN READ ONLY;
SELECT projectalpha.count_records('logged');
COMMIT;
CALL await(11);
SELECT action, status FROM seen OFFSET 9;

-- Tools say it for themselves, and whether with payloads.
SELECT projectalpha.configure_access_log('logged', 'writes', payloads => true);
SELECT access_log, log_payloads FROM projectalpha.tool_registry WHERE tool_name = 'logged';
SELECT count(*) FROM projectalpha.list_records('logged');
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": 8}') > 0 AS stored;
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": 9.5}');
SELECT projectalpha.store_record('logged', 'token-of-logged', jsonb_build_object('n', 9, 'more', repeat('x', 70000))) > 0 AS stored;
CALL await(14);
SELECT status, request_data FROM seen OFFSET 11;
SELECT projectalpha.configure_access_log('logged', 'none');
SELECT projectalpha.store_record('logged', 'token-of-logged', '{"n": 10}') > 0 AS stored;
SELECT projectalpha.store_record('logged', 'wrong-token-005', '{}');
SELECT count(*) FROM seen;
SELECT projectalpha.configure_access_log('logged');
SELECT projectalpha.configure_access_log(NULL);
SELECT projectalpha.configure_access_log('no_such_tool');
SELECT projectalpha.configure_access_log('logged', 'ALL');
SELECT projectalpha.configure_access_log('logged', payloads => NULL);
SELECT projectalpha.drop_access_logs(NULL);

-- Figures: each attempt once.
SET projectalpha_store.access_log = 'denied';
CALL summarise(14);
SELECT projectalpha.summarise_usage();
SELECT tool_name, agent_id, agent, allowed, denied, errors FROM projectalpha.access_summary ORDER BY tool_name;
SELECT client_id, project_id, tool_name, calls, allowed, denied, errors, avg_response_time > 0 AS timed FROM projectalpha.api_usage_daily ORDER BY tool_name;
SELECT tool_name, usage_count, last_used IS NOT NULL AS used, avg_response_time > 0 AS timed, round(error_rate) AS error_rate
  FROM projectalpha.tool_metadata ORDER BY tool_name;
SELECT projectalpha.store_record('logged', 'wrong-token-006', '{}');
CALL await(15);
SELECT tool_name, denied FROM projectalpha.access_summary WHERE tool_name = 'logged';
SELECT sum(denied) FROM projectalpha.api_usage_daily;
CALL summarise(1);
SELECT sum(denied) FROM projectalpha.api_usage_daily;

-- A month goes as a whole. The one at hand is made again when it is needed.
SELECT projectalpha.drop_access_logs('2020-01-01');
SELECT projectalpha.drop_access_logs((now() + interval '40 days')::date) BETWEEN 1 AND 2 AS dropped;
SELECT count(*) FROM projectalpha_data.access_logs;
SELECT sum(denied) FROM projectalpha.api_usage_daily;
SELECT projectalpha.list_records('quiet', token => 'wrong-token-007');
CALL await(1);
SELECT tool_name, action, status FROM seen;

-- Nobody changes what is written, and few read it.
SET ROLE projectalpha_owner;
UPDATE projectalpha_data.access_logs SET status = 'success';
DELETE FROM projectalpha_data.access_logs;
TRUNCATE projectalpha_data.access_logs;
RESET ROLE;
SET SESSION AUTHORIZATION regress_log_admin;
DELETE FROM projectalpha_data.access_logs;
INSERT INTO projectalpha_data.access_logs (logged_at, tool_name, action, status, scopes, face, role_name, duration_ms, cluster) VALUES (now(), 'x', 'x', 'denied', '{}', 'sql', 'x', 0, 0);
SELECT status FROM projectalpha_data.access_logs;
SET projectalpha_store.access_log = 'none';
SELECT projectalpha.configure_access_log('logged', 'all');
SELECT projectalpha.summarise_usage() BETWEEN 0 AND 1 AS summarised;
SET SESSION AUTHORIZATION regress_log_reader;
SELECT status FROM projectalpha_data.access_logs;
SELECT tool_name, denied FROM projectalpha.access_summary ORDER BY tool_name;
SELECT projectalpha.summarise_usage();
SELECT projectalpha.drop_access_logs('2020-01-01');
SELECT projectalpha.configure_access_log('logged', 'none');
RESET SESSION AUTHORIZATION;

-- A tool that was archived has its level back; the attempts at one that is gone stay.
SELECT projectalpha.delete_tool('logged', archive => true);
SELECT tool_name FROM projectalpha.restore_tool('logged');
SELECT access_log FROM projectalpha.tool_registry WHERE tool_name = 'logged';
SELECT projectalpha.delete_tool('logged');
SELECT projectalpha.delete_tool('quiet');
SELECT tool_name, denied FROM projectalpha.access_summary ORDER BY tool_name;

DROP VIEW seen;
DROP PROCEDURE await, summarise;
DROP TABLE projectalpha_data.access_logs, projectalpha_data.api_usage, projectalpha_data.access_log_horizons;
DROP ROLE regress_log_admin, regress_log_reader;
