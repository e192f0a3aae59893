GRANT EXECUTE ON FUNCTION
    projectalpha.grant_project_access(bigint, text, text),
    projectalpha.revoke_project_access(bigint, text),
    projectalpha.across_projects(text, bigint[], jsonb),
    projectalpha.export_project(bigint),
    projectalpha.adopt_project(text, text, bigint)
TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.grant_project_access(bigint, text, text) IS
    'Lets a database role read or write the tables of one project directly';
COMMENT ON FUNCTION projectalpha.revoke_project_access(bigint, text) IS
    'Takes all privileges in a project''s schema from a database role';
COMMENT ON FUNCTION projectalpha.across_projects(text, bigint[], jsonb) IS
    'Gives the rows of one table of many projects, with the project''s id in each';
COMMENT ON FUNCTION projectalpha.export_project(bigint) IS
    'Writes into a project''s schema what else belongs to it, so that a dump of the schema has all';
COMMENT ON FUNCTION projectalpha.adopt_project(text, text, bigint) IS
    'Makes a project of a schema that was restored from such a dump';
