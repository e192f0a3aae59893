//! Many keys looked up at once, against PostgreSQL's own search for each of them.

#[pgrx::pg_schema]
mod tests {
    use std::ffi::CString;

    use pgrx::prelude::*;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;
    use serde_json::{json, Map, Value};

    use crate::pg::jsonb::{JsonValue, Jsonb};
    use crate::pg::jsonb_merge::SortedKeys;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (any::<i32>(), 1..1000i32).prop_map(|(n, d)| Value::from(f64::from(n) / f64::from(d))),
            "[a-zé€😀 ]{0,40}".prop_map(Value::from),
            prop::collection::vec(any::<i16>(), 0..4).prop_map(|list| json!(list)),
            "[a-z]{0,9}".prop_map(|text| json!({"inner": text, "n": 1.5})),
        ]
    }

    fn key() -> impl Strategy<Value = String> {
        prop_oneof!["[ab]{0,3}", "[a-zé€]{1,8}", "field_[0-9]{1,2}"]
    }

    fn text(value: Option<JsonValue<'_>>) -> Option<String> {
        value.map(JsonValue::to_text)
    }

    /// More than 32 keys have offsets among the lengths.
    #[pg_test]
    fn all_keys_at_once_are_found_as_one_by_one() {
        let objects = prop::collection::vec((key(), value()), 0..120);
        let wanted = prop::collection::btree_set(key(), 0..80);
        let case = (objects, wanted, any::<bool>());
        TestRunner::default()
            .run(&case, |(entries, mut wanted, nested)| {
                // Half of them are there.
                wanted.extend(entries.iter().step_by(2).map(|(key, _)| key.clone()));
                let object: Map<String, Value> = entries.into_iter().collect();
                let document = match nested {
                    true => json!({"before": "x", "object": object}),
                    false => Value::from(object),
                };
                let document = CString::new(document.to_string()).unwrap();
                let outer = Jsonb::parse(&document).as_object().unwrap();
                let object = match nested {
                    true => outer.get("object").and_then(JsonValue::as_object).unwrap(),
                    false => outer,
                };
                let keys = SortedKeys::of(wanted.iter().map(String::as_str));
                for (key, value) in wanted.iter().zip(object.values_of(&keys)) {
                    prop_assert_eq!(text(value), text(object.get(key)), "{}", key);
                }
                Ok(())
            })
            .unwrap();
    }
}
