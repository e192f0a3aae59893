//! Statements on a tool's table, by kept plans.

use std::cell::OnceCell;
use std::ffi::c_char;

use pgrx::pg_sys;

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::direct_insert::{somebody_watches, DirectInsert};
use super::ident::{column_list, select_list, TableName};
use super::json_writer::JsonWriter;
use super::row::Row;
use super::spi::{self, null_mark, Plan, Rows};
use crate::model::page::Page;
use crate::model::schema::FieldType;

/// A table of records with its kept plans.
pub struct ToolTable {
    pub name: TableName,
    pub oid: pg_sys::Oid,
    /// None for a table that is not plain.
    direct: OnceCell<Option<DirectInsert>>,
    insert: OnceCell<Plan>,
    select: OnceCell<Plan>,
    runs_foreign_code: OnceCell<bool>,
}

impl ToolTable {
    pub fn new(name: TableName, oid: pg_sys::Oid) -> Self {
        ToolTable {
            name,
            oid,
            direct: OnceCell::new(),
            insert: OnceCell::new(),
            select: OnceCell::new(),
            runs_foreign_code: OnceCell::new(),
        }
    }

    /// Inserts a record and gives its id; none if a trigger of the table took
    /// the row away. The caller holds the lock that an INSERT takes.
    pub fn insert(&self, columns: &[(&str, FieldType)], row: Row) -> Option<i64> {
        let direct = self
            .direct
            .get_or_init(|| DirectInsert::of(self.oid, columns));
        match direct {
            Some(direct) if !somebody_watches() => Some(direct.insert(&row)),
            _ => self.insert_by_plan(columns, row),
        }
    }

    fn insert_by_plan(&self, columns: &[(&str, FieldType)], mut row: Row) -> Option<i64> {
        let statement = || {
            let plan = self.insert.get_or_init(|| {
                let types: Vec<pg_sys::Oid> = columns.iter().map(|(_, t)| type_oid(*t)).collect();
                Plan::prepare(&self.insert_sql(columns), &types)
            });
            let nulls: Vec<c_char> = row.nulls.iter().map(|n| null_mark(*n)).collect();
            spi::connected(|_| {
                // SAFETY: the row has a value of the right type for each
                // parameter of the plan.
                let status = unsafe {
                    pg_sys::SPI_execute_plan(
                        plan.plan,
                        row.values.as_mut_ptr(),
                        nulls.as_ptr(),
                        false,
                        0,
                    )
                };
                let rows = Rows::of_last_statement(status);
                rows.first().and_then(|row| row.get(1))
            })
        };
        // Triggers and rules were added by somebody who may not have thought of
        // the caller's search_path.
        if self.runs_foreign_code() {
            as_owner_with_pinned_path(statement)
        } else {
            as_owner(statement)
        }
    }

    /// Writes each record of a page as a JSON object, oldest first, and hands
    /// over the writer after each. Reads only.
    pub fn list(
        &self,
        columns: &[(&str, FieldType)],
        page: Page,
        writer: &mut JsonWriter,
        mut each: impl FnMut(&mut JsonWriter),
    ) {
        as_owner(|| {
            let plan = self.select.get_or_init(|| {
                let sql = format!(
                    "SELECT {} FROM {} ORDER BY id LIMIT $1 OFFSET $2",
                    select_list(columns),
                    self.name
                );
                Plan::prepare(&sql, &[pg_sys::INT8OID, pg_sys::INT8OID])
            });
            let params = vec![page.limit.into(), page.offset.into()];
            spi::scan(plan, params, |row| {
                writer.record(columns, &row);
                each(writer);
            });
        });
    }

    fn insert_sql(&self, columns: &[(&str, FieldType)]) -> String {
        if columns.is_empty() {
            return format!("INSERT INTO {} DEFAULT VALUES RETURNING id", self.name);
        }
        let places: Vec<String> = (1..=columns.len()).map(|i| format!("${i}")).collect();
        format!(
            "INSERT INTO {} ({}) VALUES ({}) RETURNING id",
            self.name,
            column_list(columns.iter().map(|(name, _)| *name)),
            places.join(", ")
        )
    }

    fn runs_foreign_code(&self) -> bool {
        *self.runs_foreign_code.get_or_init(|| {
            // SAFETY: the caller holds a lock on the table; opened and closed here.
            unsafe {
                let relation = pg_sys::RelationIdGetRelation(self.oid);
                if relation.is_null() {
                    return true;
                }
                let foreign = !(*relation).trigdesc.is_null() || !(*relation).rd_rules.is_null();
                pg_sys::RelationClose(relation);
                foreign
            }
        })
    }
}

pub(super) fn type_oid(field_type: FieldType) -> pg_sys::Oid {
    match field_type {
        FieldType::Int => pg_sys::INT8OID,
        FieldType::Str => pg_sys::TEXTOID,
        FieldType::Bool => pg_sys::BOOLOID,
        FieldType::Float => pg_sys::FLOAT8OID,
        FieldType::Json => pg_sys::JSONBOID,
        FieldType::Timestamp => pg_sys::TIMESTAMPTZOID,
    }
}
