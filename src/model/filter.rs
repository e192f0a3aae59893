//! Filters: which records to list. A filter is a JSON object of conditions by
//! field, `{"rating": {"gte": 4}, "tag": "a"}`, or a list of such conditions from
//! the query of a URL, `rating.gte=4&tag.eq=a`. All of them must hold.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::error::Error;
use super::name::excerpt;
use super::schema::FieldType;
use super::value::Value;

/// Most conditions in one filter.
pub const MAX_CONDITIONS: usize = 100;
/// Most values that `in` takes.
pub const MAX_LIST: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Eq,
    /// As `<>` in SQL: not true for NULL.
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    Like,
    IsNull,
    Contains,
}

/// Every operator by its name.
const OPERATORS: [(&str, Operator); 10] = [
    ("eq", Operator::Eq),
    ("ne", Operator::Ne),
    ("lt", Operator::Lt),
    ("lte", Operator::Lte),
    ("gt", Operator::Gt),
    ("gte", Operator::Gte),
    ("in", Operator::In),
    ("like", Operator::Like),
    ("is_null", Operator::IsNull),
    ("contains", Operator::Contains),
];

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        OPERATORS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, operator)| *operator)
    }

    pub fn name(self) -> &'static str {
        OPERATORS
            .iter()
            .find(|(_, known)| *known == self)
            .map_or("", |(name, _)| name)
    }

    /// `eq, ne, ...`
    pub fn names() -> String {
        OPERATORS.map(|(name, _)| name).join(", ")
    }

    /// Those that there are for fields of a type.
    pub fn all_for(field_type: FieldType) -> impl Iterator<Item = Operator> {
        let all = OPERATORS.into_iter().map(|(_, operator)| operator);
        all.filter(move |operator| operator.fits(field_type))
    }

    fn fits(self, field_type: FieldType) -> bool {
        match self {
            Operator::Eq | Operator::Ne | Operator::In | Operator::IsNull => true,
            Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte => {
                !matches!(field_type, FieldType::Bool | FieldType::Json)
            }
            Operator::Like => field_type == FieldType::Str,
            Operator::Contains => field_type == FieldType::Json,
        }
    }

    /// In words, what the operator compares with.
    fn expects(self, field_type: FieldType) -> String {
        let name = field_type.name();
        match self {
            Operator::In => format!("1 to {MAX_LIST} values of type {name}"),
            Operator::IsNull => "true or false".into(),
            Operator::Like => "a pattern that does not end in an escape character".into(),
            _ => format!("a value of type {name}"),
        }
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Value(Value),
    /// For [`Operator::In`] alone.
    List(Vec<Value>),
    /// For [`Operator::IsNull`] alone.
    Null(bool),
}

/// One condition, checked against the columns of its tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub column: String,
    pub field_type: FieldType,
    pub operator: Operator,
    pub operand: Operand,
}

/// A condition as the query of a URL has it, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextCondition {
    pub field: String,
    pub operator: String,
    pub value: String,
}

/// Columns of a tool, and the conditions on them so far.
struct Filter<'a> {
    columns: &'a [(&'a str, FieldType)],
    conditions: Vec<Condition>,
}

/// Reads a filter from JSON text.
pub fn from_json(json: &str, columns: &[(&str, FieldType)]) -> Result<Vec<Condition>, Error> {
    let fields = object(json).ok_or(Error::FilterNotObject)?;
    let mut filter = Filter::of(columns);
    for (field, value) in &fields {
        let value = value.get();
        match object(value) {
            Some(operators) => {
                let column = filter.column(field)?;
                if operators.is_empty() {
                    return Err(operator_unknown(field, ""));
                }
                for (operator, value) in &operators {
                    let operator = find_operator(column, operator)?;
                    filter.add(
                        column,
                        operator,
                        json_operand(operator, column.1, value.get()),
                    )?;
                }
            }
            // A bare value.
            None => {
                let column = filter.column(field)?;
                let (operator, value) = match value {
                    "null" => (Operator::IsNull, "true"),
                    value => (Operator::Eq, value),
                };
                filter.add(column, operator, json_operand(operator, column.1, value))?;
            }
        }
    }
    Ok(filter.conditions)
}

