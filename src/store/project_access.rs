//! Who may do what in a project: administrators, and the holders of its tokens.

use crate::model::error::Error;
use crate::model::project::{ProjectId, Status};
use crate::model::project_error::ProjectError;
use crate::model::resource_error::ResourceError;
use crate::model::token::{Digest, PROJECT_SCOPE};
use crate::pg::acting;
use crate::pg::project_access::{self, ProjectRow};
use crate::pg::registry::CredentialRow;

/// A project that the caller may use.
pub struct Project {
    pub id: ProjectId,
    pub client_id: Option<i64>,
}

/// Passes those who may read in the project.
pub fn reader(project_id: Option<i64>, token: Option<&str>) -> Result<Project, Error> {
    let (project, status) = enter(project_id, token, "read")?;
    // Whoever administers it may look at what is archived.
    if status == Status::Archived && !acting::caller_is_admin() {
        return Err(ResourceError::ProjectArchived.into());
    }
    Ok(project)
}

/// Passes those who may write in the project. It is not kept from being dropped
/// meanwhile: for what does not go to its schema.
pub fn appender(project_id: Option<i64>, token: Option<&str>) -> Result<Project, Error> {
    let (project, status) = enter(project_id, token, "write")?;
    match status {
        Status::Active => Ok(project),
        Status::Suspended => Err(ResourceError::ProjectSuspended.into()),
        Status::Archived => Err(ResourceError::ProjectArchived.into()),
    }
}

/// Passes those who may write in the project, and keeps it until the end of the
/// transaction.
pub fn writer(project_id: Option<i64>, token: Option<&str>) -> Result<Project, Error> {
    let project = appender(project_id, token)?;
    if project_access::keep(project.id) {
        Ok(project)
    } else {
        Err(unknown(project.id.value()))
    }
}

fn enter(
    project_id: Option<i64>,
    token: Option<&str>,
    scope: &str,
) -> Result<(Project, Status), Error> {
    let number = project_id.ok_or(Error::ArgumentNull {
        argument: "project_id",
    })?;
    let digest = token.map(Digest::of);
    let found = ProjectId::new(number)
        .and_then(|id| project_access::find(id, digest.as_ref()).map(|row| (id, row)));
    let (id, row) = found.ok_or_else(|| unknown(number))?;
    if !acting::caller_is_admin() && !is_allowed(&row, scope) {
        return Err(ResourceError::ProjectToken.into());
    }
    let project = Project {
        id,
        client_id: row.client_id,
    };
    Ok((project, Status::parse(&row.status)?))
}

fn is_allowed(row: &ProjectRow, scope: &str) -> bool {
    let allows = |c: &CredentialRow| c.allows(PROJECT_SCOPE) && c.allows(scope);
    row.credential.as_ref().is_some_and(allows)
}

/// Only administrators learn which projects there are.
fn unknown(project: i64) -> Error {
    if acting::caller_is_admin() {
        ProjectError::ProjectNotFound { project }.into()
    } else {
        ResourceError::ProjectToken.into()
    }
}
