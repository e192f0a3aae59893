//! Operations on the tool itself.

use serde_json::{json, Value};

use super::super::answers::{gated, message, responses, success};
use super::super::{Documented, ADMIN_TOKEN, TOOL_TOKEN};
use super::statuses;

/// `DELETE /tools/{tool_id}`
pub fn delete_tool(tool: &Documented<'_>) -> Value {
    json!({
        "operationId": "deleteTool",
        "summary": "Delete the tool with all its records",
        "description": "Cannot be undone.",
        "security": [{ADMIN_TOKEN: []}],
        "responses": responses(
            message("The tool is deleted.", &format!("Tool '{}' deleted", tool.name)),
            &["403", "404", "409", "422", "500"],
        ),
    })
}

/// `GET /tools/{tool_id}/openapi.json`
pub fn tool_document(tool: &Documented<'_>) -> Value {
    let security = if tool.sensitive {
        json!([{TOOL_TOKEN: []}, {ADMIN_TOKEN: []}])
    } else {
        json!([])
    };
    let document = json!({
        "type": "object",
        "required": ["openapi", "info", "paths"],
        "properties": {
            "openapi": {"type": "string"},
            "info": {"type": "object"},
            "paths": {"type": "object"},
        },
    });
    let shown = json!({
        "openapi": "3.1.0",
        "info": {"title": tool.name, "version": env!("CARGO_PKG_VERSION")},
        "paths": {},
    });
    json!({
        "operationId": "getDocument",
        "summary": "This document",
        "security": security,
        "responses": gated(success("The document.", document, Some(shown)), &statuses(&[
            ("401", tool.sensitive),
            ("404", true),
            ("409", tool.in_project),
            ("500", true),
        ])),
    })
}
