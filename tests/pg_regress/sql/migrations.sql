-- The template of projects: add_project_migration, remove_project_migration, upgrade_project, upgrade_all_projects.
\set VERBOSITY default
SET client_min_messages = warning;
CREATE ROLE regress_migrator IN ROLE projectalpha_admin;
CREATE ROLE regress_migrations_anon IN ROLE projectalpha_anon;
TRUNCATE projectalpha.clients, projectalpha.projects RESTART IDENTITY;
SELECT projectalpha.create_project('One'), projectalpha.create_project('Two'), projectalpha.create_project('Three');
CREATE FUNCTION pg_temp.add(sql text) RETURNS integer LANGUAGE sql
    RETURN projectalpha.add_project_migration('m' || (SELECT max(version) + 1 FROM projectalpha.project_migrations), sql);
CREATE TEMP VIEW versions AS SELECT project_id, version, is_current FROM projectalpha.project_upgrades ORDER BY project_id;
GRANT SELECT ON pg_temp.versions TO regress_migrator;

SET ROLE regress_migrator;
SELECT version, name, created_by, checksum = sha256(convert_to(sql, 'UTF8')) AS checksum FROM projectalpha.project_migrations;
SELECT projectalpha.add_project_migration(' language ', 'ALTER TABLE contents ADD COLUMN language text; COMMENT ON COLUMN contents.language IS ''BCP 47''');
SELECT version, name, created_by FROM projectalpha.project_migrations;
SELECT * FROM pg_temp.versions;
SELECT projectalpha.upgrade_project(2);
SELECT projectalpha.upgrade_project(2);
SELECT projectalpha.upgrade_project(project_id => 1, to_version => 1);
SELECT * FROM pg_temp.versions;
SELECT total, current, behind, failed FROM projectalpha.upgrade_progress;
-- New ones have it.
SELECT projectalpha.create_project('Four');
RESET ROLE;
SELECT attrelid::regclass, attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attname = 'language' AND attrelid::regclass::text ~ '^project_' ORDER BY 1::text;
SELECT project_id, version, applied_by FROM projectalpha.applied_migrations ORDER BY 1, 2;

