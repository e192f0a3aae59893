//! A payload against the fields of its tool (spec 001, section 2.3) and their rules.

use serde::Serialize;

use crate::model::checks::{BrokenRule, Checks};
use crate::model::error::Error;
use crate::model::name::excerpt;
use crate::model::scalar::Scalar;
use crate::model::schema::FieldType;
use crate::model::timestamp;
use crate::pg::compiled_tool::{Column, CompiledTool, DefaultValue};
use crate::pg::jsonb::{JsonValue, Jsonb, Object};
use crate::pg::row::Row;

/// An argument that must be a JSON object.
pub fn object<'a>(argument: &'static str, json: Option<Jsonb<'a>>) -> Result<Object<'a>, Error> {
    json.ok_or(Error::ArgumentNull { argument })?
        .as_object()
        .ok_or(Error::PayloadNotObject)
}

/// The values to insert. Fields that the tool does not have are ignored unless it
/// is strict, nulls are NULL, and so are missing ones unless they have a default.
pub fn row(tool: &CompiledTool, payload: Object<'_>) -> Result<Row, Error> {
    row_beside(tool, payload, &[])
}

/// The same for a payload that may have these keys besides, even if the tool is strict.
pub fn row_beside(tool: &CompiledTool, payload: Object<'_>, others: &[&str]) -> Result<Row, Error> {
    let mut row = Row::with_capacity(tool.columns.len());
    fill_beside(&mut row, tool, payload, others)?;
    Ok(row)
}

/// The same as [`row`], in the place of other values.
pub fn fill(row: &mut Row, tool: &CompiledTool, payload: Object<'_>) -> Result<(), Error> {
    fill_beside(row, tool, payload, &[])
}

fn fill_beside(
    row: &mut Row,
    tool: &CompiledTool,
    payload: Object<'_>,
    others: &[&str],
) -> Result<(), Error> {
    row.clear();
    if tool.whole_payload {
        row.push_object(payload);
        return Ok(());
    }
    for (column, value) in tool.columns.iter().zip(payload.values_of(&tool.keys)) {
        match value {
            Some(value) => push_checked(row, column, value)?,
            None => push_missing(row, column)?,
        }
    }
    if tool.options.strict {
        refuse_unknown(tool, payload, others)?;
    }
    Ok(())
}

/// Pushes a value of the right type that follows every rule of its field.
pub fn push_checked(row: &mut Row, column: &Column, value: JsonValue<'_>) -> Result<(), Error> {
    push(row, column, value)?;
    match &column.checks {
        None => Ok(()),
        Some(checks) => match broken_rules(column, checks, value).into_iter().next() {
            None => Ok(()),
            Some(rule) => Err(Error::RuleBroken {
                field: column.name.clone(),
                rule,
            }),
        },
    }
}

fn push_missing(row: &mut Row, column: &Column) -> Result<(), Error> {
    match column.default.as_deref() {
        Some(DefaultValue::Scalar(scalar)) => push_scalar(row, scalar),
        Some(DefaultValue::Json(text)) => row.push_document(Jsonb::parse(text)),
        None if column.checks.as_ref().is_some_and(|c| c.required) => {
            return Err(Error::RuleBroken {
                field: column.name.clone(),
                rule: BrokenRule::Required,
            })
        }
        None => row.push_missing(),
    }
    Ok(())
}

fn push_scalar(row: &mut Row, scalar: &Scalar) {
    match scalar {
        Scalar::Int(int) => row.push_int(*int),
        Scalar::Float(float) => row.push_float(*float),
        Scalar::Str(text) => row.push_text(text),
        Scalar::Bool(boolean) => row.push_bool(*boolean),
        Scalar::Timestamp(_, instant) => row.push_timestamp(*instant),
    }
}

/// The first field of the payload that the tool does not have is refused, unless it
/// is one of these others.
pub fn refuse_unknown(
    tool: &CompiledTool,
    payload: Object<'_>,
    others: &[&str],
) -> Result<(), Error> {
    let mut unknown = unknown_fields(tool, payload);
    match unknown.find(|field| !others.contains(&field.as_str())) {
        Some(field) => Err(Error::UnknownField {
            field: excerpt(&field),
        }),
        None => Ok(()),
    }
}

