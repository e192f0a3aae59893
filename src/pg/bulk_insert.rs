//! Many rows into a plain table, as COPY inserts them: a page full at a time,
//! with one WAL record for each page rather than for each row.

use std::cell::Cell;

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::PgMemoryContexts;

use super::direct_insert::{prevent_if_not_allowed, DirectInsert};
use super::raw;
use super::row::Row;

/// Rows that are inserted at once, as in COPY.
const BATCH_ROWS: usize = 1000;
/// Memory after which a batch is inserted although it has fewer rows.
const BATCH_BYTES: usize = 1 << 20;

/// Rows on their way into a table.
pub struct BulkInsert<'a> {
    direct: &'a DirectInsert,
    /// Attributes of the rows of this batch, one row after the other.
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    rows: usize,
    /// Rows of the batches before this one.
    flushed: usize,
    /// Which row is being put into the indexes, for the error of one that is refused.
    at: &'a Cell<usize>,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    descriptor: pg_sys::TupleDesc,
    strategy: pg_sys::BulkInsertState,
    /// What the values of this batch point to.
    memory: PgMemoryContexts,
}

impl<'a> BulkInsert<'a> {
    /// The caller holds the lock that an INSERT takes until this is finished.
    pub fn new(direct: &'a DirectInsert, at: &'a Cell<usize>) -> Self {
        BulkInsert {
            direct,
            values: Vec::new(),
            nulls: Vec::new(),
            rows: 0,
            flushed: 0,
            at,
            slots: Vec::new(),
            descriptor: std::ptr::null_mut(),
            // SAFETY: allocates a buffer strategy; freed in `finish`.
            strategy: unsafe { pg_sys::GetBulkInsertState() },
            memory: PgMemoryContexts::new("projectalpha_store bulk insert"),
        }
    }

    /// Makes a row where it lives as long as it is needed here.
    pub fn make<T>(&mut self, make: impl FnOnce() -> T) -> T {
        // SAFETY: put back below; an error puts it back with the transaction.
        let caller = unsafe { self.memory.set_as_current() };
        let made = make();
        // SAFETY: the context that was current before.
        unsafe { PgMemoryContexts::For(caller.value()).set_as_current() };
        made
    }

    /// Adds a row that was made by [`BulkInsert::make`].
    pub fn add(&mut self, row: &Row) {
        let first = self.values.len();
        let attributes = self.direct.attributes;
        self.values
            .resize(first + attributes, pg_sys::Datum::null());
        self.nulls.resize(first + attributes, true);
        self.direct
            .place(row, &mut self.values[first..], &mut self.nulls[first..]);
        self.rows += 1;
        // SAFETY: the context is ours.
        let bytes = unsafe { pg_sys::MemoryContextMemAllocated(self.memory.value(), true) };
        if self.rows == BATCH_ROWS || bytes as usize > BATCH_BYTES {
            self.flush();
        }
    }

    /// Inserts what is left.
    pub fn finish(mut self) {
        self.flush();
        // SAFETY: both were made here and are not used again.
        unsafe {
            for slot in &self.slots {
                pg_sys::ExecDropSingleTupleTableSlot(*slot);
            }
            pg_sys::FreeBulkInsertState(self.strategy);
            pg_sys::CommandCounterIncrement();
        }
    }

    /// Inserts what was added.
    pub fn flush(&mut self) {
        let direct = self.direct;
        let attributes = direct.attributes;
        let mut keys = [pg_sys::Datum::null(); pg_sys::INDEX_MAX_KEYS as usize];
        let mut key_nulls = [true; pg_sys::INDEX_MAX_KEYS as usize];
        let mut indexes = vec![std::ptr::null_mut(); direct.indexes.len()];
        self.make_slots();

        // SAFETY: as in DirectInsert::insert: one guard, nothing in the closure
        // that an error would have to drop, arrays with a place for each
        // attribute of each row. Tuples are made in this batch's memory and
        // freed by clearing their slots.
        unsafe {
            let caller = pg_sys::MemoryContextSwitchTo(self.memory.value());
            pg_guard_ffi_boundary(|| {
                prevent_if_not_allowed();
                let table = raw::table_open(direct.table, pg_sys::NoLock as i32);
                for (row, slot) in self.slots.iter().take(self.rows).enumerate() {
                    let values = self.values.as_mut_ptr().add(row * attributes);
                    let nulls = self.nulls.as_mut_ptr().add(row * attributes);
                    direct.generate(values, nulls);
                    let tuple = raw::heap_form_tuple((*table).rd_att, values, nulls);
                    raw::ExecStoreHeapTuple(tuple, *slot, true);
                }
                raw::heap_multi_insert(
                    table,
                    self.slots.as_mut_ptr(),
                    self.rows as i32,
                    raw::GetCurrentCommandId(true),
                    0,
                    self.strategy,
                );
                for (index, relation) in direct.indexes.iter().zip(&mut indexes) {
                    *relation = raw::index_open(index.oid, pg_sys::RowExclusiveLock as i32);
                }
                // Row by row, so that the first row which an index refuses is found first.
                for (row, slot) in self.slots.iter().take(self.rows).enumerate() {
                    self.at.set(self.flushed + row);
                    for (index, relation) in direct.indexes.iter().zip(&indexes) {
                        index.insert(
                            *relation,
                            table,
                            &mut (**slot).tts_tid,
                            self.values.as_ptr().add(row * attributes),
                            self.nulls.as_ptr().add(row * attributes),
                            &mut keys,
                            &mut key_nulls,
                        );
                    }
                }
                for relation in &indexes {
                    raw::index_close(*relation, pg_sys::NoLock as i32);
                }
                for slot in self.slots.iter().take(self.rows) {
                    raw::clear_slot(*slot);
                }
                raw::table_close(table, pg_sys::NoLock as i32);
            });
            pg_sys::MemoryContextSwitchTo(caller);
            self.memory.reset();
        }
        self.values.clear();
        self.nulls.clear();
        self.flushed += self.rows;
        self.rows = 0;
    }

    fn make_slots(&mut self) {
        if self.slots.len() >= self.rows {
            return;
        }
        // SAFETY: the caller holds the table locked. A descriptor of our own is
        // not reference-counted: the table's would be pinned by every slot.
        unsafe {
            if self.descriptor.is_null() {
                let table = pg_sys::table_open(self.direct.table, pg_sys::NoLock as i32);
                self.descriptor = pg_sys::CreateTupleDescCopy((*table).rd_att);
                pg_sys::table_close(table, pg_sys::NoLock as i32);
            }
            while self.slots.len() < self.rows {
                self.slots.push(pg_sys::MakeSingleTupleTableSlot(
                    self.descriptor,
                    &raw const pg_sys::TTSOpsHeapTuple,
                ));
            }
        }
    }
}
