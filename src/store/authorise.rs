//! Who may do what. NULL is no token and never passes. Who may use the records of a
//! tool is for [`super::gate`] to say.

use crate::model::access_log::ToolLogging;
use crate::model::configuration::own_scope;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::token::Digest;
use crate::pg::access_log::{self, Attempt, Kind};
use crate::pg::acting;
use crate::pg::registry;

/// Through which face a call comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A database role, which may be an administrator by membership.
    Sql,
    /// PostgREST's role, which stands for nobody: only tokens count.
    Http,
}

impl Caller {
    /// How the history of schemas calls it.
    pub fn face(self) -> &'static str {
        match self {
            Caller::Sql => "sql",
            Caller::Http => "http",
        }
    }
}

/// Has the access log keep an attempt that is denied before the gate of a tool.
pub fn note_denied(tool_id: Option<i64>, tool_name: &str, action: &'static str) {
    let logging = ToolLogging {
        level: None,
        payloads: false,
    };
    // Without agents there is no log either: the database is not updated yet.
    if !access_log::keeps(logging, Kind::Denied) || !registry::has_agents() {
        return;
    }
    access_log::note(Attempt {
        tool_id,
        tool_name: tool_name.to_owned(),
        project_id: None,
        agent_id: None,
        credential_id: None,
        policy_id: None,
        action: action.into(),
        scopes: Vec::new(),
        payload: None,
        denied: true,
    });
}

/// Passes administrators: members of `projectalpha_admin`, and holders of an
/// admin token.
pub fn admin(caller: Caller, token: Option<&str>) -> Result<(), Error> {
    if is_admin(caller, token) {
        Ok(())
    } else {
        note_denied(None, "", "administer");
        Err(Error::AdminOnly)
    }
}

/// Passes members of `projectalpha_admin` alone, whatever token they have.
pub fn admin_role() -> Result<(), Error> {
    admin(Caller::Sql, None)
}

/// Passes the token of a configured tool that is not registered yet.
pub fn configured(tool: &ToolName, token: Option<&str>) -> Result<(), Error> {
    if has_global_scope(token, &own_scope(tool.as_str())) {
        Ok(())
    } else {
        Err(Error::ToolToken)
    }
}

/// Passes a live common token, the own token of a configured tool for what it
/// sends, and administrators.
pub fn common(caller: Caller, sender: &str, token: Option<&str>) -> Result<(), Error> {
    if has_global_scope(token, "common")
        || is_admin(caller, token)
        || has_global_scope(token, &own_scope(sender))
    {
        Ok(())
    } else {
        Err(Error::CommonToken)
    }
}

fn is_admin(caller: Caller, token: Option<&str>) -> bool {
    (caller == Caller::Sql && acting::caller_is_admin()) || has_global_scope(token, "admin")
}

fn has_global_scope(token: Option<&str>, scope: &str) -> bool {
    token
        .and_then(|t| registry::global_credential(&Digest::of(t)))
        .is_some_and(|credential| credential.project_id.is_none() && credential.allows(scope))
}
