//! Figures from the log: counted once, however often and by how many it is asked for.
//!
//! Rows carry the id of the transaction that wrote them. What lies below the oldest
//! transaction that still runs is finished: those rows are all there, and no more will
//! come. They are added to the figures, and the horizon moves up to there, in one
//! transaction. Ids of another cluster, which a dump brings along, are all finished.

use super::super::acting::with_lock_timeout;
use super::super::compat::{lock_relation, LOCK_FOR_ITSELF};
use super::super::ddl::{self, relation_oid};
use super::super::ident::TableName;
use super::super::registry::write;
use super::super::settings;
use super::{rows, tables};
use crate::model::error::Error;

/// Adds what is new to the figures; gives how many rows that were.
pub fn summarise() -> Result<i64, Error> {
    tables::ensure_figures()?;
    if relation_oid(&TableName::access_logs()).is_none() {
        return Ok(0);
    }
    let here = rows::cluster();
    write(
        "INSERT INTO projectalpha_data.access_log_horizons (cluster, xid) VALUES ($1, '0') ON CONFLICT DO NOTHING",
        vec![here.into()],
        |_| (),
    );
    // One at a time; it may have to wait, so that what follows sees what others have done.
    write(
        "SELECT FROM projectalpha_data.access_log_horizons AS h WHERE h.cluster OPERATOR(pg_catalog.=) $1 FOR UPDATE",
        vec![here.into()],
        |_| (),
    );
    let mut summarised = 0;
    let mut cluster = None;
    while let Some(next) = next_cluster(cluster) {
        summarised += summarise_cluster(next, next == here);
        cluster = Some(next);
    }
    Ok(summarised)
}

