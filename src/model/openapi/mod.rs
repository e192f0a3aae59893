//! The OpenAPI 3.1 document of a tool: each of its URLs with every parameter,
//! header, body and answer that this tool has. One function for each operation, in
//! `operations`; what they share is in `parameters`, `answers` and `schemas`, what
//! is said of a field in `fields` and `examples`.

mod answers;
mod examples;
mod fields;
mod operations;
mod parameters;
mod patterns;
mod schemas;
#[cfg(test)]
mod tests;

use serde_json::{json, Map, Value};

use super::error::Error;
use super::options::ToolOptions;
use super::schema::{FieldType, Schema};

/// What a document says of a tool.
pub struct Documented<'a> {
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub sensitive: bool,
    /// It is what a project has of the tool.
    pub in_project: bool,
    pub schema: &'a Schema,
    pub options: &'a ToolOptions,
}

impl Documented<'_> {
    fn has_unique(&self) -> bool {
        self.schema.fields().iter().any(|field| field.rules.unique)
    }

    fn is_limited(&self) -> bool {
        self.options.max_records.is_some() || self.options.max_bytes.is_some()
    }

    /// Every column, what each record has first.
    fn columns(&self) -> impl Iterator<Item = (&str, FieldType)> {
        let own = [
            ("id", FieldType::Int),
            ("created_at", FieldType::Timestamp),
            ("updated_at", FieldType::Timestamp),
            ("version", FieldType::Int),
        ];
        let of_every_record = if self.options.versioned { 4 } else { 2 };
        own.into_iter()
            .take(of_every_record)
            .chain(self.schema.columns())
    }
}

/// The document. URLs are those of `base_url`, or of the host that serves it.
pub fn document(tool: &Documented<'_>, base_url: Option<&str>) -> Value {
    let mut info = json!({
        "title": tool.name,
        "version": env!("CARGO_PKG_VERSION"),
    });
    if let Some(description) = tool.description {
        info["description"] = description.into();
    }
    json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": base_url.unwrap_or("/")}],
        "paths": paths(tool),
        "components": {
            "securitySchemes": security_schemes(),
            "schemas": schemas::all(tool),
            "parameters": parameters::conditions(tool),
            "responses": answers::refusals(tool),
        },
    })
}

/// The URLs of a tool, and what can be done at each.
fn paths(tool: &Documented<'_>) -> Value {
    let tool_url = format!("/tools/{}", tool.name);
    let mut paths = Map::new();
    paths.insert(
        tool_url.clone(),
        json!({
            "get": operations::list_records(tool),
            "post": operations::store_record(tool),
            "delete": operations::delete_tool(tool),
        }),
    );
    paths.insert(
        format!("{tool_url}/records/{{record_id}}"),
        json!({
            "get": operations::get_record(tool),
            "patch": operations::update_record(tool),
            "delete": operations::delete_record(tool),
        }),
    );
    let mut add = |rest: &str, operations: Value| {
        paths.insert(format!("{tool_url}/{rest}"), operations);
    };
    add(
        "records:batch",
        json!({"post": operations::store_records(tool)}),
    );
    add(
        "records:count",
        json!({"get": operations::count_records(tool)}),
    );
    if tool.has_unique() {
        add(
            "records:upsert",
            json!({"post": operations::upsert_record(tool)}),
        );
    }
    add(
        "records:validate",
        json!({"post": operations::validate_record(tool)}),
    );
    add(
        "openapi.json",
        json!({"get": operations::tool_document(tool)}),
    );
    paths.into()
}

const TOOL_TOKEN: &str = "tool_token";
const ADMIN_TOKEN: &str = "admin_token";

fn security_schemes() -> Value {
    json!({
        TOOL_TOKEN: {
            "type": "apiKey",
            "in": "header",
            "name": "token",
            "description": "A token of the tool.",
        },
        ADMIN_TOKEN: {
            "type": "apiKey",
            "in": "header",
            "name": "admin-token",
            "description": "The admin token of the service.",
        },
    })
}

/// Takes an absolute HTTP URL, less a slash at its end. What a document could not
/// have as it is (braces stand for variables there) is refused.
pub fn check_base_url(url: &str) -> Result<&str, Error> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or(Error::BaseUrlInvalid)?;
    let is_plain = |c: char| c.is_ascii_graphic() && !r#"{}<>"\^`|?#"#.contains(c);
    if rest.is_empty() || rest.starts_with('/') || !rest.chars().all(is_plain) {
        return Err(Error::BaseUrlInvalid);
    }
    Ok(url.trim_end_matches('/'))
}
