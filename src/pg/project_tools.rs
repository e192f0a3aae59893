//! Which tools a project has a table of: the rows of `projectalpha.project_tools`, and
//! what goes with them. Until ALTER EXTENSION ... UPDATE has run there are none.

use pgrx::pg_sys;

use super::acting::as_owner_with_pinned_path;
use super::ddl::relation_oid;
use super::ident::TableName;
use super::registry::{read, write};
use super::spi::{self, Access, KeptStatement, Param};
use crate::model::name::ToolName;
use crate::model::project::{ProjectId, Status};
use crate::model::token::{Digest, NewToken};

/// What a project's table of a tool is like, from one moment.
pub struct TenantRow {
    pub status: Status,
    pub is_enabled: bool,
    pub definition: DefinitionRow,
    /// The transactions that wrote the rows of project and table.
    pub(super) xmins: [Option<pg_sys::TransactionId>; 2],
}

/// A definition as the table follows it.
pub struct DefinitionRow {
    pub version: i32,
    /// False if there is no such version in the history.
    pub is_known: bool,
    /// JSON text; none means that whole payloads are stored.
    pub schema: Option<String>,
    /// JSON text; none means that every option is off.
    pub options: Option<String>,
}

/// A row of `projectalpha.project_tools`.
pub struct ProjectTool {
    pub is_enabled: bool,
}

thread_local! {
    // The last version is in the tool's row: that of an older release may have no row of
    // the history, or one without options.
    static TENANT: KeptStatement = const { KeptStatement::new(
        "SELECT p.status, x.disabled_at IS NULL, x.schema_version, l.is_latest OR h.tool_id IS NOT NULL \
              , CASE WHEN l.is_latest THEN t.schema_definition ELSE h.schema_definition END::pg_catalog.text \
              , CASE WHEN l.is_latest THEN t.options ELSE h.options END::pg_catalog.text \
              , p.xmin, x.xmin \
         FROM projectalpha.project_tools AS x \
         JOIN projectalpha.projects AS p ON p.id OPERATOR(pg_catalog.=) x.project_id \
         JOIN projectalpha.tools AS t ON t.id OPERATOR(pg_catalog.=) x.tool_id \
         CROSS JOIN LATERAL \
             (SELECT x.schema_version OPERATOR(pg_catalog.>=) COALESCE(pg_catalog.max(v.version), 1) AS is_latest \
                FROM projectalpha.schema_history AS v \
               WHERE v.tool_id OPERATOR(pg_catalog.=) x.tool_id) AS l \
         LEFT JOIN projectalpha.schema_history AS h \
                ON h.tool_id OPERATOR(pg_catalog.=) x.tool_id \
               AND h.version OPERATOR(pg_catalog.=) x.schema_version \
         WHERE x.project_id OPERATOR(pg_catalog.=) $1 AND x.tool_id OPERATOR(pg_catalog.=) $2 \
           AND t.tool_name OPERATOR(pg_catalog.=) $3",
        &[pg_sys::INT8OID, pg_sys::INT8OID, pg_sys::TEXTOID],
    ) };
    static FORMER_CREDENTIAL: KeptStatement = const { KeptStatement::new(
        "SELECT FROM projectalpha.credentials AS c \
         WHERE c.tool_id OPERATOR(pg_catalog.=) $1 AND c.digest OPERATOR(pg_catalog.=) $2 \
           AND (c.project_id IS NOT NULL OR c.agent_id IS NOT NULL) LIMIT 1",
        &[pg_sys::INT8OID, pg_sys::BYTEAOID],
    ) };
}

fn is_installed() -> bool {
    relation_oid(&TableName::of_configuration("project_tools")).is_some()
}

/// A project's table of a tool as it is committed now; none if it has none.
pub fn tenant(project: ProjectId, tool_id: i64, name: &ToolName) -> Option<TenantRow> {
    if !is_installed() {
        return None;
    }
    let params = vec![project.value().into(), tool_id.into(), name.as_str().into()];
    TENANT.with(|query| {
        read(query, params, |rows| {
            rows.first().map(|row| TenantRow {
                // What nobody knows allows nothing.
                status: Status::parse(&row.get::<String>(1).unwrap_or_default())
                    .unwrap_or(Status::Archived),
                is_enabled: row.get(2).unwrap_or(false),
                definition: DefinitionRow {
                    version: row.get(3).unwrap_or_default(),
                    is_known: row.get(4).unwrap_or(false),
                    schema: row.get(5),
                    options: row.get(6),
                },
                xmins: [row.get(7), row.get(8)],
            })
        })
    })
}

