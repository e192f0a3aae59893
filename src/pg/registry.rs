//! The rows of the configuration tables: reading and writing them. Reads see
//! what is committed now, whatever the transaction's snapshot; all runs as the
//! owner and every name and operator is qualified.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys;

use super::acting::{as_owner, as_owner_with_pinned_path};
use super::counters::{self, Event};
use super::ddl::relation_oid;
use super::ident::TableName;
use super::spi::{self, Access, KeptStatement, Param, Rows};
use crate::model::access_log::{Level, ToolLogging};
use crate::model::agent::AgentFacts;
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
    /// False refuses writes.
    pub is_active: bool,
    /// False for an entry of the catalogue alone.
    pub has_table: bool,
    pub logging: ToolLogging,
}

/// What a live credential allows.
pub struct CredentialRow {
    pub id: i64,
    pub scopes: Vec<String>,
    pub expires_at: Option<TimestampWithTimeZone>,
    /// The project whose data it opens, and no other; none if it belongs to none.
    pub project_id: Option<i64>,
    /// Who holds it; none for a token of a tool or a project.
    pub agent: Option<AgentFacts>,
    /// The transactions that wrote the row, and that of the agent if there is one.
    pub(super) xmins: Vec<Option<pg_sys::TransactionId>>,
}

impl CredentialRow {
    /// One that is known by what it allows alone.
    pub fn allowing(scopes: Vec<String>, expires_at: Option<TimestampWithTimeZone>) -> Self {
        CredentialRow {
            id: 0,
            scopes,
            expires_at,
            project_id: None,
            agent: None,
            xmins: Vec::new(),
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
        // By way of jsonb: until ALTER EXTENSION ... UPDATE has run there are no columns
        // `options`, `is_active`, `storage`, `access_log` and `log_payloads`.
        "SELECT t.id, t.schema_definition::pg_catalog.text, t.sensitive, \
                r.row OPERATOR(pg_catalog.->>) 'options', \
                (r.row OPERATOR(pg_catalog.->>) 'is_active')::pg_catalog.bool, \
                r.row OPERATOR(pg_catalog.->>) 'storage', \
                r.row OPERATOR(pg_catalog.->>) 'access_log', \
                (r.row OPERATOR(pg_catalog.->>) 'log_payloads')::pg_catalog.bool \
         FROM projectalpha.tools AS t CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(t)) AS r (row) \
         WHERE t.tool_name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
    static TOOL_CREDENTIAL: KeptStatement = const { KeptStatement::new(
        "SELECT c.id, c.scopes, c.expires_at, c.project_id, c.xmin, a.id, a.roles, a.permissions, a.xmin \
         FROM projectalpha.credentials AS c \
         LEFT JOIN projectalpha.agents AS a ON a.id OPERATOR(pg_catalog.=) c.agent_id AND a.is_active \
         WHERE c.tool_id OPERATOR(pg_catalog.=) $1 AND c.digest OPERATOR(pg_catalog.=) $2 \
         AND c.revoked_at IS NULL AND (c.agent_id IS NULL OR a.id IS NOT NULL)",
        &[pg_sys::INT8OID, pg_sys::BYTEAOID],
    ) };
    // Until ALTER EXTENSION ... UPDATE has run there are neither projects nor agents.
    static TOOL_CREDENTIAL_BEFORE_AGENTS: KeptStatement = const { KeptStatement::new(
        "SELECT c.id, c.scopes, c.expires_at, NULL::pg_catalog.int8, c.xmin \
              , NULL::pg_catalog.int8, NULL::pg_catalog.text[], NULL::pg_catalog.text[], NULL::pg_catalog.xid \
         FROM projectalpha.credentials AS c \
         WHERE c.tool_id OPERATOR(pg_catalog.=) $1 AND c.digest OPERATOR(pg_catalog.=) $2 \
         AND c.revoked_at IS NULL",
        &[pg_sys::INT8OID, pg_sys::BYTEAOID],
    ) };
    // By way of jsonb, as above. The key of an agent opens nothing.
    static GLOBAL_CREDENTIAL: KeptStatement = const { KeptStatement::new(
        "SELECT c.id, c.scopes, c.expires_at, NULL::pg_catalog.int8, c.xmin \
              , NULL::pg_catalog.int8, NULL::pg_catalog.text[], NULL::pg_catalog.text[], NULL::pg_catalog.xid \
         FROM projectalpha.credentials AS c \
         WHERE c.tool_id IS NULL AND c.digest OPERATOR(pg_catalog.=) $1 \
         AND c.revoked_at IS NULL \
         AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id') IS NULL \
         AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'agent_id') IS NULL",
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
                is_active: row.get(5).unwrap_or(true),
                has_table: row.get::<String>(6).is_none_or(|storage| storage != "none"),
                // Without the columns the database has no log.
                logging: row.get(8).map_or(ToolLogging::OFF, |payloads| ToolLogging {
                    level: row.get(7).and_then(|level: String| Level::parse(&level)),
                    payloads,
                }),
            })
        })
    })
}

