//! Reading a page of a plain table along its primary key, without the executor:
//! what an index scan under a LIMIT does. Anything but a heap with the columns
//! as they were registered is read through a plan.

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::PgRelation;

use super::direct_insert::is_open_heap;
use super::{compat, raw};
use crate::model::page::Page;
use crate::model::schema::FieldType;

/// How to read one plain table in the order of its ids.
pub struct DirectScan {
    table: pg_sys::Oid,
    /// A B-tree whose first column is `id`.
    index: pg_sys::Oid,
    /// Where the listed columns are, counted from 0; the first is `id`.
    columns: Vec<usize>,
    /// Leading attributes of a row that have to be unpacked.
    attributes: i32,
}

impl DirectScan {
    /// The direct way to read these columns, if there is one.
    pub fn of(oid: pg_sys::Oid, columns: &[(&str, FieldType)]) -> Option<Self> {
        // SAFETY: the caller holds a lock on the table.
        let table = unsafe { PgRelation::open(oid) };
        if !is_plain_relation(&table) {
            return None;
        }
        let descriptor = table.tuple_desc();
        let position_of = |(name, field_type): &(&str, FieldType)| {
            descriptor.iter().position(|attribute| {
                !attribute.attisdropped
                    && attribute.attgenerated == 0
                    && attribute.name() == *name
                    && attribute.atttypid == super::table::type_oid(*field_type)
            })
        };
        let columns: Vec<usize> = columns.iter().map(position_of).collect::<Option<_>>()?;
        let id = *columns.first()?;
        Some(DirectScan {
            table: oid,
            index: primary_key_on(&table, id)?,
            attributes: columns.iter().max().map_or(0, |last| *last as i32 + 1),
            columns,
        })
    }

    /// Shows each row of a page. The caller holds the lock that a SELECT takes.
    pub fn scan(&self, page: Page, mut show: impl FnMut(&[Option<pg_sys::Datum>])) {
        let mut values = vec![None; self.columns.len()];
        // SAFETY: all is opened, used and closed here; after an error the
        // (sub)transaction releases it. The key is a bigint, as `id` is.
        unsafe {
            let table = pg_sys::table_open(self.table, pg_sys::NoLock as i32);
            let index = pg_sys::index_open(self.index, pg_sys::AccessShareLock as i32);
            let slot = pg_sys::table_slot_create(table, std::ptr::null_mut());
            let mut key = pg_sys::ScanKeyData::default();
            pg_sys::ScanKeyInit(
                &mut key,
                1,
                pg_sys::BTGreaterStrategyNumber as pg_sys::StrategyNumber,
                pg_sys::Oid::from(pg_sys::F_INT8GT),
                pg_sys::Datum::from(page.after_id),
            );
            let scan = compat::begin_index_scan(table, index);
            pg_sys::index_rescan(scan, &mut key, 1, std::ptr::null_mut(), 0);

            let mut to_skip = page.offset;
            let mut to_show = page.limit;
            while to_show > 0 && self.next(scan, slot) {
                pgrx::check_for_interrupts!();
                if to_skip > 0 {
                    to_skip -= 1;
                    continue;
                }
                for (value, position) in values.iter_mut().zip(&self.columns) {
                    let is_null = *(*slot).tts_isnull.add(*position);
                    *value = (!is_null).then(|| *(*slot).tts_values.add(*position));
                }
                show(&values);
                to_show -= 1;
            }
            pg_sys::index_endscan(scan);
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            pg_sys::index_close(index, pg_sys::NoLock as i32);
            pg_sys::table_close(table, pg_sys::NoLock as i32);
        }
    }

    /// Moves to the next row and unpacks it; false at the end.
    ///
    /// # Safety
    /// The scan has begun, and the slot is one for its table.
    unsafe fn next(&self, scan: pg_sys::IndexScanDesc, slot: *mut pg_sys::TupleTableSlot) -> bool {
        // SAFETY: one guard around both calls; nothing in it has to be dropped.
        unsafe {
            pg_guard_ffi_boundary(|| {
                let found = raw::index_getnext_slot(
                    scan,
                    pg_sys::ScanDirection::ForwardScanDirection,
                    slot,
                );
                if found && i32::from((*slot).tts_nvalid) < self.attributes {
                    raw::slot_getsomeattrs_int(slot, self.attributes);
                }
                found
            })
        }
    }
}

/// A table whose rows are all here, and on a standby too.
fn is_plain_relation(table: &PgRelation) -> bool {
    // SAFETY: the relation is open; its parts live as long.
    unsafe {
        let class = &*(*table.as_ptr()).rd_rel;
        is_open_heap(table, pg_sys::ACL_SELECT)
            // On a standby there is nothing of an unlogged table to read.
            && (class.relpersistence as u8 == pg_sys::RELPERSISTENCE_PERMANENT
                || !pg_sys::RecoveryInProgress())
            // Rows of children belong to a SELECT of their parent.
            && !class.relhassubclass
    }
}

/// The primary key, if it is a valid B-tree whose first column is this one.
fn primary_key_on(table: &PgRelation, column: usize) -> Option<pg_sys::Oid> {
    // SAFETY: the table is open; the list is ours, the index is opened and closed.
    unsafe {
        pg_sys::list_free(pg_sys::RelationGetIndexList(table.as_ptr()));
        let oid = (*table.as_ptr()).rd_pkindex;
        if oid == pg_sys::InvalidOid {
            return None;
        }
        let index = pg_sys::index_open(oid, pg_sys::AccessShareLock as i32);
        let form = &*(*index).rd_index;
        let fits = (*(*index).rd_rel).relam == pg_sys::BTREE_AM_OID
            && form.indisvalid
            && !form.indcheckxmin
            && form.indkey.values.as_slice(1)[0] == column as i16 + 1;
        pg_sys::index_close(index, pg_sys::NoLock as i32);
        fits.then_some(oid)
    }
}
