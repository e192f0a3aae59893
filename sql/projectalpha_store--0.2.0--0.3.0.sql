-- From 0.2.0 to 0.3.0. Frozen once 0.3.0 is released.

ALTER TABLE projectalpha.tools ADD COLUMN IF NOT EXISTS is_active boolean NOT NULL DEFAULT true;
ALTER TABLE projectalpha.tools ADD COLUMN IF NOT EXISTS
    storage text NOT NULL DEFAULT 'table' CHECK (storage IN ('table', 'none'));
COMMENT ON COLUMN projectalpha.tools.is_active IS 'False refuses every write; reading goes on';
COMMENT ON COLUMN projectalpha.tools.storage IS
    'Where its records are: a table of its own, or nowhere: then the tool is an entry of the catalogue alone';
ALTER TABLE projectalpha.tools ADD COLUMN IF NOT EXISTS
    access_log text CHECK (access_log IN ('none', 'denied', 'writes', 'all'));
ALTER TABLE projectalpha.tools ADD COLUMN IF NOT EXISTS log_payloads boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN projectalpha.tools.access_log IS
    'Which attempts the access log keeps; NULL follows the setting projectalpha_store.access_log';
COMMENT ON COLUMN projectalpha.tools.log_payloads IS 'True keeps the payloads of those attempts, too';

ALTER TABLE projectalpha.credentials ADD COLUMN IF NOT EXISTS project_id bigint;
ALTER TABLE projectalpha.credentials ADD COLUMN IF NOT EXISTS agent_id bigint;
COMMENT ON COLUMN projectalpha.credentials.project_id IS
    'The project whose data the token opens; NULL for what belongs to none';
COMMENT ON COLUMN projectalpha.credentials.agent_id IS
    'The agent who holds the token; NULL for those of tools, projects and administrators';
CREATE INDEX credentials_digest ON projectalpha.credentials (digest) WHERE revoked_at IS NULL;
CREATE INDEX credentials_of_others ON projectalpha.credentials (tool_id, digest)
    WHERE project_id IS NOT NULL OR agent_id IS NOT NULL;
