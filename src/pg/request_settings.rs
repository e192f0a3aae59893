//! The settings through which PostgREST hands over a request and takes an answer.

use std::ffi::{CStr, CString};

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};

use super::json_writer::JsonWriter;

/// The headers of the request as a JSON object; none outside of PostgREST.
pub fn request_headers() -> Option<String> {
    // SAFETY: gives NULL or a NUL-terminated string that is copied at once.
    unsafe {
        let value = pg_sys::GetConfigOption(c"request.headers".as_ptr(), true, false);
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

/// Sets the status of the answer.
pub fn set_status(status: u16) {
    set_local(c"response.status", &status.to_string());
}

/// Sets headers of the answer, given as JSON.
pub fn set_headers(json: &str) {
    set_local(c"response.headers", json);
}

/// A setting until the end of the transaction.
fn set_local(name: &CStr, value: &str) {
    let Ok(value) = CString::new(value) else {
        return;
    };
    // SAFETY: both are NUL-terminated and copied.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// The bytes of an answer, as the domain `"*/*"` over bytea.
pub struct Body(JsonWriter);

impl From<JsonWriter> for Body {
    fn from(writer: JsonWriter) -> Self {
        Body(writer)
    }
}

// SAFETY: the writer's datum is a varlena, as bytea is, in the memory context
// of the call.
unsafe impl BoxRet for Body {
    unsafe fn box_into<'fcx>(mut self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: see above.
        unsafe { fcinfo.return_raw_datum(self.0.datum()) }
    }
}

// SAFETY: the endpoints are declared by hand to return this domain.
unsafe impl SqlTranslatable for Body {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Body);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("bytea"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("bytea")));
}
