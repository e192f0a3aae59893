//! Credentials of agents: `issue_credential`, `list_credentials`, `revoke_credential`,
//! `revoke_all`.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::prelude::*;

use crate::pg::report;
use crate::store::authorise::Caller;
use crate::store::credentials::{self, Request};

/// Makes a token with which an agent uses a tool. There may be any number of them.
///
/// Arguments: `agent_id`; `tool_name`; `scopes`, 1 to 50: `read`, `write` (to store new
/// records), `update`, `delete`, `admin` (all of them), and those that the tool's
/// `allowed_scopes` name for its application; `expires_in`, from now (the start of the
/// transaction), at most 10 years; `project_id`, whose table of the tool it opens, NULL
/// for the shared one; `label`, a note; `admin_token` (not needed by members of
/// `projectalpha_admin`); `api_key`, with which the agent asks for itself. If it is
/// given, it alone counts, and opens no project.
///
/// The scopes are within the tool's `allowed_scopes`, if it has any, and within what the
/// active allow policies of the tool grant to whoever has the agent's roles and
/// permissions: their `allowed_scopes`, or else their actions. That binds
/// administrators, too. What the token may do is decided anew at each call.
///
/// Returns the token, the one time that it is shown: only its digest is kept. It begins
/// with `pas_agent_`.
///
/// Errors: 42501 not an administrator, no policy grants a scope, or an agent asks for a
/// project; 28000 `api_key` is no live one of that agent; 42704 no such agent, tool or
/// project; 55000 the agent is not active, the tool is not enabled for the project, or
/// the project is archived; 22023 no scope, one that the tool does not have or does not
/// allow, or an interval that is not positive or too long; 22004 another argument that
/// is needed is NULL.
///
/// ```sql
/// SELECT projectalpha.issue_credential(1, 'survey_bot', '{read,write}', '90 days');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)]
fn issue_credential(
    agent_id: Option<i64>,
    tool_name: Option<&str>,
    scopes: Option<Vec<Option<String>>>,
    expires_in: Option<Interval>,
    project_id: default!(Option<i64>, "NULL"),
    label: default!(Option<&str>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
    api_key: default!(Option<&str>, "NULL"),
) -> String {
    report::run(|| {
        let request = Request {
            agent_id,
            tool_name,
            scopes,
            expires_in,
            project_id,
            label,
        };
        credentials::issue(Caller::Sql, request, admin_token, api_key)
    })
}

/// Lists the credentials of agents, API keys included, in the order of their ids. Those
/// of tools and projects are in `projectalpha.active_tokens`.
///
/// Arguments: `agent_id` and `tool_name`, NULL for all; `live`, false to see those that
/// are revoked or expired, or whose agent is not active, too; `admin_token` (not needed
/// by members of `projectalpha_admin`); `api_key`, with which an agent sees its own. If
/// it is given, it alone counts.
///
/// Returns `credential_id`, `agent_id`, `agent_name`, `tool_name` (NULL for an API key),
/// `project_id`, `scopes`, `hint`, `label`, `created_at`, `expires_at`, `revoked_at`,
/// `is_live`. No token is among them, nor its digest.
///
/// Errors: 42501 not an administrator; 28000 `api_key` is no live one, or that of
/// another agent; 42704 no such agent or tool; 22004 NULL as `live`.
///
/// ```sql
/// SELECT credential_id, tool_name, scopes, expires_at FROM projectalpha.list_credentials(agent_id => 1);
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
#[allow(clippy::type_complexity)] // as it is in SQL
fn list_credentials(
    agent_id: default!(Option<i64>, "NULL"),
    tool_name: default!(Option<&str>, "NULL"),
    live: default!(Option<bool>, "true"),
    admin_token: default!(Option<&str>, "NULL"),
    api_key: default!(Option<&str>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(credential_id, i64),
        name!(agent_id, i64),
        name!(agent_name, String),
        name!(tool_name, Option<String>),
        name!(project_id, Option<i64>),
        name!(scopes, Vec<String>),
        name!(hint, String),
        name!(label, Option<String>),
        name!(created_at, TimestampWithTimeZone),
        name!(expires_at, Option<TimestampWithTimeZone>),
        name!(revoked_at, Option<TimestampWithTimeZone>),
        name!(is_live, bool),
    ),
> {
    let found = report::run(|| {
        credentials::list(Caller::Sql, agent_id, tool_name, live, admin_token, api_key)
    });
    TableIterator::new(found.into_iter().map(|found| {
        (
            found.id,
            found.agent_id,
            found.agent_name,
            found.tool_name,
            found.project_id,
            found.scopes,
            found.hint,
            found.label,
            found.created_at,
            found.expires_at,
            found.revoked_at,
            found.is_live,
        )
    }))
}

/// Revokes a credential of an agent, or its API key. It stops working in every session
/// when the transaction commits.
///
/// Arguments: `credential_id`, from `list_credentials`; `admin_token` (not needed by
/// members of `projectalpha_admin`); `api_key`, with which an agent revokes one of its
/// own. If it is given, it alone counts.
///
/// Errors: 42501 not an administrator; 28000 `api_key` is no live one; 42704 there is no
/// such credential, it is revoked already, or it is not the agent's; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.revoke_credential(3);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn revoke_credential(
    credential_id: Option<i64>,
    admin_token: default!(Option<&str>, "NULL"),
    api_key: default!(Option<&str>, "NULL"),
) {
    report::run(|| credentials::revoke(Caller::Sql, credential_id, admin_token, api_key));
}

/// Revokes all credentials of an agent, its API key included. They stop working in every
/// session when the transaction commits. `rotate_api_key` gives the agent a new key.
///
/// Arguments: `agent_id`; `admin_token` (not needed by members of `projectalpha_admin`);
/// `api_key`, with which an agent revokes its own. If it is given, it alone counts.
///
/// Returns how many were revoked.
///
/// Errors: 42501 not an administrator; 28000 `api_key` is no live one of that agent;
/// 42704 no such agent; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.revoke_all(1);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn revoke_all(
    agent_id: Option<i64>,
    admin_token: default!(Option<&str>, "NULL"),
    api_key: default!(Option<&str>, "NULL"),
) -> i64 {
    report::run(|| credentials::revoke_all(Caller::Sql, agent_id, admin_token, api_key))
}
