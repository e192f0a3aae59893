-- Caches of every session follow the configuration; ALWAYS, so that they do on
-- a logical replica too.
CREATE TRIGGER invalidate_caches AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.tools FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER invalidate_caches;
-- A new credential makes no cached answer wrong, as what is not found is not cached.
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
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
        SELECT pg_catalog.format('ALTER ROUTINE %s OWNER TO projectalpha_owner',
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
REVOKE ALL ON ALL ROUTINES IN SCHEMA projectalpha, projectalpha_http FROM PUBLIC;
REVOKE ALL ON DOMAIN projectalpha_http."*/*" FROM PUBLIC;

GRANT USAGE ON SCHEMA projectalpha TO projectalpha_admin, projectalpha_reader, projectalpha_anon;
GRANT USAGE ON SCHEMA projectalpha_http TO projectalpha_anon;
GRANT USAGE ON DOMAIN projectalpha_http."*/*" TO projectalpha_anon;

-- Functions that check tokens themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.register_tool(text, text, jsonb, boolean, text, text, boolean, boolean, boolean, bigint, bigint, text),
    projectalpha.delete_tool(text, text, boolean),
    projectalpha.restore_tool(text, bigint, text, text),
    projectalpha.purge_archived_tool(bigint, text),
    projectalpha.alter_tool(text, jsonb, text),
    projectalpha.rotate_token(text, interval, text, text, text, bigint),
    projectalpha.store_record(text, text, jsonb, text),
    projectalpha.get_record(text, bigint, text),
    projectalpha.update_record(text, text, bigint, jsonb, bigint),
    projectalpha.delete_record(text, text, bigint, bigint),
    projectalpha.upsert_record(text, text, jsonb, text),
    projectalpha.validate_record(text, jsonb, text),
    projectalpha.store_records(text, text, jsonb),
    projectalpha.list_records(text, integer, bigint, text, bigint, jsonb, text, text),
    projectalpha.count_records(text, jsonb, text),
    projectalpha.page_cursor(json, text),
    projectalpha.store_common(text, jsonb, boolean, text),
    projectalpha.list_common(text, integer, bigint, text, bigint),
    projectalpha.configure_tool(text, boolean, boolean, text, text),
    projectalpha.unconfigure_tool(text, text),
    projectalpha.store_configured(text, jsonb, text),
    projectalpha.list_configured(text, integer, bigint, text, bigint),
    projectalpha.promote_tool(text, integer, text)
TO projectalpha_anon, projectalpha_admin;

-- Functions for administrators alone.
GRANT EXECUTE ON FUNCTION
    projectalpha.set_admin_token(text),
    projectalpha.add_common_token(text, text),
    projectalpha.revoke_token(text, bigint),
    projectalpha.export_tool(text),
    projectalpha.import_tool(regclass, text, text)
TO projectalpha_admin;

-- What goes with the views for readers.
GRANT EXECUTE ON FUNCTION
    projectalpha.tool_document(text, text),
    projectalpha.last_stored(text),
    projectalpha.storage_advice()
TO projectalpha_admin, projectalpha_reader;

GRANT EXECUTE ON PROCEDURE projectalpha.promote_tool_in_batches(text, integer, text)
    TO projectalpha_anon, projectalpha_admin;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA projectalpha_http TO projectalpha_anon;

GRANT SELECT ON projectalpha.registered_tools, projectalpha.configured_tools,
    projectalpha.tool_directory, projectalpha.tool_activity
TO projectalpha_admin, projectalpha_reader;
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
COMMENT ON VIEW projectalpha.tool_directory IS
    'The tools as their users see them: URL, fields, and which token they need';
COMMENT ON VIEW projectalpha.tool_activity IS
    'Each tool''s table, and the common one: how large, how much used, the last time';
COMMENT ON COLUMN projectalpha.tool_activity.tool_name IS
    'NULL for the common table, all its senders together';
COMMENT ON COLUMN projectalpha.tool_activity.table_name IS
    'In schema projectalpha_data; a table that was dropped by hand has NULL in all columns that follow';
COMMENT ON COLUMN projectalpha.tool_activity.records IS
    'Estimated as the planner does: the density that the last ANALYZE or VACUUM found, times the size of now; before the first one, what the cumulative statistics count';
COMMENT ON COLUMN projectalpha.tool_activity.total_bytes IS
    'Exact: the table on disk, with indexes and long values, including space that is free to be used again';
COMMENT ON COLUMN projectalpha.tool_activity.average_bytes IS
    'As good as records: the table without its indexes, divided by it';
COMMENT ON COLUMN projectalpha.tool_activity.last_stored IS
    'Exact, as this transaction sees it: when the record with the largest id was stored';
COMMENT ON COLUMN projectalpha.tool_activity.inserts IS
    'Since counted_since. From the cumulative statistics: some seconds behind, counts what was rolled back too, starts at 0 after a crash';
COMMENT ON COLUMN projectalpha.tool_activity.updates IS
    'As inserts';
COMMENT ON COLUMN projectalpha.tool_activity.deletes IS
    'As inserts';
COMMENT ON COLUMN projectalpha.tool_activity.table_scans IS
    'As inserts: times that the table was read from end to end';
COMMENT ON COLUMN projectalpha.tool_activity.index_scans IS
    'As inserts: times that one of its indexes was used; a page of records is one';
COMMENT ON COLUMN projectalpha.tool_activity.counted_since IS
    'When the statistics of this database were reset; NULL if never';
COMMENT ON FUNCTION projectalpha.register_tool(text, text, jsonb, boolean, text, text, boolean, boolean, boolean, bigint, bigint, text) IS
    'Registers a tool, its token and its table; returns the token this once';
COMMENT ON FUNCTION projectalpha.delete_tool(text, text, boolean) IS
    'Deletes a tool, its tokens and its table with every record, or archives them';
COMMENT ON FUNCTION projectalpha.restore_tool(text, bigint, text, text) IS
    'Brings an archived tool back with its records and tokens';
COMMENT ON FUNCTION projectalpha.purge_archived_tool(bigint, text) IS
    'Drops an archived tool for good';
COMMENT ON FUNCTION projectalpha.store_record(text, text, jsonb, text) IS
    'Stores one record of a tool and returns its id';
COMMENT ON FUNCTION projectalpha.get_record(text, bigint, text) IS
    'Gives one record of a tool by its id';
COMMENT ON FUNCTION projectalpha.update_record(text, text, bigint, jsonb, bigint) IS
    'Changes the named fields of one record and returns it';
COMMENT ON FUNCTION projectalpha.delete_record(text, text, bigint, bigint) IS
    'Deletes one record of a tool by its id';
COMMENT ON FUNCTION projectalpha.upsert_record(text, text, jsonb, text) IS
    'Stores a record, or changes the one with the same value in a unique field';
COMMENT ON FUNCTION projectalpha.validate_record(text, jsonb, text) IS
    'Lists everything that is wrong with a payload, and stores nothing';
COMMENT ON FUNCTION projectalpha.store_records(text, text, jsonb) IS
    'Stores an array of records of a tool, all or nothing, and returns their number';
COMMENT ON FUNCTION projectalpha.list_records(text, integer, bigint, text, bigint, jsonb, text, text) IS
    'Lists records of a tool, oldest first, or those that meet a filter, in another order';
COMMENT ON FUNCTION projectalpha.count_records(text, jsonb, text) IS
    'Counts records of a tool, all or those that meet a filter';
COMMENT ON FUNCTION projectalpha.page_cursor(json, text) IS
    'The cursor after a record: what list_records takes as after to go on from there';
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
COMMENT ON FUNCTION projectalpha.tool_document(text, text) IS
    'Describes a tool as an OpenAPI 3.1 document, with examples that fit its fields';
COMMENT ON FUNCTION projectalpha.last_stored(text) IS
    'When the newest record of a tool, or with NULL of the common table, was stored';
COMMENT ON FUNCTION projectalpha.export_tool(text) IS
    'Gives a tool and its records as lines of JSON, for import_tool';
COMMENT ON FUNCTION projectalpha.import_tool(regclass, text, text) IS
    'Registers a tool and stores its records from the lines of export_tool, all or nothing; returns its token this once';
COMMENT ON FUNCTION projectalpha.alter_tool(text, jsonb, text) IS
    'Changes the fields and options of a tool and keeps its records; returns the schema''s new version';
COMMENT ON FUNCTION projectalpha.rotate_token(text, interval, text, text, text, bigint) IS
    'Gives a tool, or one project''s table of it, a new token; those before it work for the grace period; returns it this once';
COMMENT ON FUNCTION projectalpha.invalidate_caches() IS
    'Trigger function: sessions drop what they have cached of the changed table';
COMMENT ON FUNCTION projectalpha.forget_credentials() IS
    'Trigger function: removes the credentials of deleted tools';
COMMENT ON TABLE projectalpha.tool_configuration IS
    'Tools that begin in the common table, and where their records go (spec 000)';
COMMENT ON VIEW projectalpha.configured_tools IS
    'Endpoint, table, sensitivity and token of each configured tool (spec 000, step 5)';
COMMENT ON FUNCTION projectalpha.configure_tool(text, boolean, boolean, text, text) IS
    'Configures a tool, or changes its configuration; returns its token this once';
COMMENT ON FUNCTION projectalpha.unconfigure_tool(text, text) IS
    'Removes the configuration of a tool, and nothing that it has stored';
COMMENT ON FUNCTION projectalpha.store_configured(text, jsonb, text) IS
    'Stores a record of a configured tool where its configuration says and returns its id';
COMMENT ON FUNCTION projectalpha.list_configured(text, integer, bigint, text, bigint) IS
    'Lists records of a configured tool, oldest first, wherever they are';
COMMENT ON FUNCTION projectalpha.promote_tool(text, integer, text) IS
    'Moves what a tool has in the common table to a table of its own, at once or a batch';
COMMENT ON PROCEDURE projectalpha.promote_tool_in_batches(text, integer, text) IS
    'Calls promote_tool batch by batch, each in a transaction of its own';
COMMENT ON FUNCTION projectalpha.storage_advice() IS
    'Senders in the common table, with those first that should have a table of their own';
COMMENT ON FUNCTION projectalpha.payload_bytes(jsonb) IS
    'Bytes of a payload as jsonb, before compression; reads only its header';
COMMENT ON FUNCTION projectalpha_http.store_configured(bytea) IS 'POST /tool-{tool_id}';
COMMENT ON FUNCTION projectalpha_http.list_configured(bytea) IS 'GET /tool-{tool_id}';
COMMENT ON FUNCTION projectalpha_http.register_tool(bytea) IS 'POST /register-tool';
COMMENT ON FUNCTION projectalpha_http.store_record(bytea) IS 'POST /tools/{tool_id}';
COMMENT ON FUNCTION projectalpha_http.store_records(bytea) IS
    'POST /tools/{tool_id}/records:batch';
COMMENT ON FUNCTION projectalpha_http.get_record(bytea) IS
    'GET /tools/{tool_id}/records/{record_id}';
COMMENT ON FUNCTION projectalpha_http.update_record(bytea) IS
    'PATCH /tools/{tool_id}/records/{record_id}';
COMMENT ON FUNCTION projectalpha_http.delete_record(bytea) IS
    'DELETE /tools/{tool_id}/records/{record_id}';
COMMENT ON FUNCTION projectalpha_http.upsert_record(bytea) IS
    'POST /tools/{tool_id}/records:upsert';
COMMENT ON FUNCTION projectalpha_http.validate_record(bytea) IS
    'POST /tools/{tool_id}/records:validate';
COMMENT ON FUNCTION projectalpha_http.list_records(bytea) IS 'GET /tools/{tool_id}';
COMMENT ON FUNCTION projectalpha_http.count_records(bytea) IS
    'GET /tools/{tool_id}/records:count';
COMMENT ON FUNCTION projectalpha_http.delete_tool(bytea) IS 'DELETE /tools/{tool_id}';
COMMENT ON FUNCTION projectalpha_http.store_common(bytea) IS 'POST /common';
COMMENT ON FUNCTION projectalpha_http.list_tools(bytea) IS 'GET /tools';
COMMENT ON FUNCTION projectalpha_http.tool_document(bytea) IS
    'GET /tools/{tool_id}/openapi.json';

NOTIFY pgrst, 'reload schema';
