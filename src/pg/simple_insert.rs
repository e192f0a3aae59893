//! Inserting into a table with more to it than a plain one (checks, generated
//! columns, defaults, columns of other types, triggers, foreign keys, any kind of index)
//! without a plan: as logical replication inserts a row that it received. All of it is
//! PostgreSQL's own code; what is spared is a plan, with its start and its end.

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::{PgBox, PgMemoryContexts, PgRelation};

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::builtin_code::runs_builtin_code_alone;
use super::direct_insert::{
    defaults_to_now, identity_sequence, is_domain, is_field, is_open_heap, prevent_if_not_allowed,
};
use super::row::{Cell, Row};
use super::table::type_oid;
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

/// A column that gets the value of a field, or a default if there is none.
struct FilledColumn {
    column: usize,
    field: Option<FieldValue>,
    default: Option<DefaultValue>,
}

/// Which field, and how its value is assigned to a column that has another type.
struct FieldValue {
    field: usize,
    assignment: Option<*mut pg_sys::Expr>,
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
    /// Called as the owner, with a pinned path: it may evaluate constant expressions.
    pub fn of(oid: pg_sys::Oid, fields: &[(&str, FieldType)]) -> Option<Self> {
        // SAFETY: the caller holds a lock on the table.
        let table = unsafe { PgRelation::open(oid) };
        if !is_simple_relation(&table) {
            return None;
        }
        let table_is_builtin = runs_builtin_code_alone(oid);
        let mut simple = SimpleInsert {
            table: oid,
            is_builtin: table_is_builtin,
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
                    FilledColumn::of(&table, column, attribute, fields, table_is_builtin)
                })?
            };
            if filled.field.is_none()
                && attribute.name() == "id"
                && attribute.atttypid == pg_sys::INT8OID
            {
                simple.id = column;
            }
            if let Some(value) = &filled.field {
                places += 1;
                simple.is_builtin &= value.assignment.is_none_or(is_builtin_cast);
            }
            if filled.field.is_some() || filled.default.is_some() {
                simple.columns.push(filled);
            }
        }
        (simple.id != usize::MAX && places == fields.len()).then_some(simple)
    }

    /// True if an INSERT runs nobody's code but PostgreSQL's.
    pub fn is_builtin(&self) -> bool {
        self.is_builtin
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
                    &raw const pg_sys::TTSOpsVirtual,
                );
                self.fill(row, state, slot);
                (*slot).tts_tableOid = self.table;
                raw::ExecSimpleRelationInsert(target, state, slot);
                let id = is_stored(slot).then(|| (*(*slot).tts_values.add(self.id)).value() as i64);
                if id.is_some() && !capture.is_null() {
                    // Into the transition table: there is no trigger after the row to
                    // fire twice (`is_simple_relation`).
                    raw::ExecARInsertTriggers(state, target, slot, std::ptr::null_mut(), capture);
                }
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
            for column in &self.columns {
                let given = column.value(row, state);
                *values.add(column.column) = given.value;
                *nulls.add(column.column) = given.isnull;
            }
            raw::ExecStoreVirtualTuple(slot);
        }
    }
}

const NULL: pg_sys::NullableDatum = pg_sys::NullableDatum {
    value: pg_sys::Datum::null(),
    isnull: true,
};

