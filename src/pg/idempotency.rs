//! Idempotency keys that were used, in the data schema. A key is forgotten some
//! time after it was used; those that are due go when new ones come.

use std::cell::Cell;

use pgrx::pg_sys;

use super::ddl::{check_table, relation_oid};
use super::ident::TableName;
use super::registry::write_kept as write;
use super::settings;
use super::spi::KeptStatement;
use crate::model::error::Error;
use crate::model::token::Digest;

thread_local! {
    static TAKE: KeptStatement = const { KeptStatement::new(
        "INSERT INTO projectalpha_data.idempotency_keys AS k (tool_id, key, digest) \
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[pg_sys::INT8OID, pg_sys::TEXTOID, pg_sys::BYTEAOID],
    ) };
    static USE: KeptStatement = const { KeptStatement::new(
        "UPDATE projectalpha_data.idempotency_keys AS k SET record_id = $3 \
         WHERE k.tool_id OPERATOR(pg_catalog.=) $1 AND k.key OPERATOR(pg_catalog.=) $2",
        &[pg_sys::INT8OID, pg_sys::TEXTOID, pg_sys::INT8OID],
    ) };
    static FIND: KeptStatement = const { KeptStatement::new(
        "SELECT k.digest OPERATOR(pg_catalog.=) $3, k.record_id \
         FROM projectalpha_data.idempotency_keys AS k \
         WHERE k.tool_id OPERATOR(pg_catalog.=) $1 AND k.key OPERATOR(pg_catalog.=) $2",
        &[pg_sys::INT8OID, pg_sys::TEXTOID, pg_sys::BYTEAOID],
    ) };
    /// More of them than are taken in between: the table cannot grow beyond what is
    /// not due yet.
    static FORGET: KeptStatement = const { KeptStatement::new(
        "DELETE FROM projectalpha_data.idempotency_keys AS k \
         WHERE (k.tool_id, k.key) OPERATOR(pg_catalog.=) ANY (\
             SELECT due.tool_id, due.key FROM projectalpha_data.idempotency_keys AS due \
             WHERE due.created_at OPERATOR(pg_catalog.<) \
                   (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $1)) \
             ORDER BY due.created_at LIMIT 32 FOR UPDATE SKIP LOCKED)",
        &[pg_sys::FLOAT8OID],
    ) };
    /// Keys that this session has taken.
    static TAKEN: Cell<u32> = const { Cell::new(0) };
    static FORGET_TOOL: KeptStatement = const { KeptStatement::new(
        "DELETE FROM projectalpha_data.idempotency_keys AS k \
         WHERE k.tool_id OPERATOR(pg_catalog.=) $1",
        &[pg_sys::INT8OID],
    ) };
}

/// Looking for keys that are due costs as much as taking one.
const TAKEN_BETWEEN_LOOKS: u32 = 16;

/// What a key was used for.
pub struct Used {
    pub same_payload: bool,
    pub record_id: Option<i64>,
}

/// Takes a key for a record that is about to be stored; false if it is taken. Waits
/// for a session that is just using it.
pub fn take(tool_id: i64, key: &str, payload: &Digest) -> bool {
    let taken = TAKEN.get();
    TAKEN.set(taken.wrapping_add(1));
    if taken.is_multiple_of(TAKEN_BETWEEN_LOOKS) {
        let retention = settings::idempotency_retention_seconds();
        write(&FORGET, vec![retention.into()], |_| ());
    }
    let params = vec![tool_id.into(), key.into(), payload.as_bytes().into()];
    write(&TAKE, params, |rows| rows.count() > 0)
}

/// Notes what became of it.
pub fn set_record(tool_id: i64, key: &str, record_id: Option<i64>) {
    write(
        &USE,
        vec![tool_id.into(), key.into(), record_id.into()],
        |_| (),
    );
}

/// Forgets every key of a tool that is new: after DROP EXTENSION and CREATE
/// EXTENSION ids of tools begin anew, and the keys of tools before are still there.
pub fn forget_tool(tool_id: i64) -> Result<(), Error> {
    let table = TableName::idempotency_keys();
    if let Some(oid) = relation_oid(&table) {
        check_table(&table, oid)?;
        write(&FORGET_TOOL, vec![tool_id.into()], |_| ());
    }
    Ok(())
}

/// What a key was used for; none if it was forgotten meanwhile.
pub fn find(tool_id: i64, key: &str, payload: &Digest) -> Option<Used> {
    let params = vec![tool_id.into(), key.into(), payload.as_bytes().into()];
    write(&FIND, params, |rows| {
        rows.first().map(|row| Used {
            same_payload: row.get(1).unwrap_or(false),
            record_id: row.get(2),
        })
    })
}
