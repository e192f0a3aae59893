//! Faults of policies and of their conditions. Part of [`super::error::Error`].

use super::error::Error;
use super::name::excerpt;
use super::policy::conditions::{KEYS, MAX_BYTES};

/// Most policies of one tool: every call goes through all of them.
pub const MAX_POLICIES: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyError {
    /// An argument, or a key of the changes, with a bad value.
    ArgumentInvalid {
        argument: &'static str,
        wanted: String,
    },
    /// Neither an action that every tool has, nor one of the tool's own.
    ActionUnknown {
        action: String,
    },
    ScopeUnknown {
        scope: String,
    },
    /// A policy that denies grants nothing.
    ScopesOfDeny,
    ConditionsNotObject,
    ConditionsTooLong,
    ConditionUnknown {
        key: String,
    },
    /// The value of a condition is not what it must be. The key has a dot where the
    /// condition is an object.
    ConditionInvalid {
        key: String,
        wanted: String,
    },
    /// A fault of the filter in `fields`.
    FieldsUnfit {
        fault: Box<Error>,
    },
    /// Nothing counts calls across sessions.
    RateUnavailable,
    Exists {
        name: String,
    },
    NotFound {
        name: String,
    },
    TooMany,
    ChangesNotObject,
    ChangeUnknown {
        key: String,
    },
    /// A policy goes by a field that is to be another, or none.
    FieldInUse {
        field: String,
        policy: String,
    },
}

impl PolicyError {
    pub fn argument(argument: &'static str, wanted: impl Into<String>) -> Self {
        PolicyError::ArgumentInvalid {
            argument,
            wanted: wanted.into(),
        }
    }

    pub fn condition(key: &str, wanted: impl Into<String>) -> Self {
        PolicyError::ConditionInvalid {
            key: key.to_owned(),
            wanted: wanted.into(),
        }
    }

    pub fn unknown_condition(key: &str) -> Self {
        PolicyError::ConditionUnknown { key: excerpt(key) }
    }

    pub fn sqlstate(&self) -> &str {
        match self {
            Self::ArgumentInvalid { .. }
            | Self::ActionUnknown { .. }
            | Self::ScopeUnknown { .. }
            | Self::ScopesOfDeny
            | Self::ConditionsNotObject
            | Self::ConditionsTooLong
            | Self::ConditionUnknown { .. }
            | Self::ConditionInvalid { .. }
            | Self::ChangesNotObject
            | Self::ChangeUnknown { .. } => "22023",
            Self::FieldsUnfit { fault } => fault.sqlstate(),
            Self::RateUnavailable => "55000",
            Self::Exists { .. } => "42710",
            Self::NotFound { .. } => "42704",
            Self::TooMany => "54000",
            Self::FieldInUse { .. } => "2BP01",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::ArgumentInvalid { argument, wanted } => format!("{argument} must be {wanted}"),
            Self::ActionUnknown { action } => format!("Unknown action '{action}'"),
            Self::ScopeUnknown { scope } => format!("Unknown scope '{scope}'"),
            Self::ScopesOfDeny => "allowed_scopes is for policies that allow".into(),
            Self::ConditionsNotObject => "conditions must be a JSON object".into(),
            Self::ConditionsTooLong => {
                format!("conditions must have at most {MAX_BYTES} bytes")
            }
            Self::ConditionUnknown { key } => format!("Unknown condition '{key}'"),
            Self::ConditionInvalid { key, wanted } => {
                format!("Condition '{key}' must be {wanted}")
            }
            Self::FieldsUnfit { fault } => format!("Condition 'fields': {}", fault.message()),
            Self::RateUnavailable => {
                "Condition 'rate' needs projectalpha_store in shared_preload_libraries".into()
            }
            Self::Exists { name } => format!("Policy '{name}' already exists"),
            Self::NotFound { name } => format!("Policy '{name}' not found"),
            Self::TooMany => format!("A tool can have at most {MAX_POLICIES} policies"),
            Self::ChangesNotObject => "changes must be a JSON object".into(),
            Self::ChangeUnknown { key } => format!("Unknown key '{key}'"),
            Self::FieldInUse { field, policy } => {
                format!("Field '{field}' is named by policy '{policy}'")
            }
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::ArgumentInvalid { .. } => "Nothing was changed.".into(),
            Self::ActionUnknown { .. } => {
                "Every tool has read, write, update and delete; the others of a tool are its allowed_scopes.".into()
            }
            Self::ScopeUnknown { .. } => {
                "Every tool has read, write, update, delete and admin; if it has allowed_scopes, those alone.".into()
            }
            Self::ScopesOfDeny => "What credentials may be issued with is granted by policies that allow.".into(),
            Self::ConditionsNotObject => "Each of its keys is a condition; all of them must hold.".into(),
            Self::ConditionsTooLong => "Every session that uses the tool keeps them.".into(),
            Self::ConditionUnknown { .. } => format!("The conditions are {}.", KEYS.join(", ")),
            Self::ConditionInvalid { .. } => "Nothing was changed.".into(),
            Self::FieldsUnfit { fault } => fault
                .detail()
                .unwrap_or_else(|| "It is a filter as of projectalpha.list_records().".into()),
            Self::RateUnavailable => {
                "Calls of all sessions are counted in shared memory, which is allotted when the server starts.".into()
            }
            Self::Exists { .. } => "Each policy of a tool has a name of its own.".into(),
            Self::NotFound { .. } => "The tool has no policy of that name.".into(),
            Self::TooMany => "Every call goes through the policies of its tool.".into(),
            Self::ChangesNotObject => "Each of its keys is what to change of the policy.".into(),
            Self::ChangeUnknown { .. } => {
                "The keys are description, effect, actions, conditions, allowed_scopes, priority and is_active.".into()
            }
            Self::FieldInUse { .. } => {
                "Without the field, or with another type, its condition would mean something else.".into()
            }
        }
    }

