//! The evaluator against one that was written anew, from the words of the
//! documentation and on the documents of conditions themselves.

use std::collections::HashMap;
use std::net::IpAddr;

use super::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Written {
    id: i64,
    denies: bool,
    priority: i32,
    actions: Vec<String>,
    conditions: Value,
}

/// As 128 bits, and whether it is IPv6.
fn bits(address: &str) -> (u128, bool) {
    match address.parse().unwrap() {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), false),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => (u128::from(u32::from(v4)), false),
            None => (u128::from(v6), true),
        },
    }
}

fn in_network(address: &str, network: &str) -> bool {
    let (base, length) = match network.split_once('/') {
        Some((base, length)) => (base, length.parse::<u32>().unwrap()),
        None => (network, if network.contains(':') { 128 } else { 32 }),
    };
    let ((address, is_v6), (base_bits, base_v6)) = (bits(address), bits(base));
    if is_v6 != base_v6 {
        return false;
    }
    let length = if !base_v6 && base.contains(':') {
        length - 96
    } else {
        length
    };
    let shift = if is_v6 { 128 } else { 32 } - length;
    shift >= 128 || address >> shift == base_bits >> shift
}

fn in_window(window: &Value, at: i64) -> bool {
    let zone = window["zone"].as_str().unwrap_or("UTC");
    let time = jiff::Timestamp::from_microsecond(at)
        .unwrap()
        .to_zoned(TimeZone::get(zone).unwrap());
    let clock = time.strftime("%H:%M").to_string();
    let is_day = |time: &jiff::civil::DateTime| match window["days"].as_array() {
        None => true,
        Some(days) => {
            let day = time.strftime("%a").to_string().to_lowercase();
            days.contains(&json!(day))
        }
    };
    let today = time.datetime();
    let yesterday = today.yesterday().unwrap();
    match (window["from"].as_str(), window["to"].as_str()) {
        (Some(from), Some(to)) if from < to => {
            is_day(&today) && from <= clock.as_str() && clock.as_str() < to
        }
        (Some(from), Some(to)) => {
            (is_day(&today) && from <= clock.as_str())
                || (is_day(&yesterday) && clock.as_str() < to)
        }
        _ => is_day(&today),
    }
}

fn meets(filter: &Value, record: &Value) -> bool {
    filter
        .as_object()
        .unwrap()
        .iter()
        .all(|(field, condition)| {
            let value = &record[field];
            condition
                .as_object()
                .unwrap()
                .iter()
                .all(|(operator, operand)| match operator.as_str() {
                    "is_null" => value.is_null() == operand.as_bool().unwrap(),
                    "in" => operand.as_array().unwrap().contains(value),
                    "like" => value.as_str().is_some_and(|text| text.starts_with('a')),
                    _ => match (value.as_i64(), operand.as_i64()) {
                        (Some(value), Some(operand)) => match operator.as_str() {
                            "eq" => value == operand,
                            "ne" => value != operand,
                            "lt" => value < operand,
                            "gte" => value >= operand,
                            other => panic!("{other}"),
                        },
                        _ => false,
                    },
                })
        })
}

struct Given<'a> {
    action: &'a str,
    agent: Option<&'a AgentFacts>,
    at: i64,
    address: Option<&'a str>,
    payload: Option<&'a Records>,
    rates: &'a HashMap<i64, RateAnswer>,
}

fn condition_holds(policy: &Written, key: &str, wanted: &Value, given: &Given<'_>) -> bool {
    let bytes = given.payload.map_or(0, |payload| payload.bytes);
    let names = || {
        wanted
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_str().unwrap().to_owned())
    };
    let instant = || {
        let text = wanted.as_str().unwrap();
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
    };
    match key {
        "roles" => given
            .agent
            .is_some_and(|agent| names().any(|role| agent.roles.contains(&role))),
        "permissions" => given
            .agent
            .is_some_and(|agent| names().all(|p| agent.permissions.contains(&p))),
        "time" => in_window(wanted, given.at),
        "addresses" => given
            .address
            .is_some_and(|address| names().any(|network| in_network(address, &network))),
        "min_payload_bytes" => bytes >= wanted.as_u64().unwrap(),
        "max_payload_bytes" => bytes <= wanted.as_u64().unwrap(),
        "valid_from" => given.at >= instant(),
        "valid_until" => given.at < instant(),
        "rate" => true,
        "fields" => {
            let records = given.payload.map_or(&[][..], |payload| &payload.records);
            let met = records
                .iter()
                .filter(|record| meets(wanted, record))
                .count();
            met > 0 && (policy.denies || met == records.len())
        }
        other => panic!("{other}"),
    }
}

