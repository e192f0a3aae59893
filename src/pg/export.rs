//! Reading a whole table, a batch of bounded size at a time.

use pgrx::pg_sys;

use super::acting::{as_owner_with_pinned_path, with_all_rows};
use super::ident::{select_list, TableName};
use super::json_writer::JsonWriter;
use super::spi::{self, Access, Plan};
use crate::model::schema::FieldType;

/// A batch ends after so many rows, or as soon as `each` has enough.
const BATCH_ROWS: i64 = 1000;

/// The number of rows in a table. Fails, as pg_dump does, where row security would
/// hide some of them.
pub fn count(table: &TableName) -> i64 {
    let sql = format!("SELECT pg_catalog.count(*) FROM {table}");
    as_owner_with_pinned_path(|| {
        with_all_rows(|| {
            spi::connected(|c| {
                let rows = c.execute(&sql, vec![], Access::Read);
                rows.first().and_then(|row| row.get(1)).unwrap_or_default()
            })
        })
    })
}

/// Writes the records after an id as JSON objects, the first column being the id,
/// and calls `each` with the id after every one, until it says false. Nothing
/// stays open; the rows are those of the snapshot of the calling query.
pub fn batch(
    table: &TableName,
    columns: &[(&str, FieldType)],
    after_id: i64,
    writer: &mut JsonWriter,
    mut each: impl FnMut(&mut JsonWriter, i64) -> bool,
) {
    as_owner_with_pinned_path(|| {
        let sql = format!(
            "SELECT {} FROM {table} WHERE id OPERATOR(pg_catalog.>) $1 ORDER BY id LIMIT {BATCH_ROWS}",
            select_list(columns)
        );
        let plan = Plan::prepare(&sql, &[pg_sys::INT8OID]);
        spi::scan_while(&plan, vec![after_id.into()], |row| {
            writer.record(columns, &row.values(columns.len()));
            each(writer, row.get(1).unwrap_or_default())
        });
    });
}
