//! One condition of a policy against the circumstances of a call: whether it holds,
//! and why.

use super::conditions::{has_any, lacks, shown_instant, Conditions, Fields};
use super::networks::{self, Networks};
use super::time_window::TimeWindow;
use super::{Circumstances, Effect, PayloadFacts};
use crate::model::filter;

/// All conditions but the rate, which is asked last.
#[derive(Clone, Copy)]
pub enum Check<'a> {
    Unfit(&'a str, &'a str),
    ValidFrom(i64),
    ValidUntil(i64),
    Networks(&'a Networks),
    Roles(&'a [String]),
    Permissions(&'a [String]),
    Time(&'a TimeWindow),
    MinBytes(u64),
    MaxBytes(u64),
    Fields(&'a Fields),
}

impl Conditions {
    /// Those that there are, the cheap ones first.
    pub(super) fn checks(&self) -> impl Iterator<Item = Check<'_>> {
        let unfit = self.unfit.iter().map(|(key, why)| Check::Unfit(key, why));
        let known = [
            self.valid_from.map(Check::ValidFrom),
            self.valid_until.map(Check::ValidUntil),
            self.networks.as_ref().map(Check::Networks),
            self.roles.as_deref().map(Check::Roles),
            self.permissions.as_deref().map(Check::Permissions),
            self.time.as_ref().map(Check::Time),
            self.min_payload_bytes.map(Check::MinBytes),
            self.max_payload_bytes.map(Check::MaxBytes),
            self.fields.as_ref().map(Check::Fields),
        ];
        unfit.chain(known.into_iter().flatten())
    }
}

impl Check<'_> {
    pub fn key(&self) -> &str {
        match self {
            Check::Unfit(key, _) => key,
            Check::ValidFrom(_) => "valid_from",
            Check::ValidUntil(_) => "valid_until",
            Check::Networks(_) => "addresses",
            Check::Roles(_) => "roles",
            Check::Permissions(_) => "permissions",
            Check::Time(_) => "time",
            Check::MinBytes(_) => "min_payload_bytes",
            Check::MaxBytes(_) => "max_payload_bytes",
            Check::Fields(_) => "fields",
        }
    }

    pub fn holds(&self, effect: Effect, call: &Circumstances<'_>) -> bool {
        match self {
            Check::Unfit(..) => effect == Effect::Deny,
            Check::ValidFrom(from) => call.at >= *from,
            Check::ValidUntil(until) => call.at < *until,
            Check::Networks(networks) => call.address.is_some_and(|a| networks.find(a).is_some()),
            Check::Roles(roles) => call.agent.is_some_and(|agent| has_any(agent, roles)),
            Check::Permissions(all) => call.agent.is_some_and(|agent| lacks(agent, all).is_none()),
            Check::Time(window) => window.contains(call.at),
            Check::MinBytes(min) => bytes(call) >= *min,
            Check::MaxBytes(max) => bytes(call) <= *max,
            Check::Fields(fields) => {
                let payload = call.payload.filter(|payload| payload.records() > 0);
                payload.is_some_and(|payload| fields_hold(fields, effect, payload))
            }
        }
    }

    /// Why it holds or not; says nothing of the values in the payload.
    pub fn reason(&self, effect: Effect, call: &Circumstances<'_>) -> String {
        match self {
            Check::Unfit(_, why) => {
                let follows = match effect {
                    Effect::Allow => "so nobody is allowed by it",
                    Effect::Deny => "so everybody is denied by it",
                };
                format!("it cannot be read: {why}; {follows}")
            }
            Check::ValidFrom(from) if call.at >= *from => {
                format!("it began at {}", shown_instant(*from))
            }
            Check::ValidFrom(from) => format!("it begins at {}", shown_instant(*from)),
            Check::ValidUntil(until) if call.at < *until => {
                format!("it ends at {}", shown_instant(*until))
            }
            Check::ValidUntil(until) => format!("it ended at {}", shown_instant(*until)),
            Check::Networks(all) => networks_reason(all, call),
            Check::Roles(roles) => roles_reason(roles, call),
            Check::Permissions(all) => permissions_reason(all, call),
            Check::Time(window) => window.explain(call.at),
            Check::MinBytes(min) => {
                format!(
                    "the payload has {} bytes, wanted are {min} or more",
                    bytes(call)
                )
            }
            Check::MaxBytes(max) => {
                format!(
                    "the payload has {} bytes, wanted are {max} or less",
                    bytes(call)
                )
            }
            Check::Fields(fields) => fields_reason(fields, effect, call),
        }
    }
}

/// A call without a payload has none.
fn bytes(call: &Circumstances<'_>) -> u64 {
    call.payload.map_or(0, PayloadFacts::bytes)
}

fn networks_reason(all: &Networks, call: &Circumstances<'_>) -> String {
    let Some(address) = call.address else {
        return "the client's address is not known".into();
    };
    let address = address.to_canonical();
    match all.find(address) {
        Some(network) if network.prefix_len() == network.max_prefix_len() => {
            format!("{address} is one of the addresses")
        }
        Some(network) => format!("{address} is in {}", networks::shown(network)),
        None => format!("{address} is in none of {}", all.describe()),
    }
}

fn roles_reason(roles: &[String], call: &Circumstances<'_>) -> String {
    match call.agent {
        None => "the caller is no agent".into(),
        Some(agent) => match roles.iter().find(|role| agent.roles.contains(role)) {
            Some(role) => format!("the agent has role {role}"),
            None => format!("the agent has none of the roles {}", roles.join(", ")),
        },
    }
}

fn permissions_reason(permissions: &[String], call: &Circumstances<'_>) -> String {
    match call.agent {
        None => "the caller is no agent".into(),
        Some(agent) => match lacks(agent, permissions) {
            Some(lacking) => format!("the agent lacks permission {lacking}"),
            None => format!("the agent has permissions {}", permissions.join(", ")),
        },
    }
}

/// Every record must meet what allows, one is enough for what denies.
fn fields_hold(fields: &Fields, effect: Effect, payload: &dyn PayloadFacts) -> bool {
    match (fields, effect) {
        (Fields::Unfit(_), effect) => effect == Effect::Deny,
        (Fields::Filter(filter), Effect::Allow) => {
            (0..payload.records()).all(|record| payload.matches(record, filter))
        }
        (Fields::Filter(filter), Effect::Deny) => {
            (0..payload.records()).any(|record| payload.matches(record, filter))
        }
    }
}

fn fields_reason(fields: &Fields, effect: Effect, call: &Circumstances<'_>) -> String {
    let Some(payload) = call.payload.filter(|payload| payload.records() > 0) else {
        return "there is no record to look at".into();
    };
    let filter = match fields {
        Fields::Unfit(why) => return Check::Unfit("fields", why).reason(effect, call),
        Fields::Filter(filter) => filter,
    };
    let records = payload.records();
    let named = |record: usize| match records {
        1 => "the record".to_owned(),
        _ => format!("record {record}"),
    };
    match effect {
        Effect::Allow => match (0..records).find(|record| !payload.matches(*record, filter)) {
            None if records == 1 => "the record meets all of them".into(),
            None => "every record meets all of them".into(),
            Some(record) => format!(
                "{} does not meet {}",
                named(record),
                first_unmet(filter, payload, record)
            ),
        },
        Effect::Deny => match (0..records).find(|record| payload.matches(*record, filter)) {
            Some(record) => format!("{} meets all of them", named(record)),
            None if records == 1 => {
                format!(
                    "the record does not meet {}",
                    first_unmet(filter, payload, 0)
                )
            }
            None => "no record meets all of them".into(),
        },
    }
}

/// The condition that a record fails, by field and operator.
fn first_unmet(filter: &[filter::Condition], payload: &dyn PayloadFacts, record: usize) -> String {
    let unmet = filter
        .iter()
        .find(|condition| !payload.matches(record, std::slice::from_ref(condition)));
    unmet.map_or_else(
        || "all of them".into(),
        |condition| format!("'{}' of {}", condition.operator.name(), condition.column),
    )
}
