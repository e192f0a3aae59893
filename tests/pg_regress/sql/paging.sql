-- list_records in another order, page by page: no record is lost or doubled, whatever the values, NULLs and ties.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('walk', 'token-of-walk',
    '[{"name": "i", "type": "int"}, {"name": "s", "type": "str"}, {"name": "b", "type": "bool"}, {"name": "f", "type": "float"},
      {"name": "t", "type": "timestamp"}, {"name": "u", "type": "int"}, {"name": "none", "type": "int"}, {"name": "j", "type": "json"}]');
-- Few values, so that there are ties; microseconds and doubles that differ in the last place alone; text that needs care.
INSERT INTO projectalpha_data.tool_walk (created_at, i, s, b, f, t, u)
SELECT '2026-01-01 00:00:00+00'::timestamptz + (n % 5) * interval '1 microsecond'
     , (ARRAY[NULL, 1, 2, -9223372036854775808, 9223372036854775807, 2, NULL])[1 + n % 7]
     , (ARRAY['a', NULL, 'B', '', E'"\\\n\t', 'é😀', 'a', '"; drop table x; --', 'null'])[1 + n % 9]
     , (ARRAY[true, NULL, false])[1 + n % 3]
     , (ARRAY[0.1, 0.30000000000000004, 0.3, NULL, 'NaN', 'Infinity', '-Infinity', -0.0, 0.0, 5e-324, 1.7976931348623157e308]::float8[])[1 + n % 11]
     , (ARRAY['2026-01-01 00:00:00.000001+00', '2026-01-01 00:00:00.000002+00', NULL, 'infinity', '-infinity', '0044-03-15 12:00:00+00 BC',
              '12024-02-29 00:00:00.5+00', '0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999999+00',
              '4713-01-01 00:00:00+00 BC']::timestamptz[])[1 + n % 11]
     , 50 - n
  FROM generate_series(1, 50) AS n;

-- All pages of this size one after the other, as a client walks them.
CREATE FUNCTION pg_temp.walk(by text, size int, filter jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ids text := '';
    last json;
    page json[];
BEGIN
    FOR round IN 1..1000 LOOP
        SELECT array_agg(r ORDER BY n) INTO page
          FROM projectalpha.list_records('walk', size, filter => filter, order_by => by, after => projectalpha.page_cursor(last, by))
               WITH ORDINALITY AS l (r, n);
        EXIT WHEN page IS NULL;
        SELECT ids || string_agg((r->>'id') || ' ', '' ORDER BY n) INTO ids FROM unnest(page) WITH ORDINALITY AS p (r, n);
        last := page[cardinality(page)];
    END LOOP;
    RETURN rtrim(ids);
END $$;
-- The same by one statement of plain SQL.
CREATE FUNCTION pg_temp.plain(by text, condition text DEFAULT 'true') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ids text;
    direction text := CASE WHEN by LIKE '-%' THEN 'DESC' ELSE 'ASC' END;
BEGIN
    EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY %I %s, id %2$s) FROM projectalpha_data.tool_walk WHERE %s', ltrim(by, '-'), direction, condition)
       INTO ids;
    RETURN ids;
END $$;
CREATE TEMPORARY TABLE orders AS
SELECT sign || name AS by FROM unnest(ARRAY['id', 'created_at', 'i', 's', 'b', 'f', 't', 'u', 'none']) AS name, unnest(ARRAY['', '-']) AS sign;

SELECT by, count(*) AS walks, count(*) FILTER (WHERE pg_temp.walk(by, size) = pg_temp.plain(by)) AS right
  FROM orders, generate_series(1, 7) AS size GROUP BY by ORDER BY by COLLATE "C";
-- Together with a filter.
SELECT count(*) AS walks, count(*) FILTER (WHERE pg_temp.walk(by, size, '{"u": {"gt": 10}, "b": {"is_null": false}}')
                                                 = pg_temp.plain(by, 'u > 10 AND b IS NOT NULL')) AS right
  FROM orders, generate_series(1, 7) AS size;
