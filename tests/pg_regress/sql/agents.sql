-- Agents: adding, changing, silencing and deleting them, and their API keys.
\set VERBOSITY default
SET client_min_messages = warning;
SELECT last_value AS agents, is_called AS called FROM projectalpha.agents_id_seq \gset
SELECT setval('projectalpha.agents_id_seq', 500);
CREATE ROLE regress_app IN ROLE projectalpha_anon;
CREATE ROLE regress_reader IN ROLE projectalpha_reader;
CREATE ROLE regress_admin IN ROLE projectalpha_admin;
SELECT projectalpha.set_admin_token('admin-token-of-agents') IS NOT NULL AS set;

SET ROLE regress_admin;
SELECT agent_id AS writer, api_key AS key FROM projectalpha.create_agent('  Report writer ', 'Writes reports', '{analyst,team:sales,analyst}', '{reports:write}') \gset
SELECT :writer AS agent_id, :'key' ~ '^pas_key_[0-9a-f]{64}$' AS key_generated;
SELECT id, name, description, roles, permissions, is_active, created_at = updated_at AS new FROM projectalpha.agents ORDER BY id;
SELECT agent_id AS plain, api_key AS plain_key FROM projectalpha.create_agent('Plain') \gset
SELECT id, name, description, roles, permissions FROM projectalpha.agents WHERE id = :plain;
-- The key is a credential like all others: its digest is kept.
SELECT credential_id > 0 AS id, agent_id, agent_name, tool_name, project_id, scopes, hint = 'pas_key_…' || right(:'key', 4) AS hint, label, expires_at, revoked_at, is_live
  FROM projectalpha.list_credentials() ORDER BY agent_id;
SELECT scopes, tool_name, label, project_id, agent_id FROM projectalpha.active_tokens WHERE agent_id IS NOT NULL ORDER BY agent_id;
RESET ROLE;
SELECT digest = sha256(convert_to(:'key', 'UTF8')) AS digest_alone FROM projectalpha.credentials WHERE agent_id = :writer;

-- With an admin token it is done by any role that may call; a key is none.
SET ROLE regress_app;
SELECT agent_id AS by_app FROM projectalpha.create_agent('By an app', admin_token => 'admin-token-of-agents') \gset
SELECT projectalpha.update_agent(:by_app, '{"roles": ["app"]}', 'admin-token-of-agents');
SELECT projectalpha.deactivate_agent(:by_app, 'admin-token-of-agents');
SELECT projectalpha.activate_agent(:by_app, 'admin-token-of-agents');
SELECT agent_name, scopes FROM projectalpha.list_credentials(agent_id => :by_app, admin_token => 'admin-token-of-agents');
SELECT projectalpha.delete_agent(:by_app, 'admin-token-of-agents');
SELECT * FROM projectalpha.create_agent('No');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT * FROM projectalpha.create_agent('No', admin_token => 'wrong-token');
SELECT * FROM projectalpha.create_agent('No', admin_token => :'key');
SELECT projectalpha.update_agent(:writer, '{"roles": ["admin"]}', :'key');
SELECT projectalpha.update_agent(:writer, NULL);
SELECT projectalpha.deactivate_agent(:writer);
SELECT projectalpha.activate_agent(:writer, '');
SELECT projectalpha.delete_agent(NULL);
SELECT * FROM projectalpha.agents;
RESET ROLE;
SET ROLE regress_reader;
SELECT projectalpha.delete_agent(:writer, 'admin-token-of-agents');
SELECT * FROM projectalpha.agents;
RESET ROLE;

