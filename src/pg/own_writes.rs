//! What the caches hold of rows that the running transaction wrote itself.
//!
//! A row that is new makes no cached answer wrong, as nothing that was not found is
//! cached; so no session is told of one. But if the transaction that wrote it is
//! rolled back, what this session has cached of it must go.

use std::cell::Cell;
use std::ffi::c_void;

use pgrx::{pg_guard, pg_sys};

thread_local! {
    static CACHED_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Asks PostgreSQL to tell us how transactions end. Called once per session.
pub fn register_callback() {
    // SAFETY: the functions have the callbacks' signatures and stay loaded.
    unsafe {
        pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_ends), std::ptr::null_mut());
    }
}

/// A row that was written by the transaction `xmin` is about to be cached.
pub fn note(xmin: Option<pg_sys::TransactionId>) {
    // SAFETY: looks at the state of the running transaction.
    let is_own =
        xmin.is_none_or(|xmin| unsafe { pg_sys::TransactionIdIsCurrentTransactionId(xmin) });
    if is_own {
        CACHED_OWN.set(true);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(
    event: pg_sys::XactEvent::Type,
    _argument: *mut c_void,
) {
    use pg_sys::XactEvent as E;
    match event {
        E::XACT_EVENT_COMMIT | E::XACT_EVENT_PARALLEL_COMMIT => CACHED_OWN.set(false),
        // Prepared, it may still be rolled back.
        E::XACT_EVENT_ABORT | E::XACT_EVENT_PARALLEL_ABORT | E::XACT_EVENT_PREPARE
            if CACHED_OWN.replace(false) =>
        {
            super::cache::forget_everything();
        }
        _ => (),
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn subtransaction_ends(
    event: pg_sys::SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB && CACHED_OWN.get() {
        super::cache::forget_everything();
    }
}
