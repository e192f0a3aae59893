//! Rates that hold across all sessions of the server.
//!
//! They are counted in shared memory, which a library can only have if it is in
//! `shared_preload_libraries`. The table is of fixed size: a key has eight places,
//! and takes over the one that is longest out of use. Nothing of it is written to
//! disk, so it works on a standby and in READ ONLY transactions, and a restart
//! empties it.

use std::cell::Cell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::mem::size_of;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

use pgrx::{pg_guard, pg_sys};

use super::{compat, proxy, settings};
use crate::model::rate_key::{PackedKey, RateKey};
use crate::model::rate_set::{Set, WAYS};

/// At the start of the shared memory; the sets follow.
#[repr(C, align(64))]
struct Header {
    sets: usize,
    /// So that nobody can choose keys that are in one set.
    seed: [u8; 16],
    /// How often a key had to go that was in use.
    evicted_live: AtomicU64,
}

#[repr(C, align(64))]
struct LockedSet {
    lock: pg_sys::LWLock,
    set: Set,
}

/// The shared memory; null if there is none. Set in the postmaster, whose children
/// have it at the same address.
static TABLE: AtomicPtr<Header> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    static NEXT_STARTUP_HOOK: Cell<pg_sys::shmem_startup_hook_type> = const { Cell::new(None) };
}

/// Asks for the shared memory, once the settings are defined. Only while the
/// postmaster loads the libraries that it is to preload.
pub fn reserve() {
    compat::request_shared_memory(bytes(settings::rate_limit_slots()));
    // SAFETY: in the postmaster, which has one thread; the function has the hook's
    // signature and stays loaded.
    unsafe {
        NEXT_STARTUP_HOOK.set(pg_sys::shmem_startup_hook);
        pg_sys::shmem_startup_hook = Some(start);
    }
}

fn sets(slots: usize) -> usize {
    slots.div_ceil(WAYS)
}

fn bytes(slots: usize) -> usize {
    size_of::<Header>() + sets(slots) * size_of::<LockedSet>()
}

/// At the start of the server, and again after a crash of one of its processes.
#[pg_guard]
unsafe extern "C-unwind" fn start() {
    if let Some(next) = NEXT_STARTUP_HOOK.get() {
        // SAFETY: what was installed before us.
        unsafe { next() };
    }
    let slots = settings::rate_limit_slots();
    let seed = super::random::bytes();
    // SAFETY: the memory is as large as asked for, aligned to a cache line at least,
    // all zeros when new, and ours until the server ends. All zeros is an empty Set.
    unsafe {
        let lock = compat::lock_of_shared_memory();
        pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
        let mut is_there = false;
        let memory = pg_sys::ShmemInitStruct(
            c"projectalpha_store rate limits".as_ptr(),
            bytes(slots),
            &mut is_there,
        );
        let table = memory.cast::<Header>();
        if !is_there {
            std::ptr::write_bytes(memory.cast::<u8>(), 0, bytes(slots));
            (*table).sets = sets(slots);
            (*table).seed = seed;
            let tranche = pg_sys::LWLockNewTrancheId();
            pg_sys::LWLockRegisterTranche(tranche, c"projectalpha_store_rate_limits".as_ptr());
            for index in 0..sets(slots) {
                pg_sys::LWLockInitialize(&raw mut (*set_at(table, index)).lock, tranche);
            }
        }
        TABLE.store(table, Ordering::Release);
        pg_sys::LWLockRelease(lock);
    }
}

/// # Safety
/// `table` is our shared memory, and `index` less than its number of sets.
unsafe fn set_at(table: *mut Header, index: usize) -> *mut LockedSet {
    // SAFETY: the sets follow the header, whose size is a multiple of their alignment.
    unsafe { table.add(1).cast::<LockedSet>().add(index) }
}

/// A set that is locked. PostgreSQL holds interrupts off meanwhile, and what is
/// done with a set raises nothing.
struct Guard(*mut LockedSet);

impl Guard {
    fn lock(set: *mut LockedSet, mode: pg_sys::LWLockMode::Type) -> Self {
        // SAFETY: a lock in our shared memory, initialised at the start.
        unsafe { pg_sys::LWLockAcquire(&raw mut (*set).lock, mode) };
        Guard(set)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: locked above.
        unsafe { pg_sys::LWLockRelease(&raw mut (*self.0).lock) };
    }
}

