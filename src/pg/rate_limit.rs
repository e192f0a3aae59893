//! Counting calls of all sessions together.

use std::ffi::CStr;

use pgrx::pg_sys;

/// True if the server has loaded this library when it started: only then is there
/// shared memory to count in.
pub fn is_available() -> bool {
    // SAFETY: the setting exists in every server; the text lives until it changes,
    // which it does not while the server runs.
    let setting = unsafe {
        let value = pg_sys::GetConfigOption(c"shared_preload_libraries".as_ptr(), true, false);
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    };
    setting.is_some_and(|libraries| {
        let mut named = libraries
            .split(',')
            .map(|name| name.trim().trim_matches('"'));
        named.any(|name| name == env!("CARGO_PKG_NAME"))
    })
}
