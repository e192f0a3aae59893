//! The first line of an export, and what can be wrong with an export as a whole.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::options::ToolOptions;

/// The version of the format. One that knows more than this is refused: it might
/// say of a tool what we would then not do.
const VERSION: u32 = 1;

/// A tool without its token: the first line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    projectalpha_export: u32,
    pub tool_name: String,
    pub sensitive: bool,
    pub description: Option<String>,
    /// The array of fields; null for a tool that stores whole payloads.
    pub schema: Option<Value>,
    #[serde(default)]
    pub options: ToolOptions,
    /// How many records follow; a file that was cut off has fewer. Without it
    /// any number will do.
    pub records: Option<i64>,
}

impl Definition {
    pub fn new(
        tool_name: &str,
        sensitive: bool,
        description: Option<String>,
        schema: Option<Value>,
        options: ToolOptions,
        records: i64,
    ) -> Self {
        Definition {
            projectalpha_export: VERSION,
            tool_name: tool_name.to_owned(),
            sensitive,
            description,
            schema,
            options,
            records: Some(records),
        }
    }

    pub fn to_line(&self) -> String {
        // Strings, numbers and JSON values always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn parse(line: &str) -> Result<Self, Error> {
        let not_one = || Error::Transfer(TransferFault::NotADefinition);
        let value: Value = serde_json::from_str(line).map_err(|_| not_one())?;
        match value.get("projectalpha_export").and_then(Value::as_u64) {
            None => return Err(not_one()),
            Some(version) if version != u64::from(VERSION) => {
                return Err(Error::Transfer(TransferFault::UnknownVersion { version }))
            }
            Some(_) => (),
        }
        if value.get("options").is_some_and(ToolOptions::has_unknown) {
            return Err(not_one());
        }
        serde_json::from_value(value).map_err(|_| not_one())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferFault {
    /// The source is not a table of one text column.
    NotLines,
    /// The source has no line at all.
    Empty,
    NotADefinition,
    UnknownVersion {
        version: u64,
    },
    NotJson,
    RecordsMissing {
        announced: i64,
        found: i64,
    },
    /// PostgreSQL refused a record.
    Refused {
        sqlstate: [u8; 5],
        reason: String,
    },
}

impl TransferFault {
    pub fn sqlstate(&self) -> &str {
        match self {
            TransferFault::NotLines
            | TransferFault::Empty
            | TransferFault::NotADefinition
            | TransferFault::RecordsMissing { .. } => "22023",
            TransferFault::UnknownVersion { .. } => "0A000",
            TransferFault::NotJson => "22P02",
            TransferFault::Refused { sqlstate, .. } => {
                std::str::from_utf8(sqlstate).unwrap_or("XX000")
            }
        }
    }

    pub fn message(&self) -> String {
        match self {
            TransferFault::NotLines => "The source must have one column, of type text".into(),
            TransferFault::Empty => "The source has no lines".into(),
            TransferFault::NotADefinition => "No definition of a tool".into(),
            TransferFault::UnknownVersion { version } => {
                format!("Version {version} of the export format is not known")
            }
            TransferFault::NotJson => "Not a line of JSON".into(),
            TransferFault::RecordsMissing { announced, found } => {
                format!("The export has {announced} records, the source has {found}")
            }
            TransferFault::Refused { reason, .. } => reason.clone(),
        }
    }

    pub fn detail(&self) -> String {
        match self {
            TransferFault::NotLines => "Each of its rows is one line of an export.",
            TransferFault::Empty => "Even a tool without records has a line that defines it.",
            TransferFault::NotADefinition => "The first line of an export defines its tool.",
            TransferFault::UnknownVersion { .. } => "It was written by a later release.",
            TransferFault::NotJson => "Each line is a JSON object.",
            TransferFault::RecordsMissing { .. } => "The first line says how many there are.",
            TransferFault::Refused { .. } => "PostgreSQL did not take the record.",
        }
        .into()
    }

    pub fn hint(&self) -> &'static str {
        match self {
            TransferFault::NotLines => "CREATE TEMP TABLE lines (line text);",
            TransferFault::Empty | TransferFault::NotADefinition => {
                "Load what export_tool() gave into an empty table, with one COPY."
            }
            TransferFault::UnknownVersion { .. } => "Update the extension here first.",
            TransferFault::NotJson => {
                r"COPY lines FROM 'FILE' WITH (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01') keeps backslashes as they are."
            }
            TransferFault::RecordsMissing { .. } => {
                "Export again. For a file that was cut on purpose, take \"records\" out of its first line."
            }
            TransferFault::Refused { .. } => "Nothing was imported.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_definition_reads_back_the_same() {
        let schema = json!([{"name": "n", "type": "int"}]);
        let options = ToolOptions {
            strict: true,
            versioned: true,
            notify: true,
            max_records: Some(1),
            max_bytes: Some(2),
        };
        for (description, schema) in [(None, None), (Some("Línea\n2".to_owned()), Some(schema))] {
            let definition = Definition::new("x", true, description, schema, options.clone(), 7);
            let line = definition.to_line();
            assert!(!line.contains('\n'));
            assert_eq!(Definition::parse(&line), Ok(definition));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for line in [
            "",
            "[]",
            "null",
            r#"{"id": 1}"#,
            r#"{"projectalpha_export": "1", "tool_name": "x", "sensitive": true}"#,
            r#"{"projectalpha_export": 1, "tool_name": "x"}"#,
            r#"{"projectalpha_export": 1, "tool_name": "x", "sensitive": null}"#,
            r#"{"projectalpha_export": 1, "tool_name": "x", "sensitive": true, "unknown": {}}"#,
            r#"{"projectalpha_export": 1, "tool_name": "x", "sensitive": true, "options": {"unknown": 1}}"#,
        ] {
            let expected = Err(Error::Transfer(TransferFault::NotADefinition));
            assert_eq!(Definition::parse(line), expected, "{line}");
        }
        let later = r#"{"projectalpha_export": 2, "anything": "else"}"#;
        assert_eq!(Definition::parse(later).unwrap_err().sqlstate(), "0A000");
    }
}
