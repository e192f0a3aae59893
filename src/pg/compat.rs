//! What differs between PostgreSQL versions, and nothing else.

use std::ffi::CStr;

use pgrx::pg_sys;

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

/// PostgreSQL's functions without pgrx's guard around each of them, which costs
/// more than some of them do. Only for use inside one `pg_guard_ffi_boundary`.
pub mod raw {
    use std::ffi::{c_char, c_void};

    use pgrx::pg_sys::{
        self, BulkInsertState, CmdType, CommandId, Datum, EState, Expr, ExprContext, ExprState,
        HeapTuple, Index, IndexInfo, IndexUniqueCheck, ItemPointer, List, MemoryContext, NodeTag,
        NullableDatum, Oid, Relation, ResultRelInfo, Snapshot, TimestampTz, TransitionCaptureState,
        TriggerDesc, TupleDesc, TupleTableSlot, TupleTableSlotOps, LOCKMODE,
    };

    unsafe extern "C-unwind" {
        /// Not in pgrx's bindings.
        pub fn die(signal: i32);
        /// Not in pgrx's bindings.
        pub fn errcode(sqlstate: i32) -> i32;
        fn j2date(julian: i32, year: *mut i32, month: *mut i32, day: *mut i32);
        pub fn PreventCommandIfReadOnly(command: *const c_char);
        pub fn PreventCommandIfParallelMode(command: *const c_char);
        /// Not in pgrx's bindings.
        pub fn nextval_internal(sequence: Oid, check_permissions: bool) -> i64;
        /// Not in pgrx's bindings.
        pub fn Async_Notify(channel: *const c_char, payload: *const c_char);
        pub fn GetCurrentTransactionStartTimestamp() -> TimestampTz;
        pub fn GetCurrentCommandId(used: bool) -> CommandId;
        pub fn CommandCounterIncrement();
        pub fn table_open(relation: Oid, mode: LOCKMODE) -> Relation;
        pub fn table_close(relation: Relation, mode: LOCKMODE);
        pub fn heap_form_tuple(
            descriptor: TupleDesc,
            values: *mut Datum,
            nulls: *mut bool,
        ) -> HeapTuple;
        pub fn heap_freetuple(tuple: HeapTuple);
        pub fn heap_insert(
            relation: Relation,
            tuple: HeapTuple,
            command: CommandId,
            options: i32,
            bulk: BulkInsertState,
        );
        pub fn heap_multi_insert(
            relation: Relation,
            slots: *mut *mut TupleTableSlot,
            count: i32,
            command: CommandId,
            options: i32,
            bulk: BulkInsertState,
        );
        pub fn ExecStoreHeapTuple(
            tuple: HeapTuple,
            slot: *mut TupleTableSlot,
            free: bool,
        ) -> *mut TupleTableSlot;
        pub fn index_open(relation: Oid, mode: LOCKMODE) -> Relation;
        pub fn index_getnext_slot(
            scan: pgrx::pg_sys::IndexScanDesc,
            direction: pgrx::pg_sys::ScanDirection::Type,
            slot: *mut TupleTableSlot,
        ) -> bool;
        pub fn slot_getsomeattrs_int(slot: *mut TupleTableSlot, attributes: i32);
        pub fn index_close(relation: Relation, mode: LOCKMODE);
        pub fn index_insert(
            index: Relation,
            values: *mut Datum,
            nulls: *mut bool,
            tuple: ItemPointer,
            table: Relation,
            unique: IndexUniqueCheck::Type,
            unchanged: bool,
            info: *mut IndexInfo,
        ) -> bool;
        fn MemoryContextAllocZero(context: MemoryContext, size: usize) -> *mut c_void;
        pub fn lappend(list: *mut List, datum: *mut c_void) -> *mut List;
        pub fn GetTransactionSnapshot() -> Snapshot;
        pub fn PushActiveSnapshot(snapshot: Snapshot);
        pub fn PopActiveSnapshot();
        pub fn CreateExecutorState() -> *mut EState;
        pub fn FreeExecutorState(state: *mut EState);
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        pub fn ExecInitRangeTable(state: *mut EState, entries: *mut List);
        #[cfg(any(feature = "pg16", feature = "pg17"))]
        pub fn ExecInitRangeTable(state: *mut EState, entries: *mut List, permissions: *mut List);
        #[cfg(feature = "pg18")]
        pub fn ExecInitRangeTable(
            state: *mut EState,
            entries: *mut List,
            permissions: *mut List,
            unpruned: *mut pg_sys::Bitmapset,
        );
        #[cfg(feature = "pg18")]
        pub fn bms_make_singleton(member: i32) -> *mut pg_sys::Bitmapset;
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        pub fn addRTEPermissionInfo(
            permissions: *mut *mut List,
            entry: *mut pg_sys::RangeTblEntry,
        ) -> *mut pg_sys::RTEPermissionInfo;
        pub fn InitResultRelInfo(
            target: *mut ResultRelInfo,
            table: Relation,
            entry: Index,
            root: *mut ResultRelInfo,
            instrumentation: i32,
        );
        pub fn ExecOpenIndices(target: *mut ResultRelInfo, speculative: bool);
        pub fn ExecCloseIndices(target: *mut ResultRelInfo);
        pub fn ExecInitExtraTupleSlot(
            state: *mut EState,
            descriptor: TupleDesc,
            kind: *const TupleTableSlotOps,
        ) -> *mut TupleTableSlot;
        pub fn ExecStoreVirtualTuple(slot: *mut TupleTableSlot) -> *mut TupleTableSlot;
        pub fn ExecResetTupleTable(slots: *mut List, free: bool);
        pub fn ExecBSInsertTriggers(state: *mut EState, target: *mut ResultRelInfo);
        pub fn ExecASInsertTriggers(
            state: *mut EState,
            target: *mut ResultRelInfo,
            capture: *mut TransitionCaptureState,
        );
        pub fn ExecARInsertTriggers(
            state: *mut EState,
            target: *mut ResultRelInfo,
            slot: *mut TupleTableSlot,
            rechecked: *mut List,
            capture: *mut TransitionCaptureState,
        );
        pub fn MakeTransitionCaptureState(
            triggers: *mut TriggerDesc,
            table: Oid,
            command: CmdType::Type,
        ) -> *mut TransitionCaptureState;
        pub fn ExecSimpleRelationInsert(
            target: *mut ResultRelInfo,
            state: *mut EState,
            slot: *mut TupleTableSlot,
        );
        pub fn ExecPrepareExpr(expression: *mut Expr, state: *mut EState) -> *mut ExprState;
        fn MakePerTupleExprContext(state: *mut EState) -> *mut ExprContext;
        pub fn AfterTriggerBeginQuery();
        pub fn AfterTriggerEndQuery(state: *mut EState);
    }

