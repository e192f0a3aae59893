//! `get_record`, `update_record`, `delete_record`, `upsert_record` and
//! `validate_record`.

use pgrx::prelude::*;

use crate::model::revision::Wanted;
use crate::pg::json_result::Json;
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::record::{self, Which};

/// Gives one record of a tool.
///
/// Arguments: `tool_name`; `id`, the record's; `token`, needed only for a sensitive
/// tool.
///
/// Returns the record as `json`, shaped as in `list_records`.
///
/// Errors: 42704 no such tool; 02000 no such record; 28000 the tool is sensitive and
/// the token is none of its; 22004 no tool name or id.
///
/// ```sql
/// SELECT projectalpha.get_record('survey_bot', 1)->>'feedback';
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn get_record(
    tool_name: Option<&str>,
    id: Option<i64>,
    token: default!(Option<&str>, "NULL"),
) -> Json {
    let mut writer = JsonWriter::new(Zone::Shown);
    report::run(|| {
        let which = Which {
            tool_name,
            token,
            id,
            wanted: None,
        };
        record::get(&which, &mut writer)
    });
    writer.into()
}

/// Changes one record of a tool: the fields that `changes` names, and no other.
///
/// Arguments: `tool_name`; `token`, a live token of that tool; `id`, the record's;
/// `changes`, a JSON object: a value sets its field, null clears it (of a tool
/// without a schema: removes the key), fields that the tool does not have are
/// ignored unless it is strict; `if_version`: only if the record has this version
/// (of a tool registered with `versioned => true`).
///
/// Returns the record as it is then, shaped as in `list_records`. `{}` changes
/// nothing, not even the version.
///
/// Errors: 42704 no such tool; 02000 no such record; 28000 wrong, missing, expired
/// or revoked token; 23000 the record has another version; 0A000 the tool is not
/// versioned; those of `store_record` about values.
///
/// ```sql
/// SELECT projectalpha.update_record('survey_bot', 'survey-secure-token-001', 1,
///     '{"rating": 4, "feedback": null}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn update_record(
    tool_name: Option<&str>,
    token: Option<&str>,
    id: Option<i64>,
    changes: Option<Jsonb<'_>>,
    if_version: default!(Option<i64>, "NULL"),
) -> Json {
    let mut writer = JsonWriter::new(Zone::Shown);
    report::run(|| {
        let which = Which {
            tool_name,
            token,
            id,
            wanted: if_version.map(Wanted::Version),
        };
        record::update(&which, changes, &mut writer)
    });
    writer.into()
}

/// Deletes one record of a tool.
///
/// Arguments and errors: as for `update_record`.
///
/// ```sql
/// SELECT projectalpha.delete_record('survey_bot', 'survey-secure-token-001', 1);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn delete_record(
    tool_name: Option<&str>,
    token: Option<&str>,
    id: Option<i64>,
    if_version: default!(Option<i64>, "NULL"),
) {
    report::run(|| {
        record::delete(&Which {
            tool_name,
            token,
            id,
            wanted: if_version.map(Wanted::Version),
        })
    });
}

/// Stores a record, or changes the one that has the same value in a unique field.
///
/// Arguments: `tool_name`; `token`, a live token of that tool; `payload`, as for
/// `store_record`; `on_field`, a field that the tool declares unique and that the
/// payload gives a value. A record that is there gets the fields that the payload
/// names and keeps the others.
///
/// Returns the id of the record, and whether it was inserted.
///
/// Errors: those of `store_record`; 22023 the field is not declared unique, or has
/// no value.
///
/// ```sql
/// SELECT * FROM projectalpha.upsert_record('users', 'users-secure-token-001',
///     '{"email": "ann@example.org", "name": "Ann"}', 'email');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn upsert_record(
    tool_name: Option<&str>,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
    on_field: Option<&str>,
) -> TableIterator<'static, (name!(id, i64), name!(inserted, bool))> {
    let done = report::run(|| record::upsert(tool_name, token, payload, on_field));
    TableIterator::new(done)
}

/// Says everything that is wrong with a payload, and stores nothing.
///
/// Arguments: `tool_name`; `payload`, a JSON object; `token`, needed only for a
/// sensitive tool.
///
/// Returns a row for each violation: `field`; `rule`, the option of the field that is
/// violated, or `type`, or `strict`; `message`, as `store_record` would raise it.
/// No row: the payload would be stored (but for unique fields, which are seen when
/// it is).
///
/// Errors: 42704 no such tool; 28000 the tool is sensitive and the token is none of
/// its; 22023 the payload is no object; 22004 no tool name or payload.
///
/// ```sql
/// SELECT * FROM projectalpha.validate_record('survey_bot', '{"rating": "five"}');
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
#[allow(clippy::type_complexity)] // as it is in SQL
fn validate_record(
    tool_name: Option<&str>,
    payload: Option<Jsonb<'_>>,
    token: default!(Option<&str>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(field, String),
        name!(rule, String),
        name!(message, String),
    ),
> {
    let violations = report::run(|| record::validate(tool_name, payload, token));
    TableIterator::new(
        violations
            .into_iter()
            .map(|v| (v.field, v.rule.to_owned(), v.message)),
    )
}
