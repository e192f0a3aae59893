//! What `alter_tool` makes of a tool, in the model.

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::field::{sqlstate_of, Field};
use super::model::Tool;
use super::values::{Datum, Kind};

/// The largest integer up to which a float holds every one.
const EXACT: u64 = 1 << 53;

/// Names that no field may have.
const RESERVED: [&str; 3] = ["id", "created_at", "xmin"];

impl Tool {
    /// The tool after all changes, or why it stays as it is.
    pub fn altered(&self, changes: &[Value], now: &str) -> Result<Tool, Refusal> {
        let mut tool = self.clone();
        let mut inexact: Vec<String> = Vec::new();
        let mut through_version = false;
        for change in changes {
            let (operation, argument) = change.as_object().unwrap().iter().next().unwrap();
            let named = match operation.as_str() {
                "options" => {
                    tool.set_options(argument.as_object().unwrap());
                    continue;
                }
                _ if tool.fields.is_none() => return Err(vec!["55000"]),
                "add" => tool.add(argument.as_object().unwrap()),
                "rename" => tool.rename(argument, &mut inexact),
                "drop" => tool.drop_field(argument.as_str().unwrap(), &mut inexact),
                "widen" => tool.widen(argument, &mut inexact),
                _ => tool.set(argument.as_object().unwrap()),
            };
            let named = named.map_err(|code| vec![code])?;
            through_version |= named == "version" && matches!(operation.as_str(), "add" | "rename");
        }
        tool.check_definition(self, through_version)?;
        tool.check_records(&inexact)?;
        if tool.options.versioned && !self.options.versioned {
            for record in &mut tool.records {
                record.version = 1;
                record.updated_at = now.to_owned();
            }
        }
        tool.version += 1;
        Ok(tool)
    }

    fn set_options(&mut self, given: &Map<String, Value>) {
        for (option, value) in given {
            let on = value.as_bool().unwrap_or_default();
            match option.as_str() {
                "strict" => self.options.strict = on,
                "versioned" => self.options.versioned = on,
                "notify" => self.options.notify = on,
                "sensitive" => self.options.sensitive = on,
                _ => self.options.max_records = value.as_i64(),
            }
        }
    }

    fn check_definition(&self, before: &Tool, through_version: bool) -> Result<(), Refusal> {
        if self.options.max_records.is_some_and(|max| max < 1) {
            return Err(vec!["22023"]);
        }
        let has_version = self.position("version").is_ok();
        let taken = has_version || (before.options.versioned && through_version);
        match self.options.versioned && taken {
            true => Err(vec!["42602"]),
            false => Ok(()),
        }
    }

    /// Every record follows every rule, or any of them may be told.
    fn check_records(&self, inexact: &[String]) -> Result<(), Refusal> {
        let mut refusal: Refusal = Vec::new();
        for field in self.fields.iter().flatten() {
            if inexact.contains(&field.name) {
                refusal.push("22003");
            }
            let values: Vec<Option<&Datum>> = self
                .records
                .iter()
                .map(|r| r.values.get(&field.name))
                .collect();
            for value in &values {
                refusal.extend(field.broken(*value).into_iter().map(sqlstate_of));
            }
            let some: Vec<&Datum> = values.into_iter().flatten().collect();
            let repeated = |i: usize| some[..i].contains(&some[i]);
            if field.has("unique") && (0..some.len()).any(repeated) {
                refusal.push("23505");
            }
        }
        match refusal.is_empty() {
            true => Ok(()),
            false => Err(refusal),
        }
    }

    fn position(&self, name: &str) -> Result<usize, &'static str> {
        let mut fields = self.fields.iter().flatten();
        fields.position(|f| f.name == name).ok_or("42703")
    }

    fn check_name(name: &str) -> Result<(), &'static str> {
        match RESERVED.contains(&name) {
            true => Err("42602"),
            false => Ok(()),
        }
    }

    fn check_free(&self, name: &str) -> Result<(), &'static str> {
        match self.position(name) {
            Ok(_) => Err("42701"),
            Err(_) => Ok(()),
        }
    }

    /// The fields; the caller has seen that there are some.
    fn list(&mut self) -> &mut Vec<Field> {
        self.fields.as_mut().unwrap()
    }

    fn add(&mut self, definition: &Map<String, Value>) -> Result<String, &'static str> {
        let name = definition["name"].as_str().unwrap();
        Self::check_name(name)?;
        let field = Field::of(definition);
        if !field.is_sound() {
            return Err("22023");
        }
        self.check_free(name)?;
        if let Some(default) = field.default() {
            for record in &mut self.records {
                record.values.insert(name.to_owned(), default.clone());
            }
        }
        self.list().push(field);
        Ok(name.to_owned())
    }

    fn rename(&mut self, given: &Value, inexact: &mut [String]) -> Result<String, &'static str> {
        let (from, to) = (
            given["field"].as_str().unwrap(),
            given["to"].as_str().unwrap(),
        );
        let position = self.position(from)?;
        Self::check_name(to)?;
        self.check_free(to)?;
        self.list()[position].name = to.to_owned();
        for record in &mut self.records {
            if let Some(value) = record.values.remove(from) {
                record.values.insert(to.to_owned(), value);
            }
        }
        for name in inexact.iter_mut().filter(|name| *name == from) {
            *name = to.to_owned();
        }
        Ok(to.to_owned())
    }

    fn drop_field(
        &mut self,
        name: &str,
        inexact: &mut Vec<String>,
    ) -> Result<String, &'static str> {
        let position = self.position(name)?;
        self.list().remove(position);
        for record in &mut self.records {
            record.values.remove(name);
        }
        inexact.retain(|other| other != name);
        Ok(name.to_owned())
    }

    fn widen(&mut self, given: &Value, inexact: &mut Vec<String>) -> Result<String, &'static str> {
        let name = given["field"].as_str().unwrap();
        let to = Kind::named(given["type"].as_str().unwrap());
        let position = self.position(name)?;
        let mut field = self.list()[position].clone();
        match (field.kind, to) {
            (Kind::Int, Kind::Float) => (),
            (from, Kind::Json) if from != Kind::Json => (),
            _ => return Err("42804"),
        }
        field.kind = to;
        if !field.is_sound() {
            return Err("22023");
        }
        self.list()[position] = field;
        for record in &mut self.records {
            let Some(value) = record.values.get_mut(name) else {
                continue;
            };
            *value = match (&*value, to) {
                (Datum::Int(n), Kind::Float) => {
                    if n.unsigned_abs() > EXACT {
                        inexact.push(name.to_owned());
                    }
                    Datum::Float(*n as f64)
                }
                (value, _) => Datum::Json(value.widened()),
            };
        }
        Ok(name.to_owned())
    }

    fn set(&mut self, given: &Map<String, Value>) -> Result<String, &'static str> {
        let name = given["field"].as_str().unwrap();
        let position = self.position(name)?;
        let mut field = self.list()[position].clone();
        for (rule, value) in given.iter().filter(|(key, _)| *key != "field") {
            field.set(rule, value);
        }
        if !field.is_sound() {
            return Err("22023");
        }
        self.list()[position] = field;
        Ok(name.to_owned())
    }
}
