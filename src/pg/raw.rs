//! PostgreSQL's functions without pgrx's guard around each of them, which costs
//! more than some of them do. Only for use inside one `pg_guard_ffi_boundary`.

use std::ffi::{c_char, c_void};

use pgrx::pg_sys::{
    self, BulkInsertState, CachedPlan, CachedPlanSource, CmdType, CommandId, Datum, DestReceiver,
    EState, Expr, ExprContext, ExprState, HeapTuple, Index, IndexInfo, IndexUniqueCheck,
    ItemPointer, List, MemoryContext, NodeTag, NullableDatum, Oid, ParamListInfo, PlanState,
    PlannedStmt, ProcessUtilityContext, QueryCompletion, QueryDesc, QueryEnvironment, Relation,
    ResourceOwner, ResultRelInfo, ScanDirection, Snapshot, TimestampTz, TransitionCaptureState,
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
    pub fn UpdateActiveSnapshotCommandId();
    pub fn GetActiveSnapshot() -> Snapshot;
    pub fn makeParamList(parameters: i32) -> ParamListInfo;
    pub fn GetCachedPlan(
        source: *mut CachedPlanSource,
        parameters: ParamListInfo,
        owner: ResourceOwner,
        environment: *mut QueryEnvironment,
    ) -> *mut CachedPlan;
    pub fn ReleaseCachedPlan(plan: *mut CachedPlan, owner: ResourceOwner);
    pub fn CreateQueryDesc(
        statement: *mut PlannedStmt,
        text: *const c_char,
        snapshot: Snapshot,
        crosscheck: Snapshot,
        receiver: *mut DestReceiver,
        parameters: ParamListInfo,
        environment: *mut QueryEnvironment,
        instrumentation: i32,
    ) -> *mut QueryDesc;
    pub fn ProcessUtility(
        statement: *mut PlannedStmt,
        text: *const c_char,
        read_only_tree: bool,
        context: ProcessUtilityContext::Type,
        parameters: ParamListInfo,
        environment: *mut QueryEnvironment,
        receiver: *mut DestReceiver,
        completion: *mut QueryCompletion,
    );
    pub fn ExecutorStart(query: *mut QueryDesc, flags: i32);
    pub fn ExecutorRun(
        query: *mut QueryDesc,
        direction: ScanDirection::Type,
        rows: u64,
        #[cfg(not(feature = "pg18"))] once: bool,
    );
    pub fn ExecutorFinish(query: *mut QueryDesc);
    pub fn ExecutorEnd(query: *mut QueryDesc);
    pub fn FreeQueryDesc(query: *mut QueryDesc);
    pub fn pfree(pointer: *mut c_void);
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
    pub fn ExecBRInsertTriggers(
        state: *mut EState,
        target: *mut ResultRelInfo,
        slot: *mut TupleTableSlot,
    ) -> bool;
    /// Not in pgrx's bindings.
    pub fn ExecComputeStoredGenerated(
        target: *mut ResultRelInfo,
        state: *mut EState,
        slot: *mut TupleTableSlot,
        command: CmdType::Type,
    );
    pub fn ExecConstraints(
        target: *mut ResultRelInfo,
        slot: *mut TupleTableSlot,
        state: *mut EState,
    );
    pub fn ExecPartitionCheck(
        target: *mut ResultRelInfo,
        slot: *mut TupleTableSlot,
        state: *mut EState,
        raises: bool,
    ) -> bool;
    pub fn ExecInsertIndexTuples(
        target: *mut ResultRelInfo,
        slot: *mut TupleTableSlot,
        state: *mut EState,
        update: bool,
        speculative: bool,
        conflict: *mut bool,
        arbiters: *mut List,
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))] only_summarizing: bool,
    ) -> *mut List;
    pub fn ExecPrepareExpr(expression: *mut Expr, state: *mut EState) -> *mut ExprState;
    pub fn ExecInitExpr(expression: *mut Expr, parent: *mut PlanState) -> *mut ExprState;
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
const _: unsafe fn() = pg_sys::UpdateActiveSnapshotCommandId;
const _: unsafe fn() -> Snapshot = pg_sys::GetActiveSnapshot;
const _: unsafe fn(i32) -> ParamListInfo = pg_sys::makeParamList;
const _: unsafe fn(
    *mut CachedPlanSource,
    ParamListInfo,
    ResourceOwner,
    *mut QueryEnvironment,
) -> *mut CachedPlan = pg_sys::GetCachedPlan;
const _: unsafe fn(*mut CachedPlan, ResourceOwner) = pg_sys::ReleaseCachedPlan;
const _: unsafe fn(
    *mut PlannedStmt,
    *const c_char,
    Snapshot,
    Snapshot,
    *mut DestReceiver,
    ParamListInfo,
    *mut QueryEnvironment,
    i32,
) -> *mut QueryDesc = pg_sys::CreateQueryDesc;
const _: unsafe fn(
    *mut PlannedStmt,
    *const c_char,
    bool,
    ProcessUtilityContext::Type,
    ParamListInfo,
    *mut QueryEnvironment,
    *mut DestReceiver,
    *mut QueryCompletion,
) = pg_sys::ProcessUtility;
const _: unsafe fn(*mut QueryDesc, i32) = pg_sys::ExecutorStart;
#[cfg(not(feature = "pg18"))]
const _: unsafe fn(*mut QueryDesc, ScanDirection::Type, u64, bool) = pg_sys::ExecutorRun;
#[cfg(feature = "pg18")]
const _: unsafe fn(*mut QueryDesc, ScanDirection::Type, u64) = pg_sys::ExecutorRun;
const _: unsafe fn(*mut QueryDesc) = pg_sys::ExecutorFinish;
const _: unsafe fn(*mut QueryDesc) = pg_sys::ExecutorEnd;
const _: unsafe fn(*mut QueryDesc) = pg_sys::FreeQueryDesc;
const _: unsafe fn(*mut c_void) = pg_sys::pfree;
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
const _: unsafe fn(*mut EState, *mut ResultRelInfo, *mut TupleTableSlot) -> bool =
    pg_sys::ExecBRInsertTriggers;
