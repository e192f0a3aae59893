//! One sequence on a registered tool, and on what is archived of it.

use serde_json::{json, Value};

use super::answer::{agreed, ask, ask_rows, expect, now, or_null, same, text, Refusal};
use super::model::{Options, Tool, Values};
use super::operations::{Definition, Operation};
use super::picks;
use super::records_search::Cursor;

pub(super) const NAME: &str = "model";

/// What there is at one moment.
pub(super) struct World {
    pub(super) tool: Option<Tool>,
    pub(super) archived: Vec<Tool>,
    pub(super) cursor: Option<Cursor>,
    pub(super) now: String,
    pub(super) registrations: usize,
}

pub fn check((definition, operations): &(Definition, Vec<Operation>)) -> Result<(), String> {
    let mut world = World {
        tool: None,
        archived: Vec::new(),
        cursor: None,
        now: now()?,
        registrations: 0,
    };
    world.register(definition)?;
    if world.tool.is_none() {
        // Without the rules that do not fit.
        let fields = definition.fields.iter().flatten().take(1).cloned();
        let fields = fields.map(|mut field| {
            field.rules.clear();
            field.name = 0;
            field
        });
        world.register(&Definition {
            fields: Some(fields.collect()),
            ..definition.clone()
        })?;
    }
    for operation in operations {
        world.run(operation)?;
    }
    world.compare()
}

pub(super) fn none<T>() -> Result<T, Refusal> {
    Err(vec!["42704"])
}