/// True if there are agents; not until ALTER EXTENSION ... UPDATE has run.
pub fn has_agents() -> bool {
    relation_oid(&TableName::of_configuration("agents")).is_some()
}

/// The live credential of a tool with this digest. That of an agent who is not active
/// is not live.
pub fn tool_credential(tool_id: i64, digest: &Digest) -> Option<CredentialRow> {
    let params = vec![tool_id.into(), digest.as_bytes().into()];
    let statement = if has_agents() {
        &TOOL_CREDENTIAL
    } else {
        &TOOL_CREDENTIAL_BEFORE_AGENTS
    };
    statement.with(|query| read(query, params, credential))
}

/// The live credential with this digest that belongs to no tool, no project and no agent.
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
    rows.first().map(|row| {
        let agent = row.get(6).map(|id| AgentFacts {
            id,
            roles: row.get(7).unwrap_or_default(),
            permissions: row.get(8).unwrap_or_default(),
        });
        let mut xmins = vec![row.get(5)];
        xmins.extend(agent.as_ref().map(|_| row.get(9)));
        CredentialRow {
            id: row.get(1).unwrap_or_default(),
            scopes: row.get(2).unwrap_or_default(),
            expires_at: row.get(3),
            project_id: row.get(4),
            agent,
            xmins,
        }
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

/// Says what the access log keeps of a tool; false if there is none of that name.
pub fn set_logging(name: &ToolName, logging: ToolLogging) -> bool {
    write(
        "UPDATE projectalpha.tools AS t SET access_log = $2, log_payloads = $3 \
         WHERE t.tool_name OPERATOR(pg_catalog.=) $1",
        vec![
            name.as_str().into(),
            logging.level.map(Level::name).into(),
            logging.payloads.into(),
        ],
        |rows| rows.count() > 0,
    )
}

/// Makes a tool that has just been added an entry of the catalogue alone.
pub fn set_without_table(tool_id: i64) {
    write(
        "UPDATE projectalpha.tools AS t SET storage = 'none' WHERE t.id OPERATOR(pg_catalog.=) $1",
        vec![tool_id.into()],
        |_| (),
    );
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

/// A tool that was deleted.
pub struct Deleted {
    pub had_table: bool,
}

/// Removes a tool, and with it (by a trigger) its credentials; none if there is
/// none of that name.
pub fn delete_tool(name: &ToolName) -> Option<Deleted> {
    write(
        "DELETE FROM projectalpha.tools AS t WHERE t.tool_name OPERATOR(pg_catalog.=) $1 \
         RETURNING pg_catalog.to_jsonb(t) OPERATOR(pg_catalog.->>) 'storage'",
        vec![name.as_str().into()],
        |rows| {
            rows.first().map(|row| Deleted {
                had_table: row.get::<String>(1).is_none_or(|storage| storage != "none"),
            })
        },
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
