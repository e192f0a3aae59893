//! `create_object_model` and `delete_object_model`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::object_models;

/// Adds an object model, of which projects can then store contents (spec 003).
///
/// Arguments: `name`, 1 to 255 characters; `version`, 1 to 50 characters, unique
/// together with the name; `structure`, a JSON Schema (draft 2020-12) of at most
/// 256 KiB, which the metadata of a content must fit, an object; `description`.
/// Nothing is fetched from elsewhere: a reference to another document is refused.
///
/// Returns the id of the model. A model does not change: what changes gets a new
/// version.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42710 there is one
/// of that name and version; 22023 bad name or version, or the structure is no such
/// JSON Schema; 54000 the structure is too large; 22004 a NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.create_object_model('article', '1',
///     '{"type": "object", "required": ["author"], "properties": {"author": {"type": "string"}}}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn create_object_model(
    name: Option<&str>,
    version: Option<&str>,
    structure: Option<Jsonb<'_>>,
    description: default!(Option<&str>, "NULL"),
) -> i64 {
    report::run(|| object_models::create(name, version, structure, description))
}

/// Deletes an object model that is not in use: no project has contents of it, and
/// no prompt is made for it. Whoever is just storing such a content is waited for.
///
/// Arguments: `object_model_id`.
///
/// It looks in the projects that have ever stored a content of the model through
/// `store_content`; what somebody has put into a project's table by other means
/// alone is not found.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such
/// model; 2BP01 it is in use; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.delete_object_model(7);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn delete_object_model(object_model_id: Option<i64>) {
    report::run(|| object_models::delete(object_model_id));
}
