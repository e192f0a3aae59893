//! The rows of `projectalpha.prompts`.

use pgrx::pg_sys;

use super::jsonb::Jsonb;
use super::registry::{read, write, write_kept};
use super::spi::{KeptStatement, Param, Rows};

/// A row of `projectalpha.prompts`.
pub struct PromptRow {
    pub name: String,
    pub template: String,
    /// JSON text.
    pub parameters: String,
}

thread_local! {
    static FIND: KeptStatement = const { KeptStatement::new(
        "SELECT p.name, p.template, p.parameters::pg_catalog.text \
         FROM projectalpha.prompts AS p WHERE p.id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
    static KEEP: KeptStatement = const { KeptStatement::new(
        "SELECT p.name, p.template, p.parameters::pg_catalog.text \
         FROM projectalpha.prompts AS p WHERE p.id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE",
        &[pg_sys::INT8OID],
    ) };
}

/// What is changed of a prompt; none leaves it as it is.
pub struct Change<'a> {
    pub name: Option<&'a str>,
    pub template: Option<&'a str>,
    pub parameters: Option<Jsonb<'a>>,
    pub object_model_id: Option<i64>,
}

/// Adds a prompt and gives its id; none if its name is taken.
pub fn insert(
    name: &str,
    template: &str,
    parameters: Option<Jsonb<'_>>,
    object_model_id: Option<i64>,
) -> Option<i64> {
    write(
        "INSERT INTO projectalpha.prompts AS p (name, template, parameters, object_model_id) \
         VALUES ($1, $2, COALESCE($3, '{}'), $4) ON CONFLICT (name) DO NOTHING RETURNING p.id",
        vec![
            name.into(),
            template.into(),
            document(parameters),
            object_model_id.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// The prompt as it is committed now.
pub fn find(id: i64) -> Option<PromptRow> {
    FIND.with(|query| read(query, vec![id.into()], prompt))
}

/// The prompt; whoever deletes it waits for the end of this transaction.
pub fn keep(id: i64) -> Option<PromptRow> {
    write_kept(&KEEP, vec![id.into()], prompt)
}

/// The prompt; whoever changes or deletes it waits for the end of this transaction.
pub fn lock(id: i64) -> Option<PromptRow> {
    write(
        "SELECT p.name, p.template, p.parameters::pg_catalog.text \
         FROM projectalpha.prompts AS p WHERE p.id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
        vec![id.into()],
        prompt,
    )
}

/// True if another prompt has this name, as it is committed now.
pub fn is_taken(name: &str, id: i64) -> bool {
    super::registry::read_once(
        "SELECT FROM projectalpha.prompts AS p WHERE p.name OPERATOR(pg_catalog.=) $1 \
         AND p.id OPERATOR(pg_catalog.<>) $2",
        vec![name.into(), id.into()],
        Rows::count,
    ) > 0
}

pub fn update(id: i64, change: &Change<'_>) {
    write(
        "UPDATE projectalpha.prompts AS p \
         SET name = COALESCE($2, p.name), template = COALESCE($3, p.template) \
           , parameters = COALESCE($4, p.parameters) \
           , object_model_id = COALESCE($5, p.object_model_id) \
           , updated_at = pg_catalog.now() \
         WHERE p.id OPERATOR(pg_catalog.=) $1",
        vec![
            id.into(),
            change.name.into(),
            change.template.into(),
            document(change.parameters),
            change.object_model_id.into(),
        ],
        |_| (),
    );
}

/// False if there is none.
pub fn delete(id: i64) -> bool {
    write(
        "DELETE FROM projectalpha.prompts AS p WHERE p.id OPERATOR(pg_catalog.=) $1",
        vec![id.into()],
        |rows| rows.count() > 0,
    )
}

fn prompt(rows: &Rows) -> Option<PromptRow> {
    rows.first().map(|row| PromptRow {
        name: row.get(1).unwrap_or_default(),
        template: row.get(2).unwrap_or_default(),
        parameters: row.get(3).unwrap_or_default(),
    })
}

/// A document as a parameter; none is NULL.
pub(super) fn document(document: Option<Jsonb<'_>>) -> Param {
    document.map_or_else(|| Param::null_of(pg_sys::JSONBOID), Param::document)
}
