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
