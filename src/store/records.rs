//! Records of tools: storing and listing them.

use std::cell::Cell;

use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::page::Page;
use crate::model::schema::FieldType;
use crate::pg::cache;
use crate::pg::compat::{LOCK_FOR_READING, LOCK_FOR_WRITING};
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::json_writer::JsonWriter;
use crate::pg::jsonb::Jsonb;
use crate::pg::report::Failure;
use crate::pg::row::Row;
use crate::pg::subtransaction::atomically;
use crate::pg::table::NextRow;

use super::changes::{self, Operation};
use super::gate::{self, Act, Carried, Counted};
use super::{once, quota, validate};

/// Stores a record and gives its id; none if a trigger on the table took the
/// row away. With an idempotency key that was used already nothing is stored, and
/// the id is that of the record that was.
pub fn store(
    tool_name: Option<&str>,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
    idempotency_key: Option<&str>,
) -> Result<Option<i64>, Error> {
    let name = name_of_tool(tool_name)?;
    store_as(
        Act::Write,
        &name,
        token,
        payload,
        idempotency_key,
        |_, write| write(),
    )
}

/// The same for a caller that answers faults instead of raising them: what was
/// written before one is undone. That takes a subtransaction, and so a second
/// transaction id; a tool that refuses a record before it writes needs none.
pub fn store_or_undo<E: From<Error> + From<Failure>>(
    tool_name: Option<&str>,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
    idempotency_key: Option<&str>,
) -> Result<Option<i64>, E> {
    let name = name_of_tool(tool_name)?;
    store_as(
        Act::Write,
        &name,
        token,
        payload,
        idempotency_key,
        |tool, write| {
            if idempotency_key.is_none() && refuses_before_writing(tool) {
                Ok(write()?)
            } else {
                atomically(|| Ok(write()?))
            }
        },
    )
}

/// True if storing a valid record fails only for reasons that lie outside of the
/// record, such as a full disk: those are raised, and end the transaction.
fn refuses_before_writing(tool: &CompiledTool) -> bool {
    tool.columns.len() <= MOST_FIELDS_THAT_FIT
        && !tool.options.is_limited()
        && tool.table.inserts_only_by_id(&field_columns(tool))
}

/// So many fields fit a page, whatever is in them.
const MOST_FIELDS_THAT_FIT: usize = 200;

/// Stores a record for a caller who may do this. What writes goes through `around`.
pub(super) fn store_as<E: From<Error>>(
    act: Act,
    name: &ToolName,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
    idempotency_key: Option<&str>,
    around: impl FnOnce(
        &CompiledTool,
        &dyn Fn() -> Result<Option<i64>, Error>,
    ) -> Result<Option<i64>, E>,
) -> Result<Option<i64>, E> {
    let mut counted = Counted::default();
    loop {
        let tool = gate::open(name, token, act, Carried::new(payload), &mut counted)?;
        tool.check_active()?;
        let payload = payload.ok_or(Error::ArgumentNull {
            argument: "payload",
        })?;
        let object = payload.as_object().ok_or(Error::PayloadNotObject)?;
        let row = validate::row(&tool, object)?;
        if cache::lock(name, &tool, LOCK_FOR_WRITING) {
            return around(&tool, &|| match idempotency_key {
                None => insert(&tool, &row),
                Some(key) => once::store(&tool, key, payload, || insert(&tool, &row)),
            });
        }
    }
}

fn insert(tool: &CompiledTool, row: &Row) -> Result<Option<i64>, Error> {
    quota::check(tool)?;
    let id = insert_and_announce(tool, row)?;
    if id.is_some() {
        quota::take(tool, 1)?;
    }
    Ok(id)
}

fn insert_and_announce(tool: &CompiledTool, row: &Row) -> Result<Option<i64>, Error> {
    let id = changes::unique(tool, || tool.table.insert(&field_columns(tool), row))?;
    if let Some(id) = id {
        changes::announce(tool, Operation::Insert, id);
    }
    Ok(id)
}

/// Stores the records of an array and gives their number. The error of the
/// first bad one has its index; then none is stored, as the caller raises it.
pub fn store_many(
    tool_name: Option<&str>,
    token: Option<&str>,
    payloads: Option<Jsonb<'_>>,
) -> Result<i64, Error> {
    let name = name_of_tool(tool_name)?;
    let mut counted = Counted::default();
    loop {
        let tool = gate::open(
            &name,
            token,
            Act::Write,
            Carried::new(payloads),
            &mut counted,
        )?;
        tool.check_active()?;
        let payloads = payloads.ok_or(Error::ArgumentNull {
            argument: "payloads",
        })?;
        let payloads = payloads.as_array().ok_or(Error::PayloadsNotArray)?;
        if !cache::lock(&name, &tool, LOCK_FOR_WRITING) {
            continue;
        }
        let mut payloads = payloads.enumerate();
        return insert_many(&tool, |row: &mut Row| {
            let (index, payload) = payloads.next()?;
            let object = payload.as_object().ok_or(Error::PayloadNotObject);
            let made = object.and_then(|object| validate::fill(row, &tool, object));
            Some(made.map_err(|fault| in_record(index, fault)))
        });
    }
}

fn in_record(index: usize, fault: Error) -> Error {
    Error::InRecord {
        index,
        fault: Box::new(fault),
    }
}

fn insert_many(tool: &CompiledTool, mut next: impl NextRow<Error>) -> Result<i64, Error> {
    quota::check(tool)?;
    let at = Cell::new(0);
    let stored = if tool.options.notify {
        // Each has an id to announce. That there is no room for all of them does not
        // make the tool full.
        let mut stored = 0;
        let mut row = Row::with_capacity(tool.columns.len());
        while let Some(made) = next(&mut row) {
            made?;
            let id = insert_and_announce(tool, &row).map_err(|fault| in_record(at.get(), fault))?;
            stored += i64::from(id.is_some());
            at.set(at.get() + 1);
        }
        stored
    } else {
        let columns = field_columns(tool);
        changes::unique(tool, || tool.table.insert_many(&columns, next, &at))
            .map_err(|fault| in_record(at.get(), fault))??
    };
    quota::take(tool, stored)?;
    Ok(stored)
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
    let mut counted = Counted::default();
    loop {
        let tool = gate::open(&name, token, Act::Read, Carried::Nothing, &mut counted)?;
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

pub(super) fn field_columns(tool: &CompiledTool) -> Vec<(&str, FieldType)> {
    tool.columns
        .iter()
        .map(|c| (c.name.as_str(), c.field_type))
        .collect()
}

/// The keys of a listed record, in the order of the contract.
pub(super) fn listed_columns(tool: &CompiledTool) -> Vec<(&str, FieldType)> {
    let mut columns = columns_beside_fields(tool);
    columns.extend(field_columns(tool));
    columns
}

/// Those of them that say nothing of what is in the record.
pub(super) fn columns_beside_fields(tool: &CompiledTool) -> Vec<(&str, FieldType)> {
    let mut columns = Vec::with_capacity(tool.columns.len() + 4);
    columns.push(("id", FieldType::Int));
    columns.push(("created_at", FieldType::Timestamp));
    if tool.options.versioned {
        columns.push(("updated_at", FieldType::Timestamp));
        columns.push(("version", FieldType::Int));
    }
    columns
}
