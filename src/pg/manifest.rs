//! The manifest of a project, in a table of its schema: a dump of the schema has it.

use super::acting::{as_owner_with_pinned_path, with_all_rows, with_portable_values};
use super::ddl::{check_tool_table, ensure_manifest_table, relation_oid};
use super::ident::TableName;
use super::project_tables;
use super::registry::write;
use super::spi::{self, Access, Rows};
use crate::model::access_level::MANIFEST_TABLE;
use crate::model::error::Error;
use crate::model::manifest::{FORMAT, FORMAT_KEY};
use crate::model::project::ProjectId;

/// The columns of a project that refer to what all projects share.
pub const CONTENTS: (&str, &str) = ("contents", "object_model_id");
pub const PROMPT_COMPONENTS: (&str, &str) = ("prompt_components", "base_prompt_id");

/// The table of a project with such a column; none if the template has it no more.
pub fn table_with(
    project: ProjectId,
    (table, column): (&str, &str),
) -> Result<Option<TableName>, Error> {
    let found = project_tables::open(project, table)?;
    let has = found.is_some_and(|table| table.columns.iter().any(|c| c.name == column));
    Ok(has.then(|| TableName::in_project(project, table)))
}

/// Ids in such a column that this does not know, at most ten.
pub fn unknown_ids(
    project: ProjectId,
    reference: (&str, &str),
    known: &[i64],
) -> Result<Vec<i64>, Error> {
    let Some(table) = table_with(project, reference)? else {
        return Ok(Vec::new());
    };
    let column = reference.1;
    let sql = format!(
        "SELECT u.id FROM (SELECT DISTINCT t.{column}::pg_catalog.int8 AS id FROM {table} AS t) AS u \
         WHERE u.id OPERATOR(pg_catalog.<>) ALL ($1) ORDER BY u.id LIMIT 10"
    );
    Ok(with_all_rows(|| {
        write(&sql, vec![known.to_vec().into()], |rows| {
            column_of(rows).collect()
        })
    }))
}

/// The ids of all object models.
pub fn object_model_ids() -> Vec<i64> {
    write(
        "SELECT m.id FROM projectalpha.object_models AS m",
        vec![],
        |rows| column_of(rows).collect(),
    )
}

fn column_of(rows: &Rows) -> impl Iterator<Item = i64> + '_ {
    (0..rows.count()).filter_map(|index| rows.get(index).and_then(|row| row.get(1)))
}

/// Ids of what a project's rows refer to: nothing, without the table.
fn ids_used(project: ProjectId, reference: (&str, &str)) -> Result<String, Error> {
    let column = reference.1;
    Ok(match table_with(project, reference)? {
        None => "SELECT NULL::pg_catalog.int8 AS id WHERE false".to_owned(),
        Some(table) => format!(
            "SELECT DISTINCT t.{column}::pg_catalog.int8 AS id FROM {table} AS t WHERE t.{column} IS NOT NULL"
        ),
    })
}

