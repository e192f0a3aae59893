//! What a column gets from an INSERT: the value of a field, assigned to the column's type,
//! or a default.

use pgrx::{pg_sys, PgBox, PgRelation};

use super::cache::watch_type;
use super::direct_insert::{
    defaults_to_now, identity_sequence, is_field, may_have_default_of_type,
};
use super::path_blind::is_path_blind;
use super::raw;
use super::report::catch;
use super::row::{Cell, Row};
use super::table::type_oid;
use crate::model::schema::FieldType;

/// A column that gets the value of a field, or a default if there is none.
pub struct FilledColumn {
    pub column: usize,
    pub field: Option<FieldValue>,
    pub default: Option<DefaultValue>,
}

/// Which field, and how its value is assigned to a column that has another type.
pub struct FieldValue {
    field: usize,
    pub assignment: Option<Expression>,
}

/// An expression without variables, but for the value of CaseTestExpr.
pub struct Expression {
    node: *mut pg_sys::Expr,
    /// False if it calls what may be replaced at any time: it is planned for each row.
    is_planned: bool,
}

pub enum DefaultValue {
    /// The next value of an identity column's sequence.
    Identity(pg_sys::Oid),
    Now,
    Constant(pg_sys::NullableDatum),
    Expression(Expression),
}

const NULL: pg_sys::NullableDatum = pg_sys::NullableDatum {
    value: pg_sys::Datum::null(),
    isnull: true,
};

