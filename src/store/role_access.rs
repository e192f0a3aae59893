//! Access of database roles to a project's tables.

use crate::model::access_error::AccessError;
use crate::model::access_level::Level;
use crate::model::error::Error;
use crate::model::name::excerpt;
use crate::pg::projects::{self, Lock};
use crate::pg::{acting, project_schema, role_access};

use super::authorise;
use super::projects::{id_of_project, not_found};

/// Gives a role access to a project, or another level of it.
pub fn grant(
    project_id: Option<i64>,
    role_name: Option<&str>,
    level: Option<&str>,
) -> Result<(), Error> {
    authorise::admin_role()?;
    let name = role_name.ok_or(Error::ArgumentNull {
        argument: "role_name",
    })?;
    let level = Level::parse(level.ok_or(Error::ArgumentNull { argument: "level" })?)?;
    let project = id_of_project(project_id)?;
    refuse_unfit(name)?;
    projects::lock(project, Lock::Exclusive).ok_or_else(|| not_found(project))?;
    project_schema::check(project)?;
    role_access::put(project, name, level, &acting::caller_name());
    role_access::open_schema(project, name);
    role_access::apply(project);
    Ok(())
}

/// Takes all access to a project from a role; one that has none keeps none.
pub fn revoke(project_id: Option<i64>, role_name: Option<&str>) -> Result<(), Error> {
    authorise::admin_role()?;
    let name = role_name.ok_or(Error::ArgumentNull {
        argument: "role_name",
    })?;
    let project = id_of_project(project_id)?;
    projects::lock(project, Lock::Exclusive).ok_or_else(|| not_found(project))?;
    let was_granted = role_access::forget(project, name);
    match role_access::role(name) {
        Some(_) => {
            refuse_own(name)?;
            project_schema::check(project)?;
            role_access::close(project, name);
            Ok(())
        }
        // Dropped since, and what it had with it.
        None if was_granted => Ok(()),
        None => Err(no_role(name)),
    }
}

/// Refuses a role that access to a single project means nothing for.
fn refuse_unfit(name: &str) -> Result<(), Error> {
    refuse_own(name)?;
    let role = role_access::role(name).ok_or_else(|| no_role(name))?;
    if role.is_superuser {
        return Err(refused(name, "It is a superuser, who may do everything."));
    }
    if role.member_of.is_some() {
        return Err(refused(
            name,
            "It is a member of projectalpha_owner, projectalpha_admin or projectalpha_reader, which are there for every project.",
        ));
    }
    Ok(())
}

fn refuse_own(name: &str) -> Result<(), Error> {
    if name == "public" {
        return Err(refused(
            name,
            "PUBLIC is everybody, and a project is not for everybody.",
        ));
    }
    if name.starts_with("projectalpha_") {
        return Err(refused(
            name,
            "The roles of the extension have the privileges that they need.",
        ));
    }
    if name.starts_with("pg_") {
        return Err(refused(
            name,
            "PostgreSQL has that role for purposes of its own.",
        ));
    }
    Ok(())
}

fn refused(role: &str, reason: &'static str) -> Error {
    AccessError::RoleRefused {
        role: excerpt(role),
        reason,
    }
    .into()
}

fn no_role(role: &str) -> Error {
    AccessError::RoleNotFound {
        role: excerpt(role),
    }
    .into()
}
