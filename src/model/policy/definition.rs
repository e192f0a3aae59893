//! What a policy is given by besides its conditions, and what may be changed of it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::Value;

use super::{Effect, EVERY_ACTION};
use crate::model::access::{Action, ADMIN_SCOPE};
use crate::model::name::excerpt;
use crate::model::policy_error::PolicyError;

const MAX_NAME: usize = 50;
const MAX_DESCRIPTION: usize = 1000;
const MAX_NAMES: usize = 50;

/// What `update_policy` is asked for; none leaves a part as it is.
#[derive(Debug, Default, PartialEq)]
pub struct PolicyChanges {
    pub description: Option<Option<String>>,
    pub effect: Option<Effect>,
    pub actions: Option<Vec<Option<String>>>,
    /// JSON text.
    pub conditions: Option<String>,
    pub allowed_scopes: Option<Option<Vec<Option<String>>>>,
    pub priority: Option<i32>,
    pub is_active: Option<bool>,
}

pub fn check_name(name: &str) -> Result<(), PolicyError> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MAX_NAME
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
    if is_name {
        Ok(())
    } else {
        let wanted = "a name that matches ^[a-z][a-z0-9_-]{0,49}$";
        Err(PolicyError::argument("name", wanted))
    }
}

pub fn checked_effect(effect: &str) -> Result<Effect, PolicyError> {
    Effect::parse(effect).ok_or_else(|| PolicyError::argument("effect", "'allow' or 'deny'"))
}

/// The description less the blanks around it.
pub fn checked_description(description: &str) -> Result<&str, PolicyError> {
    let description = description.trim();
    let is_fit =
        (1..=MAX_DESCRIPTION).contains(&description.chars().count()) && !description.contains('\0');
    if is_fit {
        Ok(description)
    } else {
        let wanted = format!("of 1 to {MAX_DESCRIPTION} characters");
        Err(PolicyError::argument("description", wanted))
    }
}

/// The actions, each once. `own` are those of the tool.
pub fn checked_actions(
    actions: Vec<Option<String>>,
    own: &[String],
) -> Result<Vec<String>, PolicyError> {
    let actions = names("actions", actions)?;
    if actions.is_empty() {
        return Err(unfit_names("actions"));
    }
    let is_known = |action: &&String| {
        *action == EVERY_ACTION
            || Action::BUILTIN.contains(&action.as_str())
            || own.contains(*action)
    };
    match actions.iter().find(|action| !is_known(action)) {
        Some(unknown) => Err(PolicyError::ActionUnknown {
            action: excerpt(unknown),
        }),
        None => Ok(actions),
    }
}

/// The scopes, each once; none at all grants nothing. `allowed` are those that the tool
/// names, if it does.
pub fn checked_scopes(
    effect: Effect,
    scopes: Vec<Option<String>>,
    allowed: Option<&[String]>,
) -> Result<Vec<String>, PolicyError> {
    if effect == Effect::Deny {
        return Err(PolicyError::ScopesOfDeny);
    }
    let scopes = names("allowed_scopes", scopes)?;
    let is_known = |scope: &&String| match allowed {
        Some(allowed) => allowed.contains(*scope),
        None => *scope == ADMIN_SCOPE || Action::BUILTIN.contains(&scope.as_str()),
    };
    match scopes.iter().find(|scope| !is_known(scope)) {
        Some(unknown) => Err(PolicyError::ScopeUnknown {
            scope: excerpt(unknown),
        }),
        None => Ok(scopes),
    }
}

