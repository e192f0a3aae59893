-- From 0.1.0 to 0.2.0. Frozen once 0.2.0 is released.

ALTER TABLE projectalpha.tools ADD COLUMN IF NOT EXISTS
    options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object');

-- Nothing but a new column at its end: what depends on the view stays.
CREATE OR REPLACE VIEW projectalpha.registered_tools AS
SELECT t.id
     , t.tool_name
     , t.schema_definition
     , t.created_at
     , 'tool_' || t.tool_name AS table_name
     , t.sensitive
     , (SELECT string_agg(c.hint, ', ' ORDER BY c.id)
          FROM projectalpha.credentials AS c
         WHERE c.tool_id = t.id
           AND c.revoked_at IS NULL
           AND (c.expires_at IS NULL OR c.expires_at > now())) AS token_hint
     , t.description
     , t.options
  FROM projectalpha.tools AS t;

-- Tools that were deleted but kept: their tables are in projectalpha_data still,
-- as archived_<tool>_<time>.

CREATE TABLE projectalpha.archived_tools
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, tool_id bigint NOT NULL
, tool_name text NOT NULL
, table_schema text NOT NULL
, table_name text NOT NULL
, archived_at timestamptz NOT NULL DEFAULT now()
, archived_by text NOT NULL
, registration jsonb NOT NULL
, renamed jsonb NOT NULL
, UNIQUE (table_schema, table_name)
);
COMMENT ON TABLE projectalpha.archived_tools IS
    'Archived tools: their rows of tools, and where their tables are';
COMMENT ON COLUMN projectalpha.archived_tools.registration IS 'The row of projectalpha.tools';
COMMENT ON COLUMN projectalpha.archived_tools.renamed IS
    'What the indexes and sequences of the table were called before, by their names now';

-- The credentials of archived tools, as they were in projectalpha.credentials.
-- archived_id is no foreign key, for the reason given there.
CREATE TABLE projectalpha.archived_credentials
( archived_id bigint NOT NULL
, id bigint NOT NULL
, digest bytea NOT NULL CHECK (octet_length(digest) = 32)
, hint text NOT NULL
, scopes text[] NOT NULL
, label text
, created_at timestamptz NOT NULL
, expires_at timestamptz
, revoked_at timestamptz
, PRIMARY KEY (archived_id, id)
);
COMMENT ON TABLE projectalpha.archived_credentials IS
    'The credentials of archived tools, by the SHA-256 digests of their tokens alone';

CREATE VIEW projectalpha.archived_tool_list AS
SELECT a.id AS archived_id
     , a.tool_name
     , a.table_name
     , a.archived_at
     , a.archived_by
     , a.registration->'schema_definition' AS schema_definition
     , (a.registration->>'sensitive')::boolean AS sensitive
     , a.registration->>'description' AS description
     , EXISTS (SELECT FROM pg_class AS c
                 JOIN pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = a.table_schema AND c.relname = a.table_name) AS table_exists
  FROM projectalpha.archived_tools AS a;
COMMENT ON VIEW projectalpha.archived_tool_list IS
    'Archived tools: what restore_tool brings back and purge_archived_tool drops';

GRANT SELECT ON projectalpha.archived_tool_list TO projectalpha_admin, projectalpha_reader;

SELECT pg_extension_config_dump('projectalpha.archived_tools', '');
SELECT pg_extension_config_dump('projectalpha.archived_tools_id_seq', '');
SELECT pg_extension_config_dump('projectalpha.archived_credentials', '');

-- What was done to the schema of each tool. Version 1 is its registration.

CREATE TABLE projectalpha.schema_history
( tool_id bigint NOT NULL
, version integer NOT NULL CHECK (version > 0)
, tool_name text NOT NULL
, changed_at timestamptz NOT NULL DEFAULT now()
, changed_by text NOT NULL
, changed_through text NOT NULL CHECK (changed_through IN ('sql', 'http'))
, change jsonb NOT NULL
, schema_definition jsonb
, PRIMARY KEY (tool_id, version)
);
COMMENT ON TABLE projectalpha.schema_history IS
    'Every change of a tool''s schema: when, by which role, through SQL or HTTP, and the schema after it';

-- The history of a tool goes with it, unless the tool is archived.
CREATE FUNCTION projectalpha.forget_history() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.schema_history AS h
         WHERE NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = h.tool_id);
    ELSE
        DELETE FROM projectalpha.schema_history AS h USING gone
         WHERE h.tool_id = gone.id
           AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = h.tool_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_history() IS
    'Trigger function: removes the history of tools that were deleted for good';
