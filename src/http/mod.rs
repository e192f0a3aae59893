//! The HTTP face: one function for each endpoint of specs 000 and 001. Caddy passes the
//! raw target on as `X-Uri`; PostgREST calls the function with the raw body and
//! sends what it returns. Everything else of the contract is here: which
//! faults are answered how, and in which order.

mod configured;
mod endpoints;
mod listing;
mod request;
mod response;
