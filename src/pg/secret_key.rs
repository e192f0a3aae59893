//! Key files: read when a key is needed, and kept nowhere. The server's process
//! reads them as its own user.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::settings;
use crate::model::registry_error::RegistryError;
use crate::model::secret::SecretKey;

/// No key file is longer, whatever white space is in it.
const MAX_FILE: usize = 256;

/// The key that the setting names.
pub fn current() -> Result<SecretKey, RegistryError> {
    let path = settings::secret_key_file().ok_or(RegistryError::NoSecretKey)?;
    of_file(&path)
}

/// What goes wrong is told without the path, which is for superusers.
pub fn of_file(path: &str) -> Result<SecretKey, RegistryError> {
    let unusable = |reason: &str| RegistryError::KeyFileUnusable {
        reason: reason.to_owned(),
    };
    if !Path::new(path).is_absolute() {
        return Err(unusable("is not named by an absolute path"));
    }
    // Opening a named pipe would wait for somebody to write into it.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => unusable("does not exist"),
            _ => unusable("cannot be opened"),
        })?;
    let about = file
        .metadata()
        .map_err(|_| unusable("cannot be looked at"))?;
    if !about.is_file() {
        return Err(unusable("is not a file"));
    }
    if about.mode() & 0o077 != 0 {
        return Err(unusable("is open to group or others"));
    }
    let mut content = Zeroizing::new([0; MAX_FILE]);
    let mut length = 0;
    while length < MAX_FILE {
        match file.read(&mut content[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(unusable("cannot be read")),
        }
    }
    SecretKey::of_file(&content[..length]).ok_or_else(|| unusable("does not hold a key"))
}
