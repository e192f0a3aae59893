-- Agents and their credentials: caches, privileges, comments.

-- Caches of every session follow agents; a new one makes no cached answer wrong.
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.agents FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.agents ENABLE ALWAYS TRIGGER invalidate_caches;

-- Functions that check tokens and keys themselves.
GRANT EXECUTE ON FUNCTION
    projectalpha.create_agent(text, text, text[], text[], text),
    projectalpha.update_agent(bigint, jsonb, text),
    projectalpha.deactivate_agent(bigint, text),
    projectalpha.activate_agent(bigint, text),
    projectalpha.delete_agent(bigint, text),
    projectalpha.rotate_api_key(bigint, text, text),
    projectalpha.issue_credential(bigint, text, text[], interval, bigint, text, text, text),
    projectalpha.list_credentials(bigint, text, boolean, text, text),
    projectalpha.revoke_credential(bigint, text, text),
    projectalpha.revoke_all(bigint, text, text)
TO projectalpha_anon, projectalpha_admin;
GRANT SELECT ON projectalpha.agents TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.create_agent(text, text, text[], text[], text) IS
    'Adds an agent, a user or service that gets credentials; returns its id, and its API key this once';
COMMENT ON FUNCTION projectalpha.update_agent(bigint, jsonb, text) IS
    'Changes name, description, roles or permissions of an agent: what is named of them';
COMMENT ON FUNCTION projectalpha.deactivate_agent(bigint, text) IS
    'Has none of an agent''s credentials work';
COMMENT ON FUNCTION projectalpha.activate_agent(bigint, text) IS
    'Has the credentials of an agent work again';
COMMENT ON FUNCTION projectalpha.delete_agent(bigint, text) IS
    'Deletes an agent with all of its credentials';
COMMENT ON FUNCTION projectalpha.rotate_api_key(bigint, text, text) IS
    'Gives an agent a new API key in place of those before it; returns it this once';
COMMENT ON FUNCTION projectalpha.issue_credential(bigint, text, text[], interval, bigint, text, text, text) IS
    'Makes a token with which an agent uses a tool, within what its policies grant; returns it this once';
COMMENT ON FUNCTION projectalpha.list_credentials(bigint, text, boolean, text, text) IS
    'Lists the credentials of agents, without what opens anything';
COMMENT ON FUNCTION projectalpha.revoke_credential(bigint, text, text) IS
    'Revokes a credential of an agent, or its API key';
COMMENT ON FUNCTION projectalpha.revoke_all(bigint, text, text) IS
    'Revokes all credentials of an agent, its API key included, and returns how many';
