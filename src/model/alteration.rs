//! Changes of a tool's definition: what was asked for, and what comes of it.

use serde_json::Value;

use super::alteration_error::AlterationError;
use super::altered_field::AlteredField;
use super::change_arguments::{description, flag, limit, object_of, only_keys, text_of};
use super::error::Error;
use super::name::{check_field_name, excerpt, VERSION_FIELDS};
use super::options::ToolOptions;
use super::schema::{Field, FieldType, Schema, MAX_FIELDS};

/// Most changes in one call.
pub const MAX_CHANGES: usize = 1000;

/// What a change can be.
pub const OPERATIONS: [&str; 6] = ["add", "rename", "drop", "widen", "set", "options"];

/// What a field may be told by `set`.
const FIELD_OPTIONS: [&str; 10] = [
    "required",
    "unique",
    "index",
    "default",
    "min",
    "max",
    "max_length",
    "pattern",
    "enum",
    "json_schema",
];

/// What a tool is, besides its name and its records.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub schema: Schema,
    pub options: ToolOptions,
    pub sensitive: bool,
}

/// A change of the table's columns, in the order in which they were asked for.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // a handful, for the time of one call
pub enum Step {
    Add(Box<Field>),
    Rename {
        from: String,
        to: String,
    },
    Drop(String),
    Widen {
        field: String,
        from: FieldType,
        to: FieldType,
    },
}

/// All changes of one call, applied to a definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Alteration {
    pub definition: Definition,
    /// None leaves the description as it is.
    pub description: Option<Option<String>>,
    pub fields: Vec<AlteredField>,
    pub steps: Vec<Step>,
    /// The changes as they were given.
    pub changes: Vec<Value>,
}

impl Alteration {
    /// Reads the JSON text of changes and applies them one after the other.
    pub fn parse(before: &Definition, changes: &str) -> Result<Self, Error> {
        let value: Value =
            serde_json::from_str(changes).map_err(|_| AlterationError::ChangesMalformed)?;
        let changes = match value {
            Value::Array(changes) => changes,
            object @ Value::Object(_) => vec![object],
            _ => return Err(AlterationError::ChangesMalformed.into()),
        };
        if changes.is_empty() {
            return Err(AlterationError::ChangesMalformed.into());
        }
        if changes.len() > MAX_CHANGES {
            return Err(AlterationError::TooManyChanges {
                count: changes.len(),
            }
            .into());
        }
        let mut altered = Alteration::unchanged(before);
        for (index, change) in changes.iter().enumerate() {
            altered.apply(index, change)?;
        }
        altered.changes = changes;
        altered.finish(before)
    }

    fn unchanged(before: &Definition) -> Self {
        let unchanged = |field: &Field| AlteredField {
            field: field.clone(),
            before: Some(field.clone()),
            added: None,
            became_float: false,
        };
        Alteration {
            definition: before.clone(),
            description: None,
            fields: before.schema.fields().iter().map(unchanged).collect(),
            steps: Vec::new(),
            changes: Vec::new(),
        }
    }

    fn apply(&mut self, index: usize, change: &Value) -> Result<(), Error> {
        let unknown = || Error::from(AlterationError::OperationUnknown { index });
        let object = change
            .as_object()
            .ok_or(AlterationError::ChangesMalformed)?;
        let mut entries = object.iter();
        let (Some((operation, argument)), None) = (entries.next(), entries.next()) else {
            return Err(unknown());
        };
        if operation != "options"
            && OPERATIONS.contains(&operation.as_str())
            && self.definition.schema == Schema::WholePayload
        {
            return Err(AlterationError::NoFields.into());
        }
        match operation.as_str() {
            "add" => self.add(argument),
            "rename" => self.rename(argument),
            "drop" => self.drop(argument),
            "widen" => self.widen(argument),
            "set" => self.set(argument),
            "options" => self.set_options(argument),
            _ => Err(unknown()),
        }
    }

    fn add(&mut self, argument: &Value) -> Result<(), Error> {
        object_of("add", "a field with name and type", argument)?;
        let field = Field::from_value(argument)?;
        self.check_free(&field.name)?;
        if self.fields.len() >= MAX_FIELDS {
            return Err(Error::TooManyFields {
                count: self.fields.len() + 1,
            });
        }
        self.steps.push(Step::Add(Box::new(field.clone())));
        self.fields.push(AlteredField {
            field: field.clone(),
            before: None,
            added: Some(field),
            became_float: false,
        });
        Ok(())
    }

