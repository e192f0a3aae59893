//! Statements on single records of a tool's table, by kept plans.

use std::rc::Rc;

use pgrx::pg_sys;

use super::acting::as_owner_with_pinned_path;
use super::ident::{select_list, Quoted};
use super::json_writer::JsonWriter;
use super::row::Row;
use super::spi::{self, Access, Param, Plan, RowRef, Rows};
use super::table::{type_oid, ToolTable};
use crate::model::schema::FieldType;

/// What a caller knows of the record that it wants to change.
pub struct Target<'a> {
    pub id: i64,
    /// Versions that it may have; none are all.
    pub versions: Option<&'a [i64]>,
}

/// A record that was there, and its version if the tool is versioned.
pub struct Found {
    pub version: Option<i64>,
}

/// A statement on single records; with its columns the key of its plan. How many
/// columns are listed says which: the fields are there or not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Statement {
    Get {
        listed: usize,
    },
    Delete {
        versions: bool,
    },
    /// By the columns' numbers.
    Update {
        columns: Vec<usize>,
        versions: bool,
        listed: usize,
    },
    Upsert {
        columns: Vec<usize>,
        on: usize,
    },
    /// Of a tool that keeps whole payloads.
    Merge {
        versions: bool,
        listed: usize,
    },
}

impl ToolTable {
    /// Writes a record, if there is one of that id. Reads only.
    pub fn get(
        &self,
        columns: &[(&str, FieldType)],
        id: i64,
        writer: &mut JsonWriter,
    ) -> Option<Found> {
        let sql = || {
            format!(
                "SELECT {} FROM {} WHERE id OPERATOR(pg_catalog.=) $1",
                select_list(columns),
                self.name
            )
        };
        as_owner_with_pinned_path(|| {
            let plan = self.plan(
                Statement::Get {
                    listed: columns.len(),
                },
                sql,
                &[pg_sys::INT8OID],
            );
            let mut found = None;
            spi::scan(&plan, vec![id.into()], |row| {
                found = Some(self.write(&row, columns, writer));
            });
            found
        })
    }

    /// The version of a record of a versioned tool, if the record is there.
    pub fn version(&self, id: i64) -> Option<i64> {
        let sql = format!(
            "SELECT version::pg_catalog.int8 FROM {} WHERE id OPERATOR(pg_catalog.=) $1",
            self.name
        );
        as_owner_with_pinned_path(|| {
            spi::with_latest_snapshot(|| {
                spi::connected(|c| {
                    let rows = c.execute(&sql, vec![id.into()], Access::Read);
                    rows.first().and_then(|row| row.get(1))
                })
            })
        })
    }

    /// Deletes a record; false if there is none, or none with such a version.
    pub fn delete(&self, target: &Target<'_>) -> bool {
        let statement = Statement::Delete {
            versions: target.versions.is_some(),
        };
        let sql = || {
            format!(
                "DELETE FROM {} AS r WHERE r.id OPERATOR(pg_catalog.=) $1{}",
                self.name,
                version_condition(target, 2)
            )
        };
        self.change(statement, sql, target.params(), |rows| rows.count() > 0)
    }

    /// Sets the fields of a record that `row` names, and writes the record as it is
    /// then; none if there is none, or none with such a version.
    pub fn update(
        &self,
        columns: &[(&str, FieldType)],
        listed: &[(&str, FieldType)],
        target: &Target<'_>,
        row: &Row,
        writer: &mut JsonWriter,
    ) -> Option<Found> {
        let named = named(row);
        let statement = Statement::Update {
            columns: named.clone(),
            versions: target.versions.is_some(),
            listed: listed.len(),
        };
        let mut params = target.params();
        let first = params.len() + 1;
        params.extend(named.iter().map(|i| param(columns, row, *i)));
        let sql = || {
            let assignments: Vec<String> = named
                .iter()
                .enumerate()
                .map(|(n, i)| format!("{} = ${}", Quoted(columns[*i].0), first + n))
                .collect();
            self.update_sql(&assignments.join(", "), target, listed)
        };
        self.change(statement, sql, params, |rows| {
            rows.first().map(|row| self.write(&row, listed, writer))
        })
    }

    /// Merges `changes` into the payload of a record that is kept whole, takes the
    /// `cleared` keys away, and writes the record as it is then.
    pub fn merge(
        &self,
        listed: &[(&str, FieldType)],
        target: &Target<'_>,
        changes: Param,
        cleared: Vec<String>,
        writer: &mut JsonWriter,
    ) -> Option<Found> {
        let statement = Statement::Merge {
            versions: target.versions.is_some(),
            listed: listed.len(),
        };
        let mut params = target.params();
        let first = params.len() + 1;
        params.extend([changes, cleared.into()]);
        let sql = || {
            let assignment = format!(
                "data = (r.data OPERATOR(pg_catalog.||) ${first}) OPERATOR(pg_catalog.-) ${}",
                first + 1
            );
            self.update_sql(&assignment, target, listed)
        };
        self.change(statement, sql, params, |rows| {
            rows.first().map(|row| self.write(&row, listed, writer))
        })
    }

