//! Configuring tools that begin in the common table (spec 000).

use crate::model::configuration::{endpoint, Configuration};
use crate::model::configuration_error::ConfigurationError;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::registry_error::RegistryError;
use crate::model::token::{NewToken, Purpose};
use crate::pg::ident::TableName;
use crate::pg::{configuration, registry};

use super::authorise::{self, Caller};
use super::records::name_of_tool;
use super::tools::new_token;

/// What a tool is configured with.
pub struct Request<'a> {
    pub tool_name: Option<&'a str>,
    pub sensitive: Option<bool>,
    pub use_individual_table: Option<bool>,
    /// None has one generated if the tool is sensitive and has none.
    pub token: Option<&'a str>,
    pub admin_token: Option<&'a str>,
}

/// What its owner needs to know; a new token is shown here and never again.
pub struct Configured {
    pub tool_name: String,
    pub endpoint: String,
    pub table_name: String,
    pub token: Option<String>,
}

/// Configures a tool, or changes its configuration.
pub fn configure(caller: Caller, request: &Request<'_>) -> Result<Configured, Error> {
    authorise::admin(caller, request.admin_token)?;
    let argument = |argument| Error::ArgumentNull { argument };
    let name = ToolName::parse(request.tool_name.ok_or(argument("tool_name"))?)?;
    let sensitive = request.sensitive.ok_or(argument("sensitive"))?;
    let use_individual_table = request
        .use_individual_table
        .ok_or(argument("use_individual_table"))?;
    let given = request.token.map(NewToken::given).transpose()?;

    configuration::lock_for_change();
    refuse_while_promoted(&name, configuration::current(&name))?;
    let tool = registry::tool(&name);
    if tool.as_ref().is_some_and(|tool| !tool.has_table) {
        return Err(RegistryError::NoStorage {
            tool: name.as_str().to_owned(),
        }
        .into());
    }
    let tool_id = tool.map(|tool| tool.id);
    if tool_id.is_some() && !use_individual_table {
        return Err(ConfigurationError::ToolHasTable {
            tool: name.as_str().to_owned(),
        }
        .into());
    }
    configuration::put(
        &name,
        Configuration {
            sensitive,
            use_individual_table,
            promoting: false,
        },
    );
    if let Some(id) = tool_id {
        configuration::set_sensitive(id, sensitive);
    }
    let token = match given {
        None if sensitive && !configuration::has_token(&name, tool_id) => {
            Some(new_token(None, Purpose::Tool)?)
        }
        given => given,
    };
    if let Some(token) = &token {
        if !configuration::replace_token(&name, tool_id, token) {
            return Err(Error::TokenInUse);
        }
    }
    let table = if use_individual_table {
        TableName::of_tool(&name)
    } else {
        TableName::common()
    };
    Ok(Configured {
        tool_name: name.as_str().to_owned(),
        endpoint: endpoint(&name),
        table_name: table.table,
        token: token.map(|token| token.token),
    })
}

/// Removes the configuration of a tool, and nothing that it has stored.
pub fn unconfigure(
    caller: Caller,
    tool_name: Option<&str>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    authorise::admin(caller, admin_token)?;
    let name = name_of_tool(tool_name)?;
    configuration::lock_for_change();
    refuse_while_promoted(&name, configuration::current(&name))?;
    if !configuration::delete(&name) {
        return Err(ConfigurationError::ToolNotConfigured.into());
    }
    // A registered tool remains one, with its tokens.
    configuration::revoke_tokens(&name);
    Ok(())
}

fn refuse_while_promoted(name: &ToolName, now: Option<Configuration>) -> Result<(), Error> {
    match now {
        Some(now) if now.promoting => Err(ConfigurationError::ToolBeingPromoted {
            tool: name.as_str().to_owned(),
        }
        .into()),
        _ => Ok(()),
    }
}
