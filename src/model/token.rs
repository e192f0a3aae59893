//! Tokens: what one may look like, how a new one is made, and its digest, the
//! only form that is ever stored.

use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::resource_error::ResourceError;

/// Fewest characters in a token that somebody chose.
pub const MIN_LENGTH: usize = 8;
/// Most characters, so that it fits any HTTP header.
pub const MAX_LENGTH: usize = 512;
/// Random bytes in a generated token: 256 bits.
pub const RANDOM_BYTES: usize = 32;

/// What a token is for. Each has its own prefix, so that a leaked one is
/// recognised for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Admin,
    Common,
    Tool,
    Project,
    /// What an agent uses a tool with.
    Agent,
    /// What an agent gets credentials with.
    ApiKey,
}

impl Purpose {
    const fn prefix(self) -> &'static str {
        match self {
            Purpose::Admin => "pas_admin_",
            Purpose::Common => "pas_common_",
            Purpose::Tool => "pas_tool_",
            Purpose::Project => "pas_project_",
            Purpose::Agent => "pas_agent_",
            Purpose::ApiKey => "pas_key_",
        }
    }

    /// The scopes that a credential of this purpose carries; those of an agent's are
    /// asked for one by one.
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Purpose::Admin => &["admin"],
            Purpose::Common => &["common"],
            Purpose::Tool => &["read", "write"],
            Purpose::Project => &[PROJECT_SCOPE, "read", "write"],
            Purpose::Agent => &[],
            Purpose::ApiKey => &[AGENT_SCOPE],
        }
    }
}

/// What every project token carries, so that it is never taken for another kind.
pub const PROJECT_SCOPE: &str = "project";

/// What an API key carries: it opens no records.
pub const AGENT_SCOPE: &str = "agent";

/// The scopes that a project token carries if it is asked for these.
pub fn project_scopes(asked: &[&str]) -> Result<Vec<&'static str>, ResourceError> {
    let known = ["read", "write"];
    if asked.is_empty() || asked.iter().any(|scope| !known.contains(scope)) {
        return Err(ResourceError::ScopesInvalid);
    }
    let granted = known.into_iter().filter(|scope| asked.contains(scope));
    Ok(std::iter::once(PROJECT_SCOPE).chain(granted).collect())
}

/// SHA-256 of a token. Tokens are compared by this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(token: &str) -> Self {
        Digest(Sha256::digest(token.as_bytes()).into())
    }

    /// One that was kept.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Digest)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As much of it as fits the key of an advisory lock.
    pub fn lock_key(&self) -> i64 {
        let mut key = [0; 8];
        key.copy_from_slice(&self.0[..8]);
        i64::from_be_bytes(key)
    }
}

/// A token on its way to its owner, with what is kept of it.
pub struct NewToken {
    pub token: String,
    pub digest: Digest,
    pub hint: String,
}

impl NewToken {
    /// Takes a token that somebody chose. The hint says nothing about it: what
    /// people choose may be too short to give away even a part.
    pub fn given(token: &str) -> Result<Self, Error> {
        let length = token.chars().count();
        if length < MIN_LENGTH {
            return Err(Error::TokenTooShort);
        }
        // What cannot travel in an HTTP header would be a token only for some.
        if length > MAX_LENGTH || token.trim() != token || token.chars().any(char::is_control) {
            return Err(Error::TokenInvalid);
        }
        Ok(NewToken {
            digest: Digest::of(token),
            hint: "(given)".to_owned(),
            token: token.to_owned(),
        })
    }

    /// Makes a token out of random bytes; the hint shows its last four digits.
    pub fn generated(purpose: Purpose, random: &[u8; RANDOM_BYTES]) -> Self {
        let digits: String = random.iter().map(|b| format!("{b:02x}")).collect();
        NewToken {
            digest: Digest::of(&format!("{}{digits}", purpose.prefix())),
            hint: format!("{}…{}", purpose.prefix(), &digits[digits.len() - 4..]),
            token: format!("{}{digits}", purpose.prefix()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digest_is_sha256() {
        let hex: String = Digest::of("abc")
            .as_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(
            hex,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_generated_token_says_what_it_is_for() {
        let new = NewToken::generated(Purpose::Tool, &[0xab; 32]);
        assert_eq!(new.token, format!("pas_tool_{}", "ab".repeat(32)));
        assert_eq!(new.hint, "pas_tool_…abab");
        assert_eq!(new.digest, Digest::of(&new.token));
    }

    #[test]
    fn a_project_token_is_always_known_as_one() {
        let scopes = |asked: &[&str]| project_scopes(asked);
        assert_eq!(scopes(&["read"]).unwrap(), ["project", "read"]);
        assert_eq!(
            scopes(&["write", "read", "write"]).unwrap(),
            ["project", "read", "write"]
        );
        for wrong in [
            &[][..],
            &["admin"],
            &["read", "common"],
            &["project"],
            &["Read"],
            &[""],
        ] {
            assert_eq!(
                scopes(wrong),
                Err(ResourceError::ScopesInvalid),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn unusable_tokens_are_refused() {
        let too_long = "x".repeat(513);
        for bad in [
            "",
            "1234567",
            " padded-token",
            "padded-token ",
            "line\nbreak-token",
            &too_long,
        ] {
            assert!(NewToken::given(bad).is_err(), "{bad:?}");
        }
        assert!(NewToken::given("12345678").is_ok());
        assert!(NewToken::given("ключ-от-всех").is_ok());
    }

    proptest! {
        #[test]
        fn a_given_token_leaves_no_trace_in_its_hint(token in "[!-~]{8,40}") {
            let new = NewToken::given(&token).unwrap();
            prop_assert_eq!(new.hint, "(given)");
        }

        #[test]
        fn digests_match_only_the_same_token(a in "[!-~]{8,12}", b in "[!-~]{8,12}") {
            prop_assert_eq!(Digest::of(&a) == Digest::of(&b), a == b);
        }
    }
}
