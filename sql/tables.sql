-- The configuration: members of the extension, dumped by pg_dump as such.

CREATE TABLE projectalpha.tools
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, tool_name text NOT NULL UNIQUE CHECK (tool_name ~ '^[a-z][a-z0-9_]{0,49}$')
, schema_definition jsonb CHECK (jsonb_typeof(schema_definition) = 'array')
, sensitive boolean NOT NULL DEFAULT false
, description text
, created_at timestamptz NOT NULL DEFAULT now()
, options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object')
, is_active boolean NOT NULL DEFAULT true
, storage text NOT NULL DEFAULT 'table' CHECK (storage IN ('table', 'none'))
, access_log text CHECK (access_log IN ('none', 'denied', 'writes', 'all'))
, log_payloads boolean NOT NULL DEFAULT false
);
COMMENT ON COLUMN projectalpha.tools.is_active IS 'False refuses every write; reading goes on';
COMMENT ON COLUMN projectalpha.tools.storage IS
    'Where its records are: a table of its own, or nowhere: then the tool is an entry of the catalogue alone';
COMMENT ON COLUMN projectalpha.tools.access_log IS
    'Which attempts the access log keeps; NULL follows the setting projectalpha_store.access_log';
COMMENT ON COLUMN projectalpha.tools.log_payloads IS 'True keeps the payloads of those attempts, too';

-- Every token in the system. They differ in scopes, tool, project and expiry alone.
-- tool_id is no foreign key: pg_restore --jobs loads the tables of an extension
-- in any order, and would fail. A trigger removes the credentials of a tool.
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
, project_id bigint
, agent_id bigint
);
COMMENT ON COLUMN projectalpha.credentials.project_id IS
    'The project whose data the token opens; NULL for what belongs to none';
COMMENT ON COLUMN projectalpha.credentials.agent_id IS
    'The agent who holds the token; NULL for those of tools, projects and administrators';

-- A revoked token may be given out again; a live one belongs to one credential
-- of a tool, or to one credential that has no tool.
CREATE UNIQUE INDEX credentials_of_tool ON projectalpha.credentials (tool_id, digest)
    WHERE revoked_at IS NULL AND tool_id IS NOT NULL;
CREATE UNIQUE INDEX credentials_without_tool ON projectalpha.credentials (digest)
    WHERE revoked_at IS NULL AND tool_id IS NULL;
-- For a token of which it is not known whose it is.
CREATE INDEX credentials_digest ON projectalpha.credentials (digest) WHERE revoked_at IS NULL;
-- For that trigger, which also removes revoked ones.
CREATE INDEX credentials_tool_id ON projectalpha.credentials (tool_id);
-- Of all that projects and agents have or had: none of these tokens opens what everybody may write to.
CREATE INDEX credentials_of_others ON projectalpha.credentials (tool_id, digest)
    WHERE project_id IS NOT NULL OR agent_id IS NOT NULL;
CREATE INDEX credentials_project_id ON projectalpha.credentials (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX credentials_agent_id ON projectalpha.credentials (agent_id) WHERE agent_id IS NOT NULL;

-- The credentials of a tool go with it, however it goes: a tool that gets its id
-- again (RESTART IDENTITY) must not be opened by an old token.
CREATE FUNCTION projectalpha.forget_credentials() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.credentials WHERE tool_id IS NOT NULL;
    ELSE
        DELETE FROM projectalpha.credentials AS c USING gone WHERE c.tool_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_credentials_of_deleted AFTER DELETE ON projectalpha.tools
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_credentials();
CREATE TRIGGER forget_credentials_of_all AFTER TRUNCATE ON projectalpha.tools
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_credentials();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_credentials_of_deleted;
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_credentials_of_all;

SELECT pg_extension_config_dump('projectalpha.tools', '');
SELECT pg_extension_config_dump('projectalpha.tools_id_seq', '');
SELECT pg_extension_config_dump('projectalpha.credentials', '');
SELECT pg_extension_config_dump('projectalpha.credentials_id_seq', '');
