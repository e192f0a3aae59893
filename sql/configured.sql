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
           AND k.project_id IS NULL
           AND k.agent_id IS NULL
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
