//! How a decision came about: every policy in the order in which it was asked, and
//! every condition of it.

use serde::Serialize;

use super::{Circumstances, Decision, Effect, Policies, Policy, RateAnswer, Verdict};
use crate::model::rate::{By, Rate};

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub policy_id: i64,
    pub name: String,
    pub effect: Effect,
    pub priority: i32,
    pub outcome: Outcome,
    /// In a sentence.
    pub reason: String,
    /// Of a policy that was asked: the action, then every condition.
    pub conditions: Vec<Fact>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It matched, and so it decided.
    Decides,
    DoesNotMatch,
    /// Another had decided.
    NotAsked,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub condition: String,
    pub holds: bool,
    pub reason: String,
}

impl Fact {
    fn new(condition: &str, holds: bool, reason: String) -> Self {
        Fact {
            condition: condition.to_owned(),
            holds,
            reason,
        }
    }
}

impl Policies {
    /// The same decision as [`Policies::decide`] comes to. `look` says what it would
    /// say to one more call, without counting one.
    pub fn explain(
        &self,
        call: &Circumstances<'_>,
        look: &mut dyn FnMut(&Policy, &Rate) -> RateAnswer,
    ) -> (Decision, Vec<Step>) {
        let mut decision = Decision::NoMatch;
        let mut steps = Vec::new();
        for policy in self.iter() {
            if decision != Decision::NoMatch {
                let reason = "another policy has decided".to_owned();
                steps.push(policy.step(Outcome::NotAsked, reason, Vec::new()));
                continue;
            }
            let (verdict, step) = policy.explain(call, look);
            steps.push(step);
            if let Verdict::Decides(its) = verdict {
                decision = its;
            }
        }
        (decision, steps)
    }
}

impl Policy {
    fn step(&self, outcome: Outcome, reason: String, conditions: Vec<Fact>) -> Step {
        Step {
            policy_id: self.id,
            name: self.name.clone(),
            effect: self.effect,
            priority: self.priority,
            outcome,
            reason,
            conditions,
        }
    }

    fn explain(
        &self,
        call: &Circumstances<'_>,
        look: &mut dyn FnMut(&Policy, &Rate) -> RateAnswer,
    ) -> (Verdict, Step) {
        let mut facts = vec![self.action_fact(call.action)];
        facts.extend(self.conditions.checks().map(|check| {
            let holds = check.holds(self.effect, call);
            Fact::new(check.key(), holds, check.reason(self.effect, call))
        }));
        let mut verdict = Verdict::Passes;
        let all_hold = facts.iter().all(|fact| fact.holds);
        if all_hold {
            let answer = self.conditions.rate().map(|rate| (rate, look(self, rate)));
            verdict = self.verdict(answer.map(|(_, answer)| answer));
            facts.extend(answer.map(|(rate, answer)| self.rate_fact(rate, answer)));
        } else if let Some(rate) = self.conditions.rate() {
            let reason = format!("{} is not looked at", limit(rate));
            facts.push(Fact::new("rate", false, reason));
        }
        let (outcome, reason) = match verdict {
            Verdict::Decides(decision) => (Outcome::Decides, sentence(self.effect, decision)),
            Verdict::Passes => (Outcome::DoesNotMatch, unmatched(&facts)),
        };
        (verdict, self.step(outcome, reason, facts))
    }

    fn action_fact(&self, action: &str) -> Fact {
        let holds = self.names_action(action);
        let all = self.actions.join(", ");
        let reason = match (holds, self.actions.iter().any(|a| a == action)) {
            (true, true) => format!("{action} is one of {all}"),
            (true, false) => "it is for every action".into(),
            (false, _) => format!("{action} is none of {all}"),
        };
        Fact::new("actions", holds, reason)
    }

    /// A rate holds within it where the policy allows, and beyond it where it denies.
    fn rate_fact(&self, rate: &Rate, answer: RateAnswer) -> Fact {
        let limit = limit(rate);
        let (within, reason) = match answer {
            RateAnswer::Within => (true, format!("within {limit}")),
            RateAnswer::Beyond(wait) => {
                let seconds = wait.as_secs_f64().ceil();
                (false, format!("beyond {limit}; again in {seconds} s"))
            }
            RateAnswer::Unavailable => {
                let reason = "nothing counts: the library is not in shared_preload_libraries";
                (false, reason.to_owned())
            }
        };
        Fact::new("rate", within == (self.effect == Effect::Allow), reason)
    }
}

/// `600 calls in 60 s for each agent`
fn limit(rate: &Rate) -> String {
    let whose = match rate.by {
        By::Credential => "for each credential",
        By::Agent => "for each agent",
        By::Address => "for each address",
        By::Policy => "for all callers together",
    };
    format!("{} calls in {} s {whose}", rate.max, rate.per.as_secs())
}

fn sentence(effect: Effect, decision: Decision) -> String {
    match (effect, decision) {
        (
            _,
            Decision::Denied {
                retry_after: Some(_),
                ..
            },
        ) => "all else matches and the rate is exceeded: the call is denied".into(),
        (Effect::Allow, _) => "everything matches: the call is allowed".into(),
        (Effect::Deny, _) => "everything matches: the call is denied".into(),
    }
}

fn unmatched(facts: &[Fact]) -> String {
    match facts.iter().find(|fact| !fact.holds) {
        Some(fact) => format!("{}: {}", fact.condition, fact.reason),
        None => "it does not match".into(),
    }
}
