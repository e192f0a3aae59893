//! Everything that touches PostgreSQL internals, behind safe functions. `unsafe`
//! lives here and nowhere else. Every raw call goes through pgrx's guarded
//! bindings: a PostgreSQL error unwinds as a Rust panic and is raised again at
//! the function's edge.

pub mod access;
pub mod access_log;
pub mod acting;
pub mod activity;
pub mod adoption;
pub mod agents;
pub mod alter_table;
pub mod archive;
mod builtin_code;
#[cfg(any(test, feature = "pg_test"))]
mod builtin_code_tests;
mod bulk_insert;
pub mod cache;
pub mod catalogue;
pub mod client_address;
#[cfg(any(test, feature = "pg_test"))]
mod client_address_tests;
pub mod clock;
pub mod common_table;
pub mod compat;
pub mod compiled_tool;
pub mod configuration;
pub mod counters;
pub mod credentials;
pub mod ddl;
mod direct_insert;
mod direct_scan;
pub mod directory;
mod error_context;
pub mod existing_records;
pub mod export;
mod filled_column;
pub mod history;
pub mod idempotency;
pub mod ident;
pub mod import;
pub mod info;
pub mod json_result;
pub mod json_writer;
pub mod jsonb;
pub mod jsonb_merge;
#[cfg(any(test, feature = "pg_test"))]
mod jsonb_merge_tests;
pub mod line_source;
pub mod manifest;
pub mod memory;
mod migration_sql;
pub mod migrations;
pub mod notify;
pub mod numeric;
#[cfg(any(test, feature = "pg_test"))]
mod numeric_tests;
pub mod object_models;
pub mod opened;
pub mod own_writes;
mod path_blind;
pub mod payload_facts;
mod planned_insert;
pub mod policies;
#[cfg(any(test, feature = "pg_test"))]
mod policies_tests;
pub mod project_access;
pub mod project_rows;
pub mod project_schema;
pub mod project_tables;
pub mod project_tools;
pub mod projects;
pub mod promotion;
pub mod prompts;
pub mod proxy;
pub mod query;
mod query_sql;
pub mod random;
pub mod rate_limit;
#[cfg(any(test, feature = "pg_test"))]
mod rate_limit_tests;
mod raw;
pub mod record;
pub mod registry;
pub mod rename_table;
pub mod report;
pub mod request_settings;
mod rewrite_rules;
pub mod role_access;
pub mod rotation;
pub mod row;
pub mod secret_key;
pub mod secrets;
pub mod set_result;
pub mod settings;
mod simple_insert;
mod size;
pub mod spi;
pub mod subtransaction;
pub mod table;
pub mod usage;
