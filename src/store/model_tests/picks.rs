//! From numbers to fields, payloads, filters and changes of a tool as it is.

use serde_json::{json, Map, Value};

use super::field::{json_schema, PATTERN};
use super::model::Tool;
use super::values::{odd_values, Kind, KINDS};

/// Names of fields; the last ones are refused, or are those of versioned tools.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "version", "id"];

const RULES: [&str; 9] = [
    "required",
    "unique",
    "default",
    "index",
    "min",
    "max",
    "max_length",
    "pattern",
    "enum",
];

const OPERATORS: [&str; 11] = [
    "eq", "ne", "lt", "lte", "gt", "gte", "in", "is_null", "like", "contains", "near",
];

#[derive(Debug, Clone)]
pub struct FieldPick {
    pub name: u8,
    pub kind: u8,
    /// Each with its limit.
    pub rules: Vec<(u8, u8)>,
}

#[derive(Debug, Clone)]
pub struct PayloadPick {
    /// One for each field.
    pub values: Vec<Option<u8>>,
    pub unknown: bool,
}

#[derive(Debug, Clone)]
pub struct FilterPick {
    /// Field, operator and operand.
    pub conditions: Vec<(u8, u8, u8)>,
}

#[derive(Debug, Clone)]
pub struct ChangePick {
    pub operation: u8,
    pub field: u8,
    pub other: u8,
    pub kind: u8,
    pub rules: Vec<(u8, u8)>,
}

/// One of a list, by a number of any size.
fn pick<T: Clone>(list: &[T], number: u8) -> T {
    list[usize::from(number) % list.len()].clone()
}

/// Mostly one that a field of this type can have.
fn value(kind: Kind, number: u8) -> Value {
    match number {
        245.. => pick(&odd_values(), number),
        _ => pick(&kind.candidates(), number),
    }
}

/// A new field; now and then of a name that is taken or refused.
pub fn field(picked: &FieldPick) -> Map<String, Value> {
    let kind = pick(&KINDS, picked.kind);
    let name = match picked.name {
        245.. => pick(&NAMES, picked.name),
        _ => pick(&NAMES[..5], picked.name),
    };
    let mut field = Map::new();
    field.insert("name".into(), json!(name));
    field.insert("type".into(), json!(kind.name()));
    for (rule, limit) in &picked.rules {
        let (rule, limit) = rule_of(kind, *rule, *limit);
        field.insert(rule.into(), limit);
    }
    field
}

/// A rule, mostly one that the type has, with its limit.
fn rule_of(kind: Kind, number: u8, limit: u8) -> (&'static str, Value) {
    let fitting: &[&str] = match kind {
        Kind::Int | Kind::Float | Kind::Time => &[
            "min", "max", "enum", "unique", "required", "default", "index",
        ],
        Kind::Str => &[
            "max_length",
            "pattern",
            "enum",
            "unique",
            "required",
            "default",
            "index",
        ],
        Kind::Bool => &["enum", "required", "default"],
        Kind::Json => &["json_schema", "required", "default", "index"],
    };
    let rule = match number {
        250.. => pick(&RULES, number),
        _ => pick(fitting, number),
    };
    let low = &kind.candidates()[..2];
    let limit = match rule {
        "min" => pick(low, limit),
        "max" => pick(&kind.candidates()[2..4.min(kind.candidates().len())], limit),
        "max_length" => json!(limit % 3 + 1),
        "pattern" => json!(PATTERN),
        "json_schema" => json_schema(),
        "enum" => json!(kind.candidates()[..2 + usize::from(limit) % 2]),
        "default" => pick(&kind.candidates()[..3.min(kind.candidates().len())], limit),
        _ => json!(true),
    };
    (rule, limit)
}

pub fn payload(tool: &Tool, picked: &PayloadPick) -> Value {
    let mut payload = Map::new();
    let columns = match &tool.fields {
        Some(_) => tool.columns(),
        None => NAMES[..4]
            .iter()
            .map(|n| ((*n).to_owned(), Kind::Int))
            .collect(),
    };
    for ((name, kind), number) in columns.into_iter().zip(&picked.values) {
        if let Some(number) = number {
            payload.insert(name, value(kind, *number));
        }
    }
    if picked.unknown {
        payload.insert("unknown".into(), json!(1));
    }
    Value::Object(payload)
}

