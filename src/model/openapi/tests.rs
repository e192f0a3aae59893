//! What holds for the document of every tool.

use super::*;
use proptest::prelude::*;

fn of(schema: &Schema, sensitive: bool) -> Value {
    document(
        &Documented {
            name: "x",
            description: None,
            in_project: false,
            sensitive,
            schema,
            options: &ToolOptions::default(),
        },
        None,
    )
}

/// Every `$ref` in a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(target) if key == "$ref" => found.push(target.clone()),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => (),
    }
}

#[test]
fn what_is_referred_to_is_there() {
    let fields = Schema::parse(r#"[{"name": "n", "type": "int"}]"#).unwrap();
    for schema in [&fields, &Schema::WholePayload] {
        for sensitive in [false, true] {
            let document = of(schema, sensitive);
            let mut found = Vec::new();
            references(&document, &mut found);
            assert!(found.len() > 10);
            for target in found {
                let pointer = target.trim_start_matches('#');
                assert!(document.pointer(pointer).is_some(), "{target}");
            }
        }
    }
}

#[test]
fn reading_a_sensitive_tool_needs_its_token() {
    let security = |sensitive| {
        let document = of(&Schema::WholePayload, sensitive);
        document["paths"]["/tools/x"]["get"]["security"].clone()
    };
    assert_eq!(security(false), json!([]));
    assert_eq!(security(true), json!([{"tool_token": []}]));
}

#[test]
fn base_urls() {
    for (given, taken) in [
        ("https://a.example", "https://a.example"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://a.example/store//", "https://a.example/store"),
    ] {
        assert_eq!(check_base_url(given), Ok(taken));
    }
    for refused in [
        "",
        "/",
        "a.example",
        "ftp://a",
        "https://",
        "https:///x",
        "https://a b",
        "https://{a}",
        "https://a?b",
        "https://a#b",
        "https://a\n",
        "https://é",
        "javascript:alert(1)",
    ] {
        assert_eq!(
            check_base_url(refused),
            Err(Error::BaseUrlInvalid),
            "{refused}"
        );
    }
}

proptest! {
    #[test]
    fn every_example_has_every_field(types in proptest::collection::vec(0..6usize, 0..20)) {
        let names = ["int", "str", "bool", "float", "json", "timestamp"];
        let fields: Vec<Value> = types
            .iter()
            .enumerate()
            .map(|(i, t)| json!({"name": format!("f{i}"), "type": names[*t]}))
            .collect();
        let document = of(&Schema::from_value(&fields.into()).unwrap(), false);
        let media = &document["paths"]["/tools/x"]["post"]["requestBody"]["content"]["application/json"];
        prop_assert_eq!(media["example"].as_object().unwrap().len(), types.len());
        let properties = &document["components"]["schemas"]["NewRecord"]["properties"];
        prop_assert_eq!(properties.as_object().unwrap().len(), types.len());
    }
}
