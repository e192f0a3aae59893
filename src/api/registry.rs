//! What the catalogue says of tools: `update_tool_info`, `deactivate_tool`,
//! `activate_tool`, `search_tools`.

use pgrx::prelude::*;

use super::page;
use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::authorise::Caller;
use crate::store::catalogue::{self, Search};
use crate::store::info;

extension_sql_file!(
    "../../sql/finish_registry.sql",
    name = "finish_registry",
    requires = [
        "registry",
        update_tool_info,
        activate_tool,
        deactivate_tool,
        search_tools,
        reveal_tool_secret,
        rotate_secrets
    ]
);

/// Changes what the catalogue says of a tool (spec 002, Tool and ToolMetadata): the
/// facts that are named, all of them or none.
///
/// Arguments: `tool_name`; `changes`, a JSON object: each key replaces a fact, null
/// clears it, what is not named stays; `admin_token` (not needed by members of
/// `projectalpha_admin`). No session's cache is touched.
///
/// - `category`, `owner`: 1 to 100 characters; `schema_type`, `schema_version`: 1 to 50.
/// - `api_endpoint`: an absolute http or https URL, without credentials.
/// - `auth_method`: `none`, `api_key`, `basic`, `bearer`, `jwt`, `oauth2`, `mtls` or `custom`.
/// - `auth_config`: an object of up to 16 KiB. What is under its key `secret`, an object
///   of strings, is encrypted and never shown again but by `reveal_tool_secret`: a
///   string sets a secret, null removes one, `"(secret)"` and leaving it out keep it.
///   `"secret": null` removes all, as does `"auth_config": null`.
/// - `params`, `inputs`, `outputs`: JSON Schemas of draft 2020-12, up to 64 KiB each.
/// - `version`: a semantic version. `tags`: up to 32 strings of 1 to 50 characters.
/// - `allowed_scopes`: up to 50 names `^[a-z][a-z0-9_:-]{0,49}$`.
/// - `examples`: up to 100 objects with `input`, `output` or both, and perhaps `name`
///   and `description`, 256 KiB together; they fit `inputs` and `outputs`, whichever
///   of the three is changed.
/// - `custom_metrics`: an object of up to 16 KiB.
///
/// Errors: 42501 not an administrator; 42704 no such tool, or no such secret to keep;
/// 22023 an unknown key, or a value that is not as above; 23514 examples that do not
/// fit (DETAIL has every violation, without values); 55000 a secret without a key file;
/// 22004 a NULL argument.
///
/// ```sql
/// SELECT projectalpha.update_tool_info('weather', '{"category": "data", "version": "1.0.0", "tags": ["weather", "api"]}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn update_tool_info(
    tool_name: Option<&str>,
    changes: Option<Jsonb<'_>>,
    admin_token: default!(Option<&str>, "NULL"),
) {
    report::run(|| {
        let changes = changes.map(Jsonb::to_text);
        info::update(Caller::Sql, tool_name, changes.as_deref(), admin_token)
    });
}

/// Has a tool refuse every write with 55000, from commit on and in every session;
/// reading goes on. What other transactions have just begun to write is not waited
/// for.
///
/// Arguments: `tool_name`; `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such tool; 22004 no tool name.
///
/// ```sql
/// SELECT projectalpha.deactivate_tool('survey_bot');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn deactivate_tool(tool_name: Option<&str>, admin_token: default!(Option<&str>, "NULL")) {
    report::run(|| info::set_active(Caller::Sql, tool_name, false, admin_token));
}

/// Has a tool take writes again.
///
/// Arguments: `tool_name`; `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such tool; 22004 no tool name.
///
/// ```sql
/// SELECT projectalpha.activate_tool('survey_bot');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn activate_tool(tool_name: Option<&str>, admin_token: default!(Option<&str>, "NULL")) {
    report::run(|| info::set_active(Caller::Sql, tool_name, true, admin_token));
}

/// Finds registered tools by the words of their names, descriptions and tags, the best
/// first; over HTTP it is `GET /tools?q=`.
///
/// Arguments: `query`: words, all of which must be there; `"words in order"`, `or`,
/// `-word` for what must not be there; the last word may be the beginning of one, and
/// a name is as many words as `_` makes of it. Any text is a query; NULL or blanks
/// ask for all tools, in the order of their names. `tags`, all of which a tool must
/// have; `category`; `active`, NULL for both; `row_limit`, at most the setting
/// `projectalpha_store.max_page_size`; `row_offset`.
///
/// Returns `tool_name`, `description`, `category`, `tags`, `version`, `is_active`,
/// `rank`. Members of `projectalpha_admin` and `projectalpha_reader` see every tool;
/// to all others a sensitive tool is its name alone, in what they see and in what is
/// searched.
///
/// Errors: 22023 negative limit or offset.
///
/// ```sql
/// SELECT tool_name, rank FROM projectalpha.search_tools('weather forecast', tags => '{api}');
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
#[allow(clippy::type_complexity)] // as it is in SQL
fn search_tools(
    query: default!(Option<&str>, "NULL"),
    tags: default!(Option<Vec<Option<String>>>, "NULL"),
    category: default!(Option<&str>, "NULL"),
    active: default!(Option<bool>, "true"),
    row_limit: default!(Option<i32>, "20"),
    row_offset: default!(Option<i64>, "0"),
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(description, Option<String>),
        name!(category, Option<String>),
        name!(tags, Option<Vec<String>>),
        name!(version, Option<String>),
        name!(is_active, bool),
        name!(rank, f32),
    ),
> {
    let found = report::run(|| {
        let page = page(row_limit, row_offset, None)?;
        let search = Search {
            query,
            tags: tags.map(|tags| tags.into_iter().flatten().collect()),
            category,
            is_active: active,
        };
        Ok(catalogue::search(search, page))
    });
    TableIterator::new(found.into_iter().map(|found| {
        (
            found.tool_name,
            found.description,
            found.category,
            found.tags,
            found.version,
            found.is_active,
            found.rank,
        )
    }))
}
