//! The rows of `projectalpha.tool_configuration`, and the tokens of tools that
//! are configured but not registered: until its table is made, the token of a
//! tool is a credential of no tool with a scope that names it.

use pgrx::pg_sys;

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::ddl::{relation_oid, wait_for_first_use};
use super::ident::TableName;
use super::registry::{insert_credential, read, write};
use super::spi::{self, Access, KeptStatement, Rows};
use crate::model::configuration::{own_scope, Configuration};
use crate::model::name::ToolName;
use crate::model::token::{NewToken, Purpose};

/// Marks the token that `configure_tool` made, which is the one that it replaces.
const LABEL: &str = "configure_tool";

thread_local! {
    static BY_NAME: KeptStatement = const { KeptStatement::new(
        "SELECT c.sensitive, c.use_individual_table, c.promoting \
         FROM projectalpha.tool_configuration AS c \
         WHERE c.tool_name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
}

/// False in a database whose extension has not been updated to this library's
/// version: what there was before goes on working there.
fn is_installed() -> bool {
    relation_oid(&TableName::of_configuration("tool_configuration")).is_some()
}

/// The configuration of a tool as it is committed now.
pub fn current(name: &ToolName) -> Option<Configuration> {
    if !is_installed() {
        return None;
    }
    BY_NAME.with(|query| read(query, vec![name.as_str().into()], configuration))
}

/// The configuration that belongs to the rows which the running statement sees.
pub fn of_snapshot(name: &ToolName) -> Option<Configuration> {
    BY_NAME.with(|query| {
        as_owner(|| {
            let plan = query.plan();
            let params = vec![name.as_str().into()];
            spi::connected(|c| configuration(&c.execute_plan(plan, params, Access::Read)))
        })
    })
}

fn configuration(rows: &Rows) -> Option<Configuration> {
    rows.first().map(|row| Configuration {
        sensitive: row.get(1).unwrap_or(true),
        use_individual_table: row.get(2).unwrap_or(false),
        promoting: row.get(3).unwrap_or(false),
    })
}

/// Keeps the configuration as it is until the end of the transaction, and tools
/// that are being registered with it: both of its changes lock one another out.
pub fn lock_for_change() {
    lock_tools("SHARE ROW EXCLUSIVE");
}

/// Keeps the configuration as it is until the end of the transaction, but lets
/// others register tools.
pub fn lock_for_registering() {
    lock_tools("ROW EXCLUSIVE");
}

fn lock_tools(mode: &str) {
    wait_for_first_use();
    write(
        &format!("LOCK TABLE projectalpha.tools IN {mode} MODE"),
        vec![],
        |_| (),
    );
    // Whoever held a lock may have changed what we are about to read.
    super::cache::accept_invalidations();
}

/// Writes a tool's configuration, in place of the one that it has.
pub fn put(name: &ToolName, configuration: Configuration) {
    write(
        "INSERT INTO projectalpha.tool_configuration AS c \
             (tool_name, sensitive, use_individual_table, promoting) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tool_name) DO UPDATE SET sensitive = EXCLUDED.sensitive, \
             use_individual_table = EXCLUDED.use_individual_table, \
             promoting = EXCLUDED.promoting, updated_at = pg_catalog.now()",
        vec![
            name.as_str().into(),
            configuration.sensitive.into(),
            configuration.use_individual_table.into(),
            configuration.promoting.into(),
        ],
        |_| (),
    )
}

/// Removes the configuration of a tool; false if it has none.
pub fn delete(name: &ToolName) -> bool {
    is_installed()
        && write(
            "DELETE FROM projectalpha.tool_configuration AS c \
         WHERE c.tool_name OPERATOR(pg_catalog.=) $1",
            vec![name.as_str().into()],
            |rows| rows.count() > 0,
        )
}

/// Makes reading a registered tool need a token, or not.
pub fn set_sensitive(tool_id: i64, sensitive: bool) {
    write(
        "UPDATE projectalpha.tools AS t SET sensitive = $2 \
         WHERE t.id OPERATOR(pg_catalog.=) $1 AND t.sensitive OPERATOR(pg_catalog.<>) $2",
        vec![tool_id.into(), sensitive.into()],
        |_| (),
    )
}

/// Whose tokens: those of a registered tool, or else those that name it, but not those
/// of projects and agents. All statements on them have the tool's id as $1 and its scope
/// as $2. By way of jsonb: until ALTER EXTENSION ... UPDATE has run there are no such
/// columns.
const TOKENS_OF_TOOL: &str = "c.revoked_at IS NULL \
     AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id') IS NULL \
     AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'agent_id') IS NULL AND (\
     c.tool_id OPERATOR(pg_catalog.=) $1 \
     OR ($1 IS NULL AND c.tool_id IS NULL AND $2 OPERATOR(pg_catalog.=) ANY (c.scopes)))";

/// True if the tool has a token that works.
pub fn has_token(name: &ToolName, tool_id: Option<i64>) -> bool {
    let sql = format!(
        "SELECT 1::pg_catalog.int8 FROM projectalpha.credentials AS c WHERE {TOKENS_OF_TOOL} \
         AND (c.expires_at IS NULL OR c.expires_at OPERATOR(pg_catalog.>) pg_catalog.now())"
    );
    let scope = own_scope(name.as_str());
    as_owner_with_pinned_path(|| {
        spi::with_latest_snapshot(|| {
            spi::connected(|c| {
                let params = vec![tool_id.into(), scope.into()];
                c.execute(&sql, params, Access::Read).count() > 0
            })
        })
    })
}

/// Makes this the token of a tool, in place of the one it was configured with
/// before; false if the token is in use otherwise.
pub fn replace_token(name: &ToolName, tool_id: Option<i64>, token: &NewToken) -> bool {
    revoke(name, tool_id, Some(LABEL));
    let scope = own_scope(name.as_str());
    let scopes: Vec<&str> = match tool_id {
        Some(_) => Purpose::Tool.scopes().to_vec(),
        None => vec![&scope],
    };
    let inserted = insert_credential(token, &scopes, tool_id, Some(LABEL));
    // What a registered tool has already, from `register_tool` say, is no conflict.
    inserted || tool_id.is_some()
}

/// Takes the tokens of a tool back that is configured but not registered.
pub fn revoke_tokens(name: &ToolName) {
    revoke(name, None, None);
}

fn revoke(name: &ToolName, tool_id: Option<i64>, label: Option<&str>) {
    write(
        &format!(
            "UPDATE projectalpha.credentials AS c SET revoked_at = pg_catalog.now() \
             WHERE {TOKENS_OF_TOOL} AND ($3 IS NULL OR c.label OPERATOR(pg_catalog.=) $3)"
        ),
        vec![
            tool_id.into(),
            own_scope(name.as_str()).into(),
            label.into(),
        ],
        |_| (),
    )
}

/// Gives a tool that has just been registered the tokens that named it.
pub fn adopt_tokens(name: &ToolName, tool_id: i64) {
    write(
        "UPDATE projectalpha.credentials AS c SET tool_id = $1, scopes = $3 \
         WHERE c.revoked_at IS NULL AND c.tool_id IS NULL \
         AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id') IS NULL \
         AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'agent_id') IS NULL \
         AND $2 OPERATOR(pg_catalog.=) ANY (c.scopes)",
        vec![
            tool_id.into(),
            own_scope(name.as_str()).into(),
            Purpose::Tool.scopes().to_vec().into(),
        ],
        |_| (),
    )
}