/// The clusters that rows come from, one after the other.
fn next_cluster(after: Option<i64>) -> Option<i64> {
    let from = match after {
        Some(cluster) => cluster.checked_add(1)?,
        None => i64::MIN,
    };
    write(
        "SELECT l.cluster FROM projectalpha_data.access_logs AS l \
         WHERE l.cluster OPERATOR(pg_catalog.>=) $1 ORDER BY l.cluster LIMIT 1",
        vec![from.into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// The snapshot of the one statement says what is finished and shows just that. Clients
/// are those that the projects belong to now.
const SUMMARISE: &str = "\
    WITH bounds (low, high) AS MATERIALIZED \
        ( SELECT COALESCE((SELECT h.xid FROM projectalpha_data.access_log_horizons AS h \
                            WHERE h.cluster OPERATOR(pg_catalog.=) $1), '0'::pg_catalog.xid8) \
               , CASE WHEN $2 THEN pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) \
                      ELSE '18446744073709551615'::pg_catalog.xid8 END ) \
    , fresh AS \
        ( SELECT pg_catalog.timezone('UTC', l.logged_at)::pg_catalog.date AS day \
               , p.client_id, l.project_id, l.tool_id \
               , CASE WHEN l.tool_id IS NOT NULL THEN l.tool_name END AS tool_name \
               , l.agent_id \
               , pg_catalog.count(*) AS calls \
               , pg_catalog.count(*) FILTER (WHERE l.status OPERATOR(pg_catalog.=) 'success') AS allowed \
               , pg_catalog.count(*) FILTER (WHERE l.status OPERATOR(pg_catalog.=) 'denied') AS denied \
               , pg_catalog.count(*) FILTER (WHERE l.status OPERATOR(pg_catalog.=) 'error') AS errors \
               , COALESCE(pg_catalog.sum(l.duration_ms) FILTER (WHERE l.status OPERATOR(pg_catalog.<>) 'denied'), 0) AS total_ms \
               , pg_catalog.min(l.logged_at) AS first_seen \
               , pg_catalog.max(l.logged_at) AS last_seen \
               , pg_catalog.max(l.logged_at) FILTER (WHERE l.status OPERATOR(pg_catalog.<>) 'denied') AS last_used \
            FROM projectalpha_data.access_logs AS l \
            LEFT JOIN projectalpha.projects AS p ON p.id OPERATOR(pg_catalog.=) l.project_id \
           WHERE l.cluster OPERATOR(pg_catalog.=) $1 \
             AND l.xid OPERATOR(pg_catalog.>=) (SELECT b.low FROM bounds AS b) \
             AND l.xid OPERATOR(pg_catalog.<) (SELECT b.high FROM bounds AS b) \
           GROUP BY 1, 2, 3, 4, 5, 6 ) \
    , added AS \
        ( INSERT INTO projectalpha_data.api_usage AS u \
              (day, client_id, project_id, tool_id, tool_name, agent_id, calls, allowed, denied, errors, total_ms, first_seen, last_seen, last_used) \
          SELECT f.day, f.client_id, f.project_id, f.tool_id, f.tool_name, f.agent_id, f.calls, f.allowed, f.denied, f.errors \
               , f.total_ms, f.first_seen, f.last_seen, f.last_used \
            FROM fresh AS f \
              ON CONFLICT (day, COALESCE(client_id, 0), COALESCE(project_id, 0), COALESCE(tool_id, 0), COALESCE(tool_name, ''), COALESCE(agent_id, 0)) \
              DO UPDATE SET calls = u.calls OPERATOR(pg_catalog.+) EXCLUDED.calls \
                          , allowed = u.allowed OPERATOR(pg_catalog.+) EXCLUDED.allowed \
                          , denied = u.denied OPERATOR(pg_catalog.+) EXCLUDED.denied \
                          , errors = u.errors OPERATOR(pg_catalog.+) EXCLUDED.errors \
                          , total_ms = u.total_ms OPERATOR(pg_catalog.+) EXCLUDED.total_ms \
                          , first_seen = LEAST(u.first_seen, EXCLUDED.first_seen) \
                          , last_seen = GREATEST(u.last_seen, EXCLUDED.last_seen) \
                          , last_used = GREATEST(u.last_used, EXCLUDED.last_used) ) \
    , moved AS \
        ( INSERT INTO projectalpha_data.access_log_horizons AS h (cluster, xid) \
          SELECT $1, CASE WHEN $2 THEN b.high ELSE COALESCE( \
                     (SELECT ((l.xid::pg_catalog.text::pg_catalog.numeric OPERATOR(pg_catalog.+) 1)::pg_catalog.text)::pg_catalog.xid8 \
                        FROM projectalpha_data.access_logs AS l \
                       WHERE l.cluster OPERATOR(pg_catalog.=) $1 AND l.xid OPERATOR(pg_catalog.>=) b.low \
                       ORDER BY l.xid DESC LIMIT 1), b.low) END \
            FROM bounds AS b \
              ON CONFLICT (cluster) DO UPDATE SET xid = EXCLUDED.xid WHERE h.xid OPERATOR(pg_catalog.<) EXCLUDED.xid ) \
    SELECT COALESCE(pg_catalog.sum(f.calls), 0)::pg_catalog.int8 FROM fresh AS f";

fn summarise_cluster(cluster: i64, is_here: bool) -> i64 {
    write(SUMMARISE, vec![cluster.into(), is_here.into()], |rows| {
        rows.first().and_then(|row| row.get(1)).unwrap_or_default()
    })
}

/// What became of the months that were to be dropped.
#[derive(Default)]
pub struct Dropped {
    pub dropped: i32,
    /// Not all in the figures yet: a transaction runs that is older than some of it.
    pub kept: i32,
}

/// Drops the months that end before the one with this year and month begins, once they
/// are all in the figures. While that is looked at, nobody can write: a transaction that
/// has written is waited for, as long as the setting allows.
pub fn drop_months(year: i32, month: u32) -> Result<Dropped, Error> {
    summarise()?;
    let mut outcome = Dropped::default();
    let old: Vec<TableName> = rows::months()
        .into_iter()
        .filter(|(of, _)| of.ends_before(year, month))
        .map(|(_, partition)| partition)
        .collect();
    if old.is_empty() {
        return Ok(outcome);
    }
    with_lock_timeout(settings::ddl_lock_timeout(), || {
        // LOCK TABLE would take privileges that the owner does not have.
        if let Some(log) = relation_oid(&TableName::access_logs()) {
            lock_relation(log, LOCK_FOR_ITSELF);
        }
    });
    summarise()?;
    for partition in old {
        if has_more(&partition) {
            outcome.kept += 1;
        } else {
            ddl::drop_table(&partition);
            outcome.dropped += 1;
        }
    }
    Ok(outcome)
}

/// True if rows of a partition are not in the figures.
fn has_more(partition: &TableName) -> bool {
    write(
        &format!(
            "SELECT EXISTS (SELECT FROM projectalpha_data.access_log_horizons AS h WHERE EXISTS \
                 (SELECT FROM {partition} AS l WHERE l.cluster OPERATOR(pg_catalog.=) h.cluster \
                     AND l.xid OPERATOR(pg_catalog.>=) h.xid))"
        ),
        vec![],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or(true),
    )
}
