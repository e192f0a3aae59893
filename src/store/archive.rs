//! Deleting tools so that they can be brought back, and bringing them back.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::error::Error;
use crate::model::lifecycle_error::LifecycleError;
use crate::model::name::ToolName;
use crate::model::schema::{Field, Schema};
use crate::pg::archive::{self, ArchivedTool};
use crate::pg::ddl::KeepOut;
use crate::pg::ident::TableName;
use crate::pg::project_tools as pg_project_tools;
use crate::pg::{acting, configuration, ddl, history, info, policies, registry, rename_table};

use super::authorise::{self, Caller};
use super::bounded;
use super::project_tools;
use super::records::name_of_tool;
use super::tools::refuse_configured;

/// What came back, and as what.
pub struct Restored {
    pub archived_id: i64,
    pub tool_name: String,
    /// None for an entry of the catalogue alone.
    pub table_name: Option<String>,
}

/// Deletes a tool but keeps its table, under another name, its registration and
/// its credentials. Who is writing to it is waited for; who comes later finds no
/// such tool.
pub fn archive(
    caller: Caller,
    tool_name: Option<&str>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let name = name_of_tool(tool_name)?;
    bounded::within_lock_timeout(name.as_str(), || {
        let tool_id = registry::lock_tool(&name).ok_or(Error::ToolNotFound)?;
        project_tools::refuse_if_used(&name, tool_id)?;
        let table = TableName::of_tool(&name);
        let archived = table.archived(&name, &archive::timestamp());
        let has_table = registry::tool(&name).is_none_or(|tool| tool.has_table);
        let renamed = if has_table {
            rename(&table, &archived)?
        } else {
            BTreeMap::new()
        };
        let by = acting::caller_name();
        archive::keep(tool_id, &archived, &by, &json!(renamed).to_string());
        registry::delete_tool(&name);
        // Or a post would make its table again.
        configuration::delete(&name);
        Ok(())
    })
}

/// Brings an archived tool back with its records, tokens, ids and sequence: the
/// last one that was archived under that name, or the one with that id.
pub fn restore(
    caller: Caller,
    tool_name: Option<&str>,
    archived_id: Option<i64>,
    new_name: Option<&str>,
    admin_token: Option<&str>,
) -> Result<Restored, Error> {
    authorise::admin(caller, admin_token)?;
    let not_found = || Error::from(LifecycleError::ArchivedToolNotFound);
    let archived_name = name_of_tool(tool_name).map_err(|error| match error {
        Error::ToolNotFound => not_found(),
        other => other,
    })?;
    let name = match new_name {
        Some(new_name) => ToolName::parse(new_name)?,
        None => archived_name.clone(),
    };
    bounded::within_lock_timeout(archived_name.as_str(), || {
        let archived = archive::find(Some(&archived_name), archived_id).ok_or_else(not_found)?;
        if !archive::put_back(&archived, &name) {
            return Err(LifecycleError::NameTaken {
                tool: name.as_str().to_owned(),
            }
            .into());
        }
        refuse_configured(&name)?;
        archive::put_configuration_back(&archived, &name);
        let has_table = registry::tool(&name).is_none_or(|tool| tool.has_table);
        let table_name = if has_table {
            Some(rename_back(&archived, &archived_name, &name)?.table)
        } else {
            None
        };
        archive::forget(archived.id);
        note_restoration(caller, &archived);
        Ok(Restored {
            archived_id: archived.id,
            tool_name: name.as_str().to_owned(),
            table_name,
        })
    })
}

fn rename(table: &TableName, archived: &TableName) -> Result<BTreeMap<String, String>, Error> {
    let oid =
        ddl::lock_table(table, KeepOut::Everybody)?.ok_or_else(|| Error::ToolTableMissing {
            table: table.table.clone(),
        })?;
    Ok(rename_table::rename(oid, table, archived))
}

fn rename_back(
    archived: &ArchivedTool,
    archived_name: &ToolName,
    name: &ToolName,
) -> Result<TableName, Error> {
    let oid = ddl::lock_table(&archived.table, KeepOut::Everybody)?.ok_or_else(|| {
        LifecycleError::ArchivedTableMissing {
            table: archived.table.table.clone(),
        }
    })?;
    let before = TableName::of_tool(archived_name);
    let table = TableName::of_tool(name);
    let mut renamed: BTreeMap<String, String> =
        serde_json::from_str(&archived.renamed).unwrap_or_default();
    if before != table {
        let new_names = names_under(&before, &table, name)?;
        for (number, original) in renamed.values_mut().enumerate() {
            let derived = || before.renamed_along(original, &table, number);
            if let Some(new) = new_names.get(original).cloned().or_else(derived) {
                *original = new;
            }
        }
    }
    rename_table::rename_back(oid, &archived.table, &table, &renamed);
    Ok(table)
}

/// What the indexes of fields are called under the new name of the table, by
/// their names under the old one.
fn names_under(
    before: &TableName,
    table: &TableName,
    name: &ToolName,
) -> Result<BTreeMap<String, String>, Error> {
    let row = registry::tool(name).ok_or(Error::ToolNotFound)?;
    let schema = Schema::of_registered(row.schema_definition.as_deref())?;
    let of_field = |table: &TableName, field: &Field| {
        table.index_of_field(&field.name, field.rules.unique).table
    };
    Ok(schema
        .fields()
        .iter()
        .map(|field| (of_field(before, field), of_field(table, field)))
        .collect())
}

fn note_restoration(caller: Caller, archived: &ArchivedTool) {
    let change =
        json!({"restore": {"archived_id": archived.id, "table_name": archived.table.table}});
    history::append(
        archived.tool_id,
        &acting::caller_name(),
        caller.face(),
        &change.to_string(),
    );
}

/// Drops an archived tool for good; a table that is gone already is no error.
pub fn purge(
    caller: Caller,
    archived_id: Option<i64>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let archived_id = archived_id.ok_or(Error::ArgumentNull {
        argument: "archived_id",
    })?;
    let archived =
        archive::find(None, Some(archived_id)).ok_or(LifecycleError::ArchivedToolNotFound)?;
    ddl::drop_table(&archived.table);
    archive::forget(archived.id);
    history::forget(archived.tool_id);
    pg_project_tools::forget_clients(archived.tool_id);
    info::forget(archived.tool_id);
    policies::forget(archived.tool_id);
    Ok(())
}
