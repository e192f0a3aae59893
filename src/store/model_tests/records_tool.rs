//! What a sequence does to a registered tool as a whole.

use serde_json::{json, Map, Value};

use super::answer::{agreed, ask, expect, or_null, same, text, Refusal};
use super::field::Field;
use super::model::{Options, Tool};
use super::operations::Definition;
use super::picks;
use super::records::{none, World, NAME};

impl World {
    pub(super) fn register(&mut self, definition: &Definition) -> Result<(), String> {
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

    pub(super) fn alter(&mut self, changes: &[picks::ChangePick]) -> Result<(), String> {
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

    pub(super) fn delete_tool(&mut self, archive: bool) -> Result<(), String> {
        let call = format!("projectalpha.delete_tool('{NAME}', archive => {archive})");
        let deleted = self.tool.take();
        let expected = deleted.as_ref().map(|_| Value::Null).ok_or(vec!["42704"]);
        expect(&call, expected, ask(&call))?;
        self.archived.extend(deleted.filter(|_| archive));
        Ok(())
    }

    /// What was archived last comes back first.
    pub(super) fn restore(&mut self) -> Result<(), String> {
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

    pub(super) fn backdate(&mut self) -> Result<(), String> {
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
}
