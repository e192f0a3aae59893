//! Tools that projects use: enabling and disabling them, and which clients may.

use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::project::{ProjectId, Status};
use crate::model::project_error::ProjectError;
use crate::model::registry_error::RegistryError;
use crate::model::schema::Schema;
use crate::model::tenant_error::TenantError;
use crate::model::token::Purpose;
use crate::pg::ddl::{self, KeepOut};
use crate::pg::ident::TableName;
use crate::pg::projects::{self, Lock, ProjectRow};
use crate::pg::{compiled_tool, idempotency, project_tools, registry};

use super::projects::{id_of_project, not_found};
use super::records::name_of_tool;
use super::tools::new_token;
use super::{authorise, bounded, moving};

/// Gives a project its table of a tool, or the one that was kept when the tool was
/// disabled, and returns a token for it.
pub fn enable(
    tool_name: Option<&str>,
    project_id: Option<i64>,
    token: Option<&str>,
) -> Result<String, Error> {
    authorise::admin_role()?;
    let name = name_of_tool(tool_name)?;
    let project = id_of_project(project_id)?;
    let new = new_token(token, Purpose::Tool)?;
    bounded::within_lock_timeout(name.as_str(), || {
        let row = locked(project)?;
        if row.status == Status::Archived {
            return Err(TenantError::Archived.into());
        }
        // From here on the tool is neither changed nor deleted.
        let tool_id = registry::lock_tool_for_use(&name).ok_or(Error::ToolNotFound)?;
        check_allowed(&name, tool_id, &row)?;
        match project_tools::lock(project, tool_id) {
            Some(known) if !known.is_enabled => take_up_again(&name, project, tool_id)?,
            None if project_tools::insert(project, tool_id) => {
                create_table(&name, project, tool_id)?;
            }
            _ => {
                return Err(TenantError::AlreadyEnabled {
                    tool: name.as_str().to_owned(),
                    project: project.value(),
                }
                .into())
            }
        }
        let scopes = Purpose::Tool.scopes();
        if !project_tools::insert_credential(project, tool_id, &new, scopes) {
            return Err(Error::TokenInUse);
        }
        moving::tables_changed(project)
    })?;
    Ok(new.token)
}

fn check_allowed(name: &ToolName, tool_id: i64, project: &ProjectRow) -> Result<(), Error> {
    match project.client_id {
        Some(client) if !project_tools::lock_allowance(client, tool_id) => {
            Err(TenantError::NotAllowed {
                tool: name.as_str().to_owned(),
                client,
            }
            .into())
        }
        _ => Ok(()),
    }
}

fn create_table(name: &ToolName, project: ProjectId, tool_id: i64) -> Result<(), Error> {
    let row = registry::tool(name).ok_or(Error::ToolNotFound)?;
    if !row.has_table {
        return Err(RegistryError::NoStorage {
            tool: name.as_str().to_owned(),
        }
        .into());
    }
    let schema = Schema::of_registered(row.schema_definition.as_deref())?;
    let options = ToolOptions::parse(row.options.as_deref());
    let table = TableName::of_tool_in(name, project);
    ddl::create_tool_table(&table, &schema, &options)?;
    idempotency::forget_tool(&TableName::idempotency_keys_in(project), tool_id)
}

/// The table that was kept goes on at the version that it follows.
fn take_up_again(name: &ToolName, project: ProjectId, tool_id: i64) -> Result<(), Error> {
    ddl::check_tool_table(&TableName::of_tool_in(name, project))?;
    let row = project_tools::tenant(project, tool_id, name).ok_or(Error::ToolNotFound)?;
    compiled_tool::definition(name, &row.definition)?;
    project_tools::set_enabled(project, tool_id, true);
    Ok(())
}

/// Revokes a project's tokens for a tool; its records are kept, or dropped with their
/// table. What was kept before can be dropped, too.
pub fn disable(
    tool_name: Option<&str>,
    project_id: Option<i64>,
    keep_data: Option<bool>,
) -> Result<(), Error> {
    authorise::admin_role()?;
    let name = name_of_tool(tool_name)?;
    let project = id_of_project(project_id)?;
    let keep_data = keep_data.ok_or(Error::ArgumentNull {
        argument: "keep_data",
    })?;
    bounded::within_lock_timeout(name.as_str(), || {
        locked(project)?;
        let tool_id = registry::tool(&name).ok_or(Error::ToolNotFound)?.id;
        project_tools::lock(project, tool_id)
            .filter(|known| known.is_enabled || !keep_data)
            .ok_or_else(|| not_enabled(&name))?;
        project_tools::revoke_credentials(project, tool_id);
        moving::tables_changed(project)?;
        if keep_data {
            project_tools::set_enabled(project, tool_id, false);
            return Ok(());
        }
        let table = TableName::of_tool_in(&name, project);
        // Whoever is writing to it is waited for, but not for ever.
        ddl::lock_table(&table, KeepOut::Everybody)?;
        ddl::drop_table(&table);
        project_tools::delete(project, tool_id);
        idempotency::forget_tool(&TableName::idempotency_keys_in(project), tool_id)
    })
}

/// Lets the projects of a client use a tool.
pub fn allow(tool_name: Option<&str>, client_id: Option<i64>) -> Result<(), Error> {
    let (name, client) = name_and_client(tool_name, client_id)?;
    let tool_id = registry::lock_tool_for_use(&name).ok_or(Error::ToolNotFound)?;
    if !projects::lock_client(client, Lock::Shared) {
        return Err(ProjectError::ClientNotFound { client }.into());
    }
    project_tools::allow(client, tool_id);
    Ok(())
}

/// Takes that back, unless one of them does.
pub fn disallow(tool_name: Option<&str>, client_id: Option<i64>) -> Result<(), Error> {
    let (name, client) = name_and_client(tool_name, client_id)?;
    let tool_id = registry::tool(&name).ok_or(Error::ToolNotFound)?.id;
    let tool = name.as_str().to_owned();
    if !project_tools::disallow(client, tool_id) {
        return Err(TenantError::NotAllowed { tool, client }.into());
    }
    // Who was enabling it has been waited for.
    match project_tools::count_of_client(client, tool_id) {
        0 => Ok(()),
        projects => Err(TenantError::UsedByClient {
            tool,
            client,
            projects,
        }
        .into()),
    }
}

fn name_and_client(
    tool_name: Option<&str>,
    client_id: Option<i64>,
) -> Result<(ToolName, i64), Error> {
    authorise::admin_role()?;
    let name = name_of_tool(tool_name)?;
    let client = client_id.ok_or(Error::ArgumentNull {
        argument: "client_id",
    })?;
    Ok((name, client))
}

/// A tool that has tables in projects is neither deleted nor archived. The caller has
/// its row locked: whoever was enabling the tool has been waited for.
pub(super) fn refuse_if_used(name: &ToolName, tool_id: i64) -> Result<(), Error> {
    match project_tools::count_of_tool(tool_id) {
        0 => Ok(()),
        projects => Err(TenantError::HasTables {
            tool: name.as_str().to_owned(),
            projects,
        }
        .into()),
    }
}

pub(super) fn not_enabled(name: &ToolName) -> Error {
    TenantError::NotEnabled {
        tool: name.as_str().to_owned(),
    }
    .into()
}

/// The project, which is neither changed nor dropped until the end of the transaction.
pub(super) fn locked(project: ProjectId) -> Result<ProjectRow, Error> {
    projects::lock(project, Lock::Shared).ok_or_else(|| not_found(project))
}
