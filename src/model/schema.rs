//! The field schema of a tool: the array of `{"name", "type"}` that a tool is
//! registered with (spec 001, section 2.3).

use std::collections::HashSet;

use serde_json::Value;

use super::checks::Checks;
use super::error::Error;
use super::name::{check_field_name, excerpt, VERSION_FIELDS};
use super::rules::Rules;
use super::scalar::Scalar;

/// Most fields in one tool.
pub const MAX_FIELDS: usize = 500;

/// The column in which a tool without a schema keeps whole payloads.
pub const PAYLOAD_COLUMN: &str = "data";

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    Int,
    Str,
    Bool,
    Float,
    Json,
    Timestamp,
}

/// Every name a type may be registered by, in the order of the contract.
const TYPE_NAMES: [(&str, FieldType); 9] = [
    ("int", FieldType::Int),
    ("integer", FieldType::Int),
    ("str", FieldType::Str),
    ("string", FieldType::Str),
    ("bool", FieldType::Bool),
    ("boolean", FieldType::Bool),
    ("float", FieldType::Float),
    ("json", FieldType::Json),
    ("timestamp", FieldType::Timestamp),
];

impl FieldType {
    fn parse(name: &str) -> Option<Self> {
        TYPE_NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, field_type)| *field_type)
    }

    /// The short name, the one that messages use.
    pub const fn name(self) -> &'static str {
        match self {
            FieldType::Int => "int",
            FieldType::Str => "str",
            FieldType::Bool => "bool",
            FieldType::Float => "float",
            FieldType::Json => "json",
            FieldType::Timestamp => "timestamp",
        }
    }

    /// The type of the column.
    pub const fn sql_type(self) -> &'static str {
        match self {
            FieldType::Int => "bigint",
            FieldType::Str => "text",
            FieldType::Bool => "boolean",
            FieldType::Float => "double precision",
            FieldType::Json => "jsonb",
            FieldType::Timestamp => "timestamp with time zone",
        }
    }

    /// What the contract's message lists as allowed.
    pub fn allowed_names() -> String {
        let names: Vec<String> = TYPE_NAMES.iter().map(|(n, _)| format!("'{n}'")).collect();
        format!("[{}]", names.join(", "))
    }
}

/// One field of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub field_type: FieldType,
    /// The type as it was registered: `integer` stays `integer`.
    registered_type: String,
    pub rules: Rules,
}

/// What a tool stores.
#[derive(Debug, Clone, PartialEq)]
pub enum Schema {
    /// One column for each field.
    Fields(Vec<Field>),
    /// The whole payload in one column, [`PAYLOAD_COLUMN`].
    WholePayload,
}

