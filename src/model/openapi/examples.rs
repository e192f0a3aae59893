//! Examples that fit the fields of a tool, the same ones each time.

use serde_json::{json, Map, Value};

use crate::model::schema::{Field, FieldType, Schema, PAYLOAD_COLUMN};

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

/// A record as it is sent; `nth` makes it another one.
pub fn new_record(schema: &Schema, nth: usize) -> Value {
    match schema {
        Schema::WholePayload => json!({"event": "page_view", "count": nth}),
        Schema::Fields(fields) => fields
            .iter()
            .map(|field| (field.name.clone(), value(field, nth)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// A record as it is listed.
pub fn record(schema: &Schema, nth: usize) -> Value {
    let mut record = Map::new();
    record.insert("id".into(), nth.into());
    let created_at = format!("2026-02-05T10:3{}:00.123456", nth % 10);
    record.insert("created_at".into(), created_at.into());
    let sent = new_record(schema, nth);
    match (schema, sent) {
        (Schema::Fields(_), Value::Object(fields)) => record.extend(fields),
        (_, sent) => {
            record.insert(PAYLOAD_COLUMN.into(), sent);
        }
    }
    record.into()
}

fn value(field: &Field, nth: usize) -> Value {
    match field.field_type {
        FieldType::Int => number(&field.name, nth).into(),
        FieldType::Str => {
            let known = TEXTS.iter().find(|(part, _)| field.name.contains(part));
            known.map_or(OTHER_TEXT, |(_, texts)| *texts)[(nth + 1) % 2].into()
        }
        FieldType::Bool => (nth % 2 == 1).into(),
        FieldType::Float => json!(nth as f64 + 3.5),
        FieldType::Json => json!({"source": "web", "tags": ["new"]}),
        // As it is sent and as it is shown.
        FieldType::Timestamp => format!("2026-02-05T10:0{}:00", nth % 10).into(),
    }
}

fn number(name: &str, nth: usize) -> usize {
    match name {
        _ if name.contains("rating") || name.contains("stars") => 6 - nth.min(5),
        _ if name.contains("age") => 30 + nth,
        _ if name.ends_with("id") => 41 + nth,
        _ => 10 * nth,
    }
}
