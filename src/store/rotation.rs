//! A new token for a tool, in place of those before it.

use crate::model::error::Error;
use crate::model::grace::Grace;
use crate::model::lifecycle_error::LifecycleError;
use crate::model::token::{Digest, Purpose};
use crate::pg::{registry, rotation};

use super::authorise::{self, Caller};
use super::records::name_of_tool;
use super::tools::new_token;

/// Gives the tool a new token and returns it. Those before it go on working for
/// the grace period, but never longer than they would have. With `current_token`
/// its holder asks for it, otherwise an administrator does.
pub fn rotate(
    caller: Caller,
    tool_name: Option<&str>,
    grace: Grace,
    token: Option<&str>,
    current_token: Option<&str>,
    admin_token: Option<&str>,
) -> Result<String, Error> {
    if current_token.is_none() {
        authorise::admin(caller, admin_token)?;
    }
    let name = name_of_tool(tool_name)?;
    let tool = registry::tool(&name).ok_or(Error::ToolNotFound)?;
    check_current(tool.id, current_token)?;
    let new = new_token(token, Purpose::Tool)?;

    let tool_id = registry::lock_tool(&name).ok_or(Error::ToolNotFound)?;
    // Somebody may have rotated it while we waited.
    check_current(tool_id, current_token)?;
    // First the new one: it must not be one of those that it replaces.
    if !registry::insert_credential(&new, Purpose::Tool.scopes(), Some(tool_id), None) {
        return Err(Error::TokenInUse);
    }
    if grace.is_none() {
        rotation::revoke_others(tool_id, &new.digest);
    } else {
        rotation::expire_others(tool_id, &new.digest, grace);
    }
    Ok(new.token)
}

/// The holder of a token may exchange it for one that allows the same, not more.
fn check_current(tool_id: i64, current_token: Option<&str>) -> Result<(), Error> {
    let Some(token) = current_token else {
        return Ok(());
    };
    let credential = registry::tool_credential(tool_id, &Digest::of(token));
    let credential = credential
        .filter(registry::CredentialRow::is_live)
        .ok_or(Error::ToolToken)?;
    let allows_all = Purpose::Tool.scopes().iter().all(|s| credential.allows(s));
    if credential.expires_at.is_none() && allows_all {
        Ok(())
    } else {
        Err(LifecycleError::TokenCannotRotate.into())
    }
}
