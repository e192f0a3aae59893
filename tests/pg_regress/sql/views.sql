-- registered_tools and active_tokens: what they show, to whom, and that no token is in them.
\set VERBOSITY default
SELECT table_name FROM projectalpha.register_tool('seen', 'token-of-seen', '[{"name": "b", "type": "integer"}, {"name": "a", "type": "str"}]',
                                                  description => 'Seen by all');
SELECT table_name FROM projectalpha.register_tool('seen_whole', sensitive => true);
SELECT tool_name, schema_definition, table_name, sensitive, description, token_hint ~ '^pas_tool_…[0-9a-f]{4}$' AS made, token_hint = '(given)' AS given
     , id > 0 AS has_id, created_at > now() - interval '1 hour' AS recent
  FROM projectalpha.registered_tools WHERE tool_name ~ '^seen' ORDER BY tool_name;
-- The table has the name that is shown, in the data schema.
SELECT tool_name, ('projectalpha_data.' || table_name)::regclass FROM projectalpha.registered_tools WHERE tool_name ~ '^seen' ORDER BY tool_name;

-- A revoked token has no hint any more; two have two.
SELECT projectalpha.revoke_token('token-of-seen');
SELECT tool_name, token_hint FROM projectalpha.registered_tools WHERE tool_name = 'seen';
INSERT INTO projectalpha.credentials (digest, hint, scopes, tool_id, label)
SELECT sha256(v.token::bytea), '(' || v.token || '''s hint)', v.scopes::text[], t.id, v.token
  FROM projectalpha.tools AS t, (VALUES ('by-hand-1', '{read}'), ('by-hand-2', '{write}')) AS v (token, scopes) WHERE t.tool_name = 'seen'
 ORDER BY v.token;
SELECT tool_name, token_hint FROM projectalpha.registered_tools WHERE tool_name = 'seen';

-- active_tokens: live ones of every kind, by what they open.
SELECT projectalpha.set_admin_token('admin-of-views') = 'admin-of-views' AS set;
SELECT projectalpha.add_common_token('common-of-views', 'reports') = 'common-of-views' AS added;
SELECT projectalpha.add_common_token('expired-of-views', 'expired') = 'expired-of-views' AS added;
UPDATE projectalpha.credentials SET expires_at = now() - interval '1 s' WHERE label = 'expired';
UPDATE projectalpha.credentials SET expires_at = now() + interval '1 h' WHERE label = 'reports';
SELECT token_id > 0 AS id, scopes, tool_name, regexp_replace(hint, '….*', '…') AS hint, label, expires_at > now() AS to_expire
  FROM projectalpha.active_tokens ORDER BY scopes, tool_name, label;

-- Nothing that opens anything is shown. (None must appear.)
SELECT v.line AS shows_a_token
  FROM (SELECT r::text FROM projectalpha.registered_tools AS r UNION ALL SELECT a::text FROM projectalpha.active_tokens AS a) AS v (line)
     , unnest(ARRAY['token-of-seen', 'admin-of-views', 'common-of-views', encode(sha256('admin-of-views'), 'hex')]) AS secret
 WHERE v.line ~ secret;

-- Who sees them: a reader and an administrator the tools, an administrator the tokens. Nobody writes through them.
SET ROLE projectalpha_reader;
SELECT count(*) FROM projectalpha.registered_tools WHERE tool_name ~ '^seen';
SELECT count(*) FROM projectalpha.active_tokens;
SET ROLE projectalpha_admin;
SELECT count(*) FROM projectalpha.registered_tools WHERE tool_name ~ '^seen';
SELECT count(*) FROM projectalpha.active_tokens WHERE tool_name ~ '^seen';
DELETE FROM projectalpha.active_tokens;
UPDATE projectalpha.registered_tools SET sensitive = false;
SET ROLE projectalpha_anon;
SELECT count(*) FROM projectalpha.registered_tools;
SELECT count(*) FROM projectalpha.active_tokens;
RESET ROLE;

SELECT projectalpha.delete_tool('seen');
SELECT projectalpha.delete_tool('seen_whole');
DELETE FROM projectalpha.credentials;
