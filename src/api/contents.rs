//! What a project keeps: `store_content`, `set_vocabulary`, `set_metadata`,
//! `record_llm_usage`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::contents::{self, Content};
use crate::store::usage::{self, Report};

/// Stores a content in a project's table `contents` (spec 003).
///
/// Arguments: `project_id`; `object_model_id`, the model that it is an instance of;
/// `title`, at most 255 characters, or NULL; `body`; `metadata`, which must fit the
/// model's structure, NULL being checked as `null`; `token`, one of the project with
/// scope `write` (not needed by members of `projectalpha_admin`).
///
/// Returns the id of the content. The model cannot be deleted while it is there.
///
/// Errors: 28000 the token is none of the project; 55000 the project is suspended or
/// archived; 42704 no such object model; 23514 the metadata does not fit it, with all
/// that is wrong in DETAIL; 22023 the title is too long; 22004 a NULL where none may
/// be; 42P01 the project's table is gone.
///
/// ```sql
/// SELECT projectalpha.store_content(7, 1, 'Bread', 'Take flour ...', '{"author": "Ann"}', token => 'pas_project_...');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn store_content(
    project_id: Option<i64>,
    object_model_id: Option<i64>,
    title: Option<&str>,
    body: Option<&str>,
    metadata: default!(Option<Jsonb<'_>>, "NULL"),
    token: default!(Option<&str>, "NULL"),
) -> Option<i64> {
    report::run(|| {
        contents::store(&Content {
            project_id,
            object_model_id,
            title,
            body,
            metadata,
            token,
        })
    })
}

/// Sets the definition of a term in a project's `vocabulary`, whether it is new or
/// not.
///
/// Arguments: `project_id`; `term`, 1 to 255 characters; `definition`; `category`, 1
/// to 100 characters, NULL keeps what the term has; `token`, one of the project with
/// scope `write` (not needed by members of `projectalpha_admin`).
///
/// Errors: 28000 the token is none of the project; 55000 the project is suspended or
/// archived; 22023 bad term or category; 22004 a NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.set_vocabulary(7, 'sourdough', 'Dough that wild yeast raises', 'baking', token => 'pas_project_...');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn set_vocabulary(
    project_id: Option<i64>,
    term: Option<&str>,
    definition: Option<&str>,
    category: default!(Option<&str>, "NULL"),
    token: default!(Option<&str>, "NULL"),
) {
    report::run(|| contents::set_vocabulary(project_id, term, definition, category, token));
}

/// Sets a value in a project's `metadata`, whether its key is new or not.
///
/// Arguments: `project_id`; `key`, 1 to 255 characters; `value`, any JSON;
/// `description`, NULL keeps what the key has; `token`, one of the project with scope
/// `write` (not needed by members of `projectalpha_admin`).
///
/// Errors: 28000 the token is none of the project; 55000 the project is suspended or
/// archived; 22023 bad key; 22004 a NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.set_metadata(7, 'language', '"en"', token => 'pas_project_...');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn set_metadata(
    project_id: Option<i64>,
    key: Option<&str>,
    value: Option<Jsonb<'_>>,
    description: default!(Option<&str>, "NULL"),
    token: default!(Option<&str>, "NULL"),
) {
    report::run(|| contents::set_metadata(project_id, key, value, description, token));
}

/// Records a call of a language model, for the bill of the project's client:
/// `llm_usage_daily`. Each call is one row of `projectalpha_data.llm_usage`, which
/// stays when the project goes.
///
/// Arguments: `project_id`; `prompt_id`, the prompt that was used, or NULL; `model`,
/// its name, 1 to 100 characters; `tokens_in`, `tokens_out`; `cost`, from 0 to
/// 9999.999999, kept to 12 decimals; `token`, one of the project with scope `write`
/// (not needed by members of `projectalpha_admin`).
///
/// Returns the id of the row.
///
/// Errors: 28000 the token is none of the project; 55000 the project is suspended or
/// archived; 42704 no such prompt; 22023 bad model name, negative tokens, or a cost
/// that is negative, too large or NaN; 22004 a NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.record_llm_usage(7, 3, 'some-model-1', 1200, 340, 0.0123, token => 'pas_project_...');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn record_llm_usage(
    project_id: Option<i64>,
    prompt_id: Option<i64>,
    model: Option<&str>,
    tokens_in: Option<i64>,
    tokens_out: Option<i64>,
    cost: Option<AnyNumeric>,
    token: default!(Option<&str>, "NULL"),
) -> Option<i64> {
    report::run(|| {
        usage::record(Report {
            project_id,
            prompt_id,
            model,
            tokens_in,
            tokens_out,
            cost: cost.map(Into::into),
            token,
        })
    })
}
