use super::explanation::Outcome;
use super::*;
use crate::model::schema::FieldType;
use serde_json::{json, Value};

mod fuzz;
mod naive;

pub(super) const COLUMNS: [(&str, FieldType); 3] = [
    ("n", FieldType::Int),
    ("s", FieldType::Str),
    ("j", FieldType::Json),
];

/// Records of which the fields are in JSON.
#[derive(Debug, Clone)]
pub(super) struct Records {
    pub(super) bytes: u64,
    pub(super) records: Vec<Value>,
}

impl PayloadFacts for Records {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn records(&self) -> usize {
        self.records.len()
    }

    fn matches(&self, record: usize, conditions: &[filter::Condition]) -> bool {
        use crate::model::filter_match::{holds, Given};
        conditions.iter().all(|condition| {
            let value = &self.records[record][&condition.column];
            let given = match value {
                Value::Null => Given::Null,
                Value::Number(number) => number.as_i64().map_or(Given::Other, Given::Int),
                Value::String(text) => Given::Str(text),
                _ => Given::Other,
            };
            holds(condition, given)
        })
    }
}

pub(super) fn policy(id: i64, effect: Effect, priority: i32, conditions: Value) -> Policy {
    Policy {
        id,
        name: format!("p{id}"),
        effect,
        actions: vec!["write".into()],
        priority,
        conditions: Conditions::parse(&conditions.to_string(), &COLUMNS).unwrap(),
    }
}

/// Microseconds since the Unix epoch.
fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn call() -> Circumstances<'static> {
    Circumstances {
        action: "write",
        agent: None,
        at: at("2026-11-26T12:00:00Z"),
        address: None,
        payload: None,
    }
}

/// Whether conditions hold for a call, where the policy allows.
fn holds(conditions: &Value, call: &Circumstances<'_>) -> bool {
    let policies = Policies::compile(vec![policy(1, Effect::Allow, 0, conditions.clone())]);
    let decision = policies.decide(call, &mut |_, _| RateAnswer::Within);
    decision == Decision::Allowed { policy: Some(1) }
}

fn fault(conditions: Value) -> PolicyFault {
    let fault = Conditions::parse(&conditions.to_string(), &COLUMNS).unwrap_err();
    (fault.sqlstate().to_owned(), fault.message())
}

type PolicyFault = (String, String);

#[test]
fn higher_priority_first_and_deny_before_allow() {
    let policies = Policies::compile(vec![
        policy(1, Effect::Allow, 0, json!({})),
        policy(2, Effect::Deny, 0, json!({})),
        policy(4, Effect::Allow, 5, json!({})),
        policy(3, Effect::Allow, 5, json!({})),
    ]);
    let order: Vec<i64> = policies.iter().map(|policy| policy.id).collect();
    assert_eq!(order, [3, 4, 2, 1]);
    let none = &mut |_: &Policy, _: &Rate| RateAnswer::Within;
    assert_eq!(
        policies.decide(&call(), none),
        Decision::Allowed { policy: Some(3) }
    );
    let read = Circumstances {
        action: "read",
        ..call()
    };
    assert_eq!(policies.decide(&read, none), Decision::NoMatch);
}

#[test]
fn hours_are_those_of_the_zone() {
    let office = json!({"time": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}});
    for (time, expected) in [
        ("2026-07-01T05:59:59.999999Z", false),
        ("2026-07-01T06:00:00Z", true),
        ("2026-07-01T15:59:59Z", true),
        ("2026-07-01T16:00:00Z", false),
        ("2026-01-05T06:30:00Z", false),
        ("2026-01-05T07:00:00Z", true),
        ("2026-07-04T10:00:00Z", false),
    ] {
        let call = Circumstances {
            at: at(time),
            ..call()
        };
        assert_eq!(holds(&office, &call), expected, "{time}");
    }
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_begins() {
    let night = json!({"time": {"days": ["fri"], "from": "22:00", "to": "06:00"}});
    for (time, expected) in [
        ("2026-11-27T21:59:00Z", false),
        ("2026-11-27T22:00:00Z", true),
        ("2026-11-28T05:59:00Z", true),
        ("2026-11-28T06:00:00Z", false),
        ("2026-11-28T22:00:00Z", false),
        ("2026-11-27T05:00:00Z", false),
    ] {
        let call = Circumstances {
            at: at(time),
            ..call()
        };
        assert_eq!(holds(&night, &call), expected, "{time}");
    }
    let evening = json!({"time": {"from": "18:00", "to": "24:00"}});
    let last = Circumstances {
        at: at("2026-11-27T23:59:59Z"),
        ..call()
    };
    assert!(holds(&evening, &last));
    assert!(!holds(&evening, &call()));
}

