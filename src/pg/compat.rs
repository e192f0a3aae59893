//! What differs between PostgreSQL versions, and nothing else.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::raw;

/// Reserves the prefix of our settings, so that a misspelt one is refused.
pub fn reserve_setting_prefix(prefix: &CStr) {
    // SAFETY: the prefix is a NUL-terminated string; PostgreSQL copies it.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(prefix.as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
    }
}

/// Has the server reserve that much more shared memory. Only in `_PG_init` of a
/// library that is being preloaded.
pub fn request_shared_memory(bytes: usize) {
    #[cfg(feature = "pg14")]
    // SAFETY: called at the time for it.
    unsafe {
        pg_sys::RequestAddinShmemSpace(bytes);
    }
    #[cfg(not(feature = "pg14"))]
    shared_memory::request(bytes);
}

/// Since 15 there is a hook at which to ask.
#[cfg(not(feature = "pg14"))]
mod shared_memory {
    use std::cell::Cell;

    use pgrx::{pg_guard, pg_sys};

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
        static NEXT_HOOK: Cell<pg_sys::shmem_request_hook_type> = const { Cell::new(None) };
    }

    pub fn request(bytes: usize) {
        BYTES.set(bytes);
        // SAFETY: in the postmaster, which has one thread; the function has the
        // hook's signature and stays loaded.
        unsafe {
            NEXT_HOOK.set(pg_sys::shmem_request_hook);
            pg_sys::shmem_request_hook = Some(ask);
        }
    }

    #[pg_guard]
    unsafe extern "C-unwind" fn ask() {
        // SAFETY: what was installed before us; then called at the time for it.
        unsafe {
            if let Some(next) = NEXT_HOOK.get() {
                next();
            }
            pg_sys::RequestAddinShmemSpace(BYTES.get());
        }
    }
}

/// `AddinShmemInitLock`, a macro in C; it has this number in 14 to 18.
pub fn lock_of_shared_memory() -> *mut pg_sys::LWLock {
    const NUMBER: usize = 21;
    // SAFETY: the array has all locks of PostgreSQL itself.
    unsafe { &raw mut (*pg_sys::MainLWLockArray.add(NUMBER)).lock }
}

/// True while the postmaster loads the libraries that it is to preload.
pub fn is_preloading() -> bool {
    // SAFETY: set in the postmaster alone.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}

/// The locks that the statements on a table take.
pub const LOCK_FOR_READING: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
pub const LOCK_FOR_WRITING: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;

/// Keeps everybody else out.
pub const LOCK_FOR_ITSELF: pg_sys::LOCKMODE = pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE;

/// Locks a relation by its OID until the end of the transaction.
pub fn lock_relation(oid: pg_sys::Oid, mode: pg_sys::LOCKMODE) {
    // SAFETY: any OID may be locked, even one whose relation is gone.
    unsafe { pg_sys::LockRelationOid(oid, mode) }
}

/// Waits for the transactions that hold, at this moment, a lock on the relation
/// that conflicts with `mode`; takes none itself.
pub fn wait_for_lockers(oid: pg_sys::Oid, mode: pg_sys::LOCKMODE) {
    // SAFETY: the tag of a relation of this database, as SET_LOCKTAG_RELATION
    // makes it; any OID will do.
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: pg_sys::MyDatabaseId.to_u32(),
            locktag_field2: oid.to_u32(),
            locktag_field3: 0,
            locktag_field4: 0,
            locktag_type: pg_sys::LockTagType::LOCKTAG_RELATION as u8,
            locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
        };
        pg_sys::WaitForLockers(tag, mode, false);
    }
}

/// The sequence of an identity column.
///
/// # Safety
/// `table` is the OID of an open table.
pub unsafe fn identity_sequence(table: pg_sys::Oid, attribute: i16) -> pg_sys::Oid {
    // SAFETY: the caller holds the table open.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        return pg_sys::getIdentitySequence(table, attribute, true);
        #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
        {
            let relation = pg_sys::RelationIdGetRelation(table);
            let sequence = pg_sys::getIdentitySequence(relation, attribute, true);
            pg_sys::RelationClose(relation);
            sequence
        }
    }
}

/// The owner of a relation, if it exists.
///
/// # Safety
/// Inside a transaction.
pub unsafe fn owner_of_relation(oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: the row is read before it is released.
    unsafe {
        cached_row(pg_sys::SysCacheIdentifier::RELOID as i32, oid, |row| {
            (*row.cast::<pg_sys::FormData_pg_class>()).relowner
        })
    }
}

/// True if a relation is attached to a partitioned table.
pub fn is_partition(oid: pg_sys::Oid) -> bool {
    // SAFETY: any OID may be looked up; the row is read before it is released.
    unsafe {
        cached_row(pg_sys::SysCacheIdentifier::RELOID as i32, oid, |row| {
            (*row.cast::<pg_sys::FormData_pg_class>()).relispartition
        })
        .unwrap_or(false)
    }
}

/// The type that a domain restricts; none for any other type.
pub fn base_of_domain(oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: any OID may be looked up; the row is read before it is released.
    unsafe {
        cached_row(pg_sys::SysCacheIdentifier::TYPEOID as i32, oid, |row| {
            let form = &*row.cast::<pg_sys::FormData_pg_type>();
            (form.typtype as u8 == pg_sys::TYPTYPE_DOMAIN).then_some(form.typbasetype)
        })
        .flatten()
    }
}

