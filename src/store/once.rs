//! Storing at most once: the same idempotency key never stores a second record.

use crate::model::error::Error;
use crate::model::token::Digest;
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::ddl;
use crate::pg::jsonb::Jsonb;

/// Longest key, in characters.
const MAX_KEY: usize = 255;

/// Stores by `insert`, unless the key was used: then gives the id of that time, or
/// an error if the payload was another.
pub fn store(
    tool: &CompiledTool,
    key: &str,
    payload: Jsonb<'_>,
    insert: impl FnOnce() -> Result<Option<i64>, Error>,
) -> Result<Option<i64>, Error> {
    if key.is_empty() || key.chars().count() > MAX_KEY || key.chars().any(char::is_control) {
        return Err(Error::IdempotencyKeyInvalid);
    }
    let keys = tool.idempotency_keys();
    ddl::ensure_idempotency_table(&keys.table)?;
    let digest = Digest::of(&payload.to_text());
    loop {
        if keys.take(tool.id, key, &digest) {
            let id = insert()?;
            keys.set_record(tool.id, key, id);
            return Ok(id);
        }
        match keys.find(tool.id, key, &digest) {
            Some(used) if used.same_payload => return Ok(used.record_id),
            Some(_) => return Err(Error::IdempotencyKeyReused),
            // Forgotten between the two statements.
            None => (),
        }
    }
}
