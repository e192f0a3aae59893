-- Listing only reads: it works in READ ONLY transactions and assigns no transaction id, warm or cold.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('ro', 'token-of-ro', '[{"name": "n", "type": "int"}, {"name": "j", "type": "json"}]', sensitive => true);
SELECT table_name FROM projectalpha.register_tool('ro_open', 'token-of-ro', '[{"name": "n", "type": "int"}]');
SELECT count(projectalpha.store_record('ro', 'token-of-ro', jsonb_build_object('n', n))) FROM generate_series(1, 300) AS n;
SELECT projectalpha.add_common_token('common-of-ro') = 'common-of-ro' AS added;
SELECT count(projectalpha.store_common('ro', '{"a": 1}', n = 1)) FROM generate_series(1, 2) AS n;

\c
BEGIN READ ONLY;
SELECT count(*) FROM projectalpha.list_records('ro', 250, token => 'token-of-ro');
SELECT count(*) FROM projectalpha.list_records('ro', 250, token => 'token-of-ro');
SELECT count(*) FROM projectalpha.list_records('ro_open');
SELECT count(*) FROM projectalpha.list_common('ro', token => 'common-of-ro');
SELECT count(*) FROM projectalpha.list_common('nobody');
SAVEPOINT s;
SELECT projectalpha.list_records('ro', token => 'wrong-token');
ROLLBACK TO s;
SELECT projectalpha.list_records('ro_gone');
ROLLBACK TO s;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;

-- Nor in a transaction that may write, nor in one that looks back, nor by the HTTP endpoint.
\c
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM projectalpha.list_records('ro', token => 'token-of-ro');
SELECT count(*) FROM projectalpha.list_common('ro');
SELECT set_config('request.headers', '{"x-uri": "/tools/ro_open"}', true) \g /dev/null
SELECT convert_from(projectalpha_http.list_records(''), 'UTF8');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT count(*) FROM projectalpha.list_records('ro', token => 'token-of-ro');
SELECT count(*) FROM projectalpha.list_common('ro', token => 'common-of-ro');
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;
-- What is refused before it writes assigns none either.
BEGIN;
SAVEPOINT s;
SELECT projectalpha.store_record('ro', 'wrong-token', '{}');
ROLLBACK TO s;
SELECT projectalpha.store_record('ro', 'token-of-ro', '{"n": "x"}');
ROLLBACK TO s;
SELECT projectalpha.store_record('ro_gone', 'token-of-ro', '{}');
ROLLBACK TO s;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;

-- Writing is refused, as PostgreSQL refuses it; the session goes on.
\c
BEGIN READ ONLY;
SAVEPOINT s;
SELECT projectalpha.store_record('ro', 'token-of-ro', '{"n": 1}');
\echo :SQLSTATE
ROLLBACK TO s;
\set VERBOSITY sqlstate
SELECT projectalpha.store_common('ro', '{}');
ROLLBACK TO s;
SELECT projectalpha.register_tool('ro_new');
ROLLBACK TO s;
SELECT projectalpha.delete_tool('ro');
ROLLBACK TO s;
SELECT projectalpha.set_admin_token();
ROLLBACK TO s;
SELECT projectalpha.add_common_token();
ROLLBACK TO s;
SELECT projectalpha.revoke_token('token-of-ro');
ROLLBACK TO s;
SELECT count(*) FROM projectalpha.list_records('ro', token => 'token-of-ro');
COMMIT;
\set VERBOSITY default
-- Also the first row ever of the common table, where a table would have to be made.
BEGIN;
DROP TABLE projectalpha_data.multiple_tools;
SET TRANSACTION READ ONLY;
SELECT projectalpha.store_common('ro', '{}');
\echo :SQLSTATE
ROLLBACK;
SELECT projectalpha.store_record('ro', 'token-of-ro', '{"n": 301}');
SELECT count(*) FROM projectalpha_data.tool_ro;

SELECT projectalpha.delete_tool('ro');
SELECT projectalpha.delete_tool('ro_open');
DELETE FROM projectalpha.credentials;
DROP TABLE projectalpha_data.multiple_tools;
