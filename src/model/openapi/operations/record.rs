//! Operations on one record.

use serde_json::{json, Value};

use super::super::answers::{gated, message, not_modified, success};
use super::super::schemas::reference;
use super::super::{examples, parameters, Documented};
use super::{body, statuses, to_read, to_write};

/// `GET /tools/{tool_id}/records/{record_id}`
pub fn get_record(tool: &Documented<'_>) -> Value {
    let mut parameters = vec![parameters::record_id()];
    if tool.options.versioned {
        parameters.push(parameters::if_none_match());
    }
    let mut responses = gated(
        a_record("The record.", tool),
        &statuses(&[
            ("401", tool.sensitive),
            ("404", true),
            ("409", tool.in_project),
            ("422", true),
            ("500", true),
        ]),
    );
    if tool.options.versioned {
        responses["304"] = not_modified();
    }
    json!({
        "operationId": "getRecord",
        "summary": "Get a record",
        "security": to_read(tool),
        "parameters": parameters,
        "responses": responses,
    })
}

/// `PATCH /tools/{tool_id}/records/{record_id}`
pub fn update_record(tool: &Documented<'_>) -> Value {
    json!({
        "operationId": "updateRecord",
        "summary": "Change fields of a record",
        "description": "Those that are not named stay as they are; null clears one.",
        "security": to_write(),
        "parameters": of_one_version(tool),
        "requestBody": body(reference("Changes"), Some(examples::changes(tool))),
        "responses": gated(a_record("The record as it is now.", tool), &statuses(&[
            ("400", true),
            ("401", true),
            ("404", true),
            ("409", true),
            ("412", tool.options.versioned),
            ("413", true),
            ("422", true),
            ("500", true),
        ])),
    })
}

/// `DELETE /tools/{tool_id}/records/{record_id}`
pub fn delete_record(tool: &Documented<'_>) -> Value {
    json!({
        "operationId": "deleteRecord",
        "summary": "Delete a record",
        "description": "Cannot be undone.",
        "security": to_write(),
        "parameters": of_one_version(tool),
        "responses": gated(message("The record is deleted.", "Record 1 deleted"), &statuses(&[
            ("401", true),
            ("404", true),
            ("409", true),
            ("412", tool.options.versioned),
            ("422", true),
            ("500", true),
        ])),
    })
}

fn of_one_version(tool: &Documented<'_>) -> Vec<Value> {
    let mut parameters = vec![parameters::record_id()];
    if tool.options.versioned {
        parameters.push(parameters::if_match());
    }
    parameters
}

fn a_record(description: &str, tool: &Documented<'_>) -> Value {
    let mut answer = success(description, reference("Record"), examples::record(tool, 1));
    if tool.options.versioned {
        answer["headers"] = json!({"ETag": {
            "description": "The version, in quotes.",
            "schema": {"type": "string"},
            "example": "\"1\"",
        }});
    }
    answer
}
