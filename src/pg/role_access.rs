//! The privileges of database roles in projects' schemas. They are granted by the
//! owner of all tables. What a role was granted is written down, so that tables
//! which come later are opened to it; its privilege on the schema itself decides
//! whether that still holds: it names the role by its OID, so that another role
//! which gets an old name gets nothing with it, and who revokes it by hand is obeyed.

use pgrx::pg_sys;

use super::acting::as_owner_with_pinned_path;
use super::ddl::run;
use super::ident::{Quoted, TableName};
use super::registry::write;
use super::spi::{self, Access, Param, RowRef};
use crate::model::access_level::{Level, Object, ObjectKind};
use crate::model::project::ProjectId;

/// A role of the cluster, as far as giving it access is concerned.
pub struct Role {
    oid: pg_sys::Oid,
    pub is_superuser: bool,
    /// The first of our own roles that it is a member of.
    pub member_of: Option<String>,
}

/// The role of that name, if there is one.
pub fn role(name: &str) -> Option<Role> {
    let row = |row: RowRef<'_>| Role {
        oid: row.get(1).unwrap_or(pg_sys::InvalidOid),
        is_superuser: row.get(2).unwrap_or(true),
        member_of: row.get(3),
    };
    query(
        "SELECT r.oid, r.rolsuper \
              , (SELECT pg_catalog.min(o.rolname::pg_catalog.text) FROM pg_catalog.pg_roles AS o \
                 WHERE o.rolname OPERATOR(pg_catalog.=) ANY ('{projectalpha_owner,projectalpha_admin,projectalpha_reader}'::pg_catalog.name[]) \
                   AND pg_catalog.pg_has_role(r.oid, o.oid, 'MEMBER')) \
         FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name \
                                         AND r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) $1",
        vec![name.into()],
        row,
    )
    .pop()
}

/// Writes down what a role is granted, in place of what it was.
pub fn put(project: ProjectId, role: &str, level: Level, granted_by: &str) {
    write(
        "INSERT INTO projectalpha.project_grants AS g (project_id, role_name, level, granted_by) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (project_id, role_name) DO UPDATE \
         SET level = EXCLUDED.level, granted_at = EXCLUDED.granted_at, granted_by = EXCLUDED.granted_by",
        vec![
            project.value().into(),
            role.into(),
            level.name().into(),
            granted_by.into(),
        ],
        |_| (),
    );
}

/// Forgets what a role was granted; false if it was nothing.
pub fn forget(project: ProjectId, role: &str) -> bool {
    write(
        "DELETE FROM projectalpha.project_grants AS g \
         WHERE g.project_id OPERATOR(pg_catalog.=) $1 AND g.role_name OPERATOR(pg_catalog.=) $2",
        vec![project.value().into(), role.into()],
        |rows| rows.count() > 0,
    )
}

/// Opens the schema to a role.
pub fn open_schema(project: ProjectId, role: &str) {
    let schema = project.schema_name();
    execute(&format!(
        "GRANT USAGE ON SCHEMA {} TO {}",
        Quoted(&schema),
        Quoted(role)
    ));
}

/// Takes from a role whatever it was granted in the schema.
pub fn close(project: ProjectId, name: &str) {
    let Some(role) = role(name) else {
        return;
    };
    let (schema, name) = (project.schema_name(), Quoted(name));
    for (object, sql_name) in objects(project, role.oid) {
        if !object.has.is_empty() || !object.has_on_columns.is_empty() {
            execute(&format!(
                "REVOKE ALL ON {} {sql_name} FROM {name} CASCADE",
                object.kind.keyword()
            ));
        }
    }
    execute(&format!(
        "REVOKE ALL ON SCHEMA {} FROM {name} CASCADE",
        Quoted(&schema)
    ));
}

/// Makes the privileges in a project's schema what they should be: nothing for
/// everybody, and for each role with access what its level is. To be called
/// whenever the schema has got a table or function. Changes what differs alone.
pub fn apply(project: ProjectId) {
    close_to_everybody(project);
    for (role, name, level) in holders(project) {
        apply_level(project, role, &name, level);
    }
}

/// Roles that have any privilege in a project's schema, but for its owner.
pub fn grantees(project: ProjectId) -> Vec<String> {
    let found: Vec<Option<String>> = query(
        &format!("{MEMBERS} {GRANTEES}"),
        vec![project.schema_name().into()],
        |row| row.get(1),
    );
    found.into_iter().flatten().collect()
}

