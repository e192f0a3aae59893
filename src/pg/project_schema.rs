//! The schemas of projects: the one place that makes and drops them, and runs
//! migrations in them. Whatever a distributed database wants to be told about a
//! new schema or table is to be told here and in `ddl`.

use pgrx::pg_sys;

use super::acting::{as_owner_for_ddl, as_owner_in_schema, as_owner_with_pinned_path};
use super::ddl::{check_schema, create_schema, run, schema_oid};
use super::ident::Quoted;
use super::report::{catch, Failure};
use super::spi::{self, Access};
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

/// Nobody but the owner may call what a migration has made. Readers may read its
/// tables, like all data.
pub fn set_privileges(project: ProjectId) {
    let schema = project.schema_name();
    as_owner_for_ddl(|| {
        run(&format!(
            "REVOKE ALL ON ALL ROUTINES IN SCHEMA {} FROM PUBLIC",
            Quoted(&schema)
        ));
        let granted: Option<Vec<String>> = spi::connected(|c| {
            // What has privileges already keeps them: a DBA may have taken some back.
            let rows = c.execute(
                "SELECT pg_catalog.array_agg(c.relname::pg_catalog.text) \
                 FROM pg_catalog.pg_class AS c \
                 WHERE c.relnamespace OPERATOR(pg_catalog.=) $1 AND c.relacl IS NULL \
                   AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m}')",
                vec![schema_oid(&schema).into()],
                Access::Read,
            );
            rows.first().and_then(|row| row.get(1))
        });
        for table in granted.unwrap_or_default() {
            run(&format!(
                "GRANT SELECT ON TABLE {}.{} TO projectalpha_reader",
                Quoted(&schema),
                Quoted(&table)
            ));
        }
    });
}

/// What in the schema of a project breaks a rule that all projects follow, in
/// words. The rules keep the road to a distributed database open, and have no
/// code of a tenant run where nobody expects it.
const EXCEPTIONS: &str = "
    SELECT pg_catalog.array_agg(e.what ORDER BY e.what) FROM (
        SELECT pg_catalog.format('table \"%s\" without a primary key', c.relname) AS what
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace OPERATOR(pg_catalog.=) $1
           AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                            WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid
                              AND k.contype OPERATOR(pg_catalog.=) 'p')
        UNION ALL
        SELECT pg_catalog.format('table \"%s\" unlogged', c.relname)
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace OPERATOR(pg_catalog.=) $1
           AND c.relkind OPERATOR(pg_catalog.=) 'r'
           AND c.relpersistence OPERATOR(pg_catalog.<>) 'p'
        UNION ALL
        SELECT pg_catalog.format('foreign table \"%s\"', c.relname)
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace OPERATOR(pg_catalog.=) $1
           AND c.relkind OPERATOR(pg_catalog.=) 'f'
        UNION ALL
        SELECT pg_catalog.format('trigger \"%s\" on table \"%s\"', t.tgname, c.relname)
          FROM pg_catalog.pg_trigger AS t
          JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
         WHERE c.relnamespace OPERATOR(pg_catalog.=) $1 AND NOT t.tgisinternal
        UNION ALL
        SELECT pg_catalog.format('rule \"%s\" on table \"%s\"', r.rulename, c.relname)
          FROM pg_catalog.pg_rewrite AS r
          JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
         WHERE c.relnamespace OPERATOR(pg_catalog.=) $1
           AND r.ev_type OPERATOR(pg_catalog.<>) '1'
        UNION ALL
        SELECT pg_catalog.format('reference \"%s\" to another schema', k.conname)
          FROM pg_catalog.pg_constraint AS k
          JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) k.confrelid
         WHERE k.connamespace OPERATOR(pg_catalog.=) $1
           AND k.contype OPERATOR(pg_catalog.=) 'f'
           AND c.relnamespace OPERATOR(pg_catalog.<>) $1
        UNION ALL
        SELECT pg_catalog.format('relation \"%s\" with another owner', c.relname)
          FROM pg_catalog.pg_class AS c
         WHERE c.relnamespace OPERATOR(pg_catalog.=) $1
           AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}')
           AND pg_catalog.pg_get_userbyid(c.relowner) OPERATOR(pg_catalog.<>) 'projectalpha_owner'
        UNION ALL
        SELECT pg_catalog.format('routine \"%s\" with another owner', p.proname)
          FROM pg_catalog.pg_proc AS p
         WHERE p.pronamespace OPERATOR(pg_catalog.=) $1
           AND pg_catalog.pg_get_userbyid(p.proowner) OPERATOR(pg_catalog.<>) 'projectalpha_owner'
    ) AS e";

/// The exceptions from the rules that a schema has now. A DBA may have made some
/// by hand; a migration must not.
pub fn exceptions(project: ProjectId) -> Vec<String> {
    let oid: Option<pg_sys::Oid> = schema_oid(&project.schema_name());
    as_owner_with_pinned_path(|| {
        spi::connected(|c| {
            let rows = c.execute(EXCEPTIONS, vec![oid.into()], Access::Write);
            rows.first().and_then(|row| row.get(1)).unwrap_or_default()
        })
    })
}
