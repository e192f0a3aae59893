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
