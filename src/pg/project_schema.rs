//! The schemas of projects: the one place that makes and drops them, and runs
//! migrations in them. Whatever a distributed database wants to be told about a
//! new schema or table is to be told here and in `ddl`.

use std::cell::OnceCell;
use std::mem::ManuallyDrop;

use pgrx::pg_sys;

use super::acting::{as_owner_for_ddl, as_owner_in_schema, as_owner_with_pinned_path, owner_role};
use super::ddl::{check_schema, create_schema, run, schema_oid};
use super::ident::Quoted;
use super::report::{catch, Failure};
use super::spi::{self, Access, Plan};
use crate::model::error::Error;
use crate::model::project::ProjectId;
use crate::model::project_error::ProjectError;

/// Creates the empty schema of a project that was just added. One that is there
/// already is somebody's, and is never taken.
pub fn create(project: ProjectId) -> Result<(), Error> {
    let schema = project.schema_name();
    if schema_oid(&schema).is_some() {
        return Err(ProjectError::SchemaExists { schema }.into());
    }
    as_owner_for_ddl(|| create_schema(&schema));
    Ok(())
}

/// An error if the schema of a project is missing or not ours.
pub fn check(project: ProjectId) -> Result<(), Error> {
    let schema = project.schema_name();
    if schema_oid(&schema).is_none() {
        return Err(ProjectError::SchemaMissing { schema }.into());
    }
    check_schema(&schema)
}

/// Drops the schema of a project with all that is in it; one that is gone
/// already is no error.
pub fn drop(project: ProjectId) -> Result<(), Error> {
    let schema = project.schema_name();
    if schema_oid(&schema).is_none() {
        return Ok(());
    }
    check_schema(&schema)?;
    as_owner_for_ddl(|| run(&format!("DROP SCHEMA {} CASCADE", Quoted(&schema))));
    Ok(())
}

/// Runs the statements of a migration in the schema of a project, as the owner.
/// On failure nothing is rolled back here: the caller raises.
pub fn run_migration(project: ProjectId, sql: &str) -> Result<(), Failure> {
    let schema = project.schema_name();
    catch(|| {
        as_owner_in_schema(&Quoted(&schema).to_string(), || {
            spi::connected(|c| {
                c.execute(sql, vec![], Access::Write);
            });
        });
    })
}

/// The relations and routines of a schema ($1), by way of pg_depend: the other
/// catalogues have no index on the schema, and a thousand projects fill them.
const MEMBERS: &str = "
    WITH members AS (
        SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d
         WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
           AND d.refobjid OPERATOR(pg_catalog.=) $1),
    relations AS MATERIALIZED (
        SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relowner, c.relacl
          FROM members AS m
          JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) m.objid
         WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass),
    routines AS MATERIALIZED (
        SELECT p.oid, p.proname, p.proowner, p.proacl
          FROM members AS m
          JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) m.objid
         WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass)";

/// What sets the first privileges of our tables, views and routines. What has
/// some keeps them as they are: a DBA may have taken some back.
const PRIVILEGES: &str = "
    SELECT pg_catalog.array_agg(e.statement) FROM (
        SELECT pg_catalog.format('GRANT SELECT ON TABLE %s TO projectalpha_reader',
                                 c.oid::pg_catalog.regclass) AS statement
          FROM relations AS c
         WHERE c.relacl IS NULL AND c.relowner OPERATOR(pg_catalog.=) $2
           AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m}')
        UNION ALL
        SELECT pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM PUBLIC',
                                 p.oid::pg_catalog.regprocedure)
          FROM routines AS p
         WHERE p.proacl IS NULL AND p.proowner OPERATOR(pg_catalog.=) $2) AS e";

/// What breaks a rule that all projects follow, in words. The rules keep the road
/// to a distributed database open, and have no code of a migration run where
/// nobody expects it.
const EXCEPTIONS: &str = "
    SELECT pg_catalog.array_agg(e.what ORDER BY e.what) FROM (
        SELECT pg_catalog.format('table \"%s\" without a primary key', c.relname) AS what
          FROM relations AS c
         WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                            WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid
                              AND k.contype OPERATOR(pg_catalog.=) 'p')
        UNION ALL
        SELECT pg_catalog.format('unlogged table \"%s\"', c.relname)
          FROM relations AS c
         WHERE c.relkind OPERATOR(pg_catalog.=) 'r'
           AND c.relpersistence OPERATOR(pg_catalog.<>) 'p'
        UNION ALL
        SELECT pg_catalog.format('foreign table \"%s\"', c.relname)
          FROM relations AS c
         WHERE c.relkind OPERATOR(pg_catalog.=) 'f'
        UNION ALL
        SELECT pg_catalog.format('trigger \"%s\" on \"%s\"', t.tgname, c.relname)
          FROM relations AS c
          JOIN pg_catalog.pg_trigger AS t ON t.tgrelid OPERATOR(pg_catalog.=) c.oid
         WHERE NOT t.tgisinternal
        UNION ALL
        SELECT pg_catalog.format('rule \"%s\" on \"%s\"', r.rulename, c.relname)
          FROM relations AS c
          JOIN pg_catalog.pg_rewrite AS r ON r.ev_class OPERATOR(pg_catalog.=) c.oid
         WHERE r.ev_type OPERATOR(pg_catalog.<>) '1'
        UNION ALL
        SELECT pg_catalog.format('reference \"%s\" to another schema', k.conname)
          FROM relations AS c
          JOIN pg_catalog.pg_constraint AS k ON k.conrelid OPERATOR(pg_catalog.=) c.oid
          JOIN pg_catalog.pg_class AS f ON f.oid OPERATOR(pg_catalog.=) k.confrelid
         WHERE k.contype OPERATOR(pg_catalog.=) 'f'
           AND f.relnamespace OPERATOR(pg_catalog.<>) $1
        UNION ALL
        SELECT pg_catalog.format('relation \"%s\" with another owner', c.relname)
          FROM relations AS c
         WHERE c.relowner OPERATOR(pg_catalog.<>) $2
        UNION ALL
        SELECT pg_catalog.format('routine \"%s\" with another owner', p.proname)
          FROM routines AS p
         WHERE p.proowner OPERATOR(pg_catalog.<>) $2
    ) AS e";

thread_local! {
    static PLANS: OnceCell<ManuallyDrop<[Plan; 2]>> = const { OnceCell::new() };
}

/// What one of the two statements above says of a schema.
fn ask(project: ProjectId, which: usize) -> Vec<String> {
    let oid = schema_oid(&project.schema_name());
    let params = vec![oid.into(), owner_role().into()];
    as_owner_with_pinned_path(|| {
        PLANS.with(|plans| {
            let plans = plans.get_or_init(|| {
                let types = [pg_sys::OIDOID, pg_sys::OIDOID];
                ManuallyDrop::new(
                    [PRIVILEGES, EXCEPTIONS]
                        .map(|statement| Plan::prepare(&format!("{MEMBERS}{statement}"), &types)),
                )
            });
            spi::connected(|c| {
                let rows = c.execute_plan(&plans[which], params, Access::Write);
                rows.first().and_then(|row| row.get(1)).unwrap_or_default()
            })
        })
    })
}

/// The exceptions from the rules that a schema has now. A DBA may have made some
/// by hand; a migration must not.
pub fn exceptions(project: ProjectId) -> Vec<String> {
    ask(project, 1)
}

/// Nobody but the owner may call what a migration has made. Readers may read its
/// tables, like all data.
pub fn set_privileges(project: ProjectId) {
    let statements = ask(project, 0);
    as_owner_for_ddl(|| statements.iter().for_each(|statement| run(statement)));
}
