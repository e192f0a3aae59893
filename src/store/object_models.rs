//! Object models: what contents of projects are instances of (spec 003).

use serde_json::Value;

use crate::model::error::Error;
use crate::model::json_schema::JsonSchema;
use crate::model::project::ProjectId;
use crate::model::resource_error::{Misfit, ResourceError};
use crate::model::resource_text::{check_name, MAX_NAME, MAX_VERSION};
use crate::pg::jsonb::Jsonb;
use crate::pg::object_models;

use super::authorise;

/// Bytes of a structure: each session that uses it keeps it compiled.
const MAX_STRUCTURE: usize = 256 * 1024;

/// Adds a model and gives its id.
pub fn create(
    name: Option<&str>,
    version: Option<&str>,
    structure: Option<Jsonb<'_>>,
    description: Option<&str>,
) -> Result<i64, Error> {
    authorise::admin_role()?;
    let name = name.ok_or(Error::ArgumentNull { argument: "name" })?;
    let version = version.ok_or(Error::ArgumentNull {
        argument: "version",
    })?;
    let structure = structure.ok_or(Error::ArgumentNull {
        argument: "structure",
    })?;
    check_name("name", name, MAX_NAME)?;
    check_name("version", version, MAX_VERSION)?;
    structure
        .as_object()
        .ok_or(ResourceError::StructureNotObject)?;
    compile(&structure.to_text())?;
    object_models::insert(name, version, structure, description).ok_or_else(|| {
        ResourceError::ModelExists {
            name: name.to_owned(),
            version: version.to_owned(),
        }
        .into()
    })
}

fn compile(structure: &str) -> Result<JsonSchema, ResourceError> {
    if structure.len() > MAX_STRUCTURE {
        return Err(ResourceError::StructureTooLarge);
    }
    let parsed: Value = serde_json::from_str(structure).map_err(|_| {
        ResourceError::StructureInvalid(Misfit {
            at: String::new(),
            reason:
                "it is nested too deeply, or has a number outside the range of double precision"
                    .to_owned(),
        })
    })?;
    JsonSchema::compile_or_explain(&parsed).map_err(ResourceError::StructureInvalid)
}

/// Deletes a model that no project has contents of and no prompt is made for.
pub fn delete(id: Option<i64>) -> Result<(), Error> {
    authorise::admin_role()?;
    let id = id.ok_or(Error::ArgumentNull {
        argument: "object_model_id",
    })?;
    if !object_models::lock_for_delete(id) {
        return Err(ResourceError::ModelNotFound.into());
    }
    // From here on nobody can begin to use it: they wait for the lock.
    let prompts = object_models::prompts_using(id);
    let projects = object_models::projects_using(id)?;
    let projects: Vec<i64> = projects.into_iter().map(ProjectId::value).collect();
    if !prompts.is_empty() || !projects.is_empty() {
        return Err(ResourceError::ModelInUse { projects, prompts }.into());
    }
    object_models::delete(id);
    Ok(())
}
