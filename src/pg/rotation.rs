//! What becomes of the credentials of a tool when a new one takes their place.

use pgrx::datum::Interval;

use super::registry::write;
use crate::model::grace::Grace;
use crate::model::project::ProjectId;
use crate::model::token::Digest;

/// The live credentials of the tool $1 for the project $2, or for none if that is
/// NULL, but neither the one with the digest $3 nor those of agents. By way of jsonb:
/// until ALTER EXTENSION ... UPDATE has run there are no such columns.
const OTHERS: &str = "c.tool_id OPERATOR(pg_catalog.=) $1 AND c.revoked_at IS NULL \
     AND c.digest OPERATOR(pg_catalog.<>) $3 \
     AND COALESCE((pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id')::pg_catalog.int8, 0) \
         OPERATOR(pg_catalog.=) COALESCE($2, 0) \
     AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'agent_id') IS NULL";

/// Revokes every live credential of a tool but the one with this digest: those of
/// the project, or those of none.
pub fn revoke_others(tool_id: i64, project: Option<ProjectId>, digest: &Digest) {
    write(
        &format!(
            "UPDATE projectalpha.credentials AS c SET revoked_at = pg_catalog.now() WHERE {OTHERS}"
        ),
        vec![
            tool_id.into(),
            project.map(ProjectId::value).into(),
            digest.as_bytes().into(),
        ],
        |_| (),
    );
}

/// Has each of them expire after the grace period, unless it expires before.
pub fn expire_others(tool_id: i64, project: Option<ProjectId>, digest: &Digest, grace: Grace) {
    write(
        &format!(
            "UPDATE projectalpha.credentials AS c \
             SET expires_at = pg_catalog.now() OPERATOR(pg_catalog.+) $4 WHERE {OTHERS} \
             AND (c.expires_at IS NULL \
                  OR c.expires_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.+) $4))"
        ),
        vec![
            tool_id.into(),
            project.map(ProjectId::value).into(),
            digest.as_bytes().into(),
            Interval::from_micros(grace.microseconds()).into(),
        ],
        |_| (),
    );
}
