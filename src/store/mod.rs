//! The operations: authorise, validate, write or read. Both faces, SQL and
//! HTTP, call these; all behaviour is here, once.

pub mod activity;
pub mod authorise;
pub mod common;
pub mod directory;
pub mod records;
pub mod tokens;
pub mod tools;
pub mod transfer;
mod validate;

#[cfg(any(test, feature = "pg_test"))]
mod warm_tests;
