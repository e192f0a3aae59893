//! How many records a tool's table has, and how large it is.

use pgrx::pg_sys;

use super::acting::as_owner_with_pinned_path;
use super::spi::{self, Access, KeptStatement};
use super::table::ToolTable;

thread_local! {
    static BYTES: KeptStatement = const { KeptStatement::new(
        "SELECT pg_catalog.pg_total_relation_size($1::pg_catalog.regclass)",
        &[pg_sys::OIDOID],
    ) };
}

impl ToolTable {
    /// The number of its records, counted; `at_most` or more count as that many.
    pub fn count_up_to(&self, at_most: i64) -> i64 {
        let sql = format!(
            "SELECT pg_catalog.count(*) FROM (SELECT FROM {} LIMIT $1) AS r",
            self.name
        );
        as_owner_with_pinned_path(|| {
            spi::with_latest_snapshot(|| {
                spi::connected(|c| {
                    let rows = c.execute(&sql, vec![at_most.into()], Access::Read);
                    rows.first().and_then(|row| row.get(1)).unwrap_or_default()
                })
            })
        })
    }

    /// Bytes on disk, with its indexes and what is stored out of line.
    pub fn bytes(&self) -> i64 {
        BYTES.with(|query| {
            as_owner_with_pinned_path(|| {
                let plan = query.plan();
                spi::connected(|c| {
                    let rows = c.execute_plan(plan, vec![self.oid.into()], Access::Read);
                    rows.first().and_then(|row| row.get(1)).unwrap_or_default()
                })
            })
        })
    }
}
