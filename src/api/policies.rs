//! Policies: `create_policy`, `update_policy`, `delete_policy`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::authorise::Caller;
use crate::store::policies::{self, NewPolicy};

extension_sql_file!(
    "../../sql/policies.sql",
    name = "policies",
    requires = ["archive"]
);
extension_sql_file!(
    "../../sql/finish_policies.sql",
    name = "finish_policies",
    requires = [
        "policies",
        invalidate_caches,
        create_policy,
        update_policy,
        delete_policy
    ]
);

/// Adds a policy to a tool: it allows or denies calls under conditions. Policies are
/// asked in the order of their priority, the highest first, within one priority those
/// that deny before those that allow; the first that matches decides. If none matches,
/// a tool's own token may do what it may without policies, and an agent's credential
/// may not.
///
/// Arguments: `tool_name`; `name`, `^[a-z][a-z0-9_-]{0,49}$`, unique in the tool;
/// `effect`, `allow` or `deny`; `actions`, 1 to 50 of `read`, `write`, `update`,
/// `delete`, the tool's own `allowed_scopes`, and `*` for all; `conditions`, see below;
/// `allowed_scopes`, what agents' credentials may be issued with by grace of a policy
/// that allows, NULL for its actions; `priority`; `description`, up to 1000 characters;
/// `admin_token` (not needed by members of `projectalpha_admin`).
///
/// Conditions, all of which must hold; `{}` always does. Up to 64 KiB.
///
/// - `roles`: the agent has any of them. `permissions`: the agent has all of them.
/// - `time`: `{"days": ["mon", "fri"], "from": "08:00", "to": "18:00", "zone":
///   "Europe/Berlin"}`, days or hours or both, by the clocks of the zone (`UTC` if there
///   is none). `to` is not in it; if it is before `from`, the window ends the next day.
/// - `addresses`: of the client, up to 1000 addresses and networks.
/// - `min_payload_bytes`, `max_payload_bytes`: of the payload as JSON text; 0 without one.
/// - `fields`: a filter as of `list_records`, of the payload. To allow, every record of
///   a batch must meet it; to deny, one is enough. A call without a payload meets none.
/// - `rate`: `{"max": 600, "per": "1 minute", "by": "credential"}`, by `credential`,
///   `agent`, `address` or `policy` (all together). Beyond it a policy that allows denies,
///   and one that denies matches. Needs the library in `shared_preload_libraries`.
/// - `valid_from`, `valid_until`: ISO 8601, the second exclusive.
///
/// Returns the id of the policy. It takes effect at commit in every session.
///
/// Errors: 42501 not an administrator; 42704 no such tool; 42710 the tool has a policy of
/// that name; 22023 a bad argument or condition (the message names it); 42703 `fields`
/// names none of the tool; 55000 a rate without preloading; 54000 more than 200 policies;
/// 22004 NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.create_policy('survey_bot', 'editors', 'allow', '{read,write}', '{"roles": ["editor"]}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments)] // as it is in SQL
fn create_policy(
    tool_name: Option<&str>,
    name: Option<&str>,
    effect: Option<&str>,
    actions: Option<Vec<Option<String>>>,
    conditions: default!(Option<Jsonb<'_>>, "'{}'"),
    allowed_scopes: default!(Option<Vec<Option<String>>>, "NULL"),
    priority: default!(Option<i32>, "0"),
    description: default!(Option<&str>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
) -> i64 {
    report::run(|| {
        let new = NewPolicy {
            tool_name,
            name,
            effect,
            actions,
            conditions: conditions.map(Jsonb::to_text),
            allowed_scopes,
            priority,
            description,
        };
        policies::create(Caller::Sql, new, admin_token)
    })
}

/// Changes a policy: what is named of it, all or nothing, from commit on.
///
/// Arguments: `tool_name`; `name` of the policy; `changes`, a JSON object with any of
/// `description` (null clears it), `effect`, `actions`, `conditions` (in place of all
/// that there were), `allowed_scopes` (null for the actions), `priority` and
/// `is_active` (false has the policy not be asked), each as in `create_policy`;
/// `admin_token` (not needed by members of `projectalpha_admin`).
///
/// Errors: those of `create_policy`; 42704 no such policy.
///
/// ```sql
/// SELECT projectalpha.update_policy('survey_bot', 'editors', '{"priority": 10, "is_active": false}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn update_policy(
    tool_name: Option<&str>,
    name: Option<&str>,
    changes: Option<Jsonb<'_>>,
    admin_token: default!(Option<&str>, "NULL"),
) {
    report::run(|| {
        let changes = changes.map(Jsonb::to_text);
        policies::update(
            Caller::Sql,
            tool_name,
            name,
            changes.as_deref(),
            admin_token,
        )
    });
}

/// Deletes a policy, from commit on.
///
/// Arguments: `tool_name`; `name` of the policy; `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// Errors: 42501 not an administrator; 42704 no such tool or policy; 22023 a bad name;
/// 22004 NULL where none may be.
///
/// ```sql
/// SELECT projectalpha.delete_policy('survey_bot', 'editors');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn delete_policy(
    tool_name: Option<&str>,
    name: Option<&str>,
    admin_token: default!(Option<&str>, "NULL"),
) {
    report::run(|| policies::delete(Caller::Sql, tool_name, name, admin_token));
}
