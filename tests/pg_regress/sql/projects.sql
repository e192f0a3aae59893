-- Clients and projects: create_client, delete_client, create_project, set_project_status, drop_project.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_projects_admin IN ROLE projectalpha_admin;
CREATE ROLE regress_projects_reader IN ROLE projectalpha_reader;
CREATE ROLE regress_projects_anon IN ROLE projectalpha_anon;
-- Ids are the same whatever ran before.
TRUNCATE projectalpha.clients, projectalpha.projects RESTART IDENTITY;

SET ROLE regress_projects_admin;
SELECT projectalpha.create_client('  Example Ltd ', contact_email => 'ann@example.org');
SELECT projectalpha.create_client('Other & Sons');
SELECT id, name, contact_email FROM projectalpha.clients ORDER BY id;
SELECT projectalpha.create_project('Winter campaign', 1, '{"language": "en"}');
SELECT projectalpha.create_project(name => 'Nobody''s');
SELECT projectalpha.create_project('Winter campaign', client_id => 1);
SELECT id, name, client_id, client_name, status, schema_name, version, settings, created_at <= now() AS created FROM projectalpha.project_list ORDER BY id;
SELECT project_id, name, client_name, status, version, latest_version, tools_behind, is_current, upgraded_at <= now() AS upgraded, failed_at
  FROM projectalpha.project_upgrades ORDER BY project_id;
SELECT * FROM projectalpha.upgrade_progress;
RESET ROLE;

-- Every table of spec 003 is there, with a primary key, and nothing else; all is the owner's.
SELECT c.relkind, c.relname COLLATE "C" AS relation, c.relowner::regrole AS owner
     , has_table_privilege('regress_projects_reader', c.oid, 'SELECT') AS reader
     , has_table_privilege('regress_projects_reader', c.oid, 'INSERT') AS writes
     , has_table_privilege('regress_projects_anon', c.oid, 'SELECT') AS anon
  FROM pg_class AS c WHERE c.relnamespace = 'project_1'::regnamespace AND c.relkind <> 'i' ORDER BY 1, 2;
SELECT t.relname COLLATE "C" AS "table", a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS "not null", a.attidentity AS identity
     , pg_get_expr(d.adbin, d.adrelid) AS "default"
  FROM pg_class AS t JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
 WHERE t.relnamespace = 'project_1'::regnamespace AND t.relkind = 'r' ORDER BY 1, 2;
SELECT conrelid::regclass, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'project_1'::regnamespace ORDER BY 1::text COLLATE "C";
SELECT nspowner::regrole, nspacl FROM pg_namespace WHERE nspname = 'project_1';
-- No member of the extension: it is dumped, and outlives it.
SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND classid = 'pg_namespace'::regclass AND objid = 'project_1'::regnamespace;

-- Faults.
SELECT projectalpha.create_client('Example Ltd');
\echo :SQLSTATE
SELECT projectalpha.create_client(E'a\tb');
\echo :SQLSTATE
SELECT projectalpha.create_client(repeat('x', 256));
SELECT projectalpha.create_client(' ');
SELECT projectalpha.create_client(NULL);
\echo :SQLSTATE
SELECT projectalpha.create_client('Third', 'nobody');
\echo :SQLSTATE
SELECT projectalpha.create_project('');
\echo :SQLSTATE
SELECT projectalpha.create_project('Lost', 99);
\echo :SQLSTATE
SELECT projectalpha.create_project('Set', settings => '[1]');
\echo :SQLSTATE
SELECT projectalpha.create_project('Set', settings => NULL);
\echo :SQLSTATE
SELECT count(*) FROM projectalpha.projects;

-- Statuses.
SELECT projectalpha.set_project_status(1, 'suspended');
SELECT projectalpha.set_project_status(2, 'archived');
SELECT id, status, updated_at > created_at AS updated FROM projectalpha.projects ORDER BY id;
SELECT projectalpha.set_project_status(2, 'active');
SELECT projectalpha.set_project_status(1, 'closed');
\echo :SQLSTATE
SELECT projectalpha.set_project_status(77, 'active');
\echo :SQLSTATE
SELECT projectalpha.set_project_status(-1, 'active');
\echo :SQLSTATE
SELECT projectalpha.set_project_status(1, NULL);
\echo :SQLSTATE

-- A schema that is there already is never taken, and nothing is left of the project. Somebody's table in it stays.
SELECT nextval('projectalpha.projects_id_seq') + 1 AS next \gset
CREATE SCHEMA project_:next;
CREATE TABLE project_:next.theirs ();
SELECT projectalpha.create_project('Collides');
\echo :SQLSTATE
SELECT count(*) FROM projectalpha.projects WHERE name = 'Collides';
SELECT to_regclass('project_' || :next || '.theirs') IS NOT NULL AS theirs, to_regclass('project_' || :next || '.contents') AS ours;
DROP SCHEMA project_:next CASCADE;

