//! What a field may ask of its values beyond their type. All off by default.

use serde_json::{Map, Value};

use super::error::Error;
use super::scalar::Scalar;
use super::schema::FieldType;

/// Longest pattern, in bytes, and most values in an enum: each is kept by every
/// session that uses the tool.
const MAX_PATTERN: usize = 1000;
const MAX_ENUM: usize = 1000;

/// The rules of one field, checked against its type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    pub required: bool,
    pub unique: bool,
    pub index: bool,
    /// For a field that a record does not name.
    pub default: Option<Value>,
    pub min: Option<Scalar>,
    pub max: Option<Scalar>,
    /// In characters.
    pub max_length: Option<usize>,
    /// Found anywhere in the text unless it is anchored.
    pub pattern: Option<String>,
    pub one_of: Option<Vec<Scalar>>,
    pub json_schema: Option<Value>,
}

impl Rules {
    /// Reads the rules out of a field's JSON object; null is as good as absent.
    /// What is no rule is ignored, as the service that this replaces did.
    pub fn parse(
        field: &str,
        field_type: FieldType,
        object: &Map<String, Value>,
    ) -> Result<Self, Error> {
        let parser = Parser {
            field,
            field_type,
            object,
        };
        let rules = Rules {
            required: parser.flag("required")?,
            unique: parser.flag("unique")?,
            index: parser.flag("index")?,
            min: parser.bound("min")?,
            max: parser.bound("max")?,
            max_length: parser.max_length()?,
            pattern: parser.pattern()?,
            one_of: parser.one_of()?,
            json_schema: parser.json_schema()?,
            default: parser.given("default").cloned(),
        };
        if rules.unique && field_type == FieldType::Json {
            return Err(parser.invalid("unique", "a field that is not json"));
        }
        if let (Some(min), Some(max)) = (&rules.min, &rules.max) {
            if min.compare(max) == Some(std::cmp::Ordering::Greater) {
                return Err(parser.invalid("max", "a value not below min"));
            }
        }
        Ok(rules)
    }

    /// The rules as they are kept: what is off is left out.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, on) in [
            ("required", self.required),
            ("unique", self.unique),
            ("index", self.index),
        ] {
            if on {
                object.insert(name.into(), Value::Bool(true));
            }
        }
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.into(), value);
            }
        };
        put("default", self.default.clone());
        put("min", self.min.as_ref().map(Scalar::to_json));
        put("max", self.max.as_ref().map(Scalar::to_json));
        put("max_length", self.max_length.map(Value::from));
        put("pattern", self.pattern.clone().map(Value::from));
        let one_of = self.one_of.as_ref();
        put(
            "enum",
            one_of.map(|values| values.iter().map(Scalar::to_json).collect()),
        );
        put("json_schema", self.json_schema.clone());
        object
    }
}

struct Parser<'a> {
    field: &'a str,
    field_type: FieldType,
    object: &'a Map<String, Value>,
}

impl Parser<'_> {
    fn given(&self, option: &str) -> Option<&Value> {
        self.object.get(option).filter(|value| !value.is_null())
    }

    fn invalid(&self, option: &'static str, wanted: &'static str) -> Error {
        Error::FieldOptionInvalid {
            field: self.field.to_owned(),
            option,
            wanted,
        }
    }

    fn flag(&self, option: &'static str) -> Result<bool, Error> {
        match self.given(option) {
            None => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(_) => Err(self.invalid(option, "true or false")),
        }
    }

    fn bound(&self, option: &'static str) -> Result<Option<Scalar>, Error> {
        let Some(value) = self.given(option) else {
            return Ok(None);
        };
        let wanted = match self.field_type {
            FieldType::Int => "an integer",
            FieldType::Float => "a number",
            FieldType::Timestamp => "an ISO 8601 date and time",
            _ => return Err(self.invalid(option, "a field of type int, float or timestamp")),
        };
        match Scalar::from_json(self.field_type, value) {
            Some(scalar) => Ok(Some(scalar)),
            None => Err(self.invalid(option, wanted)),
        }
    }

    fn max_length(&self) -> Result<Option<usize>, Error> {
        let Some(value) = self.given("max_length") else {
            return Ok(None);
        };
        self.require_str("max_length")?;
        match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(length) if length > 0 => Ok(Some(length)),
            _ => Err(self.invalid("max_length", "a positive integer")),
        }
    }

    fn pattern(&self) -> Result<Option<String>, Error> {
        let Some(value) = self.given("pattern") else {
            return Ok(None);
        };
        self.require_str("pattern")?;
        match value.as_str() {
            Some(text)
                if text.len() <= MAX_PATTERN && super::checks::compile_pattern(text).is_some() =>
            {
                Ok(Some(text.to_owned()))
            }
            _ => Err(self.invalid("pattern", "a regular expression of at most 1000 bytes")),
        }
    }

    fn one_of(&self) -> Result<Option<Vec<Scalar>>, Error> {
        let Some(value) = self.given("enum") else {
            return Ok(None);
        };
        if self.field_type == FieldType::Json {
            return Err(self.invalid("enum", "a field that is not json"));
        }
        let wanted = "an array of 1 to 1000 values of the field's type";
        let values = value
            .as_array()
            .ok_or_else(|| self.invalid("enum", wanted))?;
        if values.is_empty() || values.len() > MAX_ENUM {
            return Err(self.invalid("enum", wanted));
        }
        let scalars: Option<Vec<Scalar>> = values
            .iter()
            .map(|value| Scalar::from_json(self.field_type, value))
            .collect();
        match scalars {
            Some(scalars) => Ok(Some(scalars)),
            None => Err(self.invalid("enum", wanted)),
        }
    }

    fn json_schema(&self) -> Result<Option<Value>, Error> {
        let Some(value) = self.given("json_schema") else {
            return Ok(None);
        };
        if self.field_type != FieldType::Json {
            return Err(self.invalid("json_schema", "a field of type json"));
        }
        match super::json_schema::JsonSchema::compile(value) {
            Some(_) => Ok(Some(value.clone())),
            None => Err(self.invalid(
                "json_schema",
                "a JSON Schema (draft 2020-12) that refers to nothing outside itself",
            )),
        }
    }

    fn require_str(&self, option: &'static str) -> Result<(), Error> {
        match self.field_type {
            FieldType::Str => Ok(()),
            _ => Err(self.invalid(option, "a field of type str")),
        }
    }
}
