-- What people see of projects and their upgrades, and the upgrade of all of them.

CREATE VIEW projectalpha.project_upgrades AS
SELECT p.id AS project_id
     , p.name
     , c.name AS client_name
     , p.status
     , coalesce(a.version, 0) AS version
     , m.latest_version
     , t.tools_behind
     , coalesce(a.version, 0) >= m.latest_version AND t.tools_behind = 0 AS is_current
     , a.upgraded_at
     , f.step AS failed_step
     , f.sqlstate AS failed_sqlstate
     , f.message AS failed_message
     , f.failed_at
  FROM projectalpha.projects AS p
 CROSS JOIN ( SELECT coalesce(max(v.version), 0) AS latest_version FROM projectalpha.project_migrations AS v ) AS m
 CROSS JOIN LATERAL
       ( SELECT max(v.version) AS version, max(v.applied_at) AS upgraded_at
           FROM projectalpha.applied_migrations AS v WHERE v.project_id = p.id ) AS a
 CROSS JOIN LATERAL
       ( SELECT count(*) AS tools_behind
           FROM projectalpha.project_tools AS e
          WHERE e.project_id = p.id
            AND e.schema_version < (SELECT max(h.version) FROM projectalpha.schema_history AS h
                                     WHERE h.tool_id = e.tool_id) ) AS t
  LEFT JOIN projectalpha.clients AS c ON c.id = p.client_id
  LEFT JOIN projectalpha.upgrade_failures AS f ON f.project_id = p.id;
COMMENT ON VIEW projectalpha.project_upgrades IS
    'Version of each project, how far behind it is, and why its last upgrade failed';

CREATE VIEW projectalpha.upgrade_progress AS
SELECT count(*) AS total
     , count(*) FILTER (WHERE u.is_current) AS current
     , count(*) FILTER (WHERE NOT u.is_current) AS behind
     , count(*) FILTER (WHERE u.failed_at IS NOT NULL) AS failed
  FROM projectalpha.project_upgrades AS u;
COMMENT ON VIEW projectalpha.upgrade_progress IS
    'How many projects are current, behind, and behind because their upgrade failed';

CREATE VIEW projectalpha.project_list AS
SELECT p.id
     , p.name
     , c.name AS client_name
     , p.status
     , 'project_' || p.id AS schema_name
     , (SELECT coalesce(max(a.version), 0) FROM projectalpha.applied_migrations AS a
         WHERE a.project_id = p.id) AS version
     , p.created_at
     , p.client_id
     , p.settings
     , p.updated_at
  FROM projectalpha.projects AS p
  LEFT JOIN projectalpha.clients AS c ON c.id = p.client_id;
COMMENT ON VIEW projectalpha.project_list IS
    'Projects: client, status, schema, version of the template, and settings';

-- What hangs on a project or a client goes with it, however that goes: a project
-- that gets its id again must not be opened by an old token. Tokens stay, revoked: where
-- everybody may write, whoever still has one must not go on as everybody.
CREATE FUNCTION projectalpha.forget_project() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE projectalpha.credentials SET revoked_at = coalesce(revoked_at, now()) WHERE project_id IS NOT NULL;
        DELETE FROM projectalpha.project_tools;
        DELETE FROM projectalpha.applied_migrations;
        DELETE FROM projectalpha.upgrade_failures;
    ELSE
        UPDATE projectalpha.credentials AS c SET revoked_at = coalesce(c.revoked_at, now()) FROM gone WHERE c.project_id = gone.id;
        DELETE FROM projectalpha.project_tools AS t USING gone WHERE t.project_id = gone.id;
        DELETE FROM projectalpha.applied_migrations AS a USING gone WHERE a.project_id = gone.id;
        DELETE FROM projectalpha.upgrade_failures AS f USING gone WHERE f.project_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_project() IS
    'Trigger function: removes tokens, tools and migrations of projects that are gone';
CREATE TRIGGER forget_deleted AFTER DELETE ON projectalpha.projects
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project();
CREATE TRIGGER forget_all AFTER TRUNCATE ON projectalpha.projects
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_project();
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_deleted;
ALTER TABLE projectalpha.projects ENABLE ALWAYS TRIGGER forget_all;

CREATE FUNCTION projectalpha.forget_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM projectalpha.client_tools;
    ELSE
        DELETE FROM projectalpha.client_tools AS t USING gone WHERE t.client_id = gone.id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION projectalpha.forget_client() IS
    'Trigger function: removes what clients that are gone might have enabled';
CREATE TRIGGER forget_deleted AFTER DELETE ON projectalpha.clients
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_client();
CREATE TRIGGER forget_all AFTER TRUNCATE ON projectalpha.clients
    FOR EACH STATEMENT EXECUTE FUNCTION projectalpha.forget_client();
ALTER TABLE projectalpha.clients ENABLE ALWAYS TRIGGER forget_deleted;
ALTER TABLE projectalpha.clients ENABLE ALWAYS TRIGGER forget_all;

