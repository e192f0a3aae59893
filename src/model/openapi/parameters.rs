//! Parameters and headers of the operations.

use serde_json::{json, Map, Value};

use super::Documented;
use crate::model::filter::{Operator, MAX_LIST};
use crate::model::page::{DEFAULT_LIMIT, MAX_HTTP_LIMIT};
use crate::model::schema::{FieldType, Schema};

/// Which page of the records, and in which order.
pub fn page(tool: &Documented<'_>) -> Vec<Value> {
    vec![
        row_count(
            "limit",
            DEFAULT_LIMIT,
            &format!("Most records to list. More than {MAX_HTTP_LIMIT} gives that many."),
        ),
        row_count(
            "offset",
            0,
            "Records to skip. It costs more the more they are: see after_id.",
        ),
        json!({
            "name": "after_id",
            "in": "query",
            "description": "Only records with a greater id: the last id of the page before.",
            "schema": {"type": "integer", "minimum": 0},
        }),
        json!({
            "name": "order_by",
            "in": "query",
            "description": "The field to order by, after a minus the other way round. Without it, by id.",
            "schema": {"type": "string", "enum": orders(tool)},
        }),
        json!({
            "name": "after",
            "in": "query",
            "description": "Where the page before ended, in the same order: from its header Link.",
            "schema": {"type": "string"},
        }),
    ]
}

fn row_count(name: &str, default: i64, description: &str) -> Value {
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": "integer", "minimum": 0, "default": default},
    })
}

/// Every field that has an order, in both directions.
fn orders(tool: &Documented<'_>) -> Vec<String> {
    tool.columns()
        .filter(|(_, field_type)| *field_type != FieldType::Json)
        .flat_map(|(name, _)| [name.to_owned(), format!("-{name}")])
        .collect()
}

/// References to all [`conditions`].
pub fn filters<'a>(tool: &'a Documented<'_>) -> impl Iterator<Item = Value> + 'a {
    tool.columns().flat_map(|(name, field_type)| {
        Operator::all_for(field_type).map(move |operator| {
            let target = format!("#/components/parameters/{name}.{}", operator.name());
            json!({"$ref": target})
        })
    })
}

/// Everything under `components/parameters`: each field with each operator.
pub fn conditions(tool: &Documented<'_>) -> Value {
    let of_column = |(name, field_type): (&str, FieldType)| {
        let name = name.to_owned();
        Operator::all_for(field_type).map(move |operator| {
            let parameter = format!("{name}.{}", operator.name());
            let condition = condition(&parameter, operator, field_type);
            (parameter, condition)
        })
    };
    let conditions: Map<String, Value> = tool.columns().flat_map(of_column).collect();
    conditions.into()
}

fn condition(name: &str, operator: Operator, field_type: FieldType) -> Value {
    let mut parameter = json!({"name": name, "in": "query"});
    let value = operand(field_type);
    match operator {
        Operator::IsNull => parameter["schema"] = json!({"type": "boolean"}),
        // Each value is a parameter of its own.
        Operator::In => {
            let items = match field_type {
                FieldType::Json => json!({"type": "string", "description": "JSON text."}),
                _ => value,
            };
            // No most items: a long URL ends at the proxy before they do.
            parameter["description"] = format!("Any of at most {MAX_LIST} values.").into();
            parameter["schema"] = json!({"type": "array", "minItems": 1, "items": items});
            parameter["style"] = "form".into();
            parameter["explode"] = true.into();
        }
        _ if field_type == FieldType::Json => {
            parameter["content"] = json!({"application/json": {"schema": value}});
        }
        Operator::Like => {
            parameter["description"] = "% stands for any text, _ for any character.".into();
            parameter["schema"] = value;
        }
        _ => parameter["schema"] = value,
    }
    parameter
}

/// What a field is compared with.
fn operand(field_type: FieldType) -> Value {
    match field_type {
        FieldType::Int => {
            json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
        }
        FieldType::Str => json!({"type": "string"}),
        FieldType::Bool => json!({"type": "boolean"}),
        FieldType::Float => json!({"type": "number", "format": "double"}),
        FieldType::Json => json!({}),
        FieldType::Timestamp => json!({"type": "string", "format": "date-time"}),
    }
}

/// The unique fields.
pub fn on_field(tool: &Documented<'_>) -> Value {
    let fields = match tool.schema {
        Schema::WholePayload => &[][..],
        Schema::Fields(fields) => fields,
    };
    let unique = fields.iter().filter(|field| field.rules.unique);
    let names: Vec<&str> = unique.map(|field| field.name.as_str()).collect();
    json!({
        "name": "on_field",
        "in": "query",
        "required": true,
        "description": "The unique field by which a record is found; it must have a value.",
        "schema": {"type": "string", "enum": names},
    })
}

pub fn record_id() -> Value {
    json!({
        "name": "record_id",
        "in": "path",
        "required": true,
        "description": "The id of the record.",
        "schema": {"type": "integer", "format": "int64"},
        "example": 1,
    })
}

pub fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "With the same key, the same record is stored only once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "9b2c7a4e-0f0d-4d8e-8a53-5d5e3b1f6c11",
    })
}

pub fn if_match() -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "description": "The ETag of the record as it was read: a record that has changed since stays as it is.",
        "schema": {"type": "string"},
        "example": "\"1\"",
    })
}

pub fn if_none_match() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of the record as it was read: it is not sent again unless it has changed.",
        "schema": {"type": "string"},
        "example": "\"7\"",
    })
}