    // What is declared by hand above must be what the bindings of this version
    // say; those that the bindings lack cannot be checked.
    const _: unsafe fn(*const c_char) = pg_sys::PreventCommandIfReadOnly;
    const _: unsafe fn(*const c_char) = pg_sys::PreventCommandIfParallelMode;
    const _: unsafe fn() -> TimestampTz = pg_sys::GetCurrentTransactionStartTimestamp;
    const _: unsafe fn(bool) -> CommandId = pg_sys::GetCurrentCommandId;
    const _: unsafe fn() = pg_sys::CommandCounterIncrement;
    const _: unsafe fn(Oid, LOCKMODE) -> Relation = pg_sys::table_open;
    const _: unsafe fn(Relation, LOCKMODE) = pg_sys::table_close;
    const _: unsafe fn(Oid, LOCKMODE) -> Relation = pg_sys::index_open;
    const _: unsafe fn(Relation, LOCKMODE) = pg_sys::index_close;
    const _: unsafe fn(TupleDesc, *mut Datum, *mut bool) -> HeapTuple = pg_sys::heap_form_tuple;
    const _: unsafe fn(HeapTuple) = pg_sys::heap_freetuple;
    const _: unsafe fn(Relation, HeapTuple, CommandId, i32, BulkInsertState) = pg_sys::heap_insert;
    const _: unsafe fn(Relation, *mut *mut TupleTableSlot, i32, CommandId, i32, BulkInsertState) =
        pg_sys::heap_multi_insert;
    const _: unsafe fn(
        Relation,
        *mut Datum,
        *mut bool,
        ItemPointer,
        Relation,
        IndexUniqueCheck::Type,
        bool,
        *mut IndexInfo,
    ) -> bool = pg_sys::index_insert;
    const _: unsafe fn(
        pg_sys::IndexScanDesc,
        pg_sys::ScanDirection::Type,
        *mut TupleTableSlot,
    ) -> bool = pg_sys::index_getnext_slot;
    const _: unsafe fn(HeapTuple, *mut TupleTableSlot, bool) -> *mut TupleTableSlot =
        pg_sys::ExecStoreHeapTuple;
    const _: unsafe fn(*mut TupleTableSlot, i32) = pg_sys::slot_getsomeattrs_int;
    const _: unsafe fn(i32, *mut i32, *mut i32, *mut i32) = pg_sys::j2date;
    const _: unsafe fn(MemoryContext, usize) -> *mut c_void = pg_sys::MemoryContextAllocZero;
    const _: unsafe fn(*mut List, *mut c_void) -> *mut List = pg_sys::lappend;
    const _: unsafe fn() -> Snapshot = pg_sys::GetTransactionSnapshot;
    const _: unsafe fn(Snapshot) = pg_sys::PushActiveSnapshot;
    const _: unsafe fn() = pg_sys::PopActiveSnapshot;
    const _: unsafe fn() -> *mut EState = pg_sys::CreateExecutorState;
    const _: unsafe fn(*mut EState) = pg_sys::FreeExecutorState;
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    const _: unsafe fn(*mut EState, *mut List) = pg_sys::ExecInitRangeTable;
    #[cfg(any(feature = "pg16", feature = "pg17"))]
    const _: unsafe fn(*mut EState, *mut List, *mut List) = pg_sys::ExecInitRangeTable;
    const _: unsafe fn(*mut ResultRelInfo, Relation, Index, *mut ResultRelInfo, i32) =
        pg_sys::InitResultRelInfo;
    const _: unsafe fn(*mut ResultRelInfo, bool) = pg_sys::ExecOpenIndices;
    const _: unsafe fn(*mut ResultRelInfo) = pg_sys::ExecCloseIndices;
    const _: unsafe fn(*mut EState, TupleDesc, *const TupleTableSlotOps) -> *mut TupleTableSlot =
        pg_sys::ExecInitExtraTupleSlot;
    const _: unsafe fn(*mut TupleTableSlot) -> *mut TupleTableSlot = pg_sys::ExecStoreVirtualTuple;
    const _: unsafe fn(*mut List, bool) = pg_sys::ExecResetTupleTable;
    const _: unsafe fn(
        *mut EState,
        *mut ResultRelInfo,
        *mut TupleTableSlot,
        *mut List,
        *mut TransitionCaptureState,
    ) = pg_sys::ExecARInsertTriggers;
    const _: unsafe fn(*mut TriggerDesc, Oid, CmdType::Type) -> *mut TransitionCaptureState =
        pg_sys::MakeTransitionCaptureState;
    const _: unsafe fn(*mut EState, *mut ResultRelInfo) = pg_sys::ExecBSInsertTriggers;
    const _: unsafe fn(*mut EState, *mut ResultRelInfo, *mut TransitionCaptureState) =
        pg_sys::ExecASInsertTriggers;
    const _: unsafe fn(*mut ResultRelInfo, *mut EState, *mut TupleTableSlot) =
        pg_sys::ExecSimpleRelationInsert;
    const _: unsafe fn(*mut Expr, *mut EState) -> *mut ExprState = pg_sys::ExecPrepareExpr;
    const _: unsafe fn(*mut EState) -> *mut ExprContext = pg_sys::MakePerTupleExprContext;
    const _: unsafe fn() = pg_sys::AfterTriggerBeginQuery;
    const _: unsafe fn(*mut EState) = pg_sys::AfterTriggerEndQuery;

