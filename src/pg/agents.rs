//! The rows of `projectalpha.agents`.

use pgrx::pg_sys;

use super::ddl::relation_oid;
use super::ident::TableName;
use super::registry::{has_agents, read, read_once, write, write_kept};
use super::report;
use super::spi::{KeptStatement, RowRef};
use crate::model::agent::AgentFacts;
use crate::model::agent_rules::AgentChanges;
use crate::model::error::Error;
use crate::model::token::{Digest, AGENT_SCOPE};

/// An agent that stays as it is until the end of the transaction.
pub struct AgentRow {
    pub is_active: bool,
    pub facts: AgentFacts,
}

thread_local! {
    static OF_API_KEY: KeptStatement = const { KeptStatement::new(
        "SELECT a.id FROM projectalpha.credentials AS c \
           JOIN projectalpha.agents AS a ON a.id OPERATOR(pg_catalog.=) c.agent_id AND a.is_active \
          WHERE c.tool_id IS NULL AND c.project_id IS NULL AND c.digest OPERATOR(pg_catalog.=) $1 \
            AND c.revoked_at IS NULL \
            AND (c.expires_at IS NULL OR c.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()) \
            AND $2 OPERATOR(pg_catalog.=) ANY (c.scopes)",
        &[pg_sys::BYTEAOID, pg_sys::TEXTOID],
    ) };
    static LOCK: KeptStatement = const { KeptStatement::new(
        "SELECT a.id, a.is_active, a.roles, a.permissions FROM projectalpha.agents AS a \
          WHERE a.id OPERATOR(pg_catalog.=) $1 FOR SHARE",
        &[pg_sys::INT8OID],
    ) };
}

/// The active agent whose live API key has this digest.
pub fn of_api_key(digest: &Digest) -> Option<i64> {
    if !has_agents() {
        return None;
    }
    let params = vec![digest.as_bytes().into(), AGENT_SCOPE.into()];
    OF_API_KEY.with(|query| {
        read(query, params, |rows| {
            rows.first().and_then(|row| row.get(1))
        })
    })
}

/// An agent, which nobody changes until the end of the transaction; whoever was just
/// changing it has been waited for.
pub fn lock(agent: i64) -> Option<AgentRow> {
    let row = |row: RowRef<'_>| AgentRow {
        is_active: row.get(2).unwrap_or(false),
        facts: AgentFacts {
            id: row.get(1).unwrap_or_default(),
            roles: row.get(3).unwrap_or_default(),
            permissions: row.get(4).unwrap_or_default(),
        },
    };
    write_kept(&LOCK, vec![agent.into()], |rows| rows.first().map(row))
}

/// Has whoever changes the agent, or gives it a credential, wait for the end of this
/// transaction; false if there is none of that id.
pub fn lock_for_change(agent: i64) -> bool {
    write(
        "SELECT a.id FROM projectalpha.agents AS a \
         WHERE a.id OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
        vec![agent.into()],
        |rows| rows.count() > 0,
    )
}

/// True if there is an agent of that id.
pub fn exists(agent: i64) -> bool {
    read_once(
        "SELECT a.id FROM projectalpha.agents AS a WHERE a.id OPERATOR(pg_catalog.=) $1",
        vec![agent.into()],
        |rows| rows.count() > 0,
    )
}

/// Adds an agent; none if the name is taken.
pub fn insert(
    name: &str,
    description: Option<&str>,
    roles: Vec<String>,
    permissions: Vec<String>,
) -> Option<i64> {
    write(
        "INSERT INTO projectalpha.agents AS a (name, description, roles, permissions) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING RETURNING a.id",
        vec![
            name.into(),
            description.into(),
            roles.into(),
            permissions.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Changes what is named of an agent; false if there is none of that id. That another
/// has the name is the error that `taken` gives; the caller must raise it.
pub fn update(
    agent: i64,
    changes: AgentChanges,
    taken: impl FnOnce() -> Error,
) -> Result<bool, Error> {
    let change = || update_row(agent, changes);
    report::explained(change, |failure| {
        (&failure.sqlstate == b"23505").then(taken)
    })
}

fn update_row(agent: i64, changes: AgentChanges) -> bool {
    write(
        "UPDATE projectalpha.agents AS a \
            SET name = COALESCE($2, a.name) \
              , description = CASE WHEN $3 THEN $4 ELSE a.description END \
              , roles = COALESCE($5, a.roles) \
              , permissions = COALESCE($6, a.permissions) \
              , updated_at = pg_catalog.now() \
          WHERE a.id OPERATOR(pg_catalog.=) $1",
        vec![
            agent.into(),
            changes.name.into(),
            changes.description.is_some().into(),
            changes.description.flatten().into(),
            changes.roles.into(),
            changes.permissions.into(),
        ],
        |rows| rows.count() > 0,
    )
}

/// Has the credentials of an agent work, or not; false if there is none of that id.
pub fn set_active(agent: i64, is_active: bool) -> bool {
    write(
        "UPDATE projectalpha.agents AS a SET is_active = $2, updated_at = pg_catalog.now() \
         WHERE a.id OPERATOR(pg_catalog.=) $1",
        vec![agent.into(), is_active.into()],
        |rows| rows.count() > 0,
    )
}

/// Removes an agent, and with it (by a trigger) its credentials; false if there is none
/// of that id.
pub fn delete(agent: i64) -> bool {
    write(
        "DELETE FROM projectalpha.agents AS a WHERE a.id OPERATOR(pg_catalog.=) $1",
        vec![agent.into()],
        |rows| rows.count() > 0,
    )
}

/// The scopes that the policies of a tool grant to an agent: those of its active allow
/// policies whose conditions on roles and permissions the agent meets.
pub fn grantable_scopes(tool_id: i64, agent: &AgentFacts) -> Vec<String> {
    if relation_oid(&TableName::of_configuration("policies")).is_none() {
        return Vec::new();
    }
    write(
        "SELECT pg_catalog.array_agg(DISTINCT s.scope) \
           FROM projectalpha.policies AS p \
          CROSS JOIN LATERAL pg_catalog.unnest(COALESCE(p.allowed_scopes, p.actions)) AS s (scope) \
          WHERE p.tool_id OPERATOR(pg_catalog.=) $1 AND p.is_active \
            AND p.effect OPERATOR(pg_catalog.=) 'allow' \
            AND (NOT p.conditions OPERATOR(pg_catalog.?) 'roles' \
                 OR (p.conditions OPERATOR(pg_catalog.->) 'roles') OPERATOR(pg_catalog.?|) $2) \
            AND (NOT p.conditions OPERATOR(pg_catalog.?) 'permissions' \
                 OR (p.conditions OPERATOR(pg_catalog.->) 'permissions') \
                    OPERATOR(pg_catalog.<@) pg_catalog.to_jsonb($3))",
        vec![
            tool_id.into(),
            agent.roles.clone().into(),
            agent.permissions.clone().into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or_default(),
    )
}

/// The scopes that a tool names as those that it allows, if it does.
pub fn allowed_scopes(tool_id: i64) -> Option<Vec<String>> {
    write(
        "SELECT i.allowed_scopes FROM projectalpha.tool_info AS i \
         WHERE i.tool_id OPERATOR(pg_catalog.=) $1",
        vec![tool_id.into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}
