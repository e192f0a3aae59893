//! Whether a value meets a condition of a filter, without a table: as PostgreSQL
//! answers for a column that holds the value. Text has the order of its bytes.

use std::cmp::Ordering;

use super::filter::{Condition, Operand, Operator};
use super::value::Value;

/// What a record has in a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given<'a> {
    /// NULL, or nothing.
    Null,
    Int(i64),
    Float(f64),
    Str(&'a str),
    Bool(bool),
    /// Microseconds since PostgreSQL's epoch.
    Timestamp(i64),
    /// JSON, which PostgreSQL itself compares, or a value that is not of the field's
    /// type and that no column can hold.
    Other,
}

impl Given<'_> {
    /// None for two types, and for what is not compared here.
    fn compare(self, operand: &Value) -> Option<Ordering> {
        match (self, operand) {
            (Given::Int(a), Value::Int(b)) | (Given::Timestamp(a), Value::Timestamp(b)) => {
                Some(a.cmp(b))
            }
            // Neither can be NaN: JSON has none.
            (Given::Float(a), Value::Float(b)) => a.partial_cmp(b),
            (Given::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Given::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// NULL meets nothing but `is_null`.
pub fn holds(condition: &Condition, given: Given<'_>) -> bool {
    match (&condition.operand, condition.operator) {
        (Operand::Null(wanted), _) => (given == Given::Null) == *wanted,
        (Operand::List(values), _) => values
            .iter()
            .any(|value| given.compare(value) == Some(Ordering::Equal)),
        (Operand::Value(Value::Str(pattern)), Operator::Like) => match given {
            Given::Str(text) => like(text, pattern),
            _ => false,
        },
        (Operand::Value(value), operator) => given
            .compare(value)
            .is_some_and(|ordering| fits(operator, ordering)),
    }
}

fn fits(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Eq | Operator::In => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Lt => ordering.is_lt(),
        Operator::Lte => ordering.is_le(),
        Operator::Gt => ordering.is_gt(),
        Operator::Gte => ordering.is_ge(),
        Operator::Like | Operator::IsNull | Operator::Contains => false,
    }
}

/// What a pattern goes on with.
enum Part {
    /// `%`
    Anything,
    /// `_`
    AnyOne,
    One(char),
}

fn next_part(pattern: &str) -> Option<(Part, &str)> {
    let mut chars = pattern.chars();
    let part = match chars.next()? {
        '%' => Part::Anything,
        '_' => Part::AnyOne,
        '\\' => Part::One(chars.next()?),
        other => Part::One(other),
    };
    Some((part, chars.as_str()))
}

fn like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text, pattern);
    // Where the last `%` may take one character more, and what follows it.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let part = next_part(pattern);
        if let Some((Part::Anything, rest)) = part {
            retry = Some((text, rest));
            pattern = rest;
            continue;
        }
        let mut chars = text.chars();
        match (part, chars.next()) {
            (None, None) => return true,
            (Some((Part::AnyOne, rest)), Some(_)) => {
                (text, pattern) = (chars.as_str(), rest);
                continue;
            }
            (Some((Part::One(wanted), rest)), Some(found)) if wanted == found => {
                (text, pattern) = (chars.as_str(), rest);
                continue;
            }
            _ => {}
        }
        let Some((from, after)) = retry else {
            return false;
        };
        let mut chars = from.chars();
        if chars.next().is_none() {
            return false;
        }
        retry = Some((chars.as_str(), after));
        (text, pattern) = (chars.as_str(), after);
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::from_json;
    use super::super::schema::FieldType;
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [(&str, FieldType); 6] = [
        ("n", FieldType::Int),
        ("x", FieldType::Float),
        ("s", FieldType::Str),
        ("b", FieldType::Bool),
        ("t", FieldType::Timestamp),
        ("j", FieldType::Json),
    ];

    fn meets(filter: &str, given: Given<'_>) -> bool {
        let conditions = from_json(filter, &COLUMNS).unwrap();
        conditions.iter().all(|condition| holds(condition, given))
    }

    #[test]
    fn each_operator() {
        for (filter, given, expected) in [
            (r#"{"n": 4}"#, Given::Int(4), true),
            (r#"{"n": {"ne": 4}}"#, Given::Int(5), true),
            (r#"{"n": {"ne": 4}}"#, Given::Int(4), false),
            (r#"{"n": {"lt": 4}}"#, Given::Int(4), false),
            (r#"{"n": {"lte": 4}}"#, Given::Int(4), true),
            (r#"{"n": {"gt": 4}}"#, Given::Int(4), false),
            (r#"{"n": {"gte": 4}}"#, Given::Int(4), true),
            (r#"{"n": {"in": [1, 4]}}"#, Given::Int(4), true),
            (r#"{"n": {"in": [1, 4]}}"#, Given::Int(2), false),
            (r#"{"x": 0}"#, Given::Float(-0.0), true),
            (r#"{"x": {"gt": 1.5}}"#, Given::Float(1.6), true),
            (r#"{"s": {"lt": "a"}}"#, Given::Str("Z"), true),
            (r#"{"s": {"lt": "é"}}"#, Given::Str("z"), true),
            (r#"{"b": true}"#, Given::Bool(false), false),
            (
                r#"{"t": {"gte": "2000-01-01T01:00:00+01:00"}}"#,
                Given::Timestamp(0),
                true,
            ),
            (r#"{"t": {"lt": "2000-01-01"}}"#, Given::Timestamp(-1), true),
        ] {
            assert_eq!(meets(filter, given), expected, "{filter} {given:?}");
        }
    }

    #[test]
    fn null_meets_is_null_alone() {
        for filter in [
            r#"{"n": 1}"#,
            r#"{"n": {"ne": 1}}"#,
            r#"{"n": {"in": [1]}}"#,
            r#"{"n": {"lt": 1}}"#,
            r#"{"s": {"like": "%"}}"#,
            r#"{"n": {"is_null": false}}"#,
            r#"{"j": {"contains": {}}}"#,
        ] {
            assert!(!meets(filter, Given::Null), "{filter}");
        }
        assert!(meets(r#"{"n": null}"#, Given::Null));
        assert!(!meets(r#"{"n": null}"#, Given::Int(0)));
        assert!(!meets(r#"{"n": null}"#, Given::Other));
        assert!(meets(r#"{"n": {"is_null": false}}"#, Given::Other));
        assert!(!meets(r#"{"n": {"ne": 1}}"#, Given::Other));
    }

    #[test]
    fn patterns() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "a_c", true),
            ("abc", "_", false),
            ("abc", "%b%", true),
            ("abc", "B", false),
            ("aéc", "a_c", true),
            ("a%c", r"a\%c", true),
            ("abc", r"a\%c", false),
            (r"a\c", r"a\\c", true),
            ("abab", "%ab", true),
            ("aab", "%ab", true),
            ("a\nb", "a%b", true),
            ("mississippi", "%is%ip%i", true),
            ("mississippi", "%is%ix%", false),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} {pattern}");
        }
    }

    /// Written from the definition, slow as it is.
    fn naive_like(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|n| naive_like(&text[n..], rest)),
            ['_', rest @ ..] => !text.is_empty() && naive_like(&text[1..], rest),
            ['\\', wanted, rest @ ..] | [wanted, rest @ ..] => {
                text.first() == Some(wanted) && naive_like(&text[1..], rest)
            }
        }
    }

    proptest! {
        #[test]
        fn like_is_what_its_definition_says(text in "[abé%\\\\]{0,8}", pattern in "([abé%_]|\\\\[ab%_\\\\]){0,6}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(like(&text, &pattern), naive_like(&chars(&text), &chars(&pattern)));
        }
    }
}
