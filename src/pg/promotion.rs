//! Moving a tool's rows from the common table to its own, and the locks for it.

use pgrx::pg_sys;

use super::acting::{as_owner_waiting_briefly, as_owner_with_pinned_path, with_all_rows};
use super::common_table::COLUMNS;
use super::compat::{self, LOCK_FOR_WRITING};
use super::ddl::relation_oid;
use super::ident::TableName;
use super::json_writer::JsonWriter;
use super::report::Failure;
use super::spi::{self, Access, Connection, Plan};
use super::subtransaction::atomically;
use crate::model::configuration_error::ConfigurationError;
use crate::model::name::ToolName;
use crate::model::page::Page;

/// Key of the advisory lock under which tools are promoted, one at a time: two
/// promotions would wait for one another's rows.
const PROMOTE_LOCK: i64 = 0x7061_735f_6d6f_7665; // "pas_move"

/// How often the common table is asked for before giving up.
const ATTEMPTS: usize = 20;

/// What a move has done.
#[derive(Default)]
pub struct Moved {
    pub rows: i64,
    pub sensitive: bool,
}

/// True if each statement sees what has been committed before it.
pub fn sees_commits_of_others() -> bool {
    // SAFETY: reads a global of this backend.
    unsafe { pg_sys::XactIsoLevel <= pg_sys::XACT_READ_COMMITTED as i32 }
}

/// Waits until no other session promotes a tool.
pub fn lock() {
    as_owner_with_pinned_path(|| {
        spi::connected(|c| {
            c.execute(
                "SELECT pg_catalog.pg_advisory_xact_lock($1)",
                vec![PROMOTE_LOCK.into()],
                Access::Write,
            );
        })
    });
    super::cache::accept_invalidations();
}

/// Locks the common table as an INSERT does, until the end of the transaction.
pub fn lock_common_for_insert() {
    if let Some(oid) = relation_oid(&TableName::common()) {
        compat::lock_relation(oid, LOCK_FOR_WRITING);
    }
}

/// Waits until every transaction has ended that has written to the common table
/// so far. Nobody waits for this: it takes no lock.
pub fn wait_for_writers() {
    if let Some(oid) = relation_oid(&TableName::common()) {
        compat::wait_for_lockers(oid, pg_sys::ShareLock as pg_sys::LOCKMODE);
    }
}

/// Keeps everybody from writing to the common table until the end of the
/// transaction. Writers queue behind this for half a second at a time at most;
/// in between it waits for those that hold it up without holding up anybody.
pub fn lock_out_writers() -> Result<(), ConfigurationError> {
    for _ in 0..ATTEMPTS {
        let locked = atomically::<(), Failure>(|| {
            as_owner_waiting_briefly(|| {
                spi::connected(|c| {
                    c.execute(
                        "LOCK TABLE projectalpha_data.multiple_tools IN SHARE MODE",
                        vec![],
                        Access::Write,
                    );
                });
            });
            Ok(())
        });
        match locked {
            Ok(()) => return Ok(()),
            Err(failure) if &failure.sqlstate == b"55P03" => wait_for_writers(),
            Err(failure) => failure.raise(),
        }
    }
    Err(ConfigurationError::CommonTableBusy)
}

/// Moves the oldest rows of a sender, about `limit` of them or all, in their order.
/// They keep their ids, or get new ones from the table that they come to.
pub fn move_rows(name: &ToolName, limit: Option<i64>, keep_ids: bool) -> Moved {
    let (first, last) = match limit {
        None => (i64::MIN, i64::MAX),
        Some(limit) => match ids_of_oldest(name, limit) {
            Some(ids) => ids,
            None => return Moved::default(),
        },
    };
    let (columns, identity) = if keep_ids {
        ("id, created_at, data", "OVERRIDING SYSTEM VALUE")
    } else {
        ("created_at, data", "")
    };
    let sql = format!(
        "WITH gone AS (\
             DELETE FROM projectalpha_data.multiple_tools AS m \
             WHERE m.tool_name OPERATOR(pg_catalog.=) $1 \
               AND m.id OPERATOR(pg_catalog.>=) $2 AND m.id OPERATOR(pg_catalog.<=) $3 \
             RETURNING m.id, m.created_at, m.data, m.sensitive), \
         stored AS (\
             INSERT INTO {own} ({columns}) {identity} SELECT {columns} FROM gone ORDER BY gone.id) \
         SELECT pg_catalog.count(*), \
                COALESCE(pg_catalog.max(g.sensitive), 0)::pg_catalog.int8 FROM gone AS g",
        own = TableName::of_tool(name),
    );
    let params = vec![name.as_str().into(), first.into(), last.into()];
    as_owner_seeing_all(|c| {
        let rows = c.execute(&sql, params, Access::Write);
        let row = rows.first();
        let number = |position| row.as_ref().and_then(|r| r.get(position)).unwrap_or(0i64);
        Moved {
            rows: number(1),
            sensitive: number(2) != 0,
        }
    })
}

