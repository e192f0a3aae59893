-- Questions about access.
GRANT EXECUTE ON FUNCTION
    projectalpha.check_access(text, text, text, jsonb),
    projectalpha.explain_access(text, text, text, jsonb, bigint, text)
TO projectalpha_anon, projectalpha_admin;

COMMENT ON FUNCTION projectalpha.check_access(text, text, text, jsonb) IS
    'Says whether a call would pass: tokens, scopes and policies decide as for the call itself';
COMMENT ON FUNCTION projectalpha.explain_access(text, text, text, jsonb, bigint, text) IS
    'Explains to an administrator whether a call would pass, policy by policy';
