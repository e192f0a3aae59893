//! Attempts to use tools, as the access log keeps them.

mod month;
mod wire;

use std::fmt::Write;
use std::net::IpAddr;

pub use month::Month;

/// Which attempts are kept; each level has those of the levels before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    None,
    Denied,
    /// What was denied, and writes with what became of them.
    Writes,
    All,
}

impl Level {
    pub const ALL: [Level; 4] = [Level::None, Level::Denied, Level::Writes, Level::All];

    pub const fn name(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Denied => "denied",
            Level::Writes => "writes",
            Level::All => "all",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// What the log keeps of the attempts at one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolLogging {
    /// None follows the setting.
    pub level: Option<Level>,
    /// True if payloads are kept, too.
    pub payloads: bool,
}

impl ToolLogging {
    /// Nothing, whatever the setting says.
    pub const OFF: ToolLogging = ToolLogging {
        level: Some(Level::None),
        payloads: false,
    };
}

/// Longest payload that is kept, in bytes of text.
pub const MAX_PAYLOAD: usize = 64 << 10;

/// Through which face the call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Sql,
    Http,
}

impl Face {
    pub const fn name(self) -> &'static str {
        match self {
            Face::Sql => "sql",
            Face::Http => "http",
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Success,
    Denied,
    /// Let in, and failed then.
    Error,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Denied => "denied",
            Status::Error => "error",
        }
    }
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Microseconds since 2000-01-01, UTC.
    pub logged_at: i64,
    pub tool_id: Option<i64>,
    pub tool_name: String,
    pub project_id: Option<i64>,
    pub agent_id: Option<i64>,
    pub credential_id: Option<i64>,
    /// The policy that decided.
    pub policy_id: Option<i64>,
    pub action: String,
    pub status: Status,
    pub sqlstate: Option<String>,
    pub scopes: Vec<String>,
    pub face: Face,
    pub role_name: String,
    pub address: Option<IpAddr>,
    /// JSON text.
    pub payload: Option<String>,
    pub milliseconds: f64,
}

impl Record {
    /// What the server log gets of it where the table cannot: no payload.
    pub fn log_line(&self, reason: &str) -> String {
        let mut line = format!(
            "access log: {} of tool '{}' is {}, as role \"{}\" through {}",
            self.action,
            self.tool_name,
            match self.status {
                Status::Success => "done",
                Status::Denied => "denied",
                Status::Error => "failed",
            },
            self.role_name,
            self.face.name()
        );
        if let Some(address) = self.address {
            let _ = write!(line, " from {address}");
        }
        if let Some(sqlstate) = &self.sqlstate {
            let _ = write!(line, ", sqlstate {sqlstate}");
        }
        for (what, id) in [
            ("project", self.project_id),
            ("agent", self.agent_id),
            ("credential", self.credential_id),
            ("policy", self.policy_id),
        ] {
            if let Some(id) = id {
                let _ = write!(line, ", {what} {id}");
            }
        }
        let _ = write!(line, " (not in projectalpha_data.access_logs: {reason})");
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_in_order_and_have_names() {
        assert!(Level::ALL.is_sorted());
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("ALL"), None);
        assert_eq!(Level::parse(""), None);
    }

    #[test]
    fn a_line_has_the_facts_and_no_payload() {
        let record = Record {
            logged_at: 0,
            tool_id: Some(1),
            tool_name: "survey".into(),
            project_id: None,
            agent_id: Some(2),
            credential_id: Some(3),
            policy_id: None,
            action: "write".into(),
            status: Status::Denied,
            sqlstate: Some("42501".into()),
            scopes: vec!["read".into()],
            face: Face::Sql,
            role_name: "app".into(),
            address: "10.0.0.1".parse().ok(),
            payload: Some("{\"password\": 1}".into()),
            milliseconds: 1.0,
        };
        assert_eq!(
            record.log_line("no worker is free"),
            "access log: write of tool 'survey' is denied, as role \"app\" through sql from 10.0.0.1, sqlstate 42501, \
             agent 2, credential 3 (not in projectalpha_data.access_logs: no worker is free)"
        );
    }
}
