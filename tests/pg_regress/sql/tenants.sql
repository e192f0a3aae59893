-- One tool, many tenants: the token decides whose records a call is about.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE TABLE pg_temp.p (name text PRIMARY KEY, id bigint NOT NULL);
INSERT INTO p SELECT name, projectalpha.create_project(name) FROM unnest(ARRAY['A', 'B', 'suspended', 'archived', 'disabled']) AS name;
SELECT projectalpha.set_admin_token('admin-of-tenants') = 'admin-of-tenants' AS set;
SELECT projectalpha.add_common_token('common-of-tenants') = 'common-of-tenants' AS added;

-- A public tool and a sensitive one, the same otherwise; both are configured, too. And one more.
SELECT count(*) FROM unnest(ARRAY['pub', 'sec', 'third']) AS name, projectalpha.register_tool(name, 'token-shared-' || name,
    '[{"name": "who", "type": "str"}, {"name": "k", "type": "int", "unique": true}]', sensitive => name = 'sec', versioned => true);
SELECT count(*) FROM unnest(ARRAY['pub', 'sec']) AS name, projectalpha.configure_tool(name, sensitive => name = 'sec', use_individual_table => true);
SELECT count(projectalpha.enable_tool(tool, p.id, 'token-' || p.name || '-' || tool)) FROM p, unnest(ARRAY['pub', 'sec', 'third']) AS tool;

-- Each table has the same ids and keys, and says whose it is.
SELECT count(projectalpha.store_record(tool, 'token-' || who || '-' || tool, jsonb_build_object('who', who, 'k', k)))
  FROM unnest(ARRAY['pub', 'sec', 'third']) AS tool, unnest(ARRAY['shared', 'A', 'B', 'suspended', 'archived', 'disabled']) AS who, generate_series(1, 2) AS k;
SELECT projectalpha.set_project_status(id, name) FROM p WHERE name IN ('suspended', 'archived');