impl FilledColumn {
    /// None if the column takes a whole INSERT. Made in the current memory context.
    fn of(
        table: &PgRelation,
        column: usize,
        attribute: &pg_sys::FormData_pg_attribute,
        fields: &[(&str, FieldType)],
        is_builtin: bool,
    ) -> Option<Self> {
        let named = |(name, _): &(&str, FieldType)| *name == attribute.name();
        let default = DefaultValue::of(table, attribute, is_builtin);
        let field = match fields.iter().position(named) {
            // Refused if a record names it.
            Some(_) if attribute.attidentity != 0 => return None,
            Some(field) => Some(FieldValue {
                field,
                assignment: match fields[field].1 {
                    same if is_field(attribute, same) => None,
                    other => Some(assignment(other, attribute)?),
                },
            }),
            // One that somebody added, of a type that may refuse NULL.
            None if default.is_none() && is_domain(attribute) => return None,
            None => None,
        };
        Some(FilledColumn {
            column,
            field,
            default,
        })
    }

    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`, with the state's memory as the current one.
    unsafe fn value(&self, row: &Row, state: *mut pg_sys::EState) -> pg_sys::NullableDatum {
        let field = self.field.as_ref();
        let cell = field.and_then(|value| row.cells.get(value.field));
        // SAFETY: the expressions were made for a column of this table.
        unsafe {
            match (cell, &self.default) {
                (Some(cell), None) => self.assigned(cell, state),
                (Some(cell), Some(_)) if cell.is_named => self.assigned(cell, state),
                (_, Some(default)) => default.evaluate(state),
                (None, None) => NULL,
            }
        }
    }

    /// # Safety
    /// As above.
    unsafe fn assigned(&self, cell: &Cell, state: *mut pg_sys::EState) -> pg_sys::NullableDatum {
        let given = pg_sys::NullableDatum {
            value: cell.value,
            isnull: cell.is_null,
        };
        match self.field.as_ref().and_then(|value| value.assignment) {
            None => given,
            // SAFETY: the expression takes a value of the field's type.
            Some(assignment) => unsafe {
                raw::evaluate(raw::ExecPrepareExpr(assignment, state), given, state)
            },
        }
    }
}

impl DefaultValue {
    /// The default of a column, if it has one, made in the current memory context.
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
        // SAFETY: the default of the column or of its type; a constant is read as what
        // it is.
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
                    raw::evaluate(prepared, NULL, state)
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

/// A heap into which a row goes by itself: no rule, and not both triggers after the row
/// and those that see the new rows as a table.
fn is_simple_relation(table: &PgRelation) -> bool {
    // SAFETY: the relation is open; its parts live as long.
    unsafe {
        let relation = &*table.as_ptr();
        let needs_statement = !relation.trigdesc.is_null() && {
            let triggers = &*relation.trigdesc;
            triggers.trig_insert_new_table && triggers.trig_insert_after_row
        };
        is_open_heap(table, pg_sys::ACL_INSERT) && relation.rd_rules.is_null() && !needs_statement
    }
}

/// How an INSERT assigns a field's value to a column of another type, in the current
/// memory context; CaseTestExpr stands for the value. None if it cannot be assigned.
fn assignment(
    field_type: FieldType,
    attribute: &pg_sys::FormData_pg_attribute,
) -> Option<*mut pg_sys::Expr> {
    let given = type_oid(field_type);
    // SAFETY: a node for a value of the given type; the coercion is made around it.
    unsafe {
        let mut value = PgBox::<pg_sys::CaseTestExpr>::alloc_node(pg_sys::NodeTag::T_CaseTestExpr);
        value.typeId = given;
        value.typeMod = -1;
        value.collation = pg_sys::get_typcollation(given);
        let assigned = pg_sys::coerce_to_target_type(
            std::ptr::null_mut(),
            value.into_pg().cast(),
            given,
            attribute.atttypid,
            attribute.atttypmod,
            pg_sys::CoercionContext::COERCION_ASSIGNMENT,
            pg_sys::CoercionForm::COERCE_IMPLICIT_CAST,
            -1,
        );
        (!assigned.is_null()).then_some(assigned.cast())
    }
}

/// True if the expression calls one function of PostgreSQL's after the other, on the
/// value.
fn is_builtin_cast(expression: *mut pg_sys::Expr) -> bool {
    let mut node: *mut pg_sys::Node = expression.cast();
    // SAFETY: a tree that the parser made; each node is read as what its tag says.
    unsafe {
        loop {
            match (*node).type_ {
                pg_sys::NodeTag::T_CaseTestExpr => return true,
                pg_sys::NodeTag::T_RelabelType => {
                    node = (*node.cast::<pg_sys::RelabelType>()).arg.cast();
                }
                pg_sys::NodeTag::T_FuncExpr => {
                    let call = &*node.cast::<pg_sys::FuncExpr>();
                    if call.funcid.to_u32() >= pg_sys::FirstUnpinnedObjectId {
                        return false;
                    }
                    node = pg_sys::list_nth(call.args, 0).cast();
                }
                _ => return false,
            }
        }
    }
}
