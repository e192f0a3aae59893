//! What a project keeps: contents, metadata and vocabulary (spec 003).

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;

use crate::model::checks::BrokenRule;
use crate::model::error::Error;
use crate::model::json_schema::JsonSchema;
use crate::model::resource_error::{Misfit, ResourceError};
use crate::model::resource_text::{check_length, check_name, MAX_CATEGORY, MAX_NAME, MAX_TITLE};
use crate::pg::jsonb::Jsonb;
use crate::pg::object_models::{self, ModelRow};
use crate::pg::project_rows;

use super::project_access;

/// Compiled structures that a session keeps.
const MAX_COMPILED: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// A structure as it was when it was compiled.
struct Compiled {
    structure: String,
    schema: Rc<JsonSchema>,
}

thread_local! {
    static COMPILED: RefCell<LruCache<i64, Compiled>> =
        RefCell::new(LruCache::new(MAX_COMPILED));
}

/// A content that is to be stored.
pub struct Content<'a> {
    pub project_id: Option<i64>,
    pub object_model_id: Option<i64>,
    pub title: Option<&'a str>,
    pub body: Option<&'a str>,
    pub metadata: Option<Jsonb<'a>>,
    pub token: Option<&'a str>,
}

/// Stores a content whose metadata fits its object model, and gives its id.
pub fn store(content: &Content<'_>) -> Result<Option<i64>, Error> {
    let project = project_access::writer(content.project_id, content.token)?;
    let model_id = content.object_model_id.ok_or(Error::ArgumentNull {
        argument: "object_model_id",
    })?;
    let body = content
        .body
        .ok_or(Error::ArgumentNull { argument: "body" })?;
    if let Some(title) = content.title {
        check_length("title", title, MAX_TITLE)?;
    }
    let model = object_models::keep(model_id).ok_or(ResourceError::ModelNotFound)?;
    check_metadata(model_id, &model, content.metadata)?;
    project_rows::insert_content(project.id, model_id, content.title, body, content.metadata)
}

/// No metadata is checked as null.
fn check_metadata(id: i64, model: &ModelRow, metadata: Option<Jsonb<'_>>) -> Result<(), Error> {
    let schema = compiled(id, model)?;
    let text = metadata.map_or_else(|| "null".to_owned(), Jsonb::to_text);
    let misfits: Vec<Misfit> = schema
        .broken_by_text(&text)
        .into_iter()
        .filter_map(|broken| match broken {
            BrokenRule::JsonSchema { at, reason } => Some(Misfit { at, reason }),
            _ => None,
        })
        .collect();
    if misfits.is_empty() {
        return Ok(());
    }
    Err(ResourceError::MetadataUnfit {
        name: model.name.clone(),
        version: model.version.clone(),
        misfits,
    }
    .into())
}

fn compiled(id: i64, model: &ModelRow) -> Result<Rc<JsonSchema>, ResourceError> {
    let known = COMPILED.with_borrow_mut(|kept| {
        kept.get(&id)
            .filter(|known| known.structure == model.structure)
            .map(|known| known.schema.clone())
    });
    if let Some(schema) = known {
        return Ok(schema);
    }
    let schema = serde_json::from_str(&model.structure)
        .ok()
        .and_then(|structure| JsonSchema::compile(&structure))
        .map(Rc::new)
        .ok_or(ResourceError::StructureBroken)?;
    COMPILED.with_borrow_mut(|kept| {
        let structure = model.structure.clone();
        let schema = schema.clone();
        kept.put(id, Compiled { structure, schema })
    });
    Ok(schema)
}

/// Sets the definition of a term of the project.
pub fn set_vocabulary(
    project_id: Option<i64>,
    term: Option<&str>,
    definition: Option<&str>,
    category: Option<&str>,
    token: Option<&str>,
) -> Result<(), Error> {
    let project = project_access::writer(project_id, token)?;
    let term = term.ok_or(Error::ArgumentNull { argument: "term" })?;
    let definition = definition.ok_or(Error::ArgumentNull {
        argument: "definition",
    })?;
    check_name("term", term, MAX_NAME)?;
    if let Some(category) = category {
        check_name("category", category, MAX_CATEGORY)?;
    }
    project_rows::set_term(project.id, term, definition, category)
}

/// Sets a value of the project's metadata.
pub fn set_metadata(
    project_id: Option<i64>,
    key: Option<&str>,
    value: Option<Jsonb<'_>>,
    description: Option<&str>,
    token: Option<&str>,
) -> Result<(), Error> {
    let project = project_access::writer(project_id, token)?;
    let key = key.ok_or(Error::ArgumentNull { argument: "key" })?;
    let value = value.ok_or(Error::ArgumentNull { argument: "value" })?;
    check_name("key", key, MAX_NAME)?;
    project_rows::set_metadata(project.id, key, value, description)
}