const _: unsafe fn(*mut ResultRelInfo, *mut TupleTableSlot, *mut EState) = pg_sys::ExecConstraints;
const _: unsafe fn(*mut ResultRelInfo, *mut TupleTableSlot, *mut EState, bool) -> bool =
    pg_sys::ExecPartitionCheck;
#[cfg(any(feature = "pg14", feature = "pg15"))]
const _: unsafe fn(
    *mut ResultRelInfo,
    *mut TupleTableSlot,
    *mut EState,
    bool,
    bool,
    *mut bool,
    *mut List,
) -> *mut List = pg_sys::ExecInsertIndexTuples;
#[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
const _: unsafe fn(
    *mut ResultRelInfo,
    *mut TupleTableSlot,
    *mut EState,
    bool,
    bool,
    *mut bool,
    *mut List,
    bool,
) -> *mut List = pg_sys::ExecInsertIndexTuples;
const _: unsafe fn(*mut Expr, *mut EState) -> *mut ExprState = pg_sys::ExecPrepareExpr;
const _: unsafe fn(*mut Expr, *mut PlanState) -> *mut ExprState = pg_sys::ExecInitExpr;
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

/// What a list of pointers has there (an inline function in C).
///
/// # Safety
/// The list has more elements than that.
pub unsafe fn list_nth(list: *const List, position: i32) -> *mut c_void {
    // SAFETY: the caller vouches for the element.
    unsafe { (*(*list).elements.add(position as usize)).ptr_value }
}

/// The bigint in a column of a row, counted from 0; none for NULL.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary` or one of PostgreSQL's callbacks; the slot holds a row
/// with a bigint there.
pub unsafe fn bigint_in(slot: *mut TupleTableSlot, column: usize) -> Option<i64> {
    let attributes = column + 1;
    // SAFETY: the column is among the attributes that are unpacked here.
    unsafe {
        if ((*slot).tts_nvalid as usize) < attributes {
            slot_getsomeattrs_int(slot, attributes as i32);
        }
        let is_null = *(*slot).tts_isnull.add(column);
        (!is_null).then(|| (*(*slot).tts_values.add(column)).value() as i64)
    }
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
