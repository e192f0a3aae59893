//! Tables of projects as the catalogue has them, and reading one of them whole.

use std::ffi::CStr;

use pgrx::{pg_sys, PgRelation};

use super::acting::{as_owner_with_pinned_path, with_all_rows, with_portable_values};
use super::cache::accept_invalidations;
use super::compat::{lock_relation, LOCK_FOR_READING};
use super::ddl::{check_table, relation_oid};
use super::ident::TableName;
use super::query_sql;
use super::registry::read;
use super::set_result::JsonbRows;
use super::spi::{self, KeptStatement, Param, Plan};
use crate::model::access_error::AccessError;
use crate::model::error::Error;
use crate::model::filter::Condition;
use crate::model::project::ProjectId;
use crate::model::schema::FieldType;

/// A column, and the type of field that filters take it for, if they do.
pub struct Column {
    pub name: String,
    pub field_type: Option<FieldType>,
    type_oid: pg_sys::Oid,
}

impl Column {
    /// The type as SQL calls it.
    pub fn type_name(&self) -> String {
        // SAFETY: any OID gives a C string.
        unsafe {
            CStr::from_ptr(pg_sys::format_type_be(self.type_oid))
                .to_string_lossy()
                .into_owned()
        }
    }
}

/// A table that is locked for reading until the end of the transaction.
pub struct ProjectTable {
    project: ProjectId,
    name: TableName,
    pub columns: Vec<Column>,
}

thread_local! {
    static PROJECTS: KeptStatement = const { KeptStatement::new(
        "SELECT p.id FROM projectalpha.projects AS p ORDER BY p.id",
        &[],
    ) };
}

/// The ids of all projects, in order, as they are committed now.
pub fn projects() -> Vec<ProjectId> {
    PROJECTS.with(|query| {
        read(query, vec![], |rows| {
            (0..rows.count())
                .filter_map(|i| rows.get(i)?.get(1).and_then(ProjectId::new))
                .collect()
        })
    })
}

/// Locks the table of that name in a project's schema for reading, if there is one.
pub fn open(project: ProjectId, table: &str) -> Result<Option<ProjectTable>, Error> {
    let name = TableName::in_project(project, table);
    loop {
        let Some(oid) = relation_oid(&name) else {
            return Ok(None);
        };
        // SAFETY: a look-up in the system cache.
        let kind = unsafe { pg_sys::get_rel_relkind(oid) } as u8;
        if !matches!(
            kind,
            pg_sys::RELKIND_RELATION | pg_sys::RELKIND_PARTITIONED_TABLE
        ) {
            let table = table.to_owned();
            return Err(AccessError::NotTable { project, table }.into());
        }
        lock_relation(oid, LOCK_FOR_READING);
        accept_invalidations();
        // It may have been dropped, or have become another one, in the meantime.
        if relation_oid(&name) == Some(oid) {
            check_table(&name, oid)?;
            let columns = columns_of(oid);
            return Ok(Some(ProjectTable {
                project,
                name,
                columns,
            }));
        }
    }
}

fn columns_of(table: pg_sys::Oid) -> Vec<Column> {
    // SAFETY: the caller holds a lock on the table.
    let table = unsafe { PgRelation::open(table) };
    let descriptor = table.tuple_desc();
    let columns = descriptor.iter().filter(|a| !a.attisdropped);
    columns
        .map(|attribute| Column {
            name: attribute.name().to_owned(),
            field_type: field_type(attribute.atttypid),
            type_oid: attribute.atttypid,
        })
        .collect()
}

/// The type of field that compares as columns of this type do.
fn field_type(type_oid: pg_sys::Oid) -> Option<FieldType> {
    Some(match type_oid {
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => FieldType::Int,
        pg_sys::TEXTOID | pg_sys::VARCHAROID => FieldType::Str,
        pg_sys::BOOLOID => FieldType::Bool,
        pg_sys::FLOAT8OID => FieldType::Float,
        pg_sys::JSONOID | pg_sys::JSONBOID => FieldType::Json,
        pg_sys::TIMESTAMPTZOID => FieldType::Timestamp,
        _ => return None,
    })
}

impl ProjectTable {
    /// Adds every row that meets all conditions, as one jsonb with the project's id.
    /// Reads only, a batch at a time; fails where row security would hide rows.
    pub fn scan(&self, conditions: &[Condition], rows: &mut JsonbRows<'_>) -> Result<(), Error> {
        let statement = query_sql::documents(&self.name, self.project, conditions)?;
        let types: Vec<pg_sys::Oid> = statement.params.iter().map(Param::type_oid).collect();
        as_owner_with_pinned_path(|| {
            with_all_rows(|| {
                with_portable_values(|| {
                    let plan = Plan::prepare(&statement.sql, &types);
                    spi::scan(&plan, statement.params, |row| {
                        if let Some(document) = row.get(1) {
                            rows.push(document);
                        }
                    });
                });
            });
        });
        Ok(())
    }
}
