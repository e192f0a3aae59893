//! The template of projects: `add_project_migration`, `remove_project_migration`,
//! `upgrade_project`, `try_upgrade_project`.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::{migrations, upgrade};

/// Adds a migration to the template of all projects (spec 003). New projects have
/// it; the others get it with `upgrade_project` or `upgrade_all_projects`.
///
/// Arguments: `name`, 1 to 255 characters, unique; `sql`, one statement or more
/// that name the project's tables without a schema. They run as
/// `projectalpha_owner` with the project's schema alone as search_path, in the
/// transaction that upgrades the project.
///
/// Returns the version that projects have after it.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42710 there is a migration
/// of that name; 42601 it cannot be parsed; 0A000 a statement in it is about
/// transactions, sessions, roles or the search_path, or cannot run in a
/// transaction; 22023 bad name, or no statement; 22004 an argument is NULL.
///
/// ```sql
/// SELECT projectalpha.add_project_migration('language of contents', $$
///     ALTER TABLE contents ADD COLUMN language text;
/// $$);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn add_project_migration(name: Option<&str>, sql: Option<&str>) -> Option<i32> {
    report::run(|| migrations::add(name, sql).map(Some))
}

/// Removes the last migration from the template, if no project has had it: one
/// that turned out wrong. Projects that are just getting it are waited for.
///
/// Arguments: `version`.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42704 no such version;
/// 55000 a project has had it, it is not the last one, or it is version 1, which
/// comes with the extension; 22004 no version.
///
/// ```sql
/// SELECT projectalpha.remove_project_migration(3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn remove_project_migration(version: Option<i32>) {
    report::run(|| migrations::remove(version));
}

/// Brings a project to a version of the template, and its tools to their current
/// definitions: all or nothing. Another upgrade of the same project is waited for.
///
/// Arguments: `project_id`; `to_version`, the last one if NULL.
///
/// Returns the version that the project then has.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42704 no such project or
/// version; 22023 the project is further than that; 55000 a migration was changed
/// since it was added or since the project had it; 42P16 a migration leaves
/// something that no project may have; 3F000 the schema is missing; 0A000 the
/// transaction is not READ COMMITTED; 55P03 a table was in use for longer than
/// `projectalpha_store.ddl_lock_timeout`; else what the migration failed with.
///
/// ```sql
/// SELECT projectalpha.upgrade_project(7);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn upgrade_project(
    project_id: Option<i64>,
    to_version: default!(Option<i32>, "NULL"),
) -> Option<i32> {
    report::run(|| upgrade::upgrade(project_id, to_version).map(Some))
}

/// `upgrade_project` that does not fail: what goes wrong is taken back, written
/// to the failures that `project_upgrades` shows, and returned. For
/// `upgrade_all_projects`, and for loops of your own.
///
/// Arguments: as `upgrade_project`, but a project that is further than `to_version`
/// stays so.
///
/// Returns one row, or none if there is no such project: `version`, which it
/// has now, and what failed, if anything did: `failed_step`, `failed_sqlstate`,
/// `failed_message`.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42704 no such version;
/// 0A000 the transaction is not READ COMMITTED; 22004 no project id.
///
/// ```sql
/// SELECT * FROM projectalpha.try_upgrade_project(7);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn try_upgrade_project(
    project_id: Option<i64>,
    to_version: default!(Option<i32>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(version, i32),
        name!(failed_step, Option<String>),
        name!(failed_sqlstate, Option<String>),
        name!(failed_message, Option<String>),
    ),
> {
    let attempt = report::run(|| upgrade::attempt(project_id, to_version));
    TableIterator::new(attempt.into_iter().map(|attempt| match attempt.fault {
        None => (attempt.version, None, None, None),
        Some(fault) => (
            attempt.version,
            Some(fault.step),
            Some(fault.sqlstate),
            Some(fault.message),
        ),
    }))
}
