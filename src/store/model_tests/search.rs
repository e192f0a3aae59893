//! The model's filters and orders.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::answer::Refusal;
use super::model::{Record, Tool};
use super::values::{Datum, Kind};

/// Where a page ended.
#[derive(Debug, Clone)]
pub struct Position {
    pub value: Value,
    pub id: i64,
}

impl Tool {
    /// The records that meet a filter, in order, after a position.
    pub fn find(
        &self,
        token: Option<&str>,
        filter: Option<&Value>,
        order_by: Option<&str>,
        after: Option<&Position>,
    ) -> Result<Vec<&Record>, Refusal> {
        self.may_read(token)?;
        let mut found = self.filtered(filter)?;
        let (name, descending) = match order_by.unwrap_or("id") {
            text if text.starts_with('-') => (&text[1..], true),
            text => (text, false),
        };
        let kind = self.listed_kind(name).ok_or(vec!["42703"])?;
        if kind == Kind::Json {
            return Err(vec!["22023"]);
        }
        let key = |r: &Record| (self.listed(r, name), r.id);
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        found.sort_by(|a, b| turned(ascending(&key(a), &key(b))));
        if let Some(after) = after {
            let value = match name {
                "created_at" | "updated_at" => after.value.as_str().map(|s| Datum::Str(s.into())),
                _ => kind.read(&after.value).map_err(|_| vec!["22023"])?,
            };
            let last = (value, after.id);
            found.retain(|r| turned(ascending(&key(r), &last)) == Ordering::Greater);
        }
        Ok(found)
    }

    pub fn filtered(&self, filter: Option<&Value>) -> Result<Vec<&Record>, Refusal> {
        let mut conditions = Vec::new();
        let mut refusal = Vec::new();
        for (name, operators) in filter
            .and_then(Value::as_object)
            .iter()
            .flat_map(|o| o.iter())
        {
            for (operator, operand) in operators_of(operators) {
                match self.condition(name, &operator, &operand) {
                    Ok(condition) => conditions.push((name.clone(), condition)),
                    Err(code) => refusal.push(code),
                }
            }
        }
        if !refusal.is_empty() {
            return Err(refusal);
        }
        let meets = |r: &&Record| {
            let mut all = conditions.iter();
            all.all(|(name, condition)| condition(self.listed(r, name)))
        };
        Ok(self.records.iter().filter(meets).collect())
    }

    fn listed_kind(&self, name: &str) -> Option<Kind> {
        match name {
            "id" => return Some(Kind::Int),
            "created_at" => return Some(Kind::Time),
            "updated_at" if self.options.versioned => return Some(Kind::Time),
            "version" if self.options.versioned => return Some(Kind::Int),
            _ => (),
        }
        let columns = self.columns();
        let column = columns.iter().find(|(column, _)| column == name);
        column.map(|(_, kind)| *kind)
    }

    fn listed(&self, record: &Record, name: &str) -> Option<Datum> {
        match name {
            "id" => Some(Datum::Int(record.id)),
            "created_at" => Some(Datum::Str(record.created_at.clone())),
            "updated_at" if self.options.versioned => Some(Datum::Str(record.updated_at.clone())),
            "version" if self.options.versioned => Some(Datum::Int(record.version)),
            _ => record.values.get(name).cloned(),
        }
    }

    #[allow(clippy::type_complexity)]
    fn condition(
        &self,
        name: &str,
        operator: &str,
        operand: &Value,
    ) -> Result<Box<dyn Fn(Option<Datum>) -> bool>, &'static str> {
        let kind = self.listed_kind(name).ok_or("42703")?;
        let has_order = !matches!(kind, Kind::Bool | Kind::Json);
        let one = |value: &Value| kind.read(value).ok().flatten().ok_or("22023");
        Ok(match operator {
            "is_null" => {
                let wanted = operand.as_bool().ok_or("22023")?;
                Box::new(move |value| value.is_none() == wanted)
            }
            "in" => {
                let list = operand.as_array().ok_or("22023")?;
                let list: Vec<Datum> = list.iter().map(one).collect::<Result<_, _>>()?;
                Box::new(move |value| value.is_some_and(|v| list.contains(&v)))
            }
            "eq" => {
                let wanted = one(operand)?;
                Box::new(move |value| value.is_some_and(|v| v == wanted))
            }
            "ne" => {
                let wanted = one(operand)?;
                Box::new(move |value| value.is_some_and(|v| v != wanted))
            }
            "lt" | "lte" | "gt" | "gte" if has_order => {
                let limit = one(operand)?;
                let wanted: &[Ordering] = match operator {
                    "lt" => &[Ordering::Less],
                    "lte" => &[Ordering::Less, Ordering::Equal],
                    "gt" => &[Ordering::Greater],
                    _ => &[Ordering::Greater, Ordering::Equal],
                };
                Box::new(move |value| value.is_some_and(|v| wanted.contains(&v.order(&limit))))
            }
            "like" if kind == Kind::Str => {
                let Datum::Str(pattern) = one(operand)? else {
                    panic!("a str is read as one");
                };
                Box::new(move |value| match value {
                    Some(Datum::Str(text)) => is_like(&text, &pattern),
                    _ => false,
                })
            }
            "contains" if kind == Kind::Json => {
                let part = operand.clone();
                one(operand)?;
                Box::new(move |value| match value {
                    Some(Datum::Json(json)) => contains(&json, &part, true),
                    _ => false,
                })
            }
            _ => return Err("22023"),
        })
    }
}

/// Nulls come last, ties are in the order of ids.
fn ascending(a: &(Option<Datum>, i64), b: &(Option<Datum>, i64)) -> Ordering {
    let by_value = match (&a.0, &b.0) {
        (Some(x), Some(y)) => x.order(y),
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
    };
    by_value.then(a.1.cmp(&b.1))
}

/// A bare value means `eq`, null means `is_null`.
fn operators_of(given: &Value) -> Map<String, Value> {
    match given {
        Value::Object(operators) => operators.clone(),
        Value::Null => Map::from_iter([("is_null".to_owned(), Value::Bool(true))]),
        value => Map::from_iter([("eq".to_owned(), value.clone())]),
    }
}

/// `%` at one end or none at all.
fn is_like(text: &str, pattern: &str) -> bool {
    match (pattern.strip_prefix('%'), pattern.strip_suffix('%')) {
        (_, Some(start)) => text.starts_with(start),
        (Some(end), _) => text.ends_with(end),
        (None, None) => text == pattern,
    }
}

/// As the operator `@>` of jsonb.
fn contains(json: &Value, part: &Value, outermost: bool) -> bool {
    match (json, part) {
        (Value::Object(json), Value::Object(part)) => part
            .iter()
            .all(|(key, value)| json.get(key).is_some_and(|v| contains(v, value, false))),
        (Value::Array(json), Value::Array(part)) => part
            .iter()
            .all(|value| json.iter().any(|v| contains(v, value, false))),
        (Value::Array(json), part) if outermost && !part.is_object() => json.contains(part),
        (json, part) => json == part,
    }
}
