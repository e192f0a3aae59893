//! Types of fields and the values that sequences are made of: few, so that they
//! meet each other.

use std::cmp::Ordering;

use serde_json::{json, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Str,
    Float,
    Bool,
    Time,
    Json,
}

pub const KINDS: [Kind; 6] = [
    Kind::Int,
    Kind::Str,
    Kind::Float,
    Kind::Bool,
    Kind::Time,
    Kind::Json,
];

/// A value that is kept; NULL is the absence of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    Int(i64),
    Str(String),
    Float(f64),
    Bool(bool),
    /// By its place in [`TIMES`].
    Time(usize),
    Json(Value),
}

/// Timestamps as they are sent and as they are listed, the earliest first.
const TIMES: [(&str, &str); 4] = [
    ("2025-12-31", "2025-12-31T00:00:00+00:00"),
    ("2026-02-05T10:30:00", "2026-02-05T10:30:00+00:00"),
    (
        "2026-02-05T16:00:00.123456+05:30",
        "2026-02-05T10:30:00.123456+00:00",
    ),
    ("2026-02-05T10:30:01Z", "2026-02-05T10:30:01+00:00"),
];

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Int => "int",
            Kind::Str => "str",
            Kind::Float => "float",
            Kind::Bool => "bool",
            Kind::Time => "timestamp",
            Kind::Json => "json",
        }
    }

    pub fn named(name: &str) -> Self {
        let known = KINDS.iter().find(|kind| kind.name() == name);
        *known.unwrap_or_else(|| panic!("no type {name}"))
    }

    /// Values to send for a field of this type; the plain ones first.
    pub fn candidates(self) -> Vec<Value> {
        match self {
            Kind::Int => vec![
                json!(1),
                json!(0),
                json!(2),
                json!(3),
                json!(5),
                json!(-1),
                json!(9_007_199_254_740_992_i64),
                json!(9_007_199_254_740_993_i64),
                Value::Null,
            ],
            Kind::Str => vec![
                json!("a"),
                json!(""),
                json!("ab"),
                json!("abc"),
                json!("b"),
                json!("é"),
                Value::Null,
            ],
            Kind::Float => vec![
                json!(1.5),
                json!(0),
                json!(2),
                json!(-2.5),
                json!(0.1),
                json!(10_000_000_000_i64),
                Value::Null,
            ],
            Kind::Bool => vec![json!(true), json!(false), Value::Null],
            Kind::Time => {
                let times = TIMES.iter().map(|(sent, _)| json!(sent));
                times.chain([Value::Null]).collect()
            }
            Kind::Json => vec![
                json!({"a": 1}),
                json!([1, 2]),
                json!("x"),
                json!(5),
                json!({"a": 2, "b": null}),
                Value::Null,
            ],
        }
    }

    /// The value that a payload has, or the SQLSTATE for one that has another type.
    pub fn read(self, value: &Value) -> Result<Option<Datum>, &'static str> {
        Ok(Some(match (self, value) {
            (_, Value::Null) => return Ok(None),
            (Kind::Json, any) => Datum::Json(any.clone()),
            (Kind::Int, Value::Number(n)) if n.is_i64() => Datum::Int(n.as_i64().unwrap()),
            (Kind::Int, Value::Number(n)) if n.is_u64() => return Err("22003"),
            (Kind::Float, Value::Number(n)) => Datum::Float(n.as_f64().unwrap()),
            (Kind::Str, Value::String(s)) => Datum::Str(s.clone()),
            (Kind::Bool, Value::Bool(b)) => Datum::Bool(*b),
            (Kind::Time, Value::String(s)) => {
                let known = TIMES
                    .iter()
                    .position(|(sent, listed)| sent == s || listed == s);
                Datum::Time(known.ok_or("22007")?)
            }
            _ => return Err("42804"),
        }))
    }
}

/// Values of which each is wrong for most types.
pub fn odd_values() -> Vec<Value> {
    vec![
        json!("no"),
        json!(2.0),
        json!(9_223_372_036_854_775_808_u64),
        json!([1]),
        json!(true),
        json!(7),
        json!({"z": 1}),
    ]
}

impl Datum {
    /// As a listing shows it.
    pub fn shown(&self) -> Value {
        match self {
            Datum::Int(n) => json!(n),
            Datum::Str(s) => json!(s),
            Datum::Float(f) => json!(f),
            Datum::Bool(b) => json!(b),
            Datum::Time(t) => json!(TIMES[*t].1),
            Datum::Json(value) => value.clone(),
        }
    }

    /// As it is in a field that was widened to json: numbers of jsonb have no fraction
    /// that says nothing.
    pub fn widened(&self) -> Value {
        match self {
            Datum::Float(f) if f.fract() == 0.0 => json!(*f as i64),
            other => other.shown(),
        }
    }

    /// The order of two values of one type that has an order.
    pub fn order(&self, other: &Datum) -> Ordering {
        match (self, other) {
            (Datum::Int(a), Datum::Int(b)) => a.cmp(b),
            (Datum::Str(a), Datum::Str(b)) => a.cmp(b),
            (Datum::Float(a), Datum::Float(b)) => a.total_cmp(b),
            (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
            (Datum::Time(a), Datum::Time(b)) => a.cmp(b),
            _ => panic!("{self:?} and {other:?} have no order"),
        }
    }
}
