//! Inserting into a table with more to it than a plain one (checks, generated
//! columns, defaults, triggers of each row, foreign keys, any kind of index) without a
//! plan: as logical replication inserts a row that it received. All of it is
//! PostgreSQL's own code; what is spared is a plan, with its start and its end.

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::{PgMemoryContexts, PgRelation};

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::compat::{self, raw};
use super::direct_insert::{
    defaults_to_now, identity_sequence, is_domain, is_field, is_open_heap, prevent_if_not_allowed,
};
use super::row::Row;
use crate::model::schema::FieldType;

/// How to insert into one such table.
pub struct SimpleInsert {
    table: pg_sys::Oid,
    /// True if this runs nobody's code but PostgreSQL's.
    is_builtin: bool,
    /// Where the id is, counted from 0.
    id: usize,
    /// Where each field of the tool goes.
    fields: Vec<usize>,
    defaults: Vec<ColumnDefault>,
    /// What the defaults point to.
    _memory: PgMemoryContexts,
}

/// What a column gets if a record does not name its field, or has no field for it.
struct ColumnDefault {
    column: usize,
    field: Option<usize>,
    value: DefaultValue,
}

enum DefaultValue {
    /// The next value of an identity column's sequence.
    Identity(pg_sys::Oid),
    Now,
    Constant(pg_sys::NullableDatum),
    /// Planned for each row: what it calls may be replaced at any time.
    Expression(*mut pg_sys::Expr),
}

