//! Lines of text out of a table, a view or a foreign table, read one after the
//! other with the rights of the caller.

use pgrx::{pg_sys, PgMemoryContexts, PgRelation};

use super::acting::with_rows_in_order;
use super::ident::{Quoted, TableName};
use super::spi::{self, Plan};
use crate::model::error::Error;
use crate::model::transfer::TransferFault;

/// A relation with one column, of type text.
pub struct LineSource {
    table: TableName,
    column: String,
}

impl LineSource {
    pub fn of(relation: &PgRelation) -> Result<Self, Error> {
        let descriptor = relation.tuple_desc();
        let mut columns = descriptor.iter().filter(|column| !column.attisdropped);
        let is_readable = relation.is_table()
            || relation.is_view()
            || relation.is_matview()
            || relation.is_foreign_table()
            || relation.is_partitioned_table();
        match (columns.next(), columns.next()) {
            (Some(column), None) if is_readable && column.atttypid == pg_sys::TEXTOID => {
                Ok(LineSource {
                    table: TableName {
                        schema: relation.namespace().to_owned(),
                        table: relation.name().to_owned(),
                    },
                    column: column.name().to_owned(),
                })
            }
            _ => Err(Error::Transfer(TransferFault::NotLines)),
        }
    }

    /// Shows each line with its number, from 1, until there is a fault. What the
    /// body allocates in PostgreSQL's memory is freed after each line.
    pub fn each_line(
        &self,
        mut body: impl FnMut(i64, Option<&str>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let sql = format!("SELECT {} FROM {}", Quoted(&self.column), self.table);
        let plan = Plan::prepare(&sql, &[]);
        let mut memory = PgMemoryContexts::new("projectalpha_store line");
        let mut number = 0;
        let mut outcome = Ok(());
        with_rows_in_order(|| {
            spi::scan_while(&plan, vec![], |row| {
                number += 1;
                // SAFETY: switched back below, and nothing made in between is used
                // later; an error drops the context, which switches back too.
                unsafe {
                    let caller = memory.set_as_current();
                    let line: Option<String> = row.get(1);
                    outcome = body(number, line.as_deref());
                    PgMemoryContexts::For(caller.value()).set_as_current();
                    memory.reset();
                }
                outcome.is_ok()
            });
        });
        outcome
    }
}