/// A project's table of a tool, for this transaction to change.
pub fn lock(project: ProjectId, tool_id: i64) -> Option<ProjectTool> {
    write(
        "SELECT x.disabled_at IS NULL FROM projectalpha.project_tools AS x \
         WHERE x.project_id OPERATOR(pg_catalog.=) $1 AND x.tool_id OPERATOR(pg_catalog.=) $2 \
         FOR UPDATE",
        of(project, tool_id),
        |rows| {
            rows.first().map(|row| ProjectTool {
                is_enabled: row.get(1).unwrap_or(false),
            })
        },
    )
}

/// Notes that a project has a table of a tool, of its last version; false if it has
/// one already. The caller holds the tool.
pub fn insert(project: ProjectId, tool_id: i64) -> bool {
    write(
        &format!(
            "INSERT INTO projectalpha.project_tools (project_id, tool_id, schema_version) \
             VALUES ($1, $2, {LATEST_VERSION}) ON CONFLICT DO NOTHING"
        ),
        of(project, tool_id),
        |rows| rows.count() > 0,
    )
}

/// The last version of the tool with the id $2.
const LATEST_VERSION: &str =
    "COALESCE((SELECT pg_catalog.max(h.version) FROM projectalpha.schema_history AS h \
                                         WHERE h.tool_id OPERATOR(pg_catalog.=) $2), 1)";

pub fn set_enabled(project: ProjectId, tool_id: i64, enabled: bool) {
    let set = if enabled {
        "disabled_at = NULL, enabled_at = pg_catalog.now()"
    } else {
        "disabled_at = pg_catalog.now()"
    };
    write(
        &format!(
            "UPDATE projectalpha.project_tools AS x SET {set} \
             WHERE x.project_id OPERATOR(pg_catalog.=) $1 AND x.tool_id OPERATOR(pg_catalog.=) $2"
        ),
        of(project, tool_id),
        |_| (),
    );
}

/// Notes that the project's table is as the tool is now. The caller holds the tool.
pub fn set_latest_version(project: ProjectId, tool_id: i64) {
    write(
        &format!(
            "UPDATE projectalpha.project_tools AS x SET schema_version = {LATEST_VERSION} \
             WHERE x.project_id OPERATOR(pg_catalog.=) $1 AND x.tool_id OPERATOR(pg_catalog.=) $2"
        ),
        of(project, tool_id),
        |_| (),
    );
}

pub fn delete(project: ProjectId, tool_id: i64) {
    write(
        "DELETE FROM projectalpha.project_tools AS x \
         WHERE x.project_id OPERATOR(pg_catalog.=) $1 AND x.tool_id OPERATOR(pg_catalog.=) $2",
        of(project, tool_id),
        |_| (),
    );
}

/// The tools whose tables in a project follow an older version, by name.
pub fn outdated(project: ProjectId) -> Vec<String> {
    write(
        "SELECT pg_catalog.array_agg(t.tool_name ORDER BY t.tool_name) \
         FROM projectalpha.project_tools AS x \
         JOIN projectalpha.tools AS t ON t.id OPERATOR(pg_catalog.=) x.tool_id \
         WHERE x.project_id OPERATOR(pg_catalog.=) $1 \
           AND x.schema_version OPERATOR(pg_catalog.<) \
               (SELECT pg_catalog.max(h.version) FROM projectalpha.schema_history AS h \
                 WHERE h.tool_id OPERATOR(pg_catalog.=) x.tool_id)",
        vec![project.value().into()],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or_default(),
    )
}

/// Adds the token of a project for a tool; false if it is in use already.
pub fn insert_credential(
    project: ProjectId,
    tool_id: i64,
    token: &NewToken,
    scopes: &[&str],
) -> bool {
    write(
        "INSERT INTO projectalpha.credentials (project_id, tool_id, digest, hint, scopes) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        vec![
            project.value().into(),
            tool_id.into(),
            token.digest.as_bytes().into(),
            token.hint.as_str().into(),
            scopes.to_vec().into(),
        ],
        |rows| rows.count() > 0,
    )
}

