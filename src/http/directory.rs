//! The endpoints that tell of tools: the directory, and the document of each.

use pgrx::prelude::*;

use crate::model::page::{Page, MAX_HTTP_LIMIT};
use crate::pg::json_writer::JsonWriter;
use crate::pg::request_settings::Body;
use crate::store::catalogue;
use crate::store::directory::{self, Reader};

use super::endpoints::endpoint;
use super::request::Request;
use super::response::{answer, Refusal};
use super::tool_search::ToolSearch;

/// `GET /tools?limit=&after=`: the tools, by name, or with `q`, `tag` (all of them, if
/// there are several) or `category` those that are active and found, the best first:
/// `GET /tools?q=&tag=&category=&limit=&offset=`. Headers: `token` or `admin-token`, to
/// see what sensitive tools take. Answers 200, 403 or 422; a header `Link` leads to the
/// next page if there is one.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.list_tools(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_list_tools(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            let search = ToolSearch::of(&request);
            if !search.is_empty() && catalogue::can_search() {
                return found_tools(&mut request, &search, writer);
            }
            let limit = request.query_number("limit");
            // No name has a NUL, which PostgreSQL's text cannot hold; what follows one
            // does not change which names come after.
            let after = request.query_value("after").unwrap_or_default();
            let after = after.split('\0').next().unwrap_or_default();
            request.faults.check()?;
            let limit = Page::new(limit, None, None, MAX_HTTP_LIMIT)?.limit;

            // One more than asked for shows whether there is a next page.
            let mut written = 0;
            let mut end_of_page = 1;
            let mut last = String::new();
            writer.raw(b"[");
            directory::list(
                reader(&request),
                after,
                limit + 1,
                writer,
                |writer, name| {
                    written += 1;
                    if written <= limit {
                        end_of_page = writer.len();
                        last = name;
                        writer.raw(b",");
                    }
                },
            )?;
            writer.truncate(end_of_page);
            writer.raw(b"]");
            let more = limit > 0 && written > limit;
            Ok(more.then(|| format!("/tools?limit={limit}&after={last}")))
        })
    })
}

/// `GET /tools/{tool_id}/openapi.json`: the OpenAPI document of a tool. Headers,
/// for a sensitive tool only: `token`, or `admin-token`. Answers 200, 401, 403,
/// 404 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.tool_document(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_tool_document(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let request = Request::current(body);
            let document = directory::document_for(reader(&request), Some(&request.tool_id()))?;
            writer.raw(document.to_string().as_bytes());
            Ok(None)
        })
    })
}

/// A page of the tools that are found; gives the target of the next page.
fn found_tools(
    request: &mut Request<'_>,
    search: &ToolSearch,
    writer: &mut JsonWriter,
) -> Result<Option<String>, Refusal> {
    let limit = request.query_number("limit");
    let offset = request.query_number("offset");
    request.faults.check()?;
    let page = Page::new(limit, offset, None, MAX_HTTP_LIMIT)?;
    let probing = Page {
        limit: page.limit + 1,
        ..page
    };
    let mut written = 0;
    let mut end_of_page = 1;
    writer.raw(b"[");
    catalogue::list(
        reader(request),
        search.as_search(),
        probing,
        writer,
        |writer| {
            written += 1;
            if written <= page.limit {
                end_of_page = writer.len();
                writer.raw(b",");
            }
        },
    )?;
    writer.truncate(end_of_page);
    writer.raw(b"]");
    let more = page.limit > 0 && written > page.limit;
    Ok(if more { search.next_page(page) } else { None })
}

fn reader<'a>(request: &'a Request<'_>) -> Reader<'a> {
    Reader {
        token: request.token(),
        admin_token: request.admin_token(),
    }
}
