//! Agents: `create_agent`, `update_agent`, `deactivate_agent`, `activate_agent`,
//! `delete_agent`, `rotate_api_key`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::agents;
use crate::store::authorise::Caller;

extension_sql_file!(
    "../../sql/finish_agents.sql",
    name = "finish_agents",
    requires = [
        "agents",
        invalidate_caches,
        create_agent,
        update_agent,
        deactivate_agent,
        activate_agent,
        delete_agent,
        rotate_api_key,
        issue_credential,
        list_credentials,
        revoke_credential,
        revoke_all,
    ]
);

/// Adds an agent: a user or a service that gets credentials for tools (spec 002).
///
/// Arguments: `name`, 1 to 255 characters, unique in the database; blanks around it are
/// taken off; `description`; `roles` and `permissions`, which policies ask for: up to 50
/// each, `^[a-z][a-z0-9_:.-]{0,49}$`; `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// Returns one row: `agent_id`, and `api_key` the one time that it is shown: only its
/// digest is kept. It begins with `pas_key_`, opens no records, and is what the agent
/// calls `issue_credential`, `list_credentials`, `revoke_credential`, `revoke_all` and
/// `rotate_api_key` with for itself.
///
/// Errors: 42501 not an administrator; 42710 there is an agent of that name; 22023 bad
/// name, role or permission; 22004 no name, or NULL as roles or permissions.
///
/// ```sql
/// SELECT * FROM projectalpha.create_agent('Report writer', roles => '{analyst}', permissions => '{reports:write}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn create_agent(
    name: Option<&str>,
    description: default!(Option<&str>, "NULL"),
    roles: default!(Option<Vec<Option<String>>>, "'{}'"),
    permissions: default!(Option<Vec<Option<String>>>, "'{}'"),
    admin_token: default!(Option<&str>, "NULL"),
) -> TableIterator<'static, (name!(agent_id, i64), name!(api_key, String))> {
    let created = report::run(|| {
        agents::create(
            Caller::Sql,
            name,
            description,
            roles,
            permissions,
            admin_token,
        )
    });
    TableIterator::once((created.agent_id, created.api_key))
}

/// Changes what is named of an agent. It holds from the commit on, in every session,
/// for the credentials that the agent has, too.
///
/// Arguments: `agent_id`; `changes`, a JSON object with `name`, `description` (null
/// clears it), `roles` and `permissions`, each as for `create_agent`; `admin_token` (not
/// needed by members of `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such agent; 42710 another agent has the
/// name; 22023 an unknown key or a bad value; 22004 an argument is NULL.
///
/// ```sql
/// SELECT projectalpha.update_agent(1, '{"roles": ["analyst", "editor"], "description": null}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn update_agent(
    agent_id: Option<i64>,
    changes: Option<Jsonb<'_>>,
    admin_token: default!(Option<&str>, "NULL"),
) {
    report::run(|| {
        let changes = changes.map(Jsonb::to_text);
        agents::update(Caller::Sql, agent_id, changes.as_deref(), admin_token)
    });
}

/// Has none of an agent's credentials work, its API key included, from the commit on and
/// in every session. `activate_agent` has those work again that have not expired.
///
/// Arguments: `agent_id`; `admin_token` (not needed by members of `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such agent; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.deactivate_agent(1);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn deactivate_agent(agent_id: Option<i64>, admin_token: default!(Option<&str>, "NULL")) {
    report::run(|| agents::set_active(Caller::Sql, agent_id, false, admin_token));
}

/// Has the credentials of an agent work again that are neither expired nor revoked.
///
/// Arguments: `agent_id`; `admin_token` (not needed by members of `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such agent; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.activate_agent(1);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn activate_agent(agent_id: Option<i64>, admin_token: default!(Option<&str>, "NULL")) {
    report::run(|| agents::set_active(Caller::Sql, agent_id, true, admin_token));
}

/// Deletes an agent with all of its credentials, also those for archived tools. What it
/// has done stays in the access log, under its id. Cannot be undone.
///
/// Arguments: `agent_id`; `admin_token` (not needed by members of `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such agent; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.delete_agent(1);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn delete_agent(agent_id: Option<i64>, admin_token: default!(Option<&str>, "NULL")) {
    report::run(|| agents::delete(Caller::Sql, agent_id, admin_token));
}

/// Gives an agent a new API key and revokes those before it. Its other credentials are
/// not touched.
///
/// Arguments: `agent_id`; `admin_token` (not needed by members of `projectalpha_admin`);
/// `api_key`, with which the agent rotates it itself. If it is given, it alone counts.
///
/// Returns the new key, the one time that it is shown.
///
/// Errors: 42501 not an administrator; 28000 `api_key` is no live one of that agent;
/// 42704 no such agent; 22004 no id.
///
/// ```sql
/// SELECT projectalpha.rotate_api_key(1);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn rotate_api_key(
    agent_id: Option<i64>,
    admin_token: default!(Option<&str>, "NULL"),
    api_key: default!(Option<&str>, "NULL"),
) -> String {
    report::run(|| agents::rotate_key(Caller::Sql, agent_id, admin_token, api_key))
}
