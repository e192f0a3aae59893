//! Statements on the common table, by kept plans.

use pgrx::pg_sys;

use super::acting::as_owner_with_pinned_path;
use super::json_writer::JsonWriter;
use super::jsonb::Jsonb;
use super::spi::{self, Access, KeptStatement, Param};
use crate::model::page::Page;
use crate::model::schema::FieldType;

thread_local! {
    static INSERT: KeptStatement = const { KeptStatement::new(
        "INSERT INTO projectalpha_data.multiple_tools (tool_name, data, sensitive) \
         VALUES ($1, $2, $3::pg_catalog.int4) RETURNING id::pg_catalog.int8",
        &[pg_sys::TEXTOID, pg_sys::JSONBOID, pg_sys::INT8OID],
    ) };
    static SELECT: KeptStatement = const { KeptStatement::new(
        "SELECT m.id::pg_catalog.int8, m.created_at::pg_catalog.timestamptz, \
                m.tool_name::pg_catalog.text, m.data::pg_catalog.jsonb, \
                m.sensitive::pg_catalog.int8 \
         FROM projectalpha_data.multiple_tools AS m \
         WHERE m.tool_name OPERATOR(pg_catalog.=) $1 \
           AND (m.sensitive OPERATOR(pg_catalog.=) 0 OR $2) \
           AND m.id OPERATOR(pg_catalog.>) $3 \
         ORDER BY m.id LIMIT $4 OFFSET $5",
        &[
            pg_sys::TEXTOID,
            pg_sys::BOOLOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
        ],
    ) };
}

/// The keys of a listed row.
pub(super) const COLUMNS: [(&str, FieldType); 5] = [
    ("id", FieldType::Int),
    ("created_at", FieldType::Timestamp),
    ("tool_name", FieldType::Str),
    ("data", FieldType::Json),
    ("sensitive", FieldType::Int),
];

/// Inserts a row and gives its id; none if a trigger took the row away.
pub fn insert(sender: &str, payload: Jsonb<'_>, sensitive: bool) -> Option<i64> {
    let params = vec![
        sender.into(),
        Param::document(payload),
        i64::from(sensitive).into(),
    ];
    INSERT.with(|insert| {
        as_owner_with_pinned_path(|| {
            let plan = insert.plan();
            spi::connected(|c| {
                let rows = c.execute_plan(plan, params, Access::Write);
                rows.first().and_then(|row| row.get(1))
            })
        })
    })
}

/// Writes each row of a page, oldest first, and calls `each` with its id
/// after every one.
pub fn list(
    sender: &str,
    sensitive_too: bool,
    page: Page,
    writer: &mut JsonWriter,
    mut each: impl FnMut(&mut JsonWriter, i64),
) {
    let params = vec![
        sender.into(),
        sensitive_too.into(),
        page.after_id.into(),
        page.limit.into(),
        page.offset.into(),
    ];
    SELECT.with(|select| {
        as_owner_with_pinned_path(|| {
            spi::scan(select.plan(), params, |row| {
                writer.record(&COLUMNS, &row.values(COLUMNS.len()));
                each(writer, row.get(1).unwrap_or_default());
            });
        });
    });
}
