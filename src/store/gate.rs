//! The one way to the records of a tool: who calls, which table that opens, and
//! whether scopes and policies let the call pass.
//!
//! A token of a project opens the table that the project has of the tool, and no
//! other; that of an agent does what its scopes name and policies allow. Whoever has
//! no token of the tool, or one that is wrong, expired or revoked, gets to its shared
//! table at most, and that only where everybody does.

use std::borrow::Cow;
use std::rc::Rc;

use crate::model::access::{self, Action};
use crate::model::agent::AgentFacts;
use crate::model::denial::Denial;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::project::{ProjectId, Status};
use crate::model::tenant_error::TenantError;
use crate::model::token::Digest;
use crate::pg::access_log::{self, Attempt, Kind};
use crate::pg::cache;
use crate::pg::compiled_tool::{CompiledTool, Tenant};
use crate::pg::jsonb::Jsonb;
use crate::pg::payload_facts::RecordFacts;
use crate::pg::project_tools;
use crate::pg::registry::CredentialRow;

pub use super::policy_gate::Counted;
use super::policy_gate::{self, Counting, Verdict};

/// What a caller wants to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Everybody may, unless the tool is sensitive.
    Read,
    /// To store new records. Needs a token that allows it, as do the three that follow.
    Write,
    Update,
    Delete,
    /// To store a record or to change one, whichever it turns out to be.
    Upsert,
    /// To see whether a record could be written. Everybody may, unless the tool is
    /// sensitive.
    Check,
    /// To write at the endpoint of a configured tool. Everybody may, unless the tool is
    /// sensitive.
    Post,
}

impl Act {
    /// All of which have to be allowed.
    pub const fn actions(self) -> &'static [Action<'static>] {
        match self {
            Act::Read => &[Action::Read],
            Act::Write | Act::Check | Act::Post => &[Action::Write],
            Act::Update => &[Action::Update],
            Act::Delete => &[Action::Delete],
            Act::Upsert => &[Action::Write, Action::Update],
        }
    }

    /// As the access log calls it.
    const fn log_name(self) -> &'static str {
        match self {
            Act::Read | Act::Check => "read",
            Act::Write | Act::Post | Act::Upsert => "write",
            Act::Update => "update",
            Act::Delete => "delete",
        }
    }

    pub const fn writes(self) -> bool {
        !matches!(self, Act::Read | Act::Check)
    }

    /// True if it needs a token whatever the tool is.
    const fn needs_token(self) -> bool {
        matches!(self, Act::Write | Act::Update | Act::Delete | Act::Upsert)
    }

    /// Trying whether a record fits is no call that a rate counts.
    fn counting(self, counted: &mut Counted) -> Counting<'_> {
        match self {
            Act::Check => Counting::Look,
            _ => Counting::Take(counted),
        }
    }
}

