//! A tool that may be configured, registered, both or neither, in memory.

use serde_json::{json, Value};

use super::answer::Refusal;

#[derive(Debug, Clone)]
pub struct Row {
    /// Not known yet of a row that was just moved.
    pub id: Option<i64>,
    pub created_at: String,
    /// Its payload is `{"n": number}`.
    pub number: i64,
    pub sensitive: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Configuration {
    pub sensitive: bool,
    pub individual: bool,
    pub promoting: bool,
}

/// A table of its own.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Registered with a field `n`; otherwise it keeps whole payloads.
    pub has_fields: bool,
    pub sensitive: bool,
    pub rows: Vec<Row>,
    pub last_id: i64,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub text: String,
    /// The one that `configure_tool` replaces.
    pub by_configure: bool,
}

#[derive(Debug, Clone)]
pub struct Tool {
    pub name: &'static str,
    pub configuration: Option<Configuration>,
    pub registered: Option<Own>,
    /// What a promotion has moved before the tool is registered.
    pub moved: Vec<Row>,
    pub common: Vec<Row>,
    pub tokens: Vec<Token>,
    pub archived: Vec<Archived>,
}

#[derive(Debug, Clone)]
pub struct Archived {
    own: Own,
    tokens: Vec<Token>,
    configuration: Option<Configuration>,
}

/// Where a post goes.
pub enum Place {
    Common { sensitive: bool },
    Own,
}

impl Tool {
    pub fn new(name: &'static str) -> Self {
        Tool {
            name,
            configuration: None,
            registered: None,
            moved: Vec::new(),
            common: Vec::new(),
            tokens: Vec::new(),
            archived: Vec::new(),
        }
    }

    /// The configuration, for a caller with this token.
    fn open(&self, token: Option<&str>) -> Result<Configuration, Refusal> {
        let configuration = self.configuration.ok_or(vec!["42704"])?;
        let own = self.registered.as_ref();
        let sensitive = own.map_or(configuration.sensitive, |own| own.sensitive);
        let fits = token.is_some_and(|t| self.tokens.iter().any(|known| known.text == t));
        match sensitive && !fits {
            true => Err(vec!["28000"]),
            false => Ok(configuration),
        }
    }

    /// Makes the table if it is to have one and this is the first post.
    pub fn post(&mut self, token: Option<&str>) -> Result<Place, Refusal> {
        let configuration = self.open(token)?;
        let sensitive = configuration.sensitive;
        if !configuration.individual {
            return Ok(Place::Common { sensitive });
        }
        self.registered.get_or_insert_with(|| Own {
            sensitive,
            ..Own::default()
        });
        Ok(Place::Own)
    }

    pub fn list(&self, token: Option<&str>) -> Result<Vec<(i64, Value)>, Refusal> {
        let configuration = self.open(token)?;
        if configuration.individual {
            let own = self.registered.iter();
            return Ok(own
                .flat_map(|own| own.rows.iter().map(|row| own.show(row)))
                .collect());
        }
        let moved = self.moved.iter().map(|row| Row {
            sensitive: configuration.sensitive,
            ..row.clone()
        });
        let mut rows: Vec<Row> = moved.chain(self.common.iter().cloned()).collect();
        rows.sort_by_key(|row| row.id);
        Ok(rows.iter().map(|row| self.show_common(row)).collect())
    }

    pub fn show_common(&self, row: &Row) -> (i64, Value) {
        let id = row.id.unwrap_or_default();
        let shown = json!({
            "id": id,
            "created_at": row.created_at,
            "tool_name": self.name,
            "data": {"n": row.number},
            "sensitive": u8::from(row.sensitive),
        });
        (id, shown)
    }

    /// The token that is new, if there is one; an empty one is to be made.
    pub fn configure(
        &mut self,
        sensitive: bool,
        individual: bool,
        token: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        if self.configuration.is_some_and(|c| c.promoting) {
            return Err(vec!["55006"]);
        }
        if self.registered.is_some() && !individual {
            return Err(vec!["55000"]);
        }
        self.configuration = Some(Configuration {
            sensitive,
            individual,
            promoting: false,
        });
        if let Some(own) = &mut self.registered {
            own.sensitive = sensitive;
        }
        Ok(match token {
            Some(token) => Some(token.to_owned()),
            None if sensitive && self.tokens.is_empty() => Some(String::new()),
            None => None,
        })
    }

    pub fn replace_token(&mut self, text: &str) {
        self.tokens.retain(|token| !token.by_configure);
        self.tokens.push(Token {
            text: text.to_owned(),
            by_configure: true,
        });
    }

