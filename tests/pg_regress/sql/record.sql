-- One record: get, update, delete, upsert, versions, idempotency keys, the change feed.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('one', 'token-of-one', '[
    {"name": "n", "type": "int", "max": 100}, {"name": "s", "type": "str", "required": true},
    {"name": "j", "type": "json"}, {"name": "at", "type": "timestamp"}]');
SELECT table_name FROM projectalpha.register_tool('other', 'token-of-other', '[{"name": "n", "type": "int"}]', sensitive => true);
SELECT projectalpha.store_record('one', 'token-of-one', '{"n": 1, "s": "x", "j": {"a": [1, 2]}, "at": "2026-02-05T10:30:00"}');
SELECT projectalpha.store_record('other', 'token-of-other', '{"n": 1}');

-- Get.
SELECT projectalpha.get_record('one', 1)::jsonb - 'created_at' AS record;
SELECT array_agg(key) AS keys FROM json_object_keys(projectalpha.get_record('one', 1)) AS key;
SELECT projectalpha.get_record('one', 2);
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.get_record('one', NULL);
SELECT projectalpha.get_record(NULL, 1);
SELECT projectalpha.get_record('nobody', 1);
SELECT projectalpha.get_record('other', 1);
SELECT projectalpha.get_record('other', 1, 'token-of-one');
SELECT projectalpha.get_record('other', 1, 'token-of-other')->'n' AS n;
-- A read assigns no transaction id.
BEGIN READ ONLY;
SELECT projectalpha.get_record('one', 1)->'n' AS n;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;

-- Update: the named fields and no other; null clears; what the tool does not have is ignored.
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{"n": 2}')::jsonb - 'created_at' AS record;
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{"j": null, "at": null, "unknown": 1, "id": 7, "created_at": "2020-01-01"}')::jsonb - 'created_at' AS record;
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{}')::jsonb - 'created_at' AS record;
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{"j": [1, {"b": null}], "at": "2026-03-01", "n": null, "s": "y"}')::jsonb - 'created_at' AS record;
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{"n": 101}');
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{"n": "x"}');
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{"s": null}');
SELECT projectalpha.update_record('one', 'token-of-one', 2, '{"n": 3}');
SELECT projectalpha.update_record('one', 'token-of-one', 2, '{}');
SELECT projectalpha.update_record('one', 'token-of-other', 1, '{"n": 3}');
SELECT projectalpha.update_record('one', NULL, 1, '{"n": 3}');
SELECT projectalpha.update_record('one', 'token-of-one', NULL, '{"n": 3}');
SELECT projectalpha.update_record('one', 'token-of-one', 1, NULL);
SELECT projectalpha.update_record('one', 'token-of-one', 1, '[]');
SELECT projectalpha.update_record('one', 'token-of-one', 1, '{"n": 3}', if_version => 1);
SELECT projectalpha.get_record('one', 1)::jsonb - 'created_at' AS unchanged;

-- Delete.
SELECT projectalpha.delete_record('one', 'token-of-other', 1);
SELECT projectalpha.delete_record('one', 'token-of-one', 2);
SELECT projectalpha.delete_record('one', 'token-of-one', NULL);
SELECT projectalpha.delete_record('one', 'token-of-one', 1, if_version => 1);
SELECT projectalpha.delete_record('one', 'token-of-one', 1);
SELECT projectalpha.delete_record('one', 'token-of-one', 1);
SELECT count(*) FROM projectalpha_data.tool_one;

-- A tool without a schema: keys are merged and taken away.
SELECT table_name FROM projectalpha.register_tool('whole', 'token-of-whole', versioned => true);
SELECT projectalpha.store_record('whole', 'token-of-whole', '{"a": 1, "b": {"c": 2}, "d": null}');
SELECT projectalpha.update_record('whole', 'token-of-whole', 1, '{"a": null, "b": {"e": 3}, "f": "new"}')::jsonb - 'created_at' - 'updated_at' AS record;
SELECT projectalpha.update_record('whole', 'token-of-whole', 1, '{"g": 1}', if_version => 1);
SELECT projectalpha.update_record('whole', 'token-of-whole', 1, '{"g": 1}', if_version => 2)->'version' AS version;

-- Versions: the keys, what changes them, and what is refused.
SELECT table_name FROM projectalpha.register_tool('versioned_one', 'token-of-versioned', '[{"name": "n", "type": "int"}]', versioned => true);
\d projectalpha_data.tool_versioned_one
SELECT projectalpha.store_record('versioned_one', 'token-of-versioned', '{"n": 1}');
SELECT projectalpha.store_records('versioned_one', 'token-of-versioned', '[{"n": 2}, {"n": 3}]');
SELECT array_agg(key) AS keys FROM json_object_keys(projectalpha.get_record('versioned_one', 1)) AS key;
SELECT r->'n' AS n, r->'version' AS version, (r->>'updated_at') = (r->>'created_at') AS fresh FROM projectalpha.list_records('versioned_one') AS r;
SELECT r->'n' AS n, r->'version' AS version, (r->>'updated_at') > (r->>'created_at') AS newer
  FROM projectalpha.update_record('versioned_one', 'token-of-versioned', 1, '{"n": 10}', if_version => 1) AS r;
