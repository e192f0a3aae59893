//! Functions that return one `json`.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};

use super::json_writer::JsonWriter;

/// A JSON text that was written to be returned.
pub struct Json(JsonWriter);

impl From<JsonWriter> for Json {
    fn from(writer: JsonWriter) -> Self {
        Json(writer)
    }
}

// SAFETY: the writer's datum is a varlena with JSON text, as json is, in the memory
// context of the call.
unsafe impl BoxRet for Json {
    unsafe fn box_into<'fcx>(mut self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: see above.
        unsafe { fcinfo.return_raw_datum(self.0.datum()) }
    }
}

// SAFETY: names the type of the datum.
unsafe impl SqlTranslatable for Json {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Json);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("json"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("json")));
}
