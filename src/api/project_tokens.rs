//! `issue_project_token`.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;

use crate::pg::report;
use crate::store::project_tokens;

/// Makes a token for a project. There may be any number; each works until it expires
/// or is revoked with `revoke_token`, and goes with its project.
///
/// Arguments: `project_id`; `scopes`, `read`, `write` or both; `expires`, NULL is
/// never.
///
/// Returns the token, the one time that it is shown: only its digest is kept. It
/// begins with `pas_project_`. `active_tokens` shows its scopes with `project` among
/// them: it opens nothing but that project.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such
/// project; 22023 another scope or none, or an expiry that is past; 22004 no project
/// or NULL as scopes.
///
/// ```sql
/// SELECT projectalpha.issue_project_token(7, scopes => '{read}', expires => now() + interval '90 days');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn issue_project_token(
    project_id: Option<i64>,
    scopes: default!(Option<Vec<Option<String>>>, "'{read,write}'"),
    expires: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> String {
    report::run(|| project_tokens::issue(project_id, scopes, expires))
}
