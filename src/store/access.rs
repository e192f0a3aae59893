//! Questions about access: may the holder of a token do this, and why.

use std::net::IpAddr;
use std::rc::Rc;

use serde_json::{json, Value};

use crate::model::access::{Action, ADMIN_SCOPE};
use crate::model::access_context::{self as context, ContextError};
use crate::model::denial::Denial;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::policy::Step;
use crate::model::tenant_error::TenantError;
use crate::model::token::Digest;
use crate::pg::access::{self, CredentialState};
use crate::pg::cache;
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::jsonb::{JsonValue, Jsonb};
use crate::pg::registry::CredentialRow;

use super::authorise::{self, Caller};
use super::gate::{self, Carried, Noted};
use super::policy_gate::{Call, Counted, Counting, Verdict};
use super::records::name_of_tool;

/// What the asker says of the call, in place of what the session itself shows.
#[derive(Default)]
struct Context {
    address: Option<IpAddr>,
    at: Option<i64>,
    payload: Option<Jsonb<'static>>,
}

impl Context {
    fn parse(given: Option<Jsonb<'_>>) -> Result<Self, ContextError> {
        let mut context = Context::default();
        let Some(given) = given else {
            return Ok(context);
        };
        let object = given.as_object().ok_or(ContextError::NotObject)?;
        for (key, value) in object.entries() {
            match (key, value) {
                ("address", JsonValue::Str(text)) => {
                    context.address = Some(context::address(text)?);
                }
                ("address", _) => context.address = Some(context::address("")?),
                ("at", JsonValue::Str(text)) => context.at = Some(context::instant(text)?),
                ("at", _) => context.at = Some(context::instant("")?),
                ("payload", JsonValue::Dict(_) | JsonValue::List(_)) => {
                    context.payload = Some(value.to_document());
                }
                ("payload", _) => {
                    return Err(ContextError::KeyInvalid {
                        key: "payload",
                        wanted: "a record, or an array of records",
                    })
                }
                _ => {
                    return Err(ContextError::KeyUnknown {
                        key: key.to_owned(),
                    })
                }
            }
        }
        Ok(context)
    }