/// Tells this cluster, with its standbys, from all others.
pub fn system_identifier() -> u64 {
    // SAFETY: reads what the server has in memory.
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// Has this background worker end as a session does when it is told to: at once if it
/// waits, and else where it is safe.
pub fn end_at_sigterm() {
    // SAFETY: PostgreSQL's own handler, which sets flags.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::pqsignal(pg_sys::SIGTERM as i32, Some(raw::die));
        #[cfg(feature = "pg18")]
        pg_sys::pqsignal_be(pg_sys::SIGTERM as i32, Some(raw::die));
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// Waits until this process is woken up, or so long. Ends it if the server has died.
pub fn wait_latch(at_most: std::time::Duration) {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    // SAFETY: the latch of this process.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            events as i32,
            at_most.as_millis() as _,
            pg_sys::PG_WAIT_EXTENSION,
        );
    }
}

/// The owner of a schema, if it exists.
///
/// # Safety
/// Inside a transaction.
pub unsafe fn owner_of_schema(oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: the row is read before it is released.
    unsafe {
        cached_row(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            oid,
            |row| (*row.cast::<pg_sys::FormData_pg_namespace>()).nspowner,
        )
    }
}

unsafe fn cached_row<T>(
    cache: i32,
    oid: pg_sys::Oid,
    read: impl FnOnce(*mut std::ffi::c_void) -> T,
) -> Option<T> {
    // SAFETY: the caller names a cache with an OID as its one key, and reads the
    // row as what that cache holds; it is released after that.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(cache as _, pg_sys::Datum::from(oid));
        if tuple.is_null() {
            return None;
        }
        let value = read(pg_sys::GETSTRUCT(tuple).cast());
        pg_sys::ReleaseSysCache(tuple);
        Some(value)
    }
}

/// Begins a scan of an index with one key, seen with the active snapshot.
///
/// # Safety
/// Table and index are open, and a snapshot is active.
pub unsafe fn begin_index_scan(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
) -> pg_sys::IndexScanDesc {
    // SAFETY: the caller vouches for the relations and the snapshot.
    unsafe {
        let snapshot = pg_sys::GetActiveSnapshot();
        #[cfg(not(feature = "pg18"))]
        return pg_sys::index_beginscan(table, index, snapshot, 1, 0);
        #[cfg(feature = "pg18")]
        pg_sys::index_beginscan(table, index, snapshot, std::ptr::null_mut(), 1, 0)
    }
}

/// Gives an executor its range table, of one relation.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`, with the state's memory as the current one.
pub unsafe fn init_range_table(state: *mut pg_sys::EState, entry: *mut pg_sys::RangeTblEntry) {
    // SAFETY: both are alive.
    unsafe {
        let entries = raw::lappend(std::ptr::null_mut(), entry.cast());
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        raw::ExecInitRangeTable(state, entries);
        #[cfg(any(feature = "pg16", feature = "pg17"))]
        raw::ExecInitRangeTable(state, entries, permissions_of(entry));
        #[cfg(feature = "pg18")]
        raw::ExecInitRangeTable(
            state,
            entries,
            permissions_of(entry),
            raw::bms_make_singleton(1),
        );
    }
}

/// Puts a search_path of pg_catalog alone before the session's own, without a setting and
/// so at a tenth of its cost: a function's SET search_path has no effect meanwhile. Since
/// 17 PostgreSQL has no such thing.
#[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
pub fn override_search_path() {
    let mut path = pg_sys::OverrideSearchPath {
        schemas: std::ptr::null_mut(),
        addCatalog: true,
        ..Default::default()
    };
    // SAFETY: the path is copied. The end of a failed (sub)transaction takes it back.
    unsafe { pg_sys::PushOverrideSearchPath(&mut path) };
}

/// Takes [`override_search_path`] back, in the same subtransaction.
#[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
pub fn end_override_of_search_path() {
    // SAFETY: the caller put one there.
    unsafe { pg_sys::PopOverrideSearchPath() };
}

/// Runs a statement to its end.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`; the executor was started.
pub unsafe fn run_executor(query: *mut pg_sys::QueryDesc) {
    let forward = pg_sys::ScanDirection::ForwardScanDirection;
    // SAFETY: the caller vouches for it.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        raw::ExecutorRun(query, forward, 0, true);
        #[cfg(feature = "pg18")]
        raw::ExecutorRun(query, forward, 0);
    }
}

/// Enters a row into all indexes of its table, and gives those whose check is to be
/// repeated at the end.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`; the row is stored, the indexes are open.
pub unsafe fn insert_index_tuples(
    target: *mut pg_sys::ResultRelInfo,
    state: *mut pg_sys::EState,
    slot: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::List {
    let none = std::ptr::null_mut();
    // SAFETY: the caller vouches for all of them.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        return raw::ExecInsertIndexTuples(
            target,
            slot,
            state,
            false,
            false,
            std::ptr::null_mut(),
            none,
        );
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        raw::ExecInsertIndexTuples(
            target,
            slot,
            state,
            false,
            false,
            std::ptr::null_mut(),
            none,
            false,
        )
    }
}

/// A range table's list of permissions, of one relation.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`; the entry is alive.
#[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
unsafe fn permissions_of(entry: *mut pg_sys::RangeTblEntry) -> *mut pg_sys::List {
    // SAFETY: adds a node for the entry to an empty list.
    unsafe {
        let mut permissions = std::ptr::null_mut();
        raw::addRTEPermissionInfo(&mut permissions, entry);
        permissions
    }
}
