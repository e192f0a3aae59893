//! `last_stored`, and the view `tool_activity`.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::activity;

extension_sql_file!(
    "../../sql/activity.sql",
    name = "activity",
    requires = ["tables", last_stored]
);

/// When the newest record of a tool was stored: `created_at` of its largest id,
/// which the primary key finds at once. `tool_activity` shows it for every tool.
///
/// Arguments: `tool_name`; NULL means the common table.
///
/// Returns NULL for a tool without records, and for one that is not there or
/// whose table was dropped or belongs to somebody else.
///
/// ```sql
/// SELECT projectalpha.last_stored('survey_bot');
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn last_stored(tool_name: Option<&str>) -> Option<TimestampWithTimeZone> {
    report::run(|| Ok(activity::last_stored(tool_name)))
}
