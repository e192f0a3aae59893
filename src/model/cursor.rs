//! Cursors: where a page ended, for the next one to go on. A cursor is base64url
//! of a small JSON object. It is not signed: whatever it says is a value that is
//! compared, so a forged one leads to another page of the same records.

use std::collections::HashMap;

use base64::prelude::{Engine, BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::Error;
use super::name::excerpt;
use super::order::{split, Order, ID};
use super::value::Value;

const VERSION: u8 = 1;

/// The last record of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// What the records are ordered by; none for NULL.
    pub value: Option<Value>,
    pub id: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor<'a> {
    #[serde(rename = "v")]
    version: u8,
    #[serde(rename = "o")]
    order: String,
    #[serde(rename = "k", borrow)]
    value: &'a RawValue,
    #[serde(rename = "i")]
    id: i64,
}

/// The cursor after `record`, an object as a listing shows it.
pub fn of_record(record: &str, order_by: Option<&str>) -> Result<String, Error> {
    let keys: HashMap<String, &RawValue> =
        serde_json::from_str(record).map_err(|_| Error::RecordNotListed)?;
    let id = keys.get(ID).and_then(|raw| raw.get().parse().ok());
    let (name, _) = split(order_by);
    let value = keys.get(name).ok_or_else(|| Error::FieldUnknown {
        field: excerpt(name),
    })?;
    let cursor = Cursor {
        version: VERSION,
        order: order_by.unwrap_or(ID).to_owned(),
        value,
        id: id.ok_or(Error::RecordNotListed)?,
    };
    let json = serde_json::to_vec(&cursor).map_err(|_| Error::RecordNotListed)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
}

/// The position that a cursor stands for. It must have been made for this order.
pub fn parse(text: &str, order: &Order) -> Result<Position, Error> {
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Error::CursorInvalid)?;
    let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| Error::CursorInvalid)?;
    if cursor.version != VERSION {
        return Err(Error::CursorInvalid);
    }
    if cursor.order != order.text() {
        return Err(Error::CursorOfOtherOrder);
    }
    let value = match cursor.value.get() {
        "null" => None,
        json => Some(Value::from_listed(order.field_type, json).ok_or(Error::CursorInvalid)?),
    };
    Ok(Position {
        value,
        id: cursor.id,
    })
}

#[cfg(test)]
mod tests {
    use super::super::schema::FieldType;
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [(&str, FieldType); 4] = [
        ("id", FieldType::Int),
        ("score", FieldType::Float),
        ("name", FieldType::Str),
        ("at", FieldType::Timestamp),
    ];

    fn order(text: &str) -> Order {
        Order::parse(Some(text), &COLUMNS).unwrap()
    }

    #[test]
    fn a_cursor_belongs_to_its_order() {
        let record = r#"{"id":7,"score":null,"name":"x","at":"2026-02-05T10:30:00.123456+00:00"}"#;
        let cursor = of_record(record, Some("-score")).unwrap();
        assert_eq!(
            parse(&cursor, &order("-score")),
            Ok(Position { value: None, id: 7 })
        );
        for other in ["score", "id", "-id", "name"] {
            let error = parse(&cursor, &order(other)).unwrap_err();
            assert_eq!(error, Error::CursorOfOtherOrder, "{other}");
        }
        // No order is by id.
        let cursor = of_record(record, None).unwrap();
        assert!(parse(&cursor, &order("id")).is_ok());
        // Six digits of a second.
        let cursor = of_record(record, Some("at")).unwrap();
        let value = Value::from_text(FieldType::Timestamp, "2026-02-05T10:30:00.123456Z");
        assert_eq!(parse(&cursor, &order("at")), Ok(Position { value, id: 7 }));
    }

    #[test]
    fn only_listed_records_have_one() {
        for record in ["", "[]", "1", "{}", r#"{"id":"7"}"#, r#"{"id":1.5}"#] {
            assert!(of_record(record, None).is_err(), "{record}");
        }
        assert_eq!(
            of_record(r#"{"id":7}"#, Some("-score")),
            Err(Error::FieldUnknown {
                field: "score".into()
            })
        );
    }

    #[test]
    fn forged_ones_are_refused() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"v":2,"o":"score","k":1,"i":1}"#,
            r#"{"v":1,"o":"score","k":"1","i":1}"#,
            r#"{"v":1,"o":"score","k":[1],"i":1}"#,
            r#"{"v":1,"o":"score","k":1,"i":"1"}"#,
            r#"{"v":1,"o":"score","k":1,"i":1,"x":1}"#,
            r#"{"v":1,"o":"score","k":1}"#,
        ] {
            let forged = BASE64_URL_SAFE_NO_PAD.encode(json);
            assert_eq!(
                parse(&forged, &order("score")),
                Err(Error::CursorInvalid),
                "{json}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", json in "\\PC*") {
            for by in ["id", "score", "-name", "at"] {
                let _ = parse(&text, &order(by));
                let _ = parse(&BASE64_URL_SAFE_NO_PAD.encode(&json), &order(by));
                let _ = of_record(&json, Some(by));
            }
        }

        #[test]
        fn values_come_back(id: i64, name in "[^\0]*", score in proptest::num::f64::NORMAL) {
            let record = serde_json::json!({"id": id, "name": name, "score": score}).to_string();
            let position = |by| parse(&of_record(&record, Some(by)).unwrap(), &order(by)).unwrap();
            prop_assert_eq!(position("-id").id, id);
            prop_assert_eq!(position("name").value, Some(Value::Str(name.clone())));
            prop_assert_eq!(position("-score").value, Some(Value::Float(score)));
        }
    }
}
