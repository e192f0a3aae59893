//! One sequence on configured tools: no row may be lost or doubled on its way from
//! the common table, and none may change.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{json, Value};

use super::answer::{agreed, ask, ask_rows, expect, now, or_null, same, text};
use super::configured_model::{Place, Row, Tool};

/// The names of the tools; operations have their numbers.
const NAMES: [&str; 2] = ["model_early", "model_late"];

#[derive(Debug, Clone)]
pub enum Operation {
    Configure {
        sensitive: bool,
        individual: bool,
        token: bool,
    },
    Unconfigure,
    Post {
        token: u8,
    },
    PostCommon {
        sensitive: bool,
    },
    List {
        token: u8,
        page: Page,
    },
    ListCommon {
        page: Page,
    },
    Promote {
        batch: Option<i32>,
    },
    Register {
        sensitive: bool,
        fields: bool,
    },
    DeleteTool {
        archive: bool,
    },
    Restore,
    /// By hand, so that times differ.
    Backdate,
}

#[derive(Debug, Clone)]
pub struct Page {
    limit: i8,
    offset: i8,
    after: Option<u8>,
}

/// Operations, each with the number of a tool. The first tool is configured.
pub fn sequence() -> impl Strategy<Value = Vec<(usize, Operation)>> {
    vec((prop::sample::select(vec![0, 0, 0, 1]), operation()), 1..24)
}

fn operation() -> impl Strategy<Value = Operation> {
    let page =
        (-1..8i8, -1..6i8, prop::option::of(any::<u8>())).prop_map(|(limit, offset, after)| Page {
            limit,
            offset,
            after,
        });
    let flag = any::<bool>;
    prop_oneof![
        4 => (prop::bool::weighted(0.3), prop::bool::weighted(0.3), flag()).prop_map(
            |(sensitive, individual, token)| Operation::Configure { sensitive, individual, token }
        ),
        1 => Just(Operation::Unconfigure),
        12 => any::<u8>().prop_map(|token| Operation::Post { token }),
        3 => prop::bool::weighted(0.15).prop_map(|sensitive| Operation::PostCommon { sensitive }),
        5 => (any::<u8>(), page.clone()).prop_map(|(token, page)| Operation::List { token, page }),
        2 => page.prop_map(|page| Operation::ListCommon { page }),
        5 => prop::option::of(0..4i32).prop_map(|batch| Operation::Promote { batch }),
        1 => (flag(), prop::bool::weighted(0.3))
            .prop_map(|(sensitive, fields)| Operation::Register { sensitive, fields }),
        2 => prop::bool::weighted(0.7).prop_map(|archive| Operation::DeleteTool { archive }),
        2 => Just(Operation::Restore),
        1 => Just(Operation::Backdate),
    ]
}

/// What there is at one moment.
struct World {
    tools: [Tool; 2],
    now: String,
    /// Payloads and tokens so far.
    number: i64,
    last_common_id: i64,
}

pub fn check(operations: &Vec<(usize, Operation)>) -> Result<(), String> {
    let last = ask("(SELECT max(id) FROM projectalpha_data.multiple_tools)");
    let mut world = World {
        tools: NAMES.map(Tool::new),
        now: now()?,
        number: 0,
        last_common_id: last.ok().and_then(|id| id.as_i64()).unwrap_or_default(),
    };
    world.configure(0, false, false, true)?;
    for (tool, operation) in operations {
        world.run(*tool, operation)?;
    }
    (0..NAMES.len()).try_for_each(|tool| world.compare(tool))
}

