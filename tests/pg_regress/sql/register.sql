-- register_tool: what it makes, and what it refuses before it makes anything.
\set VERBOSITY default
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text; said text; detail text; hint text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || said, 'D: ' || nullif(detail, ''), 'H: ' || nullif(hint, ''));
END
$$;

-- A tool with every name of every type.
SELECT * FROM projectalpha.register_tool(
    tool_name   => 'everything',
    token       => 'everything-token',
    schema      => '[{"name": "a", "type": "int"},   {"name": "b", "type": "integer"}, {"name": "c", "type": "str"},
                     {"name": "d", "type": "string"}, {"name": "e", "type": "bool"},   {"name": "f", "type": "boolean"},
                     {"name": "g", "type": "float"}, {"name": "h", "type": "json"},    {"name": "i", "type": "timestamp"}]',
    sensitive   => true,
    description => 'One of each');
\d projectalpha_data.tool_everything
SELECT relowner::regrole, relpersistence FROM pg_class WHERE oid = 'projectalpha_data.tool_everything'::regclass;
SELECT tool_name, jsonb_pretty(schema_definition) AS schema_definition, sensitive, description
  FROM projectalpha.tools WHERE tool_name = 'everything';

-- The same name again, even with another schema.
SELECT projectalpha.register_tool('everything', 'another-token');
\echo :SQLSTATE

-- No token: one is made, of 256 bits, and not the same twice.
SELECT t.tool_name, t.table_name, t.token ~ '^pas_tool_[0-9a-f]{64}$' AS well_formed FROM projectalpha.register_tool('made_1') AS t;
SELECT token ~ '^pas_tool_[0-9a-f]{64}$' AS well_formed FROM projectalpha.register_tool('made_2', schema => '[]');
SELECT count(DISTINCT c.digest) = 2 AS differ
  FROM projectalpha.credentials AS c JOIN projectalpha.tools AS t ON t.id = c.tool_id WHERE t.tool_name ~ '^made_';
-- What was shown is what works.
SELECT projectalpha.store_record('made_3', t.token, '{"anything": [1, "goes"]}')
  FROM projectalpha.register_tool('made_3') AS t;
-- No schema: whole payloads. An empty one: no fields at all.
SELECT tool_name, schema_definition FROM projectalpha.tools WHERE tool_name ~ '^made_' ORDER BY tool_name;
\d projectalpha_data.tool_made_1
\d projectalpha_data.tool_made_2

-- Only name and type of a field are kept.
SELECT 1 FROM projectalpha.register_tool('lean', 'token-of-lean',
    '[{"type": "int", "default": 5, "name": "z"}, {"name": "a", "type": "string", "nested": {"x": [1]}}]');
SELECT schema_definition FROM projectalpha.tools WHERE tool_name = 'lean';

-- Names at the edges. (Unaligned: the answers have several lines.)
\pset format unaligned
SELECT name, pg_temp.outcome(format('SELECT table_name FROM projectalpha.register_tool(%L, ''token-for-all'')', name))
  FROM (VALUES ('a'), ('x1_'), (repeat('a', 50)), (repeat('a', 51)), ('1a'), ('_a'), ('A'), ('aB'), ('a-b'), ('a b'), ('a.b'),
               ('a$'), (''), (' a'), ('a '), (E'a\n'), ('é'), ('ａ'), ('а'), ('a"; DROP TABLE projectalpha.tools; --')) AS v (name);
SELECT pg_temp.outcome('SELECT projectalpha.register_tool(NULL, ''token-for-all'')');

