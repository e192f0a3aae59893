-- Tokens: set, replace, add, revoke; what each opens, and from when to when.
\set VERBOSITY default
CREATE ROLE regress_user IN ROLE projectalpha_anon;
CREATE ROLE regress_admin IN ROLE projectalpha_admin;
SELECT table_name FROM projectalpha.register_tool('tok', 'token-of-tok', '[{"name": "n", "type": "int"}]', sensitive => true);
SELECT table_name FROM projectalpha.register_tool('tok_2', 'token-of-tok-2', '[{"name": "n", "type": "int"}]', sensitive => true);

-- No admin token is set: nothing that is passed as one is.
SET ROLE regress_user;
\set VERBOSITY terse
SELECT projectalpha.register_tool('no', admin_token => NULL);
SELECT projectalpha.register_tool('no', admin_token => '');
SELECT projectalpha.register_tool('no', admin_token => 'admin-secret-123');
SELECT projectalpha.register_tool('no', admin_token => 'token-of-tok');
SELECT projectalpha.register_tool('no', admin_token => 'projectalpha_admin');
\set VERBOSITY default
SELECT projectalpha.register_tool('no');
\echo :SQLSTATE
SELECT projectalpha.delete_tool('tok', 'admin-secret-123');
\echo :SQLSTATE
SELECT projectalpha.store_common('x', '{}', true, 'token123');
\echo :SQLSTATE

-- Only members of projectalpha_admin set up tokens, whatever token they know.
SELECT projectalpha.set_admin_token('admin-token-1');
SELECT projectalpha.add_common_token('common-token-1');
SELECT projectalpha.revoke_token('token-of-tok');
SET ROLE regress_admin;
SELECT projectalpha.set_admin_token('admin-token-1') = 'admin-token-1' AS set;
SELECT projectalpha.add_common_token('common-token-1', label => 'first') = 'common-token-1' AS added;
SELECT projectalpha.add_common_token(label => 'made') ~ '^pas_common_[0-9a-f]{64}$' AS made;
SELECT count(projectalpha.revoke_token(token_id => token_id)) AS revoked FROM projectalpha.active_tokens WHERE label = 'made';

-- With the admin token anybody who may call can administer tools, and nothing else.
SET ROLE regress_user;
SELECT table_name FROM projectalpha.register_tool('by_token', 'token-of-by-token', admin_token => 'admin-token-1');
SELECT projectalpha.delete_tool('by_token', 'admin-token-1');
SELECT projectalpha.store_common('x', '{}', true, 'admin-token-1') IS NOT NULL AS stored;
SELECT projectalpha.store_common('x', '{}', true, 'common-token-1') IS NOT NULL AS stored;
\set VERBOSITY terse
SELECT projectalpha.register_tool('no', admin_token => 'common-token-1');
SELECT projectalpha.register_tool('no', admin_token => 'admin-token-1 ');
SELECT projectalpha.register_tool('no', admin_token => 'ADMIN-TOKEN-1');
SELECT projectalpha.store_record('tok', 'admin-token-1', '{}');
SELECT projectalpha.store_record('tok', 'common-token-1', '{}');
-- A tool's token opens that tool alone.
SELECT projectalpha.store_record('tok', 'token-of-tok', '{"n": 1}');
SELECT projectalpha.store_record('tok', 'token-of-tok-2', '{"n": 1}');
SELECT projectalpha.store_record('tok', NULL, '{"n": 1}');
SELECT projectalpha.store_record('tok', '', '{"n": 1}');
SELECT projectalpha.store_record('tok', 'token-of-to', '{"n": 1}');
SELECT projectalpha.store_record('tok', 'token-of-tok-', '{"n": 1}');
SELECT projectalpha.store_record('tok', repeat('x', 100000), '{"n": 1}');
-- Its digest is no token; neither is its hint, nor its number.
RESET ROLE;
SELECT projectalpha.store_record('tok', c.digest::text, '{}') FROM projectalpha.credentials AS c JOIN projectalpha.tools AS t ON t.id = c.tool_id WHERE tool_name = 'tok';
SELECT projectalpha.store_record('tok', encode(sha256('token-of-tok'), 'hex'), '{}');
SELECT projectalpha.store_record('tok', '(given)', '{}');

-- Replaced: the one before stops at once; the same one again is fine; NULL has one made.
SELECT projectalpha.set_admin_token('admin-token-2') = 'admin-token-2' AS set;
SET ROLE regress_user;
SELECT projectalpha.delete_tool('tok_2', 'admin-token-1');
RESET ROLE;
SELECT projectalpha.set_admin_token('admin-token-2') = 'admin-token-2' AS again;
SELECT projectalpha.set_admin_token() ~ '^pas_admin_[0-9a-f]{64}$' AS made;
SET ROLE regress_user;
SELECT projectalpha.delete_tool('tok_2', 'admin-token-2');
RESET ROLE;
SELECT count(*) AS admin_tokens FROM projectalpha.active_tokens WHERE 'admin' = ANY (scopes);
SELECT projectalpha.set_admin_token('admin-token-1') = 'admin-token-1' AS back_to_the_first;
-- One that cannot be: the old one stays.
SELECT projectalpha.set_admin_token('short');
SELECT projectalpha.set_admin_token('');
\set VERBOSITY default
SELECT projectalpha.set_admin_token('common-token-1');
\echo :SQLSTATE
SELECT projectalpha.add_common_token('admin-token-1');
\echo :SQLSTATE
SELECT projectalpha.add_common_token('common-token-1');
SELECT projectalpha.add_common_token('1234567');
SELECT projectalpha.add_common_token(E'line\nbreak');
\set VERBOSITY terse
SET ROLE regress_user;
SELECT table_name FROM projectalpha.register_tool('by_token', 'token-of-by-token', admin_token => 'admin-token-1');
SELECT projectalpha.delete_tool('by_token', 'admin-token-1');
RESET ROLE;

