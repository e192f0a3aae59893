-- The tools, for whoever wants to use one: where it is and what it takes (spec 000, step 5). Registered ones and
-- those that are only configured, one after the other: so that a name finds its tool by an index.
CREATE VIEW projectalpha.tool_directory AS
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
