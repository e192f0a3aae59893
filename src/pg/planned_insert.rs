//! Running the plan of an INSERT of one record, as SPI would, but without memory and a table
//! of its own for each id that is returned.

use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::ptr;

use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::{pg_guard, pg_sys};

use super::cache::watch_types_of;
use super::row::{self, Row};
use super::spi::Plan;
use super::{compat, raw};

/// A kept INSERT of one record. If it returns anything, its first column is the id.
pub struct PlannedInsert {
    plan: Plan,
    /// What PostgreSQL keeps of the plan; it lives as long.
    source: *mut pg_sys::CachedPlanSource,
    /// Of the plan whose tables are being watched.
    watched: Cell<i32>,
}

impl PlannedInsert {
    pub fn prepare(sql: &str, types: &[pg_sys::Oid]) -> Self {
        let plan = Plan::prepare_generic(sql, types);
        let insert = PlannedInsert {
            // SAFETY: the plan is one of one statement.
            source: unsafe {
                pg_sys::list_nth(pg_sys::SPI_plan_get_plan_sources(plan.plan), 0).cast()
            },
            plan,
            watched: Cell::new(-1),
        };
        insert.watch();
        insert
    }

    /// Inserts what a record names, and gives its id; none if there is none.
    pub fn insert(&self, row: &Row) -> Option<i64> {
        self.insert_values(row.cells.iter().filter(|cell| cell.is_named))
    }

    /// The same with a value for each parameter.
    pub(super) fn insert_values<'a>(
        &self,
        values: impl Iterator<Item = &'a row::Cell>,
    ) -> Option<i64> {
        let id = self.run(values);
        self.watch();
        id
    }

    fn run<'a>(&self, values: impl Iterator<Item = &'a row::Cell>) -> Option<i64> {
        let types = &self.plan.types;
        let mut receiver = IdReceiver::new();
        // SAFETY: one guard around all calls into PostgreSQL; the closure owns nothing that an
        // error would have to drop. The plan is kept, and is one of one statement with as many
        // parameters as there are values. The steps are those of SPI.
        unsafe {
            pg_guard_ffi_boundary(|| {
                let parameters = raw::makeParamList(types.len() as c_int);
                let places = (*parameters).params.as_mut_ptr();
                for (position, (cell, type_oid)) in values.zip(types).enumerate() {
                    *places.add(position) = pg_sys::ParamExternData {
                        value: cell.value,
                        isnull: cell.is_null,
                        pflags: pg_sys::PARAM_FLAG_CONST as u16,
                        ptype: *type_oid,
                    };
                }
                let source = self.source;
                let owner = pg_sys::CurrentResourceOwner;
                raw::PushActiveSnapshot(raw::GetTransactionSnapshot());
                let cached = raw::GetCachedPlan(source, parameters, owner, ptr::null_mut());
                let statements = (*cached).stmt_list;
                for position in 0..pg_sys::list_length(statements) {
                    raw::CommandCounterIncrement();
                    raw::UpdateActiveSnapshotCommandId();
                    let statement: *mut pg_sys::PlannedStmt =
                        raw::list_nth(statements, position).cast();
                    let destination = if (*statement).canSetTag {
                        (&raw mut receiver).cast()
                    } else {
                        pg_sys::None_Receiver
                    };
                    run_statement(statement, (*source).query_string, parameters, destination);
                }
                raw::ReleaseCachedPlan(cached, owner);
                raw::PopActiveSnapshot();
                raw::CommandCounterIncrement();
                raw::pfree(parameters.cast());
            });
        }
        receiver.id.flatten()
    }

    /// The defaults of types are in the plan, and those of the tables that rules write
    /// to, too. PostgreSQL makes another plan when these change, but not when a default does.
    fn watch(&self) {
        // SAFETY: the source lives as long as the plan; its list is one of OIDs.
        unsafe {
            let source = &*self.source;
            if self.watched.replace(source.generation) != source.generation {
                for position in 0..pg_sys::list_length(source.relationOids) {
                    watch_types_of(pg_sys::list_nth_oid(source.relationOids, position));
                }
            }
        }
    }
}

/// What the statement returns is given to this.
#[repr(C)]
struct IdReceiver {
    /// First, as PostgreSQL knows this part alone.
    receiver: pg_sys::DestReceiver,
    /// The first column of the first row.
    id: Option<Option<i64>>,
}

impl IdReceiver {
    fn new() -> Self {
        IdReceiver {
            receiver: pg_sys::DestReceiver {
                receiveSlot: Some(receive),
                rStartup: Some(start_up),
                rShutdown: Some(nothing),
                rDestroy: Some(nothing),
                mydest: pg_sys::CommandDest::DestNone,
            },
            id: None,
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn receive(
    slot: *mut pg_sys::TupleTableSlot,
    receiver: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: called with the receiver that was made above, and with a row whose first column
    // is a bigint.
    unsafe {
        let receiver = &mut *receiver.cast::<IdReceiver>();
        receiver.id.get_or_insert_with(|| raw::bigint_in(slot, 0));
    }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn start_up(
    _receiver: *mut pg_sys::DestReceiver,
    _operation: c_int,
    _columns: pg_sys::TupleDesc,
) {
}

#[pg_guard]
unsafe extern "C-unwind" fn nothing(_receiver: *mut pg_sys::DestReceiver) {}

/// # Safety
/// Inside a `pg_guard_ffi_boundary`, with a statement of a plan that is being used and a
/// snapshot for it.
unsafe fn run_statement(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    parameters: pg_sys::ParamListInfo,
    destination: *mut pg_sys::DestReceiver,
) {
    let no_environment = ptr::null_mut();
    // SAFETY: the caller vouches for the statement.
    unsafe {
        if !(*statement).utilityStmt.is_null() {
            // A rule may notify.
            return raw::ProcessUtility(
                statement,
                text,
                true,
                pg_sys::ProcessUtilityContext::PROCESS_UTILITY_QUERY,
                parameters,
                no_environment,
                destination,
                ptr::null_mut(),
            );
        }
        let query = raw::CreateQueryDesc(
            statement,
            text,
            raw::GetActiveSnapshot(),
            ptr::null_mut(),
            destination,
            parameters,
            no_environment,
            0,
        );
        raw::ExecutorStart(query, 0);
        compat::run_executor(query);
        raw::ExecutorFinish(query);
        raw::ExecutorEnd(query);
        raw::FreeQueryDesc(query);
    }
}
