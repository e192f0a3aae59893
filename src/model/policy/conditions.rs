//! The conditions of a policy: a JSON object of which every key is one, and all of
//! them must hold.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::Value;

use super::networks::Networks;
use super::time_window::TimeWindow;
use crate::model::agent::AgentFacts;
use crate::model::agent_rules::{is_word, MAX_WORDS};
use crate::model::filter;
use crate::model::policy_error::PolicyError;
use crate::model::rate::Rate;
use crate::model::schema::FieldType;
use crate::model::timestamp;
use crate::model::value;

/// All that there are.
pub const KEYS: [&str; 10] = [
    "roles",
    "permissions",
    "time",
    "addresses",
    "min_payload_bytes",
    "max_payload_bytes",
    "fields",
    "rate",
    "valid_from",
    "valid_until",
];

/// Longest document of conditions.
pub const MAX_BYTES: usize = 64 << 10;
const MAX_PATTERN: usize = 255;

/// What is not there is no condition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions {
    pub(super) roles: Option<Vec<String>>,
    pub(super) permissions: Option<Vec<String>>,
    pub(super) time: Option<TimeWindow>,
    pub(super) networks: Option<Networks>,
    pub(super) min_payload_bytes: Option<u64>,
    pub(super) max_payload_bytes: Option<u64>,
    pub(super) fields: Option<Fields>,
    /// In microseconds since the Unix epoch.
    pub(super) valid_from: Option<i64>,
    pub(super) valid_until: Option<i64>,
    pub(super) rate: Option<Rate>,
    /// Conditions that cannot be read here, with the reason.
    pub(super) unfit: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fields {
    Filter(Vec<filter::Condition>),
    /// The table at hand does not have such fields; the reason.
    Unfit(String),
}

impl Conditions {
    /// Reads conditions that are to be kept. `columns` are the fields of the tool.
    pub fn parse(json: &str, columns: &[(&str, FieldType)]) -> Result<Self, PolicyError> {
        if json.len() > MAX_BYTES {
            return Err(PolicyError::ConditionsTooLong);
        }
        let mut conditions = Conditions::default();
        for (key, raw) in members(json)? {
            conditions.take(&key, raw.get(), columns)?;
        }
        conditions.check_span()?;
        Ok(conditions)
    }

    /// Reads conditions that were kept, for a table that may be another than the one
    /// they were checked against. What cannot be read is a condition that nobody meets
    /// where the policy allows, and everybody where it denies.
    pub fn of_kept(json: &str, columns: &[(&str, FieldType)]) -> Self {
        let mut conditions = Conditions::default();
        let members = match members(json) {
            Ok(members) => members,
            Err(fault) => {
                let unfit = ("conditions".to_owned(), fault.message());
                conditions.unfit.push(unfit);
                return conditions;
            }
        };
        for (key, raw) in members {
            match conditions.take(&key, raw.get(), columns) {
                Ok(()) => {}
                Err(PolicyError::FieldsUnfit { fault }) => {
                    conditions.fields = Some(Fields::Unfit(fault.message()));
                }
                Err(fault) => conditions.unfit.push((key, fault.message())),
            }
        }
        conditions
    }

    pub fn rate(&self) -> Option<&Rate> {
        self.rate.as_ref()
    }

    fn take(
        &mut self,
        key: &str,
        raw: &str,
        columns: &[(&str, FieldType)],
    ) -> Result<(), PolicyError> {
        match key {
            "fields" => {
                self.fields = Some(Fields::Filter(parse_fields(raw, columns)?));
                return Ok(());
            }
            "rate" => {
                self.rate = Some(parse_rate(raw)?);
                return Ok(());
            }
            _ => {}
        }
        let value: Value = serde_json::from_str(raw)
            .map_err(|_| PolicyError::condition(key, "nested less deeply, with smaller numbers"))?;
        match key {
            "roles" => self.roles = Some(parse_names("roles", &value)?),
            "permissions" => self.permissions = Some(parse_names("permissions", &value)?),
            "time" => self.time = Some(TimeWindow::parse(&value)?),
            "addresses" => self.networks = Some(Networks::parse(&value)?),
            "min_payload_bytes" => self.min_payload_bytes = Some(parse_bytes(key, &value)?),
            "max_payload_bytes" => self.max_payload_bytes = Some(parse_bytes(key, &value)?),
            "valid_from" => self.valid_from = Some(parse_instant(key, &value)?),
            "valid_until" => self.valid_until = Some(parse_instant(key, &value)?),
            _ => return Err(PolicyError::unknown_condition(key)),
        }
        Ok(())
    }

