//! Who acts: the caller's privileges, and acting as the owner of the objects.

use std::cell::Cell;
use std::ffi::{CStr, CString};

use pgrx::{pg_guard, pg_sys};

use super::compat;

const OWNER_ROLE: &CStr = c"projectalpha_owner";
const ADMIN_ROLE: &CStr = c"projectalpha_admin";
const READER_ROLE: &CStr = c"projectalpha_reader";

/// The role `pg_read_server_files`, which has this OID in every PostgreSQL.
const READ_SERVER_FILES: pg_sys::Oid = pg_sys::Oid::from_u32(4569);

thread_local! {
    /// The OID of `projectalpha_owner`, until a role changes.
    static OWNER: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
}

/// Asks PostgreSQL to tell us about changed roles. Called once per session.
pub fn register_callback() {
    // SAFETY: the function has the callback's signature and stays loaded.
    unsafe {
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::AUTHNAME as i32,
            Some(role_changed),
            pg_sys::Datum::from(0),
        );
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn role_changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    OWNER.set(pg_sys::InvalidOid);
}

/// True if the current role is, or is a member of, `projectalpha_admin`.
/// Superusers are members of every role.
pub fn caller_is_admin() -> bool {
    // SAFETY: look-ups in the system caches; a missing role gives InvalidOid.
    unsafe {
        let admin = pg_sys::get_role_oid(ADMIN_ROLE.as_ptr(), true);
        admin != pg_sys::InvalidOid && pg_sys::has_privs_of_role(pg_sys::GetUserId(), admin)
    }
}

/// True if the current role may see every tool in full, as the views show them.
pub fn caller_sees_every_tool() -> bool {
    // SAFETY: look-ups in the system caches; a missing role gives InvalidOid.
    let is_reader = unsafe {
        let reader = pg_sys::get_role_oid(READER_ROLE.as_ptr(), true);
        reader != pg_sys::InvalidOid && pg_sys::has_privs_of_role(pg_sys::GetUserId(), reader)
    };
    is_reader || caller_is_admin()
}

/// True if the current role may have the server read any file.
pub fn caller_reads_server_files() -> bool {
    // SAFETY: a look-up in the system caches.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), READ_SERVER_FILES) }
}

/// The role that owns everything; a clear error if it is gone.
pub(super) fn owner_role() -> pg_sys::Oid {
    let known = OWNER.get();
    if known != pg_sys::InvalidOid {
        return known;
    }
    // SAFETY: a look-up in the system cache.
    let owner = unsafe { pg_sys::get_role_oid(OWNER_ROLE.as_ptr(), false) };
    OWNER.set(owner);
    owner
}

/// True if acting as the owner would be acting as a superuser.
pub fn owner_is_superuser() -> bool {
    // SAFETY: a look-up in the system cache.
    unsafe { pg_sys::superuser_arg(owner_role()) }
}

/// The name of the role that calls.
pub fn caller_name() -> String {
    // SAFETY: the current user exists; the name is copied before it is freed.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetUserId(), false);
        let owned = CStr::from_ptr(name).to_string_lossy().into_owned();
        pg_sys::pfree(name.cast());
        owned
    }
}

/// Runs `body` as `projectalpha_owner`, as PostgreSQL's foreign-key triggers run
/// their queries as the owner of a table. Statements run this way must qualify
/// every name and operator: the caller's search_path is still in force.
pub fn as_owner<T>(body: impl FnOnce() -> T) -> T {
    as_owner_with(pg_sys::SECURITY_LOCAL_USERID_CHANGE, body)
}

fn as_owner_with<T>(restrictions: u32, body: impl FnOnce() -> T) -> T {
    let _caller = Caller::act_as_owner(restrictions);
    body()
}

/// Who called, for as long as somebody else acts.
struct Caller {
    user: pg_sys::Oid,
    security_context: i32,
}

// Not inlined, as the other pairs here: there are hundreds of bodies.
impl Caller {
    #[inline(never)]
    fn act_as_owner(restrictions: u32) -> Self {
        let mut caller = Caller {
            user: pg_sys::InvalidOid,
            security_context: 0,
        };
        let owner = owner_role();
        // SAFETY: reads and sets the session's user; put back when this is dropped.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut caller.user, &mut caller.security_context);
            pg_sys::SetUserIdAndSecContext(owner, caller.security_context | restrictions as i32);
        }
        caller
    }
}

impl Drop for Caller {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: puts back what was read above, also while unwinding.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.security_context) }
    }
}

/// Settings under which nobody else's objects are found by an unqualified name.
const PINNED_PATH: [(&CStr, &CStr); 1] = [(c"search_path", c"pg_catalog, pg_temp")];

/// The same, and new tables are made where the database says, not the caller.
const PINNED_FOR_DDL: [(&CStr, &CStr); 3] = [
    PINNED_PATH[0],
    (c"default_tablespace", c""),
    (c"default_table_access_method", c"heap"),
];

/// Settings under which values are written the same way in every session.
const PORTABLE_VALUES: [(&CStr, &CStr); 2] = [(c"TimeZone", c"UTC"), (c"extra_float_digits", c"1")];

/// Runs `body` so that values that become text lose nothing of themselves.
pub fn with_portable_values<T>(body: impl FnOnce() -> T) -> T {
    with_settings(&PORTABLE_VALUES, body)
}

/// [`as_owner`] with a search_path that nobody else can write to. For statements
/// that may run code of others (triggers, rules).
pub fn as_owner_with_pinned_path<T>(body: impl FnOnce() -> T) -> T {
    as_owner(|| with_settings(&PINNED_PATH, body))
}

