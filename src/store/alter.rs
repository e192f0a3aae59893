//! Changing what a tool is, with the records that it has.

use serde_json::json;

use crate::model::alteration::{Alteration, Definition, Step};
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::policy_error::PolicyError;
use crate::model::registry_error::RegistryError;
use crate::model::schema::Schema;
use crate::pg::ddl::KeepOut;
use crate::pg::existing_records::Since;
use crate::pg::ident::TableName;
use crate::pg::{acting, alter_table, ddl, history, policies, project_tools, registry, report};

use super::authorise::{self, Caller};
use super::records::name_of_tool;
use super::{bounded, existing_records};

/// Makes all changes or none, and gives the number of the schema's new version.
pub fn alter(
    caller: Caller,
    tool_name: Option<&str>,
    changes: Option<&str>,
    admin_token: Option<&str>,
) -> Result<i32, Error> {
    authorise::admin(caller, admin_token)?;
    let name = name_of_tool(tool_name)?;
    let changes = changes.ok_or(Error::ArgumentNull {
        argument: "changes",
    })?;
    bounded::within_lock_timeout(name.as_str(), || {
        // From here on nobody else changes the tool.
        let tool_id = registry::lock_tool(&name).ok_or(Error::ToolNotFound)?;
        let before = definition_of(&name)?;
        let alteration = Alteration::parse(&before, changes)?;
        refuse_without_table(&name, &before, &alteration)?;
        refuse_fields_of_policies(tool_id, &before, &alteration)?;
        history::ensure_last_version(tool_id);
        alter_table(&TableName::of_tool(&name), &before, &alteration)?;

        let now = &alteration.definition;
        registry::update_tool(
            tool_id,
            now.schema.to_json().as_deref(),
            now.sensitive,
            now.options.to_json().as_deref().unwrap_or("{}"),
            alteration.description.as_ref().map(Option::as_deref),
        );
        let change = json!({"alter": alteration.changes}).to_string();
        let version = history::append(tool_id, &acting::caller_name(), caller.face(), &change);
        let behind = project_tools::count_outdated(tool_id);
        if behind > 0 {
            report::notice(&format!(
                "Projects that keep an older version of tool '{}' until upgrade_project() or \
                 upgrade_all_projects(): {behind}",
                name.as_str()
            ));
        }
        Ok(version.unwrap_or_default())
    })
}

fn definition_of(name: &ToolName) -> Result<Definition, Error> {
    let row = registry::tool(name).ok_or(Error::ToolNotFound)?;
    Ok(Definition {
        schema: Schema::of_registered(row.schema_definition.as_deref())?,
        options: ToolOptions::parse(row.options.as_deref()),
        sensitive: row.sensitive,
    })
}

/// An entry of the catalogue alone has no records for fields and options to be about.
fn refuse_without_table(
    name: &ToolName,
    before: &Definition,
    alteration: &Alteration,
) -> Result<(), Error> {
    let now = &alteration.definition;
    let changes_records = now.schema != before.schema || now.options != before.options;
    let has_table = registry::tool(name).is_none_or(|tool| tool.has_table);
    if changes_records && !has_table {
        return Err(RegistryError::NoStorage {
            tool: name.as_str().to_owned(),
        }
        .into());
    }
    Ok(())
}

/// What a policy says of a field it would say of nothing, or of something else.
fn refuse_fields_of_policies(
    tool_id: i64,
    before: &Definition,
    alteration: &Alteration,
) -> Result<(), Error> {
    let touched = alteration.steps.iter().filter_map(|step| match step {
        Step::Add(_) => None,
        Step::Rename { from: field, .. } | Step::Drop(field) | Step::Widen { field, .. } => {
            Some(field)
        }
    });
    let was_there = |field: &&String| before.schema.fields().iter().any(|f| f.name == **field);
    let fields = touched.filter(was_there).cloned().collect();
    match policies::going_by(tool_id, fields) {
        Some((policy, field)) => Err(PolicyError::FieldInUse { field, policy }.into()),
        None => Ok(()),
    }
}

/// Looks at all records while others go on reading and writing. Only then is the
/// table locked, and what was written in the meantime is looked at, too.
pub(super) fn alter_table(
    table: &TableName,
    before: &Definition,
    alteration: &Alteration,
) -> Result<(), Error> {
    let Some(keep_out) = needed_lock(before, alteration) else {
        return Ok(());
    };
    let missing = || Error::ToolTableMissing {
        table: table.shown(),
    };
    let oid = ddl::relation_oid(table).ok_or_else(missing)?;
    ddl::check_table(table, oid)?;
    let since = Since::now();
    existing_records::check_before(table, alteration, None)?;
    ddl::lock_table(table, keep_out)?.ok_or_else(missing)?;
    existing_records::check_before(table, alteration, Some(since))?;

    let (had, has) = (
        before.options.versioned,
        alteration.definition.options.versioned,
    );
    if had && !has {
        alter_table::drop_versions(table);
    }
    alter_table::drop_indexes(table, &alteration.fields);
    alter_table::alter_columns(table, &alteration.steps);
    if has && !had {
        alter_table::add_versions(table);
    }
    existing_records::check_added(table, alteration)?;
    alter_table::alter_not_null(table, &alteration.fields);
    alter_table::create_indexes(table, &alteration.fields);
    Ok(())
}

/// Whom the change keeps out; nobody if it concerns no record.
fn needed_lock(before: &Definition, alteration: &Alteration) -> Option<KeepOut> {
    let fields = &alteration.fields;
    let columns_change = !alteration.steps.is_empty()
        || before.options.versioned != alteration.definition.options.versioned
        || fields.iter().any(|f| f.not_null_becomes().is_some())
        || fields.iter().any(|f| f.index_changes() && f.had_index());
    if columns_change {
        Some(KeepOut::Everybody)
    } else if fields.iter().any(|f| f.rules_change()) {
        Some(KeepOut::Writers)
    } else {
        None
    }
}
