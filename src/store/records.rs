//! Records of tools: storing and listing them.

use std::rc::Rc;

use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::page::Page;
use crate::model::schema::FieldType;
use crate::pg::cache::{self, CompiledTool};
use crate::pg::compat::{LOCK_FOR_READING, LOCK_FOR_WRITING};
use crate::pg::json_writer::JsonWriter;
use crate::pg::jsonb::Jsonb;

use super::{authorise, validate};

/// Stores a record and gives its id; none if a trigger on the table took the
/// row away.
pub fn store(
    tool_name: Option<&str>,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
) -> Result<Option<i64>, Error> {
    let name = name_of_tool(tool_name)?;
    loop {
        let tool = cache::find(&name)?;
        authorise::tool(&tool, token, "write")?;
        let payload = payload
            .ok_or(Error::ArgumentNull {
                argument: "payload",
            })?
            .as_object()
            .ok_or(Error::PayloadNotObject)?;
        let row = validate::row(&tool, payload)?;
        if cache::lock(&name, &tool, LOCK_FOR_WRITING) {
            return Ok(tool.table.insert(&field_columns(&tool), &row));
        }
    }
}

/// Stores the records of an array and gives their number. The error of the
/// first bad one has its index; then none is stored, as the caller raises it.
pub fn store_many(
    tool_name: Option<&str>,
    token: Option<&str>,
    payloads: Option<Jsonb<'_>>,
) -> Result<i64, Error> {
    let name = name_of_tool(tool_name)?;
    loop {
        let tool = cache::find(&name)?;
        authorise::tool(&tool, token, "write")?;
        let payloads = payloads
            .ok_or(Error::ArgumentNull {
                argument: "payloads",
            })?
            .as_array()
            .ok_or(Error::PayloadsNotArray)?;
        if !cache::lock(&name, &tool, LOCK_FOR_WRITING) {
            continue;
        }
        let rows = payloads.enumerate().map(|(index, payload)| {
            payload
                .as_object()
                .ok_or(Error::PayloadNotObject)
                .and_then(|object| validate::row(&tool, object))
                .map_err(|fault| Error::InRecord {
                    index,
                    fault: Box::new(fault),
                })
        });
        return tool.table.insert_many(&field_columns(&tool), rows);
    }
}

/// Writes a page of records, oldest first, and calls `each` after every one.
/// Public unless the tool is sensitive.
pub fn list(
    tool_name: Option<&str>,
    token: Option<&str>,
    page: Page,
    writer: &mut JsonWriter,
    each: impl FnMut(&mut JsonWriter, i64),
) -> Result<(), Error> {
    let name = name_of_tool(tool_name)?;
    loop {
        let tool = cache::find(&name)?;
        if tool.sensitive {
            authorise::tool(&tool, token, "read")?;
        }
        if cache::lock(&name, &tool, LOCK_FOR_READING) {
            tool.table.list(&listed_columns(&tool), page, writer, each);
            return Ok(());
        }
    }
}

/// A name that cannot be a tool's is that of a tool that does not exist.
pub(super) fn name_of_tool(tool_name: Option<&str>) -> Result<ToolName, Error> {
    let name = tool_name.ok_or(Error::ArgumentNull {
        argument: "tool_name",
    })?;
    ToolName::parse(name).map_err(|_| Error::ToolNotFound)
}

fn field_columns(tool: &CompiledTool) -> Vec<(&str, FieldType)> {
    tool.columns
        .iter()
        .map(|c| (c.name.as_str(), c.field_type))
        .collect()
}

/// The keys of a listed record, in the order of the contract.
fn listed_columns(tool: &Rc<CompiledTool>) -> Vec<(&str, FieldType)> {
    let mut columns = Vec::with_capacity(tool.columns.len() + 4);
    columns.push(("id", FieldType::Int));
    columns.push(("created_at", FieldType::Timestamp));
    if tool.options.versioned {
        columns.push(("updated_at", FieldType::Timestamp));
        columns.push(("version", FieldType::Int));
    }
    columns.extend(field_columns(tool));
    columns
}
