//! A registered tool in memory, as plain as can be.

use std::collections::BTreeMap;

use serde_json::{json, Map, Value};

use super::answer::Refusal;
use super::field::{sqlstate_of, Field};
use super::values::{Datum, Kind};

pub type Values = BTreeMap<String, Datum>;

#[derive(Debug, Clone)]
pub struct Record {
    pub id: i64,
    /// As listed; all times of one sequence have an order as texts.
    pub created_at: String,
    pub updated_at: String,
    pub version: i64,
    /// Without those that are NULL.
    pub values: Values,
}

#[derive(Debug, Clone)]
pub struct Tool {
    pub token: String,
    /// None keeps whole payloads.
    pub fields: Option<Vec<Field>>,
    pub options: Options,
    pub records: Vec<Record>,
    /// The highest that was given to a record.
    pub last_id: i64,
    /// Idempotency keys with the payload and the id they were used for.
    pub keys: Vec<(String, Value, i64)>,
    /// Of its schema.
    pub version: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    pub strict: bool,
    pub versioned: bool,
    pub notify: bool,
    pub sensitive: bool,
    pub max_records: Option<i64>,
}

/// One thing that is wrong with a payload: field, rule and SQLSTATE.
pub type Violation = (String, &'static str, &'static str);

impl Tool {
    pub fn columns(&self) -> Vec<(String, Kind)> {
        match &self.fields {
            None => vec![("data".into(), Kind::Json)],
            Some(fields) => fields.iter().map(|f| (f.name.clone(), f.kind)).collect(),
        }
    }

    pub fn show(&self, record: &Record) -> Value {
        let mut shown = Map::new();
        shown.insert("id".into(), json!(record.id));
        shown.insert("created_at".into(), json!(record.created_at));
        if self.options.versioned {
            shown.insert("updated_at".into(), json!(record.updated_at));
            shown.insert("version".into(), json!(record.version));
        }
        for (name, _) in self.columns() {
            let value = record.values.get(&name);
            shown.insert(name, value.map_or(Value::Null, Datum::shown));
        }
        Value::Object(shown)
    }

    pub fn may_write(&self, token: Option<&str>) -> Result<(), Refusal> {
        match token == Some(self.token.as_str()) {
            true => Ok(()),
            false => Err(vec!["28000"]),
        }
    }

    pub fn may_read(&self, token: Option<&str>) -> Result<(), Refusal> {
        match self.options.sensitive {
            true => self.may_write(token),
            false => Ok(()),
        }
    }

    /// All that is wrong with a payload of a new record, or with changes of one.
    pub fn violations(&self, payload: &Map<String, Value>, is_new: bool) -> Vec<Violation> {
        let mut found = Vec::new();
        let Some(fields) = &self.fields else {
            return found;
        };
        for field in fields {
            let read = match payload.get(&field.name) {
                Some(value) => field.kind.read(value),
                None if is_new => Ok(field.default()),
                None => continue,
            };
            match read {
                Err(code) => found.push((field.name.clone(), "type", code)),
                Ok(value) => found.extend(
                    field
                        .broken(value.as_ref())
                        .into_iter()
                        .map(|rule| (field.name.clone(), rule, sqlstate_of(rule))),
                ),
            }
        }
        if self.options.strict {
            let known = |key: &String| fields.iter().any(|f| f.name == *key);
            let unknown = payload.keys().filter(|key| !known(key));
            found.extend(unknown.map(|key| (key.clone(), "strict", "42703")));
        }
        found
    }

    /// What a payload makes of a new record.
    fn read(&self, payload: &Value) -> Result<Values, Refusal> {
        let object = payload.as_object().ok_or(vec!["22023"])?;
        if let Some((_, _, code)) = self.violations(object, true).first() {
            return Err(vec![code]);
        }
        let Some(fields) = &self.fields else {
            return Ok(Values::from([(
                "data".into(),
                Datum::Json(payload.clone()),
            )]));
        };
        let mut values = Values::new();
        for field in fields {
            let value = match object.get(&field.name) {
                Some(value) => field.kind.read(value).unwrap(),
                None => field.default(),
            };
            values.extend(value.map(|value| (field.name.clone(), value)));
        }
        Ok(values)
    }

    /// Another record has the same value in a unique field.
    fn repeats(&self, values: &Values, own_id: Option<i64>, more: &[Values]) -> bool {
        let others = self.records.iter().filter(|r| Some(r.id) != own_id);
        let others: Vec<&Values> = others.map(|r| &r.values).chain(more).collect();
        let unique = self.fields.iter().flatten().filter(|f| f.has("unique"));
        unique
            .filter_map(|f| Some((&f.name, values.get(&f.name)?)))
            .any(|(name, value)| others.iter().any(|o| o.get(name) == Some(value)))
    }

    fn is_full_with(&self, more: usize) -> bool {
        let count = (self.records.len() + more) as i64;
        self.options.max_records.is_some_and(|max| count > max)
    }

    /// Rules that concern other records: any may be found first.
    fn admit(&self, values: &Values) -> Result<(), Refusal> {
        let mut refusal = Vec::new();
        if self.repeats(values, None, &[]) {
            refusal.push("23505");
        }
        if self.is_full_with(1) {
            refusal.push("54000");
        }
        match refusal.is_empty() {
            true => Ok(()),
            false => Err(refusal),
        }
    }

    /// The values of the record to store, or the id that the key was used for.
    pub fn store(
        &self,
        token: Option<&str>,
        payload: &Value,
        key: Option<&str>,
    ) -> Result<Result<Values, i64>, Refusal> {
        self.may_write(token)?;
        let values = self.read(payload)?;
        if key == Some("") {
            return Err(vec!["22023"]);
        }
        match self
            .keys
            .iter()
            .find(|(used, _, _)| Some(used.as_str()) == key)
        {
            Some((_, same, id)) if same == payload => return Ok(Err(*id)),
            Some(_) => return Err(vec!["23505"]),
            None => self.admit(&values)?,
        }
        Ok(Ok(values))
    }

