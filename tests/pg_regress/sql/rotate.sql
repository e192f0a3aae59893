-- rotate_token: a new token for a tool; the old ones go on for the grace period.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_rotator IN ROLE projectalpha_anon;
SELECT projectalpha.set_admin_token('admin-of-rotate') = 'admin-of-rotate' AS set;
SELECT table_name FROM projectalpha.register_tool('r', 'token-one-of-r', '[{"name": "n", "type": "int"}]', sensitive => true);
SELECT table_name FROM projectalpha.register_tool('other', 'token-one-of-r', '[{"name": "n", "type": "int"}]', sensitive => true);

-- Which tokens work, for writing and for reading.
CREATE FUNCTION pg_temp.works(token text, tool text DEFAULT 'r') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM projectalpha.store_record(tool, token, '{"n": 1}');
    PERFORM projectalpha.list_records(tool, token => token);
    RETURN 'works';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- With a grace period both work, the old one until then; without one, it is revoked.
SELECT projectalpha.rotate_token('r', '1 hour', 'token-two-of-r');
SELECT t, pg_temp.works(t) FROM unnest(ARRAY['token-one-of-r', 'token-two-of-r', 'admin-of-rotate', '', NULL]) AS t;
SELECT hint, scopes, expires_at BETWEEN now() + '59 min' AND now() + '1 hour' AS within_the_hour, expires_at IS NULL AS forever
  FROM projectalpha.active_tokens WHERE tool_name = 'r' ORDER BY token_id;
-- Rotated again, with a longer grace: the first goes when it would have gone.
SELECT projectalpha.rotate_token('r', '1 day', 'token-three-of-r');
SELECT expires_at - now() < '61 min' AS within_the_hour, expires_at - now() > '23 hours' AS a_day, expires_at IS NULL AS forever
  FROM projectalpha.active_tokens WHERE tool_name = 'r' ORDER BY token_id;
-- A shorter one shortens.
SELECT projectalpha.rotate_token('r', '1 minute', 'token-four-of-r');
SELECT expires_at - now() <= '1 min' AS a_minute FROM projectalpha.active_tokens WHERE tool_name = 'r' ORDER BY token_id;
SELECT t, pg_temp.works(t) FROM unnest(ARRAY['token-one-of-r', 'token-two-of-r', 'token-three-of-r', 'token-four-of-r']) AS t;
-- The grace period is over.
UPDATE projectalpha.credentials SET expires_at = now() - interval '1 s' WHERE expires_at IS NOT NULL;
SELECT t, pg_temp.works(t) FROM unnest(ARRAY['token-one-of-r', 'token-three-of-r', 'token-four-of-r']) AS t;
SELECT projectalpha.rotate_token('r', token => 'token-five-of-r');
SELECT t, pg_temp.works(t) FROM unnest(ARRAY['token-three-of-r', 'token-four-of-r', 'token-five-of-r']) AS t;
SELECT count(*) AS live FROM projectalpha.active_tokens WHERE tool_name = 'r';
-- What had expired before is not written to again.
SELECT count(*) FILTER (WHERE revoked_at < now()) AS revoked, count(*) FROM projectalpha.credentials AS c JOIN projectalpha.tools AS t ON t.id = c.tool_id WHERE t.tool_name = 'r';
-- Another tool with the same token is not touched.
SELECT pg_temp.works('token-one-of-r', 'other');

-- Generated unless given.
SELECT token ~ '^pas_tool_[0-9a-f]{64}$' AS generated, pg_temp.works(token) FROM projectalpha.rotate_token('r') AS token;
SELECT projectalpha.rotate_token('r', token => 'token-six-of-r');

-- The holder of a token may do it himself, with a token of that tool alone.
SET ROLE regress_rotator;
SELECT projectalpha.rotate_token('r');
SELECT projectalpha.rotate_token('r', current_token => 'token-one-of-r');
SELECT projectalpha.rotate_token('r', current_token => 'admin-of-rotate');
SELECT projectalpha.rotate_token('r', current_token => '');
SELECT projectalpha.rotate_token('other', current_token => 'token-six-of-r');
SELECT projectalpha.rotate_token('r', '1 hour', 'token-seven-of-r', current_token => 'token-six-of-r');
-- Not with one that expires: it would get one that does not.
SELECT projectalpha.rotate_token('r', current_token => 'token-six-of-r');
\echo :SQLSTATE
SELECT projectalpha.rotate_token('r', '1 hour', 'token-eight-of-r', admin_token => 'admin-of-rotate');
-- The current token alone counts.
SELECT projectalpha.rotate_token('r', admin_token => 'admin-of-rotate', current_token => 'token-one-of-r');
RESET ROLE;
SELECT projectalpha.rotate_token('r', current_token => 'token-one-of-r');
-- Nor with one that allows less.
UPDATE projectalpha.credentials SET scopes = '{read}' WHERE expires_at IS NULL AND tool_id = (SELECT id FROM projectalpha.tools WHERE tool_name = 'r');
SELECT projectalpha.rotate_token('r', current_token => 'token-eight-of-r');
SELECT projectalpha.rotate_token('r', token => 'token-nine-of-r');

-- Bad input changes nothing.
SELECT projectalpha.rotate_token(NULL);
SELECT projectalpha.rotate_token('r', NULL);
SELECT projectalpha.rotate_token('nobody');
SELECT projectalpha.rotate_token('nobody', current_token => 'token-nine-of-r');
SELECT projectalpha.rotate_token('r"; DROP TABLE x; --');
SELECT projectalpha.rotate_token('r', '-1 s');
\echo :SQLSTATE
SELECT projectalpha.rotate_token('r', '367 days');
SELECT projectalpha.rotate_token('r', '178000000 years');
SELECT projectalpha.rotate_token('r', '-178000000 years');
SELECT projectalpha.rotate_token('r', token => 'short');
SELECT projectalpha.rotate_token('r', token => repeat('x', 513));
SELECT projectalpha.rotate_token('r', token => 'token-nine-of-r');
SELECT projectalpha.rotate_token('r', '1 hour', 'token-nine-of-r');
SELECT pg_temp.works('token-nine-of-r');
-- Rolled back, nothing has happened.
BEGIN;
SELECT projectalpha.rotate_token('r', token => 'token-ten-of-r');
SELECT t, pg_temp.works(t) FROM unnest(ARRAY['token-nine-of-r', 'token-ten-of-r']) AS t;
ROLLBACK;
SELECT t, pg_temp.works(t) FROM unnest(ARRAY['token-nine-of-r', 'token-ten-of-r']) AS t;
-- No token is kept in clear.
SELECT count(*) FROM projectalpha.credentials AS c WHERE c::text ~ 'token-';

SELECT projectalpha.delete_tool('r'), projectalpha.delete_tool('other');
DELETE FROM projectalpha.credentials;
DROP ROLE regress_rotator;
