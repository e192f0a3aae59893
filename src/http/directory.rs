//! The endpoints that tell of tools: the directory, and the document of each.

use pgrx::prelude::*;

use crate::model::page::{Page, MAX_HTTP_LIMIT};
use crate::pg::request_settings::Body;
use crate::store::directory::{self, Reader};

use super::endpoints::endpoint;
use super::request::Request;
use super::response::answer;

/// `GET /tools?limit=&after=`: the tools, by name. Headers: `token` or
/// `admin-token`, to see what sensitive tools take. Answers 200, 403 or 422; a
/// header `Link` leads to the next page if there is one.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.list_tools(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_list_tools(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
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

fn reader<'a>(request: &'a Request<'_>) -> Reader<'a> {
    Reader {
        token: request.token(),
        admin_token: request.admin_token(),
    }
}
