//! `register_tool`.

use pgrx::prelude::*;

use crate::model::error::Error;
use crate::model::options::ToolOptions;
use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::authorise::Caller;
use crate::store::info::Storage;
use crate::store::tools::{self, Registration};

/// Registers a tool: a row in `projectalpha.tools`, a token and a table
/// `projectalpha_data.tool_<name>`, all or none (spec 001, section 4.1).
///
/// Arguments: `tool_name` (`^[a-z][a-z0-9_]{0,49}$`); `token` (8 to 512
/// characters; NULL has one of 256 random bits made); `schema` (a JSON array of
/// `{"name", "type"}`, at most 500; NULL stores whole payloads in a column
/// `data jsonb`); `sensitive` (reading needs a token too); `description`;
/// `admin_token` (not needed by members of `projectalpha_admin`); `strict`
/// (fields that the tool does not have are refused, not ignored); `versioned`
/// (records have `updated_at` and `version`); `notify` (every change through a
/// function is announced on the channel `projectalpha_<tool>`); `max_records`
/// (a single writer is held to the record; each further one that stores at the
/// same time may exceed the limit by a hundredth of it, and by what its own
/// transaction has stored when others have not seen it committed); `max_bytes`
/// (looked at after 64 records, in whole pages); `storage`: `table`, or `none` for
/// an entry of the catalogue alone, which has no records (and so none of the
/// arguments that say how they are kept).
///
/// A field may also have the rules `required`, `unique`, `index` (true or
/// false), `default`, `min`, `max` (int, float, timestamp), `max_length` and
/// `pattern` (str), `enum` (an array), `json_schema` (json; draft 2020-12).
///
/// Returns one row: `tool_name`, `table_name` (NULL without storage), and `token`,
/// shown this once.
///
/// Errors: 42501 not an administrator; 42602 bad tool or field name; 42710 the
/// tool exists; 42701 repeated field; 22023 bad schema or token; 54011 too many
/// fields; 22004 a NULL where none may be; 42501 the data schema belongs to somebody else;
/// the SQLSTATE of CREATE TABLE if that fails.
///
/// ```sql
/// SELECT * FROM projectalpha.register_tool(
///     tool_name => 'survey_bot',
///     schema    => '[{"name": "user_id", "type": "int"}, {"name": "feedback", "type": "str"}]');
/// ```
#[pg_extern(
    schema = "projectalpha",
    name = "register_tool",
    volatile,
    parallel_unsafe
)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)] // as it is in SQL
fn register_tool_with_storage(
    tool_name: Option<&str>,
    token: default!(Option<&str>, "NULL"),
    schema: default!(Option<Jsonb<'_>>, "NULL"),
    sensitive: default!(Option<bool>, "false"),
    description: default!(Option<&str>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
    strict: default!(Option<bool>, "false"),
    versioned: default!(Option<bool>, "false"),
    notify: default!(Option<bool>, "false"),
    max_records: default!(Option<i64>, "NULL"),
    max_bytes: default!(Option<i64>, "NULL"),
    storage: default!(Option<&str>, "'table'"),
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(table_name, Option<String>),
        name!(token, String),
    ),
> {
    let registered = report::run(|| {
        let given = |argument, flag: Option<bool>| flag.ok_or(Error::ArgumentNull { argument });
        let storage = Storage::parse(storage)?;
        let options = ToolOptions {
            strict: given("strict", strict)?,
            versioned: given("versioned", versioned)?,
            notify: given("notify", notify)?,
            max_records,
            max_bytes,
        };
        let schema = schema.map(Jsonb::to_text);
        tools::register(
            Caller::Sql,
            &Registration {
                tool_name,
                token,
                schema: schema.as_deref(),
                sensitive,
                description,
                options,
                storage,
                admin_token,
            },
        )
    });
    TableIterator::once((
        registered.tool_name,
        registered.table_name,
        registered.token,
    ))
}

/// `register_tool` as version 0.2.0 declares it: databases that are not updated
/// yet call this one.
#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)] // as it is in SQL
fn register_tool_with_options(
    tool_name: Option<&str>,
    token: Option<&str>,
    schema: Option<Jsonb<'_>>,
    sensitive: Option<bool>,
    description: Option<&str>,
    admin_token: Option<&str>,
    strict: Option<bool>,
    versioned: Option<bool>,
    notify: Option<bool>,
    max_records: Option<i64>,
    max_bytes: Option<i64>,
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(table_name, Option<String>),
        name!(token, String),
    ),
> {
    register_tool_with_storage(
        tool_name,
        token,
        schema,
        sensitive,
        description,
        admin_token,
        strict,
        versioned,
        notify,
        max_records,
        max_bytes,
        Some("table"),
    )
}

/// `register_tool` as version 0.1.0 declares it: databases that are not updated
/// yet call this one.
#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // as it is in SQL
fn register_tool(
    tool_name: Option<&str>,
    token: Option<&str>,
    schema: Option<Jsonb<'_>>,
    sensitive: Option<bool>,
    description: Option<&str>,
    admin_token: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(table_name, Option<String>),
        name!(token, String),
    ),
> {
    let off = Some(false);
    register_tool_with_options(
        tool_name,
        token,
        schema,
        sensitive,
        description,
        admin_token,
        off,
        off,
        off,
        None,
        None,
    )
}
