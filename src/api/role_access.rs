//! `grant_project_access` and `revoke_project_access`.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::role_access;

/// Lets a database role use the tables of one project directly: that of a
/// customer's service, or of one of his analysts. To be granted again with another
/// level changes the level.
///
/// Arguments: `project_id`; `role_name`, a role of the cluster, spelt as it is;
/// `level`: `read` is USAGE of the project's schema and SELECT on all its tables and
/// views, those of sensitive tools among them (not on `project_manifest` and
/// `idempotency_keys`, which are the extension's own); `write` is INSERT, UPDATE and DELETE
/// on the tables of the template besides. The tables of tools (`tool_<name>`) stay
/// read-only, as records go through `store_record`, which checks them. Functions of
/// the template that run as their caller may be called; those that run as their owner
/// (SECURITY DEFINER) are granted to nobody.
///
/// The privileges are granted by `projectalpha_owner`. Tables that a migration or
/// `enable_tool` makes later are opened likewise, as long as the role keeps USAGE of
/// the schema. `projectalpha.project_access` shows who can do what.
///
/// Errors: 42501 the role that calls is no member of `projectalpha_admin`; 42704 no
/// such project, no such role; 0LP01 a superuser, `public`, a role of the extension
/// or of PostgreSQL, or a member of a role that has every project; 22023 bad level;
/// 22004 NULL as an argument.
///
/// ```sql
/// SELECT projectalpha.grant_project_access(7, 'acme_service', 'read');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn grant_project_access(project_id: Option<i64>, role_name: Option<&str>, level: Option<&str>) {
    report::run(|| role_access::grant(project_id, role_name, level));
}

/// Takes from a database role whatever privileges it has in a project's schema. A
/// role that has none keeps none.
///
/// Arguments: `project_id`; `role_name`, spelt as it is.
///
/// Errors: 42501 the role that calls is no member of `projectalpha_admin`; 42704 no
/// such project, no such role; 0LP01 a role of the extension or of PostgreSQL, or
/// `public`; 22004 NULL as an argument.
///
/// ```sql
/// SELECT projectalpha.revoke_project_access(7, 'acme_service');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn revoke_project_access(project_id: Option<i64>, role_name: Option<&str>) {
    report::run(|| role_access::revoke(project_id, role_name));
}
