//! `rotate_token`.

use pgrx::datum::Interval;
use pgrx::prelude::*;

use crate::model::error::Error;
use crate::model::grace::Grace;
use crate::pg::report;
use crate::store::authorise::Caller;
use crate::store::rotation;

/// Gives a tool a new token. Every live token of the tool before it goes on
/// working for the grace period, but never longer than it would have; without a
/// grace period it is revoked. Sessions follow when the transaction commits.
/// Tokens of projects are not touched, or those of one project alone.
///
/// Arguments: `tool_name`; `grace`, from now (the start of the transaction), 0
/// to 366 days, a month being 30 days; `token`, 8 to 512 characters, NULL has
/// one of 256 random bits made; `admin_token` (not needed by members of
/// `projectalpha_admin`); `current_token`, with which the holder of a tool's
/// token rotates it himself: one that is live, does not expire and allows
/// reading and writing. If it is given, it alone counts; `project_id`, whose tokens
/// to rotate: NULL means those of the tool's shared table, or with `current_token`
/// those of the project that it belongs to.
///
/// Returns the new token, the one time that it is shown.
///
/// Errors: 42501 not an administrator, or a current token that expires or does
/// not allow both reading and writing; 28000 `current_token` is not a live one
/// of the tool, or not of that project; 42704 no such tool or project; 55000 the tool
/// is not enabled for the project, or the project is archived; 22023 bad token or grace; 22004 no tool name
/// or NULL as grace; 42710 a live token of the tool is the same; 40001 rotated
/// or changed by another transaction since this one's snapshot.
///
/// ```sql
/// SELECT projectalpha.rotate_token('survey_bot', grace => '1 day');
/// ```
#[pg_extern(
    schema = "projectalpha",
    name = "rotate_token",
    volatile,
    parallel_unsafe
)]
fn rotate_token_in_project(
    tool_name: Option<&str>,
    grace: default!(Option<Interval>, "'0'"),
    token: default!(Option<&str>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
    current_token: default!(Option<&str>, "NULL"),
    project_id: default!(Option<i64>, "NULL"),
) -> String {
    report::run(|| {
        let grace = grace.ok_or(Error::ArgumentNull { argument: "grace" })?;
        let grace = Grace::new(grace.months(), grace.days(), grace.micros())?;
        rotation::rotate(
            Caller::Sql,
            tool_name,
            grace,
            token,
            current_token,
            admin_token,
            project_id,
        )
    })
}

/// `rotate_token` of 0.2.0, for databases that are not updated yet.
#[pg_extern(sql = false)]
fn rotate_token(
    tool_name: Option<&str>,
    grace: Option<Interval>,
    token: Option<&str>,
    admin_token: Option<&str>,
    current_token: Option<&str>,
) -> String {
    rotate_token_in_project(tool_name, grace, token, admin_token, current_token, None)
}
