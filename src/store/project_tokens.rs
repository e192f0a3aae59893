//! Tokens of projects.

use pgrx::datum::TimestampWithTimeZone;

use crate::model::error::Error;
use crate::model::project::ProjectId;
use crate::model::project_error::ProjectError;
use crate::model::resource_error::ResourceError;
use crate::model::token::{self, Purpose};
use crate::pg::project_access;
use crate::pg::registry::CredentialRow;

use super::authorise;
use super::tools::new_token;

/// Makes a token for a project and gives it, the one time that it is shown.
pub fn issue(
    project_id: Option<i64>,
    scopes: Option<Vec<Option<String>>>,
    expires: Option<TimestampWithTimeZone>,
) -> Result<String, Error> {
    authorise::admin_role()?;
    let number = project_id.ok_or(Error::ArgumentNull {
        argument: "project_id",
    })?;
    let asked = scopes.ok_or(Error::ArgumentNull { argument: "scopes" })?;
    let asked: Option<Vec<&str>> = asked.iter().map(Option::as_deref).collect();
    let scopes = token::project_scopes(&asked.ok_or(ResourceError::ScopesInvalid)?)?;
    let would_be = CredentialRow::allowing(Vec::new(), expires);
    if !would_be.is_live() {
        return Err(ResourceError::ExpiryPast.into());
    }
    // A project that is dropped takes its tokens along: it must not be just going.
    let project = ProjectId::new(number).filter(|id| project_access::keep(*id));
    let project = project.ok_or(ProjectError::ProjectNotFound { project: number })?;
    let new = new_token(None, Purpose::Project)?;
    if !project_access::insert_credential(&new, &scopes, project, expires) {
        return Err(Error::TokenInUse);
    }
    Ok(new.token)
}
