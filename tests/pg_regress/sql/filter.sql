-- list_records and count_records with a filter: every operator on every type, NULLs, and what is refused.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('finds', 'token-of-finds',
    '[{"name": "rating", "type": "int"}, {"name": "tag", "type": "str"}, {"name": "done", "type": "bool"},
      {"name": "score", "type": "float"}, {"name": "extra", "type": "json"}, {"name": "at", "type": "timestamp"}]');
SELECT projectalpha.store_records('finds', 'token-of-finds', '[
    {"rating": 1, "tag": "a", "done": true, "score": 0.1, "extra": {"a": 1, "b": [1, 2]}, "at": "2026-01-01T00:00:00.000001"},
    {"rating": 2, "tag": "a%", "done": false, "score": 1.5, "extra": [1, 2, 3], "at": "2026-01-01T05:30:00.000002+05:30"},
    {"rating": 3, "tag": "ab", "done": true, "score": -2, "extra": "text", "at": "2026-02-01"},
    {"rating": 9223372036854775807, "tag": "", "done": false, "score": 1e300, "extra": 5, "at": "9999-12-31T23:59:59.999999"},
    {"rating": -9223372036854775808, "tag": "O''Brien \"; drop table x; --\\", "score": 3, "extra": {}, "at": "0001-01-01"},
    {}]');
CREATE FUNCTION pg_temp.found(filter jsonb) RETURNS text LANGUAGE sql
RETURN (SELECT format('%s | %s', string_agg(r->>'id', ' ' ORDER BY n), projectalpha.count_records('finds', filter))
          FROM projectalpha.list_records('finds', filter => filter) WITH ORDINALITY AS l (r, n));

-- Every operator. The ids found, and how many count_records counts.
SELECT filter, pg_temp.found(filter::jsonb) FROM (VALUES
    (NULL), ('{}'),
    ('{"rating": 2}'), ('{"rating": {"eq": 2}}'), ('{"rating": {"ne": 2}}'), ('{"rating": {"lt": 2}}'), ('{"rating": {"lte": 2}}'),
    ('{"rating": {"gt": 2}}'), ('{"rating": {"gte": 2}}'), ('{"rating": {"in": [1, 3, 17]}}'), ('{"rating": null}'),
    ('{"rating": {"is_null": true}}'), ('{"rating": {"is_null": false}}'), ('{"rating": {"gt": 1, "lt": 3}}'),
    ('{"rating": 9223372036854775807}'), ('{"rating": -9223372036854775808}'),
    ('{"tag": "a"}'), ('{"tag": ""}'), ('{"tag": {"ne": "a"}}'), ('{"tag": {"gte": "a"}}'), ('{"tag": {"like": "a%"}}'),
    ('{"tag": {"like": "a\\%"}}'), ('{"tag": {"like": "_"}}'), ('{"tag": {"like": "%\\\\"}}'), ('{"tag": {"in": ["a", "ab"]}}'), ('{"tag": null}'),
    ('{"tag": "O''Brien \"; drop table x; --\\"}'),
    ('{"done": true}'), ('{"done": {"ne": true}}'), ('{"done": {"in": [true, false]}}'), ('{"done": {"is_null": true}}'),
    ('{"score": 1.5}'), ('{"score": 3}'), ('{"score": {"lt": 0.2}}'), ('{"score": {"gte": 1e300}}'), ('{"score": {"in": [0.1, -2]}}'),
    ('{"extra": {"contains": {"b": [2]}}}'), ('{"extra": {"contains": [3, 1]}}'), ('{"extra": {"eq": {}}}'), ('{"extra": [1, 2, 3]}'),
    ('{"extra": "text"}'), ('{"extra": 5}'), ('{"extra": {"ne": 5}}'), ('{"extra": {"in": [5, {"b": [1, 2], "a": 1}]}}'), ('{"extra": null}'),
    ('{"at": "2026-01-01T00:00:00.000001Z"}'), ('{"at": {"lte": "2026-01-01T00:00:00.000001"}}'), ('{"at": {"gt": "2026-01-01T00:00:00.000001"}}'),
    ('{"at": {"in": ["2026-02-01", "2026-01-01T05:30:00.000002+05:30"]}}'),
    ('{"id": 3}'), ('{"id": {"in": [1, 6]}}'), ('{"id": {"gt": 4}}'), ('{"created_at": {"lt": "2020-01-01"}}'), ('{"created_at": {"gt": "2020-01-01"}}'),
    ('{"rating": {"gte": 1}, "tag": {"like": "a%"}, "done": true, "score": {"lt": 0}, "extra": "text", "id": {"lte": 3}}'))
    AS v (filter);

