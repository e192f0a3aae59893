//! The one place where names become SQL identifiers.

use std::fmt;

use crate::model::access_log::Month;
use crate::model::name::ToolName;
use crate::model::project::ProjectId;
use crate::model::scalar::Scalar;
use crate::model::schema::{Field, FieldType};
use crate::model::token::Digest;

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

    /// The table of a tool in a project's schema.
    pub fn of_tool_in(tool: &ToolName, project: ProjectId) -> Self {
        TableName::in_project(project, &Self::of_tool(tool).table)
    }

    /// A table in a project's schema.
    pub fn in_project(project: ProjectId, table: &str) -> Self {
        TableName {
            schema: project.schema_name(),
            table: table.to_owned(),
        }
    }

    /// A table of the extension's own.
    pub fn of_configuration(table: &str) -> Self {
        TableName {
            schema: "projectalpha".to_owned(),
            table: table.to_owned(),
        }
    }

    pub fn common() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: COMMON_TABLE.to_owned(),
        }
    }

    /// The idempotency keys that were used.
    pub fn idempotency_keys() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: "idempotency_keys".to_owned(),
        }
    }

    /// Those that a project's tokens used.
    pub fn idempotency_keys_in(project: ProjectId) -> Self {
        TableName::in_project(project, &Self::idempotency_keys().table)
    }

    /// The calls of language models.
    pub fn llm_usage() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: "llm_usage".to_owned(),
        }
    }

    /// Who had which secret shown.
    pub fn secret_reads() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: "secret_reads".to_owned(),
        }
    }

    /// What was attempted with tools.
    pub fn access_logs() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: "access_logs".to_owned(),
        }
    }

    /// Its partition for a month.
    pub fn access_logs_of(month: Month) -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: format!("{}_{}", Self::access_logs().table, month.suffix()),
        }
    }

    /// The month of a partition with this name, and the partition.
    pub fn month_of_access_logs(name: &str) -> Option<(Month, Self)> {
        let suffix = name.strip_prefix(&Self::access_logs().table)?;
        let month = Month::of_suffix(suffix.strip_prefix('_')?)?;
        Some((month, Self::access_logs_of(month)))
    }

    /// Up to where the access log is summarised.
    pub fn access_log_horizons() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: "access_log_horizons".to_owned(),
        }
    }

    /// The figures that come of it.
    pub fn api_usage() -> Self {
        TableName {
            schema: DATA_SCHEMA.to_owned(),
            table: "api_usage".to_owned(),
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
    /// number. None if neither the table's name nor its start, as the indexes of
    /// fields have it, is part of it.
    pub fn renamed_along(&self, name: &str, to: &TableName, number: usize) -> Option<String> {
        if !name.contains(self.start()) {
            return None;
        }
        let renamed = name.replacen(&self.table, &to.table, 1);
        if renamed != name && renamed.len() <= MAX_IDENTIFIER {
            Some(renamed)
        } else {
            Some(format!("n{number}_of_{}", to.table))
        }
    }

    /// The table as messages name it: one that belongs to a project with its schema.
    pub fn shown(&self) -> String {
        match ProjectId::of_schema(&self.schema) {
            Some(_) => format!("{}.{}", self.schema, self.table),
            None => self.table.clone(),
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

    /// The index of a field. A hash of both names keeps it within the limit of an
    /// identifier and apart from those of other fields.
    pub fn index_of_field(&self, field: &str, unique: bool) -> TableName {
        let hash = Digest::of(&format!("{}.{field}", self.table));
        let hash: String = hash.as_bytes()[..6]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let prefix = if unique { "uq" } else { "ix" };
        TableName {
            schema: self.schema.clone(),
            table: format!("{prefix}_of_{}_{hash}", self.start()),
        }
    }

    /// As much of the name as the indexes of fields have room for.
    fn start(&self) -> &str {
        let end = self.table.floor_char_boundary(40);
        &self.table[..end]
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
pub fn column_type(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Int => "pg_catalog.int8",
        FieldType::Str => "pg_catalog.text",
        FieldType::Bool => "pg_catalog.bool",
        FieldType::Float => "pg_catalog.float8",
        FieldType::Json => "pg_catalog.jsonb",
        FieldType::Timestamp => "pg_catalog.timestamptz",
    }
}

/// A string constant, whatever `standard_conforming_strings` says.
fn string_constant(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// The default of a field as a constant of the column's type. DDL takes no
/// parameters.
pub fn default_constant(field: &Field) -> Option<String> {
    let default = field.rules.default.as_ref()?;
    let type_name = column_type(field.field_type);
    if field.field_type == FieldType::Json {
        return Some(format!(
            "{}::{type_name}",
            string_constant(&default.to_string())
        ));
    }
    Some(match Scalar::from_json(field.field_type, default)? {
        Scalar::Str(text) => format!("{}::{type_name}", string_constant(&text)),
        Scalar::Timestamp(_, microseconds) => format!(
            "('2000-01-01 00:00:00+00'::pg_catalog.timestamptz OPERATOR(pg_catalog.+) \
             '{microseconds} microseconds'::pg_catalog.interval)"
        ),
        other => format!("'{}'::{type_name}", other.to_json()),
    })
}

/// `"a" pg_catalog.int8`: a column that is added.
pub fn column_definition(field: &Field) -> String {
    format!("{} {}", Quoted(&field.name), column_type(field.field_type))
}

/// `pg_catalog.to_jsonb("a"::pg_catalog.int8)`: a column as a wider type.
pub fn widened(column: &str, from: FieldType, to: FieldType) -> String {
    let value = format!("{}::{}", Quoted(column), column_type(from));
    match to {
        FieldType::Json if from != FieldType::Json => format!("pg_catalog.to_jsonb({value})"),
        _ => format!("({value})::{}", column_type(to)),
    }
}

/// `, "a" pg_catalog.int8 NOT NULL, ...`: the fields' columns of a new table.
pub fn field_definitions(fields: &[Field]) -> String {
    fields
        .iter()
        .map(|field| {
            let required = if field.rules.required {
                " NOT NULL"
            } else {
                ""
            };
            format!(
                ", {} {}{required}",
                Quoted(&field.name),
                column_type(field.field_type)
            )
        })
        .collect()
}

/// `, "a" pg_catalog.int8, ...`: columns without rules of a new table.
pub fn column_definitions(columns: &[(&str, FieldType)]) -> String {
    columns
        .iter()
        .map(|(name, field_type)| format!(", {} {}", Quoted(name), column_type(*field_type)))
        .collect()
}

/// `"a"::pg_catalog.int8, ...`: columns as the types that their fields have, whatever
/// somebody has since made of the columns. A cast to the same type costs nothing.
pub fn select_list(columns: &[(&str, FieldType)]) -> String {
    let cast: Vec<String> = columns.iter().map(|c| typed_column(c.0, c.1)).collect();
    cast.join(", ")
}

/// `"a"::pg_catalog.int8`: one such column.
pub fn typed_column(name: &str, field_type: FieldType) -> String {
    format!("{}::{}", Quoted(name), column_type(field_type))
}
