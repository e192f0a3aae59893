//! The operations: authorise, validate, write or read. Both faces, SQL and
//! HTTP, call these; all behaviour is here, once.

pub mod access;
pub mod access_log;
pub mod across;
pub mod activity;
pub mod agents;
pub mod alter;
pub mod archive;
pub mod authorise;
mod bounded;
pub mod catalogue;
mod changes;
pub mod common;
pub mod configuration;
pub mod configured;
pub mod contents;
pub mod credentials;
pub mod directory;
mod existing_records;
mod gate;
pub mod info;
pub mod migrations;
pub mod moving;
pub mod object_models;
mod once;
pub mod policies;
mod policy_gate;
pub mod project_access;
pub mod project_tokens;
pub mod project_tools;
pub mod project_upgrade;
pub mod projects;
pub mod promotion;
pub mod prompts;
mod quota;
pub mod record;
pub mod records;
pub mod role_access;
pub mod rotation;
pub mod search;
pub mod secrets;
pub mod tokens;
pub mod tools;
pub mod transfer;
pub mod upgrade;
pub mod usage;
mod validate;

#[cfg(any(test, feature = "pg_test"))]
mod model_tests;
#[cfg(any(test, feature = "pg_test"))]
mod warm_tests;