-- Tokens of all kinds. What enable_tool would not leave, a DBA can.
CREATE FUNCTION pg_temp.credential(token text, project text, scopes text[] DEFAULT '{read,write}', expires_at timestamptz DEFAULT NULL,
                                   revoked_at timestamptz DEFAULT NULL, project_id bigint DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO projectalpha.credentials (digest, hint, scopes, tool_id, project_id, expires_at, revoked_at)
    SELECT sha256(convert_to('token-' || token || '-' || t.tool_name, 'UTF8')), 'by hand', scopes, t.id, coalesce(project_id, (SELECT id FROM p WHERE name = project)), expires_at, revoked_at
      FROM projectalpha.tools AS t WHERE t.tool_name IN ('pub', 'sec', 'third') $$;
SELECT pg_temp.credential('A second', 'A');
SELECT pg_temp.credential('A reads', 'A', '{read}');
SELECT pg_temp.credential('A writes', 'A', '{write}');
SELECT pg_temp.credential('A neither', 'A', '{agent,common}');
SELECT pg_temp.credential('A expired', 'A', expires_at => now() - interval '1 s');
SELECT pg_temp.credential('A expires', 'A', expires_at => now() + interval '1 day');
SELECT pg_temp.credential('A revoked', 'A', revoked_at => now());
SELECT pg_temp.credential('project 0', NULL, project_id => 0);
SELECT pg_temp.credential('no project', NULL, project_id => 999999999);
UPDATE projectalpha.project_tools SET disabled_at = now() WHERE project_id = (SELECT id FROM p WHERE name = 'disabled');

CREATE TABLE pg_temp.tokens (n serial, name text, token text);
INSERT INTO tokens (name, token) SELECT t, t FROM unnest(ARRAY['shared', 'A', 'A second', 'A expires', 'A reads', 'A writes', 'A neither', 'B', 'suspended', 'archived',
    'disabled', 'A expired', 'A revoked', 'project 0', 'no project', 'never']) AS t;
INSERT INTO tokens (name, token) VALUES ('A''s of another tool', 'token-A-third'), ('another tool''s', 'token-shared-third'), ('admin', 'admin-of-tenants'), ('common', 'common-of-tenants'),
    ('wrong case', 'TOKEN-A-pub'), ('empty', ''), ('NULL', NULL);

CREATE TABLE pg_temp.calls (n serial, name text, call text);
INSERT INTO calls (name, call) VALUES
  ('store_record', $$SELECT 'stored' FROM projectalpha.store_record(%1$L, %2$L, '{"who": "new", "k": 9}')$$),
  ('store_record, with a key', $$SELECT 'stored' FROM projectalpha.store_record(%1$L, %2$L, '{"who": "new", "k": 9}', 'some-key')$$),
  ('store_records', $$SELECT 'stored ' || projectalpha.store_records(%1$L, %2$L, '[{"who": "new", "k": 9}, {"k": 10}]')$$),
  ('upsert_record', $$SELECT 'upserted ' || id || inserted FROM projectalpha.upsert_record(%1$L, %2$L, '{"who": "new", "k": 2}', 'k')$$),
  ('update_record', $$SELECT 'updated ' || (projectalpha.update_record(%1$L, %2$L, 1, '{"k": 7}')->>'who')$$),
  ('update_record, if version', $$SELECT 'updated ' || (projectalpha.update_record(%1$L, %2$L, 1, '{"k": 7}', 1)->>'who')$$),
  ('delete_record', $$SELECT 'deleted' || projectalpha.delete_record(%1$L, %2$L, 2)::text$$),
  ('validate_record', $$SELECT 'valid ' || count(*) FROM projectalpha.validate_record(%1$L, '{"who": 1}', %2$L)$$),
  ('list_records', $$SELECT 'listed ' || string_agg(r->>'who', ' ') FROM projectalpha.list_records(%1$L, token => %2$L) AS r$$),
  ('list_records, filtered', $$SELECT 'listed ' || string_agg(r->>'who', ' ') FROM projectalpha.list_records(%1$L, token => %2$L, filter => '{"k": {"gte": 1}}', order_by => '-k') AS r$$),
  ('count_records', $$SELECT 'counted ' || projectalpha.count_records(%1$L, filter => '{"who": {"ne": "shared"}}', token => %2$L)$$),
  ('get_record', $$SELECT 'got ' || (projectalpha.get_record(%1$L, 1, %2$L)->>'who')$$),
  ('store_configured', $$SELECT 'stored' FROM projectalpha.store_configured(%1$L, '{"who": "new", "k": 9}', %2$L)$$),
  ('list_configured', $$SELECT 'listed ' || string_agg(r->>'who', ' ') FROM projectalpha.list_configured(%1$L, token => %2$L) AS r$$),
  ('rotate_token, by a superuser', $$SELECT 'rotated' FROM projectalpha.rotate_token(%1$L, current_token => %2$L, admin_token => 'no-admin-token')$$);

-- Every row of every table, and every live token; what a call changes of it shows whom it reached.
CREATE FUNCTION pg_temp.contents(tool text) RETURNS TABLE (whose text, contents text) LANGUAGE plpgsql AS $$
DECLARE x record;
BEGIN
    FOR x IN SELECT 'shared' AS name, 'projectalpha_data' AS schema, NULL AS id UNION ALL SELECT p.name, 'project_' || p.id, p.id FROM p LOOP
        whose := x.name;
        EXECUTE format('SELECT coalesce(string_agg(r::text, '' '' ORDER BY r.id), '''') FROM %I.%I AS r', x.schema, 'tool_' || tool) INTO contents;
        contents := contents || (SELECT coalesce(string_agg(c.id::text, ' ' ORDER BY c.id), '') FROM projectalpha.credentials AS c JOIN projectalpha.tools AS t ON t.id = c.tool_id
                                  WHERE t.tool_name = tool AND c.project_id IS NOT DISTINCT FROM x.id AND c.revoked_at IS NULL);
        RETURN NEXT;
    END LOOP;
END $$;
-- Makes a call, looks, and takes it back.
CREATE FUNCTION pg_temp.outcome(tool text, call text, token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; changed text;
BEGIN
    CREATE TEMP TABLE before AS SELECT * FROM pg_temp.contents(tool);
    EXECUTE format(call, tool, CASE WHEN token NOT SIMILAR TO '(|%-third%|%-of-tenants|TOKEN%)' THEN 'token-' || token || '-' || tool ELSE token END) INTO answer;
    SELECT string_agg(c.whose, ', ') INTO changed FROM pg_temp.contents(tool) AS c JOIN before AS b USING (whose) WHERE b.contents <> c.contents;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = coalesce(answer, 'nothing') || coalesce('; changed: ' || changed, '');
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN RETURN SQLERRM;
          WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

SELECT tool, c.name AS call, o.outcome, string_agg(t.name, ', ' ORDER BY t.n) AS tokens
  FROM unnest(ARRAY['pub', 'sec']) AS tool, calls AS c, tokens AS t, pg_temp.outcome(tool, c.call, t.token) AS o (outcome)
 GROUP BY 1, 2, 3, c.n ORDER BY 1, c.n, min(t.n);

-- The same words for every token that does not open a tool.
\set VERBOSITY default
SELECT projectalpha.store_record('sec', 'token-A revoked-sec', '{}');
SELECT projectalpha.store_record('sec', 'token-A-third', '{}');
SELECT projectalpha.store_record('sec', 'token-suspended-sec', '{}');
\echo :SQLSTATE
SELECT projectalpha.list_records('sec', token => 'token-archived-sec');
SELECT projectalpha.list_records('pub', token => 'token-disabled-pub');
\set VERBOSITY terse

-- Idempotency keys of tenants do not meet: the same key, and the same or another payload.
SELECT who, count(*) AS calls, count(DISTINCT id) AS ids FROM unnest(ARRAY['shared', 'A', 'B', 'A', 'B', 'shared']) AS who,
    projectalpha.store_record('pub', 'token-' || who || '-pub', jsonb_build_object('who', who, 'k', 30), 'one-key') AS id GROUP BY who ORDER BY who;
SELECT projectalpha.store_record('pub', 'token-A second-pub', '{"k": 31}', 'one-key');
SELECT projectalpha.store_record('pub', 'token-suspended-pub', '{"k": 31}', 'one-key');
SELECT projectalpha.count_records('pub', '{"k": 30}', 'token-A-pub'), projectalpha.count_records('pub', '{"k": 30}', 'token-B-pub'), projectalpha.count_records('pub', '{"k": 30}');

-- A cursor of one table is a place in an order, not a way into it.
SELECT r->>'who' AS who FROM projectalpha.list_records('pub', token => 'token-B-pub', order_by => 'k',
    after => (SELECT projectalpha.page_cursor(a, 'k') FROM projectalpha.list_records('pub', 1, token => 'token-A-pub', order_by => 'k') AS a)) AS r;

CREATE FUNCTION pg_temp.run(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
-- Enabling: for administrators, once, and as the client may.
CREATE ROLE regress_tenant_app IN ROLE projectalpha_anon;
SET ROLE regress_tenant_app;
SELECT projectalpha.enable_tool('pub', 1);
SELECT projectalpha.disable_tool('pub', 1);
SELECT projectalpha.allow_tool('pub', 1);
SELECT projectalpha.disallow_tool('pub', 1);
-- Being an administrator by token is not enough to name a project's tokens, but to rotate them it is.
SELECT projectalpha.rotate_token('pub', project_id => 1);
RESET ROLE;
SELECT projectalpha.enable_tool(NULL, 1);
SELECT projectalpha.enable_tool('pub', NULL);
SELECT projectalpha.enable_tool('no_such_tool', id) FROM p WHERE name = 'A';
SELECT projectalpha.enable_tool('pub', 0);
SELECT projectalpha.enable_tool('pub', 999999999);
SELECT projectalpha.enable_tool('pub', id, 'short') FROM p WHERE name = 'A';
SELECT projectalpha.enable_tool('pub', id) FROM p WHERE name = 'archived';
SELECT projectalpha.disable_tool('pub', id, NULL) FROM p WHERE name = 'A';
SELECT projectalpha.disable_tool('pub', 999999999);
SELECT projectalpha.disable_tool('no_such_tool', id) FROM p WHERE name = 'A';
SELECT projectalpha.allow_tool('pub', NULL);
SELECT projectalpha.allow_tool('pub', 999999999);
SELECT projectalpha.disallow_tool('pub', 999999999);
SELECT projectalpha.create_client('Client of tenants') AS client \gset
SELECT projectalpha.create_project('C', :client) AS c \gset
-- Not the client's, then allowed, twice.
SELECT regexp_replace(pg_temp.outcome('pub', format('SELECT projectalpha.enable_tool(%%1$L, %s)', :c), NULL), '\d+ may', '# may');
SELECT projectalpha.allow_tool('pub', :client), projectalpha.allow_tool('pub', :client);
SELECT projectalpha.enable_tool('pub', :c, 'token-of-C') AS token;
SELECT regexp_replace(pg_temp.outcome('pub', format('SELECT projectalpha.enable_tool(%%1$L, %s)', :c), NULL), 'project \d+', 'project #');
SELECT regexp_replace(pg_temp.outcome('pub', format('SELECT projectalpha.disallow_tool(%%1$L, %s)', :client), NULL), 'client \d+', 'client #');
-- A token that another tenant has.
SELECT projectalpha.enable_tool('third', projectalpha.create_project('D'), 'token-A-third');
SELECT token ~ '^pas_tool_[0-9a-f]{64}$' AS generated FROM projectalpha.enable_tool('third', projectalpha.create_project('E')) AS token;

-- Disabling keeps the records, or drops them. Enabled again, the old tokens stay revoked, and a key that was used is known.
SELECT projectalpha.store_record('pub', 'token-of-C', '{"who": "C"}', 'key-of-C');
SELECT projectalpha.disable_tool('pub', :c);
SELECT projectalpha.store_record('pub', 'token-of-C', '{"who": "C"}');
SELECT projectalpha.disable_tool('pub', :c);
SELECT projectalpha.rotate_token('pub', project_id => :c);
SELECT projectalpha.enable_tool('pub', :c, 'again-of-C') AS token;
SELECT projectalpha.store_record('pub', 'token-of-C', '{"who": "C"}');
SELECT projectalpha.store_record('pub', 'again-of-C', '{"who": "C"}', 'key-of-C') AS the_first;
SELECT r->>'who' AS who FROM projectalpha.list_records('pub', token => 'again-of-C') AS r;
SELECT projectalpha.disable_tool('pub', :c), projectalpha.disable_tool('pub', :c, keep_data => false);
SELECT to_regclass(format('project_%s.tool_pub', :c)) AS gone;
SELECT projectalpha.disable_tool('pub', :c, keep_data => false);
SELECT projectalpha.enable_tool('pub', :c, 'third-of-C') AS token;
SELECT projectalpha.store_record('pub', 'third-of-C', '{"who": "C"}', 'key-of-C') AS new;
SELECT projectalpha.disable_tool('pub', :c), projectalpha.disallow_tool('pub', :client);
SELECT regexp_replace(pg_temp.outcome('pub', format('SELECT projectalpha.enable_tool(%%1$L, %s)', :c), NULL), '\d+ may', '# may');

-- A table that was dropped by hand, and one that was left behind.
SELECT projectalpha.allow_tool('third', :client);
SELECT projectalpha.enable_tool('third', :c, 'token-C-third') AS token;
SELECT projectalpha.disable_tool('third', :c);
SELECT pg_temp.run(format('DROP TABLE project_%s.tool_third', :c));
SELECT regexp_replace(pg_temp.outcome('third', format('SELECT projectalpha.enable_tool(%%1$L, %s)', :c), NULL), 'project_\d+', 'project_#');
SELECT projectalpha.disable_tool('third', :c, false);
SELECT pg_temp.run(format('CREATE TABLE project_%s.tool_third (id bigint)', :c));
SELECT projectalpha.enable_tool('third', :c);
SELECT pg_temp.run(format('DROP TABLE project_%s.tool_third', :c));

-- Rotating: each tenant's tokens alone.
SELECT count(*) FILTER (WHERE c.project_id IS NULL) AS shared, count(*) FILTER (WHERE p.name = 'A') AS a, count(*) FILTER (WHERE p.name = 'B') AS b
  FROM projectalpha.active_tokens AS c LEFT JOIN p ON p.id = c.project_id WHERE c.tool_name = 'third' \g (format=unaligned)
SELECT projectalpha.rotate_token('third', token => 'token-shared-third-2');
SELECT projectalpha.rotate_token('third', '1 hour', 'token-A-third-2', project_id => id) FROM p WHERE name = 'A';
SELECT projectalpha.rotate_token('third', token => 'token-B-third-2', admin_token => 'no', current_token => 'token-B-third');
SELECT t, pg_temp.outcome('third', $$SELECT string_agg(r->>'who', ' ') FROM projectalpha.list_records(%1$L, token => %2$L) AS r WHERE projectalpha.store_record('third', %2$L, '{}') > 0$$, t) FROM unnest(ARRAY
    ['token-shared-third', 'token-shared-third-2', 'token-A-third', 'token-A-third-2', 'token-A-third-2', 'token-B-third', 'token-B-third-2']) AS t;
-- Whoever holds a token cannot reach another project's by naming it.
SELECT pg_temp.outcome('third', format('SELECT projectalpha.rotate_token(%%1$L, current_token => %L, project_id => %s)', token, id), NULL) FROM p, unnest(ARRAY['token-B-third-2', 'token-shared-third-2']) AS token WHERE name = 'A';
SELECT projectalpha.rotate_token('third', project_id => id, token => 'token-of-archive') FROM p WHERE name = 'archived';
SELECT projectalpha.rotate_token('third', project_id => -1);
-- The hint of a tool shows its own tokens, that of a project the project's; an administrator revokes any of them.
SELECT tool_name, token_hint FROM projectalpha.registered_tools WHERE tool_name = 'third';
SELECT project_name, tool_name, table_name = format('project_%s.tool_third', project_id) AS table_name, schema_version, latest_version, enabled, token_hint
  FROM projectalpha.project_tool_list WHERE tool_name = 'third' AND project_name IN ('A', 'B', 'disabled') ORDER BY 1;
SELECT projectalpha.revoke_token('token-B-third-2');
SELECT projectalpha.list_records('sec', token => 'token-B-third-2');
SELECT projectalpha.revoke_token(token_id => token_id) FROM projectalpha.active_tokens JOIN p ON id = project_id WHERE tool_name = 'sec' AND name = 'B';
SELECT projectalpha.list_records('sec', token => 'token-B-sec');

-- A token for a project and no tool opens nothing here, whatever it may.
INSERT INTO projectalpha.credentials (digest, hint, scopes, project_id) SELECT sha256('project-token'), '', '{admin,common,tool:pub,read,write}', id FROM p WHERE name = 'A';
SET ROLE regress_tenant_app;
SELECT projectalpha.list_records('sec', token => 'project-token');
SELECT projectalpha.store_common('x', '{}', true, 'project-token');
SELECT projectalpha.rotate_token('pub', current_token => 'project-token');
SELECT projectalpha.alter_tool('pub', '{"options": {"strict": true}}', 'project-token');
RESET ROLE;

-- What is rolled back stays in no cache: a token, a table, and a disabling.
BEGIN;
SELECT projectalpha.disable_tool('pub', id) FROM p WHERE name = 'B';
SELECT projectalpha.list_records('pub', token => 'token-B-pub') LIMIT 0;
ROLLBACK;
SELECT projectalpha.count_records('pub', token => 'token-B-pub') > 0 AS b_again;
SELECT projectalpha.allow_tool('sec', :client);
BEGIN;
SELECT projectalpha.enable_tool('sec', :c, 'C-in-vain');
SELECT projectalpha.store_record('sec', 'C-in-vain', '{}');
ROLLBACK;
SELECT projectalpha.store_record('sec', 'C-in-vain', '{}');
SELECT projectalpha.enable_tool('sec', :c, 'C-for-good');
SELECT projectalpha.store_record('sec', 'C-in-vain', '{}');
BEGIN;
SAVEPOINT s;
SELECT projectalpha.rotate_token('sec', '1 hour', 'C-second-in-vain', project_id => :c);
SELECT projectalpha.store_record('sec', 'C-second-in-vain', '{}');
ROLLBACK TO s;
SELECT projectalpha.store_record('sec', 'C-for-good', '{}') AS stored;
COMMIT;
SELECT projectalpha.store_record('sec', 'C-second-in-vain', '{}');
INSERT INTO projectalpha.credentials (digest, hint, scopes, tool_id, project_id) SELECT sha256('by-hand'), '', '{read,write}', t.id, :c FROM projectalpha.tools AS t WHERE tool_name = 'sec';
SELECT projectalpha.store_record('sec', 'by-hand', '{}') AS stored;

-- The change feed of a tenant is its project's.
SELECT projectalpha.alter_tool('third', '{"options": {"notify": true}}') \g (format=unaligned)
SELECT projectalpha.upgrade_project(id) > 0 AS upgraded FROM p WHERE name = 'A';

-- A tool that has tables in projects stays; without them it goes. What clients were allowed goes when it goes for good.
SELECT projectalpha.delete_tool('third');
SELECT projectalpha.delete_tool('third', archive => true);
SELECT count(projectalpha.disable_tool(tool_name, project_id, false)) FROM projectalpha.project_tool_list WHERE tool_name = 'third';
SELECT projectalpha.delete_tool('third', archive => true);
SELECT table_name FROM projectalpha.restore_tool('third');
SELECT t.tool_name AS allowed FROM projectalpha.client_tools AS a JOIN projectalpha.tools AS t ON t.id = a.tool_id WHERE a.client_id = :client ORDER BY 1;
SELECT projectalpha.store_record('third', token, '{}') FROM unnest(ARRAY['token-shared-third-2', 'token-A-third-2']) AS token;

-- A dropped project's token is nobody's.
SELECT projectalpha.drop_project(id, 'B') FROM p WHERE name = 'B';
SELECT projectalpha.store_record('pub', 'token-B-pub', '{}');
SELECT projectalpha.store_configured('pub', '{}', 'token-B-pub');
SELECT count(*) AS shared FROM projectalpha.list_records('pub', token => 'token-B-pub');

SELECT count(projectalpha.disable_tool(tool_name, project_id, false)) FROM projectalpha.project_tool_list WHERE tool_name IN ('pub', 'sec', 'third');
SELECT projectalpha.delete_tool('sec', archive => true);
SELECT count(projectalpha.delete_tool(name)) FROM unnest(ARRAY['pub', 'third']) AS name;
SELECT count(*) AS allowed FROM projectalpha.client_tools AS a WHERE a.client_id = :client;
SELECT projectalpha.purge_archived_tool(archived_id) FROM projectalpha.archived_tool_list WHERE tool_name = 'sec';
SELECT count(*) AS allowed FROM projectalpha.client_tools AS a WHERE a.client_id = :client;
SELECT count(projectalpha.drop_project(id, name)) FROM projectalpha.project_list WHERE name IN ('A', 'suspended', 'archived', 'disabled', 'C', 'D', 'E');
SELECT projectalpha.delete_client(:client);
DELETE FROM projectalpha.credentials WHERE project_id IS NOT NULL OR digest IN (sha256('admin-of-tenants'), sha256('common-of-tenants'));
DROP ROLE regress_tenant_app;
