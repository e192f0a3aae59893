-- Which database roles may use a project's tables: what each level is, that it holds for what comes later, and that
-- whoever has access to one project has nothing of another.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_acme;
CREATE ROLE regress_globex;
CREATE ROLE "regress ""Odd"" Röle";
CREATE ROLE regress_member IN ROLE projectalpha_reader;
CREATE ROLE regress_super SUPERUSER;
CREATE ROLE regress_admin IN ROLE projectalpha_admin;
SELECT projectalpha.create_project('acme') AS acme, projectalpha.create_project('globex') AS globex \gset
SELECT format('project_%s', :acme) AS acme_schema, format('project_%s', :globex) AS globex_schema \gset
CREATE FUNCTION regress_outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    -- Ids of projects depend on what ran before.
    RETURN regexp_replace(SQLERRM, 'project_\d+', 'project_N', 'g');
END
$$;
CREATE VIEW pg_temp.access AS
SELECT project_name, role_name, level, granted_level, granted_by FROM projectalpha.project_access ORDER BY project_name, role_name COLLATE "C";

-- What the levels are. (Nothing of tools here.)
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'read');
SELECT projectalpha.grant_project_access(:acme, 'regress "Odd" Röle', level => 'write');
SELECT projectalpha.grant_project_access(:globex, 'regress_globex', 'write');
SELECT * FROM pg_temp.access;
CREATE FUNCTION pg_temp.privileges(schema_name text) RETURNS TABLE (object text, grantee text, privileges text) LANGUAGE sql AS $$
    SELECT x.object, a.grantee, string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type COLLATE "C")
      FROM ( SELECT 'schema', n.nspacl FROM pg_namespace AS n WHERE n.nspname = schema_name
             UNION ALL
             SELECT c.relname, c.relacl FROM pg_class AS c WHERE c.relnamespace = schema_name::regnamespace
             UNION ALL
             SELECT p.proname || '()', p.proacl FROM pg_proc AS p WHERE p.pronamespace = schema_name::regnamespace ) AS x (object, acl)
     CROSS JOIN LATERAL (SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END, e.privilege_type
                           FROM aclexplode(x.acl) AS e WHERE NOT e.is_grantable) AS a (grantee, privilege_type)
     WHERE a.grantee <> 'projectalpha_owner'
     GROUP BY 1, 2 ORDER BY x.object COLLATE "C", a.grantee COLLATE "C"
$$;
SELECT * FROM pg_temp.privileges(:'acme_schema') WHERE grantee !~ '^projectalpha';

-- Nobody can pass it on, and it is the owner's to take back.
SELECT DISTINCT e.grantor::regrole, e.is_grantable FROM pg_class AS c, aclexplode(c.relacl) AS e
 WHERE c.relnamespace = :'acme_schema'::regnamespace AND e.grantee = 'regress_acme'::regrole;

-- What is granted works, and nothing else does.
\set VERBOSITY terse
SET ROLE regress_acme;
SELECT count(*) FROM :acme_schema.contents;
INSERT INTO :acme_schema.contents (body, object_model_id) VALUES ('no', 1);
SELECT regress_outcome(format('SELECT count(*) FROM %I.contents', :'globex_schema'));
SET ROLE "regress ""Odd"" Röle";
INSERT INTO :acme_schema.contents (title, body, object_model_id) VALUES ('mine', 'text', 1) RETURNING id;
UPDATE :acme_schema.contents SET title = 'changed';
DELETE FROM :acme_schema.contents;
TRUNCATE :acme_schema.contents;
SELECT regress_outcome(format('CREATE TABLE %I.mine ()', :'acme_schema'));
DROP TABLE :acme_schema.contents;
CREATE TRIGGER mine BEFORE INSERT ON :acme_schema.contents FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
RESET ROLE;

-- Granted again, another level; the same changes nothing.
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'write');
SELECT * FROM pg_temp.access WHERE role_name = 'regress_acme';
SELECT xmin AS before FROM pg_class WHERE oid = format('%I.contents', :'acme_schema')::regclass \gset
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'write');
SELECT xmin = :'before' AS untouched FROM pg_class WHERE oid = format('%I.contents', :'acme_schema')::regclass;
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'read');
SELECT * FROM pg_temp.access WHERE role_name = 'regress_acme';
SELECT string_agg(privileges, ' ') FROM pg_temp.privileges(:'acme_schema') WHERE grantee = 'regress_acme';

