//! The directory of tools, and the document of each.

use serde_json::Value;

use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::openapi::{self, Documented};
use crate::model::registry_error::RegistryError;
use crate::model::schema::Schema;
use crate::model::token::Digest;
use crate::pg::cache;
use crate::pg::compiled_tool::{self, Tenant};
use crate::pg::json_writer::JsonWriter;
use crate::pg::{directory, opened, project_tools};

use super::authorise::{self, Caller};
use super::gate::{self, Act, Carried, Counted};
use super::records::name_of_tool;

/// Tokens that a reader of the directory has, either or none.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub token: Option<&'a str>,
    pub admin_token: Option<&'a str>,
}

/// Writes the tools that come after a name, and calls `each` with the name after
/// every one. Of a sensitive tool everybody sees that it is there; what it takes
/// is for holders of its token and of an admin token. A token opens what it is
/// for and is no fault elsewhere; a wrong admin token is one.
pub fn list(
    reader: Reader<'_>,
    after: &str,
    limit: i64,
    writer: &mut JsonWriter,
    each: impl FnMut(&mut JsonWriter, String),
) -> Result<(), Error> {
    if reader.admin_token.is_some() {
        authorise::admin(Caller::Http, reader.admin_token)?;
    }
    let all_open = reader.admin_token.is_some();
    let opened = opened(reader.token);
    directory::list(after, limit, opened, all_open, writer, each);
    Ok(())
}

/// The names of the tools that the holder of a token may read.
pub(super) fn opened(token: Option<&str>) -> Vec<String> {
    let Some(token) = token else {
        return Vec::new();
    };
    let by_scopes = opened::opened_by(&Digest::of(token)).into_iter();
    let may_read = |name: &String| {
        ToolName::parse(name).is_ok_and(|name| gate::policies_let_read(&name, token))
    };
    by_scopes.filter(may_read).collect()
}

/// The OpenAPI document of a tool, for whoever may read its records. The token of a
/// project gets that of the project's table, which may follow an older version.
pub fn document_for(reader: Reader<'_>, tool_name: Option<&str>) -> Result<Value, Error> {
    let name = name_of_tool(tool_name)?;
    let tool = match reader.admin_token {
        None => gate::open(
            &name,
            reader.token,
            Act::Read,
            Carried::Nothing,
            &mut Counted::default(),
        )?,
        Some(token) => {
            let tool = cache::find(&name)?;
            if tool.sensitive {
                authorise::admin(Caller::Http, Some(token))?;
            }
            tool
        }
    };
    document_of(&name, tool.tenant.as_ref(), None)
}

/// The OpenAPI document of a tool. `base_url` is where the service is; without
/// it URLs are relative to where the document comes from.
pub fn document(tool_name: Option<&str>, base_url: Option<&str>) -> Result<Value, Error> {
    document_of(&name_of_tool(tool_name)?, None, base_url)
}

fn document_of(
    name: &ToolName,
    tenant: Option<&Tenant>,
    base_url: Option<&str>,
) -> Result<Value, Error> {
    let base_url = base_url.map(openapi::check_base_url).transpose()?;
    let registered = directory::registered(name).ok_or(Error::ToolNotFound)?;
    if !registered.has_table {
        return Err(RegistryError::NoStorage {
            tool: name.as_str().to_owned(),
        }
        .into());
    }
    let (schema, options) = match tenant {
        None => (
            Schema::of_registered(registered.schema_definition.as_deref())?,
            registered.options,
        ),
        Some(tenant) => {
            let row = project_tools::tenant(tenant.project, registered.id, name)
                .ok_or(Error::ToolNotFound)?;
            compiled_tool::definition(name, &row.definition)?
        }
    };
    Ok(openapi::document(
        &Documented {
            name: name.as_str(),
            description: registered.description.as_deref(),
            sensitive: registered.sensitive || tenant.is_some(),
            in_project: tenant.is_some(),
            schema: &schema,
            options: &options,
        },
        base_url,
    ))
}
