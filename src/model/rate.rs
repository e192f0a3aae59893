//! How often something may be done: the document of a rate.

use std::time::Duration;

use serde_json::{Map, Value};

/// More than this nobody counts.
pub const LARGEST_MAX: u32 = 1_000_000_000;
pub const LONGEST_PER: Duration = Duration::from_secs(31 * 86_400);

/// `{"max": 600, "per": "1 minute", "by": "credential"}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    pub max: u32,
    pub per: Duration,
    pub by: By,
}

/// Whose calls are counted together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// Those with the same credential of an agent; all else as [`By::Agent`]. An agent that
    /// gets itself another credential has another allowance.
    Credential,
    /// Those of the same agent; those with the tool's own tokens; those of the same
    /// project; without a token, those from the same address.
    #[default]
    Agent,
    /// Those from the same address.
    Address,
    /// All calls that the policy matches.
    Policy,
}

impl By {
    pub const ALL: [By; 4] = [By::Credential, By::Agent, By::Address, By::Policy];

    pub fn name(self) -> &'static str {
        match self {
            By::Credential => "credential",
            By::Agent => "agent",
            By::Address => "address",
            By::Policy => "policy",
        }
    }
}

/// What is wrong with the document of a rate, and under which of its keys; without
/// one, with the document itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateFault {
    pub key: Option<String>,
    pub wanted: &'static str,
}

impl RateFault {
    fn of_document(wanted: &'static str) -> Self {
        RateFault { key: None, wanted }
    }

    fn of_key(key: &str, wanted: &'static str) -> Self {
        RateFault {
            key: Some(key.to_owned()),
            wanted,
        }
    }
}

const OBJECT: &str = "an object such as {\"max\": 600, \"per\": \"1 minute\"}";
const NO_OTHER_KEY: &str = "left out: a rate has max, per and by";
const MAX: &str = "a whole number from 1 to 1000000000";
const PER: &str = "a time from 1 second to 31 days such as \"1 minute\" or \"12 hours\"";
const BY: &str = "credential, agent, address or policy";

impl Rate {
    /// Reads the JSON text of a rate. `max` and `per` have to be there.
    pub fn parse(json: &str) -> Result<Self, RateFault> {
        match serde_json::from_str(json) {
            Ok(Value::Object(object)) => Self::of_object(&object),
            _ => Err(RateFault::of_document(OBJECT)),
        }
    }

    fn of_object(object: &Map<String, Value>) -> Result<Self, RateFault> {
        if let Some(unknown) = object
            .keys()
            .find(|key| !["max", "per", "by"].contains(&key.as_str()))
        {
            return Err(RateFault::of_key(unknown, NO_OTHER_KEY));
        }
        Ok(Rate {
            max: object
                .get("max")
                .and_then(parse_max)
                .ok_or_else(|| RateFault::of_key("max", MAX))?,
            per: object
                .get("per")
                .and_then(Value::as_str)
                .and_then(parse_per)
                .ok_or_else(|| RateFault::of_key("per", PER))?,
            by: match object.get("by") {
                None => By::default(),
                Some(by) => by
                    .as_str()
                    .and_then(|name| By::ALL.into_iter().find(|by| by.name() == name))
                    .ok_or_else(|| RateFault::of_key("by", BY))?,
            },
        })
    }
}

fn parse_max(value: &Value) -> Option<u32> {
    let max = u32::try_from(value.as_u64()?).ok()?;
    (1..=LARGEST_MAX).contains(&max).then_some(max)
}

/// `<n> second(s)|minute(s)|hour(s)|day(s)`
fn parse_per(text: &str) -> Option<Duration> {
    let mut words = text.split_ascii_whitespace();
    let (Some(number), Some(unit), None) = (words.next(), words.next(), words.next()) else {
        return None;
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: u64 = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let per = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?);
    (Duration::from_secs(1)..=LONGEST_PER)
        .contains(&per)
        .then_some(per)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(json: &str) -> (Option<String>, &'static str) {
        let fault = Rate::parse(json).unwrap_err();
        (fault.key, fault.wanted)
    }

    #[test]
    fn what_is_left_out_is_by_agent() {
        assert_eq!(
            Rate::parse(r#"{"max": 600, "per": "1 minute"}"#),
            Ok(Rate {
                max: 600,
                per: Duration::from_secs(60),
                by: By::Agent
            })
        );
    }

    #[test]
    fn every_unit() {
        for (text, seconds) in [
            ("1 second", 1),
            ("90 seconds", 90),
            ("1 minutes", 60),
            ("12 hours", 43_200),
            (" 31  days ", 31 * 86_400),
        ] {
            assert_eq!(
                parse_per(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "1",
            "minute",
            "0 seconds",
            "-1 second",
            "+1 second",
            "1.5 minutes",
            "1 week",
            "1 secondss",
            "32 days",
            "1 minute 5 seconds",
            "99999999999999999999 days",
            "9999999999999999999 days",
            "1 Minute",
        ] {
            assert_eq!(parse_per(text), None, "{text}");
        }
    }

    #[test]
    fn faults_name_their_key() {
        for text in ["", "[]", "600", "null", "{"] {
            assert_eq!(fault(text), (None, OBJECT));
        }
        for max in [
            "0",
            "-1",
            "1.5",
            "1000000001",
            "99999999999999999999",
            "\"6\"",
            "null",
        ] {
            let json = format!(r#"{{"max": {max}, "per": "1 minute"}}"#);
            assert_eq!(fault(&json), (Some("max".into()), MAX), "{max}");
        }
        assert_eq!(fault(r#"{"per": "1 day"}"#), (Some("max".into()), MAX));
        assert_eq!(fault(r#"{"max": 1}"#), (Some("per".into()), PER));
        assert_eq!(fault(r#"{"max": 1, "per": 60}"#), (Some("per".into()), PER));
        let json = r#"{"max": 1, "per": "1 day", "by": "tool"}"#;
        assert_eq!(fault(json), (Some("by".into()), BY));
        let json = r#"{"max": 1, "per": "1 day", "burst": 2}"#;
        assert_eq!(fault(json), (Some("burst".into()), NO_OTHER_KEY));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(max in 1..=LARGEST_MAX, seconds in 1..=31 * 86_400_u64, by in 0..4_usize) {
            let by = By::ALL[by];
            let json = format!(r#"{{"by": "{}", "per": "{seconds} seconds", "max": {max}}}"#, by.name());
            prop_assert_eq!(Rate::parse(&json), Ok(Rate { max, per: Duration::from_secs(seconds), by }));
        }

        #[test]
        fn any_text_is_taken_or_refused(text in ".*") {
            let _ = Rate::parse(&text);
            let _ = parse_per(&text);
        }
    }
}
