//! The tools that this session has used, compiled: what a warm call needs so
//! that it reads no catalogue and no registry.
//!
//! An entry is dropped at commit of whatever changes it. A statement trigger on
//! the configuration tables invalidates them in the relation cache, DDL does so
//! for the table it changes, and PostgreSQL delivers either to every session.
//! A rolled-back change is delivered to the session that made it, so nothing
//! of it stays in any cache.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Instant;

use lru::LruCache;
use pgrx::{pg_guard, pg_sys};

use super::ddl::{check_table, relation_oid};
use super::ident::TableName;
use super::registry::{self, CredentialRow};
use super::settings;
use super::table::{Layout, ToolTable};
use crate::model::checks::Checks;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::registry_error::RegistryError;
use crate::model::scalar::Scalar;
use crate::model::schema::{Field, FieldType, Schema, PAYLOAD_COLUMN};
use crate::model::token::Digest;

/// Verified credentials kept for each tool; a tool with more of them in use
/// verifies some again from the registry.
const CREDENTIALS_PER_TOOL: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// Invalidations remembered one by one between two calls; with more, everything goes.
const MAX_PENDING: usize = 1024;

/// A column of a tool table. Small, as every record goes through all of them: what
/// most columns do not have is elsewhere.
pub struct Column {
    pub name: String,
    pub field_type: FieldType,
    /// What its values must be besides of that type.
    pub checks: Option<Box<Checks>>,
    /// For a field that a record does not name.
    pub default: Option<Box<DefaultValue>>,
    pub unique: bool,
}

/// A value that was checked when the tool was registered.
pub enum DefaultValue {
    Scalar(Scalar),
    /// JSON text.
    Json(CString),
}

impl Column {
    fn of(field: &Field) -> Self {
        let default = field.rules.default.as_ref();
        Column {
            name: field.name.clone(),
            field_type: field.field_type,
            checks: Checks::of(&field.rules).map(Box::new),
            default: default
                .and_then(|value| match field.field_type {
                    FieldType::Json => CString::new(value.to_string()).ok().map(DefaultValue::Json),
                    other => Scalar::from_json(other, value).map(DefaultValue::Scalar),
                })
                .map(Box::new),
            unique: field.rules.unique,
        }
    }

    fn of_whole_payload() -> Self {
        Column {
            name: PAYLOAD_COLUMN.to_owned(),
            field_type: FieldType::Json,
            checks: None,
            default: None,
            unique: false,
        }
    }
}

/// What a session knows of the room that a limited tool has left.
#[derive(Default)]
pub struct Room {
    /// Records that may be stored before the next look.
    pub records: Cell<i64>,
    /// When it was found full.
    pub full_since: Cell<Option<Instant>>,
}

/// A tool, ready to be used.
pub struct CompiledTool {
    pub id: i64,
    pub name: ToolName,
    pub sensitive: bool,
    /// False refuses writes: see [`CompiledTool::check_active`].
    pub active: bool,
    /// False for an entry of the catalogue alone, which only [`find_entry`] gives.
    pub has_table: bool,
    pub options: ToolOptions,
    /// True if records are kept whole, in one column.
    pub whole_payload: bool,
    pub columns: Vec<Column>,
    /// True if one of them must be unique.
    pub has_unique: bool,
    pub room: Room,
    pub table: ToolTable,
    credentials: RefCell<LruCache<[u8; 32], CredentialRow>>,
}

impl CompiledTool {
    /// Passes if the tool takes writes.
    pub fn check_active(&self) -> Result<(), Error> {
        if self.active {
            Ok(())
        } else {
            Err(RegistryError::ToolInactive.into())
        }
    }

    /// The live credential of this tool with this digest.
    pub fn credential(&self, digest: &Digest) -> Option<CredentialRow> {
        let key: [u8; 32] = digest.as_bytes().try_into().ok()?;
        if let Some(known) = self.credentials.borrow_mut().get(&key) {
            return Some(known.clone());
        }
        let row = registry::tool_credential(self.id, digest)?;
        // Not kept if it may have been revoked while we read it.
        if !is_pending(self.table.oid) {
            self.credentials.borrow_mut().put(key, row.clone());
        }
        Some(row)
    }
}

type Tools = LruCache<ToolName, Rc<CompiledTool>>;

thread_local! {
    // ManuallyDrop: dropping frees plans, and the destructors of thread-locals
    // run when PostgreSQL has already shut down in this process.
    static TOOLS: ManuallyDrop<RefCell<Option<Tools>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
    /// Relations invalidated since the last look; written by the callback alone.
    static PENDING: RefCell<Vec<pg_sys::Oid>> = const { RefCell::new(Vec::new()) };
    static EVERYTHING_PENDING: Cell<bool> = const { Cell::new(false) };
    /// OIDs of `projectalpha.tools` and `projectalpha.credentials`.
    static CONFIGURATION: Cell<[pg_sys::Oid; 2]> =
        const { Cell::new([pg_sys::InvalidOid, pg_sys::InvalidOid]) };
}

/// Asks PostgreSQL to tell us about changed relations and schemas. Called once
/// per session.
pub fn register_callback() {
    // SAFETY: the functions have the callbacks' signatures and stay loaded.
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::from(0));
        pg_sys::CacheRegisterSyscacheCallback(
            pg_sys::SysCacheIdentifier::NAMESPACEOID as i32,
            Some(schema_changed),
            pg_sys::Datum::from(0),
        );
    }
}

