//! Projects as their tokens see them.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys;

use super::registry::{read, write, write_kept, CredentialRow};
use super::spi::KeptStatement;
use crate::model::project::ProjectId;
use crate::model::token::{Digest, NewToken};

/// A project, and what a token allows in it.
pub struct ProjectRow {
    pub status: String,
    pub client_id: Option<i64>,
    /// The live credential of the project with the digest that was asked for.
    pub credential: Option<CredentialRow>,
}

thread_local! {
    // One statement for both: that a project is not there takes as long to find out
    // as that a token is none of its.
    static PROJECT: KeptStatement = const { KeptStatement::new(
        "SELECT p.status, p.client_id, c.scopes, c.expires_at \
         FROM projectalpha.projects AS p \
         LEFT JOIN projectalpha.credentials AS c \
           ON c.tool_id IS NULL AND c.project_id OPERATOR(pg_catalog.=) $1 \
          AND c.digest OPERATOR(pg_catalog.=) $2 AND c.revoked_at IS NULL \
         WHERE p.id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID, pg_sys::BYTEAOID],
    ) };
    static KEEP: KeptStatement = const { KeptStatement::new(
        "SELECT p.id FROM projectalpha.projects AS p \
         WHERE p.id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE",
        &[pg_sys::INT8OID],
    ) };
}

/// The project as it is committed now; none if there is none.
pub fn find(project: ProjectId, token: Option<&Digest>) -> Option<ProjectRow> {
    let params = vec![project.value().into(), token.map(Digest::as_bytes).into()];
    PROJECT.with(|query| {
        read(query, params, |rows| {
            rows.first().map(|row| ProjectRow {
                status: row.get(1).unwrap_or_default(),
                client_id: row.get(2),
                credential: row
                    .get(3)
                    .map(|scopes| CredentialRow::allowing(scopes, row.get(4))),
            })
        })
    })
}

/// Has whoever drops the project wait for the end of this transaction; false if it
/// is dropped already. Changes of its status go on meanwhile.
pub fn keep(project: ProjectId) -> bool {
    write_kept(&KEEP, vec![project.value().into()], |rows| rows.count() > 0)
}

/// Keeps the digest of a project's token; false if it is in use already.
pub fn insert_credential(
    token: &NewToken,
    scopes: &[&str],
    project: ProjectId,
    expires: Option<TimestampWithTimeZone>,
) -> bool {
    write(
        "INSERT INTO projectalpha.credentials (digest, hint, scopes, project_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        vec![
            token.digest.as_bytes().into(),
            token.hint.as_str().into(),
            scopes.to_vec().into(),
            project.value().into(),
            expires.into(),
        ],
        |rows| rows.count() > 0,
    )
}
