//! Faults of the registry: facts about tools, their secrets, tools that are not
//! active or have no storage. Part of [`super::error::Error`].

use super::tool_info::KEYS;

/// Violations of examples that an error names.
const SHOWN_VIOLATIONS: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryError {
    /// The tool refuses writes.
    ToolInactive,
    /// The tool is an entry of the catalogue and has no table.
    NoStorage {
        tool: String,
    },
    /// `storage` is neither of its values.
    StorageUnknown,
    /// What only a tool with a table can have.
    NeedsStorage {
        argument: &'static str,
    },
    ChangesNotObject,
    KeyUnknown {
        key: String,
    },
    /// The value of a key is not what it must be.
    KeyInvalid {
        key: &'static str,
        wanted: String,
    },
    /// One line for each violation, without values.
    ExamplesUnfit {
        violations: Vec<String>,
    },
    /// Something that looks like a secret would be kept in clear.
    SecretInClear {
        key: String,
    },
    SecretNotFound {
        name: String,
    },
    /// No key is configured.
    NoSecretKey,
    KeyFileUnusable {
        reason: String,
    },
    /// Sealed with a key that is not the one in use.
    OtherKey {
        name: String,
    },
    /// The key is the right one, the sealed bytes are not.
    SecretDamaged {
        tool_id: i64,
        name: String,
    },
    /// Only who may read the server's files may name a key file.
    KeyFileForbidden,
    SameKey,
    BatchTooSmall,
    /// No level of the access log.
    LogLevelUnknown,
}

