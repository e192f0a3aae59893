//! The history of the tools' schemas.

use pgrx::pg_sys;

use super::ddl::{has_column, relation_oid};
use super::ident::TableName;
use super::registry::{read, write};
use super::spi::KeptStatement;
use crate::model::revision::FIRST_SCHEMA;

thread_local! {
    static LATEST: KeptStatement = const { KeptStatement::new(
        "SELECT pg_catalog.max(h.version) FROM projectalpha.schema_history AS h \
         WHERE h.tool_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
}

/// The version of the schema that a tool has now.
pub fn latest_version(tool_id: i64) -> i32 {
    // Until ALTER EXTENSION ... UPDATE has run there is no history.
    if relation_oid(&TableName::of_configuration("schema_history")).is_none() {
        return FIRST_SCHEMA;
    }
    LATEST
        .with(|query| {
            read(query, vec![tool_id.into()], |rows| {
                rows.first().and_then(|row| row.get(1))
            })
        })
        .unwrap_or(FIRST_SCHEMA)
}

/// Adds the version that the tool's row has now. The caller has just made that
/// row or holds it locked.
/// Gives its number.
pub fn append(tool_id: i64, changed_by: &str, changed_through: &str, change: &str) -> Option<i32> {
    // Until ALTER EXTENSION ... UPDATE has run there is no history.
    relation_oid(&history())?;
    let (options, of_tool) = options_columns();
    write(
        &format!("INSERT INTO projectalpha.schema_history \
             (tool_id, version, tool_name, changed_by, changed_through, change, schema_definition{options}) \
         SELECT t.id, COALESCE((SELECT pg_catalog.max(h.version) FROM projectalpha.schema_history AS h \
                                WHERE h.tool_id OPERATOR(pg_catalog.=) t.id), 0) OPERATOR(pg_catalog.+) 1 \
              , t.tool_name, $2, $3, $4::pg_catalog.jsonb, t.schema_definition{of_tool} \
         FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1 RETURNING version"),
        vec![
            tool_id.into(),
            changed_by.into(),
            changed_through.into(),
            change.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Writes down how a tool was before a change of it, as far as it is not: one that
/// is older than the history has no version 1 yet, and one that is older than the
/// column `options` has versions without them.
pub fn ensure_last_version(tool_id: i64) {
    let (options, of_tool) = options_columns();
    write(
        &format!(
            "INSERT INTO projectalpha.schema_history \
             (tool_id, version, tool_name, changed_at, changed_by, changed_through, change, schema_definition{options}) \
         SELECT t.id, 1, t.tool_name, t.created_at, 'unknown', 'sql', '{{\"register\": {{}}}}', t.schema_definition{of_tool} \
         FROM projectalpha.tools AS t \
         WHERE t.id OPERATOR(pg_catalog.=) $1 \
           AND NOT EXISTS (SELECT FROM projectalpha.schema_history AS h \
                           WHERE h.tool_id OPERATOR(pg_catalog.=) t.id)"
        ),
        vec![tool_id.into()],
        |_| (),
    );
    if !options.is_empty() {
        write(
            "UPDATE projectalpha.schema_history AS h SET options = t.options \
             FROM projectalpha.tools AS t \
             WHERE t.id OPERATOR(pg_catalog.=) $1 AND h.tool_id OPERATOR(pg_catalog.=) $1 \
               AND h.options IS NULL \
               AND h.version OPERATOR(pg_catalog.=) \
                   (SELECT pg_catalog.max(v.version) FROM projectalpha.schema_history AS v \
                     WHERE v.tool_id OPERATOR(pg_catalog.=) $1)",
            vec![tool_id.into()],
            |_| (),
        );
    }
}

/// The changes of a tool after a version of it, as JSON text, oldest first.
pub fn changes_after(tool_id: i64, version: i32) -> Vec<String> {
    write(
        "SELECT pg_catalog.array_agg(h.change::pg_catalog.text ORDER BY h.version) \
         FROM projectalpha.schema_history AS h \
         WHERE h.tool_id OPERATOR(pg_catalog.=) $1 AND h.version OPERATOR(pg_catalog.>) $2",
        vec![tool_id.into(), version.into()],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or_default(),
    )
}

/// The column of a version's options, and where they come from; nothing until ALTER
/// EXTENSION ... UPDATE has run.
fn options_columns() -> (&'static str, &'static str) {
    if has_column(&history(), "options") {
        (", options", ", t.options")
    } else {
        ("", "")
    }
}

fn history() -> TableName {
    TableName::of_configuration("schema_history")
}

/// Removes the history of a tool that is no longer there.
pub fn forget(tool_id: i64) {
    write(
        "DELETE FROM projectalpha.schema_history AS h WHERE h.tool_id OPERATOR(pg_catalog.=) $1 \
         AND NOT EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1) \
         AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a \
                         WHERE a.tool_id OPERATOR(pg_catalog.=) $1)",
        vec![tool_id.into()],
        |_| (),
    );
}
