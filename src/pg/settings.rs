//! The settings, and why each exists.

use std::ffi::CString;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

use crate::model::access_log::Level;

use super::compat::is_preloading;

/// A page is built in one call: without a bound a caller could ask for a whole
/// table at once. Only a superuser may raise the bound.
static MAX_PAGE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(10_000);

/// Each backend keeps the tools it has used, compiled. The bound keeps a
/// backend that serves many tools from growing for ever.
static CACHE_SIZE: GucSetting<i32> = GucSetting::<i32>::new(256);

/// A client that got no answer tries again within hours, not weeks. Without a
/// bound the keys would be kept for ever.
static IDEMPOTENCY_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(24 * 60 * 60);

/// What `storage_advice` takes for too much for the common table: each sender's
/// rows share indexes, vacuum and locks with those of all others.
static PROMOTE_ROWS: GucSetting<i32> = GucSetting::<i32>::new(100_000);
static PROMOTE_BYTES: GucSetting<i32> = GucSetting::<i32>::new(64 * 1024);
static PROMOTE_PAYLOAD_BYTES: GucSetting<i32> = GucSetting::<i32>::new(4);

/// Changing a table needs it for itself. While that waits for a transaction that
/// uses the table, everybody who comes later waits behind it: the bound keeps
/// that short.
static DDL_LOCK_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(2000);

/// Secrets of tools are encrypted with a key that no table and no dump has: whoever
/// has a backup has no secret. The path is for superusers alone to set and to see.
static SECRET_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Shared memory has a size that is fixed at the start. Each slot is 160 bytes.
static RATE_LIMIT_SLOTS: GucSetting<i32> = GucSetting::<i32>::new(65_536);

/// Who may say in a request where it comes from: the role that PostgREST logs in as.
/// Anybody can set `request.headers`; nobody can choose the role of his session.
static PROXY_ROLES: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"authenticator"));
/// What was denied must be known afterwards; to keep every call costs a row for each.
/// Whoever could turn it down could hide what he does.
static ACCESS_LOG: GucSetting<LogLevel> = GucSetting::<LogLevel>::new(LogLevel::Denied);

/// [`Level`], as a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PostgresGucEnum)]
enum LogLevel {
    #[name = c"none"]
    None,
    #[name = c"denied"]
    Denied,
    #[name = c"writes"]
    Writes,
    #[name = c"all"]
    All,
}

pub fn register() {
    GucRegistry::define_int_guc(
        c"projectalpha_store.max_page_size",
        c"Most rows that one call of a list function returns in SQL.",
        c"A call that asks for more gets that many.",
        &MAX_PAGE_SIZE,
        1,
        1_000_000,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"projectalpha_store.cache_size",
        c"Tools that a session keeps compiled.",
        c"The least recently used tool makes room for a new one.",
        &CACHE_SIZE,
        1,
        100_000,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"projectalpha_store.idempotency_retention",
        c"For how long an idempotency key is remembered.",
        c"Within that time the same key never stores a second record.",
        &IDEMPOTENCY_RETENTION,
        60,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"projectalpha_store.ddl_lock_timeout",
        c"Longest that archiving, restoring and altering a tool wait for its table.",
        c"Whoever uses the table meanwhile waits as long. 0 waits for ever.",
        &DDL_LOCK_TIMEOUT,
        0,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_string_guc(
        c"projectalpha_store.secret_key_file",
        c"File with the key that secrets of tools are encrypted with.",
        c"32 bytes or 64 hexadecimal digits, readable by the server's user alone.",
        &SECRET_KEY_FILE,
        GucContext::Suset,
        GucFlags::SUPERUSER_ONLY | GucFlags::NO_SHOW_ALL,
    );
    GucRegistry::define_string_guc(
        c"projectalpha_store.proxy_roles",
        c"Roles whose sessions tell the client's address in the header X-Client-Address.",
        c"Names, separated by commas: the role that PostgREST logs in as.",
        &PROXY_ROLES,
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_enum_guc(
        c"projectalpha_store.access_log",
        c"Which attempts to use a tool are kept in projectalpha_data.access_logs.",
        c"What configure_access_log() says of a tool goes before it.",
        &ACCESS_LOG,
        GucContext::Suset,
        GucFlags::default(),
    );
    register_rate_limits();
    register_advice();
}

fn register_rate_limits() {
    GucRegistry::define_int_guc(
        c"projectalpha_store.rate_limit_slots",
        c"Callers whose rates are counted at the same time.",
        c"With more of them, some are forgotten too early. Of no effect unless the library is preloaded.",
        &RATE_LIMIT_SLOTS,
        8,
        16_777_216,
        // Later than at the start of the server PostgreSQL takes no setting for the
        // postmaster. It must be known nonetheless, or each session would warn of it.
        if is_preloading() {
            GucContext::Postmaster
        } else {
            GucContext::Sighup
        },
        GucFlags::default(),
    );
}

fn register_advice() {
    GucRegistry::define_int_guc(
        c"projectalpha_store.promote_rows",
        c"Rows in the common table above which a sender should have a table of its own.",
        c"Read by storage_advice().",
        &PROMOTE_ROWS,
        1,
        i32::MAX,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"projectalpha_store.promote_bytes",
        c"Size of all payloads above which a sender should have a table of its own.",
        c"Read by storage_advice().",
        &PROMOTE_BYTES,
        1,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_int_guc(
        c"projectalpha_store.promote_payload_bytes",
        c"Size of one payload above which its sender should have a table of its own.",
        c"Read by storage_advice().",
        &PROMOTE_PAYLOAD_BYTES,
        1,
        i32::MAX,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
}

pub fn idempotency_retention_seconds() -> f64 {
    f64::from(IDEMPOTENCY_RETENTION.get())
}

pub fn rate_limit_slots() -> usize {
    usize::try_from(RATE_LIMIT_SLOTS.get()).unwrap_or(1).max(1)
}

/// The names, as they were written.
pub fn proxy_roles() -> String {
    let roles = PROXY_ROLES.get();
    roles
        .and_then(|roles| roles.into_string().ok())
        .unwrap_or_default()
}

/// In milliseconds; 0 is none.
pub fn ddl_lock_timeout() -> i32 {
    DDL_LOCK_TIMEOUT.get()
}

pub fn max_page_size() -> i64 {
    i64::from(MAX_PAGE_SIZE.get())
}

pub fn cache_size() -> usize {
    usize::try_from(CACHE_SIZE.get()).unwrap_or(1).max(1)
}

pub fn access_log() -> Level {
    match ACCESS_LOG.get() {
        LogLevel::None => Level::None,
        LogLevel::Denied => Level::Denied,
        LogLevel::Writes => Level::Writes,
        LogLevel::All => Level::All,
    }
}

/// The path; none if it is not set.
pub fn secret_key_file() -> Option<String> {
    let path = SECRET_KEY_FILE.get()?.into_string().ok()?;
    (!path.is_empty()).then_some(path)
}
