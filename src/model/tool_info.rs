//! Facts about a tool (spec 002): which there are, and what each must be.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::Value;

use super::checks::BrokenRule;
use super::json_schema::JsonSchema;
use super::name::excerpt;
use super::registry_error::RegistryError;
use super::tool_info_values as values;

/// The facts that `update_tool_info` changes: the columns of `projectalpha.tool_info`.
pub const KEYS: [&str; 15] = [
    "category",
    "api_endpoint",
    "auth_method",
    "auth_config",
    "params",
    "version",
    "tags",
    "allowed_scopes",
    "owner",
    "schema_type",
    "schema_version",
    "inputs",
    "outputs",
    "examples",
    "custom_metrics",
];

/// What stands for a secret wherever it is shown. Written back, it leaves the secret
/// as it is.
pub const SECRET_SHOWN: &str = "(secret)";

const MAX_LINE: usize = 100;
const MAX_SCHEMA_BYTES: usize = 64 << 10;
const MAX_OBJECT_BYTES: usize = 16 << 10;
const MAX_EXAMPLES_BYTES: usize = 256 << 10;
const MAX_EXAMPLES: usize = 100;
/// Most secrets of one tool.
pub const MAX_SECRETS: usize = 20;
const MAX_SECRET_NAME: usize = 63;
const MAX_SECRET_BYTES: usize = 8 << 10;

/// Names of what must not be kept in clear, in small letters and without what
/// stands between words.
const NAMES_OF_SECRETS: [&str; 14] = [
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "clientsecret",
    "secretkey",
    "apikey",
    "token",
    "accesstoken",
    "refreshtoken",
    "bearertoken",
    "privatekey",
    "authorization",
];

/// Changes of a tool's facts, checked one by one.
#[derive(Default)]
pub struct InfoChanges {
    /// A JSON object with the new values of columns; null clears one.
    pub columns: String,
    pub secrets: SecretChanges,
    has_schemas_or_examples: bool,
}

/// What becomes of the secrets of a tool. Has no Debug: it holds them in clear.
#[derive(Default)]
pub struct SecretChanges {
    /// All those go that are not named.
    pub clear: bool,
    pub named: Vec<(String, SecretChange)>,
}

pub enum SecretChange {
    Set(String),
    Remove,
    /// It must be there.
    Keep,
}

impl InfoChanges {
    pub fn parse(changes: &str) -> Result<Self, RegistryError> {
        let named: BTreeMap<String, &RawValue> =
            serde_json::from_str(changes).map_err(|_| RegistryError::ChangesNotObject)?;
        let mut parsed = InfoChanges::default();
        let mut columns = Vec::new();
        for (name, raw) in named {
            let key = KEYS.into_iter().find(|key| *key == name);
            let key = key.ok_or_else(|| RegistryError::KeyUnknown {
                key: excerpt(&name),
            })?;
            let kept = parsed.take(key, raw.get())?;
            columns.push(format!("\"{key}\":{kept}"));
        }
        parsed.columns = format!("{{{}}}", columns.join(","));
        Ok(parsed)
    }

    /// True if the examples may no longer fit.
    pub fn concerns_examples(&self) -> bool {
        self.has_schemas_or_examples
    }

    /// Checks a value and gives what is kept, as JSON. Of JSON values that is what was
    /// sent: no number loses a digit.
    fn take(&mut self, key: &'static str, raw: &str) -> Result<String, RegistryError> {
        let invalid = |wanted: String| RegistryError::KeyInvalid { key, wanted };
        let is_compared = matches!(key, "inputs" | "outputs" | "examples");
        self.has_schemas_or_examples |= is_compared;
        if raw == "null" {
            self.secrets.clear |= key == "auth_config";
            return Ok(raw.to_owned());
        }
        let value: Value = serde_json::from_str(raw).map_err(|_| {
            invalid("nested less deeply, with numbers in the range of double precision".into())
        })?;
        let line = |longest| values::line(&value, longest).map(Value::from);
        let kept = match key {
            "category" | "owner" => line(MAX_LINE),
            "schema_type" | "schema_version" => line(MAX_LINE / 2),
            "api_endpoint" => values::url(&value).map(Value::from),
            "auth_method" => values::auth_method(&value).map(Value::from),
            "version" => values::version(&value).map(Value::from),
            "tags" => values::tags(&value).map(Value::from),
            "allowed_scopes" => values::scopes(&value).map(Value::from),
            "auth_config" => return self.take_auth_config(raw, &value),
            "examples" => return examples(raw, &value).map_err(invalid),
            "custom_metrics" => return object(raw, &value, MAX_OBJECT_BYTES).map_err(invalid),
            _ => return schema(raw, &value).map_err(invalid),
        };
        kept.map(|kept| kept.to_string()).map_err(invalid)
    }

