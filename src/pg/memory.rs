//! How the allocator of the session treats large pieces of memory.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::cell::Cell;

/// Free memory that a session keeps at most for its next call.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: i32 = 24 << 20;
/// Larger than the largest block of PostgreSQL's memory contexts, so that those
/// come from the kept memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGEST_REUSED_BYTES: i32 = 9 << 20;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
thread_local! {
    static IS_SET: Cell<bool> = const { Cell::new(false) };
}

/// A call with 10,000 records or a 100 KB document takes megabytes and frees
/// them at its end. glibc would hand them back to the kernel each time, and get
/// them again page by page, which cost a third of such a call. Left alone it
/// adapts its limits by itself, up to 64 MB; these are fixed and lower.
///
/// Set at the first call of a session, not when the library is loaded: preloaded,
/// it is in every process of the server, and most of those are none of our business.
pub fn reuse_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if !IS_SET.replace(true) {
        // SAFETY: sets two parameters of the allocator, which takes any value.
        unsafe {
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST_REUSED_BYTES);
        }
    }
}
