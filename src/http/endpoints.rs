//! One function for each endpoint. All take the raw body and return the bytes
//! of the answer; what they do is rolled back unless the answer is a success.

use pgrx::prelude::*;
use serde_json::Value;

use crate::model::access_log::Face;
use crate::model::options::ToolOptions;
use crate::pg::report;
use crate::pg::request_settings::Body;
use crate::pg::subtransaction::atomically;
use crate::store::authorise::Caller;
use crate::store::info::Storage;
use crate::store::search::{self, Filter};
use crate::store::tools::Registration;
use crate::store::{common, records, tools};

use super::listing::page_of_records;
use super::request::Request;
use super::response::{answer, message, Fault, Faults, Refusal};

/// `POST /register-tool` (spec 001, section 4.1). Headers: `admin-token`. Body:
/// `{"tool_name", "token", "schema"}`. Answers 200, 400, 403, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.register_tool(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_register_tool(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            request.require_admin_token();
            let fields = request
                .object()?
                .map(|object| registration_fields(&object.to_text(), &mut request.faults));
            request.faults.check()?;
            let (tool_name, token, schema) = fields.unwrap_or_default();
            let registered = atomically::<_, Refusal>(|| {
                Ok(tools::register(
                    Caller::Http,
                    &Registration {
                        tool_name: Some(&tool_name),
                        token: Some(&token),
                        schema: Some(&schema),
                        sensitive: Some(false),
                        description: None,
                        options: ToolOptions::default(),
                        storage: Storage::Table,
                        admin_token: request.admin_token(),
                    },
                )?)
            })?;
            let name = registered.tool_name;
            message(
                writer,
                &format!("Tool '{name}' registered and table created"),
            );
            Ok(None)
        })
    })
}

/// `POST /tools/{tool_id}` (spec 001, section 4.2). Headers: `token`. Body: the
/// record. Answers 200, 400, 401, 404, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.store_record(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_store_record(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            request.require_token();
            let payload = request.object()?;
            request.faults.check()?;
            let tool = request.tool_id();
            records::store_or_undo::<Refusal>(
                Some(&tool),
                request.token(),
                payload,
                request.idempotency_key(),
            )?;
            message(writer, "Data stored successfully");
            Ok(None)
        })
    })
}

/// `POST /tools/{tool_id}/records:batch`: many records, all or nothing. Headers:
/// `token`. Body: an array of records. Answers 200, 400, 401, 404, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.store_records(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_store_records(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            request.require_token();
            let payloads = request.array()?;
            request.faults.check()?;
            let tool = request.tool_id();
            let stored = atomically::<_, Refusal>(|| {
                Ok(records::store_many(Some(&tool), request.token(), payloads)?)
            })?;
            message(writer, &format!("{stored} records stored"));
            Ok(None)
        })
    })
}

/// `GET /tools/{tool_id}?limit=&offset=&after_id=&order_by=&after=&field.operator=`
/// (spec 001, section 4.3). Headers: `token`, for sensitive tools only. Filters and
/// order are those of the SQL function; values are plain text, JSON text for a json
/// field, and those of `in` are sent one by one: `tag.in=a&tag.in=b`. Answers 200,
/// 400, 401, 404 or 422; a header `Link` leads to the next page if there is one,
/// unless it would be longer than 4 kB.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.list_records(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_list_records(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            let tool = request.tool_id();
            let asked = request.search();
            let end = page_of_records(&mut request, writer, |request, page, writer, each| {
                let search = asked.as_search();
                search::list(Some(&tool), request.token(), &search, page, writer, each)
            })?;
            let Some(end) = end else { return Ok(None) };
            let cursor = match &asked.order_by {
                Some(order_by) => {
                    let record = String::from_utf8_lossy(&writer.written()[end.last_record]);
                    search::page_cursor(Some(&record), Some(order_by))?
                }
                None => None,
            };
            Ok(asked.next_page(&tool, end.page, end.last_id, cursor.as_deref()))
        })
    })
}