-- Revoked by itself: it stops in this session too, where it was just used. Twice is once too often. Added again, it works.
SELECT projectalpha.store_record('tok', 'token-of-tok', '{"n": 2}');
SELECT projectalpha.revoke_token('token-of-tok');
SELECT projectalpha.store_record('tok', 'token-of-tok', '{"n": 3}');
SELECT count(*) FROM projectalpha.list_records('tok', token => 'token-of-tok');
SELECT projectalpha.store_common('x', '{}', true, 'common-token-1') IS NOT NULL AS as_superuser;
SELECT projectalpha.revoke_token('common-token-1');
SET ROLE regress_user;
SELECT projectalpha.store_common('x', '{}', true, 'common-token-1');
RESET ROLE;
SELECT projectalpha.add_common_token('common-token-1') = 'common-token-1' AS added_again;
SET ROLE regress_user;
SELECT projectalpha.store_common('x', '{}', true, 'common-token-1') IS NOT NULL AS stored;
RESET ROLE;
\set VERBOSITY default
SELECT projectalpha.revoke_token('token-of-tok');
\echo :SQLSTATE
-- By id, as active_tokens shows it.
SELECT projectalpha.revoke_token(token_id => token_id) FROM projectalpha.active_tokens WHERE 'common' = ANY (scopes);
SELECT projectalpha.revoke_token(token_id => max(id)) FROM projectalpha.credentials WHERE revoked_at IS NOT NULL;
\set VERBOSITY terse
SELECT projectalpha.revoke_token(token_id => -1);
-- Both or none; never all. What SQL makes of NULL revokes nothing.
SELECT projectalpha.revoke_token('token-of-tok-2', 1);
SELECT projectalpha.revoke_token();
SELECT projectalpha.revoke_token(NULL, NULL);
SELECT projectalpha.revoke_token('');
\echo :SQLSTATE
-- A token that two tools share is revoked for both.
SELECT r.table_name FROM unnest(ARRAY['tok_3', 'tok_4']) AS name, projectalpha.register_tool(name, 'shared-token', '[]') AS r;
SELECT projectalpha.store_record('tok_3', 'shared-token', '{}'), projectalpha.store_record('tok_4', 'shared-token', '{}');
SELECT projectalpha.revoke_token('shared-token');
SELECT projectalpha.store_record('tok_3', 'shared-token', '{}');
SELECT projectalpha.store_record('tok_4', 'shared-token', '{}');

-- A revocation that is rolled back was none; one inside a transaction counts there at once.
BEGIN;
SELECT projectalpha.store_record('tok_2', 'token-of-tok-2', '{"n": 1}');
SAVEPOINT s;
SELECT projectalpha.revoke_token('token-of-tok-2');
SAVEPOINT t;
SELECT projectalpha.store_record('tok_2', 'token-of-tok-2', '{"n": 2}');
ROLLBACK TO s;
SELECT projectalpha.store_record('tok_2', 'token-of-tok-2', '{"n": 3}');
COMMIT;
-- In one statement, too.
SELECT projectalpha.store_record('tok_2', 'token-of-tok-2', '{"n": 4}'), projectalpha.revoke_token('token-of-tok-2')
     , projectalpha.store_record('tok_2', 'token-of-tok-2', '{"n": 5}');
SELECT r->'n' AS n FROM projectalpha.list_records('tok_2', token => 'token-of-tok-2') AS r;

-- Expiry, as a DBA can set it: also between two calls of one transaction, with a warm cache.
UPDATE projectalpha.credentials SET expires_at = clock_timestamp() + interval '1 s' WHERE revoked_at IS NULL
   AND (tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = 'tok_2') OR 'admin' = ANY (scopes));
BEGIN;
SELECT projectalpha.store_record('tok_2', 'token-of-tok-2', '{"n": 6}') IS NOT NULL AS still;
SELECT pg_sleep(1.1);
SELECT projectalpha.store_record('tok_2', 'token-of-tok-2', '{"n": 7}');
ROLLBACK;
SELECT projectalpha.list_records('tok_2', token => 'token-of-tok-2');
SET ROLE regress_user;
SELECT projectalpha.delete_tool('tok_2', 'admin-token-1');
RESET ROLE;
SELECT tool_name, scopes FROM projectalpha.active_tokens WHERE tool_name = 'tok_2' OR 'admin' = ANY (scopes);

-- No token is anywhere in the configuration, in no encoding that comes to mind.
SELECT count(*) AS digests, bool_and(octet_length(digest) = 32) AS sha256, bool_and(hint = '(given)' OR hint ~ '^pas_(admin|common|tool)_…[0-9a-f]{4}$') AS hints
  FROM projectalpha.credentials;
SELECT c.id AS shows_a_token
  FROM projectalpha.credentials AS c, unnest(ARRAY['token-of-tok', 'admin-token-', 'common-token-1', 'shared-token']) AS token
 WHERE c::text ~ token OR c::text ~ encode(token::bytea, 'hex') OR c::text ~ encode(token::bytea, 'base64');

SELECT count(projectalpha.delete_tool(tool_name)) AS deleted FROM projectalpha.registered_tools WHERE tool_name ~ '^tok';
DELETE FROM projectalpha.credentials;
DROP TABLE projectalpha_data.multiple_tools;
DROP ROLE regress_user, regress_admin;
