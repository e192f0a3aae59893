//! A page of records as the answer to a GET, with the way to the next one.

use crate::model::error::Error;
use crate::model::page::{Page, MAX_HTTP_LIMIT};
use crate::pg::json_writer::JsonWriter;

use super::request::Request;
use super::response::Refusal;

/// Called after each record, with its id.
pub type Each<'a> = &'a mut dyn FnMut(&mut JsonWriter, i64);

/// Writes the page that `limit`, `offset` and `after_id` of the query ask for,
/// as an array, and gives the target of the next page if there is one.
pub fn page_of_records(
    request: &mut Request<'_>,
    writer: &mut JsonWriter,
    url: &str,
    list: impl FnOnce(&Request<'_>, Page, &mut JsonWriter, Each<'_>) -> Result<(), Error>,
) -> Result<Option<String>, Refusal> {
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
    let mut end_of_page = 1;
    let mut last_id = 0;
    writer.raw(b"[");
    list(request, probing, writer, &mut |writer, id| {
        written += 1;
        if written <= page.limit {
            end_of_page = writer.len();
            last_id = id;
            writer.raw(b",");
        }
    })?;
    writer.truncate(end_of_page);
    writer.raw(b"]");
    let more = page.limit > 0 && written > page.limit;
    Ok(more.then(|| format!("{url}?limit={}&after_id={last_id}", page.limit)))
}
