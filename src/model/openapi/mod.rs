//! The OpenAPI 3.1 document of a tool: each of its URLs with every parameter,
//! header, body and answer. One function for each operation, in `operations`;
//! what they share is in `answers` and `schemas`.

mod answers;
mod examples;
mod operations;
mod schemas;

use serde_json::{json, Map, Value};

use super::error::Error;
use super::schema::Schema;

/// What a document says of a tool.
pub struct Documented<'a> {
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub sensitive: bool,
    pub schema: &'a Schema,
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
        format!("{tool_url}/records:batch"),
        json!({"post": operations::store_records(tool)}),
    );
    paths.insert(
        format!("{tool_url}/openapi.json"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(schema: &Schema, sensitive: bool) -> Value {
        document(
            &Documented {
                name: "x",
                description: None,
                sensitive,
                schema,
            },
            None,
        )
    }

    /// Every `$ref` in a value.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(target) if key == "$ref" => found.push(target.clone()),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => (),
        }
    }

    #[test]
    fn what_is_referred_to_is_there() {
        let fields = Schema::parse(r#"[{"name": "n", "type": "int"}]"#).unwrap();
        for schema in [&fields, &Schema::WholePayload] {
            for sensitive in [false, true] {
                let document = of(schema, sensitive);
                let mut found = Vec::new();
                references(&document, &mut found);
                assert!(found.len() > 10);
                for target in found {
                    let pointer = target.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
            }
        }
    }

    #[test]
    fn reading_a_sensitive_tool_needs_its_token() {
        let security = |sensitive| {
            let document = of(&Schema::WholePayload, sensitive);
            document["paths"]["/tools/x"]["get"]["security"].clone()
        };
        assert_eq!(security(false), json!([]));
        assert_eq!(security(true), json!([{"tool_token": []}]));
    }

    #[test]
    fn base_urls() {
        for (given, taken) in [
            ("https://a.example", "https://a.example"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("https://a.example/store//", "https://a.example/store"),
        ] {
            assert_eq!(check_base_url(given), Ok(taken));
        }
        for refused in [
            "",
            "/",
            "a.example",
            "ftp://a",
            "https://",
            "https:///x",
            "https://a b",
            "https://{a}",
            "https://a?b",
            "https://a#b",
            "https://a\n",
            "https://é",
            "javascript:alert(1)",
        ] {
            assert_eq!(
                check_base_url(refused),
                Err(Error::BaseUrlInvalid),
                "{refused}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_example_has_every_field(types in proptest::collection::vec(0..6usize, 0..20)) {
            let names = ["int", "str", "bool", "float", "json", "timestamp"];
            let fields: Vec<Value> = types
                .iter()
                .enumerate()
                .map(|(i, t)| json!({"name": format!("f{i}"), "type": names[*t]}))
                .collect();
            let document = of(&Schema::from_value(&fields.into()).unwrap(), false);
            let media = &document["paths"]["/tools/x"]["post"]["requestBody"]["content"]["application/json"];
            prop_assert_eq!(media["example"].as_object().unwrap().len(), types.len());
            let properties = &document["components"]["schemas"]["NewRecord"]["properties"];
            prop_assert_eq!(properties.as_object().unwrap().len(), types.len());
        }
    }
}