    fn update_sql(
        &self,
        assignments: &str,
        target: &Target<'_>,
        listed: &[(&str, FieldType)],
    ) -> String {
        format!(
            "UPDATE {} AS r SET {assignments}{} WHERE r.id OPERATOR(pg_catalog.=) $1{} RETURNING {}",
            self.name,
            self.next_version(),
            version_condition(target, 2),
            select_list(listed)
        )
    }

    /// Inserts a record, or sets the named fields of the one that has the same value
    /// in the unique column `on`. Gives the id, and whether it was inserted; none
    /// if a trigger took the row away.
    pub fn upsert(
        &self,
        columns: &[(&str, FieldType)],
        row: &Row,
        named_by_caller: &[bool],
        on: usize,
    ) -> Option<(i64, bool)> {
        let inserted = named(row);
        let statement = Statement::Upsert {
            columns: inserted
                .iter()
                .map(|i| i * 2 + usize::from(named_by_caller[*i]))
                .collect(),
            on,
        };
        let params: Vec<Param> = inserted.iter().map(|i| param(columns, row, *i)).collect();
        let sql = || {
            let names: Vec<String> = inserted
                .iter()
                .map(|i| Quoted(columns[*i].0).to_string())
                .collect();
            let places: Vec<String> = (1..=inserted.len()).map(|n| format!("${n}")).collect();
            let mut assignments: Vec<String> = inserted
                .iter()
                .filter(|i| named_by_caller[**i] && **i != on)
                .map(|i| Quoted(columns[*i].0))
                .map(|column| format!("{column} = EXCLUDED.{column}"))
                .collect();
            if assignments.is_empty() {
                // Nothing to change; but the row must be returned.
                let column = Quoted(columns[on].0);
                assignments.push(format!("{column} = EXCLUDED.{column}"));
            }
            format!(
                "INSERT INTO {} AS r ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}{} \
                 RETURNING r.id::pg_catalog.int8, \
                           (r.xmax OPERATOR(pg_catalog.=) '0'::pg_catalog.xid)",
                self.name,
                names.join(", "),
                places.join(", "),
                Quoted(columns[on].0),
                assignments.join(", "),
                self.next_version(),
            )
        };
        self.change(statement, sql, params, |rows| {
            let row = rows.first()?;
            Some((row.get(1)?, row.get(2)?))
        })
    }

    fn write(
        &self,
        row: &RowRef<'_>,
        columns: &[(&str, FieldType)],
        writer: &mut JsonWriter,
    ) -> Found {
        writer.record(columns, &row.values(columns.len()));
        let version = columns
            .iter()
            .position(|(name, _)| self.is_versioned() && *name == "version");
        Found {
            version: version.and_then(|position| row.get(position as i32 + 1)),
        }
    }

    /// What every change does to a versioned record besides.
    fn next_version(&self) -> &'static str {
        if self.is_versioned() {
            ", updated_at = pg_catalog.now(), version = r.version OPERATOR(pg_catalog.+) 1"
        } else {
            ""
        }
    }

    fn change<T>(
        &self,
        statement: Statement,
        sql: impl FnOnce() -> String,
        params: Vec<Param>,
        take: impl FnOnce(&Rows) -> T,
    ) -> T {
        let types: Vec<pg_sys::Oid> = params.iter().map(Param::type_oid).collect();
        as_owner_with_pinned_path(|| {
            let plan = self.plan(statement, sql, &types);
            spi::connected(|c| take(&c.execute_plan(&plan, params, Access::Write)))
        })
    }

    fn plan(
        &self,
        statement: Statement,
        sql: impl FnOnce() -> String,
        types: &[pg_sys::Oid],
    ) -> Rc<Plan> {
        if let Some(plan) = self.statements.borrow_mut().get(&statement) {
            return plan.clone();
        }
        let plan = Rc::new(Plan::prepare(&sql(), types));
        self.statements.borrow_mut().put(statement, plan.clone());
        plan
    }
}

impl Target<'_> {
    fn params(&self) -> Vec<Param> {
        let mut params: Vec<Param> = vec![self.id.into()];
        params.extend(self.versions.map(|versions| Param::from(versions.to_vec())));
        params
    }
}

fn version_condition(target: &Target<'_>, parameter: usize) -> String {
    match target.versions {
        Some(_) => format!(" AND r.version OPERATOR(pg_catalog.=) ANY (${parameter})"),
        None => String::new(),
    }
}

/// The columns that a row gives a value, by number.
fn named(row: &Row) -> Vec<usize> {
    (0..row.cells.len())
        .filter(|i| row.cells[*i].is_named)
        .collect()
}

fn param(columns: &[(&str, FieldType)], row: &Row, column: usize) -> Param {
    let cell = row.cells[column];
    let value = (!cell.is_null).then_some(cell.value);
    Param::of(type_oid(columns[column].1), value)
}
