-- tool_activity and last_stored: what they tell, to whom.
\set VERBOSITY default
SET client_min_messages = warning;
DROP TABLE IF EXISTS projectalpha_data.multiple_tools;
RESET client_min_messages;
SELECT table_name FROM projectalpha.register_tool('busy', 'token-of-busy', '[{"name": "n", "type": "int"}]');
SELECT table_name FROM projectalpha.register_tool('idle', 'token-of-idle', sensitive => true);
SELECT projectalpha.store_records('busy', 'token-of-busy', (SELECT jsonb_agg(jsonb_build_object('n', i)) FROM generate_series(1, 5000) AS i));
SELECT projectalpha.store_common('small', '{}') > 0 AS stored;
DELETE FROM projectalpha_data.tool_busy WHERE n > 4000;
UPDATE projectalpha_data.tool_busy SET n = 0 WHERE n <= 10;
SELECT count(*) FROM projectalpha.list_records('busy', 5);
SELECT pg_stat_force_next_flush();
SELECT count(*) FROM projectalpha.list_records('busy', 5);
SELECT pg_stat_force_next_flush();
-- Before the first ANALYZE: from the statistics.
SELECT tool_name, table_name, records, inserts, updates, deletes, index_scans > 0 AS read, last_stored <= now() AS stored, total_bytes > 100000 AS large, average_bytes BETWEEN 30 AND 100 AS average
  FROM projectalpha.tool_activity WHERE tool_name IN ('busy', 'idle') OR tool_name IS NULL ORDER BY tool_name;
VACUUM ANALYZE projectalpha_data.tool_busy;
SELECT records FROM projectalpha.tool_activity WHERE tool_name = 'busy';

-- The last time is that of the largest id, and exact.
UPDATE projectalpha_data.tool_busy SET created_at = '2026-02-05 10:30+00' WHERE id = 4000;
SELECT projectalpha.last_stored('busy') = '2026-02-05 10:30+00' AS exact;
BEGIN READ ONLY;
SELECT projectalpha.last_stored('idle') IS NULL AS none, projectalpha.last_stored(NULL) <= now() AS common;
SELECT pg_current_xact_id_if_assigned() AS xid;
ROLLBACK;
-- What cannot be told is no fault.
SELECT projectalpha.last_stored('no_such_tool'), projectalpha.last_stored('x"; DROP TABLE y; --'), projectalpha.last_stored('');
ALTER TABLE projectalpha_data.tool_idle RENAME TO away;
SELECT tool_name, records, total_bytes, last_stored, inserts FROM projectalpha.tool_activity WHERE tool_name = 'idle';
-- Somebody else's table is not looked into: it would run as the owner of everything.
CREATE ROLE regress_activity;
CREATE FUNCTION public.regress_trap() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
CREATE VIEW projectalpha_data.tool_idle AS SELECT 1::bigint AS id, public.regress_trap() AS created_at;
ALTER VIEW projectalpha_data.tool_idle OWNER TO regress_activity;
SELECT projectalpha.last_stored('idle');
SELECT records, last_stored FROM projectalpha.tool_activity WHERE tool_name = 'idle';
DROP VIEW projectalpha_data.tool_idle;
DROP FUNCTION public.regress_trap();
ALTER TABLE projectalpha_data.away RENAME TO tool_idle;

-- Readers and administrators see all of it, nobody else any.
SET ROLE projectalpha_reader;
SELECT count(*) AS tools, count(last_stored) AS used FROM projectalpha.tool_activity WHERE tool_name IN ('busy', 'idle');
SET ROLE projectalpha_admin;
SELECT count(*) AS tools, count(last_stored) AS used FROM projectalpha.tool_activity WHERE tool_name IN ('busy', 'idle');
DELETE FROM projectalpha.tool_activity;
SET ROLE projectalpha_anon;
SELECT count(*) FROM projectalpha.tool_activity;
SELECT projectalpha.last_stored('busy');
RESET ROLE;
-- Each column says how exact it is. (None must appear.)
SELECT attname FROM pg_attribute WHERE attrelid = 'projectalpha.tool_activity'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
DROP ROLE regress_activity;
SELECT projectalpha.delete_tool('busy');
SELECT projectalpha.delete_tool('idle');
