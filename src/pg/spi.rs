//! SQL from inside the server: statements with parameters and kept plans.

use std::cell::OnceCell;
use std::ffi::{c_char, CString};
use std::mem::ManuallyDrop;

use pgrx::{pg_sys, FromDatum, IntoDatum};

use super::counters::{self, Event};
use super::jsonb::Jsonb;

/// A parameter: its type, and a value or NULL.
pub struct Param {
    type_oid: pg_sys::Oid,
    datum: Option<pg_sys::Datum>,
}

impl<T: IntoDatum> From<T> for Param {
    fn from(value: T) -> Self {
        Param {
            type_oid: T::type_oid(),
            datum: value.into_datum(),
        }
    }
}

impl Param {
    /// A datum of this type.
    pub(super) fn of(type_oid: pg_sys::Oid, datum: Option<pg_sys::Datum>) -> Self {
        Param { type_oid, datum }
    }

    /// A whole jsonb document, passed on as it is.
    pub fn document(document: Jsonb<'_>) -> Self {
        Param {
            type_oid: pg_sys::JSONBOID,
            datum: Some(document.datum()),
        }
    }

    pub(super) fn null_of(type_oid: pg_sys::Oid) -> Self {
        Param::of(type_oid, None)
    }

    pub(super) fn type_oid(&self) -> pg_sys::Oid {
        self.type_oid
    }

    /// The datum; none for NULL.
    pub(super) fn datum(&self) -> Option<pg_sys::Datum> {
        self.datum
    }
}

/// What a statement may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads with the snapshot that is active; assigns no transaction id.
    Read,
    Write,
}

impl Access {
    pub(super) fn is_read_only(self) -> bool {
        self == Access::Read
    }
}

/// Runs `body` connected to SPI. What it returns must not point into SPI memory.
pub fn connected<T>(body: impl FnOnce(&Connection) -> T) -> T {
    let connection = Connection::open();
    let value = body(&connection);
    connection.close();
    value
}

/// Runs `body` with a snapshot that sees all that is committed now, even where
/// the transaction's own snapshot is older (REPEATABLE READ). PostgreSQL looks
/// at its own privileges in the same way.
pub fn with_latest_snapshot<T>(body: impl FnOnce() -> T) -> T {
    push_latest_snapshot();
    let value = body();
    pop_snapshot();
    value
}

// Pushed and popped in pairs; after an error the abort of the (sub)transaction drops
// the snapshot. Not inlined: there are dozens of bodies.
#[inline(never)]
fn push_latest_snapshot() {
    // SAFETY: inside a transaction, as everything here.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
}

#[inline(never)]
fn pop_snapshot() {
    // SAFETY: one was pushed.
    unsafe { pg_sys::PopActiveSnapshot() };
}

/// Proof of being connected to SPI.
pub struct Connection {
    _private: (),
}

// Not inlined, as there are hundreds of callers.
impl Connection {
    #[inline(never)]
    fn open() -> Self {
        // SAFETY: paired with `close`. After an error PostgreSQL closes the
        // connection when the (sub)transaction is rolled back.
        if unsafe { pg_sys::SPI_connect() } != pg_sys::SPI_OK_CONNECT as i32 {
            pgrx::error!("SPI_connect failed");
        }
        Connection { _private: () }
    }

    #[inline(never)]
    fn close(self) {
        // SAFETY: connected.
        unsafe { pg_sys::SPI_finish() };
    }

    /// Parses, plans and runs one statement.
    #[inline(never)]
    pub fn execute(&self, sql: &str, params: Vec<Param>, access: Access) -> Rows {
        let sql = c_string(sql);
        let (mut types, mut values, nulls) = split(params);
        // SAFETY: the arrays have the length that is passed; nulls holds 'n' or ' '.
        let status = unsafe {
            pg_sys::SPI_execute_with_args(
                sql.as_ptr(),
                types.len() as i32,
                types.as_mut_ptr(),
                values.as_mut_ptr(),
                nulls.as_ptr(),
                access.is_read_only(),
                0,
            )
        };
        Rows::of_last_statement(status)
    }

