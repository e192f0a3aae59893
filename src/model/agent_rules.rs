//! What agents and their credentials may be given.

use serde_json::{Map, Value};

use super::access::{Action, ADMIN_SCOPE};
use super::agent_error::AgentError;
use super::name::excerpt;
use super::project::MAX_NAME;

/// Most roles, and most permissions, of an agent; most scopes of a credential.
pub const MAX_WORDS: usize = 50;
const MAX_WORD: usize = 50;

/// Longest time that a credential works.
pub const MAX_YEARS: i32 = 10;

/// What `update_agent` changes.
pub const CHANGEABLE: [&str; 4] = ["name", "description", "roles", "permissions"];

/// A policy whose actions are all there are.
const ALL_ACTIONS: &str = "*";

/// A name without the blanks around it, if it may be one.
pub fn checked_name(name: &str) -> Result<&str, AgentError> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
        return Err(AgentError::NameInvalid);
    }
    Ok(name)
}

/// Roles or permissions, each once.
pub fn checked_words(
    what: &'static str,
    words: Vec<Option<String>>,
) -> Result<Vec<String>, AgentError> {
    let mut kept: Vec<String> = Vec::with_capacity(words.len().min(MAX_WORDS));
    for word in words {
        let word = word.filter(|word| is_word(word));
        let word = word.ok_or(AgentError::WordsInvalid { what })?;
        if !kept.contains(&word) {
            kept.push(word);
        }
        if kept.len() > MAX_WORDS {
            return Err(AgentError::WordsInvalid { what });
        }
    }
    Ok(kept)
}

/// True of `^[a-z][a-z0-9_:.-]{0,49}$`.
pub fn is_word(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.len() <= MAX_WORD
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_:.-".contains(&b))
}

/// What becomes of an agent; none stays as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AgentChanges {
    pub name: Option<String>,
    /// None in it clears the description.
    pub description: Option<Option<String>>,
    pub roles: Option<Vec<String>>,
    pub permissions: Option<Vec<String>>,
}

impl AgentChanges {
    pub fn parse(changes: &str) -> Result<Self, AgentError> {
        let named: Map<String, Value> =
            serde_json::from_str(changes).map_err(|_| AgentError::ChangesNotObject)?;
        let mut parsed = AgentChanges::default();
        for (key, value) in named {
            match key.as_str() {
                "name" => {
                    let name = value.as_str().ok_or(AgentError::NameInvalid)?;
                    parsed.name = Some(checked_name(name)?.to_owned());
                }
                "description" => {
                    parsed.description = Some(match value {
                        Value::Null => None,
                        Value::String(text) => Some(text),
                        _ => {
                            return Err(AgentError::KeyInvalid {
                                key: "description",
                                wanted: "a string or null",
                            })
                        }
                    });
                }
                "roles" => parsed.roles = Some(words_of("roles", value)?),
                "permissions" => parsed.permissions = Some(words_of("permissions", value)?),
                other => {
                    return Err(AgentError::KeyUnknown {
                        key: excerpt(other),
                    })
                }
            }
        }
        Ok(parsed)
    }
}

fn words_of(what: &'static str, value: Value) -> Result<Vec<String>, AgentError> {
    let Value::Array(words) = value else {
        return Err(AgentError::KeyInvalid {
            key: what,
            wanted: "an array of strings",
        });
    };
    let words = words.into_iter().map(|word| match word {
        Value::String(word) => Some(word),
        _ => None,
    });
    checked_words(what, words.collect())
}