CREATE TRIGGER forget_history_of_deleted AFTER DELETE ON projectalpha.tools
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_history();
CREATE TRIGGER forget_history_of_all AFTER TRUNCATE ON projectalpha.tools
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_history();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_history_of_deleted;
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_history_of_all;

GRANT SELECT ON projectalpha.schema_history TO projectalpha_admin, projectalpha_reader;

SELECT pg_extension_config_dump('projectalpha.schema_history', '');

-- Tools that begin in the common table (spec 000).

CREATE TABLE projectalpha.tool_configuration
( tool_name text PRIMARY KEY CHECK (tool_name ~ '^[a-z][a-z0-9_]{0,49}$')
, sensitive boolean NOT NULL DEFAULT false
, use_individual_table boolean NOT NULL DEFAULT false
, promoting boolean NOT NULL DEFAULT false
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT pg_extension_config_dump('projectalpha.tool_configuration', '');

-- Spec 000, step 5: which endpoint, table and token a developer needs. Until a
-- tool is registered its token is one that names it.
CREATE VIEW projectalpha.configured_tools AS
SELECT c.tool_name
     , '/tool-' || c.tool_name AS endpoint
     , CASE WHEN c.use_individual_table THEN 'tool_' || c.tool_name ELSE 'multiple_tools' END AS table_name
     , coalesce(t.sensitive, c.sensitive) AS sensitive
     , (SELECT string_agg(k.hint, ', ' ORDER BY k.id)
          FROM projectalpha.credentials AS k
         WHERE (k.tool_id = t.id OR (t.id IS NULL AND k.tool_id IS NULL AND 'tool:' || c.tool_name = ANY (k.scopes)))
           AND k.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > now())) AS token_hint
     , c.promoting
     , c.created_at
     , c.updated_at
  FROM projectalpha.tool_configuration AS c
  LEFT JOIN projectalpha.tools AS t ON t.tool_name = c.tool_name;

