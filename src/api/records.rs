//! `store_record` and `store_records`.

use pgrx::prelude::*;

use super::page;
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::pg::set_result::{JsonRows, RowsReturned};
use crate::store::records;

/// Stores one record of a tool (spec 001, section 4.2).
///
/// Arguments: `tool_name`; `token`, a live token of that tool; `payload`, a
/// JSON object. Its fields are checked against the tool's schema: extra ones
/// are ignored (refused by a `strict` tool), missing ones get the field's default
/// or NULL, nulls are stored as NULL, `{}` is a record; `idempotency_key`, 1 to 255
/// characters: the same key with the same payload stores nothing more and gives
/// the first id, within `projectalpha_store.idempotency_retention`.
///
/// Returns the id of the record (NULL only if a trigger that somebody added to
/// the table took the row away).
///
/// Errors: 42704 no such tool; 28000 wrong, missing, expired or revoked token;
/// 42804 a field of the wrong JSON kind; 22003 a number out of range; 22007 a
/// malformed timestamp; 22023 the payload is no object; 22004 no tool name or
/// payload; 42P01 the table was dropped by hand; 23502, 23514 a rule of a field is
/// broken; 23505 a unique field, or a key that was used with another payload; 42703
/// a field that a strict tool does not have; any error of the INSERT.
///
/// ```sql
/// SELECT projectalpha.store_record('survey_bot', 'survey-secure-token-001',
///     '{"user_id": 42, "feedback": "Great product!"}');
/// ```
#[pg_extern(
    schema = "projectalpha",
    name = "store_record",
    volatile,
    parallel_unsafe
)]
fn store_record_once(
    tool_name: Option<&str>,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
    idempotency_key: default!(Option<&str>, "NULL"),
) -> Option<i64> {
    report::run(|| records::store(tool_name, token, payload, idempotency_key))
}

/// `store_record` as version 0.1.0 declares it: databases that are not updated yet
/// call this one.
#[pg_extern(sql = false)]
fn store_record(
    tool_name: Option<&str>,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
) -> Option<i64> {
    report::run(|| records::store(tool_name, token, payload, None))
}

/// Stores many records of a tool in one call, all or nothing.
///
/// Arguments: as for `store_record`; `payloads` is a JSON array of objects.
///
/// Returns the number of records stored.
///
/// Errors: as for `store_record`; a fault in a record names the first bad one by
/// its index in the array, counted from 0 (`payloads->17` is record 17); 22023
/// `payloads` is no array.
///
/// ```sql
/// SELECT projectalpha.store_records('survey_bot', 'survey-secure-token-001',
///     '[{"user_id": 42, "feedback": "Great product!"}, {"user_id": 43, "feedback": "Could be better"}]');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn store_records(tool_name: Option<&str>, token: Option<&str>, payloads: Option<Jsonb<'_>>) -> i64 {
    report::run(|| records::store_many(tool_name, token, payloads))
}

/// `list_records` as version 0.1.0 declared it, for databases that still have
/// its SQL.
#[pg_extern(sql = false)]
fn list_records(
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
        records::list(tool_name, token, page, &mut writer, |record, _id| {
            rows.push(record)
        })
    });
    rows.finish()
}
