//! The rows of archived tools: their registrations and credentials.

use super::ddl::relation_oid;
use super::ident::{column_list, TableName};
use super::registry::{has_agents, write};
use super::spi::Rows;
use crate::model::name::ToolName;
use crate::model::token::Digest;

/// A row of `projectalpha.archived_tools`.
pub struct ArchivedTool {
    pub id: i64,
    pub tool_id: i64,
    pub table: TableName,
    /// JSON text: names of indexes and sequences before, by their names now.
    pub renamed: String,
}

/// The time now for the name of an archived table: UTC, to the microsecond.
pub fn timestamp() -> String {
    write(
        "SELECT pg_catalog.to_char(\
             pg_catalog.timezone('UTC', pg_catalog.clock_timestamp()), 'YYYYMMDDHH24MISSUS')",
        vec![],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or_default(),
    )
}

/// Copies the registration, the configuration (beside the columns of the
/// registration) and the credentials of a tool and gives the id they are kept
/// under. No project has a table of it, so tokens of projects are all revoked, and not
/// kept. The caller holds the tool's row locked.
pub fn keep(tool_id: i64, table: &TableName, archived_by: &str, renamed: &str) -> Option<i64> {
    let archived_id: Option<i64> = write(
        "INSERT INTO projectalpha.archived_tools AS a \
             (tool_id, tool_name, table_schema, table_name, archived_by, registration, renamed) \
         SELECT t.id, t.tool_name, $2, $3, $4 \
              , pg_catalog.to_jsonb(t) OPERATOR(pg_catalog.||) COALESCE(\
                    (SELECT pg_catalog.jsonb_build_object('configuration', pg_catalog.to_jsonb(c)) \
                     FROM projectalpha.tool_configuration AS c \
                     WHERE c.tool_name OPERATOR(pg_catalog.=) t.tool_name), '{}') \
              , $5::pg_catalog.jsonb \
         FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1 RETURNING a.id",
        vec![
            tool_id.into(),
            table.schema.as_str().into(),
            table.table.as_str().into(),
            archived_by.into(),
            renamed.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    );
    let columns = column_list(credential_columns().iter().copied());
    write(
        &format!(
            "INSERT INTO projectalpha.archived_credentials (archived_id, {columns}) \
             SELECT $2, {columns} \
             FROM projectalpha.credentials AS c WHERE c.tool_id OPERATOR(pg_catalog.=) $1 \
               AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'project_id') IS NULL"
        ),
        vec![tool_id.into(), archived_id.into()],
        |_| (),
    );
    archived_id
}

/// The columns of a credential that are kept, but that of the tool.
fn credential_columns() -> Vec<&'static str> {
    let mut columns = vec![
        "id",
        "digest",
        "hint",
        "scopes",
        "label",
        "created_at",
        "expires_at",
        "revoked_at",
    ];
    if has_agents() {
        columns.push("agent_id");
    }
    columns
}

/// Finds an archived tool and locks its row: the last one of that name, or the
/// one with that id.
pub fn find(name: Option<&ToolName>, archived_id: Option<i64>) -> Option<ArchivedTool> {
    write(
        "SELECT a.id, a.tool_id, a.table_schema, a.table_name, a.renamed::pg_catalog.text \
         FROM projectalpha.archived_tools AS a \
         WHERE ($1 IS NULL OR a.tool_name OPERATOR(pg_catalog.=) $1) \
           AND ($2 IS NULL OR a.id OPERATOR(pg_catalog.=) $2) \
         ORDER BY a.id DESC LIMIT 1 FOR UPDATE",
        vec![name.map(ToolName::as_str).into(), archived_id.into()],
        |rows| {
            rows.first().map(|row| ArchivedTool {
                id: row.get(1).unwrap_or_default(),
                tool_id: row.get(2).unwrap_or_default(),
                table: TableName {
                    schema: row.get(3).unwrap_or_default(),
                    table: row.get(4).unwrap_or_default(),
                },
                renamed: row.get(5).unwrap_or_default(),
            })
        },
    )
}

