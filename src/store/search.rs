//! Finding records of a tool: filtered, ordered, from a cursor on, or counted.

use crate::model::cursor;
use crate::model::error::Error;
use crate::model::filter::{self, Condition, TextCondition};
use crate::model::order::Order;
use crate::model::page::Page;
use crate::model::schema::FieldType;
use crate::pg::cache;
use crate::pg::compat::LOCK_FOR_READING;
use crate::pg::json_writer::JsonWriter;
use crate::pg::jsonb::Jsonb;
use crate::pg::query::Query;

use super::gate::{self, Act, Carried, Counted};
use super::records::{self, listed_columns, name_of_tool};

/// The conditions that a caller gave, not yet checked.
pub enum Filter<'a> {
    Json(Option<Jsonb<'a>>),
    Query(&'a [TextCondition]),
}

impl Filter<'_> {
    fn is_given(&self) -> bool {
        match self {
            Filter::Json(json) => json.is_some(),
            Filter::Query(conditions) => !conditions.is_empty(),
        }
    }

    fn check(&self, columns: &[(&str, FieldType)]) -> Result<Vec<Condition>, Error> {
        match self {
            Filter::Json(None) => Ok(Vec::new()),
            Filter::Json(Some(json)) => filter::from_json(&json.to_text(), columns),
            Filter::Query(conditions) => filter::from_query(conditions, columns),
        }
    }
}

/// What a listing asks for beyond a page of the oldest records.
pub struct Search<'a> {
    pub filter: Filter<'a>,
    pub order_by: Option<&'a str>,
    pub after: Option<&'a str>,
}

impl Search<'_> {
    fn is_given(&self) -> bool {
        self.filter.is_given() || self.order_by.is_some() || self.after.is_some()
    }

    fn check(&self, columns: &[(&str, FieldType)]) -> Result<Query, Error> {
        let conditions = self.filter.check(columns)?;
        let order = Order::parse(self.order_by, columns)?;
        let after = self
            .after
            .map(|text| cursor::parse(text, &order))
            .transpose()?;
        Ok(Query {
            conditions,
            order,
            after,
        })
    }
}

/// Writes a page of the records that were searched for, and calls `each` after
/// every one. Public unless the tool is sensitive.
pub fn list(
    tool_name: Option<&str>,
    token: Option<&str>,
    search: &Search<'_>,
    page: Page,
    writer: &mut JsonWriter,
    each: impl FnMut(&mut JsonWriter, i64),
) -> Result<(), Error> {
    if !search.is_given() {
        return records::list(tool_name, token, page, writer, each);
    }
    let name = name_of_tool(tool_name)?;
    let mut counted = Counted::default();
    loop {
        let tool = gate::open(&name, token, Act::Read, Carried::Nothing, &mut counted)?;
        let columns = listed_columns(&tool);
        let query = search.check(&columns)?;
        if cache::lock(&name, &tool, LOCK_FOR_READING) {
            if query.is_plain() {
                tool.table.list(&columns, page, writer, each);
                return Ok(());
            }
            return tool.table.find(&columns, &query, page, writer, each);
        }
    }
}

/// The number of records that meet all conditions. Public unless the tool is
/// sensitive.
pub fn count(
    tool_name: Option<&str>,
    token: Option<&str>,
    filter: &Filter<'_>,
) -> Result<i64, Error> {
    let name = name_of_tool(tool_name)?;
    let mut counted = Counted::default();
    loop {
        let tool = gate::open(&name, token, Act::Read, Carried::Nothing, &mut counted)?;
        let conditions = filter.check(&listed_columns(&tool))?;
        if cache::lock(&name, &tool, LOCK_FOR_READING) {
            return tool.table.count(&conditions);
        }
    }
}

/// The cursor after a record of a page; none after none.
pub fn page_cursor(record: Option<&str>, order_by: Option<&str>) -> Result<Option<String>, Error> {
    record.map(|r| cursor::of_record(r, order_by)).transpose()
}
