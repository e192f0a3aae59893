//! What the catalogue says of a tool, and whether the tool takes writes.

use crate::model::error::Error;
use crate::model::registry_error::RegistryError;
use crate::model::tool_info::{check_examples, InfoChanges};
use crate::pg::info;

use super::authorise::{self, Caller};
use super::records::name_of_tool;
use super::secrets;

/// Changes the facts that are named, all or none.
pub fn update(
    caller: Caller,
    tool_name: Option<&str>,
    changes: Option<&str>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let name = name_of_tool(tool_name)?;
    let changes = changes.ok_or(Error::ArgumentNull {
        argument: "changes",
    })?;
    let changes = InfoChanges::parse(changes)?;
    let tool_id = info::keep_tool(&name).ok_or(Error::ToolNotFound)?;
    info::lock(tool_id);
    secrets::change(tool_id, &changes.secrets)?;
    info::update(tool_id, &changes.columns);
    if changes.concerns_examples() {
        let now = info::compared(tool_id);
        check_examples(
            now.inputs.as_deref(),
            now.outputs.as_deref(),
            now.examples.as_deref(),
        )?;
    }
    Ok(())
}

/// Makes a tool take writes, or refuse them. Sessions follow at commit.
pub fn set_active(
    caller: Caller,
    tool_name: Option<&str>,
    is_active: bool,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let name = name_of_tool(tool_name)?;
    if info::set_active(&name, is_active) {
        Ok(())
    } else {
        Err(Error::ToolNotFound)
    }
}

/// Where the records of a tool go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    Table,
    /// Nowhere: the tool is an entry of the catalogue alone.
    None,
}

impl Storage {
    pub fn parse(storage: Option<&str>) -> Result<Self, Error> {
        match storage {
            Some("table") => Ok(Storage::Table),
            Some("none") => Ok(Storage::None),
            Some(_) => Err(RegistryError::StorageUnknown.into()),
            None => Err(Error::ArgumentNull {
                argument: "storage",
            }),
        }
    }
}
