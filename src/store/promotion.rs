//! Promoting a tool: from the common table to one of its own (spec 000, step 4).

use crate::model::configuration::Configuration;
use crate::model::configuration_error::ConfigurationError;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::pg::compat::LOCK_FOR_WRITING;
use crate::pg::ident::TableName;
use crate::pg::{cache, configuration, ddl, promotion, registry};

use super::authorise::{self, Caller};
use super::configured;
use super::records::name_of_tool;

/// What one call has done.
pub struct Promoted {
    pub tool_name: String,
    pub table_name: String,
    /// Rows moved by this call.
    pub moved: i64,
    /// False if rows are left for another call.
    pub done: bool,
}

/// Moves a tool's rows, oldest first: all of them, or `batch_rows` of them. With
/// the last ones the tool is switched to its own table.
///
/// Others go on storing meanwhile. A tool that is still in the common table
/// gets its new records there until the switch, which waits for those that are
/// being stored; its rows keep their ids. A tool that has a table already takes
/// new records there, and old rows come to it with new ids.
pub fn promote(
    caller: Caller,
    tool_name: Option<&str>,
    batch_rows: Option<i32>,
    admin_token: Option<&str>,
) -> Result<Promoted, Error> {
    authorise::admin(caller, admin_token)?;
    let name = name_of_tool(tool_name)?;
    if batch_rows.is_some_and(|rows| rows < 1) {
        return Err(ConfigurationError::BatchTooSmall.into());
    }
    if !promotion::sees_commits_of_others() {
        return Err(ConfigurationError::IsolationLevel.into());
    }
    ddl::wait_for_first_use();
    promotion::lock();
    configuration::lock_for_registering();
    ddl::ensure_common_table()?;
    let (before, keep_ids) = loop {
        let before = configuration::current(&name).ok_or(ConfigurationError::ToolNotConfigured)?;
        let keep_ids = prepare_table(&name, before)?;
        // Whoever was just archiving the tool has taken its configuration, too.
        match keep_ids {
            Some(keep_ids) if configuration::current(&name) == Some(before) => {
                break (before, keep_ids)
            }
            _ => (),
        }
    };
    let is_public = !registry::tool(&name).map_or(before.sensitive, |tool| tool.sensitive);
    let move_rows = |limit| {
        let moved = promotion::move_rows(&name, limit, keep_ids);
        if moved.sensitive && is_public {
            let tool = name.as_str().to_owned();
            return Err(ConfigurationError::SensitiveRows { tool });
        }
        Ok(moved.rows)
    };

    let limit = batch_rows.map(i64::from);
    let mut moved = move_rows(limit)?;
    let done = limit.is_none_or(|limit| moved < limit);
    if done {
        promotion::wait_for_writers();
        moved += move_rows(None)?;
        if keep_ids {
            promotion::lock_out_writers()?;
            moved += move_rows(None)?;
            promotion::continue_ids(&name);
            configured::register(&name, before)?;
        }
    }
    configuration::put(
        &name,
        Configuration {
            use_individual_table: before.use_individual_table || done,
            promoting: !done,
            ..before
        },
    );
    Ok(Promoted {
        tool_name: name.as_str().to_owned(),
        table_name: TableName::of_tool(&name).table,
        moved,
        done,
    })
}

/// Sees to it that the tool's own table is there. True if nobody else writes to
/// it, so that rows can keep their ids; none if the tool has just changed.
fn prepare_table(name: &ToolName, before: Configuration) -> Result<Option<bool>, Error> {
    if before.use_individual_table && registry::tool(name).is_none() {
        configured::register(name, before)?;
        configured::make_table(name)?;
    }
    if let Some(tool) = registry::tool(name) {
        if tool.schema_definition.is_some() {
            return Err(ConfigurationError::ToolHasFields {
                tool: name.as_str().to_owned(),
            }
            .into());
        }
        let tool = cache::find(name)?;
        return Ok(cache::lock(name, &tool, LOCK_FOR_WRITING).then_some(false));
    }
    if before.promoting {
        ddl::check_tool_table(&TableName::of_tool(name))?;
    } else {
        configured::make_table(name)?;
    }
    Ok(Some(true))
}