/// The scopes that a credential carries if it is asked for these, each once. `allowed`
/// are those that the tool names, if it does; `granted` those of its policies.
pub fn checked_scopes(
    asked: Vec<Option<String>>,
    allowed: Option<&[String]>,
    granted: &[String],
) -> Result<Vec<String>, AgentError> {
    if asked.is_empty() || asked.len() > MAX_WORDS {
        return Err(AgentError::ScopesInvalid);
    }
    let asked: Option<Vec<String>> = asked.into_iter().collect();
    let mut scopes: Vec<String> = Vec::new();
    for scope in asked.ok_or(AgentError::ScopesInvalid)? {
        let is_named = allowed.is_some_and(|allowed| allowed.contains(&scope));
        let is_action = Action::BUILTIN.contains(&scope.as_str());
        if !is_named && !is_action && scope != ADMIN_SCOPE {
            let scope = excerpt(&scope);
            return Err(AgentError::ScopeUnknown { scope });
        }
        if allowed.is_some() && !is_named {
            return Err(AgentError::ScopeNotAllowed { scope });
        }
        // All actions are not yet to administer.
        let by_all = scope != ADMIN_SCOPE && granted.iter().any(|g| g == ALL_ACTIONS);
        if !by_all && !granted.contains(&scope) {
            return Err(AgentError::ScopeNotGranted { scope });
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// Refuses an interval that may add up to no date at all. Which date it leads to, and
/// so whether that is within the limit, depends on when it begins.
pub fn check_interval(months: i32, days: i32, microseconds: i64) -> Result<(), AgentError> {
    const MICROSECONDS_PER_DAY: u64 = 86_400_000_000;
    let most_days = MAX_YEARS.unsigned_abs() * 366 * 2;
    let fits = months.unsigned_abs() <= MAX_YEARS.unsigned_abs() * 12 * 2
        && days.unsigned_abs() <= most_days
        && microseconds.unsigned_abs() <= u64::from(most_days) * MICROSECONDS_PER_DAY;
    if fits {
        Ok(())
    } else {
        Err(AgentError::ExpiryInvalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some(words: &[&str]) -> Vec<Option<String>> {
        words.iter().map(|w| Some((*w).to_owned())).collect()
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn names() {
        assert_eq!(checked_name("  Ann "), Ok("Ann"));
        assert!(checked_name(&"é".repeat(255)).is_ok());
        for bad in ["", "  ", "a\nb", &"x".repeat(256)] {
            assert_eq!(checked_name(bad), Err(AgentError::NameInvalid), "{bad:?}");
        }
    }

    #[test]
    fn words_are_kept_once() {
        let words = |words| checked_words("roles", words);
        assert_eq!(
            words(some(&["a", "b.c:d-e_1", "a"])).unwrap(),
            ["a", "b.c:d-e_1"]
        );
        assert_eq!(words(vec![]).unwrap(), [""; 0]);
        let many = |n: usize| (0..n).map(|i| Some(format!("w{i}"))).collect::<Vec<_>>();
        assert!(words(many(50)).is_ok());
        assert!(words(many(51)).is_err());
        for bad in ["", "A", "1a", "_a", "a b", "é", &"x".repeat(51)] {
            assert!(words(some(&[bad])).is_err(), "{bad:?}");
        }
        assert!(words(vec![None]).is_err());
    }

    #[test]
    fn changes() {
        assert_eq!(AgentChanges::parse("{}"), Ok(AgentChanges::default()));
        let all =
            r#"{"name": " Ann ", "description": null, "roles": ["b", "a"], "permissions": []}"#;
        assert_eq!(
            AgentChanges::parse(all),
            Ok(AgentChanges {
                name: Some("Ann".into()),
                description: Some(None),
                roles: Some(owned(&["b", "a"])),
                permissions: Some(vec![]),
            })
        );
        for bad in [
            "[]",
            "null",
            "7",
            r#"{"name": null}"#,
            r#"{"name": 7}"#,
            r#"{"description": 7}"#,
            r#"{"roles": "a"}"#,
            r#"{"roles": null}"#,
            r#"{"roles": [null]}"#,
            r#"{"roles": [1]}"#,
            r#"{"permissions": ["A"]}"#,
            r#"{"is_active": false}"#,
        ] {
            assert!(AgentChanges::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scopes_within_what_tool_and_policies_say() {
        let all = owned(&["*"]);
        let check = |asked: &[&str], allowed: Option<&[String]>, granted: &[String]| {
            checked_scopes(some(asked), allowed, granted)
        };
        assert_eq!(
            check(&["read", "write", "read"], None, &all).unwrap(),
            ["read", "write"]
        );
        let unknown = |scope: &str| {
            Err(AgentError::ScopeUnknown {
                scope: scope.into(),
            })
        };
        assert_eq!(check(&["publish"], None, &all), unknown("publish"));
        for foreign in ["agent", "project", "common", "tool:x", "READ", "", "*"] {
            assert_eq!(check(&[foreign], None, &all), unknown(foreign));
        }
        let allowed = owned(&["read", "publish", "admin"]);
        assert!(check(&["read", "publish"], Some(&allowed), &all).is_ok());
        assert_eq!(
            check(&["write"], Some(&allowed), &all),
            Err(AgentError::ScopeNotAllowed {
                scope: "write".into()
            })
        );
        assert_eq!(
            check(&["admin"], Some(&allowed), &all),
            Err(AgentError::ScopeNotGranted {
                scope: "admin".into()
            })
        );
        assert!(check(&["admin"], Some(&allowed), &owned(&["admin"])).is_ok());
        assert_eq!(
            check(&["read"], None, &[]),
            Err(AgentError::ScopeNotGranted {
                scope: "read".into()
            })
        );
        for bad in [vec![], vec![None], vec![Some("read".to_owned()); 51]] {
            assert_eq!(
                checked_scopes(bad, None, &all),
                Err(AgentError::ScopesInvalid)
            );
        }
    }

    #[test]
    fn intervals_of_some_size_are_refused() {
        for good in [
            (0, 0, 0),
            (120, 0, 0),
            (0, 3653, 0),
            (1, -1, 5),
            (-240, 7320, 0),
        ] {
            assert!(check_interval(good.0, good.1, good.2).is_ok(), "{good:?}");
        }
        for bad in [
            (241, 0, 0),
            (0, 7321, 0),
            (0, 0, i64::MAX),
            (i32::MAX, i32::MAX, i64::MAX),
            (i32::MIN, i32::MIN, i64::MIN),
            (0, i32::MIN, 0),
        ] {
            assert!(check_interval(bad.0, bad.1, bad.2).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn words_follow_their_pattern(word in "[a-z0-9_:.\\-A-Z é]{0,55}") {
            let follows = (1..=50).contains(&word.len())
                && word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | ':' | '.' | '-'));
            prop_assert_eq!(checked_words("roles", vec![Some(word)]).is_ok(), follows);
        }

        #[test]
        fn no_document_of_changes_makes_it_panic(text in "\\PC*", key in "name|roles|x") {
            let _ = AgentChanges::parse(&text);
            let quoted = Value::from(text);
            let _ = AgentChanges::parse(&format!("{{\"{key}\": [{quoted}]}}"));
            let _ = AgentChanges::parse(&format!("{{\"{key}\": {quoted}}}"));
        }

        #[test]
        fn what_is_issued_was_asked_for_allowed_and_granted(
            asked in proptest::collection::vec(proptest::option::weighted(0.95, "read|write|update|admin|a|b|c"), 0..5),
            allowed in proptest::option::of(proptest::collection::vec("read|write|admin|a|b", 0..5)),
            granted in proptest::collection::vec("read|write|update|admin|a|b|\\*", 0..5),
        ) {
            let issued = checked_scopes(asked.clone(), allowed.as_deref(), &granted);
            let is_fine = |scope: &String| {
                let known = ["read", "write", "update", "admin"].contains(&scope.as_str());
                allowed.as_ref().map_or(known, |allowed| allowed.contains(scope))
                    && (granted.contains(scope) || (scope != "admin" && granted.contains(&"*".to_owned())))
            };
            let all_fine = !asked.is_empty() && asked.iter().all(|s| s.as_ref().is_some_and(is_fine));
            prop_assert_eq!(issued.is_ok(), all_fine);
            if let Ok(issued) = issued {
                prop_assert!(issued.iter().all(|scope| asked.contains(&Some(scope.clone()))));
                prop_assert!(asked.iter().flatten().all(|scope| issued.contains(scope)));
            }
        }
    }
}
