-- Altering a tool that projects use: its definition and its shared table at once, each project's table when it is upgraded.
\set VERBOSITY terse
CREATE TABLE pg_temp.p (name text PRIMARY KEY, id bigint NOT NULL);
INSERT INTO p SELECT name, projectalpha.create_project(name) FROM unnest(ARRAY['one', 'two', 'three']) AS name;
SELECT table_name FROM projectalpha.register_tool('ta', 'token-of-shared', '[{"name": "a", "type": "int"}, {"name": "b", "type": "str", "required": true}]', versioned => true);
SELECT count(projectalpha.enable_tool('ta', id, 'token-of-' || name)) FROM p;
SELECT count(projectalpha.store_record('ta', 'token-of-' || who, jsonb_build_object('a', n, 'b', who || n))) FROM unnest(ARRAY['shared', 'one', 'two', 'three']) AS who, generate_series(1, 3) AS n;

CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; detail text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, 'Project \d+', 'Project #') || ' ' || detail;
END $$;
-- What a holder of a token sees and may do, told by the keys of a record.
CREATE FUNCTION pg_temp.sees(who text, payload jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF payload IS NOT NULL THEN PERFORM projectalpha.store_record('ta', 'token-of-' || who, payload); END IF;
    RETURN (SELECT string_agg((r::jsonb - '{id,created_at,updated_at}'::text[])::text, ' ' ORDER BY (r->>'id')::bigint) FROM projectalpha.list_records('ta', token => 'token-of-' || who) AS r);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION pg_temp.upgrade(who text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.try(format('SELECT ''version '' || projectalpha.upgrade_project(%s) - (SELECT max(version) FROM projectalpha.project_migrations)', id)) FROM p WHERE name = who $$;
CREATE VIEW pg_temp.versions AS SELECT project_name, schema_version, latest_version FROM projectalpha.project_tool_list WHERE tool_name = 'ta' ORDER BY project_id;

-- A field comes, one goes, one gets another name. Projects keep what they have; the ones after the change start with it.
SELECT projectalpha.alter_tool('ta', '[{"add": {"name": "c", "type": "int", "default": 7}}, {"rename": {"field": "b", "to": "bb"}}, {"options": {"strict": true}}]');
INSERT INTO p SELECT 'late', projectalpha.create_project('late');
SELECT projectalpha.enable_tool('ta', id, 'token-of-late') FROM p WHERE name = 'late';
SELECT * FROM pg_temp.versions;
SELECT who, pg_temp.sees(who, payload) FROM unnest(ARRAY['shared', 'one', 'late']) AS who, unnest(ARRAY['{"a": 4, "b": "x"}', '{"a": 4, "bb": "x"}']::jsonb[]) AS payload;
-- Every call of the old version works as it did.
SELECT projectalpha.update_record('ta', 'token-of-one', 1, '{"b": "changed"}', 1)->'b' AS b;
SELECT projectalpha.count_records('ta', '{"b": {"like": "%chan%"}}', 'token-of-one');
SELECT projectalpha.count_records('ta', '{"c": 7}', 'token-of-one');
SELECT field, rule FROM projectalpha.validate_record('ta', '{"bb": 1}', 'token-of-one') UNION ALL SELECT 'shared: ' || field, rule FROM projectalpha.validate_record('ta', '{"bb": 1}');

-- Upgraded, a project is where the tool is; the others stay.
SELECT pg_temp.upgrade('one');
SELECT pg_temp.sees('one', '{"a": 5, "bb": "x"}');
SELECT * FROM pg_temp.versions;
SELECT pg_temp.upgrade('one');

-- Records that break a change: the error says whose, and nothing of the project is changed.
SELECT projectalpha.store_record('ta', 'token-of-two', '{"a": 1000, "b": "too much"}');
SELECT projectalpha.alter_tool('ta', '[{"set": {"field": "a", "max": 100}}, {"widen": {"field": "c", "type": "float"}}]');
SELECT pg_temp.upgrade('two');
SELECT pg_temp.sees('two');
SELECT pg_temp.upgrade('three'), pg_temp.sees('three', '{"a": 101, "bb": "x"}');
SELECT pg_temp.sees('three', '{"a": 100, "bb": "x", "c": 1.5}');
-- What a later change takes back is asked of no record.
SELECT projectalpha.alter_tool('ta', '{"set": {"field": "a", "max": 1000}}');
SELECT pg_temp.upgrade('two'), pg_temp.sees('two');
SELECT * FROM pg_temp.versions;

-- Versions go and come back, with a field in between that has one of their names: too much for one step.
SELECT projectalpha.alter_tool('ta', '{"options": {"versioned": false}}');
SELECT projectalpha.alter_tool('ta', '{"add": {"name": "version", "type": "str", "default": "v"}}');
SELECT projectalpha.alter_tool('ta', '{"drop": "version"}');
SELECT projectalpha.alter_tool('ta', '[{"options": {"versioned": true}}, {"add": {"name": "u", "type": "int", "unique": true}}]');
SELECT pg_temp.upgrade('two'), pg_temp.sees('two', '{"bb": "x", "u": 1}');
SELECT pg_temp.sees('two', '{"bb": "x", "u": 1}');
-- A table upgraded and one made new are the same.
SELECT pg_temp.upgrade(name) FROM p;
SELECT projectalpha.enable_tool('ta', projectalpha.create_project('new'), 'token-of-new');
SELECT string_agg(project_name, ', ' ORDER BY project_id) AS projects, columns, indexes
  FROM projectalpha.project_tool_list AS l
 CROSS JOIN LATERAL (SELECT string_agg(format('%s %s%s', attname, atttypid::regtype, CASE WHEN attnotnull THEN ' not null' END), ', ' ORDER BY attname) FROM pg_attribute
                      WHERE attrelid = l.table_name::regclass AND attnum > 0 AND NOT attisdropped) AS c (columns)
 CROSS JOIN LATERAL (SELECT string_agg(regexp_replace(pg_get_indexdef(indexrelid), 'project_\d+', 'project_#'), E'\n' ORDER BY indexrelid::regclass::name) FROM pg_index WHERE indrelid = l.table_name::regclass) AS i (indexes)
 WHERE tool_name = 'ta' GROUP BY 2, 3;

-- Kept and taken up again: at its version, until it is upgraded.
SELECT projectalpha.disable_tool('ta', id) FROM p WHERE name = 'three';
SELECT projectalpha.alter_tool('ta', '{"drop": "c"}');
SELECT projectalpha.enable_tool('ta', id, 'token-of-three-2') FROM p WHERE name = 'three';
SELECT pg_temp.sees('three-2');
SELECT projectalpha.disable_tool('ta', id) FROM p WHERE name = 'three';
SELECT pg_temp.upgrade('three');
SELECT projectalpha.enable_tool('ta', id, 'token-of-three-3') FROM p WHERE name = 'three';
SELECT pg_temp.sees('three-3');

-- All at once. One that fails is told, with its tool.
SELECT projectalpha.alter_tool('ta', '{"set": {"field": "u", "required": true}}');
SELECT projectalpha.store_record('ta', 'token-of-shared', '{"bb": "x", "u": 1}');
DELETE FROM projectalpha_data.tool_ta;
SELECT projectalpha.alter_tool('ta', '{"set": {"field": "u", "required": true}}');
SELECT projectalpha.store_record('ta', 'token-of-new', '{"bb": "x", "u": 1}');
SET client_min_messages = error;
CALL projectalpha.upgrade_all_projects(on_error => 'continue');
RESET client_min_messages;
SELECT l.project_name, l.schema_version = l.latest_version AS current, u.failed_step, regexp_replace(u.failed_message, '\d+', '#') AS message
  FROM projectalpha.project_tool_list AS l JOIN projectalpha.project_upgrades AS u USING (project_id) WHERE l.tool_name = 'ta' ORDER BY l.project_id;

-- A definition that was changed by hand is not reached by the history; one that is not in it cannot be followed.
UPDATE projectalpha.tools SET options = '{"strict": true}' WHERE tool_name = 'ta';
SELECT pg_temp.upgrade('one');
UPDATE projectalpha.tools SET options = '{"strict": true, "versioned": true}' WHERE tool_name = 'ta';
CREATE TABLE pg_temp.h AS SELECT h.* FROM projectalpha.schema_history AS h JOIN p ON p.name = 'one' JOIN projectalpha.project_tools AS x ON x.project_id = p.id AND x.tool_id = h.tool_id AND x.schema_version = h.version;
DELETE FROM projectalpha.schema_history AS s USING h WHERE s.tool_id = h.tool_id AND s.version = h.version;
UPDATE projectalpha.project_tools SET schema_version = schema_version; -- has sessions look again
SELECT pg_temp.sees('one'), regexp_replace(pg_temp.upgrade('one'), '\d+', '#');
SELECT projectalpha.disable_tool('ta', id) FROM p WHERE name = 'one';
SELECT pg_temp.try(format('SELECT projectalpha.enable_tool(''ta'', %s)', id)) FROM p WHERE name = 'one';
INSERT INTO projectalpha.schema_history SELECT * FROM h;
SELECT projectalpha.enable_tool('ta', id, 'token-of-one-2') FROM p WHERE name = 'one';
SELECT pg_temp.sees('one-2') ~ 'changed' AS seen;

SELECT count(projectalpha.disable_tool(tool_name, project_id, false)) FROM projectalpha.project_tool_list WHERE tool_name = 'ta';

-- Options that an older release left out of the history are those of the last version, and none before.
SELECT projectalpha.register_tool('tb', 'token-of-shared', '[{"name": "n", "type": "int"}]', versioned => true) IS NULL AS made;
UPDATE projectalpha.schema_history SET options = NULL WHERE tool_name = 'tb';
SELECT projectalpha.enable_tool('tb', id, 'token-of-tb') FROM p WHERE name = 'two';
SELECT projectalpha.store_record('tb', 'token-of-tb', '{"n": 1}');
SELECT projectalpha.alter_tool('tb', '{"options": {"strict": true}}');
SELECT r->'version' AS version FROM projectalpha.list_records('tb', token => 'token-of-tb') AS r;
SELECT pg_temp.upgrade('two');
SELECT r->'version' AS version FROM projectalpha.list_records('tb', token => 'token-of-tb') AS r;
SELECT projectalpha.store_record('tb', 'token-of-tb', '{"m": 1}');
-- A tool that is older than the history, too.
DELETE FROM projectalpha.schema_history WHERE tool_name = 'tb';
UPDATE projectalpha.project_tools SET schema_version = 1 WHERE tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = 'tb');
SELECT projectalpha.enable_tool('tb', id, 'token-of-tb-3') FROM p WHERE name = 'three';
SELECT projectalpha.alter_tool('tb', '{"add": {"name": "m", "type": "int"}}');
SELECT pg_temp.upgrade(name) FROM p WHERE name IN ('two', 'three');
SELECT projectalpha.store_record('tb', token, '{"m": 1}') FROM unnest(ARRAY['token-of-tb', 'token-of-tb-3']) AS token;

-- Limits hold for each table.
SELECT projectalpha.alter_tool('tb', '{"options": {"max_records": 2}}');
SELECT pg_temp.upgrade('two');
SELECT projectalpha.store_record('tb', 'token-of-tb', '{"m": 2}');
SELECT projectalpha.store_record('tb', 'token-of-shared', '{"m": 2}');
-- The older version has none.
SELECT projectalpha.store_records('tb', 'token-of-tb-3', '[{"m": 2}, {"m": 3}]');

SELECT count(projectalpha.disable_tool(tool_name, project_id, false)) FROM projectalpha.project_tool_list WHERE tool_name = 'tb';
SELECT count(projectalpha.delete_tool(name)) FROM unnest(ARRAY['ta', 'tb']) AS name;
SET client_min_messages = warning;
SELECT count(projectalpha.drop_project(id, name)) FROM projectalpha.project_list WHERE name IN ('one', 'two', 'three', 'late', 'new');
DELETE FROM projectalpha.credentials WHERE project_id IS NOT NULL;
