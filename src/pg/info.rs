//! The rows of `projectalpha.tool_info`: what is said of tools.

use super::ddl::relation_oid;
use super::ident::TableName;
use super::registry::write;
use crate::model::name::ToolName;

/// What examples are compared with, as it is now; JSON texts.
pub struct Compared {
    pub inputs: Option<String>,
    pub outputs: Option<String>,
    pub examples: Option<String>,
}

/// The id of a tool, which nobody deletes until the transaction ends. Its row stays
/// as it is, and so do the caches that follow it.
pub fn keep_tool(name: &ToolName) -> Option<i64> {
    write(
        "SELECT t.id FROM projectalpha.tools AS t \
         WHERE t.tool_name OPERATOR(pg_catalog.=) $1 FOR KEY SHARE",
        vec![name.as_str().into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Has every other change of a tool's facts wait for the end of this transaction.
pub fn lock(tool_id: i64) {
    write(
        "INSERT INTO projectalpha.tool_info AS i (tool_id) VALUES ($1) \
         ON CONFLICT (tool_id) DO UPDATE SET tool_id = i.tool_id",
        vec![tool_id.into()],
        |_| (),
    );
}

/// Sets the columns that a JSON object names; null clears one. The caller has
/// checked names and values.
pub fn update(tool_id: i64, columns: &str) {
    write(
        "UPDATE projectalpha.tool_info AS i \
         SET (category, api_endpoint, auth_method, auth_config, params, version, tags, allowed_scopes, owner \
            , schema_type, schema_version, inputs, outputs, examples, custom_metrics, updated_at) \
           = (SELECT r.category, r.api_endpoint, r.auth_method, r.auth_config, r.params, r.version, r.tags \
                   , r.allowed_scopes, r.owner, r.schema_type, r.schema_version, r.inputs, r.outputs, r.examples \
                   , r.custom_metrics, pg_catalog.now() \
                FROM pg_catalog.jsonb_populate_record(i, $2::pg_catalog.jsonb) AS r) \
         WHERE i.tool_id OPERATOR(pg_catalog.=) $1",
        vec![tool_id.into(), columns.into()],
        |_| (),
    );
}

pub fn compared(tool_id: i64) -> Compared {
    write(
        "SELECT i.inputs::pg_catalog.text, i.outputs::pg_catalog.text, i.examples::pg_catalog.text \
         FROM projectalpha.tool_info AS i WHERE i.tool_id OPERATOR(pg_catalog.=) $1",
        vec![tool_id.into()],
        |rows| {
            let column = |position| rows.first().and_then(|row| row.get(position));
            Compared {
                inputs: column(1),
                outputs: column(2),
                examples: column(3),
            }
        },
    )
}

/// Makes a tool take writes, or refuse them; false if there is none of that name.
pub fn set_active(name: &ToolName, is_active: bool) -> bool {
    write(
        "UPDATE projectalpha.tools AS t SET is_active = $2 \
         WHERE t.tool_name OPERATOR(pg_catalog.=) $1",
        vec![name.as_str().into(), is_active.into()],
        |rows| rows.count() > 0,
    )
}

/// Removes facts and secrets of a tool that is no longer there, nor archived.
pub fn forget(tool_id: i64) {
    // Until ALTER EXTENSION ... UPDATE has run there are none.
    if relation_oid(&TableName::of_configuration("tool_info")).is_none() {
        return;
    }
    for table in ["tool_info", "tool_secrets"] {
        write(
            &format!(
                "DELETE FROM projectalpha.{table} AS i WHERE i.tool_id OPERATOR(pg_catalog.=) $1 \
                 AND NOT EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1) \
                 AND NOT EXISTS (SELECT FROM projectalpha.archived_tools AS a \
                                 WHERE a.tool_id OPERATOR(pg_catalog.=) $1)"
            ),
            vec![tool_id.into()],
            |_| (),
        );
    }
}
