//! The rows of migrations: the template, what each project has had of it, and
//! what went wrong.

use pgrx::pg_sys;

use super::registry::{read, write};
use super::spi::{KeptStatement, RowRef, Rows};
use crate::model::project::ProjectId;

pub use super::migration_sql::check as check_statements;

/// A migration as one project sees it.
pub struct Step {
    pub version: i32,
    /// None if the project has had it but the template has it no more.
    pub name: Option<String>,
    pub applied: bool,
    /// True if its text is what it was when it was added and when it was applied.
    pub intact: bool,
}

thread_local! {
    static STEPS: KeptStatement = const { KeptStatement::new(
        "SELECT COALESCE(m.version, a.version), m.name, a.version IS NOT NULL \
              , COALESCE(pg_catalog.sha256(pg_catalog.convert_to(m.sql, 'UTF8')) \
                    OPERATOR(pg_catalog.=) m.checksum \
                AND (a.checksum IS NULL OR a.checksum OPERATOR(pg_catalog.=) m.checksum), false) \
         FROM projectalpha.project_migrations AS m \
         FULL JOIN (SELECT p.version, p.checksum FROM projectalpha.applied_migrations AS p \
                    WHERE p.project_id OPERATOR(pg_catalog.=) $1) AS a \
           ON a.version OPERATOR(pg_catalog.=) m.version \
         ORDER BY 1",
        &[pg_sys::INT8OID],
    ) };
    static TEXT: KeptStatement = const { KeptStatement::new(
        "SELECT m.sql FROM projectalpha.project_migrations AS m \
         WHERE m.version OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT4OID],
    ) };
    static LATEST: KeptStatement = const { KeptStatement::new(
        "SELECT pg_catalog.max(m.version) FROM projectalpha.project_migrations AS m",
        &[],
    ) };
    static APPLIED: KeptStatement = const { KeptStatement::new(
        "SELECT pg_catalog.count(*) FROM projectalpha.applied_migrations AS a \
         WHERE a.version OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT4OID],
    ) };
    static BY_NAME: KeptStatement = const { KeptStatement::new(
        "SELECT m.version FROM projectalpha.project_migrations AS m \
         WHERE m.name OPERATOR(pg_catalog.=) $1",
        &[pg_sys::TEXTOID],
    ) };
}

/// All migrations, in order, as they are committed now.
pub fn steps(project: ProjectId) -> Vec<Step> {
    let step = |row: RowRef<'_>| Step {
        version: row.get(1).unwrap_or_default(),
        name: row.get(2),
        applied: row.get(3).unwrap_or_default(),
        intact: row.get(4).unwrap_or_default(),
    };
    STEPS.with(|query| {
        read(query, vec![project.value().into()], |rows| {
            (0..rows.count())
                .filter_map(|index| rows.get(index).map(step))
                .collect()
        })
    })
}

/// The SQL of a migration.
pub fn text(version: i32) -> Option<String> {
    TEXT.with(|query| read(query, vec![version.into()], first_text))
}

fn first_text(rows: &Rows) -> Option<String> {
    rows.first().and_then(|row| row.get(1))
}

/// Keeps others from adding migrations until the end of the transaction, and
/// gives the version that the next one gets.
pub fn lock_next_version() -> i32 {
    write(
        "LOCK TABLE projectalpha.project_migrations IN SHARE ROW EXCLUSIVE MODE",
        vec![],
        |_| (),
    );
    let latest: Option<i32> = LATEST.with(|query| {
        read(query, vec![], |rows| {
            rows.first().and_then(|row| row.get(1))
        })
    });
    latest.unwrap_or_default() + 1
}

pub fn exists(name: &str) -> bool {
    BY_NAME.with(|query| read(query, vec![name.into()], |rows| rows.count() > 0))
}

pub fn insert(version: i32, name: &str, sql: &str, created_by: &str) {
    write(
        "INSERT INTO projectalpha.project_migrations (version, name, sql, checksum, created_by) \
         VALUES ($1, $2, $3, pg_catalog.sha256(pg_catalog.convert_to($3, 'UTF8')), $4)",
        vec![version.into(), name.into(), sql.into(), created_by.into()],
        |_| (),
    );
}

/// Removes a migration; false if it is not the last one. The caller has
/// locked the template.
pub fn delete_last(version: i32) -> bool {
    write(
        "DELETE FROM projectalpha.project_migrations AS m \
         WHERE m.version OPERATOR(pg_catalog.=) $1 \
           AND NOT EXISTS (SELECT FROM projectalpha.project_migrations AS l \
                           WHERE l.version OPERATOR(pg_catalog.>) $1)",
        vec![version.into()],
        |rows| rows.count() > 0,
    )
}

/// How many projects have had a migration. Those that are just getting one are
/// waited for, and none gets one until the end of the transaction.
pub fn count_applied(version: i32) -> i64 {
    write(
        "LOCK TABLE projectalpha.applied_migrations IN SHARE MODE",
        vec![],
        |_| (),
    );
    APPLIED.with(|query| {
        read(query, vec![version.into()], |rows| {
            rows.first().and_then(|row| row.get(1)).unwrap_or_default()
        })
    })
}

/// Notes that a project has had a migration; false if there is no such one.
pub fn note_applied(project: ProjectId, version: i32, applied_by: &str) -> bool {
    write(
        "INSERT INTO projectalpha.applied_migrations (project_id, version, checksum, applied_by) \
         SELECT $1, m.version, m.checksum, $3 FROM projectalpha.project_migrations AS m \
         WHERE m.version OPERATOR(pg_catalog.=) $2",
        vec![project.value().into(), version.into(), applied_by.into()],
        |rows| rows.count() > 0,
    )
}

/// Notes why the upgrade of a project failed, in place of what was noted before.
pub fn note_failure(project: ProjectId, step: &str, sqlstate: &str, message: &str) {
    write(
        "INSERT INTO projectalpha.upgrade_failures AS f (project_id, step, sqlstate, message) \
         VALUES ($1, $2, $3, $4) \
         ON CONFLICT (project_id) DO UPDATE SET step = EXCLUDED.step, sqlstate = EXCLUDED.sqlstate, \
             message = EXCLUDED.message, failed_at = pg_catalog.now()",
        vec![
            project.value().into(),
            step.into(),
            sqlstate.into(),
            message.into(),
        ],
        |_| (),
    );
}

pub fn forget_failure(project: ProjectId) {
    write(
        "DELETE FROM projectalpha.upgrade_failures AS f \
         WHERE f.project_id OPERATOR(pg_catalog.=) $1",
        vec![project.value().into()],
        |_| (),
    );
}
