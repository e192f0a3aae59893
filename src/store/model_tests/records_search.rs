//! Lists, searches and counts of a sequence on a registered tool.

use serde_json::{json, Value};

use super::answer::{agreed, ask, ask_rows, expect, or_null, same, text, Answer};
use super::picks;
use super::records::{none, World, NAME};
use super::search::Position;

/// Where a search stopped.
pub(super) struct Cursor {
    text: String,
    order_by: Option<String>,
    position: Position,
}

impl World {
    pub(super) fn list(
        &mut self,
        token: u8,
        limit: i8,
        offset: i8,
        after: Option<u8>,
    ) -> Result<(), String> {
        let token = self.token(token);
        let after = after.map(|number| self.id(number));
        let call = format!(
            "list_records('{NAME}', {limit}, {offset}, {}, {})",
            or_null(token.as_deref().map(text)),
            or_null(after),
        );
        let expected = match &self.tool {
            _ if limit < 0 || offset < 0 => Err(vec!["22023"]),
            Some(tool) => tool.find(token.as_deref(), None, None, None).map(|found| {
                let found = found.into_iter().filter(|r| after.is_none_or(|a| r.id > a));
                let page = found.skip(offset as usize).take(limit as usize);
                page.map(|r| tool.show(r)).collect()
            }),
            None => none(),
        };
        expect(&call, expected, ask_rows(&call))
    }

    pub(super) fn find(
        &mut self,
        token: u8,
        filter: &picks::FilterPick,
        order: u8,
        size: u8,
    ) -> Result<(), String> {
        let shape = self.shape();
        let token = self.token(token);
        let filter = picks::filter(&shape, filter);
        let order_by = picks::order_by(&shape, order);
        let expected = match &self.tool {
            Some(tool) => tool
                .find(token.as_deref(), filter.as_ref(), order_by.as_deref(), None)
                .map(|found| found.into_iter().map(|r| tool.show(r)).collect::<Vec<_>>()),
            None => none(),
        };
        let mut after: Option<String> = None;
        let mut seen = 0;
        loop {
            let call = search(token.as_deref(), size, filter.as_ref(), &order_by, &after);
            let page = expected.clone().map(|all| {
                let page = all.into_iter().skip(seen).take(size.into());
                page.collect::<Value>()
            });
            let Some((page, got)) = agreed(&call, page, ask_rows(&call))? else {
                return Ok(());
            };
            same(&call, &page, &got)?;
            let Some(last) = got.as_array().and_then(|records| records.last()) else {
                return Ok(());
            };
            seen += got.as_array().map_or(0, Vec::len);
            let cursor = cursor_of(last, &order_by)?;
            after = Some(cursor.text.clone());
            if self.cursor.is_none() || order.is_multiple_of(4) {
                self.cursor = Some(cursor);
            }
        }
    }

    pub(super) fn go_on(&mut self, token: u8) -> Result<(), String> {
        let token = self.token(token);
        let Some(cursor) = &self.cursor else {
            return Ok(());
        };
        let after = Some(cursor.text.clone());
        let call = search(token.as_deref(), 100, None, &cursor.order_by, &after);
        let expected = match &self.tool {
            Some(tool) => tool
                .find(
                    token.as_deref(),
                    None,
                    cursor.order_by.as_deref(),
                    Some(&cursor.position),
                )
                .map(|found| found.into_iter().map(|r| tool.show(r)).collect()),
            None => none(),
        };
        expect(&call, expected, ask_rows(&call))
    }

    pub(super) fn count(&mut self, token: u8, filter: &picks::FilterPick) -> Result<(), String> {
        let token = self.token(token);
        let filter = picks::filter(&self.shape(), filter);
        let call = format!(
            "projectalpha.count_records('{NAME}', {}, {})",
            or_null(filter.as_ref().map(|f| text(&f.to_string()))),
            or_null(token.as_deref().map(text)),
        );
        let expected = match &self.tool {
            Some(tool) => tool.may_read(token.as_deref()).and_then(|()| {
                let found = tool.filtered(filter.as_ref())?;
                Ok(json!(found.len()))
            }),
            None => none(),
        };
        expect(&call, expected, ask(&call))
    }
}

fn search(
    token: Option<&str>,
    size: u8,
    filter: Option<&Value>,
    order_by: &Option<String>,
    after: &Option<String>,
) -> String {
    format!(
        "list_records('{NAME}', {size}, token => {}, filter => {}, order_by => {}, after => {})",
        or_null(token.map(text)),
        or_null(filter.map(|f| text(&f.to_string()))),
        or_null(order_by.as_deref().map(text)),
        or_null(after.as_deref().map(text)),
    )
}

fn cursor_of(record: &Value, order_by: &Option<String>) -> Result<Cursor, String> {
    let call = format!(
        "projectalpha.page_cursor({}, {})",
        text(&record.to_string()),
        or_null(order_by.as_deref().map(text)),
    );
    let answer: Answer = ask(&call);
    let name = order_by.as_deref().unwrap_or("id").trim_start_matches('-');
    match (answer, record["id"].as_i64()) {
        (Ok(Value::String(text)), Some(id)) => Ok(Cursor {
            text,
            order_by: order_by.clone(),
            position: Position {
                value: record[name].clone(),
                id,
            },
        }),
        (other, _) => Err(format!("{call}: {other:?}")),
    }
}
