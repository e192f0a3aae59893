//! What policies ask of a payload, read where it lies and not before it is asked for.

use std::cell::OnceCell;
use std::ffi::CString;

use pgrx::pg_sys;

use super::compiled_tool::{CompiledTool, DefaultValue};
use super::jsonb::{JsonValue, Jsonb, Object};
use super::report::catch;
use crate::model::filter::{Condition, Operand, Operator};
use crate::model::filter_match::{holds, Given};
use crate::model::policy::PayloadFacts;
use crate::model::scalar::Scalar;
use crate::model::schema::FieldType;
use crate::model::timestamp;
use crate::model::value::Value;

/// The payload of a call, for one table of a tool.
pub struct RecordFacts<'a> {
    tool: &'a CompiledTool,
    document: Jsonb<'a>,
    /// None for what is no object, and will be refused as a record.
    records: Vec<Option<Object<'a>>>,
    /// True if fields that are not named get their defaults.
    is_new: bool,
    bytes: OnceCell<u64>,
}

impl<'a> RecordFacts<'a> {
    /// Of a record that is to be stored, or of an array of them.
    pub fn of_new(tool: &'a CompiledTool, document: Jsonb<'a>) -> Self {
        let records = match document.as_array() {
            Some(elements) => elements.map(JsonValue::as_object).collect(),
            None => document.as_object().map(Some).into_iter().collect(),
        };
        RecordFacts {
            tool,
            document,
            records,
            is_new: true,
            bytes: OnceCell::new(),
        }
    }

    /// Of the changes of a record: what they do not name is null.
    pub fn of_changes(tool: &'a CompiledTool, document: Jsonb<'a>) -> Self {
        RecordFacts {
            is_new: false,
            records: document.as_object().map(Some).into_iter().collect(),
            ..RecordFacts::of_new(tool, document)
        }
    }

    fn meets(&self, record: Object<'a>, condition: &Condition) -> bool {
        if self.tool.whole_payload {
            return whole_meets(record, condition);
        }
        match record.get(&condition.column) {
            Some(value) => value_meets(value, condition),
            None => match self.default_of(&condition.column) {
                Some(DefaultValue::Scalar(scalar)) => holds(condition, of_scalar(scalar)),
                Some(DefaultValue::Json(text)) => json_meets(Jsonb::parse(text).datum(), condition),
                None => holds(condition, Given::Null),
            },
        }
    }

    fn default_of(&self, field: &str) -> Option<&DefaultValue> {
        let columns = self.is_new.then_some(&self.tool.columns)?;
        let column = columns.iter().find(|column| column.name == field)?;
        column.default.as_deref()
    }
}

impl PayloadFacts for RecordFacts<'_> {
    fn bytes(&self) -> u64 {
        *self
            .bytes
            .get_or_init(|| self.document.to_text().len() as u64)
    }

    fn records(&self) -> usize {
        self.records.len()
    }

    fn matches(&self, record: usize, conditions: &[Condition]) -> bool {
        match self.records.get(record) {
            Some(Some(record)) => conditions.iter().all(|c| self.meets(*record, c)),
            _ => false,
        }
    }
}

/// The payload is the one value that the tool keeps.
fn whole_meets(record: Object<'_>, condition: &Condition) -> bool {
    json_meets(record.to_jsonb(), condition)
}

fn value_meets(value: JsonValue<'_>, condition: &Condition) -> bool {
    let given = match (condition.field_type, value) {
        (_, JsonValue::Null) => Given::Null,
        (FieldType::Int, JsonValue::Number(n)) => n.to_i64().map_or(Given::Other, Given::Int),
        (FieldType::Float, JsonValue::Number(n)) => n.to_f64().map_or(Given::Other, Given::Float),
        (FieldType::Str, JsonValue::Str(text)) => Given::Str(text),
        (FieldType::Bool, JsonValue::Bool(boolean)) => Given::Bool(boolean),
        (FieldType::Timestamp, JsonValue::Str(text)) => {
            timestamp::parse(text).map_or(Given::Other, Given::Timestamp)
        }
        (FieldType::Json, any) => return json_meets(any.to_jsonb(), condition),
        _ => Given::Other,
    };
    holds(condition, given)
}

fn of_scalar(scalar: &Scalar) -> Given<'_> {
    match scalar {
        Scalar::Int(int) => Given::Int(*int),
        Scalar::Float(float) => Given::Float(*float),
        Scalar::Str(text) => Given::Str(text),
        Scalar::Bool(boolean) => Given::Bool(*boolean),
        Scalar::Timestamp(_, instant) => Given::Timestamp(*instant),
    }
}

/// PostgreSQL itself compares JSON: numbers by value, to any digit and depth.
fn json_meets(given: pg_sys::Datum, condition: &Condition) -> bool {
    let compare = |function, value: &Value| {
        let Value::Json(text) = value else {
            return false;
        };
        let Ok(text) = CString::new(text.as_str()) else {
            return false;
        };
        // Takes memory and nothing else, so there is nothing to roll back.
        let Ok(wanted) = catch(|| Jsonb::parse(&text)) else {
            return false;
        };
        // SAFETY: both are jsonb, and the function takes two of them and gives a boolean.
        let answer = unsafe {
            pgrx::direct_function_call::<bool>(function, &[Some(given), Some(wanted.datum())])
        };
        answer.unwrap_or(false)
    };
    match (&condition.operand, condition.operator) {
        (Operand::Null(wanted), _) => !wanted,
        (Operand::List(values), _) => values.iter().any(|v| compare(pg_sys::jsonb_eq, v)),
        (Operand::Value(value), Operator::Contains) => compare(pg_sys::jsonb_contains, value),
        (Operand::Value(value), Operator::Ne) => compare(pg_sys::jsonb_ne, value),
        (Operand::Value(value), _) => compare(pg_sys::jsonb_eq, value),
    }
}
