//! Errors on their way out: raising ours with SQLSTATE, DETAIL and HINT, and
//! keeping tokens and payloads out of the server log.
//!
//! By default PostgreSQL logs the text of a statement that failed, and with it
//! any token or payload written into it as a literal. Every error that leaves
//! one of our functions has statement and context hidden from the log; the
//! client still gets all of it: it is its own.
//!
//! pgrx carries an error of PostgreSQL as a Rust panic and loses SQLSTATEs that
//! PostgreSQL does not define itself and the names of constraint and table.
//! [`Capture`] notes them when the error is raised, [`finish`] puts them back.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportWithLevel};
use pgrx::{PgLogLevel, PgTryBuilder};

use super::access_log::Frame;
use super::error_context::{finish, Capture, Origin};
use super::proxy;
use crate::model::access_log::Face;
use crate::model::denial::NativeAnswer;
use crate::model::error::Error;

/// An error of PostgreSQL itself, caught.
#[derive(Debug)]
pub struct Failure {
    pub sqlstate: [u8; 5],
    pub message: String,
    /// The constraint that a row violates.
    pub constraint: Option<String>,
}

impl Failure {
    fn of(report: &ErrorReportWithLevel, origin: &Origin) -> Self {
        let sqlstate = unpack_sqlstate(origin.sqlstate_or(report.sql_error_code() as i32));
        let message = match &sqlstate[..2] {
            b"22" => without_quoted(report.message()),
            _ => report.message().to_owned(),
        };
        Failure {
            sqlstate,
            message,
            constraint: origin.constraint(),
        }
    }

    /// The class: the first two characters of the SQLSTATE.
    pub fn class(&self) -> &[u8] {
        &self.sqlstate[..2]
    }

    /// Raises it again, without the parts that were not kept.
    pub fn raise(&self) -> ! {
        let code = pack_sqlstate(std::str::from_utf8(&self.sqlstate).unwrap_or("XX000"));
        let report = report(code, self.message.clone(), None, None);
        finish(Origin::of_sqlstate(code), || {
            report.report(PgLogLevel::ERROR)
        });
        unreachable!("an ERROR does not return")
    }
}

/// Tells the caller something that is no error.
pub fn notice(message: &str) {
    pgrx::notice!("{message}");
}

/// Runs the body of a public function and raises what it returns as an error.
/// Errors of PostgreSQL pass through, less the values that they show of a row.
pub fn run<T>(body: impl FnOnce() -> Result<T, Error>) -> T {
    run_through(Face::Sql, body)
}

/// The same, for a call through this face. What it has noted for the access log is
/// written at its end.
pub fn run_through<T>(face: Face, body: impl FnOnce() -> Result<T, Error>) -> T {
    let frame = Frame::enter(face);
    match attempt(body) {
        Ok(Ok(value)) => {
            returned(frame);
            value
        }
        Ok(Err(error)) => raised(frame, error),
        Err(caught) => passed_on(frame, *caught),
    }
}

// The ends of a call are not inlined: there are some 150 public functions.
#[inline(never)]
fn returned(frame: Frame) {
    if let Some(ended) = frame.leave() {
        if let Err(caught) = attempt(|| ended.returned()) {
            pass_on(*caught);
        }
    }
}

#[inline(never)]
fn raised(frame: Frame, error: Error) -> ! {
    if let Some(ended) = frame.leave() {
        ended.raised(error.sqlstate());
    }
    raise(&error)
}

#[inline(never)]
fn passed_on(frame: Frame, caught: Caught) -> ! {
    if let Some(ended) = frame.leave() {
        ended.raised(&caught.sqlstate());
    }
    pass_on(caught)
}

/// Runs `body` and gives back an error of PostgreSQL instead of raising it.
/// Cancellation, shutdown and faults of our own are raised on.
///
/// Nothing is rolled back here: the caller must raise an error in turn, unless
/// `body` takes nothing but memory.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Failure> {
    attempt(body).map_err(|caught| caught.failure_or_rethrow())
}

/// Runs `body`; an error of PostgreSQL that `explain` knows becomes one of ours,
/// any other is raised on. As with [`catch`], the caller must raise in turn.
pub fn explained<T>(
    body: impl FnOnce() -> T,
    explain: impl FnOnce(&Failure) -> Option<Error>,
) -> Result<T, Error> {
    attempt(body).map_err(|caught| {
        let known = match &caught.cause {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                explain(&Failure::of(report, &caught.origin))
            }
            CaughtError::RustPanic { .. } => None,
        };
        match known {
            Some(error) => error,
            None => caught.cause.rethrow(),
        }
    })
}

/// Runs `body` and gives back None if it waited too long for a lock. Any other
/// error is raised on. The caller must raise an error in turn.
pub fn unless_locked<T>(body: impl FnOnce() -> T) -> Option<T> {
    match attempt(body) {
        Ok(value) => Some(value),
        Err(caught) if caught.is_lock_timeout() => None,
        Err(caught) => caught.cause.rethrow(),
    }
}

/// What was raised, and where it came from.
pub struct Caught {
    cause: CaughtError,
    origin: Origin,
}

impl Caught {
    fn failure(&self) -> Failure {
        let (CaughtError::PostgresError(report)
        | CaughtError::ErrorReport(report)
        | CaughtError::RustPanic {
            ereport: report, ..
        }) = &self.cause;
        Failure::of(report, &self.origin)
    }