/// Puts the registration and the credentials back, under this name; false if
/// the name is taken.
pub fn put_back(archived: &ArchivedTool, name: &ToolName) -> bool {
    // A column that was added to the catalogue since gets its default.
    let columns = column_list(registered_columns(archived.id).iter().map(String::as_str));
    let registered = write(
        &format!(
            "INSERT INTO projectalpha.tools ({columns}) OVERRIDING SYSTEM VALUE \
             SELECT {columns} FROM (\
                 SELECT (pg_catalog.jsonb_populate_record(NULL::projectalpha.tools, \
                     a.registration OPERATOR(pg_catalog.||) \
                     pg_catalog.jsonb_build_object('tool_name', $2))).* \
                 FROM projectalpha.archived_tools AS a WHERE a.id OPERATOR(pg_catalog.=) $1) AS r \
             ON CONFLICT (tool_name) DO NOTHING"
        ),
        vec![archived.id.into(), name.as_str().into()],
        |rows| rows.count() > 0,
    );
    if registered {
        let columns = column_list(credential_columns().iter().copied());
        write(
            &format!(
                "INSERT INTO projectalpha.credentials (tool_id, {columns}) OVERRIDING SYSTEM VALUE \
                 SELECT $2, {columns} FROM projectalpha.archived_credentials AS c \
                 WHERE c.archived_id OPERATOR(pg_catalog.=) $1"
            ),
            vec![archived.id.into(), archived.tool_id.into()],
            |_| (),
        );
    }
    registered
}

/// Puts the configuration back, if the tool had one, under this name. Who posts
/// to its endpoint finds it again.
pub fn put_configuration_back(archived: &ArchivedTool, name: &ToolName) {
    write(
        "INSERT INTO projectalpha.tool_configuration \
             (tool_name, sensitive, use_individual_table, promoting, created_at) \
         SELECT $2, c.sensitive, c.use_individual_table, c.promoting, c.created_at \
         FROM projectalpha.archived_tools AS a, pg_catalog.jsonb_populate_record(\
             NULL::projectalpha.tool_configuration, a.registration OPERATOR(pg_catalog.->) 'configuration') AS c \
         WHERE a.id OPERATOR(pg_catalog.=) $1 \
           AND a.registration OPERATOR(pg_catalog.?) 'configuration'",
        vec![archived.id.into(), name.as_str().into()],
        |_| (),
    );
}

/// The columns of the catalogue that the kept registration has a value for.
fn registered_columns(archived_id: i64) -> Vec<String> {
    write(
        "SELECT pg_catalog.array_agg(f.attname::pg_catalog.text ORDER BY f.attnum) \
         FROM pg_catalog.pg_attribute AS f, projectalpha.archived_tools AS a \
         WHERE a.id OPERATOR(pg_catalog.=) $1 \
           AND f.attrelid OPERATOR(pg_catalog.=) 'projectalpha.tools'::pg_catalog.regclass \
           AND f.attnum OPERATOR(pg_catalog.>) 0 AND NOT f.attisdropped \
           AND a.registration OPERATOR(pg_catalog.?) f.attname::pg_catalog.text",
        vec![archived_id.into()],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or_default(),
    )
}

/// Removes what is kept of an archived tool.
pub fn forget(archived_id: i64) {
    write(
        "DELETE FROM projectalpha.archived_credentials AS c \
         WHERE c.archived_id OPERATOR(pg_catalog.=) $1",
        vec![archived_id.into()],
        |_| (),
    );
    write(
        "DELETE FROM projectalpha.archived_tools AS a WHERE a.id OPERATOR(pg_catalog.=) $1",
        vec![archived_id.into()],
        |_| (),
    );
}

/// Revokes credentials of archived tools, too: what was revoked must not come
/// back with the tool. Gives how many.
pub fn revoke_credentials(digest: Option<&Digest>, id: Option<i64>) -> usize {
    // Until ALTER EXTENSION ... UPDATE has run there are none.
    if relation_oid(&TableName::of_configuration("archived_credentials")).is_none() {
        return 0;
    }
    write(
        "UPDATE projectalpha.archived_credentials AS c SET revoked_at = pg_catalog.now() \
         WHERE c.revoked_at IS NULL \
         AND (c.digest OPERATOR(pg_catalog.=) $1 OR c.id OPERATOR(pg_catalog.=) $2)",
        vec![digest.map(|d| d.as_bytes()).into(), id.into()],
        Rows::count,
    )
}
