//! `/tool-{tool_id}`: the endpoint of a configured tool, wherever its records are.

use pgrx::prelude::*;

use crate::pg::request_settings::Body;
use crate::pg::subtransaction::atomically;
use crate::store::authorise::Caller;
use crate::store::configured;

use super::endpoints::endpoint;
use super::listing::page_of_records;
use super::request::Request;
use super::response::{answer, message, Refusal};

/// `POST /tool-{tool_id}` (spec 000, step 2). Headers: `token`, for sensitive
/// tools only. Body: any JSON object. Answers 200, 400, 401, 404, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.store_configured(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_store_configured(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            let payload = request.object()?;
            request.faults.check()?;
            let tool = request.configured_tool_id();
            let stored = atomically::<_, Refusal>(|| {
                Ok(configured::store(Some(&tool), payload, request.token())?)
            })?;
            if stored.in_common_table {
                message(writer, "JSON stored in common table");
            } else {
                message(writer, &format!("JSON stored in table tool_{tool}"));
            }
            Ok(None)
        })
    })
}

/// `GET /tool-{tool_id}?limit=&offset=&after_id=` (spec 000, step 2). Headers:
/// `token`, for sensitive tools only. Answers 200, 401, 404 or 422; a header
/// `Link` leads to the next page if there is one.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.list_configured(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_list_configured(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            let tool = request.configured_tool_id();
            let url = format!("/tool-{tool}");
            let end = page_of_records(&mut request, writer, |request, page, writer, each| {
                configured::list(
                    Caller::Http,
                    Some(&tool),
                    request.token(),
                    page,
                    writer,
                    each,
                )
            })?;
            Ok(end.map(|end| format!("{url}?limit={}&after_id={}", end.page.limit, end.last_id)))
        })
    })
}
