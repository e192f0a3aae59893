//! Policies: which calls of a tool are allowed and which are denied.

mod check;
pub mod conditions;
pub mod definition;
mod explanation;
mod networks;
mod time_window;

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::agent::AgentFacts;
use super::filter;
use super::rate::Rate;
pub use conditions::Conditions;
pub use explanation::Step;

/// In place of an action: all of them.
pub const EVERY_ACTION: &str = "*";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Allow,
    Deny,
}

impl Effect {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "allow" => Some(Effect::Allow),
            "deny" => Some(Effect::Deny),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub id: i64,
    pub name: String,
    pub effect: Effect,
    pub actions: Vec<String>,
    pub priority: i32,
    pub conditions: Conditions,
}

/// What a call looks like to policies.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    pub action: &'a str,
    /// None for a caller that is no agent.
    pub agent: Option<&'a AgentFacts>,
    /// In microseconds since the Unix epoch.
    pub at: i64,
    pub address: Option<IpAddr>,
    pub payload: Payload<'a>,
}

/// None for a call that carries none.
pub type Payload<'a> = Option<&'a dyn PayloadFacts>;

/// What policies ask of a payload. Nothing is worked out before it is asked for.
pub trait PayloadFacts {
    /// Of its JSON text.
    fn bytes(&self) -> u64;

    fn records(&self) -> usize;

    /// True if a record, counted from 0, meets all conditions.
    fn matches(&self, record: usize, conditions: &[filter::Condition]) -> bool;
}

/// What whoever counts calls says to one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateAnswer {
    Within,
    /// Too many; one may pass after this time.
    Beyond(Duration),
    /// Nothing counts.
    Unavailable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed {
        policy: Option<i64>,
    },
    Denied {
        policy: Option<i64>,
        /// Given if it was for the rate.
        retry_after: Option<Duration>,
    },
    /// No policy says anything of the call.
    NoMatch,
}

/// What a policy makes of a call that it concerns.
enum Verdict {
    Decides(Decision),
    Passes,
}

/// The policies of a tool, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policies(Vec<Policy>);

impl Policies {
    /// Higher priority first, within one those that deny, then the older ones.
    pub fn compile(mut policies: Vec<Policy>) -> Self {
        policies.sort_by_key(|policy| {
            let denies_first = policy.effect == Effect::Allow;
            (std::cmp::Reverse(policy.priority), denies_first, policy.id)
        });
        Policies(policies)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.0.iter()
    }

    /// The first policy that matches decides. `take` is asked of a rate where all else
    /// matches, and counts the call.
    pub fn decide(
        &self,
        call: &Circumstances<'_>,
        take: &mut dyn FnMut(&Policy, &Rate) -> RateAnswer,
    ) -> Decision {
        for policy in self.0.iter().filter(|policy| policy.concerns(call)) {
            let answer = policy.conditions.rate().map(|rate| take(policy, rate));
            if let Verdict::Decides(decision) = policy.verdict(answer) {
                return decision;
            }
        }
        Decision::NoMatch
    }
}

impl Policy {
    pub fn names_action(&self, action: &str) -> bool {
        self.actions
            .iter()
            .any(|a| a == action || a == EVERY_ACTION)
    }

    /// True if all matches but the rate, which has not been asked.
    fn concerns(&self, call: &Circumstances<'_>) -> bool {
        self.names_action(call.action)
            && self
                .conditions
                .checks()
                .all(|check| check.holds(self.effect, call))
    }

    /// What follows for a call that the policy concerns, with the answer of its rate if
    /// it has one.
    fn verdict(&self, rate: Option<RateAnswer>) -> Verdict {
        let policy = Some(self.id);
        let denied = |retry_after| {
            Verdict::Decides(Decision::Denied {
                policy,
                retry_after,
            })
        };
        match (self.effect, rate) {
            (_, Some(RateAnswer::Beyond(wait))) => denied(Some(wait)),
            (Effect::Allow, None | Some(RateAnswer::Within)) => {
                Verdict::Decides(Decision::Allowed { policy })
            }
            (Effect::Deny, None | Some(RateAnswer::Unavailable)) => denied(None),
            (Effect::Allow, Some(RateAnswer::Unavailable))
            | (Effect::Deny, Some(RateAnswer::Within)) => Verdict::Passes,
        }
    }
}

#[cfg(test)]
mod tests;
