//! The one way to the records of a tool: the token decides whose they are.
//!
//! A token of a project opens the table that the project has of the tool, and no
//! other. Whoever has no token of the tool, or one that is wrong, expired or revoked,
//! gets to its shared table at most, and that only where everybody does.

use std::rc::Rc;

use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::project::{ProjectId, Status};
use crate::model::tenant_error::TenantError;
use crate::model::token::Digest;
use crate::pg::cache::{self, CompiledTool, Tenant};
use crate::pg::project_tools;
use crate::pg::registry::CredentialRow;

/// What a caller wants to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Everybody may, unless the tool is sensitive.
    Read,
    /// Needs a token that allows it.
    Write,
    /// To see whether a record could be written. Everybody may, unless the tool is
    /// sensitive.
    Check,
    /// To write at the endpoint of a configured tool. Everybody may, unless the tool is
    /// sensitive.
    Post,
}

impl Act {
    const fn scope(self) -> &'static str {
        match self {
            Act::Read => "read",
            Act::Write | Act::Check | Act::Post => "write",
        }
    }

    const fn writes(self) -> bool {
        matches!(self, Act::Write | Act::Post)
    }
}

/// The tool with the table that the token opens, for a caller who may do this.
pub fn open(name: &ToolName, token: Option<&str>, act: Act) -> Result<Rc<CompiledTool>, Error> {
    let shared = cache::find(name)?;
    let digest = token.map(Digest::of);
    let credential = digest
        .and_then(|digest| cache::credential(&shared, digest))
        .filter(|credential| credential.is_live());
    if let Some(project_id) = credential.as_ref().and_then(|c| c.project_id) {
        let project = ProjectId::new(project_id).ok_or(Error::ToolToken)?;
        check_scope(credential.as_deref(), act)?;
        let tool = cache::find_in(&shared, project)?;
        check_status(tool.tenant.as_ref(), act)?;
        return Ok(tool);
    }
    if act == Act::Write || shared.sensitive {
        check_scope(credential.as_deref(), act)?;
    } else if act == Act::Post && credential.is_none() {
        refuse_former(shared.id, digest)?;
    }
    Ok(shared)
}

fn check_scope(credential: Option<&CredentialRow>, act: Act) -> Result<(), Error> {
    match credential {
        Some(credential) if credential.allows(act.scope()) => Ok(()),
        _ => Err(Error::ToolToken),
    }
}

fn check_status(tenant: Option<&Tenant>, act: Act) -> Result<(), Error> {
    match tenant.map(|tenant| tenant.status) {
        Some(Status::Suspended) if act.writes() => Err(TenantError::Suspended.into()),
        Some(Status::Archived) => Err(TenantError::Archived.into()),
        _ => Ok(()),
    }
}

/// Where everybody may write and read, a project whose token has expired or was
/// revoked must not go on writing as everybody.
fn refuse_former(tool_id: i64, digest: Option<Digest>) -> Result<(), Error> {
    match digest {
        Some(digest) if project_tools::was_of_a_project(tool_id, &digest) => Err(Error::ToolToken),
        _ => Ok(()),
    }
}