/// The roles that were granted access and still have it. To a project that is not
/// active nobody writes.
fn holders(project: ProjectId) -> Vec<(pg_sys::Oid, String, Level)> {
    if super::ddl::relation_oid(&TableName::of_configuration("project_grants")).is_none() {
        return Vec::new();
    }
    let holders = query(
        "SELECT r.oid, g.role_name \
              , CASE WHEN p.status OPERATOR(pg_catalog.=) 'active' THEN g.level ELSE 'read' END \
         FROM projectalpha.project_grants AS g \
         JOIN projectalpha.projects AS p ON p.id OPERATOR(pg_catalog.=) g.project_id \
         JOIN pg_catalog.pg_roles AS r ON r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) g.role_name \
         JOIN pg_catalog.pg_namespace AS n ON n.nspname OPERATOR(pg_catalog.=) $2::pg_catalog.name \
         WHERE g.project_id OPERATOR(pg_catalog.=) $1 \
           AND EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) AS a \
                       WHERE a.grantee OPERATOR(pg_catalog.=) r.oid \
                         AND a.privilege_type OPERATOR(pg_catalog.=) 'USAGE') \
         ORDER BY g.role_name",
        vec![project.value().into(), project.schema_name().into()],
        |row| {
            let level: String = row.get(3)?;
            Some((row.get(1)?, row.get(2)?, Level::parse(&level).ok()?))
        },
    );
    holders.into_iter().flatten().collect()
}

/// Gives a role the privileges of its level on everything in the schema, and
/// takes those that do not belong to it.
fn apply_level(project: ProjectId, role: pg_sys::Oid, name: &str, level: Level) {
    let role_name = Quoted(name);
    for (object, sql_name) in objects(project, role) {
        let what = object.kind.keyword();
        let changes = level.changes(&object);
        if !changes.revoke.is_empty() {
            execute(&format!(
                "REVOKE {} ON {what} {sql_name} FROM {role_name} CASCADE",
                changes.revoke.join(", ")
            ));
        }
        if !changes.grant.is_empty() {
            execute(&format!(
                "GRANT {} ON {what} {sql_name} TO {role_name}",
                changes.grant.join(", ")
            ));
        }
    }
}

/// The members of the schema with the name $1, by way of pg_depend: the other
/// catalogues have no index on the schema, and a thousand projects fill them.
const MEMBERS: &str = "
    WITH members AS
        ( SELECT d.classid, d.objid, n.nspowner
            FROM pg_catalog.pg_namespace AS n
            JOIN pg_catalog.pg_depend AS d ON d.refobjid OPERATOR(pg_catalog.=) n.oid
           WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name
             AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass )";

/// What there is in a schema: its kind, its name, its name in SQL where it is more
/// than that, and what a role was granted on it and on its columns. The names in SQL are
/// PostgreSQL's own words; the path is pinned, so they are qualified.
const OBJECTS: &str = "
    SELECT c.relkind::pg_catalog.text OPERATOR(pg_catalog.||)
               CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                                  WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                                    AND d.objid OPERATOR(pg_catalog.=) c.oid
                                    AND c.relkind OPERATOR(pg_catalog.=) 'S'
                                    AND d.deptype OPERATOR(pg_catalog.=) 'i')
                    THEN ' of identity' ELSE '' END
         , c.relname::pg_catalog.text, NULL
         , ARRAY(SELECT a.privilege_type FROM pg_catalog.aclexplode(c.relacl) AS a
                  WHERE a.grantee OPERATOR(pg_catalog.=) $2)
         , ARRAY(SELECT a.privilege_type FROM pg_catalog.pg_attribute AS t
                  CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) AS a
                  WHERE t.attrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.attisdropped
                    AND a.grantee OPERATOR(pg_catalog.=) $2)
      FROM members AS m JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) m.objid
     WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
       AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}')
    UNION ALL
    SELECT CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END
         , p.proname::pg_catalog.text, p.oid::pg_catalog.regprocedure::pg_catalog.text
         , ARRAY(SELECT a.privilege_type FROM pg_catalog.aclexplode(p.proacl) AS a
                  WHERE a.grantee OPERATOR(pg_catalog.=) $2)
         , '{}'
      FROM members AS m JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) m.objid
     WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
    UNION ALL
    SELECT 'type', t.typname::pg_catalog.text, t.oid::pg_catalog.regtype::pg_catalog.text
         , ARRAY(SELECT a.privilege_type FROM pg_catalog.aclexplode(t.typacl) AS a
                  WHERE a.grantee OPERATOR(pg_catalog.=) $2)
         , '{}'
      FROM members AS m JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) m.objid
     WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
       AND t.typacl IS NOT NULL
     ORDER BY 1, 2, 3";

