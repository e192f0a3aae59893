//! What an application may say of a call that it asks about: `check_access` and
//! `explain_access`. Part of [`super::error::Error`].

use std::net::IpAddr;

use super::name::excerpt;
use super::timestamp;

/// All that there are; the last is for administrators.
const KEYS: [&str; 3] = ["address", "payload", "at"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextError {
    NotObject,
    KeyUnknown {
        key: String,
    },
    KeyInvalid {
        key: &'static str,
        wanted: &'static str,
    },
    /// Only an administrator looks into another time.
    TimeForbidden,
    /// Whose access is explained is said in two ways.
    TwoCallers,
    CredentialNotFound {
        id: i64,
    },
}

/// An address, for the key `address`.
pub fn address(text: &str) -> Result<IpAddr, ContextError> {
    text.parse()
        .map(|address: IpAddr| address.to_canonical())
        .map_err(|_| ContextError::KeyInvalid {
            key: "address",
            wanted: "an IPv4 or IPv6 address such as \"192.0.2.7\"",
        })
}

/// A time, for the key `at`: microseconds since the Unix epoch.
pub fn instant(text: &str) -> Result<i64, ContextError> {
    timestamp::parse(text)
        .map(|instant| instant + timestamp::BETWEEN_EPOCHS)
        .ok_or(ContextError::KeyInvalid {
            key: "at",
            wanted: "an ISO 8601 date and time such as \"2026-12-31T18:00:00+01:00\"",
        })
}

impl ContextError {
    pub fn sqlstate(&self) -> &str {
        match self {
            Self::TimeForbidden => "42501",
            Self::CredentialNotFound { .. } => "42704",
            _ => "22023",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::NotObject => "context must be a JSON object".into(),
            Self::KeyUnknown { key } => format!("Unknown key '{}' in context", excerpt(key)),
            Self::KeyInvalid { key, wanted } => format!("'{key}' in context must be {wanted}"),
            Self::TimeForbidden => "Only an administrator may ask about another time".into(),
            Self::TwoCallers => "Pass a token or a credential_id, not both".into(),
            Self::CredentialNotFound { id } => format!("The tool has no credential {id}"),
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::TimeForbidden => "'at' is for explain_access().".into(),
            Self::TwoCallers => "Each says whose access is to be explained.".into(),
            Self::CredentialNotFound { .. } => {
                "Credentials belong to one tool, and an API key to none.".into()
            }
            _ => format!("Keys of the context are {}.", KEYS.join(", ")),
        }
    }

    pub fn hint(&self) -> String {
        match self {
            Self::TimeForbidden => "Leave it out: the call is judged as of now.".into(),
            Self::TwoCallers => "Leave one out.".into(),
            Self::CredentialNotFound { .. } => {
                "SELECT credential_id FROM projectalpha.list_credentials(tool_name => ...) shows those of agents, \
                 projectalpha.active_tokens all."
                    .into()
            }
            _ => r#"Example: {"address": "192.0.2.7", "payload": {"amount": 5}}"#.into(),
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::TimeForbidden => 403,
            Self::CredentialNotFound { .. } => 404,
            _ => 400,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_times() {
        assert_eq!(
            address("::ffff:192.0.2.1").map(|a| a.to_string()),
            Ok("192.0.2.1".into())
        );
        assert!(address("192.0.2.0/24").is_err());
        assert_eq!(instant("1970-01-01T00:00:01Z"), Ok(1_000_000));
        assert!(instant("yesterday").is_err());
    }
}