-- Each project is upgraded in a transaction of its own; interrupted and called
-- again, it goes on with those that are left. Only the project at hand is locked,
-- and one row at a time is kept in memory. A SET clause would forbid COMMIT, so
-- all is qualified.
CREATE PROCEDURE projectalpha.upgrade_all_projects(
    to_version integer DEFAULT NULL, "only" bigint[] DEFAULT NULL, on_error text DEFAULT 'stop')
LANGUAGE plpgsql AS $$
DECLARE
    unknown bigint;
    project bigint := 0;
    reached integer;
    failure_step pg_catalog.text;
    failure_sqlstate pg_catalog.text;
    failure_message pg_catalog.text;
    total bigint;
    visited bigint := 0;
    failed bigint := 0;
BEGIN
    IF on_error IS NULL OR on_error OPERATOR(pg_catalog.<>) ALL (ARRAY['stop', 'continue']) THEN
        RAISE EXCEPTION 'on_error must be stop or continue'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'It says what becomes of the projects after one that fails.',
                  HINT = 'CALL projectalpha.upgrade_all_projects(on_error => ''continue'');';
    END IF;
    -- Outside of transactions only, and each of them sees what is committed, whatever
    -- the default of the session is.
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    IF to_version IS NOT NULL AND NOT EXISTS (
        SELECT FROM projectalpha.project_migrations AS m
         WHERE m.version OPERATOR(pg_catalog.=) upgrade_all_projects.to_version)
    THEN
        RAISE EXCEPTION 'There is no migration %', to_version
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'The template has no such version.',
                  HINT = 'SELECT version, name FROM projectalpha.project_migrations lists them; without to_version a project gets all.';
    END IF;
    SELECT o.id INTO unknown FROM pg_catalog.unnest("only") AS o (id)
     WHERE NOT EXISTS (SELECT FROM projectalpha.project_upgrades AS u
                        WHERE u.project_id OPERATOR(pg_catalog.=) o.id)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Project not found'
            USING ERRCODE = 'undefined_object',
                  DETAIL = pg_catalog.format('There is no project with id %s.', COALESCE(unknown::pg_catalog.text, 'NULL')),
                  HINT = 'SELECT id, name FROM projectalpha.project_list lists the projects.';
    END IF;
    SELECT pg_catalog.count(*) INTO total FROM projectalpha.project_upgrades AS u
     WHERE (u.version OPERATOR(pg_catalog.<) COALESCE(upgrade_all_projects.to_version, u.latest_version)
            OR u.tools_behind OPERATOR(pg_catalog.>) 0)
       AND ("only" IS NULL OR u.project_id OPERATOR(pg_catalog.=) ANY ("only"));
    LOOP
        SELECT u.project_id INTO project FROM projectalpha.project_upgrades AS u
         WHERE u.project_id OPERATOR(pg_catalog.>) project
           AND (u.version OPERATOR(pg_catalog.<) COALESCE(upgrade_all_projects.to_version, u.latest_version)
                OR u.tools_behind OPERATOR(pg_catalog.>) 0)
           AND ("only" IS NULL OR u.project_id OPERATOR(pg_catalog.=) ANY ("only"))
         ORDER BY u.project_id LIMIT 1;
        EXIT WHEN NOT FOUND;
        visited := visited OPERATOR(pg_catalog.+) 1;
        SELECT r.version, r.failed_step, r.failed_sqlstate, r.failed_message
          INTO reached, failure_step, failure_sqlstate, failure_message
          FROM projectalpha.try_upgrade_project(project, upgrade_all_projects.to_version) AS r;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        IF failure_step IS NOT NULL THEN
            failed := failed OPERATOR(pg_catalog.+) 1;
            IF on_error OPERATOR(pg_catalog.=) 'stop' THEN
                RAISE EXCEPTION 'Project % (% of %): %', project, visited, total, failure_message
                    USING ERRCODE = failure_sqlstate,
                          DETAIL = pg_catalog.format('The project stays at version %s; those before it are upgraded.', reached),
                          HINT = 'Call it again to go on, or with on_error => ''continue'' to leave out what fails.';
            END IF;
            RAISE WARNING 'Project % (% of %): %', project, visited, total, failure_message;
        ELSIF reached IS NOT NULL THEN
            RAISE NOTICE 'Project % (% of %): version %', project, visited, total, reached;
        END IF;
    END LOOP;
    RAISE NOTICE 'Projects upgraded: %', visited OPERATOR(pg_catalog.-) failed;
    IF failed OPERATOR(pg_catalog.>) 0 THEN
        RAISE WARNING 'Projects that failed: %', failed
            USING HINT = 'SELECT * FROM projectalpha.project_upgrades WHERE failed_at IS NOT NULL tells why.';
    END IF;
END
$$;
COMMENT ON PROCEDURE projectalpha.upgrade_all_projects(integer, bigint[], text) IS
    'Calls upgrade_project for each project that is behind, each in a transaction of its own';
