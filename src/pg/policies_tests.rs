//! Policies as sessions have them compiled, and what is said of payloads against what
//! PostgreSQL says of the records that come of them.

#[pgrx::pg_schema]
mod tests {
    use std::cell::Cell;
    use std::ffi::CString;

    use pgrx::prelude::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use crate::model::filter;
    use crate::model::name::ToolName;
    use crate::model::policy::{Circumstances, Decision, PayloadFacts, Policy, RateAnswer};
    use crate::model::project::ProjectId;
    use crate::model::rate::Rate;
    use crate::pg::cache;
    use crate::pg::compiled_tool::CompiledTool;
    use crate::pg::jsonb::Jsonb;
    use crate::pg::payload_facts::RecordFacts;

    fn name() -> ToolName {
        ToolName::parse("facts").unwrap()
    }

    fn register(schema: &str) {
        Spi::run(&format!(
            "SELECT projectalpha.register_tool('facts', 'token-of-facts', '{schema}')"
        ))
        .unwrap();
    }

    /// A number in one of several forms, a text, or something nested.
    fn any_json() -> impl Strategy<Value = String> {
        let leaf = proptest::sample::select(vec![
            "0",
            "-0.0",
            "1",
            "1.0",
            "1.10",
            "1.1",
            "1e2",
            "100",
            "12345678901234567890123456789",
            "12345678901234567890123456788",
            "true",
            "null",
            "\"a\"",
            "\"\"",
            "[]",
            "{}",
        ])
        .prop_map(str::to_owned);
        leaf.prop_recursive(3, 12, 3, |inner| {
            let member =
                ("a|b|c", inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
                prop::collection::vec(member, 0..3)
                    .prop_map(|all| format!("{{{}}}", all.join(","))),
            ]
        })
    }

    fn any_int() -> impl Strategy<Value = String> {
        prop_oneof![
            (-2..3_i64).prop_map(|n| n.to_string()),
            proptest::sample::select(vec![i64::MIN, i64::MAX]).prop_map(|n| n.to_string()),
        ]
    }

    fn any_float() -> impl Strategy<Value = String> {
        let some = vec![
            "0",
            "-0.0",
            "1",
            "1.5",
            "0.1",
            "0.10000000000000001",
            "1e300",
            "9007199254740993",
        ];
        proptest::sample::select(some).prop_map(str::to_owned)
    }

    /// Letters of which every collation has the same order.
    fn any_word() -> impl Strategy<Value = String> {
        "[abc]{0,3}".prop_map(|text| format!("\"{text}\""))
    }

    fn any_text() -> impl Strategy<Value = String> {
        "[abé%_😀 ]{0,5}".prop_map(|text| format!("\"{text}\""))
    }

    fn any_pattern() -> impl Strategy<Value = String> {
        "([abé%_😀 ]|\\\\[ab%_]){0,5}".prop_map(|text| serde_json::to_string(&text).unwrap())
    }

    fn any_time() -> impl Strategy<Value = String> {
        let some = vec![
            "2026-01-01",
            "2026-01-01T00:00:00+00:00",
            "2026-01-01T01:00:00+01:00",
            "2026-01-01T00:00:00.000001Z",
            "1999-12-31T23:59:59-01:00",
        ];
        proptest::sample::select(some).prop_map(|text| format!("\"{text}\""))
    }

    fn any_bool() -> impl Strategy<Value = String> {
        any::<bool>().prop_map(|boolean| boolean.to_string())
    }

