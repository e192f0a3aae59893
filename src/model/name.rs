//! Names of tools and fields: what is allowed. Anything else is refused, never
//! folded or mangled, so a name that passes needs no quoting anywhere.

use super::error::Error;

/// Longest tool name: `tool_` and the longest suffix still fit an identifier.
pub const MAX_TOOL_NAME: usize = 50;
/// Longest field name: PostgreSQL's limit for a column name.
pub const MAX_FIELD_NAME: usize = 63;
/// Longest sender name in the common table, in characters (spec 001, appendix A).
pub const MAX_SENDER_NAME: usize = 50;

/// Columns that every tool table has.
pub const RESERVED_FIELDS: [&str; 2] = ["id", "created_at"];

/// Columns that the table of a versioned tool has besides.
pub const VERSION_FIELDS: [&str; 2] = ["updated_at", "version"];

/// Columns that PostgreSQL keeps for itself in every table.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"];

/// A tool name that matches `^[a-z][a-z0-9_]{0,49}$`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ToolName(String);

impl ToolName {
    /// Takes `name` if it follows the rule.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let mut bytes = name.bytes();
        let starts_well = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        if starts_well && name.len() <= MAX_TOOL_NAME && bytes.all(is_name_byte) {
            Ok(ToolName(name.to_owned()))
        } else {
            Err(Error::ToolNameInvalid)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks a field name: `^[a-z_][a-z0-9_]{0,62}$`, and none that the table
/// already has.
pub fn check_field_name(name: &str) -> Result<(), Error> {
    let mut bytes = name.bytes();
    let starts_well = bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    if !(starts_well && name.len() <= MAX_FIELD_NAME && bytes.all(is_name_byte)) {
        return Err(Error::FieldNameInvalid {
            field: excerpt(name),
        });
    }
    if RESERVED_FIELDS.contains(&name) || SYSTEM_COLUMNS.contains(&name) {
        return Err(Error::FieldReserved {
            field: name.to_owned(),
        });
    }
    Ok(())
}

/// Checks the name under which a small tool posts to the common table. It is a
/// value, not an identifier, so any printable text will do.
pub fn check_sender_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if length == 0 || length > MAX_SENDER_NAME || name.chars().any(char::is_control) {
        return Err(Error::SenderNameInvalid);
    }
    Ok(())
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'
}

/// The start of a refused name, short enough for an error message.
pub fn excerpt(name: &str) -> String {
    const SHOWN: usize = 64;
    let clean = |c: char| if c.is_control() { '?' } else { c };
    let mut shown: String = name.chars().take(SHOWN).map(clean).collect();
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tool_names_at_the_edges() {
        for good in ["a", "survey_bot", "x1", &"a".repeat(50)] {
            assert!(ToolName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1a",
            "_a",
            "A",
            "a-b",
            "a b",
            "a;",
            "ａ",
            "é",
            "a\0",
            "a\n",
            &"a".repeat(51),
        ] {
            assert!(ToolName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn reserved_fields_are_named_in_the_error() {
        for name in ["id", "created_at", "ctid", "xmin", "tableoid"] {
            let error = check_field_name(name).unwrap_err();
            assert!(error.message().contains(name), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn every_name_of_the_pattern_is_taken(name in "[a-z][a-z0-9_]{0,49}") {
            let parsed = ToolName::parse(&name).unwrap();
            prop_assert_eq!(parsed.as_str(), name.as_str());
        }

        #[test]
        fn no_other_name_is_taken(name in "\\PC*") {
            let follows = name.len() <= 50
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
            prop_assert_eq!(ToolName::parse(&name).is_ok(), follows);
        }

        #[test]
        fn field_names_follow_their_pattern(name in "[a-z_0-9A-Zé\" ]{0,70}") {
            let follows = (1..=63).contains(&name.len())
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
            let taken = RESERVED_FIELDS.contains(&name.as_str())
                || SYSTEM_COLUMNS.contains(&name.as_str());
            prop_assert_eq!(check_field_name(&name).is_ok(), follows && !taken);
        }

        #[test]
        fn an_excerpt_is_short(name in "\\PC*") {
            prop_assert!(excerpt(&name).chars().count() <= 65);
        }
    }
}