-- What is done by hand can be seen, and is put right by the next grant.
REVOKE SELECT ON :acme_schema.vocabulary FROM regress_acme;
GRANT TRUNCATE, TRIGGER ON :acme_schema.metadata TO "regress ""Odd"" Röle";
GRANT USAGE ON SCHEMA :globex_schema TO regress_acme;
GRANT USAGE ON SCHEMA :globex_schema TO PUBLIC;
GRANT UPDATE (title) ON :acme_schema.contents TO regress_acme WITH GRANT OPTION;
SELECT * FROM pg_temp.access;
REVOKE USAGE ON SCHEMA :globex_schema FROM regress_acme, PUBLIC;
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'read');
SELECT projectalpha.grant_project_access(:acme, 'regress "Odd" Röle', 'write');
SELECT * FROM pg_temp.access;
SELECT has_any_column_privilege('regress_acme', format('%I.contents', :'acme_schema'), 'UPDATE') AS updates_a_column;

-- It holds for what migrations make. Functions and types are nobody's but theirs who have access.
SELECT projectalpha.add_project_migration('regress access', $$
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TYPE pair AS (a integer, b integer);
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE FUNCTION short(t text) RETURNS text LANGUAGE sql IMMUTABLE RETURN left(t, 3);
    CREATE FUNCTION trusted() RETURNS bigint LANGUAGE sql SECURITY DEFINER RETURN (SELECT count(*) FROM contents);
    CREATE TABLE notes (n serial PRIMARY KEY, note text CHECK (short(note) <> 'bad'), mood mood);
    CREATE VIEW short_notes AS SELECT n, short(note) AS note FROM notes;
$$) AS added \gset
SELECT projectalpha.upgrade_project(:acme) = :added AS upgraded, projectalpha.upgrade_project(:globex) = :added AS upgraded;
SELECT * FROM pg_temp.access;
SELECT * FROM pg_temp.privileges(:'acme_schema') WHERE object ~ 'note|short|trusted' AND grantee !~ '^projectalpha';
SELECT t.typname, t.typtype, has_type_privilege('public', t.oid, 'USAGE') AS everybodys FROM pg_type AS t
 WHERE t.typnamespace = :'acme_schema'::regnamespace AND t.typtype IN ('e', 'd', 'r') ORDER BY 1;
SET ROLE "regress ""Odd"" Röle";
INSERT INTO :acme_schema.notes (note, mood) VALUES ('hello', 'good') RETURNING n;
SELECT * FROM :acme_schema.short_notes;
SELECT :acme_schema.trusted();
SET ROLE regress_acme;
SELECT * FROM :acme_schema.short_notes;
SELECT nextval(format('%I.notes_n_seq', :'acme_schema'));
RESET ROLE;

-- It holds for the tables of tools, which are only read: their records are checked by store_record.
SELECT table_name FROM projectalpha.register_tool('regress_tool', 'token-of-shared', '[{"name": "n", "type": "int"}]');
SELECT projectalpha.enable_tool('regress_tool', :acme, 'token-of-acme'), projectalpha.enable_tool('regress_tool', :globex, 'token-of-globex');
SELECT projectalpha.store_record('regress_tool', 'token-of-acme', '{"n": 1}', 'key'), projectalpha.store_record('regress_tool', 'token-of-globex', '{"n": 2}');
SELECT * FROM pg_temp.access;
SELECT * FROM pg_temp.privileges(:'acme_schema') WHERE object ~ 'tool|idempotency' AND grantee !~ '^projectalpha';
SET ROLE "regress ""Odd"" Röle";
SELECT n FROM :acme_schema.tool_regress_tool;
INSERT INTO :acme_schema.tool_regress_tool (n) VALUES (3);
RESET ROLE;

-- A service that may also call the functions sees with them what its tokens open, and nothing of another project.
GRANT projectalpha_anon TO regress_acme;
SET ROLE regress_acme;
SELECT r->'n' AS n FROM projectalpha.list_records('regress_tool', token => 'token-of-acme') AS r;
SELECT count(*) FROM projectalpha.list_records('regress_tool');
SELECT regress_outcome(format('SELECT projectalpha.%s', call)) FROM unnest(ARRAY[
    'list_records(''regress_tool'', token => ''token-of-nobody'')', 'export_project(' || :globex || ')', 'across_projects(''contents'')',
    'grant_project_access(' || :globex || ', ''regress_acme'', ''read'')', 'render_prompt(' || :globex || ', 1, token => ''token-of-acme'')',
    'store_content(' || :globex || ', 1, ''t'', ''b'', token => ''token-of-acme'')', 'set_metadata(' || :globex || ', ''k'', ''1'', token => ''token-of-acme'')']) AS call;