    fn carried(&self, action: Action<'_>) -> Carried<'static> {
        match action {
            Action::Update => Carried::changes(self.payload),
            _ => Carried::new(self.payload),
        }
    }
}

/// The answer, and what led to it.
struct Judgement {
    allowed: bool,
    /// False for an action that is none of the tool's.
    is_known: bool,
    /// In a sentence.
    because: String,
    policy: Option<i64>,
    /// Whole seconds.
    retry_after: Option<u64>,
    steps: Vec<Step>,
}

impl Judgement {
    fn denied(because: impl Into<String>) -> Self {
        Judgement {
            allowed: false,
            is_known: true,
            because: because.into(),
            policy: None,
            retry_after: None,
            steps: Vec::new(),
        }
    }
}

/// True if a call would pass. Rates count it, and the access log keeps it, like a call.
/// An unknown tool, token or action is no error: it is not allowed.
pub fn check(
    token: Option<&str>,
    tool_name: Option<&str>,
    action: Option<&str>,
    context: Option<Jsonb<'_>>,
) -> Result<bool, Error> {
    let name = name_of_tool(tool_name);
    if let Err(error @ Error::ArgumentNull { .. }) = name {
        return Err(error);
    }
    let action = action.ok_or(Error::ArgumentNull { argument: "action" })?;
    let context = Context::parse(context)?;
    if context.at.is_some() {
        return Err(ContextError::TimeForbidden.into());
    }
    let Some(shared) = name.ok().map(|name| found(&name)).transpose()?.flatten() else {
        return Ok(false);
    };
    let action = Action::parse(action);
    let caller = gate::identify(&shared, token);
    let judgement = judge(
        &shared,
        caller.as_deref(),
        action,
        &context,
        Counting::Take(&mut Counted::default()),
    )?;
    note(&shared, caller.as_deref(), action, &context, &judgement);
    Ok(judgement.allowed)
}

/// The tool, with storage or without.
fn found(name: &ToolName) -> Result<Option<Rc<CompiledTool>>, Error> {
    match cache::find_entry(name) {
        Ok(tool) => Ok(Some(tool)),
        Err(Error::ToolNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn note(
    tool: &CompiledTool,
    caller: Option<&CredentialRow>,
    action: Action<'_>,
    context: &Context,
    judgement: &Judgement,
) {
    let noted = Noted {
        // Nothing that is only what somebody has sent: it may be a token in the wrong place.
        action: if judgement.is_known {
            action.name().to_owned().into()
        } else {
            "unknown".into()
        },
        writes: action != Action::Read,
        payload: context.payload,
        policy: judgement.policy,
        denied: !judgement.allowed,
    };
    gate::note(tool, caller, noted);
}

/// Decides as [`gate::open`] does, and finds out why.
fn judge(
    shared: &Rc<CompiledTool>,
    caller: Option<&CredentialRow>,
    action: Action<'_>,
    context: &Context,
    counting: Counting<'_>,
) -> Result<Judgement, Error> {
    let own_scopes = match action {
        Action::Own(_) => access::allowed_scopes(shared.id).unwrap_or_default(),
        _ => Vec::new(),
    };
    let is_own = |name: &str| name == ADMIN_SCOPE || own_scopes.iter().any(|scope| scope == name);
    if matches!(action, Action::Own(name) if !is_own(name)) {
        let because = "the action is none of the tool's: neither read, write, update or delete, nor one of its allowed scopes";
        return Ok(Judgement {
            is_known: false,
            ..Judgement::denied(because)
        });
    }
    let tool = match caller {
        None if action == Action::Read && !shared.sensitive => shared.clone(),
        None => {
            return Ok(Judgement::denied(
                "it takes a live token of the tool, and there is none",
            ))
        }
        Some(credential) => {
            // What everybody may read, a tool's own token reads whatever its scopes are.
            let is_open = action == Action::Read
                && !shared.sensitive
                && credential.agent.is_none()
                && credential.project_id.is_none();
            if !is_open && gate::check_scope(credential, action, &own_scopes).is_err() {
                return Ok(Judgement::denied(format!(
                    "the credential carries {}, and the action needs {}",
                    credential.scopes.join(", "),
                    action.name()
                )));
            }
            match gate::table_of(shared, credential) {
                Ok(tool) => tool,
                Err(error @ Error::Tenant(TenantError::NotEnabled { .. })) => {
                    return Ok(Judgement::denied(error.message()))
                }
                Err(error) => return Err(error),
            }
        }
    };
    let writes = action != Action::Read;
    if let Err(error) = gate::check_status(tool.tenant.as_ref(), writes) {
        return Ok(Judgement::denied(error.message()));
    }
    let judgement = ask_policies(&tool, caller, action, context, counting);
    if judgement.allowed && writes && !tool.active {
        return Ok(Judgement {
            allowed: false,
            because: "the tool is not active, and so takes reads alone".into(),
            ..judgement
        });
    }
    Ok(judgement)
}

fn ask_policies(
    tool: &CompiledTool,
    caller: Option<&CredentialRow>,
    action: Action<'_>,
    context: &Context,
    counting: Counting<'_>,
) -> Judgement {
    let is_agent = caller.is_some_and(|credential| credential.agent.is_some());
    let Some(policies) = tool.policies.as_deref() else {
        return if is_agent {
            Judgement::denied("the tool has no policy, and an agent needs one that allows")
        } else {
            allowed(None, Vec::new())
        };
    };
    let explains = matches!(counting, Counting::Look);
    let mut call = Call::new(tool, caller, context.carried(action), counting);
    // Whoever has no token must not spend what other addresses may still do.
    let is_believed = caller.is_some() || explains;
    if let Some(address) = context.address.filter(|_| is_believed) {
        call.claim_address(address);
    }
    call.at = context.at.unwrap_or(call.at);
    let (verdict, steps) = if explains {
        call.explain(policies, action.name())
    } else {
        (call.ask(policies, action.name()), Vec::new())
    };
    match verdict {
        Verdict::Allowed { policy } => allowed(policy, steps),
        Verdict::Denied { denial, policy } => {
            let retry_after = match denial {
                Denial::Denied => None,
                Denial::TooManyRequests { retry_after } => Some(retry_after),
            };
            let because = match (policy, retry_after) {
                (_, Some(seconds)) => {
                    format!("the rate of a policy is exceeded; again in {seconds} s")
                }
                (Some(_), None) => "a policy denies it".into(),
                (None, None) => "no policy matches, and an agent needs one that allows".into(),
            };
            Judgement {
                allowed: false,
                is_known: true,
                because,
                policy,
                retry_after,
                steps,
            }
        }
    }
}

fn allowed(policy: Option<i64>, steps: Vec<Step>) -> Judgement {
    let because = match policy {
        Some(_) => "a policy allows it",
        None => "no policy matches, and only agents need one",
    };
    Judgement {
        allowed: true,
        is_known: true,
        because: because.into(),
        policy,
        retry_after: None,
        steps,
    }
}

/// Whose access is explained.
pub struct Whose<'a> {
    pub token: Option<&'a str>,
    pub credential_id: Option<i64>,
}

/// The answer that a call would get, with every policy that was looked at. Counts
/// nothing and is not logged.
pub fn explain(
    asker: Caller,
    whose: Whose<'_>,
    tool_name: Option<&str>,
    action: Option<&str>,
    given: Option<Jsonb<'_>>,
    admin_token: Option<&str>,
) -> Result<Value, Error> {
    authorise::admin(asker, admin_token)?;
    let name = name_of_tool(tool_name)?;
    let action = action.ok_or(Error::ArgumentNull { argument: "action" })?;
    if whose.token.is_some() && whose.credential_id.is_some() {
        return Err(ContextError::TwoCallers.into());
    }
    let context = Context::parse(given)?;
    let shared = cache::find_entry(&name)?;
    let digest = whose.token.map(Digest::of);
    let state = match (&digest, whose.credential_id) {
        (None, None) => None,
        (digest, id) => access::credential(shared.id, digest.as_ref(), id),
    };
    if let (None, Some(id)) = (&state, whose.credential_id) {
        return Err(ContextError::CredentialNotFound { id }.into());
    }
    let caller = state
        .as_ref()
        .filter(|state| !state.is_revoked)
        .and_then(|state| state.digest)
        .and_then(|digest| cache::credential(&shared, digest))
        .filter(|credential| credential.is_live());
    let action = Action::parse(action);
    let mut judgement = judge(&shared, caller.as_deref(), action, &context, Counting::Look)?;
    if caller.is_none() && !judgement.allowed && judgement.steps.is_empty() {
        if let Some(reason) = not_live(state.as_ref(), digest.is_some()) {
            judgement.because = format!("{}: {reason}", judgement.because);
        }
    }
    Ok(json!({
        "allowed": judgement.allowed,
        "because": judgement.because,
        "tool": name.as_str(),
        "action": action.name(),
        "credential": state.map(|state| json!({
            "id": state.id,
            "scopes": state.scopes,
            "project_id": state.project_id,
            "agent_id": state.agent_id,
            "agent": state.agent_name,
        })),
        "policy_id": judgement.policy,
        "retry_after": judgement.retry_after,
        "policies": judgement.steps,
    }))
}

/// Why a credential does not count, if one was given.
fn not_live(state: Option<&CredentialState>, token_was_given: bool) -> Option<&'static str> {
    match state {
        None => token_was_given.then_some("no credential of the tool has that token"),
        Some(state) if state.is_revoked => Some("the credential is revoked"),
        Some(state) if state.is_expired => Some("the credential has expired"),
        Some(state) if state.agent_is_silent => Some("its agent is not active"),
        Some(_) => None,
    }
}
