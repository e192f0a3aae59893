//! One record of a tool: reading, changing and deleting it, by its id.

use std::rc::Rc;

use crate::model::error::Error;
use crate::model::revision::{Revision, Wanted};
use crate::model::schema::FieldType;
use crate::pg::cache;
use crate::pg::compat::{LOCK_FOR_READING, LOCK_FOR_WRITING};
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::json_writer::JsonWriter;
use crate::pg::jsonb::{JsonValue, Jsonb, Object};
use crate::pg::record::Target;
use crate::pg::row::Row;
use crate::pg::spi::{with_latest_snapshot, Param};

use super::changes::{self, Operation};
use super::gate::{self, Act, Carried, Counted};
use super::quota;
use super::records::{columns_beside_fields, field_columns, listed_columns, name_of_tool};
use super::validate::{self, Violation};

/// Which record, and which states of it may be changed (none: any).
pub struct Which<'a> {
    pub tool_name: Option<&'a str>,
    pub token: Option<&'a str>,
    pub id: Option<i64>,
    pub wanted: Option<Wanted<'a>>,
}

impl Which<'_> {
    fn id(&self) -> Result<i64, Error> {
        self.id.ok_or(Error::ArgumentNull { argument: "id" })
    }

    fn versions(&self, tool: &CompiledTool) -> Option<Vec<i64>> {
        self.wanted
            .map(|wanted| wanted.versions(tool.schema_version))
    }
}

/// Writes a record. Public unless the tool is sensitive. Gives its revision, if the
/// tool is versioned.
pub fn get(which: &Which<'_>, writer: &mut JsonWriter) -> Result<Option<Revision>, Error> {
    let name = name_of_tool(which.tool_name)?;
    let mut counted = Counted::default();
    loop {
        let tool = gate::open(
            &name,
            which.token,
            Act::Read,
            Carried::Nothing,
            &mut counted,
        )?;
        let id = which.id()?;
        if cache::lock(&name, &tool, LOCK_FOR_READING) {
            let found = tool.table.get(&listed_columns(&tool), id, writer);
            return found
                .map(|record| revision(&tool, record.version))
                .ok_or(Error::RecordNotFound { id });
        }
    }
}

/// Sets the fields that `changes` names, null clears one, and writes the record as
/// it is then: for whoever may not read, without its fields. Gives its revision, if the
/// tool is versioned.
pub fn update(
    which: &Which<'_>,
    changes: Option<Jsonb<'_>>,
    writer: &mut JsonWriter,
) -> Result<Option<Revision>, Error> {
    let tool = locked(which, Act::Update, Carried::changes(changes))?;
    let id = which.id()?;
    let changes = changes.ok_or(Error::ArgumentNull {
        argument: "changes",
    })?;
    let object = changes.as_object().ok_or(Error::PayloadNotObject)?;
    let versions = which.versions(&tool);
    let target = Target {
        id,
        versions: versions.as_deref(),
    };
    let listed = if gate::also_reads(&tool, which.token)? {
        listed_columns(&tool)
    } else {
        columns_beside_fields(&tool)
    };
    let changed = if tool.whole_payload {
        if object.entries().next().is_none() {
            return unchanged(&tool, &target, &listed, writer);
        }
        let cleared = null_keys(object);
        let changes = Param::document(changes);
        tool.table.merge(&listed, &target, changes, cleared, writer)
    } else {
        let row = changed_fields(&tool, object)?;
        if row.names_nothing() {
            return unchanged(&tool, &target, &listed, writer);
        }
        let columns = field_columns(&tool);
        changes::unique(&tool, || {
            tool.table.update(&columns, &listed, &target, &row, writer)
        })?
    };
    let record = changed.ok_or_else(|| missed(&tool, &target))?;
    changes::announce(&tool, Operation::Update, id);
    Ok(revision(&tool, record.version))
}

fn revision(tool: &CompiledTool, version: Option<i64>) -> Option<Revision> {
    version.map(|version| Revision {
        version,
        schema: tool.schema_version,
    })
}

/// A change that names no field changes nothing, not even the version.
fn unchanged(
    tool: &CompiledTool,
    target: &Target<'_>,
    listed: &[(&str, FieldType)],
    writer: &mut JsonWriter,
) -> Result<Option<Revision>, Error> {
    let id = target.id;
    let record = with_latest_snapshot(|| tool.table.get(listed, id, writer))
        .ok_or(Error::RecordNotFound { id })?;
    match (target.versions, record.version) {
        (Some(wanted), Some(version)) if !wanted.contains(&version) => {
            Err(Error::VersionChanged { id, version })
        }
        (_, version) => Ok(revision(tool, version)),
    }
}

