//! Bringing projects to a version of the template.

use std::cell::RefCell;

use crate::model::error::Error;
use crate::model::migration_error::MigrationError;
use crate::model::project::ProjectId;
use crate::pg::migrations::{self, Step};
use crate::pg::projects::{self, Lock};
use crate::pg::report::Failure;
use crate::pg::subtransaction::atomically;
use crate::pg::{acting, project_schema, promotion, settings};

use super::projects::{id_of_project, not_found};
use super::{authorise, moving, project_upgrade};

/// What an upgrade is at, in words, for the record of one that fails.
#[derive(Default)]
pub struct Progress {
    step: RefCell<String>,
}

impl Progress {
    pub fn at(&self, step: String) {
        self.step.replace(step);
    }
}

/// Brings a project to a version, or to the last one, and its tools to their
/// definitions; gives the version that it then has. All or nothing: the caller
/// raises. Another upgrade of the project is waited for.
pub fn upgrade(project: Option<i64>, to_version: Option<i32>) -> Result<i32, Error> {
    let project = authorised(project)?;
    projects::lock(project, Lock::Exclusive).ok_or_else(|| not_found(project))?;
    upgrade_locked(project, Target::exactly(to_version), &Progress::default())
}

/// Which version of the template a project is to have.
#[derive(Clone, Copy)]
enum Target {
    Last,
    /// No other.
    Exactly(i32),
    /// This one, or what it has: another session may just have brought it further.
    AtLeast(i32),
}

impl Target {
    fn exactly(version: Option<i32>) -> Self {
        version.map_or(Target::Last, Target::Exactly)
    }

    fn at_least(version: Option<i32>) -> Self {
        version.map_or(Target::Last, Target::AtLeast)
    }
}

/// Why an upgrade failed: what is kept of it for administrators.
pub struct UpgradeFault {
    pub step: String,
    pub sqlstate: String,
    pub message: String,
}

/// The outcome of [`attempt`].
pub struct Attempt {
    pub version: i32,
    pub fault: Option<UpgradeFault>,
}

/// The same, but a failure is noted in `projectalpha.upgrade_failures` and given
/// back, and the project stays as it was. One that is further than `to_version` is
/// none. None if there is no such project.
pub fn attempt(project: Option<i64>, to_version: Option<i32>) -> Result<Option<Attempt>, Error> {
    let project = authorised(project)?;
    if let Some(version) = to_version {
        // Not the fault of a project.
        if migrations::text(version).is_none() {
            return Err(MigrationError::Unknown { version }.into());
        }
    }
    if projects::lock(project, Lock::Exclusive).is_none() {
        return Ok(None);
    }
    let progress = Progress::default();
    let outcome = atomically::<_, Raised>(|| {
        upgrade_locked(project, Target::at_least(to_version), &progress).map_err(Raised::from)
    });
    Ok(Some(match outcome {
        Ok(version) => Attempt {
            version,
            fault: None,
        },
        Err(Raised { sqlstate, message }) => {
            let step = progress.step.take();
            migrations::note_failure(project, &step, &sqlstate, &message);
            Attempt {
                version: version_of(&migrations::steps(project)),
                fault: Some(UpgradeFault {
                    step,
                    sqlstate,
                    message,
                }),
            }
        }
    }))
}

/// Gives a project that was just added all that the template has. Its schema is
/// there and empty.
pub(super) fn apply_template(project: ProjectId) -> Result<(), Error> {
    upgrade_locked(project, Target::Last, &Progress::default()).map(|_| ())
}

/// An error of either kind.
struct Raised {
    sqlstate: String,
    message: String,
}

impl From<Failure> for Raised {
    fn from(failure: Failure) -> Self {
        Raised {
            sqlstate: String::from_utf8_lossy(&failure.sqlstate).into_owned(),
            message: failure.message,
        }
    }
}

impl From<Error> for Raised {
    fn from(error: Error) -> Self {
        Raised {
            sqlstate: error.sqlstate().to_owned(),
            message: error.message(),
        }
    }
}