    pub fn hint(&self) -> String {
        match self {
            Self::ArgumentInvalid { .. } => {
                "Example: projectalpha.create_policy('notes', 'office', 'allow', '{read,write}', \
                 '{\"roles\": [\"editor\"]}')"
                    .into()
            }
            Self::ActionUnknown { .. } => {
                "'*' stands for all of them. projectalpha.update_tool_info() gives a tool scopes of its own.".into()
            }
            Self::ScopeUnknown { .. } => "Leave allowed_scopes out to grant the policy's actions.".into(),
            Self::ScopesOfDeny => "Leave it out.".into(),
            Self::ConditionsNotObject | Self::ConditionUnknown { .. } => {
                r#"Example: {"roles": ["editor"], "time": {"from": "08:00", "to": "18:00"}}"#.into()
            }
            Self::ConditionsTooLong => "Make two policies of it.".into(),
            Self::ConditionInvalid { .. } => "Leave it out to have no such condition.".into(),
            Self::FieldsUnfit { fault } if matches!(**fault, Error::FieldUnknown { .. }) => {
                "Name fields of the tool; id and created_at are not in a payload.".into()
            }
            Self::FieldsUnfit { fault } => fault
                .hint()
                .unwrap_or_else(|| r#"Example: {"fields": {"amount": {"lte": 100}}}"#.into()),
            Self::RateUnavailable => {
                "Add to postgresql.conf: shared_preload_libraries = 'projectalpha_store', and restart the server.".into()
            }
            Self::Exists { .. } => "projectalpha.update_policy() changes it.".into(),
            Self::NotFound { .. } => "SELECT tool_name, name FROM projectalpha.policy_list shows them.".into(),
            Self::TooMany => "Networks, roles and days of several policies can go into one.".into(),
            Self::ChangesNotObject | Self::ChangeUnknown { .. } => {
                r#"Example: {"priority": 10, "is_active": false}"#.into()
            }
            Self::FieldInUse { .. } => {
                "Change the policy first with projectalpha.update_policy(), or delete it.".into()
            }
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::Exists { .. } | Self::FieldInUse { .. } => 409,
            Self::RateUnavailable => 500,
            _ => 400,
        }
    }
}
