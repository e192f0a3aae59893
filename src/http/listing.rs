//! A page of records as the answer to a GET.

use std::ops::Range;

use crate::model::error::Error;
use crate::model::page::{Page, MAX_HTTP_LIMIT};
use crate::pg::json_writer::JsonWriter;

use super::request::Request;
use super::response::Refusal;

/// Called after each record, with its id.
pub type Each<'a> = &'a mut dyn FnMut(&mut JsonWriter, i64);

/// Where a page ended that another one follows.
pub struct Continuation {
    pub page: Page,
    pub last_id: i64,
    /// Where the last record was written.
    pub last_record: Range<usize>,
}

/// Writes the page that `limit`, `offset` and `after_id` of the query ask for, as
/// an array. Says where it ended if there is a next one.
pub fn page_of_records(
    request: &mut Request<'_>,
    writer: &mut JsonWriter,
    list: impl FnOnce(&Request<'_>, Page, &mut JsonWriter, Each<'_>) -> Result<(), Error>,
) -> Result<Option<Continuation>, Refusal> {
    let limit = request.query_number("limit");
    let offset = request.query_number("offset");
    let after_id = request.query_number("after_id");
    request.faults.check()?;
    let page = Page::new(limit, offset, after_id, MAX_HTTP_LIMIT)?;

    // One record more than asked for shows whether there is a next page.
    let probing = Page {
        limit: page.limit + 1,
        ..page
    };
    let mut written = 0;
    let mut last_record = 1..1;
    let mut start_of_next = 1;
    let mut last_id = 0;
    writer.raw(b"[");
    list(request, probing, writer, &mut |writer, id| {
        written += 1;
        if written <= page.limit {
            last_record = start_of_next..writer.len();
            last_id = id;
            writer.raw(b",");
            start_of_next = writer.len();
        }
    })?;
    writer.truncate(last_record.end);
    writer.raw(b"]");
    let more = page.limit > 0 && written > page.limit;
    Ok(more.then_some(Continuation {
        page,
        last_id,
        last_record,
    }))
}
