-- store_record and list_records: ids, order of keys and rows, pages.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('pages', 'token-of-pages',
    '[{"name": "z", "type": "int"}, {"name": "at", "type": "timestamp"}, {"name": "a", "type": "str"},
      {"name": "m", "type": "json"}, {"name": "f", "type": "float"}, {"name": "b", "type": "bool"}]');

-- An empty table is an empty list. Types of both answers.
SELECT * FROM projectalpha.list_records('pages');
SELECT pg_typeof(projectalpha.store_record('pages', 'token-of-pages',
    '{"b": true, "f": 1, "m": {"y": 1, "x": [1, {"q": null}]}, "a": "t\u00e4xt \"quoted\"\\\n", "at": "2026-02-05T10:30:00.5+05:30", "z": 1}'));
SELECT DISTINCT pg_typeof(r) FROM projectalpha.list_records('pages') AS r;

-- Keys: id, created_at, then the fields as registered. Values by JSON kind.
SELECT string_agg(key, ' ' ORDER BY n) AS keys
  FROM projectalpha.list_records('pages') AS r, json_object_keys(r) WITH ORDINALITY AS k (key, n);
SELECT key, value, json_typeof(value) AS kind FROM projectalpha.list_records('pages') AS r, json_each(r) WHERE key <> 'created_at';
-- created_at is in UTC and says so, whatever the session's zone and style; it is the column's value.
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'German';
SELECT r->>'created_at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$' AS iso, (r->>'created_at')::timestamptz = t.created_at AS same
     , r->>'at' AS at
  FROM projectalpha.list_records('pages') AS r, projectalpha_data.tool_pages AS t;
RESET TimeZone;
RESET DateStyle;

-- Nulls are there as nulls.
SELECT projectalpha.store_record('pages', 'token-of-pages', '{}');
SELECT r::jsonb - 'created_at' AS record FROM projectalpha.list_records('pages', 1, 1) AS r;

-- Floats keep their value and stay floats; text comes back byte for byte.
SELECT projectalpha.store_record('pages', 'token-of-pages', jsonb_build_object('f', f, 'a', a))
  FROM (VALUES (42::numeric, 'x'), (0.1, ''), (1e300, E'\x01\x1f\t'), (-0.5, '</script>'), (123456789.123456789, '😀')) AS v (f, a);
SELECT r->'f' AS f, r->'a' AS a, r->>'a' = t.a AS same
  FROM projectalpha.list_records('pages', row_offset => 2) AS r JOIN projectalpha_data.tool_pages AS t ON t.id = (r->>'id')::bigint ORDER BY t.id;
-- What a DBA put in by hand and JSON has no number for.
UPDATE projectalpha_data.tool_pages SET f = CASE id WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' ELSE '-Infinity' END::float8,
    at = CASE id WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' END::timestamptz WHERE id <= 3;
SELECT r->'f' AS f, r->'at' AS at FROM projectalpha.list_records('pages', 3) AS r;

-- Pages, oldest first.
TRUNCATE projectalpha_data.tool_pages RESTART IDENTITY;
SELECT count(projectalpha.store_record('pages', 'token-of-pages', jsonb_build_object('z', n))) FROM generate_series(1, 250) AS n;
CREATE FUNCTION pg_temp.page(row_limit int, row_offset bigint) RETURNS text LANGUAGE sql
RETURN (SELECT format('%s rows: %s to %s', count(*), min((r->>'id')::int), max((r->>'id')::int))
          FROM projectalpha.list_records('pages', row_limit, row_offset) AS r);
SELECT l, o, pg_temp.page(l, o) FROM (VALUES
    (10, 0), (1, 0), (0, 0), (100, 0), (101, 0), (250, 0), (251, 0), (2147483647, 0), (10, 245), (10, 250), (10, 9223372036854775807),
    (NULL, 0), (10, NULL), (NULL, NULL)) AS v (l, o);
SELECT count(*) AS by_default FROM projectalpha.list_records('pages');
SELECT bool_and(id = n) AS in_order
  FROM projectalpha.list_records('pages', 250) WITH ORDINALITY AS r (r, n), LATERAL (SELECT (r->>'id')::bigint) AS i (id);
SELECT projectalpha.list_records('pages', -1);
\echo :SQLSTATE
SELECT projectalpha.list_records('pages', 10, -1);
\echo :SQLSTATE
SELECT projectalpha.list_records('pages', row_limit => -2147483648, row_offset => -9223372036854775808);