-- All or nothing: a rolled-back project leaves no schema.
BEGIN;
SELECT projectalpha.create_project('Taken back') AS id \gset
SELECT to_regnamespace('project_' || :id) IS NOT NULL AS there;
ROLLBACK;
SELECT to_regnamespace('project_' || :id) AS gone;

-- Only members of projectalpha_admin, whatever they hold.
SET ROLE regress_projects_anon;
SELECT projectalpha.create_client('x');
SELECT projectalpha.create_project('x');
SELECT projectalpha.set_project_status(1, 'active');
SELECT projectalpha.drop_project(1, 'Winter campaign');
SELECT projectalpha.delete_client(1);
SELECT count(*) FROM projectalpha.project_list;
SET ROLE regress_projects_reader;
SELECT count(*) FROM project_1.contents;
SELECT count(*) FROM projectalpha.project_list;
SELECT count(*) FROM projectalpha.clients;
SELECT projectalpha.drop_project(1, 'Winter campaign');
RESET ROLE;

-- Dropping: the name once more; then schema, row, tokens, tools and what was noted are gone, of this project alone.
INSERT INTO projectalpha.credentials (digest, hint, scopes, tool_id, project_id)
    VALUES (sha256('p1'), 'p1', '{project}', NULL, 1), (sha256('p1-tool'), 'p1', '{store}', 42, 1), (sha256('p2'), 'p2', '{project}', NULL, 2);
INSERT INTO projectalpha.project_tools (project_id, tool_id, schema_version) VALUES (1, 42, 1), (2, 42, 1);
INSERT INTO projectalpha.upgrade_failures VALUES (1, 'x', '00000', 'x'), (2, 'x', '00000', 'x');
CREATE VIEW pg_temp.left_of AS
SELECT g.id, (SELECT count(*) FROM projectalpha.credentials WHERE project_id = g.id AND revoked_at IS NULL) AS credentials
     , (SELECT count(*) FROM projectalpha.project_tools WHERE project_id = g.id) AS tools
     , (SELECT count(*) FROM projectalpha.applied_migrations WHERE project_id = g.id) AS migrations
     , (SELECT count(*) FROM projectalpha.upgrade_failures WHERE project_id = g.id) AS failures
     , to_regnamespace('project_' || g.id) AS schema
  FROM generate_series(1, 3) AS g (id);
INSERT INTO project_1.vocabulary (term, definition) VALUES ('term', 'definition');
CREATE VIEW public.on_project AS SELECT term FROM project_1.vocabulary;
SELECT projectalpha.drop_project(1, 'winter campaign');
\echo :SQLSTATE
SELECT projectalpha.drop_project(1, NULL);
\echo :SQLSTATE
SELECT projectalpha.drop_project(77, 'x');
\echo :SQLSTATE
SELECT * FROM pg_temp.left_of;
SET ROLE regress_projects_admin;
SELECT projectalpha.drop_project(1, 'Winter campaign');
RESET ROLE;
SELECT * FROM pg_temp.left_of;
SELECT to_regclass('public.on_project');
-- By hand too, as by TRUNCATE, no token is left that would open a project with the same id.
DELETE FROM projectalpha.projects WHERE id = 2;
SELECT * FROM pg_temp.left_of;
SELECT projectalpha.drop_project(2, 'Nobody''s');
\echo :SQLSTATE
INSERT INTO projectalpha.credentials (digest, hint, scopes, project_id) VALUES (sha256('p3'), 'p3', '{project}', 3);
TRUNCATE projectalpha.projects;
SELECT * FROM pg_temp.left_of;
DROP SCHEMA project_2, project_3 CASCADE;

-- A project whose schema is gone is dropped all the same; one whose schema somebody else has is not.
SELECT projectalpha.create_project('Headless') AS id \gset
DROP SCHEMA project_:id CASCADE;
SELECT projectalpha.upgrade_project(:id);
\echo :SQLSTATE
SELECT projectalpha.drop_project(:id, 'Headless');
SELECT projectalpha.create_project('Stolen') AS id \gset
ALTER SCHEMA project_:id OWNER TO regress_projects_reader;
SELECT projectalpha.drop_project(:id, 'Stolen');
\echo :SQLSTATE
ALTER SCHEMA project_:id OWNER TO projectalpha_owner;
SELECT projectalpha.drop_project(:id, 'Stolen');

-- Clients.
INSERT INTO projectalpha.client_tools (client_id, tool_id) VALUES (1, 42), (2, 42);
SELECT projectalpha.create_project('Of the client', 1) AS id \gset
SELECT projectalpha.delete_client(1);
\echo :SQLSTATE
SELECT projectalpha.drop_project(:id, 'Of the client');
SELECT projectalpha.delete_client(1);
SELECT client_id FROM projectalpha.client_tools;
SELECT projectalpha.delete_client(1);
\echo :SQLSTATE
SELECT projectalpha.delete_client(NULL);
\echo :SQLSTATE
SELECT projectalpha.delete_client(2);
SELECT count(*) FROM projectalpha.client_tools;
DROP ROLE regress_projects_admin, regress_projects_reader, regress_projects_anon;
