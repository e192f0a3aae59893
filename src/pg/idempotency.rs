//! Idempotency keys that were used, in the data schema or in that of a project. A
//! key is forgotten some time after it was used; those that are due go when new
//! ones come.

use std::cell::{Cell, OnceCell};
use std::mem::ManuallyDrop;
use std::rc::Rc;

use pgrx::pg_sys;

use super::acting::as_owner_with_pinned_path;
use super::ddl::{check_table, relation_oid};
use super::ident::TableName;
use super::registry;
use super::settings;
use super::spi::{self, Access, Param, Plan, Rows};
use crate::model::error::Error;
use crate::model::token::Digest;

/// Looking for keys that are due costs as much as taking one.
const TAKEN_BETWEEN_LOOKS: u32 = 16;

/// What a key was used for.
pub struct Used {
    pub same_payload: bool,
    pub record_id: Option<i64>,
}

/// A table of keys, with the plans for it.
pub struct Keys {
    pub table: TableName,
    take: OnceCell<Plan>,
    set_record: OnceCell<Plan>,
    find: OnceCell<Plan>,
    forget: OnceCell<Plan>,
    /// Keys that this session has taken.
    taken: Cell<u32>,
}

thread_local! {
    // Never dropped: destructors of thread-locals run after PostgreSQL has shut
    // down in this process.
    static SHARED: ManuallyDrop<OnceCell<Rc<Keys>>> =
        const { ManuallyDrop::new(OnceCell::new()) };
}

impl Keys {
    pub fn of(table: TableName) -> Rc<Self> {
        Rc::new(Keys {
            table,
            take: OnceCell::new(),
            set_record: OnceCell::new(),
            find: OnceCell::new(),
            forget: OnceCell::new(),
            taken: Cell::new(0),
        })
    }

    /// Those of the tools' shared tables.
    pub fn shared() -> Rc<Self> {
        SHARED.with(|keys| {
            keys.get_or_init(|| Keys::of(TableName::idempotency_keys()))
                .clone()
        })
    }

    /// Takes a key for a record that is about to be stored; false if it is taken.
    /// Waits for a session that is just using it.
    pub fn take(&self, tool_id: i64, key: &str, payload: &Digest) -> bool {
        let taken = self.taken.get();
        self.taken.set(taken.wrapping_add(1));
        if taken.is_multiple_of(TAKEN_BETWEEN_LOOKS) {
            self.forget_due();
        }
        let params = vec![tool_id.into(), key.into(), payload.as_bytes().into()];
        let plan = kept(
            &self.take,
            &[pg_sys::INT8OID, pg_sys::TEXTOID, pg_sys::BYTEAOID],
            || {
                format!(
                    "INSERT INTO {} AS k (tool_id, key, digest) VALUES ($1, $2, $3) \
                     ON CONFLICT DO NOTHING",
                    self.table
                )
            },
        );
        write(plan, params, |rows| rows.count() > 0)
    }

    /// More of them than are taken in between: the table cannot grow beyond what is
    /// not due yet.
    fn forget_due(&self) {
        let retention = settings::idempotency_retention_seconds();
        let plan = kept(&self.forget, &[pg_sys::FLOAT8OID], || {
            format!(
                "DELETE FROM {table} AS k \
                 WHERE (k.tool_id, k.key) OPERATOR(pg_catalog.=) ANY (\
                     SELECT due.tool_id, due.key FROM {table} AS due \
                     WHERE due.created_at OPERATOR(pg_catalog.<) \
                           (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $1)) \
                     ORDER BY due.created_at LIMIT 32 FOR UPDATE SKIP LOCKED)",
                table = self.table
            )
        });
        write(plan, vec![retention.into()], |_| ());
    }

    /// Notes what became of it.
    pub fn set_record(&self, tool_id: i64, key: &str, record_id: Option<i64>) {
        let plan = kept(
            &self.set_record,
            &[pg_sys::INT8OID, pg_sys::TEXTOID, pg_sys::INT8OID],
            || {
                format!(
                    "UPDATE {} AS k SET record_id = $3 \
                     WHERE k.tool_id OPERATOR(pg_catalog.=) $1 AND k.key OPERATOR(pg_catalog.=) $2",
                    self.table
                )
            },
        );
        let params = vec![tool_id.into(), key.into(), record_id.into()];
        write(plan, params, |_| ());
    }

    /// What a key was used for; none if it was forgotten meanwhile.
    pub fn find(&self, tool_id: i64, key: &str, payload: &Digest) -> Option<Used> {
        let plan = kept(
            &self.find,
            &[pg_sys::INT8OID, pg_sys::TEXTOID, pg_sys::BYTEAOID],
            || {
                format!(
                    "SELECT k.digest OPERATOR(pg_catalog.=) $3, k.record_id FROM {} AS k \
                     WHERE k.tool_id OPERATOR(pg_catalog.=) $1 AND k.key OPERATOR(pg_catalog.=) $2",
                    self.table
                )
            },
        );
        let params = vec![tool_id.into(), key.into(), payload.as_bytes().into()];
        write(plan, params, |rows| {
            rows.first().map(|row| Used {
                same_payload: row.get(1).unwrap_or(false),
                record_id: row.get(2),
            })
        })
    }
}

/// Forgets every key of a tool whose table is new: after DROP EXTENSION and CREATE
/// EXTENSION ids of tools begin anew, and the keys of tools before are still there.
pub fn forget_tool(table: &TableName, tool_id: i64) -> Result<(), Error> {
    if let Some(oid) = relation_oid(table) {
        check_table(table, oid)?;
        registry::write(
            &format!("DELETE FROM {table} AS k WHERE k.tool_id OPERATOR(pg_catalog.=) $1"),
            vec![tool_id.into()],
            |_| (),
        );
    }
    Ok(())
}

fn kept<'a>(
    plan: &'a OnceCell<Plan>,
    types: &[pg_sys::Oid],
    sql: impl FnOnce() -> String,
) -> &'a Plan {
    plan.get_or_init(|| as_owner_with_pinned_path(|| Plan::prepare(&sql(), types)))
}

fn write<T>(plan: &Plan, params: Vec<Param>, take: impl FnOnce(&Rows) -> T) -> T {
    as_owner_with_pinned_path(|| {
        spi::connected(|c| take(&c.execute_plan(plan, params, Access::Write)))
    })
}
