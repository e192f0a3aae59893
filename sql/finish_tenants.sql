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
