//! What the operations of a tool answer. The words are those of the errors.

use serde_json::{json, Map, Value};

use super::schemas::reference;
use super::Documented;
use crate::model::error::Error;
use crate::model::json_kind::JsonKind;
use crate::model::schema::{FieldType, Schema};

/// A status, the name under which its answer is shared, and what it means.
struct Refusal {
    status: &'static str,
    name: &'static str,
    description: &'static str,
}

const REFUSALS: [Refusal; 7] = [
    Refusal {
        status: "400",
        name: "BadRequest",
        description: "What was sent does not fit the tool; nothing is stored.",
    },
    Refusal {
        status: "401",
        name: "Unauthorized",
        description: "The token is not one of this tool, or has expired or been revoked.",
    },
    Refusal {
        status: "403",
        name: "Forbidden",
        description: "The admin token is wrong.",
    },
    Refusal {
        status: "404",
        name: "NotFound",
        description: "The tool is not registered (any more).",
    },
    Refusal {
        status: "413",
        name: "TooLarge",
        description: "The body has more than 1 MiB (1048576 bytes).",
    },
    Refusal {
        status: "422",
        name: "Invalid",
        description: "A header or the body is missing, or not of the form that it must have.",
    },
    Refusal {
        status: "500",
        name: "Failed",
        description: "The service cannot answer now, or the tool's table has been changed by hand.",
    },
];

/// Everything under `components/responses`.
pub fn refusals(tool: &Documented<'_>) -> Value {
    REFUSALS
        .iter()
        .map(|refusal| (refusal.name.to_owned(), body_of(refusal, tool)))
        .collect::<Map<_, _>>()
        .into()
}

fn body_of(refusal: &Refusal, tool: &Documented<'_>) -> Value {
    let (schema, example) = match refusal.status {
        "422" => ("InvalidRequest", missing("header", "token")),
        "400" => ("Error", detail(&field_fault(tool.schema).message())),
        "401" => ("Error", detail(&Error::ToolToken.message())),
        "403" => ("Error", detail(&Error::AdminOnly.message())),
        "404" => ("Error", detail(&Error::ToolNotFound.message())),
        "413" => ("Error", detail("Request body too large")),
        _ => ("Error", detail("Database is not available")),
    };
    json!({
        "description": refusal.description,
        "content": {"application/json": {"schema": reference(schema), "example": example}},
    })
}

/// The fault that the tool's first field can have.
fn field_fault(schema: &Schema) -> Error {
    let Schema::Fields(fields) = schema else {
        return Error::PayloadNotObject;
    };
    let with_kind = fields.iter().find(|f| f.field_type != FieldType::Json);
    match with_kind {
        Some(field) => Error::FieldKind {
            field: field.name.clone(),
            declared: field.field_type,
            got: JsonKind::List,
        },
        None => Error::PayloadNotObject,
    }
}

fn detail(text: &str) -> Value {
    json!({"detail": text})
}

fn missing(place: &str, name: &str) -> Value {
    json!({"detail": [{"loc": [place, name], "msg": "field required", "type": "value_error.missing"}]})
}

/// The `responses` of an operation: what it answers when all is well, and the
/// refusals that it can give.
pub fn responses(success: Value, statuses: &[&str]) -> Value {
    let mut responses = Map::new();
    responses.insert("200".into(), success);
    for refusal in REFUSALS.iter().filter(|r| statuses.contains(&r.status)) {
        let target = format!("#/components/responses/{}", refusal.name);
        responses.insert(refusal.status.into(), json!({"$ref": target}));
    }
    responses.into()
}

/// A success of which there is nothing to say but that.
pub fn message(description: &str, text: &str) -> Value {
    success(description, reference("Message"), json!({"message": text}))
}

pub fn success(description: &str, schema: Value, example: Value) -> Value {
    json!({
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    })
}
