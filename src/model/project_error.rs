//! Faults of clients and projects: the words of
//! [`Error::Project`](super::error::Error).

use super::project::MAX_NAME;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectError {
    ProjectNotFound {
        project: i64,
    },
    ClientNotFound {
        client: i64,
    },
    ClientExists {
        name: String,
    },
    /// Of a client, a project or a migration.
    NameInvalid {
        what: &'static str,
    },
    EmailInvalid,
    SettingsNotObject,
    StatusUnknown,
    /// The name that was typed is not the project's.
    ConfirmationWrong {
        project: i64,
    },
    ClientHasProjects {
        client: i64,
        projects: i64,
    },
    /// Somebody else's, or left by another installation.
    SchemaExists {
        schema: String,
    },
    SchemaMissing {
        schema: String,
    },
    /// Others used a project's tables for too long.
    Locked {
        project: i64,
        milliseconds: i32,
    },
}

impl ProjectError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::ProjectNotFound { .. } | Self::ClientNotFound { .. } => "42704",
            Self::ClientExists { .. } => "42710",
            Self::NameInvalid { .. }
            | Self::EmailInvalid
            | Self::SettingsNotObject
            | Self::StatusUnknown
            | Self::ConfirmationWrong { .. } => "22023",
            Self::ClientHasProjects { .. } => "2BP01",
            Self::SchemaExists { .. } => "42P06",
            Self::SchemaMissing { .. } => "3F000",
            Self::Locked { .. } => "55P03",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::ProjectNotFound { .. } => "Project not found".into(),
            Self::ClientNotFound { .. } => "Client not found".into(),
            Self::ClientExists { name } => format!("Client '{name}' already exists"),
            Self::NameInvalid { what } => format!("Invalid {what} name"),
            Self::EmailInvalid => "Invalid contact e-mail".into(),
            Self::SettingsNotObject => "settings must be a JSON object".into(),
            Self::StatusUnknown => "Unknown project status".into(),
            Self::ConfirmationWrong { project } => {
                format!("confirm_name is not the name of project {project}")
            }
            Self::ClientHasProjects { client, projects } => {
                format!("Client {client} still has projects: {projects}")
            }
            Self::SchemaExists { schema } => format!("Schema '{schema}' already exists"),
            Self::SchemaMissing { schema } => format!("Schema '{schema}' is missing"),
            Self::Locked { project, .. } => format!("Project {project} is in use"),
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::ProjectNotFound { project } => format!("There is no project with id {project}."),
            Self::ClientNotFound { client } => format!("There is no client with id {client}."),
            Self::ClientExists { .. } => "Names of clients are unique in a database.".into(),
            Self::NameInvalid { .. } => {
                format!("A name has 1 to {MAX_NAME} characters, none of them a control character.")
            }
            Self::EmailInvalid => format!(
                "It has at most {MAX_NAME} characters, one @ with something on both sides, and no blanks."
            ),
            Self::SettingsNotObject => "Its keys are the names of settings.".into(),
            Self::StatusUnknown => "A project is active, suspended or archived.".into(),
            Self::ConfirmationWrong { .. } => "Nothing was dropped.".into(),
            Self::ClientHasProjects { .. } => "Nobody would be billed for them.".into(),
            Self::SchemaExists { .. } => {
                "It was made by somebody, or left behind when the extension was dropped. Nothing was changed.".into()
            }
            Self::SchemaMissing { .. } => {
                "The project is there, but its schema was dropped or renamed.".into()
            }
            Self::Locked { milliseconds, .. } => format!(
                "Other transactions kept its tables locked for more than {milliseconds} ms. Nothing was changed."
            ),
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::ProjectNotFound { .. } => {
                "SELECT id, name FROM projectalpha.project_list lists the projects."
            }
            Self::ClientNotFound { .. } => "SELECT id, name FROM projectalpha.clients lists the clients.",
            Self::ClientExists { .. } => "Choose another name, or use the client that is there.",
            Self::NameInvalid { .. } => "Example: Winter campaign",
            Self::EmailInvalid => "Example: ann@example.org",
            Self::SettingsNotObject => r#"Example: {"language": "en"}"#,
            Self::StatusUnknown => "Example: SELECT projectalpha.set_project_status(7, 'suspended');",
            Self::ConfirmationWrong { .. } => {
                "Pass the name as projectalpha.project_list shows it: what is dropped is gone."
            }
            Self::ClientHasProjects { .. } => "Drop them first, with projectalpha.drop_project().",
            Self::SchemaExists { .. } => {
                "Look at what is in it. projectalpha.adopt_project() makes a project of it; or rename or drop it."
            }
            Self::SchemaMissing { .. } => "Restore the schema, or drop the project.",
            Self::Locked { .. } => {
                "Try again when they have ended, or raise projectalpha_store.ddl_lock_timeout: others wait for that long, too."
            }
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::ProjectNotFound { .. } | Self::ClientNotFound { .. } => 404,
            Self::ClientExists { .. }
            | Self::ClientHasProjects { .. }
            | Self::SchemaExists { .. } => 409,
            Self::SchemaMissing { .. } => 500,
            Self::Locked { .. } => 503,
            _ => 400,
        }
    }
}
