//! Where a call comes from.

use std::cell::OnceCell;
use std::ffi::CStr;
use std::net::IpAddr;

use pgrx::{direct_function_call, pg_sys, Inet};

use super::{request_settings, settings};
use crate::model::client_address::{names_role, of_headers, parse};

thread_local! {
    /// The other end of the connection, which stays the same.
    static PEER: OnceCell<Option<IpAddr>> = const { OnceCell::new() };
}

/// The address of the client; none if it is not known, as on a Unix socket.
///
/// For a request through PostgREST it is what the proxy in front of that says, never
/// PostgREST's own address. `request.headers` is a setting that anybody may set, so
/// it is believed only in sessions of a role in `projectalpha_store.proxy_roles`: of
/// those PostgREST alone says what is done.
pub fn current() -> Option<IpAddr> {
    match request_settings::request_headers() {
        Some(headers) if !headers.is_empty() && session_is_of_proxy() => of_headers(&headers),
        _ => PEER.with(|known| *known.get_or_init(peer)),
    }
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

fn peer() -> Option<IpAddr> {
    // SAFETY: takes no argument; gives NULL unless the connection is by TCP.
    let address: Option<Inet> = unsafe { direct_function_call(pg_sys::inet_client_addr, &[]) };
    parse(&address?.0)
}
