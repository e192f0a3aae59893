//! Limits of a tool, kept without a counter that all writers would wait for.
//!
//! A session counts the records once in a while, not for each of them: after a
//! hundredth of the limit, or when so many are stored as there was room for. A
//! single writer is held to the record; each further one that stores at the same
//! time may exceed the limit by a hundredth of it, and by what it stores in one
//! transaction: records that are not committed are seen by their writer alone.
//! Bytes are looked at after 64 records, in whole pages.

use std::time::{Duration, Instant};

use crate::model::error::Error;
use crate::pg::compiled_tool::CompiledTool;

/// Records between two looks at the size.
const RECORDS_BETWEEN_SIZES: i64 = 64;
/// For how long a tool that was found full is taken to be full without counting.
const FULL_FOR: Duration = Duration::from_millis(500);

/// Refuses to store into a tool that was just found full.
pub fn check(tool: &CompiledTool) -> Result<(), Error> {
    if !tool.options.is_limited() {
        return Ok(());
    }
    match tool.room.full_since.get() {
        Some(since) if since.elapsed() < FULL_FOR => full(tool),
        _ => Ok(()),
    }
}

/// Takes note of records that were stored, and refuses them if they are too many:
/// the caller raises the error, so that they are not stored after all.
pub fn take(tool: &CompiledTool, stored: i64) -> Result<(), Error> {
    if !tool.options.is_limited() {
        return Ok(());
    }
    let left = tool.room.records.get() - stored;
    if left >= 0 {
        tool.room.records.set(left);
        return Ok(());
    }
    look(tool, stored)
}

/// Room may have been made.
pub fn forget(tool: &CompiledTool) {
    tool.room.records.set(0);
    tool.room.full_since.set(None);
}

fn look(tool: &CompiledTool, stored: i64) -> Result<(), Error> {
    tool.room.records.set(0);
    let mut allowed = i64::MAX;
    if let Some(limit) = tool.options.max_bytes {
        if tool.table.bytes() > limit {
            return refuse(tool, stored);
        }
        allowed = RECORDS_BETWEEN_SIZES;
    }
    if let Some(limit) = tool.options.max_records {
        let count = tool.table.count_up_to(limit.saturating_add(1));
        if count > limit {
            return refuse(tool, stored);
        }
        allowed = allowed.min(limit - count).min(limit / 100);
    }
    tool.room.records.set(allowed);
    tool.room.full_since.set(None);
    Ok(())
}

/// Too many for what room there is; but for a single one there may be some.
fn refuse(tool: &CompiledTool, stored: i64) -> Result<(), Error> {
    if stored == 1 {
        tool.room.full_since.set(Some(Instant::now()));
    }
    full(tool)
}

fn full(tool: &CompiledTool) -> Result<(), Error> {
    Err(Error::QuotaExceeded {
        tool: tool.name.as_str().to_owned(),
        max_records: tool.options.max_records,
        max_bytes: tool.options.max_bytes,
    })
}