CREATE INDEX credentials_project_id ON projectalpha.credentials (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX credentials_agent_id ON projectalpha.credentials (agent_id) WHERE agent_id IS NOT NULL;

ALTER TABLE projectalpha.archived_credentials ADD COLUMN IF NOT EXISTS agent_id bigint;
CREATE INDEX archived_credentials_agent_id ON projectalpha.archived_credentials (agent_id) WHERE agent_id IS NOT NULL;

-- Agents: users and services that hold credentials (spec 002). What a credential allows an agent, its scopes
-- and the policies of the tool decide.

CREATE TABLE projectalpha.agents
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name text NOT NULL UNIQUE
, description text
, roles text[] NOT NULL DEFAULT '{}' CHECK (array_position(roles, NULL) IS NULL)
, permissions text[] NOT NULL DEFAULT '{}' CHECK (array_position(permissions, NULL) IS NULL)
, is_active boolean NOT NULL DEFAULT true
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE projectalpha.agents IS 'Agents: users and services that hold credentials';
COMMENT ON COLUMN projectalpha.agents.is_active IS 'False has none of its credentials work';

-- The credentials of an agent go with it, also those of archived tools, for the reason given at
-- projectalpha.forget_credentials.
CREATE FUNCTION projectalpha.forget_agent_credentials() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.credentials WHERE agent_id IS NOT NULL;
        DELETE FROM projectalpha.archived_credentials WHERE agent_id IS NOT NULL;
    ELSE
        DELETE FROM projectalpha.credentials AS c USING gone WHERE c.agent_id = gone.id;
        DELETE FROM projectalpha.archived_credentials AS c USING gone WHERE c.agent_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_agent_credentials() IS
    'Trigger function: removes the credentials of agents that are gone';
CREATE TRIGGER forget_credentials_of_deleted AFTER DELETE ON projectalpha.agents
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_agent_credentials();
CREATE TRIGGER forget_credentials_of_all AFTER TRUNCATE ON projectalpha.agents
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_agent_credentials();
ALTER TABLE projectalpha.agents ENABLE ALWAYS TRIGGER forget_credentials_of_deleted;
ALTER TABLE projectalpha.agents ENABLE ALWAYS TRIGGER forget_credentials_of_all;

SELECT pg_extension_config_dump('projectalpha.agents', '');
SELECT pg_extension_config_dump('projectalpha.agents_id_seq', '');

-- Tables of projects may follow the version that a tool has now when it has another one.
ALTER TABLE projectalpha.schema_history ADD COLUMN IF NOT EXISTS options jsonb;
COMMENT ON TABLE projectalpha.schema_history IS
    'Every change of a tool''s schema: when, by which role, through SQL or HTTP, and schema and options after it';
UPDATE projectalpha.schema_history AS h SET options = t.options
  FROM projectalpha.tools AS t
 WHERE t.id = h.tool_id
   AND h.version = (SELECT max(l.version) FROM projectalpha.schema_history AS l WHERE l.tool_id = h.tool_id);

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

-- Which database roles may use a project's tables directly. PostgreSQL's own
-- privileges decide; what is kept here is how tables that are made later are opened.
-- The role is kept by its name, as pg_dump restores it.

CREATE TABLE projectalpha.project_grants
( project_id bigint NOT NULL
, role_name text NOT NULL
, level text NOT NULL CHECK (level IN ('read', 'write'))
, granted_at timestamptz NOT NULL DEFAULT now()
, granted_by text NOT NULL
, PRIMARY KEY (project_id, role_name)
);
COMMENT ON TABLE projectalpha.project_grants IS
    'Roles that were granted access to projects: what holds for the tables that a project gets later';

-- The grants of a project go with it, however it goes.
CREATE FUNCTION projectalpha.forget_project_grants() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.project_grants;
    ELSE
        DELETE FROM projectalpha.project_grants AS g USING gone WHERE g.project_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_project_grants() IS
    'Trigger function: removes the grants of projects that are gone';
CREATE TRIGGER forget_grants_of_deleted AFTER DELETE ON projectalpha.projects
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project_grants();
CREATE TRIGGER forget_grants_of_all AFTER TRUNCATE ON projectalpha.projects
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project_grants();
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_grants_of_deleted;
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_grants_of_all;

-- Everybody but our own roles who was granted access, or has it by what somebody
-- granted by hand; and what they can really do, by whatever way they have it.
CREATE VIEW projectalpha.project_access AS
WITH holders AS
    ( SELECT p.id AS project_id, n.oid AS schema_oid, a.grantee
           , CASE a.grantee WHEN 0 THEN 'public' ELSE r.rolname::text END AS role_name
        FROM projectalpha.projects AS p
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = ('project_' || p.id::text)::name
       CROSS JOIN LATERAL (SELECT DISTINCT x.grantee FROM pg_catalog.aclexplode(n.nspacl) AS x) AS a
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
       WHERE a.grantee <> n.nspowner
         AND (r.rolname IS NULL OR r.rolname NOT IN ('projectalpha_owner', 'projectalpha_admin', 'projectalpha_reader'))
    )
, powers AS
    ( SELECT h.project_id, h.grantee, h.role_name
           , bool_and(has_table_privilege(h.grantee, c.oid, 'SELECT')) AS reads_all
           , bool_or(has_table_privilege(h.grantee, c.oid, 'SELECT')) AS reads_some
           , bool_and(has_table_privilege(h.grantee, c.oid, 'INSERT')
                      AND has_table_privilege(h.grantee, c.oid, 'UPDATE')
                      AND has_table_privilege(h.grantee, c.oid, 'DELETE')) FILTER (WHERE w.writable) AS writes_all
           , bool_or(has_table_privilege(h.grantee, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')) AS writes_some
           , bool_or(CASE WHEN w.writable THEN has_table_privilege(h.grantee, c.oid, 'TRUNCATE, TRIGGER')
                          ELSE has_table_privilege(h.grantee, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
                     END) AS writes_more
        FROM holders AS h
        JOIN pg_catalog.pg_class AS c
          ON c.relnamespace = h.schema_oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
         -- These two are the extension's own.
         AND c.relname NOT IN ('project_manifest', 'idempotency_keys')
       CROSS JOIN LATERAL (SELECT c.relkind IN ('r', 'p') AND NOT starts_with(c.relname, 'tool_')) AS w (writable)
       WHERE has_schema_privilege(h.grantee, h.schema_oid, 'USAGE')
       GROUP BY h.project_id, h.grantee, h.role_name
    )
SELECT project_id
     , p.name AS project_name
     , role_name
     , CASE WHEN w.reads_all AND w.writes_all AND NOT w.writes_more THEN 'write'
            WHEN w.reads_all AND NOT w.writes_some THEN 'read'
            WHEN w.reads_some OR w.writes_some THEN 'other'
            ELSE 'none'
       END AS level
     , g.level AS granted_level
     , g.granted_at
     , g.granted_by
  FROM holders AS h
  LEFT JOIN powers AS w USING (project_id, grantee, role_name)
  FULL JOIN projectalpha.project_grants AS g USING (project_id, role_name)
  LEFT JOIN projectalpha.projects AS p ON p.id = project_id;
COMMENT ON VIEW projectalpha.project_access IS
    'Which database roles can use which projects'' tables directly: as granted, and as it really is';
COMMENT ON COLUMN projectalpha.project_access.level IS
    'What the role can really do: read, write, none, or other, where somebody has granted or revoked by hand';
COMMENT ON COLUMN projectalpha.project_access.granted_level IS
    'What grant_project_access last granted; NULL for what was granted by hand';

GRANT SELECT ON projectalpha.project_access TO projectalpha_admin;

SELECT pg_extension_config_dump('projectalpha.project_grants', '');

-- Version 1 of every project's schema: spec 003's project tables. Frozen: projects
-- have its checksum.
INSERT INTO projectalpha.project_migrations (version, name, sql, checksum, created_by)
SELECT 1, 'tables of spec 003', t.sql, sha256(convert_to(t.sql, 'UTF8')), 'projectalpha_store'
  FROM ( VALUES ($template$
CREATE TABLE contents
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, title varchar(255)
, body text NOT NULL
, object_model_id bigint NOT NULL
, metadata jsonb
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON contents (object_model_id);

CREATE TABLE metadata
( key varchar(255) PRIMARY KEY
, value jsonb NOT NULL
, description text
, updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE vocabulary
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, term varchar(255) NOT NULL
, definition text NOT NULL
, category varchar(100)
, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON vocabulary (term);

CREATE TABLE prompt_components
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name varchar(255) NOT NULL
, content text NOT NULL
, base_prompt_id bigint
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON prompt_components (base_prompt_id);
$template$) ) AS t (sql);

-- What the catalogue says of a tool besides how it stores (spec 002, Tool and ToolMetadata). In tables of their own: no
-- session has to compile a tool anew because its description has changed. The rows of an archived tool stay where they
-- are, under its id, which it gets back. No foreign keys, for the reason given at projectalpha.credentials.

CREATE TABLE projectalpha.tool_info
( tool_id bigint PRIMARY KEY
, category text
, api_endpoint text
, auth_method text
, auth_config jsonb CHECK (jsonb_typeof(auth_config) = 'object' AND NOT auth_config ? 'secret')
, params jsonb
, version text
, tags text[]
, allowed_scopes text[]
, owner text
, schema_type text
, schema_version text
, inputs jsonb
, outputs jsonb
, examples jsonb
, custom_metrics jsonb
, updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE projectalpha.tool_info IS 'The facts of each tool that has any; update_tool_info() checks and writes them';
CREATE INDEX tool_info_tags ON projectalpha.tool_info USING gin (tags);
CREATE INDEX tool_info_category ON projectalpha.tool_info (category);

-- The secrets of auth_config, encrypted before they come here.
CREATE TABLE projectalpha.tool_secrets
( tool_id bigint NOT NULL
, name text NOT NULL
, key_id bytea NOT NULL CHECK (octet_length(key_id) = 8)
, sealed bytea NOT NULL
, sealed_at timestamptz NOT NULL DEFAULT now()
, PRIMARY KEY (tool_id, name)
);
COMMENT ON TABLE projectalpha.tool_secrets IS 'Secrets of tools, encrypted: XChaCha20-Poly1305, nonce first';
COMMENT ON COLUMN projectalpha.tool_secrets.key_id IS 'The first 8 bytes of the SHA-256 of the key';
CREATE INDEX tool_secrets_key_id ON projectalpha.tool_secrets (key_id, tool_id, name);

-- What search_tools() looks into. Made of the other tables by triggers, each of which writes its own part: a restore
-- loads the tables in any order, and makes this one anew.
CREATE TABLE projectalpha.tool_search
( tool_id bigint PRIMARY KEY
, name_part tsvector NOT NULL DEFAULT ''
, description_part tsvector NOT NULL DEFAULT ''
, tags_part tsvector NOT NULL DEFAULT ''
, document tsvector NOT NULL GENERATED ALWAYS AS (name_part || tags_part || description_part) STORED
);
COMMENT ON TABLE projectalpha.tool_search IS 'The words of each tool: of its name, its description and its tags';
CREATE INDEX tool_search_document ON projectalpha.tool_search USING gin (document);
CREATE INDEX tool_search_name_part ON projectalpha.tool_search USING gin (name_part);

-- Words are of letters and digits; what else ASCII has stands between them, so that survey_bot is two. As they are, and
-- as English has them: reports is found as report, too. The start of a long text will do. In the order of ids: two
-- sessions of a restore that write the same rows then wait for one another and do not lock each other out.
CREATE FUNCTION projectalpha.index_tools() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NOT EXISTS (SELECT FROM now AS n JOIN before AS b ON b.id = n.id
                        WHERE (b.tool_name, b.description) IS DISTINCT FROM (n.tool_name, n.description)) THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO projectalpha.tool_search AS s (tool_id, name_part, description_part, tags_part)
    SELECT n.id
         , setweight(to_tsvector('simple', w.name) || to_tsvector('english', w.name), 'A')
         , setweight(to_tsvector('simple', w.description) || to_tsvector('english', w.description), 'C')
         , setweight(to_tsvector('simple', w.tags) || to_tsvector('english', w.tags), 'B')
      FROM now AS n
      LEFT JOIN projectalpha.tool_info AS i ON i.tool_id = n.id
     CROSS JOIN LATERAL
           ( SELECT translate(n.tool_name, '_', ' ')
                  , regexp_replace(left(coalesce(n.description, ''), 20000), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')
                  , regexp_replace(array_to_string(i.tags, ' '), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')
           ) AS t (name, description, tags)
     CROSS JOIN LATERAL (SELECT t.name, t.description, coalesce(t.tags, '')) AS w (name, description, tags)
     ORDER BY n.id
        ON CONFLICT (tool_id) DO UPDATE
       SET name_part = EXCLUDED.name_part, description_part = EXCLUDED.description_part;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.index_tools() IS 'Trigger function: keeps the words of names and descriptions in tool_search';
CREATE TRIGGER index_new_tools AFTER INSERT ON projectalpha.tools
    REFERENCING NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.index_tools();
CREATE TRIGGER index_changed_tools AFTER UPDATE ON projectalpha.tools
    REFERENCING OLD TABLE AS before NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.index_tools();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER index_new_tools;
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER index_changed_tools;

-- The row is written by index_tools() alone if the tool is there, and else (in a restore) by whichever comes first.
CREATE FUNCTION projectalpha.index_tags() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    INSERT INTO projectalpha.tool_search AS s (tool_id, tags_part)
    SELECT n.tool_id, setweight(to_tsvector('simple', w.tags) || to_tsvector('english', w.tags), 'B')
      FROM now AS n
     CROSS JOIN LATERAL
           (SELECT coalesce(regexp_replace(array_to_string(n.tags, ' '), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g'), '')) AS w (tags)
     ORDER BY n.tool_id
        ON CONFLICT (tool_id) DO UPDATE SET tags_part = EXCLUDED.tags_part
     WHERE s.tags_part IS DISTINCT FROM EXCLUDED.tags_part;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.index_tags() IS 'Trigger function: keeps the words of tags in tool_search';
CREATE TRIGGER index_new_tags AFTER INSERT ON projectalpha.tool_info
    REFERENCING NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.index_tags();
CREATE TRIGGER index_changed_tags AFTER UPDATE ON projectalpha.tool_info
    REFERENCING NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.index_tags();
ALTER TABLE projectalpha.tool_info ENABLE ALWAYS TRIGGER index_new_tags;
ALTER TABLE projectalpha.tool_info ENABLE ALWAYS TRIGGER index_changed_tags;

-- Facts and secrets of a tool go with it, unless the tool is archived. An archived one is not found.
CREATE FUNCTION projectalpha.forget_info() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.tool_search;
        DELETE FROM projectalpha.tool_info AS i
         WHERE NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = i.tool_id);
        DELETE FROM projectalpha.tool_secrets AS s
         WHERE NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = s.tool_id);
    ELSE
        DELETE FROM projectalpha.tool_search AS s USING gone WHERE s.tool_id = gone.id;
        DELETE FROM projectalpha.tool_info AS i USING gone
         WHERE i.tool_id = gone.id
           AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = i.tool_id);
        DELETE FROM projectalpha.tool_secrets AS s USING gone
         WHERE s.tool_id = gone.id
           AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = s.tool_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_info() IS
    'Trigger function: removes facts and secrets of tools that were deleted for good';
CREATE TRIGGER forget_info_of_deleted AFTER DELETE ON projectalpha.tools
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_info();
CREATE TRIGGER forget_info_of_all AFTER TRUNCATE ON projectalpha.tools
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_info();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_info_of_deleted;
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_info_of_all;

-- All of it but the secrets, of which it shows the names.
CREATE VIEW projectalpha.tool_registry AS
SELECT t.id AS tool_id
     , t.tool_name
     , t.description
     , i.category
     , i.api_endpoint
     , i.auth_method
     , CASE WHEN s.names IS NULL THEN i.auth_config
            ELSE coalesce(i.auth_config, '{}') || jsonb_build_object('secret', s.names) END AS auth_config
     , i.params
     , i.version
     , i.tags
     , i.allowed_scopes
     , i.owner
     , t.is_active
     , t.storage
     , t.sensitive
     , i.schema_type
     , i.schema_version
     , i.inputs
     , i.outputs
     , i.examples
     , i.custom_metrics
     , t.created_at
     , greatest(i.updated_at, t.created_at) AS updated_at
     , t.access_log
     , t.log_payloads
  FROM projectalpha.tools AS t
  LEFT JOIN projectalpha.tool_info AS i ON i.tool_id = t.id
  LEFT JOIN LATERAL
       ( SELECT jsonb_object_agg(s.name, '(secret)' ORDER BY s.name)
           FROM projectalpha.tool_secrets AS s WHERE s.tool_id = t.id ) AS s (names) ON true;
COMMENT ON VIEW projectalpha.tool_registry IS
    'Every fact of every tool (spec 002); of secrets the names alone';
GRANT SELECT ON projectalpha.tool_registry TO projectalpha_admin, projectalpha_reader;

-- Each batch is a transaction of its own; killed and called again, it goes on. A SET clause would forbid COMMIT, so all
-- is qualified.
CREATE PROCEDURE projectalpha.rotate_secret_key(old_key_file text, batch integer DEFAULT 1000)
LANGUAGE plpgsql AS $$
DECLARE
    done record;
    total bigint := 0;
BEGIN
    LOOP
        SELECT r.rotated, r.remaining, r.others INTO done
          FROM projectalpha.rotate_secrets(rotate_secret_key.old_key_file, rotate_secret_key.batch) AS r;
        COMMIT;
        total := total OPERATOR(pg_catalog.+) done.rotated;
        EXIT WHEN done.remaining OPERATOR(pg_catalog.=) 0;
    END LOOP;
    RAISE NOTICE '% secrets are sealed with the new key', total;
    IF done.others OPERATOR(pg_catalog.>) 0 THEN
        RAISE WARNING '% secrets are sealed with other keys than these two', done.others;
    END IF;
END
$$;
COMMENT ON PROCEDURE projectalpha.rotate_secret_key(text, integer) IS
    'Seals every secret with the new key that the old one had sealed, batch by batch, each in a transaction of its own';

SELECT pg_extension_config_dump('projectalpha.tool_info', '');
SELECT pg_extension_config_dump('projectalpha.tool_secrets', '');
-- The triggers make it again.
SELECT pg_extension_config_dump('projectalpha.tool_search', 'WHERE false');

-- Policies: which calls of a tool are allowed and which denied. create_policy() checks what it writes. No foreign key, for
-- the reason given at projectalpha.credentials.
CREATE TABLE projectalpha.policies
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, tool_id bigint NOT NULL
, name text NOT NULL
, description text
, effect text NOT NULL CHECK (effect IN ('allow', 'deny'))
, actions text[] NOT NULL CHECK (cardinality(actions) > 0 AND array_position(actions, NULL) IS NULL)
, conditions jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(conditions) = 'object')
, allowed_scopes text[] CHECK (array_position(allowed_scopes, NULL) IS NULL)
, priority integer NOT NULL DEFAULT 0
, is_active boolean NOT NULL DEFAULT true
, created_by text NOT NULL
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
, UNIQUE (tool_id, name)
);
COMMENT ON TABLE projectalpha.policies IS 'Which calls of tools are allowed and which denied; create_policy() checks and writes them';
COMMENT ON COLUMN projectalpha.policies.conditions IS 'All of them must hold; {} always does';
COMMENT ON COLUMN projectalpha.policies.allowed_scopes IS
    'What agents'' credentials may be issued with by grace of this policy; NULL for its actions';

-- The policies of a tool go with it, unless the tool is archived.
CREATE FUNCTION projectalpha.forget_policies() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.policies AS p
         WHERE NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = p.tool_id);
    ELSE
        DELETE FROM projectalpha.policies AS p USING gone
         WHERE p.tool_id = gone.id
           AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = gone.id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_policies() IS
    'Trigger function: removes the policies of tools that were deleted for good';
CREATE TRIGGER forget_policies_of_deleted AFTER DELETE ON projectalpha.tools
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_policies();
CREATE TRIGGER forget_policies_of_all AFTER TRUNCATE ON projectalpha.tools
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_policies();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_policies_of_deleted;
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_policies_of_all;

CREATE VIEW projectalpha.policy_list AS
SELECT t.tool_name
     , p.name
     , p.id AS policy_id
     , p.effect
     , p.priority
     , p.actions
     , p.conditions
     , p.allowed_scopes
     , p.is_active
     , p.description
     , p.created_by
     , p.created_at
     , p.updated_at
  FROM projectalpha.policies AS p
  JOIN projectalpha.tools AS t ON t.id = p.tool_id
 ORDER BY t.tool_name, p.priority DESC, p.effect = 'allow', p.id;
COMMENT ON VIEW projectalpha.policy_list IS
    'The policies of every tool, in the order in which they are asked';
GRANT SELECT ON projectalpha.policy_list TO projectalpha_admin;

SELECT pg_extension_config_dump('projectalpha.policies', '');
SELECT pg_extension_config_dump('projectalpha.policies_id_seq', '');

-- What people see of projects and their upgrades, and the upgrade of all of them.

CREATE VIEW projectalpha.project_upgrades AS
SELECT p.id AS project_id
     , p.name
     , c.name AS client_name
     , p.status
     , coalesce(a.version, 0) AS version
     , m.latest_version
     , t.tools_behind
     , coalesce(a.version, 0) >= m.latest_version AND t.tools_behind = 0 AS is_current
     , a.upgraded_at
     , f.step AS failed_step
     , f.sqlstate AS failed_sqlstate
     , f.message AS failed_message
     , f.failed_at
  FROM projectalpha.projects AS p
 CROSS JOIN ( SELECT coalesce(max(v.version), 0) AS latest_version FROM projectalpha.project_migrations AS v ) AS m
 CROSS JOIN LATERAL
       ( SELECT max(v.version) AS version, max(v.applied_at) AS upgraded_at
           FROM projectalpha.applied_migrations AS v WHERE v.project_id = p.id ) AS a
 CROSS JOIN LATERAL
       ( SELECT count(*) AS tools_behind
           FROM projectalpha.project_tools AS e
          WHERE e.project_id = p.id
            AND e.schema_version < (SELECT max(h.version) FROM projectalpha.schema_history AS h
                                     WHERE h.tool_id = e.tool_id) ) AS t
  LEFT JOIN projectalpha.clients AS c ON c.id = p.client_id
  LEFT JOIN projectalpha.upgrade_failures AS f ON f.project_id = p.id;
COMMENT ON VIEW projectalpha.project_upgrades IS
    'Version of each project, how far behind it is, and why its last upgrade failed';

CREATE VIEW projectalpha.upgrade_progress AS
SELECT count(*) AS total
     , count(*) FILTER (WHERE u.is_current) AS current
     , count(*) FILTER (WHERE NOT u.is_current) AS behind
     , count(*) FILTER (WHERE u.failed_at IS NOT NULL) AS failed
  FROM projectalpha.project_upgrades AS u;
COMMENT ON VIEW projectalpha.upgrade_progress IS
    'How many projects are current, behind, and behind because their upgrade failed';

CREATE VIEW projectalpha.project_list AS
SELECT p.id
     , p.name
     , c.name AS client_name
     , p.status
     , 'project_' || p.id AS schema_name
     , (SELECT coalesce(max(a.version), 0) FROM projectalpha.applied_migrations AS a
         WHERE a.project_id = p.id) AS version
     , p.created_at
     , p.client_id
     , p.settings
     , p.updated_at
  FROM projectalpha.projects AS p
  LEFT JOIN projectalpha.clients AS c ON c.id = p.client_id;
COMMENT ON VIEW projectalpha.project_list IS
    'Projects: client, status, schema, version of the template, and settings';

-- What hangs on a project or a client goes with it, however that goes: a project
-- that gets its id again must not be opened by an old token. Tokens stay, revoked: where
-- everybody may write, whoever still has one must not go on as everybody.
CREATE FUNCTION projectalpha.forget_project() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE projectalpha.credentials SET revoked_at = coalesce(revoked_at, now()) WHERE project_id IS NOT NULL;
        DELETE FROM projectalpha.project_tools;
        DELETE FROM projectalpha.applied_migrations;
        DELETE FROM projectalpha.upgrade_failures;
    ELSE
        UPDATE projectalpha.credentials AS c SET revoked_at = coalesce(c.revoked_at, now()) FROM gone WHERE c.project_id = gone.id;
        DELETE FROM projectalpha.project_tools AS t USING gone WHERE t.project_id = gone.id;
        DELETE FROM projectalpha.applied_migrations AS a USING gone WHERE a.project_id = gone.id;
        DELETE FROM projectalpha.upgrade_failures AS f USING gone WHERE f.project_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_project() IS
    'Trigger function: removes tokens, tools and migrations of projects that are gone';
CREATE TRIGGER forget_deleted AFTER DELETE ON projectalpha.projects
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project();
CREATE TRIGGER forget_all AFTER TRUNCATE ON projectalpha.projects
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project();
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_deleted;
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_all;

CREATE FUNCTION projectalpha.forget_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.client_tools;
    ELSE
        DELETE FROM projectalpha.client_tools AS t USING gone WHERE t.client_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_client() IS
    'Trigger function: removes what clients that are gone might have enabled';
CREATE TRIGGER forget_deleted AFTER DELETE ON projectalpha.clients
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_client();
CREATE TRIGGER forget_all AFTER TRUNCATE ON projectalpha.clients
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_client();
ALTER TABLE projectalpha.clients ENABLE ALWAYS TRIGGER forget_deleted;
ALTER TABLE projectalpha.clients ENABLE ALWAYS TRIGGER forget_all;

-- Each project is upgraded in a transaction of its own; interrupted and called
-- again, it goes on with those that are left. Only the project at hand is locked,
-- and one row at a time is kept in memory. A SET clause would forbid COMMIT, so
-- all is qualified.
CREATE PROCEDURE projectalpha.upgrade_all_projects(
    to_version integer DEFAULT NULL, "only" bigint[] DEFAULT NULL, on_error text DEFAULT 'stop')
LANGUAGE plpgsql AS $$
DECLARE
    unknown bigint;
    project bigint := 0;
    reached integer;
    failure_step pg_catalog.text;
    failure_sqlstate pg_catalog.text;
    failure_message pg_catalog.text;
    total bigint;
    visited bigint := 0;
    failed bigint := 0;
BEGIN
    IF on_error IS NULL OR on_error OPERATOR(pg_catalog.<>) ALL (ARRAY['stop', 'continue']) THEN
        RAISE EXCEPTION 'on_error must be stop or continue'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'It says what becomes of the projects after one that fails.',
                  HINT = 'CALL projectalpha.upgrade_all_projects(on_error => ''continue'');';
    END IF;
    -- Outside of transactions only, and each of them sees what is committed, whatever
    -- the default of the session is.
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    IF to_version IS NOT NULL AND NOT EXISTS (
        SELECT FROM projectalpha.project_migrations AS m
         WHERE m.version OPERATOR(pg_catalog.=) upgrade_all_projects.to_version)
    THEN
        RAISE EXCEPTION 'There is no migration %', to_version
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'The template has no such version.',
                  HINT = 'SELECT version, name FROM projectalpha.project_migrations lists them; without to_version a project gets all.';
    END IF;
    SELECT o.id INTO unknown FROM pg_catalog.unnest("only") AS o (id)
     WHERE NOT EXISTS (SELECT FROM projectalpha.project_upgrades AS u
                        WHERE u.project_id OPERATOR(pg_catalog.=) o.id)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Project not found'
            USING ERRCODE = 'undefined_object',
                  DETAIL = pg_catalog.format('There is no project with id %s.', COALESCE(unknown::pg_catalog.text, 'NULL')),
                  HINT = 'SELECT id, name FROM projectalpha.project_list lists the projects.';
    END IF;
    SELECT pg_catalog.count(*) INTO total FROM projectalpha.project_upgrades AS u
     WHERE (u.version OPERATOR(pg_catalog.<) COALESCE(upgrade_all_projects.to_version, u.latest_version)
            OR u.tools_behind OPERATOR(pg_catalog.>) 0)
       AND ("only" IS NULL OR u.project_id OPERATOR(pg_catalog.=) ANY ("only"));
    LOOP
        SELECT u.project_id INTO project FROM projectalpha.project_upgrades AS u
         WHERE u.project_id OPERATOR(pg_catalog.>) project
           AND (u.version OPERATOR(pg_catalog.<) COALESCE(upgrade_all_projects.to_version, u.latest_version)
                OR u.tools_behind OPERATOR(pg_catalog.>) 0)
           AND ("only" IS NULL OR u.project_id OPERATOR(pg_catalog.=) ANY ("only"))
         ORDER BY u.project_id LIMIT 1;
        EXIT WHEN NOT FOUND;
        visited := visited OPERATOR(pg_catalog.+) 1;
        SELECT r.version, r.failed_step, r.failed_sqlstate, r.failed_message
          INTO reached, failure_step, failure_sqlstate, failure_message
          FROM projectalpha.try_upgrade_project(project, upgrade_all_projects.to_version) AS r;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        IF failure_step IS NOT NULL THEN
            failed := failed OPERATOR(pg_catalog.+) 1;
            IF on_error OPERATOR(pg_catalog.=) 'stop' THEN
                RAISE EXCEPTION 'Project % (% of %): %', project, visited, total, failure_message
                    USING ERRCODE = failure_sqlstate,
                          DETAIL = pg_catalog.format('The project stays at version %s; those before it are upgraded.', reached),
                          HINT = 'Call it again to go on, or with on_error => ''continue'' to leave out what fails.';
            END IF;
            RAISE WARNING 'Project % (% of %): %', project, visited, total, failure_message;
        ELSIF reached IS NOT NULL THEN
            RAISE NOTICE 'Project % (% of %): version %', project, visited, total, reached;
        END IF;
    END LOOP;
    RAISE NOTICE 'Projects upgraded: %', visited OPERATOR(pg_catalog.-) failed;
    IF failed OPERATOR(pg_catalog.>) 0 THEN
        RAISE WARNING 'Projects that failed: %', failed
            USING HINT = 'SELECT * FROM projectalpha.project_upgrades WHERE failed_at IS NOT NULL tells why.';
    END IF;
END
$$;
COMMENT ON PROCEDURE projectalpha.upgrade_all_projects(integer, bigint[], text) IS
    'Calls upgrade_project for each project that is behind, each in a transaction of its own';

-- One tool, many tenants: each project that has a tool enabled has a table of it.

-- What projects and clients have of a tool goes with it, for the reason given at
-- projectalpha.forget_credentials, unless the tool is archived. Their tables stay:
-- delete_tool() refuses to leave any.
CREATE FUNCTION projectalpha.forget_tool_uses() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.project_tools;
        DELETE FROM projectalpha.client_tools AS c
         WHERE NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = c.tool_id);
    ELSE
        DELETE FROM projectalpha.project_tools AS x USING gone WHERE x.tool_id = gone.id;
        DELETE FROM projectalpha.client_tools AS c USING gone
         WHERE c.tool_id = gone.id
           AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a WHERE a.tool_id = gone.id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_uses_of_deleted AFTER DELETE ON projectalpha.tools
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_tool_uses();
CREATE TRIGGER forget_uses_of_all AFTER TRUNCATE ON projectalpha.tools
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_tool_uses();
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_uses_of_deleted;
ALTER TABLE projectalpha.tools ENABLE ALWAYS TRIGGER forget_uses_of_all;

CREATE VIEW projectalpha.project_tool_list AS
SELECT x.project_id
     , p.name AS project_name
     , t.tool_name
     , 'project_' || x.project_id || '.tool_' || t.tool_name AS table_name
     , x.schema_version
     , coalesce((SELECT max(h.version) FROM projectalpha.schema_history AS h WHERE h.tool_id = x.tool_id), 1) AS latest_version
     , x.disabled_at IS NULL AS enabled
     , x.enabled_at
     , x.disabled_at
     , (SELECT string_agg(c.hint, ', ' ORDER BY c.id)
          FROM projectalpha.credentials AS c
         WHERE c.tool_id = x.tool_id
           AND c.project_id = x.project_id
           AND c.agent_id IS NULL
           AND c.revoked_at IS NULL
           AND (c.expires_at IS NULL OR c.expires_at > now())) AS token_hint
  FROM projectalpha.project_tools AS x
  JOIN projectalpha.tools AS t ON t.id = x.tool_id
  LEFT JOIN projectalpha.projects AS p ON p.id = x.project_id;

-- Views with more columns, at their end: what depends on them stays.

CREATE OR REPLACE VIEW projectalpha.registered_tools AS
SELECT t.id
     , t.tool_name
     , t.schema_definition
     , t.created_at
     , CASE t.storage WHEN 'table' THEN 'tool_' || t.tool_name END AS table_name
     , t.sensitive
     , (SELECT string_agg(c.hint, ', ' ORDER BY c.id)
          FROM projectalpha.credentials AS c
         WHERE c.tool_id = t.id
           AND c.project_id IS NULL
           AND c.agent_id IS NULL
           AND c.revoked_at IS NULL
           AND (c.expires_at IS NULL OR c.expires_at > now())) AS token_hint
     , t.description
     , t.options
     , t.is_active
     , t.storage
  FROM projectalpha.tools AS t;

CREATE OR REPLACE VIEW projectalpha.active_tokens AS
SELECT c.id AS token_id
     , c.scopes
     , t.tool_name
     , c.hint
     , c.label
     , c.created_at
     , c.expires_at
     , c.project_id
     , c.agent_id
  FROM projectalpha.credentials AS c
  LEFT JOIN projectalpha.tools AS t ON t.id = c.tool_id
 WHERE c.revoked_at IS NULL
   AND (c.expires_at IS NULL OR c.expires_at > now());

CREATE OR REPLACE VIEW projectalpha.archived_tool_list AS
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

CREATE OR REPLACE VIEW projectalpha.configured_tools AS
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

-- The tools, for whoever wants to use one: where it is and what it takes (spec 000, step 5). Registered ones and
-- those that are only configured, one after the other: so that a name finds its tool by an index.
CREATE OR REPLACE VIEW projectalpha.tool_directory AS
SELECT t.tool_name
     , CASE WHEN t.storage = 'none' THEN NULL
            WHEN c.tool_name IS NOT NULL THEN '/tool-' || t.tool_name
            ELSE '/tools/' || t.tool_name END AS endpoint
     , CASE t.storage WHEN 'table' THEN 'tool_' || t.tool_name END AS table_name
     , t.sensitive
     , CASE WHEN t.storage = 'none' THEN 'none'
            WHEN t.sensitive THEN 'tool token to write and to read'
            WHEN c.tool_name IS NOT NULL THEN 'none'
            ELSE 'tool token to write; reading is public' END AS token_kind
     , t.schema_definition AS fields
     , t.description
     , t.created_at
     , t.is_active
  FROM projectalpha.tools AS t
  LEFT JOIN projectalpha.tool_configuration AS c ON c.tool_name = t.tool_name
UNION ALL
SELECT c.tool_name
     , '/tool-' || c.tool_name
     , CASE WHEN c.use_individual_table THEN 'tool_' || c.tool_name ELSE 'multiple_tools' END
     , c.sensitive
     , CASE WHEN c.sensitive THEN 'tool token to write and to read' ELSE 'none' END
     , NULL
     , NULL
     , c.created_at
     , true
  FROM projectalpha.tool_configuration AS c
 WHERE NOT EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.tool_name = c.tool_name);

-- What goes on in the tables, from what PostgreSQL counts anyway: nothing is added to a write.
CREATE OR REPLACE VIEW projectalpha.tool_activity AS
WITH used (tool_name, table_name) AS
    ( SELECT t.tool_name, 'tool_' || t.tool_name FROM projectalpha.tools AS t WHERE t.storage = 'table'
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

-- The words of the tools that are there.
INSERT INTO projectalpha.tool_search AS s (tool_id, name_part, description_part, tags_part)
SELECT n.id
     , setweight(to_tsvector('simple', w.name) || to_tsvector('english', w.name), 'A')
     , setweight(to_tsvector('simple', w.description) || to_tsvector('english', w.description), 'C')
     , setweight(to_tsvector('simple', w.tags) || to_tsvector('english', w.tags), 'B')
  FROM projectalpha.tools AS n
  LEFT JOIN projectalpha.tool_info AS i ON i.tool_id = n.id
 CROSS JOIN LATERAL
       ( SELECT translate(n.tool_name, '_', ' ')
              , regexp_replace(left(coalesce(n.description, ''), 20000), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')
              , regexp_replace(array_to_string(i.tags, ' '), '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', ' ', 'g')
       ) AS t (name, description, tags)
 CROSS JOIN LATERAL (SELECT t.name, t.description, coalesce(t.tags, '')) AS w (name, description, tags)
 ORDER BY n.id
    ON CONFLICT (tool_id) DO UPDATE
   SET name_part = EXCLUDED.name_part, description_part = EXCLUDED.description_part;

-- Functions with more arguments, then all that are new.

DROP FUNCTION projectalpha.rotate_token(text, interval, text, text, text);
DROP FUNCTION projectalpha.register_tool(text, text, jsonb, bool, text, text, bool, bool, bool, bigint, bigint);

CREATE FUNCTION projectalpha.allow_tool(
    tool_name TEXT,
    client_id bigint
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'allow_tool_wrapper';

CREATE FUNCTION projectalpha.deactivate_tool(
    tool_name TEXT,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'deactivate_tool_wrapper';

CREATE FUNCTION projectalpha.enable_tool(
    tool_name TEXT,
    project_id bigint,
    token TEXT DEFAULT NULL
) RETURNS TEXT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'enable_tool_wrapper';

CREATE FUNCTION projectalpha.search_tools(
    query TEXT DEFAULT NULL,
    tags TEXT[] DEFAULT NULL,
    category TEXT DEFAULT NULL,
    active bool DEFAULT true,
    row_limit INT DEFAULT 20,
    row_offset bigint DEFAULT 0
) RETURNS TABLE (
    tool_name TEXT, 
    description TEXT, 
    category TEXT, 
    tags TEXT[], 
    version TEXT, 
    is_active bool, 
    rank real 
)
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'search_tools_wrapper';

CREATE FUNCTION projectalpha.create_agent(
    name TEXT,
    description TEXT DEFAULT NULL,
    roles TEXT[] DEFAULT '{}',
    permissions TEXT[] DEFAULT '{}',
    admin_token TEXT DEFAULT NULL
) RETURNS TABLE (
    agent_id bigint,
    api_key TEXT
)
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'create_agent_wrapper';

CREATE FUNCTION projectalpha.update_agent(
    agent_id bigint,
    changes jsonb,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'update_agent_wrapper';

CREATE FUNCTION projectalpha.deactivate_agent(
    agent_id bigint,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'deactivate_agent_wrapper';

CREATE FUNCTION projectalpha.activate_agent(
    agent_id bigint,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'activate_agent_wrapper';

CREATE FUNCTION projectalpha.delete_agent(
    agent_id bigint,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'delete_agent_wrapper';

CREATE FUNCTION projectalpha.rotate_api_key(
    agent_id bigint,
    admin_token TEXT DEFAULT NULL,
    api_key TEXT DEFAULT NULL
) RETURNS TEXT
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'rotate_api_key_wrapper';

CREATE FUNCTION projectalpha.issue_credential(
    agent_id bigint,
    tool_name TEXT,
    scopes TEXT[],
    expires_in interval,
    project_id bigint DEFAULT NULL,
    label TEXT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL,
    api_key TEXT DEFAULT NULL
) RETURNS TEXT
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'issue_credential_wrapper';

CREATE FUNCTION projectalpha.list_credentials(
    agent_id bigint DEFAULT NULL,
    tool_name TEXT DEFAULT NULL,
    live bool DEFAULT true,
    admin_token TEXT DEFAULT NULL,
    api_key TEXT DEFAULT NULL
) RETURNS TABLE (
    credential_id bigint,
    agent_id bigint,
    agent_name TEXT,
    tool_name TEXT,
    project_id bigint,
    scopes TEXT[],
    hint TEXT,
    label TEXT,
    created_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    is_live bool
)
STABLE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'list_credentials_wrapper';

CREATE FUNCTION projectalpha.revoke_credential(
    credential_id bigint,
    admin_token TEXT DEFAULT NULL,
    api_key TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'revoke_credential_wrapper';

CREATE FUNCTION projectalpha.revoke_all(
    agent_id bigint,
    admin_token TEXT DEFAULT NULL,
    api_key TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'revoke_all_wrapper';

CREATE FUNCTION projectalpha.create_object_model(
    name TEXT,
    version TEXT,
    structure jsonb,
    description TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'create_object_model_wrapper';

CREATE FUNCTION projectalpha.activate_tool(
    tool_name TEXT,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'activate_tool_wrapper';

CREATE FUNCTION projectalpha.adapt_prompt(
    project_id bigint,
    prompt_id bigint,
    content TEXT,
    token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'adapt_prompt_wrapper';

CREATE FUNCTION projectalpha.reveal_tool_secret(
    tool_name TEXT,
    key TEXT
) RETURNS TEXT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'reveal_tool_secret_wrapper';

CREATE FUNCTION projectalpha.delete_client(
    client_id bigint
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'delete_client_wrapper';

CREATE FUNCTION projectalpha.across_projects(
    table_name TEXT,
    projects bigint[] DEFAULT NULL,
    where_filter jsonb DEFAULT NULL
) RETURNS SETOF jsonb
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'across_projects_wrapper';

CREATE FUNCTION projectalpha.try_upgrade_project(
    project_id bigint,
    to_version INT DEFAULT NULL
) RETURNS TABLE (
    version INT, 
    failed_step TEXT, 
    failed_sqlstate TEXT, 
    failed_message TEXT 
)
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'try_upgrade_project_wrapper';

CREATE FUNCTION projectalpha.set_vocabulary(
    project_id bigint,
    term TEXT,
    definition TEXT,
    category TEXT DEFAULT NULL,
    token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'set_vocabulary_wrapper';

CREATE FUNCTION projectalpha.set_project_status(
    project_id bigint,
    status TEXT
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'set_project_status_wrapper';

CREATE FUNCTION projectalpha.revoke_project_access(
    project_id bigint,
    role_name TEXT
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'revoke_project_access_wrapper';

CREATE FUNCTION projectalpha.update_prompt(
    prompt_id bigint,
    name TEXT DEFAULT NULL,
    template TEXT DEFAULT NULL,
    parameters jsonb DEFAULT NULL,
    object_model_id bigint DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'update_prompt_wrapper';

CREATE FUNCTION projectalpha.issue_project_token(
    project_id bigint,
    scopes TEXT[] DEFAULT '{read,write}',
    expires timestamp with time zone DEFAULT NULL
) RETURNS TEXT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'issue_project_token_wrapper';

CREATE FUNCTION projectalpha.set_metadata(
    project_id bigint,
    key TEXT,
    value jsonb,
    description TEXT DEFAULT NULL,
    token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'set_metadata_wrapper';

CREATE FUNCTION projectalpha.disable_tool(
    tool_name TEXT,
    project_id bigint,
    keep_data bool DEFAULT true
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'disable_tool_wrapper';

CREATE FUNCTION projectalpha.drop_project(
    project_id bigint,
    confirm_name TEXT
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'drop_project_wrapper';

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
    max_bytes bigint DEFAULT NULL,
    storage TEXT DEFAULT 'table'
) RETURNS TABLE (
    tool_name TEXT, 
    table_name TEXT, 
    token TEXT 
)
VOLATILE PARALLEL UNSAFE  
LANGUAGE c
AS 'MODULE_PATHNAME', 'register_tool_with_storage_wrapper';

CREATE FUNCTION projectalpha.store_content(
    project_id bigint,
    object_model_id bigint,
    title TEXT,
    body TEXT,
    metadata jsonb DEFAULT NULL,
    token TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'store_content_wrapper';

CREATE FUNCTION projectalpha.update_tool_info(
    tool_name TEXT,
    changes jsonb,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'update_tool_info_wrapper';

CREATE FUNCTION projectalpha.add_project_migration(
    name TEXT,
    sql TEXT
) RETURNS INT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'add_project_migration_wrapper';

CREATE FUNCTION projectalpha.grant_project_access(
    project_id bigint,
    role_name TEXT,
    level TEXT
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'grant_project_access_wrapper';

CREATE FUNCTION projectalpha.remove_project_migration(
    version INT
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'remove_project_migration_wrapper';

CREATE FUNCTION projectalpha.export_project(
    project_id bigint
) RETURNS jsonb
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'export_project_wrapper';

CREATE FUNCTION projectalpha.rotate_token(
    tool_name TEXT,
    grace interval DEFAULT '0',
    token TEXT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL,
    current_token TEXT DEFAULT NULL,
    project_id bigint DEFAULT NULL
) RETURNS TEXT
VOLATILE PARALLEL UNSAFE  
LANGUAGE c
AS 'MODULE_PATHNAME', 'rotate_token_in_project_wrapper';

CREATE FUNCTION projectalpha.adopt_project(
    schema_name TEXT,
    name TEXT DEFAULT NULL,
    client_id bigint DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'adopt_project_wrapper';

CREATE FUNCTION projectalpha.create_project(
    name TEXT,
    client_id bigint DEFAULT NULL,
    settings jsonb DEFAULT '{}'
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'create_project_wrapper';

CREATE FUNCTION projectalpha.rotate_secrets(
    old_key_file TEXT,
    batch INT DEFAULT 1000
) RETURNS TABLE (
    rotated bigint, 
    remaining bigint, 
    others bigint 
)
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'rotate_secrets_wrapper';

CREATE FUNCTION projectalpha.create_client(
    name TEXT,
    contact_email TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'create_client_wrapper';

CREATE FUNCTION projectalpha.delete_object_model(
    object_model_id bigint
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'delete_object_model_wrapper';

CREATE FUNCTION projectalpha.disallow_tool(
    tool_name TEXT,
    client_id bigint
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'disallow_tool_wrapper';

CREATE FUNCTION projectalpha.delete_prompt(
    prompt_id bigint
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'delete_prompt_wrapper';

CREATE FUNCTION projectalpha.create_prompt(
    name TEXT,
    template TEXT,
    parameters jsonb DEFAULT NULL,
    object_model_id bigint DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'create_prompt_wrapper';

CREATE FUNCTION projectalpha.upgrade_project(
    project_id bigint,
    to_version INT DEFAULT NULL
) RETURNS INT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'upgrade_project_wrapper';

CREATE FUNCTION projectalpha.render_prompt(
    project_id bigint,
    prompt_id bigint,
    parameters jsonb DEFAULT NULL,
    token TEXT DEFAULT NULL
) RETURNS TEXT
STABLE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'render_prompt_wrapper';

CREATE FUNCTION projectalpha.record_llm_usage(
    project_id bigint,
    prompt_id bigint,
    model TEXT,
    tokens_in bigint,
    tokens_out bigint,
    cost NUMERIC,
    token TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'record_llm_usage_wrapper';

-- What all projects share: object models and prompts (spec 003's public schema). No foreign keys, for the reason given at projectalpha.credentials.

CREATE TABLE projectalpha.object_models
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name text NOT NULL
, version text NOT NULL
, structure jsonb NOT NULL CHECK (jsonb_typeof(structure) = 'object')
, description text
, created_at timestamptz NOT NULL DEFAULT now()
, UNIQUE (name, version)
);
COMMENT ON TABLE projectalpha.object_models IS
    'What contents of projects are instances of; structure is the JSON Schema of their metadata';

CREATE TABLE projectalpha.prompts
( id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
, name text NOT NULL UNIQUE
, template text NOT NULL
, parameters jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(parameters) = 'object')
, object_model_id bigint
, created_at timestamptz NOT NULL DEFAULT now()
, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX prompts_object_model_id ON projectalpha.prompts (object_model_id) WHERE object_model_id IS NOT NULL;
COMMENT ON TABLE projectalpha.prompts IS
    'Templates with {{placeholders}}; a project may have an adaptation of its own in prompt_components';

-- The bill. PL/pgSQL, as it is planned when it runs: the table of usage is made at first use. With bounds it
-- reads those days alone; NULL is no bound. No number that somebody reports makes it fail: sums end at the largest bigint.
CREATE FUNCTION projectalpha.llm_usage_by_day(from_day date DEFAULT NULL, to_day date DEFAULT NULL)
RETURNS TABLE (day date, client_id bigint, client text, project_id bigint, project text, model text,
               calls bigint, tokens_in bigint, tokens_out bigint, cost numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF to_regclass('projectalpha_data.llm_usage') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT s.day, s.client_id, c.name, s.project_id, p.name, s.model
         , s.calls, s.tokens_in, s.tokens_out, s.cost
      FROM ( SELECT (u.created_at AT TIME ZONE 'UTC')::date AS day
                  , u.client_id
                  , u.project_id
                  , u.model
                  , count(*) AS calls
                  , least(sum(u.tokens_in), 9223372036854775807)::bigint AS tokens_in
                  , least(sum(u.tokens_out), 9223372036854775807)::bigint AS tokens_out
                  , trim_scale(sum(u.cost)) AS cost
               FROM projectalpha_data.llm_usage AS u
              WHERE u.created_at >= coalesce(llm_usage_by_day.from_day::timestamp AT TIME ZONE 'UTC', '-infinity')
                AND u.created_at < coalesce((llm_usage_by_day.to_day + 1)::timestamp AT TIME ZONE 'UTC', 'infinity')
              GROUP BY 1, 2, 3, 4 ) AS s
      LEFT JOIN projectalpha.clients AS c ON c.id = s.client_id
      LEFT JOIN projectalpha.projects AS p ON p.id = s.project_id
     ORDER BY s.day, s.client_id, s.project_id, s.model;
END
$$;
COMMENT ON FUNCTION projectalpha.llm_usage_by_day(date, date) IS
    'What LLM calls have cost, by day (UTC), client, project and model; both days inclusive';

CREATE VIEW projectalpha.llm_usage_daily AS
SELECT u.day, u.client_id, u.client, u.project_id, u.project, u.model, u.calls, u.tokens_in, u.tokens_out, u.cost
  FROM projectalpha.llm_usage_by_day() AS u;
COMMENT ON VIEW projectalpha.llm_usage_daily IS
    'What LLM calls have cost, by day (UTC), client, project and model';
COMMENT ON COLUMN projectalpha.llm_usage_daily.client_id IS
    'The client that the project belonged to at the time of the call; NULL if none';
COMMENT ON COLUMN projectalpha.llm_usage_daily.project IS
    'NULL once the project is dropped: its calls stay on the bill';

GRANT SELECT ON projectalpha.object_models, projectalpha.prompts TO projectalpha_admin, projectalpha_reader;
GRANT SELECT ON projectalpha.llm_usage_daily TO projectalpha_admin, projectalpha_reader;
GRANT EXECUTE ON FUNCTION projectalpha.llm_usage_by_day(date, date) TO projectalpha_admin, projectalpha_reader;

SELECT pg_extension_config_dump('projectalpha.object_models', '');
SELECT pg_extension_config_dump('projectalpha.object_models_id_seq', '');
SELECT pg_extension_config_dump('projectalpha.prompts', '');
SELECT pg_extension_config_dump('projectalpha.prompts_id_seq', '');

GRANT EXECUTE ON FUNCTION
    projectalpha.grant_project_access(bigint, text, text),
    projectalpha.revoke_project_access(bigint, text),
    projectalpha.across_projects(text, bigint[], jsonb),
    projectalpha.export_project(bigint),
    projectalpha.adopt_project(text, text, bigint)
TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.grant_project_access(bigint, text, text) IS
    'Lets a database role read or write the tables of one project directly';
COMMENT ON FUNCTION projectalpha.revoke_project_access(bigint, text) IS
    'Takes all privileges in a project''s schema from a database role';
COMMENT ON FUNCTION projectalpha.across_projects(text, bigint[], jsonb) IS
    'Gives the rows of one table of many projects, with the project''s id in each';
COMMENT ON FUNCTION projectalpha.export_project(bigint) IS
    'Writes into a project''s schema what else belongs to it, so that a dump of the schema has all';
COMMENT ON FUNCTION projectalpha.adopt_project(text, text, bigint) IS
    'Makes a project of a schema that was restored from such a dump';

-- The registry: who may call what, and what it is for.
GRANT EXECUTE ON FUNCTION
    projectalpha.update_tool_info(text, jsonb, text),
    projectalpha.deactivate_tool(text, text),
    projectalpha.activate_tool(text, text)
TO projectalpha_anon, projectalpha_admin;
GRANT EXECUTE ON FUNCTION
    projectalpha.search_tools(text, text[], text, boolean, integer, bigint)
TO projectalpha_anon, projectalpha_admin, projectalpha_reader;
GRANT EXECUTE ON FUNCTION
    projectalpha.reveal_tool_secret(text, text),
    projectalpha.rotate_secrets(text, integer)
TO projectalpha_admin;
GRANT EXECUTE ON PROCEDURE projectalpha.rotate_secret_key(text, integer) TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.update_tool_info(text, jsonb, text) IS
    'Changes what the catalogue says of a tool: named keys only, null clears one';
COMMENT ON FUNCTION projectalpha.deactivate_tool(text, text) IS
    'Has a tool refuse every write; reading goes on';
COMMENT ON FUNCTION projectalpha.activate_tool(text, text) IS
    'Has a tool take writes again';
COMMENT ON FUNCTION projectalpha.search_tools(text, text[], text, boolean, integer, bigint) IS
    'Finds tools by words of their names, descriptions and tags, by tags and by category; the best first';
COMMENT ON FUNCTION projectalpha.reveal_tool_secret(text, text) IS
    'Shows a secret of a tool to an administrator, and writes down that it did';
COMMENT ON FUNCTION projectalpha.rotate_secrets(text, integer) IS
    'Seals one batch of secrets with the new key that the old one had sealed; rotate_secret_key() calls it';

GRANT EXECUTE ON FUNCTION
    projectalpha.enable_tool(text, bigint, text),
    projectalpha.disable_tool(text, bigint, boolean),
    projectalpha.allow_tool(text, bigint),
    projectalpha.disallow_tool(text, bigint)
TO projectalpha_admin;
GRANT SELECT ON projectalpha.client_tools TO projectalpha_admin;
GRANT SELECT ON projectalpha.project_tool_list TO projectalpha_admin, projectalpha_reader;

COMMENT ON VIEW projectalpha.project_tool_list IS
    'The tables that projects have of tools, enabled or kept, and how far behind they are';
COMMENT ON FUNCTION projectalpha.forget_tool_uses() IS
    'Trigger function: removes what clients and projects have of deleted tools';
COMMENT ON FUNCTION projectalpha.enable_tool(text, bigint, text) IS
    'Gives a project its own table of a tool; returns the project''s token this once';
COMMENT ON FUNCTION projectalpha.disable_tool(text, bigint, boolean) IS
    'Revokes a project''s tokens for a tool, and keeps or drops its records';
COMMENT ON FUNCTION projectalpha.allow_tool(text, bigint) IS
    'Lets the projects of a client use a tool';
COMMENT ON FUNCTION projectalpha.disallow_tool(text, bigint) IS
    'Takes back what allow_tool gave, unless a project uses the tool';

-- Caches of every session follow projects and their tools; what is new in them
-- makes no cached answer wrong.
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.projects FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER invalidate_caches;
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.project_tools FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.project_tools ENABLE ALWAYS TRIGGER invalidate_caches;

GRANT EXECUTE ON FUNCTION
    projectalpha.create_client(text, text),
    projectalpha.delete_client(bigint),
    projectalpha.create_project(text, bigint, jsonb),
    projectalpha.set_project_status(bigint, text),
    projectalpha.drop_project(bigint, text),
    projectalpha.add_project_migration(text, text),
    projectalpha.remove_project_migration(integer),
    projectalpha.upgrade_project(bigint, integer),
    projectalpha.try_upgrade_project(bigint, integer)
TO projectalpha_admin;
GRANT EXECUTE ON PROCEDURE projectalpha.upgrade_all_projects(integer, bigint[], text)
    TO projectalpha_admin;
GRANT SELECT ON projectalpha.clients, projectalpha.project_migrations TO projectalpha_admin;
GRANT SELECT ON projectalpha.project_list, projectalpha.project_upgrades, projectalpha.upgrade_progress
    TO projectalpha_admin, projectalpha_reader;

COMMENT ON TABLE projectalpha.clients IS 'Clients: who owns projects and is billed';
COMMENT ON TABLE projectalpha.projects IS 'Projects: tenants, each with the schema project_<id>';
COMMENT ON TABLE projectalpha.project_migrations IS
    'The template of every project''s schema, as the migrations that lead to it';
COMMENT ON TABLE projectalpha.applied_migrations IS
    'Which migrations each project has had, when, and what their text was then';
COMMENT ON TABLE projectalpha.upgrade_failures IS
    'Why the last upgrade of a project failed; no row if it did not';
COMMENT ON TABLE projectalpha.client_tools IS 'Which tools a client may enable for its projects';
COMMENT ON TABLE projectalpha.project_tools IS
    'Which tools a project has a table of, and which version of the tool''s schema it follows';
COMMENT ON FUNCTION projectalpha.create_client(text, text) IS
    'Adds a client, who owns projects and is billed, and returns its id';
COMMENT ON FUNCTION projectalpha.delete_client(bigint) IS 'Removes a client that has no projects';
COMMENT ON FUNCTION projectalpha.create_project(text, bigint, jsonb) IS
    'Adds a project with a schema of its own and every table of the template, and returns its id';
COMMENT ON FUNCTION projectalpha.set_project_status(bigint, text) IS
    'Makes a project active, suspended (read, not written) or archived';
COMMENT ON FUNCTION projectalpha.drop_project(bigint, text) IS
    'Drops a project with its schema, its tokens and all of its data';
COMMENT ON FUNCTION projectalpha.add_project_migration(text, text) IS
    'Adds a migration to the template of all projects and returns its version';
COMMENT ON FUNCTION projectalpha.remove_project_migration(integer) IS
    'Removes the last migration from the template, if no project has had it';
COMMENT ON FUNCTION projectalpha.upgrade_project(bigint, integer) IS
    'Brings a project to a version of the template and its tools to their definitions';
COMMENT ON FUNCTION projectalpha.try_upgrade_project(bigint, integer) IS
    'upgrade_project that notes and returns what failed instead of raising it';

CREATE FUNCTION projectalpha.create_policy(
    tool_name TEXT,
    name TEXT,
    effect TEXT,
    actions TEXT[],
    conditions jsonb DEFAULT '{}',
    allowed_scopes TEXT[] DEFAULT NULL,
    priority INT DEFAULT 0,
    description TEXT DEFAULT NULL,
    admin_token TEXT DEFAULT NULL
) RETURNS bigint
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'create_policy_wrapper';

CREATE FUNCTION projectalpha.update_policy(
    tool_name TEXT,
    name TEXT,
    changes jsonb,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'update_policy_wrapper';

CREATE FUNCTION projectalpha.delete_policy(
    tool_name TEXT,
    name TEXT,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'delete_policy_wrapper';

-- Policies: caches, privileges, comments.

-- Caches of every session follow policies, new ones too: a tool is kept with all of its policies.
CREATE TRIGGER invalidate_caches AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.policies FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.policies ENABLE ALWAYS TRIGGER invalidate_caches;

-- Functions that check tokens themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.create_policy(text, text, text, text[], jsonb, text[], integer, text, text),
    projectalpha.update_policy(text, text, jsonb, text),
    projectalpha.delete_policy(text, text, text)
TO projectalpha_anon, projectalpha_admin;

COMMENT ON FUNCTION projectalpha.create_policy(text, text, text, text[], jsonb, text[], integer, text, text) IS
    'Adds a policy that allows or denies actions on a tool under conditions; returns its id';
COMMENT ON FUNCTION projectalpha.update_policy(text, text, jsonb, text) IS
    'Changes a policy: what is named of it';
COMMENT ON FUNCTION projectalpha.delete_policy(text, text, text) IS
    'Deletes a policy of a tool';

-- Agents and their credentials: caches, privileges, comments.

-- Caches of every session follow agents; a new one makes no cached answer wrong.
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.agents FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.agents ENABLE ALWAYS TRIGGER invalidate_caches;

-- Functions that check tokens and keys themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.create_agent(text, text, text[], text[], text),
    projectalpha.update_agent(bigint, jsonb, text),
    projectalpha.deactivate_agent(bigint, text),
    projectalpha.activate_agent(bigint, text),
    projectalpha.delete_agent(bigint, text),
    projectalpha.rotate_api_key(bigint, text, text),
    projectalpha.issue_credential(bigint, text, text[], interval, bigint, text, text, text),
    projectalpha.list_credentials(bigint, text, boolean, text, text),
    projectalpha.revoke_credential(bigint, text, text),
    projectalpha.revoke_all(bigint, text, text)
TO projectalpha_anon, projectalpha_admin;
GRANT SELECT ON projectalpha.agents TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.create_agent(text, text, text[], text[], text) IS
    'Adds an agent, a user or service that gets credentials; returns its id, and its API key this once';
COMMENT ON FUNCTION projectalpha.update_agent(bigint, jsonb, text) IS
    'Changes name, description, roles or permissions of an agent: what is named of them';
COMMENT ON FUNCTION projectalpha.deactivate_agent(bigint, text) IS
    'Has none of an agent''s credentials work';
COMMENT ON FUNCTION projectalpha.activate_agent(bigint, text) IS
    'Has the credentials of an agent work again';
COMMENT ON FUNCTION projectalpha.delete_agent(bigint, text) IS
    'Deletes an agent with all of its credentials';
COMMENT ON FUNCTION projectalpha.rotate_api_key(bigint, text, text) IS
    'Gives an agent a new API key in place of those before it; returns it this once';
COMMENT ON FUNCTION projectalpha.issue_credential(bigint, text, text[], interval, bigint, text, text, text) IS
    'Makes a token with which an agent uses a tool, within what its policies grant; returns it this once';
COMMENT ON FUNCTION projectalpha.list_credentials(bigint, text, boolean, text, text) IS
    'Lists the credentials of agents, without what opens anything';
COMMENT ON FUNCTION projectalpha.revoke_credential(bigint, text, text) IS
    'Revokes a credential of an agent, or its API key';
COMMENT ON FUNCTION projectalpha.revoke_all(bigint, text, text) IS
    'Revokes all credentials of an agent, its API key included, and returns how many';

-- Privileges and comments of what projects share and keep.

-- Functions that check tokens themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.adapt_prompt(bigint, bigint, text, text),
    projectalpha.render_prompt(bigint, bigint, jsonb, text),
    projectalpha.store_content(bigint, bigint, text, text, jsonb, text),
    projectalpha.set_vocabulary(bigint, text, text, text, text),
    projectalpha.set_metadata(bigint, text, jsonb, text, text),
    projectalpha.record_llm_usage(bigint, bigint, text, bigint, bigint, numeric, text)
TO projectalpha_anon, projectalpha_admin;

-- Functions for administrators alone.
GRANT EXECUTE ON FUNCTION
    projectalpha.create_object_model(text, text, jsonb, text),
    projectalpha.delete_object_model(bigint),
    projectalpha.create_prompt(text, text, jsonb, bigint),
    projectalpha.update_prompt(bigint, text, text, jsonb, bigint),
    projectalpha.delete_prompt(bigint),
    projectalpha.issue_project_token(bigint, text[], timestamptz)
TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.create_object_model(text, text, jsonb, text) IS
    'Adds an object model, whose structure the metadata of contents must fit; returns its id';
COMMENT ON FUNCTION projectalpha.delete_object_model(bigint) IS
    'Deletes an object model that no content and no prompt refers to';
COMMENT ON FUNCTION projectalpha.create_prompt(text, text, jsonb, bigint) IS
    'Adds a prompt with {{placeholders}} that all projects share; returns its id';
COMMENT ON FUNCTION projectalpha.update_prompt(bigint, text, text, jsonb, bigint) IS
    'Changes what is given of a prompt, for all projects without an adaptation of it';
COMMENT ON FUNCTION projectalpha.delete_prompt(bigint) IS
    'Deletes a prompt; adaptations of it stay in their projects, of no use';
COMMENT ON FUNCTION projectalpha.issue_project_token(bigint, text[], timestamptz) IS
    'Makes a token for a project, to read, to write or both; returns it this once';
COMMENT ON FUNCTION projectalpha.adapt_prompt(bigint, bigint, text, text) IS
    'Gives a project its own text of a prompt';
COMMENT ON FUNCTION projectalpha.render_prompt(bigint, bigint, jsonb, text) IS
    'Renders a prompt as the project has it, with a value for each placeholder';
COMMENT ON FUNCTION projectalpha.store_content(bigint, bigint, text, text, jsonb, text) IS
    'Stores a content whose metadata fits its object model and returns its id';
COMMENT ON FUNCTION projectalpha.set_vocabulary(bigint, text, text, text, text) IS
    'Sets the definition of a term of a project';
COMMENT ON FUNCTION projectalpha.set_metadata(bigint, text, jsonb, text, text) IS
    'Sets a value of a project''s metadata';
COMMENT ON FUNCTION projectalpha.record_llm_usage(bigint, bigint, text, bigint, bigint, numeric, text) IS
    'Records a call of a language model for the bill and returns its id';

-- Rates that hold across sessions.
CREATE FUNCTION projectalpha.rate_limit_status() RETURNS TABLE (
    available bool,
    slots bigint,
    used bigint,
    evicted_live bigint
)
STRICT VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'rate_limit_status_wrapper';

GRANT EXECUTE ON FUNCTION projectalpha.rate_limit_status() TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.rate_limit_status() IS
    'How full the shared memory is in which rates are counted';

-- A new credential makes no cached answer wrong, as what is not found is not cached.
DROP TRIGGER invalidate_caches ON projectalpha.credentials;
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.credentials FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.credentials ENABLE ALWAYS TRIGGER invalidate_caches;

-- What the access log keeps, and what it tells.

CREATE FUNCTION projectalpha.configure_access_log(
    tool_name TEXT,
    level TEXT DEFAULT NULL,
    payloads bool DEFAULT false,
    admin_token TEXT DEFAULT NULL
) RETURNS void
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'configure_access_log_wrapper';

CREATE FUNCTION projectalpha.summarise_usage() RETURNS bigint
STRICT VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'summarise_usage_wrapper';

CREATE FUNCTION projectalpha.drop_access_logs(
    before date
) RETURNS INT
VOLATILE PARALLEL UNSAFE 
LANGUAGE c
AS 'MODULE_PATHNAME', 'drop_access_logs_wrapper';

-- What the access log tells. PL/pgSQL, as it is planned when it runs: the log is made at first use, the figures by the
-- first summarise_usage(). With what is new in the log, or without.
CREATE FUNCTION projectalpha.usage_figures(with_new boolean DEFAULT false)
RETURNS TABLE (day date, client_id bigint, project_id bigint, tool_id bigint, tool_name text, agent_id bigint,
               calls bigint, allowed bigint, denied bigint, errors bigint, total_ms double precision,
               first_seen timestamptz, last_seen timestamptz, last_used timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    source record;
BEGIN
    IF to_regclass('projectalpha_data.api_usage') IS NOT NULL THEN
        RETURN QUERY
        SELECT u.day, u.client_id, u.project_id, u.tool_id, u.tool_name, u.agent_id, u.calls, u.allowed, u.denied, u.errors
             , u.total_ms, u.first_seen, u.last_seen, u.last_used
          FROM projectalpha_data.api_usage AS u;
    END IF;
    IF with_new IS NOT TRUE OR to_regclass('projectalpha_data.access_logs') IS NULL THEN
        RETURN;
    END IF;
    FOR source IN
        WITH RECURSIVE clusters (cluster) AS
            ( SELECT min(l.cluster) FROM projectalpha_data.access_logs AS l
              UNION ALL
              SELECT (SELECT min(l.cluster) FROM projectalpha_data.access_logs AS l WHERE l.cluster > c.cluster)
                FROM clusters AS c WHERE c.cluster IS NOT NULL
            )
        SELECT c.cluster, '0'::xid8 AS horizon FROM clusters AS c WHERE c.cluster IS NOT NULL
    LOOP
        IF to_regclass('projectalpha_data.access_log_horizons') IS NOT NULL THEN
            source.horizon := coalesce((SELECT h.xid FROM projectalpha_data.access_log_horizons AS h
                                         WHERE h.cluster = source.cluster), '0'::xid8);
        END IF;
        RETURN QUERY
        SELECT (l.logged_at AT TIME ZONE 'UTC')::date, p.client_id, l.project_id, l.tool_id
             , CASE WHEN l.tool_id IS NOT NULL THEN l.tool_name END, l.agent_id
             , count(*)
             , count(*) FILTER (WHERE l.status = 'success')
             , count(*) FILTER (WHERE l.status = 'denied')
             , count(*) FILTER (WHERE l.status = 'error')
             , coalesce(sum(l.duration_ms) FILTER (WHERE l.status <> 'denied'), 0)
             , min(l.logged_at), max(l.logged_at), max(l.logged_at) FILTER (WHERE l.status <> 'denied')
          FROM projectalpha_data.access_logs AS l
          LEFT JOIN projectalpha.projects AS p ON p.id = l.project_id
         WHERE l.cluster = source.cluster AND l.xid >= source.horizon
         GROUP BY 1, 2, 3, 4, 5, 6;
    END LOOP;
END
$$;
COMMENT ON FUNCTION projectalpha.usage_figures(boolean) IS
    'Attempts by day (UTC), client, project, tool and agent: what summarise_usage() has added up, and with true what is new in the log';

-- Spec 002, ToolMetadata. A tool that has the id of one that was dropped with the extension has none of its figures.
CREATE VIEW projectalpha.tool_metadata AS
SELECT t.id AS tool_id
     , t.tool_name
     , i.schema_type
     , i.schema_version
     , i.inputs
     , i.outputs
     , i.examples
     , coalesce(u.used, 0) AS usage_count
     , u.last_used
     , u.total_ms / nullif(u.used, 0) / 1000 AS avg_response_time
     , 100.0::double precision * u.errors / nullif(u.used, 0) AS error_rate
     , i.custom_metrics
  FROM projectalpha.tools AS t
  LEFT JOIN projectalpha.tool_info AS i ON i.tool_id = t.id
  LEFT JOIN ( SELECT f.tool_id
                   , sum(f.allowed + f.errors)::bigint AS used
                   , max(f.last_used) AS last_used
                   , sum(f.total_ms) AS total_ms
                   , sum(f.errors)::bigint AS errors
                FROM projectalpha.usage_figures() AS f
                JOIN projectalpha.tools AS t ON t.id = f.tool_id AND f.last_seen >= t.created_at
               GROUP BY f.tool_id ) AS u ON u.tool_id = t.id;
COMMENT ON VIEW projectalpha.tool_metadata IS
    'Facts and figures of every tool (spec 002, ToolMetadata); the figures as of the last summarise_usage()';
COMMENT ON COLUMN projectalpha.tool_metadata.usage_count IS
    'Attempts that were let in, of those that the access log keeps';
COMMENT ON COLUMN projectalpha.tool_metadata.avg_response_time IS 'In seconds, of those';
COMMENT ON COLUMN projectalpha.tool_metadata.error_rate IS 'In percent, of those';

CREATE VIEW projectalpha.api_usage_daily AS
SELECT f.day
     , f.client_id
     , c.name AS client
     , f.project_id
     , p.name AS project
     , f.tool_id
     , f.tool_name
     , f.agent_id
     , a.name AS agent
     , f.calls
     , f.allowed
     , f.denied
     , f.errors
     , f.total_ms / nullif(f.allowed + f.errors, 0) / 1000 AS avg_response_time
     , f.first_seen
     , f.last_seen
  FROM projectalpha.usage_figures() AS f
  LEFT JOIN projectalpha.clients AS c ON c.id = f.client_id
  LEFT JOIN projectalpha.projects AS p ON p.id = f.project_id
  LEFT JOIN projectalpha.agents AS a ON a.id = f.agent_id;
COMMENT ON VIEW projectalpha.api_usage_daily IS
    'Attempts by day (UTC), client, project, tool and agent, as of the last summarise_usage()';
COMMENT ON COLUMN projectalpha.api_usage_daily.client_id IS
    'The client that the project belonged to when it was summarised; NULL if none';
COMMENT ON COLUMN projectalpha.api_usage_daily.tool_name IS
    'As it was then: the tool may be gone';
COMMENT ON COLUMN projectalpha.api_usage_daily.agent IS
    'NULL for tokens that belong to no agent, and once the agent is gone';
COMMENT ON COLUMN projectalpha.api_usage_daily.avg_response_time IS
    'In seconds, of attempts that were let in';

CREATE VIEW projectalpha.access_summary AS
SELECT f.tool_id
     , coalesce(max(t.tool_name), max(f.tool_name)) AS tool_name
     , f.agent_id
     , max(a.name) AS agent
     , sum(f.allowed)::bigint AS allowed
     , sum(f.denied)::bigint AS denied
     , sum(f.errors)::bigint AS errors
     , max(f.last_seen) AS last_seen
  FROM projectalpha.usage_figures(true) AS f
  LEFT JOIN projectalpha.tools AS t ON t.id = f.tool_id
  LEFT JOIN projectalpha.agents AS a ON a.id = f.agent_id
 GROUP BY f.tool_id, f.agent_id;
COMMENT ON VIEW projectalpha.access_summary IS
    'Attempts by tool and agent, with what summarise_usage() has not added up yet';

GRANT SELECT ON projectalpha.tool_metadata, projectalpha.api_usage_daily, projectalpha.access_summary
    TO projectalpha_admin, projectalpha_reader;
GRANT EXECUTE ON FUNCTION projectalpha.usage_figures(boolean) TO projectalpha_admin, projectalpha_reader;

-- The access log and its figures: who may call what, and what it is for.
GRANT EXECUTE ON FUNCTION projectalpha.configure_access_log(text, text, boolean, text)
TO projectalpha_anon, projectalpha_admin;
GRANT EXECUTE ON FUNCTION
    projectalpha.summarise_usage(),
    projectalpha.drop_access_logs(date)
TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.configure_access_log(text, text, boolean, text) IS
    'Says which attempts to use a tool the access log keeps, and whether with payloads';
COMMENT ON FUNCTION projectalpha.summarise_usage() IS
    'Adds what is new in the access log to the figures, each attempt once; returns how many';
COMMENT ON FUNCTION projectalpha.drop_access_logs(date) IS
    'Drops the months of the access log before that of a day, once they are in the figures; returns how many';

-- Questions about access.
CREATE FUNCTION projectalpha.check_access(
	"token" TEXT,
	"tool_name" TEXT,
	"action" TEXT,
	"context" jsonb DEFAULT NULL
) RETURNS bool
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'check_access_wrapper';
CREATE FUNCTION projectalpha.explain_access(
	"token" TEXT,
	"tool_name" TEXT,
	"action" TEXT,
	"context" jsonb DEFAULT NULL,
	"credential_id" bigint DEFAULT NULL,
	"admin_token" TEXT DEFAULT NULL
) RETURNS json
VOLATILE PARALLEL UNSAFE
LANGUAGE c
AS 'MODULE_PATHNAME', 'explain_access_wrapper';
GRANT EXECUTE ON FUNCTION
    projectalpha.check_access(text, text, text, jsonb),
    projectalpha.explain_access(text, text, text, jsonb, bigint, text)
TO projectalpha_anon, projectalpha_admin;

COMMENT ON FUNCTION projectalpha.check_access(text, text, text, jsonb) IS
    'Says whether a call would pass: tokens, scopes and policies decide as for the call itself';
COMMENT ON FUNCTION projectalpha.explain_access(text, text, text, jsonb, bigint, text) IS
    'Explains to an administrator whether a call would pass, policy by policy';

-- All of finish.sql from here on.

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
