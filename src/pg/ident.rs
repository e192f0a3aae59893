//! The one place where names become SQL identifiers.

use std::fmt;

use crate::model::name::ToolName;
use crate::model::schema::FieldType;

/// The schema of everything that belongs to no project.
pub const DATA_SCHEMA: &str = "projectalpha_data";
/// The table that small tools share (spec 001, section 4.5).
pub const COMMON_TABLE: &str = "multiple_tools";

/// PostgreSQL's limit, in bytes.
const MAX_IDENTIFIER: usize = 63;
/// `n1600_of_` and this fit an identifier.
const MAX_ARCHIVED_TABLE: usize = 54;

/// An identifier, quoted when it is displayed.
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A table with its schema; displayed quoted and qualified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    pub schema: String,
    pub table: String,
}

impl TableName {
    /// The table of a tool that belongs to no project.
    pub fn of_tool(tool: &ToolName) -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: format!("tool_{}", tool.as_str()),
        }
    }

    pub fn common() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: COMMON_TABLE.to_owned(),
        }
    }

    /// A table that is kept of a deleted tool; `time` sorts as text. The tool's
    /// name is cut so that the names of sequence and indexes still fit.
    pub fn archived(&self, tool: &ToolName, time: &str) -> Self {
        let tool = tool.as_str();
        let room = MAX_ARCHIVED_TABLE - "archived__".len() - time.len();
        TableName {
            schema: self.schema.clone(),
            table: format!("archived_{}_{time}", &tool[..tool.len().min(room)]),
        }
    }

    /// What an index or a sequence of this table is called when the table is
    /// renamed: its name with the other table's in it, or a short one with a
    /// number. None if the table's name is no part of it.
    pub fn renamed_along(&self, name: &str, to: &TableName, number: usize) -> Option<String> {
        if !name.contains(&self.table) {
            return None;
        }
        let renamed = name.replacen(&self.table, &to.table, 1);
        if renamed.len() <= MAX_IDENTIFIER {
            Some(renamed)
        } else {
            Some(format!("n{number}_of_{}", to.table))
        }
    }

    /// Names for what a table brings along. They start with another word than
    /// any table does: a tool named `x_id_seq` must not meet the sequence of `x`.
    pub fn sequence(&self) -> TableName {
        self.sibling("id_of")
    }

    pub fn primary_key(&self) -> TableName {
        self.sibling("pk_of")
    }

    pub fn index(&self) -> TableName {
        self.sibling("ix_of")
    }

    fn sibling(&self, prefix: &str) -> TableName {
        TableName {
            schema: self.schema.clone(),
            table: format!("{prefix}_{}", self.table),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", Quoted(&self.schema), Quoted(&self.table))
    }
}

/// `"a", "b"`: a list of columns.
pub fn column_list<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = columns.map(|c| Quoted(c).to_string()).collect();
    quoted.join(", ")
}

/// The type of a field's column, under a name that no search_path can redirect.
fn qualified_type(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Int => "pg_catalog.int8",
        FieldType::Str => "pg_catalog.text",
        FieldType::Bool => "pg_catalog.bool",
        FieldType::Float => "pg_catalog.float8",
        FieldType::Json => "pg_catalog.jsonb",
        FieldType::Timestamp => "pg_catalog.timestamptz",
    }
}

/// `, "a" pg_catalog.int8, ...`: the fields' columns of a new table.
pub fn column_definitions(columns: &[(&str, FieldType)]) -> String {
    columns
        .iter()
        .map(|(name, field_type)| format!(", {} {}", Quoted(name), qualified_type(*field_type)))
        .collect()
}

/// `"a"::pg_catalog.int8, ...`: columns as the types that their fields have, whatever
/// somebody has since made of the columns. A cast to the same type costs nothing.
pub fn select_list(columns: &[(&str, FieldType)]) -> String {
    let cast: Vec<String> = columns
        .iter()
        .map(|(name, field_type)| format!("{}::{}", Quoted(name), qualified_type(*field_type)))
        .collect();
    cast.join(", ")
}
