//! The rows of `projectalpha.object_models`, and in which projects they are used.

use pgrx::pg_sys;

use super::acting::with_all_rows;
use super::ddl::{check_table, relation_oid};
use super::ident::TableName;
use super::jsonb::Jsonb;
use super::registry::{read, read_once, write, write_kept};
use super::spi::{KeptStatement, Param, Rows};
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
    static IS_USED: KeptStatement = const { KeptStatement::new(
        "SELECT FROM projectalpha.object_model_uses AS u \
         WHERE u.object_model_id OPERATOR(pg_catalog.=) $1 \
           AND u.project_id OPERATOR(pg_catalog.=) $2",
        &[pg_sys::INT8OID, pg_sys::INT8OID],
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
        "DELETE FROM projectalpha.object_model_uses AS u \
         WHERE u.object_model_id OPERATOR(pg_catalog.=) $1",
        vec![id.into()],
        |_| (),
    );
    write(
        "DELETE FROM projectalpha.object_models AS m WHERE m.id OPERATOR(pg_catalog.=) $1",
        vec![id.into()],
        |_| (),
    );
}

/// Notes that a project has contents of a model. The caller keeps both.
pub fn note_use(id: i64, project: ProjectId) {
    let params = || vec![id.into(), project.value().into()];
    // Nearly always it is known, and then nothing is written and nobody waited for.
    if IS_USED.with(|query| read(query, params(), Rows::count)) > 0 {
        return;
    }
    write(
        "INSERT INTO projectalpha.object_model_uses (object_model_id, project_id) \
         VALUES ($1, $2) ON CONFLICT DO NOTHING",
        params(),
        |_| (),
    );
}

/// The projects that may have contents of a model, as it is committed now.
pub fn projects_using(id: i64) -> Vec<ProjectId> {
    read_once(
        "SELECT u.project_id FROM projectalpha.object_model_uses AS u \
         WHERE u.object_model_id OPERATOR(pg_catalog.=) $1 ORDER BY u.project_id",
        vec![id.into()],
        |rows| column(rows).filter_map(ProjectId::new).collect(),
    )
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

/// Whether a project has contents of a model; none if its table is gone.
pub fn has_contents(project: ProjectId, id: i64) -> Result<bool, Error> {
    let table = TableName::in_project(project, super::project_rows::CONTENTS);
    let Some(oid) = relation_oid(&table) else {
        return Ok(false);
    };
    check_table(&table, oid)?;
    let sql = format!(
        "SELECT FROM {table} AS c WHERE c.object_model_id OPERATOR(pg_catalog.=) $1 LIMIT 1"
    );
    Ok(with_all_rows(|| {
        read_once(&sql, vec![id.into()], Rows::count) > 0
    }))
}

fn column<T: pgrx::FromDatum>(rows: &Rows) -> impl Iterator<Item = T> + '_ {
    (0..rows.count()).filter_map(|index| rows.get(index).and_then(|row| row.get(1)))
}
