//! Faults of tools that projects use, each in a table of its own. Part of
//! [`super::error::Error`].

use super::error::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantError {
    /// The project takes no writes for now.
    Suspended,
    /// The project takes no calls any longer.
    Archived,
    NotEnabled {
        tool: String,
    },
    AlreadyEnabled {
        tool: String,
        project: i64,
    },
    /// The client of the project may not use the tool.
    NotAllowed {
        tool: String,
        client: i64,
    },
    /// Projects have tables of a tool that is to go.
    HasTables {
        tool: String,
        projects: i64,
    },
    /// Projects of a client use the tool that it is no longer to use.
    UsedByClient {
        tool: String,
        client: i64,
        projects: i64,
    },
    /// The history does not say what a table of this version looks like.
    VersionUnknown {
        tool: String,
        version: i32,
    },
    /// The changes in the history do not end at what the tool is now.
    HistoryBroken {
        tool: String,
    },
    /// A fault of one table of many.
    InTable {
        tool: String,
        project: i64,
        fault: Box<Error>,
    },
}

impl TenantError {
    pub fn sqlstate(&self) -> &str {
        match self {
            Self::Suspended
            | Self::Archived
            | Self::NotEnabled { .. }
            | Self::VersionUnknown { .. }
            | Self::HistoryBroken { .. } => "55000",
            Self::AlreadyEnabled { .. } => "42710",
            Self::NotAllowed { .. } => "42501",
            Self::HasTables { .. } | Self::UsedByClient { .. } => "2BP01",
            Self::InTable { fault, .. } => fault.sqlstate(),
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::Suspended => "Project is suspended".into(),
            Self::Archived => "Project is archived".into(),
            Self::NotEnabled { tool } => format!("Tool '{tool}' is not enabled for the project"),
            Self::AlreadyEnabled { tool, project } => {
                format!("Tool '{tool}' is already enabled for project {project}")
            }
            Self::NotAllowed { tool, client } => {
                format!("Client {client} may not use tool '{tool}'")
            }
            Self::HasTables { tool, projects } => {
                format!("Tool '{tool}' has tables in {}", counted(*projects))
            }
            Self::UsedByClient {
                tool,
                client,
                projects,
            } => format!(
                "Tool '{tool}' is enabled for {} of client {client}",
                counted(*projects)
            ),
            Self::VersionUnknown { tool, version } => {
                format!("Version {version} of tool '{tool}' is unknown")
            }
            Self::HistoryBroken { tool } => {
                format!("The history of tool '{tool}' does not lead to its definition")
            }
            Self::InTable {
                tool,
                project,
                fault,
            } => format!("Project {project}, tool '{tool}': {}", fault.message()),
        }
    }

    pub fn detail(&self) -> Option<String> {
        Some(match self {
            Self::Suspended => "Its records can be read, but not written.".into(),
            Self::Archived => "Its records can be neither read nor written.".into(),
            Self::NotEnabled { .. } => "It was disabled, or never enabled.".into(),
            Self::AlreadyEnabled { .. } => "The project has its table and tokens of it.".into(),
            Self::NotAllowed { .. } => {
                "The tool was not allowed to the client of the project.".into()
            }
            Self::HasTables { .. } => {
                "Each holds the records of one project, also where the tool is disabled.".into()
            }
            Self::UsedByClient { .. } => "They would go on using it.".into(),
            Self::VersionUnknown { .. } => {
                "A table of a project follows it, but projectalpha.schema_history has no such row."
                    .into()
            }
            Self::HistoryBroken { .. } => {
                "Fields or options were changed by hand, or rows of projectalpha.schema_history."
                    .into()
            }
            Self::InTable { fault, .. } => return fault.detail(),
        })
    }

    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Suspended => "An administrator makes the project active again.",
            Self::Archived => "An administrator makes the project active again, or exports it.",
            Self::NotEnabled { .. } => "An administrator enables it with projectalpha.enable_tool().",
            Self::AlreadyEnabled { .. } => {
                "projectalpha.rotate_token() with project_id gives the project a new token."
            }
            Self::NotAllowed { .. } => "Allow it with projectalpha.allow_tool().",
            Self::HasTables { .. } => {
                "SELECT * FROM projectalpha.project_tool_list shows them; \
                 projectalpha.disable_tool(..., keep_data => false) drops one."
            }
            Self::UsedByClient { .. } => "Disable it for them first, with projectalpha.disable_tool().",
            Self::VersionUnknown { .. } | Self::HistoryBroken { .. } => {
                "Put back what was changed by hand in projectalpha.tools and projectalpha.schema_history."
            }
            Self::InTable { fault, .. } => return fault.hint(),
        };
        Some(hint.into())
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::Suspended
            | Self::Archived
            | Self::NotEnabled { .. }
            | Self::AlreadyEnabled { .. }
            | Self::HasTables { .. }
            | Self::UsedByClient { .. } => 409,
            Self::NotAllowed { .. } => 403,
            Self::VersionUnknown { .. } | Self::HistoryBroken { .. } => 500,
            Self::InTable { fault, .. } => fault.http_status(),
        }
    }
}

fn counted(projects: i64) -> String {
    match projects {
        1 => "1 project".into(),
        n => format!("{n} projects"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_in_a_table_names_it_and_keeps_its_code() {
        let error = TenantError::InTable {
            tool: "t".into(),
            project: 7,
            fault: Box::new(Error::ToolTableMissing {
                table: "project_7.tool_t".into(),
            }),
        };
        assert!(error.message().starts_with("Project 7, tool 't': "));
        assert_eq!(error.sqlstate(), "42P01");
    }
}
