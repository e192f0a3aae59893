//! What differs between PostgreSQL versions, and nothing else.

use std::ffi::CStr;

use pgrx::pg_sys;

/// Reserves the prefix of our settings, so that a misspelt one is refused.
pub fn reserve_setting_prefix(prefix: &CStr) {
    // SAFETY: the prefix is a NUL-terminated string; PostgreSQL copies it.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(prefix.as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
    }
}

/// The locks that the statements on a table take.
pub const LOCK_FOR_READING: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
pub const LOCK_FOR_WRITING: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;

/// Locks a relation by its OID until the end of the transaction.
pub fn lock_relation(oid: pg_sys::Oid, mode: pg_sys::LOCKMODE) {
    // SAFETY: any OID may be locked, even one whose relation is gone.
    unsafe { pg_sys::LockRelationOid(oid, mode) }
}
