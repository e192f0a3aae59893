//! `set_admin_token`, `add_common_token` and `revoke_token`.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::tokens;

/// Makes a token the admin token; any before it stops working (spec 001,
/// section 2.2, had it hardcoded). Until one is set, only members of
/// `projectalpha_admin` can administer.
///
/// Arguments: `token`, 8 to 512 characters; NULL has one of 256 random bits made.
///
/// Returns the token, the one time that it is shown: only its digest is kept.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 22023 bad
/// token; 42710 it is a common token already.
///
/// ```sql
/// SELECT projectalpha.set_admin_token();
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn set_admin_token(token: default!(Option<&str>, "NULL")) -> String {
    report::run(|| tokens::set_admin(token))
}

/// Adds a token for sensitive rows of the common table (spec 001, section 2.2,
/// had them hardcoded). There may be any number.
///
/// Arguments: `token`, 8 to 512 characters; NULL has one of 256 random bits
/// made; `label`, a note on whose it is.
///
/// Returns the token, the one time that it is shown: only its digest is kept.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 22023 bad
/// token; 42710 it is in use already.
///
/// ```sql
/// SELECT projectalpha.add_common_token(label => 'reports team');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn add_common_token(
    token: default!(Option<&str>, "NULL"),
    label: default!(Option<&str>, "NULL"),
) -> String {
    report::run(|| tokens::add_common(token, label))
}

/// Revokes a token of any kind. It stops working in every session when the
/// transaction commits.
///
/// Arguments: either `token` itself, or its `token_id` in
/// `projectalpha.active_tokens`.
///
/// Returns how many credentials had it: more than one if two tools were
/// registered with the same token.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such
/// token; 22023 both arguments or none.
///
/// ```sql
/// SELECT projectalpha.revoke_token(token_id => 1);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn revoke_token(
    token: default!(Option<&str>, "NULL"),
    token_id: default!(Option<i64>, "NULL"),
) -> i64 {
    report::run(|| tokens::revoke(token, token_id))
}
