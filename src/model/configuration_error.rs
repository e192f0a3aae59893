//! Faults of configuring and promoting tools: the words of
//! [`Error::Configuration`](super::error::Error).

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationError {
    ToolNotConfigured,
    /// Its name is not free for `register_tool`.
    ToolConfigured {
        tool: String,
    },
    /// A tool does not go back to the common table.
    ToolHasTable {
        tool: String,
    },
    ToolBeingPromoted {
        tool: String,
    },
    /// Its table has a column for each field; the common table has none.
    ToolHasFields {
        tool: String,
    },
    /// Its table would show everybody what the common table hides.
    SensitiveRows {
        tool: String,
    },
    BatchTooSmall,
    /// A snapshot that does not move would miss rows.
    IsolationLevel,
    CommonTableBusy,
}

impl ConfigurationError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::ToolNotConfigured => "42704",
            Self::ToolConfigured { .. } => "42710",
            Self::ToolHasTable { .. } | Self::ToolHasFields { .. } | Self::SensitiveRows { .. } => {
                "55000"
            }
            Self::ToolBeingPromoted { .. } => "55006",
            Self::BatchTooSmall => "22023",
            Self::IsolationLevel => "0A000",
            Self::CommonTableBusy => "55P03",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::ToolNotConfigured => "Tool not found".into(),
            Self::ToolConfigured { tool } => format!("Tool '{tool}' is already configured"),
            Self::ToolHasTable { tool } => format!("Tool '{tool}' has a table of its own"),
            Self::ToolBeingPromoted { tool } => format!("Tool '{tool}' is being promoted"),
            Self::ToolHasFields { tool } => {
                format!("Tool '{tool}' has a field schema and cannot take rows of the common table")
            }
            Self::SensitiveRows { tool } => {
                format!("Tool '{tool}' is public but has sensitive rows in the common table")
            }
            Self::BatchTooSmall => "batch_rows must be at least 1".into(),
            Self::IsolationLevel => "A tool is promoted in READ COMMITTED transactions only".into(),
            Self::CommonTableBusy => "The common table is too busy to finish the promotion".into(),
        }
    }

    pub fn detail(&self) -> &'static str {
        match self {
            Self::ToolNotConfigured => "No tool of that name is configured.",
            Self::ToolConfigured { .. } => {
                "Its records are in the common table, or its table is made when it is first posted to."
            }
            Self::ToolHasTable { .. } => "Its records would be in two places.",
            Self::ToolBeingPromoted { .. } => "Its records are in two places until that is finished.",
            Self::ToolHasFields { .. } => {
                "The common table keeps whole payloads, which nobody has checked against the fields."
            }
            Self::SensitiveRows { .. } => "In a table of its own everybody could list them.",
            Self::BatchTooSmall => "It counts rows.",
            Self::IsolationLevel => {
                "With one snapshot for the whole transaction it would leave rows behind that others are just storing."
            }
            Self::CommonTableBusy => {
                "Writers of the common table held it all the time; nothing was moved by this call."
            }
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::ToolNotConfigured => {
                "SELECT tool_name FROM projectalpha.configured_tools lists the tools."
            }
            Self::ToolConfigured { .. } => {
                "Give it a table with projectalpha.promote_tool(), or take the configuration back with projectalpha.unconfigure_tool()."
            }
            Self::ToolHasTable { .. } => "Pass use_individual_table => true.",
            Self::ToolBeingPromoted { .. } => "Finish it: SELECT * FROM projectalpha.promote_tool(...).",
            Self::ToolHasFields { .. } => {
                "Store the rows one by one: list_common() gives them, store_record() takes them."
            }
            Self::SensitiveRows { .. } => {
                "projectalpha.configure_tool(..., sensitive => true), or delete those rows."
            }
            Self::BatchTooSmall => "Leave it out to move everything at once.",
            Self::IsolationLevel => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED.",
            Self::CommonTableBusy => "Try again; what an earlier batch has moved stays moved.",
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::ToolNotConfigured => 404,
            Self::CommonTableBusy => 503,
            _ => 400,
        }
    }
}
