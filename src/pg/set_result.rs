//! Functions that return `SETOF json` or `SETOF jsonb`: rows go into a tuplestore,
//! which spills to disk beyond work_mem.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};

use super::json_writer::JsonWriter;
use super::jsonb::Jsonb;

/// The rows of a call, each of one column.
struct Store {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
}

impl Store {
    fn put(&mut self, value: pg_sys::Datum) {
        let mut value = [value];
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
    }

    /// # Safety
    /// `fcinfo` is that of the running call, and what is put are values of this type.
    unsafe fn begin(fcinfo: pg_sys::FunctionCallInfo, type_oid: pg_sys::Oid) -> Self {
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
            pg_sys::TupleDescInitEntry(descriptor, 1, c"record".as_ptr(), type_oid, -1, 0);
            let random = pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random;
            let random = (*result).allowedModes as u32 & random != 0;
            let store = pg_sys::tuplestore_begin_heap(random, false, pg_sys::work_mem);
            pg_sys::MemoryContextSwitchTo(caller);
            (*result).returnMode = materialize;
            (*result).setResult = store;
            (*result).setDesc = descriptor;
            Store { store, descriptor }
        }
    }
}

/// Where a set-returning function puts its rows: an argument that PostgreSQL
/// passes by itself and that SQL does not show.
pub struct JsonRows<'fcx> {
    store: Store,
    lifetime: std::marker::PhantomData<&'fcx ()>,
}

/// What such a function returns: its rows are where they belong already.
pub struct RowsReturned(());

impl JsonRows<'_> {
    /// Adds what the writer holds as one row, and clears the writer.
    pub fn push(&mut self, writer: &mut JsonWriter) {
        self.store.put(writer.datum());
        writer.clear();
    }

    pub fn finish(self) -> RowsReturned {
        RowsReturned(())
    }
}

/// The same for `SETOF jsonb`.
pub struct JsonbRows<'fcx> {
    store: Store,
    lifetime: std::marker::PhantomData<&'fcx ()>,
}

/// What such a function returns.
pub struct JsonbRowsReturned(());

impl JsonbRows<'_> {
    /// Adds a document as one row.
    pub fn push(&mut self, document: Jsonb<'_>) {
        self.store.put(document.datum());
    }

    pub fn finish(self) -> JsonbRowsReturned {
        JsonbRowsReturned(())
    }
}

/// Tells PostgreSQL of a pair of those types: what is put, and how SQL names it.
macro_rules! set_of {
    ($rows:ident, $returned:ident, $type_oid:ident, $sql:literal) => {
        // SAFETY: takes the call's own fcinfo and no SQL argument.
        unsafe impl<'fcx> ArgAbi<'fcx> for $rows<'fcx> {
            unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
                // SAFETY: pgrx's virtual argument for fcinfo gives the running call's.
                let store = unsafe { Store::begin(arg.unbox_unchecked(), pg_sys::$type_oid) };
                $rows {
                    store,
                    lifetime: std::marker::PhantomData,
                }
            }

            fn is_virtual_arg() -> bool {
                true
            }
        }

        // SAFETY: in materialize mode PostgreSQL ignores the datum that is returned.
        unsafe impl BoxRet for $returned {
            unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
                fcinfo.return_null()
            }
        }

        // SAFETY: the argument does not appear in SQL.
        unsafe impl SqlTranslatable for $rows<'_> {
            const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!($rows);
            const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
            const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
            const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Err(ReturnsError::Datum);
        }

        // SAFETY: the rows in the store are of that type. pgrx renders SETOF only for
        // its own iterators, hence the literal.
        unsafe impl SqlTranslatable for $returned {
            const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!($returned);
            const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
            const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
            const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
                Ok(ReturnsRef::One(SqlMappingRef::literal($sql)));
        }
    };
}

set_of!(JsonRows, RowsReturned, JSONOID, "SETOF json");
set_of!(JsonbRows, JsonbRowsReturned, JSONBOID, "SETOF jsonb");
