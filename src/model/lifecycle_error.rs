//! Faults in the life of tools: rotating their tokens, archiving, restoring and
//! altering them. Part of [`super::error::Error`].

use super::grace::MAX_GRACE_DAYS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifecycleError {
    GraceOutOfRange,
    /// The token is a live one of the tool, but not one to make tokens with.
    TokenCannotRotate,
    /// Nothing of that name or id is archived.
    ArchivedToolNotFound,
    /// The catalogue has the archived tool but its table is gone.
    ArchivedTableMissing {
        table: String,
    },
    /// The name that an archived tool is to have again.
    NameTaken {
        tool: String,
    },
    /// Others kept the tool or its table locked for too long.
    LockTimeout {
        tool: String,
        milliseconds: i32,
    },
}

impl LifecycleError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::GraceOutOfRange => "22023",
            Self::TokenCannotRotate => "42501",
            Self::ArchivedToolNotFound => "42704",
            Self::ArchivedTableMissing { .. } => "42P01",
            Self::NameTaken { .. } => "42710",
            Self::LockTimeout { .. } => "55P03",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::GraceOutOfRange => {
                format!("grace must be between 0 and {MAX_GRACE_DAYS} days")
            }
            Self::TokenCannotRotate => "Forbidden: this token cannot be rotated".into(),
            Self::ArchivedToolNotFound => "Archived tool not found".into(),
            Self::ArchivedTableMissing { table } => format!("Archived table '{table}' is missing"),
            Self::NameTaken { tool } => format!("Tool '{tool}' already registered"),
            Self::LockTimeout { tool, .. } => format!("Tool '{tool}' is in use"),
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::GraceOutOfRange => "It is how long the tokens before the new one go on working.".into(),
            Self::TokenCannotRotate => {
                "It expires, or does not allow both reading and writing: the new token would allow more.".into()
            }
            Self::ArchivedToolNotFound => "No archived tool has that name, or that id and name.".into(),
            Self::ArchivedTableMissing { .. } => "The tool was archived, but its table was dropped or renamed since.".into(),
            Self::NameTaken { .. } => "A tool of that name was registered in the meantime.".into(),
            Self::LockTimeout { milliseconds, .. } => format!(
                "Other transactions kept it locked for more than {milliseconds} ms. Nothing was changed."
            ),
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::GraceOutOfRange => "Example: grace => '1 day'. Without it the old tokens stop working at once.",
            Self::TokenCannotRotate => "Use the newest token of the tool, or ask an administrator.",
            Self::ArchivedToolNotFound => "SELECT * FROM projectalpha.archived_tool_list lists them.",
            Self::ArchivedTableMissing { .. } => {
                "Bring the table back, or give up the tool with projectalpha.purge_archived_tool()."
            }
            Self::NameTaken { .. } => "Restore it under another name: pass new_name.",
            Self::LockTimeout { .. } => {
                "Try again when they have ended, or raise projectalpha_store.ddl_lock_timeout: others wait for that long, too."
            }
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::TokenCannotRotate => 403,
            Self::ArchivedToolNotFound => 404,
            Self::ArchivedTableMissing { .. } => 500,
            Self::NameTaken { .. } => 409,
            Self::LockTimeout { .. } => 503,
            Self::GraceOutOfRange => 400,
        }
    }
}