fn table() -> Option<*mut Header> {
    let table = TABLE.load(Ordering::Acquire);
    (!table.is_null()).then_some(table)
}

/// False if the library is not preloaded.
pub fn is_available() -> bool {
    table().is_some()
}

/// Takes one from the allowance of `max` within any `per`. If nothing is left, it
/// takes nothing and gives the time until something is, if nobody else comes; it
/// gives `per` if rates are not available. A call that took when it was made before
/// passes.
pub fn take(key: &RateKey, max: u32, per: Duration) -> Result<(), Duration> {
    let (Some(table), now) = (table(), now()) else {
        return Err(per);
    };
    if proxy::asks_again() {
        return Ok(());
    }
    let (key, set) = locate(table, key);
    let guard = Guard::lock(set, pg_sys::LWLockMode::LW_EXCLUSIVE);
    // SAFETY: locked for us alone.
    let (window, evicts) = unsafe { &mut (*guard.0).set }.make(&key, now);
    let answer = window.take(now, max, microseconds(per));
    drop(guard);
    if evicts {
        // SAFETY: the header of our shared memory; the counter is atomic.
        unsafe { &(*table).evicted_live }.fetch_add(1, Ordering::Relaxed);
    }
    answer.map_err(Duration::from_micros)
}

/// The answer that [`take`] would give; takes nothing.
pub fn look(key: &RateKey, max: u32, per: Duration) -> Result<(), Duration> {
    let (Some(table), now) = (table(), now()) else {
        return Err(per);
    };
    let (key, set) = locate(table, key);
    let guard = Guard::lock(set, pg_sys::LWLockMode::LW_SHARED);
    // SAFETY: locked against whoever would change it.
    let window = unsafe { &(*guard.0).set }.find(&key).copied();
    drop(guard);
    window
        .unwrap_or_default()
        .look(now, max, microseconds(per))
        .map_err(Duration::from_micros)
}

/// How full the table is.
pub struct Usage {
    pub slots: u64,
    /// Keys with calls that still count.
    pub used: u64,
    pub evicted_live: u64,
}

/// None if the library is not preloaded.
pub fn usage() -> Option<Usage> {
    let (table, now) = (table()?, now());
    // SAFETY: the header of our shared memory.
    let (sets, evicted_live) = unsafe { ((*table).sets, &(*table).evicted_live) };
    let mut used = 0;
    for index in 0..sets {
        pgrx::check_for_interrupts!();
        // SAFETY: there are that many sets.
        let guard = Guard::lock(
            unsafe { set_at(table, index) },
            pg_sys::LWLockMode::LW_SHARED,
        );
        // SAFETY: locked against whoever would change it.
        used += unsafe { &(*guard.0).set }.live(now) as u64;
    }
    Some(Usage {
        slots: (sets * WAYS) as u64,
        used,
        evicted_live: evicted_live.load(Ordering::Relaxed),
    })
}

/// A key of this database, and the set that has its places.
fn locate(table: *mut Header, key: &RateKey) -> (PackedKey, *mut LockedSet) {
    // SAFETY: the database of this session.
    let key = key.pack(unsafe { pg_sys::MyDatabaseId }.to_u32());
    // SAFETY: the header of our shared memory, which does not change.
    let (sets, seed) = unsafe { ((*table).sets, (*table).seed) };
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    key.hash(&mut hasher);
    let index = (u128::from(hasher.finish()) * sets as u128) >> 64;
    // SAFETY: the index is less than the number of sets.
    (key, unsafe { set_at(table, index as usize) })
}

fn microseconds(per: Duration) -> u64 {
    u64::try_from(per.as_micros()).unwrap_or(u64::MAX)
}

/// Microseconds of the one clock of this machine that nobody can set.
fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes the time into the struct; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let whole = time.tv_sec.cast_unsigned().wrapping_mul(1_000_000);
    whole.wrapping_add(time.tv_nsec.cast_unsigned() / 1000)
}

/// What must be for [`start`] and [`set_at`] to be sound.
const _: () = {
    assert!(size_of::<Header>().is_multiple_of(align_of::<LockedSet>()));
    assert!(align_of::<LockedSet>() <= pg_sys::PG_CACHE_LINE_SIZE as usize);
};
