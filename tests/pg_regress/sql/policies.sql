-- create_policy, update_policy, delete_policy, policy_list: what they take, refuse and keep. Who is let in is for other tests.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_policies_anon IN ROLE projectalpha_anon;
SELECT projectalpha.set_admin_token('admin-of-policies') = 'admin-of-policies' AS set;
SELECT table_name FROM projectalpha.register_tool('guarded', 'token-of-guarded',
    '[{"name": "amount", "type": "int"}, {"name": "note", "type": "str"}, {"name": "tags", "type": "json"}]');
SELECT projectalpha.update_tool_info('guarded', '{"allowed_scopes": ["read", "write", "publish"]}');
SELECT table_name FROM projectalpha.register_tool('plain', 'token-of-plain');
CREATE VIEW pg_temp.listed AS
SELECT tool_name, name, effect, priority, actions, conditions, allowed_scopes, is_active, description, created_by = current_user AS mine
  FROM projectalpha.policy_list;

-- In the order in which they are asked.
SELECT projectalpha.create_policy('guarded', 'everybody', 'allow', '{read}') > 0 AS created;
SELECT projectalpha.create_policy('guarded', 'office-hours', 'allow', '{read,write,read}',
    '{"roles": ["editor", "chief"], "permissions": ["notes:write"],
      "time": {"days": ["mon", "tue"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"},
      "addresses": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"], "min_payload_bytes": 1, "max_payload_bytes": 1000,
      "fields": {"amount": {"lte": 100}, "note": {"like": "a%"}, "tags": {"contains": {"a": 1}}},
      "valid_from": "2026-01-01", "valid_until": "2027-01-01T00:00:00+01:00"}',
    allowed_scopes => '{write,publish}', priority => 10, description => '  Editors, by day  ') > 0 AS created;
SELECT projectalpha.create_policy('guarded', 'large', 'deny', '{*}', '{"fields": {"amount": {"gt": 100000}}}', priority => 10) > 0 AS created;
SELECT projectalpha.create_policy('guarded', 'publish', 'allow', '{publish}', '{}', '{}', -1) > 0 AS created;
SELECT projectalpha.create_policy('plain', 'large', 'deny', '{write}', '{"fields": {"data": {"contains": {"a": 1}}}}') > 0 AS created;
SELECT name, effect, priority, actions, allowed_scopes, is_active, description, mine FROM pg_temp.listed WHERE tool_name = 'guarded';
SELECT conditions FROM pg_temp.listed WHERE name = 'office-hours';

-- Changes: what is named.
SELECT projectalpha.update_policy('guarded', 'everybody', '{"priority": 20, "description": "Anybody", "actions": ["read", "publish"]}');
SELECT projectalpha.update_policy('guarded', 'office-hours', '{"conditions": {"roles": ["editor"]}, "allowed_scopes": null, "description": null, "is_active": false}');
SELECT projectalpha.update_policy('guarded', 'publish', '{"allowed_scopes": null, "effect": "deny"}');
SELECT projectalpha.update_policy('guarded', 'large', '{}');
SELECT name, effect, priority, actions, conditions, allowed_scopes, is_active, description FROM pg_temp.listed WHERE tool_name = 'guarded';
SELECT updated_at > created_at AS updated FROM projectalpha.policy_list WHERE name = 'everybody';
SELECT projectalpha.delete_policy('guarded', 'publish');
SELECT projectalpha.delete_policy('guarded', 'publish');
\echo :SQLSTATE
SELECT projectalpha.update_policy('guarded', 'publish', '{"priority": 1}');
\echo :SQLSTATE
SELECT projectalpha.create_policy('guarded', 'large', 'allow', '{read}');
\echo :SQLSTATE

-- A rate needs the library to be there when the server starts.
SELECT projectalpha.create_policy('guarded', 'often', 'allow', '{read}', '{"rate": {"max": 600, "per": "1 minute"}}') > 0 AS created;
\echo :SQLSTATE
SELECT projectalpha.update_policy('guarded', 'everybody', '{"conditions": {"rate": {"max": 600, "per": "1 minute"}}}');
\echo :SQLSTATE

-- Every argument is checked, and named; NULL is refused.
\set VERBOSITY terse
SELECT projectalpha.create_policy(NULL, 'p', 'allow', '{read}');
SELECT projectalpha.create_policy('guarded', NULL, 'allow', '{read}');
SELECT projectalpha.create_policy('guarded', 'p', NULL, '{read}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', NULL);
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', NULL);
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', priority => NULL);
\echo :SQLSTATE
SELECT projectalpha.create_policy('nobody', 'p', 'allow', '{read}');
\echo :SQLSTATE
SELECT projectalpha.create_policy('Guarded', 'p', 'allow', '{read}');
SELECT projectalpha.create_policy('guarded', name, 'allow', '{read}') FROM (VALUES ('')) AS v (name);
SELECT projectalpha.create_policy('guarded', 'Office hours', 'allow', '{read}');
SELECT projectalpha.create_policy('guarded', 'p', 'ALLOW', '{read}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read,NULL}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read,burn}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{admin}');
SELECT projectalpha.create_policy('plain', 'p', 'allow', '{publish}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', array_fill('read'::text, '{51}'));
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', allowed_scopes => '{NULL}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', allowed_scopes => '{admin}');
SELECT projectalpha.create_policy('plain', 'p', 'allow', '{read}', allowed_scopes => '{publish}');
SELECT projectalpha.create_policy('guarded', 'p', 'deny', '{read}', allowed_scopes => '{read}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', description => '  ');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', description => repeat('x', 1001));
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '[]');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '"roles"');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"colour": "red"}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"roles": "editor"}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"roles": ["Editor"]}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"permissions": []}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"time": {"days": ["monday"]}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"time": {"from": "8:00", "to": "18:00"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"time": {"from": "08:00", "to": "08:00"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"time": {"from": "08:00"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"time": {"days": ["mon"], "zone": "Middle/Earth"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"time": {"hours": 8}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"addresses": ["10.0.0.1/8"]}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"addresses": ["here"]}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"max_payload_bytes": 0}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"min_payload_bytes": 9, "max_payload_bytes": 8}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"fields": {}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"fields": {"colour": "red"}}');
\echo :SQLSTATE
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"fields": {"amount": {"like": "1%"}}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"fields": {"amount": "1"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"fields": {"id": 1}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"rate": 600}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"rate": {"max": 0, "per": "1 minute"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"rate": {"max": 1, "per": "1 month"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"rate": {"max": 1, "per": "1 minute", "by": "tool"}}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"valid_from": "tomorrow"}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', '{"valid_from": "2026-01-02", "valid_until": "2026-01-01"}');
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}',
    jsonb_build_object('addresses', (SELECT jsonb_agg('10.0.0.0/8'::text) FROM generate_series(1, 1001))));
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}',
    jsonb_build_object('fields', jsonb_build_object('note', repeat('x', 65536))));