impl RegistryError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::ToolInactive
            | Self::NoSecretKey
            | Self::KeyFileUnusable { .. }
            | Self::OtherKey { .. } => "55000",
            Self::NoStorage { .. } => "0A000",
            Self::StorageUnknown
            | Self::NeedsStorage { .. }
            | Self::ChangesNotObject
            | Self::KeyUnknown { .. }
            | Self::KeyInvalid { .. }
            | Self::SecretInClear { .. }
            | Self::SameKey
            | Self::BatchTooSmall
            | Self::LogLevelUnknown => "22023",
            Self::ExamplesUnfit { .. } => "23514",
            Self::SecretNotFound { .. } => "42704",
            Self::SecretDamaged { .. } => "XX001",
            Self::KeyFileForbidden => "42501",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::ToolInactive => "Tool is not active".into(),
            Self::NoStorage { .. } => "Tool has no storage".into(),
            Self::StorageUnknown => "storage must be 'table' or 'none'".into(),
            Self::NeedsStorage { argument } => {
                format!("{argument} is for a tool with storage")
            }
            Self::ChangesNotObject => "changes must be a JSON object".into(),
            Self::KeyUnknown { key } => format!("Unknown key '{key}'"),
            Self::KeyInvalid { key, wanted } => format!("'{key}' must be {wanted}"),
            Self::ExamplesUnfit { .. } => "'examples' do not fit 'inputs' and 'outputs'".into(),
            Self::SecretInClear { key } => {
                format!("'auth_config' has '{key}', which would be kept in clear")
            }
            Self::SecretNotFound { name } => format!("Secret '{name}' not found"),
            Self::NoSecretKey => "No key for secrets is configured".into(),
            Self::KeyFileUnusable { reason } => format!("The key file {reason}"),
            Self::OtherKey { name } => format!("Secret '{name}' is sealed with another key"),
            Self::SecretDamaged { name, .. } => format!("Secret '{name}' is damaged"),
            Self::KeyFileForbidden => "Forbidden: naming a key file".into(),
            Self::SameKey => "Both key files have the same key".into(),
            Self::BatchTooSmall => "batch must be at least 1".into(),
            Self::LogLevelUnknown => "level must be 'none', 'denied', 'writes' or 'all'".into(),
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::ToolInactive => {
                "It was deactivated: its records can be read, not changed.".into()
            }
            Self::NoStorage { tool } => {
                format!("Tool '{tool}' is an entry of the catalogue alone.")
            }
            Self::StorageUnknown => "It is where the records of the tool go.".into(),
            Self::NeedsStorage { .. } => "An entry of the catalogue alone has no records.".into(),
            Self::ChangesNotObject => {
                "Each of its keys is a fact to change; null clears one.".into()
            }
            Self::KeyUnknown { .. } => format!("The keys are {}.", KEYS.join(", ")),
            Self::KeyInvalid { .. } => "Nothing was changed.".into(),
            Self::ExamplesUnfit { violations } => {
                let mut lines: Vec<String> =
                    violations.iter().take(SHOWN_VIOLATIONS).cloned().collect();
                if violations.len() > SHOWN_VIOLATIONS {
                    lines.push(format!("and {} more", violations.len() - SHOWN_VIOLATIONS));
                }
                lines.join("\n")
            }
            Self::SecretInClear { .. } => "Only what is under 'secret' is encrypted.".into(),
            Self::SecretNotFound { .. } => "The tool has no secret of that name.".into(),
            Self::NoSecretKey => "Without one, secrets are neither kept nor shown.".into(),
            Self::KeyFileUnusable { .. } => {
                "It holds 32 bytes, or 64 hexadecimal digits, and is the server's alone.".into()
            }
            Self::OtherKey { .. } => {
                "The key in projectalpha_store.secret_key_file is not the one it was sealed with."
                    .into()
            }
            Self::SecretDamaged { tool_id, .. } => format!(
                "It was changed in its table (tool_id {tool_id}), or belongs to another tool or name."
            ),
            Self::KeyFileForbidden => "The file is read by the server.".into(),
            Self::SameKey => "There is nothing to seal anew.".into(),
            Self::BatchTooSmall => "It is how many secrets are sealed in one transaction.".into(),
            Self::LogLevelUnknown => "It says which attempts the access log keeps.".into(),
        }
    }

    pub fn hint(&self) -> String {
        match self {
            Self::ToolInactive => "An administrator calls projectalpha.activate_tool().".into(),
            Self::NoStorage { .. } => {
                "Call the tool where it is: SELECT api_endpoint FROM projectalpha.tool_registry.".into()
            }
            Self::StorageUnknown => "Leave it out to have a table made.".into(),
            Self::NeedsStorage { .. } => {
                "Leave it out, or register the tool with storage => 'table'. What a tool takes goes into 'inputs' of \
                 projectalpha.update_tool_info()."
                    .into()
            }
            Self::ChangesNotObject => r#"Example: {"category": "weather", "version": "1.0.0"}"#.into(),
            Self::KeyUnknown { key } if key == "description" => {
                r#"projectalpha.alter_tool() changes it: {"options": {"description": "..."}}."#.into()
            }
            Self::KeyUnknown { key } if key == "is_active" => {
                "projectalpha.deactivate_tool() and projectalpha.activate_tool() change it.".into()
            }
            Self::KeyUnknown { .. } => {
                r#"Example: {"category": "weather", "version": "1.0.0"}"#.into()
            }
            Self::KeyInvalid { .. } => "Pass null to clear it.".into(),
            Self::ExamplesUnfit { .. } => {
                "Change the examples, or what they must fit, in the same call.".into()
            }
            Self::SecretInClear { .. } => {
                r#"Example: {"header": "X-Api-Key", "secret": {"api_key": "..."}}"#.into()
            }
            Self::SecretNotFound { .. } => {
                "SELECT auth_config->'secret' FROM projectalpha.tool_registry shows the names.".into()
            }
            Self::NoSecretKey => {
                "Make a file of 32 random bytes that the server alone can read, and set \
                 projectalpha_store.secret_key_file to its path."
                    .into()
            }
            Self::KeyFileUnusable { .. } => {
                "Example: head -c 32 /dev/urandom > /etc/postgresql/secrets.key; chown postgres and chmod 600 it.".into()
            }
            Self::OtherKey { .. } => "CALL projectalpha.rotate_secret_key() with the file of the old key.".into(),
            Self::SecretDamaged { .. } => "Set it again with projectalpha.update_tool_info().".into(),
            Self::KeyFileForbidden => {
                "Call it as a superuser, or as a member of projectalpha_admin and pg_read_server_files.".into()
            }
            Self::SameKey => {
                "First set projectalpha_store.secret_key_file to the new key; then pass the file of the old one.".into()
            }
            Self::BatchTooSmall => "Leave it out to have 1000.".into(),
            Self::LogLevelUnknown => {
                "Leave it out to follow the setting projectalpha_store.access_log.".into()
            }
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            // What the caller cannot mend by calling otherwise: the tool has to change.
            Self::ToolInactive => 409,
            // There are no records at such a URL, and trying again does not help.
            Self::NoStorage { .. } | Self::SecretNotFound { .. } => 404,
            Self::KeyFileForbidden => 403,
            Self::NoSecretKey
            | Self::KeyFileUnusable { .. }
            | Self::OtherKey { .. }
            | Self::SecretDamaged { .. } => 500,
            _ => 400,
        }
    }
}