/// `GET /tools/{tool_id}/records:count?field.operator=`: how many records there
/// are, all or those that meet the filters. Headers: `token`, for sensitive tools
/// only. Answers 200, 400, 401 or 404.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.count_records(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_count_records(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let request = Request::current(body);
            let conditions = request.search().conditions;
            let count = search::count(
                Some(&request.tool_id()),
                request.token(),
                &Filter::Query(&conditions),
            )?;
            writer.raw(format!("{{\"count\":{count}}}").as_bytes());
            Ok(None)
        })
    })
}

/// `DELETE /tools/{tool_id}` (spec 001, section 4.4). Headers: `admin-token`.
/// Answers 200, 403, 404, 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.delete_tool(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_delete_tool(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            request.require_admin_token();
            request.faults.check()?;
            let tool = request.tool_id();
            let deleted = atomically::<_, Refusal>(|| {
                Ok(tools::delete(
                    Caller::Http,
                    Some(&tool),
                    request.admin_token(),
                )?)
            })?;
            message(writer, &format!("Tool '{}' deleted", deleted.as_str()));
            Ok(None)
        })
    })
}

/// `POST /common` (spec 001, section 4.5). Headers: `tool-name`; `sensitive`, 0
/// or 1; `token` if sensitive. Body: any JSON object. Answers 200, 400, 401,
/// 422 or 500.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha_http.store_common(bytea) RETURNS projectalpha_http."*/*"
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = ["http"])]
fn http_store_common(body: &[u8]) -> Body {
    endpoint(|| {
        answer(|writer| {
            let mut request = Request::current(body);
            request.require_tool_name();
            let sensitive = request.sensitive();
            let payload = request.object()?;
            request.faults.check()?;
            atomically::<_, Refusal>(|| {
                Ok(common::store(
                    Caller::Http,
                    request.tool_name(),
                    payload,
                    Some(sensitive),
                    request.token(),
                )?)
            })?;
            message(writer, "JSON stored in common table");
            Ok(None)
        })
    })
}

/// Errors that are not answered are raised like those of the SQL functions:
/// marked, so that the log shows nothing of the request.
pub(super) fn endpoint(handle: impl FnOnce() -> Body) -> Body {
    report::run_through(Face::Http, || Ok(handle()))
}

/// Name, token and schema (as JSON text) out of the body of a registration.
/// Notes what is missing or of the wrong kind; then the values do not matter.
fn registration_fields(body: &str, faults: &mut Faults) -> (String, String, String) {
    let Ok(body) = serde_json::from_str::<Value>(body) else {
        // Valid JSON that is nested too deeply for any schema.
        faults.add(Fault::not_a_dict(&["body"]));
        return Default::default();
    };
    let tool_name = string_field(&body, "tool_name", faults);
    let token = string_field(&body, "token", faults);
    let location = ["body", "schema"];
    let schema = match body.get("schema") {
        None => {
            faults.add(Fault::missing(&location));
            String::new()
        }
        Some(Value::Null) => {
            faults.add(Fault::null(&location));
            String::new()
        }
        Some(Value::Array(elements)) => {
            for (index, element) in elements.iter().enumerate() {
                if !element.is_object() {
                    faults.add(Fault::not_a_dict(&location).at(index));
                }
            }
            Value::from(elements.as_slice()).to_string()
        }
        Some(_) => {
            faults.add(Fault::not_a_list(&location));
            String::new()
        }
    };
    (tool_name, token, schema)
}

fn string_field(body: &Value, name: &str, faults: &mut Faults) -> String {
    let location = ["body", name];
    match body.get(name) {
        Some(Value::String(text)) => return text.clone(),
        Some(Value::Null) => faults.add(Fault::null(&location)),
        Some(_) => faults.add(Fault::not_a_string(&location)),
        None => faults.add(Fault::missing(&location)),
    }
    String::new()
}