    fn take_auth_config(&mut self, raw: &str, value: &Value) -> Result<String, RegistryError> {
        let invalid = |wanted: String| RegistryError::KeyInvalid {
            key: "auth_config",
            wanted,
        };
        let not_object = || invalid(format!("a JSON object of at most {MAX_OBJECT_BYTES} bytes"));
        let mut members: BTreeMap<String, &RawValue> =
            serde_json::from_str(raw).map_err(|_| not_object())?;
        members.remove("secret");
        let mut clear = value.clone();
        if let Some(object) = clear.as_object_mut() {
            object.remove("secret");
        }
        if let Some(key) = secret_in_clear(&clear) {
            return Err(RegistryError::SecretInClear { key: excerpt(key) });
        }
        self.secrets = SecretChanges::parse(value.get("secret"))
            .ok_or_else(|| invalid(SecretChanges::wanted()))?;
        let members: Vec<String> = members
            .iter()
            .map(|(name, raw)| format!("{}:{}", Value::from(name.as_str()), raw.get()))
            .collect();
        let kept = format!("{{{}}}", members.join(","));
        if kept.len() > MAX_OBJECT_BYTES {
            return Err(not_object());
        }
        Ok(kept)
    }
}

impl SecretChanges {
    fn parse(secrets: Option<&Value>) -> Option<Self> {
        let mut changes = SecretChanges::default();
        let secrets = match secrets {
            None => return Some(changes),
            Some(Value::Null) => {
                changes.clear = true;
                return Some(changes);
            }
            Some(secrets) => secrets.as_object().filter(|s| s.len() <= MAX_SECRETS)?,
        };
        for (name, secret) in secrets {
            let change = match secret {
                Value::Null => SecretChange::Remove,
                Value::String(text) if text == SECRET_SHOWN => SecretChange::Keep,
                Value::String(text) if (1..=MAX_SECRET_BYTES).contains(&text.len()) => {
                    SecretChange::Set(text.clone())
                }
                _ => return None,
            };
            if !is_secret_name(name) {
                return None;
            }
            changes.named.push((name.clone(), change));
        }
        Some(changes)
    }

    fn wanted() -> String {
        format!(
            "an object whose 'secret' is an object of at most {MAX_SECRETS} strings of 1 to {MAX_SECRET_BYTES} bytes, \
             under names of 1 to {MAX_SECRET_NAME} ASCII letters, digits, '_', '-' and '.'"
        )
    }
}

/// A tool has more secrets than it may.
pub fn too_many_secrets() -> RegistryError {
    RegistryError::KeyInvalid {
        key: "auth_config",
        wanted: SecretChanges::wanted(),
    }
}

/// True for a name that a secret can have.
fn is_secret_name(name: &str) -> bool {
    (1..=MAX_SECRET_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// The key, at any depth, whose text looks like a secret by its name.
fn secret_in_clear(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, member)| match member {
            Value::String(_) | Value::Number(_) => is_name_of_secret(name).then_some(name.as_str()),
            nested => secret_in_clear(nested),
        }),
        Value::Array(elements) => elements.iter().find_map(secret_in_clear),
        _ => None,
    }
}

fn is_name_of_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    NAMES_OF_SECRETS.contains(&plain.as_str())
}

fn object(raw: &str, value: &Value, longest: usize) -> Result<String, String> {
    if value.is_object() && raw.len() <= longest {
        Ok(raw.to_owned())
    } else {
        Err(format!("a JSON object of at most {longest} bytes"))
    }
}

fn schema(raw: &str, value: &Value) -> Result<String, String> {
    if value.is_object() && raw.len() <= MAX_SCHEMA_BYTES && JsonSchema::compile(value).is_some() {
        Ok(raw.to_owned())
    } else {
        Err(format!(
            "a JSON Schema of draft 2020-12 as an object of at most {MAX_SCHEMA_BYTES} bytes that refers to no other document"
        ))
    }
}

fn examples(raw: &str, value: &Value) -> Result<String, String> {
    let is_example = |example: &Value| {
        example.as_object().is_some_and(|example| {
            let knows = |name: &str| ["name", "description", "input", "output"].contains(&name);
            let is_text = |name| example.get(name).is_none_or(Value::is_string);
            example.keys().all(|name| knows(name))
                && (example.contains_key("input") || example.contains_key("output"))
                && is_text("name")
                && is_text("description")
        })
    };
    let fits = value
        .as_array()
        .is_some_and(|all| all.len() <= MAX_EXAMPLES && all.iter().all(is_example));
    if fits && raw.len() <= MAX_EXAMPLES_BYTES {
        Ok(raw.to_owned())
    } else {
        Err(format!(
            "an array of at most {MAX_EXAMPLES} objects with 'input', 'output' or both, and perhaps 'name' and \
             'description', of {MAX_EXAMPLES_BYTES} bytes together"
        ))
    }
}

/// Checks each example against the schemas that there are, all given as JSON.
pub fn check_examples(
    inputs: Option<&str>,
    outputs: Option<&str>,
    examples: Option<&str>,
) -> Result<(), RegistryError> {
    let parse = |text: Option<&str>| text.and_then(|t| serde_json::from_str::<Value>(t).ok());
    let schema = |text| parse(text).and_then(|schema| JsonSchema::compile(&schema));
    let sides = [("input", schema(inputs)), ("output", schema(outputs))];
    let examples = parse(examples);
    let mut violations = Vec::new();
    for (index, example) in examples
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        for (side, schema) in &sides {
            let (Some(schema), Some(value)) = (schema, example.get(*side)) else {
                continue;
            };
            for broken in schema.broken_by(value, value.to_string().len()) {
                if let BrokenRule::JsonSchema { at, reason } = broken {
                    violations.push(format!("example {index}, {side} at '{at}': {reason}"));
                }
            }
        }
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(RegistryError::ExamplesUnfit { violations })
    }
}

#[cfg(test)]
#[path = "tool_info_tests.rs"]
mod tests;
