//! The tools that this session has used, compiled: what a warm call needs so
//! that it reads no catalogue and no registry.
//!
//! An entry is dropped at commit of whatever changes it. A statement trigger on
//! the configuration tables invalidates them in the relation cache, DDL does so
//! for the table it changes, and PostgreSQL delivers either to every session.
//! A rolled-back change is delivered to the session that made it, so nothing
//! of it stays in any cache.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::hash::Hash;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;
use pgrx::{pg_guard, pg_sys, PgTupleDesc};

use super::compiled_tool::{compile, compile_in, CompiledTool};
use super::ddl::relation_oid;
use super::ident::TableName;
use super::registry::{self, CredentialRow};
use super::{own_writes, settings};
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::project::ProjectId;
use crate::model::registry_error::RegistryError;
use crate::model::token::Digest;

/// Verified credentials kept for each tool that is kept; with more of them in use
/// some are verified again from the registry.
const CREDENTIALS_PER_TOOL: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Invalidations remembered one by one between two calls; with more, everything goes.
const MAX_PENDING: usize = 1024;

/// What a session keeps.
struct Kept {
    /// The tools with the tables that belong to no project.
    tools: LruCache<ToolName, Rc<CompiledTool>>,
    /// The tables of projects, by the id of the tool.
    tenants: LruCache<(i64, ProjectId), Rc<CompiledTool>>,
    /// Verified credentials, by the id of the tool and the digest.
    credentials: LruCache<(i64, Digest), Rc<CredentialRow>>,
}

thread_local! {
    // ManuallyDrop: dropping frees plans, and the destructors of thread-locals
    // run when PostgreSQL has already shut down in this process.
    static KEPT: ManuallyDrop<RefCell<Option<Kept>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
    /// Relations invalidated since the last look; written by the callback alone.
    static PENDING: RefCell<Vec<pg_sys::Oid>> = const { RefCell::new(Vec::new()) };
    static EVERYTHING_PENDING: Cell<bool> = const { Cell::new(false) };
    /// Hashes of types, see [`watch_type`].
    static WATCHED_TYPES: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
    /// OIDs of the tables of [`CONFIGURATION_TABLES`] that there are.
    static CONFIGURATION: Cell<[pg_sys::Oid; CONFIGURATION_TABLES.len()]> =
        const { Cell::new([pg_sys::InvalidOid; CONFIGURATION_TABLES.len()]) };
}

/// The tables whose rows are compiled. Each has the trigger `invalidate_caches`.
const CONFIGURATION_TABLES: [&str; 6] = [
    "tools",
    "credentials",
    "projects",
    "project_tools",
    "agents",
    "policies",
];

/// Asks PostgreSQL to tell us about changed relations, schemas, types and what may bring
/// code of others into tables without a word about them.
/// Called once per session.
pub fn register_callback() {
    // SAFETY: the functions have the callbacks' signatures and stay loaded.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0));
        for cache in [
            pg_sys::SysCacheIdentifier::NAMESPACEOID,
            pg_sys::SysCacheIdentifier::CLAOID,
            pg_sys::SysCacheIdentifier::CASTSOURCETARGET,
            pg_sys::SysCacheIdentifier::TSCONFIGMAP,
        ] {
            pg_sys::CacheRegisterSyscacheCallback(
                cache as i32,
                Some(all_may_have_changed),
                pg_sys::Datum::from(0),
            );
        }
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::TYPEOID as i32,
            Some(type_changed),
            pg_sys::Datum::from(0),
        );
    }
}

/// A schema that is renamed takes its tables along without a word about them; an operator
/// class may be what values are compared by, a cast how they are assigned, and a text
/// search configuration may come to use a dictionary of others.
#[pg_guard]
unsafe extern "C-unwind" fn all_may_have_changed(
    _argument: pg_sys::Datum,
    _cache: i32,
    _hash: u32,
) {
    EVERYTHING_PENDING.set(true);
}

/// Has everything read again when this type changes, or what a domain is made of. Nothing
/// is said then about the tables that have columns of it: a domain may get another default.
pub fn watch_type(mut oid: pg_sys::Oid) {
    // SAFETY: a look-up of the type.
    if unsafe { !pg_sys::get_typdefault(oid).is_null() } {
        watch(oid);
    }
    while let Some(base) = super::compat::base_of_domain(oid) {
        watch(oid);
        oid = base;
    }
}

