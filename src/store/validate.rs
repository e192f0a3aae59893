//! A payload against the fields of its tool (spec 001, section 2.3).

use crate::model::error::Error;
use crate::model::schema::FieldType;
use crate::model::timestamp;
use crate::pg::cache::{Column, CompiledTool};
use crate::pg::jsonb::{JsonValue, Object};
use crate::pg::row::Row;

/// The values to insert. Fields that the tool does not have are ignored,
/// nulls are NULL, and so are missing ones unless somebody gave the column a default.
pub fn row(tool: &CompiledTool, payload: Object<'_>) -> Result<Row, Error> {
    let mut row = Row::with_capacity(tool.columns.len());
    if tool.whole_payload {
        row.push_object(payload);
        return Ok(row);
    }
    for column in &tool.columns {
        match payload.get(&column.name) {
            Some(value) => push(&mut row, column, value)?,
            None => row.push_missing(),
        }
    }
    Ok(row)
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
