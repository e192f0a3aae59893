//! Changes of tables, which others wait for.

use crate::model::error::Error;
use crate::model::lifecycle_error::LifecycleError;
use crate::pg::{acting, report, settings};

/// Runs a change of a tool's table. It gives up if others keep the tool or its
/// table locked for longer than the setting allows.
pub fn within_lock_timeout<T>(
    tool: &str,
    body: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let milliseconds = settings::ddl_lock_timeout();
    let outcome = report::unless_locked(|| acting::with_lock_timeout(milliseconds, body));
    outcome.unwrap_or_else(|| {
        Err(LifecycleError::LockTimeout {
            tool: tool.to_owned(),
            milliseconds,
        }
        .into())
    })
}
