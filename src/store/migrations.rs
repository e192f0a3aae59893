//! The template of all projects: adding migrations to it.

use crate::model::error::Error;
use crate::model::migration_error::MigrationError;
use crate::model::project::checked_name;
use crate::pg::{acting, migrations};

use super::authorise;
use super::projects::required;

/// Adds a migration and gives its version. No project has it until it is upgraded,
/// but every new one does.
pub fn add(name: Option<&str>, sql: Option<&str>) -> Result<i32, Error> {
    authorise::admin_role()?;
    let name = checked_name("migration", required("name", name)?)?;
    let sql = required("sql", sql)?;
    migrations::check_statements(sql)?;
    let version = migrations::lock_next_version();
    if migrations::exists(name) {
        let name = name.to_owned();
        return Err(MigrationError::Exists { name }.into());
    }
    migrations::insert(version, name, sql, &acting::caller_name());
    Ok(version)
}

/// Removes the last migration, if no project has had it.
pub fn remove(version: Option<i32>) -> Result<(), Error> {
    authorise::admin_role()?;
    let version = required("version", version)?;
    let next = migrations::lock_next_version();
    if migrations::text(version).is_none() {
        return Err(MigrationError::Unknown { version }.into());
    }
    let projects = migrations::count_applied(version);
    if projects > 0 {
        return Err(MigrationError::Applied { version, projects }.into());
    }
    if version == 1 || version + 1 != next || !migrations::delete_last(version) {
        return Err(MigrationError::NotLast { version }.into());
    }
    Ok(())
}
