//! The JSON schemas (draft 2020-12, as OpenAPI 3.1 has them) of a tool's bodies.

use serde_json::{json, Map, Value};

use super::fields::{property_schema, shown_field, shown_time};
use super::{examples, Documented};
use crate::model::schema::{Field, Schema, PAYLOAD_COLUMN};

/// A reference to one of [`all`].
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Everything under `components/schemas`.
pub fn all(tool: &Documented<'_>) -> Value {
    json!({
        "NewRecord": new_record(tool),
        "Changes": changes(tool),
        "Record": record(tool),
        "Violation": violation(),
        "Message": message(),
        "Error": error(),
        "InvalidRequest": invalid_request(),
    })
}

/// A record as it is sent.
fn new_record(tool: &Documented<'_>) -> Value {
    let mut schema = sent_object(tool);
    let mut description = match tool.schema {
        Schema::WholePayload => "Any JSON object; it is kept whole.".to_owned(),
        Schema::Fields(fields) => {
            let must_be_sent =
                |field: &&Field| field.rules.required && field.rules.default.is_none();
            let names: Vec<&str> = fields
                .iter()
                .filter(must_be_sent)
                .map(|field| field.name.as_str())
                .collect();
            if names.is_empty() {
                "Fields may be missing or null, and are stored as null then".to_owned()
            } else {
                schema["required"] = names.into();
                "Other fields may be missing or null, and are stored as null then".to_owned()
            }
        }
    };
    if let Schema::Fields(fields) = tool.schema {
        if fields.iter().any(|field| field.rules.default.is_some()) {
            description.push_str(", a missing one as its default if it has one");
        }
        description.push_str(unknown_fields(tool));
    }
    schema["description"] = description.into();
    schema
}

/// Some fields of a record, to change them.
fn changes(tool: &Documented<'_>) -> Value {
    let mut schema = sent_object(tool);
    schema["description"] = match tool.schema {
        Schema::WholePayload => "Keys to set; those that are null are taken out.".into(),
        Schema::Fields(_) => format!("The fields to set{}", unknown_fields(tool)).into(),
    };
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.remove("default");
        }
    }
    schema
}

fn sent_object(tool: &Documented<'_>) -> Value {
    let mut schema = json!({"type": "object"});
    if let Schema::Fields(fields) = tool.schema {
        let properties: Map<String, Value> = fields
            .iter()
            .map(|field| (field.name.clone(), property_schema(field)))
            .collect();
        schema["properties"] = properties.into();
    }
    schema["additionalProperties"] = (!refuses_others(tool)).into();
    schema
}

fn unknown_fields(tool: &Documented<'_>) -> &'static str {
    if refuses_others(tool) {
        "; others are refused."
    } else {
        "; others are ignored."
    }
}

/// A tool without fields takes all of them, even if it is strict.
fn refuses_others(tool: &Documented<'_>) -> bool {
    tool.options.strict && matches!(tool.schema, Schema::Fields(_))
}

/// A record as it is listed: what every record has, then the fields.
fn record(tool: &Documented<'_>) -> Value {
    let mut properties = Map::new();
    let mut own = |name: &str, mut schema: Value| {
        schema["readOnly"] = true.into();
        properties.insert(name.to_owned(), schema);
    };
    own(
        "id",
        json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX}),
    );
    own("created_at", shown_time(json!("string")));
    if tool.options.versioned {
        own("updated_at", shown_time(json!("string")));
        own("version", json!({"type": "integer", "format": "int64"}));
    }
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
    let mut schema = json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    });
    if let Some(example) = examples::record(tool, 1) {
        schema["example"] = example;
    }
    schema
}

/// One thing that is wrong with a record.
fn violation() -> Value {
    json!({
        "type": "object",
        "required": ["field", "rule", "message"],
        "properties": {
            "field": {"type": "string"},
            "rule": {
                "description": "The option of the field that asks for it; `type` stands for its type.",
                "enum": [
                    "type", "required", "min", "max", "max_length", "pattern", "enum",
                    "json_schema", "strict",
                ],
            },
            "message": {"type": "string"},
        },
        "additionalProperties": false,
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
