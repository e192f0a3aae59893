CREATE VIEW projectalpha.registered_tools AS
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

CREATE VIEW projectalpha.active_tokens AS
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
