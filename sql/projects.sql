-- Customers, their projects, and what each project has (spec 003; DESIGN: a project is a tenant with the
-- schema project_<id>). The references are no foreign keys, for the reason given at projectalpha.credentials;
-- triggers remove what belongs to a project that is gone.

CREATE TABLE projectalpha.clients
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name text NOT NULL UNIQUE
, contact_email text
, created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE projectalpha.projects
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name text NOT NULL
, client_id bigint
, status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'archived'))
, settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object')
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX projects_client_id ON projectalpha.projects (client_id);

-- The template of every project's schema, as the steps that lead to it.
CREATE TABLE projectalpha.project_migrations
( version integer PRIMARY KEY CHECK (version > 0)
, name text NOT NULL UNIQUE
, sql text NOT NULL
, checksum bytea NOT NULL CHECK (octet_length(checksum) = 32)
, created_at timestamptz NOT NULL DEFAULT now()
, created_by text NOT NULL
);

-- Which of them each project has had, and what their text was then.
CREATE TABLE projectalpha.applied_migrations
( project_id bigint NOT NULL
, version integer NOT NULL
, checksum bytea NOT NULL CHECK (octet_length(checksum) = 32)
, applied_at timestamptz NOT NULL DEFAULT now()
, applied_by text NOT NULL
, PRIMARY KEY (project_id, version)
);

-- Why the last upgrade of a project failed; no row if it did not.
CREATE TABLE projectalpha.upgrade_failures
( project_id bigint PRIMARY KEY
, step text NOT NULL
, sqlstate text NOT NULL
, message text NOT NULL
, failed_at timestamptz NOT NULL DEFAULT now()
);

-- Which tools a client may enable for its projects (spec 004).
CREATE TABLE projectalpha.client_tools
( client_id bigint NOT NULL
, tool_id bigint NOT NULL
, allowed_at timestamptz NOT NULL DEFAULT now()
, PRIMARY KEY (client_id, tool_id)
);
CREATE INDEX client_tools_tool_id ON projectalpha.client_tools (tool_id);

-- Which tools a project has a table of, and which version of the tool's schema
-- (projectalpha.schema_history) that table follows.
CREATE TABLE projectalpha.project_tools
( project_id bigint NOT NULL
, tool_id bigint NOT NULL
, schema_version integer NOT NULL
, enabled_at timestamptz NOT NULL DEFAULT now()
, disabled_at timestamptz
, PRIMARY KEY (project_id, tool_id)
);
CREATE INDEX project_tools_tool_id ON projectalpha.project_tools (tool_id);

SELECT pg_extension_config_dump('projectalpha.clients', '');
SELECT pg_extension_config_dump('projectalpha.clients_id_seq', '');
SELECT pg_extension_config_dump('projectalpha.projects', '');
SELECT pg_extension_config_dump('projectalpha.projects_id_seq', '');
-- Version 1 comes with the extension.
SELECT pg_extension_config_dump('projectalpha.project_migrations', 'WHERE version > 1');
SELECT pg_extension_config_dump('projectalpha.applied_migrations', '');
SELECT pg_extension_config_dump('projectalpha.upgrade_failures', '');
SELECT pg_extension_config_dump('projectalpha.client_tools', '');
SELECT pg_extension_config_dump('projectalpha.project_tools', '');