    /// Runs a kept plan. `params` must have the types the plan was made with.
    #[inline(never)]
    pub fn execute_plan(&self, plan: &Plan, params: Vec<Param>, access: Access) -> Rows {
        let (types, mut values, nulls) = split(params);
        assert_eq!(types, plan.types, "parameters do not fit the plan");
        // SAFETY: the plan is alive and takes parameters of just these types.
        let status = unsafe {
            pg_sys::SPI_execute_plan(
                plan.plan,
                values.as_mut_ptr(),
                nulls.as_ptr(),
                access.is_read_only(),
                0,
            )
        };
        Rows::of_last_statement(status)
    }
}

/// A statement that was parsed once and keeps its plan for the session.
pub struct Plan {
    pub(super) plan: pg_sys::SPIPlanPtr,
    pub(super) types: Vec<pg_sys::Oid>,
}

impl Plan {
    pub fn prepare(sql: &str, types: &[pg_sys::Oid]) -> Self {
        Plan::prepare_with(0, sql, types)
    }

    /// Planned once for all values, even the first times.
    pub fn prepare_generic(sql: &str, types: &[pg_sys::Oid]) -> Self {
        Plan::prepare_with(pg_sys::CURSOR_OPT_GENERIC_PLAN, sql, types)
    }

    fn prepare_with(options: u32, sql: &str, types: &[pg_sys::Oid]) -> Self {
        counters::count(Event::PlanPrepared);
        let sql = c_string(sql);
        let mut types = types.to_vec();
        connected(|_| {
            // SAFETY: connected; the array has the length that is passed.
            // SPI_keepplan moves the plan out of the connection's memory.
            let plan = unsafe {
                pg_sys::SPI_prepare_cursor(
                    sql.as_ptr(),
                    types.len() as i32,
                    types.as_mut_ptr(),
                    options as i32,
                )
            };
            // SAFETY: a valid plan that was not kept before.
            if plan.is_null() || unsafe { pg_sys::SPI_keepplan(plan) } != 0 {
                pgrx::error!("SPI_prepare failed");
            }
            Plan {
                plan,
                types: std::mem::take(&mut types),
            }
        })
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: the plan was kept by `prepare` and is freed once.
        unsafe { pg_sys::SPI_freeplan(self.plan) };
    }
}

/// A fixed statement of this crate, planned when it is first needed. Meant for
/// thread-locals: its plan lives as long as the session.
pub struct KeptStatement {
    sql: &'static str,
    types: &'static [pg_sys::Oid],
    // Never dropped: destructors of thread-locals run after PostgreSQL has shut
    // down in this process.
    plan: OnceCell<ManuallyDrop<Plan>>,
}

impl KeptStatement {
    pub const fn new(sql: &'static str, types: &'static [pg_sys::Oid]) -> Self {
        KeptStatement {
            sql,
            types,
            plan: OnceCell::new(),
        }
    }

    pub fn plan(&self) -> &Plan {
        self.plan
            .get_or_init(|| ManuallyDrop::new(Plan::prepare(self.sql, self.types)))
    }
}

/// Rows fetched at a time by [`scan`]: bounds the memory that a page takes.
const BATCH: i64 = 128;

