-- The tools, for whoever wants to use one: where it is and what it takes.
CREATE VIEW projectalpha.tool_directory AS
SELECT t.tool_name
     , '/tools/' || t.tool_name AS endpoint
     , 'tool_' || t.tool_name AS table_name
     , t.sensitive
     , CASE WHEN t.sensitive THEN 'tool token to write and to read'
                             ELSE 'tool token to write; reading is public' END AS token_kind
     , t.schema_definition AS fields
     , t.description
     , t.created_at
  FROM projectalpha.tools AS t;