    pub fn unconfigure(&mut self) -> Result<Value, Refusal> {
        match self.configuration {
            None => return Err(vec!["42704"]),
            Some(c) if c.promoting => return Err(vec!["55006"]),
            Some(_) => self.configuration = None,
        }
        if self.registered.is_none() {
            self.tokens.clear();
        }
        Ok(Value::Null)
    }

    /// How many rows were moved, and whether all of them are.
    pub fn promote(&mut self, batch: Option<i32>) -> Result<(i64, bool), Refusal> {
        if batch.is_some_and(|batch| batch < 1) {
            return Err(vec!["22023"]);
        }
        let before = self.configuration.ok_or(vec!["42704"])?;
        if self.registered.as_ref().is_some_and(|own| own.has_fields) {
            return Err(vec!["55000"]);
        }
        let limit = batch.map_or(usize::MAX, |batch| batch as usize);
        let count = self.common.len().min(limit);
        let own = self.registered.as_ref();
        let is_public = !own.map_or(before.sensitive, |own| own.sensitive);
        if is_public && self.common[..count].iter().any(|row| row.sensitive) {
            return Err(vec!["55000"]);
        }
        let done = count < limit;
        let moved: Vec<Row> = self.common.drain(..count).collect();
        if self.registered.is_some() || before.individual {
            // Others may have rows of these ids there.
            let new = moved.into_iter().map(|row| Row { id: None, ..row });
            let own = self.registered.get_or_insert_with(|| Own {
                sensitive: before.sensitive,
                ..Own::default()
            });
            own.rows.extend(new);
        } else {
            self.moved.extend(moved);
            if done {
                let rows = std::mem::take(&mut self.moved);
                self.registered = Some(Own {
                    has_fields: false,
                    sensitive: before.sensitive,
                    last_id: rows.last().and_then(|row| row.id).unwrap_or_default(),
                    rows,
                });
            }
        }
        self.configuration = Some(Configuration {
            individual: before.individual || done,
            promoting: !done,
            ..before
        });
        Ok((count as i64, done))
    }

    pub fn register(
        &mut self,
        token: &str,
        sensitive: bool,
        has_fields: bool,
    ) -> Result<Value, Refusal> {
        if self.registered.is_some() || self.configuration.is_some() {
            return Err(vec!["42710"]);
        }
        self.tokens = vec![Token {
            text: token.to_owned(),
            by_configure: false,
        }];
        self.registered = Some(Own {
            has_fields,
            sensitive,
            ..Own::default()
        });
        Ok(json!(token))
    }

    /// With its configuration; rows in the common table stay.
    pub fn delete(&mut self, archive: bool) -> Result<Value, Refusal> {
        let own = self.registered.take().ok_or(vec!["42704"])?;
        let configuration = self.configuration.take();
        let tokens = std::mem::take(&mut self.tokens);
        if archive {
            self.archived.push(Archived {
                own,
                tokens,
                configuration,
            });
        }
        Ok(Value::Null)
    }

    pub fn restore(&mut self) -> Result<Value, Refusal> {
        if self.archived.is_empty() {
            return Err(vec!["42704"]);
        }
        if self.registered.is_some() || self.configuration.is_some() {
            return Err(vec!["42710"]);
        }
        if let Some(back) = self.archived.pop() {
            self.tokens = back.tokens;
            self.configuration = back.configuration;
            self.registered = Some(back.own);
        }
        Ok(json!(self.name))
    }
}

impl Own {
    pub fn show(&self, row: &Row) -> (i64, Value) {
        let id = row.id.unwrap_or_default();
        let shown = match self.has_fields {
            true => json!({"id": id, "created_at": row.created_at, "n": row.number}),
            false => json!({"id": id, "created_at": row.created_at, "data": {"n": row.number}}),
        };
        (id, shown)
    }

    /// Gives rows the ids that they got in this table, which go on in their order.
    pub fn know_ids(&mut self, ids: &[i64]) -> Result<(), String> {
        if ids.len() != self.rows.len() {
            return Err(format!(
                "{} rows expected, got ids {ids:?}",
                self.rows.len()
            ));
        }
        for (row, id) in self.rows.iter_mut().zip(ids) {
            match row.id {
                Some(known) if known != *id => {
                    return Err(format!("id {known} expected, got {id}"));
                }
                Some(_) => continue,
                None => row.id = Some(*id),
            }
            if *id <= self.last_id {
                return Err(format!("id {id} is not above {}", self.last_id));
            }
            self.last_id = *id;
        }
        Ok(())
    }
}
