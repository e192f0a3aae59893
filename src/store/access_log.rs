//! The access log: what is kept of a tool, the figures, and the end of old months.

use pgrx::datum::Date;

use crate::model::access_log::{Level, ToolLogging};
use crate::model::error::Error;
use crate::model::registry_error::RegistryError;
use crate::pg::access_log::{self, Dropped};
use crate::pg::{registry, report};

use super::authorise::{self, Caller};
use super::records::name_of_tool;

/// Says what is kept of the attempts at a tool.
pub fn configure(
    caller: Caller,
    tool_name: Option<&str>,
    level: Option<&str>,
    payloads: Option<bool>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let tool = name_of_tool(tool_name)?;
    let level = level
        .map(|level| Level::parse(level).ok_or(RegistryError::LogLevelUnknown))
        .transpose()?;
    let payloads = payloads.ok_or(Error::ArgumentNull {
        argument: "payloads",
    })?;
    if registry::set_logging(&tool, ToolLogging { level, payloads }) {
        Ok(())
    } else {
        Err(Error::ToolNotFound)
    }
}

/// Adds to the figures what is new in the log; gives how many attempts that were.
pub fn summarise() -> Result<i64, Error> {
    authorise::admin_role()?;
    access_log::summarise()
}

/// Drops the months of the log that end before a day; gives how many.
pub fn drop_before(before: Option<Date>) -> Result<i32, Error> {
    authorise::admin_role()?;
    let before = before.ok_or(Error::ArgumentNull { argument: "before" })?;
    let Dropped { dropped, kept } =
        access_log::drop_months(before.year(), u32::from(before.month()))?;
    if kept > 0 {
        report::notice(&format!(
            "{kept} months are kept: a transaction that still runs is older than some of their rows, which are not in the figures yet"
        ));
    }
    Ok(dropped)
}
