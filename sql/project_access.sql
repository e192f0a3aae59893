-- Which database roles may use a project's tables directly. PostgreSQL's own
-- privileges decide; what is kept here is how tables that are made later are opened.
-- The role is kept by its name, as pg_dump restores it.

CREATE TABLE projectalpha.project_grants
( project_id bigint NOT NULL
, role_name text NOT NULL
, level text NOT NULL CHECK (level IN ('read', 'write'))
, granted_at timestamptz NOT NULL DEFAULT now()
, granted_by text NOT NULL
, PRIMARY KEY (project_id, role_name)
);
COMMENT ON TABLE projectalpha.project_grants IS
    'Roles that were granted access to projects: what holds for the tables that a project gets later';

-- The grants of a project go with it, however it goes.
CREATE FUNCTION projectalpha.forget_project_grants() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.project_grants;
    ELSE
        DELETE FROM projectalpha.project_grants AS g USING gone WHERE g.project_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_project_grants() IS
    'Trigger function: removes the grants of projects that are gone';
CREATE TRIGGER forget_grants_of_deleted AFTER DELETE ON projectalpha.projects
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project_grants();
CREATE TRIGGER forget_grants_of_all AFTER TRUNCATE ON projectalpha.projects
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project_grants();
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_grants_of_deleted;
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_grants_of_all;

-- Everybody but our own roles who was granted access, or has it by what somebody
-- granted by hand; and what they can really do, by whatever way they have it.
CREATE VIEW projectalpha.project_access AS
WITH holders AS
    ( SELECT p.id AS project_id, n.oid AS schema_oid, a.grantee
           , CASE a.grantee WHEN 0 THEN 'public' ELSE r.rolname::text END AS role_name
        FROM projectalpha.projects AS p
        JOIN pg_catalog.pg_namespace AS n ON n.nspname = ('project_' || p.id::text)::name
       CROSS JOIN LATERAL (SELECT DISTINCT x.grantee FROM pg_catalog.aclexplode(n.nspacl) AS x) AS a
        LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
       WHERE a.grantee <> n.nspowner
         AND (r.rolname IS NULL OR r.rolname NOT IN ('projectalpha_owner', 'projectalpha_admin', 'projectalpha_reader'))
    )
, powers AS
    ( SELECT h.project_id, h.grantee, h.role_name
           , bool_and(has_table_privilege(h.grantee, c.oid, 'SELECT')) AS reads_all
           , bool_or(has_table_privilege(h.grantee, c.oid, 'SELECT')) AS reads_some
           , bool_and(has_table_privilege(h.grantee, c.oid, 'INSERT')
                      AND has_table_privilege(h.grantee, c.oid, 'UPDATE')
                      AND has_table_privilege(h.grantee, c.oid, 'DELETE')) FILTER (WHERE w.writable) AS writes_all
           , bool_or(has_table_privilege(h.grantee, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')) AS writes_some
           , bool_or(CASE WHEN w.writable THEN has_table_privilege(h.grantee, c.oid, 'TRUNCATE, TRIGGER')
                          ELSE has_table_privilege(h.grantee, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
                     END) AS writes_more
        FROM holders AS h
        JOIN pg_catalog.pg_class AS c
          ON c.relnamespace = h.schema_oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
         -- These two are the extension's own.
         AND c.relname NOT IN ('project_manifest', 'idempotency_keys')
       CROSS JOIN LATERAL (SELECT c.relkind IN ('r', 'p') AND NOT starts_with(c.relname, 'tool_')) AS w (writable)
       WHERE has_schema_privilege(h.grantee, h.schema_oid, 'USAGE')
       GROUP BY h.project_id, h.grantee, h.role_name
    )
SELECT project_id
     , p.name AS project_name
     , role_name
     , CASE WHEN w.reads_all AND w.writes_all AND NOT w.writes_more THEN 'write'
            WHEN w.reads_all AND NOT w.writes_some THEN 'read'
            WHEN w.reads_some OR w.writes_some THEN 'other'
            ELSE 'none'
       END AS level
     , g.level AS granted_level
     , g.granted_at
     , g.granted_by
  FROM holders AS h
  LEFT JOIN powers AS w USING (project_id, grantee, role_name)
  FULL JOIN projectalpha.project_grants AS g USING (project_id, role_name)
  LEFT JOIN projectalpha.projects AS p ON p.id = project_id;
COMMENT ON VIEW projectalpha.project_access IS
    'Which database roles can use which projects'' tables directly: as granted, and as it really is';
COMMENT ON COLUMN projectalpha.project_access.level IS
    'What the role can really do: read, write, none, or other, where somebody has granted or revoked by hand';
COMMENT ON COLUMN projectalpha.project_access.granted_level IS
    'What grant_project_access last granted; NULL for what was granted by hand';

GRANT SELECT ON projectalpha.project_access TO projectalpha_admin;

SELECT pg_extension_config_dump('projectalpha.project_grants', '');
