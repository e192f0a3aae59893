//! One sequence on a registered tool, and on what is archived of it.

use serde_json::{json, Map, Value};

use super::answer::{agreed, ask, ask_rows, expect, now, or_null, same, text, Answer, Refusal};
use super::field::Field;
use super::model::{Options, Tool, Values};
use super::operations::{Definition, Operation};
use super::picks;
use super::search::Position;

const NAME: &str = "model";

/// What there is at one moment.
struct World {
    tool: Option<Tool>,
    archived: Vec<Tool>,
    cursor: Option<Cursor>,
    now: String,
    registrations: usize,
}

/// Where a search stopped.
struct Cursor {
    text: String,
    order_by: Option<String>,
    position: Position,
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

fn none<T>() -> Result<T, Refusal> {
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
    fn shape(&self) -> Tool {
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
    fn token(&self, number: u8) -> Option<String> {
        match number {
            0..245 => Some(self.shape().token),
            245..250 => None,
            _ => Some("token-of-another".into()),
        }
    }

    /// The id of some record, or one that no record has.
    fn id(&self, number: u8) -> i64 {
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

    fn register(&mut self, definition: &Definition) -> Result<(), String> {
        self.registrations += 1;
        let token = format!("token-of-model-{}", self.registrations);
        let fields: Option<Vec<Map<String, Value>>> = definition
            .fields
            .as_ref()
            .map(|fields| fields.iter().map(picks::field).collect());
        let call = format!(
            "(SELECT r.token FROM projectalpha.register_tool('{NAME}', '{token}', {}, \
             strict => {}, versioned => {}, notify => {}, sensitive => {}, max_records => {}) AS r)",
            or_null(fields.as_ref().map(|f| text(&json!(f).to_string()))),
            definition.strict,
            definition.versioned,
            definition.notify,
            definition.sensitive,
            or_null(definition.max_records),
        );
        let expected = self.registered(&token, fields.as_deref(), definition);
        if let Some((tool, got)) = agreed(&call, expected, ask(&call))? {
            same(&call, &json!(token), &got)?;
            self.tool = Some(tool);
        }
        Ok(())
    }

    fn registered(
        &self,
        token: &str,
        definitions: Option<&[Map<String, Value>]>,
        definition: &Definition,
    ) -> Result<Tool, Refusal> {
        let mut tool = Tool {
            token: token.to_owned(),
            fields: definitions.map(|_| Vec::new()),
            options: Options {
                strict: definition.strict,
                versioned: definition.versioned,
                notify: definition.notify,
                sensitive: definition.sensitive,
                max_records: definition.max_records,
            },
            records: Vec::new(),
            last_id: 0,
            keys: Vec::new(),
            version: 1,
        };
        for element in definitions.into_iter().flatten() {
            let name = element["name"].as_str().unwrap_or_default();
            if name == "id" {
                return Err(vec!["42602"]);
            }
            let field = Field::of(element);
            if !field.is_sound() {
                return Err(vec!["22023"]);
            }
            let fields = tool.fields.get_or_insert_with(Vec::new);
            if fields.iter().any(|f| f.name == name) {
                return Err(vec!["42701"]);
            }
            fields.push(field);
        }
        let mut fields = tool.fields.iter().flatten();
        if definition.versioned && fields.any(|f| f.name == "version") {
            return Err(vec!["42602"]);
        }
        match self.tool {
            Some(_) => Err(vec!["42710"]),
            None => Ok(tool),
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

    fn list(&mut self, token: u8, limit: i8, offset: i8, after: Option<u8>) -> Result<(), String> {
        let token = self.token(token);
        let after = after.map(|number| self.id(number));
        let call = format!(
            "list_records('{NAME}', {limit}, {offset}, {}, {})",
            or_null(token.as_deref().map(text)),
            or_null(after),
        );
        let expected = match &self.tool {
            _ if limit < 0 || offset < 0 => Err(vec!["22023"]),
            Some(tool) => tool.find(token.as_deref(), None, None, None).map(|found| {
                let found = found.into_iter().filter(|r| after.is_none_or(|a| r.id > a));
                let page = found.skip(offset as usize).take(limit as usize);
                page.map(|r| tool.show(r)).collect()
            }),
            None => none(),
        };
        expect(&call, expected, ask_rows(&call))
    }

    fn find(
        &mut self,
        token: u8,
        filter: &picks::FilterPick,
        order: u8,
        size: u8,
    ) -> Result<(), String> {
        let shape = self.shape();
        let token = self.token(token);
        let filter = picks::filter(&shape, filter);
        let order_by = picks::order_by(&shape, order);
        let expected = match &self.tool {
            Some(tool) => tool
                .find(token.as_deref(), filter.as_ref(), order_by.as_deref(), None)
                .map(|found| found.into_iter().map(|r| tool.show(r)).collect::<Vec<_>>()),
            None => none(),
        };
        let mut after: Option<String> = None;
        let mut seen = 0;
        loop {
            let call = search(token.as_deref(), size, filter.as_ref(), &order_by, &after);
            let page = expected.clone().map(|all| {
                let page = all.into_iter().skip(seen).take(size.into());
                page.collect::<Value>()
            });
            let Some((page, got)) = agreed(&call, page, ask_rows(&call))? else {
                return Ok(());
            };
            same(&call, &page, &got)?;
            let Some(last) = got.as_array().and_then(|records| records.last()) else {
                return Ok(());
            };
            seen += got.as_array().map_or(0, Vec::len);
            let cursor = cursor_of(last, &order_by)?;
            after = Some(cursor.text.clone());
            if self.cursor.is_none() || order.is_multiple_of(4) {
                self.cursor = Some(cursor);
            }
        }
    }

    fn go_on(&mut self, token: u8) -> Result<(), String> {
        let token = self.token(token);
        let Some(cursor) = &self.cursor else {
            return Ok(());
        };
        let after = Some(cursor.text.clone());
        let call = search(token.as_deref(), 100, None, &cursor.order_by, &after);
        let expected = match &self.tool {
            Some(tool) => tool
                .find(
                    token.as_deref(),
                    None,
                    cursor.order_by.as_deref(),
                    Some(&cursor.position),
                )
                .map(|found| found.into_iter().map(|r| tool.show(r)).collect()),
            None => none(),
        };
        expect(&call, expected, ask_rows(&call))
    }

    fn count(&mut self, token: u8, filter: &picks::FilterPick) -> Result<(), String> {
        let token = self.token(token);
        let filter = picks::filter(&self.shape(), filter);
        let call = format!(
            "projectalpha.count_records('{NAME}', {}, {})",
            or_null(filter.as_ref().map(|f| text(&f.to_string()))),
            or_null(token.as_deref().map(text)),
        );
        let expected = match &self.tool {
            Some(tool) => tool.may_read(token.as_deref()).and_then(|()| {
                let found = tool.filtered(filter.as_ref())?;
                Ok(json!(found.len()))
            }),
            None => none(),
        };
        expect(&call, expected, ask(&call))
    }

    fn alter(&mut self, changes: &[picks::ChangePick]) -> Result<(), String> {
        let shape = self.shape();
        let changes: Vec<Value> = changes.iter().map(|c| picks::change(&shape, c)).collect();
        let call = format!(
            "projectalpha.alter_tool('{NAME}', {})",
            text(&json!(changes).to_string())
        );
        let expected = match &self.tool {
            Some(tool) => tool.altered(&changes, &self.now),
            None => none(),
        };
        if let Some((tool, got)) = agreed(&call, expected, ask(&call))? {
            same(&call, &json!(tool.version), &got)?;
            self.tool = Some(tool);
        }
        Ok(())
    }

    fn delete_tool(&mut self, archive: bool) -> Result<(), String> {
        let call = format!("projectalpha.delete_tool('{NAME}', archive => {archive})");
        let deleted = self.tool.take();
        let expected = deleted.as_ref().map(|_| Value::Null).ok_or(vec!["42704"]);
        expect(&call, expected, ask(&call))?;
        self.archived.extend(deleted.filter(|_| archive));
        Ok(())
    }

    /// What was archived last comes back first.
    fn restore(&mut self) -> Result<(), String> {
        let call = format!("(SELECT r.tool_name FROM projectalpha.restore_tool('{NAME}') AS r)");
        let expected = match (&self.tool, self.archived.last()) {
            (_, None) => none(),
            (Some(_), _) => Err(vec!["42710"]),
            (None, Some(_)) => Ok(json!(NAME)),
        };
        if let Some((name, got)) = agreed(&call, expected, ask(&call))? {
            same(&call, &name, &got)?;
            self.tool = self.archived.pop();
            self.tool.iter_mut().for_each(|tool| tool.version += 1);
        }
        Ok(())
    }

    fn backdate(&mut self) -> Result<(), String> {
        let Some(tool) = &mut self.tool else {
            return Ok(());
        };
        let updated_at = match tool.options.versioned {
            true => ", updated_at = '2002-02-02Z'",
            false => "",
        };
        let statement = format!(
            "WITH u AS (UPDATE projectalpha_data.tool_{NAME} SET created_at = \
                 '2001-01-01Z'::timestamptz + (id % 3) * '10 s'::interval{updated_at} RETURNING 1) \
             SELECT count(*) FROM u"
        );
        pgrx::Spi::run(&statement).map_err(|error| format!("{statement}: {error}"))?;
        for record in &mut tool.records {
            record.created_at = format!("2001-01-01T00:00:{:02}+00:00", record.id % 3 * 10);
            record.updated_at = "2002-02-02T00:00:00+00:00".into();
        }
        Ok(())
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

fn search(
    token: Option<&str>,
    size: u8,
    filter: Option<&Value>,
    order_by: &Option<String>,
    after: &Option<String>,
) -> String {
    format!(
        "list_records('{NAME}', {size}, token => {}, filter => {}, order_by => {}, after => {})",
        or_null(token.map(text)),
        or_null(filter.map(|f| text(&f.to_string()))),
        or_null(order_by.as_deref().map(text)),
        or_null(after.as_deref().map(text)),
    )
}

fn cursor_of(record: &Value, order_by: &Option<String>) -> Result<Cursor, String> {
    let call = format!(
        "projectalpha.page_cursor({}, {})",
        text(&record.to_string()),
        or_null(order_by.as_deref().map(text)),
    );
    let answer: Answer = ask(&call);
    let name = order_by.as_deref().unwrap_or("id").trim_start_matches('-');
    match (answer, record["id"].as_i64()) {
        (Ok(Value::String(text)), Some(id)) => Ok(Cursor {
            text,
            order_by: order_by.clone(),
            position: Position {
                value: record[name].clone(),
                id,
            },
        }),
        (other, _) => Err(format!("{call}: {other:?}")),
    }
}
