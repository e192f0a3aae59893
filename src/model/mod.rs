//! Pure Rust: names, field types, schemas, tokens, errors. No pgrx in here, so
//! that every rule can be tested without a server.

pub mod alteration;
pub mod alteration_error;
pub mod altered_field;
mod change_arguments;
pub mod checks;
pub mod configuration;
pub mod configuration_error;
pub mod cursor;
pub mod error;
pub mod filter;
pub mod grace;
pub mod json_kind;
pub mod json_schema;
pub mod lifecycle_error;
pub mod name;
pub mod openapi;
pub mod options;
pub mod order;
pub mod page;
pub mod project;
pub mod registry_error;
pub mod rules;
pub mod scalar;
pub mod schema;
pub mod search_words;
pub mod secret;
pub mod timestamp;
pub mod token;
pub mod tool_info;
mod tool_info_values;
pub mod transfer;
pub mod value;
