-- Caches of every session follow projects and their tools; what is new in them
-- makes no cached answer wrong.
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.projects FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER invalidate_caches;
CREATE TRIGGER invalidate_caches AFTER UPDATE OR DELETE OR TRUNCATE
    ON projectalpha.project_tools FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.invalidate_caches();
ALTER TABLE projectalpha.project_tools ENABLE ALWAYS TRIGGER invalidate_caches;

GRANT EXECUTE ON FUNCTION
    projectalpha.create_client(text, text),
    projectalpha.delete_client(bigint),
    projectalpha.create_project(text, bigint, jsonb),
    projectalpha.set_project_status(bigint, text),
    projectalpha.drop_project(bigint, text),
    projectalpha.add_project_migration(text, text),
    projectalpha.remove_project_migration(integer),
    projectalpha.upgrade_project(bigint, integer),
    projectalpha.try_upgrade_project(bigint, integer)
TO projectalpha_admin;
GRANT EXECUTE ON PROCEDURE projectalpha.upgrade_all_projects(integer, bigint[], text)
    TO projectalpha_admin;
GRANT SELECT ON projectalpha.clients, projectalpha.project_migrations TO projectalpha_admin;
GRANT SELECT ON projectalpha.project_list, projectalpha.project_upgrades, projectalpha.upgrade_progress
    TO projectalpha_admin, projectalpha_reader;

COMMENT ON TABLE projectalpha.clients IS 'Clients: who owns projects and is billed';
COMMENT ON TABLE projectalpha.projects IS 'Projects: tenants, each with the schema project_<id>';
COMMENT ON TABLE projectalpha.project_migrations IS
    'The template of every project''s schema, as the migrations that lead to it';
COMMENT ON TABLE projectalpha.applied_migrations IS
    'Which migrations each project has had, when, and what their text was then';
COMMENT ON TABLE projectalpha.upgrade_failures IS
    'Why the last upgrade of a project failed; no row if it did not';
COMMENT ON TABLE projectalpha.client_tools IS 'Which tools a client may enable for its projects';
COMMENT ON TABLE projectalpha.project_tools IS
    'Which tools a project has a table of, and which version of the tool''s schema it follows';
COMMENT ON FUNCTION projectalpha.create_client(text, text) IS
    'Adds a client, who owns projects and is billed, and returns its id';
COMMENT ON FUNCTION projectalpha.delete_client(bigint) IS 'Removes a client that has no projects';
COMMENT ON FUNCTION projectalpha.create_project(text, bigint, jsonb) IS
    'Adds a project with a schema of its own and every table of the template, and returns its id';
COMMENT ON FUNCTION projectalpha.set_project_status(bigint, text) IS
    'Makes a project active, suspended (read, not written) or archived';
COMMENT ON FUNCTION projectalpha.drop_project(bigint, text) IS
    'Drops a project with its schema, its tokens and all of its data';
COMMENT ON FUNCTION projectalpha.add_project_migration(text, text) IS
    'Adds a migration to the template of all projects and returns its version';
COMMENT ON FUNCTION projectalpha.remove_project_migration(integer) IS
    'Removes the last migration from the template, if no project has had it';
COMMENT ON FUNCTION projectalpha.upgrade_project(bigint, integer) IS
    'Brings a project to a version of the template and its tools to their definitions';
COMMENT ON FUNCTION projectalpha.try_upgrade_project(bigint, integer) IS
    'upgrade_project that notes and returns what failed instead of raising it';
