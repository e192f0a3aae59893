-- Policies: caches, privileges, comments.

-- Caches of every session follow policies, new ones too: a tool is kept with all of its policies.
CREATE TRIGGER invalidate_caches AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.policies FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.policies ENABLE ALWAYS TRIGGER invalidate_caches;

-- Functions that check tokens themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.create_policy(text, text, text, text[], jsonb, text[], integer, text, text),
    projectalpha.update_policy(text, text, jsonb, text),
    projectalpha.delete_policy(text, text, text)
TO projectalpha_anon, projectalpha_admin;

COMMENT ON FUNCTION projectalpha.create_policy(text, text, text, text[], jsonb, text[], integer, text, text) IS
    'Adds a policy that allows or denies actions on a tool under conditions; returns its id';
COMMENT ON FUNCTION projectalpha.update_policy(text, text, jsonb, text) IS
    'Changes a policy: what is named of it';
COMMENT ON FUNCTION projectalpha.delete_policy(text, text, text) IS
    'Deletes a policy of a tool';
