//! Examples that fit the fields of a tool and their rules, the same ones each time.
//! Where none is known to fit there is none.

use serde_json::{json, Map, Value};

use super::Documented;
use crate::model::checks::Checks;
use crate::model::scalar::Scalar;
use crate::model::schema::{Field, FieldType, Schema, PAYLOAD_COLUMN};
use crate::model::timestamp;

/// Texts for fields whose names have such a part, the first that fits.
const TEXTS: [(&str, [&str; 2]); 14] = [
    ("email", ["ada@example.org", "alan@example.org"]),
    ("url", ["https://example.org/", "https://example.org/about"]),
    ("phone", ["+44 20 7946 0000", "+44 20 7946 0001"]),
    ("country", ["GB", "FR"]),
    ("city", ["London", "Paris"]),
    ("name", ["Ada Lovelace", "Alan Turing"]),
    ("title", ["First impressions", "One year on"]),
    ("status", ["open", "closed"]),
    ("language", ["en", "fr"]),
    ("id", ["a1b2c3", "d4e5f6"]),
    ("feedback", ["Great product!", "Could be better"]),
    ("message", ["Love this app!", "How do I log in?"]),
    ("comment", ["Works as described.", "Arrived late."]),
    ("text", ["Hello, world", "Goodbye"]),
];
const OTHER_TEXT: [&str; 2] = ["some text", "another text"];

/// Texts of many kinds, for fields that have a pattern.
const TEXTS_OF_PATTERNS: [&str; 26] = [
    "a",
    "b",
    "A",
    "B",
    "ab",
    "cd",
    "AB",
    "CD",
    "abc",
    "xyz",
    "ABC",
    "XYZ",
    "abcd",
    "1",
    "2",
    "12",
    "123",
    "1234",
    "12345",
    "A1",
    "ABC-123",
    "a-b",
    "1.0",
    "2026-02-05",
    "#ff8800",
    "9b2c7a4e-0f0d-4d8e-8a53-5d5e3b1f6c11",
];

/// A record as it is sent; `nth` makes it another one. A field for which no example
/// is known is left out; there is no example if it must not be.
pub fn new_record(tool: &Documented<'_>, nth: usize) -> Option<Value> {
    let fields = match tool.schema {
        Schema::WholePayload => return Some(json!({"event": "page_view", "count": nth})),
        Schema::Fields(fields) => fields,
    };
    let mut record = Map::new();
    for field in fields {
        match value(field, nth) {
            Some(value) => _ = record.insert(field.name.clone(), value),
            None if field.rules.required => return None,
            None => (),
        }
    }
    Some(record.into())
}

/// The same record as it is listed.
pub fn record(tool: &Documented<'_>, nth: usize) -> Option<Value> {
    let mut record = Map::new();
    record.insert("id".into(), nth.into());
    let created_at = format!("2026-02-05T10:3{}:00.123456", nth % 10);
    record.insert("created_at".into(), created_at.as_str().into());
    if tool.options.versioned {
        record.insert("updated_at".into(), created_at.into());
        record.insert("version".into(), 1.into());
    }
    let sent = new_record(tool, nth)?;
    match tool.schema {
        Schema::WholePayload => _ = record.insert(PAYLOAD_COLUMN.into(), sent),
        Schema::Fields(fields) => {
            for field in fields {
                let value = sent.get(&field.name).cloned().unwrap_or_default();
                record.insert(field.name.clone(), value);
            }
        }
    }
    Some(record.into())
}

/// A change of one field, of one that can be changed in every record if there is one.
pub fn changes(tool: &Documented<'_>) -> Value {
    let changed = |field: &Field| Some((field.name.clone(), value(field, 2)?));
    match tool.schema {
        Schema::WholePayload => json!({"count": 2}),
        Schema::Fields(fields) => {
            let (unique, others): (Vec<&Field>, Vec<&Field>) =
                fields.iter().partition(|field| field.rules.unique);
            let mut fields = others.into_iter().chain(unique);
            let change: Map<_, _> = fields.find_map(changed).into_iter().collect();
            change.into()
        }
    }
}

