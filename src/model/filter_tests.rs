use super::*;
use proptest::prelude::*;

const COLUMNS: [(&str, FieldType); 7] = [
    ("id", FieldType::Int),
    ("created_at", FieldType::Timestamp),
    ("rating", FieldType::Int),
    ("score", FieldType::Float),
    ("tag", FieldType::Str),
    ("done", FieldType::Bool),
    ("extra", FieldType::Json),
];

fn json(filter: &str) -> Result<Vec<Condition>, Error> {
    from_json(filter, &COLUMNS)
}

fn query(given: &[(&str, &str, &str)]) -> Result<Vec<Condition>, Error> {
    let given: Vec<TextCondition> = given
        .iter()
        .map(|(field, operator, value)| TextCondition {
            field: (*field).into(),
            operator: (*operator).into(),
            value: (*value).into(),
        })
        .collect();
    from_query(&given, &COLUMNS)
}

/// The operators of a filter that is fine.
fn operators(filter: &str) -> Vec<Operator> {
    json(filter).unwrap().iter().map(|c| c.operator).collect()
}

#[test]
fn bare_values_and_objects_of_operators() {
    assert_eq!(json("{}"), Ok(vec![]));
    assert_eq!(operators(r#"{"rating": 4}"#), [Operator::Eq]);
    assert_eq!(operators(r#"{"rating": null}"#), [Operator::IsNull]);
    assert_eq!(operators(r#"{"extra": [1, 2]}"#), [Operator::Eq]);
    assert_eq!(
        operators(r#"{"extra": {"contains": {"a": 1}}}"#),
        [Operator::Contains]
    );
    assert_eq!(
        operators(r#"{"rating": {"gte": 1, "lt": 5}}"#),
        [Operator::Gte, Operator::Lt]
    );
    let all = json(r#"{"id": {"in": [1, 2]}, "tag": {"like": "a%"}, "done": {"is_null": false}}"#);
    let operands: Vec<Operand> = all.unwrap().into_iter().map(|c| c.operand).collect();
    assert_eq!(
        operands,
        [
            Operand::Null(false),
            Operand::List(vec![Value::Int(1), Value::Int(2)]),
            Operand::Value(Value::Str("a%".into())),
        ]
    );
}

#[test]
fn both_ways_give_the_same() {
    let of_json =
        json(r#"{"score": {"gt": 1.5}, "tag": {"in": ["a", "b,c"]}, "extra": {"contains": [1]}}"#);
    let of_query = query(&[
        ("extra", "contains", "[1]"),
        ("score", "gt", "1.5"),
        ("tag", "in", "a"),
        ("tag", "in", "b,c"),
    ]);
    assert_eq!(of_json, of_query);
    assert_eq!(
        query(&[("rating", "gt", "1"), ("rating", "gt", "2")])
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn faults_name_field_and_operator() {
    for (filter, sqlstate, named) in [
        ("[]", "22023", "object"),
        ("1", "22023", "object"),
        (r#"{"ratng": 1}"#, "42703", "'ratng'"),
        (r#"{"ctid": "(0,1)"}"#, "42703", "'ctid'"),
        (r#"{"rating": {}}"#, "22023", "'rating'"),
        (r#"{"rating": {"=": 1}}"#, "22023", "'='"),
        (r#"{"rating": {"EQ": 1}}"#, "22023", "'EQ'"),
        (r#"{"rating": {"like": "a"}}"#, "22023", "'like'"),
        (r#"{"done": {"lt": true}}"#, "22023", "'lt'"),
        (r#"{"extra": {"gte": 1}}"#, "22023", "'gte'"),
        (r#"{"tag": {"contains": "a"}}"#, "22023", "'contains'"),
        (r#"{"rating": {"gte": "4"}}"#, "22023", "'gte'"),
        (r#"{"rating": {"gte": null}}"#, "22023", "'gte'"),
        (r#"{"extra": {"eq": null}}"#, "22023", "'eq'"),
        (r#"{"rating": [4]}"#, "22023", "'eq'"),
        (r#"{"rating": {"in": []}}"#, "22023", "'in'"),
        (r#"{"rating": {"in": 4}}"#, "22023", "'in'"),
        (r#"{"rating": {"in": [4, null]}}"#, "22023", "'in'"),
        (r#"{"rating": {"in": [4, "5"]}}"#, "22023", "'in'"),
        (r#"{"rating": {"is_null": 1}}"#, "22023", "'is_null'"),
        (r#"{"rating": {"is_null": null}}"#, "22023", "'is_null'"),
        (r#"{"tag": {"like": "a\\"}}"#, "22023", "'like'"),
        (r#"{"created_at": {"gt": "yesterday"}}"#, "22023", "'gt'"),
    ] {
        let error = json(filter).unwrap_err();
        assert_eq!(error.sqlstate(), sqlstate, "{filter}");
        assert!(
            error.message().contains(named),
            "{filter}: {}",
            error.message()
        );
        assert_eq!(error.http_status(), 400);
        assert!(
            error.detail().is_some() && error.hint().is_some(),
            "{filter}"
        );
    }
    assert!(json(r#"{"tag": {"like": "a\\\\"}}"#).is_ok());
    assert!(query(&[("extra", "contains", "{")]).is_err());
    assert!(query(&[("extra", "eq", "null")]).is_err());
    assert!(query(&[("rating", "in", "1,2")]).is_err());
    assert!(query(&[("rating", "in", "1"), ("rating", "in", "x")]).is_err());
}

#[test]
fn parameters_of_others_are_ignored() {
    assert_eq!(
        query(&[("not", "id", "eq.1"), ("utm", "source", "x")]),
        Ok(vec![])
    );
    assert!(query(&[("ratng", "gte", "1")]).is_err());
    assert!(query(&[("rating", "source", "1")]).is_err());
}

#[test]
fn there_is_an_end_to_it() {
    let list = |n: usize| format!(r#"{{"rating": {{"in": [{}]}}}}"#, vec!["1"; n].join(","));
    assert!(json(&list(MAX_LIST)).is_ok());
    assert!(json(&list(MAX_LIST + 1)).is_err());
    assert!(query(&vec![("tag", "in", "a"); MAX_LIST]).is_ok());
    assert!(query(&vec![("tag", "in", "a"); MAX_LIST + 1]).is_err());
    assert!(query(&vec![("tag", "eq", "a"); MAX_CONDITIONS]).is_ok());
    assert_eq!(
        query(&vec![("tag", "eq", "a"); MAX_CONDITIONS + 1]),
        Err(Error::FilterTooLong)
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", field in "rating|tag|extra|\\PC*", operator in "eq|in|like|\\PC*") {
        let _ = json(&text);
        let _ = json(&format!("{{\"extra\": {text}}}"));
        let _ = json(&format!("{{\"tag\": {{\"{operator}\": {text}}}}}"));
        let _ = query(&[(&field, &operator, &text)]);
    }

    /// What passes names a column of the tool and fits its type.
    #[test]
    fn what_passes_is_safe_to_run(field in "[a-z_]{1,10}|rating|tag|extra|done|score", operator in "[a-z_]{1,8}|eq|gte|like|contains|in|is_null",
                                  value in "[0-9]{1,3}|true|\"[a-z%]{0,4}\"|null|\\[1,2\\]") {
        let filter = format!("{{\"{field}\": {{\"{operator}\": {value}}}}}");
        if let Ok(conditions) = json(&filter) {
            prop_assert_eq!(conditions.len(), 1);
            let condition = &conditions[0];
            prop_assert!(COLUMNS.contains(&(condition.column.as_str(), condition.field_type)));
            prop_assert!(condition.operator.fits(condition.field_type));
            let has_type = |value: &Value| matches!((condition.field_type, value),
                (FieldType::Int, Value::Int(_)) | (FieldType::Float, Value::Float(_)) | (FieldType::Str, Value::Str(_))
                | (FieldType::Bool, Value::Bool(_)) | (FieldType::Timestamp, Value::Timestamp(_)) | (FieldType::Json, Value::Json(_)));
            match &condition.operand {
                Operand::Value(value) => prop_assert!(has_type(value)),
                Operand::List(values) => {
                    prop_assert_eq!(condition.operator, Operator::In);
                    prop_assert!(!values.is_empty() && values.iter().all(has_type));
                }
                Operand::Null(_) => prop_assert_eq!(condition.operator, Operator::IsNull),
            }
        }
    }
}
