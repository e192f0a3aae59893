//! Records of configured tools (spec 000): they go to the common table or to
//! the tool's own, which is made when the first one comes.

use std::rc::Rc;

use crate::model::configuration::{Configuration, Place};
use crate::model::configuration_error::ConfigurationError;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::page::Page;
use crate::model::schema::Schema;
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::ident::TableName;
use crate::pg::json_writer::JsonWriter;
use crate::pg::jsonb::Jsonb;
use crate::pg::{common_table, configuration, ddl, idempotency, promotion, registry};

use super::authorise::{self, Caller};
use super::gate::{self, Act, Carried, Counted};
use super::records::{self, name_of_tool};

/// A record and the table it went to.
pub struct Stored {
    pub id: Option<i64>,
    pub in_common_table: bool,
}

/// Stores a payload where the tool's configuration says. Needs the tool's token
/// if it is sensitive.
pub fn store(
    tool_name: Option<&str>,
    payload: Option<Jsonb<'_>>,
    token: Option<&str>,
) -> Result<Stored, Error> {
    let name = name_of_configured(tool_name)?;
    loop {
        let (now, tool) = open(&name, token, Act::Post)?;
        if tool.is_some() {
            let id: Result<_, Error> =
                records::store_as(Act::Post, &name, token, payload, None, |_, write| write());
            return Ok(Stored {
                id: id?,
                in_common_table: false,
            });
        }
        let payload = payload.ok_or(Error::ArgumentNull {
            argument: "payload",
        })?;
        payload.as_object().ok_or(Error::PayloadNotObject)?;
        if now.use_individual_table {
            register_at_first_post(&name, token)?;
            continue;
        }
        ddl::ensure_common_table()?;
        promotion::lock_common_for_insert();
        // Whoever promotes the tool waits for this lock, so this answer stays true.
        if configuration::current(&name) == Some(now) {
            return Ok(Stored {
                id: common_table::insert(name.as_str(), payload, now.sensitive),
                in_common_table: true,
            });
        }
    }
}

/// Writes a page of a tool's records, oldest first, wherever they are. Public
/// unless the tool is sensitive; sensitive rows that a public tool has in the
/// common table need a token, as in [`super::common::list`].
pub fn list(
    caller: Caller,
    tool_name: Option<&str>,
    token: Option<&str>,
    page: Page,
    writer: &mut JsonWriter,
    each: impl FnMut(&mut JsonWriter, i64),
) -> Result<(), Error> {
    let name = name_of_configured(tool_name)?;
    let (now, tool) = open(&name, token, Act::Read)?;
    // What a project has is in one place.
    if tool.as_ref().is_some_and(|tool| tool.tenant.is_some()) {
        return records::list(Some(name.as_str()), token, page, writer, each);
    }
    let sensitive = tool.as_ref().map_or(now.sensitive, |tool| tool.sensitive);
    // Rows are where the configuration of their own snapshot says: a promotion
    // may have been committed since.
    let seen = configuration::of_snapshot(&name).unwrap_or(now);
    if seen.place() == Place::OwnTable {
        return match tool {
            Some(_) => records::list(Some(name.as_str()), token, page, writer, each),
            None => Ok(()),
        };
    }
    if tool.is_some() {
        gate::open(
            &name,
            token,
            Act::Read,
            Carried::Nothing,
            &mut Counted::default(),
        )?;
    }
    let sender = name.as_str();
    let sensitive_too = sensitive || super::common::sees_sensitive(caller, sender, token)?;
    // An older snapshot may have rows of its own transaction in the new table.
    if now.place() == Place::Both || tool.is_some() {
        promotion::list_both(&name, sensitive, sensitive_too, page, writer, each);
    } else if ddl::common_table_exists()? {
        common_table::list(sender, sensitive_too, page, writer, each);
    }
    Ok(())
}

/// Registers a tool that has been in the common table, with the tokens that it
/// has had there. The caller holds the lock for registering.
pub(super) fn register(name: &ToolName, now: Configuration) -> Result<(), Error> {
    let id = registry::insert_tool(name, None, now.sensitive, None, None).ok_or_else(|| {
        Error::ToolExists {
            tool: name.as_str().to_owned(),
        }
    })?;
    idempotency::forget_tool(&TableName::idempotency_keys(), id)?;
    configuration::adopt_tokens(name, id);
    Ok(())
}

/// Registers a tool and makes its table, unless another session does it just now.
fn register_at_first_post(name: &ToolName, token: Option<&str>) -> Result<(), Error> {
    configuration::lock_for_registering();
    let (now, tool) = open(name, token, Act::Post)?;
    if !now.use_individual_table || tool.is_some() {
        return Ok(());
    }
    match register(name, now) {
        Err(Error::ToolExists { .. }) => return Ok(()),
        registered => registered?,
    }
    make_table(name)
}

/// Makes the table of a tool that keeps whole payloads.
pub(super) fn make_table(name: &ToolName) -> Result<(), Error> {
    ddl::create_tool_table(
        &TableName::of_tool(name),
        &Schema::WholePayload,
        &ToolOptions::default(),
    )
}

/// The configuration of a tool and, once it is registered, the tool; an error
/// if the token does not open it.
fn open(
    name: &ToolName,
    token: Option<&str>,
    act: Act,
) -> Result<(Configuration, Option<Rc<CompiledTool>>), Error> {
    loop {
        let now = configuration::current(name).ok_or(ConfigurationError::ToolNotConfigured)?;
        if now.use_individual_table {
            if let Some(tool) = registered(name, token, act)? {
                return Ok((now, Some(tool)));
            }
        }
        if !now.sensitive {
            return Ok((now, None));
        }
        match authorise::configured(name, token) {
            Ok(()) => return Ok((now, None)),
            // Its token is another credential once another session has registered it.
            Err(_) if has_changed(name, now) => {}
            Err(error) => {
                let action = if act.writes() { "write" } else { "read" };
                authorise::note_denied(None, name.as_str(), action);
                return Err(error);
            }
        }
    }
}

fn has_changed(name: &ToolName, known: Configuration) -> bool {
    configuration::current(name) != Some(known)
        || (known.use_individual_table && registry::tool(name).is_some())
}

fn registered(
    name: &ToolName,
    token: Option<&str>,
    act: Act,
) -> Result<Option<Rc<CompiledTool>>, Error> {
    match gate::open_unasked(name, token, act) {
        Ok(tool) => Ok(Some(tool)),
        Err(Error::ToolNotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A name that cannot be a tool's is that of a tool that is not configured.
fn name_of_configured(tool_name: Option<&str>) -> Result<ToolName, Error> {
    name_of_tool(tool_name).map_err(|error| match error {
        Error::ToolNotFound => ConfigurationError::ToolNotConfigured.into(),
        other => other,
    })
}