-- And with an index that is used, and a column without NULLs.
CREATE INDEX ON projectalpha_data.tool_walk (i, id);
CREATE INDEX ON projectalpha_data.tool_walk (f, id);
CREATE INDEX ON projectalpha_data.tool_walk (s DESC, id DESC);
ALTER TABLE projectalpha_data.tool_walk ALTER COLUMN u SET NOT NULL;
ANALYZE projectalpha_data.tool_walk;
SET enable_seqscan = off;
SET enable_sort = off;
SET jit = off; -- what is switched off costs so much that every statement would be compiled
SELECT count(*) AS walks, count(*) FILTER (WHERE pg_temp.walk(by, size) = pg_temp.plain(by)) AS right
  FROM orders, unnest(ARRAY[1, 3, 50]) AS size;
-- By the plan that is kept for any value.
SET plan_cache_mode = force_generic_plan;
SELECT count(*) AS walks, count(*) FILTER (WHERE pg_temp.walk(by, 7) = pg_temp.plain(by)) AS right FROM orders;
RESET plan_cache_mode;
RESET enable_seqscan;
RESET enable_sort;
RESET jit;

-- Without order_by a cursor is by id, and after_id and row_offset go on meaning what they mean.
CREATE FUNCTION pg_temp.ids(row_limit int, row_offset bigint DEFAULT 0, after_id bigint DEFAULT NULL, order_by text DEFAULT NULL, after text DEFAULT NULL)
RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(r->>'id', ' ' ORDER BY n)
          FROM projectalpha.list_records('walk', row_limit, row_offset, NULL, after_id, NULL, order_by, after) WITH ORDINALITY AS l (r, n));
SELECT pg_temp.ids(3, after => projectalpha.page_cursor('{"id": 5}')) AS by_default
     , pg_temp.ids(3, order_by => 'id', after => projectalpha.page_cursor('{"id": 5}')) AS by_id
     , pg_temp.ids(3, order_by => '-id', after => projectalpha.page_cursor('{"id": 5}', '-id')) AS backwards
     , pg_temp.ids(3, after_id => 10, after => projectalpha.page_cursor('{"id": 5}')) AS both
     , pg_temp.ids(3, order_by => 'u', after_id => 45) AS after_id
     , pg_temp.ids(3, row_offset => 2, order_by => 'u') AS skipped
     , pg_temp.ids(3, row_offset => 2, order_by => 'u', after => projectalpha.page_cursor('{"id": 48, "u": 2}', 'u')) AS skipped_after;
-- Over the border between values and NULLs.
SELECT o, pg_temp.ids(4, o, order_by => 'i', after => projectalpha.page_cursor('{"id": 39, "i": 9223372036854775807}', 'i')) AS ids
  FROM unnest(ARRAY[0, 1, 2, 13, 14, 15, 9223372036854775807]) AS o;
SELECT right(pg_temp.plain('i'), 53) AS ids;

-- A page deep inside costs as much as the first: so many entries of the index.
INSERT INTO projectalpha_data.tool_walk (i, u) SELECT n, n FROM generate_series(1000, 20999) AS n;
ANALYZE projectalpha_data.tool_walk;
CREATE FUNCTION pg_temp.entries(order_by text, record json) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_stat_get_xact_tuples_returned('projectalpha_data.tool_walk_i_id_idx'::regclass);
BEGIN
    PERFORM projectalpha.list_records('walk', 10, order_by => order_by, after => projectalpha.page_cursor(record, order_by));
    RETURN pg_stat_get_xact_tuples_returned('projectalpha_data.tool_walk_i_id_idx'::regclass) - before;
END $$;
-- (10, and those that the planner looks at.)
SELECT order_by, record, entries BETWEEN 10 AND 20 AS few
  FROM (VALUES ('i', NULL), ('-i', NULL), ('i', '{"id": 10000, "i": 10000}'), ('-i', '{"id": 10000, "i": 10000}'), ('i', '{"id": 14, "i": null}'),
               ('-i', '{"id": 14, "i": null}')) AS v (order_by, record), LATERAL pg_temp.entries(order_by, record::json) AS entries;

-- Orders that there are not.
\set VERBOSITY terse
SELECT projectalpha.list_records('walk', order_by => 'j');
SELECT projectalpha.list_records('walk', order_by => '');
SELECT projectalpha.list_records('walk', order_by => '-');
SELECT projectalpha.list_records('walk', order_by => '--i');
SELECT projectalpha.list_records('walk', order_by => 'i DESC');
SELECT projectalpha.list_records('walk', order_by => 'i", (SELECT 1)');
SELECT projectalpha.list_records('walk', order_by => 'ctid');
\echo :SQLSTATE
\set VERBOSITY default
SELECT projectalpha.list_records('walk', order_by => 'j');