-- Bad input.
\set VERBOSITY default
SELECT * FROM projectalpha.create_agent('Report writer');
\echo :SQLSTATE
SELECT * FROM projectalpha.create_agent(E'a\nb');
\echo :SQLSTATE
SELECT * FROM projectalpha.create_agent('a', roles => '{Admin}');
\echo :SQLSTATE
SELECT * FROM projectalpha.create_agent(NULL);
\echo :SQLSTATE
\set VERBOSITY terse
SELECT * FROM projectalpha.create_agent('');
SELECT * FROM projectalpha.create_agent('   ');
SELECT * FROM projectalpha.create_agent(repeat('x', 256));
SELECT * FROM projectalpha.create_agent('a', roles => NULL);
SELECT * FROM projectalpha.create_agent('a', permissions => NULL);
SELECT * FROM projectalpha.create_agent('a', roles => '{a,NULL}');
SELECT * FROM projectalpha.create_agent('a', roles => '{""}');
SELECT * FROM projectalpha.create_agent('a', roles => ARRAY[repeat('x', 51)]);
SELECT * FROM projectalpha.create_agent('a', roles => '{1st}');
SELECT * FROM projectalpha.create_agent('a', roles => '{a b}');
SELECT agent_id AS flat FROM projectalpha.create_agent('a', roles => '{{a,b},{c,d}}') \gset
SELECT roles FROM projectalpha.agents WHERE id = :flat;
SELECT projectalpha.delete_agent(:flat);
SELECT * FROM projectalpha.create_agent('a', roles => (SELECT array_agg('r' || n) FROM generate_series(1, 51) AS n));
SELECT * FROM projectalpha.create_agent('a', permissions => '{Ä}');
SELECT agent_id AS longest FROM projectalpha.create_agent(repeat('é', 255), NULL, (SELECT array_agg('r' || n) FROM generate_series(1, 50) AS n), ARRAY[repeat('x', 50)]) \gset
SELECT cardinality(roles) AS roles, cardinality(permissions) AS permissions, length(name) AS name FROM projectalpha.agents WHERE id = :longest;
SELECT projectalpha.delete_agent(:longest);