/// A field that can be searched, or one that is not there.
fn searched(tool: &Tool, number: u8) -> (String, Kind) {
    let mut columns = tool.columns();
    columns.push(("id".into(), Kind::Int));
    columns.push(("version".into(), Kind::Int));
    match number {
        250.. => ("unknown".into(), Kind::Int),
        _ => pick(&columns, number),
    }
}

pub fn filter(tool: &Tool, picked: &FilterPick) -> Option<Value> {
    let mut filter = Map::new();
    for (field, operator, operand) in &picked.conditions {
        let (name, kind) = searched(tool, *field);
        let operator = pick(&OPERATORS, *operator);
        let operand_of = |number: u8| value(kind, number);
        let operand = match operator {
            "is_null" => pick(&[json!(true), json!(false)], *operand),
            "in" => json!([operand_of(*operand), operand_of(operand.wrapping_add(1))]),
            "like" => pick(&[json!("a%"), json!("%b"), json!("ab")], *operand),
            _ => operand_of(*operand),
        };
        let condition = match operator {
            // A bare object would be operators.
            "eq" if !operand.is_object() => operand,
            operator => json!({ operator: operand }),
        };
        filter.insert(name, condition);
    }
    (!filter.is_empty()).then_some(Value::Object(filter))
}

pub fn order_by(tool: &Tool, number: u8) -> Option<String> {
    let mut names: Vec<String> = tool.columns().into_iter().map(|(name, _)| name).collect();
    for name in ["id", "created_at", "updated_at", "version", "unknown"] {
        names.push(name.to_owned());
    }
    let sign = if number.is_multiple_of(2) { "" } else { "-" };
    match number / 2 {
        0..5 => None,
        number => Some(format!("{sign}{}", pick(&names, number))),
    }
}

pub fn field_name(tool: &Tool, number: u8) -> String {
    let columns = tool.columns();
    match number {
        250.. => "unknown".into(),
        _ if columns.is_empty() => "a".into(),
        _ => pick(&columns, number).0,
    }
}

pub fn change(tool: &Tool, picked: &ChangePick) -> Value {
    let name = field_name(tool, picked.field);
    let free = match picked.other {
        240.. => pick(&NAMES, picked.other),
        _ => pick(&NAMES[..5], picked.other),
    };
    match picked.operation {
        0 => json!({"add": field(&FieldPick {
            name: picked.other,
            kind: picked.kind,
            rules: picked.rules.clone(),
        })}),
        1 => json!({"rename": {"field": name, "to": free}}),
        2 => json!({ "drop": name }),
        3 => {
            let wider = pick(
                &[Kind::Float, Kind::Json, Kind::Float, Kind::Int],
                picked.kind,
            );
            json!({"widen": {"field": name, "type": wider.name()}})
        }
        4 | 5 => {
            let columns = tool.columns();
            let kind = columns.iter().find(|(column, _)| *column == name);
            let kind = kind.map_or(Kind::Int, |(_, kind)| *kind);
            let mut set = Map::from_iter([("field".to_owned(), json!(name))]);
            for (number, limit) in &picked.rules {
                let (rule, value) = rule_of(kind, *number, *limit);
                let value = if limit % 4 == 3 { Value::Null } else { value };
                let flag = matches!(rule, "required" | "unique" | "index");
                let off = if flag { json!(false) } else { Value::Null };
                set.insert(rule.into(), if value.is_null() { off } else { value });
            }
            json!({ "set": set })
        }
        _ => {
            let on = json!(picked.field.is_multiple_of(2));
            json!({"options": match picked.other % 6 {
                0 | 1 => json!({"versioned": on}),
                2 => json!({"strict": on}),
                3 => json!({"notify": on}),
                4 => json!({"sensitive": on}),
                _ => json!({"max_records": pick(
                    &[Value::Null, json!(3), json!(0), json!(6)], picked.kind)}),
            }})
        }
    }
}
