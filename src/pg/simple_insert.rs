//! Inserting into a table with more to it than a plain one (checks, generated
//! columns, defaults, columns of other types, triggers, foreign keys, any kind of index)
//! without a plan, by the executor's own steps. What is spared is a plan, with its start
//! and its end.

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::{PgMemoryContexts, PgRelation};

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::builtin_code::InsertCode;
use super::direct_insert::{is_open_heap, prevent_if_not_allowed};
use super::filled_column::FilledColumn;
use super::row::Row;
use super::{compat, raw};
use crate::model::schema::FieldType;

/// How to insert into one such table.
pub struct SimpleInsert {
    table: pg_sys::Oid,
    is_builtin: bool,
    /// Where the id is, counted from 0.
    id: usize,
    /// The columns that get a value, in their order.
    columns: Vec<FilledColumn>,
    /// What all these expressions are in.
    memory: PgMemoryContexts,
}

impl SimpleInsert {
    /// This way into a table, if there is one and the table has all these fields.
    /// Called as the owner, with a pinned path: it may evaluate constant expressions.
    pub fn of(oid: pg_sys::Oid, fields: &[(&str, FieldType)], code: &InsertCode) -> Option<Self> {
        // SAFETY: the caller holds a lock on the table.
        let table = unsafe { PgRelation::open(oid) };
        if !is_open_heap(&table, pg_sys::ACL_INSERT) || has_rules(&table) {
            return None;
        }
        let mut simple = SimpleInsert {
            table: oid,
            is_builtin: code.is_builtin_here(),
            id: usize::MAX,
            columns: Vec::with_capacity(fields.len() + 2),
            // For as long as this lives, which is longer than what is going on now.
            // SAFETY: the context that was current before is put back, here and below.
            memory: unsafe {
                PgMemoryContexts::TopMemoryContext
                    .switch_to(|_| PgMemoryContexts::new("projectalpha_store defaults"))
            },
        };
        let mut places = 0;
        for (column, attribute) in table.tuple_desc().iter().enumerate() {
            if attribute.attisdropped || attribute.attgenerated != 0 {
                continue;
            }
            // SAFETY: as above.
            let filled = unsafe {
                simple.memory.switch_to(|_| {
                    FilledColumn::of(
                        &table,
                        column,
                        attribute,
                        fields,
                        code.has_objects_of_others,
                    )
                })?
            };
            if filled.field.is_none()
                && attribute.name() == "id"
                && attribute.atttypid == pg_sys::INT8OID
            {
                simple.id = column;
            }
            places += usize::from(filled.field.is_some());
            if filled.field.is_some() || filled.default.is_some() {
                simple.columns.push(filled);
            }
        }
        (simple.id != usize::MAX && places == fields.len()).then_some(simple)
    }

    /// False if code on the table has meanwhile added to it what this way does not serve.
    pub fn still_applies(&self) -> bool {
        // SAFETY: the caller holds a lock on the table.
        self.is_builtin || !has_rules(&unsafe { PgRelation::open(self.table) })
    }

    /// Inserts a record and gives its id; none if a trigger took the row away. The
    /// caller holds the lock that an INSERT takes.
    pub fn insert(&self, row: &Row) -> Option<i64> {
        if self.is_builtin {
            as_owner(|| self.insert_as_owner(row))
        } else {
            as_owner_with_pinned_path(|| self.insert_as_owner(row))
        }
    }

    fn insert_as_owner(&self, row: &Row) -> Option<i64> {
        // SAFETY: one guard around all calls into PostgreSQL; the closure owns
        // nothing that an error would have to drop. The table's definition cannot
        // change while we hold a lock on it, and the values have the types of their
        // columns (`of`). The steps are those of the executor.
        // After an error the abort of the (sub)transaction frees what was made here.
        unsafe {
            pg_guard_ffi_boundary(|| {
                prevent_if_not_allowed();
                if !self.is_builtin {
                    // Code of others sees what a statement of its own would see.
                    raw::CommandCounterIncrement();
                    raw::PushActiveSnapshot(raw::GetTransactionSnapshot());
                }
                let table = raw::table_open(self.table, pg_sys::NoLock as i32);
                let state = raw::CreateExecutorState();
                let caller = pg_sys::MemoryContextSwitchTo((*state).es_query_cxt);
                let target = target_of(state, table);
                raw::AfterTriggerBeginQuery();
                let capture = raw::MakeTransitionCaptureState(
                    (*target).ri_TrigDesc,
                    self.table,
                    pg_sys::CmdType::CMD_INSERT,
                );
                raw::ExecBSInsertTriggers(state, target);
                raw::ExecOpenIndices(target, false);
                let slot = raw::ExecInitExtraTupleSlot(
                    state,
                    (*table).rd_att,
                    &raw const pg_sys::TTSOpsHeapTuple,
                );
                self.fill(row, state, slot);
                let id =
                    insert_row(state, target, slot, capture).then(|| raw::bigint_in(slot, self.id));
                raw::ExecASInsertTriggers(state, target, capture);
                raw::AfterTriggerEndQuery(state);
                raw::ExecCloseIndices(target);
                raw::ExecResetTupleTable((*state).es_tupleTable, false);
                pg_sys::MemoryContextSwitchTo(caller);
                raw::FreeExecutorState(state);
                raw::table_close(table, pg_sys::NoLock as i32);
                if !self.is_builtin {
                    raw::PopActiveSnapshot();
                }
                raw::CommandCounterIncrement();
                id.flatten()
            })
        }
    }

