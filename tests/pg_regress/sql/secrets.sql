-- Secrets in auth_config: sealed with the key of a file, shown to administrators alone, sealed anew with another key.
\set VERBOSITY default
CREATE ROLE regress_keeper IN ROLE projectalpha_admin;
SELECT projectalpha.set_admin_token('admin-of-secrets') = 'admin-of-secrets' AS set;
SELECT table_name FROM projectalpha.register_tool('sealed', 'token-of-sealed');
SELECT table_name FROM projectalpha.register_tool('sealed_2', 'token-of-sealed', storage => 'none');

-- Key files, made by the server's user: good ones, and such as it does not take. Their path is not shown.
\set ECHO none
SELECT current_setting('data_directory') || '/regress_key_' AS prefix \gset
SELECT format('COPY (SELECT %L) TO PROGRAM %L', content, format('umask %s; tr -d ''\n'' > %s%s', mask, :'prefix', name))
  FROM (VALUES ('old', repeat('0f', 32), '077'), ('new', repeat('K', 32), '077'), ('group', repeat('0f', 32), '037'), ('others', repeat('0f', 32), '073')
             , ('short', '0f0f', '077'), ('not_hex', repeat('0g', 32), '077'), ('long', repeat('0f', 200), '077')) AS f (name, content, mask)
\gexec
\set ECHO all
CREATE FUNCTION pg_temp.use_key(name text) RETURNS void LANGUAGE sql AS
$$SELECT set_config('projectalpha_store.secret_key_file', current_setting('data_directory') || '/regress_key_' || name, false)$$;

-- Without a key nothing is kept.
SELECT projectalpha.update_tool_info('sealed', '{"owner": "me", "auth_config": {"secret": {"api_key": "s3cret-value"}}}');
\echo :SQLSTATE
SELECT owner FROM projectalpha.tool_registry WHERE tool_name = 'sealed';
-- Nor with a file that holds none, or that others may read.
\set VERBOSITY terse
SELECT name, pg_temp.use_key(name) FROM unnest(ARRAY['none']) AS name \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT pg_temp.use_key('group') \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT pg_temp.use_key('others') \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT pg_temp.use_key('short') \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT pg_temp.use_key('not_hex') \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT pg_temp.use_key('long') \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT set_config('projectalpha_store.secret_key_file', current_setting('data_directory'), false) \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT set_config('projectalpha_store.secret_key_file', 'PG_VERSION', false) \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "s3cret-value"}}}');
SELECT count(*) FROM projectalpha.tool_secrets;

-- What an auth_config is.
SELECT pg_temp.use_key('old') \g /dev/null
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": "s3cret-value"}}');
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": {"a": "s3cret-value"}}}}');
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api key": "s3cret-value"}}}');
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": ""}}}');
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"api_key": "s3cret-value"}}');
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": "s3cret-value"}');
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"api_key": "(secret)"}}}');
\set VERBOSITY default

-- Kept: the view shows the name.
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"header": "X-Api-Key", "secret": {"api_key": "s3cret-value", "pin": "ключ 🔑"}}}');
SELECT auth_config FROM projectalpha.tool_registry WHERE tool_name = 'sealed';
SELECT auth_config FROM projectalpha.tool_info;
SELECT name, encode(key_id, 'hex') AS key_id, octet_length(sealed) FROM projectalpha.tool_secrets ORDER BY name;
SELECT encode(substring(sha256(decode(repeat('0f', 32), 'hex')) FROM 1 FOR 8), 'hex') AS key_id;
-- What the view shows can be written back: a secret that is shown as such stays.
SELECT projectalpha.update_tool_info('sealed', jsonb_build_object('auth_config', auth_config || '{"header": "X-Key"}'))
  FROM projectalpha.tool_registry WHERE tool_name = 'sealed';
SELECT auth_config FROM projectalpha.tool_registry WHERE tool_name = 'sealed';
-- Each time with another nonce.
SELECT sealed AS before FROM projectalpha.tool_secrets WHERE name = 'pin' \gset
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"pin": "ключ 🔑"}}}');
SELECT sealed <> :'before' AS differs FROM projectalpha.tool_secrets WHERE name = 'pin';
SELECT auth_config FROM projectalpha.tool_registry WHERE tool_name = 'sealed';

-- Shown to administrators by their role; a token is not enough.
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
SET ROLE regress_keeper;
SELECT projectalpha.reveal_tool_secret('sealed', 'pin');
SELECT projectalpha.reveal_tool_secret('sealed', 'none');
\echo :SQLSTATE
SELECT projectalpha.reveal_tool_secret('no_such', 'pin');
SELECT projectalpha.reveal_tool_secret('sealed', NULL);
SELECT projectalpha.reveal_tool_secret('sealed_2', 'api_key');
-- Who had which one shown; nobody can change that.
SELECT role_name = current_user AS by_me, tool_name, secret_name, read_at <= clock_timestamp() AS before_now FROM projectalpha_data.secret_reads ORDER BY id;
DELETE FROM projectalpha_data.secret_reads;
-- The log has it even if the transaction is rolled back.
SET client_min_messages = log;
BEGIN;
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key') IS NOT NULL AS shown;
ROLLBACK;
RESET client_min_messages;
SELECT count(*) FROM projectalpha_data.secret_reads;
BEGIN READ ONLY;
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
ROLLBACK;
SET ROLE projectalpha_anon;
\set VERBOSITY terse
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
SELECT projectalpha.rotate_secrets('/tmp/x');
CALL projectalpha.rotate_secret_key('/tmp/x');
SELECT * FROM projectalpha_data.secret_reads;
SET ROLE projectalpha_reader;
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
RESET ROLE;