fn objects(project: ProjectId, role: pg_sys::Oid) -> Vec<(Object, String)> {
    let found = query(
        &format!("{MEMBERS} {OBJECTS}"),
        vec![project.schema_name().into(), role.into()],
        |row| {
            let kind: String = row.get(1)?;
            let name: String = row.get(2)?;
            let kind = match kind.as_str() {
                "r" | "p" => ObjectKind::Table,
                "S" => ObjectKind::Sequence,
                "S of identity" => ObjectKind::IdentitySequence,
                "invoker" => ObjectKind::Routine,
                "definer" => ObjectKind::OwnersRoutine,
                "type" => ObjectKind::Type,
                _ => ObjectKind::View,
            };
            let sql_name = row
                .get(3)
                .unwrap_or_else(|| TableName::in_project(project, &name).to_string());
            let object = Object {
                kind,
                name,
                has: row.get(4)?,
                has_on_columns: row.get(5)?,
            };
            Some((object, sql_name))
        },
    );
    found.into_iter().flatten().collect()
}

/// Who may use any of it.
const GRANTEES: &str = "
    SELECT DISTINCT r.rolname::pg_catalog.text
      FROM ( SELECT n.nspacl AS acl FROM pg_catalog.pg_namespace AS n
              WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name
             UNION ALL
             SELECT c.relacl FROM members AS m JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) m.objid
              WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
             UNION ALL
             SELECT t.attacl FROM members AS m JOIN pg_catalog.pg_attribute AS t ON t.attrelid OPERATOR(pg_catalog.=) m.objid
              WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
             UNION ALL
             SELECT p.proacl FROM members AS m JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) m.objid
              WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
             UNION ALL
             SELECT t.typacl FROM members AS m JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) m.objid
              WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass ) AS x
     CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) AS a
      JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) a.grantee
     WHERE r.rolname OPERATOR(pg_catalog.<>) 'projectalpha_owner'";

/// What everybody may use of it.
const OPEN: &str = "
    SELECT pg_catalog.format('ROUTINE %s', p.oid::pg_catalog.regprocedure)
      FROM members AS m JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) m.objid
     WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
       AND p.proowner OPERATOR(pg_catalog.=) m.nspowner
       AND EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
                    WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)
    UNION ALL
    SELECT pg_catalog.format('TYPE %s', t.oid::pg_catalog.regtype)
      FROM members AS m JOIN pg_catalog.pg_type AS t ON t.oid OPERATOR(pg_catalog.=) m.objid
     WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
       AND t.typowner OPERATOR(pg_catalog.=) m.nspowner
       AND t.typcategory OPERATOR(pg_catalog.<>) 'A' AND t.typtype OPERATOR(pg_catalog.<>) 'm'
       AND EXISTS (SELECT FROM pg_catalog.aclexplode(COALESCE(t.typacl, pg_catalog.acldefault('T', t.typowner))) AS a
                    WHERE a.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid)";

/// PostgreSQL gives functions and types to everybody when they are made.
fn close_to_everybody(project: ProjectId) {
    let open: Vec<Option<String>> = query(
        &format!("{MEMBERS} {OPEN}"),
        vec![project.schema_name().into()],
        |row| row.get(1),
    );
    for object in open.into_iter().flatten() {
        execute(&format!("REVOKE ALL ON {object} FROM PUBLIC CASCADE"));
    }
}

fn execute(sql: &str) {
    as_owner_with_pinned_path(|| run(sql));
}

fn query<T>(sql: &str, params: Vec<Param>, take: impl Fn(RowRef<'_>) -> T) -> Vec<T> {
    as_owner_with_pinned_path(|| {
        spi::with_latest_snapshot(|| {
            spi::connected(|c| {
                let rows = c.execute(sql, params, Access::Read);
                (0..rows.count())
                    .filter_map(|i| rows.get(i).map(&take))
                    .collect()
            })
        })
    })
}
