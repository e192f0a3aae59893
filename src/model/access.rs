//! Actions, and which scopes allow them.

/// A scope that stands for every action on the tool of its credential.
pub const ADMIN_SCOPE: &str = "admin";

/// What is done with a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    Read,
    /// To store new records.
    Write,
    Update,
    Delete,
    /// An action that only the tool's application knows: one of its allowed scopes.
    Own(&'a str),
}

impl<'a> Action<'a> {
    /// The names of those that every tool has.
    pub const BUILTIN: [&'static str; 4] = ["read", "write", "update", "delete"];

    pub fn parse(name: &'a str) -> Self {
        match name {
            "read" => Action::Read,
            "write" => Action::Write,
            "update" => Action::Update,
            "delete" => Action::Delete,
            own => Action::Own(own),
        }
    }

    /// Also that of the scope that allows it.
    pub fn name(self) -> &'a str {
        match self {
            Action::Read => "read",
            Action::Write => "write",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Own(name) => name,
        }
    }
}

/// True if a credential of a tool with these scopes allows an action. `own_scopes` are
/// the tool's allowed scopes: it has no actions of its own but those. That of an agent
/// needs the very scope; a tool's own allows all but reading if it allows writing.
pub fn allows(
    scopes: &[String],
    is_of_agent: bool,
    action: Action<'_>,
    own_scopes: &[String],
) -> bool {
    let carries = |scope: &str| scopes.iter().any(|s| s == scope);
    match action {
        Action::Own(ADMIN_SCOPE) => return carries(ADMIN_SCOPE),
        Action::Own(name) if !own_scopes.iter().any(|s| s == name) => return false,
        _ => {}
    }
    carries(ADMIN_SCOPE)
        || carries(action.name())
        || (!is_of_agent && action != Action::Read && carries(Action::Write.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owned(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|s| (*s).to_owned()).collect()
    }

    /// Asks of all actions: `publish` is the tool's own, `other` is none.
    fn allowed(scopes: &[&str], is_of_agent: bool) -> Vec<&'static str> {
        let own = owned(&["read", "publish"]);
        ["read", "write", "update", "delete", "publish", "other"]
            .into_iter()
            .filter(|name| allows(&owned(scopes), is_of_agent, Action::parse(name), &own))
            .collect()
    }

    #[test]
    fn a_tools_own_token_that_writes_changes_too() {
        let all = ["read", "write", "update", "delete", "publish"];
        assert_eq!(allowed(&["read", "write"], false), all);
        assert_eq!(allowed(&["read"], false), ["read"]);
        assert_eq!(allowed(&["write"], false), &all[1..]);
        assert_eq!(allowed(&["update"], false), ["update"]);
        assert_eq!(allowed(&["admin"], false), all);
    }

    #[test]
    fn who_is_an_administrator_of_the_tool_can_be_asked() {
        let own = owned(&["read", "write", "admin"]);
        let admin = |scopes: &[&str], is_of_agent| {
            allows(&owned(scopes), is_of_agent, Action::parse("admin"), &own)
        };
        for is_of_agent in [true, false] {
            assert!(admin(&["admin"], is_of_agent));
            assert!(!admin(&["read", "write"], is_of_agent));
        }
    }

    #[test]
    fn an_agents_credential_needs_the_very_scope() {
        assert_eq!(allowed(&["read", "write"], true), ["read", "write"]);
        assert_eq!(allowed(&["publish", "other"], true), ["publish"]);
        assert_eq!(
            allowed(&["admin"], true),
            ["read", "write", "update", "delete", "publish"]
        );
        assert_eq!(allowed(&["agent", "common", "project"], true), [""; 0]);
    }

    proptest! {
        #[test]
        fn a_name_is_the_same_again(name in "[a-z]{1,8}|read|write|update|delete") {
            prop_assert_eq!(Action::parse(&name).name(), name.as_str());
        }

        #[test]
        fn what_an_agent_may_a_tools_own_token_may_too(
            scopes in proptest::collection::vec("read|write|update|delete|admin|a|b", 0..4),
            own in proptest::collection::vec("a|b|read", 0..3),
            name in "read|write|update|delete|a|b",
        ) {
            let action = Action::parse(&name);
            prop_assert!(!allows(&scopes, true, action, &own) || allows(&scopes, false, action, &own));
        }

        #[test]
        fn more_scopes_never_allow_less(
            scopes in proptest::collection::vec("read|write|update|a", 0..4),
            more in "read|write|update|delete|admin|a|b",
            name in "read|write|update|delete|a|b",
            of_agent: bool,
        ) {
            let own = vec!["a".to_owned()];
            let action = Action::parse(&name);
            let mut wider = scopes.clone();
            wider.push(more);
            prop_assert!(!allows(&scopes, of_agent, action, &own) || allows(&wider, of_agent, action, &own));
        }
    }
}
