//! Clients and projects: `create_client`, `delete_client`, `create_project`,
//! `set_project_status`, `drop_project`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::projects;

/// Adds a client: who owns projects and is billed (spec 003).
///
/// Arguments: `name`, 1 to 255 characters, unique in the database; blanks around
/// it are taken off; `contact_email`.
///
/// Returns the id of the client.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42710 there is a client of
/// that name; 22023 bad name or e-mail; 22004 no name.
///
/// ```sql
/// SELECT projectalpha.create_client('Example Ltd', contact_email => 'ann@example.org');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn create_client(name: Option<&str>, contact_email: default!(Option<&str>, "NULL")) -> Option<i64> {
    report::run(|| projects::create_client(name, contact_email).map(Some))
}

/// Removes a client that has no projects, and what its projects might have
/// enabled.
///
/// Arguments: `client_id`.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42704 no such client; 2BP01
/// it has projects; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.delete_client(3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn delete_client(client_id: Option<i64>) {
    report::run(|| projects::delete_client(client_id));
}

/// Adds a project with a schema of its own, `project_<id>`, that has every table
/// of the template (spec 003): all of it or nothing.
///
/// Arguments: `name`, 1 to 255 characters; blanks around it are taken off;
/// `client_id`, who is billed; `settings`, a JSON object that is kept as it is.
///
/// Returns the id of the project.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42704 no such client; 42P06
/// there is a schema of that name, left behind or somebody's; 22023 bad name or
/// settings; 22004 no name or NULL as settings; 55000 and those of the SQL itself
/// if a migration of the template fails.
///
/// ```sql
/// SELECT projectalpha.create_project('Winter campaign', client_id => 3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn create_project(
    name: Option<&str>,
    client_id: default!(Option<i64>, "NULL"),
    settings: default!(Option<Jsonb<'_>>, "'{}'"),
) -> Option<i64> {
    report::run(|| projects::create(name, client_id, settings).map(|id| Some(id.value())))
}

/// Makes a project `active`, `suspended` (it can be read, but not written) or
/// `archived`. It holds from the commit on, in every session.
///
/// Arguments: `project_id`; `status`.
///
/// Errors: 42501 not a member of `projectalpha_admin`; 42704 no such project;
/// 22023 no such status; 22004 an argument is NULL.
///
/// ```sql
/// SELECT projectalpha.set_project_status(7, 'suspended');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn set_project_status(project_id: Option<i64>, status: Option<&str>) {
    report::run(|| projects::set_status(project_id, status));
}

/// Drops a project: its schema with all that is in it and all that depends on
/// that, its tokens and its row. What it has used stays, for its bill. Cannot be
/// undone: `pg_dump -n project_<id>` keeps a copy.
///
/// Arguments: `project_id`; `confirm_name`, the name of the project once more.
///
/// Errors: 42501 not a member of `projectalpha_admin`, or the schema belongs to
/// another role; 42704 no such project; 22023 `confirm_name` is not its name; 55P03
/// its tables were in use for longer than `projectalpha_store.ddl_lock_timeout`;
/// 22004 an argument is NULL.
///
/// ```sql
/// SELECT projectalpha.drop_project(7, 'Winter campaign');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn drop_project(project_id: Option<i64>, confirm_name: Option<&str>) {
    report::run(|| projects::drop(project_id, confirm_name));
}
