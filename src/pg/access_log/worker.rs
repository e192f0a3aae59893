//! The worker that writes the attempts of one session, in transactions of its own. It is
//! started by the first attempt and stays until nothing has come for a while, so that
//! many attempts in a row cost one process.

use std::cell::Cell;
use std::ffi::CStr;
use std::time::{Duration, Instant};

use pgrx::{pg_guard, pg_sys};

use super::super::compat;
use super::super::report;
use super::super::{acting, ddl, ident::TableName};
use super::queue::{Queue, CLOSED, LEFT, RUNNING, STARTING};
use super::{in_recovery, rows};
use crate::model::access_log::Record;

const NAME: &CStr = c"projectalpha_store access log";
const LIBRARY: &CStr = c"$libdir/projectalpha_store";
const FUNCTION: &CStr = c"projectalpha_access_log_worker";

/// For how long a worker waits for more.
const PATIENCE: Duration = Duration::from_millis(1000);
/// Attempts that are written in one transaction.
const BATCH: usize = 256;
/// Records in a row that are tried, once a batch was not written.
const MOST_TRIES: usize = 2;
/// A session that has just made the log, and has not committed yet, is waited for.
const LOCK_TIMEOUT: i32 = 10_000;

/// What the settings of the database or of the superuser must not change.
const SETTINGS: [(&CStr, &CStr); 3] = [
    (c"default_transaction_read_only", c"off"),
    (c"default_transaction_isolation", c"read committed"),
    (c"session_replication_role", c"origin"),
];

/// The session's side.
#[derive(Clone, Copy)]
struct Sender {
    queue: Queue,
    /// The worker that was started last.
    worker: *mut pg_sys::BackgroundWorkerHandle,
}

thread_local! {
    static SENDER: Cell<Option<Sender>> = const { Cell::new(None) };
    /// In a worker: the queue that it has not left yet.
    static READING: Cell<Option<Queue>> = const { Cell::new(None) };
}

/// Hands a record over to the worker of this session, or to the server log. Waits for
/// nothing.
pub fn send(record: &Record) {
    if let Err(reason) = try_to_send(record) {
        report::note(&record.log_line(reason));
    }
}

fn try_to_send(record: &Record) -> Result<(), &'static str> {
    if in_recovery() {
        return Err("this is a standby");
    }
    // SAFETY: a global that the server has set at its start.
    if unsafe { !pg_sys::IsUnderPostmaster } {
        return Err("the server is one process");
    }
    let mut sender = match SENDER.get() {
        Some(sender) => sender,
        None => {
            let queue = Queue::create().ok_or("there is no shared memory for a queue")?;
            let sender = Sender {
                queue,
                worker: std::ptr::null_mut(),
            };
            SENDER.set(Some(sender));
            queue.at_exit(Some(session_ends));
            sender
        }
    };
    let queue = sender.queue;
    if !queue.ring().push(&record.to_bytes()) {
        return Err("more come than can be written");
    }
    match queue.state() {
        RUNNING => queue.wake(),
        STARTING if sender.worker_has_failed() => sender.start_worker(true),
        // It left before it saw this one, or sees it before it leaves: one of both.
        LEFT if queue.change_state(LEFT, STARTING) => sender.start_worker(false),
        _ => queue.wake(),
    }
    Ok(())
}

impl Sender {
    fn start_worker(&mut self, is_pinned: bool) {
        if !is_pinned {
            self.queue.pin();
        }
        if !self.register_worker() {
            self.queue.unpin();
            self.queue.set_state(LEFT);
            self.queue
                .empty_into_server_log("no worker can be started, see max_worker_processes");
        }
    }

    fn register_worker(&mut self) -> bool {
        let mut worker = pg_sys::BackgroundWorker {
            bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS
                | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as i32,
            bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
            bgw_restart_time: pg_sys::BGW_NEVER_RESTART,
            bgw_main_arg: pg_sys::Datum::from(self.queue.handle()),
            ..Default::default()
        };
        write_name(&mut worker.bgw_name, NAME);
        write_name(&mut worker.bgw_type, NAME);
        write_name(&mut worker.bgw_library_name, LIBRARY);
        write_name(&mut worker.bgw_function_name, FUNCTION);
        // SAFETY: the description is copied. The handle is allocated for the session;
        // that of the worker before is freed.
        unsafe {
            let caller = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
            let mut handle = std::ptr::null_mut();
            let registered = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle);
            pg_sys::MemoryContextSwitchTo(caller);
            if registered {
                if !self.worker.is_null() {
                    pg_sys::pfree(self.worker.cast());
                }
                self.worker = handle;
                SENDER.set(Some(*self));
            }
            registered
        }
    }

    /// True if the worker that was asked for has ended without ever reading.
    fn worker_has_failed(&self) -> bool {
        if self.worker.is_null() {
            return true;
        }
        let mut pid = 0;
        // SAFETY: the handle of a worker that this session has registered.
        let status = unsafe { pg_sys::GetBackgroundWorkerPid(self.worker, &mut pid) };
        status == pg_sys::BgwHandleStatus::BGWH_STOPPED && self.queue.state() == STARTING
    }
}

fn write_name(place: &mut [std::ffi::c_char], name: &CStr) {
    for (to, from) in place.iter_mut().zip(name.to_bytes_with_nul()) {
        *to = *from as std::ffi::c_char;
    }
}

