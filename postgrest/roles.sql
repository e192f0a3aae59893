-- The role PostgREST logs in as. Run once per database as a superuser, after CREATE EXTENSION projectalpha_store.
-- It owns nothing and inherits nothing: for each request PostgREST switches to projectalpha_anon.
-- It gets no password here: how it may log in is decided by pg_hba.conf (or ALTER ROLE ... PASSWORD).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authenticator') THEN
        CREATE ROLE authenticator LOGIN NOINHERIT;
    END IF;
END
$$;

GRANT projectalpha_anon TO authenticator;

-- Request headers and bodies, tokens among them, travel as statement parameters: never write those to the server log.
ALTER ROLE authenticator SET log_parameter_max_length = 0;
ALTER ROLE authenticator SET log_parameter_max_length_on_error = 0;
-- Nor what PostgreSQL adds to its messages: DETAIL and CONTEXT of a JSON error quote the JSON.
ALTER ROLE authenticator SET log_error_verbosity = 'terse';

-- A request is one statement; none should hold a connection for longer than this.
ALTER ROLE authenticator SET statement_timeout = '30s';
ALTER ROLE authenticator SET idle_in_transaction_session_timeout = '30s';
