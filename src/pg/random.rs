//! Random bytes from the operating system, through PostgreSQL.

use pgrx::pg_sys;

use crate::model::token::RANDOM_BYTES;

/// Bytes fit for a token.
pub fn token_bytes() -> [u8; RANDOM_BYTES] {
    bytes()
}

/// Bytes that nobody can foretell, and that do not come again.
pub fn bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut bytes = [0u8; COUNT];
    // SAFETY: the buffer has the length that is passed.
    let filled = unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) };
    if !filled {
        pgrx::ereport!(
            ERROR,
            pgrx::PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            "could not generate random bytes"
        );
    }
    bytes
}
