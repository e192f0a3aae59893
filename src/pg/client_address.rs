//! Where a call comes from.

use std::cell::OnceCell;
use std::net::IpAddr;

use pgrx::{direct_function_call, pg_sys, Inet};

use super::proxy;
use crate::model::proxy_headers::{client_address, parse_address};

thread_local! {
    /// The other end of the connection, which stays the same.
    static PEER: OnceCell<Option<IpAddr>> = const { OnceCell::new() };
}

/// The address of the client; none if it is not known, as on a Unix socket.
///
/// For a request through PostgREST it is what the proxy in front of that says, never
/// PostgREST's own address.
pub fn current() -> Option<IpAddr> {
    match proxy::headers() {
        Some(headers) => client_address(&headers),
        None => PEER.with(|known| *known.get_or_init(peer)),
    }
}

fn peer() -> Option<IpAddr> {
    // SAFETY: takes no argument; gives NULL unless the connection is by TCP.
    let address: Option<Inet> = unsafe { direct_function_call(pg_sys::inet_client_addr, &[]) };
    parse_address(&address?.0)
}