-- The cap of the setting, for everybody; only a superuser moves it.
SET projectalpha_store.max_page_size = 7;
SELECT pg_temp.page(100, 0), pg_temp.page(7, 0), pg_temp.page(6, 0), pg_temp.page(NULL, 0);
RESET projectalpha_store.max_page_size;
SET ROLE projectalpha_anon;
SET projectalpha_store.max_page_size = 1000000;
RESET ROLE;
SELECT count(projectalpha.store_record('pages', 'token-of-pages', '{}')) FROM generate_series(251, 10050);
SELECT count(*) AS capped FROM projectalpha.list_records('pages', 1000000);
SET work_mem = '64kB';
SELECT count(*) AS capped, sum((r->>'id')::int) = 10000 * 10001 / 2 AS right_ones FROM projectalpha.list_records('pages', 20000) AS r;
RESET work_mem;

-- Pages after an id: the same pages, whatever gaps there are; with an offset, that many after it.
CREATE FUNCTION pg_temp.after(after_id bigint, row_limit int = 10, row_offset bigint = 0) RETURNS text LANGUAGE sql
RETURN (SELECT format('%s rows: %s to %s', count(*), min((r->>'id')::int), max((r->>'id')::int))
          FROM projectalpha.list_records('pages', row_limit, row_offset, after_id => after.after_id) AS r);
DELETE FROM projectalpha_data.tool_pages WHERE id BETWEEN 101 AND 200;
INSERT INTO projectalpha_data.tool_pages (id) OVERRIDING SYSTEM VALUE VALUES (-7);
SELECT a, l, o, pg_temp.after(a, l, o) FROM (VALUES
    (NULL, 10, 0), (0, 10, 0), (10, 10, 0), (95, 10, 0), (100, 10, 0), (150, 10, 0), (95, 10, 5), (-8, 3, 0), (-9223372036854775808, 3, 0),
    (10045, 10, 0), (10050, 10, 0), (9223372036854775807, 10, 0), (0, 0, 0), (0, 10, 9940)) AS v (a, l, o);
WITH RECURSIVE pages (page, last_id) AS
    ( SELECT 1, (SELECT max((r->>'id')::bigint) FROM projectalpha.list_records('pages', 1000) AS r)
      UNION ALL
      SELECT page + 1, (SELECT max((r->>'id')::bigint) FROM projectalpha.list_records('pages', 1000, after_id => last_id) AS r) FROM pages WHERE last_id IS NOT NULL
    )
SELECT max(page) AS pages, max(last_id) AS last_id FROM pages;
DELETE FROM projectalpha_data.tool_pages WHERE id = -7;

-- As a table function, in a select list, twice at once, under LIMIT, in a cursor, prepared, in a subquery that reads on.
SELECT r->'id' AS id FROM projectalpha.list_records('pages', 3) AS r WHERE (r->>'id')::int > 1;
SELECT projectalpha.list_records('pages', 2)->'id' AS a, projectalpha.list_records('pages', 3, 5)->'id' AS b;
SELECT r->'id' AS id FROM projectalpha.list_records('pages', 100) AS r LIMIT 2;
SELECT (SELECT r->'id' FROM projectalpha.list_records('pages', 1, n) AS r) AS id FROM generate_series(0, 2) AS n;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT r->'id' AS id FROM projectalpha.list_records('pages', 5) AS r;
FETCH 2 FROM c;
FETCH LAST FROM c;
FETCH BACKWARD 1 FROM c;
ROLLBACK;
PREPARE page (int) AS SELECT r->'id' AS id FROM projectalpha.list_records('pages', $1) AS r;
EXECUTE page(2);
EXECUTE page(1);
DEALLOCATE page;

-- A statement does not list what it stores itself; the next one does. A record that fails leaves none.
SELECT projectalpha.store_record('pages', 'token-of-pages', '{"z": -1}') IS NOT NULL AS stored
     , (SELECT count(*) FROM projectalpha.list_records('pages', 100, after_id => 10050)) AS seen;
SELECT count(*) AS seen FROM projectalpha.list_records('pages', 100, after_id => 10050);
SELECT projectalpha.store_record('pages', 'token-of-pages', jsonb_build_object('z', z)) FROM (VALUES ('1'::jsonb), ('"x"')) AS v (z);
SELECT count(*) AS still FROM projectalpha.list_records('pages', 100, after_id => 10050);

-- Which arguments must not be NULL, and who is asked first: the name, the token, then the payload.
\set VERBOSITY terse
SELECT projectalpha.store_record(NULL, NULL, NULL);
SELECT projectalpha.store_record('no_such_tool', NULL, NULL);
SELECT projectalpha.store_record('pages', NULL, NULL);
SELECT projectalpha.store_record('pages', 'token-of-pages', NULL);
SELECT projectalpha.list_records(NULL);
-- A name that can be no tool's is that of no tool.
SELECT projectalpha.store_record('No Such Tool', 'token-of-pages', '{}');
SELECT projectalpha.list_records('tool_pages');
SELECT projectalpha.list_records('PAGES');
SELECT projectalpha.list_records('');
\set VERBOSITY default
SELECT projectalpha.list_records('no_such_tool');
\echo :SQLSTATE

SELECT projectalpha.delete_tool('pages');
