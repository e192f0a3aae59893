//! `store_common` and `list_common`.

use pgrx::prelude::*;

use super::page;
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::pg::set_result::{JsonRows, RowsReturned};
use crate::store::authorise::Caller;
use crate::store::common;

/// Stores any JSON object in the table that small tools share,
/// `projectalpha_data.multiple_tools` (spec 001, section 4.5).
///
/// Arguments: `tool_name`, the sender, 1 to 50 printable characters; `payload`;
/// `sensitive`, for rows that only token holders may list; `token`, a common or
/// admin token, needed if `sensitive` is true and the role is no member of
/// `projectalpha_admin`.
///
/// Returns the id of the row.
///
/// Errors: 28000 sensitive without a valid token; 42602 bad sender name; 22023
/// the payload is no object; 22004 no sender or payload.
///
/// ```sql
/// SELECT projectalpha.store_common('metrics_collector', '{"cpu": 45, "memory": 2048}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn store_common(
    tool_name: Option<&str>,
    payload: Option<Jsonb<'_>>,
    sensitive: default!(Option<bool>, "false"),
    token: default!(Option<&str>, "NULL"),
) -> Option<i64> {
    report::run(|| common::store(Caller::Sql, tool_name, payload, sensitive, token))
}

/// Lists what a small tool stored in the common table, oldest first.
///
/// Arguments: `tool_name`, the sender; `row_limit`, `row_offset` as in
/// `list_records`; `token`, a common or admin token. Without one only rows that
/// are not sensitive appear, except to members of `projectalpha_admin`;
/// `after_id` as in `list_records`.
///
/// Returns each row as `json`: `id`, `created_at`, `tool_name`, `data`,
/// `sensitive` (0 or 1).
///
/// Errors: 28000 a token was given that is not valid; 42602 bad sender name;
/// 22023 negative limit or offset; 22004 no sender.
///
/// ```sql
/// SELECT r->'data' FROM projectalpha.list_common('metrics_collector') AS r;
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn list_common(
    tool_name: Option<&str>,
    row_limit: default!(Option<i32>, "10"),
    row_offset: default!(Option<i64>, "0"),
    token: default!(Option<&str>, "NULL"),
    after_id: default!(Option<i64>, "NULL"),
    mut rows: JsonRows<'_>,
) -> RowsReturned {
    report::run(|| {
        let page = page(row_limit, row_offset, after_id)?;
        let mut writer = JsonWriter::new(Zone::Shown);
        common::list(
            Caller::Sql,
            tool_name,
            token,
            page,
            &mut writer,
            |record, _id| rows.push(record),
        )
    });
    rows.finish()
}
