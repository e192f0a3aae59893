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
, agent_id bigint
, PRIMARY KEY (archived_id, id)
);
CREATE INDEX archived_credentials_agent_id ON projectalpha.archived_credentials (agent_id) WHERE agent_id IS NOT NULL;
COMMENT ON TABLE projectalpha.archived_credentials IS
    'The credentials of archived tools, by the SHA-256 digests of their tokens alone';

CREATE VIEW projectalpha.archived_tool_list AS
SELECT a.id AS archived_id
     , a.tool_name
     , CASE WHEN a.registration->>'storage' IS DISTINCT FROM 'none' THEN a.table_name END AS table_name
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