    /// A node with zeros in it (a macro in C), in the current memory context.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; `N` is the node of this tag.
    pub unsafe fn make_node<N>(tag: NodeTag) -> *mut N {
        // SAFETY: room for the node, which begins with its tag.
        unsafe {
            let node = MemoryContextAllocZero(pg_sys::CurrentMemoryContext, size_of::<N>());
            *node.cast::<NodeTag>() = tag;
            node.cast()
        }
    }

    /// The value of an expression (inline functions in C) that has no variables but
    /// the one of CaseTestExpr.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the expression was prepared in this state.
    pub unsafe fn evaluate(
        expression: *mut ExprState,
        variable: NullableDatum,
        state: *mut EState,
    ) -> NullableDatum {
        let mut result = NullableDatum {
            value: Datum::null(),
            isnull: true,
        };
        // SAFETY: what is prepared has a function that evaluates it.
        unsafe {
            let mut context = (*state).es_per_tuple_exprcontext;
            if context.is_null() {
                context = MakePerTupleExprContext(state);
            }
            (*context).caseValue_datum = variable.value;
            (*context).caseValue_isNull = variable.isnull;
            if let Some(evaluate) = (*expression).evalfunc {
                result.value = evaluate(expression, context, &mut result.isnull);
            }
        }
        result
    }

    /// Year, month and day of a day counted from 2000-01-01.
    pub fn date_of(days: i64) -> (i32, i32, i32) {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let julian = days as i32 + pgrx::pg_sys::POSTGRES_EPOCH_JDATE as i32;
        // SAFETY: pure arithmetic that raises no error.
        unsafe { j2date(julian, &mut year, &mut month, &mut day) };
        (year, month, day)
    }

    /// Empties a slot and frees its tuple (an inline function in C).
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the slot is alive.
    pub unsafe fn clear_slot(slot: *mut TupleTableSlot) {
        // SAFETY: every kind of slot has this callback.
        unsafe {
            if let Some(clear) = (*(*slot).tts_ops).clear {
                clear(slot);
            }
        }
    }
}
