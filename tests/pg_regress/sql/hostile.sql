-- Hostile input: each gets its clear error or is stored faithfully, and nothing else changes.
\set VERBOSITY terse
-- Everything there is, as one number: to see that what was refused changed nothing.
CREATE FUNCTION pg_temp.footprint() RETURNS text LANGUAGE sql AS $$
    SELECT md5(concat( (SELECT string_agg(t::text, '|' ORDER BY t.id) FROM projectalpha.tools AS t)
                     , (SELECT string_agg(c::text, '|' ORDER BY c.id) FROM projectalpha.credentials AS c)
                     , (SELECT string_agg(relname || relkind::text || relowner || relnatts || coalesce(relacl::text, ''), '|' ORDER BY oid) FROM pg_class
                         WHERE relnamespace::regnamespace::text !~ '^pg_t')
                     , (SELECT string_agg(proname || coalesce(proacl::text, ''), '|' ORDER BY oid) FROM pg_proc)
                     , (SELECT string_agg(rolname, '|' ORDER BY oid) FROM pg_roles), (SELECT string_agg(nspname, '|' ORDER BY oid) FROM pg_namespace)));
$$;
SELECT table_name FROM projectalpha.register_tool('h', 'token-of-h', '[{"name": "s", "type": "str"}, {"name": "j", "type": "json"}, {"name": "n", "type": "int"}]');
SELECT table_name FROM projectalpha.register_tool('h_whole', 'token-of-h');
CREATE TABLE pg_temp.nasty (n int GENERATED ALWAYS AS IDENTITY, text text);
INSERT INTO pg_temp.nasty (text) VALUES
    (''''), ('"'), ('''; DROP TABLE projectalpha.tools; --'), ('"; DROP SCHEMA projectalpha_data CASCADE; --'), ('$$; SELECT 1; $$'), ('\'), ('\'' OR 1=1 --'),
    ('h; DELETE FROM projectalpha.credentials'), ('h''::text'), ('$1'), ('%s%n%I%L'), ('{}'), ('[]'), ('null'), ('NULL'), ('true'), ('../../h'), ('h/**/'), ('h --'),
    (' h'), ('h '), (E'h\n'), (E'h\t'), (E'\x01'), (E'h\x7f'), ('H'), ('ｈ'), ('һ'), ('h' || chr(8203)), (chr(65279) || 'h'), ('h' || chr(769)), (chr(8238) || 'h'),
    ('K'), ('ı'), ('ß'), ('😀'), (repeat('h', 51)), (repeat('h', 63)), (repeat('h', 64)), (repeat('h', 65)), (repeat('h', 1000000)), (repeat('é', 32)),
    ('tool_h'), ('projectalpha.h'), ('"h"'), ('h%'), ('h_'), ('pg_class'), ('*'), ('');

-- As names of tools, everywhere a name goes.
CREATE FUNCTION pg_temp.said(statement text, VARIADIC arguments text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement USING arguments;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT pg_temp.footprint() AS before \gset
SELECT call, said, count(*) FROM pg_temp.nasty, (VALUES
    ('register', 'SELECT projectalpha.register_tool($1[1], ''token-of-nasty'')'), ('store', 'SELECT projectalpha.store_record($1[1], ''token-of-h'', ''{}'')'),
    ('list', 'SELECT projectalpha.list_records($1[1])'), ('delete', 'SELECT projectalpha.delete_tool($1[1])')) AS c (call, statement)
     , LATERAL pg_temp.said(statement, text) AS said WHERE text !~ '^(h_|true|null|pg_class|tool_h)$'
 GROUP BY 1, 2 ORDER BY 1, 2;
-- As tokens, and as tokens of an administrator.
SELECT call, said, count(*) FROM pg_temp.nasty, (VALUES
    ('store', 'SELECT projectalpha.store_record(''h'', $1[1], ''{}'')'), ('list_common', 'SELECT projectalpha.list_common(''h'', token => $1[1])'),
    ('register', 'SELECT projectalpha.register_tool(''h_new'', admin_token => $1[1])'), ('delete', 'SELECT projectalpha.delete_tool(''h'', $1[1])')) AS c (call, statement)
     , LATERAL pg_temp.said('SET LOCAL ROLE projectalpha_anon', '') AS r, LATERAL pg_temp.said(statement, text) AS said
 GROUP BY 1, 2 ORDER BY 1, 2;
RESET ROLE;
-- As names and types of fields; an excerpt of what is refused is shown, on one line.
SELECT call, regexp_replace(said, ': .*', ''), max(length(said)) < 250 AS short, bool_or(said ~ '[\n\r\t\x01\x7f]') AS several_lines, count(*) FROM pg_temp.nasty, (VALUES
    ('name', '[{"name": %s, "type": "int"}]'), ('type', '[{"name": "a", "type": %s}]')) AS c (call, schema)
     , LATERAL pg_temp.said('SELECT projectalpha.register_tool(''h_new'', ''token-of-h'', $1[1]::jsonb)', format(schema, to_json(text))) AS said
 WHERE text !~ '^(h_|true|null|pg_class|tool_h|h{51,63})$' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pg_temp.footprint() = :'before' AS nothing_changed;

-- As values: each is stored and listed as it is; nothing that it says happens.
SELECT count(projectalpha.store_record('h', 'token-of-h', jsonb_build_object('s', text, 'j', jsonb_build_array(text), text || '!', text))) FROM pg_temp.nasty;
SELECT count(projectalpha.store_record('h_whole', 'token-of-h', jsonb_build_object('k' || text, text))) FROM pg_temp.nasty;
SELECT count(projectalpha.store_common('h', jsonb_build_object('k' || text, text))) FROM pg_temp.nasty;
SELECT count(*), bool_and(r->>'s' = text AND r->'j'->>0 = text) AS faithful
  FROM projectalpha.list_records('h', 1000) WITH ORDINALITY AS r (r, n) JOIN pg_temp.nasty USING (n);
SELECT count(*), bool_and(r->'data'->>('k' || text) = text) AS faithful FROM projectalpha.list_records('h_whole', 1000) WITH ORDINALITY AS r (r, n) JOIN pg_temp.nasty USING (n);
SELECT count(*), bool_and(r->'data'->>('k' || text) = text) AS faithful FROM projectalpha.list_common('h', 1000) WITH ORDINALITY AS r (r, n) JOIN pg_temp.nasty USING (n);
SELECT projectalpha.store_record('h', 'token-of-h', jsonb_build_object('s', repeat('é"\' || chr(10), 300000), 'j', jsonb_build_object(repeat('k', 1000000), 1))) > 0 AS stored;
SELECT length(s), s = repeat('é"\' || chr(10), 300000) AS faithful, j ? repeat('k', 1000000) AS key FROM projectalpha_data.tool_h ORDER BY id DESC LIMIT 1;
SELECT length(r->>'s'), r->>'s' = repeat('é"\' || chr(10), 300000) AS faithful FROM projectalpha.list_records('h', 1, 50) AS r;
-- A description and a label are text, too.
SELECT count(r.table_name) FROM projectalpha.register_tool('h_described', 'token-of-h', description => '''; DROP TABLE x; --' || repeat('d', 100000)) AS r;
SELECT length(description), left(description, 8) FROM projectalpha.registered_tools WHERE tool_name = 'h_described';
SELECT projectalpha.add_common_token('common-of-h', ''';--') = 'common-of-h' AS added;
SELECT projectalpha.revoke_token('common-of-h');

-- What JSON itself refuses, PostgreSQL refuses, and we are not even asked.
\set VERBOSITY default
SELECT projectalpha.store_record('h', 'token-of-h', '{"s": "\u0000"}');
SELECT projectalpha.store_record('h', 'token-of-h', '{"s": "\ud800"}');
SELECT projectalpha.store_record('h', 'token-of-h', '{"s": "\udc00\ud800"}');
\set VERBOSITY terse
SELECT projectalpha.store_record('h', 'token-of-h', E'{"s": "\x01"}');
SELECT projectalpha.store_record('h', 'token-of-h', '{"s": NaN}');
SELECT projectalpha.store_record('h', 'token-of-h', '{"n": 1e1000000}');
SELECT projectalpha.store_record('h', 'token-of-h', '{"s": "a"} trailing');
SELECT projectalpha.store_record('h', 'token-of-h', '{''s'': 1}');
SELECT projectalpha.store_record('h', 'token-of-h', '{"n": 1e131071}');
SELECT projectalpha.store_record('h', 'token-of-h', '{"j": 1e131071}') > 0 AS stored;
SELECT projectalpha.store_record('h', 'token-of-h', '{"j": {"tiny": 1e-1000, "\ud83d\ude00": "\u2028"}}') > 0 AS stored;
SELECT length((r->'j')::text) FROM projectalpha.list_records('h', 2, 51) AS r;

-- Deep nesting: 1000 levels are stored, in a field, whole and in the common table; 20000 are beyond PostgreSQL's stack.
SELECT repeat('[', 1000) || repeat(']', 1000) AS deep, repeat('[', 20000) || repeat(']', 20000) AS deeper, repeat('{"a":', 1000) || '1' || repeat('}', 1000) AS dict \gset
SELECT projectalpha.store_record('h', 'token-of-h', format('{"j": %s}', :'deep')::jsonb) > 0 AS stored;
SELECT projectalpha.store_record('h_whole', 'token-of-h', :'dict') > 0 AS stored;
SELECT projectalpha.store_common('h', :'dict') > 0 AS stored;
SELECT (r->'j')::text = :'deep' AS faithful FROM projectalpha.list_records('h', 1, 53) AS r;
SELECT (r->'data')::jsonb = :'dict'::jsonb AS faithful FROM projectalpha.list_records('h_whole', 1, 50) AS r;
\set VERBOSITY sqlstate
SELECT projectalpha.store_record('h', 'token-of-h', format('{"j": %s}', :'deeper')::jsonb);
SELECT projectalpha.store_record('h_whole', 'token-of-h', repeat('{"a":', 20000)::jsonb);
SELECT projectalpha.store_record('h', 'token-of-h', format('{"n": %s}', :'deep')::jsonb);
\set VERBOSITY terse
-- In a schema, where depth has no meaning: ignored, as everything beside name and type is, or refused for what it is.
SELECT pg_temp.said('SELECT projectalpha.register_tool(''h_deep'', ''token-of-h'', $1[1]::jsonb)', format('[{"name": "a", "type": "int", "note": %s}]', :'deep'))
    <> '22023 Schema must be an array of fields' AS not_called_what_it_is_not;

-- Names side by side whose tables and sequences must not meet; the longest of all; tools whose names are those of other things.
SELECT r.tool_name, r.table_name FROM unnest(ARRAY['x', 'x_id_seq', 'x_pkey', 'x_id', 'id_of_tool_x', 'pk_of_tool_x', 'multiple_tools', 'tools', 'tool_x', 'id', 'select',
    repeat('y', 50), repeat('y', 49) || 'z', repeat('y', 42) || '_id_seq', repeat('y', 45) || '_pkey']) AS name, projectalpha.register_tool(name, 'token-of-h', '[{"name": "s", "type": "str"}]') AS r;
SELECT count(projectalpha.store_record(tool_name, 'token-of-h', jsonb_build_object('s', tool_name))) FROM projectalpha.registered_tools WHERE tool_name !~ '^h';
SELECT count(*), bool_and((r->>'id')::int = 1 AND r->>'s' = tool_name) AS own FROM projectalpha.registered_tools, projectalpha.list_records(tool_name) AS r WHERE tool_name !~ '^h';
SELECT max(octet_length(relname)) AS longest_name FROM pg_class WHERE relnamespace = 'projectalpha_data'::regnamespace;
SELECT count(projectalpha.delete_tool(tool_name)) FROM projectalpha.registered_tools WHERE tool_name IN ('x', 'id', repeat('y', 50));
SELECT count(projectalpha.store_record(tool_name, 'token-of-h', '{}')) FROM projectalpha.registered_tools WHERE tool_name !~ '^h';

-- 500 fields of each type; 501.
SELECT r.table_name FROM projectalpha.register_tool('h_500', 'token-of-h', (SELECT jsonb_agg(jsonb_build_object('name', 'f' || n, 'type',
    (ARRAY['int', 'float', 'bool', 'timestamp', 'str', 'json'])[n % 6 + 1]) ORDER BY n) FROM generate_series(1, 500) AS n)) AS r;
SELECT projectalpha.store_record('h_500', 'token-of-h', jsonb_object_agg('f' || n, (ARRAY['42', '4.5', 'true', '"2026-02-05"', '"text"', '[1]'])[n % 6 + 1]::jsonb)) FROM generate_series(1, 500) AS n;
SELECT count(*) FILTER (WHERE json_typeof(value) <> 'null') AS values, string_agg(key, ' ') FILTER (WHERE n IN (1, 2, 3, 502)) AS keys
  FROM projectalpha.list_records('h_500') AS r, json_each(r) WITH ORDINALITY AS e (key, value, n);
SELECT projectalpha.register_tool('h_501', 'token-of-h', jsonb_agg(jsonb_build_object('name', 'f' || n, 'type', 'int'))) FROM generate_series(1, 501) AS n;
SELECT projectalpha.store_record('h_500', 'token-of-h', jsonb_object_agg('extra' || n, n)) FROM generate_series(1, 20000) AS n;

SELECT count(projectalpha.delete_tool(tool_name)) > 0 AS cleaned FROM projectalpha.registered_tools;
DELETE FROM projectalpha.credentials;
DROP TABLE projectalpha_data.multiple_tools;