fn naive(policies: &[Written], given: &Given<'_>) -> Decision {
    let mut left: Vec<&Written> = policies.iter().collect();
    while !left.is_empty() {
        let mut first = 0;
        for (place, policy) in left.iter().enumerate() {
            let best = left[first];
            let comes_before = policy.priority > best.priority
                || (policy.priority == best.priority && policy.denies && !best.denies)
                || (policy.priority == best.priority
                    && policy.denies == best.denies
                    && policy.id < best.id);
            if comes_before {
                first = place;
            }
        }
        let policy = left.remove(first);
        let of_action = policy.actions.iter().any(|a| a == "*" || a == given.action);
        let conditions = policy.conditions.as_object().unwrap();
        let all = conditions
            .iter()
            .all(|(key, wanted)| condition_holds(policy, key, wanted, given));
        if !of_action || !all {
            continue;
        }
        let id = Some(policy.id);
        let answer = conditions.get("rate").map(|_| given.rates[&policy.id]);
        match (answer, policy.denies) {
            (None, true) | (Some(RateAnswer::Unavailable), true) => {
                return Decision::Denied {
                    policy: id,
                    retry_after: None,
                }
            }
            (None, false) | (Some(RateAnswer::Within), false) => {
                return Decision::Allowed { policy: id }
            }
            (Some(RateAnswer::Beyond(wait)), _) => {
                return Decision::Denied {
                    policy: id,
                    retry_after: Some(wait),
                }
            }
            (Some(RateAnswer::Within), true) | (Some(RateAnswer::Unavailable), false) => {}
        }
    }
    Decision::NoMatch
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Etc/GMT+12",
];
const ADDRESSES: [&str; 10] = [
    "10.0.0.1",
    "10.255.255.255",
    "11.0.0.0",
    "::ffff:10.0.0.1",
    "192.0.2.7",
    "::ffff:192.0.2.8",
    "::",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];
const NETWORKS: [&str; 12] = [
    "10.0.0.0/8",
    "10.0.0.0/31",
    "0.0.0.0/0",
    "192.0.2.7",
    "192.0.2.0/29",
    "::/0",
    "2001:db8::/32",
    "2001:db8::1",
    "2001:db8::/47",
    "::ffff:10.0.0.0/104",
    "::ffff:0:0/96",
    "::ffff:192.0.2.8",
];
/// Around changes of the clocks, and the day that Samoa left out.
const MOMENTS: [&str; 7] = [
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-03-08T07:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    "2011-12-30T10:00:00Z",
    "2026-01-01T00:00:00Z",
];

fn some_of(
    all: &'static [&'static str],
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = Value> {
    proptest::sample::subsequence(all.to_vec(), count).prop_map(|some| json!(some))
}

fn any_window() -> impl Strategy<Value = Value> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let hours = (0..24 * 12_u32, 1..=24 * 12_u32)
        .prop_filter("differ", |(from, to)| from != to)
        .prop_map(|(from, to)| {
            let clock = |n: u32| format!("{:02}:{:02}", n / 12, n % 12 * 5);
            (clock(from), clock(to))
        });
    let zone = proptest::sample::select(ZONES.to_vec());
    (
        proptest::option::of(some_of(&DAYS, 1..7)),
        proptest::option::of(hours),
        proptest::option::of(zone),
    )
        .prop_filter("something", |(days, hours, _)| {
            days.is_some() || hours.is_some()
        })
        .prop_map(|(days, hours, zone)| {
            let mut window = json!({});
            if let Some(days) = days {
                window["days"] = days;
            }
            if let Some((from, to)) = hours {
                window["from"] = json!(from);
                window["to"] = json!(to);
            }
            if let Some(zone) = zone {
                window["zone"] = json!(zone);
            }
            window
        })
}

fn any_moment() -> impl Strategy<Value = i64> {
    let around = proptest::sample::select(MOMENTS.to_vec());
    let hours_48 = 48 * 3_600_000_000_i64;
    let near = (around, -hours_48..hours_48).prop_map(|(moment, away)| at(moment) + away);
    // To the minute, where windows begin and end.
    near.prop_flat_map(|moment| {
        prop_oneof![Just(moment), Just(moment - moment.rem_euclid(300_000_000))]
    })
}

fn any_filter() -> impl Strategy<Value = Value> {
    let of_n = prop_oneof![
        (
            proptest::sample::select(vec!["eq", "ne", "lt", "gte"]),
            0..4_i64
        )
            .prop_map(|(operator, n)| json!({operator: n})),
        proptest::collection::vec(0..4_i64, 1..3).prop_map(|list| json!({"in": list})),
        any::<bool>().prop_map(|wanted| json!({"is_null": wanted})),
    ];
    let of_s = prop_oneof![
        Just(json!({"like": "a%"})),
        any::<bool>().prop_map(|wanted| json!({"is_null": wanted})),
    ];
    prop_oneof![
        of_n.clone().prop_map(|n| json!({"n": n})),
        (of_n, of_s).prop_map(|(n, s)| json!({"n": n, "s": s})),
    ]
}

fn any_instant() -> impl Strategy<Value = Value> {
    any_moment().prop_map(|at| {
        let instant = jiff::Timestamp::from_microsecond(at).unwrap();
        json!(instant.to_string())
    })
}

