//! Whether an expression gives the same under any search_path, and under none.

use std::ffi::c_void;

use pgrx::{pg_guard, pg_sys};

/// Functions that are not immutable and yet do not look at the path: what defaults,
/// policies and rules use most.
const BLIND: [u32; 7] = [
    pg_sys::F_NOW,
    pg_sys::F_TRANSACTION_TIMESTAMP,
    pg_sys::F_STATEMENT_TIMESTAMP,
    pg_sys::F_CLOCK_TIMESTAMP,
    pg_sys::F_GEN_RANDOM_UUID,
    pg_sys::F_RANDOM,
    pg_sys::F_NEXTVAL,
];

/// Nodes that do nothing themselves, or what `check_functions_in_node` sees. XML, for one,
/// is made by functions that it does not see.
const KNOWN: [pg_sys::NodeTag; 33] = [
    pg_sys::NodeTag::T_ArrayCoerceExpr,
    pg_sys::NodeTag::T_ArrayExpr,
    pg_sys::NodeTag::T_BoolExpr,
    pg_sys::NodeTag::T_BooleanTest,
    pg_sys::NodeTag::T_CaseExpr,
    pg_sys::NodeTag::T_CaseTestExpr,
    pg_sys::NodeTag::T_CaseWhen,
    pg_sys::NodeTag::T_CoalesceExpr,
    pg_sys::NodeTag::T_CoerceViaIO,
    pg_sys::NodeTag::T_CollateExpr,
    pg_sys::NodeTag::T_Const,
    pg_sys::NodeTag::T_DistinctExpr,
    pg_sys::NodeTag::T_FieldSelect,
    pg_sys::NodeTag::T_FromExpr,
    pg_sys::NodeTag::T_FuncExpr,
    pg_sys::NodeTag::T_List,
    pg_sys::NodeTag::T_MinMaxExpr,
    pg_sys::NodeTag::T_NamedArgExpr,
    pg_sys::NodeTag::T_NextValueExpr,
    pg_sys::NodeTag::T_NullIfExpr,
    pg_sys::NodeTag::T_NullTest,
    pg_sys::NodeTag::T_OpExpr,
    pg_sys::NodeTag::T_Param,
    pg_sys::NodeTag::T_RangeTblEntry,
    pg_sys::NodeTag::T_RangeTblRef,
    pg_sys::NodeTag::T_RelabelType,
    pg_sys::NodeTag::T_RowCompareExpr,
    pg_sys::NodeTag::T_RowExpr,
    pg_sys::NodeTag::T_ScalarArrayOpExpr,
    pg_sys::NodeTag::T_SetToDefault,
    pg_sys::NodeTag::T_SubscriptingRef,
    pg_sys::NodeTag::T_TargetEntry,
    pg_sys::NodeTag::T_Var,
];

/// True if nothing in an expression or a query without subqueries depends on the path.
/// In doubt it does.
///
/// # Safety
/// A complete expression or query, or NULL.
pub unsafe fn is_path_blind(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the caller vouches for the node.
    unsafe { !looks_at_path(node, std::ptr::null_mut()) }
}

#[pg_guard]
unsafe extern "C-unwind" fn looks_at_path(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: called with the nodes of a tree; each is read as what its tag says.
    unsafe {
        match (*node).type_ {
            pg_sys::NodeTag::T_Query => {
                return pg_sys::query_tree_walker(node.cast(), Some(looks_at_path), context, 0);
            }
            pg_sys::NodeTag::T_SQLValueFunction => {
                let function = &*node.cast::<pg_sys::SQLValueFunction>();
                return function.op == pg_sys::SQLValueFunctionOp::SVFOP_CURRENT_SCHEMA;
            }
            tag if !KNOWN.contains(&tag) => return true,
            _ => (),
        }
        pg_sys::check_functions_in_node(node, Some(may_look_at_path), context)
            || pg_sys::expression_tree_walker(node, Some(looks_at_path), context)
    }
}

/// What is immutable does not depend on a setting.
#[pg_guard]
unsafe extern "C-unwind" fn may_look_at_path(function: pg_sys::Oid, _context: *mut c_void) -> bool {
    // SAFETY: a look-up of a function that an expression calls.
    let volatility = unsafe { pg_sys::func_volatile(function) } as u8;
    volatility != pg_sys::PROVOLATILE_IMMUTABLE && !BLIND.contains(&function.to_u32())
}
