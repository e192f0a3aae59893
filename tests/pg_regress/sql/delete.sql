-- delete_tool: registration, tokens and table go together or not at all.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('gone', 'token-of-gone', '[{"name": "n", "type": "int"}]');
SELECT table_name FROM projectalpha.register_tool('stays', 'token-of-gone', '[{"name": "n", "type": "int"}]');
SELECT projectalpha.store_record('gone', 'token-of-gone', '{"n": 1}');
SELECT projectalpha.store_record('stays', 'token-of-gone', '{"n": 2}');

-- What is left of a tool. All zero when it is gone.
CREATE FUNCTION pg_temp.traces() RETURNS TABLE (tools bigint, credentials bigint, relations bigint) LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM projectalpha.tools WHERE tool_name = 'gone')
         , (SELECT count(*) FROM projectalpha.credentials AS c
             WHERE c.tool_id IS NOT NULL AND c.tool_id IS DISTINCT FROM (SELECT id FROM projectalpha.tools WHERE tool_name = 'stays'))
         , (SELECT count(*) FROM pg_class WHERE relname ~ 'gone');
$$;
SELECT * FROM pg_temp.traces();
SELECT projectalpha.delete_tool('gone');
SELECT * FROM pg_temp.traces();
SELECT projectalpha.store_record('gone', 'token-of-gone', '{"n": 1}');
\echo :SQLSTATE
SELECT projectalpha.list_records('gone');
SELECT projectalpha.delete_tool('gone');
\echo :SQLSTATE
-- Another tool with the same token goes on.
SELECT projectalpha.store_record('stays', 'token-of-gone', '{"n": 3}');

-- Deleted and registered anew, with another schema, in one transaction; ids start again, old tokens are worth nothing.
BEGIN;
SELECT table_name FROM projectalpha.register_tool('gone', 'token-of-gone', '[{"name": "n", "type": "int"}]');
SELECT projectalpha.store_record('gone', 'token-of-gone', '{"n": 1}');
SELECT projectalpha.delete_tool('gone');
SELECT table_name FROM projectalpha.register_tool('gone', 'another-token', '[{"name": "s", "type": "str"}]');
SELECT projectalpha.store_record('gone', 'another-token', '{"n": 1, "s": "new"}');
SAVEPOINT s;
SELECT projectalpha.store_record('gone', 'token-of-gone', '{"n": 1}');
ROLLBACK TO s;
COMMIT;
SELECT id, s FROM projectalpha_data.tool_gone;

-- Rolled back, it is all there, also for this session.
BEGIN;
SELECT projectalpha.delete_tool('gone');
SELECT * FROM pg_temp.traces();
ROLLBACK;
SELECT projectalpha.store_record('gone', 'another-token', '{"s": "still"}');
SELECT r->'id' AS id, r->'s' AS s FROM projectalpha.list_records('gone') AS r;

-- Something that depends on the table: nothing is deleted.
CREATE VIEW regress_dependent AS SELECT s FROM projectalpha_data.tool_gone;
SELECT projectalpha.delete_tool('gone');
\echo :SQLSTATE
SELECT * FROM pg_temp.traces();
SELECT projectalpha.store_record('gone', 'another-token', '{"s": "survivor"}');
SELECT * FROM regress_dependent;
DROP VIEW regress_dependent;

-- In use by an open cursor of this session: refused as DROP TABLE would be.
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM projectalpha_data.tool_gone;
FETCH 1 FROM c \g /dev/null
SELECT projectalpha.delete_tool('gone');
\echo :SQLSTATE
ROLLBACK;
SELECT * FROM pg_temp.traces();

-- The table is gone already: that is no error.
DROP TABLE projectalpha_data.tool_gone;
SELECT projectalpha.store_record('gone', 'another-token', '{"s": "lost"}');
\echo :SQLSTATE
SELECT projectalpha.list_records('gone');
SELECT projectalpha.delete_tool('gone');
SELECT * FROM pg_temp.traces();

-- Who may not.
\set VERBOSITY terse
SELECT projectalpha.delete_tool(NULL);
SELECT projectalpha.delete_tool('Stays');
SELECT projectalpha.delete_tool('tool_stays');
SELECT projectalpha.delete_tool('multiple_tools');
SET ROLE projectalpha_anon;
SELECT projectalpha.delete_tool('stays');
SELECT projectalpha.delete_tool('stays', NULL);
SELECT projectalpha.delete_tool('stays', '');
SELECT projectalpha.delete_tool('stays', 'token-of-gone');
-- Without the right to, one does not learn whether a tool exists.
SELECT projectalpha.delete_tool('no_such_tool');
RESET ROLE;
SELECT projectalpha.delete_tool('stays');
