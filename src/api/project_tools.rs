//! `enable_tool`, `disable_tool`, `allow_tool` and `disallow_tool`.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::project_tools;

/// Gives a project a table of its own of a tool, `project_<id>.tool_<name>`, made from
/// the tool's one definition. Whoever calls with the token that this returns stores and
/// sees the records of that table, and of no other. A tool that was disabled takes up
/// the records that were kept, at the version of the schema that they follow.
///
/// Arguments: `tool_name`; `project_id`; `token`, 8 to 512 characters, NULL has one of
/// 256 random bits made.
///
/// Returns the project's token for the tool, the one time that it is shown.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`, or the client of the
/// project may not use the tool; 42704 no such tool or project; 42710 the tool is
/// enabled already, or the token is in use; 42P07 the schema has a table of that name;
/// 42P01 the table that was kept is gone; 55000 the project is archived; 22004 NULL as
/// an argument; 22023 bad token; 55P03 the tool is being changed by others.
///
/// ```sql
/// SELECT projectalpha.enable_tool('survey_bot', project_id => 7);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn enable_tool(
    tool_name: Option<&str>,
    project_id: Option<i64>,
    token: default!(Option<&str>, "NULL"),
) -> String {
    report::run(|| project_tools::enable(tool_name, project_id, token))
}

/// Revokes a project's tokens for a tool. They stop working in every session when the
/// transaction commits.
///
/// Arguments: `tool_name`; `project_id`; `keep_data`: true keeps the records for
/// `enable_tool`, false drops them with their table, also those that were kept before.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such tool or
/// project; 55000 the tool is not enabled for the project; 22004 NULL as an argument;
/// 2BP01 something depends on the table; 55P03 the table was in use for too long.
///
/// ```sql
/// SELECT projectalpha.disable_tool('survey_bot', project_id => 7);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn disable_tool(
    tool_name: Option<&str>,
    project_id: Option<i64>,
    keep_data: default!(Option<bool>, "true"),
) {
    report::run(|| project_tools::disable(tool_name, project_id, keep_data));
}

/// Lets a client use a tool: from then on it can be enabled for the client's projects.
/// A project without a client needs no such leave.
///
/// Arguments: `tool_name`; `client_id`.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such tool or
/// client; 22004 NULL as an argument.
///
/// ```sql
/// SELECT projectalpha.allow_tool('survey_bot', client_id => 3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn allow_tool(tool_name: Option<&str>, client_id: Option<i64>) {
    report::run(|| project_tools::allow(tool_name, client_id));
}

/// Takes back what `allow_tool` gave.
///
/// Arguments: `tool_name`; `client_id`.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`, or the client may not use
/// the tool anyway; 42704 no such tool; 2BP01 it is enabled for a project of the client;
/// 22004 NULL as an argument.
///
/// ```sql
/// SELECT projectalpha.disallow_tool('survey_bot', client_id => 3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn disallow_tool(tool_name: Option<&str>, client_id: Option<i64>) {
    report::run(|| project_tools::disallow(tool_name, client_id));
}
