//! What is read for questions about access that no call of a record asks.

use pgrx::pg_sys;

use super::registry::read;
use super::spi::{KeptStatement, Param};
use crate::model::token::Digest;

/// A credential of a tool, live or not.
pub struct CredentialState {
    pub id: i64,
    pub digest: Option<Digest>,
    pub scopes: Vec<String>,
    pub project_id: Option<i64>,
    pub agent_id: Option<i64>,
    pub agent_name: Option<String>,
    pub is_revoked: bool,
    pub is_expired: bool,
    /// True if it is held by an agent who is not active, or no longer there.
    pub agent_is_silent: bool,
}

thread_local! {
    static ALLOWED_SCOPES: KeptStatement = const { KeptStatement::new(
        "SELECT i.allowed_scopes FROM projectalpha.tool_info AS i \
         WHERE i.tool_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
    // Of several with the same token the live one, or else the last.
    static CREDENTIAL: KeptStatement = const { KeptStatement::new(
        "SELECT c.id, c.digest, c.scopes, c.project_id, c.agent_id, a.name, c.revoked_at IS NOT NULL \
              , c.expires_at IS NOT NULL AND c.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() \
              , c.agent_id IS NOT NULL AND a.is_active IS DISTINCT FROM true \
         FROM projectalpha.credentials AS c \
         LEFT JOIN projectalpha.agents AS a ON a.id OPERATOR(pg_catalog.=) c.agent_id \
         WHERE c.tool_id OPERATOR(pg_catalog.=) $1 \
         AND (c.digest OPERATOR(pg_catalog.=) $2 OR c.id OPERATOR(pg_catalog.=) $3) \
         ORDER BY c.revoked_at IS NULL DESC, c.id DESC LIMIT 1",
        &[pg_sys::INT8OID, pg_sys::BYTEAOID, pg_sys::INT8OID],
    ) };
}

/// The scopes that credentials of a tool may carry, which name its own actions, too;
/// none if nothing is said of them.
pub fn allowed_scopes(tool_id: i64) -> Option<Vec<String>> {
    ALLOWED_SCOPES.with(|query| {
        read(query, vec![tool_id.into()], |rows| {
            rows.first().and_then(|row| row.get(1))
        })
    })
}

/// A credential of a tool, known by its token or by its id.
pub fn credential(
    tool_id: i64,
    digest: Option<&Digest>,
    id: Option<i64>,
) -> Option<CredentialState> {
    let params: Vec<Param> = vec![
        tool_id.into(),
        digest.map(Digest::as_bytes).into(),
        id.into(),
    ];
    CREDENTIAL.with(|query| {
        read(query, params, |rows| {
            let row = rows.first()?;
            Some(CredentialState {
                id: row.get(1)?,
                digest: row
                    .get::<Vec<u8>>(2)
                    .and_then(|bytes| Digest::from_bytes(&bytes)),
                scopes: row.get(3).unwrap_or_default(),
                project_id: row.get(4),
                agent_id: row.get(5),
                agent_name: row.get(6),
                is_revoked: row.get(7).unwrap_or(true),
                is_expired: row.get(8).unwrap_or(true),
                agent_is_silent: row.get(9).unwrap_or(true),
            })
        })
    })
}