    fn rename(&mut self, argument: &Value) -> Result<(), Error> {
        let object = only_keys("rename", "field and to", argument, &["field", "to"])?;
        let from = text_of("rename", "field and to", object, "field")?;
        let to = text_of("rename", "field and to", object, "to")?;
        let position = self.position(from)?;
        check_field_name(to)?;
        self.check_free(to)?;
        self.fields[position].field.name = to.to_owned();
        if let Some(added) = &mut self.fields[position].added {
            added.name = to.to_owned();
        }
        self.steps.push(Step::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn drop(&mut self, argument: &Value) -> Result<(), Error> {
        let name = argument
            .as_str()
            .ok_or(AlterationError::OperationIncomplete {
                operation: "drop",
                wanted: "the name of a field",
            })?;
        let position = self.position(name)?;
        self.fields.remove(position);
        self.steps.push(Step::Drop(name.to_owned()));
        Ok(())
    }

    fn widen(&mut self, argument: &Value) -> Result<(), Error> {
        let object = only_keys("widen", "field and type", argument, &["field", "type"])?;
        let name = text_of("widen", "field and type", object, "field")?;
        let wider = text_of("widen", "field and type", object, "type")?;
        let position = self.position(name)?;
        let field = &self.fields[position].field;
        let from = field.field_type;
        let mut described = field.to_json();
        described["type"] = Value::from(wider);
        let (field, to) = match Field::type_named(wider)? {
            to @ FieldType::Float if from == FieldType::Int => (Field::from_value(&described)?, to),
            to @ FieldType::Json if from != FieldType::Json => (Field::from_value(&described)?, to),
            to => {
                return Err(AlterationError::NotWider {
                    field: name.to_owned(),
                    from,
                    to,
                }
                .into())
            }
        };
        self.fields[position].field = field;
        self.fields[position].became_float |= to == FieldType::Float;
        self.steps.push(Step::Widen {
            field: name.to_owned(),
            from,
            to,
        });
        Ok(())
    }

    fn set(&mut self, argument: &Value) -> Result<(), Error> {
        let wanted = "field and the options to change";
        let object = object_of("set", wanted, argument)?;
        let name = text_of("set", wanted, object, "field")?;
        let position = self.position(name)?;
        let mut described = self.fields[position].field.to_json();
        for (option, value) in object.iter().filter(|(key, _)| *key != "field") {
            if !FIELD_OPTIONS.contains(&option.as_str()) {
                return Err(AlterationError::OptionUnknown {
                    option: excerpt(option),
                }
                .into());
            }
            described[option] = value.clone();
        }
        self.fields[position].field = Field::from_value(&described)?;
        Ok(())
    }

    fn set_options(&mut self, argument: &Value) -> Result<(), Error> {
        for (option, value) in object_of("options", "an object", argument)? {
            let options = &mut self.definition.options;
            match option.as_str() {
                "strict" => options.strict = flag("strict", value)?,
                "versioned" => options.versioned = flag("versioned", value)?,
                "notify" => options.notify = flag("notify", value)?,
                "max_records" => options.max_records = limit("max_records", value)?,
                "max_bytes" => options.max_bytes = limit("max_bytes", value)?,
                "sensitive" => self.definition.sensitive = flag("sensitive", value)?,
                "description" => self.description = Some(description(value)?),
                unknown => {
                    return Err(AlterationError::OptionUnknown {
                        option: excerpt(unknown),
                    }
                    .into())
                }
            }
        }
        Ok(())
    }

    /// Puts the fields together again and checks what concerns all of them.
    fn finish(mut self, before: &Definition) -> Result<Self, Error> {
        if before.schema != Schema::WholePayload {
            let fields = self.fields.iter().map(|f| f.field.clone()).collect();
            self.definition.schema = Schema::Fields(fields);
        }
        self.definition.options.check()?;
        if self.definition.options.versioned {
            self.definition.schema.refuse_version_fields()?;
        }
        if self.definition.options.versioned && before.options.versioned {
            // Not even for a moment: the columns are there.
            let through = self.steps.iter().find_map(|step| match step {
                Step::Add(field) => taken(&field.name),
                Step::Rename { to, .. } => taken(to),
                _ => None,
            });
            if let Some(field) = through {
                return Err(Error::FieldOfVersionedTool { field });
            }
        }
        Ok(self)
    }

    fn position(&self, name: &str) -> Result<usize, Error> {
        let found = self.fields.iter().position(|f| f.field.name == name);
        found.ok_or_else(|| {
            AlterationError::NoSuchField {
                field: excerpt(name),
            }
            .into()
        })
    }

    fn check_free(&self, name: &str) -> Result<(), Error> {
        match self.fields.iter().any(|f| f.field.name == name) {
            true => Err(Error::FieldRepeated {
                field: name.to_owned(),
            }),
            false => Ok(()),
        }
    }
}

fn taken(name: &str) -> Option<String> {
    VERSION_FIELDS.contains(&name).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn definition(schema: &str) -> Definition {
        Definition {
            schema: Schema::parse(schema).unwrap(),
            options: ToolOptions::default(),
            sensitive: false,
        }
    }

    fn of(schema: &str, changes: &str) -> Result<Alteration, Error> {
        Alteration::parse(&definition(schema), changes)
    }

    const AB: &str = r#"[{"name": "a", "type": "int", "min": 1}, {"name": "b", "type": "str"}]"#;

    #[test]
    fn changes_are_applied_in_their_order() {
        let altered = of(
            AB,
            r#"[{"rename": {"field": "a", "to": "c"}}, {"rename": {"field": "b", "to": "a"}},
                {"drop": "a"}, {"add": {"name": "b", "type": "json"}},
                {"widen": {"field": "c", "type": "float"}}]"#,
        )
        .unwrap();
        let names: Vec<&str> = altered
            .fields
            .iter()
            .map(|f| f.field.name.as_str())
            .collect();
        assert_eq!(names, ["c", "b"]);
        assert_eq!(altered.fields[0].before.as_ref().unwrap().name, "a");
        assert_eq!(altered.fields[0].field.field_type, FieldType::Float);
        assert!(!altered.fields[0].must_be_checked());
        assert_eq!(altered.steps.len(), 5);
    }

    #[test]
    fn what_must_be_checked() {
        for (change, checked, null_alone) in [
            (r#"{"set": {"field": "a", "required": true}}"#, true, true),
            (r#"{"set": {"field": "a", "max": 9}}"#, true, false),
            (r#"{"set": {"field": "a", "default": 3}}"#, false, true),
            (r#"{"set": {"field": "a", "min": null}}"#, false, true),
            (
                r#"{"set": {"field": "a", "min": null, "max": 9}}"#,
                true,
                false,
            ),
            (r#"{"set": {"field": "a", "min": 0}}"#, true, false),
            (r#"{"set": {"field": "a", "index": true}}"#, false, true),
        ] {
            let altered = of(AB, change).unwrap();
            assert_eq!(altered.fields[0].must_be_checked(), checked, "{change}");
            assert_eq!(
                altered.fields[0].only_null_matters(),
                null_alone,
                "{change}"
            );
        }
        let added = |rules: &str| {
            let change = format!(r#"{{"add": {{"name": "n", "type": "int"{rules}}}}}"#);
            of(AB, &change).unwrap().fields[2].must_be_checked()
        };
        assert!(!added(""));
        assert!(!added(r#", "required": true, "default": 1"#));
        assert!(added(r#", "required": true"#));
        assert!(added(r#", "unique": true, "default": 1"#));
    }

    #[test]
    fn faults_are_refused() {
        for changes in [
            "",
            "null",
            "5",
            "[]",
            "{}",
            "[5]",
            r#"[{"add": {}}]"#,
            r#"{"add": {"name": "a", "type": "int"}}"#,
            r#"{"add": {"name": "id", "type": "int"}}"#,
            r#"{"rename": {"field": "a", "to": "b"}}"#,
            r#"{"rename": {"field": "a", "to": "A"}}"#,
            r#"{"rename": {"field": "x", "to": "y"}}"#,
            r#"{"rename": {"field": "a"}}"#,
            r#"{"drop": "x"}"#,
            r#"{"drop": {"field": "a"}}"#,
            r#"{"widen": {"field": "b", "type": "int"}}"#,
            r#"{"widen": {"field": "b", "type": "str"}}"#,
            r#"{"widen": {"field": "a", "type": "json"}}"#, // min is nothing for json
            r#"{"set": {"field": "a", "type": "json"}}"#,
            r#"{"set": {"field": "a", "max": 0}}"#,
            r#"{"set": {"field": "b", "min": 0}}"#,
            r#"{"options": {"strict": 1}}"#,
            r#"{"options": {"max_records": 0}}"#,
            r#"{"options": {"other": 0}}"#,
            r#"{"drop": "a", "add": {"name": "c", "type": "int"}}"#,
            r#"{"truncate": "a"}"#,
        ] {
            assert!(of(AB, changes).is_err(), "{changes}");
        }
        let whole = Definition {
            schema: Schema::WholePayload,
            ..definition("[]")
        };
        assert!(Alteration::parse(&whole, r#"{"drop": "data"}"#).is_err());
        assert!(Alteration::parse(&whole, r#"{"options": {"strict": true}}"#).is_ok());
    }

    proptest! {
        #[test]
        fn no_document_makes_it_panic(text in "\\PC*") {
            let _ = of(AB, &text);
        }

        #[test]
        fn what_comes_out_is_a_schema_that_could_be_registered(
            changes in proptest::collection::vec((0..5usize, "[a-d]", "[a-d]", 0..3usize), 1..12),
        ) {
            let types = ["int", "float", "json"];
            let changes: Vec<Value> = changes
                .into_iter()
                .map(|(operation, name, other, kind)| match operation {
                    0 => serde_json::json!({"add": {"name": name, "type": types[kind]}}),
                    1 => serde_json::json!({"rename": {"field": name, "to": other}}),
                    2 => serde_json::json!({"drop": name}),
                    3 => serde_json::json!({"widen": {"field": name, "type": types[kind]}}),
                    _ => serde_json::json!({"set": {"field": name, "required": kind == 0}}),
                })
                .collect();
            if let Ok(altered) = of(AB, &Value::from(changes).to_string()) {
                let kept = altered.definition.schema.to_json().unwrap();
                prop_assert_eq!(Schema::parse(&kept).unwrap(), altered.definition.schema);
            }
        }
    }
}