fn any_condition() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        some_of(&NAMES, 1..3).prop_map(|v| ("roles", v)),
        some_of(&NAMES, 1..3).prop_map(|v| ("permissions", v)),
        any_window().prop_map(|v| ("time", v)),
        some_of(&NETWORKS, 1..3).prop_map(|v| ("addresses", v)),
        (1..5_u64).prop_map(|v| ("min_payload_bytes", json!(v))),
        (5..9_u64).prop_map(|v| ("max_payload_bytes", json!(v))),
        any_filter().prop_map(|v| ("fields", v)),
        Just(("rate", json!({"max": 1, "per": "1 second"}))),
        any_instant().prop_map(|v| ("valid_from", v)),
        any_instant().prop_map(|v| ("valid_until", v)),
    ]
}

fn any_policy() -> impl Strategy<Value = Written> {
    let actions = prop_oneof![
        Just(vec!["*"]),
        Just(vec!["write", "read"]),
        Just(vec!["own"])
    ];
    let conditions = proptest::collection::vec(any_condition(), 0..3);
    (any::<bool>(), 0..3, actions, conditions).prop_map(
        |(denies, priority, actions, conditions)| {
            let mut document = json!({});
            for (key, wanted) in conditions {
                document[key] = wanted;
            }
            let from = document["valid_from"].as_str().map(str::to_owned);
            let until = document["valid_until"].as_str().map(str::to_owned);
            let object = document.as_object_mut().unwrap();
            object.retain(|_, wanted| !wanted.is_null());
            if from
                .zip(until)
                .is_some_and(|(from, until)| at(&from) >= at(&until))
            {
                object.remove("valid_until");
            }
            Written {
                id: 0,
                denies,
                priority,
                actions: actions.into_iter().map(str::to_owned).collect(),
                conditions: document,
            }
        },
    )
}

fn any_agent() -> impl Strategy<Value = AgentFacts> {
    let names = || {
        proptest::sample::subsequence(NAMES.to_vec(), 0..=4)
            .prop_map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    (names(), names()).prop_map(|(roles, permissions)| AgentFacts {
        id: 1,
        roles,
        permissions,
    })
}

fn any_payload() -> impl Strategy<Value = Records> {
    let n = prop_oneof![Just(Value::Null), (0..4_i64).prop_map(Value::from)];
    let s = prop_oneof![Just(Value::Null), Just(json!("abc")), Just(json!("b"))];
    let record = (n, s).prop_map(|(n, s)| json!({"n": n, "s": s}));
    (0..10_u64, proptest::collection::vec(record, 0..3))
        .prop_map(|(bytes, records)| Records { bytes, records })
}

fn any_answer() -> impl Strategy<Value = RateAnswer> {
    prop_oneof![
        Just(RateAnswer::Within),
        Just(RateAnswer::Unavailable),
        (1..9_u64).prop_map(|s| RateAnswer::Beyond(Duration::from_secs(s))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn both_evaluators_decide_alike(
        policies in proptest::collection::vec((any_policy(), any_answer()), 0..6),
        ids in Just((1..=6_i64).collect::<Vec<_>>()).prop_shuffle(),
        action in proptest::sample::select(vec!["write", "read", "own", "delete"]),
        agent in proptest::option::of(any_agent()),
        moment in any_moment(),
        address in proptest::option::of(proptest::sample::select(ADDRESSES.to_vec())),
        payload in proptest::option::of(any_payload()),
    ) {
        let mut rates = HashMap::new();
        let mut written = Vec::new();
        for ((policy, answer), id) in policies.into_iter().zip(ids) {
            rates.insert(id, answer);
            written.push(Written { id, ..policy });
        }
        let compiled = Policies::compile(written.iter().map(|policy| Policy {
            id: policy.id,
            name: "p".into(),
            effect: if policy.denies { Effect::Deny } else { Effect::Allow },
            actions: policy.actions.clone(),
            priority: policy.priority,
            conditions: Conditions::parse(&policy.conditions.to_string(), &COLUMNS).unwrap(),
        }).collect());
        let call = Circumstances {
            action,
            agent: agent.as_ref(),
            at: moment,
            address: address.map(|a| a.parse().unwrap()),
            payload: payload.as_ref().map(|p| p as &dyn PayloadFacts),
        };
        let given = Given {
            action,
            agent: agent.as_ref(),
            at: moment,
            address,
            payload: payload.as_ref(),
            rates: &rates,
        };
        let answer = &mut |policy: &Policy, _: &Rate| rates[&policy.id];
        let decision = compiled.decide(&call, answer);
        prop_assert_eq!(decision, naive(&written, &given));
        let (explained, steps) = compiled.explain(&call, answer);
        prop_assert_eq!(explained, decision);
        prop_assert_eq!(steps.len(), written.len());
        let decides = steps.iter().filter(|step| step.outcome == Outcome::Decides).count();
        prop_assert_eq!(decides, usize::from(decision != Decision::NoMatch));
        for step in steps.iter().filter(|step| step.outcome == Outcome::DoesNotMatch) {
            prop_assert!(step.conditions.iter().any(|fact| !fact.holds), "{:?}", step);
        }
    }
}
