//! Faults in moving a project to another database. Part of [`super::error::Error`].

use super::project::ProjectId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MovingError {
    /// Contents refer to object models that are not there.
    ModelsMissing {
        ids: Vec<i64>,
    },
    SchemaNameInvalid,
    SchemaNotFound {
        schema: String,
    },
    ProjectExists {
        project: ProjectId,
    },
    ManifestMissing {
        schema: String,
    },
    ManifestInvalid,
    FormatUnknown {
        version: u64,
    },
    /// The tables refer to what the manifest does not know.
    ManifestOutdated {
        table: String,
    },
    /// A table that has not got its constraints yet.
    Unfinished {
        table: String,
    },
    /// Code of others that would run as the owner of everything, or what no project has.
    Unfit {
        what: String,
    },
    MigrationMissing {
        version: i32,
        name: String,
    },
    MigrationDiffers {
        version: i32,
        name: String,
    },
    ToolDiffers {
        tool: String,
    },
    ModelDiffers {
        name: String,
        version: String,
    },
    IsolationLevel,
}

impl MovingError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::SchemaNameInvalid => "42602",
            Self::SchemaNotFound { .. } => "3F000",
            Self::ProjectExists { .. } => "42710",
            Self::ManifestInvalid => "22023",
            Self::FormatUnknown { .. } | Self::IsolationLevel => "0A000",
            _ => "55000",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::ModelsMissing { ids } => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                format!(
                    "Contents refer to object models that do not exist: {}",
                    ids.join(", ")
                )
            }
            Self::SchemaNameInvalid => "Not the name of a project's schema".into(),
            Self::SchemaNotFound { schema } => format!("Schema '{schema}' does not exist"),
            Self::ProjectExists { project } => {
                format!("There is a project {} already", project.value())
            }
            Self::ManifestMissing { schema } => format!("Schema '{schema}' has no manifest"),
            Self::ManifestInvalid => "The manifest of the project is not one".into(),
            Self::FormatUnknown { version } => {
                format!("Version {version} of the manifest's format is not known")
            }
            Self::ManifestOutdated { table } => {
                format!("Table '{table}' has been changed since the manifest was written")
            }
            Self::Unfinished { table } => format!("Table '{table}' has no primary key"),
            Self::Unfit { what } => format!("The schema has {what}"),
            Self::MigrationMissing { version, name } => {
                format!("Migration {version} ('{name}') is not in this database")
            }
            Self::MigrationDiffers { version, name } => {
                format!("Migration {version} ('{name}') is another one in this database")
            }
            Self::ToolDiffers { tool } => {
                format!("Tool '{tool}' is defined otherwise in this database")
            }
            Self::ModelDiffers { name, version } => {
                format!("Object model '{name}' version '{version}' is defined otherwise in this database")
            }
            Self::IsolationLevel => {
                "A project is adopted in a READ COMMITTED transaction only".into()
            }
        }
    }

    pub fn detail(&self) -> &'static str {
        match self {
            Self::ModelsMissing { .. } => {
                "They were written into the table by hand, and mean something else in every other database."
            }
            Self::SchemaNameInvalid => "It is project_ and the id of the project.",
            Self::SchemaNotFound { .. } => "A project is restored first, and then adopted.",
            Self::ProjectExists { .. } => "The name of a schema has the id of its project.",
            Self::ManifestMissing { .. } => {
                "The manifest says what belongs to a project but is not in its schema."
            }
            Self::ManifestInvalid => "It was changed, or was made by something else.",
            Self::FormatUnknown { .. } => "It comes from a later release.",
            Self::ManifestOutdated { .. } => {
                "It refers to an object model or a prompt that the manifest does not know."
            }
            Self::Unfit { .. } => {
                "No migration leaves that, so the project does not need it. A trigger or a rule would run as projectalpha_owner."
            }
            Self::Unfinished { .. } => "A restore makes primary keys when all rows are there.",
            Self::MigrationMissing { .. } | Self::MigrationDiffers { .. } => {
                "The project's tables were made by it, and later migrations build on that."
            }
            Self::ToolDiffers { .. } => "All tables of a tool follow one definition.",
            Self::ModelDiffers { .. } => "The metadata of the project's contents fit the other structure.",
            Self::IsolationLevel => {
                "With one snapshot for the whole transaction rows that were just restored could be missed."
            }
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::ModelsMissing { .. } => "Change or delete those contents.",
            Self::SchemaNameInvalid => "Example: project_7",
            Self::SchemaNotFound { .. } => "pg_dump -n project_7 ... | psql ...",
            Self::ProjectExists { .. } => {
                "Give the schema the name that goes with a free id: ALTER SCHEMA project_7 RENAME TO project_1007."
            }
            Self::ManifestMissing { .. } | Self::ManifestOutdated { .. } | Self::ManifestInvalid => {
                "Run projectalpha.export_project() in the database that the project comes from, and then pg_dump."
            }
            Self::FormatUnknown { .. } => "Install that release here.",
            Self::Unfit { .. } => "Drop it here, or before the dump is made.",
            Self::Unfinished { .. } => "Wait until the restore has ended, and look whether it had errors.",
            Self::MigrationMissing { .. } | Self::MigrationDiffers { .. } => {
                "Give both databases the same migrations, in the same order."
            }
            Self::ToolDiffers { .. } => {
                "Bring the tool to the same definition in both, with projectalpha.alter_tool()."
            }
            Self::ModelDiffers { .. } => "Give one of the two another version.",
            Self::IsolationLevel => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED.",
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::SchemaNotFound { .. } => 404,
            Self::SchemaNameInvalid | Self::ManifestInvalid | Self::FormatUnknown { .. } => 400,
            _ => 409,
        }
    }
}
