//! Rows of a project's own tables: contents, metadata, vocabulary and adapted
//! prompts. Each statement is made for the project's schema.

use super::ddl::check_tool_table;
use super::ident::TableName;
use super::jsonb::Jsonb;
use super::registry::{read_once, write};
use super::spi::{Param, Rows};
use crate::model::error::Error;
use crate::model::project::ProjectId;
use crate::model::resource_error::ResourceError;
use crate::model::token::Digest;

pub(super) const CONTENTS: &str = "contents";
const METADATA: &str = "metadata";
const VOCABULARY: &str = "vocabulary";
const PROMPT_COMPONENTS: &str = "prompt_components";

/// A table of a project, which is there and ours.
fn table_of(project: ProjectId, name: &str) -> Result<TableName, Error> {
    let table = TableName::in_project(project, name);
    check_tool_table(&table)?;
    Ok(table)
}

/// Adds a content and gives its id; none if a trigger took the row away.
pub fn insert_content(
    project: ProjectId,
    object_model_id: i64,
    title: Option<&str>,
    body: &str,
    metadata: Option<Jsonb<'_>>,
) -> Result<Option<i64>, Error> {
    let table = table_of(project, CONTENTS)?;
    Ok(write(
        &format!(
            "INSERT INTO {table} AS c (title, body, object_model_id, metadata) \
             VALUES ($1, $2, $3, $4) RETURNING c.id::pg_catalog.int8"
        ),
        vec![
            title.into(),
            body.into(),
            object_model_id.into(),
            super::prompts::document(metadata),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    ))
}

/// Sets the value of a key. Without a description the one that is there stays.
pub fn set_metadata(
    project: ProjectId,
    key: &str,
    value: Jsonb<'_>,
    description: Option<&str>,
) -> Result<(), Error> {
    let table = table_of(project, METADATA)?;
    write(
        &format!(
            "INSERT INTO {table} AS m (key, value, description) VALUES ($1, $2, $3) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value \
               , description = COALESCE(excluded.description, m.description) \
               , updated_at = pg_catalog.now()"
        ),
        vec![key.into(), Param::document(value), description.into()],
        |_| (),
    );
    Ok(())
}

/// Sets the definition of a term. Without a category the one that is there stays.
pub fn set_term(
    project: ProjectId,
    term: &str,
    definition: &str,
    category: Option<&str>,
) -> Result<(), Error> {
    let table = table_of(project, VOCABULARY)?;
    let params = || vec![term.into(), definition.into(), category.into()];
    let update = format!(
        "UPDATE {table} AS v SET definition = $2, category = COALESCE($3, v.category) \
         WHERE v.term OPERATOR(pg_catalog.=) $1"
    );
    let insert = format!("INSERT INTO {table} (term, definition, category) VALUES ($1, $2, $3)");
    let find = format!("SELECT FROM {table} AS v WHERE v.term OPERATOR(pg_catalog.=) $1");
    let is_there = || read_once(&find, vec![term.into()], Rows::count) > 0;
    upsert(&table, &update, &insert, params, is_there)
}

/// The project's adaptation of a prompt, as it is committed now.
pub fn adaptation(project: ProjectId, prompt_id: i64) -> Result<Option<String>, Error> {
    let table = table_of(project, PROMPT_COMPONENTS)?;
    Ok(read_once(
        // Somebody may have added a second one by hand.
        &format!(
            "SELECT p.content::pg_catalog.text FROM {table} AS p \
             WHERE p.base_prompt_id OPERATOR(pg_catalog.=) $1 \
             ORDER BY p.updated_at DESC, p.id DESC LIMIT 1"
        ),
        vec![prompt_id.into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    ))
}

/// Sets the project's adaptation of a prompt.
pub fn set_adaptation(
    project: ProjectId,
    prompt_id: i64,
    name: &str,
    content: &str,
) -> Result<(), Error> {
    let table = table_of(project, PROMPT_COMPONENTS)?;
    let params = || vec![prompt_id.into(), name.into(), content.into()];
    let update = format!(
        "UPDATE {table} AS p SET name = $2, content = $3, updated_at = pg_catalog.now() \
         WHERE p.base_prompt_id OPERATOR(pg_catalog.=) $1"
    );
    let insert = format!("INSERT INTO {table} (base_prompt_id, name, content) VALUES ($1, $2, $3)");
    let is_there = || adaptation(project, prompt_id).is_ok_and(|found| found.is_some());
    upsert(&table, &update, &insert, params, is_there)
}

/// Changes the row, or adds it under a lock: two that find none must not both add it.
/// `is_there` looks at what is committed now, which the transaction may not see.
fn upsert(
    table: &TableName,
    update: &str,
    insert: &str,
    params: impl Fn() -> Vec<Param>,
    is_there: impl FnOnce() -> bool,
) -> Result<(), Error> {
    let changed = || write(update, params(), Rows::count) > 0;
    if changed() {
        return Ok(());
    }
    write(
        "SELECT pg_catalog.pg_advisory_xact_lock($1)",
        vec![lock_key(table).into()],
        |_| (),
    );
    if changed() {
        return Ok(());
    }
    if is_there() {
        return Err(ResourceError::NotInSnapshot.into());
    }
    write(insert, params(), |_| ());
    Ok(())
}

/// The key of the advisory lock under which rows are added to a table.
fn lock_key(table: &TableName) -> i64 {
    Digest::of(&format!("upsert {table}")).lock_key()
}