/// What a call carries.
#[derive(Clone, Copy)]
pub enum Carried<'a> {
    Nothing,
    /// A record, or an array of them.
    New(Jsonb<'a>),
    /// Changes of a record.
    Changes(Jsonb<'a>),
}

impl<'a> Carried<'a> {
    pub fn new(payload: Option<Jsonb<'a>>) -> Self {
        payload.map_or(Carried::Nothing, Carried::New)
    }

    pub fn changes(changes: Option<Jsonb<'a>>) -> Self {
        changes.map_or(Carried::Nothing, Carried::Changes)
    }

    pub fn document(self) -> Option<Jsonb<'a>> {
        match self {
            Carried::Nothing => None,
            Carried::New(document) | Carried::Changes(document) => Some(document),
        }
    }

    /// For the policies of a tool.
    pub fn facts(self, tool: &'a CompiledTool) -> Option<RecordFacts<'a>> {
        match self {
            Carried::Nothing => None,
            Carried::New(document) => Some(RecordFacts::of_new(tool, document)),
            Carried::Changes(document) => Some(RecordFacts::of_changes(tool, document)),
        }
    }
}

/// A call that does not pass.
pub struct Refusal {
    pub error: Error,
    /// The policy that decided, if one did.
    pub policy: Option<i64>,
}

impl Refusal {
    /// False for what is wrong with the call itself, or with the state of the tool.
    fn is_denial(&self) -> bool {
        matches!(self.error, Error::ToolToken | Error::Denial(_))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal {
            error,
            policy: None,
        }
    }
}

/// The tool with the table that the token opens, for a caller who may do this. A call that
/// starts over passes what has `counted` it again.
pub fn open(
    name: &ToolName,
    token: Option<&str>,
    act: Act,
    carried: Carried<'_>,
    counted: &mut Counted,
) -> Result<Rc<CompiledTool>, Error> {
    let shared = cache::find(name)?;
    let caller = identify(&shared, token);
    let outcome = enter(&shared, token, act, caller.as_deref())
        .map_err(Refusal::from)
        .and_then(|tool| {
            let counting = act.counting(counted);
            let policy = ask_policies(&tool, caller.as_deref(), act, carried, counting)?;
            Ok((tool, policy))
        });
    let told = outcome.as_ref().map(|(_, policy)| *policy);
    note_call(&shared, caller.as_deref(), act, carried, told);
    match outcome {
        Ok((tool, _)) => Ok(tool),
        Err(refusal) => Err(refusal.error),
    }
}

/// The same before any policy is asked: for whoever asks [`open`] later in the call.
pub fn open_unasked(
    name: &ToolName,
    token: Option<&str>,
    act: Act,
) -> Result<Rc<CompiledTool>, Error> {
    let shared = cache::find(name)?;
    let caller = identify(&shared, token);
    enter(&shared, token, act, caller.as_deref()).map_err(|error| {
        let refusal = Refusal::from(error);
        let carried = Carried::Nothing;
        note_call(&shared, caller.as_deref(), act, carried, Err(&refusal));
        refusal.error
    })
}

/// True if whoever may do something else with this tool, which [`open`] has just
/// given, may read its records, too. Counts as no call of its own.
pub fn also_reads(tool: &CompiledTool, token: Option<&str>) -> Result<bool, Error> {
    let shared = cache::find(&tool.name)?;
    Ok(reads(&shared, tool, token))
}

/// True unless the policies of a tool keep the holder of a token that allows reading
/// from doing so. Counts as no call.
pub fn policies_let_read(name: &ToolName, token: &str) -> bool {
    // One that is configured, but not registered yet, has no policies.
    cache::find_entry(name).map_or(true, |tool| reads(&tool, &tool, Some(token)))
}

fn reads(shared: &CompiledTool, tool: &CompiledTool, token: Option<&str>) -> bool {
    let caller = identify(shared, token);
    let is_agent = caller.as_ref().is_some_and(|c| c.agent.is_some());
    if !is_agent && tool.policies.is_none() {
        return true;
    }
    if let Some(credential) = caller.as_deref().filter(|_| is_agent) {
        if check_scope(credential, Action::Read, &[]).is_err() {
            return false;
        }
    }
    let asked = ask_policies(
        tool,
        caller.as_deref(),
        Act::Read,
        Carried::Nothing,
        Counting::Look,
    );
    asked.is_ok()
}

fn note_call(
    tool: &CompiledTool,
    caller: Option<&CredentialRow>,
    act: Act,
    carried: Carried<'_>,
    outcome: Result<Option<i64>, &Refusal>,
) {
    let noted = Noted {
        action: act.log_name().into(),
        writes: act.writes(),
        payload: carried.document(),
        policy: outcome.unwrap_or_else(|refusal| refusal.policy),
        denied: outcome.is_err_and(|refusal| refusal.is_denial()),
    };
    note(tool, caller, noted);
}

/// What was attempted, and how the gate has decided.
pub struct Noted<'a> {
    pub action: Cow<'static, str>,
    pub writes: bool,
    pub payload: Option<Jsonb<'a>>,
    /// The policy that decided.
    pub policy: Option<i64>,
    pub denied: bool,
}

/// Has the access log keep the attempt, if it keeps such ones.
pub fn note(tool: &CompiledTool, caller: Option<&CredentialRow>, noted: Noted<'_>) {
    let kind = match (noted.denied, noted.writes) {
        (true, _) => Kind::Denied,
        (false, true) => Kind::Write,
        (false, false) => Kind::Read,
    };
    if !access_log::keeps(tool.logging, kind) {
        return;
    }
    access_log::note(Attempt {
        tool_id: Some(tool.id),
        tool_name: tool.name.as_str().to_owned(),
        project_id: caller.and_then(|c| c.project_id),
        agent_id: caller.and_then(|c| c.agent.as_ref()).map(|a| a.id),
        credential_id: caller.map(|c| c.id),
        policy_id: noted.policy,
        action: noted.action,
        scopes: caller.map(|c| c.scopes.clone()).unwrap_or_default(),
        // Whoever is not let in does not fill the log with what he likes.
        payload: noted
            .payload
            .filter(|_| tool.logging.payloads && !noted.denied)
            .map(Jsonb::to_text),
        denied: noted.denied,
    });
}

