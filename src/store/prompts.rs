//! Prompts: templates that all projects share, and a project's own adaptations of
//! them (spec 003).

use std::collections::BTreeMap;
use std::ffi::CString;

use crate::model::error::Error;
use crate::model::prompt::{self, Template};
use crate::model::resource_error::ResourceError;
use crate::model::resource_text::{check_name, MAX_NAME};
use crate::pg::jsonb::{JsonValue, Jsonb, Object};
use crate::pg::prompts::{self, Change};
use crate::pg::{object_models, project_rows};

use super::{authorise, project_access};

/// The key of a parameter's declaration.
const DEFAULT: &str = "default";

/// Adds a prompt and gives its id.
pub fn create(
    name: Option<&str>,
    template: Option<&str>,
    parameters: Option<Jsonb<'_>>,
    object_model_id: Option<i64>,
) -> Result<i64, Error> {
    authorise::admin_role()?;
    let name = name.ok_or(Error::ArgumentNull { argument: "name" })?;
    let text = template.ok_or(Error::ArgumentNull {
        argument: "template",
    })?;
    check_name("name", name, MAX_NAME)?;
    let template = Template::parse(text)?;
    if let Some(parameters) = parameters {
        check_parameters(&template, &parameters.to_text())?;
    }
    check_model(object_model_id)?;
    prompts::insert(name, text, parameters, object_model_id).ok_or_else(|| taken(name))
}

/// Changes what is given of a prompt.
pub fn update(id: Option<i64>, change: &Change<'_>) -> Result<(), Error> {
    authorise::admin_role()?;
    let id = id.ok_or(Error::ArgumentNull {
        argument: "prompt_id",
    })?;
    let prompt = prompts::lock(id).ok_or(ResourceError::PromptNotFound)?;
    if let Some(name) = change.name {
        check_name("name", name, MAX_NAME)?;
        if prompts::is_taken(name, id) {
            return Err(taken(name));
        }
    }
    let template = Template::parse(change.template.unwrap_or(&prompt.template))?;
    let parameters = change.parameters.map(Jsonb::to_text);
    check_parameters(
        &template,
        parameters.as_deref().unwrap_or(&prompt.parameters),
    )?;
    check_model(change.object_model_id)?;
    prompts::update(id, change);
    Ok(())
}

/// Deletes a prompt. Adaptations of it stay in their projects, and are of no use.
pub fn delete(id: Option<i64>) -> Result<(), Error> {
    authorise::admin_role()?;
    let id = id.ok_or(Error::ArgumentNull {
        argument: "prompt_id",
    })?;
    if prompts::delete(id) {
        Ok(())
    } else {
        Err(ResourceError::PromptNotFound.into())
    }
}

fn taken(name: &str) -> Error {
    ResourceError::PromptExists {
        name: name.to_owned(),
    }
    .into()
}

/// Keeps the model of a prompt, if it is to have one.
fn check_model(id: Option<i64>) -> Result<(), ResourceError> {
    match id.map(object_models::keep) {
        Some(None) => Err(ResourceError::ModelNotFound),
        _ => Ok(()),
    }
}

fn check_parameters(template: &Template<'_>, parameters: &str) -> Result<(), ResourceError> {
    let parameters =
        serde_json::from_str(parameters).map_err(|_| ResourceError::DeclarationsTooDeep)?;
    prompt::check_parameters(template, &parameters)
}

/// Sets the project's own text of a prompt.
pub fn adapt(
    project_id: Option<i64>,
    prompt_id: Option<i64>,
    content: Option<&str>,
    token: Option<&str>,
) -> Result<(), Error> {
    let project = project_access::writer(project_id, token)?;
    let id = prompt_id.ok_or(Error::ArgumentNull {
        argument: "prompt_id",
    })?;
    let content = content.ok_or(Error::ArgumentNull {
        argument: "content",
    })?;
    let base = prompts::keep(id).ok_or(ResourceError::PromptNotFound)?;
    prompt::check_adaptation(
        &Template::parse(content)?,
        &Template::parse(&base.template)?,
    )?;
    project_rows::set_adaptation(project.id, id, &base.name, content)
}

/// The prompt as the project has it, with a value for each placeholder.
pub fn render(
    project_id: Option<i64>,
    prompt_id: Option<i64>,
    parameters: Option<Jsonb<'_>>,
    token: Option<&str>,
) -> Result<String, Error> {
    let project = project_access::reader(project_id, token)?;
    let id = prompt_id.ok_or(Error::ArgumentNull {
        argument: "prompt_id",
    })?;
    let prompt = prompts::find(id).ok_or(ResourceError::PromptNotFound)?;
    let adaptation = project_rows::adaptation(project.id, id)?;
    let base = Template::parse(&prompt.template)?;
    let template = match &adaptation {
        Some(text) => Template::parse(text)?,
        None => base.clone(),
    };

    let mut values = defaults(&prompt.parameters);
    if let Some(parameters) = parameters {
        let given = parameters
            .as_object()
            .ok_or(ResourceError::ParametersNotObject)?;
        prompt::check_given(given.entries().map(|(name, _)| name), &base, &template)?;
        values.extend(texts(given));
    }
    Ok(template.render(&values)?)
}

/// The values of those parameters that have a default.
fn defaults(declared: &str) -> BTreeMap<String, String> {
    let Ok(declared) = CString::new(declared) else {
        return BTreeMap::new();
    };
    let declared = Jsonb::parse(&declared).as_object();
    let entries = declared.into_iter().flat_map(Object::entries);
    entries
        .filter_map(|(name, declaration)| {
            let default = declaration.as_object()?.get(DEFAULT)?;
            Some((name.to_owned(), text(default)?))
        })
        .collect()
}

fn texts(given: Object<'_>) -> impl Iterator<Item = (String, String)> + '_ {
    given
        .entries()
        .filter_map(|(name, value)| Some((name.to_owned(), text(value)?)))
}

/// A value as it stands in a prompt; null is none.
fn text(value: JsonValue<'_>) -> Option<String> {
    match value {
        JsonValue::Null => None,
        JsonValue::Str(text) => Some(text.to_owned()),
        other => Some(other.to_text()),
    }
}