/// The lowest and the highest id of a sender's oldest rows. With both of them known,
/// PostgreSQL finds the rows by the index, however many of them are gone.
fn ids_of_oldest(name: &ToolName, limit: i64) -> Option<(i64, i64)> {
    as_owner_seeing_all(|c| {
        let rows = c.execute(
            "SELECT pg_catalog.min(b.id), pg_catalog.max(b.id) FROM (\
                 SELECT m.id FROM projectalpha_data.multiple_tools AS m \
                 WHERE m.tool_name OPERATOR(pg_catalog.=) $1 ORDER BY m.id LIMIT $2) AS b",
            vec![name.as_str().into(), limit.into()],
            Access::Write,
        );
        let row = rows.first()?;
        Some((row.get(1)?, row.get(2)?))
    })
}

/// A row that row security hides would stay behind, where nobody looks for it.
fn as_owner_seeing_all<T>(body: impl FnOnce(&Connection) -> T) -> T {
    as_owner_with_pinned_path(|| with_all_rows(|| spi::connected(body)))
}

/// Lets new ids of a tool's table go on after those that it has. The caller has
/// seen to it that nobody else writes to the table.
pub fn continue_ids(name: &ToolName) {
    let table = TableName::of_tool(name);
    let sql = format!(
        "SELECT pg_catalog.setval($1::pg_catalog.regclass, \
             (SELECT pg_catalog.max(t.id) FROM {table} AS t))"
    );
    as_owner_with_pinned_path(|| {
        spi::connected(|c| {
            let sequence = table.sequence().to_string();
            c.execute(&sql, vec![sequence.into()], Access::Write);
        })
    });
}

/// Writes a page of what a sender has in the common table and in its own, as
/// rows of the common table, by id: rows that moved kept theirs.
pub fn list_both(
    name: &ToolName,
    sensitive: bool,
    sensitive_too: bool,
    page: Page,
    writer: &mut JsonWriter,
    mut each: impl FnMut(&mut JsonWriter, i64),
) {
    let sql = format!(
        "SELECT r.id, r.created_at, r.tool_name, r.data, r.sensitive FROM (\
             SELECT m.id::pg_catalog.int8, m.created_at::pg_catalog.timestamptz, \
                    m.tool_name::pg_catalog.text, m.data::pg_catalog.jsonb, \
                    m.sensitive::pg_catalog.int8 \
             FROM projectalpha_data.multiple_tools AS m \
             WHERE m.tool_name OPERATOR(pg_catalog.=) $1 \
               AND (m.sensitive OPERATOR(pg_catalog.=) 0 OR $2) \
               AND m.id OPERATOR(pg_catalog.>) $4 \
             UNION ALL \
             SELECT t.id::pg_catalog.int8, t.created_at::pg_catalog.timestamptz, $1, \
                    t.data::pg_catalog.jsonb, $3 FROM {own} AS t \
             WHERE t.id OPERATOR(pg_catalog.>) $4) AS r \
         ORDER BY r.id LIMIT $5 OFFSET $6",
        own = TableName::of_tool(name),
    );
    let params = vec![
        name.as_str().into(),
        sensitive_too.into(),
        i64::from(sensitive).into(),
        page.after_id.into(),
        page.limit.into(),
        page.offset.into(),
    ];
    as_owner_with_pinned_path(|| {
        let types = [
            pg_sys::TEXTOID,
            pg_sys::BOOLOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
        ];
        spi::scan(&Plan::prepare(&sql, &types), params, |row| {
            writer.record(&COLUMNS, &row.values(COLUMNS.len()));
            each(writer, row.get(1).unwrap_or_default());
        });
    });
}
