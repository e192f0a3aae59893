//! Reading the catalogue of tools: one as it was registered, or a page of all.

use pgrx::pg_sys;

use super::json_writer::JsonWriter;
use super::registry::read;
use super::spi::{KeptStatement, Rows};
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::schema::FieldType;

/// A tool as it was registered.
pub struct Registered {
    pub id: i64,
    /// JSON text; none means that the tool stores whole payloads.
    pub schema_definition: Option<String>,
    pub sensitive: bool,
    pub description: Option<String>,
    pub options: ToolOptions,
    /// False for an entry of the catalogue alone.
    pub has_table: bool,
}

/// SQL: whether all of tool `d` is for a reader to whom the tools $3 are opened, or with
/// $4 any.
macro_rules! is_open {
    () => {
        "(NOT d.sensitive OR $4 OR d.tool_name OPERATOR(pg_catalog.=) ANY ($3))"
    };
}
pub(super) use is_open;

thread_local! {
    static REGISTERED: KeptStatement = const { KeptStatement::new(
        "SELECT t.schema_definition::pg_catalog.text, t.sensitive, t.description, \
                t.options::pg_catalog.text, t.id, \
                pg_catalog.to_jsonb(t) OPERATOR(pg_catalog.->>) 'storage' \
         FROM projectalpha.tools AS t WHERE t.tool_name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
    /// The last column says whether the rest of a row is for the holder of that token.
    static PAGE: KeptStatement = const { KeptStatement::new(
        concat!(
            "SELECT d.tool_name, d.endpoint, d.sensitive, d.token_kind, d.fields, d.description, d.created_at, ",
            is_open!(),
            " FROM projectalpha.tool_directory AS d WHERE d.tool_name OPERATOR(pg_catalog.>) $1 \
             ORDER BY d.tool_name LIMIT $2",
        ),
        &[pg_sys::TEXTOID, pg_sys::INT8OID, pg_sys::TEXTARRAYOID, pg_sys::BOOLOID],
    ) };
    /// These tools, in this order; the second array has those that are open. By arrays,
    /// not by a join: the view's parts are then searched by their indexes.
    static NAMED: KeptStatement = const { KeptStatement::new(
        "SELECT d.tool_name, d.endpoint, d.sensitive, d.token_kind, d.fields, d.description, d.created_at, \
                d.tool_name OPERATOR(pg_catalog.=) ANY ($2) \
           FROM projectalpha.tool_directory AS d WHERE d.tool_name OPERATOR(pg_catalog.=) ANY ($1) \
          ORDER BY pg_catalog.array_position($1, d.tool_name)",
        &[pg_sys::TEXTARRAYOID, pg_sys::TEXTARRAYOID],
    ) };
}

/// What a page shows of a tool; the first four of one that is closed to the reader.
const COLUMNS: [(&str, FieldType); 7] = [
    ("tool_name", FieldType::Str),
    ("endpoint", FieldType::Str),
    ("sensitive", FieldType::Bool),
    ("token_kind", FieldType::Str),
    ("fields", FieldType::Json),
    ("description", FieldType::Str),
    ("created_at", FieldType::Timestamp),
];
const COLUMNS_OF_CLOSED: usize = 4;

pub fn registered(name: &ToolName) -> Option<Registered> {
    REGISTERED.with(|query| {
        read(query, vec![name.as_str().into()], |rows| {
            rows.first().map(|row| Registered {
                schema_definition: row.get(1),
                sensitive: row.get(2).unwrap_or(true),
                description: row.get(3),
                options: ToolOptions::parse(row.get::<String>(4).as_deref()),
                id: row.get(5).unwrap_or_default(),
                has_table: row.get::<String>(6).is_none_or(|storage| storage != "none"),
            })
        })
    })
}

/// Writes the tools after a name, in the order of their names, and calls `each`
/// with the name after every one. Sensitive tools are shown in full if they are `opened`,
/// or all of them if `all_open`.
pub fn list(
    after: &str,
    limit: i64,
    opened: Vec<String>,
    all_open: bool,
    writer: &mut JsonWriter,
    mut each: impl FnMut(&mut JsonWriter, String),
) {
    let params = vec![after.into(), limit.into(), opened.into(), all_open.into()];
    PAGE.with(|query| read(query, params, |rows| write_rows(rows, writer, &mut each)));
}

/// Writes these tools, in their order; in full those that are open to the reader.
pub fn named(
    names: Vec<String>,
    open: Vec<String>,
    writer: &mut JsonWriter,
    mut each: impl FnMut(&mut JsonWriter, String),
) {
    let params = vec![names.into(), open.into()];
    NAMED.with(|query| read(query, params, |rows| write_rows(rows, writer, &mut each)));
}

fn write_rows(rows: &Rows, writer: &mut JsonWriter, each: &mut dyn FnMut(&mut JsonWriter, String)) {
    for row in (0..rows.count()).filter_map(|index| rows.get(index)) {
        let is_open = row.get(COLUMNS.len() as i32 + 1).unwrap_or(false);
        let shown = if is_open {
            COLUMNS.len()
        } else {
            COLUMNS_OF_CLOSED
        };
        writer.record(&COLUMNS[..shown], &row.values(shown));
        each(writer, row.get(1).unwrap_or_default());
    }
}
