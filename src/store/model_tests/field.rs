//! A field and its rules, as the documentation has them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{json, Map, Value};

use super::values::{Datum, Kind};

/// The only pattern and the only JSON Schema that sequences use.
pub const PATTERN: &str = "^a";
pub fn json_schema() -> Value {
    json!({"type": "object"})
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    /// Those that are on, by their names.
    pub rules: BTreeMap<String, Value>,
}

impl Field {
    /// Reads `{"name", "type", <rules>}`.
    pub fn of(definition: &Map<String, Value>) -> Self {
        let mut field = Field {
            name: definition["name"].as_str().unwrap().to_owned(),
            kind: Kind::named(definition["type"].as_str().unwrap()),
            rules: BTreeMap::new(),
        };
        for (rule, value) in definition {
            if rule != "name" && rule != "type" {
                field.set(rule, value);
            }
        }
        field
    }

    pub fn set(&mut self, rule: &str, value: &Value) {
        match value {
            Value::Null | Value::Bool(false) if rule != "default" => self.rules.remove(rule),
            Value::Null => self.rules.remove(rule),
            value => self.rules.insert(rule.to_owned(), value.clone()),
        };
    }

    pub fn has(&self, rule: &str) -> bool {
        self.rules.contains_key(rule)
    }

    pub fn default(&self) -> Option<Datum> {
        let value = self.rules.get("default")?;
        self.kind.read(value).unwrap()
    }

    /// True if such a field can be registered: its rules fit its type and each other.
    pub fn is_sound(&self) -> bool {
        let reads = |value: &Value| matches!(self.kind.read(value), Ok(Some(_)));
        let fits = |(rule, value): (&String, &Value)| match rule.as_str() {
            "unique" => self.kind != Kind::Json,
            "min" | "max" => {
                matches!(self.kind, Kind::Int | Kind::Float | Kind::Time) && reads(value)
            }
            "max_length" | "pattern" => self.kind == Kind::Str,
            "enum" => self.kind != Kind::Json && value.as_array().unwrap().iter().all(reads),
            "json_schema" => self.kind == Kind::Json,
            "default" => reads(value),
            _ => true,
        };
        if !self.rules.iter().all(fits) {
            return false;
        }
        if let (Some(min), Some(max)) = (self.limit("min"), self.limit("max")) {
            if min.order(&max) == Ordering::Greater {
                return false;
            }
        }
        let default = self.default();
        default.is_none() || self.broken(default.as_ref()).is_empty()
    }

    fn limit(&self, rule: &str) -> Option<Datum> {
        let value = self.rules.get(rule)?;
        self.kind.read(value).unwrap()
    }

    /// The rules that a value of the right type breaks, in the order of the documentation.
    pub fn broken(&self, value: Option<&Datum>) -> Vec<&'static str> {
        let Some(value) = value else {
            return match self.has("required") {
                true => vec!["required"],
                false => vec![],
            };
        };
        let mut broken = Vec::new();
        if let Some(min) = self.limit("min") {
            if value.order(&min) == Ordering::Less {
                broken.push("min");
            }
        }
        if let Some(max) = self.limit("max") {
            if value.order(&max) == Ordering::Greater {
                broken.push("max");
            }
        }
        if let (Datum::Str(text), Some(most)) = (value, self.rules.get("max_length")) {
            if text.chars().count() as u64 > most.as_u64().unwrap() {
                broken.push("max_length");
            }
        }
        if let (Datum::Str(text), true) = (value, self.has("pattern")) {
            if !text.starts_with('a') {
                broken.push("pattern");
            }
        }
        if let Some(allowed) = self.rules.get("enum") {
            let mut allowed = allowed.as_array().unwrap().iter();
            if !allowed.any(|one| self.kind.read(one).unwrap().as_ref() == Some(value)) {
                broken.push("enum");
            }
        }
        if let (Datum::Json(json), true) = (value, self.has("json_schema")) {
            if !json.is_object() {
                broken.push("json_schema");
            }
        }
        broken
    }
}

/// The SQLSTATE of a broken rule.
pub fn sqlstate_of(rule: &str) -> &'static str {
    match rule {
        "required" => "23502",
        _ => "23514",
    }
}