impl SimpleInsert {
    /// This way into a table, if there is one and the table has all these fields.
    /// Called as the owner: it may evaluate constant expressions.
    pub fn of(oid: pg_sys::Oid, fields: &[(&str, FieldType)], is_builtin: bool) -> Option<Self> {
        // SAFETY: the caller holds a lock on the table.
        let table = unsafe { PgRelation::open(oid) };
        if !is_simple_relation(&table) {
            return None;
        }
        // For as long as this lives, which is longer than what is going on now.
        // SAFETY: the context that was current before is put back.
        let mut memory = unsafe {
            PgMemoryContexts::TopMemoryContext
                .switch_to(|_| PgMemoryContexts::new("projectalpha_store defaults"))
        };
        let mut id = None;
        let mut places = vec![None; fields.len()];
        let mut defaults = Vec::new();
        for (column, attribute) in table.tuple_desc().iter().enumerate() {
            if attribute.attisdropped || attribute.attgenerated != 0 {
                continue;
            }
            let named = |(name, _): &(&str, FieldType)| *name == attribute.name();
            let field = fields.iter().position(named);
            match field {
                Some(field) if takes_field(attribute, fields[field].1) => {
                    places[field] = Some(column);
                }
                None if attribute.name() == "id" => {
                    id = (attribute.atttypid == pg_sys::INT8OID).then_some(column);
                }
                // One that somebody added; a domain may refuse NULL.
                None if attribute.atthasdef || !is_domain(attribute) => (),
                _ => return None,
            }
            if attribute.atthasdef || attribute.attidentity != 0 {
                // SAFETY: as above.
                let value = unsafe {
                    memory.switch_to(|_| DefaultValue::of(&table, attribute, is_builtin))?
                };
                defaults.push(ColumnDefault {
                    column,
                    field,
                    value,
                });
            }
        }
        Some(SimpleInsert {
            table: oid,
            is_builtin,
            id: id?,
            fields: places.into_iter().collect::<Option<_>>()?,
            defaults,
            _memory: memory,
        })
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
        // columns (`of`). The steps are those of logical replication's worker.
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
                raw::ExecOpenIndices(target, false);
                let slot = raw::ExecInitExtraTupleSlot(
                    state,
                    (*table).rd_att,
                    &raw const pg_sys::TTSOpsVirtual,
                );
                self.fill(row, state, slot);
                (*slot).tts_tableOid = self.table;
                raw::ExecSimpleRelationInsert(target, state, slot);
                let id = is_stored(slot).then(|| (*(*slot).tts_values.add(self.id)).value() as i64);
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
                id
            })
        }
    }

    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`; the slot is an empty one of the table's.
    unsafe fn fill(
        &self,
        row: &Row,
        state: *mut pg_sys::EState,
        slot: *mut pg_sys::TupleTableSlot,
    ) {
        // SAFETY: all positions are columns of the table, for each of which the slot
        // has a place.
        unsafe {
            let (values, nulls) = ((*slot).tts_values, (*slot).tts_isnull);
            nulls.write_bytes(1, (*(*slot).tts_tupleDescriptor).natts as usize);
            for (column, cell) in self.fields.iter().zip(&row.cells) {
                *values.add(*column) = cell.value;
                *nulls.add(*column) = cell.is_null;
            }
            for default in &self.defaults {
                let cell = default.field.and_then(|field| row.cells.get(field));
                if cell.is_some_and(|cell| cell.is_named) {
                    continue;
                }
                let given = default.value.evaluate(state);
                *values.add(default.column) = given.value;
                *nulls.add(default.column) = given.isnull;
            }
            raw::ExecStoreVirtualTuple(slot);
        }
    }
}

impl DefaultValue {
    /// The default of a column that has one, made in the current memory context.
    fn of(
        table: &PgRelation,
        attribute: &pg_sys::FormData_pg_attribute,
        is_builtin: bool,
    ) -> Option<Self> {
        if attribute.attidentity != 0 {
            return identity_sequence(table.oid(), attribute.attnum).map(DefaultValue::Identity);
        }
        if defaults_to_now(table, attribute) {
            return Some(DefaultValue::Now);
        }
        // SAFETY: the column has a default; a constant is read as what it is.
        unsafe {
            let default = pg_sys::build_column_default(table.as_ptr(), attribute.attnum.into());
            if default.is_null() {
                return None;
            }
            if is_builtin {
                let folded = pg_sys::eval_const_expressions(std::ptr::null_mut(), default);
                if (*folded).type_ == pg_sys::NodeTag::T_Const {
                    let constant = &*folded.cast::<pg_sys::Const>();
                    return Some(DefaultValue::Constant(pg_sys::NullableDatum {
                        value: constant.constvalue,
                        isnull: constant.constisnull,
                    }));
                }
            }
            Some(DefaultValue::Expression(default.cast()))
        }
    }

    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`, with the state's memory as the current one.
    unsafe fn evaluate(&self, state: *mut pg_sys::EState) -> pg_sys::NullableDatum {
        let not_null = |value| pg_sys::NullableDatum {
            value,
            isnull: false,
        };
        // SAFETY: the expression was made for a column of this table, and has no
        // variables.
        unsafe {
            match self {
                DefaultValue::Identity(sequence) => {
                    not_null(pg_sys::Datum::from(raw::nextval_internal(*sequence, false)))
                }
                DefaultValue::Now => not_null(pg_sys::Datum::from(
                    raw::GetCurrentTransactionStartTimestamp(),
                )),
                DefaultValue::Constant(constant) => *constant,
                DefaultValue::Expression(expression) => {
                    let prepared = raw::ExecPrepareExpr(*expression, state);
                    raw::evaluate(prepared, state)
                }
            }
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
    // of logical replication fills them in.
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

/// True once the row of a slot is in its table.
///
/// # Safety
/// The slot is alive.
unsafe fn is_stored(slot: *mut pg_sys::TupleTableSlot) -> bool {
    // SAFETY: an item pointer without an offset is an invalid one.
    unsafe { (*slot).tts_tid.ip_posid != pg_sys::InvalidOffsetNumber }
}

/// A heap into which a row goes by itself: no rule, no row security, no trigger of
/// whole statements or with transition tables.
fn is_simple_relation(table: &PgRelation) -> bool {
    // SAFETY: the relation is open; its parts live as long.
    unsafe {
        let relation = &*table.as_ptr();
        let needs_statement = !relation.trigdesc.is_null() && {
            let triggers = &*relation.trigdesc;
            triggers.trig_insert_before_statement
                || triggers.trig_insert_after_statement
                || triggers.trig_insert_instead_row
                || triggers.trig_insert_new_table
        };
        is_open_heap(table, pg_sys::ACL_INSERT) && relation.rd_rules.is_null() && !needs_statement
    }
}

/// True if the column takes a value of this type as it is, whether it has a default or
/// not.
fn takes_field(attribute: &pg_sys::FormData_pg_attribute, field_type: FieldType) -> bool {
    is_field(attribute, field_type) && attribute.attidentity == 0
}
