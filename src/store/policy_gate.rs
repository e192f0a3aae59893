//! What the policies of a tool say of a call.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::agent::AgentFacts;
use crate::model::denial::Denial;
use crate::model::policy::{
    Circumstances, Decision, Payload, PayloadFacts, Policies, Policy, RateAnswer, Step,
};
use crate::model::rate::Rate;
use crate::model::rate_key::{Holder, RateKey, Subject};
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::payload_facts::RecordFacts;
use crate::pg::registry::CredentialRow;
use crate::pg::{client_address, clock, rate_limit};

use super::gate::Carried;

/// The policies whose rates have counted a call: it is one, however many actions it takes
/// and however often it starts over.
#[derive(Default)]
pub struct Counted(Vec<i64>);

/// Whether rates count the call.
pub enum Counting<'a> {
    Take(&'a mut Counted),
    Look,
}

impl Counting<'_> {
    /// The same, for one more action of the call.
    pub fn again(&mut self) -> Counting<'_> {
        match self {
            Counting::Take(counted) => Counting::Take(counted),
            Counting::Look => Counting::Look,
        }
    }
}

/// The decision, with what holds where no policy matches: agents may not, all others may.
pub enum Verdict {
    Allowed { policy: Option<i64> },
    Denied { denial: Denial, policy: Option<i64> },
}

impl Verdict {
    pub fn of(decision: Decision, is_agent: bool) -> Self {
        match decision {
            Decision::Allowed { policy } => Verdict::Allowed { policy },
            Decision::NoMatch if is_agent => Verdict::Denied {
                denial: Denial::Denied,
                policy: None,
            },
            Decision::NoMatch => Verdict::Allowed { policy: None },
            Decision::Denied {
                policy,
                retry_after,
            } => Verdict::Denied {
                denial: retry_after.map_or(Denial::Denied, too_many),
                policy,
            },
        }
    }
}

/// Whole seconds, so that whoever waits for so long has waited long enough.
fn too_many(retry_after: Duration) -> Denial {
    let fraction = u64::from(retry_after.subsec_nanos() > 0);
    Denial::TooManyRequests {
        retry_after: retry_after.as_secs().saturating_add(fraction).max(1),
    }
}

/// One call, with all that policies may ask about it.
pub struct Call<'a> {
    caller: Option<&'a CredentialRow>,
    agent: Option<&'a AgentFacts>,
    address: Option<IpAddr>,
    /// True if the caller has only said so.
    is_claimed: bool,
    /// In microseconds since the Unix epoch.
    pub at: i64,
    payload: Option<RecordFacts<'a>>,
    counting: Counting<'a>,
}

impl<'a> Call<'a> {
    /// A call of now, from where it comes.
    pub fn new(
        tool: &'a CompiledTool,
        caller: Option<&'a CredentialRow>,
        carried: Carried<'a>,
        counting: Counting<'a>,
    ) -> Self {
        Call {
            caller,
            agent: caller.and_then(|credential| credential.agent.as_ref()),
            address: client_address::current(),
            is_claimed: false,
            at: clock::unix_microseconds(),
            payload: carried.facts(tool),
            counting,
        }
    }

    /// The call is to be judged as one from there.
    pub fn claim_address(&mut self, address: IpAddr) {
        self.address = Some(address);
        self.is_claimed = true;
    }

    pub fn ask(&mut self, policies: &Policies, action: &str) -> Verdict {
        let mut counting = std::mem::replace(&mut self.counting, Counting::Look);
        let decision = policies.decide(&self.circumstances(action), &mut |policy, rate| {
            let counted = match &mut counting {
                Counting::Look => return self.answer(policy, rate, rate_limit::look),
                Counting::Take(counted) => counted,
            };
            if counted.0.contains(&policy.id) {
                return RateAnswer::Within;
            }
            let answer = self.answer(policy, rate, rate_limit::take);
            if answer == RateAnswer::Within {
                counted.0.push(policy.id);
            }
            answer
        });
        self.counting = counting;
        Verdict::of(decision, self.agent.is_some())
    }

    /// The decision that [`Call::ask`] would come to, and how; counts nothing.
    pub fn explain(&self, policies: &Policies, action: &str) -> (Verdict, Vec<Step>) {
        let circumstances = self.circumstances(action);
        let (decision, steps) = policies.explain(&circumstances, &mut |policy, rate| {
            self.answer(policy, rate, rate_limit::look)
        });
        (Verdict::of(decision, self.agent.is_some()), steps)
    }

    fn circumstances<'c>(&'c self, action: &'c str) -> Circumstances<'c> {
        let payload: Payload<'c> = self
            .payload
            .as_ref()
            .map(|facts| facts as &dyn PayloadFacts);
        Circumstances {
            action,
            agent: self.agent,
            at: self.at,
            address: self.address,
            payload,
        }
    }

    fn answer(
        &self,
        policy: &Policy,
        rate: &Rate,
        ask: fn(&RateKey, u32, Duration) -> Result<(), Duration>,
    ) -> RateAnswer {
        if !rate_limit::is_available() {
            return RateAnswer::Unavailable;
        }
        let holder = self.caller.map(|credential| Holder {
            credential: credential.id,
            agent: self.agent.map(|agent| agent.id),
            project: credential.project_id,
        });
        let subject = match (Subject::of(rate.by, holder, self.address), holder) {
            (Subject::Address(address), Some(holder)) if self.is_claimed => {
                Subject::Claimed(holder.credential, address)
            }
            (subject, _) => subject,
        };
        let key = RateKey {
            policy: policy.id,
            subject,
        };
        match ask(&key, rate.max, rate.per) {
            Ok(()) => RateAnswer::Within,
            Err(wait) => RateAnswer::Beyond(wait),
        }
    }
}