/// The live credential that a token is for a tool.
pub fn identify(shared: &CompiledTool, token: Option<&str>) -> Option<Rc<CredentialRow>> {
    token
        .map(Digest::of)
        .and_then(|digest| cache::credential(shared, digest))
        .filter(|credential| credential.is_live())
}

fn enter(
    shared: &Rc<CompiledTool>,
    token: Option<&str>,
    act: Act,
    caller: Option<&CredentialRow>,
) -> Result<Rc<CompiledTool>, Error> {
    let needs_token = act.needs_token() || shared.sensitive;
    let Some(credential) = caller else {
        if needs_token {
            return Err(Error::ToolToken);
        }
        if act == Act::Post {
            refuse_former(shared.id, token.map(Digest::of))?;
        }
        return Ok(shared.clone());
    };
    if needs_token || credential.project_id.is_some() || credential.agent.is_some() {
        for action in act.actions() {
            check_scope(credential, *action, &[])?;
        }
    }
    let tool = table_of(shared, credential)?;
    check_status(tool.tenant.as_ref(), act.writes())?;
    Ok(tool)
}

/// An agent is told that it is known but may not; the token of a tool that does not
/// allow this is no token for it, as ever.
pub fn check_scope(
    credential: &CredentialRow,
    action: Action<'_>,
    own_scopes: &[String],
) -> Result<(), Error> {
    let is_of_agent = credential.agent.is_some();
    match access::allows(&credential.scopes, is_of_agent, action, own_scopes) {
        true => Ok(()),
        false if is_of_agent => Err(Denial::Denied.into()),
        false => Err(Error::ToolToken),
    }
}

/// The table of the tool that a credential opens.
pub fn table_of(
    shared: &Rc<CompiledTool>,
    credential: &CredentialRow,
) -> Result<Rc<CompiledTool>, Error> {
    match credential.project_id {
        None => Ok(shared.clone()),
        Some(id) => cache::find_in(shared, ProjectId::new(id).ok_or(Error::ToolToken)?),
    }
}

pub fn check_status(tenant: Option<&Tenant>, writes: bool) -> Result<(), Error> {
    match tenant.map(|tenant| tenant.status) {
        Some(Status::Suspended) if writes => Err(TenantError::Suspended.into()),
        Some(Status::Archived) => Err(TenantError::Archived.into()),
        _ => Ok(()),
    }
}

/// Where everybody may write and read, a project or an agent whose token has expired or
/// was revoked must not go on writing as everybody.
fn refuse_former(tool_id: i64, digest: Option<Digest>) -> Result<(), Error> {
    match digest {
        Some(digest) if project_tools::was_of_somebody(tool_id, &digest) => Err(Error::ToolToken),
        _ => Ok(()),
    }
}

/// Passes if policies allow every action of this, or say nothing of it to somebody who
/// is no agent. Gives the policy that allowed the last one.
fn ask_policies(
    tool: &CompiledTool,
    caller: Option<&CredentialRow>,
    act: Act,
    carried: Carried<'_>,
    counting: Counting<'_>,
) -> Result<Option<i64>, Refusal> {
    let agent: Option<&AgentFacts> = caller.and_then(|credential| credential.agent.as_ref());
    let Some(policies) = tool.policies.as_deref() else {
        return match agent {
            None => Ok(None),
            Some(_) => Err(Error::from(Denial::Denied).into()),
        };
    };
    let mut counting = counting;
    let mut allowed_by = None;
    for action in act.actions() {
        // Of what is there already an upsert changes what is named alone.
        let carried = match (carried, action) {
            (Carried::New(payload), Action::Update) => Carried::Changes(payload),
            (carried, _) => carried,
        };
        let mut call = policy_gate::Call::new(tool, caller, carried, counting.again());
        match call.ask(policies, action.name()) {
            Verdict::Allowed { policy } => allowed_by = policy,
            Verdict::Denied { denial, policy } => {
                return Err(Refusal {
                    error: denial.into(),
                    policy,
                })
            }
        }
    }
    Ok(allowed_by)
}
