//! The SQL face: thin wrappers, one file for each area. Every argument may be
//! NULL as far as SQL is concerned: a STRICT function would answer NULL to a
//! forgotten token instead of refusing it.

mod access;
mod access_log;
mod across;
mod activity;
mod agents;
mod alter;
mod archive;
mod common;
mod configured;
mod contents;
mod credentials;
mod directory;
mod invalidation;
mod migrations;
mod moving;
mod object_models;
mod policies;
mod project_tokens;
mod project_tools;
mod projects;
mod prompts;
mod rate_limits;
mod record;
mod records;
mod registry;
mod role_access;
mod rotation;
mod search;
mod secrets;
mod tokens;
mod tools;
mod transfer;

use crate::model::error::Error;
use crate::model::page::Page;
use crate::pg::settings;

/// The page that a SQL caller asked for, within the setting's bound.
fn page(
    row_limit: Option<i32>,
    row_offset: Option<i64>,
    after_id: Option<i64>,
) -> Result<Page, Error> {
    Page::new(
        row_limit.map(i64::from),
        row_offset,
        after_id,
        settings::max_page_size(),
    )
}
