-- What a DBA can make of a table or its schema while a session has the tool warm.
\set VERBOSITY terse
SELECT count(*) AS registered FROM projectalpha.register_tool('odd', 'token-of-odd', '[{"name": "n", "type": "int"}]');
SELECT projectalpha.store_record('odd', 'token-of-odd', '{"n": 1}');

-- The id of another type: still the number that the row has.
CREATE SEQUENCE projectalpha_data.regress_ids START 100;
GRANT USAGE ON SEQUENCE projectalpha_data.regress_ids TO projectalpha_owner;
ALTER TABLE projectalpha_data.tool_odd ALTER id DROP IDENTITY;
ALTER TABLE projectalpha_data.tool_odd ALTER id TYPE numeric;
ALTER TABLE projectalpha_data.tool_odd ALTER id SET DEFAULT nextval('projectalpha_data.regress_ids');
SELECT projectalpha.store_record('odd', 'token-of-odd', '{"n": 2}');
SELECT r->>'id' AS id, r->>'n' AS n FROM projectalpha.list_records('odd') AS r;
ALTER TABLE projectalpha_data.tool_odd ALTER id TYPE text;
ALTER TABLE projectalpha_data.tool_odd ALTER id SET DEFAULT 'no number';
SELECT projectalpha.store_record('odd', 'token-of-odd', '{"n": 3}');
SELECT projectalpha.delete_tool('odd');
DROP SEQUENCE projectalpha_data.regress_ids;

-- The schema renamed: the table is gone for warm and new sessions alike, and back when it is renamed back.
SELECT count(*) AS registered FROM projectalpha.register_tool('odd', 'token-of-odd', '[{"name": "n", "type": "int"}]');
SELECT projectalpha.store_record('odd', 'token-of-odd', '{"n": 1}');
ALTER SCHEMA projectalpha_data RENAME TO regress_elsewhere;
SELECT projectalpha.store_record('odd', 'token-of-odd', '{"n": 2}');
SELECT projectalpha.list_records('odd');
ALTER SCHEMA regress_elsewhere RENAME TO projectalpha_data;
SELECT projectalpha.store_record('odd', 'token-of-odd', '{"n": 3}');

SELECT projectalpha.delete_tool('odd');

-- Row security that is forced on the owner: what cannot see every record changes nothing.
SELECT table_name FROM projectalpha.register_tool('hidden', 'token-of-hidden', '[{"name": "s", "type": "str"}]');
SELECT projectalpha.store_record('hidden', 'token-of-hidden', '{"s": "b"}');
ALTER TABLE projectalpha_data.tool_hidden ENABLE ROW LEVEL SECURITY;
ALTER TABLE projectalpha_data.tool_hidden FORCE ROW LEVEL SECURITY;
SELECT projectalpha.count_records('hidden');
SELECT projectalpha.alter_tool('hidden', '{"set": {"field": "s", "pattern": "^a"}}');
\echo :SQLSTATE
SELECT projectalpha.export_tool('hidden');
ALTER TABLE projectalpha_data.tool_hidden NO FORCE ROW LEVEL SECURITY;
SELECT projectalpha.alter_tool('hidden', '{"set": {"field": "s", "pattern": "^a"}}');
SELECT projectalpha.delete_tool('hidden');
SELECT table_name FROM projectalpha.configure_tool('hidden');
SELECT projectalpha.store_configured('hidden', '{"n": 1}') IS NOT NULL AS stored;
ALTER TABLE projectalpha_data.multiple_tools ENABLE ROW LEVEL SECURITY;
ALTER TABLE projectalpha_data.multiple_tools FORCE ROW LEVEL SECURITY;
SELECT projectalpha.promote_tool('hidden');
SELECT projectalpha.promote_tool('hidden', 1);
ALTER TABLE projectalpha_data.multiple_tools DISABLE ROW LEVEL SECURITY;
SELECT moved, done FROM projectalpha.promote_tool('hidden');
SELECT projectalpha.delete_tool('hidden');
DROP TABLE projectalpha_data.multiple_tools;