    pub fn sqlstate(&self) -> String {
        String::from_utf8_lossy(&self.failure().sqlstate).into_owned()
    }

    /// What it says, without values.
    pub fn message(&self) -> String {
        self.failure().message
    }

    fn is_lock_timeout(&self) -> bool {
        matches!(&self.cause, CaughtError::PostgresError(report)
            if Failure::of(report, &self.origin).sqlstate == *b"55P03")
    }

    /// The error, if it is one that may be answered; raises any other again.
    pub fn failure_or_rethrow(self: Box<Self>) -> Failure {
        match &self.cause {
            CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                let failure = Failure::of(report, &self.origin);
                match failure.class() {
                    b"57" => self.cause.rethrow(),
                    _ => failure,
                }
            }
            CaughtError::RustPanic { .. } => self.cause.rethrow(),
        }
    }
}

/// Runs `body` and gives back whatever it raised. The caller must see to the
/// transaction before anything else happens.
pub fn attempt<T>(body: impl FnOnce() -> T) -> Result<T, Box<Caught>> {
    let mut body = Some(body);
    let mut value = None;
    attempt_each(&mut || value = body.take().map(|body| body()))?;
    match value {
        Some(value) => Ok(value),
        None => unreachable!("it has run"),
    }
}

/// One piece of code for the bodies of all types.
#[inline(never)]
fn attempt_each(body: &mut dyn FnMut()) -> Result<(), Box<Caught>> {
    super::memory::reuse_large_blocks();
    let capture = Capture::new();
    let outcome = capture.during(|| {
        PgTryBuilder::new(AssertUnwindSafe(|| {
            body();
            Ok(())
        }))
        .catch_others(|cause| Err(Box::new(cause)))
        .execute()
    });
    outcome.map_err(|cause| {
        Box::new(Caught {
            cause: *cause,
            origin: capture.origin(),
        })
    })
}

/// Raises `error` with all its parts.
///
/// PostgREST makes a status of the SQLSTATE: of 53400 one that says that the service is
/// not available, of 42501 one that asks for a login. It is told what to answer where
/// that is wrong.
pub fn raise(error: &Error) -> ! {
    let (code, report) = match error {
        Error::Denial(denial) if proxy::headers().is_some() => {
            let code = pack_sqlstate("PGRST");
            let answer = NativeAnswer::of(denial);
            let report = report(code, answer.message, Some(answer.detail), None);
            (code, report)
        }
        _ => {
            let code = pack_sqlstate(error.sqlstate());
            let report = report(code, error.message(), error.detail(), error.hint());
            (code, report)
        }
    };
    finish(Origin::of_sqlstate(code), || {
        report.report(PgLogLevel::ERROR)
    });
    unreachable!("an ERROR does not return")
}

/// Writes a failure that was answered, and so not raised, to the server log.
pub fn log(failure: &Failure) {
    let code = pack_sqlstate(std::str::from_utf8(&failure.sqlstate).unwrap_or("XX000"));
    let message = format!("HTTP request failed: {}", failure.message);
    let report = report(code, message, None, None);
    finish(Origin::of_sqlstate(code), || report.report(PgLogLevel::LOG));
}

/// Writes to the server log that something was done, without the statement.
pub fn note(message: &str) {
    let code = pack_sqlstate("00000");
    let report = report(code, message.to_owned(), None, None);
    finish(Origin::of_sqlstate(code), || report.report(PgLogLevel::LOG));
}

/// Raises a caught error of PostgreSQL again. Errors about data show the data:
/// DETAIL in the classes 22, 23 and 44 ("Failing row contains ..."), the message
/// in class 22 (`invalid input syntax for type numeric: "..."`). Both stay behind.
fn pass_on(Caught { cause, origin }: Caught) -> ! {
    let (CaughtError::PostgresError(caught)
    | CaughtError::ErrorReport(caught)
    | CaughtError::RustPanic {
        ereport: caught, ..
    }) = &cause;
    let failure = Failure::of(caught, &origin);
    let detail = match failure.class() {
        b"22" | b"23" | b"44" => None,
        _ => caught.detail().map(str::to_owned),
    };
    let report = report(
        caught.sql_error_code() as i32,
        failure.message,
        detail,
        caught.hint().map(str::to_owned),
    );
    finish(origin, || report.report(PgLogLevel::ERROR));
    unreachable!("an ERROR does not return")
}

fn report(code: i32, message: String, detail: Option<String>, hint: Option<String>) -> ErrorReport {
    let mut report = ErrorReport::new(PgSqlErrorCode::from(code), message, "projectalpha_store");
    if let Some(detail) = detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = hint {
        report = report.set_hint(hint);
    }
    report
}

/// A message up to where it quotes a value, in any language of PostgreSQL's.
fn without_quoted(message: &str) -> String {
    const QUOTES: [char; 7] = ['"', '«', '»', '„', '“', '”', '‹'];
    match message.find(QUOTES) {
        Some(quote) => format!("{}…", &message[..quote]),
        None => message.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_left_out() {
        for (message, shown) in [
            (
                "invalid input syntax for type numeric: \"s3cret\"",
                "invalid input syntax for type numeric: …",
            ),
            (
                "ungültige Eingabesyntax für Typ numeric: »s3cret«",
                "ungültige Eingabesyntax für Typ numeric: …",
            ),
            ("division by zero", "division by zero"),
        ] {
            assert_eq!(without_quoted(message), shown);
        }
    }

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