-- Each call of promote_tool is a transaction of its own; killed and called
-- again, it goes on. A SET clause would forbid COMMIT, so all is qualified.
CREATE PROCEDURE projectalpha.promote_tool_in_batches(
    tool_name text, batch_rows integer DEFAULT 10000, admin_token text DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    batch record;
    total bigint := 0;
BEGIN
    LOOP
        SELECT p.moved, p.done INTO batch
          FROM projectalpha.promote_tool(
                   promote_tool_in_batches.tool_name,
                   COALESCE(promote_tool_in_batches.batch_rows, 10000),
                   promote_tool_in_batches.admin_token) AS p;
        COMMIT;
        total := total OPERATOR(pg_catalog.+) batch.moved;
        RAISE NOTICE 'Tool ''%'': % rows moved', promote_tool_in_batches.tool_name, total;
        EXIT WHEN batch.done;
    END LOOP;
END
$$;

-- PL/pgSQL, as it is planned when it runs: the common table is made at first use.
CREATE FUNCTION projectalpha.storage_advice()
RETURNS TABLE (tool_name text, rows bigint, bytes bigint, largest_payload_bytes bigint,
               sensitive_share numeric, advice text, reasons text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    most_rows bigint;
    most_bytes bigint;
    most_payload_bytes bigint;
BEGIN
    IF to_regclass('projectalpha_data.multiple_tools') IS NULL THEN
        RETURN;
    END IF;
    -- The settings are there once the library is loaded, which this does.
    PERFORM projectalpha.payload_bytes('{}');
    most_rows := current_setting('projectalpha_store.promote_rows');
    most_bytes := pg_size_bytes(current_setting('projectalpha_store.promote_bytes'));
    most_payload_bytes := pg_size_bytes(current_setting('projectalpha_store.promote_payload_bytes'));

    RETURN QUERY
    SELECT s.tool_name
         , s.rows
         , s.bytes
         , s.largest
         , round(s.sensitive_rows::numeric / s.rows, 3)
         , CASE
               WHEN cardinality(r.reasons) = 0 THEN 'stay in the common table'
               WHEN s.tool_name !~ '^[a-z][a-z0-9_]{0,49}$' THEN 'send under a name that a tool can have'
               WHEN t.schema_definition IS NOT NULL THEN 'send to the table of the tool, which has fields'
               WHEN c.tool_name IS NULL OR (s.sensitive_rows > 0 AND NOT c.sensitive) THEN
                   format('SELECT * FROM projectalpha.configure_tool(%L, sensitive => %s%s); SELECT * FROM projectalpha.promote_tool(%1$L)'
                          , s.tool_name
                          , (s.sensitive_rows > 0 OR coalesce(c.sensitive, t.sensitive, false))::text
                          , CASE WHEN c.use_individual_table OR t.id IS NOT NULL THEN ', use_individual_table => true' END)
               ELSE format('SELECT * FROM projectalpha.promote_tool(%L)', s.tool_name)
           END
         , r.reasons
      FROM ( SELECT m.tool_name::text AS tool_name
                  , count(*) AS rows
                  , sum(projectalpha.payload_bytes(m.data))::bigint AS bytes
                  , max(projectalpha.payload_bytes(m.data)) AS largest
                  , count(*) FILTER (WHERE m.sensitive = 1) AS sensitive_rows
               FROM projectalpha_data.multiple_tools AS m
              GROUP BY m.tool_name ) AS s
      LEFT JOIN projectalpha.tool_configuration AS c ON c.tool_name = s.tool_name
      LEFT JOIN projectalpha.tools AS t ON t.tool_name = s.tool_name
     CROSS JOIN LATERAL
           ( SELECT array_remove(ARRAY[
                        CASE WHEN c.use_individual_table OR t.id IS NOT NULL THEN 'it has a table of its own' END,
                        CASE WHEN s.sensitive_rows > 0 OR c.sensitive OR t.sensitive THEN 'it is sensitive' END,
                        CASE WHEN s.largest > most_payload_bytes
                             THEN format('a payload has more than %s', pg_size_pretty(most_payload_bytes)) END,
                        CASE WHEN s.rows > most_rows THEN format('it has more than %s rows', most_rows) END,
                        CASE WHEN s.bytes > most_bytes
                             THEN format('its payloads have more than %s', pg_size_pretty(most_bytes)) END
                    ], NULL) ) AS r (reasons)
     ORDER BY cardinality(r.reasons) DESC, s.bytes DESC, s.tool_name;
END
$$;

-- Functions whose arguments have changed, then all that are new.
DROP FUNCTION projectalpha.delete_tool(text, text);
DROP FUNCTION projectalpha.list_records(text, int, bigint, text, bigint);
DROP FUNCTION projectalpha.register_tool(text, text, jsonb, bool, text, text);
DROP FUNCTION projectalpha.store_record(text, text, jsonb);

CREATE FUNCTION projectalpha.alter_tool(
    tool_name TEXT,
    changes jsonb,
    admin_token TEXT DEFAULT NULL
) RETURNS INT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'alter_tool_wrapper';

CREATE FUNCTION projectalpha.configure_tool(
    tool_name TEXT,
    sensitive bool DEFAULT false,
    use_individual_table bool DEFAULT false,
    token TEXT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL
) RETURNS TABLE (
    tool_name TEXT,
    endpoint TEXT,
    table_name TEXT,
    token TEXT
)
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'configure_tool_wrapper';

CREATE FUNCTION projectalpha.count_records(
    tool_name TEXT,
    filter jsonb DEFAULT NULL,
    token TEXT DEFAULT NULL
) RETURNS bigint
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'count_records_wrapper';

CREATE FUNCTION projectalpha.delete_record(
    tool_name TEXT,
    token TEXT,
    id bigint,
    if_version bigint DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'delete_record_wrapper';

CREATE FUNCTION projectalpha.delete_tool(
    tool_name TEXT,
    admin_token TEXT DEFAULT NULL,
    archive bool DEFAULT false
) RETURNS void
VOLATILE PARALLEL UNSAFE  
LANGUAGE c
AS 'MODULE_PATHNAME', 'delete_or_archive_tool_wrapper';

CREATE FUNCTION projectalpha.export_tool(
    tool_name TEXT
) RETURNS SETOF TEXT
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'export_tool_wrapper';

CREATE FUNCTION projectalpha.get_record(
    tool_name TEXT,
    id bigint,
    token TEXT DEFAULT NULL
) RETURNS json
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'get_record_wrapper';

CREATE FUNCTION projectalpha.import_tool(
    source regclass,
    tool_name TEXT DEFAULT NULL,
    token TEXT DEFAULT NULL
) RETURNS TABLE (
    tool_name TEXT,
    table_name TEXT,
    token TEXT,
    records bigint
)
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'import_tool_wrapper';

CREATE FUNCTION projectalpha.last_stored(
    tool_name TEXT
) RETURNS timestamp with time zone
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'last_stored_wrapper';

CREATE FUNCTION projectalpha.list_configured(
    tool_name TEXT,
    row_limit INT DEFAULT 10,
    row_offset bigint DEFAULT 0,
    token TEXT DEFAULT NULL,
    after_id bigint DEFAULT NULL
) RETURNS SETOF json
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'list_configured_wrapper';

CREATE FUNCTION projectalpha.list_records(
    tool_name TEXT,
    row_limit INT DEFAULT 10,
    row_offset bigint DEFAULT 0,
    token TEXT DEFAULT NULL,
    after_id bigint DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    order_by TEXT DEFAULT NULL,
    after TEXT DEFAULT NULL
) RETURNS SETOF json
STABLE PARALLEL UNSAFE  
LANGUAGE c
AS 'MODULE_PATHNAME', 'search_records_wrapper';

CREATE FUNCTION projectalpha.page_cursor(record json, order_by text DEFAULT NULL) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'page_cursor_wrapper';

CREATE FUNCTION projectalpha.payload_bytes(payload jsonb) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'payload_bytes_wrapper';

CREATE FUNCTION projectalpha.promote_tool(
    tool_name TEXT,
    batch_rows INT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL
) RETURNS TABLE (
    tool_name TEXT,
    table_name TEXT,
    moved bigint,
    done bool
)
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'promote_tool_wrapper';

CREATE FUNCTION projectalpha.purge_archived_tool(
    archived_id bigint,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'purge_archived_tool_wrapper';

CREATE FUNCTION projectalpha.register_tool(
    tool_name TEXT,
    token TEXT DEFAULT NULL,
    schema jsonb DEFAULT NULL,
    sensitive bool DEFAULT false,
    description TEXT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL,
    strict bool DEFAULT false,
    versioned bool DEFAULT false,
    notify bool DEFAULT false,
    max_records bigint DEFAULT NULL,
    max_bytes bigint DEFAULT NULL
) RETURNS TABLE (
    tool_name TEXT,
    table_name TEXT,
    token TEXT
)
VOLATILE PARALLEL UNSAFE  
LANGUAGE c
AS 'MODULE_PATHNAME', 'register_tool_with_options_wrapper';

CREATE FUNCTION projectalpha.restore_tool(
    tool_name TEXT,
    archived_id bigint DEFAULT NULL,
    new_name TEXT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL
) RETURNS TABLE (
    archived_id bigint,
    tool_name TEXT,
    table_name TEXT
)
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'restore_tool_wrapper';

CREATE FUNCTION projectalpha.rotate_token(
    tool_name TEXT,
    grace interval DEFAULT '0',
    token TEXT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL,
    current_token TEXT DEFAULT NULL
) RETURNS TEXT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'rotate_token_wrapper';

CREATE FUNCTION projectalpha.store_configured(
    tool_name TEXT,
    payload jsonb,
    token TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'store_configured_wrapper';

CREATE FUNCTION projectalpha.store_record(
    tool_name TEXT,
    token TEXT,
    payload jsonb,
    idempotency_key TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE  
LANGUAGE c
AS 'MODULE_PATHNAME', 'store_record_once_wrapper';

CREATE FUNCTION projectalpha.tool_document(
    tool_name TEXT,
    base_url TEXT DEFAULT NULL
) RETURNS json
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'tool_document_wrapper';

CREATE FUNCTION projectalpha.unconfigure_tool(
    tool_name TEXT,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'unconfigure_tool_wrapper';

CREATE FUNCTION projectalpha.update_record(
    tool_name TEXT,
    token TEXT,
    id bigint,
    changes jsonb,
    if_version bigint DEFAULT NULL
) RETURNS json
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'update_record_wrapper';

CREATE FUNCTION projectalpha.upsert_record(
    tool_name TEXT,
    token TEXT,
    payload jsonb,
    on_field TEXT
) RETURNS TABLE (
    id bigint,
    inserted bool
)
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'upsert_record_wrapper';

CREATE FUNCTION projectalpha.validate_record(
    tool_name TEXT,
    payload jsonb,
    token TEXT DEFAULT NULL
) RETURNS TABLE (
    field TEXT,
    rule TEXT,
    message TEXT
)
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'validate_record_wrapper';

CREATE FUNCTION projectalpha_http.count_records(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_count_records_wrapper';

CREATE FUNCTION projectalpha_http.delete_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_delete_record_wrapper';

CREATE FUNCTION projectalpha_http.get_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_get_record_wrapper';

CREATE FUNCTION projectalpha_http.list_configured(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_list_configured_wrapper';

CREATE FUNCTION projectalpha_http.list_tools(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_list_tools_wrapper';

CREATE FUNCTION projectalpha_http.store_configured(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_store_configured_wrapper';

CREATE FUNCTION projectalpha_http.tool_document(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_tool_document_wrapper';

CREATE FUNCTION projectalpha_http.update_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_update_record_wrapper';

CREATE FUNCTION projectalpha_http.upsert_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_upsert_record_wrapper';

CREATE FUNCTION projectalpha_http.validate_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'http_validate_record_wrapper';

-- The tools, for whoever wants to use one: where it is and what it takes (spec 000, step 5).
CREATE VIEW projectalpha.tool_directory AS
SELECT d.tool_name
     , CASE WHEN d.is_configured THEN '/tool-' ELSE '/tools/' END || d.tool_name AS endpoint
     , CASE WHEN d.has_table THEN 'tool_' || d.tool_name ELSE 'multiple_tools' END AS table_name
     , d.sensitive
     , CASE WHEN d.sensitive THEN 'tool token to write and to read'
            WHEN d.is_configured THEN 'none'
            ELSE 'tool token to write; reading is public' END AS token_kind
     , d.schema_definition AS fields
     , d.description
     , d.created_at
  FROM ( SELECT coalesce(t.tool_name, c.tool_name) AS tool_name
              , c.tool_name IS NOT NULL AS is_configured
              , t.tool_name IS NOT NULL OR c.use_individual_table AS has_table
              , coalesce(t.sensitive, c.sensitive) AS sensitive
              , t.schema_definition
              , t.description
              , coalesce(t.created_at, c.created_at) AS created_at
           FROM projectalpha.tools AS t
           FULL JOIN projectalpha.tool_configuration AS c ON c.tool_name = t.tool_name ) AS d;

-- What goes on in the tables, from what PostgreSQL counts anyway: nothing is added to a write.
CREATE VIEW projectalpha.tool_activity AS
WITH used (tool_name, table_name) AS
    ( SELECT t.tool_name, 'tool_' || t.tool_name FROM projectalpha.tools AS t
      UNION ALL
      SELECT NULL, 'multiple_tools'
    )
, measured AS
    ( SELECT u.tool_name
           , u.table_name
           , c.oid
           , CASE WHEN c.relpages > 0 -- as the planner has it: the density of the last ANALYZE, the size of now
                  THEN round((c.reltuples / c.relpages)::numeric * pg_relation_size(c.oid) / current_setting('block_size')::bigint)::bigint
                  ELSE pg_stat_get_live_tuples(c.oid) END AS records
        FROM used AS u
        LEFT JOIN (pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'projectalpha_data')
          ON c.relname = u.table_name::name AND c.relkind IN ('r', 'p')
       WHERE u.tool_name IS NOT NULL OR c.oid IS NOT NULL
    )
SELECT m.tool_name
     , m.table_name
     , m.records
     , pg_total_relation_size(m.oid) AS total_bytes
     , pg_table_size(m.oid) / nullif(m.records, 0) AS average_bytes
     , projectalpha.last_stored(m.tool_name) AS last_stored
     , pg_stat_get_tuples_inserted(m.oid) AS inserts
     , pg_stat_get_tuples_updated(m.oid) AS updates
     , pg_stat_get_tuples_deleted(m.oid) AS deletes
     , pg_stat_get_numscans(m.oid) AS table_scans
     , (SELECT sum(pg_stat_get_numscans(i.indexrelid))::bigint FROM pg_index AS i WHERE i.indrelid = m.oid) AS index_scans
     , (SELECT d.stats_reset FROM pg_stat_database AS d WHERE d.datname = current_database()) AS counted_since
  FROM measured AS m;

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
    projectalpha.register_tool(text, text, jsonb, boolean, text, text, boolean, boolean, boolean, bigint, bigint),
    projectalpha.delete_tool(text, text, boolean),
    projectalpha.restore_tool(text, bigint, text, text),
    projectalpha.purge_archived_tool(bigint, text),
    projectalpha.alter_tool(text, jsonb, text),
    projectalpha.rotate_token(text, interval, text, text, text),
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
COMMENT ON FUNCTION projectalpha.register_tool(text, text, jsonb, boolean, text, text, boolean, boolean, boolean, bigint, bigint) IS
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
COMMENT ON FUNCTION projectalpha.rotate_token(text, interval, text, text, text) IS
    'Gives a tool a new token; those before it work for the grace period; returns it this once';
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
