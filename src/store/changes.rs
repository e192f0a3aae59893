//! What goes with every change of a record: unique fields and the change feed.

use crate::model::error::Error;
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::notify::notify;
use crate::pg::report::{explained, Failure};

/// What was done to a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Delete,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Operation::Insert => "insert",
            Operation::Update => "update",
            Operation::Delete => "delete",
        }
    }
}

/// Tells who listens, at commit, if the tool asks for it: on the channel of the tool,
/// or on that of the project whose record it is. The payload of the record is not told:
/// a channel is open to every role.
pub fn announce(tool: &CompiledTool, operation: Operation, id: i64) {
    if !tool.options.notify {
        return;
    }
    let (name, operation) = (tool.name.as_str(), operation.name());
    match &tool.tenant {
        None => notify(
            &format!("projectalpha_{name}"),
            &format!(r#"{{"id":{id},"operation":"{operation}"}}"#),
        ),
        Some(tenant) => notify(
            &format!("projectalpha_{}", tenant.project.schema_name()),
            &format!(r#"{{"tool":"{name}","id":{id},"operation":"{operation}"}}"#),
        ),
    }
}

/// Runs a statement that writes; a value that is there already in a unique field is
/// told by the name of the field. Costs nothing for a tool without such fields.
pub fn unique<T>(tool: &CompiledTool, write: impl FnOnce() -> T) -> Result<T, Error> {
    if !tool.has_unique {
        return Ok(write());
    }
    explained(write, |failure| not_unique(tool, failure))
}

/// The fault that a failed statement of such a tool stands for, if it is this one.
pub fn not_unique(tool: &CompiledTool, failure: &Failure) -> Option<Error> {
    if failure.sqlstate != *b"23505" {
        return None;
    }
    let violated = failure.constraint.as_deref()?;
    let index_of = |field: &str| tool.table.name.index_of_field(field, true).table;
    let column = tool
        .columns
        .iter()
        .filter(|c| c.unique)
        .find(|c| index_of(&c.name) == violated)?;
    Some(Error::NotUnique {
        field: column.name.clone(),
    })
}
