GRANT EXECUTE ON FUNCTION
    projectalpha.grant_project_access(bigint, text, text),
    projectalpha.revoke_project_access(bigint, text),
    projectalpha.across_projects(text, bigint[], jsonb)
TO projectalpha_admin;

COMMENT ON FUNCTION projectalpha.grant_project_access(bigint, text, text) IS
    'Lets a database role read or write the tables of one project directly';
COMMENT ON FUNCTION projectalpha.revoke_project_access(bigint, text) IS
    'Takes all privileges in a project''s schema from a database role';
COMMENT ON FUNCTION projectalpha.across_projects(text, bigint[], jsonb) IS
    'Gives the rows of one table of many projects, with the project''s id in each';
