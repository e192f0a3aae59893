-- Payloads against the six types: what is stored, what is refused, in which words.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('v', 'token-of-v',
    '[{"name": "int", "type": "int"}, {"name": "str", "type": "str"}, {"name": "bool", "type": "bool"},
      {"name": "float", "type": "float"}, {"name": "json", "type": "json"}, {"name": "timestamp", "type": "timestamp"}]');

-- One field of a record as it was stored, or the error.
CREATE FUNCTION pg_temp.stored(field text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    new_id bigint; answer text; said text; detail text; hint text;
BEGIN
    new_id := projectalpha.store_record('v', 'token-of-v', format('{"%s": %s}', field, value)::jsonb);
    EXECUTE format('SELECT %I::text FROM projectalpha_data.tool_v WHERE id = $1', field) INTO answer USING new_id;
    RETURN coalesce('stored ' || answer, 'stored NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n    ', SQLSTATE || ' ' || said, 'DETAIL ' || nullif(detail, ''), 'HINT ' || nullif(hint, ''));
END
$$;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';

-- All types x all kinds. Unaligned, as the answers have several lines.
\pset format unaligned
SELECT type, value, pg_temp.stored(type, value) AS outcome
  FROM unnest(ARRAY['int', 'str', 'bool', 'float', 'json', 'timestamp']) WITH ORDINALITY AS t (type, a)
     , unnest(ARRAY['null', 'true', '42', '42.5', '"text"', '[1, null]', '{"a": {}}']) WITH ORDINALITY AS v (value, b)
 ORDER BY a, b;

-- Integers.
SELECT value, pg_temp.stored('int', value) AS int
  FROM unnest(ARRAY['0', '-0', '7', '-7', '9999', '10000', '10001', '100000000', '12345678901234', '1000000000000000000',
                    '9223372036854775807', '-9223372036854775808', '9223372036854775808', '-9223372036854775809',
                    '10000000000000000000', '99999999999999999999', '100000000000000000000', '1' || repeat('0', 400), '1e400',
                    '42.0', '0.0', '-0.5', '1.' || repeat('0', 80), '""', '"42"', '[]', '{}', 'false']) AS value;
-- Floats; an int will do.
SELECT value, pg_temp.stored('float', value) AS float
  FROM unnest(ARRAY['0', '42', '-1', '0.1', '42.0', '1e22', '1.5e300', '1.7976931348623157e308', '1.7976931348623159e308',
                    '-1e309', '1e400', '1e-400', '5e-324', '0.30000000000000004', '123456789012345678', '"NaN"', '"1.5"', 'true', '[]']) AS value;
-- Text is stored as it is.
SELECT value, pg_temp.stored('str', value) AS str
  FROM unnest(ARRAY['""', '" "', '"true"', '"null"', '"\\"', '"é\u00e9😀\ud83d\ude00"', '"''; DROP TABLE x; --"', '1e5']) AS value;
-- Booleans are neither numbers nor words.
SELECT value, pg_temp.stored('bool', value) AS bool
  FROM unnest(ARRAY['true', 'false', '0', '1', '1.0', '"true"', '"t"', '[]', '{}']) AS value;
-- JSON takes everything; its null is NULL.
SELECT value, pg_temp.stored('json', value) AS json
  FROM unnest(ARRAY['null', 'true', '1', '1.50', '"x"', '[]', '{}', '[null]', '{"b": 1, "a": 2, "b": 3}', '123456789012345678901234567890.5']) AS value;
-- Timestamps: ISO 8601; no zone means UTC, whatever the session's is.
SET TimeZone = 'Asia/Kolkata';
SELECT value, pg_temp.stored('timestamp', value) AS timestamp
  FROM unnest(ARRAY['"2026-02-05T10:30:00"', '"2026-02-05T10:30:00Z"', '"2026-02-05 10:30:00"', '"2026-02-05T10:30"', '"2026-02-05"',
                    '"2026-02-05T10:30:00.5+05:30"', '"2026-02-05T10:30:00.123456789Z"', '"2024-02-29T00:00:00-08:00"',
                    '"1969-12-31T23:59:59Z"', '"0001-01-01T00:00:00Z"',
                    '""', '"now"', '"today"', '"infinity"', '"-infinity"', '"epoch"', '"02/05/2026"', '"2026-02-30"', '"2025-02-29"', '"2026-13-01"',
                    '"2026-02-05T25:00:00"', '"2026-02-05T10:30:00 Asia/Kolkata"', '"10:30"', '"1770287400"', '1770287400', '"Feb 5 2026"']) AS value;
-- The last day of ISO 8601's four-digit years is a favourite for "never".
SET TimeZone = 'UTC';
SELECT value, pg_temp.stored('timestamp', value) AS timestamp
  FROM unnest(ARRAY['"9999-12-31"', '"9999-12-31T23:59:59"', '"9999-12-31T23:59:59.999999Z"']) AS value;
\pset format aligned
-- What lies outside of four-digit years or of timestamptz: refused, or stored so that it reads back. Either will do ...
SELECT count(pg_temp.stored('timestamp', value))
  FROM unnest(ARRAY['"0000-01-01T00:00:00Z"', '"-000001-01-01T00:00:00Z"', '"-004800-01-01T00:00:00Z"', '"-005000-01-01T00:00:00Z"',
                    '"-009999-01-02T12:00:00Z"', '"+010000-01-01T00:00:00Z"', '"+294276-12-31T23:59:59Z"', '"+300000-01-01T00:00:00Z"', '"9999-12-31T23:59:59-12:00"']) AS value;
-- ... but every record can be read, here and by SQL, and every timestamp is ISO 8601. (None must appear.)
SELECT count(v::text) = (SELECT count(*) FROM projectalpha.list_records('v', row_limit => 10000)) AS all_readable FROM projectalpha_data.tool_v AS v;
SELECT r->>'timestamp' AS not_iso FROM projectalpha.list_records('v', row_limit => 10000) AS r
 WHERE r->>'timestamp' !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$';
-- What was listed can be stored again. (Nothing but t.)
SELECT DISTINCT pg_temp.stored('timestamp', (r->'timestamp')::text) ~ '^stored' AS again FROM projectalpha.list_records('v', row_limit => 10000) AS r;

-- At top level, with all the parts as psql shows them.
SELECT projectalpha.store_record('v', 'token-of-v', '{"int": "not-a-number"}');
\echo :SQLSTATE
SELECT projectalpha.store_record('v', 'token-of-v', '{"int": 9223372036854775808}');
\echo :SQLSTATE
SELECT projectalpha.store_record('v', 'token-of-v', '{"float": 1e400}');
\echo :SQLSTATE
SELECT projectalpha.store_record('v', 'token-of-v', '{"timestamp": "yesterday"}');
\echo :SQLSTATE

-- No value of the payload is in any of these. (Nothing but true.)
SELECT field, pg_temp.stored(field, '"s3cret"') !~ 's3cret' OR field IN ('str', 'json') AS silent
  FROM unnest(ARRAY['int', 'str', 'bool', 'float', 'json', 'timestamp']) AS field;

-- Extra fields are ignored, missing ones are NULL, {} is a row. The first bad field, in the order of the schema, is named.
TRUNCATE projectalpha_data.tool_v RESTART IDENTITY;
SELECT projectalpha.store_record('v', 'token-of-v', '{}');
SELECT projectalpha.store_record('v', 'token-of-v', '{"int": 1, "id": 77, "created_at": "1999-01-01", "extra": {"a": "b"}, "Int": 2, "int ": 3}');
SELECT projectalpha.store_record('v', 'token-of-v', '{"int": 1, "int": 2}');
SELECT projectalpha.store_record('v', 'token-of-v', '{"timestamp": 1, "bool": 1, "str": 1}');
SELECT v.id, v.created_at > now() - interval '1 hour' AS recent, v.int, v.str, v.bool, v.float, v.json, v.timestamp FROM projectalpha_data.tool_v AS v
 ORDER BY v.id;

-- A payload is an object.
SELECT projectalpha.store_record('v', 'token-of-v', '[]');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.store_record('v', 'token-of-v', 'null');
SELECT projectalpha.store_record('v', 'token-of-v', '5');
SELECT projectalpha.store_record('v', 'token-of-v', '"{}"');
SELECT projectalpha.store_record('v', 'token-of-v', '[{"int": 1}]');
SELECT projectalpha.store_record('v', 'token-of-v', NULL);
\echo :SQLSTATE
SELECT projectalpha.store_record('v', 'token-of-v', '');

-- A tool without a schema takes any object, whole, and nothing else; one with no fields ignores all.
SELECT table_name FROM projectalpha.register_tool('whole', 'token-of-whole');
SELECT projectalpha.store_record('whole', 'token-of-whole', '{"id": 9, "data": {"x": 1}, "a": [1, 2.50, null]}');
SELECT projectalpha.store_record('whole', 'token-of-whole', '{}');
SELECT projectalpha.store_record('whole', 'token-of-whole', '[]');
SELECT id, data FROM projectalpha_data.tool_whole ORDER BY id;
SELECT table_name FROM projectalpha.register_tool('bare', 'token-of-bare', '[]');
SELECT projectalpha.store_record('bare', 'token-of-bare', '{"data": 1}');
SELECT projectalpha.store_record('bare', 'token-of-bare', '{}');
SELECT id FROM projectalpha_data.tool_bare ORDER BY id;

SELECT projectalpha.delete_tool(tool_name) FROM unnest(ARRAY['v', 'whole', 'bare']) AS tool_name;
