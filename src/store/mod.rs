//! The operations: authorise, validate, write or read. Both faces, SQL and
//! HTTP, call these; all behaviour is here, once.

pub mod authorise;
mod changes;
pub mod common;
mod once;
mod quota;
pub mod record;
pub mod records;
pub mod search;
pub mod tokens;
pub mod tools;
mod validate;

#[cfg(any(test, feature = "pg_test"))]
mod warm_tests;
