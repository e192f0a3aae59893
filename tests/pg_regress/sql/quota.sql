-- Limits of a tool: held to the record by a single writer, whatever way the records come.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('small', 'token-of-small', '[{"name": "n", "type": "int", "unique": true}]', max_records => 5);
SELECT projectalpha.store_records('small', 'token-of-small', '[{"n": 1}, {"n": 2}, {"n": 3}]');
SELECT projectalpha.store_record('small', 'token-of-small', '{"n": 4}');
-- Two more are one too many: none of them is stored.
SELECT projectalpha.store_records('small', 'token-of-small', '[{"n": 5}, {"n": 6}]');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT count(*) FROM projectalpha_data.tool_small;
SELECT projectalpha.store_record('small', 'token-of-small', '{"n": 5}') IS NOT NULL AS stored;
SELECT projectalpha.store_record('small', 'token-of-small', '{"n": 6}');
SELECT projectalpha.store_record('small', 'token-of-small', '{"n": 6}', 'a-key');
SELECT * FROM projectalpha.upsert_record('small', 'token-of-small', '{"n": 6}', 'n');
-- What is there may be changed.
SELECT inserted FROM projectalpha.upsert_record('small', 'token-of-small', '{"n": 4}', 'n');
SELECT count(*) FROM projectalpha_data.tool_small;
-- What makes room is seen at once in the session that makes it.
SELECT projectalpha.delete_record('small', 'token-of-small', 1);
SELECT projectalpha.store_record('small', 'token-of-small', '{"n": 6}') IS NOT NULL AS stored;
SELECT projectalpha.store_record('small', 'token-of-small', '{"n": 7}');
-- And in another session.
\c
\set VERBOSITY terse
SELECT projectalpha.store_record('small', 'token-of-small', '{"n": 7}');
SELECT count(*) FROM projectalpha_data.tool_small;

-- A large limit is not counted for each record, and held all the same.
SELECT table_name FROM projectalpha.register_tool('large', 'token-of-large', '[{"name": "n", "type": "int"}]', max_records => 1000);
DO $$
BEGIN
    FOR n IN 1..1000 LOOP
        PERFORM projectalpha.store_record('large', 'token-of-large', '{"n": 1}');
    END LOOP;
END
$$;
SELECT projectalpha.store_record('large', 'token-of-large', '{"n": 1}');
SELECT count(*) FROM projectalpha_data.tool_large;

-- Bytes: looked at after 64 records, in whole pages.
SELECT table_name FROM projectalpha.register_tool('heavy', 'token-of-heavy', '[{"name": "s", "type": "str"}]', max_bytes => 200000);
DO $$
BEGIN
    FOR n IN 1..1000 LOOP
        BEGIN
            PERFORM projectalpha.store_record('heavy', 'token-of-heavy', jsonb_build_object('s', repeat('x', 1000)));
        EXCEPTION WHEN program_limit_exceeded THEN
            RAISE NOTICE 'full after % records', n - 1;
            EXIT;
        END;
    END LOOP;
END
$$;
SELECT pg_total_relation_size('projectalpha_data.tool_heavy') BETWEEN 200000 AND 300000 AS full, count(*) BETWEEN 128 AND 256 AS records FROM projectalpha_data.tool_heavy;
SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.registered_tools;
