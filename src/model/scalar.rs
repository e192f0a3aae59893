//! A single value of a field's type: for limits, enums and defaults.

use std::cmp::Ordering;

use serde_json::Value;

use super::schema::FieldType;
use super::timestamp;

/// A value of any type but json.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Int(i64),
    Float(f64),
    Str(String),
    Bool(bool),
    /// The text as it was given, and microseconds since PostgreSQL's epoch.
    Timestamp(String, i64),
}

impl Scalar {
    /// The value as one of this type, by the rules that hold for payloads.
    pub fn from_json(field_type: FieldType, value: &Value) -> Option<Self> {
        match (field_type, value) {
            (FieldType::Int, Value::Number(number)) => number.as_i64().map(Scalar::Int),
            (FieldType::Float, Value::Number(number)) => {
                number.as_f64().filter(|f| f.is_finite()).map(Scalar::Float)
            }
            (FieldType::Str, Value::String(text)) => Some(Scalar::Str(text.clone())),
            (FieldType::Bool, Value::Bool(boolean)) => Some(Scalar::Bool(*boolean)),
            (FieldType::Timestamp, Value::String(text)) => {
                timestamp::parse(text).map(|instant| Scalar::Timestamp(text.clone(), instant))
            }
            _ => None,
        }
    }

    pub fn to_json(&self) -> Value {
        match self {
            Scalar::Int(int) => Value::from(*int),
            Scalar::Float(float) => Value::from(*float),
            Scalar::Str(text) | Scalar::Timestamp(text, _) => Value::from(text.as_str()),
            Scalar::Bool(boolean) => Value::from(*boolean),
        }
    }

    /// The order of two values of one type; none for two types.
    pub fn compare(&self, other: &Scalar) -> Option<Ordering> {
        match (self, other) {
            (Scalar::Int(a), Scalar::Int(b))
            | (Scalar::Timestamp(_, a), Scalar::Timestamp(_, b)) => Some(a.cmp(b)),
            (Scalar::Float(a), Scalar::Float(b)) => a.partial_cmp(b),
            (Scalar::Str(a), Scalar::Str(b)) => Some(a.cmp(b)),
            (Scalar::Bool(a), Scalar::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// As a message shows it: text in quotes.
    pub fn shown(&self) -> String {
        match self {
            Scalar::Str(text) => format!("'{text}'"),
            Scalar::Timestamp(text, _) => text.clone(),
            other => other.to_json().to_string(),
        }
    }
}
