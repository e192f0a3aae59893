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
, options jsonb
, PRIMARY KEY (tool_id, version)
);
COMMENT ON TABLE projectalpha.schema_history IS
    'Every change of a tool''s schema: when, by which role, through SQL or HTTP, and schema and options after it';

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