/// The nth of those values that follow the rules of a field. Those of a unique field
/// differ, as far as there are any.
fn value(field: &Field, nth: usize) -> Option<Value> {
    let checks = Checks::of(&field.rules);
    let fits = |value: &Value| match (&checks, field.field_type) {
        (None, _) => true,
        (Some(checks), FieldType::Json) => {
            checks.broken_by_json_text(&value.to_string()).is_empty()
        }
        (Some(checks), field_type) => Scalar::from_json(field_type, value)
            .is_some_and(|scalar| checks.broken_by(&scalar).is_empty()),
    };
    let mut fitting: Vec<Value> = Vec::new();
    for value in candidates(field) {
        if !fitting.contains(&value) && fits(&value) {
            fitting.push(value);
        }
    }
    let place = if field.field_type == FieldType::Json {
        0
    } else if field.rules.unique {
        nth - 1
    } else {
        (nth - 1) % fitting.len().max(1)
    };
    fitting.into_iter().nth(place)
}

/// Values of the right type: first those that say something, then those that the
/// rules ask for.
fn candidates(field: &Field) -> Vec<Value> {
    let rules = &field.rules;
    let mut candidates: Vec<Value> = match field.field_type {
        FieldType::Int => (1..=2).map(|nth| number(&field.name, nth).into()).collect(),
        FieldType::Float => vec![json!(4.5), json!(5.5)],
        FieldType::Str => texts(field),
        FieldType::Bool => vec![json!(true), json!(false)],
        FieldType::Json => vec![
            json!({"source": "web", "tags": ["new"]}),
            json!({}),
            json!([]),
            json!(["new"]),
            json!("text"),
            json!(1),
            json!(true),
        ],
        // As it is sent and as it is shown.
        FieldType::Timestamp => vec!["2026-02-05T10:01:00".into(), "2026-02-05T10:02:00".into()],
    };
    if let Some(values) = &rules.one_of {
        candidates.extend(values.iter().filter_map(as_shown));
    }
    for limit in [&rules.min, &rules.max].into_iter().flatten() {
        candidates.extend(as_shown(limit));
        candidates.extend(neighbours(limit));
    }
    if let Some(default) = &rules.default {
        match Scalar::from_json(field.field_type, default) {
            Some(scalar) => candidates.extend(as_shown(&scalar)),
            None => candidates.push(default.clone()),
        }
    }
    candidates
}

fn texts(field: &Field) -> Vec<Value> {
    let known = TEXTS.iter().find(|(part, _)| field.name.contains(part));
    let mut texts: Vec<&str> = known.map_or(OTHER_TEXT, |(_, texts)| *texts).to_vec();
    if field.rules.pattern.is_some() {
        texts.extend(TEXTS.iter().flat_map(|(_, texts)| *texts));
        texts.extend(TEXTS_OF_PATTERNS);
    }
    let mut values: Vec<Value> = texts.iter().map(|text| Value::from(*text)).collect();
    if let Some(length) = field.rules.max_length {
        let cut = |text: &&str| text.chars().take(length).collect::<String>();
        values.extend(texts.iter().map(cut).map(Value::from));
        values.extend(["a", "b"].map(Value::from));
    }
    values
}

/// Values next to a limit, on both sides of it.
fn neighbours(limit: &Scalar) -> Vec<Value> {
    match limit {
        Scalar::Int(int) => [int.checked_add(1), int.checked_sub(1)]
            .into_iter()
            .flatten()
            .map(Value::from)
            .collect(),
        Scalar::Float(float) => vec![json!(float + 0.5), json!(float - 0.5)],
        Scalar::Timestamp(_, instant) => [1, -1]
            .into_iter()
            .filter_map(|second| instant.checked_add(second * 1_000_000))
            .filter_map(full_second)
            .collect(),
        Scalar::Str(_) | Scalar::Bool(_) => Vec::new(),
    }
}

/// The value in the form in which it comes back.
fn as_shown(scalar: &Scalar) -> Option<Value> {
    match scalar {
        Scalar::Timestamp(_, instant) => full_second(*instant),
        other => Some(other.to_json()),
    }
}

fn full_second(instant: i64) -> Option<Value> {
    timestamp::format(instant - instant.rem_euclid(1_000_000)).map(Value::from)
}

fn number(name: &str, nth: usize) -> usize {
    match name {
        _ if name.contains("rating") || name.contains("stars") => 6 - nth.min(5),
        _ if name.contains("age") => 30 + nth,
        _ if name.ends_with("id") => 41 + nth,
        _ => 10 * nth,
    }
}
