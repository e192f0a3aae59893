//! Faults of agents and of the credentials that they get. Part of
//! [`super::error::Error`].

use super::agent_rules::{CHANGEABLE, MAX_WORDS, MAX_YEARS};
use super::project::MAX_NAME;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentError {
    AgentNotFound {
        agent: i64,
    },
    AgentExists {
        name: String,
    },
    /// It gets no credentials.
    AgentInactive {
        agent: i64,
    },
    NameInvalid,
    /// Of roles or permissions.
    WordsInvalid {
        what: &'static str,
    },
    ChangesNotObject,
    KeyUnknown {
        key: String,
    },
    /// The value of a key is not what it must be.
    KeyInvalid {
        key: &'static str,
        wanted: &'static str,
    },
    /// No live API key of this agent, or none at all.
    ApiKeyInvalid,
    ScopesInvalid,
    /// Neither a scope of every tool nor one of this tool's own.
    ScopeUnknown {
        scope: String,
    },
    /// The tool names the scopes that it allows, and this is none of them.
    ScopeNotAllowed {
        scope: String,
    },
    /// No policy grants it to the agent.
    ScopeNotGranted {
        scope: String,
    },
    ExpiryInvalid,
    /// Only an administrator opens a project to an agent.
    ProjectForbidden,
}

impl AgentError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::AgentNotFound { .. } => "42704",
            Self::AgentExists { .. } => "42710",
            Self::AgentInactive { .. } => "55000",
            Self::ApiKeyInvalid => "28000",
            Self::ScopeNotGranted { .. } | Self::ProjectForbidden => "42501",
            Self::NameInvalid
            | Self::WordsInvalid { .. }
            | Self::ChangesNotObject
            | Self::KeyUnknown { .. }
            | Self::KeyInvalid { .. }
            | Self::ScopesInvalid
            | Self::ScopeUnknown { .. }
            | Self::ScopeNotAllowed { .. }
            | Self::ExpiryInvalid => "22023",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::AgentNotFound { .. } => "Agent not found".into(),
            Self::AgentExists { name } => format!("Agent '{name}' already exists"),
            Self::AgentInactive { .. } => "Agent is not active".into(),
            Self::NameInvalid => "Invalid agent name".into(),
            Self::WordsInvalid { what } => format!("Invalid {what}"),
            Self::ChangesNotObject => "changes must be a JSON object".into(),
            Self::KeyUnknown { key } => format!("Unknown key '{key}'"),
            Self::KeyInvalid { key, wanted } => format!("'{key}' must be {wanted}"),
            Self::ApiKeyInvalid => "Unauthorized: Invalid API key".into(),
            Self::ScopesInvalid => "Invalid scopes".into(),
            Self::ScopeUnknown { scope } => format!("Unknown scope '{scope}'"),
            Self::ScopeNotAllowed { scope } => {
                format!("The tool does not allow the scope '{scope}'")
            }
            Self::ScopeNotGranted { scope } => {
                format!("No policy grants the scope '{scope}' to the agent")
            }
            Self::ExpiryInvalid => "Invalid expires_in".into(),
            Self::ProjectForbidden => {
                "Forbidden: Only an administrator opens a project to an agent".into()
            }
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::AgentNotFound { agent } => format!("There is no agent with id {agent}."),
            Self::AgentExists { .. } => "Names of agents are unique in a database.".into(),
            Self::AgentInactive { agent } => {
                format!("Agent {agent} was deactivated: none of its credentials works.")
            }
            Self::NameInvalid => {
                format!("A name has 1 to {MAX_NAME} characters, none of them a control character.")
            }
            Self::WordsInvalid { what } => format!(
                "There are at most {MAX_WORDS} {what}, each of which starts with a lowercase letter, goes on with \
                 lowercase letters, digits, _, :, . and -, and has at most 50 characters."
            ),
            Self::ChangesNotObject => "Each of its keys is something to change.".into(),
            Self::KeyUnknown { .. } => format!("The keys are {}.", CHANGEABLE.join(", ")),
            Self::KeyInvalid { .. } => "Nothing was changed.".into(),
            Self::ApiKeyInvalid => {
                "The key is wrong, expired or revoked, or that of another agent, or the agent is not active.".into()
            }
            Self::ScopesInvalid => format!("There are 1 to {MAX_WORDS} scopes, none of them NULL."),
            Self::ScopeUnknown { .. } => {
                "Every tool has read, write, update, delete and admin, and those of its own that its allowed_scopes \
                 name."
                    .into()
            }
            Self::ScopeNotAllowed { .. } => {
                "Its allowed_scopes name all that its credentials may carry.".into()
            }
            Self::ScopeNotGranted { .. } => {
                "A credential carries no more than the allow policies of the tool grant to whoever has the agent's \
                 roles and permissions."
                    .into()
            }
            Self::ExpiryInvalid => {
                format!("It is more than nothing and at most {MAX_YEARS} years.")
            }
            Self::ProjectForbidden => "An API key is for credentials without a project.".into(),
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::AgentNotFound { .. } => {
                "SELECT id, name FROM projectalpha.agents lists the agents."
            }
            Self::AgentExists { .. } => "Choose another name, or use the agent that is there.",
            Self::AgentInactive { .. } => "An administrator calls projectalpha.activate_agent().",
            Self::NameInvalid => "Example: Report writer",
            Self::WordsInvalid { .. } => "Example: {analyst,team:sales}",
            Self::ChangesNotObject | Self::KeyUnknown { .. } => {
                r#"Example: {"roles": ["analyst"], "description": null}"#
            }
            Self::KeyInvalid { .. } => "Leave out what is to stay as it is.",
            Self::ApiKeyInvalid => {
                "An administrator makes a new one with projectalpha.rotate_api_key()."
            }
            Self::ScopesInvalid => "Example: {read,write}",
            Self::ScopeUnknown { .. } | Self::ScopeNotAllowed { .. } => {
                "An administrator changes allowed_scopes with projectalpha.update_tool_info()."
            }
            Self::ScopeNotGranted { .. } => {
                "An administrator adds a policy with projectalpha.create_policy()."
            }
            Self::ExpiryInvalid => "Example: 90 days",
            Self::ProjectForbidden => "Have an administrator issue the credential.",
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::AgentNotFound { .. } => 404,
            Self::AgentExists { .. } | Self::AgentInactive { .. } => 409,
            Self::ApiKeyInvalid => 401,
            Self::ScopeNotGranted { .. } | Self::ProjectForbidden => 403,
            _ => 400,
        }
    }
}
