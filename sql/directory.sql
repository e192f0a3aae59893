-- The tools, for whoever wants to use one: where it is and what it takes (spec 000, step 5).
CREATE VIEW projectalpha.tool_directory AS
SELECT d.tool_name
     , CASE WHEN d.is_configured THEN '/tool-' ELSE '/tools/' END || d.tool_name AS endpoint
     , CASE WHEN d.has_table THEN 'tool_' || d.tool_name ELSE 'multiple_tools' END AS table_name
     , d.sensitive
     , CASE WHEN d.sensitive THEN 'tool token to write and to read'
            WHEN d.is_configured THEN 'none'
            ELSE 'tool token to write; reading is public' END AS token_kind
     , d.schema_definition AS fields
     , d.description
     , d.created_at
  FROM ( SELECT coalesce(t.tool_name, c.tool_name) AS tool_name
              , c.tool_name IS NOT NULL AS is_configured
              , t.tool_name IS NOT NULL OR c.use_individual_table AS has_table
              , coalesce(t.sensitive, c.sensitive) AS sensitive
              , t.schema_definition
              , t.description
              , coalesce(t.created_at, c.created_at) AS created_at
           FROM projectalpha.tools AS t
           FULL JOIN projectalpha.tool_configuration AS c ON c.tool_name = t.tool_name ) AS d;
