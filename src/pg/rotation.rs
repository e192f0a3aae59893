//! What becomes of the credentials of a tool when a new one takes their place.

use pgrx::datum::Interval;

use super::registry::write;
use crate::model::grace::Grace;
use crate::model::token::Digest;

/// Revokes every live credential of a tool but the one with this digest.
pub fn revoke_others(tool_id: i64, digest: &Digest) {
    write(
        "UPDATE projectalpha.credentials AS c SET revoked_at = pg_catalog.now() \
         WHERE c.tool_id OPERATOR(pg_catalog.=) $1 AND c.revoked_at IS NULL \
         AND c.digest OPERATOR(pg_catalog.<>) $2",
        vec![tool_id.into(), digest.as_bytes().into()],
        |_| (),
    );
}

/// Has every live credential of a tool but the one with this digest expire
/// after the grace period, unless it expires before.
pub fn expire_others(tool_id: i64, digest: &Digest, grace: Grace) {
    write(
        "UPDATE projectalpha.credentials AS c \
         SET expires_at = pg_catalog.now() OPERATOR(pg_catalog.+) $3 \
         WHERE c.tool_id OPERATOR(pg_catalog.=) $1 AND c.revoked_at IS NULL \
         AND c.digest OPERATOR(pg_catalog.<>) $2 \
         AND (c.expires_at IS NULL \
              OR c.expires_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.+) $3))",
        vec![
            tool_id.into(),
            digest.as_bytes().into(),
            Interval::from_micros(grace.microseconds()).into(),
        ],
        |_| (),
    );
}