/// Reads a filter from the query of a URL. The values of `in` come one by one,
/// `tag.in=a&tag.in=b`; whatever else comes twice must hold twice. What names
/// neither a field nor an operator is no condition but a parameter that is none of
/// ours, and those are ignored.
pub fn from_query(
    given: &[TextCondition],
    columns: &[(&str, FieldType)],
) -> Result<Vec<Condition>, Error> {
    let mut filter = Filter::of(columns);
    for condition in given {
        let column = match filter.column(&condition.field) {
            Err(_) if Operator::parse(&condition.operator).is_none() => continue,
            column => column?,
        };
        let operator = find_operator(column, &condition.operator)?;
        let operand = text_operand(operator, column.1, &condition.value);
        let known = filter
            .conditions
            .iter_mut()
            .find(|c| operator == Operator::In && c.operator == operator && c.column == column.0);
        match (known.map(|c| &mut c.operand), operand) {
            (Some(Operand::List(list)), Some(Operand::List(more))) if list.len() < MAX_LIST => {
                list.extend(more);
            }
            (Some(_), _) => return Err(value_unfit(column, operator)),
            (None, operand) => filter.add(column, operator, operand)?,
        }
    }
    Ok(filter.conditions)
}

impl<'a> Filter<'a> {
    fn of(columns: &'a [(&'a str, FieldType)]) -> Self {
        Filter {
            columns,
            conditions: Vec::new(),
        }
    }

    fn column(&self, field: &str) -> Result<(&'a str, FieldType), Error> {
        let known = self.columns.iter().find(|(name, _)| *name == field);
        known.copied().ok_or_else(|| Error::FieldUnknown {
            field: excerpt(field),
        })
    }

    /// Adds a condition; without an operand its value was of the wrong type.
    fn add(
        &mut self,
        column: (&str, FieldType),
        operator: Operator,
        operand: Option<Operand>,
    ) -> Result<(), Error> {
        let operand = operand.ok_or_else(|| value_unfit(column, operator))?;
        if self.conditions.len() == MAX_CONDITIONS {
            return Err(Error::FilterTooLong);
        }
        self.conditions.push(Condition {
            column: column.0.to_owned(),
            field_type: column.1,
            operator,
            operand,
        });
        Ok(())
    }
}

fn find_operator(column: (&str, FieldType), name: &str) -> Result<Operator, Error> {
    let operator = Operator::parse(name).ok_or_else(|| operator_unknown(column.0, name))?;
    if operator.fits(column.1) {
        Ok(operator)
    } else {
        Err(Error::OperatorUnfit {
            field: column.0.to_owned(),
            operator: operator.name(),
            declared: column.1,
        })
    }
}

fn operator_unknown(field: &str, operator: &str) -> Error {
    Error::OperatorUnknown {
        field: field.to_owned(),
        operator: excerpt(operator),
    }
}

fn value_unfit((field, field_type): (&str, FieldType), operator: Operator) -> Error {
    Error::OperandUnfit {
        field: field.to_owned(),
        operator: operator.name(),
        expected: operator.expects(field_type),
    }
}

impl Condition {
    /// The error for a value that turns out later not to be one of its type.
    pub fn unfit(&self) -> Error {
        value_unfit((&self.column, self.field_type), self.operator)
    }
}

/// The members of a JSON object, if it is one.
fn object(json: &str) -> Option<BTreeMap<String, &RawValue>> {
    json.trim_start()
        .starts_with('{')
        .then(|| serde_json::from_str(json).ok())?
}

fn json_operand(operator: Operator, field_type: FieldType, json: &str) -> Option<Operand> {
    // To compare with null is never true: `is_null` asks for it.
    let value = |json: &str| (json != "null").then(|| Value::from_json(field_type, json))?;
    match operator {
        Operator::IsNull => json.parse().ok().map(Operand::Null),
        Operator::In => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            let values: Option<Vec<Value>> = elements.iter().map(|e| value(e.get())).collect();
            values
                .filter(|values| (1..=MAX_LIST).contains(&values.len()))
                .map(Operand::List)
        }
        _ => value(json)
            .filter(|value| fits_as_pattern(operator, value))
            .map(Operand::Value),
    }
}

fn text_operand(operator: Operator, field_type: FieldType, text: &str) -> Option<Operand> {
    let value = Value::from_text(field_type, text)
        .filter(|value| !matches!(value, Value::Json(json) if json == "null"));
    match operator {
        Operator::IsNull => text.parse().ok().map(Operand::Null),
        Operator::In => value.map(|value| Operand::List(vec![value])),
        _ => value
            .filter(|value| fits_as_pattern(operator, value))
            .map(Operand::Value),
    }
}

/// PostgreSQL refuses a pattern that ends in an escape character, but only once
/// it has got that far in some row.
fn fits_as_pattern(operator: Operator, value: &Value) -> bool {
    match value {
        Value::Str(text) if operator == Operator::Like => {
            let at_the_end = text.bytes().rev().take_while(|b| *b == b'\\').count();
            at_the_end % 2 == 0
        }
        _ => true,
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
