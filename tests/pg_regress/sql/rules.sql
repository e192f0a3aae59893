-- Rules of fields: what each refuses and lets through, and what is refused at registration.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('ruled', 'token-of-ruled', '[
    {"name": "email", "type": "str", "required": true, "unique": true, "max_length": 20, "pattern": "^[^@]+@[^@]+$"},
    {"name": "rating", "type": "int", "min": 1, "max": 5, "index": true},
    {"name": "weight", "type": "float", "min": 0.5, "max": 1.5},
    {"name": "since", "type": "timestamp", "min": "2026-01-01", "max": "2026-12-31T23:59:59Z"},
    {"name": "color", "type": "str", "enum": ["red", "it''s green"], "default": "red"},
    {"name": "level", "type": "int", "enum": [1, 2, 3], "default": 2},
    {"name": "ok", "type": "bool", "default": false},
    {"name": "ratio", "type": "float", "default": 0.25},
    {"name": "at", "type": "timestamp", "default": "2026-02-05T10:30:00+05:30"},
    {"name": "address", "type": "json", "index": true, "default": {"city": "Pune"}, "json_schema":
        {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "zip": {"type": "string", "pattern": "^[0-9]{6}$"}}}}]');
\d projectalpha_data.tool_ruled
SELECT jsonb_pretty(schema_definition->0) FROM projectalpha.registered_tools WHERE tool_name = 'ruled';

-- A record that follows them all, with the defaults.
SELECT projectalpha.store_record('ruled', 'token-of-ruled', '{"email": "a@b"}');
SELECT r::jsonb - 'id' - 'created_at' AS record FROM projectalpha.list_records('ruled') AS r;
-- Null is not missing: no default.
SELECT projectalpha.store_record('ruled', 'token-of-ruled', '{"email": "b@b", "color": null, "level": null, "address": null, "rating": 5, "weight": 1.5}');
SELECT r->'color' AS color, r->'level' AS level, r->'address' AS address FROM projectalpha.list_records('ruled') AS r WHERE r->>'email' = 'b@b';

-- One rule each: message, detail, hint and SQLSTATE.
\set store 'SELECT projectalpha.store_record(\'ruled\', \'token-of-ruled\', '
:store '{}');
\echo :SQLSTATE
:store '{"email": null}');
:store '{"email": "c@c", "rating": 0}');
\echo :SQLSTATE
\set VERBOSITY terse
:store '{"email": "c@c", "rating": 6}');
:store '{"email": "c@c", "rating": 9223372036854775807}');
:store '{"email": "c@c", "weight": 0.49}');
:store '{"email": "c@c", "weight": 2}');
:store '{"email": "c@c", "since": "2025-12-31T23:59:59.999999Z"}');
:store '{"email": "c@c", "since": "2027-01-01"}');
:store '{"email": "cccccccccccccccccc@ccc"}');
:store '{"email": "no at sign"}');
:store '{"email": "c@c", "color": "blue"}');
:store '{"email": "c@c", "level": 4}');
:store '{"email": "c@c", "address": {"zip": "s3cret"}}');
:store '{"email": "c@c", "address": {"city": "Pune", "zip": "s3cret"}}');
:store '{"email": "c@c", "address": "s3cret"}');
-- The type comes first.
:store '{"email": "c@c", "rating": "0"}');
-- Length is in characters: twenty of two bytes each.
:store '{"email": "éééééééééééééééééé@é"}');
-- Unique, also in bulk and against the same call; the row before is not stored.
:store '{"email": "a@b"}');
\echo :SQLSTATE
SELECT projectalpha.store_records('ruled', 'token-of-ruled', '[{"email": "d@d"}, {"email": "d@d"}]');
SELECT projectalpha.store_records('ruled', 'token-of-ruled', '[{"email": "d@d"}, {"email": "e@e", "rating": 7}]');
SELECT count(*) FROM projectalpha_data.tool_ruled;

-- Everything that is wrong at once; nothing is stored.
SELECT * FROM projectalpha.validate_record('ruled', '{"rating": 9, "weight": "x", "color": "blue", "address": {"zip": "1"}, "unknown": 1}');
SELECT * FROM projectalpha.validate_record('ruled', '{"email": "no at sign but far too long"}');
SELECT * FROM projectalpha.validate_record('ruled', '{"email": "a@b"}');
SELECT * FROM projectalpha.validate_record('ruled', '[]');
SELECT * FROM projectalpha.validate_record('ruled', NULL);
SELECT * FROM projectalpha.validate_record('nobody', '{}');
SELECT count(*) FROM projectalpha_data.tool_ruled;

