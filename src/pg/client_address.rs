//! From where a call comes.

use std::net::IpAddr;

use pgrx::pg_sys;

use super::registry;
use super::spi::KeptStatement;

thread_local! {
    static ADDRESS: KeptStatement = const { KeptStatement::new(
        "SELECT pg_catalog.host(pg_catalog.inet_client_addr())",
        &[] as &[pg_sys::Oid],
    ) };
}

/// The address of the client; none if it came through a socket of the machine.
pub fn current() -> Option<IpAddr> {
    ADDRESS.with(|query| {
        registry::read(query, vec![], |rows| {
            rows.first()?.get::<String>(1)?.parse().ok()
        })
    })
}
