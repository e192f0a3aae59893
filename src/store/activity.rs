//! When a tool was used last.

use pgrx::datum::TimestampWithTimeZone;

use crate::model::name::ToolName;
use crate::pg::activity;
use crate::pg::ident::TableName;

/// When the newest record of a tool, or of the common table, was stored. What
/// cannot be told is no fault: one odd table must not hide all others.
pub fn last_stored(tool_name: Option<&str>) -> Option<TimestampWithTimeZone> {
    let table = match tool_name {
        Some(name) => TableName::of_tool(&ToolName::parse(name).ok()?),
        None => TableName::common(),
    };
    activity::created_at_of_largest_id(&table)
}