impl Schema {
    /// Reads the JSON text of a schema; the first fault found is the error.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // JSON that PostgreSQL has taken is refused for being nested too deeply.
        let value: Value = serde_json::from_str(text).map_err(|_| Error::SchemaTooDeep)?;
        Self::from_value(&value)
    }

    /// What the catalogue has: no schema means whole payloads.
    pub fn of_registered(text: Option<&str>) -> Result<Self, Error> {
        text.map_or(Ok(Schema::WholePayload), Self::parse)
    }

    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let elements = value.as_array().ok_or(Error::SchemaNotArray)?;
        if elements.len() > MAX_FIELDS {
            return Err(Error::TooManyFields {
                count: elements.len(),
            });
        }
        let mut seen = HashSet::with_capacity(elements.len());
        let mut fields = Vec::with_capacity(elements.len());
        for element in elements {
            let field = Field::from_value(element)?;
            if !seen.insert(field.name.clone()) {
                return Err(Error::FieldRepeated { field: field.name });
            }
            fields.push(field);
        }
        Ok(Schema::Fields(fields))
    }

    /// The schema as it is kept in the catalogue: names, types and rules alone.
    pub fn to_json(&self) -> Option<String> {
        match self {
            Schema::WholePayload => None,
            Schema::Fields(fields) => {
                let elements: Vec<Value> = fields.iter().map(Field::to_json).collect();
                Some(Value::from(elements).to_string())
            }
        }
    }

    /// The fields; none for whole payloads.
    pub fn fields(&self) -> &[Field] {
        match self {
            Schema::WholePayload => &[],
            Schema::Fields(fields) => fields,
        }
    }

    /// A versioned tool has columns of these names.
    pub fn refuse_version_fields(&self) -> Result<(), Error> {
        let taken = |field: &&Field| VERSION_FIELDS.contains(&field.name.as_str());
        match self.fields().iter().find(taken) {
            Some(field) => Err(Error::FieldOfVersionedTool {
                field: field.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The columns that hold a record, in the order of registration.
    pub fn columns(&self) -> Vec<(&str, FieldType)> {
        match self {
            Schema::WholePayload => vec![(PAYLOAD_COLUMN, FieldType::Json)],
            Schema::Fields(fields) => fields
                .iter()
                .map(|f| (f.name.as_str(), f.field_type))
                .collect(),
        }
    }
}

impl Field {
    /// Reads one element of a schema.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let property = |key: &str| value.get(key).filter(|v| !v.is_null());
        let (Some(name), Some(field_type)) = (property("name"), property("type")) else {
            return Err(Error::FieldIncomplete);
        };
        let Some(name) = name.as_str() else {
            return Err(Error::FieldNameInvalid {
                field: excerpt(&name.to_string()),
            });
        };
        check_field_name(name)?;
        let registered_type = match field_type {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let parsed = Field::type_named(&registered_type)?;
        let rules = match value.as_object() {
            Some(object) => Rules::parse(name, parsed, object)?,
            None => Rules::default(),
        };
        let field = Field {
            name: name.to_owned(),
            field_type: parsed,
            registered_type,
            rules,
        };
        field.check_default()?;
        Ok(field)
    }

    /// The type that a schema calls by this name.
    pub fn type_named(name: &str) -> Result<FieldType, Error> {
        FieldType::parse(name).ok_or_else(|| Error::UnsupportedType {
            type_name: excerpt(name),
        })
    }

    /// The field as an element of a schema.
    pub fn to_json(&self) -> Value {
        let mut object = self.rules.to_json();
        object.insert("name".into(), Value::from(self.name.as_str()));
        object.insert("type".into(), Value::from(self.registered_type.as_str()));
        Value::Object(object)
    }

    /// A default must be a value that a record could have.
    fn check_default(&self) -> Result<(), Error> {
        let Some(default) = &self.rules.default else {
            return Ok(());
        };
        let invalid = |wanted| Error::FieldOptionInvalid {
            field: self.name.clone(),
            option: "default",
            wanted,
        };
        let checks = Checks::of(&self.rules);
        let broken = if self.field_type == FieldType::Json {
            checks.map(|c| c.broken_by_json_text(&default.to_string()))
        } else {
            let scalar = Scalar::from_json(self.field_type, default)
                .ok_or_else(|| invalid("a value of the field's type"))?;
            checks.map(|c| c.broken_by(&scalar))
        };
        match broken {
            Some(broken) if !broken.is_empty() => {
                Err(invalid("a value that follows the field's other rules"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn message(text: &str) -> String {
        Schema::parse(text).unwrap_err().message()
    }

    #[test]
    fn the_contract_words() {
        assert_eq!(
            message(r#"[{"name":"a"}]"#),
            "Each field must have 'name' and 'type'"
        );
        assert_eq!(
            message(r#"[{"name":"a","type":"xyz"}]"#),
            "Unsupported type: xyz. Allowed: ['int', 'integer', 'str', 'string', 'bool', \
             'boolean', 'float', 'json', 'timestamp']"
        );
    }

    #[test]
    fn faults_are_refused() {
        for text in [
            "",
            "{}",
            "null",
            "5",
            "[5]",
            "[null]",
            r#"["a"]"#,
            r#"[{"name":5,"type":"int"}]"#,
            r#"[{"name":"id","type":"int"}]"#,
            r#"[{"name":"created_at","type":"int"}]"#,
            r#"[{"name":"A","type":"int"}]"#,
            r#"[{"name":"a","type":"INT"}]"#,
            r#"[{"name":"a","type":5}]"#,
            r#"[{"name":"a","type":"int"},{"name":"a","type":"str"}]"#,
        ] {
            assert!(Schema::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn up_to_500_fields() {
        let schema = |n: usize| {
            let fields: Vec<Value> = (0..n)
                .map(|i| json!({"name": format!("f{i}"), "type": "int"}))
                .collect();
            Schema::from_value(&Value::from(fields))
        };
        assert_eq!(schema(500).unwrap().columns().len(), 500);
        assert_eq!(schema(501), Err(Error::TooManyFields { count: 501 }));
    }

    #[test]
    fn an_empty_schema_is_one_without_fields() {
        assert_eq!(Schema::parse("[]").unwrap().columns(), vec![]);
        assert_eq!(
            Schema::WholePayload.columns(),
            vec![("data", FieldType::Json)]
        );
    }

    proptest! {
        #[test]
        fn what_is_kept_reads_back_the_same(
            names in proptest::collection::hash_set("[a-z_][a-z0-9_]{2,20}", 0..20),
            types in proptest::collection::vec(0..TYPE_NAMES.len(), 20),
        ) {
            let fields: Vec<Value> = names
                .iter()
                .filter(|n| check_field_name(n).is_ok())
                .zip(&types)
                .map(|(n, t)| json!({"name": n, "type": TYPE_NAMES[*t].0, "ignored": 1}))
                .collect();
            let schema = Schema::from_value(&Value::from(fields)).unwrap();
            let kept = schema.to_json().unwrap();
            prop_assert!(!kept.contains("ignored"));
            prop_assert_eq!(Schema::parse(&kept).unwrap(), schema);
        }

        #[test]
        fn no_document_makes_it_panic(text in "\\PC*") {
            let _ = Schema::parse(&text);
        }
    }
}