-- A sealed secret opens for its tool and its name alone, and not if a bit of it has changed.
\set VERBOSITY default
INSERT INTO projectalpha.tool_secrets SELECT t.id, s.name, s.key_id, s.sealed FROM projectalpha.tools AS t, projectalpha.tool_secrets AS s
 WHERE t.tool_name = 'sealed_2' AND s.name = 'api_key';
\set VERBOSITY terse
SELECT projectalpha.reveal_tool_secret('sealed_2', 'api_key');
\echo :SQLSTATE
UPDATE projectalpha.tool_secrets SET name = 'other' WHERE name = 'api_key' AND tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = 'sealed');
SELECT projectalpha.reveal_tool_secret('sealed', 'other');
UPDATE projectalpha.tool_secrets SET name = 'api_key' WHERE name = 'other';
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
BEGIN;
UPDATE projectalpha.tool_secrets SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1);
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
ROLLBACK;
DELETE FROM projectalpha.tool_secrets AS s USING projectalpha.tools AS t WHERE t.id = s.tool_id AND t.tool_name = 'sealed_2';

-- Another key: what the old one has sealed is not shown until it is sealed anew.
SELECT projectalpha.update_tool_info('sealed_2', jsonb_build_object('auth_config', jsonb_build_object('secret', jsonb_object_agg('k' || n, 'value ' || n))))
  FROM generate_series(1, 5) AS n;
SELECT projectalpha.delete_tool('sealed_2', archive => true);
SELECT pg_temp.use_key('new') \g /dev/null
\set VERBOSITY default
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT :'prefix' || 'old' AS old, :'prefix' || 'new' AS new, :'prefix' || 'short' AS short \gset
SELECT * FROM projectalpha.rotate_secrets(:'new');
SELECT * FROM projectalpha.rotate_secrets(:'short');
SELECT * FROM projectalpha.rotate_secrets('relative');
SELECT * FROM projectalpha.rotate_secrets(NULL);
SELECT * FROM projectalpha.rotate_secrets(:'old', 0);
SELECT * FROM projectalpha.rotate_secrets(:'old', NULL);
SET ROLE regress_keeper;
SELECT * FROM projectalpha.rotate_secrets(:'old');
RESET ROLE;
GRANT pg_read_server_files TO regress_keeper;
SET ROLE regress_keeper;
-- One batch, and the rest.
SELECT * FROM projectalpha.rotate_secrets(:'old', 3);
CALL projectalpha.rotate_secret_key(:'old', 2);
CALL projectalpha.rotate_secret_key(:'old');
RESET ROLE;
SELECT count(*), count(DISTINCT key_id) AS keys FROM projectalpha.tool_secrets;
SELECT projectalpha.reveal_tool_secret('sealed', 'api_key');
-- Those of an archived tool, too.
SELECT tool_name FROM projectalpha.restore_tool('sealed_2');
SELECT projectalpha.reveal_tool_secret('sealed_2', 'k5');
-- What neither key has sealed is told of.
UPDATE projectalpha.tool_secrets SET key_id = '\x0000000000000000' WHERE name = 'k1';
CALL projectalpha.rotate_secret_key(:'old');

-- null takes secrets away; so does deleting the tool for good.
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"pin": null}}}');
SELECT auth_config FROM projectalpha.tool_registry WHERE tool_name = 'sealed';
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"header": "X", "secret": null}}');
SELECT auth_config FROM projectalpha.tool_registry WHERE tool_name = 'sealed';
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": {"secret": {"pin": "again"}}}');
SELECT projectalpha.update_tool_info('sealed', '{"auth_config": null}');
SELECT auth_config FROM projectalpha.tool_registry WHERE tool_name = 'sealed';
SELECT projectalpha.update_tool_info('sealed_2', jsonb_build_object('auth_config', jsonb_build_object('secret', jsonb_object_agg('l' || n, 'value ' || n))))
  FROM generate_series(1, 16) AS n;
SELECT count(*) FROM projectalpha.tool_secrets;
SELECT projectalpha.delete_tool('sealed_2');
SELECT count(*) FROM projectalpha.tool_secrets;

-- The setting is for superusers, to set and to see.
SELECT count(*) FROM pg_settings WHERE name ~ 'secret_key_file';
SET ROLE regress_keeper;
SHOW projectalpha_store.secret_key_file;
SET projectalpha_store.secret_key_file = '/etc/passwd';
RESET ROLE;
RESET projectalpha_store.secret_key_file;
SHOW projectalpha_store.secret_key_file;

SELECT projectalpha.delete_tool('sealed');
DROP TABLE projectalpha_data.secret_reads;
DELETE FROM projectalpha.credentials;
DROP ROLE regress_keeper;
