//! The rows of clients and projects.

use pgrx::pg_sys;

use super::ddl::relation_oid;
use super::ident::TableName;
use super::jsonb::Jsonb;
use super::registry::{read, write};
use super::spi::{KeptStatement, Param, RowRef};
use crate::model::project::{ProjectId, Status};

/// A row of `projectalpha.projects`.
pub struct ProjectRow {
    pub name: String,
    pub client_id: Option<i64>,
    pub status: Status,
}

thread_local! {
    static BY_ID: KeptStatement = const { KeptStatement::new(
        "SELECT p.name, p.client_id, p.status FROM projectalpha.projects AS p \
         WHERE p.id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
}

/// The project as it is committed now.
pub fn find(project: ProjectId) -> Option<ProjectRow> {
    // Until ALTER EXTENSION ... UPDATE has run there are none.
    relation_oid(&TableName::of_configuration("projects"))?;
    BY_ID.with(|query| {
        read(query, vec![project.value().into()], |rows| {
            rows.first().map(|row| project_row(&row))
        })
    })
}

fn project_row(row: &RowRef<'_>) -> ProjectRow {
    let status: String = row.get(3).unwrap_or_default();
    ProjectRow {
        name: row.get(1).unwrap_or_default(),
        client_id: row.get(2),
        // The table takes no other; should it have one, nothing is written.
        status: Status::parse(&status).unwrap_or(Status::Suspended),
    }
}

/// Whom a locked project keeps waiting until the end of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Those who change it. Others may hold this lock, too.
    Shared,
    /// Whoever else locks it.
    Exclusive,
}

/// Locks the project's row and gives it as it is then; none if it is gone. It
/// waits for those who change the project, and sees what they have done.
pub fn lock(project: ProjectId, lock: Lock) -> Option<ProjectRow> {
    let strength = match lock {
        Lock::Shared => "SHARE",
        Lock::Exclusive => "UPDATE",
    };
    let row = write(
        &format!(
            "SELECT p.name, p.client_id, p.status FROM projectalpha.projects AS p \
             WHERE p.id OPERATOR(pg_catalog.=) $1 FOR {strength}"
        ),
        vec![project.value().into()],
        |rows| rows.first().map(|row| project_row(&row)),
    );
    super::cache::accept_invalidations();
    row
}

/// Adds a project. Its id is positive, as the sequence counts from 1.
pub fn insert(name: &str, client_id: Option<i64>, settings: Jsonb<'_>) -> Option<ProjectId> {
    let id = write(
        "INSERT INTO projectalpha.projects AS p (name, client_id, settings) \
         VALUES ($1, $2, $3) RETURNING p.id",
        vec![name.into(), client_id.into(), Param::document(settings)],
        |rows| rows.first().and_then(|row| row.get(1)),
    );
    id.and_then(ProjectId::new)
}

/// False if there is no such project.
pub fn set_status(project: ProjectId, status: Status) -> bool {
    write(
        "UPDATE projectalpha.projects AS p SET status = $2, updated_at = pg_catalog.now() \
         WHERE p.id OPERATOR(pg_catalog.=) $1",
        vec![project.value().into(), status.name().into()],
        |rows| rows.count() > 0,
    )
}

/// Removes a project, and with it (by triggers) all that hangs on it but its
/// schema and what it has used.
pub fn delete(project: ProjectId) {
    write(
        "DELETE FROM projectalpha.projects AS p WHERE p.id OPERATOR(pg_catalog.=) $1",
        vec![project.value().into()],
        |_| (),
    );
}

/// Adds a client; none if the name is taken.
pub fn insert_client(name: &str, contact_email: Option<&str>) -> Option<i64> {
    write(
        "INSERT INTO projectalpha.clients AS c (name, contact_email) VALUES ($1, $2) \
         ON CONFLICT (name) DO NOTHING RETURNING c.id",
        vec![name.into(), contact_email.into()],
        |rows| rows.first().and_then(|row| row.get(1)),
    )
}

/// Locks the client's row; false if there is none. Shared, it stays where it is.
pub fn lock_client(client: i64, lock: Lock) -> bool {
    let strength = match lock {
        Lock::Shared => "KEY SHARE",
        Lock::Exclusive => "UPDATE",
    };
    write(
        &format!(
            "SELECT c.id FROM projectalpha.clients AS c \
             WHERE c.id OPERATOR(pg_catalog.=) $1 FOR {strength}"
        ),
        vec![client.into()],
        |rows| rows.count() > 0,
    )
}

thread_local! {
    static OF_CLIENT: KeptStatement = const { KeptStatement::new(
        "SELECT pg_catalog.count(*) FROM projectalpha.projects AS p \
         WHERE p.client_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
}

/// How many projects a client has, as it is committed now.
pub fn count_of_client(client: i64) -> i64 {
    OF_CLIENT.with(|query| {
        read(query, vec![client.into()], |rows| {
            rows.first().and_then(|row| row.get(1)).unwrap_or_default()
        })
    })
}

/// Removes a client, and with it (by a trigger) what its projects might enable.
pub fn delete_client(client: i64) {
    write(
        "DELETE FROM projectalpha.clients AS c WHERE c.id OPERATOR(pg_catalog.=) $1",
        vec![client.into()],
        |_| (),
    );
}