    /// A payload that the tool takes; what is left out may have a default.
    fn any_payload() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            any_int().prop_map(|v| ("n", v)),
            any_float().prop_map(|v| ("x", v)),
            any_word().prop_map(|v| ("w", v)),
            any_text().prop_map(|v| ("s", v)),
            any_bool().prop_map(|v| ("b", v)),
            any_time().prop_map(|v| ("t", v)),
            any_json().prop_map(|v| ("j", v)),
            any_int().prop_map(|v| ("d", v)),
            any_json().prop_map(|v| ("k", v)),
            proptest::sample::select(vec!["n", "x", "s", "j", "d"])
                .prop_map(|f| (f, "null".to_owned())),
        ];
        prop::collection::vec(field, 0..8).prop_map(|fields| {
            let members: Vec<String> = fields
                .iter()
                .map(|(field, value)| format!("\"{field}\":{value}"))
                .collect();
            format!("{{{}}}", members.join(","))
        })
    }

    fn of_operators(
        field: &'static str,
        value: impl Strategy<Value = String> + Clone + 'static,
        operators: Vec<&'static str>,
    ) -> impl Strategy<Value = String> {
        let single = (proptest::sample::select(operators), value.clone())
            .prop_map(|(operator, value)| format!("\"{operator}\":{value}"));
        let list = prop::collection::vec(value, 1..4)
            .prop_map(|values| format!("\"in\":[{}]", values.join(",")));
        let null = any_bool().prop_map(|wanted| format!("\"is_null\":{wanted}"));
        prop_oneof![4 => single, 1 => list, 1 => null]
            .prop_map(move |condition| format!("{{\"{field}\":{{{condition}}}}}"))
    }

    fn any_filter() -> impl Strategy<Value = String> {
        let ordered = || vec!["eq", "ne", "lt", "lte", "gt", "gte"];
        prop_oneof![
            of_operators("n", any_int().boxed(), ordered()),
            of_operators("d", any_int().boxed(), ordered()),
            of_operators("x", any_float().boxed(), ordered()),
            of_operators("w", any_word().boxed(), ordered()),
            of_operators("s", any_text().boxed(), vec!["eq", "ne"]),
            of_operators("s", any_pattern().boxed(), vec!["like"]),
            of_operators("b", any_bool().boxed(), vec!["eq", "ne"]),
            of_operators("t", any_time().boxed(), ordered()),
            of_operators("j", any_json().boxed(), vec!["eq", "ne", "contains"]),
            of_operators("k", any_json().boxed(), vec!["eq", "contains"]),
        ]
    }

    fn run(cases: u32, check: impl Fn(&CompiledTool, &str, &str) -> Result<(), TestCaseError>) {
        let tool = cache::find(&name()).unwrap();
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config)
            .run(&(any_payload(), any_filter()), |(payload, filter)| {
                check(&tool, &payload, &filter)
            })
            .unwrap();
    }

    /// What a stored record makes of a filter.
    fn postgresql_says(payload: &str, filter: &str) -> bool {
        Spi::run("DELETE FROM projectalpha_data.tool_facts").unwrap();
        Spi::run_with_args(
            "SELECT projectalpha.store_record('facts', 'token-of-facts', $1::jsonb)",
            &[payload.into()],
        )
        .unwrap();
        let count = "SELECT projectalpha.count_records('facts', $1::jsonb, 'token-of-facts')";
        Spi::get_one_with_args::<i64>(count, &[filter.into()]) == Ok(Some(1))
    }

    fn as_they_are(tool: &CompiledTool) -> Vec<(&str, crate::model::schema::FieldType)> {
        let columns = tool.columns.iter();
        columns.map(|c| (c.name.as_str(), c.field_type)).collect()
    }

    #[pg_test]
    fn payloads_meet_conditions_as_their_records_do() {
        register(
            r#"[{"name": "n", "type": "int"}, {"name": "x", "type": "float"}, {"name": "w", "type": "str"},
                {"name": "s", "type": "str"}, {"name": "b", "type": "bool"}, {"name": "t", "type": "timestamp"},
                {"name": "j", "type": "json"}, {"name": "d", "type": "int", "default": 1},
                {"name": "k", "type": "json", "default": {"a": 1}}]"#,
        );
        let (met, unmet) = (Cell::new(0), Cell::new(0));
        run(1500, |tool, payload, filter| {
            // As JSON text that jsonb has written: that is how conditions are kept.
            let kept: String = Spi::get_one_with_args("SELECT $1::jsonb::text", &[filter.into()])
                .unwrap()
                .unwrap();
            let Ok(conditions) = filter::from_json(&kept, &as_they_are(tool)) else {
                return Ok(());
            };
            let document = CString::new(payload).unwrap();
            let facts = RecordFacts::of_new(tool, Jsonb::parse(&document));
            let expected = postgresql_says(payload, filter);
            let counter = if expected { &met } else { &unmet };
            counter.set(counter.get() + 1);
            prop_assert_eq!(
                facts.matches(0, &conditions),
                expected,
                "{} {}",
                payload,
                filter
            );
            let text: String = Spi::get_one_with_args("SELECT $1::jsonb::text", &[payload.into()])
                .unwrap()
                .unwrap();
            prop_assert_eq!(facts.bytes(), text.len() as u64);
            Ok(())
        });
        assert!(met.get() > 100 && unmet.get() > 100, "{met:?} {unmet:?}");
    }

    #[pg_test]
    fn whole_payloads_meet_conditions_as_their_records_do() {
        Spi::run("SELECT projectalpha.register_tool('facts', 'token-of-facts')").unwrap();
        let columns = [("data", crate::model::schema::FieldType::Json)];
        run(300, |tool, payload, wanted| {
            let filter = format!("{{\"data\":{{\"contains\":{wanted}}}}}");
            let conditions = filter::from_json(&filter, &columns).unwrap();
            let document = CString::new(payload).unwrap();
            let facts = RecordFacts::of_new(tool, Jsonb::parse(&document));
            let expected = postgresql_says(payload, &filter);
            prop_assert_eq!(
                facts.matches(0, &conditions),
                expected,
                "{} {}",
                payload,
                filter
            );
            Ok(())
        });
    }

    #[pg_test]
    fn a_batch_has_each_of_its_records_and_changes_have_no_defaults() {
        register(r#"[{"name": "n", "type": "int", "default": 1}]"#);
        let tool = cache::find(&name()).unwrap();
        let one = filter::from_json(r#"{"n": 1}"#, &as_they_are(&tool)).unwrap();
        let batch = CString::new(r#"[{"n": 1}, {"n": 2}, {}, 5]"#).unwrap();
        let facts = RecordFacts::of_new(&tool, Jsonb::parse(&batch));
        let met: Vec<bool> = (0..facts.records() + 1)
            .map(|record| facts.matches(record, &one))
            .collect();
        assert_eq!(met, [true, false, true, false, false]);
        let nothing = CString::new("{}").unwrap();
        let changes = RecordFacts::of_changes(&tool, Jsonb::parse(&nothing));
        assert_eq!((changes.records(), changes.matches(0, &one)), (1, false));
    }

    /// What the policies of a tool say to a call without a payload.
    fn decision(tool: &CompiledTool, action: &str) -> Option<Decision> {
        let call = Circumstances {
            action,
            agent: None,
            at: 0,
            address: None,
            payload: None,
        };
        let none = &mut |_: &Policy, _: &Rate| RateAnswer::Unavailable;
        let policies = tool.policies.as_deref()?;
        Some(policies.decide(&call, none))
    }

    fn now(action: &str) -> Option<Decision> {
        decision(&cache::find(&name()).unwrap(), action)
    }

    fn is_allowed(decision: Option<Decision>) -> bool {
        matches!(decision, Some(Decision::Allowed { .. }))
    }

    #[pg_test]
    fn a_session_follows_every_change_of_policies() {
        register(r#"[{"name": "n", "type": "int"}]"#);
        assert_eq!(now("read"), None);
        Spi::run("SELECT projectalpha.create_policy('facts', 'all', 'allow', '{read}')").unwrap();
        assert!(is_allowed(now("read")));
        assert_eq!(now("write"), Some(Decision::NoMatch));
        let change = |changes: &str| {
            let sql = format!("SELECT projectalpha.update_policy('facts', 'all', '{changes}')");
            Spi::run(&sql).unwrap();
        };
        change(r#"{"actions": ["*"]}"#);
        assert!(is_allowed(now("write")));
        change(r#"{"is_active": false}"#);
        assert_eq!(now("write"), None);
        change(r#"{"is_active": true, "effect": "deny"}"#);
        assert!(matches!(now("write"), Some(Decision::Denied { .. })));
        // What is rolled back leaves nothing in the cache.
        Spi::run(
            "DO $$ BEGIN
                 PERFORM projectalpha.delete_policy('facts', 'all');
                 PERFORM projectalpha.store_record('facts', 'token-of-facts', '{}');
                 RAISE division_by_zero;
             EXCEPTION WHEN division_by_zero THEN NULL; END $$",
        )
        .unwrap();
        assert!(matches!(now("write"), Some(Decision::Denied { .. })));
        Spi::run("SELECT projectalpha.delete_policy('facts', 'all')").unwrap();
        assert_eq!(now("write"), None);
    }

    #[pg_test]
    fn a_table_without_the_field_is_denied() {
        register(r#"[{"name": "n", "type": "int"}]"#);
        let project: i64 = Spi::get_one("SELECT projectalpha.create_project('P')")
            .unwrap()
            .unwrap();
        Spi::run(&format!(
            "SELECT projectalpha.enable_tool('facts', {project})"
        ))
        .unwrap();
        Spi::run(
            "SELECT projectalpha.alter_tool('facts', '{\"add\": {\"name\": \"m\", \"type\": \"int\"}}');
             SELECT projectalpha.create_policy('facts', 'small', 'allow', '{write}', '{\"fields\": {\"m\": {\"lt\": 9}}}')",
        )
        .unwrap();
        let document = CString::new(r#"{"m": 1}"#).unwrap();
        let allowed = |tool: &CompiledTool| {
            let facts = RecordFacts::of_new(tool, Jsonb::parse(&document));
            let call = Circumstances {
                action: "write",
                agent: None,
                at: 0,
                address: None,
                payload: Some(&facts),
            };
            let none = &mut |_: &Policy, _: &Rate| RateAnswer::Unavailable;
            let policies = tool.policies.as_deref().unwrap();
            is_allowed(Some(policies.decide(&call, none)))
        };
        let shared = cache::find(&name()).unwrap();
        let project = ProjectId::new(project).unwrap();
        let behind = cache::find_in(&shared, project).unwrap();
        assert_eq!((allowed(&shared), allowed(&behind)), (true, false));
        Spi::run(&format!(
            "SELECT projectalpha.upgrade_project({})",
            project.value()
        ))
        .unwrap();
        let shared = cache::find(&name()).unwrap();
        assert!(allowed(&cache::find_in(&shared, project).unwrap()));
    }
}
