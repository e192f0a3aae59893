//! Credentials of agents: issuing, listing and revoking them.

use pgrx::datum::Interval;

use crate::model::agent_error::AgentError;
use crate::model::agent_rules::{check_interval, checked_scopes, MAX_YEARS};
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::project::{ProjectId, Status, MAX_NAME};
use crate::model::tenant_error::TenantError;
use crate::model::token::Purpose;
use crate::pg::agents;
use crate::pg::credentials::{self, CredentialInfo, NewCredential, Which};
use crate::pg::{info, project_tools, registry};

use super::agents::{administered_or_own, holder, lock_for_change, not_found, still_holds};
use super::authorise::{self, Caller};
use super::project_tools::{locked, not_enabled};
use super::projects::id_of_project;
use super::records::name_of_tool;
use super::tools::new_token;

/// What a credential is asked for with.
pub struct Request<'a> {
    pub agent_id: Option<i64>,
    pub tool_name: Option<&'a str>,
    pub scopes: Option<Vec<Option<String>>>,
    pub expires_in: Option<Interval>,
    pub project_id: Option<i64>,
    pub label: Option<&'a str>,
}

/// Makes a token for an agent and gives it, the one time that it is shown. Its scopes
/// are within what the tool allows and its policies grant, whoever asks.
pub fn issue(
    caller: Caller,
    request: Request<'_>,
    admin_token: Option<&str>,
    api_key: Option<&str>,
) -> Result<String, Error> {
    let agent = administered_or_own(caller, request.agent_id, admin_token, api_key)?;
    let name = name_of_tool(request.tool_name)?;
    let scopes = request
        .scopes
        .ok_or(Error::ArgumentNull { argument: "scopes" })?;
    if request.label.is_some_and(|l| l.chars().count() > MAX_NAME) {
        return Err(AgentError::KeyInvalid {
            key: "label",
            wanted: "text of at most 255 characters",
        }
        .into());
    }
    let expires_in = request.expires_in.ok_or(Error::ArgumentNull {
        argument: "expires_in",
    })?;
    check_interval(expires_in.months(), expires_in.days(), expires_in.micros())?;
    if !credentials::is_expiry(expires_in, MAX_YEARS) {
        return Err(AgentError::ExpiryInvalid.into());
    }
    if api_key.is_some() && request.project_id.is_some() {
        // No policy says whose data they are that an agent asks for.
        return Err(AgentError::ProjectForbidden.into());
    }
    let (tool_id, project) = lock(&name, request.project_id)?;
    let row = agents::lock(agent);
    still_holds(api_key)?;
    let row = row.ok_or_else(|| not_found(agent))?;
    if !row.is_active {
        return Err(AgentError::AgentInactive { agent }.into());
    }
    let allowed = agents::allowed_scopes(tool_id);
    let granted = agents::grantable_scopes(tool_id, &row.facts);
    let scopes = checked_scopes(scopes, allowed.as_deref(), &granted)?;
    let new = new_token(None, Purpose::Agent)?;
    let inserted = credentials::insert(NewCredential {
        token: &new,
        scopes,
        agent,
        tool_id: Some(tool_id),
        project,
        label: request.label,
        expires_in: Some(expires_in),
    });
    if inserted {
        Ok(new.token)
    } else {
        Err(Error::TokenInUse)
    }
}

/// The tool, which stays where it is until the end of the transaction, and so does what
/// the project has of it.
fn lock(name: &ToolName, project_id: Option<i64>) -> Result<(i64, Option<ProjectId>), Error> {
    let project = project_id.map(|id| id_of_project(Some(id))).transpose()?;
    if let Some(project) = project {
        if locked(project)?.status == Status::Archived {
            return Err(TenantError::Archived.into());
        }
    }
    let tool_id = info::keep_tool(name).ok_or(Error::ToolNotFound)?;
    if let Some(project) = project {
        let known = project_tools::lock(project, tool_id);
        if !known.is_some_and(|known| known.is_enabled) {
            return Err(not_enabled(name));
        }
    }
    Ok((tool_id, project))
}

/// The credentials of an agent, of a tool or of all. With `api_key` an agent sees its
/// own.
pub fn list(
    caller: Caller,
    agent_id: Option<i64>,
    tool_name: Option<&str>,
    live: Option<bool>,
    admin_token: Option<&str>,
    api_key: Option<&str>,
) -> Result<Vec<CredentialInfo>, Error> {
    let agent = match api_key {
        Some(key) => {
            let own = holder(key)?;
            if agent_id.is_some_and(|agent| agent != own) {
                return Err(AgentError::ApiKeyInvalid.into());
            }
            Some(own)
        }
        None => {
            authorise::admin(caller, admin_token)?;
            if let Some(unknown) = agent_id.filter(|agent| !agents::exists(*agent)) {
                return Err(not_found(unknown));
            }
            agent_id
        }
    };
    let live = live.ok_or(Error::ArgumentNull { argument: "live" })?;
    let tool_id = match tool_name {
        None => None,
        Some(_) => {
            let name = name_of_tool(tool_name)?;
            Some(registry::tool(&name).ok_or(Error::ToolNotFound)?.id)
        }
    };
    Ok(credentials::list(agent, tool_id, live))
}

/// Revokes a credential of an agent. With `api_key` it is one of its holder's.
pub fn revoke(
    caller: Caller,
    credential_id: Option<i64>,
    admin_token: Option<&str>,
    api_key: Option<&str>,
) -> Result<(), Error> {
    let agent = match api_key {
        Some(key) => Some(holder(key)?),
        None => {
            authorise::admin(caller, admin_token)?;
            None
        }
    };
    let id = credential_id.ok_or(Error::ArgumentNull {
        argument: "credential_id",
    })?;
    let revoked = credentials::revoke(&Which {
        id: Some(id),
        agent,
        ..Which::default()
    });
    match revoked {
        0 => Err(Error::TokenNotFound),
        _ => Ok(()),
    }
}

/// Revokes all that an agent holds, its API keys, too; gives how many.
pub fn revoke_all(
    caller: Caller,
    agent_id: Option<i64>,
    admin_token: Option<&str>,
    api_key: Option<&str>,
) -> Result<i64, Error> {
    let agent = administered_or_own(caller, agent_id, admin_token, api_key)?;
    // What is just being issued is waited for.
    lock_for_change(agent, api_key)?;
    let revoked = credentials::revoke(&Which {
        agent: Some(agent),
        ..Which::default()
    });
    Ok(revoked as i64)
}
