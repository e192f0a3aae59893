//! Operations that find records.

use serde_json::{json, Value};

use super::super::answers::{gated, success};
use super::super::schemas::reference;
use super::super::{examples, parameters, Documented};
use super::{statuses, to_read};
use crate::model::page::MAX_HTTP_LIMIT;

/// `GET /tools/{tool_id}`
pub fn list_records(tool: &Documented<'_>) -> Value {
    let mut parameters = parameters::page(tool);
    parameters.extend(parameters::filters(tool));
    let page = json!({"type": "array", "maxItems": MAX_HTTP_LIMIT, "items": reference("Record")});
    let listed = (1..=2).map(|nth| examples::record(tool, nth)).collect();
    let mut records = success(
        "The records, oldest first unless asked for in another order.",
        page,
        listed,
    );
    records["headers"] = json!({"Link": {
        "description": "If there is a next page, where it is.",
        "schema": {"type": "string"},
        "example": format!("</tools/{}?limit=2&after_id=2>; rel=\"next\"", tool.name),
    }});
    json!({
        "operationId": "listRecords",
        "summary": "List records, oldest first or in another order",
        "description": "All conditions must hold.",
        "security": to_read(tool),
        "parameters": parameters,
        "responses": gated(records, &statuses(&[
            ("400", true),
            ("401", tool.sensitive),
            ("404", true),
            ("409", tool.in_project),
            ("422", true),
            ("500", true),
        ])),
    })
}

/// `GET /tools/{tool_id}/records:count`
pub fn count_records(tool: &Documented<'_>) -> Value {
    let count = json!({
        "type": "object",
        "required": ["count"],
        "properties": {"count": {"type": "integer", "format": "int64", "minimum": 0}},
        "additionalProperties": false,
    });
    let counted = success("How many there are.", count, Some(json!({"count": 2})));
    json!({
        "operationId": "countRecords",
        "summary": "Count records",
        "description": "All of them, or those for which all conditions hold.",
        "security": to_read(tool),
        "parameters": parameters::filters(tool).collect::<Vec<_>>(),
        "responses": gated(counted, &statuses(&[
            ("400", true),
            ("401", tool.sensitive),
            ("404", true),
            ("409", tool.in_project),
            ("500", true),
        ])),
    })
}
