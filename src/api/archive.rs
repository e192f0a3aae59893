//! `delete_tool`, `restore_tool` and `purge_archived_tool`.

use pgrx::prelude::*;

use crate::model::error::Error;
use crate::pg::report;
use crate::store::authorise::Caller;
use crate::store::{archive, tools};

/// Deletes a tool: its registration, its tokens and its table with every
/// record, all or none (spec 001, section 4.4). Cannot be undone, unless it is
/// archived.
///
/// Arguments: `tool_name`; `admin_token` (not needed by members of
/// `projectalpha_admin`); `archive`: true renames the table to
/// `archived_<tool>_<time>` (UTC, microseconds) and keeps registration and
/// tokens for `restore_tool`. The name may then be registered again. Views on
/// the table go on working and show the archived records.
///
/// A record that is being stored meanwhile is waited for and archived; after
/// that no record lands in the table through the service.
///
/// Errors: 42501 not an administrator; 42704 no such tool; 22004 no tool name, or
/// NULL as `archive`; 2BP01 another object, a view say, depends on the table that
/// is to be dropped; 42P01 there is no table to archive; 55P03 the table was in
/// use for longer than `projectalpha_store.ddl_lock_timeout` (archiving alone).
///
/// ```sql
/// SELECT projectalpha.delete_tool('survey_bot', archive => true);
/// ```
#[pg_extern(
    schema = "projectalpha",
    name = "delete_tool",
    volatile,
    parallel_unsafe
)]
fn delete_or_archive_tool(
    tool_name: Option<&str>,
    admin_token: default!(Option<&str>, "NULL"),
    archive: default!(Option<bool>, "false"),
) {
    report::run(|| match archive {
        Some(true) => archive::archive(Caller::Sql, tool_name, admin_token),
        Some(false) => tools::delete(Caller::Sql, tool_name, admin_token).map(|_| ()),
        None => Err(Error::ArgumentNull {
            argument: "archive",
        }),
    });
}

/// `delete_tool` as version 0.1.0 declared it, for databases that were not
/// upgraded yet.
#[pg_extern(sql = false)]
fn delete_tool(tool_name: Option<&str>, admin_token: Option<&str>) {
    report::run(|| tools::delete(Caller::Sql, tool_name, admin_token).map(|_| ()));
}

/// Brings an archived tool back with its records, their ids, its tokens and its
/// schema history; ids go on where they were.
///
/// Arguments: `tool_name` as it was when archived; `archived_id`, from
/// `projectalpha.archived_tool_list`, NULL takes what was archived last under
/// that name; `new_name`, NULL gives it its old name; `admin_token` (not needed
/// by members of `projectalpha_admin`).
///
/// Returns one row: `archived_id`, `tool_name`, `table_name` (NULL for an entry of the
/// catalogue alone).
///
/// Errors: 42501 not an administrator; 42704 no such archived tool; 42710 the
/// name is taken; 42602 bad new name; 42P01 its table is gone; 42P07 a table of
/// the name it is to have is in the way; 22004 no tool name; 55P03 the table was
/// in use for longer than `projectalpha_store.ddl_lock_timeout`.
///
/// ```sql
/// SELECT * FROM projectalpha.restore_tool('survey_bot', new_name => 'old_survey_bot');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn restore_tool(
    tool_name: Option<&str>,
    archived_id: default!(Option<i64>, "NULL"),
    new_name: default!(Option<&str>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(archived_id, i64),
        name!(tool_name, String),
        name!(table_name, Option<String>),
    ),
> {
    let restored = report::run(|| {
        archive::restore(Caller::Sql, tool_name, archived_id, new_name, admin_token)
    });
    TableIterator::once((
        restored.archived_id,
        restored.tool_name,
        restored.table_name,
    ))
}

/// Drops an archived tool for good: its table with every record, its tokens and
/// its schema history. A table that was dropped by hand is no error.
///
/// Arguments: `archived_id`, from `projectalpha.archived_tool_list`;
/// `admin_token` (not needed by members of `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such archived tool; 22004 no id;
/// 2BP01 another object, a view say, depends on the table.
///
/// ```sql
/// SELECT projectalpha.purge_archived_tool(archived_id)
///   FROM projectalpha.archived_tool_list WHERE archived_at < now() - interval '90 days';
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn purge_archived_tool(archived_id: Option<i64>, admin_token: default!(Option<&str>, "NULL")) {
    report::run(|| archive::purge(Caller::Sql, archived_id, admin_token));
}
