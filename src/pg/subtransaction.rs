//! Internal subtransactions: what an HTTP endpoint does is undone when its
//! answer is an error, although PostgREST then commits.

use pgrx::pg_sys;

use super::report::{catch, Failure};

/// Runs `body` in a subtransaction. It is rolled back if `body` returns `Err`
/// or raises an error, and kept otherwise.
pub fn atomically<T, E: From<Failure>>(body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    // SAFETY: the sequence of PL/pgSQL's exception blocks: the subtransaction is
    // begun and then either released or rolled back, and in both cases memory
    // context and resource owner are put back.
    unsafe {
        let context = pg_sys::CurrentMemoryContext;
        let resource_owner = pg_sys::CurrentResourceOwner;
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        // The body's results must outlive the subtransaction.
        pg_sys::CurrentMemoryContext = context;

        let outcome = catch(body).map_err(E::from).and_then(|result| result);
        match outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::CurrentMemoryContext = context;
        pg_sys::CurrentResourceOwner = resource_owner;
        outcome
    }
}
