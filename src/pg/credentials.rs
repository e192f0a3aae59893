//! The credentials of agents, among the rows of `projectalpha.credentials`.

use pgrx::datum::{Interval, TimestampWithTimeZone};

use super::registry::{read_once, write};
use super::spi::Rows;
use crate::model::project::ProjectId;
use crate::model::token::{Digest, NewToken};

/// A credential of an agent, on its way into the table.
pub struct NewCredential<'a> {
    pub token: &'a NewToken,
    pub scopes: Vec<String>,
    pub agent: i64,
    /// None for an API key.
    pub tool_id: Option<i64>,
    pub project: Option<ProjectId>,
    pub label: Option<&'a str>,
    /// From now; none is never.
    pub expires_in: Option<Interval>,
}

/// A credential as `list_credentials` shows it: nothing that opens anything.
pub struct CredentialInfo {
    pub id: i64,
    pub agent_id: i64,
    pub agent_name: String,
    /// None for an API key.
    pub tool_name: Option<String>,
    pub project_id: Option<i64>,
    pub scopes: Vec<String>,
    pub hint: String,
    pub label: Option<String>,
    pub created_at: TimestampWithTimeZone,
    pub expires_at: Option<TimestampWithTimeZone>,
    pub revoked_at: Option<TimestampWithTimeZone>,
    pub is_live: bool,
}

/// Which of them; what is none does not matter.
#[derive(Default)]
pub struct Which {
    pub id: Option<i64>,
    pub agent: Option<i64>,
    /// API keys alone.
    pub keys_only: bool,
    /// All but this one.
    pub but: Option<Digest>,
}

/// True if a credential that is made now, with that interval to live, lives at all, and
/// no longer than this.
pub fn is_expiry(expires_in: Interval, max_years: i32) -> bool {
    write(
        "SELECT e.expires_at OPERATOR(pg_catalog.>) pg_catalog.now() \
            AND e.expires_at OPERATOR(pg_catalog.<=) \
                (pg_catalog.now() OPERATOR(pg_catalog.+) pg_catalog.make_interval(years => $2)) \
           FROM (SELECT pg_catalog.now() OPERATOR(pg_catalog.+) $1) AS e (expires_at)",
        vec![expires_in.into(), max_years.into()],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or(false),
    )
}

/// Keeps the digest of a token; false if it is in use already.
pub fn insert(new: NewCredential<'_>) -> bool {
    write(
        "INSERT INTO projectalpha.credentials \
             (digest, hint, scopes, agent_id, tool_id, project_id, label, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, pg_catalog.now() OPERATOR(pg_catalog.+) $8) \
         ON CONFLICT DO NOTHING",
        vec![
            new.token.digest.as_bytes().into(),
            new.token.hint.as_str().into(),
            new.scopes.into(),
            new.agent.into(),
            new.tool_id.into(),
            new.project.map(ProjectId::value).into(),
            new.label.into(),
            new.expires_in.into(),
        ],
        |rows| rows.count() > 0,
    )
}

/// Revokes what agents hold, also for archived tools; gives how many.
pub fn revoke(which: &Which) -> usize {
    let revoke = |table: &str, keys: &str| {
        write(
            &format!(
                "UPDATE projectalpha.{table} AS c SET revoked_at = pg_catalog.now() \
                 WHERE c.revoked_at IS NULL AND c.agent_id IS NOT NULL \
                   AND ($1 IS NULL OR c.id OPERATOR(pg_catalog.=) $1) \
                   AND ($2 IS NULL OR c.agent_id OPERATOR(pg_catalog.=) $2) \
                   AND (NOT $3 OR {keys}) \
                   AND ($4 IS NULL OR c.digest OPERATOR(pg_catalog.<>) $4)"
            ),
            vec![
                which.id.into(),
                which.agent.into(),
                which.keys_only.into(),
                which.but.as_ref().map(Digest::as_bytes).into(),
            ],
            Rows::count,
        )
    };
    revoke("credentials", "c.tool_id IS NULL") + revoke("archived_credentials", "false")
}

/// Those of an agent, of a tool or of all, in the order of their ids.
pub fn list(agent: Option<i64>, tool_id: Option<i64>, live: bool) -> Vec<CredentialInfo> {
    read_once(
        "SELECT l.* \
           FROM (SELECT c.id, a.id, a.name, t.tool_name, c.project_id, c.scopes, c.hint, c.label \
                      , c.created_at, c.expires_at, c.revoked_at \
                      , c.revoked_at IS NULL AND a.is_active \
                        AND (c.expires_at IS NULL \
                             OR c.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()) \
                   FROM projectalpha.credentials AS c \
                   JOIN projectalpha.agents AS a ON a.id OPERATOR(pg_catalog.=) c.agent_id \
                   LEFT JOIN projectalpha.tools AS t ON t.id OPERATOR(pg_catalog.=) c.tool_id \
                  WHERE ($1 IS NULL OR c.agent_id OPERATOR(pg_catalog.=) $1) \
                    AND ($2 IS NULL OR c.tool_id OPERATOR(pg_catalog.=) $2)) \
             AS l (id, agent_id, agent_name, tool_name, project_id, scopes, hint, label \
                 , created_at, expires_at, revoked_at, is_live) \
          WHERE l.is_live OR NOT $3 \
          ORDER BY l.id",
        vec![agent.into(), tool_id.into(), live.into()],
        |rows| {
            (0..rows.count())
                .filter_map(|index| rows.get(index))
                .filter_map(|row| {
                    Some(CredentialInfo {
                        id: row.get(1)?,
                        agent_id: row.get(2)?,
                        agent_name: row.get(3)?,
                        tool_name: row.get(4),
                        project_id: row.get(5),
                        scopes: row.get(6)?,
                        hint: row.get(7)?,
                        label: row.get(8),
                        created_at: row.get(9)?,
                        expires_at: row.get(10),
                        revoked_at: row.get(11),
                        is_live: row.get(12)?,
                    })
                })
                .collect()
        },
    )
}