/// The same for the types of a relation's columns, if it exists.
pub fn watch_types_of(relation: pg_sys::Oid) {
    // SAFETY: a lock that goes with what is opened here.
    unsafe {
        let open = pg_sys::try_relation_open(relation, pg_sys::AccessShareLock as i32);
        if !open.is_null() {
            let columns = PgTupleDesc::from_pg_copy((*open).rd_att);
            pg_sys::relation_close(open, pg_sys::AccessShareLock as i32);
            for column in columns.iter().filter(|column| !column.attisdropped) {
                watch_type(column.atttypid);
            }
        }
    }
}

fn watch(oid: pg_sys::Oid) {
    // SAFETY: computes the hash of a key.
    let hash = unsafe {
        pg_sys::GetSysCacheHashValue(
            pg_sys::SysCacheIdentifier::TYPEOID as i32,
            pg_sys::Datum::from(oid),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
            pg_sys::Datum::null(),
        )
    };
    WATCHED_TYPES.with_borrow_mut(|watched| watched.insert(hash));
}

#[pg_guard]
unsafe extern "C-unwind" fn type_changed(_argument: pg_sys::Datum, _cache: i32, hash: u32) {
    // 0 stands for all types.
    let concerns_us = WATCHED_TYPES
        .with_borrow(|watched| watched.contains(&hash) || (hash == 0 && !watched.is_empty()));
    if concerns_us {
        EVERYTHING_PENDING.set(true);
    }
}

/// May run at any moment in which PostgreSQL takes a lock, so it only notes the
/// relation and touches no entry that a caller further up may be using.
#[pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    PENDING.with_borrow_mut(|pending| {
        if relation == pg_sys::InvalidOid || pending.len() >= MAX_PENDING {
            EVERYTHING_PENDING.set(true);
        } else {
            pending.push(relation);
        }
    });
}

/// Takes in what other sessions have committed so far.
pub fn accept_invalidations() {
    // SAFETY: may be called at any point of a transaction.
    unsafe { pg_sys::AcceptInvalidationMessages() };
}

/// The tool of that name as it is committed now; an error if it has no table.
pub fn find(name: &ToolName) -> Result<Rc<CompiledTool>, Error> {
    let tool = find_entry(name)?;
    if tool.has_table {
        Ok(tool)
    } else {
        Err(RegistryError::NoStorage {
            tool: name.as_str().to_owned(),
        }
        .into())
    }
}

/// The same, whether it has a table or not: for what concerns no record.
pub fn find_entry(name: &ToolName) -> Result<Rc<CompiledTool>, Error> {
    accept_invalidations();
    drop_invalidated();
    if let Some(known) = with_kept(|kept| kept.tools.get(name).cloned()) {
        return Ok(known);
    }
    let compiled = current(|| compile(name))?;
    with_kept(|kept| kept.tools.put(name.clone(), compiled.clone()));
    Ok(compiled)
}

/// The table that a project has of a tool which [`find`] has just found.
pub fn find_in(tool: &CompiledTool, project: ProjectId) -> Result<Rc<CompiledTool>, Error> {
    let key = (tool.id, project);
    if let Some(known) = with_kept(|kept| kept.tenants.get(&key).cloned()) {
        return Ok(known);
    }
    let compiled = current(|| compile_in(tool, project))?;
    with_kept(|kept| kept.tenants.put(key, compiled.clone()));
    Ok(compiled)
}

/// The live credential with this digest of a tool which [`find`] has just found.
pub fn credential(tool: &CompiledTool, digest: Digest) -> Option<Rc<CredentialRow>> {
    let key = (tool.id, digest);
    if let Some(known) = with_kept(|kept| kept.credentials.get(&key).cloned()) {
        return Some(known);
    }
    let row = Rc::new(registry::tool_credential(tool.id, &digest)?);
    // Not kept if it may have been revoked while we read it.
    if !is_pending(tool.table.oid) {
        row.xmins.iter().for_each(|xmin| own_writes::note(*xmin));
        with_kept(|kept| kept.credentials.put(key, row.clone()));
    }
    Some(row)
}

/// Compiles until nothing has changed meanwhile: what we had might mix old and new.
fn current(compile: impl Fn() -> Result<CompiledTool, Error>) -> Result<Rc<CompiledTool>, Error> {
    loop {
        note_configuration_tables();
        let compiled = Rc::new(compile()?);
        if !is_pending(compiled.table.oid) {
            return Ok(compiled);
        }
        drop_invalidated();
    }
}

/// Has everything read again that is kept.
pub fn forget_everything() {
    EVERYTHING_PENDING.set(true);
}

