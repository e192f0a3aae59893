//! Tests of templates: examples, and properties of any text.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn rendered(template: &str, pairs: &[(&str, &str)]) -> Result<String, ResourceError> {
    Template::parse(template)?.render(&values(pairs))
}

fn position(template: &str) -> (usize, Slip) {
    match Template::parse(template) {
        Err(ResourceError::TemplateMalformed { position, slip }) => (position, slip),
        other => panic!("{template:?}: {other:?}"),
    }
}

#[test]
fn placeholders_become_values() {
    let pairs = [("tone", "warm"), ("_x9", "1")];
    assert_eq!(rendered("", &pairs).unwrap(), "");
    assert_eq!(
        rendered("Be {{tone}}, {{ tone }}!", &pairs).unwrap(),
        "Be warm, warm!"
    );
    assert_eq!(rendered("{{tone}}{{_x9}}", &pairs).unwrap(), "warm1");
}

#[test]
fn values_are_not_templates() {
    let pairs = [("a", "{{b}}"), ("b", "}}{{a}}")];
    assert_eq!(rendered("{{a}}|{{b}}", &pairs).unwrap(), "{{b}}|}}{{a}}");
}

#[test]
fn braces_of_json_are_text() {
    for text in [
        r#"Answer as {"a": {"b": [1, {"c": {}}]}}"#,
        "} }} { }",
        "{a} and {a } }",
        "{}}",
        "{A}}",
        r#"{"x": {"y": 1}}} {"#,
        r"\frac{\text{a}}{b} and ${x}}",
    ] {
        assert_eq!(rendered(text, &[]).unwrap(), text);
    }
}

#[test]
fn slips_are_told_with_their_place() {
    assert_eq!(position("{{"), (1, Slip::NotClosed));
    assert_eq!(position("äö {{tone}"), (4, Slip::NotClosed));
    assert_eq!(position("ok {{ok}} {{tone} and {{x"), (11, Slip::NotClosed));
    assert_eq!(position("{{}}"), (1, Slip::NoName));
    assert_eq!(position("12{{Tone}}"), (3, Slip::NoName));
    assert_eq!(position("{{to ne}}"), (1, Slip::NoName));
    assert_eq!(position("{{\ttone}}"), (1, Slip::NoName));
    assert_eq!(position("{{9a}}"), (1, Slip::NoName));
    assert_eq!(position("{{{tone}}}"), (1, Slip::NoName));
    assert_eq!(position("{{a {{b}}"), (1, Slip::NoName));
    assert_eq!(position("ö {tone}} {{x}}"), (3, Slip::NotOpened));
    assert_eq!(position("{{x}} {} { tone }}"), (10, Slip::NotOpened));
    let long = "a".repeat(64);
    assert_eq!(position(&format!("{{{{{long}}}}}")), (1, Slip::NoName));
    assert!(Template::parse(&format!("{{{{{}}}}}", &long[1..])).is_ok());
}

#[test]
fn all_that_is_missing_is_told() {
    assert_eq!(
        rendered("{{b}} {{a}} {{c}} {{b}}", &[("c", "1")]),
        Err(ResourceError::ParameterMissing {
            names: vec!["a".into(), "b".into()]
        })
    );
}

#[test]
fn sizes_are_bounded() {
    let long = " ".repeat(MAX_TEMPLATE + 1);
    assert_eq!(Template::parse(&long), Err(ResourceError::TemplateTooLong));
    assert!(Template::parse(&long[1..]).is_ok());
    let repeated = "{{a}}".repeat(17);
    let value = "x".repeat(1 << 20);
    assert_eq!(
        rendered(&repeated, &[("a", &value)]),
        Err(ResourceError::RenderedTooLong)
    );
    assert!(rendered(&repeated[5..], &[("a", &value)]).is_ok());
}

