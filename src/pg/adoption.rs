//! Making a project of a schema that was restored: its rows in the configuration, and
//! what its own rows refer to.

use super::acting::{as_owner_for_ddl, owner_role, with_all_rows};
use super::ddl::{relation_oid, run};
use super::ident::{Quoted, TableName};
use super::manifest::{table_with, CONTENTS, PROMPT_COMPONENTS};
use super::registry::{read_once, write};
use super::role_access;
use crate::model::error::Error;
use crate::model::manifest::{Manifest, ObjectModel, Prompt, Tool};
use crate::model::project::ProjectId;

/// Something in the schema of a project that is not the owner's, in words: whoever
/// owns it could have code run as the owner of everything. PostgreSQL keeps no owner
/// of what the first superuser has made.
pub fn with_other_owner(project: ProjectId) -> Option<String> {
    read_once(
        "SELECT pg_catalog.pg_describe_object(d.classid, d.objid, 0) \
         FROM pg_catalog.pg_namespace AS n \
         JOIN pg_catalog.pg_depend AS d ON d.refobjid OPERATOR(pg_catalog.=) n.oid \
          AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass \
         WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name \
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend AS s \
                            WHERE s.dbid OPERATOR(pg_catalog.=) (SELECT b.oid FROM pg_catalog.pg_database AS b \
                                   WHERE b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) \
                              AND s.classid OPERATOR(pg_catalog.=) d.classid \
                              AND s.objid OPERATOR(pg_catalog.=) d.objid AND s.deptype OPERATOR(pg_catalog.=) 'o' \
                              AND s.refobjid OPERATOR(pg_catalog.=) $2) \
         ORDER BY 1 LIMIT 1",
        vec![project.schema_name().into(), owner_role().into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// A table of the schema that has no primary key, if there is one.
pub fn without_primary_key(project: ProjectId) -> Option<String> {
    read_once(
        "SELECT c.relname::pg_catalog.text \
         FROM pg_catalog.pg_namespace AS n \
         JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid \
         WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name \
           AND c.relkind::pg_catalog.text OPERATOR(pg_catalog.=) ANY ('{r,p}') \
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k \
                            WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid AND k.contype OPERATOR(pg_catalog.=) 'p') \
         ORDER BY 1 LIMIT 1",
        vec![project.schema_name().into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Has whoever creates or adopts a project wait for the end of this transaction.
pub fn lock_projects() {
    write(
        "LOCK TABLE projectalpha.projects IN SHARE ROW EXCLUSIVE MODE",
        vec![],
        |_| (),
    );
}

/// Adds the project under the id that its schema has; false if that is another's.
/// Ids to come are larger. The caller holds the lock above.
pub fn insert_project(
    project: ProjectId,
    name: &str,
    client_id: Option<i64>,
    manifest: &Manifest,
) -> bool {
    let inserted = write(
        "INSERT INTO projectalpha.projects (id, name, client_id, status, settings) \
         OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5::pg_catalog.jsonb) \
         ON CONFLICT (id) DO NOTHING",
        vec![
            project.value().into(),
            name.into(),
            client_id.into(),
            manifest.status.as_str().into(),
            manifest.settings.get().into(),
        ],
        |rows| rows.count() > 0,
    );
    if inserted {
        write(
            "SELECT pg_catalog.setval('projectalpha.projects_id_seq', $1) \
             FROM projectalpha.projects_id_seq AS s \
             WHERE s.last_value OPERATOR(pg_catalog.<) $1 OR NOT s.is_called",
            vec![project.value().into()],
            |_| (),
        );
    }
    inserted
}

/// The checksum of a migration here, in hexadecimal; none if there is none.
pub fn checksum(version: i32) -> Option<String> {
    read_once(
        "SELECT pg_catalog.encode(m.checksum, 'hex') FROM projectalpha.project_migrations AS m \
         WHERE m.version OPERATOR(pg_catalog.=) $1",
        vec![version.into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// The version of a tool that is defined like this, the newest if there are many;
/// none if it never was. The caller holds the tool.
pub fn version_like(tool_id: i64, tool: &Tool) -> Option<i32> {
    read_once(
        "SELECT pg_catalog.max(v.version) FROM ( \
             SELECT COALESCE((SELECT pg_catalog.max(h.version) FROM projectalpha.schema_history AS h \
                               WHERE h.tool_id OPERATOR(pg_catalog.=) $1), 1) AS version \
                  , t.schema_definition, t.options \
             FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1 \
             UNION ALL \
             SELECT h.version, h.schema_definition, h.options FROM projectalpha.schema_history AS h \
             WHERE h.tool_id OPERATOR(pg_catalog.=) $1 AND h.options IS NOT NULL) AS v \
         WHERE EXISTS (SELECT FROM projectalpha.tools AS t WHERE t.id OPERATOR(pg_catalog.=) $1 \
                        AND t.sensitive OPERATOR(pg_catalog.=) $4) \
           AND COALESCE(v.schema_definition, 'null') OPERATOR(pg_catalog.=) COALESCE($2::pg_catalog.jsonb, 'null') \
           AND COALESCE(v.options, '{}') OPERATOR(pg_catalog.=) $3::pg_catalog.jsonb",
        vec![
            tool_id.into(),
            tool.schema_definition.as_ref().map(|s| s.get()).into(),
            tool.options.get().into(),
            tool.sensitive.into(),
        ],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Notes that the project has a table of a tool.
pub fn insert_tool(project: ProjectId, tool_id: i64, version: i32, enabled: bool) {
    write(
        "INSERT INTO projectalpha.project_tools (project_id, tool_id, schema_version, disabled_at) \
         VALUES ($1, $2, $3, CASE WHEN $4 THEN NULL ELSE pg_catalog.now() END)",
        vec![
            project.value().into(),
            tool_id.into(),
            version.into(),
            enabled.into(),
        ],
        |_| (),
    );
}

/// A model of that name and version, and whether its structure is this one. Nobody
/// deletes it until the end of the transaction.
pub fn same_model(model: &ObjectModel) -> Option<(i64, bool)> {
    write(
        "SELECT m.id, m.structure OPERATOR(pg_catalog.=) $3::pg_catalog.jsonb \
         FROM projectalpha.object_models AS m \
         WHERE m.name OPERATOR(pg_catalog.=) $1 AND m.version OPERATOR(pg_catalog.=) $2 FOR KEY SHARE",
        vec![
            model.name.as_str().into(),
            model.version.as_str().into(),
            model.structure.get().into(),
        ],
        |rows| rows.first().and_then(|row| Some((row.get(1)?, row.get(2)?))),
    )
}

/// A prompt of that name, and whether its text and parameters are these. Nobody
/// deletes it until the end of the transaction.
pub fn same_prompt(prompt: &Prompt) -> Option<(i64, bool)> {
    write(
        "SELECT q.id, q.template OPERATOR(pg_catalog.=) $2 \
                AND q.parameters OPERATOR(pg_catalog.=) $3::pg_catalog.jsonb \
         FROM projectalpha.prompts AS q WHERE q.name OPERATOR(pg_catalog.=) $1 FOR KEY SHARE",
        vec![
            prompt.name.as_str().into(),
            prompt.template.as_str().into(),
            prompt.parameters.get().into(),
        ],
        |rows| {
            rows.first()
                .and_then(|row| Some((row.get(1)?, row.get(2)?)))
        },
    )
}

/// Ids that another database has given, and those that they become here.
#[derive(Default)]
pub struct NewIds {
    old: Vec<i64>,
    new: Vec<i64>,
}

impl NewIds {
    pub fn add(&mut self, old: i64, new: i64) {
        self.old.push(old);
        self.new.push(new);
    }

    pub fn old(&self) -> &[i64] {
        &self.old
    }

    pub fn of(&self, old: i64) -> Option<i64> {
        let place = self.old.iter().position(|id| *id == old)?;
        Some(self.new[place])
    }
}

/// Has the contents refer to the object models of this database.
pub fn rewrite_models(project: ProjectId, ids: &NewIds) -> Result<(), Error> {
    rewrite(project, CONTENTS, ids)
}

/// Has adapted prompts refer to the prompts of this database, or to none where theirs
/// was lost before.
pub fn rewrite_prompts(project: ProjectId, ids: &NewIds, lost: &[i64]) -> Result<(), Error> {
    if let Some(table) = table_with(project, PROMPT_COMPONENTS)? {
        let sql = format!(
            "UPDATE {table} AS c SET base_prompt_id = NULL \
             WHERE c.base_prompt_id OPERATOR(pg_catalog.=) ANY ($1)"
        );
        with_all_rows(|| write(&sql, vec![lost.to_vec().into()], |_| ()));
    }
    rewrite(project, PROMPT_COMPONENTS, ids)
}

/// One statement, so that an id which is both old and new is rewritten once.
fn rewrite(project: ProjectId, reference: (&str, &str), ids: &NewIds) -> Result<(), Error> {
    let Some(table) = table_with(project, reference)? else {
        return Ok(());
    };
    let column = reference.1;
    let sql = format!(
        "UPDATE {table} AS c SET {column} = n.new \
         FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS n (old, new) \
         WHERE c.{column} OPERATOR(pg_catalog.=) n.old AND n.old OPERATOR(pg_catalog.<>) n.new"
    );
    let params = vec![ids.old.clone().into(), ids.new.clone().into()];
    with_all_rows(|| write(&sql, params, |_| ()));
    Ok(())
}

/// Has the idempotency keys that the project's tokens used be those of the tools of
/// this database. By way of negative ids: old and new ones overlap.
pub fn rewrite_idempotency_keys(project: ProjectId, ids: &NewIds) {
    let table = TableName::idempotency_keys_in(project);
    if relation_oid(&table).is_none() {
        return;
    }
    let forget =
        format!("DELETE FROM {table} AS k WHERE k.tool_id OPERATOR(pg_catalog.<>) ALL ($1)");
    write(&forget, vec![ids.old.clone().into()], |_| ());
    let away = format!(
        "UPDATE {table} AS k SET tool_id = OPERATOR(pg_catalog.-) n.new \
         FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS n (old, new) \
         WHERE k.tool_id OPERATOR(pg_catalog.=) n.old"
    );
    write(
        &away,
        vec![ids.old.clone().into(), ids.new.clone().into()],
        |_| (),
    );
    let back = format!("UPDATE {table} AS k SET tool_id = OPERATOR(pg_catalog.-) k.tool_id");
    write(&back, vec![], |_| ());
}

/// Leaves only those in the schema who are in every project's. The roles of the
/// cluster that the dump comes from may be others here.
pub fn reset_privileges(project: ProjectId) {
    for role in role_access::grantees(project) {
        role_access::close(project, &role);
    }
    let schema = project.schema_name();
    let schema = Quoted(&schema);
    as_owner_for_ddl(|| {
        for objects in ["TABLES", "SEQUENCES", "ROUTINES"] {
            run(&format!(
                "REVOKE ALL ON ALL {objects} IN SCHEMA {schema} FROM PUBLIC CASCADE"
            ));
        }
        run(&format!(
            "REVOKE ALL ON SCHEMA {schema} FROM PUBLIC CASCADE"
        ));
        run(&format!(
            "GRANT USAGE ON SCHEMA {schema} TO projectalpha_reader, projectalpha_admin"
        ));
        run(&format!(
            "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO projectalpha_reader"
        ));
    });
    role_access::apply(project);
}
