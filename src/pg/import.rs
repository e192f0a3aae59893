//! Records into a new table under the ids and times that they had elsewhere.

use std::ffi::c_char;

use pgrx::{pg_sys, IntoDatum};

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::builtin_code::runs_builtin_code_alone;
use super::ident::{column_list, TableName};
use super::report::{catch, Failure};
use super::row::Row;
use super::spi::{self, null_mark, Access, Plan, Rows};
use super::table::type_oid;
use crate::model::name::{RESERVED_FIELDS, VERSION_FIELDS};
use crate::model::schema::FieldType;

/// What every record has; times are in microseconds since PostgreSQL's epoch.
pub struct OwnValues {
    pub id: i64,
    pub created_at: i64,
    /// Of a versioned tool: `updated_at` and `version`.
    pub version: Option<(i64, i64)>,
}

impl OwnValues {
    fn datums(&self) -> impl Iterator<Item = pg_sys::Datum> {
        let version = self
            .version
            .map(|(updated_at, version)| [updated_at, version]);
        let values = [self.id, self.created_at].into_iter();
        values
            .chain(version.into_iter().flatten())
            .filter_map(IntoDatum::into_datum)
    }
}

/// How to insert such records into one table.
pub struct Import {
    insert: Plan,
    /// True if an INSERT runs nobody's code but PostgreSQL's.
    is_builtin: bool,
}

impl Import {
    /// The caller holds a lock on the table.
    pub fn into(
        table: &TableName,
        oid: pg_sys::Oid,
        versioned: bool,
        fields: &[(&str, FieldType)],
    ) -> Self {
        let mut names = RESERVED_FIELDS.to_vec();
        let mut types = vec![pg_sys::INT8OID, pg_sys::TIMESTAMPTZOID];
        if versioned {
            names.extend(VERSION_FIELDS);
            types.extend([pg_sys::TIMESTAMPTZOID, pg_sys::INT8OID]);
        }
        names.extend(fields.iter().map(|(name, _)| *name));
        types.extend(fields.iter().map(|(_, field_type)| type_oid(*field_type)));
        let places: Vec<String> = (1..=names.len()).map(|i| format!("${i}")).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) OVERRIDING SYSTEM VALUE VALUES ({})",
            column_list(names.into_iter()),
            places.join(", ")
        );
        Import {
            insert: as_owner_with_pinned_path(|| Plan::prepare(&sql, &types)),
            is_builtin: runs_builtin_code_alone(oid),
        }
    }

    /// Inserts one record, of a versioned tool with its version. After a failure the
    /// caller must raise an error, and do nothing else before.
    pub fn insert(&self, own: &OwnValues, row: &Row) -> Result<(), Failure> {
        let mut values: Vec<pg_sys::Datum> = own.datums().collect();
        let mut nulls: Vec<c_char> = vec![null_mark(false); values.len()];
        values.extend(&row.values);
        nulls.extend(row.nulls.iter().map(|is_null| null_mark(*is_null)));
        let insert = || {
            spi::connected(|_| {
                // SAFETY: a value of the right type for each parameter of the plan.
                let status = unsafe {
                    pg_sys::SPI_execute_plan(
                        self.insert.plan,
                        values.as_mut_ptr(),
                        nulls.as_ptr(),
                        false,
                        0,
                    )
                };
                Rows::of_last_statement(status);
            });
        };
        catch(|| {
            if self.is_builtin {
                as_owner(insert)
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
