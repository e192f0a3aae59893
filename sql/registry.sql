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
