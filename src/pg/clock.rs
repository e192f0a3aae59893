//! The time of day.

use pgrx::pg_sys;

use crate::model::timestamp::BETWEEN_EPOCHS;

/// Now, in microseconds since the Unix epoch; not the time at which the transaction began.
pub fn unix_microseconds() -> i64 {
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    now.saturating_add(BETWEEN_EPOCHS)
}
