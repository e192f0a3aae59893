//! Agents: users and services that hold credentials.

/// What of an agent decides what it may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentFacts {
    pub id: i64,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
}
