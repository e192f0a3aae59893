//! Pure Rust: names, field types, schemas, tokens, errors. No pgrx in here, so
//! that every rule can be tested without a server.

pub mod configuration;
pub mod configuration_error;
pub mod error;
pub mod json_kind;
pub mod name;
pub mod page;
pub mod schema;
pub mod timestamp;
pub mod token;
