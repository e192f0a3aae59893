//! What a caller is told who is known, but may not do this. Part of [`super::error::Error`].

use serde_json::json;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The same words whatever the reason is: policies are none of the caller's business.
    Denied,
    /// Whole seconds until the next attempt may pass.
    TooManyRequests { retry_after: u64 },
}

impl Denial {
    pub fn sqlstate(&self) -> &str {
        match self {
            Self::Denied => "42501",
            Self::TooManyRequests { .. } => "53400",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::Denied => "Access denied".into(),
            Self::TooManyRequests { .. } => "Too many requests".into(),
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::Denied => {
                "The token does not allow this, or a policy of the tool forbids it.".into()
            }
            Self::TooManyRequests { retry_after } => format!("Try again in {retry_after} s."),
        }
    }

    pub fn hint(&self) -> String {
        match self {
            Self::Denied => "An administrator sees why with projectalpha.explain_access().".into(),
            Self::TooManyRequests { .. } => "A policy of the tool limits the rate.".into(),
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::Denied => 403,
            Self::TooManyRequests { .. } => 429,
        }
    }
}

/// The answer at `/rpc/`, as PostgREST takes it from an error with the SQLSTATE `PGRST`:
/// the body in the message, status and headers in DETAIL, both JSON.
pub struct NativeAnswer {
    pub message: String,
    pub detail: String,
}

impl NativeAnswer {
    pub fn of(denial: &Denial) -> Self {
        let headers = match denial {
            Denial::Denied => json!({}),
            Denial::TooManyRequests { retry_after } => {
                json!({ "Retry-After": retry_after.to_string() })
            }
        };
        NativeAnswer {
            message: json!({
                "code": denial.sqlstate(),
                "message": denial.message(),
                "details": denial.detail(),
                "hint": denial.hint(),
            })
            .to_string(),
            detail: json!({ "status": denial.http_status(), "headers": headers }).to_string(),
        }
    }
}
