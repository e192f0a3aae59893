//! The operations: authorise, validate, write or read. Both faces, SQL and
//! HTTP, call these; all behaviour is here, once.

pub mod activity;
pub mod alter;
pub mod archive;
pub mod authorise;
mod bounded;
pub mod catalogue;
mod changes;
pub mod common;
pub mod configuration;
pub mod configured;
pub mod directory;
mod existing_records;
pub mod info;
mod once;
pub mod promotion;
mod quota;
pub mod record;
pub mod records;
pub mod rotation;
pub mod search;
pub mod secrets;
pub mod tokens;
pub mod tools;
pub mod transfer;
mod validate;

#[cfg(any(test, feature = "pg_test"))]
mod model_tests;
#[cfg(any(test, feature = "pg_test"))]
mod warm_tests;
