//! How a DBA sets up and takes back tokens.

use crate::model::error::Error;
use crate::model::token::{Digest, Purpose};
use crate::pg::{archive, registry};

use super::authorise;
use super::tools::new_token;

/// Makes this the admin token, in place of any before it.
pub fn set_admin(token: Option<&str>) -> Result<String, Error> {
    authorise::admin_role()?;
    let new = new_token(token, Purpose::Admin)?;
    registry::revoke_admin_credentials();
    if !registry::insert_credential(&new, Purpose::Admin.scopes(), None, None) {
        return Err(Error::TokenInUse);
    }
    Ok(new.token)
}

/// Adds a token for sensitive rows of the common table.
pub fn add_common(token: Option<&str>, label: Option<&str>) -> Result<String, Error> {
    authorise::admin_role()?;
    let new = new_token(token, Purpose::Common)?;
    if !registry::insert_credential(&new, Purpose::Common.scopes(), None, label) {
        return Err(Error::TokenInUse);
    }
    Ok(new.token)
}

/// Revokes a token, known by itself or by its id; gives the number of
/// credentials that had it (the same token may have been given to two tools).
pub fn revoke(token: Option<&str>, token_id: Option<i64>) -> Result<i64, Error> {
    authorise::admin_role()?;
    if token.is_some() == token_id.is_some() {
        return Err(Error::TokenAmbiguous);
    }
    let digest = token.map(Digest::of);
    let live = registry::revoke_credentials(digest.as_ref(), token_id);
    match live + archive::revoke_credentials(digest.as_ref(), token_id) {
        0 => Err(Error::TokenNotFound),
        revoked => Ok(revoked as i64),
    }
}
