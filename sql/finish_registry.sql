-- The registry: who may call what, and what it is for.
GRANT EXECUTE ON FUNCTION
    projectalpha.update_tool_info(text, jsonb, text),
    projectalpha.deactivate_tool(text, text),
    projectalpha.activate_tool(text, text)
TO projectalpha_anon, projectalpha_admin;
GRANT EXECUTE ON FUNCTION
    projectalpha.search_tools(text, text[], text, boolean, integer, bigint)
TO projectalpha_anon, projectalpha_admin, projectalpha_reader;
GRANT EXECUTE ON FUNCTION
    projectalpha.reveal_tool_secret(text, text),
    projectalpha.rotate_secrets(text, integer)
TO projectalpha_admin;
GRANT EXECUTE ON PROCEDURE projectalpha.rotate_secret_key(text, integer) TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.update_tool_info(text, jsonb, text) IS
    'Changes what the catalogue says of a tool: named keys only, null clears one';
COMMENT ON FUNCTION projectalpha.deactivate_tool(text, text) IS
    'Has a tool refuse every write; reading goes on';
COMMENT ON FUNCTION projectalpha.activate_tool(text, text) IS
    'Has a tool take writes again';
COMMENT ON FUNCTION projectalpha.search_tools(text, text[], text, boolean, integer, bigint) IS
    'Finds tools by words of their names, descriptions and tags, by tags and by category; the best first';
COMMENT ON FUNCTION projectalpha.reveal_tool_secret(text, text) IS
    'Shows a secret of a tool to an administrator, and writes down that it did';
COMMENT ON FUNCTION projectalpha.rotate_secrets(text, integer) IS
    'Seals one batch of secrets with the new key that the old one had sealed; rotate_secret_key() calls it';
