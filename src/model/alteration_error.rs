//! Faults in a change of a tool's definition. Part of [`super::error::Error`].

use super::alteration::{MAX_CHANGES, OPERATIONS};
use super::schema::FieldType;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterationError {
    ChangesMalformed,
    TooManyChanges {
        count: usize,
    },
    /// A change, by its index, that is not one operation we know.
    OperationUnknown {
        index: usize,
    },
    OperationIncomplete {
        operation: &'static str,
        wanted: &'static str,
    },
    NoSuchField {
        field: String,
    },
    /// An option that no field or no tool has.
    OptionUnknown {
        option: String,
    },
    NotWider {
        field: String,
        from: FieldType,
        to: FieldType,
    },
    /// The tool keeps whole payloads.
    NoFields,
    /// Records that are there already do not allow the change.
    RecordsBreak {
        field: String,
        rule: &'static str,
        count: i64,
        ids: Vec<i64>,
    },
}

impl AlterationError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::ChangesMalformed
            | Self::OperationUnknown { .. }
            | Self::OperationIncomplete { .. }
            | Self::OptionUnknown { .. } => "22023",
            Self::TooManyChanges { .. } => "54000",
            Self::NoSuchField { .. } => "42703",
            Self::NotWider { .. } => "42804",
            Self::NoFields => "55000",
            Self::RecordsBreak { rule, .. } => match *rule {
                "required" => "23502",
                "unique" => "23505",
                "widen" => "22003",
                _ => "23514",
            },
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::ChangesMalformed => "Changes must be a JSON object or an array of them".into(),
            Self::TooManyChanges { count } => {
                format!("At most {MAX_CHANGES} changes can be made at once, got {count}")
            }
            Self::OperationUnknown { index } => format!("Change {index} must be one operation"),
            Self::OperationIncomplete { operation, wanted } => {
                format!("Operation '{operation}' needs {wanted}")
            }
            Self::NoSuchField { field } => format!("Unknown field '{field}'"),
            Self::OptionUnknown { option } => format!("Unknown option '{option}'"),
            Self::NotWider { field, from, to } => format!(
                "Field '{field}' cannot be widened from {} to {}",
                from.name(),
                to.name()
            ),
            Self::NoFields => "Tool has no fields".into(),
            Self::RecordsBreak { field, rule, .. } => {
                format!("Existing records do not allow '{rule}' for field '{field}'")
            }
        }
    }

    pub fn detail(&self) -> String {
        match self {
            Self::RecordsBreak { count, ids, .. } => {
                let rows = if *count == 1 { "row" } else { "rows" };
                let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
                format!("{count} {rows}, the first ids: {}", ids.join(", "))
            }
            Self::NoSuchField { .. } => "The tool has no field of that name at this point.".into(),
            Self::NotWider { .. } => "Some values would not be the same afterwards.".into(),
            Self::NoFields => {
                "It was registered without a schema and stores whole payloads.".into()
            }
            Self::OperationUnknown { .. } => format!(
                "A change is an object with one key: {}.",
                OPERATIONS.join(", ")
            ),
            _ => "Nothing was changed.".into(),
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::ChangesMalformed | Self::OperationUnknown { .. } => {
                r#"Example: [{"add": {"name": "rating", "type": "int"}}, {"rename": {"field": "a", "to": "b"}}, {"drop": "c"}]"#
            }
            Self::TooManyChanges { .. } => "Make them in several calls.",
            Self::OperationIncomplete { operation, .. } => match *operation {
                "rename" => r#"Example: {"rename": {"field": "a", "to": "b"}}"#,
                "drop" => r#"Example: {"drop": "a"}"#,
                "widen" => r#"Example: {"widen": {"field": "a", "type": "float"}}"#,
                "set" => r#"Example: {"set": {"field": "a", "required": true, "max": null}}"#,
                "options" => r#"Example: {"options": {"strict": true, "max_records": null}}"#,
                _ => r#"Example: {"add": {"name": "rating", "type": "int", "default": 0}}"#,
            },
            Self::NoSuchField { .. } => {
                "SELECT schema_definition FROM projectalpha.registered_tools shows the fields."
            }
            Self::OptionUnknown { .. } => {
                "Fields: required, unique, index, default, min, max, max_length, pattern, enum, json_schema. \
                 Tools: strict, versioned, notify, max_records, max_bytes, sensitive, description."
            }
            Self::NotWider { .. } => "An int can become a float, and anything json.",
            Self::NoFields => "Register another tool with a schema, and copy what is to be kept.",
            Self::RecordsBreak { rule, .. } => match *rule {
                "widen" => "A float holds integers up to 9007199254740992 exactly. Widen to json, or change these records.",
                "required" => "Give a new field a default. Otherwise change these records first.",
                _ => "Change or delete these records first.",
            },
        }
    }
}
