//! The one way to the records of a tool: the token decides whose they are.
//!
//! A token of a project opens the table that the project has of the tool, and no
//! other; that of an agent does what its scopes name. Whoever has no token of the tool, or one that is wrong, expired or revoked,
//! gets to its shared table at most, and that only where everybody does.

use std::rc::Rc;

use crate::model::access::{self, Action};
use crate::model::denial::Denial;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::project::{ProjectId, Status};
use crate::model::tenant_error::TenantError;
use crate::model::token::Digest;
use crate::pg::access_log::{self, Attempt, Kind};
use crate::pg::cache::{self, CompiledTool, Tenant};
use crate::pg::project_tools;
use crate::pg::registry::CredentialRow;

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
    const fn actions(self) -> &'static [Action<'static>] {
        match self {
            Act::Read => &[Action::Read],
            Act::Write | Act::Check | Act::Post => &[Action::Write],
            Act::Update => &[Action::Update],
            Act::Delete => &[Action::Delete],
            Act::Upsert => &[Action::Write, Action::Update],
        }
    }

    /// As the access log calls it.
    const fn name(self) -> &'static str {
        match self {
            Act::Read | Act::Check => "read",
            Act::Write | Act::Post | Act::Upsert => "write",
            Act::Update => "update",
            Act::Delete => "delete",
        }
    }

    const fn writes(self) -> bool {
        !matches!(self, Act::Read | Act::Check)
    }

    /// True if it needs a token whatever the tool is.
    const fn needs_token(self) -> bool {
        matches!(self, Act::Write | Act::Update | Act::Delete | Act::Upsert)
    }
}

/// The tool with the table that the token opens, for a caller who may do this.
pub fn open(name: &ToolName, token: Option<&str>, act: Act) -> Result<Rc<CompiledTool>, Error> {
    let shared = cache::find(name)?;
    let digest = token.map(Digest::of);
    let credential = digest
        .and_then(|digest| cache::credential(&shared, digest))
        .filter(|credential| credential.is_live());
    let outcome = admit(&shared, digest, credential.as_deref(), act);
    note(&shared, credential.as_deref(), act, &outcome);
    outcome
}

/// Has the access log keep the attempt, if it keeps such ones.
fn note(
    tool: &CompiledTool,
    credential: Option<&CredentialRow>,
    act: Act,
    outcome: &Result<Rc<CompiledTool>, Error>,
) {
    let denied = matches!(outcome, Err(Error::ToolToken | Error::Denial(_)));
    let kind = match (denied, act.writes()) {
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
        project_id: credential.and_then(|c| c.project_id),
        agent_id: credential.and_then(|c| c.agent.as_ref()).map(|a| a.id),
        credential_id: credential.map(|c| c.id),
        policy_id: None,
        action: act.name().into(),
        scopes: credential.map(|c| c.scopes.clone()).unwrap_or_default(),
        payload: None,
        denied,
    });
}

fn admit(
    shared: &Rc<CompiledTool>,
    digest: Option<Digest>,
    credential: Option<&CredentialRow>,
    act: Act,
) -> Result<Rc<CompiledTool>, Error> {
    let needs_token = act.needs_token() || shared.sensitive;
    let Some(credential) = credential else {
        if needs_token {
            return Err(Error::ToolToken);
        }
        if act == Act::Post {
            refuse_former(shared.id, digest)?;
        }
        return Ok(shared.clone());
    };
    if needs_token || credential.project_id.is_some() || credential.agent.is_some() {
        check_scopes(credential, act)?;
    }
    let Some(project_id) = credential.project_id else {
        return Ok(shared.clone());
    };
    let project = ProjectId::new(project_id).ok_or(Error::ToolToken)?;
    let tool = cache::find_in(shared, project)?;
    check_status(tool.tenant.as_ref(), act)?;
    Ok(tool)
}

/// An agent is told that it is known but may not; the token of a tool that does not
/// allow this is no token for it, as ever.
fn check_scopes(credential: &CredentialRow, act: Act) -> Result<(), Error> {
    let is_of_agent = credential.agent.is_some();
    let allowed = act
        .actions()
        .iter()
        .all(|action| access::allows(&credential.scopes, is_of_agent, *action, &[]));
    match allowed {
        true => Ok(()),
        false if is_of_agent => Err(Denial::Denied.into()),
        false => Err(Error::ToolToken),
    }
}

fn check_status(tenant: Option<&Tenant>, act: Act) -> Result<(), Error> {
    match tenant.map(|tenant| tenant.status) {
        Some(Status::Suspended) if act.writes() => Err(TenantError::Suspended.into()),
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