#[test]
fn addresses_of_both_kinds() {
    let networks =
        json!({"addresses": ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::ffff:172.16.0.0/108"]});
    for (address, expected) in [
        (Some("10.255.0.1"), true),
        (Some("::ffff:10.0.0.1"), true),
        (Some("11.0.0.1"), false),
        (Some("192.0.2.7"), true),
        (Some("192.0.2.8"), false),
        (Some("2001:db8:1::1"), true),
        (Some("2001:db9::1"), false),
        (Some("172.31.0.1"), true),
        (Some("172.32.0.1"), false),
        (None, false),
    ] {
        let call = Circumstances {
            address: address.map(|a| a.parse().unwrap()),
            ..call()
        };
        assert_eq!(holds(&networks, &call), expected, "{address:?}");
    }
    let every_v6 = json!({"addresses": ["::/0"]});
    let mapped = Circumstances {
        address: Some("::ffff:10.0.0.1".parse().unwrap()),
        ..call()
    };
    assert!(!holds(&every_v6, &mapped));
}

#[test]
fn roles_are_any_and_permissions_all() {
    let agent = AgentFacts {
        id: 1,
        roles: vec!["editor".into()],
        permissions: vec!["a".into(), "b".into()],
    };
    let of_agent = Circumstances {
        agent: Some(&agent),
        ..call()
    };
    for (conditions, expected) in [
        (json!({"roles": ["viewer", "editor"]}), true),
        (json!({"roles": ["viewer"]}), false),
        (json!({"permissions": ["a", "b"]}), true),
        (json!({"permissions": ["a", "c"]}), false),
    ] {
        assert_eq!(holds(&conditions, &of_agent), expected, "{conditions}");
        assert!(!holds(&conditions, &call()), "{conditions}");
    }
}

#[test]
fn fields_of_every_record_or_of_any() {
    let small = json!({"fields": {"n": {"lte": 10}}});
    let batch = |records: Value| Records {
        bytes: 1,
        records: records.as_array().unwrap().clone(),
    };
    let deny = Policies::compile(vec![policy(1, Effect::Deny, 0, small.clone())]);
    for (records, all, any) in [
        (json!([{"n": 1}]), true, true),
        (json!([{"n": 1}, {"n": 11}]), false, true),
        (json!([{"n": 11}, {}]), false, false),
        (json!([{"n": "1"}]), false, false),
        (json!([]), false, false),
    ] {
        let payload = batch(records.clone());
        let call = Circumstances {
            payload: Some(&payload),
            ..call()
        };
        assert_eq!(holds(&small, &call), all, "{records}");
        let denied = deny.decide(&call, &mut |_, _| RateAnswer::Within) != Decision::NoMatch;
        assert_eq!(denied, any, "{records}");
    }
    assert!(!holds(&small, &call()));
}

#[test]
fn bytes_and_dates_have_limits() {
    let payload = Records {
        bytes: 100,
        records: vec![json!({})],
    };
    let call = Circumstances {
        payload: Some(&payload),
        ..call()
    };
    for (conditions, expected) in [
        (json!({"max_payload_bytes": 100}), true),
        (json!({"max_payload_bytes": 99}), false),
        (json!({"min_payload_bytes": 100}), true),
        (json!({"min_payload_bytes": 101}), false),
        (json!({"valid_from": "2026-11-26T12:00:00Z"}), true),
        (json!({"valid_from": "2026-11-26T13:00:00+00:59"}), false),
        (json!({"valid_until": "2026-11-26T12:00:00Z"}), false),
        (json!({"valid_until": "2026-11-26T12:00:00.000001"}), true),
    ] {
        assert_eq!(holds(&conditions, &call), expected, "{conditions}");
    }
}

#[test]
fn a_rate_that_is_exceeded_does_not_fall_through() {
    let limited = json!({"rate": {"max": 1, "per": "1 minute"}});
    let wait = Duration::from_secs(3);
    let allow = vec![
        policy(1, Effect::Allow, 1, limited.clone()),
        policy(2, Effect::Allow, 0, json!({})),
    ];
    let deny = vec![
        policy(1, Effect::Deny, 1, limited),
        policy(2, Effect::Allow, 0, json!({})),
    ];
    let second = Decision::Allowed { policy: Some(2) };
    let beyond = Decision::Denied {
        policy: Some(1),
        retry_after: Some(wait),
    };
    let plain = Decision::Denied {
        policy: Some(1),
        retry_after: None,
    };
    for (policies, answer, expected) in [
        (
            &allow,
            RateAnswer::Within,
            Decision::Allowed { policy: Some(1) },
        ),
        (&allow, RateAnswer::Beyond(wait), beyond),
        (&allow, RateAnswer::Unavailable, second),
        (&deny, RateAnswer::Within, second),
        (&deny, RateAnswer::Beyond(wait), beyond),
        (&deny, RateAnswer::Unavailable, plain),
    ] {
        let policies = Policies::compile(policies.clone());
        assert_eq!(policies.decide(&call(), &mut |_, _| answer), expected);
    }
}

#[test]
fn a_rate_is_asked_where_all_else_matches() {
    let limited = json!({"rate": {"max": 1, "per": "1 minute"}, "valid_until": "2020-01-01"});
    let policies = Policies::compile(vec![policy(1, Effect::Allow, 0, limited)]);
    let mut asked = 0;
    policies.decide(&call(), &mut |_, _| {
        asked += 1;
        RateAnswer::Within
    });
    assert_eq!(asked, 0);
}

#[test]
fn what_cannot_be_read_fails_closed() {
    let payload = Records {
        bytes: 1,
        records: vec![json!({"n": 1})],
    };
    let with_payload = Circumstances {
        payload: Some(&payload),
        ..call()
    };
    for (kept, concerns_reading) in [
        (json!({"fields": {"gone": 1}}), false),
        (json!({"later": true}), true),
        (json!({"roles": 1}), true),
        (json!([]), true),
    ] {
        for effect in [Effect::Allow, Effect::Deny] {
            let policies = Policies::compile(vec![Policy {
                conditions: Conditions::of_kept(&kept.to_string(), &COLUMNS),
                ..policy(1, effect, 0, json!({}))
            }]);
            let none = &mut |_: &Policy, _: &Rate| RateAnswer::Within;
            let denied = Decision::Denied {
                policy: Some(1),
                retry_after: None,
            };
            let expected = |concerns| match (effect, concerns) {
                (Effect::Deny, true) => denied,
                _ => Decision::NoMatch,
            };
            assert_eq!(
                policies.decide(&with_payload, none),
                expected(true),
                "{kept}"
            );
            assert_eq!(
                policies.decide(&call(), none),
                expected(concerns_reading),
                "{kept}"
            );
        }
    }
}

#[test]
fn faults_name_their_key() {
    for (conditions, sqlstate, named) in [
        (json!([]), "22023", "object"),
        (json!("x"), "22023", "object"),
        (json!({"role": ["a"]}), "22023", "'role'"),
        (json!({"roles": "a"}), "22023", "'roles'"),
        (json!({"roles": []}), "22023", "'roles'"),
        (json!({"roles": null}), "22023", "'roles'"),
        (json!({"roles": ["A"]}), "22023", "'roles'"),
        (json!({"roles": ["a", "a"]}), "22023", "'roles'"),
        (json!({"permissions": [1]}), "22023", "'permissions'"),
        (json!({"time": {}}), "22023", "'time'"),
        (json!({"time": {"day": ["mon"]}}), "22023", "'time'"),
        (json!({"time": {"zone": "UTC"}}), "22023", "'time'"),
        (json!({"time": {"days": []}}), "22023", "'time.days'"),
        (json!({"time": {"days": ["Mon"]}}), "22023", "'time.days'"),
        (json!({"time": {"from": "08:00"}}), "22023", "'time.to'"),
        (json!({"time": {"to": "08:00"}}), "22023", "'time.from'"),
        (
            json!({"time": {"from": "8:00", "to": "09:00"}}),
            "22023",
            "'time.from'",
        ),
        (
            json!({"time": {"from": "24:00", "to": "09:00"}}),
            "22023",
            "'time.from'",
        ),
        (
            json!({"time": {"from": "09:00", "to": "09:00"}}),
            "22023",
            "'time.from'",
        ),
        (
            json!({"time": {"from": "09:00", "to": "24:01"}}),
            "22023",
            "'time.to'",
        ),
        (
            json!({"time": {"days": ["mon"], "zone": "Mars/Base"}}),
            "22023",
            "'time.zone'",
        ),
        (
            json!({"time": {"days": ["mon"], "zone": "../UTC"}}),
            "22023",
            "'time.zone'",
        ),
        (
            json!({"time": {"days": ["mon"], "zone": "localtime"}}),
            "22023",
            "'time.zone'",
        ),
        (
            json!({"time": {"days": ["mon"], "zone": null}}),
            "22023",
            "'time.zone'",
        ),
        (json!({"addresses": "10.0.0.0/8"}), "22023", "'addresses'"),
        (json!({"addresses": []}), "22023", "'addresses'"),
        (json!({"addresses": ["10.0.0.1/8"]}), "22023", "'addresses'"),
        (
            json!({"addresses": ["10.0.0.0/33"]}),
            "22023",
            "'addresses'",
        ),
        (json!({"addresses": ["localhost"]}), "22023", "'addresses'"),
        (
            json!({"max_payload_bytes": 0}),
            "22023",
            "'max_payload_bytes'",
        ),
        (
            json!({"max_payload_bytes": 1.5}),
            "22023",
            "'max_payload_bytes'",
        ),
        (
            json!({"min_payload_bytes": "1"}),
            "22023",
            "'min_payload_bytes'",
        ),
        (
            json!({"min_payload_bytes": 2, "max_payload_bytes": 1}),
            "22023",
            "'max_payload_bytes'",
        ),
        (json!({"fields": {}}), "22023", "'fields'"),
        (json!({"fields": []}), "22023", "'fields'"),
        (json!({"fields": {"gone": 1}}), "42703", "'fields'"),
        (json!({"fields": {"n": "x"}}), "22023", "'fields'"),
        (json!({"fields": {"id": 1}}), "42703", "'fields'"),
        (json!({"rate": 600}), "22023", "'rate'"),
        (
            json!({"rate": {"max": 0, "per": "1 day"}}),
            "22023",
            "'rate.max'",
        ),
        (
            json!({"rate": {"max": 1, "per": "1 day", "for": 1}}),
            "22023",
            "'rate.for'",
        ),
        (json!({"valid_from": "tomorrow"}), "22023", "'valid_from'"),
        (json!({"valid_until": 0}), "22023", "'valid_until'"),
        (
            json!({"valid_from": "2026-01-02", "valid_until": "2026-01-02"}),
            "22023",
            "'valid_until'",
        ),
    ] {
        let (found, message) = fault(conditions.clone());
        assert_eq!(found, sqlstate, "{conditions}");
        assert!(message.contains(named), "{conditions}: {message}");
    }
    let long = json!({"addresses": vec!["10.0.0.0/8"; 6000]});
    assert_eq!(fault(long).1, "conditions must have at most 65536 bytes");
}

#[test]
fn an_explanation_says_of_every_condition_why() {
    let agent = AgentFacts {
        id: 1,
        roles: vec!["viewer".into()],
        permissions: vec![],
    };
    let payload = Records {
        bytes: 10,
        records: vec![json!({"n": 5}), json!({"n": 50})],
    };
    let call = Circumstances {
        agent: Some(&agent),
        address: Some("::ffff:10.1.2.3".parse().unwrap()),
        payload: Some(&payload),
        ..call()
    };
    let policies = Policies::compile(vec![
        policy(
            1,
            Effect::Deny,
            9,
            json!({"roles": ["editor"], "time": {"days": ["mon"]}, "rate": {"max": 1, "per": "1 hour"}}),
        ),
        policy(
            2,
            Effect::Allow,
            8,
            json!({"fields": {"n": {"lt": 10}}, "addresses": ["10.0.0.0/8"]}),
        ),
        policy(
            3,
            Effect::Allow,
            7,
            json!({"rate": {"max": 600, "per": "1 minute"}}),
        ),
        policy(4, Effect::Allow, 6, json!({})),
    ]);
    let (decision, steps) = policies.explain(&call, &mut |_, _| {
        RateAnswer::Beyond(Duration::from_millis(2100))
    });
    assert_eq!(
        decision,
        Decision::Denied {
            policy: Some(3),
            retry_after: Some(Duration::from_millis(2100))
        }
    );
    let shown: Vec<String> = steps
        .iter()
        .flat_map(|step| {
            let line = format!("{} {:?}: {}", step.name, step.outcome, step.reason);
            let facts = step.conditions.iter().map(|fact| {
                let holds = if fact.holds { "+" } else { "-" };
                format!("{holds} {}: {}", fact.condition, fact.reason)
            });
            std::iter::once(line).chain(facts).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        shown,
        [
            "p1 DoesNotMatch: roles: the agent has none of the roles editor",
            "+ actions: write is one of write",
            "- roles: the agent has none of the roles editor",
            "- time: it is thu 12:00 in UTC, not within mon from 00:00 to 24:00",
            "- rate: 1 calls in 3600 s for each agent is not looked at",
            "p2 DoesNotMatch: fields: record 1 does not meet 'lt' of n",
            "+ actions: write is one of write",
            "+ addresses: 10.1.2.3 is in 10.0.0.0/8",
            "- fields: record 1 does not meet 'lt' of n",
            "p3 Decides: all else matches and the rate is exceeded: the call is denied",
            "+ actions: write is one of write",
            "- rate: beyond 600 calls in 60 s for each agent; again in 3 s",
            "p4 NotAsked: another policy has decided",
        ]
    );
}
