//! The queue between a session and the worker that writes its attempts: a piece of
//! dynamic shared memory that the session makes and keeps.
//!
//! There is one writer, the session, and at most one reader. `state` says which:
//!
//! - `LEFT`: no worker; who changes it is the one to see to what is in the queue.
//! - `STARTING`: the session has asked for a worker. The segment is pinned, so that it
//!   is there for the worker even if the session ends before.
//! - `RUNNING`: the worker reads.
//! - `CLOSED`: the session has ended and the rest went to the server log.

use std::ptr::NonNull;
use std::sync::atomic::{fence, AtomicPtr, AtomicU32, AtomicU64, AtomicU8, Ordering};

use pgrx::pg_sys;

use super::super::report;
use crate::model::access_log::Record;
use crate::model::ring::Ring;

/// Room for some 1,500 attempts without payloads.
const CAPACITY: usize = 256 << 10;

/// Says that this is such a queue, of this layout.
const MAGIC: u64 = 0x7061_735f_6c6f_6731; // "pas_log1"

pub const LEFT: u32 = 0;
pub const STARTING: u32 = 1;
pub const RUNNING: u32 = 2;
pub const CLOSED: u32 = 3;

#[repr(C)]
struct Shared {
    magic: AtomicU64,
    database: AtomicU32,
    state: AtomicU32,
    session_gone: AtomicU32,
    /// The latch of the worker that runs.
    latch: AtomicPtr<pg_sys::Latch>,
    head: AtomicU64,
    tail: AtomicU64,
    bytes: [AtomicU8; CAPACITY],
}

/// The queue as this process has it mapped.
#[derive(Clone, Copy)]
pub struct Queue {
    segment: NonNull<pg_sys::dsm_segment>,
    shared: NonNull<Shared>,
}

impl Queue {
    /// Makes one for this session, which keeps it until it ends; none if PostgreSQL has
    /// no segment left.
    pub fn create() -> Option<Self> {
        // SAFETY: a new segment of just the size of `Shared`, for which any bytes are
        // valid; the mapping then belongs to the session, not to a transaction.
        unsafe {
            let segment = NonNull::new(pg_sys::dsm_create(
                size_of::<Shared>(),
                pg_sys::DSM_CREATE_NULL_IF_MAXSEGMENTS as i32,
            ))?;
            pg_sys::dsm_pin_mapping(segment.as_ptr());
            let queue = Queue::at(segment)?;
            let shared = queue.shared();
            shared
                .database
                .store(pg_sys::MyDatabaseId.to_u32(), Ordering::Relaxed);
            shared.state.store(LEFT, Ordering::Relaxed);
            shared.session_gone.store(0, Ordering::Relaxed);
            shared.latch.store(std::ptr::null_mut(), Ordering::Relaxed);
            shared.head.store(0, Ordering::Relaxed);
            shared.tail.store(0, Ordering::Relaxed);
            shared.magic.store(MAGIC, Ordering::Release);
            Some(queue)
        }
    }

    /// The queue that a session has made; none if it has gone, or is of another version.
    pub fn attach(handle: u32) -> Option<Self> {
        // SAFETY: attaches to a segment, or gives NULL if there is none of that handle.
        unsafe {
            let queue = Queue::at(NonNull::new(pg_sys::dsm_attach(handle))?)?;
            (queue.shared().magic.load(Ordering::Acquire) == MAGIC).then_some(queue)
        }
    }

    /// # Safety
    /// The segment is mapped and stays so.
    unsafe fn at(segment: NonNull<pg_sys::dsm_segment>) -> Option<Self> {
        // SAFETY: the caller vouches for the segment; its start is aligned to a page.
        unsafe {
            if pg_sys::dsm_segment_map_length(segment.as_ptr()) < size_of::<Shared>() {
                return None;
            }
            let start = pg_sys::dsm_segment_address(segment.as_ptr());
            Some(Queue {
                segment,
                shared: NonNull::new(start.cast())?,
            })
        }
    }

    fn shared(&self) -> &Shared {
        // SAFETY: mapped as long as the process lives, until its exit callbacks; all
        // that is in it is atomic.
        unsafe { self.shared.as_ref() }
    }

    /// Calls `callback` when this process lets go of the queue, at its end.
    pub fn at_exit(&self, callback: pg_sys::on_dsm_detach_callback) {
        // SAFETY: the callback stays loaded.
        unsafe {
            pg_sys::on_dsm_detach(self.segment.as_ptr(), callback, pg_sys::Datum::from(0));
        }
    }

    pub fn handle(&self) -> u32 {
        // SAFETY: the segment is mapped.
        unsafe { pg_sys::dsm_segment_handle(self.segment.as_ptr()) }
    }

    /// Keeps the segment even when nobody has it mapped.
    pub fn pin(&self) {
        // SAFETY: not pinned: only what is `STARTING` is.
        unsafe { pg_sys::dsm_pin_segment(self.segment.as_ptr()) }
    }

    /// Takes [`Queue::pin`] back.
    pub fn unpin(&self) {
        // SAFETY: pinned before.
        unsafe { pg_sys::dsm_unpin_segment(self.handle()) }
    }

    pub fn database(&self) -> pg_sys::Oid {
        pg_sys::Oid::from(self.shared().database.load(Ordering::Relaxed))
    }

    pub fn ring(&self) -> Ring<'_> {
        let shared = self.shared();
        Ring {
            head: &shared.head,
            tail: &shared.tail,
            bytes: &shared.bytes,
        }
    }

    /// What each side does after its own last change, before it looks at the other's.
    pub fn state(&self) -> u32 {
        fence(Ordering::SeqCst);
        self.shared().state.load(Ordering::SeqCst)
    }

    pub fn set_state(&self, state: u32) {
        self.shared().state.store(state, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// True if the state was `from` and this call has made it `to`.
    pub fn change_state(&self, from: u32, to: u32) -> bool {
        self.shared()
            .state
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    pub fn session_is_gone(&self) -> bool {
        self.shared().session_gone.load(Ordering::SeqCst) != 0
    }

    pub fn set_session_gone(&self) {
        self.shared().session_gone.store(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Has the worker that calls this woken up by [`Queue::wake`], or no worker.
    pub fn set_latch(&self, latch: *mut pg_sys::Latch) {
        self.shared().latch.store(latch, Ordering::SeqCst);
    }

    pub fn wake(&self) {
        let latch = self.shared().latch.load(Ordering::SeqCst);
        if !latch.is_null() {
            // SAFETY: latches of processes are in shared memory, at the same place for
            // all, as long as the server runs. Its process may have ended: then another
            // one is woken up for nothing.
            unsafe { pg_sys::SetLatch(latch) }
        }
    }

    /// Writes what is left to the server log. For who has found the queue without a
    /// reader.
    pub fn empty_into_server_log(&self, reason: &str) {
        let ring = self.ring();
        while let Some((message, next)) = ring.peek(ring.first()) {
            if let Some(record) = Record::of_bytes(&message) {
                report::note(&record.log_line(reason));
            }
            ring.forget(next);
        }
    }
}
