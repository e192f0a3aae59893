//! What policies ask of a payload, answered from the jsonb.

use std::cell::OnceCell;
use std::ffi::CString;

use pgrx::{direct_function_call, pg_sys};

use super::cache::Column;
use super::jsonb::{JsonValue, Jsonb, Object};
use crate::model::filter::{Condition, Operand, Operator};
use crate::model::filter_match::{holds, Given};
use crate::model::policy::PayloadFacts;
use crate::model::schema::FieldType;
use crate::model::timestamp;
use crate::model::value::Value;

/// What a call carries.
#[derive(Clone, Copy)]
pub enum Carried<'a> {
    Nothing,
    /// A record, or changes of one.
    One(Jsonb<'a>),
    /// An array of records.
    Many(Jsonb<'a>),
}

impl<'a> Carried<'a> {
    pub fn one(payload: Option<Jsonb<'a>>) -> Self {
        payload.map_or(Carried::Nothing, Carried::One)
    }

    pub fn many(payloads: Option<Jsonb<'a>>) -> Self {
        payloads.map_or(Carried::Nothing, Carried::Many)
    }

    pub fn document(self) -> Option<Jsonb<'a>> {
        match self {
            Carried::Nothing => None,
            Carried::One(document) | Carried::Many(document) => Some(document),
        }
    }

    /// The same for the policies of a tool with these columns.
    pub fn facts(self, columns: &'a [Column], whole_payload: bool) -> Option<Facts<'a>> {
        self.document().map(|document| Facts {
            document,
            is_array: matches!(self, Carried::Many(_)),
            columns,
            whole_payload,
            bytes: OnceCell::new(),
            records: OnceCell::new(),
        })
    }
}

pub struct Facts<'a> {
    document: Jsonb<'a>,
    is_array: bool,
    columns: &'a [Column],
    whole_payload: bool,
    bytes: OnceCell<u64>,
    /// What is no object is a record that has nothing; storing it fails anyway.
    records: OnceCell<Vec<Option<Object<'a>>>>,
}

impl<'a> Facts<'a> {
    fn objects(&self) -> &[Option<Object<'a>>] {
        self.records.get_or_init(|| {
            if !self.is_array {
                return vec![self.document.as_object()];
            }
            let elements = self.document.as_array().into_iter().flatten();
            elements.map(JsonValue::as_object).collect()
        })
    }

    fn meets(&self, record: Object<'_>, condition: &Condition) -> bool {
        if self.whole_payload {
            return json_meets(condition, || Some(record.to_jsonb()));
        }
        let known = self.columns.iter().any(|c| c.name == condition.column);
        let value = record.get(&condition.column).filter(|_| known);
        match (condition.field_type, value) {
            (_, None | Some(JsonValue::Null)) => holds(condition, Given::Null),
            (FieldType::Json, Some(value)) => json_meets(condition, || Some(value.to_jsonb())),
            (_, Some(value)) => holds(condition, given(condition.field_type, value)),
        }
    }
}

impl PayloadFacts for Facts<'_> {
    fn bytes(&self) -> u64 {
        *self
            .bytes
            .get_or_init(|| self.document.to_text().len() as u64)
    }

    fn records(&self) -> usize {
        self.objects().len()
    }

    fn matches(&self, record: usize, conditions: &[Condition]) -> bool {
        let object = self.objects().get(record).copied().flatten();
        object.is_some_and(|object| conditions.iter().all(|c| self.meets(object, c)))
    }
}

/// A value as the column of this type would hold it.
fn given(field_type: FieldType, value: JsonValue<'_>) -> Given<'_> {
    let given = match (field_type, value) {
        (FieldType::Int, JsonValue::Number(number)) if number.is_integer() => {
            number.to_i64().map(Given::Int)
        }
        (FieldType::Float, JsonValue::Number(number)) => number.to_f64().map(Given::Float),
        (FieldType::Str, JsonValue::Str(text)) => Some(Given::Str(text)),
        (FieldType::Bool, JsonValue::Bool(boolean)) => Some(Given::Bool(boolean)),
        (FieldType::Timestamp, JsonValue::Str(text)) => {
            timestamp::parse(text).map(Given::Timestamp)
        }
        _ => None,
    };
    given.unwrap_or(Given::Other)
}

/// PostgreSQL itself compares jsonb.
fn json_meets(condition: &Condition, value: impl FnOnce() -> Option<pg_sys::Datum>) -> bool {
    let Some(value) = value() else {
        return holds(condition, Given::Null);
    };
    let compare = |operand: &Value, function| {
        let Value::Json(text) = operand else {
            return false;
        };
        let Ok(text) = CString::new(text.as_str()) else {
            return false;
        };
        let operand = Jsonb::parse(&text).datum();
        // SAFETY: two jsonb, as the functions take them; they give a boolean.
        unsafe { direct_function_call(function, &[Some(value), Some(operand)]) }.unwrap_or(false)
    };
    match (&condition.operand, condition.operator) {
        (Operand::Null(wanted), _) => !wanted,
        (Operand::List(values), _) => values.iter().any(|v| compare(v, pg_sys::jsonb_eq)),
        (Operand::Value(operand), Operator::Eq) => compare(operand, pg_sys::jsonb_eq),
        (Operand::Value(operand), Operator::Ne) => compare(operand, pg_sys::jsonb_ne),
        (Operand::Value(operand), Operator::Contains) => compare(operand, pg_sys::jsonb_contains),
        _ => false,
    }
}
