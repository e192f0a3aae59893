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
