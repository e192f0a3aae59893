//! The operations: authorise, validate, write or read. Both faces, SQL and
//! HTTP, call these; all behaviour is here, once.

pub mod alter;
pub mod archive;
pub mod authorise;
mod bounded;
pub mod common;
mod existing_records;
pub mod records;
pub mod rotation;
pub mod tokens;
pub mod tools;
mod validate;

#[cfg(any(test, feature = "pg_test"))]
mod warm_tests;
