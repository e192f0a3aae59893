//! The operations of a tool, one function for each.

use serde_json::{json, Value};

use super::answers::{message, responses, success};
use super::schemas::reference;
use super::{examples, Documented, ADMIN_TOKEN, TOOL_TOKEN};
use crate::model::page::{DEFAULT_LIMIT, MAX_HTTP_LIMIT};

/// `GET /tools/{tool_id}`
pub fn list_records(tool: &Documented<'_>) -> Value {
    let parameters = json!([
        row_count("limit", DEFAULT_LIMIT, &format!("Most records to list. More than {MAX_HTTP_LIMIT} gives that many.")),
        row_count("offset", 0, "Records to skip. It costs more the more they are: see after_id."),
        {
            "name": "after_id",
            "in": "query",
            "description": "Only records with a greater id: the last id of the page before.",
            "schema": {"type": "integer", "minimum": 0},
        },
    ]);
    let page = json!({"type": "array", "maxItems": MAX_HTTP_LIMIT, "items": reference("Record")});
    let listed: Vec<Value> = (1..=2)
        .map(|nth| examples::record(tool.schema, nth))
        .collect();
    let mut records = success("The records, oldest first.", page, listed.into());
    records["headers"] = json!({"Link": {
        "description": "If there is a next page, where it is.",
        "schema": {"type": "string"},
        "example": format!("</tools/{}?limit=2&after_id=2>; rel=\"next\"", tool.name),
    }});
    let statuses: &[&str] = if tool.sensitive {
        &["401", "404", "422", "500"]
    } else {
        &["404", "422", "500"]
    };
    json!({
        "operationId": "listRecords",
        "summary": "List records, oldest first",
        "security": to_read(tool),
        "parameters": parameters,
        "responses": responses(records, statuses),
    })
}

/// `POST /tools/{tool_id}`
pub fn store_record(tool: &Documented<'_>) -> Value {
    json!({
        "operationId": "storeRecord",
        "summary": "Store a record",
        "security": [{TOOL_TOKEN: []}],
        "requestBody": body(reference("NewRecord"), examples::new_record(tool.schema, 1)),
        "responses": responses(
            message("The record is stored.", "Data stored successfully"),
            &["400", "401", "404", "413", "422", "500"],
        ),
    })
}

/// `POST /tools/{tool_id}/records:batch`
pub fn store_records(tool: &Documented<'_>) -> Value {
    let records: Vec<Value> = (1..=2)
        .map(|nth| examples::new_record(tool.schema, nth))
        .collect();
    json!({
        "operationId": "storeRecords",
        "summary": "Store many records, all or nothing",
        "security": [{TOOL_TOKEN: []}],
        "requestBody": body(json!({"type": "array", "items": reference("NewRecord")}), records.into()),
        "responses": responses(
            message("All records are stored.", "2 records stored"),
            &["400", "401", "404", "413", "422", "500"],
        ),
    })
}

/// `DELETE /tools/{tool_id}`
pub fn delete_tool(tool: &Documented<'_>) -> Value {
    json!({
        "operationId": "deleteTool",
        "summary": "Delete the tool with all its records",
        "description": "Cannot be undone.",
        "security": [{ADMIN_TOKEN: []}],
        "responses": responses(
            message("The tool is deleted.", &format!("Tool '{}' deleted", tool.name)),
            &["403", "404", "422", "500"],
        ),
    })
}

/// `GET /tools/{tool_id}/openapi.json`
pub fn tool_document(tool: &Documented<'_>) -> Value {
    let (security, statuses): (Value, &[&str]) = if tool.sensitive {
        (
            json!([{TOOL_TOKEN: []}, {ADMIN_TOKEN: []}]),
            &["401", "403", "404", "500"],
        )
    } else {
        (json!([]), &["404", "500"])
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
        "responses": responses(success("The document.", document, shown), statuses),
    })
}

/// Reading is public unless the tool is sensitive.
fn to_read(tool: &Documented<'_>) -> Value {
    if tool.sensitive {
        json!([{TOOL_TOKEN: []}])
    } else {
        json!([])
    }
}

fn body(schema: Value, example: Value) -> Value {
    json!({
        "required": true,
        "content": {"application/json": {"schema": schema, "example": example}},
    })
}

fn row_count(name: &str, default: i64, description: &str) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": "integer", "minimum": 0, "default": default},
    })
}
