//! The rows of `projectalpha.tool_secrets`, which are sealed before they come here,
//! and the list of those that were shown.

use super::ddl;
use super::registry::write;
use super::spi::Rows;
use crate::model::error::Error;
use crate::model::secret::KeyId;

/// A secret as it is kept.
pub struct SealedSecret {
    pub tool_id: i64,
    pub name: String,
    pub key_id: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// Keeps a secret, in place of the one of that name.
pub fn put(tool_id: i64, name: &str, key_id: &KeyId, sealed: &[u8]) {
    write(
        "INSERT INTO projectalpha.tool_secrets (tool_id, name, key_id, sealed) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tool_id, name) DO UPDATE \
         SET key_id = EXCLUDED.key_id, sealed = EXCLUDED.sealed, sealed_at = pg_catalog.now()",
        vec![
            tool_id.into(),
            name.into(),
            key_id.as_slice().into(),
            sealed.into(),
        ],
        |_| (),
    );
}

/// Removes one secret of a tool, or all of them.
pub fn remove(tool_id: i64, name: Option<&str>) {
    write(
        "DELETE FROM projectalpha.tool_secrets AS s WHERE s.tool_id OPERATOR(pg_catalog.=) $1 \
         AND ($2 IS NULL OR s.name OPERATOR(pg_catalog.=) $2)",
        vec![tool_id.into(), name.into()],
        |_| (),
    );
}

pub fn count(tool_id: i64) -> usize {
    write(
        "SELECT FROM projectalpha.tool_secrets AS s WHERE s.tool_id OPERATOR(pg_catalog.=) $1",
        vec![tool_id.into()],
        Rows::count,
    )
}

pub fn get(tool_id: i64, name: &str) -> Option<SealedSecret> {
    write(
        "SELECT s.tool_id, s.name, s.key_id, s.sealed FROM projectalpha.tool_secrets AS s \
         WHERE s.tool_id OPERATOR(pg_catalog.=) $1 AND s.name OPERATOR(pg_catalog.=) $2",
        vec![tool_id.into(), name.into()],
        |rows| secrets(rows).pop(),
    )
}

/// Locks some of the secrets that are sealed with a key, and gives them.
pub fn lock_sealed_with(key_id: &KeyId, at_most: i64) -> Vec<SealedSecret> {
    write(
        "SELECT s.tool_id, s.name, s.key_id, s.sealed FROM projectalpha.tool_secrets AS s \
         WHERE s.key_id OPERATOR(pg_catalog.=) $1 ORDER BY s.tool_id, s.name LIMIT $2 FOR UPDATE",
        vec![key_id.as_slice().into(), at_most.into()],
        secrets,
    )
}

fn secrets(rows: &Rows) -> Vec<SealedSecret> {
    (0..rows.count())
        .filter_map(|index| rows.get(index))
        .map(|row| SealedSecret {
            tool_id: row.get(1).unwrap_or_default(),
            name: row.get(2).unwrap_or_default(),
            key_id: row.get(3).unwrap_or_default(),
            sealed: row.get(4).unwrap_or_default(),
        })
        .collect()
}

pub fn count_sealed_with(key_id: &KeyId) -> i64 {
    write(
        "SELECT pg_catalog.count(*) FROM projectalpha.tool_secrets AS s \
         WHERE s.key_id OPERATOR(pg_catalog.=) $1",
        vec![key_id.as_slice().into()],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or_default(),
    )
}

pub fn count_all() -> i64 {
    write(
        "SELECT pg_catalog.count(*) FROM projectalpha.tool_secrets AS s",
        vec![],
        |rows| rows.first().and_then(|row| row.get(1)).unwrap_or_default(),
    )
}

/// Writes down that a secret is shown.
pub fn note_read(role: &str, tool_id: i64, tool: &str, name: &str) -> Result<(), Error> {
    ddl::ensure_secret_reads()?;
    write(
        "INSERT INTO projectalpha_data.secret_reads (role_name, tool_id, tool_name, secret_name) \
         VALUES ($1, $2, $3, $4)",
        vec![role.into(), tool_id.into(), tool.into(), name.into()],
        |_| (),
    );
    Ok(())
}
