//! The access log: what was attempted, by whom, and how it ended.
//!
//! The gate notes an attempt in the memory of the session; the edge, where the running
//! call ends, knows what became of it and has it written. What succeeded is written in
//! the transaction of the call and shares its fate. What was denied or has failed must
//! stay although that transaction is undone: a worker of the session's own writes it, in
//! transactions of its own. Over HTTP the answer to a refusal commits, so that the
//! request writes its row itself, unless it may only read.

mod figures;
mod queue;
mod rows;
mod tables;
mod worker;

use std::borrow::Cow;
use std::cell::Cell;
use std::time::Instant;

use pgrx::pg_sys;

use super::report::{self, Failure};
use super::subtransaction::atomically;
use super::{acting, client_address, proxy, settings};
use crate::model::access_log::{Face, Level, Record, Status, ToolLogging, MAX_PAYLOAD};

pub use figures::{drop_months, summarise, Dropped};

/// What the gate knows of an attempt.
pub struct Attempt {
    pub tool_id: Option<i64>,
    pub tool_name: String,
    pub project_id: Option<i64>,
    pub agent_id: Option<i64>,
    pub credential_id: Option<i64>,
    /// The policy that decided.
    pub policy_id: Option<i64>,
    pub action: Cow<'static, str>,
    /// Those of the credential.
    pub scopes: Vec<String>,
    /// JSON text, only where the tool asks for it.
    pub payload: Option<String>,
    /// False if the caller is let in.
    pub denied: bool,
}

/// What decides whether an attempt is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Denied,
    Write,
    Read,
}

/// True if the log keeps attempts of this kind at a tool: only then is it worth while to
/// make an [`Attempt`].
pub fn keeps(logging: ToolLogging, kind: Kind) -> bool {
    let needed = match kind {
        Kind::Denied => Level::Denied,
        Kind::Write => Level::Writes,
        Kind::Read => Level::All,
    };
    logging.level.unwrap_or_else(settings::access_log) >= needed
}

/// An attempt on its way to the end of the call.
struct Noted {
    record: Record,
    since: Instant,
}

thread_local! {
    /// The attempt of the call that is running.
    static NOTED: Cell<Option<Box<Noted>>> = const { Cell::new(None) };
    static FACE: Cell<Face> = const { Cell::new(Face::Sql) };
}

/// Notes the attempt that the running call makes, in place of one noted before: a call
/// that starts over is one attempt. What is asked of the catalogues is asked here, where
/// the transaction is still sound.
pub fn note(attempt: Attempt) {
    let record = Record {
        // SAFETY: reads the clock.
        logged_at: unsafe { pg_sys::GetCurrentTimestamp() },
        tool_id: attempt.tool_id,
        tool_name: attempt.tool_name,
        project_id: attempt.project_id,
        agent_id: attempt.agent_id,
        credential_id: attempt.credential_id,
        policy_id: attempt.policy_id,
        action: attempt.action.into_owned(),
        status: if attempt.denied {
            Status::Denied
        } else {
            Status::Success
        },
        sqlstate: None,
        scopes: attempt.scopes,
        face: FACE.get(),
        role_name: acting::caller_name(),
        address: client_address::current(),
        payload: attempt
            .payload
            .filter(|payload| payload.len() <= MAX_PAYLOAD),
        milliseconds: 0.0,
    };
    let since = Instant::now();
    NOTED.set(Some(Box::new(Noted { record, since })));
}

/// Says that the running call is refused with an answer, and so does not raise.
pub fn refused(sqlstate: &str) {
    if let Some(mut noted) = NOTED.take() {
        fail(&mut noted.record, sqlstate);
        NOTED.set(Some(noted));
    }
}

fn fail(record: &mut Record, sqlstate: &str) {
    record.sqlstate = Some(sqlstate.to_owned());
    if record.status == Status::Success {
        record.status = Status::Error;
    }
}

/// A running call. Those inside of it, which triggers make, have frames of their own.
pub struct Frame {
    outer: Option<Box<Noted>>,
    outer_face: Face,
}

impl Frame {
    pub fn enter(face: Face) -> Self {
        Frame {
            outer: NOTED.take(),
            outer_face: FACE.replace(face),
        }
    }

    /// The call has ended. Gives the attempt that it has noted, if it has.
    pub fn leave(self) -> Option<Ended> {
        FACE.set(self.outer_face);
        let noted = NOTED.replace(self.outer)?;
        let mut record = noted.record;
        record.milliseconds = noted.since.elapsed().as_secs_f64() * 1000.0;
        Some(Ended(record))
    }
}

/// An attempt that is over, to be written.
pub struct Ended(Record);

impl Ended {
    /// The call has not raised. Raises what the writing of a success does: it is part of
    /// the call.
    pub fn returned(self) {
        let record = self.0;
        // SAFETY: a global of this session.
        let read_only = unsafe { pg_sys::XactReadOnly };
        let is_success = record.status == Status::Success;
        if !is_success && proxy::asks_again() {
            // nginx asks for the words of a refusal that was kept when it was asked first.
        } else if read_only && is_success && in_recovery() {
            // What is read on a standby is not kept.
        } else if read_only || (!is_success && !answer_commits(record.face)) {
            send_apart(&record);
        } else if is_success {
            rows::insert(&record);
        } else {
            insert_apart(&record);
        }
    }

    /// An error of the call is about to be raised: nothing that takes a sound transaction
    /// can be done, and whatever happens here, the caller gets that error.
    pub fn raised(mut self, sqlstate: &str) {
        fail(&mut self.0, sqlstate);
        if report::attempt(|| worker::send(&self.0)).is_err() {
            report::note(&self.0.log_line("there is no queue for it"));
        }
    }
}

/// Why a row was not written.
struct Refused(String);

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Refused(failure.message)
    }
}

/// Writes a row in the transaction at hand, to which a fault does nothing.
fn insert_apart(record: &Record) {
    apart(record, || rows::insert(record));
}

/// Hands a row over to the worker. What fails on the way would leave locks behind.
fn send_apart(record: &Record) {
    apart(record, || worker::send(record));
}

fn apart(record: &Record, body: impl FnOnce()) {
    let done = atomically::<_, Refused>(|| {
        body();
        Ok(())
    });
    if let Err(Refused(reason)) = done {
        report::note(&record.log_line(&reason));
    }
}

/// PostgREST commits whatever is answered; whoever else calls an endpoint may roll back.
fn answer_commits(face: Face) -> bool {
    face == Face::Http && proxy::headers().is_some()
}

fn in_recovery() -> bool {
    // SAFETY: a question about the server.
    unsafe { pg_sys::RecoveryInProgress() }
}