fn unknown_fields<'a>(
    tool: &'a CompiledTool,
    payload: Object<'a>,
) -> impl Iterator<Item = String> + 'a {
    payload
        .entries()
        .map(|(key, _)| key)
        .filter(|key| tool.columns.iter().all(|column| column.name != *key))
        .map(str::to_owned)
}

/// One thing that is wrong with a payload.
#[derive(Serialize)]
pub struct Violation {
    pub field: String,
    /// The option of the field that is violated; `type` if its type is.
    pub rule: &'static str,
    pub message: String,
}

/// Everything that is wrong with a payload.
pub fn violations(tool: &CompiledTool, payload: Object<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if tool.whole_payload {
        return found;
    }
    // Values of the wrong type are found by trying to push them.
    let mut row = Row::with_capacity(tool.columns.len());
    for column in &tool.columns {
        let mut note = |rule, error: Error| {
            found.push(Violation {
                field: column.name.clone(),
                rule,
                message: error.message(),
            });
        };
        let Some(value) = payload.get(&column.name) else {
            if push_missing(&mut row, column).is_err() {
                let rule = BrokenRule::Required;
                note(rule.option(), broken(column, rule));
            }
            continue;
        };
        if let Err(error) = push(&mut row, column, value) {
            note("type", error);
            continue;
        }
        let checks = column.checks.as_ref();
        for rule in checks.map_or_else(Vec::new, |c| broken_rules(column, c, value)) {
            note(rule.option(), broken(column, rule));
        }
    }
    if tool.options.strict {
        for field in unknown_fields(tool, payload) {
            let field = excerpt(&field);
            found.push(Violation {
                message: Error::UnknownField {
                    field: field.clone(),
                }
                .message(),
                field,
                rule: "strict",
            });
        }
    }
    found
}

fn broken(column: &Column, rule: BrokenRule) -> Error {
    Error::RuleBroken {
        field: column.name.clone(),
        rule,
    }
}

/// The rules that a value of the right type breaks.
fn broken_rules(column: &Column, checks: &Checks, value: JsonValue<'_>) -> Vec<BrokenRule> {
    let scalar = match (column.field_type, value) {
        (_, JsonValue::Null) if checks.required => return vec![BrokenRule::Required],
        (_, JsonValue::Null) => None,
        (FieldType::Int, JsonValue::Number(number)) => number.to_i64().map(Scalar::Int),
        (FieldType::Float, JsonValue::Number(number)) => number.to_f64().map(Scalar::Float),
        (FieldType::Str, JsonValue::Str(text)) => Some(Scalar::Str(text.to_owned())),
        (FieldType::Bool, JsonValue::Bool(boolean)) => Some(Scalar::Bool(boolean)),
        (FieldType::Timestamp, JsonValue::Str(text)) => {
            timestamp::parse(text).map(|instant| Scalar::Timestamp(text.to_owned(), instant))
        }
        (FieldType::Json, any) if checks.has_json_schema() => {
            return checks.broken_by_json_text(&any.to_text());
        }
        _ => None,
    };
    scalar.map_or_else(Vec::new, |scalar| checks.broken_by(&scalar))
}

fn push(row: &mut Row, column: &Column, value: JsonValue<'_>) -> Result<(), Error> {
    let field = || column.name.clone();
    match (column.field_type, value) {
        (_, JsonValue::Null) => row.push_null(),
        (FieldType::Int, JsonValue::Number(number)) if number.is_integer() => {
            let int = number.to_i64();
            row.push_int(int.ok_or_else(|| Error::IntOutOfRange { field: field() })?);
        }
        (FieldType::Float, JsonValue::Number(number)) => {
            let float = number.to_f64();
            row.push_float(float.ok_or_else(|| Error::FloatOutOfRange { field: field() })?);
        }
        (FieldType::Str, JsonValue::Str(text)) => row.push_text(text),
        (FieldType::Bool, JsonValue::Bool(boolean)) => row.push_bool(boolean),
        (FieldType::Json, any) => row.push_json(any),
        (FieldType::Timestamp, JsonValue::Str(text)) => {
            let instant = timestamp::parse(text);
            row.push_timestamp(
                instant.ok_or_else(|| Error::TimestampMalformed { field: field() })?,
            );
        }
        (declared, other) => {
            return Err(Error::FieldKind {
                field: field(),
                declared,
                got: other.kind(),
            })
        }
    }
    Ok(())
}
