//! What can be told of a migration without running it.

use std::ffi::{c_char, CStr, CString};

use pgrx::pg_sys;
use pgrx::{is_a, PgList};

use super::report::catch;
use crate::model::migration::Refusal;
use crate::model::migration_error::MigrationError;

/// Parses the statements; an error if that fails, if there are none, or if one of
/// them has no place in a migration.
pub fn check(sql: &str) -> Result<(), MigrationError> {
    let text = CString::new(sql).map_err(|_| MigrationError::SyntaxError {
        reason: "it has a NUL".into(),
    })?;
    // Parsing takes nothing but memory, so the error need not be raised.
    let parsed = catch(|| {
        // SAFETY: the text is alive and NUL-terminated. The list lives in the
        // current memory context.
        unsafe { pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT) }
    })
    .map_err(|failure| MigrationError::SyntaxError {
        reason: failure.message,
    })?;
    // SAFETY: a list of RawStmt, as the parser gives it.
    let statements = unsafe { PgList::<pg_sys::RawStmt>::from_pg(parsed) };
    if statements.is_empty() {
        return Err(MigrationError::Empty);
    }
    for raw in statements.iter_ptr() {
        // SAFETY: each statement is a parse tree that lives as long as the list.
        let refused = unsafe { refusal((*raw).stmt) };
        if let Some((command, refusal)) = refused {
            return Err(MigrationError::Refused { command, refusal });
        }
    }
    Ok(())
}

/// # Safety
/// `statement` is a parse tree of a whole statement.
unsafe fn refusal(statement: *mut pg_sys::Node) -> Option<(String, Refusal)> {
    // SAFETY: the tag says which struct the node is. Names of commands are static.
    unsafe {
        let command = text_of(pg_sys::CreateCommandName(statement)).unwrap_or_default();
        let outside = Refusal::OutsideTransaction;
        if is_a(statement, pg_sys::NodeTag::T_VariableSetStmt) {
            let set = &*statement.cast::<pg_sys::VariableSetStmt>();
            let name = text_of(set.name);
            let shown = match &name {
                Some(name) => format!("{command} {name}"),
                None => command,
            };
            return Refusal::of_setting(name.as_deref()).map(|refusal| (shown, refusal));
        }
        if is_a(statement, pg_sys::NodeTag::T_IndexStmt)
            && (*statement.cast::<pg_sys::IndexStmt>()).concurrent
        {
            return Some((format!("{command} CONCURRENTLY"), outside));
        }
        if is_a(statement, pg_sys::NodeTag::T_DropStmt)
            && (*statement.cast::<pg_sys::DropStmt>()).concurrent
        {
            return Some((format!("{command} CONCURRENTLY"), outside));
        }
        if is_a(statement, pg_sys::NodeTag::T_ReindexStmt) && reindexes_outside(statement.cast()) {
            return Some((format!("{command} of many tables or CONCURRENTLY"), outside));
        }
        if is_a(statement, pg_sys::NodeTag::T_ClusterStmt)
            && (*statement.cast::<pg_sys::ClusterStmt>())
                .relation
                .is_null()
        {
            return Some((format!("{command} without a table"), outside));
        }
        if is_a(statement, pg_sys::NodeTag::T_CopyStmt)
            && (*statement.cast::<pg_sys::CopyStmt>()).filename.is_null()
        {
            return Some((
                format!("{command} FROM STDIN or TO STDOUT"),
                Refusal::Client,
            ));
        }
        Refusal::of_command(&command).map(|refusal| (command, refusal))
    }
}

/// # Safety
/// `statement` is a REINDEX.
unsafe fn reindexes_outside(statement: *mut pg_sys::ReindexStmt) -> bool {
    // SAFETY: the options are a list of DefElem.
    unsafe {
        let one = matches!(
            (*statement).kind,
            pg_sys::ReindexObjectType::REINDEX_OBJECT_INDEX
                | pg_sys::ReindexObjectType::REINDEX_OBJECT_TABLE
        );
        let options = PgList::<pg_sys::DefElem>::from_pg((*statement).params);
        let concurrently = options
            .iter_ptr()
            .any(|option| text_of((*option).defname).as_deref() == Some("concurrently"));
        !one || concurrently
    }
}

/// # Safety
/// `text` is null or a C string.
unsafe fn text_of(text: *const c_char) -> Option<String> {
    // SAFETY: as above.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text).to_string_lossy().into_owned() })
}