pub fn delete(which: &Which<'_>) -> Result<(), Error> {
    let tool = locked(which, Act::Delete, Carried::Nothing)?;
    let id = which.id()?;
    let versions = which.versions(&tool);
    let target = Target {
        id,
        versions: versions.as_deref(),
    };
    if !tool.table.delete(&target) {
        return Err(missed(&tool, &target));
    }
    quota::forget(&tool);
    changes::announce(&tool, Operation::Delete, id);
    Ok(())
}

/// Stores a record, or changes the one that has the same value in the unique field
/// `on_field`. Gives its id, and whether it is a new one.
pub fn upsert(
    tool_name: Option<&str>,
    token: Option<&str>,
    payload: Option<Jsonb<'_>>,
    on_field: Option<&str>,
) -> Result<Option<(i64, bool)>, Error> {
    let which = Which {
        tool_name,
        token,
        id: None,
        wanted: None,
    };
    let tool = locked(&which, Act::Upsert, Carried::new(payload))?;
    let object = validate::object("payload", payload)?;
    let on_field = on_field.ok_or(Error::ArgumentNull {
        argument: "on_field",
    })?;
    let on = tool
        .columns
        .iter()
        .position(|c| c.name == on_field && c.unique)
        .ok_or_else(|| Error::FieldNotUnique {
            field: crate::model::name::excerpt(on_field),
        })?;
    let row = validate::row(&tool, object)?;
    if row.is_null(on) {
        return Err(Error::UpsertValueMissing {
            field: on_field.to_owned(),
        });
    }
    let named: Vec<bool> = tool
        .columns
        .iter()
        .map(|c| object.get(&c.name).is_some())
        .collect();
    let done = changes::unique(&tool, || {
        tool.table.upsert(&field_columns(&tool), &row, &named, on)
    })?;
    if let Some((id, inserted)) = done {
        let operation = if inserted {
            quota::take(&tool, 1)?;
            Operation::Insert
        } else {
            Operation::Update
        };
        changes::announce(&tool, operation, id);
    }
    Ok(done)
}

/// Everything that is wrong with a payload; nothing is stored. A sensitive tool
/// shows its fields to holders of its token alone.
pub fn validate(
    tool_name: Option<&str>,
    payload: Option<Jsonb<'_>>,
    token: Option<&str>,
) -> Result<Vec<Violation>, Error> {
    let name = name_of_tool(tool_name)?;
    let tool = gate::open(
        &name,
        token,
        Act::Check,
        Carried::new(payload),
        &mut Counted::default(),
    )?;
    let object = validate::object("payload", payload)?;
    Ok(validate::violations(&tool, object))
}

/// The tool, locked for writing, for a caller who may do this.
fn locked(which: &Which<'_>, act: Act, carried: Carried<'_>) -> Result<Rc<CompiledTool>, Error> {
    let name = name_of_tool(which.tool_name)?;
    let mut counted = Counted::default();
    loop {
        let tool = gate::open(&name, which.token, act, carried, &mut counted)?;
        tool.check_active()?;
        if which.wanted.is_some() && !tool.options.versioned {
            return Err(Error::NotVersioned {
                tool: name.as_str().to_owned(),
            });
        }
        if cache::lock(&name, &tool, LOCK_FOR_WRITING) {
            return Ok(tool);
        }
    }
}

/// The fields to set, checked like those of a new record.
fn changed_fields(tool: &CompiledTool, changes: Object<'_>) -> Result<Row, Error> {
    let mut row = Row::with_capacity(tool.columns.len());
    for (column, value) in tool.columns.iter().zip(changes.values_of(&tool.keys)) {
        match value {
            Some(value) => validate::push_checked(&mut row, column, value)?,
            None => row.push_missing(),
        }
    }
    if tool.options.strict {
        validate::refuse_unknown(tool, changes, &[])?;
    }
    Ok(row)
}

fn null_keys(changes: Object<'_>) -> Vec<String> {
    changes
        .entries()
        .filter(|(_, value)| matches!(value, JsonValue::Null))
        .map(|(key, _)| key.to_owned())
        .collect()
}

/// Why a record was not there to be changed. A trigger on the table may have left
/// it as it is: only a version that was asked for can be the wrong one.
fn missed(tool: &CompiledTool, target: &Target<'_>) -> Error {
    let id = target.id;
    let version = target.versions.and_then(|_| tool.table.version(id));
    match version {
        Some(version) => Error::VersionChanged { id, version },
        None => Error::RecordNotFound { id },
    }
}
