//! How a tool is configured (spec 000), and where its records are for that.

use super::name::ToolName;

/// The configuration of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configuration {
    /// Reading and writing need the tool's own token.
    pub sensitive: bool,
    /// It has a table of its own, which is made when it is first posted to.
    pub use_individual_table: bool,
    /// Some of its rows have been moved to its own table, and some may have not.
    pub promoting: bool,
}

/// Where the records of a configured tool are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    CommonTable,
    /// On the way from the common table to its own.
    Both,
    OwnTable,
}

impl Configuration {
    pub fn place(&self) -> Place {
        match (self.use_individual_table, self.promoting) {
            (true, _) => Place::OwnTable,
            (false, true) => Place::Both,
            (false, false) => Place::CommonTable,
        }
    }
}

/// Where records of a configured tool are posted and read over HTTP.
pub fn endpoint(name: &ToolName) -> String {
    format!("/tool-{}", name.as_str())
}

/// The scope of the token that a configured tool has as long as it is not
/// registered. Any sender may be asked for; only tools have such a token.
pub fn own_scope(sender: &str) -> String {
    format!("tool:{sender}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn where_records_are() {
        let place = |use_individual_table, promoting| {
            Configuration {
                sensitive: false,
                use_individual_table,
                promoting,
            }
            .place()
        };
        assert_eq!(place(false, false), Place::CommonTable);
        assert_eq!(place(false, true), Place::Both);
        assert_eq!(place(true, false), Place::OwnTable);
        // Old rows come to the others.
        assert_eq!(place(true, true), Place::OwnTable);
    }

    proptest! {
        #[test]
        fn no_scope_of_a_tool_is_that_of_another_or_a_global_one(a in "\\PC{1,50}", b in "\\PC{1,50}") {
            prop_assert_eq!(own_scope(&a) == own_scope(&b), a == b);
            prop_assert!(!["admin", "common", "read", "write"].contains(&own_scope(&a).as_str()));
        }
    }
}