/// [`as_owner`] with a search_path that nobody else can write to, for a plan that runs
/// no code but PostgreSQL's: no function with a search_path of its own is called.
/// Without a path of its own, the plan would have the caller's looked up for each record.
pub fn as_owner_in_catalog<T>(body: impl FnOnce() -> T) -> T {
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
    return as_owner(|| {
        compat::override_search_path();
        let value = body();
        compat::end_override_of_search_path();
        value
    });
    #[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
    as_owner_with_pinned_path(body)
}

/// [`as_owner_with_pinned_path`], for making tables.
pub fn as_owner_for_ddl<T>(body: impl FnOnce() -> T) -> T {
    as_owner(|| with_settings(&PINNED_FOR_DDL, body))
}

/// Whole tables are read from their first row on, even while others read them.
pub fn with_rows_in_order<T>(body: impl FnOnce() -> T) -> T {
    with_settings(&[(c"synchronize_seqscans", c"off")], body)
}

/// Runs `body` so that it sees every row of a table or fails: row security that is
/// forced on the owner must not hide some of them.
pub fn with_all_rows<T>(body: impl FnOnce() -> T) -> T {
    with_settings(&[(c"row_security", c"off")], body)
}

/// The same as [`PINNED_PATH`], and no lock is waited for longer than this: less
/// than `deadlock_timeout`, after which a wait would cancel an autovacuum.
const PINNED_AND_BRIEF: [(&CStr, &CStr); 2] = [PINNED_PATH[0], (c"lock_timeout", c"500ms")];

/// [`as_owner_with_pinned_path`], for a lock that others would queue behind.
pub fn as_owner_waiting_briefly<T>(body: impl FnOnce() -> T) -> T {
    as_owner(|| with_settings(&PINNED_AND_BRIEF, body))
}

/// Runs `body` so that the client sees no NOTICE of it.
pub fn quietly<T>(body: impl FnOnce() -> T) -> T {
    with_settings(&[(c"client_min_messages", c"warning")], body)
}

/// Runs `body` so that it waits for no lock longer than this; 0 waits for ever.
/// A shorter timeout of the caller's own stays in force.
pub fn with_lock_timeout<T>(milliseconds: i32, body: impl FnOnce() -> T) -> T {
    // SAFETY: a setting of this session.
    let own = unsafe { pg_sys::LockTimeout };
    let shortest = match (own, milliseconds) {
        (0, other) | (other, 0) => other,
        (own, other) => own.min(other),
    };
    match CString::new(shortest.to_string()) {
        Ok(value) => with_settings(&[(c"lock_timeout", &value)], body),
        Err(_) => body(),
    }
}

/// Settings under which SQL of others means the same in every session.
const FIXED_MEANING: [(&CStr, &CStr); 11] = [
    PINNED_FOR_DDL[1],
    PINNED_FOR_DDL[2],
    PORTABLE_VALUES[0],
    PORTABLE_VALUES[1],
    (c"DateStyle", c"ISO, MDY"),
    (c"IntervalStyle", c"postgres"),
    (c"standard_conforming_strings", c"on"),
    (c"transform_null_equals", c"off"),
    (c"array_nulls", c"on"),
    (c"bytea_output", c"hex"),
    (c"check_function_bodies", c"on"),
];

/// Runs statements that others wrote as the owner, so that they find what is in
/// this schema (a quoted identifier) and in pg_catalog, and nothing else without a
/// schema. They can neither become another role nor leave anything to the
/// session: no setting, no temporary table, no deferred trigger, which would run
/// as the caller.
pub fn as_owner_in_schema<T>(schema: &str, body: impl FnOnce() -> T) -> T {
    let path = CString::new(format!("{schema}, pg_temp")).unwrap_or_default();
    let mut settings = vec![(c"search_path", path.as_c_str())];
    settings.extend(FIXED_MEANING);
    let restrictions = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
    as_owner_with(restrictions, || with_settings_taken_back(&settings, body))
}

/// Settings of a process of our own, until it ends.
pub fn set_for_session(settings: &[(&CStr, &CStr)]) {
    for (name, value) in settings {
        // SAFETY: names and values are NUL-terminated and copied.
        unsafe {
            pg_sys::SetConfigOption(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_SUSET,
                pg_sys::GucSource::PGC_S_SESSION,
            );
        }
    }
}

fn with_settings<T>(settings: &[(&CStr, &CStr)], body: impl FnOnce() -> T) -> T {
    within_settings(settings, true, body)
}

/// Takes back whatever `body` has set for the session, too.
fn with_settings_taken_back<T>(settings: &[(&CStr, &CStr)], body: impl FnOnce() -> T) -> T {
    within_settings(settings, false, body)
}

fn within_settings<T>(
    settings: &[(&CStr, &CStr)],
    keep_what_body_sets: bool,
    body: impl FnOnce() -> T,
) -> T {
    let nest_level = begin_settings(settings);
    let value = body();
    end_settings(keep_what_body_sets, nest_level);
    value
}

#[inline(never)]
fn begin_settings(settings: &[(&CStr, &CStr)]) -> i32 {
    // SAFETY: a new GUC nest level, as function SET clauses use it. After an
    // error the abort of the (sub)transaction takes it back.
    unsafe {
        let nest_level = pg_sys::NewGUCNestLevel();
        for (name, value) in settings {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        nest_level
    }
}

#[inline(never)]
fn end_settings(keep_what_body_sets: bool, nest_level: i32) {
    // SAFETY: closes the level that was opened by `begin_settings`.
    unsafe { pg_sys::AtEOXact_GUC(keep_what_body_sets, nest_level) };
}