/// The document; $1 is the project, $2 who exports it. The tools are as the project's
/// tables of them are, which may be older than the tools.
const DOCUMENT: &str = "
    SELECT pg_catalog.jsonb_build_object(
        'extension_version', (SELECT e.extversion FROM pg_catalog.pg_extension AS e
                               WHERE e.extname OPERATOR(pg_catalog.=) 'projectalpha_store'),
        'id', p.id, 'name', p.name, 'status', p.status, 'settings', p.settings,
        'created_at', p.created_at, 'exported_at', pg_catalog.now(), 'exported_by', $2,
        'client', (SELECT c.name FROM projectalpha.clients AS c WHERE c.id OPERATOR(pg_catalog.=) p.client_id),
        'migrations', (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'version', a.version, 'name', COALESCE(m.name, ''),
                'checksum', pg_catalog.encode(a.checksum, 'hex')) ORDER BY a.version), '[]')
            FROM projectalpha.applied_migrations AS a
            LEFT JOIN projectalpha.project_migrations AS m ON m.version OPERATOR(pg_catalog.=) a.version
           WHERE a.project_id OPERATOR(pg_catalog.=) p.id),
        'object_models', (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'id', m.id, 'name', m.name, 'version', m.version,
                'structure', m.structure, 'description', m.description) ORDER BY m.id), '[]')
            FROM projectalpha.object_models AS m
           WHERE EXISTS (SELECT FROM used_models AS u WHERE u.id OPERATOR(pg_catalog.=) m.id)
              OR EXISTS (SELECT FROM used_prompts AS u
                          JOIN projectalpha.prompts AS q ON q.id OPERATOR(pg_catalog.=) u.id
                         WHERE q.object_model_id OPERATOR(pg_catalog.=) m.id)),
        'prompts', (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'id', q.id, 'name', q.name, 'template', q.template, 'parameters', q.parameters,
                'object_model_id', q.object_model_id) ORDER BY q.id), '[]')
            FROM projectalpha.prompts AS q JOIN used_prompts AS u ON u.id OPERATOR(pg_catalog.=) q.id),
        'lost_prompts', (SELECT COALESCE(pg_catalog.jsonb_agg(u.id ORDER BY u.id), '[]') FROM used_prompts AS u
           WHERE NOT EXISTS (SELECT FROM projectalpha.prompts AS q WHERE q.id OPERATOR(pg_catalog.=) u.id)),
        'tools', (SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'id', t.id, 'name', t.tool_name, 'sensitive', t.sensitive, 'description', t.description,
                'schema_definition', CASE WHEN l.is_latest THEN t.schema_definition ELSE h.schema_definition END,
                'options', COALESCE(CASE WHEN l.is_latest THEN t.options ELSE h.options END, '{}'),
                'schema_version', x.schema_version, 'enabled', x.disabled_at IS NULL) ORDER BY t.tool_name), '[]')
            FROM projectalpha.project_tools AS x
            JOIN projectalpha.tools AS t ON t.id OPERATOR(pg_catalog.=) x.tool_id
           CROSS JOIN LATERAL (SELECT x.schema_version OPERATOR(pg_catalog.>=) COALESCE(pg_catalog.max(v.version), 1) AS is_latest
                                 FROM projectalpha.schema_history AS v
                                WHERE v.tool_id OPERATOR(pg_catalog.=) t.id) AS l
            LEFT JOIN projectalpha.schema_history AS h ON h.tool_id OPERATOR(pg_catalog.=) t.id
                                                      AND h.version OPERATOR(pg_catalog.=) x.schema_version
           WHERE x.project_id OPERATOR(pg_catalog.=) p.id)
    ) FROM projectalpha.projects AS p WHERE p.id OPERATOR(pg_catalog.=) $1";

/// Writes the manifest, in place of the one before, and gives its text. The caller
/// holds the project locked.
pub fn put(project: ProjectId, exported_by: &str) -> Result<Option<String>, Error> {
    ensure_manifest_table(project)?;
    let sql = format!(
        "WITH used_models AS MATERIALIZED ({}), used_prompts AS MATERIALIZED ({}) \
         INSERT INTO {} AS x (id, manifest) \
         SELECT 1, pg_catalog.jsonb_build_object('{FORMAT_KEY}', {FORMAT}) OPERATOR(pg_catalog.||) ({DOCUMENT}) \
         ON CONFLICT (id) DO UPDATE SET manifest = EXCLUDED.manifest RETURNING x.manifest::pg_catalog.text",
        ids_used(project, CONTENTS)?,
        ids_used(project, PROMPT_COMPONENTS)?,
        table_of(project),
    );
    let params = vec![project.value().into(), exported_by.into()];
    Ok(with_portable_values(|| {
        with_all_rows(|| write(&sql, params, |rows| rows.first().and_then(|row| row.get(1))))
    }))
}

/// The manifest that is there; none if there is none, or it was outdated.
pub fn read(project: ProjectId) -> Result<Option<String>, Error> {
    let table = table_of(project);
    if relation_oid(&table).is_none() {
        return Ok(None);
    }
    check_tool_table(&table)?;
    let sql = format!(
        "SELECT x.manifest::pg_catalog.text FROM {table} AS x WHERE x.id OPERATOR(pg_catalog.=) 1"
    );
    Ok(as_owner_with_pinned_path(|| {
        spi::connected(|c| {
            let rows = c.execute(&sql, vec![], Access::Write);
            rows.first().and_then(|row| row.get(1))
        })
    }))
}

/// Empties the manifest of a project whose tables are changed: it would say what is
/// true no more. The table stays: to drop it would wait for whoever dumps it.
pub fn outdate(project: ProjectId) -> Result<(), Error> {
    let table = table_of(project);
    if relation_oid(&table).is_some() {
        check_tool_table(&table)?;
        write(&format!("DELETE FROM {table}"), vec![], |_| ());
    }
    Ok(())
}

pub fn table_of(project: ProjectId) -> TableName {
    TableName::in_project(project, MANIFEST_TABLE)
}
