//! Tools that begin in the common table (spec 000): `configure_tool`,
//! `unconfigure_tool`, `store_configured`, `list_configured`, `promote_tool`.

use pgrx::prelude::*;

use super::page;
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::jsonb::{size_of_argument, Jsonb};
use crate::pg::report;
use crate::pg::set_result::{JsonRows, RowsReturned};
use crate::store::authorise::Caller;
use crate::store::{configuration, configured, promotion};

/// Configures a tool, or changes its configuration (spec 000, step 1).
///
/// Arguments: `tool_name` (`^[a-z][a-z0-9_]{0,49}$`); `sensitive`, whether
/// reading and writing need the tool's token; `use_individual_table`, whether
/// its records go to a table of its own, which is made when the first one
/// comes, or to the common table; `token`, 8 to 512 characters, takes the place of
/// the one that the tool was configured with before (NULL has one made if the
/// tool is sensitive and has none); `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// Returns one row: `tool_name`, `endpoint`, `table_name`, and `token` if it is
/// new, shown this once. A registered tool can be configured too, with
/// `use_individual_table`; it keeps the token it was registered with. What the
/// tool has in the common table already stays there, each row as sensitive as it
/// was stored, until `promote_tool` moves it.
///
/// Errors: 42501 not an administrator; 42602 bad tool name; 22023 bad token;
/// 42710 the token is in use; 22004 a NULL where none may be; 55000 the tool
/// has a table of its own, and does not go back; 55006 it is being promoted.
///
/// ```sql
/// SELECT * FROM projectalpha.configure_tool('reports', sensitive => true, use_individual_table => true);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn configure_tool(
    tool_name: Option<&str>,
    sensitive: default!(Option<bool>, "false"),
    use_individual_table: default!(Option<bool>, "false"),
    token: default!(Option<&str>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(endpoint, String),
        name!(table_name, String),
        name!(token, Option<String>),
    ),
> {
    let configured = report::run(|| {
        configuration::configure(
            Caller::Sql,
            &configuration::Request {
                tool_name,
                sensitive,
                use_individual_table,
                token,
                admin_token,
            },
        )
    });
    TableIterator::once((
        configured.tool_name,
        configured.endpoint,
        configured.table_name,
        configured.token,
    ))
}

/// Removes the configuration of a tool. Its records stay where they are; a
/// registered tool remains one, with its tokens.
///
/// Arguments: `tool_name`; `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 the tool is not configured; 55006 it
/// is being promoted; 22004 no tool name.
///
/// ```sql
/// SELECT projectalpha.unconfigure_tool('reports');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn unconfigure_tool(tool_name: Option<&str>, admin_token: default!(Option<&str>, "NULL")) {
    report::run(|| configuration::unconfigure(Caller::Sql, tool_name, admin_token));
}

/// Stores a record of a configured tool: in its own table or in the common
/// table, as it is configured (spec 000, step 2). The table is made if this is
/// its first record.
///
/// Arguments: `tool_name`; `payload`, a JSON object; `token`, the tool's own,
/// needed if it is sensitive.
///
/// Returns the id of the record in its table.
///
/// Errors: 42704 the tool is not configured; 28000 it is sensitive and the
/// token is none of its; 22023 the payload is no object; 22004 no tool name or
/// payload; those of `store_record` if it was registered with a schema.
///
/// ```sql
/// SELECT projectalpha.store_configured('metrics', '{"cpu": 45}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn store_configured(
    tool_name: Option<&str>,
    payload: Option<Jsonb<'_>>,
    token: default!(Option<&str>, "NULL"),
) -> Option<i64> {
    report::run(|| configured::store(tool_name, payload, token).map(|stored| stored.id))
}

/// Lists records of a configured tool, oldest first, wherever they are.
///
/// Arguments: `tool_name`; `row_limit`, `row_offset`, `after_id` as in
/// `list_records`; `token`, the tool's own, needed if it is sensitive.
///
/// Returns each record as `json`: as in `list_records` if it has a table of its
/// own, as in `list_common` if not. Sensitive rows that a public tool has in
/// the common table appear as in `list_common`.
///
/// Errors: 42704 the tool is not configured; 28000 it is sensitive and the
/// token is none of its; 22023 negative limit or offset; 22004 no tool name.
///
/// ```sql
/// SELECT r->'data' FROM projectalpha.list_configured('metrics', row_limit => 20) AS r;
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn list_configured(
    tool_name: Option<&str>,
    row_limit: default!(Option<i32>, "10"),
    row_offset: default!(Option<i64>, "0"),
    token: default!(Option<&str>, "NULL"),
    after_id: default!(Option<i64>, "NULL"),
    mut rows: JsonRows<'_>,
) -> RowsReturned {
    report::run(|| {
        let page = page(row_limit, row_offset, after_id)?;
        let mut writer = JsonWriter::new(Zone::Shown);
        configured::list(
            Caller::Sql,
            tool_name,
            token,
            page,
            &mut writer,
            |record, _id| rows.push(record),
        )
    });
    rows.finish()
}

/// Moves what a configured tool has in the common table to a table of its own,
/// and switches the tool to that (spec 000, step 4).
///
/// Arguments: `tool_name`; `batch_rows`, at most so many rows in this call: then
/// it is to be called until `done` (NULL moves all); `admin_token` (not needed
/// by members of `projectalpha_admin`).
///
/// Returns one row: `tool_name`, `table_name`, `moved`, the rows that this call
/// moved, and `done`, whether the tool is switched.
///
/// `created_at` and the order stay as they were. The ids do too, unless the
/// tool had a table of its own already: then its old rows get new ids. Others
/// store and list meanwhile. `list_configured` shows every row at any moment;
/// `list_common` shows those that have not been moved. The switch waits for
/// transactions that are just storing in the common table, and then keeps
/// others from storing there as long as it takes to move what they left, until
/// the transaction ends. `lock_timeout` bounds each wait of this call.
/// Whoever configures a tool waits until the transaction ends. What is sent to
/// the common table under the tool's name after that stays there until the tool
/// is promoted again.
///
/// Errors: 42501 not an administrator; 42704 the tool is not configured; 55000 a
/// public tool has sensitive rows, or the tool has a field schema; 42P07 a table of
/// that name is there; 55P03 no lock on the common table within 20 attempts;
/// 0A000 the transaction is not READ COMMITTED; 22023 `batch_rows` below 1.
///
/// ```sql
/// SELECT * FROM projectalpha.promote_tool('metrics');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn promote_tool(
    tool_name: Option<&str>,
    batch_rows: default!(Option<i32>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(table_name, String),
        name!(moved, i64),
        name!(done, bool),
    ),
> {
    let promoted =
        report::run(|| promotion::promote(Caller::Sql, tool_name, batch_rows, admin_token));
    TableIterator::once((
        promoted.tool_name,
        promoted.table_name,
        promoted.moved,
        promoted.done,
    ))
}

/// Bytes of a payload as jsonb, before it was compressed. Reads only its
/// header, wherever it is stored. For `storage_advice`.
///
/// ```sql
/// SELECT projectalpha.payload_bytes('{"cpu": 45}');
/// ```
#[pg_extern(
    schema = "projectalpha",
    sql = "
CREATE FUNCTION projectalpha.payload_bytes(payload jsonb) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"
)]
fn payload_bytes(fcinfo: pg_sys::FunctionCallInfo) -> i64 {
    size_of_argument(fcinfo)
}