fn names(argument: &'static str, given: Vec<Option<String>>) -> Result<Vec<String>, PolicyError> {
    if given.len() > MAX_NAMES {
        return Err(unfit_names(argument));
    }
    let mut names: Vec<String> = Vec::with_capacity(given.len());
    for name in given {
        let name = name.ok_or_else(|| unfit_names(argument))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn unfit_names(argument: &'static str) -> PolicyError {
    let least = usize::from(argument == "actions");
    PolicyError::argument(
        argument,
        format!("an array of {least} to {MAX_NAMES} names"),
    )
}

impl PolicyChanges {
    /// Reads the JSON text of changes.
    pub fn parse(changes: &str) -> Result<Self, PolicyError> {
        let is_object = changes.trim_start().starts_with('{');
        let members: Option<BTreeMap<String, &RawValue>> = is_object
            .then(|| serde_json::from_str(changes).ok())
            .flatten();
        let mut parsed = PolicyChanges::default();
        for (key, raw) in members.ok_or(PolicyError::ChangesNotObject)? {
            parsed.take(&key, raw.get())?;
        }
        Ok(parsed)
    }

    fn take(&mut self, key: &str, raw: &str) -> Result<(), PolicyError> {
        if key == "conditions" {
            self.conditions = Some(raw.to_owned());
            return Ok(());
        }
        let value = || serde_json::from_str::<Value>(raw).unwrap_or(Value::Null);
        match key {
            "description" => {
                self.description = Some(match value() {
                    Value::Null => None,
                    Value::String(text) => Some(checked_description(&text)?.to_owned()),
                    _ => return Err(PolicyError::argument("description", "a string or null")),
                });
            }
            "effect" => {
                let effect = value();
                self.effect = Some(checked_effect(effect.as_str().unwrap_or_default())?);
            }
            "actions" => self.actions = Some(strings("actions", value())?),
            "allowed_scopes" => {
                self.allowed_scopes = Some(match value() {
                    Value::Null => None,
                    other => Some(strings("allowed_scopes", other)?),
                });
            }
            "priority" => {
                let priority = value().as_i64().and_then(|n| i32::try_from(n).ok());
                let wanted = "an integer of 32 bits";
                self.priority =
                    Some(priority.ok_or_else(|| PolicyError::argument("priority", wanted))?);
            }
            "is_active" => {
                let is_active = value().as_bool();
                let wanted = "true or false";
                self.is_active =
                    Some(is_active.ok_or_else(|| PolicyError::argument("is_active", wanted))?);
            }
            _ => return Err(PolicyError::ChangeUnknown { key: excerpt(key) }),
        }
        Ok(())
    }
}

/// The elements of an array; none for what is no string.
fn strings(argument: &'static str, value: Value) -> Result<Vec<Option<String>>, PolicyError> {
    let Value::Array(elements) = value else {
        return Err(unfit_names(argument));
    };
    let strings = elements.into_iter().map(|element| match element {
        Value::String(text) => Some(text),
        _ => None,
    });
    Ok(strings.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some(names: &[&str]) -> Vec<Option<String>> {
        names.iter().map(|name| Some((*name).to_owned())).collect()
    }

    #[test]
    fn names_of_policies() {
        for good in ["a", "office-hours", "p_2", &"a".repeat(50)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "2p", "-a", "a b", "é", "a\0", &"a".repeat(51)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn actions_are_known() {
        let own = ["publish".to_owned()];
        let all = some(&["read", "publish", "read", "*"]);
        assert_eq!(
            checked_actions(all, &own).unwrap(),
            ["read", "publish", "*"]
        );
        for bad in [
            some(&[]),
            some(&["admin"]),
            some(&["Read"]),
            some(&["publish", ""]),
            vec![None],
            some(&["read"; 51]),
        ] {
            assert!(checked_actions(bad, &own).is_err());
        }
        assert!(checked_actions(some(&["publish"]), &[]).is_err());
    }

    #[test]
    fn scopes_are_those_of_the_tool() {
        let named = ["read".to_owned(), "publish".to_owned()];
        let allow = |scopes: &[&str], allowed| checked_scopes(Effect::Allow, some(scopes), allowed);
        assert!(allow(&["read", "admin"], None).is_ok());
        assert!(allow(&[], None).is_ok());
        assert!(allow(&["publish"], None).is_err());
        assert!(allow(&["*"], None).is_err());
        assert!(allow(&["publish"], Some(&named)).is_ok());
        assert!(allow(&["write"], Some(&named)).is_err());
        assert_eq!(
            checked_scopes(Effect::Deny, some(&[]), None),
            Err(PolicyError::ScopesOfDeny)
        );
    }

    #[test]
    fn changes_name_what_changes() {
        let changes = PolicyChanges::parse(
            r#"{"description": " x ", "effect": "deny", "actions": ["read", 1], "conditions": {"roles": ["a"]},
                "allowed_scopes": null, "priority": -3, "is_active": false}"#,
        )
        .unwrap();
        assert_eq!(
            changes,
            PolicyChanges {
                description: Some(Some("x".into())),
                effect: Some(Effect::Deny),
                actions: Some(vec![Some("read".into()), None]),
                conditions: Some(r#"{"roles": ["a"]}"#.into()),
                allowed_scopes: Some(None),
                priority: Some(-3),
                is_active: Some(false),
            }
        );
        assert_eq!(PolicyChanges::parse("{}"), Ok(PolicyChanges::default()));
    }

    #[test]
    fn bad_changes_are_named() {
        for (changes, named) in [
            ("[]", "changes"),
            ("null", "changes"),
            (r#"{"name": "b"}"#, "'name'"),
            (r#"{"effect": "perhaps"}"#, "effect"),
            (r#"{"effect": null}"#, "effect"),
            (r#"{"actions": "read"}"#, "actions"),
            (r#"{"allowed_scopes": {}}"#, "allowed_scopes"),
            (r#"{"priority": 1.5}"#, "priority"),
            (r#"{"priority": 2147483648}"#, "priority"),
            (r#"{"is_active": null}"#, "is_active"),
            (r#"{"description": ""}"#, "description"),
            (r#"{"description": 1}"#, "description"),
        ] {
            let message = PolicyChanges::parse(changes).unwrap_err().message();
            assert!(message.contains(named), "{changes}: {message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", key in "description|effect|actions|allowed_scopes|priority|is_active") {
            let _ = PolicyChanges::parse(&text);
            let _ = PolicyChanges::parse(&format!("{{\"{key}\": {text}}}"));
        }
    }
}
