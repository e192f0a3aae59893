//! `register_tool`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::authorise::Caller;
use crate::store::tools::{self, Registration};

/// Registers a tool: a row in `projectalpha.tools`, a token and a table
/// `projectalpha_data.tool_<name>`, all or none (spec 001, section 4.1).
///
/// Arguments: `tool_name` (`^[a-z][a-z0-9_]{0,49}$`); `token` (8 to 512
/// characters; NULL has one of 256 random bits made); `schema` (a JSON array of
/// `{"name", "type"}`, at most 500; NULL stores whole payloads in a column
/// `data jsonb`); `sensitive` (reading needs a token too); `description`;
/// `admin_token` (not needed by members of `projectalpha_admin`).
///
/// Returns one row: `tool_name`, `table_name`, and `token`, shown this once.
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
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn register_tool(
    tool_name: Option<&str>,
    token: default!(Option<&str>, "NULL"),
    schema: default!(Option<Jsonb<'_>>, "NULL"),
    sensitive: default!(Option<bool>, "false"),
    description: default!(Option<&str>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(table_name, String),
        name!(token, String),
    ),
> {
    let registered = report::run(|| {
        let schema = schema.map(Jsonb::to_text);
        tools::register(
            Caller::Sql,
            &Registration {
                tool_name,
                token,
                schema: schema.as_deref(),
                sensitive,
                description,
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
