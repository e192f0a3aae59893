//! `export_project` and `adopt_project`.

use std::ffi::CString;

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::moving;

/// Writes down what belongs to a project but is not in its schema, so that a plain
/// `pg_dump -n project_<id>` has all of it, and `adopt_project` in another database
/// makes a project of that again.
///
/// Arguments: `project_id`.
///
/// Returns the manifest, which is also in the one row of `project_<id>.project_manifest`:
/// name, client, settings and status of the project; the migrations that it has had,
/// with their checksums; the object models and prompts that its rows refer to; the
/// tools that it has tables of, with their definitions. Tokens are not in it, nor are
/// the roles that were granted access, nor what was recorded of its usage.
///
/// The manifest is emptied when a migration, or a change of its tools, changes the
/// project's tables: run it right before `pg_dump`.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such project;
/// 3F000 its schema is gone; 55000 contents refer to object models that do not exist;
/// 22004 no project.
///
/// ```sql
/// SELECT jsonb_pretty(projectalpha.export_project(7));
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn export_project(project_id: Option<i64>) -> Option<Jsonb<'static>> {
    let text = report::run(|| moving::export(project_id));
    CString::new(text).ok().map(|text| Jsonb::parse(&text))
}

/// Makes a project of a schema that `pg_dump -n project_<id>` has copied from another
/// database, after `export_project` there: all of it or nothing.
///
/// Arguments: `schema_name`: `project_<id>`, whose id the project gets (a schema can be
/// renamed before); `name`, NULL keeps the name that it had; `client_id`, who is billed
/// here: the ids of clients are another database's.
///
/// Returns the id of the project. Ids of projects to come are larger.
///
/// - Schema and everything in it must belong to `projectalpha_owner`, as in a dump
///   with owners. Privileges of other roles are taken away: grant them anew.
/// - Triggers, rules and unlogged tables are refused, as in a migration.
/// - Migrations with the same versions must have the same text here.
/// - Tools that are missing are registered, without a token. Those that are here must have,
///   or have had, the same definition. The client is allowed to use those that are enabled.
/// - Object models are known by name and version, and must be the same; prompts by their
///   name. Those that are missing are created; rows get the ids that they have here.
/// - The project has no tokens: `rotate_token(.., project_id => ..)` makes one for a
///   tool, `issue_project_token` one for the project.
///
/// Waits for whoever writes to the schema, and fails after
/// `projectalpha_store.ddl_lock_timeout`.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`, or something belongs
/// to another role; 42602 no name of a project's schema; 3F000 no such schema; 42710
/// there is a project with that id; 55000 there is no manifest or it is outdated, the
/// restore is not finished, the schema has what no project has, or a migration, tool or
/// object model is another one here; 22023 the manifest is none, or bad name; 0A000 it
/// comes from a later release, or the transaction is not READ COMMITTED; 42704 no such
/// client; 42P01 the table of a tool is
/// missing; 55P03 the tables were in use for too long; 22004 no schema; those of
/// `register_tool`, `create_object_model` and `create_prompt`.
///
/// ```sql
/// SELECT projectalpha.adopt_project('project_7', client_id => 3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn adopt_project(
    schema_name: Option<&str>,
    name: default!(Option<&str>, "NULL"),
    client_id: default!(Option<i64>, "NULL"),
) -> Option<i64> {
    report::run(|| moving::adopt(schema_name, name, client_id).map(|id| Some(id.value())))
}
