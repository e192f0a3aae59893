//! Tools: registering and deleting them.

use serde_json::json;

use crate::model::configuration_error::ConfigurationError;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::registry_error::RegistryError;
use crate::model::schema::Schema;
use crate::model::token::{NewToken, Purpose};
use crate::pg::ident::TableName;
use crate::pg::{acting, configuration, ddl, history, idempotency, random, registry};

use super::authorise::{self, Caller};
use super::info::Storage;
use super::project_tools;
use super::records::name_of_tool;

/// What a tool is registered with.
pub struct Registration<'a> {
    pub tool_name: Option<&'a str>,
    /// None has one generated.
    pub token: Option<&'a str>,
    /// JSON text; none makes a tool that stores whole payloads.
    pub schema: Option<&'a str>,
    /// NULL is refused: nobody knows whether it meant a public tool.
    pub sensitive: Option<bool>,
    pub description: Option<&'a str>,
    pub options: ToolOptions,
    pub storage: Storage,
    pub admin_token: Option<&'a str>,
}

/// What its owner needs to know; the token is shown here and never again.
pub struct Registered {
    pub tool_name: String,
    /// None for an entry of the catalogue alone.
    pub table_name: Option<String>,
    pub token: String,
}

/// Registers a tool and creates its table, or does neither.
pub fn register(caller: Caller, request: &Registration<'_>) -> Result<Registered, Error> {
    authorise::admin(caller, request.admin_token)?;
    let made = define(caller, request, || {
        new_token(request.token, Purpose::Tool).map(Some)
    })?;
    Ok(Registered {
        tool_name: made.name.as_str().to_owned(),
        table_name: made.table_name,
        token: made.token.map(|new| new.token).unwrap_or_default(),
    })
}

/// The same for a tool of projects that has no token of its own.
pub(super) fn register_without_token(request: &Registration<'_>) -> Result<(), Error> {
    authorise::admin_role()?;
    define(Caller::Sql, request, || Ok(None)).map(|_| ())
}

struct Defined {
    name: ToolName,
    table_name: Option<String>,
    token: Option<NewToken>,
}

fn define(
    caller: Caller,
    request: &Registration<'_>,
    token: impl FnOnce() -> Result<Option<NewToken>, Error>,
) -> Result<Defined, Error> {
    let name = ToolName::parse(request.tool_name.ok_or(Error::ArgumentNull {
        argument: "tool_name",
    })?)?;
    let sensitive = request.sensitive.ok_or(Error::ArgumentNull {
        argument: "sensitive",
    })?;
    let token = token()?;
    let schema = Schema::of_registered(request.schema)?;
    request.options.check()?;
    if request.storage == Storage::None {
        refuse_what_needs_a_table(request)?;
    }
    if request.options.versioned {
        schema.refuse_version_fields()?;
    }

    ddl::wait_for_first_use();
    let id = registry::insert_tool(
        &name,
        schema.to_json().as_deref(),
        sensitive,
        request.description,
        request.options.to_json().as_deref(),
    )
    .ok_or_else(|| Error::ToolExists {
        tool: name.as_str().to_owned(),
    })?;
    idempotency::forget_tool(&TableName::idempotency_keys(), id)?;
    refuse_configured(&name)?;
    if let Some(token) = &token {
        if !registry::insert_credential(token, Purpose::Tool.scopes(), Some(id), None) {
            return Err(Error::TokenInUse);
        }
    }
    let mut change = json!({"register": {
        "sensitive": sensitive,
        "description": request.description,
        "options": request.options,
    }});
    let table_name = match request.storage {
        Storage::Table => {
            let table = TableName::of_tool(&name);
            ddl::create_tool_table(&table, &schema, &request.options)?;
            Some(table.table)
        }
        Storage::None => {
            registry::set_without_table(id);
            change["register"]["storage"] = json!("none");
            None
        }
    };
    history::append(
        id,
        &acting::caller_name(),
        caller.face(),
        &change.to_string(),
    );
    Ok(Defined {
        name,
        table_name,
        token,
    })
}

/// What says how records are kept means nothing where none are.
fn refuse_what_needs_a_table(request: &Registration<'_>) -> Result<(), Error> {
    let options = &request.options;
    let given = [
        ("schema", request.schema.is_some()),
        ("strict", options.strict),
        ("versioned", options.versioned),
        ("notify", options.notify),
        ("max_records", options.max_records.is_some()),
        ("max_bytes", options.max_bytes.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((argument, _)) => Err(RegistryError::NeedsStorage { argument }.into()),
        None => Ok(()),
    }
}

/// Asked when the tool has its row: whoever configures one then waits for this
/// transaction.
pub(super) fn refuse_configured(name: &ToolName) -> Result<(), Error> {
    match configuration::current(name) {
        Some(_) => Err(ConfigurationError::ToolConfigured {
            tool: name.as_str().to_owned(),
        }
        .into()),
        None => Ok(()),
    }
}

/// Deletes a tool with its credentials, its configuration and its table, or none of them.
pub fn delete(
    caller: Caller,
    tool_name: Option<&str>,
    admin_token: Option<&str>,
) -> Result<ToolName, Error> {
    authorise::admin(caller, admin_token)?;
    let name = name_of_tool(tool_name)?;
    let tool_id = registry::lock_tool(&name).ok_or(Error::ToolNotFound)?;
    project_tools::refuse_if_used(&name, tool_id)?;
    let deleted = registry::delete_tool(&name).ok_or(Error::ToolNotFound)?;
    // Or a post would make its table again.
    configuration::delete(&name);
    if deleted.had_table {
        ddl::drop_table(&TableName::of_tool(&name));
    }
    Ok(name)
}

/// The token that was given, or a new one.
pub(super) fn new_token(given: Option<&str>, purpose: Purpose) -> Result<NewToken, Error> {
    match given {
        Some(token) => NewToken::given(token),
        None => Ok(NewToken::generated(purpose, &random::token_bytes())),
    }
}
