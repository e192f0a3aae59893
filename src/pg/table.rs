//! Statements on a tool's table: the direct way where the table is plain, kept
//! plans otherwise, and for an INSERT a way between the two. Plans run with the
//! search_path pinned: what makes a table other than plain is often code
//! (triggers, checks, domains, policies) that was written without the caller's
//! search_path in mind. Only an INSERT that can run no such code does with less.

use std::cell::{Cell, OnceCell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;
use pgrx::pg_sys;

use super::acting::{as_owner_in_catalog, as_owner_with_pinned_path};
use super::builtin_code::InsertCode;
use super::bulk_insert::BulkInsert;
use super::cache::has_changed;
use super::compat::{lock_relation, LOCK_FOR_WRITING};
use super::direct_insert::{somebody_watches, DirectInsert};
use super::direct_scan::DirectScan;
use super::ident::{column_list, select_list, TableName};
use super::json_writer::JsonWriter;
use super::planned_insert::PlannedInsert;
use super::query::QueryPlans;
use super::record::Statement;
use super::row::Row;
use super::simple_insert::SimpleInsert;
use super::spi::{self, Plan};
use crate::model::page::Page;
use crate::model::schema::FieldType;

/// INSERT plans kept for a table: one for each set of fields that records name.
const INSERT_PLANS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// Plans kept for statements on single records: an UPDATE has one for each set of
/// fields.
const STATEMENT_PLANS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Makes the next of many rows in the place of the one before; none after the last.
pub trait NextRow<E>: FnMut(&mut Row) -> Option<Result<(), E>> {}
impl<E, F: FnMut(&mut Row) -> Option<Result<(), E>>> NextRow<E> for F {}

/// What is special about a tool's table, as the tool was registered.
pub struct Layout {
    /// It has `updated_at` and `version`.
    pub versioned: bool,
    /// Fields whose columns are NOT NULL: no record comes here without them.
    pub required: Vec<String>,
}

/// A table of records, with what is known about it and its kept plans.
pub struct ToolTable {
    pub name: TableName,
    pub oid: pg_sys::Oid,
    layout: Layout,
    /// None for a table that is not plain.
    direct: OnceCell<Option<DirectInsert>>,
    code: OnceCell<InsertCode>,
    /// None for a table whose records are inserted by a plan.
    simple: OnceCell<Option<SimpleInsert>>,
    /// None for a table that must be read through a plan.
    scan: OnceCell<Option<DirectScan>>,
    inserts: RefCell<LruCache<Vec<bool>, Rc<PlannedInsert>>>,
    select: OnceCell<Plan>,
    pub(super) statements: RefCell<LruCache<Statement, Rc<Plan>>>,
    pub(super) queries: QueryPlans,
}

impl ToolTable {
    pub fn new(name: TableName, oid: pg_sys::Oid, layout: Layout) -> Self {
        ToolTable {
            name,
            oid,
            layout,
            direct: OnceCell::new(),
            code: OnceCell::new(),
            simple: OnceCell::new(),
            scan: OnceCell::new(),
            inserts: RefCell::new(LruCache::new(INSERT_PLANS)),
            select: OnceCell::new(),
            statements: RefCell::new(LruCache::new(STATEMENT_PLANS)),
            queries: QueryPlans::default(),
        }
    }

    pub(super) fn is_versioned(&self) -> bool {
        self.layout.versioned
    }

    /// Inserts a record and gives its id; none if a trigger of the table took
    /// the row away. The caller holds the lock that an INSERT takes.
    pub fn insert(&self, columns: &[(&str, FieldType)], row: &Row) -> Option<i64> {
        match self.direct(columns) {
            Some(direct) => Some(direct.insert(row)),
            None => self.insert_indirectly(columns, row),
        }
    }

    fn insert_indirectly(&self, columns: &[(&str, FieldType)], row: &Row) -> Option<i64> {
        match self.simple(columns) {
            Some(simple) if !somebody_watches() && simple.still_applies() => simple.insert(row),
            _ => self.insert_by_plan(columns, row),
        }
    }

    /// True if a record goes the direct way, and into no index but that of the ids.
    pub fn inserts_only_by_id(&self, columns: &[(&str, FieldType)]) -> bool {
        self.direct(columns)
            .is_some_and(DirectInsert::has_only_the_index_of_ids)
    }

    /// Inserts many records and gives the number stored, or the first error of
    /// `next`; the caller then raises it, and nothing is stored. If PostgreSQL refuses
    /// a record, `at` is the number of those before it.
    pub fn insert_many<E>(
        &self,
        columns: &[(&str, FieldType)],
        next: impl NextRow<E>,
        at: &Cell<usize>,
    ) -> Result<i64, E> {
        match self.direct(columns) {
            Some(direct) => insert_in_bulk(direct, columns.len(), next, at),
            None => self.insert_one_by_one(columns, next, at),
        }
    }

    fn insert_one_by_one<E>(
        &self,
        columns: &[(&str, FieldType)],
        mut next: impl NextRow<E>,
        at: &Cell<usize>,
    ) -> Result<i64, E> {
        let mut stored = 0;
        let mut row = Row::with_capacity(columns.len());
        at.set(0);
        while let Some(made) = next(&mut row) {
            made?;
            stored += i64::from(self.insert_indirectly(columns, &row).is_some());
            at.set(at.get() + 1);
        }
        Ok(stored)
    }

    fn direct(&self, columns: &[(&str, FieldType)]) -> Option<&DirectInsert> {
        // As the owner: looking at an index may evaluate its expressions.
        let direct = get_or_make(&self.direct, || {
            as_owner_with_pinned_path(|| DirectInsert::of(self.oid, columns, &self.layout))
        });
        direct.as_ref().filter(|_| !somebody_watches())
    }

    fn simple(&self, columns: &[(&str, FieldType)]) -> Option<&SimpleInsert> {
        let simple = get_or_make(&self.simple, || {
            let code = self.code(columns);
            as_owner_with_pinned_path(|| SimpleInsert::of(self.oid, columns, code))
        });
        simple.as_ref()
    }

    fn code(&self, columns: &[(&str, FieldType)]) -> &InsertCode {
        get_or_make(&self.code, || {
            as_owner_with_pinned_path(|| InsertCode::of(self.oid, columns))
        })
    }

    /// True if what is known here of an INSERT is also up to one of these other tables.
    pub fn depends_on(&self, tables: &[pg_sys::Oid]) -> bool {
        let code = self.code.get();
        code.and_then(|code| code.builtin_reach.as_ref())
            .is_some_and(|reach| reach.iter().any(|table| tables.contains(table)))
    }

    /// True if an INSERT by plan runs nobody's code but PostgreSQL's. The other tables
    /// that it writes to are locked, as it will lock them, so that it stays true.
    fn plan_is_builtin(&self, columns: &[(&str, FieldType)]) -> bool {
        let Some(reach) = &self.code(columns).builtin_reach else {
            return false;
        };
        // Rules fire as long as this is what is replicated from.
        // SAFETY: a setting of this session.
        let origin = unsafe { pg_sys::SessionReplicationRole }
            == pg_sys::SESSION_REPLICATION_ROLE_ORIGIN as i32;
        if !reach.is_empty() && !origin {
            return false;
        }
        for table in reach {
            lock_relation(*table, LOCK_FOR_WRITING);
        }
        reach.is_empty() || !has_changed(reach)
    }

    /// Writes each record of a page as a JSON object, oldest first, and calls
    /// `each` with its id after every one. Reads only.
    pub fn list(
        &self,
        columns: &[(&str, FieldType)],
        page: Page,
        writer: &mut JsonWriter,
        mut each: impl FnMut(&mut JsonWriter, i64),
    ) {
        let direct = self.scan.get_or_init(|| DirectScan::of(self.oid, columns));
        if let Some(direct) = direct.as_ref().filter(|_| !somebody_watches()) {
            return direct.scan(page, |values| {
                writer.record(columns, values);
                each(writer, values[0].map_or(0, |id| id.value() as i64));
            });
        }
        as_owner_with_pinned_path(|| {
            let plan = self.select.get_or_init(|| {
                let sql = format!(
                    "SELECT {} FROM {} WHERE id OPERATOR(pg_catalog.>) $1 \
                     ORDER BY id LIMIT $2 OFFSET $3",
                    select_list(columns),
                    self.name
                );
                Plan::prepare(&sql, &[pg_sys::INT8OID; 3])
            });
            let params = vec![page.after_id.into(), page.limit.into(), page.offset.into()];
            spi::scan(plan, params, |row| {
                writer.record(columns, &row.values(columns.len()));
                each(writer, row.get(1).unwrap_or_default());
            });
        });
    }

    fn insert_by_plan(&self, columns: &[(&str, FieldType)], row: &Row) -> Option<i64> {
        let named: Vec<bool> = row.cells.iter().map(|cell| cell.is_named).collect();
        let insert = || self.planned_insert(columns, &named).insert(row);
        if self.plan_is_builtin(columns) {
            as_owner_in_catalog(insert)
        } else {
            as_owner_with_pinned_path(insert)
        }
    }

    fn planned_insert(&self, columns: &[(&str, FieldType)], named: &[bool]) -> Rc<PlannedInsert> {
        if let Some(insert) = self.inserts.borrow_mut().get(named) {
            return insert.clone();
        }
        let columns: Vec<(&str, FieldType)> = columns
            .iter()
            .zip(named)
            .filter(|(_, named)| **named)
            .map(|(column, _)| *column)
            .collect();
        let types: Vec<pg_sys::Oid> = columns.iter().map(|(_, t)| type_oid(*t)).collect();
        let insert = Rc::new(PlannedInsert::prepare(&self.insert_sql(&columns), &types));
        self.inserts
            .borrow_mut()
            .put(named.to_vec(), insert.clone());
        insert
    }

    fn insert_sql(&self, columns: &[(&str, FieldType)]) -> String {
        if columns.is_empty() {
            return format!(
                "INSERT INTO {} DEFAULT VALUES RETURNING id::pg_catalog.int8",
                self.name
            );
        }
        let places: Vec<String> = (1..=columns.len()).map(|i| format!("${i}")).collect();
        format!(
            "INSERT INTO {} ({}) VALUES ({}) RETURNING id::pg_catalog.int8",
            self.name,
            column_list(columns.iter().map(|(name, _)| *name)),
            places.join(", ")
        )
    }
}

fn insert_in_bulk<E>(
    direct: &DirectInsert,
    columns: usize,
    mut next: impl NextRow<E>,
    at: &Cell<usize>,
) -> Result<i64, E> {
    let mut bulk = BulkInsert::new(direct, at);
    let mut stored = 0;
    let mut row = Row::with_capacity(columns);
    while let Some(made) = bulk.make(|| next(&mut row)) {
        if let Err(error) = made {
            // Of those before it one may be refused: that one is the first.
            if direct.has_unique_values() {
                bulk.flush();
            }
            return Err(error);
        }
        bulk.add(&row);
        stored += 1;
    }
    bulk.finish();
    Ok(stored)
}

/// Unlike `get_or_init`, for looking at a table: it may evaluate constant expressions, and
/// so run a function that stores a record into the same table.
fn get_or_make<T>(cell: &OnceCell<T>, make: impl FnOnce() -> T) -> &T {
    match cell.get() {
        Some(made) => made,
        None => {
            let made = make();
            cell.get_or_init(|| made)
        }
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
