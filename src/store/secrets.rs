//! Secrets of tools: sealed before they are kept, shown to administrators alone.

use crate::model::error::Error;
use crate::model::registry_error::RegistryError;
use crate::model::secret::{Owner, SecretKey};
use crate::model::tool_info::{too_many_secrets, SecretChange, SecretChanges, MAX_SECRETS};
use crate::pg::secrets::SealedSecret;
use crate::pg::{acting, info, random, report, secret_key, secrets};

use super::authorise;
use super::records::name_of_tool;

/// Makes the changes of a tool's secrets. The caller holds its facts locked.
pub(super) fn change(tool_id: i64, changes: &SecretChanges) -> Result<(), Error> {
    if changes.clear {
        secrets::remove(tool_id, None);
    }
    let mut key = None;
    for (name, change) in &changes.named {
        match change {
            SecretChange::Set(secret) => {
                if key.is_none() {
                    key = Some(secret_key::current()?);
                }
                if let Some(key) = &key {
                    put(key, tool_id, name, secret)?;
                }
            }
            SecretChange::Remove => secrets::remove(tool_id, Some(name)),
            SecretChange::Keep => {
                secrets::get(tool_id, name).ok_or_else(|| not_found(name))?;
            }
        }
    }
    if !changes.named.is_empty() && secrets::count(tool_id) > MAX_SECRETS {
        return Err(too_many_secrets().into());
    }
    Ok(())
}

fn put(key: &SecretKey, tool_id: i64, name: &str, secret: &str) -> Result<(), Error> {
    let owner = Owner { tool_id, name };
    let sealed = key
        .seal(&random::bytes(), &owner, secret)
        .ok_or_else(|| damaged(tool_id, name))?;
    secrets::put(tool_id, name, &key.id(), &sealed);
    Ok(())
}

/// A secret in clear. That it is shown is written to the server log, which no
/// ROLLBACK takes back, and to a table, which can be queried.
pub fn reveal(tool_name: Option<&str>, name: Option<&str>) -> Result<String, Error> {
    authorise::admin_role()?;
    let tool = name_of_tool(tool_name)?;
    let name = name.ok_or(Error::ArgumentNull { argument: "key" })?;
    let tool_id = info::keep_tool(&tool).ok_or(Error::ToolNotFound)?;
    let sealed = secrets::get(tool_id, name).ok_or_else(|| not_found(name))?;
    let secret = open(&secret_key::current()?, &sealed)?;
    let role = acting::caller_name();
    secrets::note_read(&role, tool_id, tool.as_str(), &sealed.name)?;
    report::note(&format!(
        "secret '{}' of tool '{}' is shown to role \"{role}\"",
        sealed.name,
        tool.as_str()
    ));
    Ok(secret)
}

/// What one batch has done.
pub struct Rotated {
    pub rotated: i64,
    /// Sealed with the old key still.
    pub remaining: i64,
    /// Sealed with neither key; counted when none remain.
    pub others: i64,
}

/// Seals with the key in use what is sealed with the key in a file: so many secrets,
/// those of archived tools among them.
pub fn rotate(old_key_file: Option<&str>, batch: Option<i32>) -> Result<Rotated, Error> {
    authorise::admin_role()?;
    if !acting::caller_reads_server_files() {
        return Err(RegistryError::KeyFileForbidden.into());
    }
    let old_key_file = old_key_file.ok_or(Error::ArgumentNull {
        argument: "old_key_file",
    })?;
    let batch = batch
        .filter(|rows| *rows > 0)
        .ok_or(RegistryError::BatchTooSmall)?;
    let (old, new) = (secret_key::of_file(old_key_file)?, secret_key::current()?);
    if old.id() == new.id() {
        return Err(RegistryError::SameKey.into());
    }
    let found = secrets::lock_sealed_with(&old.id(), batch.into());
    for sealed in &found {
        let secret = open(&old, sealed)?;
        put(&new, sealed.tool_id, &sealed.name, &secret)?;
    }
    let remaining = secrets::count_sealed_with(&old.id());
    let others = match remaining {
        0 => secrets::count_all() - secrets::count_sealed_with(&new.id()),
        _ => 0,
    };
    Ok(Rotated {
        rotated: found.len() as i64,
        remaining,
        others,
    })
}

fn open(key: &SecretKey, sealed: &SealedSecret) -> Result<String, Error> {
    if sealed.key_id != key.id() {
        return Err(RegistryError::OtherKey {
            name: sealed.name.clone(),
        }
        .into());
    }
    let owner = Owner {
        tool_id: sealed.tool_id,
        name: &sealed.name,
    };
    key.open(&owner, &sealed.sealed)
        .ok_or_else(|| damaged(sealed.tool_id, &sealed.name))
}

fn not_found(name: &str) -> Error {
    RegistryError::SecretNotFound {
        name: crate::model::name::excerpt(name),
    }
    .into()
}

fn damaged(tool_id: i64, name: &str) -> Error {
    RegistryError::SecretDamaged {
        tool_id,
        name: name.to_owned(),
    }
    .into()
}
