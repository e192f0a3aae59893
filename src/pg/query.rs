//! Finding records: filtered, in another order, from a cursor on, or counted. By
//! plans that are kept for the shape of a query; its values are parameters.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;
use pgrx::{pg_sys, PgRelation};

use super::acting::as_owner_with_pinned_path;
use super::json_writer::JsonWriter;
use super::query_sql::{self, Statement};
use super::spi::{self, Param, Plan};
use super::table::ToolTable;
use crate::model::cursor::Position;
use crate::model::error::Error;
use crate::model::filter::Condition;
use crate::model::order::Order;
use crate::model::page::Page;
use crate::model::schema::FieldType;

/// Plans kept for one table. A client sends few shapes of queries; whoever
/// sends many pays for the planning himself.
const QUERY_PLANS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// The plans of a table's queries, by their SQL, which is their shape. Made at
/// the first query: most tables have none.
#[derive(Default)]
pub struct QueryPlans(RefCell<Option<LruCache<String, Rc<Plan>>>>);

impl QueryPlans {
    fn plan(&self, statement: &Statement) -> Rc<Plan> {
        let kept = |plans: &mut Option<LruCache<String, Rc<Plan>>>| {
            plans.as_mut().and_then(|p| p.get(&statement.sql).cloned())
        };
        if let Some(plan) = kept(&mut self.0.borrow_mut()) {
            return plan;
        }
        let types: Vec<pg_sys::Oid> = statement.params.iter().map(Param::type_oid).collect();
        let plan = Rc::new(Plan::prepare(&statement.sql, &types));
        self.0
            .borrow_mut()
            .get_or_insert_with(|| LruCache::new(QUERY_PLANS))
            .put(statement.sql.clone(), plan.clone());
        plan
    }
}

/// Which records, and in which order.
pub struct Query {
    pub conditions: Vec<Condition>,
    pub order: Order,
    /// The records after this one, in that order.
    pub after: Option<Position>,
}

impl Query {
    /// True if it asks for no more than the oldest records.
    pub fn is_plain(&self) -> bool {
        self.conditions.is_empty()
            && self.order.is_by_id()
            && !self.order.descending
            && self.after.is_none()
    }
}

impl ToolTable {
    /// Writes each record of a page as a JSON object and calls `each` with its id
    /// after every one. Reads only. The caller holds the lock that a SELECT takes.
    pub fn find(
        &self,
        columns: &[(&str, FieldType)],
        query: &Query,
        page: Page,
        writer: &mut JsonWriter,
        mut each: impl FnMut(&mut JsonWriter, i64),
    ) -> Result<(), Error> {
        let after = query
            .after
            .as_ref()
            .map(|position| (position, may_be_null(self.oid, &query.order.column)));
        let statement = query_sql::select(
            &self.name,
            columns,
            &query.conditions,
            &query.order,
            after,
            page,
        )?;
        self.run(statement, |row| {
            writer.record(columns, &row.values(columns.len()));
            each(writer, row.get(1).unwrap_or_default());
        });
        Ok(())
    }

    /// The number of records that meet all conditions. Reads only.
    pub fn count(&self, conditions: &[Condition]) -> Result<i64, Error> {
        let mut count = 0;
        self.run(query_sql::count(&self.name, conditions)?, |row| {
            count = row.get(1).unwrap_or_default();
        });
        Ok(count)
    }

    fn run(&self, statement: Statement, show: impl FnMut(spi::RowRef<'_>)) {
        as_owner_with_pinned_path(|| {
            let plan = self.queries.plan(&statement);
            spi::scan(&plan, statement.params, show);
        });
    }
}

/// False for a column that is declared NOT NULL.
fn may_be_null(table: pg_sys::Oid, column: &str) -> bool {
    // SAFETY: the caller holds a lock on the table.
    let table = unsafe { PgRelation::open(table) };
    let descriptor = table.tuple_desc();
    let is_not_null = descriptor
        .iter()
        .any(|a| !a.attisdropped && a.attnotnull && a.name() == column);
    !is_not_null
}
