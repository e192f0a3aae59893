//! The rows of `projectalpha.object_models`, and which projects have contents of them.

use pgrx::pg_sys;

use super::acting::with_all_rows;
use super::jsonb::Jsonb;
use super::manifest::{table_with, CONTENTS};
use super::project_tables;
use super::registry::{read_once, write, write_kept};
use super::report::Failure;
use super::spi::{KeptStatement, Param, Rows};
use super::subtransaction::atomically;
use crate::model::error::Error;
use crate::model::project::ProjectId;

/// A row of `projectalpha.object_models`.
pub struct ModelRow {
    pub name: String,
    pub version: String,
    /// JSON text.
    pub structure: String,
}

thread_local! {
    static KEEP: KeptStatement = const { KeptStatement::new(
        "SELECT m.name, m.version, m.structure::pg_catalog.text \
         FROM projectalpha.object_models AS m \
         WHERE m.id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE",
        &[pg_sys::INT8OID],
    ) };
}

/// Adds a model and gives its id; none if there is one of that name and version.
pub fn insert(
    name: &str,
    version: &str,
    structure: Jsonb<'_>,
    description: Option<&str>,
) -> Option<i64> {
    write(
        "INSERT INTO projectalpha.object_models AS m (name, version, structure, description) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (name, version) DO NOTHING RETURNING m.id",
        vec![
            name.into(),
            version.into(),
            Param::document(structure),
            description.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// The model; whoever deletes it waits for the end of this transaction.
pub fn keep(id: i64) -> Option<ModelRow> {
    write_kept(&KEEP, vec![id.into()], |rows| {
        rows.first().map(|row| ModelRow {
            name: row.get(1).unwrap_or_default(),
            version: row.get(2).unwrap_or_default(),
            structure: row.get(3).unwrap_or_default(),
        })
    })
}

/// Waits for all who are just using the model, and has those wait who come to use
/// it. False if there is none.
pub fn lock_for_delete(id: i64) -> bool {
    write(
        "SELECT m.id FROM projectalpha.object_models AS m \
         WHERE m.id OPERATOR(pg_catalog.=) $1 FOR UPDATE",
        vec![id.into()],
        |rows| rows.count() > 0,
    )
}

/// Removes a model that is not in use.
pub fn delete(id: i64) {
    write(
        "DELETE FROM projectalpha.object_models AS m WHERE m.id OPERATOR(pg_catalog.=) $1",
        vec![id.into()],
        |_| (),
    );
}

/// The names of the prompts that are made for a model, as it is committed now.
pub fn prompts_using(id: i64) -> Vec<String> {
    read_once(
        "SELECT p.name FROM projectalpha.prompts AS p \
         WHERE p.object_model_id OPERATOR(pg_catalog.=) $1 ORDER BY p.name",
        vec![id.into()],
        |rows| column(rows).collect(),
    )
}

/// Which projects have contents of a model, as it is committed now. The locks on a
/// project's table are given back before the next one is looked at: a thousand would
/// fill the room that PostgreSQL has for locks.
pub fn projects_using(id: i64) -> Result<Vec<ProjectId>, Error> {
    let mut using = Vec::new();
    for project in project_tables::projects() {
        match atomically::<(), Looked>(|| Err(Looked::Saw(has_contents(project, id)))) {
            Err(Looked::Saw(has)) => using.extend(has?.then_some(project)),
            Err(Looked::Failed(failure)) => failure.raise(),
            Ok(()) => (),
        }
    }
    Ok(using)
}

/// What was seen in a subtransaction that is rolled back.
enum Looked {
    Saw(Result<bool, Error>),
    Failed(Failure),
}

impl From<Failure> for Looked {
    fn from(failure: Failure) -> Self {
        Looked::Failed(failure)
    }
}

/// Whether a project has contents of a model; it has none without the table.
fn has_contents(project: ProjectId, id: i64) -> Result<bool, Error> {
    let Some(table) = table_with(project, CONTENTS)? else {
        return Ok(false);
    };
    let column = CONTENTS.1;
    let sql =
        format!("SELECT FROM {table} AS c WHERE c.{column} OPERATOR(pg_catalog.=) $1 LIMIT 1");
    Ok(with_all_rows(|| {
        read_once(&sql, vec![id.into()], Rows::count) > 0
    }))
}

fn column<T: pgrx::FromDatum>(rows: &Rows) -> impl Iterator<Item = T> + '_ {
    (0..rows.count()).filter_map(|index| rows.get(index).and_then(|row| row.get(1)))
}