-- With the other arguments.
SELECT r->'id' AS id FROM projectalpha.list_records('finds', 2, 1, filter => '{"rating": {"gte": 1}}') AS r;
SELECT r->'id' AS id FROM projectalpha.list_records('finds', 2, after_id => 2, filter => '{"rating": {"gte": 1}}') AS r;
SELECT r->'id' AS id FROM projectalpha.list_records('finds', 0, filter => '{"rating": {"gte": 1}}') AS r;
SELECT projectalpha.list_records('finds', -1, filter => '{"rating": 1}');
SET projectalpha_store.max_page_size = 2;
SELECT count(*) FROM projectalpha.list_records('finds', 100, filter => '{"id": {"gt": 0}}', order_by => '-id');
RESET projectalpha_store.max_page_size;

-- A record looks the same whichever way it was found.
SELECT bool_and(a::text = b::text) AS same
  FROM projectalpha.list_records('finds') WITH ORDINALITY AS x (a, n)
  JOIN projectalpha.list_records('finds', filter => '{"id": {"gt": 0}}') WITH ORDINALITY AS y (b, n) USING (n);

-- What is refused, and that it says which field and operator.
CREATE FUNCTION pg_temp.refused(filter text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; state text; again text;
BEGIN
    BEGIN
        PERFORM projectalpha.count_records('finds', filter::jsonb);
        RETURN 'not refused';
    EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
    END;
    BEGIN
        PERFORM projectalpha.list_records('finds', filter => filter::jsonb);
    EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS again = MESSAGE_TEXT;
    END;
    RETURN state || ' ' || message || CASE WHEN message IS DISTINCT FROM again THEN ' BUT ' || again ELSE '' END;
END $$;
SELECT filter, pg_temp.refused(filter) FROM (VALUES
    ('[]'), ('1'), ('null'), ('"rating"'), ('{"ratng": 1}'), ('{"": 1}'), ('{"Rating": 1}'), ('{"rating\"": 1}'), ('{"ctid": "(0,1)"}'), ('{"xmin": 1}'),
    ('{"tableoid": 1}'), ('{"rating\" = 1 OR 1=1 --": 1}'), ('{"ratng": {}}'),
    ('{"rating": {}}'), ('{"rating": {"=": 1}}'), ('{"rating": {"EQ": 1}}'), ('{"rating": {"eq\u200b": 1}}'), ('{"rating": {"or": []}}'),
    ('{"rating": {"like": "1"}}'), ('{"rating": {"contains": 1}}'), ('{"tag": {"contains": "a"}}'), ('{"done": {"gt": true}}'),
    ('{"extra": {"lt": 1}}'), ('{"extra": {"like": "t%"}}'), ('{"at": {"like": "2026%"}}'),
    ('{"rating": "1"}'), ('{"rating": 1.0}'), ('{"rating": 9223372036854775808}'), ('{"rating": true}'), ('{"rating": [1]}'), ('{"rating": {"eq": null}}'),
    ('{"tag": 1}'), ('{"tag": {"like": null}}'), ('{"tag": {"like": "a\\"}}'), ('{"done": 1}'), ('{"done": "true"}'), ('{"score": "1.5"}'), ('{"score": "NaN"}'),
    ('{"extra": {"eq": null}}'), ('{"at": "yesterday"}'), ('{"at": "infinity"}'), ('{"at": 0}'), ('{"at": "2026-02-30"}'),
    ('{"id": "1"}'), ('{"created_at": true}'),
    ('{"rating": {"in": []}}'), ('{"rating": {"in": 1}}'), ('{"rating": {"in": {"a": 1}}}'), ('{"rating": {"in": [1, null]}}'), ('{"rating": {"in": [1, "2"]}}'),
    ('{"rating": {"is_null": 1}}'), ('{"rating": {"is_null": "true"}}'), ('{"rating": {"is_null": null}}'))
    AS v (filter);
SELECT pg_temp.refused(jsonb_build_object('score', ('1' || repeat('0', 400))::numeric)::text);
SELECT pg_temp.refused(jsonb_build_object('rating', jsonb_build_object('in', (SELECT jsonb_agg(n) FROM generate_series(1, 1001) AS n)))::text);
SELECT pg_temp.found(jsonb_build_object('rating', jsonb_build_object('in', (SELECT jsonb_agg(n) FROM generate_series(1, 1000) AS n))));
-- All parts of two of these errors.
SELECT projectalpha.list_records('finds', filter => '{"rating": {"between": [1, 2]}}');
SELECT projectalpha.list_records('finds', filter => '{"ratng": 1}');
\echo :SQLSTATE
SELECT projectalpha.count_records('finds', '{"rating": {"gte": "secret-value"}}');
-- A long name is not repeated whole.
SELECT length(pg_temp.refused(jsonb_build_object(repeat('x', 10000), 1)::text)) < 120 AS short;
-- 100 conditions and no more.
SELECT table_name FROM projectalpha.register_tool('wide', 'token-of-finds',
    (SELECT jsonb_agg(jsonb_build_object('name', 'f' || n, 'type', 'int')) FROM generate_series(1, 51) AS n));
SELECT projectalpha.count_records('wide', (SELECT jsonb_object_agg('f' || n, '{"gt": 1, "lt": 2}'::jsonb) FROM generate_series(1, 50) AS n));
SELECT projectalpha.count_records('wide', (SELECT jsonb_object_agg('f' || n, '{"gt": 1, "lt": 2}'::jsonb) FROM generate_series(1, 51) AS n));

-- The rest of the arguments.
SELECT projectalpha.count_records('finds');
SELECT projectalpha.count_records(NULL);
SELECT projectalpha.count_records('nobody', '{"x": 1}');
SELECT projectalpha.list_records('nobody', filter => '{"x": 1}');

-- A tool without a schema has one field.
SELECT table_name FROM projectalpha.register_tool('whole', 'token-of-finds');
SELECT projectalpha.store_records('whole', 'token-of-finds', '[{"a": 1}, {"a": 2}, {"b": 1}]');
SELECT r->'data' AS data FROM projectalpha.list_records('whole', filter => '{"data": {"contains": {"a": 2}}}') AS r;

-- A sensitive tool tells nobody without its token, not even which fields it has.
SELECT table_name FROM projectalpha.register_tool('hidden', 'token-of-hidden', '[{"name": "n", "type": "int"}]', sensitive => true);
SELECT projectalpha.store_records('hidden', 'token-of-hidden', '[{"n": 1}, {"n": 2}]');
\set VERBOSITY terse
SELECT projectalpha.count_records('hidden');
SELECT projectalpha.count_records('hidden', '{"x": 1}');
SELECT projectalpha.count_records('hidden', token => 'token-of-finds');
SELECT projectalpha.list_records('hidden', filter => '{"n": 1}');
SELECT projectalpha.list_records('hidden', order_by => 'x', token => 'token-of-finds');
SELECT projectalpha.count_records('hidden', '{"n": 1}', 'token-of-hidden');
SELECT r->'n' AS n FROM projectalpha.list_records('hidden', token => 'token-of-hidden', filter => '{"n": 2}') AS r;
\set VERBOSITY default

-- Counting over HTTP, with the headers as PostgREST hands them over.
CREATE FUNCTION pg_temp.http_count(target text, headers jsonb DEFAULT '{}', OUT status text, OUT body text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', (headers || jsonb_build_object('x-uri', target))::text, true), set_config('response.status', '', true);
    body := convert_from(projectalpha_http.count_records(''), 'UTF8');
    status := current_setting('response.status');
END $$;
SELECT target, (pg_temp.http_count(target)).* FROM (VALUES
    ('/tools/finds/records:count'), ('/tools/finds/records:count?'), ('/tools/finds/records:count?limit=x&unknown=1'),
    ('/tools/finds/records:count?rating.gte=2'), ('/tools/finds/records:count?rating.gte=2&tag.like=a%25'), ('/tools/finds/records:count?tag.in=a&tag.in=ab'),
    ('/tools/finds/records:count?rating.gt=x'), ('/tools/finds/records:count?ratng.gt=1'), ('/tools/finds/records:count?rating.='),
    ('/tools/nobody/records:count?x.eq=1'), ('/tools/hidden/records:count?x.eq=1')) AS v (target);
SELECT (pg_temp.http_count('/tools/finds/records:count?extra.contains=%7B%22b%22%3A%5B2%5D%7D')).*;
SELECT (pg_temp.http_count('/tools/hidden/records:count?n.eq=1', '{"token": "token-of-hidden"}')).*;
SELECT (pg_temp.http_count('/tools/hidden/records:count', '{"token": "token-of-finds"}')).*;

-- A token that was revoked counts nothing more.
SELECT projectalpha.revoke_token('token-of-hidden');
SELECT projectalpha.count_records('hidden', '{"n": 1}', 'token-of-hidden');
\echo :SQLSTATE

-- It only reads: in READ ONLY transactions, and without a transaction id.
BEGIN READ ONLY;
SELECT projectalpha.count_records('finds', '{"rating": {"gt": 0}}');
SELECT count(*) FROM projectalpha.list_records('finds', filter => '{"rating": {"gt": 0}}', order_by => '-rating');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;

-- An index answers it: of 20,000 rows no more are looked at than are found.
INSERT INTO projectalpha_data.tool_finds (rating, tag, extra)
SELECT n, 'tag ' || n % 1000, jsonb_build_object('k', n % 1000) FROM generate_series(10, 20009) AS n;
CREATE INDEX ix_rating ON projectalpha_data.tool_finds (rating);
CREATE INDEX ix_tag ON projectalpha_data.tool_finds (tag text_pattern_ops);
CREATE INDEX ix_extra ON projectalpha_data.tool_finds USING gin (extra jsonb_path_ops);
ANALYZE projectalpha_data.tool_finds;
SET enable_seqscan = off;
SET jit = off;
CREATE FUNCTION pg_temp.used(filter jsonb, index regclass, OUT records bigint, OUT used boolean, OUT few boolean) LANGUAGE plpgsql AS $$
DECLARE
    scans_before bigint := pg_stat_get_xact_numscans(index);
    entries_before bigint := pg_stat_get_xact_tuples_returned(index);
BEGIN
    SELECT count(*) INTO records FROM projectalpha.list_records('finds', 1000, filter => filter);
    used := pg_stat_get_xact_numscans(index) > scans_before;
    -- The planner looks at an end of the index now and then.
    few := pg_stat_get_xact_tuples_returned(index) - entries_before BETWEEN records AND records + 5;
END $$;
SELECT filter, index, (pg_temp.used(filter::jsonb, ('projectalpha_data.' || index)::regclass)).* FROM (VALUES
    ('{"rating": 5000}', 'ix_rating'), ('{"rating": {"gte": 20000}}', 'ix_rating'), ('{"rating": {"gt": 500, "lte": 510}}', 'ix_rating'),
    ('{"rating": {"in": [100, 200, 300]}}', 'ix_rating'), ('{"rating": null}', 'ix_rating'), ('{"tag": {"like": "tag 77%"}}', 'ix_tag'),
    ('{"extra": {"contains": {"k": 7}}}', 'ix_extra')) AS v (filter, index);
RESET enable_seqscan;
RESET jit;

-- Without the index there is no such answer.
DROP INDEX projectalpha_data.ix_rating;
CREATE INDEX ix_rating ON projectalpha_data.tool_finds (score);
SELECT used FROM pg_temp.used('{"rating": 5000}', 'projectalpha_data.ix_rating');

-- More shapes of queries than plans are kept, twice over.
SELECT sum(projectalpha.count_records('finds', (SELECT jsonb_object_agg(f, '{"is_null": false}'::jsonb) FROM unnest(fields) AS f)))
  FROM generate_series(1, 2), generate_series(1, 63) AS bits,
       LATERAL (SELECT array_agg(name) AS fields FROM unnest(ARRAY['rating', 'tag', 'done', 'score', 'extra', 'at']) WITH ORDINALITY AS u (name, n)
                 WHERE bits & (1 << n::int - 1) <> 0) AS f;

-- Columns that somebody has changed by hand are compared as what they are shown as.
ALTER TABLE projectalpha_data.tool_finds ALTER COLUMN rating TYPE text USING rating::text, ALTER COLUMN tag TYPE varchar(100);
SELECT r->'rating' AS rating FROM projectalpha.list_records('finds', filter => '{"rating": {"gte": 9, "lt": 12}}', order_by => 'rating') AS r;
SELECT projectalpha.count_records('finds', '{"tag": {"in": ["a", "ab"]}}');
-- The table is gone.
DROP TABLE projectalpha_data.tool_finds;
SELECT projectalpha.count_records('finds');
\echo :SQLSTATE

SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.registered_tools WHERE tool_name IN ('finds', 'wide', 'whole', 'hidden');
