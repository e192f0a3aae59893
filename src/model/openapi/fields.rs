//! The JSON schemas (draft 2020-12) of a field: as it is sent, by its rules, and as
//! it is shown.

use serde_json::{json, Value};

use super::patterns;
use crate::model::rules::Rules;
use crate::model::scalar::Scalar;
use crate::model::schema::{Field, FieldType};
use crate::model::timestamp;

/// What a field takes.
pub fn property_schema(field: &Field) -> Value {
    let rules = &field.rules;
    let mut remarks = Vec::new();
    let mut schema = match field.field_type {
        FieldType::Json => json_schema(rules, &mut remarks),
        field_type => of_type(field_type, rules),
    };
    match field.field_type {
        FieldType::Int => {
            schema["minimum"] = i64::MIN.into();
            schema["maximum"] = i64::MAX.into();
            remarks.push("Written without a fraction: 42, not 42.0.".to_owned());
        }
        FieldType::Timestamp => {
            schema["format"] = "date-time".into();
            remarks.push(
                "ISO 8601. Without an offset it is in UTC; a date alone is its midnight.".into(),
            );
        }
        _ => (),
    }
    add_limits(&mut schema, field, &mut remarks);
    if let Some(default) = &rules.default {
        schema["default"] = match Scalar::from_json(field.field_type, default) {
            // With an offset, as the format wants it.
            Some(Scalar::Timestamp(_, instant)) => {
                timestamp::format(instant).map(|text| text + "Z").into()
            }
            _ => default.clone(),
        };
    }
    if rules.unique {
        remarks.push("No two records have the same value.".into());
    }
    if !remarks.is_empty() {
        schema["description"] = remarks.join(" ").into();
    }
    schema
}

/// Limits that JSON Schema has no word for become remarks.
fn add_limits(schema: &mut Value, field: &Field, remarks: &mut Vec<String>) {
    let rules = &field.rules;
    let is_time = field.field_type == FieldType::Timestamp;
    for (limit, keyword, words) in [
        (&rules.min, "minimum", "At least"),
        (&rules.max, "maximum", "At most"),
    ] {
        match limit {
            Some(limit) if is_time => remarks.push(format!("{words} {}.", limit.shown())),
            Some(limit) => schema[keyword] = limit.to_json(),
            None => (),
        }
    }
    if let Some(length) = rules.max_length {
        schema["maxLength"] = length.into();
    }
    match &rules.pattern {
        Some(pattern) if patterns::is_portable(pattern) => {
            schema["pattern"] = pattern.as_str().into();
        }
        Some(pattern) => remarks.push(format!(
            "Matches the regular expression {pattern} (of Rust's regex)."
        )),
        None => (),
    }
    match &rules.one_of {
        // The same time can be written in many ways.
        Some(values) if is_time => {
            let shown: Vec<String> = values.iter().map(Scalar::shown).collect();
            remarks.push(format!("One of {}.", shown.join(", ")));
        }
        Some(values) => {
            let mut values: Vec<Value> = values.iter().map(Scalar::to_json).collect();
            if !rules.required {
                values.push(Value::Null);
            }
            schema["enum"] = values.into();
        }
        None => (),
    }
}

/// The JSON Schema of a json field, if it means the same within a document.
fn json_schema(rules: &Rules, remarks: &mut Vec<String>) -> Value {
    match &rules.json_schema {
        None if rules.required => {
            remarks.push("Any JSON value but null.".into());
            json!({"not": {"type": "null"}})
        }
        None => {
            remarks.push("Any JSON value.".into());
            json!({})
        }
        Some(schema) if refers(schema) => {
            remarks.push("Fits the JSON Schema that the tool was registered with.".into());
            json!({})
        }
        Some(schema) if rules.required => json!({"allOf": [schema], "not": {"type": "null"}}),
        Some(schema) => json!({"anyOf": [{"type": "null"}, schema]}),
    }
}

/// True if something in a schema is named or referred to: that would lead elsewhere
/// from within a document.
fn refers(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| (key.starts_with('$') && key != "$comment") || refers(value)),
        Value::Array(elements) => elements.iter().any(refers),
        _ => false,
    }
}

/// What a field is shown as.
pub fn shown_field(field: &Field) -> Value {
    let rules = &field.rules;
    match field.field_type {
        FieldType::Timestamp => shown_time(kind("string", rules)),
        FieldType::Json => json!({"description": "Any JSON value."}),
        field_type => of_type(field_type, rules),
    }
}

/// A type that is not json.
fn of_type(field_type: FieldType, rules: &Rules) -> Value {
    match field_type {
        FieldType::Int => json!({"type": kind("integer", rules), "format": "int64"}),
        FieldType::Float => json!({"type": kind("number", rules), "format": "double"}),
        FieldType::Bool => json!({"type": kind("boolean", rules)}),
        _ => json!({"type": kind("string", rules)}),
    }
}

/// The time zone is not shown, so that this is no `date-time`.
pub fn shown_time(kind: Value) -> Value {
    json!({
        "type": kind,
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6})?$",
        "description": "ISO 8601, in UTC, without an offset.",
    })
}

/// Null is a value of every field that is not required.
fn kind(name: &str, rules: &Rules) -> Value {
    if rules.required {
        json!(name)
    } else {
        json!([name, "null"])
    }
}
