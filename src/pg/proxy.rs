//! What the proxy in front of PostgREST says of a request.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::{request_settings, settings};
use crate::model::proxy_headers::{self, names_role};

/// The headers of the request; none if nobody vouches for them.
///
/// `request.headers` is a setting that anybody may set, so it is believed only in
/// sessions of a role in `projectalpha_store.proxy_roles`: of those PostgREST alone
/// says what is done.
pub fn headers() -> Option<String> {
    let headers = request_settings::request_headers()?;
    (!headers.is_empty() && session_is_of_proxy()).then_some(headers)
}

/// True if this call was made before, word for word, and was refused: nginx asks
/// again for an answer whose body it has dropped. What is counted was counted then.
pub fn asks_again() -> bool {
    headers().is_some_and(|json| proxy_headers::asks_again(&json))
}

/// By the role that logged in: SET ROLE does not change it, and only a superuser can.
fn session_is_of_proxy() -> bool {
    // SAFETY: the session's role; its name, or NULL if it was dropped meanwhile, is
    // copied before it is freed.
    let name = unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetSessionUserId(), true);
        if name.is_null() {
            return false;
        }
        let owned = CStr::from_ptr(name).to_string_lossy().into_owned();
        pg_sys::pfree(name.cast());
        owned
    };
    names_role(&settings::proxy_roles(), &name)
}
