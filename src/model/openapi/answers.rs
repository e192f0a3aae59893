//! What the operations of a tool answer. The words are those of the errors.

use serde_json::{json, Map, Value};

use super::schemas::reference;
use super::Documented;
use crate::model::denial::Denial;
use crate::model::error::Error;
use crate::model::json_kind::JsonKind;
use crate::model::schema::{FieldType, Schema};

/// A status, the name under which its answer is shared, and what it means.
struct Refusal {
    status: &'static str,
    name: &'static str,
    description: &'static str,
}

const REFUSALS: [Refusal; 10] = [
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
        description: "The tool is not registered (any more), or has no such record.",
    },
    Refusal {
        status: "409",
        name: "Conflict",
        description:
            "The tool or the project is not active, another record has the value of a unique field, the key was used with another one, or projects have tables of the tool.",
    },
    Refusal {
        status: "412",
        name: "Changed",
        description: "The record has another version than the request is for.",
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
    Refusal {
        status: "507",
        name: "Full",
        description: "The tool has as many records or bytes as it may.",
    },
];

/// Where scopes and policies let a call pass or not.
const DENIALS: [Refusal; 2] = [
    Refusal {
        status: "403",
        name: "Denied",
        description: "The token does not allow this, or a policy of the tool forbids it.",
    },
    Refusal {
        status: "429",
        name: "TooMany",
        description: "A policy of the tool limits how often this may be done.",
    },
];

/// Everything under `components/responses`.
pub fn refusals(tool: &Documented<'_>) -> Value {
    let is_given = |refusal: &&Refusal| match refusal.status {
        "412" => tool.options.versioned,
        "507" => tool.is_limited(),
        _ => true,
    };
    REFUSALS
        .iter()
        .filter(is_given)
        .chain(&DENIALS)
        .map(|refusal| (refusal.name.to_owned(), body_of(refusal, tool)))
        .collect::<Map<_, _>>()
        .into()
}

fn body_of(refusal: &Refusal, tool: &Documented<'_>) -> Value {
    let (schema, example) = match refusal.status {
        "422" => ("InvalidRequest", missing("header", "token")),
        "400" => ("Error", detail(&field_fault(tool.schema).message())),
        "401" => ("Error", detail(&Error::ToolToken.message())),
        "403" if refusal.name == "Denied" => ("Error", detail(&Denial::Denied.message())),
        "403" => ("Error", detail(&Error::AdminOnly.message())),
        "429" => (
            "Error",
            detail(&Denial::TooManyRequests { retry_after: 1 }.message()),
        ),
        "404" => ("Error", detail(&Error::ToolNotFound.message())),
        "409" => ("Error", detail(&conflict(tool.schema).message())),
        "412" => (
            "Error",
            detail(&Error::VersionChanged { id: 1, version: 2 }.message()),
        ),
        "413" => ("Error", detail("Request body too large")),
        "507" => ("Error", detail(&full(tool).message())),
        _ => ("Error", detail("Database is not available")),
    };
    let mut description = refusal.description.to_owned();
    if refusal.status == "409" && tool.in_project {
        description.push_str(" Or the project is suspended or archived.");
    }
    let mut body = json!({
        "description": description,
        "content": {"application/json": media(reference(schema), Some(example))},
    });
    if refusal.status == "429" {
        body["headers"] = json!({"Retry-After": {
            "description": "Seconds after which to try again.",
            "schema": {"type": "integer", "minimum": 1},
        }});
    }
    body
}

fn conflict(schema: &Schema) -> Error {
    match schema.fields().iter().find(|field| field.rules.unique) {
        Some(field) => Error::NotUnique {
            field: field.name.clone(),
        },
        None => Error::IdempotencyKeyReused,
    }
}

fn full(tool: &Documented<'_>) -> Error {
    Error::QuotaExceeded {
        tool: tool.name.to_owned(),
        max_records: tool.options.max_records,
        max_bytes: tool.options.max_bytes,
    }
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
    all_of(success, statuses, &[])
}

fn all_of(success: Value, statuses: &[&str], denials: &[Refusal]) -> Value {
    let mut responses = Map::new();
    responses.insert("200".into(), success);
    let general = REFUSALS.iter().filter(|r| statuses.contains(&r.status));
    for refusal in general.chain(denials) {
        let target = format!("#/components/responses/{}", refusal.name);
        responses.insert(refusal.status.into(), json!({"$ref": target}));
    }
    responses.into()
}

/// The same for an operation that scopes and policies let pass or not.
pub fn gated(success: Value, statuses: &[&str]) -> Value {
    all_of(success, statuses, &DENIALS)
}

/// A success of which there is nothing to say but that.
pub fn message(description: &str, text: &str) -> Value {
    success(
        description,
        reference("Message"),
        Some(json!({"message": text})),
    )
}

pub fn success(description: &str, schema: Value, example: Option<Value>) -> Value {
    json!({
        "description": description,
        "content": {"application/json": media(schema, example)},
    })
}

/// What a body is, with an example if there is one that fits.
pub fn media(schema: Value, example: Option<Value>) -> Value {
    let mut media = json!({"schema": schema});
    if let Some(example) = example {
        media["example"] = example;
    }
    media
}

/// The answer to a reader who has the record already; it has no body.
pub fn not_modified() -> Value {
    json!({"description": "The record has the version that the reader has."})
}
