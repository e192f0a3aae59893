//! Records into a new table under the ids and times that they had elsewhere.

use pgrx::pg_sys;

use super::acting::{as_owner_in_catalog, as_owner_with_pinned_path};
use super::builtin_code::InsertCode;
use super::ident::{column_list, TableName};
use super::planned_insert::PlannedInsert;
use super::report::{catch, Failure};
use super::row::{Cell, Row};
use super::spi::{self, Access};
use super::table::type_oid;
use crate::model::schema::FieldType;

/// What a record has beside its fields. Times are in microseconds since
/// PostgreSQL's epoch.
pub struct Origin {
    pub id: i64,
    pub created_at: i64,
    /// `updated_at` and `version`, if the tool is versioned.
    pub versions: Option<(i64, i64)>,
}

/// How to insert such records into one table.
pub struct Import {
    insert: PlannedInsert,
    /// True if an INSERT runs nobody's code but PostgreSQL's.
    is_builtin: bool,
}

impl Import {
    /// The caller holds a lock on the table.
    /// `columns` are all of the table's: those of an [`Origin`], then the fields.
    pub fn into(table: &TableName, oid: pg_sys::Oid, columns: &[(&str, FieldType)]) -> Self {
        let places: Vec<String> = (1..=columns.len()).map(|i| format!("${i}")).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
            column_list(columns.iter().map(|(name, _)| *name)),
            places.join(", ")
        );
        let types: Vec<pg_sys::Oid> = columns.iter().map(|(_, t)| type_oid(*t)).collect();
        as_owner_with_pinned_path(|| Import {
            insert: PlannedInsert::prepare(&sql, &types),
            is_builtin: InsertCode::of(oid, columns).is_builtin_here(),
        })
    }

    /// Inserts one record. After a failure the caller must raise an error, and do
    /// nothing else before.
    pub fn insert(&self, origin: &Origin, row: &Row) -> Result<(), Failure> {
        let mut fixed = vec![origin.id, origin.created_at];
        if let Some((updated_at, version)) = origin.versions {
            fixed.extend([updated_at, version]);
        }
        let fixed: Vec<Cell> = fixed.into_iter().map(Cell::from).collect();
        let insert = || {
            self.insert.insert_values(fixed.iter().chain(&row.cells));
        };
        catch(|| {
            if self.is_builtin {
                as_owner_in_catalog(insert)
            } else {
                as_owner_with_pinned_path(insert)
            }
        })
    }
}

/// Has the next id come after this one.
pub fn continue_after(table: &TableName, id: i64) {
    as_owner_with_pinned_path(|| {
        spi::connected(|c| {
            c.execute(
                "SELECT pg_catalog.setval($1::pg_catalog.text::pg_catalog.regclass, $2)",
                vec![table.sequence().to_string().into(), id.into()],
                Access::Write,
            );
        });
    });
}