-- Cursors that are none, and records that have none.
CREATE FUNCTION pg_temp.cursor(json text) RETURNS text LANGUAGE sql
RETURN rtrim(translate(encode(convert_to(json, 'UTF8'), 'base64'), E'+/\n', '-_'), '=');
CREATE FUNCTION pg_temp.answer(order_by text, after text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN 'ids ' || coalesce(pg_temp.ids(3, order_by => order_by, after => after), '');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT order_by, after, pg_temp.answer(order_by, pg_temp.cursor(after)) AS answer FROM (VALUES
    ('u', '{"v":1,"o":"u","k":3,"i":47}'), ('u', '{"v":1,"o":"-u","k":3,"i":47}'), ('-u', '{"v":1,"o":"u","k":3,"i":47}'),
    ('id', '{"v":1,"o":"u","k":3,"i":47}'), (NULL, '{"v":1,"o":"u","k":3,"i":47}'), ('u', '{"v":2,"o":"u","k":3,"i":47}'),
    ('u', '{"v":1,"o":"u","k":"3","i":47}'), ('u', '{"v":1,"o":"u","k":3.0,"i":47}'), ('u', '{"v":1,"o":"u","k":99999999999999999999,"i":47}'),
    ('u', '{"v":1,"o":"u","k":[3],"i":47}'), ('u', '{"v":1,"o":"u","k":3}'), ('u', '{"v":1,"o":"u","k":3,"i":null}'), ('u', '{"v":1,"o":"u","k":null,"i":47}'),
    ('s', '{"v":1,"o":"s","k":"\u0000","i":1}'), ('s', '{"v":1,"o":"s","k":"\ud800","i":1}'), ('s', '{"v":1,"o":"s","k":"''); SELECT 1; --","i":1}'),
    ('t', '{"v":1,"o":"t","k":"now","i":1}'), ('t', '{"v":1,"o":"t","k":"999999-01-01T00:00:00","i":1}'), ('j', '{"v":1,"o":"j","k":1,"i":1}'),
    ('u', ''), ('u', 'null'), ('u', '{}')) AS v (order_by, after);
SELECT after, pg_temp.answer('u', after) AS answer FROM (VALUES (''), (' '), ('x'), ('1'), ('é'), ('e30='), ('e30+'), (E'\x01')) AS v (after);
SELECT pg_temp.answer('u', repeat('A', 1000000)) AS answer;
SELECT projectalpha.list_records('walk', order_by => 'u', after => projectalpha.page_cursor('{"id": 1, "u": 1}', '-u'));
SELECT projectalpha.list_records('walk', after => 'no-cursor');
\set VERBOSITY terse
SELECT projectalpha.page_cursor(NULL, 'u') IS NULL AS no_record, projectalpha.page_cursor('{"id": 1}', NULL) = projectalpha.page_cursor('{"id": 1}', 'id') AS same;
SELECT projectalpha.page_cursor('[]');
SELECT projectalpha.page_cursor('{"u": 1}', 'u');
SELECT projectalpha.page_cursor('{"id": "1"}');
SELECT projectalpha.page_cursor('{"id": 1}', 'u');
\echo :SQLSTATE
\set VERBOSITY default
-- A cursor can stand in a URL as it is.
SELECT bool_and(projectalpha.page_cursor(r, 's') ~ '^[A-Za-z0-9_-]+$') AS plain FROM projectalpha.list_records('walk', 60) AS r;

-- The declaration of version 0.1.0 goes on working.
CREATE FUNCTION pg_temp.list_records(tool_name text, row_limit integer DEFAULT 10, row_offset bigint DEFAULT 0, token text DEFAULT NULL,
    after_id bigint DEFAULT NULL) RETURNS SETOF json LANGUAGE c STABLE PARALLEL UNSAFE AS '$libdir/projectalpha_store', 'list_records_wrapper';
SELECT r->'id' AS id FROM pg_temp.list_records('walk', 2, 1, after_id => 5) AS r;

SELECT projectalpha.delete_tool('walk');
