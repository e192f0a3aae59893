//! `tool_document`, and the view `tool_directory`.

use pgrx::prelude::*;

use crate::pg::report;
use crate::store::directory;

extension_sql_file!(
    "../../sql/directory.sql",
    name = "directory",
    requires = ["tables", "configured"]
);

/// Describes a tool as an OpenAPI 3.1 document: each of its URLs, with every
/// parameter, header, body and answer, and examples that fit its fields. Over
/// HTTP it is `GET /tools/{tool_id}/openapi.json`.
///
/// Arguments: `tool_name`; `base_url`, where the service is for its clients
/// (`https://storage.example.org`); NULL makes the URLs relative to the host that
/// the document comes from.
///
/// Returns the document as `json`. There is no token and no record in it.
///
/// Errors: 42704 no such tool; 0A000 it has no storage; 22023 `base_url` is no URL;
/// 22004 no tool name.
///
/// ```sql
/// SELECT projectalpha.tool_document('survey_bot', 'https://storage.example.org');
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn tool_document(tool_name: Option<&str>, base_url: default!(Option<&str>, "NULL")) -> pgrx::Json {
    report::run(|| directory::document(tool_name, base_url).map(pgrx::Json))
}
