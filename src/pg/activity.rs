//! What a table tells of its use.

use pgrx::datum::TimestampWithTimeZone;

use super::acting::as_owner_with_pinned_path;
use super::cache::accept_invalidations;
use super::compat::{lock_relation, LOCK_FOR_READING};
use super::ddl::{check_table, relation_oid};
use super::ident::TableName;
use super::spi::{self, Access};

/// `created_at` of the record with the largest id; none if there is no record, or
/// no table of ours.
pub fn created_at_of_largest_id(table: &TableName) -> Option<TimestampWithTimeZone> {
    let oid = relation_oid(table)?;
    lock_relation(oid, LOCK_FOR_READING);
    accept_invalidations();
    // Dropped, or replaced by another, while we waited for the lock.
    if relation_oid(table) != Some(oid) || check_table(table, oid).is_err() {
        return None;
    }
    as_owner_with_pinned_path(|| {
        let sql = format!(
            "SELECT created_at::pg_catalog.timestamptz FROM {table} ORDER BY id DESC LIMIT 1"
        );
        spi::connected(|c| {
            let rows = c.execute(&sql, vec![], Access::Read);
            rows.first().and_then(|row| row.get(1))
        })
    })
}
