-- What the access log tells. PL/pgSQL, as it is planned when it runs: the log is made at first use, the figures by the
-- first summarise_usage(). With what is new in the log, or without.
CREATE FUNCTION projectalpha.usage_figures(with_new boolean DEFAULT false)
RETURNS TABLE (day date, client_id bigint, project_id bigint, tool_id bigint, tool_name text, agent_id bigint,
               calls bigint, allowed bigint, denied bigint, errors bigint, total_ms double precision,
               first_seen timestamptz, last_seen timestamptz, last_used timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    source record;
BEGIN
    IF to_regclass('projectalpha_data.api_usage') IS NOT NULL THEN
        RETURN QUERY
        SELECT u.day, u.client_id, u.project_id, u.tool_id, u.tool_name, u.agent_id, u.calls, u.allowed, u.denied, u.errors
             , u.total_ms, u.first_seen, u.last_seen, u.last_used
          FROM projectalpha_data.api_usage AS u;
    END IF;
    IF with_new IS NOT TRUE OR to_regclass('projectalpha_data.access_logs') IS NULL THEN
        RETURN;
    END IF;
    FOR source IN
        WITH RECURSIVE clusters (cluster) AS
            ( SELECT min(l.cluster) FROM projectalpha_data.access_logs AS l
              UNION ALL
              SELECT (SELECT min(l.cluster) FROM projectalpha_data.access_logs AS l WHERE l.cluster > c.cluster)
                FROM clusters AS c WHERE c.cluster IS NOT NULL
            )
        SELECT c.cluster, '0'::xid8 AS horizon FROM clusters AS c WHERE c.cluster IS NOT NULL
    LOOP
        IF to_regclass('projectalpha_data.access_log_horizons') IS NOT NULL THEN
            source.horizon := coalesce((SELECT h.xid FROM projectalpha_data.access_log_horizons AS h
                                         WHERE h.cluster = source.cluster), '0'::xid8);
        END IF;
        RETURN QUERY
        SELECT (l.logged_at AT TIME ZONE 'UTC')::date, p.client_id, l.project_id, l.tool_id
             , CASE WHEN l.tool_id IS NOT NULL THEN l.tool_name END, l.agent_id
             , count(*)
             , count(*) FILTER (WHERE l.status = 'success')
             , count(*) FILTER (WHERE l.status = 'denied')
             , count(*) FILTER (WHERE l.status = 'error')
             , coalesce(sum(l.duration_ms) FILTER (WHERE l.status <> 'denied'), 0)
             , min(l.logged_at), max(l.logged_at), max(l.logged_at) FILTER (WHERE l.status <> 'denied')
          FROM projectalpha_data.access_logs AS l
          LEFT JOIN projectalpha.projects AS p ON p.id = l.project_id
         WHERE l.cluster = source.cluster AND l.xid >= source.horizon
         GROUP BY 1, 2, 3, 4, 5, 6;
    END LOOP;
END
$$;
COMMENT ON FUNCTION projectalpha.usage_figures(boolean) IS
    'Attempts by day (UTC), client, project, tool and agent: what summarise_usage() has added up, and with true what is new in the log';

-- Spec 002, ToolMetadata. A tool that has the id of one that was dropped with the extension has none of its figures.
CREATE VIEW projectalpha.tool_metadata AS
SELECT t.id AS tool_id
     , t.tool_name
     , i.schema_type
     , i.schema_version
     , i.inputs
     , i.outputs
     , i.examples
     , coalesce(u.used, 0) AS usage_count
     , u.last_used
     , u.total_ms / nullif(u.used, 0) / 1000 AS avg_response_time
     , 100.0::double precision * u.errors / nullif(u.used, 0) AS error_rate
     , i.custom_metrics
  FROM projectalpha.tools AS t
  LEFT JOIN projectalpha.tool_info AS i ON i.tool_id = t.id
  LEFT JOIN ( SELECT f.tool_id
                   , sum(f.allowed + f.errors)::bigint AS used
                   , max(f.last_used) AS last_used
                   , sum(f.total_ms) AS total_ms
                   , sum(f.errors)::bigint AS errors
                FROM projectalpha.usage_figures() AS f
                JOIN projectalpha.tools AS t ON t.id = f.tool_id AND f.last_seen >= t.created_at
               GROUP BY f.tool_id ) AS u ON u.tool_id = t.id;
COMMENT ON VIEW projectalpha.tool_metadata IS
    'Facts and figures of every tool (spec 002, ToolMetadata); the figures as of the last summarise_usage()';
COMMENT ON COLUMN projectalpha.tool_metadata.usage_count IS
    'Attempts that were let in, of those that the access log keeps';
COMMENT ON COLUMN projectalpha.tool_metadata.avg_response_time IS 'In seconds, of those';
COMMENT ON COLUMN projectalpha.tool_metadata.error_rate IS 'In percent, of those';

CREATE VIEW projectalpha.api_usage_daily AS
SELECT f.day
     , f.client_id
     , c.name AS client
     , f.project_id
     , p.name AS project
     , f.tool_id
     , f.tool_name
     , f.agent_id
     , a.name AS agent
     , f.calls
     , f.allowed
     , f.denied
     , f.errors
     , f.total_ms / nullif(f.allowed + f.errors, 0) / 1000 AS avg_response_time
     , f.first_seen
     , f.last_seen
  FROM projectalpha.usage_figures() AS f
  LEFT JOIN projectalpha.clients AS c ON c.id = f.client_id
  LEFT JOIN projectalpha.projects AS p ON p.id = f.project_id
  LEFT JOIN projectalpha.agents AS a ON a.id = f.agent_id;
COMMENT ON VIEW projectalpha.api_usage_daily IS
    'Attempts by day (UTC), client, project, tool and agent, as of the last summarise_usage()';
COMMENT ON COLUMN projectalpha.api_usage_daily.client_id IS
    'The client that the project belonged to when it was summarised; NULL if none';
COMMENT ON COLUMN projectalpha.api_usage_daily.tool_name IS
    'As it was then: the tool may be gone';
COMMENT ON COLUMN projectalpha.api_usage_daily.agent IS
    'NULL for tokens that belong to no agent, and once the agent is gone';
COMMENT ON COLUMN projectalpha.api_usage_daily.avg_response_time IS
    'In seconds, of attempts that were let in';

CREATE VIEW projectalpha.access_summary AS
SELECT f.tool_id
     , coalesce(max(t.tool_name), max(f.tool_name)) AS tool_name
     , f.agent_id
     , max(a.name) AS agent
     , sum(f.allowed)::bigint AS allowed
     , sum(f.denied)::bigint AS denied
     , sum(f.errors)::bigint AS errors
     , max(f.last_seen) AS last_seen
  FROM projectalpha.usage_figures(true) AS f
  LEFT JOIN projectalpha.tools AS t ON t.id = f.tool_id
  LEFT JOIN projectalpha.agents AS a ON a.id = f.agent_id
 GROUP BY f.tool_id, f.agent_id;
COMMENT ON VIEW projectalpha.access_summary IS
    'Attempts by tool and agent, with what summarise_usage() has not added up yet';

GRANT SELECT ON projectalpha.tool_metadata, projectalpha.api_usage_daily, projectalpha.access_summary
    TO projectalpha_admin, projectalpha_reader;
GRANT EXECUTE ON FUNCTION projectalpha.usage_figures(boolean) TO projectalpha_admin, projectalpha_reader;