impl World {
    fn run(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Register(definition) => self.register(definition),
            Operation::Store {
                token,
                payload,
                key,
            } => self.store(*token, payload, *key),
            Operation::StoreMany { token, payloads } => self.store_many(*token, payloads),
            Operation::Update {
                token,
                id,
                changes,
                version,
            } => self.update(*token, *id, changes, *version),
            Operation::Delete { token, id, version } => self.delete(*token, *id, *version),
            Operation::Upsert { token, payload, on } => self.upsert(*token, payload, *on),
            Operation::Get { token, id } => self.get(*token, *id),
            Operation::Validate { token, payload } => self.validate(*token, payload),
            Operation::List {
                token,
                limit,
                offset,
                after,
            } => self.list(*token, *limit, *offset, *after),
            Operation::Find {
                token,
                filter,
                order,
                size,
            } => self.find(*token, filter, *order, *size),
            Operation::GoOn { token } => self.go_on(*token),
            Operation::Count { token, filter } => self.count(*token, filter),
            Operation::Alter(changes) => self.alter(changes),
            Operation::DeleteTool { archive } => self.delete_tool(*archive),
            Operation::Restore => self.restore(),
            Operation::Backdate => self.backdate(),
        }
    }

    /// The tool that numbers are read for; one without fields if there is none.
    pub(super) fn shape(&self) -> Tool {
        self.tool.clone().unwrap_or_else(|| Tool {
            token: "token-of-nobody".into(),
            fields: None,
            options: Options::default(),
            records: Vec::new(),
            last_id: 0,
            keys: Vec::new(),
            version: 0,
        })
    }

    /// Mostly the token of the tool.
    pub(super) fn token(&self, number: u8) -> Option<String> {
        match number {
            0..245 => Some(self.shape().token),
            245..250 => None,
            _ => Some("token-of-another".into()),
        }
    }

    /// The id of some record, or one that no record has.
    pub(super) fn id(&self, number: u8) -> i64 {
        let records = self.shape().records;
        match number {
            0..240 if !records.is_empty() => records[usize::from(number) % records.len()].id,
            _ => i64::from(number) + 1000,
        }
    }

    /// No version, the right one, or another.
    fn version(&self, number: u8, id: i64) -> Option<i64> {
        let shape = self.shape();
        let record = shape.records.iter().find(|r| r.id == id);
        match number % 4 {
            0 | 1 => None,
            _ if !shape.options.versioned && number < 240 => None,
            2 => record.map(|r| r.version),
            _ => Some(i64::from(number % 3)),
        }
    }

    fn store(&mut self, token: u8, payload: &picks::PayloadPick, key: u8) -> Result<(), String> {
        let payload = picks::payload(&self.shape(), payload);
        let token = self.token(token);
        let key = match key {
            0..200 => None,
            255 => Some(String::new()),
            number => Some(format!("key {}", number % 3)),
        };
        let call = format!(
            "projectalpha.store_record('{NAME}', {}, {}, {})",
            or_null(token.as_deref().map(text)),
            text(&payload.to_string()),
            or_null(key.as_deref().map(text)),
        );
        let expected = match &self.tool {
            Some(tool) => tool.store(token.as_deref(), &payload, key.as_deref()),
            None => none(),
        };
        let Some((stored, got)) = agreed(&call, expected, ask(&call))? else {
            return Ok(());
        };
        match stored {
            Err(known) => same(&call, &json!(known), &got),
            Ok(values) => {
                let id = self.keep(&call, &got, values)?;
                let tool = self.tool.iter_mut();
                let keys = tool.zip(key).map(|(tool, key)| (&mut tool.keys, key));
                keys.for_each(|(keys, key)| keys.push((key, payload.clone(), id)));
                Ok(())
            }
        }
    }

    /// Keeps what was stored as the record that the answer says.
    fn keep(&mut self, call: &str, id: &Value, values: Values) -> Result<i64, String> {
        let id = id.as_i64().ok_or(format!("{call}: no id: {id}"))?;
        let tool = self.tool.as_mut().ok_or(format!("{call}: no tool"))?;
        tool.keep(id, &self.now, values)
            .map_err(|fault| format!("{call}: {fault}"))?;
        Ok(id)
    }

    fn store_many(&mut self, token: u8, payloads: &[picks::PayloadPick]) -> Result<(), String> {
        let shape = self.shape();
        let payloads: Vec<Value> = payloads.iter().map(|p| picks::payload(&shape, p)).collect();
        let token = self.token(token);
        let call = format!(
            "projectalpha.store_records('{NAME}', {}, {})",
            or_null(token.as_deref().map(text)),
            text(&json!(payloads).to_string()),
        );
        let expected = match &self.tool {
            Some(tool) => tool.store_many(token.as_deref(), &payloads),
            None => none(),
        };
        let Some((stored, got)) = agreed(&call, expected, ask(&call))? else {
            return Ok(());
        };
        same(&call, &json!(stored.len()), &got)?;
        // The ids are not told, but they go on.
        let ids = format!(
            "(SELECT json_agg(t.id ORDER BY t.id) FROM projectalpha_data.tool_{NAME} AS t \
             WHERE t.id > {})",
            shape.last_id
        );
        let ids = ask(&ids).map_err(|code| format!("{ids}: {code}"))?;
        let ids = ids.as_array().cloned().unwrap_or_default();
        if ids.len() != stored.len() {
            return Err(format!("{call}: new ids are {ids:?}"));
        }
        for (id, values) in ids.iter().zip(stored) {
            self.keep(&call, id, values)?;
        }
        Ok(())
    }

    fn update(
        &mut self,
        token: u8,
        id: u8,
        changes: &picks::PayloadPick,
        version: u8,
    ) -> Result<(), String> {
        let changes = picks::payload(&self.shape(), changes);
        let (token, id) = (self.token(token), self.id(id));
        let version = self.version(version, id);
        let call = format!(
            "projectalpha.update_record('{NAME}', {}, {id}, {}, {})",
            or_null(token.as_deref().map(text)),
            text(&changes.to_string()),
            or_null(version),
        );
        let now = self.now.clone();
        let expected = match &mut self.tool {
            Some(tool) => tool.update(token.as_deref(), id, &changes, version, &now),
            None => none(),
        };
        expect(&call, expected, ask(&call))
    }

    fn delete(&mut self, token: u8, id: u8, version: u8) -> Result<(), String> {
        let (token, id) = (self.token(token), self.id(id));
        let version = self.version(version, id);
        let call = format!(
            "projectalpha.delete_record('{NAME}', {}, {id}, {})",
            or_null(token.as_deref().map(text)),
            or_null(version),
        );
        let expected = match &mut self.tool {
            Some(tool) => tool.delete(token.as_deref(), id, version),
            None => none(),
        };
        expect(&call, expected, ask(&call))
    }

    fn upsert(&mut self, token: u8, payload: &picks::PayloadPick, on: u8) -> Result<(), String> {
        let shape = self.shape();
        let payload = picks::payload(&shape, payload);
        let token = self.token(token);
        let mut unique = shape.fields.iter().flatten().filter(|f| f.has("unique"));
        let on = match unique.next() {
            Some(field) if on < 230 => field.name.clone(),
            _ => picks::field_name(&shape, on),
        };
        let call = format!(
            "(SELECT json_build_array(r.id, r.inserted) FROM \
             projectalpha.upsert_record('{NAME}', {}, {}, {}) AS r)",
            or_null(token.as_deref().map(text)),
            text(&payload.to_string()),
            text(&on),
        );
        let now = self.now.clone();
        let expected = match &mut self.tool {
            Some(tool) => tool.upsert(token.as_deref(), &payload, &on, &now),
            None => none(),
        };
        match agreed(&call, expected, ask(&call))? {
            None => Ok(()),
            Some((Ok(id), got)) => same(&call, &json!([id, false]), &got),
            Some((Err(values), got)) => {
                same(&call, &json!(true), &got[1])?;
                self.keep(&call, &got[0], values).map(|_| ())
            }
        }
    }

    fn get(&mut self, token: u8, id: u8) -> Result<(), String> {
        let (token, id) = (self.token(token), self.id(id));
        let call = format!(
            "projectalpha.get_record('{NAME}', {id}, {})",
            or_null(token.as_deref().map(text)),
        );
        let expected = match &self.tool {
            Some(tool) => tool.get(token.as_deref(), id),
            None => none(),
        };
        expect(&call, expected, ask(&call))
    }

    fn validate(&mut self, token: u8, payload: &picks::PayloadPick) -> Result<(), String> {
        let payload = picks::payload(&self.shape(), payload);
        let token = self.token(token);
        let call = format!(
            "array_to_json(ARRAY(SELECT json_build_array(r.field, r.rule) FROM \
             projectalpha.validate_record('{NAME}', {}, {}) AS r))",
            text(&payload.to_string()),
            or_null(token.as_deref().map(text)),
        );
        let expected = match &self.tool {
            Some(tool) => tool.may_read(token.as_deref()).map(|()| {
                let object = payload.as_object();
                let found = object.map(|o| tool.violations(o, true)).unwrap_or_default();
                found.iter().map(|(f, rule, _)| json!([f, rule])).collect()
            }),
            None => none(),
        };
        expect(&call, expected, ask(&call))
    }

    /// The whole table is as it should be, whatever was done.
    fn compare(&self) -> Result<(), String> {
        let Some(tool) = &self.tool else {
            return Ok(());
        };
        let call = format!("list_records('{NAME}', 1000, token => '{}')", tool.token);
        let expected = tool.records.iter().map(|r| tool.show(r)).collect();
        expect(&call, Ok(expected), ask_rows(&call))
    }
}
