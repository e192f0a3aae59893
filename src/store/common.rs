//! The table that small tools share (spec 001, section 4.5).

use crate::model::error::Error;
use crate::model::name::check_sender_name;
use crate::model::page::Page;
use crate::pg::json_writer::JsonWriter;
use crate::pg::jsonb::Jsonb;
use crate::pg::{common_table, ddl};

use super::authorise::{self, Caller};

/// Stores any JSON object under the name of its sender and gives its id.
pub fn store(
    caller: Caller,
    tool_name: Option<&str>,
    payload: Option<Jsonb<'_>>,
    sensitive: Option<bool>,
    token: Option<&str>,
) -> Result<Option<i64>, Error> {
    let sender = sender_name(tool_name)?;
    let sensitive = sensitive.ok_or(Error::ArgumentNull {
        argument: "sensitive",
    })?;
    if sensitive {
        authorise::common(caller, sender, token)
            .inspect_err(|_| authorise::note_denied(None, sender, "write"))?;
    }
    let payload = payload.ok_or(Error::ArgumentNull {
        argument: "payload",
    })?;
    payload.as_object().ok_or(Error::PayloadNotObject)?;
    ddl::ensure_common_table()?;
    Ok(common_table::insert(sender, payload, sensitive))
}

/// Writes a page of what a sender stored, oldest first. Sensitive rows appear
/// only for a common token or an administrator; a token that is neither is
/// refused rather than ignored.
pub fn list(
    caller: Caller,
    tool_name: Option<&str>,
    token: Option<&str>,
    page: Page,
    writer: &mut JsonWriter,
    each: impl FnMut(&mut JsonWriter, i64),
) -> Result<(), Error> {
    let sender = sender_name(tool_name)?;
    let sees_sensitive = sees_sensitive(caller, sender, token)?;
    if ddl::common_table_exists()? {
        common_table::list(sender, sees_sensitive, page, writer, each);
    }
    Ok(())
}

/// Whether the caller sees sensitive rows of this sender.
pub(super) fn sees_sensitive(
    caller: Caller,
    sender: &str,
    token: Option<&str>,
) -> Result<bool, Error> {
    match authorise::common(caller, sender, token) {
        Ok(()) => Ok(true),
        Err(_) if token.is_none() => Ok(false),
        Err(error) => Err(error),
    }
}

fn sender_name(tool_name: Option<&str>) -> Result<&str, Error> {
    let name = tool_name.ok_or(Error::ArgumentNull {
        argument: "tool_name",
    })?;
    check_sender_name(name)?;
    Ok(name)
}