SELECT projectalpha.update_policy(NULL, 'large', '{}');
SELECT projectalpha.update_policy('guarded', NULL, '{}');
SELECT projectalpha.update_policy('guarded', 'large', NULL);
SELECT projectalpha.update_policy('nobody', 'large', '{}');
SELECT projectalpha.update_policy('guarded', 'No', '{}');
SELECT projectalpha.update_policy('guarded', 'large', '[]');
SELECT projectalpha.update_policy('guarded', 'large', '{"name": "small"}');
SELECT projectalpha.update_policy('guarded', 'large', '{"effect": null}');
SELECT projectalpha.update_policy('guarded', 'large', '{"actions": []}');
SELECT projectalpha.update_policy('guarded', 'large', '{"actions": ["burn"]}');
SELECT projectalpha.update_policy('guarded', 'large', '{"allowed_scopes": ["read"]}');
SELECT projectalpha.update_policy('guarded', 'large', '{"priority": 1.5}');
SELECT projectalpha.update_policy('guarded', 'large', '{"is_active": "no"}');
SELECT projectalpha.update_policy('guarded', 'large', '{"description": 1}');
SELECT projectalpha.update_policy('guarded', 'large', '{"conditions": null}');
SELECT projectalpha.update_policy('guarded', 'large', '{"priority": 7, "conditions": {"fields": {"colour": 1}}}');
-- With scopes to grant, a policy cannot become one that denies.
SELECT projectalpha.update_policy('guarded', 'office-hours', '{"allowed_scopes": ["write"]}');
SELECT projectalpha.update_policy('guarded', 'office-hours', '{"effect": "deny"}');
SELECT projectalpha.update_policy('guarded', 'office-hours', '{"effect": "deny", "allowed_scopes": null}');
SELECT projectalpha.update_policy('guarded', 'office-hours', '{"effect": "allow"}');
SELECT projectalpha.delete_policy(NULL, 'large');
SELECT projectalpha.delete_policy('guarded', NULL);
SELECT projectalpha.delete_policy('nobody', 'large');
SELECT name, effect, priority, actions, allowed_scopes FROM pg_temp.listed WHERE tool_name = 'guarded';