#[test]
fn declarations() {
    let template = Template::parse("{{tone}} {{topic}}").unwrap();
    let check = |declared| check_parameters(&template, &declared);
    for fine in [
        json!({}),
        json!({"tone": {}}),
        json!({"tone": {"description": "How", "default": "friendly"}, "topic": {"default": [1]}}),
        json!({"tone": {"description": null, "default": null}}),
    ] {
        assert_eq!(check(fine.clone()), Ok(()), "{fine}");
    }
    for (wrong, error) in [
        (json!([]), ResourceError::DeclarationsNotObject),
        (json!("tone"), ResourceError::DeclarationsNotObject),
        (
            json!({"ton": {}}),
            ResourceError::DeclaredWithoutPlaceholder { name: "ton".into() },
        ),
        (
            json!({"tone": "friendly"}),
            ResourceError::DeclarationInvalid {
                name: "tone".into(),
            },
        ),
        (
            json!({"tone": {"default": 1, "typ": "str"}}),
            ResourceError::DeclarationInvalid {
                name: "tone".into(),
            },
        ),
        (
            json!({"tone": {"description": 1}}),
            ResourceError::DeclarationInvalid {
                name: "tone".into(),
            },
        ),
    ] {
        assert_eq!(check(wrong.clone()), Err(error), "{wrong}");
    }
}

#[test]
fn adaptations_have_no_placeholders_of_their_own() {
    let base = Template::parse("{{a}} {{b}}").unwrap();
    let check = |text| check_adaptation(&Template::parse(text).unwrap(), &base);
    assert_eq!(check("only {{b}}"), Ok(()));
    assert_eq!(check("none"), Ok(()));
    assert_eq!(
        check("{{d}} {{b}} {{c}}"),
        Err(ResourceError::PlaceholderNotInBase {
            names: vec!["c".into(), "d".into()]
        })
    );
}

#[test]
fn what_only_the_base_has_may_be_given() {
    let base = Template::parse("{{a}} {{b}}").unwrap();
    let adapted = Template::parse("{{a}}").unwrap();
    assert!(check_given(["a", "b"].into_iter(), &base, &adapted).is_ok());
    assert!(matches!(
        check_given(["a", "x"].into_iter(), &base, &adapted),
        Err(ResourceError::ParameterUnknown { names, .. }) if names == ["x"]
    ));
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "[{}a-c_ A\u{e4}\"\n]{0,40}") {
        match Template::parse(&text) {
            Ok(template) => {
                // With itself in the place of each placeholder it is the text again,
                // but for the spaces.
                let itself: BTreeMap<String, String> = template
                    .placeholders()
                    .into_iter()
                    .map(|name| (name.to_owned(), format!("{{{{{name}}}}}")))
                    .collect();
                let without_spaces = |text: &str| text.replace(' ', "");
                let again = template.render(&itself).unwrap();
                prop_assert_eq!(without_spaces(&again), without_spaces(&text));
            }
            Err(ResourceError::TemplateMalformed { position, .. }) => {
                let at: String = text.chars().skip(position - 1).collect();
                prop_assert!(at.starts_with('{'), "{} in {:?}", position, text);
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn values_arrive_as_they_are(
        texts in prop::collection::vec("[a-z \u{1f600}\"]{0,8}", 1..6),
        names in prop::collection::vec("[a-z_][a-z0-9_]{0,5}", 5),
        given in prop::collection::vec("\\PC{0,12}", 5),
        spaces in 0..3usize,
    ) {
        let pad = " ".repeat(spaces);
        let mut template = String::new();
        let mut expected = String::new();
        let mut values = BTreeMap::new();
        for (name, value) in names.iter().zip(&given) {
            values.insert(name.clone(), value.clone());
        }
        for (text, name) in texts.iter().zip(&names) {
            template.push_str(&format!("{text}{{{{{pad}{name}{pad}}}}}"));
            expected.push_str(&format!("{text}{}", values[name]));
        }
        let template = Template::parse(&template).unwrap();
        prop_assert_eq!(template.render(&values).unwrap(), expected);
        prop_assert!(template.placeholders().iter().all(|name| values.contains_key(*name)));
    }

    #[test]
    fn rendering_fails_only_for_what_is_missing(
        text in "([a-z ]|\\{\\{[a-c]\\}\\}){0,12}",
        present in prop::collection::btree_map("[a-c]", "[{}a-c]{0,6}", 0..4),
    ) {
        let template = Template::parse(&text).unwrap();
        let missing: Vec<String> = template
            .placeholders()
            .into_iter()
            .filter(|name| !present.contains_key(*name))
            .map(str::to_owned)
            .collect();
        match template.render(&present) {
            Ok(_) => prop_assert!(missing.is_empty()),
            Err(ResourceError::ParameterMissing { names }) => prop_assert_eq!(names, missing),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
