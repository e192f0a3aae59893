-- Caches of every session follow the configuration; ALWAYS, so that they do on
-- a logical replica too.
CREATE TRIGGER invalidate_caches AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.tools FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER invalidate_caches;
CREATE TRIGGER invalidate_caches AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.credentials FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.credentials ENABLE ALWAYS TRIGGER invalidate_caches;

-- One owner for everything.
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT pg_catalog.format('ALTER SCHEMA %I OWNER TO projectalpha_owner', n.nspname)
          FROM pg_catalog.pg_namespace AS n
         WHERE n.nspname IN ('projectalpha', 'projectalpha_http')
        UNION ALL
        SELECT pg_catalog.format('ALTER %s %s OWNER TO projectalpha_owner',
                                 CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
                                 c.oid::pg_catalog.regclass)
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace = 'projectalpha'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'v')
        UNION ALL
        SELECT pg_catalog.format('ALTER FUNCTION %s OWNER TO projectalpha_owner',
                                 p.oid::pg_catalog.regprocedure)
          FROM pg_catalog.pg_proc AS p
         WHERE p.pronamespace IN ('projectalpha'::pg_catalog.regnamespace,
                                  'projectalpha_http'::pg_catalog.regnamespace)
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
ALTER DOMAIN projectalpha_http."*/*" OWNER TO projectalpha_owner;

-- Privileges, all in one place. Nothing is for PUBLIC.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA projectalpha, projectalpha_http FROM PUBLIC;
REVOKE ALL ON DOMAIN projectalpha_http."*/*" FROM PUBLIC;

GRANT USAGE ON SCHEMA projectalpha TO projectalpha_admin, projectalpha_reader, projectalpha_anon;
GRANT USAGE ON SCHEMA projectalpha_http TO projectalpha_anon;
GRANT USAGE ON DOMAIN projectalpha_http."*/*" TO projectalpha_anon;

-- Functions that check tokens themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.register_tool(text, text, jsonb, boolean, text, text, boolean, boolean, boolean, bigint, bigint),
    projectalpha.delete_tool(text, text, boolean),
    projectalpha.restore_tool(text, bigint, text, text),
    projectalpha.purge_archived_tool(bigint, text),
    projectalpha.alter_tool(text, jsonb, text),
    projectalpha.rotate_token(text, interval, text, text, text),
    projectalpha.store_record(text, text, jsonb),
    projectalpha.store_records(text, text, jsonb),
    projectalpha.list_records(text, integer, bigint, text, bigint),
    projectalpha.store_common(text, jsonb, boolean, text),
    projectalpha.list_common(text, integer, bigint, text, bigint)
TO projectalpha_anon, projectalpha_admin;

-- Functions for administrators alone.
GRANT EXECUTE ON FUNCTION
    projectalpha.set_admin_token(text),
    projectalpha.add_common_token(text, text),
    projectalpha.revoke_token(text, bigint)
TO projectalpha_admin;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA projectalpha_http TO projectalpha_anon;

GRANT SELECT ON projectalpha.registered_tools TO projectalpha_admin, projectalpha_reader;
GRANT SELECT ON projectalpha.active_tokens TO projectalpha_admin;

-- What each object is for.
COMMENT ON SCHEMA projectalpha IS
    'projectalpha_store: public functions, configuration and views';
COMMENT ON SCHEMA projectalpha_http IS
    'projectalpha_store: the HTTP endpoints, called by PostgREST alone';
COMMENT ON DOMAIN projectalpha_http."*/*" IS
    'The bytes of an HTTP answer, whatever the client accepts';
COMMENT ON TABLE projectalpha.tools IS
    'Every tool, defined once: name, field schema, sensitivity';
COMMENT ON TABLE projectalpha.credentials IS
    'Every token in the system, by its SHA-256 digest alone';
COMMENT ON VIEW projectalpha.registered_tools IS
    'The tools with their tables in projectalpha_data (spec 001, appendix A)';
COMMENT ON VIEW projectalpha.active_tokens IS
    'Live tokens of every kind: what revoke_token(token_id => ...) takes back';
COMMENT ON FUNCTION projectalpha.register_tool(text, text, jsonb, boolean, text, text, boolean, boolean, boolean, bigint, bigint) IS
    'Registers a tool, its token and its table; returns the token this once';
COMMENT ON FUNCTION projectalpha.delete_tool(text, text, boolean) IS
    'Deletes a tool, its tokens and its table with every record, or archives them';
COMMENT ON FUNCTION projectalpha.restore_tool(text, bigint, text, text) IS
    'Brings an archived tool back with its records and tokens';
COMMENT ON FUNCTION projectalpha.purge_archived_tool(bigint, text) IS
    'Drops an archived tool for good';
COMMENT ON FUNCTION projectalpha.store_record(text, text, jsonb) IS
    'Stores one record of a tool and returns its id';
COMMENT ON FUNCTION projectalpha.store_records(text, text, jsonb) IS
    'Stores an array of records of a tool, all or nothing, and returns their number';
COMMENT ON FUNCTION projectalpha.list_records(text, integer, bigint, text, bigint) IS
    'Lists records of a tool, oldest first';
COMMENT ON FUNCTION projectalpha.store_common(text, jsonb, boolean, text) IS
    'Stores any JSON object in the table that small tools share and returns its id';
COMMENT ON FUNCTION projectalpha.list_common(text, integer, bigint, text, bigint) IS
    'Lists what a small tool stored in the common table, oldest first';
COMMENT ON FUNCTION projectalpha.set_admin_token(text) IS
    'Makes a token the admin token, in place of any before it; returns it this once';
COMMENT ON FUNCTION projectalpha.add_common_token(text, text) IS
    'Adds a token for sensitive rows of the common table; returns it this once';
COMMENT ON FUNCTION projectalpha.revoke_token(text, bigint) IS
    'Revokes a token of any kind, given itself or by its id in active_tokens';
COMMENT ON FUNCTION projectalpha.alter_tool(text, jsonb, text) IS
    'Changes the fields and options of a tool and keeps its records; returns the schema''s new version';
COMMENT ON FUNCTION projectalpha.rotate_token(text, interval, text, text, text) IS
    'Gives a tool a new token; those before it work for the grace period; returns it this once';
COMMENT ON FUNCTION projectalpha.invalidate_caches() IS
    'Trigger function: sessions drop what they have cached of the changed table';
COMMENT ON FUNCTION projectalpha.forget_credentials() IS
    'Trigger function: removes the credentials of deleted tools';
COMMENT ON FUNCTION projectalpha_http.register_tool(bytea) IS 'POST /register-tool';
COMMENT ON FUNCTION projectalpha_http.store_record(bytea) IS 'POST /tools/{tool_id}';
COMMENT ON FUNCTION projectalpha_http.store_records(bytea) IS
    'POST /tools/{tool_id}/records:batch';
COMMENT ON FUNCTION projectalpha_http.list_records(bytea) IS 'GET /tools/{tool_id}';
COMMENT ON FUNCTION projectalpha_http.delete_tool(bytea) IS 'DELETE /tools/{tool_id}';
COMMENT ON FUNCTION projectalpha_http.store_common(bytea) IS 'POST /common';

NOTIFY pgrst, 'reload schema';
