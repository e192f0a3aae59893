//! `alter_tool`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::alter;
use crate::store::authorise::Caller;

/// Changes the fields and options of a tool and keeps its records: all of the
/// changes or none.
///
/// Arguments: `tool_name`; `changes`, one of these objects or an array of them,
/// applied one after the other; `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// - `{"add": {"name": .., "type": .., <rules>}}`: a field as for
///   `register_tool`. Existing records get its default, or NULL.
/// - `{"rename": {"field": "a", "to": "b"}}`, `{"drop": "a"}`.
/// - `{"widen": {"field": "a", "type": "float"}}`: an int becomes a float if every
///   value lies between -9007199254740992 and 9007199254740992 (2^53), so that
///   none changes; any type becomes json, timestamps as ISO 8601 strings in UTC.
/// - `{"set": {"field": "a", "required": true, "max": null}}`: rules; null takes
///   one away. A default is for records to come.
/// - `{"options": {"strict": true, "max_records": null}}`: also `versioned`,
///   `notify`, `max_bytes`, `sensitive`, `description`. A tool that becomes
///   versioned has version 1 of every record. Limits apply to what comes.
///
/// Returns the number of the schema's new version in
/// `projectalpha.schema_history`.
///
/// Locks: existing records are checked while others read and write, and again,
/// as far as they are new, when the table is locked. Waiting for that lock ends
/// after `projectalpha_store.ddl_lock_timeout`. It is then kept until the end of
/// the transaction: against writers for new rules and indexes, against everybody
/// for changes of columns, `required`, `versioned`, and for indexes that go. To
/// add, rename or drop takes no time. To widen rewrites the table, and an index is
/// built while writers wait (CREATE INDEX CONCURRENTLY cannot run in a function):
/// both take one to two seconds for a million records; `required` takes a tenth of
/// that.
/// Where a table was rewritten, a transaction with an older snapshot (REPEATABLE
/// READ) that has not used it before finds it empty: so it is with every ALTER
/// TABLE that rewrites.
///
/// Errors: 42501 not an administrator; 42704 no such tool; 22023 bad changes,
/// rules or options; 42703 no such field; 42701 the name is another field's;
/// 42602 bad field name; 42804 not a wider type; 55000 the tool stores whole
/// payloads; 23502, 23505, 23514, 22003 existing records do not allow it (DETAIL
/// has their number and the first ids); 55P03 the table was in use for too
/// long; 2BP01, 0A000 a view depends on the column; 22004 NULL as an argument;
/// 54000, 54011 too many changes or fields; 40001 changed by another transaction
/// since this one's snapshot.
///
/// ```sql
/// SELECT projectalpha.alter_tool('survey_bot', '[
///     {"add": {"name": "rating", "type": "int", "min": 1, "max": 5}},
///     {"rename": {"field": "feedback", "to": "comment"}}]');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn alter_tool(
    tool_name: Option<&str>,
    changes: Option<Jsonb<'_>>,
    admin_token: default!(Option<&str>, "NULL"),
) -> i32 {
    report::run(|| {
        let changes = changes.map(Jsonb::to_text);
        alter::alter(Caller::Sql, tool_name, changes.as_deref(), admin_token)
    })
}
