//! The time of day.

use pgrx::pg_sys;

/// Seconds from the Unix epoch to PostgreSQL's.
const BETWEEN_EPOCHS: i64 = 946_684_800;

/// Now, in microseconds since the Unix epoch; not the time at which the transaction began.
pub fn unix_microseconds() -> i64 {
    // SAFETY: reads the clock.
    let now = unsafe { pg_sys::GetCurrentTimestamp() };
    now.saturating_add(BETWEEN_EPOCHS * 1_000_000)
}
