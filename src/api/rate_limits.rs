//! `rate_limit_status`.

use pgrx::prelude::*;

use crate::pg::{rate_limit, report};

extension_sql_file!(
    "../../sql/finish_rate_limits.sql",
    name = "finish_rate_limits",
    requires = [rate_limit_status]
);

/// How full the memory is in which rates are counted, for all databases of this
/// server since it was started.
///
/// Arguments: none.
///
/// Returns one row: `available`, false if the library is not in
/// `shared_preload_libraries`, and then the others are NULL; `slots`, how many callers
/// can be counted (`projectalpha_store.rate_limit_slots`, rounded up to a multiple of
/// 8); `used`, how many have calls that still count; `evicted_live`, how many of those
/// were forgotten because there was no room: each of them began anew. If that grows,
/// raise the setting.
///
/// Errors: 42501 not granted to the role.
///
/// ```sql
/// SELECT * FROM projectalpha.rate_limit_status();
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn rate_limit_status() -> TableIterator<
    'static,
    (
        name!(available, bool),
        name!(slots, Option<i64>),
        name!(used, Option<i64>),
        name!(evicted_live, Option<i64>),
    ),
> {
    let usage = report::run(|| Ok(rate_limit::usage()));
    let figure = |of: fn(&rate_limit::Usage) -> u64| usage.as_ref().map(|u| of(u) as i64);
    TableIterator::once((
        usage.is_some(),
        figure(|u| u.slots),
        figure(|u| u.used),
        figure(|u| u.evicted_live),
    ))
}
