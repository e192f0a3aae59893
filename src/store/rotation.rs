//! A new token for a tool, in place of those before it.

use crate::model::error::Error;
use crate::model::grace::Grace;
use crate::model::lifecycle_error::LifecycleError;
use crate::model::name::ToolName;
use crate::model::project::{ProjectId, Status};
use crate::model::tenant_error::TenantError;
use crate::model::token::{Digest, Purpose};
use crate::pg::{project_tools, registry, rotation};

use super::authorise::{self, Caller};
use super::project_tools::{locked, not_enabled};
use super::projects::id_of_project;
use super::records::name_of_tool;
use super::tools::new_token;

/// Gives the tool a new token and returns it. Those before it go on working for
/// the grace period, but never longer than they would have. With `current_token`
/// its holder asks for it, otherwise an administrator does.
pub fn rotate(
    caller: Caller,
    tool_name: Option<&str>,
    grace: Grace,
    token: Option<&str>,
    current_token: Option<&str>,
    admin_token: Option<&str>,
    project_id: Option<i64>,
) -> Result<String, Error> {
    if current_token.is_none() {
        authorise::admin(caller, admin_token)?;
    }
    let name = name_of_tool(tool_name)?;
    let project = project_id.map(|id| id_of_project(Some(id))).transpose()?;
    let tool = registry::tool(&name).ok_or(Error::ToolNotFound)?;
    let project = whose(tool.id, current_token, project).inspect_err(|error| {
        if *error == Error::ToolToken {
            authorise::note_denied(Some(tool.id), name.as_str(), "rotate");
        }
    })?;
    let new = new_token(token, Purpose::Tool)?;

    let tool_id = lock(&name, tool.id, project)?;
    // Somebody may have rotated it while we waited.
    if whose(tool_id, current_token, project)? != project {
        return Err(Error::ToolToken);
    }
    // First the new one: it must not be one of those that it replaces.
    let scopes = Purpose::Tool.scopes();
    let inserted = match project {
        Some(project) => project_tools::insert_credential(project, tool_id, &new, scopes),
        None => registry::insert_credential(&new, scopes, Some(tool_id), None),
    };
    if !inserted {
        return Err(Error::TokenInUse);
    }
    if grace.is_none() {
        rotation::revoke_others(tool_id, project, &new.digest);
    } else {
        rotation::expire_others(tool_id, project, &new.digest, grace);
    }
    Ok(new.token)
}

/// Has every other rotation of the same tokens wait. That of a project's tokens keeps
/// nobody else waiting, and no session reads the tool again for it.
fn lock(name: &ToolName, tool_id: i64, project: Option<ProjectId>) -> Result<i64, Error> {
    let Some(project) = project else {
        return registry::lock_tool(name).ok_or(Error::ToolNotFound);
    };
    if locked(project)?.status == Status::Archived {
        return Err(TenantError::Archived.into());
    }
    match project_tools::lock(project, tool_id) {
        Some(known) if known.is_enabled => Ok(tool_id),
        _ => Err(not_enabled(name)),
    }
}

/// The project whose tokens are rotated: that of the current token, which may be no
/// other than the one that was named. The holder of a token may exchange it for one
/// that allows the same, not more.
fn whose(
    tool_id: i64,
    current_token: Option<&str>,
    named: Option<ProjectId>,
) -> Result<Option<ProjectId>, Error> {
    let Some(token) = current_token else {
        return Ok(named);
    };
    let credential = registry::tool_credential(tool_id, &Digest::of(token));
    let credential = credential
        .filter(registry::CredentialRow::is_live)
        .ok_or(Error::ToolToken)?;
    let project = match credential.project_id {
        Some(id) => Some(ProjectId::new(id).ok_or(Error::ToolToken)?),
        None => None,
    };
    if named.is_some() && named != project {
        return Err(Error::ToolToken);
    }
    let allows_all = Purpose::Tool.scopes().iter().all(|s| credential.allows(s));
    let lasts = credential.expires_at.is_none() && credential.agent.is_none();
    if lasts && allows_all {
        Ok(project)
    } else {
        Err(LifecycleError::TokenCannotRotate.into())
    }
}