    /// Two limits must leave something between them.
    fn check_span(&self) -> Result<(), PolicyError> {
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until) {
            if from >= until {
                return Err(PolicyError::condition("valid_until", "after 'valid_from'"));
            }
        }
        if let (Some(min), Some(max)) = (self.min_payload_bytes, self.max_payload_bytes) {
            if min > max {
                let wanted = "at least 'min_payload_bytes'";
                return Err(PolicyError::condition("max_payload_bytes", wanted));
            }
        }
        Ok(())
    }
}

/// True if the agent has one of these roles.
pub(super) fn has_any(agent: &AgentFacts, roles: &[String]) -> bool {
    roles.iter().any(|role| agent.roles.contains(role))
}

/// The first of these permissions that the agent does not have.
pub(super) fn lacks<'a>(agent: &AgentFacts, permissions: &'a [String]) -> Option<&'a String> {
    permissions
        .iter()
        .find(|permission| !agent.permissions.contains(permission))
}

fn members(json: &str) -> Result<BTreeMap<String, &RawValue>, PolicyError> {
    let is_object = json.trim_start().starts_with('{');
    let members = is_object.then(|| serde_json::from_str(json).ok()).flatten();
    members.ok_or(PolicyError::ConditionsNotObject)
}

fn parse_fields(
    raw: &str,
    columns: &[(&str, FieldType)],
) -> Result<Vec<filter::Condition>, PolicyError> {
    let filter = filter::from_json(raw, columns).map_err(|fault| PolicyError::FieldsUnfit {
        fault: Box::new(fault),
    })?;
    if filter.is_empty() {
        let wanted = r#"a filter with at least one field such as {"amount": {"lte": 100}}"#;
        return Err(PolicyError::condition("fields", wanted));
    }
    if filter.iter().any(has_long_pattern) {
        let wanted = format!("a filter whose patterns for 'like' have at most {MAX_PATTERN} bytes");
        return Err(PolicyError::condition("fields", wanted));
    }
    Ok(filter)
}

/// To compare a pattern takes its length times that of the payload, and nothing interrupts it.
fn has_long_pattern(condition: &filter::Condition) -> bool {
    match (&condition.operator, &condition.operand) {
        (filter::Operator::Like, filter::Operand::Value(value::Value::Str(pattern))) => {
            pattern.len() > MAX_PATTERN
        }
        _ => false,
    }
}

fn parse_rate(raw: &str) -> Result<Rate, PolicyError> {
    Rate::parse(raw).map_err(|fault| {
        let key = fault.key.map_or_else(
            || "rate".to_owned(),
            |key| format!("rate.{}", crate::model::name::excerpt(&key)),
        );
        PolicyError::condition(&key, fault.wanted)
    })
}

/// Names of roles or permissions, each once.
fn parse_names(key: &'static str, value: &Value) -> Result<Vec<String>, PolicyError> {
    let wanted = || {
        let wanted = format!(
            "an array of 1 to {MAX_WORDS} names that match ^[a-z][a-z0-9_:.-]{{0,49}}$, each once"
        );
        PolicyError::condition(key, wanted)
    };
    let given = value
        .as_array()
        .filter(|given| (1..=MAX_WORDS).contains(&given.len()))
        .ok_or_else(wanted)?;
    let mut names: Vec<String> = Vec::with_capacity(given.len());
    for name in given {
        let name = name
            .as_str()
            .filter(|name| is_word(name))
            .ok_or_else(wanted)?;
        if names.iter().any(|known| known == name) {
            return Err(wanted());
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

fn parse_bytes(key: &str, value: &Value) -> Result<u64, PolicyError> {
    value
        .as_u64()
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| PolicyError::condition(key, "a positive integer, a number of bytes"))
}

fn parse_instant(key: &str, value: &Value) -> Result<i64, PolicyError> {
    value
        .as_str()
        .and_then(timestamp::parse)
        .map(|instant| instant + timestamp::BETWEEN_EPOCHS)
        .ok_or_else(|| {
            let wanted = "an ISO 8601 date and time such as 2026-12-31T18:00:00+01:00";
            PolicyError::condition(key, wanted)
        })
}

/// As ISO 8601 has it, in UTC.
pub(super) fn shown_instant(instant: i64) -> String {
    let shown = instant
        .checked_sub(timestamp::BETWEEN_EPOCHS)
        .and_then(timestamp::format);
    shown.map_or_else(|| "a time beyond the calendar".into(), |text| text + "Z")
}
