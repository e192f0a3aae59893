//! Prompts: `create_prompt`, `update_prompt`, `delete_prompt`, `adapt_prompt`,
//! `render_prompt`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::prompts::Change;
use crate::pg::report;
use crate::store::prompts;

/// Adds a prompt that all projects share (spec 003).
///
/// Arguments: `name`, 1 to 255 characters, unique; `template`, at most 1 MiB of text
/// with placeholders `{{name}}`, where a name matches `^[a-z_][a-z0-9_]{0,62}$` and
/// may have spaces around it (other braces are text, but for `{name}}`);
/// `parameters`, a JSON object that says about placeholders what it likes:
/// `{"tone": {"description": "How it sounds", "default": "friendly"}}`;
/// `object_model_id`, the model that the prompt is made for.
///
/// Returns the id of the prompt.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42710 there is one of
/// that name; 42704 no such object model; 22023 bad name, a malformed placeholder, or
/// `parameters` that do not fit the template; 54000 the template is too long; 22004 no
/// name or template.
///
/// ```sql
/// SELECT projectalpha.create_prompt('teaser', 'A {{ tone }} teaser about {{topic}}.',
///     '{"tone": {"default": "friendly"}}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn create_prompt(
    name: Option<&str>,
    template: Option<&str>,
    parameters: default!(Option<Jsonb<'_>>, "NULL"),
    object_model_id: default!(Option<i64>, "NULL"),
) -> i64 {
    report::run(|| prompts::create(name, template, parameters, object_model_id))
}

/// Changes a prompt for all projects that have no adaptation of it.
///
/// Arguments: `prompt_id`; `name`, `template`, `parameters`, `object_model_id` as in
/// `create_prompt`, NULL leaves each as it is.
///
/// Errors: those of `create_prompt`; 42704 no such prompt; 40001 changed by another
/// transaction since this one's snapshot.
///
/// ```sql
/// SELECT projectalpha.update_prompt(3, template => 'A {{tone}} teaser of {{words}} words about {{topic}}.');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn update_prompt(
    prompt_id: Option<i64>,
    name: default!(Option<&str>, "NULL"),
    template: default!(Option<&str>, "NULL"),
    parameters: default!(Option<Jsonb<'_>>, "NULL"),
    object_model_id: default!(Option<i64>, "NULL"),
) {
    report::run(|| {
        prompts::update(
            prompt_id,
            &Change {
                name,
                template,
                parameters,
                object_model_id,
            },
        )
    });
}

/// Deletes a prompt. Adaptations of it stay in their projects' tables, and are of no
/// use; so does its id in what was recorded of its use.
///
/// Arguments: `prompt_id`.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such
/// prompt; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.delete_prompt(3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn delete_prompt(prompt_id: Option<i64>) {
    report::run(|| prompts::delete(prompt_id));
}

/// Gives a project its own text of a prompt, in place of the one that it had. It is
/// kept in the project's `prompt_components`, with the base prompt's id and name.
///
/// Arguments: `project_id`; `prompt_id`, the base; `content`, a template as in
/// `create_prompt`, whose placeholders are all among those of the base; `token`, one
/// of the project with scope `write` (not needed by members of `projectalpha_admin`).
///
/// Errors: 28000 the token is none of the project; 55000 the project is suspended or
/// archived; 42704 no such prompt; 22023 a malformed placeholder, or one that the base
/// does not have; 54000 the content is too long; 22004 a NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.adapt_prompt(7, 3, 'In one {{tone}} sentence: {{topic}}.', token => 'pas_project_...');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn adapt_prompt(
    project_id: Option<i64>,
    prompt_id: Option<i64>,
    content: Option<&str>,
    token: default!(Option<&str>, "NULL"),
) {
    report::run(|| prompts::adapt(project_id, prompt_id, content, token));
}

/// Renders a prompt: the project's adaptation if there is one, otherwise the base.
///
/// Arguments: `project_id`; `prompt_id`; `parameters`, a JSON object with a value for
/// each placeholder that has no default; `token`, one of the project with scope `read`
/// (not needed by members of `projectalpha_admin`). Strings are inserted as they are,
/// all else as JSON text; braces in them mean nothing. `null` is no value. What the
/// base has a placeholder for may be given although the adaptation leaves it out.
///
/// Returns the text, at most 16 MiB.
///
/// Errors: 28000 the token is none of the project; 55000 the project is archived; 42704
/// no such prompt; 22023 a missing or unknown parameter, or `parameters` that are no
/// object; 54000 the text is too long; 22004 a NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.render_prompt(7, 3, '{"topic": "bread"}', token => 'pas_project_...');
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn render_prompt(
    project_id: Option<i64>,
    prompt_id: Option<i64>,
    parameters: default!(Option<Jsonb<'_>>, "NULL"),
    token: default!(Option<&str>, "NULL"),
) -> String {
    report::run(|| prompts::render(project_id, prompt_id, parameters, token))
}
