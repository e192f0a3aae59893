//! Faults in giving database roles access to projects, and in asking across
//! projects. Part of [`super::error::Error`].

use super::error::Error;
use super::project::ProjectId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessError {
    LevelUnknown,
    RoleNotFound {
        role: String,
    },
    /// A role that has every project already, or stands for everybody.
    RoleRefused {
        role: String,
        reason: &'static str,
    },
    /// No project has a table of that name.
    NoSuchTable {
        table: String,
    },
    /// A view, or whatever else could run code of others.
    NotTable {
        project: ProjectId,
        table: String,
    },
    /// A filter names a column that the table does not have.
    ColumnUnknown {
        column: String,
    },
    /// A column of a type that filters do not know.
    ColumnNotFiltered {
        column: String,
        type_name: String,
    },
    /// A fault that only one project's table has.
    InProject {
        project: ProjectId,
        fault: Box<Error>,
    },
}

impl AccessError {
    pub fn sqlstate(&self) -> &str {
        match self {
            Self::LevelUnknown => "22023",
            Self::RoleNotFound { .. } => "42704",
            Self::RoleRefused { .. } => "0LP01",
            Self::NoSuchTable { .. } => "42P01",
            Self::NotTable { .. } => "42809",
            Self::ColumnUnknown { .. } => "42703",
            Self::ColumnNotFiltered { .. } => "0A000",
            Self::InProject { fault, .. } => fault.sqlstate(),
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::LevelUnknown => "level must be 'read' or 'write'".into(),
            Self::RoleNotFound { role } => format!("Role '{role}' does not exist"),
            Self::RoleRefused { role, .. } => {
                format!("Role '{role}' cannot be given access to a project")
            }
            Self::NoSuchTable { table } => format!("No project has a table '{table}'"),
            Self::NotTable { project, table } => {
                format!("'{table}' of project {} is not a table", project.value())
            }
            Self::ColumnUnknown { column } => format!("Unknown column '{column}'"),
            Self::ColumnNotFiltered { column, type_name } => {
                format!("Column '{column}' of type {type_name} cannot be filtered by")
            }
            Self::InProject { project, fault } => {
                format!("Project {}: {}", project.value(), fault.message())
            }
        }
    }

    pub fn detail(&self) -> Option<String> {
        Some(match self {
            Self::LevelUnknown => {
                "To read is SELECT on all tables of the project; to write is to change those of the template, too.".into()
            }
            Self::RoleNotFound { .. } => "No database role has that name.".into(),
            Self::RoleRefused { reason, .. } => (*reason).into(),
            Self::NoSuchTable { .. } => "Those projects were looked at that were asked for, or all of them.".into(),
            Self::NotTable { .. } => "A view could run any code as the owner of all projects.".into(),
            Self::ColumnUnknown { .. } => "The table has no column of that name.".into(),
            Self::ColumnNotFiltered { .. } => {
                "Filters know columns of the types smallint, integer, bigint, text, varchar, boolean, double precision, json, jsonb and timestamp with time zone.".into()
            }
            Self::InProject { fault, .. } => return fault.detail(),
        })
    }

    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::LevelUnknown => "Example: level => 'read'".into(),
            Self::RoleNotFound { .. } => "CREATE ROLE makes one. The name is taken as it is, without folding to lower case.".into(),
            Self::RoleRefused { .. } => "Make a role of its own for the customer's service: CREATE ROLE acme_service LOGIN.".into(),
            Self::NoSuchTable { .. } => "The name has no schema. Tables of tools are called tool_<name>.".into(),
            Self::NotTable { .. } => "Name a table, or leave that project out.".into(),
            Self::ColumnUnknown { .. } | Self::ColumnNotFiltered { .. } => "Filter the rows that come back: they have the column.".into(),
            Self::InProject { fault, .. } if matches!(**fault, Error::Access(Self::ColumnNotFiltered { .. })) => {
                return fault.hint()
            }
            Self::InProject { .. } => {
                "The project's tables may be of another version; the argument projects takes those that are alike.".into()
            }
        })
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::RoleNotFound { .. } | Self::NoSuchTable { .. } => 404,
            Self::RoleRefused { .. } => 403,
            Self::InProject { fault, .. } => fault.http_status(),
            _ => 400,
        }
    }
}
