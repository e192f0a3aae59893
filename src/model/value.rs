//! Values of fields outside of payloads: those of filters and cursors. They come
//! as JSON text, or as plain text in a URL, and follow the rules of payloads.

use super::schema::FieldType;
use super::timestamp;

/// A value that has the type of its field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Int(i64),
    Float(f64),
    Str(String),
    Bool(bool),
    /// Microseconds since PostgreSQL's epoch.
    Timestamp(i64),
    /// The text of any JSON value.
    Json(String),
}

impl Value {
    /// A JSON value, if it is one of that type. `json` is valid JSON.
    pub fn from_json(field_type: FieldType, json: &str) -> Option<Self> {
        match field_type {
            // Rust's parsers take more than JSON has, but not from JSON.
            FieldType::Int => json.parse().ok().map(Value::Int),
            FieldType::Float => finite(json).map(Value::Float),
            FieldType::Bool => json.parse().ok().map(Value::Bool),
            FieldType::Str => string(json).and_then(storable).map(Value::Str),
            FieldType::Timestamp => timestamp::parse(&string(json)?).map(Value::Timestamp),
            FieldType::Json => Some(Value::Json(json.to_owned())),
        }
    }

    /// A value as a URL has it: text without quotes, JSON text for a json field.
    pub fn from_text(field_type: FieldType, text: &str) -> Option<Self> {
        match field_type {
            FieldType::Int => text.parse().ok().map(Value::Int),
            FieldType::Float => finite(text).map(Value::Float),
            FieldType::Bool => text.parse().ok().map(Value::Bool),
            FieldType::Str => storable(text.to_owned()).map(Value::Str),
            FieldType::Timestamp => timestamp::parse(text).map(Value::Timestamp),
            FieldType::Json => serde_json::from_str::<&serde_json::value::RawValue>(text)
                .ok()
                .map(|json| Value::Json(json.get().to_owned())),
        }
    }

    /// A JSON value as a listing shows it, which may be one that no payload can
    /// have: what somebody put into the table by hand.
    pub fn from_listed(field_type: FieldType, json: &str) -> Option<Self> {
        Value::from_json(field_type, json).or_else(|| {
            let text = string(json)?;
            match field_type {
                FieldType::Float => match text.as_str() {
                    "NaN" => Some(Value::Float(f64::NAN)),
                    "Infinity" => Some(Value::Float(f64::INFINITY)),
                    "-Infinity" => Some(Value::Float(f64::NEG_INFINITY)),
                    _ => None,
                },
                FieldType::Timestamp => timestamp::parse_far(&text).map(Value::Timestamp),
                _ => None,
            }
        })
    }
}

/// The nearest double, if the text is a JSON number and the double finite.
fn finite(text: &str) -> Option<f64> {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if !is_number {
        return None;
    }
    text.parse().ok().filter(|double: &f64| double.is_finite())
}

fn string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// Text that PostgreSQL can hold.
fn storable(text: String) -> Option<String> {
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TYPES: [FieldType; 6] = [
        FieldType::Int,
        FieldType::Str,
        FieldType::Bool,
        FieldType::Float,
        FieldType::Json,
        FieldType::Timestamp,
    ];

    #[test]
    fn json_follows_the_rules_of_payloads() {
        let json = Value::from_json;
        assert_eq!(json(FieldType::Int, "42"), Some(Value::Int(42)));
        assert_eq!(json(FieldType::Float, "42"), Some(Value::Float(42.0)));
        assert_eq!(
            json(FieldType::Float, "-1.5e3"),
            Some(Value::Float(-1500.0))
        );
        assert_eq!(
            json(FieldType::Str, r#""a\n""#),
            Some(Value::Str("a\n".into()))
        );
        assert_eq!(json(FieldType::Bool, "true"), Some(Value::Bool(true)));
        assert_eq!(
            json(FieldType::Timestamp, r#""2000-01-01T00:00:01""#),
            Some(Value::Timestamp(1_000_000))
        );
        for (field_type, wrong) in [
            (FieldType::Int, "42.0"),
            (FieldType::Int, "1e2"),
            (FieldType::Int, "\"42\""),
            (FieldType::Int, "9223372036854775808"),
            (FieldType::Float, "1e400"),
            (FieldType::Float, "\"NaN\""),
            (FieldType::Str, "42"),
            (FieldType::Str, r#""\u0000""#),
            (FieldType::Bool, "1"),
            (FieldType::Timestamp, "\"now\""),
            (FieldType::Timestamp, "0"),
        ] {
            assert_eq!(json(field_type, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn text_needs_no_quotes() {
        let text = Value::from_text;
        assert_eq!(
            text(FieldType::Str, "\"a\""),
            Some(Value::Str("\"a\"".into()))
        );
        assert_eq!(
            text(FieldType::Json, "[1] "),
            Some(Value::Json("[1]".into()))
        );
        for (field_type, wrong) in [
            (FieldType::Int, ""),
            (FieldType::Float, "inf"),
            (FieldType::Float, "nan"),
            (FieldType::Float, ""),
            (FieldType::Str, "a\0"),
            (FieldType::Json, "[1"),
            (FieldType::Json, ""),
            (FieldType::Timestamp, ""),
        ] {
            assert_eq!(text(field_type, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_no_payload_can_have_comes_back() {
        let listed = Value::from_listed;
        assert_eq!(
            listed(FieldType::Float, "\"-Infinity\""),
            Some(Value::Float(f64::NEG_INFINITY))
        );
        assert_eq!(
            listed(FieldType::Timestamp, "\"infinity\""),
            Some(Value::Timestamp(i64::MAX))
        );
        assert_eq!(listed(FieldType::Float, "\"nan\""), None);
        assert_eq!(listed(FieldType::Int, "\"infinity\""), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            for field_type in TYPES {
                let _ = Value::from_text(field_type, &text);
                let _ = Value::from_listed(field_type, &text);
            }
        }

        #[test]
        fn a_double_comes_back_to_the_bit(double in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let json = serde_json::to_string(&double).unwrap();
            let read = Value::from_json(FieldType::Float, &json);
            prop_assert_eq!(read, Some(Value::Float(double)), "{}", json);
        }

        #[test]
        fn a_string_comes_back(text in "[^\0]*") {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Value::from_json(FieldType::Str, &json), Some(Value::Str(text)));
        }
    }
}
