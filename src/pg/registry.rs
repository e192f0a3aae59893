//! The rows of the configuration tables: reading and writing them. Reads see
//! what is committed now, whatever the transaction's snapshot; all runs as the
//! owner and every name and operator is qualified.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys;

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::counters::{self, Event};
use super::spi::{self, Access, KeptStatement, Param, Rows};
use crate::model::name::ToolName;
use crate::model::token::{Digest, NewToken};

/// A row of `projectalpha.tools`.
pub struct ToolRow {
    pub id: i64,
    /// JSON text; none means that the tool stores whole payloads.
    pub schema_definition: Option<String>,
    pub sensitive: bool,
    /// JSON text; none means that every option is off.
    pub options: Option<String>,
}

/// What a live credential allows.
pub struct CredentialRow {
    pub scopes: Vec<String>,
    pub expires_at: Option<TimestampWithTimeZone>,
    /// The project whose data it opens, and no other; none if it belongs to none.
    pub project_id: Option<i64>,
    /// The transaction that wrote the row.
    pub(super) xmin: Option<pg_sys::TransactionId>,
}

impl CredentialRow {
    /// One that is known by what it allows alone.
    pub fn allowing(scopes: Vec<String>, expires_at: Option<TimestampWithTimeZone>) -> Self {
        CredentialRow {
            scopes,
            expires_at,
            project_id: None,
            xmin: None,
        }
    }

    /// True if it carries `scope` and has not expired.
    pub fn allows(&self, scope: &str) -> bool {
        self.is_live() && self.scopes.iter().any(|s| s == scope)
    }

    /// True if it has not expired.
    pub fn is_live(&self) -> bool {
        self.expires_at
            .is_none_or(|expiry| expiry > pgrx::datum::datetime_support::clock_timestamp())
    }
}

