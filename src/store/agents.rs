//! Agents: making, changing and silencing them.

use crate::model::agent_error::AgentError;
use crate::model::agent_rules::{checked_name, checked_words, AgentChanges};
use crate::model::error::Error;
use crate::model::token::{Digest, NewToken, Purpose};
use crate::pg::agents;
use crate::pg::credentials::{self, NewCredential, Which};

use super::authorise::{self, Caller};
use super::tools::new_token;

/// A new agent; its key is shown here and never again.
pub struct Created {
    pub agent_id: i64,
    pub api_key: String,
}

/// Adds an agent with an API key.
pub fn create(
    caller: Caller,
    name: Option<&str>,
    description: Option<&str>,
    roles: Option<Vec<Option<String>>>,
    permissions: Option<Vec<Option<String>>>,
    admin_token: Option<&str>,
) -> Result<Created, Error> {
    authorise::admin(caller, admin_token)?;
    let name = checked_name(name.ok_or(Error::ArgumentNull { argument: "name" })?)?;
    let words = |what: &'static str, words: Option<Vec<Option<String>>>| {
        let words = words.ok_or(Error::ArgumentNull { argument: what })?;
        checked_words(what, words).map_err(Error::from)
    };
    let roles = words("roles", roles)?;
    let permissions = words("permissions", permissions)?;
    let agent_id =
        agents::insert(name, description, roles, permissions).ok_or_else(|| exists(name))?;
    Ok(Created {
        agent_id,
        api_key: new_key(agent_id)?.token,
    })
}

/// Changes what is named of an agent, all or nothing. Sessions follow at commit.
pub fn update(
    caller: Caller,
    agent_id: Option<i64>,
    changes: Option<&str>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    let agent = administered(caller, agent_id, admin_token)?;
    let changes = changes.ok_or(Error::ArgumentNull {
        argument: "changes",
    })?;
    let changes = AgentChanges::parse(changes)?;
    let name = changes.name.clone().unwrap_or_default();
    found(agent, agents::update(agent, changes, || exists(&name))?)
}

/// Has the credentials of an agent work again, or none of them. Sessions follow at
/// commit.
pub fn set_active(
    caller: Caller,
    agent_id: Option<i64>,
    is_active: bool,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    let agent = administered(caller, agent_id, admin_token)?;
    found(agent, agents::set_active(agent, is_active))
}

/// Deletes an agent with its credentials.
pub fn delete(
    caller: Caller,
    agent_id: Option<i64>,
    admin_token: Option<&str>,
) -> Result<(), Error> {
    let agent = administered(caller, agent_id, admin_token)?;
    found(agent, agents::delete(agent))
}

/// Gives an agent a new API key in place of those before it. With `api_key` its holder
/// asks for it, otherwise an administrator does.
pub fn rotate_key(
    caller: Caller,
    agent_id: Option<i64>,
    admin_token: Option<&str>,
    api_key: Option<&str>,
) -> Result<String, Error> {
    let agent = administered_or_own(caller, agent_id, admin_token, api_key)?;
    lock_for_change(agent, api_key)?;
    let new = new_key(agent)?;
    credentials::revoke(&Which {
        agent: Some(agent),
        keys_only: true,
        but: Some(new.digest),
        ..Which::default()
    });
    Ok(new.token)
}

fn new_key(agent: i64) -> Result<NewToken, Error> {
    let new = new_token(None, Purpose::ApiKey)?;
    let scopes = Purpose::ApiKey.scopes().iter();
    let inserted = credentials::insert(NewCredential {
        token: &new,
        scopes: scopes.map(|scope| (*scope).to_owned()).collect(),
        agent,
        tool_id: None,
        project: None,
        label: None,
        expires_in: None,
    });
    if inserted {
        Ok(new)
    } else {
        Err(Error::TokenInUse)
    }
}

/// The id, for administrators.
fn administered(
    caller: Caller,
    agent_id: Option<i64>,
    admin_token: Option<&str>,
) -> Result<i64, Error> {
    authorise::admin(caller, admin_token)?;
    id_of(agent_id)
}

/// The id, for administrators and for the agent itself. If an API key is given, it
/// alone counts.
pub(super) fn administered_or_own(
    caller: Caller,
    agent_id: Option<i64>,
    admin_token: Option<&str>,
    api_key: Option<&str>,
) -> Result<i64, Error> {
    match api_key {
        None => administered(caller, agent_id, admin_token),
        Some(key) => match holder(key)? {
            own if id_of(agent_id)? == own => Ok(own),
            _ => Err(AgentError::ApiKeyInvalid.into()),
        },
    }
}

/// Has other changes of an agent and of what it holds wait, or waits for them: then the
/// key may have been revoked meanwhile.
pub(super) fn lock_for_change(agent: i64, api_key: Option<&str>) -> Result<(), Error> {
    let is_there = agents::lock_for_change(agent);
    still_holds(api_key)?;
    found(agent, is_there)
}

/// Passes a key that works, and no key.
pub(super) fn still_holds(api_key: Option<&str>) -> Result<(), Error> {
    api_key.map_or(Ok(()), |key| holder(key).map(|_| ()))
}

/// The active agent whose API key this is.
pub(super) fn holder(api_key: &str) -> Result<i64, Error> {
    agents::of_api_key(&Digest::of(api_key)).ok_or_else(|| {
        authorise::note_denied(None, "", "use an API key");
        AgentError::ApiKeyInvalid.into()
    })
}

fn id_of(agent_id: Option<i64>) -> Result<i64, Error> {
    agent_id.ok_or(Error::ArgumentNull {
        argument: "agent_id",
    })
}

fn exists(name: &str) -> Error {
    let name = name.to_owned();
    AgentError::AgentExists { name }.into()
}

fn found(agent: i64, was_found: bool) -> Result<(), Error> {
    if was_found {
        Ok(())
    } else {
        Err(not_found(agent))
    }
}

pub(super) fn not_found(agent: i64) -> Error {
    AgentError::AgentNotFound { agent }.into()
}
