//! What is taken for a fact, what is kept of it, and what never is.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn parse(changes: Value) -> Result<InfoChanges, RegistryError> {
    InfoChanges::parse(&changes.to_string())
}

fn columns(changes: Value) -> Value {
    serde_json::from_str(&parse(changes).ok().unwrap().columns).unwrap()
}

fn fault(changes: Value) -> String {
    parse(changes).err().unwrap().message()
}

#[test]
fn what_is_kept() {
    assert_eq!(
        columns(json!({"category": " weather ", "tags": ["a", "a "], "version": null})),
        json!({"category": "weather", "tags": ["a"], "version": null})
    );
    let exact = r#"{"custom_metrics": {"n": 12345678901234567890123, "f": 0.10}}"#;
    let kept = InfoChanges::parse(exact).ok().unwrap().columns;
    assert_eq!(
        kept,
        r#"{"custom_metrics":{"n": 12345678901234567890123, "f": 0.10}}"#
    );
}

#[test]
fn faults_name_their_key() {
    for (key, bad) in [
        ("category", json!("")),
        ("api_endpoint", json!("weather")),
        ("auth_method", json!("magic")),
        ("auth_config", json!([])),
        ("params", json!({"type": "no such"})),
        ("version", json!("1")),
        ("tags", json!("a")),
        ("allowed_scopes", json!(["Read"])),
        ("owner", json!(7)),
        ("schema_type", json!("x".repeat(51))),
        ("schema_version", json!({})),
        ("inputs", json!(true)),
        ("outputs", json!({"$ref": "https://example.org/schema"})),
        ("examples", json!([{"in": 1}])),
        ("custom_metrics", json!([1])),
    ] {
        let words = fault(json!({key: bad}));
        assert!(words.starts_with(&format!("'{key}' must be ")), "{words}");
    }
    assert_eq!(fault(json!({"colour": 1})), "Unknown key 'colour'");
    assert!(InfoChanges::parse("[]").is_err());
    let deep = format!(r#"{{"params": {}{}}}"#, "[".repeat(500), "]".repeat(500));
    assert!(InfoChanges::parse(&deep).is_err());
}

#[test]
fn secrets_leave_auth_config() {
    let changes = parse(json!({"auth_config": {
        "header": "X-Api-Key",
        "secret": {"api_key": "s3cret", "old": null, "same": SECRET_SHOWN},
    }}));
    let changes = changes.ok().unwrap();
    assert_eq!(changes.columns, r#"{"auth_config":{"header":"X-Api-Key"}}"#);
    assert!(!changes.secrets.clear);
    let named = &changes.secrets.named;
    assert!(
        matches!(&named[0], (name, SecretChange::Set(s)) if name == "api_key" && s == "s3cret")
    );
    assert!(matches!(named[1], (_, SecretChange::Remove)));
    assert!(matches!(named[2], (_, SecretChange::Keep)));
    for all in [
        json!({"auth_config": null}),
        json!({"auth_config": {"secret": null}}),
    ] {
        assert!(parse(all).ok().unwrap().secrets.clear);
    }
    for bad in [
        json!("x"),
        json!({"k": 1}),
        json!({"k": ""}),
        json!({"": "x"}),
        json!({"k k": "x"}),
        json!({"k": "x".repeat(8193)}),
    ] {
        assert!(
            parse(json!({"auth_config": {"secret": bad}})).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn secrets_in_clear_are_refused() {
    for bad in [
        json!({"api_key": "x"}),
        json!({"a": [{"Client-Secret": "x"}]}),
        json!({"TOKEN": 5}),
    ] {
        let words = fault(json!({"auth_config": bad}));
        assert!(
            words.contains("would be kept in clear") && !words.contains("x,"),
            "{words}"
        );
    }
    for good in [
        json!({"token_url": "https://a"}),
        json!({"api_key": {"in": "header"}}),
        json!({"token": true}),
    ] {
        assert!(parse(json!({"auth_config": good})).is_ok(), "{good}");
    }
}

#[test]
fn examples_are_compared_with_both_schemas() {
    let inputs = r#"{"type": "object", "required": ["city"], "properties": {"days": {"type": "integer", "maximum": 7}}}"#;
    let outputs = r#"{"type": "number"}"#;
    let examples = r#"[{"input": {"city": "Oslo"}, "output": 3.5}, {"input": {"days": 8}, "output": "s3cret"}, {"output": 1}]"#;
    let Err(RegistryError::ExamplesUnfit { violations }) =
        check_examples(Some(inputs), Some(outputs), Some(examples))
    else {
        panic!("they fit");
    };
    assert_eq!(violations.len(), 3, "{violations:?}");
    assert!(
        violations
            .iter()
            .all(|v| v.starts_with("example 1, ") && !v.contains("s3cret")),
        "{violations:?}"
    );
    assert!(check_examples(None, None, Some(examples)).is_ok());
    assert!(check_examples(Some(inputs), Some(outputs), None).is_ok());
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(text in "\\PC*", key in prop::sample::select(KEYS.to_vec())) {
        let _ = InfoChanges::parse(&text);
        let _ = parse(json!({key: text.clone()}));
        let _ = parse(json!({key: [{"input": text.clone()}]}));
        let _ = parse(json!({key: {"secret": {"k": text.clone()}, "type": text}}));
    }

    #[test]
    fn no_secret_stays(secret in "[a-z]{20}", name in "[a-z_.-]{1,10}") {
        let changes = parse(json!({"auth_config": {"a": [1], "secret": {name: secret.clone()}}})).ok().unwrap();
        prop_assert!(!changes.columns.contains(&secret));
    }
}
