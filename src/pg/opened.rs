//! Which tools a token opens to a reader of the catalogue.

use pgrx::pg_sys;

use super::registry::{has_agents, read};
use super::spi::KeptStatement;
use crate::model::token::Digest;

/// The token of a tool, if it allows reading, or of a configured tool that has no table
/// yet: that one is a credential of no tool whose scope names it. What is left open says
/// whose credentials count.
macro_rules! opened_by {
    ($join:literal, $holds:literal) => {
        concat!(
            "SELECT pg_catalog.array_agg(o.tool_name) FROM (\
                SELECT COALESCE(t.tool_name, pg_catalog.substr(s.scope, 6)) AS tool_name \
                  FROM projectalpha.credentials AS c \
                 CROSS JOIN LATERAL pg_catalog.unnest(c.scopes) AS s (scope) \
                  LEFT JOIN projectalpha.tools AS t ON t.id OPERATOR(pg_catalog.=) c.tool_id ",
            $join,
            " WHERE c.digest OPERATOR(pg_catalog.=) $1 AND c.revoked_at IS NULL \
                AND (c.expires_at IS NULL OR c.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()) \
                AND CASE WHEN c.tool_id IS NULL THEN pg_catalog.starts_with(s.scope, 'tool:') \
                         ELSE s.scope OPERATOR(pg_catalog.=) ANY ('{read,admin}') END ",
            $holds,
            ") AS o"
        )
    };
}

thread_local! {
    static OPENED: KeptStatement = const { KeptStatement::new(
        opened_by!(
            "LEFT JOIN projectalpha.agents AS a ON a.id OPERATOR(pg_catalog.=) c.agent_id AND a.is_active",
            "AND (c.agent_id IS NULL OR a.id IS NOT NULL)"
        ),
        &[pg_sys::BYTEAOID],
    ) };
    // Until ALTER EXTENSION ... UPDATE has run.
    static OPENED_BEFORE_AGENTS: KeptStatement = const { KeptStatement::new(
        opened_by!("", ""),
        &[pg_sys::BYTEAOID],
    ) };
}

/// The names of the tools that a token opens, as far as its scopes say.
pub fn opened_by(digest: &Digest) -> Vec<String> {
    let statement = if has_agents() {
        &OPENED
    } else {
        &OPENED_BEFORE_AGENTS
    };
    statement.with(|query| {
        read(query, vec![digest.as_bytes().into()], |rows| {
            rows.first().and_then(|row| row.get(1)).unwrap_or_default()
        })
    })
}
