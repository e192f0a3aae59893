//! The HTTP face: one function for each endpoint. Caddy passes the
//! raw target on as `X-Uri`; PostgREST calls the function with the raw body and
//! sends what it returns. Everything else of the contract is here: which
//! faults are answered how, and in which order.

mod configured;
mod directory;
mod endpoints;
mod etag;
mod listing;
mod record;
mod request;
mod response;
mod search;
mod tool_search;
