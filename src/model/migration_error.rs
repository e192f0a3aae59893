//! Faults of migrations and of upgrading projects with them: the words of
//! [`Error::Migration`](super::error::Error).

use super::migration::Refusal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MigrationError {
    Empty,
    Exists {
        name: String,
    },
    SyntaxError {
        reason: String,
    },
    /// A statement that no migration may have.
    Refused {
        command: String,
        refusal: Refusal,
    },
    Unknown {
        version: i32,
    },
    Backwards {
        project: i64,
        version: i32,
        wanted: i32,
    },
    /// Its text is not the one that it had when it was added or applied.
    Changed {
        version: i32,
        name: String,
    },
    /// A project has had it, but the template has it no more.
    Gone {
        version: i32,
    },
    /// It cannot be removed: projects have had it.
    Applied {
        version: i32,
        projects: i64,
    },
    /// Nor can one be removed on which others build.
    NotLast {
        version: i32,
    },
    Failed {
        version: i32,
        name: String,
        schema: String,
        sqlstate: [u8; 5],
        reason: String,
    },
    /// What it made breaks a rule that all projects follow.
    Left {
        version: i32,
        name: String,
        what: String,
    },
    OwnerIsSuperuser,
    /// A snapshot that does not move would miss rows.
    IsolationLevel,
}

impl MigrationError {
    pub fn sqlstate(&self) -> &str {
        match self {
            Self::Empty => "22023",
            Self::Exists { .. } => "42710",
            Self::SyntaxError { .. } => "42601",
            Self::Refused { .. } | Self::IsolationLevel => "0A000",
            Self::Unknown { .. } | Self::Gone { .. } => "42704",
            Self::Backwards { .. } => "22023",
            Self::Changed { .. } | Self::Applied { .. } | Self::NotLast { .. } => "55000",
            Self::Failed { sqlstate, .. } => std::str::from_utf8(sqlstate).unwrap_or("XX000"),
            Self::Left { .. } => "42P16",
            Self::OwnerIsSuperuser => "42501",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::Empty => "A migration needs at least one statement".into(),
            Self::Exists { name } => format!("Migration '{name}' already exists"),
            Self::SyntaxError { reason } => format!("The migration cannot be parsed: {reason}"),
            Self::Refused { command, .. } => format!("A migration must not contain {command}"),
            Self::Unknown { version } => format!("There is no migration {version}"),
            Self::Backwards {
                project,
                version,
                wanted,
            } => format!("Project {project} has version {version} and cannot go back to {wanted}"),
            Self::Changed { version, name } => {
                format!("Migration {version} ('{name}') was changed")
            }
            Self::Gone { version } => format!("Migration {version} is missing"),
            Self::Applied { version, projects } => {
                format!("Migration {version} was applied to projects: {projects}")
            }
            Self::NotLast { version } => format!("Migration {version} cannot be removed"),
            Self::Failed {
                version,
                name,
                schema,
                reason,
                ..
            } => format!("Migration {version} ('{name}') failed in {schema}: {reason}"),
            Self::Left {
                version,
                name,
                what,
            } => format!("Migration {version} ('{name}') leaves {what}"),
            Self::OwnerIsSuperuser => "projectalpha_owner must not be a superuser".into(),
            Self::IsolationLevel => {
                "Projects are upgraded in READ COMMITTED transactions only".into()
            }
        }
    }

    pub fn detail(&self) -> &'static str {
        match self {
            Self::Empty => "It is empty, or there are only comments in it.",
            Self::Exists { .. } => "Names of migrations are unique in a database.",
            Self::SyntaxError { .. } => "Nothing was added.",
            Self::Refused { refusal, .. } => refusal.reason(),
            Self::Unknown { .. } => "The template has no such version.",
            Self::Backwards { .. } => "Migrations go forward only.",
            Self::Changed { .. } => {
                "Its text is not what it was when it was added or applied: projects would differ under the same version."
            }
            Self::Gone { .. } => "The project has had it, but the template has it no more.",
            Self::Applied { .. } => "Their tables are as it left them.",
            Self::NotLast { .. } => "Only the last one can, and not the one that comes with the extension.",
            Self::Failed { .. } => "Nothing of it was kept.",
            Self::Left { .. } => "Every project follows this rule. Nothing of the migration was kept.",
            Self::OwnerIsSuperuser => "A migration would run with a superuser's rights.",
            Self::IsolationLevel => {
                "With one snapshot for the whole transaction a migration would miss rows that others have just stored."
            }
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "Example: ALTER TABLE contents ADD COLUMN language text;",
            Self::Exists { .. } => "SELECT version, name FROM projectalpha.project_migrations lists them.",
            Self::SyntaxError { .. } => "Tables are named without a schema, as in: ALTER TABLE contents ADD COLUMN language text;",
            Self::Refused { refusal, .. } => refusal.hint(),
            Self::Unknown { .. } => {
                "SELECT version, name FROM projectalpha.project_migrations lists them; without to_version a project gets all."
            }
            Self::Backwards { .. } | Self::Applied { .. } => {
                "Add a migration that takes the change back."
            }
            Self::NotLast { .. } => "Add a migration that takes its change back.",
            Self::Changed { .. } => "Put its text back, and add a new migration for what is to change.",
            Self::Gone { .. } => "Put it back as it was.",
            Self::Failed { sqlstate, .. } => match sqlstate {
                b"55P03" => {
                    "Try again when others have ended, or raise projectalpha_store.ddl_lock_timeout: others wait for that long, too."
                }
                b"42501" => "A migration runs as projectalpha_owner, and makes no temporary tables and no deferred changes.",
                b"42P01" => "It finds the tables of its project and nothing else without a schema.",
                _ => "Correct what it meets there. While no project has it: projectalpha.remove_project_migration(), and add it again.",
            },
            Self::Left { .. } => "A table has a primary key, belongs to projectalpha_owner, is logged, and has neither triggers nor references to other schemas.",
            Self::OwnerIsSuperuser => "ALTER ROLE projectalpha_owner NOSUPERUSER;",
            Self::IsolationLevel => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED.",
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::Exists { .. } => 409,
            Self::Unknown { .. } => 404,
            Self::OwnerIsSuperuser => 500,
            _ => 400,
        }
    }
}