fn authorised(project: Option<i64>) -> Result<ProjectId, Error> {
    authorise::admin_role()?;
    let project = id_of_project(project)?;
    if !promotion::sees_commits_of_others() {
        return Err(MigrationError::IsolationLevel.into());
    }
    Ok(project)
}

/// The caller holds the project's row locked, or has just made it.
fn upgrade_locked(project: ProjectId, target: Target, progress: &Progress) -> Result<i32, Error> {
    progress.at("checks".into());
    project_schema::check(project)?;
    let steps = migrations::steps(project);
    check_applied(&steps)?;
    let target = target_of(project, &steps, target)?;
    let mut made_objects = false;
    for step in steps.iter().filter(|s| !s.applied && s.version <= target) {
        progress.at(format!("migration {}", step.version));
        apply(project, step)?;
        made_objects = true;
    }
    if made_objects {
        project_schema::set_privileges(project);
    }
    progress.at("tools".into());
    upgrade_tools(project, progress)?;
    progress.at("access".into());
    apply_access(project)?;
    migrations::forget_failure(project);
    Ok(target)
}

/// The one place where the project's tool tables follow the tools' definitions.
fn upgrade_tools(project: ProjectId, progress: &Progress) -> Result<(), Error> {
    project_upgrade::upgrade(project, |tool| progress.at(format!("tool {tool}")))
}

/// The one place where roles with access to the project get it to what is new in it.
fn apply_access(project: ProjectId) -> Result<(), Error> {
    moving::tables_changed(project)
}

/// What was applied must still be what the template says.
fn check_applied(steps: &[Step]) -> Result<(), MigrationError> {
    for step in steps.iter().filter(|step| step.applied) {
        let version = step.version;
        match &step.name {
            None => return Err(MigrationError::Gone { version }),
            Some(_) if step.intact => (),
            Some(name) => {
                let name = name.clone();
                return Err(MigrationError::Changed { version, name });
            }
        }
    }
    Ok(())
}

fn version_of(steps: &[Step]) -> i32 {
    let applied = steps.iter().filter(|step| step.applied);
    applied.map(|step| step.version).max().unwrap_or_default()
}

fn target_of(project: ProjectId, steps: &[Step], target: Target) -> Result<i32, MigrationError> {
    let has = version_of(steps);
    let wanted = match target {
        Target::Last => {
            let versions = steps.iter().map(|step| step.version);
            return Ok(versions.max().unwrap_or_default());
        }
        Target::AtLeast(version) => version.max(has),
        Target::Exactly(version) => version,
    };
    if !steps.iter().any(|step| step.version == wanted) {
        return Err(MigrationError::Unknown { version: wanted });
    }
    if wanted < has {
        return Err(MigrationError::Backwards {
            project: project.value(),
            version: has,
            wanted,
        });
    }
    Ok(wanted)
}

fn apply(project: ProjectId, step: &Step) -> Result<(), Error> {
    let version = step.version;
    let name = step.name.clone().unwrap_or_default();
    if !step.intact {
        return Err(MigrationError::Changed { version, name }.into());
    }
    if acting::owner_is_superuser() {
        return Err(MigrationError::OwnerIsSuperuser.into());
    }
    let sql = migrations::text(version).ok_or(MigrationError::Unknown { version })?;
    // One that was put into the table by hand was not looked at yet.
    migrations::check_statements(&sql)?;
    let before = project_schema::exceptions(project);
    acting::with_lock_timeout(settings::ddl_lock_timeout(), || {
        project_schema::run_migration(project, &sql)
    })
    .map_err(|failure| MigrationError::Failed {
        version,
        name: name.clone(),
        schema: project.schema_name(),
        sqlstate: failure.sqlstate,
        reason: failure.message,
    })?;
    let mut exceptions = project_schema::exceptions(project).into_iter();
    if let Some(what) = exceptions.find(|what| !before.contains(what)) {
        return Err(MigrationError::Left {
            version,
            name,
            what,
        }
        .into());
    }
    if migrations::note_applied(project, version, &acting::caller_name()) {
        Ok(())
    } else {
        Err(MigrationError::Gone { version }.into())
    }
}