/// A schema that is renamed takes its tables along without a word about them.
#[pg_guard]
unsafe extern "C-unwind" fn schema_changed(_argument: pg_sys::Datum, _cache: i32, _hash: u32) {
    EVERYTHING_PENDING.set(true);
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
    if let Some(known) = with_tools(|tools| tools.get(name).cloned()) {
        return Ok(known);
    }
    loop {
        note_configuration_tables();
        let compiled = Rc::new(compile(name)?);
        // Changed while we read it: what we have may mix old and new.
        if is_pending(compiled.table.oid) {
            drop_invalidated();
            continue;
        }
        with_tools(|tools| tools.put(name.clone(), compiled.clone()));
        return Ok(compiled);
    }
}

/// Locks the table of a tool until the end of the transaction, as the statement
/// on it would. False if the tool changed while waiting for the lock: then the
/// lock is given back and the caller starts again with [`find`].
pub fn lock(name: &ToolName, tool: &Rc<CompiledTool>, mode: pg_sys::LOCKMODE) -> bool {
    super::compat::lock_relation(tool.table.oid, mode);
    accept_invalidations();
    drop_invalidated();
    let still_current =
        with_tools(|tools| tools.peek(name).is_some_and(|now| Rc::ptr_eq(now, tool)));
    if !still_current {
        // SAFETY: taken above.
        unsafe { pg_sys::UnlockRelationOid(tool.table.oid, mode) };
    }
    still_current
}

fn compile(name: &ToolName) -> Result<CompiledTool, Error> {
    let row = registry::tool(name).ok_or(Error::ToolNotFound)?;
    let schema = Schema::of_registered(row.schema_definition.as_deref())?;
    let columns: Vec<Column> = match &schema {
        Schema::Fields(fields) => fields.iter().map(Column::of).collect(),
        Schema::WholePayload => vec![Column::of_whole_payload()],
    };
    let required = |column: &&Column| column.checks.as_ref().is_some_and(|c| c.required);
    let options = ToolOptions::parse(row.options.as_deref());
    let table_name = TableName::of_tool(name);
    let oid = if row.has_table {
        table_oid(&table_name)?
    } else {
        pg_sys::InvalidOid
    };
    Ok(CompiledTool {
        id: row.id,
        name: name.clone(),
        sensitive: row.sensitive,
        active: row.is_active,
        has_table: row.has_table,
        whole_payload: schema == Schema::WholePayload,
        table: ToolTable::new(
            table_name,
            oid,
            Layout {
                versioned: options.versioned,
                required: columns
                    .iter()
                    .filter(required)
                    .map(|c| c.name.clone())
                    .collect(),
            },
        ),
        has_unique: columns.iter().any(|c| c.unique),
        columns,
        options,
        room: Room::default(),
        credentials: RefCell::new(LruCache::new(CREDENTIALS_PER_TOOL)),
    })
}

fn table_oid(table: &TableName) -> Result<pg_sys::Oid, Error> {
    let oid = relation_oid(table).ok_or_else(|| Error::ToolTableMissing {
        table: table.table.clone(),
    })?;
    check_table(table, oid)?;
    Ok(oid)
}

/// True if an invalidation has come in, since [`drop_invalidated`], that concerns
/// a tool with this table.
fn is_pending(table: pg_sys::Oid) -> bool {
    let configuration = CONFIGURATION.get();
    EVERYTHING_PENDING.get()
        || PENDING.with_borrow(|pending| {
            pending
                .iter()
                .any(|oid| *oid == table || configuration.contains(oid))
        })
}

fn drop_invalidated() {
    let pending = PENDING.take();
    let everything = EVERYTHING_PENDING.replace(false);
    if pending.is_empty() && !everything {
        return;
    }
    let configuration = CONFIGURATION.get();
    let dropped: Vec<Rc<CompiledTool>> = with_tools(|tools| {
        if everything || pending.iter().any(|oid| configuration.contains(oid)) {
            let all = tools.iter().map(|(_, tool)| tool.clone()).collect();
            tools.clear();
            return all;
        }
        let stale: Vec<ToolName> = tools
            .iter()
            .filter(|(_, tool)| pending.contains(&tool.table.oid))
            .map(|(name, _)| name.clone())
            .collect();
        stale.iter().filter_map(|name| tools.pop(name)).collect()
    });
    // Freed here, where the cache is no longer borrowed.
    drop(dropped);
}

fn note_configuration_tables() {
    let oid = |table: &str| {
        relation_oid(&TableName::of_configuration(table)).unwrap_or(pg_sys::InvalidOid)
    };
    CONFIGURATION.set([oid("tools"), oid("credentials")]);
}

fn with_tools<T>(body: impl FnOnce(&mut Tools) -> T) -> T {
    let capacity = NonZeroUsize::new(settings::cache_size()).unwrap_or(NonZeroUsize::MIN);
    TOOLS.with(|tools| {
        let mut tools = tools.borrow_mut();
        let tools = tools.get_or_insert_with(|| LruCache::new(capacity));
        if tools.cap() != capacity {
            tools.resize(capacity);
        }
        body(tools)
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