-- A strict tool takes no other field; a sensitive one shows nothing without its token.
SELECT table_name FROM projectalpha.register_tool('strict_one', 'token-of-strict', '[{"name": "a", "type": "int"}]', strict => true, sensitive => true);
SELECT projectalpha.store_record('strict_one', 'token-of-strict', '{"a": 1}');
\set VERBOSITY default
SELECT projectalpha.store_record('strict_one', 'token-of-strict', '{"a": 1, "b": 2}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.store_records('strict_one', 'token-of-strict', '[{"a": 1}, {"B": 2}]');
SELECT * FROM projectalpha.validate_record('strict_one', '{"a": "x", "b": 2, "c": 3}', 'token-of-strict');
SELECT * FROM projectalpha.validate_record('strict_one', '{}');
SELECT * FROM projectalpha.validate_record('strict_one', '{}', 'token-of-ruled');

-- Options that make no sense name field and option, and register nothing.
\set register 'SELECT projectalpha.register_tool(\'bad\', schema => '
\set VERBOSITY default
:register '[{"name": "a", "type": "int", "required": "yes"}]');
\set VERBOSITY terse
:register '[{"name": "a", "type": "int", "unique": 1}]');
:register '[{"name": "a", "type": "json", "unique": true}]');
:register '[{"name": "a", "type": "int", "min": 1.5}]');
:register '[{"name": "a", "type": "int", "max": 9223372036854775808}]');
:register '[{"name": "a", "type": "str", "min": 1}]');
:register '[{"name": "a", "type": "int", "min": 2, "max": 1}]');
:register '[{"name": "a", "type": "timestamp", "min": "yesterday"}]');
:register '[{"name": "a", "type": "int", "max_length": 5}]');
:register '[{"name": "a", "type": "str", "max_length": 0}]');
:register '[{"name": "a", "type": "str", "pattern": "("}]');
:register '[{"name": "a", "type": "str", "pattern": "(((a{1000}){1000}){1000})"}]');
:register '[{"name": "a", "type": "bool", "pattern": "a"}]');
:register '[{"name": "a", "type": "str", "enum": []}]');
:register '[{"name": "a", "type": "str", "enum": [1]}]');
:register '[{"name": "a", "type": "str", "enum": "x"}]');
:register '[{"name": "a", "type": "json", "enum": [1]}]');
:register '[{"name": "a", "type": "str", "json_schema": {}}]');
:register '[{"name": "a", "type": "json", "json_schema": {"type": "nonsense"}}]');
:register '[{"name": "a", "type": "json", "json_schema": {"$ref": "http://example.org/schema.json"}}]');
:register '[{"name": "a", "type": "json", "json_schema": {"$ref": "file:///etc/passwd"}}]');
:register '[{"name": "a", "type": "int", "default": "x"}]');
:register '[{"name": "a", "type": "int", "default": 7, "max": 5}]');
:register '[{"name": "a", "type": "json", "default": 7, "json_schema": {"type": "string"}}]');
:register '[]', max_records => 0);
:register '[]', max_bytes => -1);
:register '[]', strict => NULL);
:register '[{"name": "version", "type": "int"}]', versioned => true);
SELECT count(*) FROM projectalpha.tools WHERE tool_name = 'bad';
-- Null is as good as absent, and what is no option is ignored.
SELECT table_name FROM projectalpha.register_tool('lenient', schema => '[{"name": "version", "type": "int", "min": null, "required": false, "title": "x"}]');
SELECT schema_definition, options FROM projectalpha.registered_tools WHERE tool_name IN ('lenient', 'strict_one') ORDER BY tool_name;

-- What PostgreSQL's jsonb holds and a JSON Schema cannot judge.
SELECT table_name FROM projectalpha.register_tool('judged', 'token-of-judged', '[{"name": "j", "type": "json", "json_schema": {}}]');
SELECT projectalpha.store_record('judged', 'token-of-judged', ('{"j": [1e' || '400]}')::jsonb);
SELECT projectalpha.store_record('judged', 'token-of-judged', ('{"j": ' || repeat('[', 200) || repeat(']', 200) || '}')::jsonb);
SELECT projectalpha.store_record('judged', 'token-of-judged', '{"j": 1e308}') IS NOT NULL AS stored;
-- A schema that refers to itself twice: each level of a value doubles the steps, of which there is an end.
SELECT table_name FROM projectalpha.register_tool('twice', 'token-of-twice', '[{"name": "j", "type": "json", "json_schema": {"anyOf": [
    {"required": ["x"], "properties": {"l": {"$ref": "#"}}}, {"required": ["y"], "properties": {"l": {"$ref": "#"}}}]}}]');
SELECT projectalpha.store_record('twice', 'token-of-twice', '{"j": {"l": {}}}');
SELECT projectalpha.store_record('twice', 'token-of-twice', ('{"j": ' || repeat('{"l": ', 100) || '{}' || repeat('}', 100) || '}')::jsonb);
SELECT field, rule, message FROM projectalpha.validate_record('twice', ('{"j": ' || repeat('{"l": ', 100) || '{}' || repeat('}', 100) || '}')::jsonb);
SELECT projectalpha.store_record('twice', 'token-of-twice', ('{"j": ' || repeat('{"x": 1, "l": ', 100) || '{"x": 1}' || repeat('}', 100) || '}')::jsonb) IS NOT NULL AS stored;
SELECT projectalpha.alter_tool('twice', '{"set": {"field": "j", "json_schema": {"allOf": [{"properties": {"l": {"$ref": "#"}}}, {"properties": {"l": {"$ref": "#"}}}]}}}');
SELECT projectalpha.store_record('twice', 'token-of-twice', ('{"j": ' || repeat('{"l": ', 100) || '{}' || repeat('}', 100) || '}')::jsonb);
SELECT schema_definition FROM projectalpha.registered_tools WHERE tool_name = 'twice';

-- The rules hold on every way into the table: through a plan as well.
ALTER TABLE projectalpha_data.tool_ruled ADD CHECK (rating <> 4);
:store '{"email": "f@f", "rating": 6}');
:store '{"email": "a@b"}');
:store '{"email": "f@f", "rating": 3}');
SELECT r::jsonb - 'id' - 'created_at' AS record FROM projectalpha.list_records('ruled') AS r WHERE r->>'email' = 'f@f';

SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.registered_tools;
