//! Clients and their projects: making and dropping them.

use crate::model::error::Error;
use crate::model::project::{checked_email, checked_name, ProjectId, Status};
use crate::model::project_error::ProjectError;
use crate::pg::jsonb::Jsonb;
use crate::pg::projects::{self, Lock};
use crate::pg::{acting, project_schema, report, role_access, settings};

use super::authorise;
use super::upgrade;

/// Adds a client and gives its id.
pub fn create_client(name: Option<&str>, contact_email: Option<&str>) -> Result<i64, Error> {
    authorise::admin_role()?;
    let name = checked_name("client", required("name", name)?)?;
    let email = contact_email.map(checked_email).transpose()?;
    projects::insert_client(name, email).ok_or_else(|| {
        let name = name.to_owned();
        ProjectError::ClientExists { name }.into()
    })
}

/// Removes a client that has no projects, and what they might have enabled.
pub fn delete_client(client: Option<i64>) -> Result<(), Error> {
    authorise::admin_role()?;
    let client = required("client_id", client)?;
    // Whoever is just creating a project for the client is waited for.
    if !projects::lock_client(client, Lock::Exclusive) {
        return Err(ProjectError::ClientNotFound { client }.into());
    }
    match projects::count_of_client(client) {
        0 => projects::delete_client(client),
        projects => return Err(ProjectError::ClientHasProjects { client, projects }.into()),
    }
    Ok(())
}

/// Adds a project with its schema and every table of the template, and gives its
/// id. On failure nothing is rolled back here: the caller raises.
pub fn create(
    name: Option<&str>,
    client_id: Option<i64>,
    settings: Option<Jsonb<'_>>,
) -> Result<ProjectId, Error> {
    authorise::admin_role()?;
    let name = checked_name("project", required("name", name)?)?;
    let settings = required("settings", settings)?;
    if settings.as_object().is_none() {
        return Err(ProjectError::SettingsNotObject.into());
    }
    if let Some(client) = client_id {
        if !projects::lock_client(client, Lock::Shared) {
            return Err(ProjectError::ClientNotFound { client }.into());
        }
    }
    let project = projects::insert(name, client_id, settings)
        .ok_or(ProjectError::ProjectNotFound { project: 0 })?;
    project_schema::create(project)?;
    upgrade::apply_template(project)?;
    Ok(project)
}

pub fn set_status(project: Option<i64>, status: Option<&str>) -> Result<(), Error> {
    authorise::admin_role()?;
    let project = id_of_project(project)?;
    let status = Status::parse(required("status", status)?)?;
    if !projects::set_status(project, status) {
        return Err(not_found(project));
    }
    // Those who use the tables directly are kept to it, too.
    role_access::apply(project);
    Ok(())
}

/// Drops a project with all of its data and tokens. What it has used stays, for
/// its bill.
pub fn drop(project: Option<i64>, confirm_name: Option<&str>) -> Result<(), Error> {
    authorise::admin_role()?;
    let project = id_of_project(project)?;
    let confirm_name = required("confirm_name", confirm_name)?;
    let row = projects::lock(project, Lock::Exclusive).ok_or_else(|| not_found(project))?;
    if row.name != confirm_name {
        let project = project.value();
        return Err(ProjectError::ConfirmationWrong { project }.into());
    }
    let milliseconds = settings::ddl_lock_timeout();
    report::unless_locked(|| {
        acting::with_lock_timeout(milliseconds, || project_schema::drop(project))
    })
    .unwrap_or_else(|| {
        let project = project.value();
        Err(ProjectError::Locked {
            project,
            milliseconds,
        }
        .into())
    })?;
    projects::delete(project);
    Ok(())
}

/// The id as an argument gives it; what cannot be one is no project's.
pub fn id_of_project(project: Option<i64>) -> Result<ProjectId, Error> {
    let id = required("project_id", project)?;
    ProjectId::new(id).ok_or_else(|| ProjectError::ProjectNotFound { project: id }.into())
}

pub fn not_found(project: ProjectId) -> Error {
    let project = project.value();
    ProjectError::ProjectNotFound { project }.into()
}

/// An argument that must not be NULL.
pub(super) fn required<T>(argument: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::ArgumentNull { argument })
}
