-- A role that may create schemas in the database makes the data schema before the first tool does, with a common table that
-- has a trigger. It gains nothing by it: nothing of it runs as the owner, and no record goes where the role could drop it.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE DATABASE regress_squatter TEMPLATE template0 ENCODING 'UTF8';
\c regress_squatter
SET client_min_messages = warning;
CREATE EXTENSION projectalpha_store;
CREATE ROLE regress_squatter IN ROLE projectalpha_anon;
GRANT CREATE ON DATABASE regress_squatter TO regress_squatter;
CREATE SEQUENCE public.regress_ran MINVALUE 0;
GRANT ALL ON SEQUENCE public.regress_ran TO PUBLIC;

SET SESSION AUTHORIZATION regress_squatter;
CREATE SCHEMA projectalpha_data;
GRANT ALL ON SCHEMA projectalpha_data TO PUBLIC;
CREATE TABLE projectalpha_data.multiple_tools
    (id bigint GENERATED ALWAYS AS IDENTITY, created_at timestamptz DEFAULT now(), tool_name text, data jsonb, sensitive integer);
CREATE FUNCTION projectalpha_data.planted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('public.regress_ran');
    RAISE WARNING 'planted: trigger ran as %', current_user;
    RETURN NEW;
END
$$;
CREATE TRIGGER planted BEFORE INSERT ON projectalpha_data.multiple_tools FOR EACH ROW EXECUTE FUNCTION projectalpha_data.planted();
GRANT ALL ON projectalpha_data.multiple_tools TO PUBLIC;
RESET SESSION AUTHORIZATION;

-- However it is refused.
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN 'refused';
END
$$;
SELECT pg_temp.try('SELECT projectalpha.register_tool(''t'', ''token-of-t'')');
SELECT pg_temp.try('SELECT projectalpha.store_common(''c'', ''{"secret": 1}'')');
SELECT pg_temp.try('SELECT projectalpha.list_common(''c'')') IS NOT NULL AS whichever;
SELECT count(*) AS rows_of_ours FROM projectalpha_data.multiple_tools;
SELECT tool_name FROM projectalpha.tools;
SELECT last_value AS runs, is_called FROM public.regress_ran;

-- Gone, all works.
DROP SCHEMA projectalpha_data CASCADE;
SELECT pg_temp.try('SELECT projectalpha.register_tool(''t'', ''token-of-t'')');
SELECT pg_temp.try('SELECT projectalpha.store_common(''c'', ''{"a": 1}'')');
SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'projectalpha_data';

-- A superuser's own schema is as good as ours: a restore without owners makes such.
DROP SCHEMA projectalpha_data CASCADE;
DELETE FROM projectalpha.tools;
CREATE SCHEMA projectalpha_data;
GRANT ALL ON SCHEMA projectalpha_data TO projectalpha_owner;
SELECT pg_temp.try('SELECT projectalpha.register_tool(''t'', ''token-of-t'')');

\c postgres
DROP DATABASE regress_squatter;
DROP ROLE regress_squatter;
