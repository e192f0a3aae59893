//! `check_access` and `explain_access`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::store::access::{self, Whose};
use crate::store::authorise::Caller;

extension_sql_file!(
    "../../sql/finish_access.sql",
    name = "finish_access",
    requires = [check_access, explain_access]
);

/// Says whether a call would pass, for an application that has actions of its own or
/// serves its users under addresses that the database does not see (spec 002, Policy).
///
/// Arguments: `token`, NULL for a caller without one; `tool_name`; `action`: `read`,
/// `write`, `update`, `delete`, or one of the tool's allowed scopes; `context`, a JSON
/// object of what is to be judged in place of what the session shows: `address`, the
/// client's (believed of the holder of a token), `payload`, a record or an array of records. Scopes and policies decide as for
/// the call itself; rates count the question, and the access log keeps it.
///
/// Returns true or false. What is not known (tool, token, action) is not allowed.
///
/// Errors: 22023 a context that is not as above; 42501 `at` in it; 22004 no tool name or
/// action.
///
/// ```sql
/// SELECT projectalpha.check_access($1, 'payments', 'refund', '{"address": "192.0.2.7", "payload": {"amount": 5}}');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn check_access(
    token: Option<&str>,
    tool_name: Option<&str>,
    action: Option<&str>,
    context: default!(Option<Jsonb<'_>>, "NULL"),
) -> bool {
    report::run(|| access::check(token, tool_name, action, context))
}

/// Explains to an administrator whether a call would pass, with every policy of the tool
/// in the order in which it is asked, and why each did or did not match. Rates do not
/// count it, and the access log does not keep it.
///
/// Arguments: those of `check_access`, with `at`, an ISO 8601 time, in the context for
/// another time than now; `credential_id` in place of `token`, as `list_credentials` and
/// `active_tokens` show it; `admin_token` (not needed by members of
/// `projectalpha_admin`).
///
/// Returns a `json` object: `allowed`; `because`, in a sentence; `tool`; `action`;
/// `credential` (`id`, `scopes`, `project_id`, `agent_id`, `agent`) or null; `policy_id`,
/// the one that decided, or null; `retry_after`, in seconds, if it was for the rate;
/// `policies`, an array with `policy_id`, `name`, `effect`, `priority`, `outcome`
/// (`decides`, `does_not_match`, `not_asked`), `reason` and `conditions` (`condition`,
/// `holds`, `reason`). Nothing of it shows a token or a value of the payload.
///
/// Errors: 42501 not an administrator; 42704 no such tool or credential; 22023 a context
/// that is not as above, or both a token and a credential; 22004 no tool name or action.
///
/// ```sql
/// SELECT jsonb_pretty(projectalpha.explain_access(NULL, 'payments', 'refund', credential_id => 7)::jsonb);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
fn explain_access(
    token: Option<&str>,
    tool_name: Option<&str>,
    action: Option<&str>,
    context: default!(Option<Jsonb<'_>>, "NULL"),
    credential_id: default!(Option<i64>, "NULL"),
    admin_token: default!(Option<&str>, "NULL"),
) -> pgrx::Json {
    report::run(|| {
        let whose = Whose {
            token,
            credential_id,
        };
        access::explain(Caller::Sql, whose, tool_name, action, context, admin_token).map(pgrx::Json)
    })
}