-- Changes.
SELECT projectalpha.update_agent(:writer, '{"description": null, "permissions": ["b", "a", "b"]}');
SELECT projectalpha.update_agent(:writer, '{"name": " Writer of reports "}');
SELECT projectalpha.update_agent(:writer, '{}');
SELECT name, description, roles, permissions, updated_at > created_at AS later FROM projectalpha.agents WHERE id = :writer;
\set VERBOSITY default
SELECT projectalpha.update_agent(:writer, '{"name": "Plain"}');
\echo :SQLSTATE
SELECT projectalpha.update_agent(:writer, '{"is_active": false}');
\echo :SQLSTATE
SELECT projectalpha.update_agent(:writer, '{"roles": "analyst"}');
\echo :SQLSTATE
SELECT projectalpha.update_agent(9999, '{}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.update_agent(:writer, '{"roles": ["x"], "permissions": ["X"]}');
SELECT projectalpha.update_agent(:writer, '{"roles": [null]}');
SELECT projectalpha.update_agent(:writer, '{"roles": null}');
SELECT projectalpha.update_agent(:writer, '{"name": null}');
SELECT projectalpha.update_agent(:writer, '{"name": ""}');
SELECT projectalpha.update_agent(:writer, '{"description": 1}');
SELECT projectalpha.update_agent(:writer, '[]');
SELECT projectalpha.update_agent(:writer, 'null');
SELECT projectalpha.update_agent(:writer, NULL);
SELECT projectalpha.update_agent(NULL, '{}');
SELECT projectalpha.update_agent(-1, '{}');
SELECT projectalpha.deactivate_agent(NULL);
SELECT projectalpha.deactivate_agent(9999);
SELECT projectalpha.activate_agent(NULL);
SELECT projectalpha.activate_agent(0);
SELECT projectalpha.delete_agent(NULL);
SELECT projectalpha.delete_agent(9999);
SELECT name, roles, permissions FROM projectalpha.agents WHERE id = :writer;

-- Keys: rotated by whoever administers, and by whoever has one.
SELECT projectalpha.rotate_api_key(:writer) AS second \gset
SET ROLE regress_app;
SELECT projectalpha.rotate_api_key(:writer, api_key => :'key');
\echo :SQLSTATE
SELECT projectalpha.rotate_api_key(:writer, api_key => :'second') AS third \gset
SELECT projectalpha.rotate_api_key(:writer, api_key => :'second');
SELECT projectalpha.rotate_api_key(:plain, api_key => :'third');
SELECT projectalpha.rotate_api_key(9999, api_key => :'third');
SELECT projectalpha.rotate_api_key(NULL, api_key => :'third');
SELECT projectalpha.rotate_api_key(:writer, api_key => '');
-- If it is given, it alone counts.
SELECT projectalpha.rotate_api_key(:writer, 'admin-token-of-agents', 'wrong-key');
SELECT projectalpha.rotate_api_key(:writer);
SELECT projectalpha.rotate_api_key(:writer, 'admin-token-of-agents') ~ '^pas_key_' AS fourth;
RESET ROLE;
SELECT projectalpha.rotate_api_key(NULL);
SELECT projectalpha.rotate_api_key(9999);
SELECT scopes, revoked_at IS NOT NULL AS revoked, is_live FROM projectalpha.list_credentials(:writer, live => false);

-- A key is no token of anything.
SELECT token IS NOT NULL AS registered FROM projectalpha.register_tool('tool_of_agents', 'token-of-tool-of-agents', sensitive => true);
SET ROLE regress_app;
SELECT projectalpha.store_record('tool_of_agents', :'plain_key', '{}');
SELECT projectalpha.list_records('tool_of_agents', token => :'plain_key');
SELECT projectalpha.store_common('x', '{}', true, :'plain_key');
SELECT projectalpha.list_common('x', token => :'plain_key');
SELECT projectalpha.delete_tool('tool_of_agents', :'plain_key');
SELECT projectalpha.rotate_token('tool_of_agents', current_token => :'plain_key');
RESET ROLE;
-- Not even if somebody writes more into its row.
UPDATE projectalpha.credentials SET scopes = '{agent,admin,common,read,write,tool:small_of_agents,project}' WHERE agent_id = :plain;
SELECT 1 AS configured FROM projectalpha.configure_tool('small_of_agents', sensitive => true);
SET ROLE regress_app;
SELECT projectalpha.store_record('tool_of_agents', :'plain_key', '{}');
SELECT projectalpha.store_common('x', '{}', true, :'plain_key');
SELECT projectalpha.store_configured('small_of_agents', '{}', :'plain_key');
SELECT projectalpha.delete_tool('tool_of_agents', :'plain_key');
RESET ROLE;
SELECT projectalpha.unconfigure_tool('small_of_agents'), projectalpha.delete_tool('tool_of_agents');

-- An agent that is not active has no key; it works again when it is.
SELECT projectalpha.deactivate_agent(:plain);
SET ROLE regress_app;
SELECT count(*) FROM projectalpha.list_credentials(api_key => :'plain_key');
RESET ROLE;
SELECT is_active FROM projectalpha.agents WHERE id = :plain;
SELECT is_live, revoked_at FROM projectalpha.list_credentials(:plain, live => false);
SELECT count(*) AS live FROM projectalpha.list_credentials(:plain);
SELECT projectalpha.activate_agent(:plain);
SET ROLE regress_app;
SELECT agent_id, agent_name FROM projectalpha.list_credentials(api_key => :'plain_key');
RESET ROLE;

-- What an agent holds goes with it, however it goes.
SELECT projectalpha.delete_agent(:plain);
SELECT count(*) AS left_behind FROM projectalpha.credentials WHERE agent_id = :plain;
DELETE FROM projectalpha.agents WHERE id = :writer;
SELECT count(*) AS left_behind FROM projectalpha.credentials WHERE agent_id IS NOT NULL;
SELECT 1 AS made FROM projectalpha.create_agent('Last');
SET session_replication_role = replica;
TRUNCATE projectalpha.agents;
RESET session_replication_role;
SELECT count(*) AS left_behind FROM projectalpha.credentials WHERE agent_id IS NOT NULL;

SELECT projectalpha.revoke_token('admin-token-of-agents');
SELECT setval('projectalpha.agents_id_seq', :agents, :'called') > 0 AS reset;
DROP ROLE regress_app, regress_reader, regress_admin;