RESET ROLE;
-- All that it may call is called by name here, or needs a token of the project. (What is new must be looked at.)
SELECT p.proname FROM pg_proc AS p
 WHERE p.pronamespace = 'projectalpha'::regnamespace AND has_function_privilege('regress_acme', p.oid, 'EXECUTE')
 GROUP BY 1 ORDER BY p.proname COLLATE "C";
REVOKE projectalpha_anon FROM regress_acme;

-- To a project that is not active nobody writes, however he comes.
SELECT projectalpha.set_project_status(:acme, 'suspended');
SELECT * FROM pg_temp.access WHERE project_name = 'acme';
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'write');
SELECT * FROM pg_temp.access WHERE project_name = 'acme';
SELECT projectalpha.set_project_status(:acme, 'active');
SELECT * FROM pg_temp.access WHERE project_name = 'acme';

-- The whole catalogue: whoever has access to one project has no privilege on anything of the other, and none on
-- configuration and data. (No row must appear.)
CREATE FUNCTION pg_temp.everything(role_name text, schema_pattern text) RETURNS TABLE (object text) LANGUAGE sql AS $$
    SELECT 'schema ' || n.oid::regnamespace::text FROM pg_namespace AS n
     WHERE n.nspname ~ schema_pattern AND has_schema_privilege(role_name, n.oid, 'USAGE, CREATE')
    UNION ALL
    SELECT 'relation ' || c.oid::regclass::text FROM pg_class AS c
     WHERE c.relnamespace::regnamespace::text ~ schema_pattern AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 't')
       AND (has_table_privilege(role_name, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
            OR has_any_column_privilege(role_name, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
    UNION ALL
    SELECT 'toast of ' || c.oid::regclass::text FROM pg_class AS c
     WHERE c.relnamespace::regnamespace::text ~ schema_pattern AND c.reltoastrelid <> 0
       AND has_table_privilege(role_name, c.reltoastrelid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
    UNION ALL
    SELECT 'column ' || c.oid::regclass::text || '.' || a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace::regnamespace::text ~ schema_pattern AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT a.attisdropped
       AND has_column_privilege(role_name, c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')
    UNION ALL
    SELECT 'sequence ' || c.oid::regclass::text FROM pg_class AS c
     WHERE c.relnamespace::regnamespace::text ~ schema_pattern AND c.relkind = 'S'
       AND has_sequence_privilege(role_name, c.oid, 'SELECT, USAGE, UPDATE')
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure::text FROM pg_proc AS p
     WHERE p.pronamespace::regnamespace::text ~ schema_pattern AND has_function_privilege(role_name, p.oid, 'EXECUTE')
    UNION ALL
    -- The type of a table's rows and a multirange have no privileges of their own; without the schema they cannot be named.
    SELECT 'type ' || t.oid::regtype::text FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
     WHERE t.typnamespace::regnamespace::text ~ schema_pattern AND has_type_privilege(role_name, t.oid, 'USAGE')
       AND t.typcategory <> 'A' AND t.typtype <> 'm' AND (c.oid IS NULL OR c.relkind = 'c')
    UNION ALL
    SELECT 'setting for ' || d.defaclrole::regrole::text FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS a
     WHERE d.defaclnamespace::regnamespace::text ~ schema_pattern
    UNION ALL
    SELECT 'owned ' || pg_describe_object(s.classid, s.objid, s.objsubid) FROM pg_shdepend AS s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = role_name) AND s.deptype = 'o'
$$;
SELECT r.role_name, o.object
  FROM (VALUES ('regress_acme', :'globex_schema'), ('regress "Odd" Röle', :'globex_schema'), ('regress_globex', :'acme_schema')) AS r (role_name, other)
 CROSS JOIN LATERAL pg_temp.everything(r.role_name, '^(' || r.other || '|projectalpha.*)$') AS o;
-- That the walk sees something at all.
SELECT count(*) > 20 AS sees FROM pg_temp.everything('regress_globex', '^' || :'globex_schema' || '$');
SELECT count(*) > 100 AS sees FROM pg_temp.everything('projectalpha_owner', '^projectalpha');
SET ROLE regress_globex;
SELECT regress_outcome(format('SELECT NULL::%I.contents', :'acme_schema'));
SELECT regress_outcome(format('SELECT ''good''::%I.mood', :'acme_schema'));
SELECT regress_outcome(format('SELECT %I.short(''x'')', :'acme_schema'));
SELECT regress_outcome('SELECT projectalpha.list_records(''survey'')');
RESET ROLE;

-- Revoked: nothing is left, so that the role can be dropped.
SELECT projectalpha.revoke_project_access(:acme, 'regress "Odd" Röle');
SELECT projectalpha.revoke_project_access(:acme, 'regress "Odd" Röle');
SELECT * FROM pg_temp.access;
DROP ROLE "regress ""Odd"" Röle";
SELECT projectalpha.revoke_project_access(:acme, 'regress "Odd" Röle');

-- Who takes the schema from a role by hand is obeyed.
REVOKE USAGE ON SCHEMA :globex_schema FROM regress_globex;
SELECT projectalpha.upgrade_project(:globex) = :added AS upgraded;
SELECT * FROM pg_temp.access WHERE role_name = 'regress_globex';

-- A role that was dropped breaks nothing, and another one of its name gets nothing.
DROP OWNED BY regress_acme;
DROP ROLE regress_acme;
SELECT projectalpha.upgrade_project(:acme) = :added AS upgraded;
SELECT * FROM pg_temp.access;
CREATE ROLE regress_acme;
SELECT projectalpha.add_project_migration('regress access 2', 'CREATE TABLE later (id bigint PRIMARY KEY)') AS added \gset
SELECT projectalpha.upgrade_project(:acme) = :added AS upgraded;
SELECT * FROM pg_temp.access;
SELECT * FROM pg_temp.everything('regress_acme', '^project');
SELECT projectalpha.revoke_project_access(:acme, 'regress_acme');

-- What is refused.
\set VERBOSITY default
SELECT projectalpha.grant_project_access(:acme, 'regress_nobody', 'read');
SELECT projectalpha.grant_project_access(:acme, 'REGRESS_ACME', 'read');
SELECT projectalpha.grant_project_access(:acme, 'public', 'read');
SELECT projectalpha.grant_project_access(:acme, 'regress_super', 'read');
SELECT projectalpha.grant_project_access(:acme, 'regress_member', 'read');
SELECT projectalpha.grant_project_access(:acme, 'projectalpha_anon', 'read');
SELECT projectalpha.grant_project_access(:acme, 'pg_monitor', 'read');
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'all');
SELECT projectalpha.grant_project_access(0, 'regress_acme', 'read');
SELECT projectalpha.grant_project_access(NULL, 'regress_acme', 'read');
SELECT projectalpha.grant_project_access(:acme, NULL, 'read');
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', NULL);
SELECT projectalpha.revoke_project_access(:acme, 'projectalpha_reader');
SELECT projectalpha.revoke_project_access(:acme, NULL);
\set VERBOSITY terse
GRANT USAGE ON SCHEMA projectalpha TO regress_globex;
GRANT EXECUTE ON FUNCTION projectalpha.grant_project_access, projectalpha.revoke_project_access, projectalpha.across_projects TO regress_globex;
SET ROLE regress_globex;
SELECT projectalpha.grant_project_access(:acme, 'regress_globex', 'read');
SELECT projectalpha.revoke_project_access(:globex, 'regress_globex');
SELECT projectalpha.across_projects('contents');
RESET ROLE;
REVOKE ALL ON FUNCTION projectalpha.grant_project_access, projectalpha.revoke_project_access, projectalpha.across_projects FROM regress_globex;
REVOKE USAGE ON SCHEMA projectalpha FROM regress_globex;

-- An administrator who is no superuser does all of it.
SET SESSION AUTHORIZATION regress_admin;
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'read');
SELECT project_name, role_name, level, granted_by FROM projectalpha.project_access WHERE role_name = 'regress_acme';
SELECT projectalpha.revoke_project_access(:acme, 'regress_acme');
RESET SESSION AUTHORIZATION;

-- A project that goes takes the grants along.
SELECT projectalpha.grant_project_access(:acme, 'regress_acme', 'write');
SELECT projectalpha.drop_project(:acme, 'acme'), projectalpha.drop_project(:globex, 'globex');
SELECT count(*) FROM projectalpha.project_grants;
SELECT projectalpha.delete_tool('regress_tool');
DELETE FROM projectalpha.project_migrations WHERE name LIKE 'regress access%';
DROP FUNCTION regress_outcome;
DROP ROLE regress_acme, regress_globex, regress_member, regress_super, regress_admin;