impl World {
    fn run(&mut self, tool: usize, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Configure {
                sensitive,
                individual,
                token,
            } => self.configure(tool, *sensitive, *individual, *token),
            Operation::Unconfigure => {
                let call = format!("projectalpha.unconfigure_tool('{}')", NAMES[tool]);
                expect(&call, self.tools[tool].unconfigure(), ask(&call))
            }
            Operation::Post { token } => self.post(tool, *token),
            Operation::PostCommon { sensitive } => self.post_common(tool, *sensitive),
            Operation::List { token, page } => self.list(tool, *token, page),
            Operation::ListCommon { page } => self.list_common(tool, page),
            Operation::Promote { batch } => self.promote(tool, *batch),
            Operation::Register { sensitive, fields } => self.register(tool, *sensitive, *fields),
            Operation::DeleteTool { archive } => {
                let name = NAMES[tool];
                let call = format!("projectalpha.delete_tool('{name}', archive => {archive})");
                expect(&call, self.tools[tool].delete(*archive), ask(&call))
            }
            Operation::Restore => {
                let call = format!(
                    "(SELECT r.tool_name FROM projectalpha.restore_tool('{}') AS r)",
                    NAMES[tool]
                );
                expect(&call, self.tools[tool].restore(), ask(&call))
            }
            Operation::Backdate => self.backdate(tool),
        }
    }

    fn next(&mut self) -> i64 {
        self.number += 1;
        self.number
    }

    /// Mostly the newest token of the tool.
    fn token(&self, tool: usize, number: u8) -> Option<String> {
        match number {
            0..220 => self.tools[tool].tokens.last().map(|t| t.text.clone()),
            220..238 => None,
            _ => Some("token-of-another".into()),
        }
    }

    fn configure(
        &mut self,
        tool: usize,
        sensitive: bool,
        individual: bool,
        token: bool,
    ) -> Result<(), String> {
        let name = NAMES[tool];
        let token = token.then(|| format!("token-of-model-{}", self.next()));
        let call = format!(
            "(SELECT json_build_array(r.table_name, r.token) FROM \
             projectalpha.configure_tool('{name}', {sensitive}, {individual}, {}) AS r)",
            or_null(token.as_deref().map(text))
        );
        let expected = self.tools[tool].configure(sensitive, individual, token.as_deref());
        let Some((new, got)) = agreed(&call, expected, ask(&call))? else {
            return Ok(());
        };
        let table = match individual {
            true => format!("tool_{name}"),
            false => "multiple_tools".into(),
        };
        same(&call, &json!(table), &got[0])?;
        match new.as_deref() {
            None => same(&call, &Value::Null, &got[1]),
            Some("") => {
                let made = got[1].as_str().ok_or(format!("{call}: no token"))?;
                self.tools[tool].replace_token(made);
                Ok(())
            }
            Some(given) => {
                self.tools[tool].replace_token(given);
                same(&call, &json!(given), &got[1])
            }
        }
    }

    fn post(&mut self, tool: usize, token: u8) -> Result<(), String> {
        let token = self.token(tool, token);
        let number = self.next();
        let call = format!(
            "projectalpha.store_configured('{}', '{{\"n\": {number}}}', {})",
            NAMES[tool],
            or_null(token.as_deref().map(text))
        );
        let expected = self.tools[tool].post(token.as_deref());
        let Some((place, got)) = agreed(&call, expected, ask(&call))? else {
            return Ok(());
        };
        match place {
            Place::Common { sensitive } => self.keep_common(tool, &call, number, sensitive, &got),
            Place::Own => {
                let row = self.row(number, false, &got);
                let own = self.tools[tool].registered.get_or_insert_default();
                if row.id.is_none_or(|id| id <= own.last_id) {
                    return Err(format!("{call}: id {got} after {}", own.last_id));
                }
                own.last_id = row.id.unwrap_or_default();
                own.rows.push(row);
                Ok(())
            }
        }
    }

    fn row(&self, number: i64, sensitive: bool, id: &Value) -> Row {
        Row {
            id: id.as_i64(),
            created_at: self.now.clone(),
            number,
            sensitive,
        }
    }

    fn post_common(&mut self, tool: usize, sensitive: bool) -> Result<(), String> {
        let number = self.next();
        let call = format!(
            "projectalpha.store_common('{}', '{{\"n\": {number}}}', {sensitive})",
            NAMES[tool]
        );
        match agreed(&call, Ok(()), ask(&call))? {
            Some(((), got)) => self.keep_common(tool, &call, number, sensitive, &got),
            None => Ok(()),
        }
    }

    fn keep_common(
        &mut self,
        tool: usize,
        call: &str,
        number: i64,
        sensitive: bool,
        id: &Value,
    ) -> Result<(), String> {
        let row = self.row(number, sensitive, id);
        if row.id.is_none_or(|id| id <= self.last_common_id) {
            return Err(format!("{call}: id {id} after {}", self.last_common_id));
        }
        self.last_common_id = row.id.unwrap_or_default();
        self.tools[tool].common.push(row);
        Ok(())
    }

    fn list(&mut self, tool: usize, token: u8, page: &Page) -> Result<(), String> {
        let token = self.token(tool, token);
        let listed = self.tools[tool].list(token.as_deref());
        let after = page.after_id(listed.as_deref().unwrap_or_default());
        let call = format!(
            "list_configured('{}', {}, {}, {}, {})",
            NAMES[tool],
            page.limit,
            page.offset,
            or_null(token.as_deref().map(text)),
            or_null(after)
        );
        let expected = match page.is_valid() {
            true => listed.map(|rows| page.of(rows, after)),
            false => Err(vec!["22023"]),
        };
        expect(&call, expected, ask_rows(&call))
    }

    fn list_common(&mut self, tool: usize, page: &Page) -> Result<(), String> {
        let shape = &self.tools[tool];
        let rows: Vec<(i64, Value)> = shape.common.iter().map(|r| shape.show_common(r)).collect();
        let after = page.after_id(&rows);
        let call = format!(
            "list_common('{}', {}, {}, NULL, {})",
            NAMES[tool],
            page.limit,
            page.offset,
            or_null(after)
        );
        let expected = match page.is_valid() {
            true => Ok(page.of(rows, after)),
            false => Err(vec!["22023"]),
        };
        expect(&call, expected, ask_rows(&call))
    }

    fn promote(&mut self, tool: usize, batch: Option<i32>) -> Result<(), String> {
        let call = format!(
            "(SELECT json_build_array(r.moved, r.done) FROM \
             projectalpha.promote_tool('{}', {}) AS r)",
            NAMES[tool],
            or_null(batch)
        );
        let expected = self.tools[tool].promote(batch);
        let Some(((moved, done), got)) = agreed(&call, expected, ask(&call))? else {
            return Ok(());
        };
        same(&call, &json!([moved, done]), &got)?;
        self.know_ids(tool)
    }

    /// What was moved to a table that was in use has new ids.
    fn know_ids(&mut self, tool: usize) -> Result<(), String> {
        let Some(own) = &mut self.tools[tool].registered else {
            return Ok(());
        };
        let call = format!(
            "array_to_json(ARRAY(SELECT t.id FROM projectalpha_data.tool_{} AS t ORDER BY t.id))",
            NAMES[tool]
        );
        let ids = ask(&call).map_err(|code| format!("{call}: {code}"))?;
        let ids = ids.as_array().into_iter().flatten();
        let ids: Vec<i64> = ids.filter_map(Value::as_i64).collect();
        own.know_ids(&ids)
            .map_err(|fault| format!("{call}: {fault}"))
    }

    fn register(&mut self, tool: usize, sensitive: bool, fields: bool) -> Result<(), String> {
        let token = format!("token-of-model-{}", self.next());
        let schema = fields.then(|| text(r#"[{"name": "n", "type": "int"}]"#));
        let call = format!(
            "(SELECT r.token FROM projectalpha.register_tool('{}', '{token}', {}, {sensitive}) AS r)",
            NAMES[tool],
            or_null(schema)
        );
        let expected = self.tools[tool].register(&token, sensitive, fields);
        expect(&call, expected, ask(&call))
    }

    fn backdate(&mut self, tool: usize) -> Result<(), String> {
        let statement = format!(
            "UPDATE projectalpha_data.multiple_tools SET created_at = \
                 '2001-01-01Z'::timestamptz + (id % 50) * '1 s'::interval \
             WHERE tool_name = '{}'",
            NAMES[tool]
        );
        pgrx::Spi::run(&statement).map_err(|error| format!("{statement}: {error}"))?;
        for row in &mut self.tools[tool].common {
            let second = row.id.unwrap_or_default() % 50;
            row.created_at = format!("2001-01-01T00:00:{second:02}+00:00");
        }
        Ok(())
    }

    /// Every row is where it should be, and nowhere else.
    fn compare(&mut self, tool: usize) -> Result<(), String> {
        let shape = &self.tools[tool];
        let whole = Page {
            limit: 127,
            offset: 0,
            after: None,
        };
        if let Some(own) = &shape.registered {
            let token = shape.tokens.last().map(|token| text(&token.text));
            let call = format!(
                "list_records('{}', 127, token => {})",
                NAMES[tool],
                or_null(token)
            );
            let rows = own.rows.iter().map(|row| own.show(row)).collect();
            expect(&call, Ok(whole.of(rows, None)), ask_rows(&call))?;
        }
        if shape.configuration.is_some() {
            self.list(tool, 0, &whole)?;
        }
        self.list_common(tool, &whole)
    }
}

impl Page {
    fn is_valid(&self) -> bool {
        self.limit >= 0 && self.offset >= 0
    }

    /// The id of one of these rows, to go on from.
    fn after_id(&self, rows: &[(i64, Value)]) -> Option<i64> {
        let number = usize::from(self.after?);
        match rows.len() {
            0 => Some(0),
            count => Some(rows[number % count].0),
        }
    }

    fn of(&self, rows: Vec<(i64, Value)>, after: Option<i64>) -> Value {
        let rows = rows.into_iter();
        let after = rows.filter(|(id, _)| after.is_none_or(|after| *id > after));
        let page = after.skip(self.offset as usize).take(self.limit as usize);
        page.map(|(_, shown)| shown).collect()
    }
}
