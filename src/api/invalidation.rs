//! The trigger that keeps every session's cache true.

use pgrx::prelude::*;

use crate::pg::cache;

/// Statement trigger on the configuration tables: at commit, every session
/// drops what it has cached from them. Not for calling.
#[pg_extern(
    schema = "projectalpha",
    sql = "
CREATE FUNCTION projectalpha.invalidate_caches() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"
)]
fn invalidate_caches(fcinfo: pg_sys::FunctionCallInfo) -> i64 {
    cache::invalidate_triggering_relation(fcinfo);
    // A statement trigger returns a null pointer that is not marked as NULL.
    0
}