    /// Makes the row. As a tuple, in which every value is plain: what an expression gives
    /// may be an array or a record that the next to read it would change in place.
    ///
    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the slot is an empty one of the table's, and the
    /// state's memory is the current one.
    unsafe fn fill(
        &self,
        row: &Row,
        state: *mut pg_sys::EState,
        slot: *mut pg_sys::TupleTableSlot,
    ) {
        // SAFETY: all positions are columns of the table, for each of which the slot
        // has a place. The slot frees the tuple.
        unsafe {
            let descriptor = (*slot).tts_tupleDescriptor;
            let (values, nulls) = ((*slot).tts_values, (*slot).tts_isnull);
            nulls.write_bytes(1, (*descriptor).natts as usize);
            for column in &self.columns {
                let given = column.value(row, state);
                *values.add(column.column) = given.value;
                *nulls.add(column.column) = given.isnull;
            }
            let tuple = raw::heap_form_tuple(descriptor, values, nulls);
            (*tuple).t_tableOid = self.table;
            raw::ExecStoreHeapTuple(tuple, slot, true);
        }
    }
}

/// The table as the target of an INSERT.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`, with the state's memory as the current one; the
/// table is open for as long as the state lives.
unsafe fn target_of(
    state: *mut pg_sys::EState,
    table: pg_sys::Relation,
) -> *mut pg_sys::ResultRelInfo {
    // SAFETY: nodes with zeros in them, as makeNode makes them, filled in as the worker
    // of logical replication does, which inserts single rows too.
    unsafe {
        let entry: *mut pg_sys::RangeTblEntry = raw::make_node(pg_sys::NodeTag::T_RangeTblEntry);
        (*entry).rtekind = pg_sys::RTEKind::RTE_RELATION;
        (*entry).relid = (*table).rd_id;
        (*entry).relkind = (*(*table).rd_rel).relkind;
        (*entry).rellockmode = compat::LOCK_FOR_WRITING;
        compat::init_range_table(state, entry);
        let target: *mut pg_sys::ResultRelInfo = raw::make_node(pg_sys::NodeTag::T_ResultRelInfo);
        raw::InitResultRelInfo(target, table, 1, std::ptr::null_mut(), 0);
        // Where triggers after the row look for it.
        (*state).es_opened_result_relations =
            raw::lappend((*state).es_opened_result_relations, target.cast());
        (*state).es_output_cid = raw::GetCurrentCommandId(true);
        target
    }
}

/// Stores the row of a slot; false if a trigger took it away.
///
/// # Safety
/// Inside a `pg_guard_ffi_boundary`; the slot holds a row of the table, whose indexes are
/// open.
unsafe fn insert_row(
    state: *mut pg_sys::EState,
    target: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    capture: *mut pg_sys::TransitionCaptureState,
) -> bool {
    // SAFETY: the table is open, and what is said about it lives as long.
    unsafe {
        let table = (*target).ri_RelationDesc;
        let triggers = (*target).ri_TrigDesc;
        if !triggers.is_null()
            && (*triggers).trig_insert_before_row
            && !raw::ExecBRInsertTriggers(state, target, slot)
        {
            return false;
        }
        (*slot).tts_tableOid = (*table).rd_id;
        let constraints = (*(*table).rd_att).constr;
        if !constraints.is_null() {
            if (*constraints).has_generated_stored {
                let command = pg_sys::CmdType::CMD_INSERT;
                raw::ExecComputeStoredGenerated(target, state, slot, command);
            }
            raw::ExecConstraints(target, slot, state);
        }
        if (*(*table).rd_rel).relispartition {
            raw::ExecPartitionCheck(target, slot, state, true);
        }
        if let Some(insert) = (*(*table).rd_tableam).tuple_insert {
            insert(table, slot, (*state).es_output_cid, 0, std::ptr::null_mut());
        }
        let rechecked = if (*target).ri_NumIndices > 0 {
            compat::insert_index_tuples(target, state, slot)
        } else {
            std::ptr::null_mut()
        };
        raw::ExecARInsertTriggers(state, target, slot, rechecked, capture);
        true
    }
}

fn has_rules(table: &PgRelation) -> bool {
    // SAFETY: the relation is open.
    unsafe { !(*table.as_ptr()).rd_rules.is_null() }
}