/// Locks the table of a tool until the end of the transaction, as the statement
/// on it would. False if the tool changed while waiting for the lock: then the
/// lock is given back and the caller starts again with [`find`].
pub fn lock(name: &ToolName, tool: &Rc<CompiledTool>, mode: pg_sys::LOCKMODE) -> bool {
    super::compat::lock_relation(tool.table.oid, mode);
    accept_invalidations();
    drop_invalidated();
    let still_current = with_kept(|kept| {
        let now = match &tool.tenant {
            Some(tenant) => kept.tenants.peek(&(tool.id, tenant.project)),
            None => kept.tools.peek(name),
        };
        now.is_some_and(|now| Rc::ptr_eq(now, tool))
    });
    if !still_current {
        // SAFETY: taken above.
        unsafe { pg_sys::UnlockRelationOid(tool.table.oid, mode) };
    }
    still_current
}

/// True if an invalidation has come in, since [`drop_invalidated`], that concerns
/// a tool with this table.
fn is_pending(table: pg_sys::Oid) -> bool {
    has_changed(&[table]) || has_changed(&CONFIGURATION.get())
}

/// True if one of these tables has changed since the last call found its tool.
pub fn has_changed(tables: &[pg_sys::Oid]) -> bool {
    EVERYTHING_PENDING.get()
        || PENDING.with_borrow(|pending| tables.iter().any(|table| pending.contains(table)))
}

fn drop_invalidated() {
    let pending = PENDING.take();
    let everything = EVERYTHING_PENDING.replace(false);
    if pending.is_empty() && !everything {
        return;
    }
    let configuration = CONFIGURATION.get();
    let dropped: Vec<Rc<CompiledTool>> = with_kept(|kept| {
        if everything || pending.iter().any(|oid| configuration.contains(oid)) {
            kept.credentials.clear();
            let of_all = |_: &CompiledTool| true;
            let mut all = take_if(&mut kept.tools, of_all);
            all.append(&mut take_if(&mut kept.tenants, of_all));
            return all;
        }
        let of_stale = |tool: &CompiledTool| {
            pending.contains(&tool.table.oid) || tool.table.depends_on(&pending)
        };
        let mut stale = take_if(&mut kept.tools, of_stale);
        stale.append(&mut take_if(&mut kept.tenants, of_stale));
        stale
    });
    // Freed here, where the cache is no longer borrowed.
    drop(dropped);
}

fn take_if<K: Clone + Eq + Hash>(
    kept: &mut LruCache<K, Rc<CompiledTool>>,
    is_meant: impl Fn(&CompiledTool) -> bool,
) -> Vec<Rc<CompiledTool>> {
    let keys: Vec<K> = kept
        .iter()
        .filter(|(_, tool)| is_meant(tool))
        .map(|(key, _)| key.clone())
        .collect();
    keys.iter().filter_map(|key| kept.pop(key)).collect()
}

fn note_configuration_tables() {
    let oid = |table: &str| {
        relation_oid(&TableName::of_configuration(table)).unwrap_or(pg_sys::InvalidOid)
    };
    CONFIGURATION.set(CONFIGURATION_TABLES.map(oid));
}

fn with_kept<T>(body: impl FnOnce(&mut Kept) -> T) -> T {
    let capacity = NonZeroUsize::new(settings::cache_size()).unwrap_or(NonZeroUsize::MIN);
    let of_credentials = capacity.saturating_mul(CREDENTIALS_PER_TOOL);
    KEPT.with(|kept| {
        let mut kept = kept.borrow_mut();
        // The bound is set below: what is made with one takes memory for all of it.
        let kept = kept.get_or_insert_with(|| Kept {
            tools: LruCache::unbounded(),
            tenants: LruCache::unbounded(),
            credentials: LruCache::unbounded(),
        });
        if kept.tools.cap() != capacity {
            kept.tools.resize(capacity);
            kept.tenants.resize(capacity);
            kept.credentials.resize(of_credentials);
        }
        body(kept)
    })
}

/// Tells every session, at commit, that the relation of the running trigger has
/// changed.
pub fn invalidate_triggering_relation(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: pgrx passes the fcinfo of the running call; its context is a
    // TriggerData if, and only if, its tag says so.
    unsafe {
        let context = (*fcinfo).context;
        if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
            pgrx::ereport!(
                ERROR,
                pgrx::PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                "invalidate_caches() must be called as a trigger"
            );
        }
        let trigger = context.cast::<pg_sys::TriggerData>();
        pg_sys::CacheInvalidateRelcache((*trigger).tg_relation);
    }
}
