//! Errors on their way out: raising ours with SQLSTATE, DETAIL and HINT, and
//! keeping tokens and payloads out of the server log.
//!
//! By default PostgreSQL logs the text of a statement that failed, and with it
//! any token or payload written into it as a literal. Every error that leaves
//! one of our functions is therefore marked, and a log hook takes statement and
//! context off a marked report. The client still gets all of it: it is its own.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportWithLevel};
use pgrx::{pg_guard, PgLogLevel, PgTryBuilder};

use crate::model::error::Error;

/// The function name in our reports: the mark by which the log hook knows them.
const MARK: &str = "projectalpha_store";
const MARK_C: &CStr = c"projectalpha_store";

/// An error of PostgreSQL itself, caught.
#[derive(Debug)]
pub struct Failure {
    pub sqlstate: [u8; 5],
    pub message: String,
}

impl Failure {
    fn of(report: &ErrorReportWithLevel) -> Self {
        Failure {
            sqlstate: unpack_sqlstate(report.sql_error_code() as i32),
            message: report.message().to_owned(),
        }
    }

    /// The class: the first two characters of the SQLSTATE.
    pub fn class(&self) -> &[u8] {
        &self.sqlstate[..2]
    }
}

/// Runs the body of a public function and raises what it returns as an error.
/// Errors of PostgreSQL pass through, less the values that they show of a row.
pub fn run<T>(body: impl FnOnce() -> Result<T, Error>) -> T {
    let outcome = PgTryBuilder::new(AssertUnwindSafe(body))
        .catch_others(pass_on)
        .execute();
    match outcome {
        Ok(value) => value,
        Err(error) => raise(&error),
    }
}

/// Runs `body` and gives back an error of PostgreSQL instead of raising it.
///
/// Nothing is rolled back here: the caller must either be in a subtransaction
/// that it then rolls back, or raise an error in turn. Cancellation and
/// shutdown are never caught.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Failure> {
    PgTryBuilder::new(AssertUnwindSafe(|| Ok(body())))
        .catch_others(|cause| match &cause {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                let failure = Failure::of(report);
                match failure.class() {
                    b"57" => cause.rethrow(),
                    _ => Err(failure),
                }
            }
            CaughtError::RustPanic { .. } => cause.rethrow(),
        })
        .execute()
}

/// Raises `error` with all its parts.
pub fn raise(error: &Error) -> ! {
    let code = PgSqlErrorCode::from(pack_sqlstate(error.sqlstate()));
    let mut report = ErrorReport::new(code, error.message(), MARK);
    if let Some(detail) = error.detail() {
        report = report.set_detail(detail);
    }
    if let Some(hint) = error.hint() {
        report = report.set_hint(hint);
    }
    report.report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

/// Writes a failure that was answered, and so not raised, to the server log.
pub fn log(failure: &Failure) {
    let sqlstate = std::str::from_utf8(&failure.sqlstate).unwrap_or("XX000");
    ErrorReport::new(
        PgSqlErrorCode::from(pack_sqlstate(sqlstate)),
        format!("HTTP request failed: {}", failure.message),
        MARK,
    )
    .report(PgLogLevel::LOG);
}

/// Raises a caught error of PostgreSQL again, marked. DETAIL of the classes
/// that complain about data shows the data ("Failing row contains ..."), so it
/// stays behind; the message names the constraint.
fn pass_on<T>(cause: CaughtError) -> T {
    let report = match &cause {
        CaughtError::PostgresError(report) => report,
        CaughtError::ErrorReport(_) | CaughtError::RustPanic { .. } => cause.rethrow(),
    };
    let shows_data = matches!(Failure::of(report).class(), b"22" | b"23" | b"44");
    let mut marked = ErrorReport::new(report.sql_error_code(), report.message().to_owned(), MARK);
    if let (Some(detail), false) = (report.detail(), shows_data) {
        marked = marked.set_detail(detail);
    }
    if let Some(hint) = report.hint() {
        marked = marked.set_hint(hint);
    }
    marked.report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

/// PostgreSQL's packing of an SQLSTATE: six bits for each character.
fn pack_sqlstate(sqlstate: &str) -> i32 {
    sqlstate
        .bytes()
        .take(5)
        .enumerate()
        .fold(0, |packed, (i, b)| {
            packed + (((i32::from(b) - i32::from(b'0')) & 0x3f) << (6 * i))
        })
}

fn unpack_sqlstate(packed: i32) -> [u8; 5] {
    let mut sqlstate = [0u8; 5];
    for (i, character) in sqlstate.iter_mut().enumerate() {
        *character = b'0' + ((packed >> (6 * i)) & 0x3f) as u8;
    }
    sqlstate
}

static mut NEXT_LOG_HOOK: pg_sys::emit_log_hook_type = None;

/// Puts the log hook in place, in front of any that is there.
pub fn install_log_hook() {
    // SAFETY: called once, from _PG_init, on the backend's only thread.
    unsafe {
        NEXT_LOG_HOOK = pg_sys::emit_log_hook;
        pg_sys::emit_log_hook = Some(hide_statement);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn hide_statement(report: *mut pg_sys::ErrorData) {
    // SAFETY: PostgreSQL hands over the report it is about to log; its function
    // name is NULL or a NUL-terminated string.
    unsafe {
        if let Some(report) = report.as_mut() {
            if !report.funcname.is_null() && CStr::from_ptr(report.funcname) == MARK_C {
                report.hide_stmt = true;
                report.hide_ctx = true;
            }
        }
        if let Some(next) = NEXT_LOG_HOOK {
            next(report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_pack_as_postgresql_packs_them() {
        for sqlstate in ["42704", "28000", "XX000", "P0001"] {
            assert_eq!(
                unpack_sqlstate(pack_sqlstate(sqlstate)),
                sqlstate.as_bytes()
            );
        }
        assert_eq!(
            pack_sqlstate("42704"),
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT as i32
        );
    }
}