-- Schemas that are refused.
SELECT schema, pg_temp.outcome(format('SELECT projectalpha.register_tool(''refused'', ''token-for-all'', %L)', schema))
  FROM (VALUES ('null'), ('{}'), ('5'), ('"int"'), ('{"name": "a", "type": "int"}'),
               ('[null]'), ('[5]'), ('["a"]'), ('[[]]'), ('[{}]'),
               ('[{"name": "a"}]'), ('[{"type": "int"}]'), ('[{"name": null, "type": "int"}]'), ('[{"name": "a", "type": null}]'),
               ('[{"Name": "a", "Type": "int"}]'),
               ('[{"name": "a", "type": "xyz"}]'), ('[{"name": "a", "type": "INT"}]'), ('[{"name": "a", "type": ""}]'),
               ('[{"name": "a", "type": 5}]'), ('[{"name": "a", "type": "text); DROP TABLE projectalpha.tools; --"}]'),
               ('[{"name": 5, "type": "int"}]'), ('[{"name": "", "type": "int"}]'), ('[{"name": "A", "type": "int"}]'),
               ('[{"name": "1a", "type": "int"}]'), ('[{"name": "a b", "type": "int"}]'), ('[{"name": "é", "type": "int"}]'),
               ('[{"name": "a\"b", "type": "int"}]'), ('[{"name": "a\nb", "type": "int"}]'),
               ('[{"name": "id", "type": "int"}]'), ('[{"name": "created_at", "type": "timestamp"}]'),
               ('[{"name": "ctid", "type": "int"}]'), ('[{"name": "xmin", "type": "int"}]'), ('[{"name": "tableoid", "type": "int"}]'),
               ('[{"name": "a", "type": "int"}, {"name": "b", "type": "str"}, {"name": "a", "type": "str"}]')
       ) AS v (schema);
SELECT pg_temp.outcome(format('SELECT projectalpha.register_tool(''refused'', ''token-for-all'', %L)',
                              jsonb_build_array(jsonb_build_object('name', name, 'type', 'int')))) AS of_64_and_200_bytes
  FROM (VALUES (repeat('a', 64)), (repeat('b', 200))) AS v (name);

\pset format aligned
-- Field names that need quotes in SQL are fine; so is one of 63 bytes.
SELECT table_name FROM projectalpha.register_tool('words', 'token-of-words',
    '[{"name": "select", "type": "int"}, {"name": "user", "type": "str"}, {"name": "table", "type": "json"}, {"name": "_", "type": "bool"},
      {"name": "a23456789_123456789_123456789_123456789_123456789_123456789_123", "type": "int"}]');
SELECT projectalpha.store_record('words', 'token-of-words', '{"select": 1, "user": "u", "table": [], "_": true,
    "a23456789_123456789_123456789_123456789_123456789_123456789_123": 63}');
SELECT to_jsonb(w) - 'created_at' AS row FROM projectalpha_data.tool_words AS w;

-- Tokens that are refused.
\pset format unaligned
SELECT what, pg_temp.outcome(format('SELECT projectalpha.register_tool(''refused'', %L)', token))
  FROM (VALUES ('empty', ''), ('7 characters', '1234567'), ('513 characters', repeat('x', 513)), ('space before', ' 12345678'),
               ('space after', '12345678 '), ('new line', E'1234\n5678')) AS v (what, token);
SELECT what, pg_temp.outcome(format('SELECT table_name FROM projectalpha.register_tool(%L, %L)', what, token))
  FROM (VALUES ('taken_8_characters', '12345678'), ('taken_512', repeat('x', 512)), ('taken_8_in_cyrillic', 'паролики'),
               ('taken_by_two_tools', '12345678')) AS v (what, token);

\pset format aligned
-- A leftover in the place of the table: nothing of the registration stays.
CREATE TABLE projectalpha_data.tool_in_the_way (precious int);
SELECT projectalpha.register_tool('in_the_way', 'token-for-all');
\echo :SQLSTATE
\d projectalpha_data.tool_in_the_way
DROP TABLE projectalpha_data.tool_in_the_way;

-- Of all that was refused, nothing is there. (None must appear.)
SELECT tool_name FROM projectalpha.tools WHERE tool_name IN ('refused', 'in_the_way');
SELECT c.id FROM projectalpha.credentials AS c WHERE NOT EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.id = c.tool_id);
SELECT relname FROM pg_class WHERE relname ~ 'refused|in_the_way';

-- Rolled back means gone, also for this session.
BEGIN;
SELECT table_name FROM projectalpha.register_tool('undone', 'token-of-undone');
SELECT projectalpha.store_record('undone', 'token-of-undone', '{"a": 1}');
ROLLBACK;
SELECT projectalpha.store_record('undone', 'token-of-undone', '{"a": 1}');
SELECT projectalpha.list_records('undone');

SELECT count(projectalpha.delete_tool(tool_name)) > 0 AS cleaned FROM projectalpha.registered_tools;
SELECT relname FROM pg_class WHERE relnamespace = 'projectalpha_data'::regnamespace AND relname ~ 'tool_' AND relname !~ 'multiple_tools';
