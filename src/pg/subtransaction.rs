//! Internal subtransactions: what an HTTP endpoint does is undone when its
//! answer is an error, although PostgREST then commits.

use pgrx::pg_sys;

use super::report::{attempt, Failure};

/// Runs `body` in a subtransaction. It is rolled back if `body` returns `Err`
/// or raises anything, and kept otherwise. What must not be answered, such as
/// cancellation, is raised on after that.
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

        let outcome = attempt(body);
        match &outcome {
            Ok(Ok(_)) => pg_sys::ReleaseCurrentSubTransaction(),
            Ok(Err(_)) | Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::CurrentMemoryContext = context;
        pg_sys::CurrentResourceOwner = resource_owner;
        match outcome {
            Ok(result) => result,
            Err(caught) => Err(E::from(caught.failure_or_rethrow())),
        }
    }
}