impl FilledColumn {
    /// None if the column takes a whole INSERT. Made in the current memory context.
    pub fn of(
        table: &PgRelation,
        column: usize,
        attribute: &pg_sys::FormData_pg_attribute,
        fields: &[(&str, FieldType)],
        may_change: bool,
    ) -> Option<Self> {
        let named = |(name, _): &(&str, FieldType)| *name == attribute.name();
        watch_type(attribute.atttypid);
        let field = match fields.iter().position(named) {
            // Refused if a record names it.
            Some(_) if attribute.attidentity != 0 => return None,
            Some(field) => Some(FieldValue {
                field,
                assignment: match fields[field].1 {
                    same if is_field(attribute, same) => None,
                    other => {
                        let assigned = assignment(other, attribute)?;
                        Some(Expression::of(assigned.cast(), !is_builtin_cast(assigned)))
                    }
                },
            }),
            None => None,
        };
        let has_default = attribute.atthasdef
            || attribute.attidentity != 0
            || may_have_default_of_type(attribute);
        let default = if has_default {
            Some(DefaultValue::of(table, attribute, may_change)?)
        } else {
            None
        };
        Some(FilledColumn {
            column,
            field,
            default,
        })
    }

    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`, with the state's memory as the current one.
    pub unsafe fn value(&self, row: &Row, state: *mut pg_sys::EState) -> pg_sys::NullableDatum {
        let field = self.field.as_ref();
        let cell = field.and_then(|value| row.cells.get(value.field));
        // SAFETY: the expressions were made for a column of this table.
        unsafe {
            match (cell, &self.default) {
                (Some(cell), _) if cell.is_named => self.assigned(cell, state),
                (_, Some(default)) => default.evaluate(state),
                (_, None) => NULL,
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
        let field = self.field.as_ref();
        match field.and_then(|value| value.assignment.as_ref()) {
            None => given,
            // SAFETY: the expression takes a value of the field's type.
            Some(assignment) => unsafe { assignment.evaluate(given, state) },
        }
    }
}

impl DefaultValue {
    /// The default that a column has, made in the current memory context.
    fn of(
        table: &PgRelation,
        attribute: &pg_sys::FormData_pg_attribute,
        may_change: bool,
    ) -> Option<Self> {
        if attribute.attidentity != 0 {
            return identity_sequence(table.oid(), attribute.attnum).map(DefaultValue::Identity);
        }
        if defaults_to_now(table, attribute) {
            return Some(DefaultValue::Now);
        }
        // SAFETY: the default of a column of an open table.
        let default =
            unsafe { pg_sys::build_column_default(table.as_ptr(), attribute.attnum.into()) };
        let expression = if default.is_null() {
            // Which a domain may refuse.
            Expression::of(null_of(attribute).cast(), false)
        } else {
            Expression::of(default.cast(), may_change)
        };
        Some(match expression.constant() {
            Some(constant) => DefaultValue::Constant(constant),
            None => DefaultValue::Expression(expression),
        })
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
                DefaultValue::Expression(expression) => expression.evaluate(NULL, state),
            }
        }
    }
}

impl Expression {
    /// Planned in the current memory context, if it may be. One that cannot be planned
    /// (`1 / 0`) fails when it is needed.
    fn of(node: *mut pg_sys::Expr, may_change: bool) -> Self {
        let unplanned = Expression {
            node,
            is_planned: false,
        };
        if may_change {
            return unplanned;
        }
        // SAFETY: an expression that the parser made; planning it takes nothing but memory.
        catch(|| unsafe { pg_sys::expression_planner(node) }).map_or(unplanned, |node| Expression {
            node,
            is_planned: true,
        })
    }

    fn constant(&self) -> Option<pg_sys::NullableDatum> {
        // SAFETY: the node is read as what its tag says.
        unsafe {
            let is_constant = self.is_planned
                && (*self.node.cast::<pg_sys::Node>()).type_ == pg_sys::NodeTag::T_Const;
            is_constant.then(|| {
                let constant = &*self.node.cast::<pg_sys::Const>();
                pg_sys::NullableDatum {
                    value: constant.constvalue,
                    isnull: constant.constisnull,
                }
            })
        }
    }

    /// # Safety
    /// Inside a `pg_guard_ffi_boundary`, with the state's memory as the current one.
    unsafe fn evaluate(
        &self,
        variable: pg_sys::NullableDatum,
        state: *mut pg_sys::EState,
    ) -> pg_sys::NullableDatum {
        // SAFETY: the variable has the type that the expression was made for.
        unsafe {
            let prepared = if self.is_planned {
                raw::ExecInitExpr(self.node, std::ptr::null_mut())
            } else {
                raw::ExecPrepareExpr(self.node, state)
            };
            raw::evaluate(prepared, variable, state)
        }
    }
}

/// True if the values of these fields are assigned to the table's columns by functions of
/// PostgreSQL that give the same under any search_path.
pub fn assignments_are_builtin(table: &PgRelation, fields: &[(&str, FieldType)]) -> bool {
    table.tuple_desc().iter().all(|attribute| {
        let field = fields.iter().find(|(name, _)| *name == attribute.name());
        attribute.attisdropped
            || field.is_none_or(|(_, field_type)| {
                is_field(attribute, *field_type)
                    || assignment(*field_type, attribute).is_some_and(|assigned| {
                        // SAFETY: a complete expression.
                        is_builtin_cast(assigned) && unsafe { is_path_blind(assigned) }
                    })
            })
    })
}

/// How an INSERT assigns a field's value to a column of another type, in the current
/// memory context; CaseTestExpr stands for the value. None if it cannot be assigned.
fn assignment(
    field_type: FieldType,
    attribute: &pg_sys::FormData_pg_attribute,
) -> Option<*mut pg_sys::Node> {
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
        (!assigned.is_null()).then_some(assigned)
    }
}

/// NULL, as an INSERT that does not name the column makes it.
fn null_of(attribute: &pg_sys::FormData_pg_attribute) -> *mut pg_sys::Node {
    // SAFETY: makes an expression from the facts about a column.
    unsafe {
        pg_sys::coerce_null_to_domain(
            attribute.atttypid,
            attribute.atttypmod,
            attribute.attcollation,
            attribute.attlen.into(),
            attribute.attbyval,
        )
    }
}

/// True if the expression calls one function of PostgreSQL's after the other, on the
/// value. What a domain checks is looked up for each row.
fn is_builtin_cast(mut node: *mut pg_sys::Node) -> bool {
    // SAFETY: a tree that the parser made; each node is read as what its tag says.
    unsafe {
        loop {
            match (*node).type_ {
                pg_sys::NodeTag::T_CaseTestExpr => return true,
                pg_sys::NodeTag::T_RelabelType => {
                    node = (*node.cast::<pg_sys::RelabelType>()).arg.cast();
                }
                pg_sys::NodeTag::T_CoerceToDomain => {
                    node = (*node.cast::<pg_sys::CoerceToDomain>()).arg.cast();
                }
                pg_sys::NodeTag::T_CoerceViaIO => {
                    let coercion = &*node.cast::<pg_sys::CoerceViaIO>();
                    if coercion.resulttype.to_u32() >= pg_sys::FirstUnpinnedObjectId {
                        return false;
                    }
                    node = coercion.arg.cast();
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