/// The session lets go of its queue. A worker that reads goes on until it is empty.
#[pg_guard]
unsafe extern "C-unwind" fn session_ends(
    _segment: *mut pg_sys::dsm_segment,
    _argument: pg_sys::Datum,
) {
    let Some(sender) = SENDER.take() else { return };
    let queue = sender.queue;
    queue.set_session_gone();
    match queue.state() {
        LEFT => close(&queue, LEFT, "no worker was there to write it"),
        STARTING if sender.worker_has_failed() => {
            queue.unpin();
            close(&queue, STARTING, "the worker could not be started");
        }
        _ => queue.wake(),
    }
}

/// Writes what is left to the server log, unless somebody else does.
fn close(queue: &Queue, state: u32, reason: &str) {
    if !queue.ring().is_empty() && queue.change_state(state, CLOSED) {
        queue.empty_into_server_log(reason);
    }
}

/// The worker, whose argument is the handle of the queue.
///
/// # Safety
/// PostgreSQL calls it as the main function of a background worker.
#[pg_guard]
#[no_mangle]
pub unsafe extern "C-unwind" fn projectalpha_access_log_worker(argument: pg_sys::Datum) {
    compat::end_at_sigterm();
    // Before anything that may fail: whoever reads the queue sees to the rest of it.
    let Some(queue) = Queue::attach(argument.value() as u32) else {
        return;
    };
    READING.set(Some(queue));
    queue.at_exit(Some(worker_ends));
    // SAFETY: the latch of this process.
    queue.set_latch(unsafe { pg_sys::MyLatch });
    queue.set_state(RUNNING);
    queue.unpin();
    // SAFETY: the database of the session; no role: as the superuser that every cluster
    // has, as the owner cannot log in. Statements are run as the owner.
    unsafe {
        pg_sys::BackgroundWorkerInitializeConnectionByOid(queue.database(), pg_sys::InvalidOid, 0);
        pg_sys::pgstat_report_activity(
            pg_sys::BackendState::STATE_RUNNING,
            c"writing attempts into projectalpha_data.access_logs".as_ptr(),
        );
    }
    acting::set_for_session(&SETTINGS);
    serve(&queue);
}

fn serve(queue: &Queue) {
    let mut last = Instant::now();
    loop {
        // SAFETY: the latch of this process. Reset before looking: what comes after sets
        // it again.
        unsafe { pg_sys::ResetLatch(pg_sys::MyLatch) };
        let is_last = queue.session_is_gone();
        while write_some(queue) {
            last = Instant::now();
        }
        if (is_last || last.elapsed() >= PATIENCE) && leave(queue) {
            return;
        }
        let left = PATIENCE.saturating_sub(last.elapsed());
        compat::wait_latch(left.max(Duration::from_millis(1)));
        pgrx::check_for_interrupts!();
    }
}

/// Ends reading, unless something has come meanwhile.
fn leave(queue: &Queue) -> bool {
    READING.take();
    queue.set_latch(std::ptr::null_mut());
    queue.set_state(LEFT);
    if queue.ring().is_empty() || !queue.change_state(LEFT, RUNNING) {
        return true;
    }
    READING.set(Some(*queue));
    // SAFETY: the latch of this process.
    queue.set_latch(unsafe { pg_sys::MyLatch });
    false
}

/// The worker ends, perhaps not by itself.
#[pg_guard]
unsafe extern "C-unwind" fn worker_ends(
    _segment: *mut pg_sys::dsm_segment,
    _argument: pg_sys::Datum,
) {
    let Some(queue) = READING.take() else { return };
    queue.set_latch(std::ptr::null_mut());
    queue.set_state(LEFT);
    if queue.session_is_gone() {
        close(&queue, LEFT, "the worker was stopped");
    }
}

/// Writes a batch; false if there was none.
fn write_some(queue: &Queue) -> bool {
    let ring = queue.ring();
    let mut position = ring.first();
    let mut batch = Vec::new();
    while batch.len() < BATCH {
        let Some((message, next)) = ring.peek(position) else {
            break;
        };
        batch.extend(Record::of_bytes(&message));
        position = next;
    }
    if position == ring.first() {
        return false;
    }
    if let Err(reason) = write_together(&batch) {
        write_one_by_one(&batch, reason);
    }
    ring.forget(position);
    true
}

/// One that cannot be written must not take the others with it. But if none can, the
/// log is not to be had, and each may have waited for it.
fn write_one_by_one(records: &[Record], mut reason: String) {
    let mut failed_in_a_row = 0;
    for record in records {
        if failed_in_a_row < MOST_TRIES {
            match write_together(std::slice::from_ref(record)) {
                Ok(()) => {
                    failed_in_a_row = 0;
                    continue;
                }
                Err(another) => reason = another,
            }
            failed_in_a_row += 1;
        }
        report::note(&record.log_line(&reason));
    }
}

/// Writes records in one transaction.
fn write_together(records: &[Record]) -> Result<(), String> {
    let done = report::attempt(|| {
        // SAFETY: a worker is in no transaction here.
        unsafe {
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let there = ddl::has_column(&TableName::of_configuration("tools"), "access_log");
        if there {
            acting::quietly(|| {
                acting::with_lock_timeout(LOCK_TIMEOUT, || records.iter().for_each(rows::insert));
            });
        }
        // SAFETY: ends what was begun above.
        unsafe {
            pg_sys::PopActiveSnapshot();
            pg_sys::CommitTransactionCommand();
        }
        there
    });
    match done {
        Ok(true) => Ok(()),
        Ok(false) => Err("the extension is not there".into()),
        Err(caught) => {
            // SAFETY: ends the transaction that failed.
            unsafe { pg_sys::AbortCurrentTransaction() };
            Err(caught.message())
        }
    }
}
