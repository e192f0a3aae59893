//! NOTIFY, sent when the transaction commits.

use std::ffi::CString;

use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;

use super::raw;

/// Sends `payload` on `channel` to every session that listens, at commit.
pub fn notify(channel: &str, payload: &str) {
    let (Ok(channel), Ok(payload)) = (CString::new(channel), CString::new(payload)) else {
        return;
    };
    let (channel, payload) = (channel.as_ptr(), payload.as_ptr());
    // SAFETY: both are NUL-terminated, alive until the call returns, and copied.
    unsafe { pg_guard_ffi_boundary(|| raw::Async_Notify(channel, payload)) }
}