/// Revokes every live token of a project for a tool.
pub fn revoke_credentials(project: ProjectId, tool_id: i64) {
    write(
        "UPDATE projectalpha.credentials AS c SET revoked_at = pg_catalog.now() \
         WHERE c.project_id OPERATOR(pg_catalog.=) $1 AND c.tool_id OPERATOR(pg_catalog.=) $2 \
           AND c.revoked_at IS NULL",
        of(project, tool_id),
        |_| (),
    );
}

/// True if a project or an agent has, or had, this token for the tool.
pub fn was_of_somebody(tool_id: i64, digest: &Digest) -> bool {
    is_installed()
        && FORMER_CREDENTIAL.with(|query| {
            let params = vec![tool_id.into(), digest.as_bytes().into()];
            read(query, params, |rows| rows.count() > 0)
        })
}

/// How many projects have a table of a tool, as it is committed now.
pub fn count_of_tool(tool_id: i64) -> i64 {
    count("x.tool_id OPERATOR(pg_catalog.=) $1", vec![tool_id.into()])
}

/// How many of them follow an older version than its last.
pub fn count_outdated(tool_id: i64) -> i64 {
    count(
        "x.tool_id OPERATOR(pg_catalog.=) $1 AND x.schema_version OPERATOR(pg_catalog.<) \
             (SELECT pg_catalog.max(h.version) FROM projectalpha.schema_history AS h \
               WHERE h.tool_id OPERATOR(pg_catalog.=) $1)",
        vec![tool_id.into()],
    )
}

/// For how many projects of a client a tool is enabled.
pub fn count_of_client(client_id: i64, tool_id: i64) -> i64 {
    count(
        "x.tool_id OPERATOR(pg_catalog.=) $2 AND x.disabled_at IS NULL \
         AND x.project_id IN (SELECT p.id FROM projectalpha.projects AS p \
                               WHERE p.client_id OPERATOR(pg_catalog.=) $1)",
        vec![client_id.into(), tool_id.into()],
    )
}

fn count(condition: &str, params: Vec<Param>) -> i64 {
    if !is_installed() {
        return 0;
    }
    let sql = format!(
        "SELECT pg_catalog.count(*) FROM projectalpha.project_tools AS x WHERE {condition}"
    );
    as_owner_with_pinned_path(|| {
        spi::with_latest_snapshot(|| {
            spi::connected(|c| {
                let rows = c.execute(&sql, params, Access::Read);
                rows.first().and_then(|row| row.get(1)).unwrap_or_default()
            })
        })
    })
}

/// True if a client may use a tool; it may until the end of this transaction.
pub fn lock_allowance(client_id: i64, tool_id: i64) -> bool {
    write(
        "SELECT FROM projectalpha.client_tools AS a \
         WHERE a.client_id OPERATOR(pg_catalog.=) $1 AND a.tool_id OPERATOR(pg_catalog.=) $2 FOR SHARE",
        vec![client_id.into(), tool_id.into()],
        |rows| rows.count() > 0,
    )
}

/// Lets a client use a tool.
pub fn allow(client_id: i64, tool_id: i64) {
    write(
        "INSERT INTO projectalpha.client_tools (client_id, tool_id) VALUES ($1, $2) \
         ON CONFLICT DO NOTHING",
        vec![client_id.into(), tool_id.into()],
        |_| (),
    );
}

/// Takes that back; false if it was not so.
pub fn disallow(client_id: i64, tool_id: i64) -> bool {
    write(
        "DELETE FROM projectalpha.client_tools AS a \
         WHERE a.client_id OPERATOR(pg_catalog.=) $1 AND a.tool_id OPERATOR(pg_catalog.=) $2",
        vec![client_id.into(), tool_id.into()],
        |rows| rows.count() > 0,
    )
}

/// Forgets which clients might use a tool that is no longer there.
pub fn forget_clients(tool_id: i64) {
    if !is_installed() {
        return;
    }
    write(
        "DELETE FROM projectalpha.client_tools AS c WHERE c.tool_id OPERATOR(pg_catalog.=) $1 \
         AND NOT EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1) \
         AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a \
                         WHERE a.tool_id OPERATOR(pg_catalog.=) $1)",
        vec![tool_id.into()],
        |_| (),
    );
}

fn of(project: ProjectId, tool_id: i64) -> Vec<Param> {
    vec![project.value().into(), tool_id.into()]
}