thread_local! {
    static TOOL_BY_NAME: KeptStatement = const { KeptStatement::new(
        // By way of jsonb: until ALTER EXTENSION ... UPDATE has run there is no column
        // `options`.
        "SELECT t.id, t.schema_definition::pg_catalog.text, t.sensitive, \
                pg_catalog.to_jsonb(t) OPERATOR(pg_catalog.->>) 'options' \
         FROM projectalpha.tools AS t WHERE t.tool_name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
    // By way of jsonb, as above.
    static TOOL_CREDENTIAL: KeptStatement = const { KeptStatement::new(
        "SELECT c.scopes, c.expires_at \
              , (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id')::pg_catalog.int8, c.xmin \
         FROM projectalpha.credentials AS c \
         WHERE c.tool_id OPERATOR(pg_catalog.=) $1 AND c.digest OPERATOR(pg_catalog.=) $2 \
         AND c.revoked_at IS NULL",
        &[pg_sys::INT8OID, pg_sys::BYTEAOID],
    ) };
    static GLOBAL_CREDENTIAL: KeptStatement = const { KeptStatement::new(
        "SELECT c.scopes, c.expires_at \
              , (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id')::pg_catalog.int8, c.xmin \
         FROM projectalpha.credentials AS c \
         WHERE c.tool_id IS NULL AND c.digest OPERATOR(pg_catalog.=) $1 \
         AND c.revoked_at IS NULL \
         AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id') IS NULL",
        &[pg_sys::BYTEAOID],
    ) };
}

pub fn tool(name: &ToolName) -> Option<ToolRow> {
    TOOL_BY_NAME.with(|query| {
        read(query, vec![name.as_str().into()], |rows| {
            rows.first().map(|row| ToolRow {
                id: row.get(1).unwrap_or_default(),
                schema_definition: row.get(2),
                sensitive: row.get(3).unwrap_or(true),
                options: row.get(4),
            })
        })
    })
}

/// The live credential of a tool with this digest.
pub fn tool_credential(tool_id: i64, digest: &Digest) -> Option<CredentialRow> {
    let params = vec![tool_id.into(), digest.as_bytes().into()];
    TOOL_CREDENTIAL.with(|query| read(query, params, credential))
}

/// The live credential with this digest that belongs to no tool and no project.
pub fn global_credential(digest: &Digest) -> Option<CredentialRow> {
    let params = vec![digest.as_bytes().into()];
    GLOBAL_CREDENTIAL.with(|query| read(query, params, credential))
}

pub(super) fn read<T>(
    statement: &KeptStatement,
    params: Vec<Param>,
    take: impl FnOnce(&Rows) -> T,
) -> T {
    counters::count(Event::RegistryRead);
    as_owner(|| {
        let plan = statement.plan();
        spi::with_latest_snapshot(|| {
            spi::connected(|c| take(&c.execute_plan(plan, params, Access::Read)))
        })
    })
}

fn credential(rows: &Rows) -> Option<CredentialRow> {
    rows.first().map(|row| CredentialRow {
        scopes: row.get(1).unwrap_or_default(),
        expires_at: row.get(2),
        project_id: row.get(3),
        xmin: row.get(4),
    })
}

/// Adds a tool; none if its name is taken. Waits for a session that is just
/// registering or deleting the same name.
pub fn insert_tool(
    name: &ToolName,
    schema_definition: Option<&str>,
    sensitive: bool,
    description: Option<&str>,
    options: Option<&str>,
) -> Option<i64> {
    let id = write(
        "INSERT INTO projectalpha.tools AS t (tool_name, schema_definition, sensitive, description) \
         VALUES ($1, $2::pg_catalog.jsonb, $3, $4) \
         ON CONFLICT (tool_name) DO NOTHING RETURNING t.id",
        vec![
            name.as_str().into(),
            schema_definition.into(),
            sensitive.into(),
            description.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    );
    if let (Some(id), Some(options)) = (id, options) {
        set_options(id, options);
    }
    id
}

fn set_options(tool_id: i64, options: &str) {
    write(
        "UPDATE projectalpha.tools AS t SET options = $2::pg_catalog.jsonb \
         WHERE t.id OPERATOR(pg_catalog.=) $1",
        vec![tool_id.into(), options.into()],
        |_| (),
    );
}

/// Gives the id of a tool and has every other change of it wait for the end of
/// this transaction; in an older snapshot one that came in between is an error
/// (40001). None if there is no tool of that name.
pub fn lock_tool(name: &ToolName) -> Option<i64> {
    write(
        "UPDATE projectalpha.tools AS t SET tool_name = t.tool_name \
         WHERE t.tool_name OPERATOR(pg_catalog.=) $1 RETURNING t.id",
        vec![name.as_str().into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Gives the id of a tool that nobody changes until the end of this transaction;
/// others may do the same. None if there is no tool of that name.
pub fn lock_tool_for_use(name: &ToolName) -> Option<i64> {
    write(
        "SELECT t.id FROM projectalpha.tools AS t \
         WHERE t.tool_name OPERATOR(pg_catalog.=) $1 FOR SHARE",
        vec![name.as_str().into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Changes what a tool is; with a description it gets that one, too.
pub fn update_tool(
    tool_id: i64,
    schema_definition: Option<&str>,
    sensitive: bool,
    options: &str,
    description: Option<Option<&str>>,
) {
    write(
        "UPDATE projectalpha.tools AS t \
         SET schema_definition = $2::pg_catalog.jsonb, sensitive = $3, options = $4::pg_catalog.jsonb \
           , description = CASE WHEN $5 THEN $6 ELSE t.description END \
         WHERE t.id OPERATOR(pg_catalog.=) $1",
        vec![
            tool_id.into(),
            schema_definition.into(),
            sensitive.into(),
            options.into(),
            description.is_some().into(),
            description.flatten().into(),
        ],
        |_| (),
    );
}

/// Removes a tool, and with it (by a trigger) its credentials; false if there is
/// none of that name.
pub fn delete_tool(name: &ToolName) -> bool {
    write(
        "DELETE FROM projectalpha.tools AS t WHERE t.tool_name OPERATOR(pg_catalog.=) $1",
        vec![name.as_str().into()],
        |rows| rows.count() > 0,
    )
}

/// Keeps the digest of a token; false if it is in use already.
pub fn insert_credential(
    token: &NewToken,
    scopes: &[&str],
    tool_id: Option<i64>,
    label: Option<&str>,
) -> bool {
    write(
        "INSERT INTO projectalpha.credentials (digest, hint, scopes, tool_id, label) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        vec![
            token.digest.as_bytes().into(),
            token.hint.as_str().into(),
            scopes.to_vec().into(),
            tool_id.into(),
            label.into(),
        ],
        |rows| rows.count() > 0,
    )
}

/// Revokes every live admin credential.
pub fn revoke_admin_credentials() {
    write(
        "UPDATE projectalpha.credentials AS c SET revoked_at = pg_catalog.now() \
         WHERE c.revoked_at IS NULL AND c.tool_id IS NULL \
         AND 'admin' OPERATOR(pg_catalog.=) ANY (c.scopes)",
        vec![],
        |_| (),
    )
}

/// Revokes live credentials by digest or by id; gives how many.
pub fn revoke_credentials(digest: Option<&Digest>, id: Option<i64>) -> usize {
    write(
        "UPDATE projectalpha.credentials AS c SET revoked_at = pg_catalog.now() \
         WHERE c.revoked_at IS NULL \
         AND (c.digest OPERATOR(pg_catalog.=) $1 OR c.id OPERATOR(pg_catalog.=) $2)",
        vec![digest.map(|d| d.as_bytes()).into(), id.into()],
        Rows::count,
    )
}

pub(super) fn write<T>(sql: &str, params: Vec<Param>, take: impl FnOnce(&Rows) -> T) -> T {
    as_owner_with_pinned_path(|| spi::connected(|c| take(&c.execute(sql, params, Access::Write))))
}

/// [`write`], by a plan that is kept.
pub(super) fn write_kept<T>(
    statement: &'static std::thread::LocalKey<KeptStatement>,
    params: Vec<Param>,
    take: impl FnOnce(&Rows) -> T,
) -> T {
    statement.with(|statement| {
        as_owner_with_pinned_path(|| {
            let plan = statement.plan();
            spi::connected(|c| take(&c.execute_plan(plan, params, Access::Write)))
        })
    })
}

/// [`read`], of a statement that is made for one table.
pub(super) fn read_once<T>(sql: &str, params: Vec<Param>, take: impl FnOnce(&Rows) -> T) -> T {
    as_owner_with_pinned_path(|| {
        spi::with_latest_snapshot(|| {
            spi::connected(|c| take(&c.execute(sql, params, Access::Read)))
        })
    })
}
