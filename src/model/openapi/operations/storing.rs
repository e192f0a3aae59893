//! Operations that take new records.

use serde_json::{json, Value};

use super::super::answers::{gated, message, success};
use super::super::schemas::reference;
use super::super::{examples, parameters, Documented};
use super::{body, statuses, to_read, to_write};

/// `POST /tools/{tool_id}`
pub fn store_record(tool: &Documented<'_>) -> Value {
    json!({
        "operationId": "storeRecord",
        "summary": "Store a record",
        "security": to_write(),
        "parameters": [parameters::idempotency_key()],
        "requestBody": body(reference("NewRecord"), examples::new_record(tool, 1)),
        "responses": stored("The record is stored.", "Data stored successfully", tool),
    })
}

/// `POST /tools/{tool_id}/records:batch`
pub fn store_records(tool: &Documented<'_>) -> Value {
    let records = (1..=2).map(|nth| examples::new_record(tool, nth)).collect();
    let schema = json!({"type": "array", "items": reference("NewRecord")});
    json!({
        "operationId": "storeRecords",
        "summary": "Store many records, all or nothing",
        "security": to_write(),
        "requestBody": body(schema, records),
        "responses": stored("All records are stored.", "2 records stored", tool),
    })
}

fn stored(description: &str, text: &str, tool: &Documented<'_>) -> Value {
    gated(message(description, text), &refusals(tool))
}

fn refusals(tool: &Documented<'_>) -> Vec<&'static str> {
    statuses(&[
        ("400", true),
        ("401", true),
        ("404", true),
        ("409", true),
        ("413", true),
        ("422", true),
        ("500", true),
        ("507", tool.is_limited()),
    ])
}

/// `POST /tools/{tool_id}/records:upsert`, if the tool has a unique field.
pub fn upsert_record(tool: &Documented<'_>) -> Value {
    let schema = json!({
        "type": "object",
        "required": ["id", "inserted"],
        "properties": {
            "id": {"type": ["integer", "null"], "format": "int64"},
            "inserted": {"type": "boolean", "description": "True if it is a new record."},
        },
        "additionalProperties": false,
    });
    let done = success(
        "The record is stored.",
        schema,
        Some(json!({"id": 1, "inserted": true})),
    );
    json!({
        "operationId": "upsertRecord",
        "summary": "Store a record, or change the one with the same value in a unique field",
        "description": "Of a record that is there, the fields that are named change.",
        "security": to_write(),
        "parameters": [parameters::on_field(tool)],
        "requestBody": body(reference("NewRecord"), examples::new_record(tool, 1)),
        "responses": gated(done, &refusals(tool)),
    })
}

/// `POST /tools/{tool_id}/records:validate`
pub fn validate_record(tool: &Documented<'_>) -> Value {
    let schema = json!({"type": "array", "items": reference("Violation")});
    let found = success(
        "Everything that is wrong; nothing if the record would be stored.",
        schema,
        Some(json!([])),
    );
    json!({
        "operationId": "validateRecord",
        "summary": "Check a record without storing it",
        "security": to_read(tool),
        // It is there to be sent what does not fit.
        "requestBody": body(json!({"type": "object"}), examples::new_record(tool, 1)),
        "responses": gated(found, &statuses(&[
            ("401", tool.sensitive),
            ("404", true),
            ("409", tool.in_project),
            ("413", true),
            ("422", true),
            ("500", true),
        ])),
    })
}
