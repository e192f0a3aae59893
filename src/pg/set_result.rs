//! Functions that return `SETOF json`: rows go into a tuplestore, which spills
//! to disk beyond work_mem.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};

use super::json_writer::JsonWriter;

/// Where a set-returning function puts its rows: an argument that PostgreSQL
/// passes by itself and that SQL does not show.
pub struct JsonRows<'fcx> {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    lifetime: std::marker::PhantomData<&'fcx ()>,
}

/// What such a function returns: its rows are where they belong already.
pub struct RowsReturned(());

impl JsonRows<'_> {
    /// Adds what the writer holds as one row, and clears the writer.
    pub fn push(&mut self, writer: &mut JsonWriter) {
        let mut value = [writer.datum()];
        let mut is_null = [false];
        // SAFETY: one value and one flag for the one column; the store copies it.
        unsafe {
            pg_sys::tuplestore_putvalues(
                self.store,
                self.descriptor,
                value.as_mut_ptr(),
                is_null.as_mut_ptr(),
            );
        }
        writer.clear();
    }

    pub fn finish(self) -> RowsReturned {
        RowsReturned(())
    }

    /// # Safety
    /// `fcinfo` is that of the running call.
    unsafe fn begin(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        // SAFETY: resultinfo is a ReturnSetInfo if its tag says so; store and
        // descriptor must live until the query ends, hence the context.
        unsafe {
            let result = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            let materialize = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            if result.is_null()
                || (*result).type_ != pg_sys::NodeTag::T_ReturnSetInfo
                || (*result).allowedModes as u32 & materialize == 0
            {
                pgrx::ereport!(
                    ERROR,
                    pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                    "set-valued function called in context that cannot accept a set"
                );
            }
            let caller = pg_sys::MemoryContextSwitchTo((*(*result).econtext).ecxt_per_query_memory);
            let descriptor = pg_sys::CreateTemplateTupleDesc(1);
            pg_sys::TupleDescInitEntry(descriptor, 1, c"record".as_ptr(), pg_sys::JSONOID, -1, 0);
            let random = pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random;
            let random = (*result).allowedModes as u32 & random != 0;
            let store = pg_sys::tuplestore_begin_heap(random, false, pg_sys::work_mem);
            pg_sys::MemoryContextSwitchTo(caller);
            (*result).returnMode = materialize;
            (*result).setResult = store;
            (*result).setDesc = descriptor;
            JsonRows {
                store,
                descriptor,
                lifetime: std::marker::PhantomData,
            }
        }
    }
}

// SAFETY: takes the call's own fcinfo and no SQL argument.
unsafe impl<'fcx> ArgAbi<'fcx> for JsonRows<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: pgrx's virtual argument for fcinfo gives the running call's.
        unsafe { JsonRows::begin(arg.unbox_unchecked::<pg_sys::FunctionCallInfo>()) }
    }

    fn is_virtual_arg() -> bool {
        true
    }
}

// SAFETY: in materialize mode PostgreSQL ignores the datum that is returned.
unsafe impl BoxRet for RowsReturned {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        fcinfo.return_null()
    }
}

// SAFETY: the argument does not appear in SQL.
unsafe impl SqlTranslatable for JsonRows<'_> {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(JsonRows);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Err(ReturnsError::Datum);
}

// SAFETY: the rows in the store are of type json. pgrx renders SETOF only for its
// own iterators, hence the literal.
unsafe impl SqlTranslatable for RowsReturned {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(RowsReturned);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("SETOF json")));
}
