-- What goes on in the tables, from what PostgreSQL counts anyway: nothing is added to a write.
CREATE VIEW projectalpha.tool_activity AS
WITH used (tool_name, table_name) AS
    ( SELECT t.tool_name, 'tool_' || t.tool_name FROM projectalpha.tools AS t WHERE t.storage = 'table'
      UNION ALL
      SELECT NULL, 'multiple_tools'
    )
, measured AS
    ( SELECT u.tool_name
           , u.table_name
           , c.oid
           , CASE WHEN c.relpages > 0 -- as the planner has it: the density of the last ANALYZE, the size of now
                  THEN round((c.reltuples / c.relpages)::numeric * pg_relation_size(c.oid) / current_setting('block_size')::bigint)::bigint
                  ELSE pg_stat_get_live_tuples(c.oid) END AS records
        FROM used AS u
        LEFT JOIN (pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'projectalpha_data')
          ON c.relname = u.table_name::name AND c.relkind IN ('r', 'p')
       WHERE u.tool_name IS NOT NULL OR c.oid IS NOT NULL
    )
SELECT m.tool_name
     , m.table_name
     , m.records
     , pg_total_relation_size(m.oid) AS total_bytes
     , pg_table_size(m.oid) / nullif(m.records, 0) AS average_bytes
     , projectalpha.last_stored(m.tool_name) AS last_stored
     , pg_stat_get_tuples_inserted(m.oid) AS inserts
     , pg_stat_get_tuples_updated(m.oid) AS updates
     , pg_stat_get_tuples_deleted(m.oid) AS deletes
     , pg_stat_get_numscans(m.oid) AS table_scans
     , (SELECT sum(pg_stat_get_numscans(i.indexrelid))::bigint FROM pg_index AS i WHERE i.indrelid = m.oid) AS index_scans
     , (SELECT d.stats_reset FROM pg_stat_database AS d WHERE d.datname = current_database()) AS counted_since
  FROM measured AS m;