/// Reads what a plan returns, batch by batch, and shows each row.
pub fn scan(plan: &Plan, params: Vec<Param>, mut show: impl FnMut(RowRef<'_>)) {
    scan_while(plan, params, |row| {
        show(row);
        true
    });
}

/// The same, until `show` says false.
pub fn scan_while(plan: &Plan, params: Vec<Param>, mut show: impl FnMut(RowRef<'_>) -> bool) {
    let (types, mut values, nulls) = split(params);
    assert_eq!(types, plan.types, "parameters do not fit the plan");
    connected(|_| {
        // SAFETY: the parameters fit the plan; the portal is closed below or,
        // after an error, with the (sub)transaction. Each batch is freed before
        // the next is fetched.
        unsafe {
            let portal = pg_sys::SPI_cursor_open(
                std::ptr::null(),
                plan.plan,
                values.as_mut_ptr(),
                nulls.as_ptr(),
                true,
            );
            loop {
                pg_sys::SPI_cursor_fetch(portal, true, BATCH as _);
                let rows = Rows::of_last_statement(pg_sys::SPI_OK_FETCH as i32);
                let last = (rows.count as i64) < BATCH;
                let wants_more = (0..rows.count).all(|index| show(RowRef { rows: &rows, index }));
                pg_sys::SPI_freetuptable(rows.table);
                if last || !wants_more {
                    break;
                }
            }
            pg_sys::SPI_cursor_close(portal);
        }
    });
}

/// The rows that a statement returned. Valid while connected.
pub struct Rows {
    table: *mut pg_sys::SPITupleTable,
    count: usize,
}

impl Rows {
    pub(super) fn of_last_statement(status: i32) -> Self {
        if status < 0 {
            pgrx::error!("SPI failed with status {status}");
        }
        // SAFETY: globals of SPI that the statement has just set.
        unsafe {
            Rows {
                table: pg_sys::SPI_tuptable,
                count: pg_sys::SPI_processed as usize,
            }
        }
    }

    /// Rows returned or, for a statement without RETURNING, changed.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn first(&self) -> Option<RowRef<'_>> {
        self.get(0)
    }

    pub fn get(&self, index: usize) -> Option<RowRef<'_>> {
        (index < self.count && !self.table.is_null()).then_some(RowRef { rows: self, index })
    }
}

/// One row of [`Rows`].
pub struct RowRef<'a> {
    rows: &'a Rows,
    index: usize,
}

impl RowRef<'_> {
    /// The value of the column at `position`, counted from 1. `T` must fit the
    /// column's type and own its value.
    pub fn get<T: FromDatum>(&self, position: i32) -> Option<T> {
        let (datum, is_null) = self.datum(position);
        // SAFETY: the statements in this crate name columns of known types.
        unsafe { T::from_datum(datum, is_null) }
    }

    /// The datum as it is, unless it is NULL.
    fn raw(&self, position: i32) -> Option<pg_sys::Datum> {
        let (datum, is_null) = self.datum(position);
        (!is_null).then_some(datum)
    }

    /// All columns, as they are.
    pub(super) fn values(&self, columns: usize) -> Vec<Option<pg_sys::Datum>> {
        (1..=columns as i32)
            .map(|position| self.raw(position))
            .collect()
    }

    #[inline(never)]
    fn datum(&self, position: i32) -> (pg_sys::Datum, bool) {
        let mut is_null = true;
        // SAFETY: the index was checked by `Rows::get`; an unknown column gives NULL.
        let datum = unsafe {
            let table = &*self.rows.table;
            let tuple = *table.vals.add(self.index);
            pg_sys::SPI_getbinval(tuple, table.tupdesc, position, &mut is_null)
        };
        (datum, is_null)
    }
}

fn split(params: Vec<Param>) -> (Vec<pg_sys::Oid>, Vec<pg_sys::Datum>, Vec<c_char>) {
    let types = params.iter().map(|p| p.type_oid).collect();
    let nulls = params
        .iter()
        .map(|p| null_mark(p.datum.is_none()))
        .collect();
    let values = params
        .iter()
        .map(|p| p.datum.unwrap_or(pg_sys::Datum::null()))
        .collect();
    (types, values, nulls)
}

/// How SPI marks NULL.
pub(super) fn null_mark(is_null: bool) -> c_char {
    (if is_null { b'n' } else { b' ' }) as c_char
}

fn c_string(sql: &str) -> CString {
    match CString::new(sql) {
        Ok(sql) => sql,
        Err(_) => pgrx::error!("a statement must not contain NUL"),
    }
}
