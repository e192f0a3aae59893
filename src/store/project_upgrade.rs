//! Bringing a project's tables of tools to what the tools are now.

use serde_json::Value;

use crate::model::alteration::{Alteration, Definition};
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::project::ProjectId;
use crate::model::schema::Schema;
use crate::model::tenant_error::TenantError;
use crate::pg::compiled_tool::definition;
use crate::pg::ident::TableName;
use crate::pg::project_tools::{self, TenantRow};
use crate::pg::{history, registry};

use super::{alter, bounded};

/// Brings every table that a project has of a tool, enabled or kept, to the tool's
/// last version, and calls `each` before every one that is behind. The error names the
/// table, and why its records do not allow it; then the caller raises it.
pub fn upgrade(project: ProjectId, each: impl Fn(&str)) -> Result<(), Error> {
    for tool in project_tools::outdated(project) {
        each(&tool);
        let name = ToolName::parse(&tool)?;
        upgrade_table(project, &name).map_err(|fault| TenantError::InTable {
            tool,
            project: project.value(),
            fault: Box::new(fault),
        })?;
    }
    Ok(())
}

fn upgrade_table(project: ProjectId, name: &ToolName) -> Result<(), Error> {
    bounded::within_lock_timeout(name.as_str(), || {
        let tool_id = registry::lock_tool_for_use(name).ok_or(Error::ToolNotFound)?;
        let row = project_tools::lock(project, tool_id)
            .and_then(|_| project_tools::tenant(project, tool_id, name));
        let Some(row) = row else {
            return Ok(()); // disabled and dropped in the meantime
        };
        let table = TableName::of_tool_in(name, project);
        for (before, alteration) in steps(name, tool_id, &row)? {
            alter::alter_table(&table, &before, &alteration)?;
        }
        project_tools::set_latest_version(project, tool_id);
        Ok(())
    })
}

/// The changes that lead from what the table follows to what the tool is now: all in
/// one, so that what a later change takes back is asked of no record; one by one where
/// they make no sense together.
fn steps(
    name: &ToolName,
    tool_id: i64,
    row: &TenantRow,
) -> Result<Vec<(Definition, Alteration)>, Error> {
    let now = registry::tool(name).ok_or(Error::ToolNotFound)?;
    let (schema, options) = definition(name, &row.definition)?;
    let before = Definition {
        schema,
        options,
        sensitive: now.sensitive,
    };
    let changes: Vec<Vec<Value>> = history::changes_after(tool_id, row.definition.version)
        .iter()
        .filter_map(|change| alterations_of(change))
        .collect();
    let together = Value::from(changes.concat());
    let steps = match together.as_array().is_some_and(Vec::is_empty) {
        true => Vec::new(),
        false => match Alteration::parse(&before, &together.to_string()) {
            Ok(alteration) => vec![(before.clone(), alteration)],
            Err(_) => one_by_one(&before, changes)?,
        },
    };
    let reached = steps.last().map_or(&before, |(_, last)| &last.definition);
    let wanted = Schema::of_registered(now.schema_definition.as_deref())?;
    if reached.schema != wanted || reached.options != ToolOptions::parse(now.options.as_deref()) {
        return Err(TenantError::HistoryBroken {
            tool: name.as_str().to_owned(),
        }
        .into());
    }
    Ok(steps)
}

/// What `alter_tool` was told; other entries of the history change no table.
fn alterations_of(change: &str) -> Option<Vec<Value>> {
    let change: Value = serde_json::from_str(change).ok()?;
    change.get("alter")?.as_array().cloned()
}

fn one_by_one(
    before: &Definition,
    changes: Vec<Vec<Value>>,
) -> Result<Vec<(Definition, Alteration)>, Error> {
    let mut before = before.clone();
    let mut steps = Vec::new();
    for changes in changes {
        let alteration = Alteration::parse(&before, &Value::from(changes).to_string())?;
        let after = alteration.definition.clone();
        steps.push((before, alteration));
        before = after;
    }
    Ok(steps)
}