-- What a migration may not be.
SELECT projectalpha.add_project_migration('language', 'SELECT 1');
\echo :SQLSTATE
SELECT projectalpha.add_project_migration('', 'SELECT 1');
\echo :SQLSTATE
SELECT projectalpha.add_project_migration('empty', ' -- nothing ; ');
\echo :SQLSTATE
SELECT projectalpha.add_project_migration('null', NULL);
\echo :SQLSTATE
SELECT projectalpha.add_project_migration('syntax', 'ALTER TABLE contents ADD COLUMN;');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT pg_temp.add('SELECT 1; COMMIT; SELECT 2');
\echo :SQLSTATE
SELECT pg_temp.add('BEGIN');
SELECT pg_temp.add('ROLLBACK TO SAVEPOINT a');
SELECT pg_temp.add('PREPARE TRANSACTION ''a''');
SELECT pg_temp.add('SET ROLE postgres');
SELECT pg_temp.add('SET SESSION AUTHORIZATION postgres');
SELECT pg_temp.add('SET LOCAL search_path = public');
SELECT pg_temp.add('RESET ROLE');
SELECT pg_temp.add('RESET ALL');
SELECT pg_temp.add('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
SELECT pg_temp.add('CREATE INDEX CONCURRENTLY ON contents (title)');
SELECT pg_temp.add('DROP INDEX CONCURRENTLY contents_object_model_id_idx');
SELECT pg_temp.add('REINDEX TABLE CONCURRENTLY contents');
SELECT pg_temp.add('REINDEX SCHEMA project_1');
SELECT pg_temp.add('VACUUM contents');
SELECT pg_temp.add('CLUSTER');
SELECT pg_temp.add('CREATE DATABASE x');
SELECT pg_temp.add('ALTER SYSTEM SET work_mem = 1');
SELECT pg_temp.add('COPY contents FROM STDIN');
SELECT pg_temp.add('LISTEN x');
SELECT pg_temp.add('PREPARE x AS SELECT 1');
SELECT pg_temp.add('DISCARD ALL');
SELECT pg_temp.add('LOAD ''x''');
\set VERBOSITY default
SELECT pg_temp.add('VACUUM contents');
SELECT pg_temp.add('SET ROLE postgres');
SELECT count(*) FROM projectalpha.project_migrations;

-- One that fails leaves nothing, and is removed again.
CREATE FUNCTION pg_temp.try(sql text) RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
DECLARE
    v integer := pg_temp.add(sql);
    hint pg_catalog.text;
BEGIN
    BEGIN
        outcome := 'version ' || projectalpha.upgrade_project(2);
        RETURN NEXT;
        RETURN;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        outcome := SQLSTATE || ' ' || regexp_replace(SQLERRM, 'Migration \d+ \(''m\d+''\)', 'Migration');
        RETURN NEXT;
        outcome := 'HINT: ' || hint;
        RETURN NEXT;
    END;
    PERFORM projectalpha.remove_project_migration(v);
END $$;
SELECT pg_temp.try('CREATE TABLE half (id bigint PRIMARY KEY); ALTER TABLE nowhere ADD COLUMN x int');
SELECT to_regclass('project_2.half'), (SELECT version FROM pg_temp.versions WHERE project_id = 2);

-- It finds its project's tables and nothing else without a schema, whatever the caller's path and temporary tables are.
CREATE TABLE public.regress_outside (id bigint PRIMARY KEY);
CREATE TABLE public.contents (title text);
CREATE TEMP TABLE contents (title text);
CREATE TEMP TABLE vocabulary (term text);
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$;
CREATE FUNCTION public.upper(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$;
CREATE DOMAIN public.text AS pg_catalog.text CHECK (VALUE = 'planted');
SET search_path = pg_temp, public, pg_catalog;
SELECT pg_temp.try('SELECT * FROM regress_outside');
SELECT pg_temp.try('SELECT * FROM tools');
SELECT projectalpha.upgrade_project(2, projectalpha.add_project_migration('path', $$
    INSERT INTO contents (title, body, object_model_id) VALUES (upper('a'), current_setting('search_path'), 1);
    INSERT INTO vocabulary (term, definition) VALUES (now()::text, 'now');
    CREATE TABLE terms (id bigint PRIMARY KEY, name text);
$$));
CALL projectalpha.upgrade_all_projects("only" => ARRAY[1, 3]);
RESET search_path;
SELECT title, body FROM project_2.contents;
SELECT title, body FROM project_3.contents;
SELECT count(*) FROM project_2.vocabulary;
SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'project_2.terms'::regclass AND attname = 'name';
SELECT count(*) FROM pg_temp.contents;
SELECT count(*) FROM public.contents;
DROP TABLE public.contents, pg_temp.contents, pg_temp.vocabulary, public.regress_outside;
DROP FUNCTION public.now, public.upper;
DROP DOMAIN public.text;

-- It is the owner all along, and leaves nothing to the session.
CREATE TABLE public.regress_who (who text, session text);
GRANT INSERT ON public.regress_who TO projectalpha_owner;
SELECT pg_temp.try($$INSERT INTO public.regress_who VALUES (current_user, session_user)$$);
SELECT who, session = session_user AS session FROM public.regress_who;
SELECT pg_temp.try($$DO 'BEGIN SET ROLE postgres; END'$$);
SELECT pg_temp.try($$DO 'BEGIN RESET ROLE; END'$$);
SELECT pg_temp.try($$SELECT set_config('role', 'postgres', false)$$);
SELECT pg_temp.try($$DO 'BEGIN SET SESSION AUTHORIZATION postgres; END'$$);
SELECT pg_temp.try($$SELECT set_config('session_authorization', 'postgres', true)$$);
SELECT pg_temp.try($$DO 'BEGIN COMMIT; END'$$);
SELECT pg_temp.try($$DO 'BEGIN EXECUTE ''ROLLBACK''; END'$$);
SELECT pg_temp.try($$CREATE TEMP TABLE left_behind ()$$);
SELECT pg_temp.try($$CREATE TABLE pg_temp.left_behind ()$$);
SELECT pg_temp.try($$ALTER ROLE projectalpha_owner SUPERUSER$$);
SELECT pg_temp.try($$CREATE ROLE regress_made$$);
SELECT pg_temp.try($$COPY contents TO PROGRAM 'true'$$);
SELECT pg_temp.try($$SELECT set_config('search_path', 'public', false), set_config('work_mem', '77MB', false)$$);
SELECT current_setting('search_path'), current_setting('work_mem');
-- A constraint trigger would run as the caller when the transaction ends.
SELECT pg_temp.try($$
    CREATE FUNCTION at_end() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.regress_who VALUES (current_user); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER t AFTER INSERT ON terms DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_end();
    INSERT INTO terms VALUES (1, 'a')$$);

-- What no project has.
SELECT pg_temp.try('CREATE TABLE nokey (id bigint)');
SELECT pg_temp.try('ALTER TABLE terms DROP CONSTRAINT terms_pkey');
SELECT pg_temp.try('CREATE UNLOGGED TABLE quick (id bigint PRIMARY KEY)');
SELECT pg_temp.try('CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END''; CREATE TRIGGER t BEFORE INSERT ON terms FOR EACH ROW EXECUTE FUNCTION f()');
SELECT pg_temp.try('CREATE RULE r AS ON INSERT TO terms DO INSTEAD NOTHING');
SELECT pg_temp.try('CREATE TABLE referring (id bigint PRIMARY KEY, client_id bigint REFERENCES projectalpha.clients)');
-- What a DBA has made by hand is in nobody's way.
CREATE TABLE project_2.by_hand (id bigint);
CREATE FUNCTION project_2.by_hand() RETURNS integer LANGUAGE sql RETURN 1;
CREATE FUNCTION public.regress_noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER by_hand BEFORE INSERT ON project_2.terms FOR EACH ROW EXECUTE FUNCTION public.regress_noop();
SELECT projectalpha.add_project_migration('functions and views', $$
    CREATE TABLE scores (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, term_id bigint REFERENCES terms, score numeric);
    CREATE VIEW best AS SELECT max(score) AS score FROM scores;
    CREATE FUNCTION best_score() RETURNS numeric LANGUAGE sql BEGIN ATOMIC SELECT score FROM best; END;
    CREATE TYPE mood AS ENUM ('good', 'bad');
$$);
SELECT projectalpha.upgrade_project(2);
SELECT c.relname COLLATE "C" AS relation, c.relowner::regrole AS owner, has_table_privilege('projectalpha_reader', c.oid, 'SELECT') AS reader
  FROM pg_class AS c WHERE c.relnamespace = 'project_2'::regnamespace AND c.relname IN ('scores', 'best', 'by_hand') ORDER BY 1;
SELECT proname, proowner::regrole, proacl FROM pg_proc WHERE pronamespace = 'project_2'::regnamespace ORDER BY proname COLLATE "C";
-- What a DBA took back stays taken back.
REVOKE SELECT ON project_2.scores FROM projectalpha_reader;
SELECT projectalpha.upgrade_project(2, pg_temp.add('ALTER TABLE scores ADD COLUMN at timestamptz'));
SELECT has_table_privilege('projectalpha_reader', 'project_2.scores', 'SELECT');
DROP TABLE project_2.by_hand;
DROP FUNCTION project_2.by_hand();
DROP TRIGGER by_hand ON project_2.terms;
DROP FUNCTION public.regress_noop;

-- Versions.
SELECT projectalpha.upgrade_project(2, 1);
\echo :SQLSTATE
SELECT projectalpha.upgrade_project(2, 99);
\echo :SQLSTATE
SELECT projectalpha.upgrade_project(99);
\echo :SQLSTATE
SELECT projectalpha.upgrade_project(NULL);
\echo :SQLSTATE
SELECT * FROM projectalpha.try_upgrade_project(99);
SELECT * FROM projectalpha.try_upgrade_project(1, 99);
\echo :SQLSTATE
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT projectalpha.upgrade_project(1);
\echo :SQLSTATE
ROLLBACK;

-- A changed checksum is refused, whichever side was changed; so is one that is gone.
BEGIN;
UPDATE projectalpha.project_migrations SET sql = 'SELECT 1' WHERE version = 2;
SELECT projectalpha.upgrade_project(1);
\echo :SQLSTATE
ROLLBACK;
BEGIN;
UPDATE projectalpha.project_migrations SET sql = 'SELECT 1', checksum = sha256('SELECT 1') WHERE version = 2;
SELECT projectalpha.upgrade_project(1);
ROLLBACK;
BEGIN;
UPDATE projectalpha.project_migrations SET sql = 'SELECT 2' WHERE version = 5;
SELECT projectalpha.upgrade_project(1);
ROLLBACK;
BEGIN;
UPDATE projectalpha.project_migrations SET sql = 'COMMIT', checksum = sha256('COMMIT') WHERE version = 5;
SELECT projectalpha.upgrade_project(1);
ROLLBACK;
BEGIN;
DELETE FROM projectalpha.project_migrations WHERE version = 2;
SELECT projectalpha.upgrade_project(1);
\echo :SQLSTATE
ROLLBACK;
BEGIN;
ALTER ROLE projectalpha_owner SUPERUSER;
SELECT projectalpha.upgrade_project(1);
\echo :SQLSTATE
ROLLBACK;

-- All of them. Progress is shown, and what fails is noted, without values of rows.
SET client_min_messages = notice;
SELECT * FROM pg_temp.versions;
SET ROLE regress_migrator;
CALL projectalpha.upgrade_all_projects(to_version => 4, "only" => ARRAY[3, 1, 1]);
RESET ROLE;
CALL projectalpha.upgrade_all_projects();
CALL projectalpha.upgrade_all_projects();
INSERT INTO project_2.vocabulary (term, definition) VALUES ('double', 's3cret'), ('double', 's3cret');
INSERT INTO project_3.vocabulary (term, definition) VALUES ('number', 's3cret');
SELECT projectalpha.add_project_migration('strict', $$
    CREATE UNIQUE INDEX ON vocabulary (term, definition);
    SELECT definition::numeric FROM vocabulary WHERE term = 'number';
$$);
CALL projectalpha.upgrade_all_projects();
\echo :SQLSTATE
CALL projectalpha.upgrade_all_projects(on_error => 'continue');
SELECT project_id, version, failed_step, failed_sqlstate, failed_message, failed_at <= now() AS failed_at FROM projectalpha.project_upgrades ORDER BY 1;
SELECT * FROM projectalpha.upgrade_progress;
DELETE FROM project_2.vocabulary;
DELETE FROM project_3.vocabulary;
CALL projectalpha.upgrade_all_projects();
SELECT project_id, version, failed_step FROM projectalpha.project_upgrades ORDER BY 1;
CALL projectalpha.upgrade_all_projects(on_error => 'ignore');
\echo :SQLSTATE
CALL projectalpha.upgrade_all_projects(on_error => NULL);
CALL projectalpha.upgrade_all_projects(99);
\echo :SQLSTATE
CALL projectalpha.upgrade_all_projects("only" => ARRAY[1, 77]);
\echo :SQLSTATE
-- A project that is further stays so, and gets what its tools lack.
SET client_min_messages = warning;
SELECT tool_name FROM projectalpha.register_tool('migrated', 'token-of-migrated', '[{"name": "n", "type": "int"}]');
SELECT count(projectalpha.enable_tool('migrated', 1));
SELECT projectalpha.alter_tool('migrated', '{"add": {"name": "m", "type": "int"}}');
SET client_min_messages = notice;
SELECT version > 4 AS further, tools_behind FROM projectalpha.project_upgrades WHERE project_id = 1;
SELECT projectalpha.upgrade_project(1, 4);
\echo :SQLSTATE
CALL projectalpha.upgrade_all_projects(4);
SELECT version > 4 AS further, tools_behind, failed_at FROM projectalpha.project_upgrades WHERE project_id = 1;
SELECT projectalpha.disable_tool('migrated', 1, keep_data => false), projectalpha.delete_tool('migrated');
BEGIN;
CALL projectalpha.upgrade_all_projects();
\echo :SQLSTATE
ROLLBACK;
SET default_transaction_isolation = 'serializable';
SELECT pg_temp.add('SELECT 1');
CALL projectalpha.upgrade_all_projects();
RESET default_transaction_isolation;

-- Removing.
SELECT projectalpha.remove_project_migration(2);
\echo :SQLSTATE
SELECT projectalpha.remove_project_migration(99);
\echo :SQLSTATE
SELECT projectalpha.remove_project_migration(NULL);
\echo :SQLSTATE
BEGIN;
SELECT max(version) + 1 AS next FROM projectalpha.project_migrations \gset
SELECT pg_temp.add('SELECT 1') = :next AS first, pg_temp.add('SELECT 2') = :next + 1 AS second;
SAVEPOINT s;
SELECT projectalpha.remove_project_migration(:next);
ROLLBACK TO s;
SELECT projectalpha.remove_project_migration(:next + 1);
SELECT projectalpha.remove_project_migration(:next);
SELECT pg_temp.add('SELECT 3') = :next AS again;
ROLLBACK;

-- For administrators alone.
SET ROLE regress_migrations_anon;
SELECT projectalpha.add_project_migration('x', 'SELECT 1');
SELECT projectalpha.remove_project_migration(2);
SELECT projectalpha.upgrade_project(1);
SELECT projectalpha.try_upgrade_project(1);
CALL projectalpha.upgrade_all_projects();
RESET ROLE;

SET client_min_messages = warning;
SELECT projectalpha.drop_project(id, name) FROM projectalpha.project_list;
DELETE FROM projectalpha.project_migrations WHERE version > 1;
DROP TABLE public.regress_who;
DROP OWNED BY regress_migrator;
DROP ROLE regress_migrator, regress_migrations_anon;
