//! Documents of all kinds: each is read, or refused in clear words.

use super::*;
use proptest::prelude::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("08:00"),
            Just("24:00"),
            Just("mon"),
            Just("10.0.0.0/8"),
            Just("::1/128"),
            Just("1 minute"),
            Just("editor"),
            Just("Europe/Berlin"),
            Just("2026-01-01"),
            Just("agent"),
        ]
        .prop_map(Value::from),
        (0..5_i64).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any_key(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    let nested = [
        "days", "from", "to", "zone", "max", "per", "by", "n", "s", "j", "gte", "in", "like",
    ];
    let known: Vec<&str> = conditions::KEYS.into_iter().chain(nested).collect();
    prop_oneof![
        8 => proptest::sample::select(known).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ]
}

fn any_conditions() -> impl Strategy<Value = Value> {
    let key = proptest::sample::select(conditions::KEYS.to_vec()).prop_map(str::to_owned);
    let of_known = proptest::collection::vec((key, any_json()), 0..3)
        .prop_map(|members| Value::Object(members.into_iter().collect()));
    prop_oneof![4 => of_known, 1 => any_json()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn conditions_are_read_or_refused_in_clear_words(document in any_conditions()) {
        let text = document.to_string();
        let kept = Conditions::of_kept(&text, &COLUMNS);
        match Conditions::parse(&text, &COLUMNS) {
            Ok(parsed) => prop_assert_eq!(parsed, kept),
            Err(fault) => {
                prop_assert!(!fault.message().is_empty() && !fault.detail().is_empty());
                prop_assert!(!fault.hint().is_empty());
                prop_assert!(matches!(fault.sqlstate(), "22023" | "42703" | "42804"), "{}", fault.sqlstate());
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        let _ = Conditions::parse(&text, &COLUMNS);
        let _ = Conditions::of_kept(&text, &COLUMNS);
    }

    #[test]
    fn what_is_kept_is_explained_without_panic(document in any_conditions(), at: i64, deny: bool) {
        let effect = if deny { Effect::Deny } else { Effect::Allow };
        let policies = Policies::compile(vec![Policy {
            conditions: Conditions::of_kept(&document.to_string(), &COLUMNS),
            ..policy(1, effect, 0, json!({}))
        }]);
        let call = Circumstances { at, ..call() };
        let answer = &mut |_: &Policy, _: &Rate| RateAnswer::Unavailable;
        prop_assert_eq!(policies.decide(&call, answer), policies.explain(&call, answer).0);
    }
}
