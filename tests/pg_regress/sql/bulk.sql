-- store_records: many records in one call, all or nothing, each as store_record would take it.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('many', 'token-of-many',
    '[{"name": "n", "type": "int"}, {"name": "s", "type": "str"}, {"name": "j", "type": "json"}, {"name": "at", "type": "timestamp"}]');
SELECT table_name FROM projectalpha.register_tool('many_whole', 'token-of-many');
SELECT table_name FROM projectalpha.register_tool('many_bare', 'token-of-many', '[]');
CREATE FUNCTION pg_temp.many(payloads jsonb) RETURNS bigint LANGUAGE sql RETURN projectalpha.store_records('many', 'token-of-many', payloads);
CREATE FUNCTION pg_temp.size() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM projectalpha_data.tool_many $$;

SELECT pg_temp.many('[{"n": 1, "s": "one", "extra": 0}, {"n": null, "j": {"a": [1]}, "at": "2026-02-05"}, {}]');
SELECT r::jsonb - 'created_at' AS record FROM projectalpha.list_records('many') AS r;
SELECT pg_temp.many('[]') AS none;
SELECT projectalpha.store_records('many_whole', 'token-of-many', '[{"a": 1}, {}, {"data": [2]}]'), projectalpha.store_records('many_bare', 'token-of-many', '[{"a": 1}, {}]');
SELECT id, data FROM projectalpha_data.tool_many_whole ORDER BY id;

-- What is refused, with the index of the first bad record; nothing is stored, the ids go on.
\set VERBOSITY terse
SELECT pg_temp.many(NULL);
SELECT pg_temp.many('{}');
SELECT pg_temp.many('null');
SELECT pg_temp.many('5');
SELECT pg_temp.many('"[]"');
SELECT pg_temp.many('[[]]');
SELECT pg_temp.many('[{"n": 1}, null]');
SELECT pg_temp.many('[{"n": 1}, {"n": 2}, 5]');
SELECT pg_temp.many('[{"n": 1}, {"n": "x"}, {"n": "y"}]');
SELECT pg_temp.many('[{"n": 9223372036854775808}]');
SELECT pg_temp.many('[{}, {"at": "yesterday"}]');
SELECT projectalpha.store_records('many', 'wrong-token', '[{"n": "x"}]');
SELECT projectalpha.store_records('many', NULL, '[]');
SELECT projectalpha.store_records('many', 'wrong-token', NULL);
SELECT projectalpha.store_records('no_such_tool', 'token-of-many', '[]');
SELECT projectalpha.store_records(NULL, 'token-of-many', '[]');
\set VERBOSITY default
SELECT pg_temp.many('[{"n": 1}, {"n": 4.5}]');
\echo :SQLSTATE
SELECT pg_temp.many('{"n": 1}');
\echo :SQLSTATE
SELECT pg_temp.size();

-- More than a batch: a bad one at the very end takes all of them back.
SELECT pg_temp.many(jsonb_agg(jsonb_build_object('n', n, 's', 's' || n, 'j', jsonb_build_array(n)) ORDER BY n)) FROM generate_series(1, 5000) AS n;
SELECT count(*), count(DISTINCT id), bool_and(s = 's' || n AND j->>0 = n::text) AS faithful, bool_and(created_at = (SELECT max(created_at) FROM projectalpha_data.tool_many)) AS at_once
  FROM projectalpha_data.tool_many WHERE id > 3;
SELECT pg_temp.many(jsonb_agg(jsonb_build_object('n', CASE n WHEN 3001 THEN '"x"' ELSE to_jsonb(n) END) ORDER BY n)) FROM generate_series(1, 3001) AS n;
SELECT pg_temp.size();
-- Large values: more memory than a batch may take, and values that are stored out of line.
SELECT pg_temp.many(jsonb_agg(jsonb_build_object('n', -n, 's', repeat(chr(64 + n), 500000)))) FROM generate_series(1, 20) AS n;
SELECT count(*), bool_and(s = repeat(chr(64 - n::int), 500000)) AS faithful FROM projectalpha_data.tool_many WHERE n < 0;
SELECT count(*), bool_and((r->>'s') = repeat(chr(64 - (r->>'n')::int), 500000)) AS faithful FROM projectalpha.list_records('many', 20, 5003) AS r;

-- Indexes hold every record; a unique one refuses the call, within it and against what is there, and shows no value.
TRUNCATE projectalpha_data.tool_many RESTART IDENTITY;
CREATE UNIQUE INDEX many_n ON projectalpha_data.tool_many (n);
CREATE INDEX many_s ON projectalpha_data.tool_many (s, n) INCLUDE (at);
SELECT pg_temp.many(jsonb_agg(jsonb_build_object('n', n, 's', 's' || n % 10))) FROM generate_series(1, 2500) AS n;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM projectalpha_data.tool_many WHERE s = 's7';
SELECT id, s FROM projectalpha_data.tool_many WHERE n = 2499;
SELECT count(*) FROM projectalpha_data.tool_many WHERE id > 2000;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT pg_temp.many('[{"n": 5000, "s": "s3cret"}, {"n": 5001}, {"n": 5000}]');
\echo :SQLSTATE
SELECT pg_temp.many('[{"n": 6000}, {"n": 1, "s": "s3cret"}]');
SELECT count(*), max(n) FROM projectalpha_data.tool_many;
-- Refused a thousand times in one transaction, and once more well.
DO $$
BEGIN
    FOR i IN 1 .. 1000 LOOP
        BEGIN
            PERFORM projectalpha.store_records('many', 'token-of-many', CASE i % 2 WHEN 0 THEN '[{"n": 7000}, {"n": 1}]' ELSE '[{"n": 7000}, {"n": true}]' END::jsonb);
        EXCEPTION WHEN unique_violation OR datatype_mismatch THEN
            NULL;
        END;
    END LOOP;
    PERFORM projectalpha.store_records('many', 'token-of-many', '[{"n": 7000}, {"n": 7001}]');
