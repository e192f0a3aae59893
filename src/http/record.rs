//! The endpoints for one record, and those that store it in other ways.

use pgrx::prelude::*;

use crate::model::revision::Wanted;
use crate::pg::request_settings::Body;
use crate::pg::subtransaction::atomically;
use crate::store::record::{self, Which};

use super::endpoints::endpoint;
use super::etag;
use super::request::Request;
use super::response::{answer, answer_with, message, Headers, Refusal};

/// `GET /tools/{tool_id}/records/{record_id}`. Headers: `token`, for sensitive tools
/// only; `if-none-match`, for versioned ones. Answers 200, 304, 401, 404 or 422;
/// the record of a versioned tool comes with an `ETag`.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.get_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_get_record(body: &[u8]) -> Body {
    endpoint(|| {
        answer_with(|writer| {
            let mut request = Request::current(body);
            let id = request.record_id();
            request.faults.check()?;
            let tool = request.tool_id();
            let which = Which {
                tool_name: Some(&tool),
                token: request.token(),
                id: Some(id),
                wanted: None,
            };
            let revision = record::get(&which, writer)?;
            let mut headers = Headers::default();
            if let Some(revision) = revision {
                headers.add("ETag", etag::of(revision));
                if etag::matches(request.if_none_match(), revision) {
                    headers.not_modified();
                }
            }
            Ok(headers)
        })
    })
}

/// `PATCH /tools/{tool_id}/records/{record_id}`. Headers: `token`; `if-match`, for
/// versioned tools. Body: the fields to change. Answers 200 with the record, 400,
/// 401, 404, 409, 412, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.update_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_update_record(body: &[u8]) -> Body {
    endpoint(|| {
        answer_with(|writer| {
            let mut request = Request::current(body);
            let id = request.record_id();
            request.require_token();
            let changes = request.object()?;
            request.faults.check()?;
            let tool = request.tool_id();
            let revisions = etag::revisions(request.if_match());
            let which = Which {
                tool_name: Some(&tool),
                token: request.token(),
                id: Some(id),
                wanted: revisions.as_deref().map(Wanted::OneOf),
            };
            let revision =
                atomically::<_, Refusal>(|| Ok(record::update(&which, changes, writer)?))?;
            let mut headers = Headers::default();
            if let Some(revision) = revision {
                headers.add("ETag", etag::of(revision));
            }
            Ok(headers)
        })
    })
}

/// `DELETE /tools/{tool_id}/records/{record_id}`. Headers: `token`; `if-match`, for
/// versioned tools. Answers 200, 401, 404, 412, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.delete_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_delete_record(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            let id = request.record_id();
            request.require_token();
            request.faults.check()?;
            let tool = request.tool_id();
            let revisions = etag::revisions(request.if_match());
            let which = Which {
                tool_name: Some(&tool),
                token: request.token(),
                id: Some(id),
                wanted: revisions.as_deref().map(Wanted::OneOf),
            };
            atomically::<_, Refusal>(|| Ok(record::delete(&which)?))?;
            message(writer, &format!("Record {id} deleted"));
            Ok(None)
        })
    })
}

/// `POST /tools/{tool_id}/records:upsert?on_field=`. Headers: `token`. Body: the
/// record. Answers 200 with `{"id", "inserted"}`, 400, 401, 404, 409, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.upsert_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_upsert_record(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            let on_field = request.require_query("on_field");
            request.require_token();
            let payload = request.object()?;
            request.faults.check()?;
            let tool = request.tool_id();
            let done = atomically::<_, Refusal>(|| {
                Ok(record::upsert(
                    Some(&tool),
                    request.token(),
                    payload,
                    on_field.as_deref(),
                )?)
            })?;
            // A trigger on the table may have taken the row away.
            let (id, inserted) = match done {
                Some((id, inserted)) => (id.to_string(), inserted),
                None => ("null".to_owned(), false),
            };
            writer.raw(format!(r#"{{"id":{id},"inserted":{inserted}}}"#).as_bytes());
            Ok(None)
        })
    })
}

/// `POST /tools/{tool_id}/records:validate`. Headers: `token`, for sensitive tools
/// only. Body: a record. Answers 200 with an array of `{"field", "rule",
/// "message"}`, empty if the record would be stored; 401, 404 or 422.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.validate_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_validate_record(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            let payload = request.object()?;
            request.faults.check()?;
            let tool = request.tool_id();
            let violations = record::validate(Some(&tool), payload, request.token())?;
            // Strings always serialize.
            writer.raw(&serde_json::to_vec(&violations).unwrap_or_default());
            Ok(None)
        })
    })
}