-- For administrators: by role, or by the admin token.
SET ROLE regress_policies_anon;
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}');
\echo :SQLSTATE
SELECT projectalpha.update_policy('guarded', 'large', '{}', 'token-of-guarded');
SELECT projectalpha.delete_policy('guarded', 'large', 'wrong');
SELECT * FROM projectalpha.policy_list;
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}', admin_token => 'admin-of-policies') > 0 AS created;
SELECT projectalpha.update_policy('guarded', 'p', '{"priority": 3}', 'admin-of-policies');
SELECT projectalpha.delete_policy('guarded', 'p', 'admin-of-policies');
RESET ROLE;

-- A field that a policy goes by stays what it is, whether the policy is active or not.
\set VERBOSITY default
SELECT projectalpha.update_policy('guarded', 'large', '{"is_active": false}');
SELECT projectalpha.alter_tool('guarded', '{"drop": "amount"}');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT projectalpha.alter_tool('guarded', '{"rename": {"field": "amount", "to": "sum"}}');
SELECT projectalpha.alter_tool('guarded', '{"widen": {"field": "amount", "type": "float"}}');
SELECT projectalpha.alter_tool('guarded', '[{"drop": "note"}, {"add": {"name": "sum", "type": "int"}}, {"set": {"field": "amount", "max": 5}}]');
SELECT projectalpha.update_policy('guarded', 'large', '{"conditions": {"fields": {"sum": {"gt": 5}}}}');
SELECT projectalpha.alter_tool('guarded', '{"drop": "amount"}');

-- Policies go with their tool. An archived tool keeps them; purged, it does not.
SELECT projectalpha.delete_tool('guarded', archive => true);
SELECT tool_name, name FROM projectalpha.policy_list;
SELECT projectalpha.create_policy('guarded', 'p', 'allow', '{read}');
SELECT tool_name FROM projectalpha.restore_tool('guarded', new_name => 'guarded2');
SELECT tool_name, name FROM projectalpha.policy_list;
SELECT projectalpha.delete_tool('guarded2', archive => true);
SELECT projectalpha.purge_archived_tool(archived_id) FROM projectalpha.archived_tool_list WHERE tool_name = 'guarded2';
SELECT count(*) FROM projectalpha.policies;
SELECT projectalpha.delete_tool('plain');
SELECT count(*) FROM projectalpha.policies;

-- The library sees none until the database is updated, and nothing breaks.
SELECT table_name FROM projectalpha.register_tool('late', 'token-of-late', '[{"name": "n", "type": "int"}]');
BEGIN;
SET LOCAL client_min_messages = error;
ALTER TABLE projectalpha.policies RENAME TO policies_of_later;
SELECT projectalpha.store_record('late', 'token-of-late', '{"n": 1}') > 0 AS stored;
SELECT projectalpha.alter_tool('late', '{"drop": "n"}');
ROLLBACK;
SELECT projectalpha.delete_tool('late');
DROP ROLE regress_policies_anon;
