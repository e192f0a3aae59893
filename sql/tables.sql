-- The configuration: members of the extension, dumped by pg_dump as such.

CREATE TABLE projectalpha.tools
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, tool_name text NOT NULL UNIQUE CHECK (tool_name ~ '^[a-z][a-z0-9_]{0,49}$')
, schema_definition jsonb CHECK (jsonb_typeof(schema_definition) = 'array')
, sensitive boolean NOT NULL DEFAULT false
, description text
, created_at timestamptz NOT NULL DEFAULT now()
);

-- Every token in the system. They differ in scopes, tool and expiry alone.
-- tool_id is no foreign key: pg_restore --jobs loads the tables of an extension
-- in any order, and would fail. delete_tool() removes the credentials of a tool,
-- and ids are never given out again.
CREATE TABLE projectalpha.credentials
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, digest bytea NOT NULL CHECK (octet_length(digest) = 32)
, hint text NOT NULL
, scopes text[] NOT NULL CHECK (cardinality(scopes) > 0)
, tool_id bigint
, label text
, created_at timestamptz NOT NULL DEFAULT now()
, expires_at timestamptz
, revoked_at timestamptz
);

-- A revoked token may be given out again; a live one belongs to one credential
-- of a tool, or to one credential that has no tool.
CREATE UNIQUE INDEX credentials_of_tool ON projectalpha.credentials (tool_id, digest)
    WHERE revoked_at IS NULL AND tool_id IS NOT NULL;
CREATE UNIQUE INDEX credentials_without_tool ON projectalpha.credentials (digest)
    WHERE revoked_at IS NULL AND tool_id IS NULL;
-- For delete_tool(), which also removes revoked ones.
CREATE INDEX credentials_tool_id ON projectalpha.credentials (tool_id);

SELECT pg_extension_config_dump('projectalpha.tools', '');
SELECT pg_extension_config_dump('projectalpha.tools_id_seq', '');
SELECT pg_extension_config_dump('projectalpha.credentials', '');
SELECT pg_extension_config_dump('projectalpha.credentials_id_seq', '');
