//! Secrets of tools: `reveal_tool_secret`, and `rotate_secrets`, which the procedure
//! `rotate_secret_key` calls batch by batch.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::secrets;

/// Shows a secret of a tool's `auth_config`, to members of `projectalpha_admin` alone:
/// no token opens it. Who had it shown is in `projectalpha_data.secret_reads`, and in
/// the server log, which a ROLLBACK does not take back. Not on a standby, nor in a
/// READ ONLY transaction.
///
/// Arguments: `tool_name`; `key`, the name of the secret.
///
/// Errors: 42501 not an administrator; 42704 no such tool or secret; 55000 no key is
/// configured, its file cannot be used, or the secret is sealed with another key;
/// XX001 what is kept of it was changed; 22004 a NULL argument.
///
/// ```sql
/// SELECT projectalpha.reveal_tool_secret('weather', 'api_key');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
pub(super) fn reveal_tool_secret(tool_name: Option<&str>, key: Option<&str>) -> String {
    report::run(|| secrets::reveal(tool_name, key))
}

/// Seals with the key of `projectalpha_store.secret_key_file` what is sealed with the
/// key of another file: one batch. `CALL rotate_secret_key()` does all of them.
///
/// Arguments: `old_key_file`, an absolute path on the server; `batch`, secrets to seal.
///
/// Returns one row: `rotated`, in this call; `remaining`, with the old key still;
/// `others`, with neither key (counted when none remain).
///
/// Errors: 42501 not an administrator who may read the server's files; 55000 a key file
/// cannot be used; 22023 both keys are the same, or a batch below 1; XX001 what is kept
/// of a secret was changed; 22004 no old key file.
///
/// ```sql
/// SELECT * FROM projectalpha.rotate_secrets('/etc/postgresql/secrets.old', 100);
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)] // as it is in SQL
pub(super) fn rotate_secrets(
    old_key_file: Option<&str>,
    batch: default!(Option<i32>, "1000"),
) -> TableIterator<
    'static,
    (
        name!(rotated, i64),
        name!(remaining, i64),
        name!(others, i64),
    ),
> {
    let done = report::run(|| secrets::rotate(old_key_file, batch));
    TableIterator::once((done.rotated, done.remaining, done.others))
}