    pub fn store_many(
        &self,
        token: Option<&str>,
        payloads: &[Value],
    ) -> Result<Vec<Values>, Refusal> {
        self.may_write(token)?;
        let mut stored: Vec<Values> = Vec::new();
        // Of several faults the one of the first record is told.
        let mut fault = None;
        for payload in payloads {
            fault = match self.read(payload) {
                Ok(values) if self.repeats(&values, None, &stored) => Some(vec!["23505"]),
                Ok(values) => {
                    stored.push(values);
                    continue;
                }
                Err(refusal) => Some(refusal),
            };
            break;
        }
        // That the tool is full is found before any record is read, or after the last.
        let records = fault.as_ref().map_or(payloads.len(), |_| 1);
        let mut refusal: Refusal = fault.unwrap_or_default();
        if self.is_full_with(records) {
            refusal.push("54000");
        }
        match refusal.is_empty() {
            true => Ok(stored),
            false => Err(refusal),
        }
    }

    /// Keeps a record with the id that it got.
    pub fn keep(&mut self, id: i64, now: &str, values: Values) -> Result<(), String> {
        if id <= self.last_id {
            return Err(format!("id {id} is not above {}", self.last_id));
        }
        self.last_id = id;
        self.records.push(Record {
            id,
            created_at: now.to_owned(),
            updated_at: now.to_owned(),
            version: 1,
            values,
        });
        Ok(())
    }

    /// Where the record is that a caller wants to change.
    fn target(&self, id: i64, if_version: Option<i64>) -> Result<usize, Refusal> {
        let position = self.records.iter().position(|r| r.id == id);
        let position = position.ok_or(vec!["02000"])?;
        match if_version {
            Some(version) if version != self.records[position].version => Err(vec!["23000"]),
            _ => Ok(position),
        }
    }

    fn may_change(&self, token: Option<&str>, if_version: Option<i64>) -> Result<(), Refusal> {
        self.may_write(token)?;
        match if_version.is_some() && !self.options.versioned {
            true => Err(vec!["0A000"]),
            false => Ok(()),
        }
    }

    /// Gives the changed record as it is shown.
    pub fn update(
        &mut self,
        token: Option<&str>,
        id: i64,
        changes: &Value,
        if_version: Option<i64>,
        now: &str,
    ) -> Result<Value, Refusal> {
        self.may_change(token, if_version)?;
        let changes = changes.as_object().ok_or(vec!["22023"])?;
        if let Some((_, _, code)) = self.violations(changes, false).first() {
            return Err(vec![code]);
        }
        let position = self.target(id, if_version)?;
        let mut values = self.records[position].values.clone();
        let named = self.change(&mut values, changes);
        if self.repeats(&values, Some(id), &[]) {
            return Err(vec!["23505"]);
        }
        if named {
            self.write(position, values, now);
        }
        Ok(self.show(&self.records[position]))
    }

    /// Sets what `changes` names; false if that is nothing.
    fn change(&self, values: &mut Values, changes: &Map<String, Value>) -> bool {
        let Some(fields) = &self.fields else {
            let Some(Datum::Json(Value::Object(data))) = values.get_mut("data") else {
                panic!("a whole payload is an object");
            };
            for (key, value) in changes {
                match value {
                    Value::Null => data.shift_remove(key),
                    value => data.insert(key.clone(), value.clone()),
                };
            }
            return !changes.is_empty();
        };
        let mut named = false;
        for field in fields {
            let Some(value) = changes.get(&field.name) else {
                continue;
            };
            named = true;
            match field.kind.read(value).unwrap() {
                Some(value) => values.insert(field.name.clone(), value),
                None => values.remove(&field.name),
            };
        }
        named
    }

    fn write(&mut self, position: usize, values: Values, now: &str) {
        let record = &mut self.records[position];
        record.values = values;
        record.version += 1;
        record.updated_at = now.to_owned();
    }

    pub fn delete(
        &mut self,
        token: Option<&str>,
        id: i64,
        if_version: Option<i64>,
    ) -> Result<Value, Refusal> {
        self.may_change(token, if_version)?;
        let position = self.target(id, if_version)?;
        self.records.remove(position);
        Ok(Value::Null)
    }

    pub fn get(&self, token: Option<&str>, id: i64) -> Result<Value, Refusal> {
        self.may_read(token)?;
        Ok(self.show(&self.records[self.target(id, None)?]))
    }

    /// The id of the record that was changed, or the values of a new one.
    pub fn upsert(
        &mut self,
        token: Option<&str>,
        payload: &Value,
        on: &str,
        now: &str,
    ) -> Result<Result<i64, Values>, Refusal> {
        self.may_write(token)?;
        let object = payload.as_object().ok_or(vec!["22023"])?;
        let mut fields = self.fields.iter().flatten();
        if !fields.any(|f| f.name == on && f.has("unique")) {
            return Err(vec!["22023"]);
        }
        let values = self.read(payload)?;
        let by = values.get(on).ok_or(vec!["22023"])?;
        let same = |r: &Record| r.values.get(on) == Some(by);
        let Some(position) = self.records.iter().position(same) else {
            self.admit(&values)?;
            return Ok(Err(values));
        };
        let id = self.records[position].id;
        let mut changed = self.records[position].values.clone();
        self.change(&mut changed, object);
        if self.repeats(&changed, Some(id), &[]) {
            return Err(vec!["23505"]);
        }
        self.write(position, changed, now);
        Ok(Ok(id))
    }
}
