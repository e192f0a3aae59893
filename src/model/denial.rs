//! What a caller is told who is known, but may not do this. Part of [`super::error::Error`].

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
