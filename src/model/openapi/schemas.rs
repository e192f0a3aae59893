//! The JSON schemas (draft 2020-12, as OpenAPI 3.1 has them) of a tool's bodies.

use serde_json::{json, Map, Value};

use super::{examples, Documented};
use crate::model::schema::{Field, FieldType, Schema, PAYLOAD_COLUMN};

/// A reference to one of [`all`].
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Everything under `components/schemas`.
pub fn all(tool: &Documented<'_>) -> Value {
    json!({
        "NewRecord": new_record(tool),
        "Record": record(tool),
        "Message": message(),
        "Error": error(),
        "InvalidRequest": invalid_request(),
    })
}

/// A record as it is sent.
fn new_record(tool: &Documented<'_>) -> Value {
    let mut schema = json!({"type": "object", "additionalProperties": true});
    match tool.schema {
        Schema::WholePayload => {
            schema["description"] = "Any JSON object; it is kept whole.".into();
        }
        Schema::Fields(fields) => {
            let properties: Map<String, Value> = fields
                .iter()
                .map(|field| (field.name.clone(), property_schema(field)))
                .collect();
            schema["description"] =
                "Fields may be missing or null, and are stored as null then; others are ignored."
                    .into();
            schema["properties"] = properties.into();
        }
    }
    schema
}

/// What a field takes. Rules of a field (least, longest, which values ...) belong here.
fn property_schema(field: &Field) -> Value {
    match field.field_type {
        FieldType::Int => json!({
            "type": ["integer", "null"],
            "format": "int64",
            "minimum": i64::MIN,
            "maximum": i64::MAX,
            "description": "Written without a fraction: 42, not 42.0.",
        }),
        FieldType::Str => json!({"type": ["string", "null"]}),
        FieldType::Bool => json!({"type": ["boolean", "null"]}),
        FieldType::Float => json!({"type": ["number", "null"], "format": "double"}),
        FieldType::Json => json!({"description": "Any JSON value."}),
        FieldType::Timestamp => json!({
            "type": ["string", "null"],
            "format": "date-time",
            "description": "ISO 8601. Without an offset it is in UTC; a date alone is its midnight.",
        }),
    }
}

/// A record as it is listed: what every record has, then the fields.
fn record(tool: &Documented<'_>) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "id".into(),
        json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX}),
    );
    properties.insert("created_at".into(), shown_time(json!("string")));
    match tool.schema {
        Schema::WholePayload => {
            let data = json!({"type": "object", "description": "The record as it was sent."});
            properties.insert(PAYLOAD_COLUMN.into(), data);
        }
        Schema::Fields(fields) => {
            for field in fields {
                properties.insert(field.name.clone(), shown_field(field));
            }
        }
    }
    let required: Vec<Value> = properties.keys().cloned().map(Value::from).collect();
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
        "example": examples::record(tool.schema, 1),
    })
}

/// What a field is shown as.
fn shown_field(field: &Field) -> Value {
    match field.field_type {
        FieldType::Int => json!({"type": ["integer", "null"], "format": "int64"}),
        FieldType::Timestamp => shown_time(json!(["string", "null"])),
        FieldType::Str => json!({"type": ["string", "null"]}),
        FieldType::Bool => json!({"type": ["boolean", "null"]}),
        FieldType::Float => json!({"type": ["number", "null"], "format": "double"}),
        FieldType::Json => json!({"description": "Any JSON value."}),
    }
}

/// The time zone is not shown, so that this is no `date-time`.
fn shown_time(kind: Value) -> Value {
    json!({
        "type": kind,
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6})?$",
        "description": "ISO 8601, in UTC, without an offset.",
    })
}

fn message() -> Value {
    json!({
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string"}},
        "additionalProperties": false,
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["detail"],
        "properties": {"detail": {"type": "string"}},
        "additionalProperties": false,
    })
}

/// All that is wrong with a request, before the tool is looked at.
fn invalid_request() -> Value {
    json!({
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["loc", "msg", "type"],
                    "properties": {
                        "loc": {
                            "description": "Where: body, header or query, then the name.",
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": ["string", "integer"]},
                        },
                        "msg": {"type": "string"},
                        "type": {"type": "string"},
                        "ctx": {"type": "object"},
                    },
                    "additionalProperties": false,
                },
            },
        },
        "additionalProperties": false,
    })
}