END
$$;
SELECT count(*), max(n) FROM projectalpha_data.tool_many;

-- Unique fields: the first record with a value that is taken is named, in whichever of them and whatever is wrong with those
-- after it; by the direct way, with notify, and by plan.
SELECT table_name FROM projectalpha.register_tool('many_unique', 'token-of-many',
    '[{"name": "a", "type": "int", "unique": true}, {"name": "b", "type": "str", "unique": true}]');
CREATE FUNCTION pg_temp.refusals() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE payloads jsonb;
BEGIN
    TRUNCATE projectalpha_data.tool_many_unique;
    PERFORM projectalpha.store_records('many_unique', 'token-of-many', '[{"a": 1, "b": "s3cret"}, {"a": 2}]');
    FOREACH payloads IN ARRAY ARRAY['[{"a": 3}, {"a": 4, "b": "s3cret"}, {"a": 3}]', '[{"a": 3}, {"a": 4}, {"a": 3}, {"a": "x"}]',
        '[{"a": 3}, {"a": "x"}, {"a": 1}]', (SELECT jsonb_agg(jsonb_build_object('a', CASE n WHEN 2345 THEN 10 ELSE n + 9 END) ORDER BY n)
                                               FROM generate_series(0, 2999) AS n)]::jsonb[]
    LOOP
        BEGIN
            RETURN NEXT projectalpha.store_records('many_unique', 'token-of-many', payloads);
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT SQLSTATE || ' ' || SQLERRM;
        END;
    END LOOP;
END
$$;
SELECT pg_temp.refusals();
SELECT projectalpha.alter_tool('many_unique', '{"options": {"notify": true}}');
SELECT pg_temp.refusals();
SELECT projectalpha.alter_tool('many_unique', '{"options": {"notify": false}}');
ALTER TABLE projectalpha_data.tool_many_unique ADD CONSTRAINT small CHECK (a < 10000);
SELECT pg_temp.refusals();
SELECT count(*) FROM projectalpha_data.tool_many_unique;
SELECT projectalpha.delete_tool('many_unique');

-- A table that is not plain any more: each record as an INSERT, and the number that was stored.
CREATE FUNCTION regress_odd() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n % 2 = 0 THEN RETURN NULL; END IF;
    NEW.s := 'odd';
    RETURN NEW;
END
$$;
CREATE TRIGGER odd BEFORE INSERT ON projectalpha_data.tool_many FOR EACH ROW EXECUTE FUNCTION regress_odd();
SELECT pg_temp.many('[{"n": 8001}, {"n": 8002}, {"n": 8003}]');
SELECT n, s FROM projectalpha_data.tool_many WHERE n > 8000 ORDER BY n;
DROP TRIGGER odd ON projectalpha_data.tool_many;
DROP FUNCTION regress_odd;
ALTER TABLE projectalpha_data.tool_many ADD CONSTRAINT small CHECK (n < 10000), ALTER COLUMN s SET DEFAULT 'default';
SELECT pg_temp.many('[{"n": 8004}, {"n": 8005, "s": null}, {"n": 8006, "s": "given"}]');
SELECT n, s FROM projectalpha_data.tool_many WHERE n IN (8004, 8005, 8006) ORDER BY n;
SELECT pg_temp.many('[{"n": 9000}, {"n": 10000, "s": "s3cret"}]');
\echo :SQLSTATE
SELECT count(*) FROM projectalpha_data.tool_many WHERE n >= 9000;

-- Both ways in one transaction; a savepoint takes back its own.
ALTER TABLE projectalpha_data.tool_many DROP CONSTRAINT small, ALTER COLUMN s DROP DEFAULT;
TRUNCATE projectalpha_data.tool_many;
BEGIN;
SELECT pg_temp.many('[{"n": 1}, {"n": 2}]');
SAVEPOINT s;
SELECT pg_temp.many('[{"n": 3}]');
ROLLBACK TO s;
SELECT projectalpha.store_record('many', 'token-of-many', '{"n": 3}') > 0 AS stored;
SELECT pg_temp.many('[{"n": 4}]');
COMMIT;
SELECT string_agg(r->>'n', ' ') AS n FROM projectalpha.list_records('many') AS r;
BEGIN READ ONLY;
SELECT pg_temp.many('[{"n": 5}]');
\echo :SQLSTATE
ROLLBACK;

SELECT projectalpha.delete_tool(tool_name) FROM unnest(ARRAY['many', 'many_whole', 'many_bare']) AS tool_name;