\set VERBOSITY default
SELECT projectalpha.update_record('versioned_one', 'token-of-versioned', 1, '{"n": 11}', if_version => 1);
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.update_record('versioned_one', 'token-of-versioned', 1, '{}', if_version => 1);
SELECT projectalpha.update_record('versioned_one', 'token-of-versioned', 1, '{}', if_version => 2)->'version' AS version;
SELECT projectalpha.update_record('versioned_one', 'token-of-versioned', 9, '{"n": 11}', if_version => 1);
SELECT projectalpha.delete_record('versioned_one', 'token-of-versioned', 1, if_version => 1);
SELECT projectalpha.delete_record('versioned_one', 'token-of-versioned', 1, if_version => 2);
SELECT r->'n' AS n FROM projectalpha.list_records('versioned_one') AS r;
-- A trigger that keeps a record as it is: no version was asked for, so none is the wrong one.
CREATE FUNCTION regress_keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON projectalpha_data.tool_versioned_one FOR EACH ROW EXECUTE FUNCTION regress_keep();
SELECT projectalpha.update_record('versioned_one', 'token-of-versioned', 2, '{"n": 11}');
SELECT projectalpha.delete_record('versioned_one', 'token-of-versioned', 2);
SELECT projectalpha.delete_record('versioned_one', 'token-of-versioned', 2, if_version => 7);
DROP TRIGGER keep ON projectalpha_data.tool_versioned_one;
DROP FUNCTION regress_keep;

-- Upsert.
SELECT table_name FROM projectalpha.register_tool('people', 'token-of-people', '[
    {"name": "email", "type": "str", "unique": true}, {"name": "name", "type": "str", "required": true},
    {"name": "visits", "type": "int", "default": 1}, {"name": "badge", "type": "int", "unique": true}]', versioned => true);
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "ann@x", "name": "Ann", "badge": 1}', 'email');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "ann@x", "name": "Anna"}', 'email');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "bob@x", "name": "Bob", "badge": 2, "visits": 7}', 'email');
-- What the payload does not name stays, although it has a default; null clears.
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "bob@x", "name": "Bob"}', 'email');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"badge": 2, "email": "robert@x", "name": "Bob", "visits": null}', 'badge');
SELECT r->'email' AS email, r->'name' AS name, r->'visits' AS visits, r->'badge' AS badge, r->'version' AS version FROM projectalpha.list_records('people') AS r;
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "robert@x", "name": "Bob", "badge": 1}', 'email');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "robert@x", "name": "Bob"}', 'name');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "robert@x", "name": "Bob"}', 'id');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "robert@x", "name": "Bob"}', 'x" DO NOTHING; --');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "robert@x", "name": "Bob"}', NULL);
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": null, "name": "Bob"}', 'email');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"name": "Bob"}', 'email');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-people', '{"email": "c@x"}', 'email');
SELECT * FROM projectalpha.upsert_record('people', 'token-of-one', '{"email": "c@x", "name": "C"}', 'email');
SELECT projectalpha.update_record('people', 'token-of-people', 1, '{"badge": 2}');
SELECT count(*) FROM projectalpha_data.tool_people;

-- Idempotency keys.
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "once"}', 'key-1') AS first \gset
SELECT projectalpha.store_record('one', 'token-of-one', '{ "s" : "once" }', 'key-1') = :first AS same;
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "twice"}', 'key-1');
\echo :SQLSTATE
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "once"}', 'key-2') > :first AS another;
-- The key is the tool's own, and it is taken only if the record is stored.
SELECT projectalpha.store_record('other', 'token-of-other', '{"n": 5}', 'key-1') IS NOT NULL AS stored;
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": 5}', 'key-3');
SELECT projectalpha.store_record('one', 'wrong-token', '{"s": "once"}', 'key-1');
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "three"}', 'key-3') IS NOT NULL AS stored;
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "x"}', '');
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "x"}', repeat('k', 256));
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "x"}', E'a\nb');
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "x"}', NULL) IS NOT NULL AS stored;
SELECT count(*) FROM projectalpha_data.tool_one;
-- Keys are forgotten in time: those that are due go when new ones come.
SELECT count(*) FROM projectalpha_data.idempotency_keys;
UPDATE projectalpha_data.idempotency_keys SET created_at = now() - interval '25 hours';
\c
\set VERBOSITY terse
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "x"}', 'key-4') IS NOT NULL AS stored;
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "x"}', 'key-5') IS NOT NULL AS stored;
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "anew"}', 'key-1') > :first AS stored_anew;
SELECT key COLLATE "C" FROM projectalpha_data.idempotency_keys ORDER BY 1;

-- The change feed: at commit, of this tool alone, without the payload.
SELECT table_name FROM projectalpha.register_tool('fed', 'token-of-fed', '[{"name": "n", "type": "int", "unique": true}]', notify => true);
LISTEN projectalpha_fed;
LISTEN projectalpha_one;
CREATE TEMP TABLE heard AS SELECT 1 AS nothing;
BEGIN;
SELECT projectalpha.store_record('fed', 'token-of-fed', '{"n": 1}');
SELECT projectalpha.store_records('fed', 'token-of-fed', '[{"n": 2}, {"n": 3}]');
SELECT projectalpha.update_record('fed', 'token-of-fed', 1, '{"n": 4}')->'n' AS n;
SELECT inserted FROM projectalpha.upsert_record('fed', 'token-of-fed', '{"n": 4}', 'n');
SELECT projectalpha.delete_record('fed', 'token-of-fed', 2);
SELECT projectalpha.update_record('fed', 'token-of-fed', 1, '{}')->'n' AS n;
SELECT projectalpha.store_record('one', 'token-of-one', '{"s": "not told"}') IS NOT NULL AS stored;
ROLLBACK;
SELECT 1 AS nothing_told;
UNLISTEN *;

SELECT projectalpha.delete_tool(tool_name) FROM projectalpha.registered_tools;
DROP TABLE projectalpha_data.idempotency_keys;
