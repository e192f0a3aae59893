//! `configure_access_log`, `summarise_usage`, `drop_access_logs`, and the views of what
//! the access log tells.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::access_log;
use crate::store::authorise::Caller;

extension_sql_file!(
    "../../sql/access_log.sql",
    name = "access_log",
    requires = ["registry", "projects", "agents"]
);
extension_sql_file!(
    "../../sql/finish_access_log.sql",
    name = "finish_access_log",
    requires = [
        "access_log",
        configure_access_log,
        summarise_usage,
        drop_access_logs
    ]
);

/// Says what the access log keeps of the attempts to use a tool, from commit on and in
/// every session.
///
/// Arguments: `tool_name`; `level`: `none`, `denied`, `writes` or `all`, or NULL to follow
/// the setting `projectalpha_store.access_log`; `payloads`, true to keep the payload of
/// each attempt that is kept and has one of up to 64 KiB; `admin_token` (not needed by
/// members of `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such tool; 22023 no such level; 22004
/// `tool_name` or `payloads` is NULL.
///
/// ```sql
/// SELECT projectalpha.configure_access_log('survey_bot', 'all', payloads => true);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn configure_access_log(
    tool_name: Option<&str>,
    level: default!(Option<&str>, "NULL"),
    payloads: default!(Option<bool>, "false"),
    admin_token: default!(Option<&str>, "NULL"),
) {
    report::run(|| access_log::configure(Caller::Sql, tool_name, level, payloads, admin_token));
}

/// Adds what is new in the access log to the figures of `tool_metadata` and
/// `api_usage_daily`: every attempt once, however often, by how many at once, or how far
/// this is called. What transactions have written that are younger than the oldest one
/// still running is for a later call.
///
/// Returns how many attempts were added. For members of `projectalpha_admin`.
///
/// Errors: 42501 not an administrator; 40001 in a transaction whose snapshot is older
/// than another call.
///
/// ```sql
/// SELECT projectalpha.summarise_usage();
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn summarise_usage() -> i64 {
    report::run(access_log::summarise)
}

/// Drops the months (UTC) of the access log that end before a day, after their attempts
/// are added to the figures. A month with some that cannot be added yet is kept, with a
/// NOTICE.
///
/// Arguments: `before`, a day: the months before its own are dropped.
///
/// Returns how many were dropped. For members of `projectalpha_admin`. While it drops, nobody
/// writes to the log; it waits for who has written, and whoever comes later for it, no
/// longer than `projectalpha_store.ddl_lock_timeout`.
///
/// Errors: 42501 not an administrator; 22004 no day; 55P03 a transaction that has written
/// to the log, or reads it, did not end in time.
///
/// ```sql
/// SELECT projectalpha.drop_access_logs(before => (now() - interval '1 year')::date);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn drop_access_logs(before: Option<Date>) -> i32 {
    report::run(|| access_log::drop_before(before))
}
