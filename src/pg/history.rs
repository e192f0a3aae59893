//! The history of the tools' schemas.

use pgrx::pg_sys;

use super::ddl::relation_oid;
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
    relation_oid(&TableName::of_configuration("schema_history"))?;
    write(
        "INSERT INTO projectalpha.schema_history \
             (tool_id, version, tool_name, changed_by, changed_through, change, schema_definition, options) \
         SELECT t.id, COALESCE((SELECT pg_catalog.max(h.version) FROM projectalpha.schema_history AS h \
                                WHERE h.tool_id OPERATOR(pg_catalog.=) t.id), 0) OPERATOR(pg_catalog.+) 1 \
              , t.tool_name, $2, $3, $4::pg_catalog.jsonb, t.schema_definition, t.options \
         FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1 RETURNING version",
        vec![
            tool_id.into(),
            changed_by.into(),
            changed_through.into(),
            change.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Writes down how a tool was before its first recorded change: one that is
/// older than the history has no version 1 yet.
pub fn ensure_first_version(tool_id: i64) {
    write(
        "INSERT INTO projectalpha.schema_history \
             (tool_id, version, tool_name, changed_at, changed_by, changed_through, change, schema_definition, options) \
         SELECT t.id, 1, t.tool_name, t.created_at, 'unknown', 'sql', '{\"register\": {}}', t.schema_definition, t.options \
         FROM projectalpha.tools AS t \
         WHERE t.id OPERATOR(pg_catalog.=) $1 \
           AND NOT EXISTS (SELECT FROM projectalpha.schema_history AS h \
                           WHERE h.tool_id OPERATOR(pg_catalog.=) t.id)",
        vec![tool_id.into()],
        |_| (),
    );
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
