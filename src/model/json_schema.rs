//! JSON Schemas of json fields, compiled once, and checked in bounded time.
//!
//! A schema may refer to itself, more than once for the same value: then a few
//! nested objects take more steps than there is time, and each keeps its faults in
//! memory. The crate knows no limit and asks nobody whether to go on. So each
//! reference gets a keyword of ours beside it, which counts.

use std::cell::Cell;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

use jsonschema::{Draft, Keyword, ValidationError, Validator};
use serde_json::Value;

use super::checks::BrokenRule;
use super::resource_error::Misfit;

/// Faults of one value that are told at once.
const MAX_FAULTS: usize = 100;
/// References that may be followed for a value, besides one for each of its bytes.
const MAX_STEPS: usize = 100_000;
/// References that may be followed to find out what is wrong with it.
const MAX_STEPS_TO_EXPLAIN: usize = 20_000;

/// The keyword that counts.
const STEP: &str = "x-step";
/// Keywords with schemas by names, which are no keywords themselves.
const SCHEMAS_BY_NAME: [&str; 5] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];
/// Keywords with values, which are no schemas.
const VALUES: [&str; 5] = ["enum", "const", "default", "examples", "dependentRequired"];

thread_local! {
    static STEPS_LEFT: Cell<usize> = const { Cell::new(0) };
}

/// A compiled schema of draft 2020-12.
pub struct JsonSchema(Validator);

impl JsonSchema {
    /// None if it is no such schema. Nothing is fetched: a reference to another
    /// document is refused.
    pub fn compile(schema: &Value) -> Option<Self> {
        Self::compile_or_explain(schema).ok()
    }

    /// The same; otherwise what is wrong with it.
    pub fn compile_or_explain(schema: &Value) -> Result<Self, Misfit> {
        let mut schema = schema.clone();
        count_references(&mut schema);
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_keyword(STEP, |_, _, _| Ok(Box::new(Step)))
            .build(&schema)
            .map(JsonSchema)
            .map_err(|error| Misfit {
                at: error.instance_path().to_string(),
                reason: without_advice(shown(&error)),
            })
    }

    /// Every fault of a value that is given as text. PostgreSQL's jsonb holds what
    /// the parser does not take; that fits no schema.
    pub fn broken_by_text(&self, text: &str) -> Vec<BrokenRule> {
        match serde_json::from_str(text) {
            Ok(value) => self.broken_by(&value, text.len()),
            Err(error) if error.to_string().starts_with("number out of range") => {
                as_a_whole("value has a number outside the range of double precision")
            }
            Err(_) => as_a_whole("value is nested too deeply"),
        }
    }

    /// Every fault of a value of so many bytes. What is said shows nothing of the
    /// value.
    pub fn broken_by(&self, value: &Value, bytes: usize) -> Vec<BrokenRule> {
        let steps = MAX_STEPS.saturating_add(bytes);
        match within_steps(steps, || self.0.is_valid(value)) {
            Some(true) => Vec::new(),
            Some(false) => within_steps(MAX_STEPS_TO_EXPLAIN, || self.faults(value))
                .unwrap_or_else(|| as_a_whole("value has more faults than can be listed")),
            None => as_a_whole("value takes too many steps to check"),
        }
    }

    fn faults(&self, value: &Value) -> Vec<BrokenRule> {
        self.0
            .iter_errors(value)
            .take(MAX_FAULTS)
            .map(|error| BrokenRule::JsonSchema {
                at: error.instance_path().to_string(),
                reason: shown(&error),
            })
            .collect()
    }
}

/// What is wrong, without the value; some faults show a part of the schema.
fn shown(error: &ValidationError<'_>) -> String {
    error.masked().to_string().replace(r#","x-step":true"#, "")
}

/// The crate advises its users to build it so that it fetches documents.
fn without_advice(mut reason: String) -> String {
    if let Some(advice) = reason.find(" and retrieving it failed") {
        reason.truncate(advice);
    }
    reason
}

fn as_a_whole(reason: &str) -> Vec<BrokenRule> {
    vec![BrokenRule::JsonSchema {
        at: String::new(),
        reason: reason.to_owned(),
    }]
}

/// Puts the keyword that counts beside each reference of a schema.
fn count_references(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(count_references),
        Value::Object(keywords) => {
            for (keyword, argument) in keywords.iter_mut() {
                if SCHEMAS_BY_NAME.contains(&keyword.as_str()) {
                    if let Value::Object(schemas) = argument {
                        schemas.values_mut().for_each(count_references);
                    }
                } else if !VALUES.contains(&keyword.as_str()) {
                    count_references(argument);
                }
            }
            if keywords.contains_key("$ref") || keywords.contains_key("$dynamicRef") {
                keywords.insert(STEP.to_owned(), Value::Bool(true));
            }
        }
        _ => (),
    }
}

/// Raised to get out of the crate, which knows no other way; it never gets further
/// than [`within_steps`].
struct TooManySteps;

struct Step;

impl<'i> Keyword<'i> for Step {
    fn validate(&self, _: &'i Value) -> Result<(), ValidationError<'i>> {
        take_step();
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        take_step();
        true
    }
}

fn take_step() {
    match STEPS_LEFT.get().checked_sub(1) {
        Some(left) => STEPS_LEFT.set(left),
        // Not a panic: no hook runs, nothing is logged.
        None => resume_unwind(Box::new(TooManySteps)),
    }
}

/// None if `body` takes more steps than these.
fn within_steps<T>(steps: usize, body: impl FnOnce() -> T) -> Option<T> {
    STEPS_LEFT.set(steps);
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => Some(value),
        Err(raised) if raised.is::<TooManySteps>() => None,
        Err(raised) => resume_unwind(raised),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reasons(schema: &Value, value: &Value) -> Vec<String> {
        let schema = JsonSchema::compile(schema).unwrap();
        let broken = schema.broken_by_text(&value.to_string());
        let reason = |rule| match rule {
            BrokenRule::JsonSchema { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        broken.into_iter().map(reason).collect()
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!({}), |inner, _| json!({ "l": inner }))
    }

    #[test]
    fn schemas_that_refer_to_themselves_twice_come_to_an_end() {
        let branch = json!({"required": ["x"], "properties": {"l": {"$ref": "#"}}});
        let any = json!({"anyOf": [branch, branch]});
        assert_eq!(reasons(&any, &nested(2)).len(), 1);
        assert_eq!(
            reasons(&any, &nested(100)),
            ["value has more faults than can be listed"]
        );
        let mut chain = json!({"d40": {"type": "integer"}});
        for n in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            chain[format!("d{n}")] = json!({"allOf": [next, next]});
        }
        let chain = json!({"$defs": chain, "$ref": "#/$defs/d0"});
        assert_eq!(
            reasons(&chain, &json!(1)),
            ["value takes too many steps to check"]
        );
        // Twice the same for the same value is known after the first time.
        for reference in ["$ref", "$dynamicRef"] {
            let branch = json!({"properties": {"l": {reference: "#n"}}});
            let all = json!({"$dynamicAnchor": "n", "allOf": [branch, branch]});
            assert!(reasons(&all, &nested(100)).is_empty());
        }
    }

    #[test]
    fn large_values_have_steps_enough() {
        let schema = json!({"items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}});
        let value = Value::from((0..300_000).map(|n| n % 10).collect::<Vec<i32>>());
        assert!(reasons(&schema, &value).is_empty());
    }

    #[test]
    fn values_in_a_schema_stay_as_they_are() {
        let value = json!({"$ref": "#"});
        for schema in [json!({"const": value}), json!({"enum": [value]})] {
            assert!(reasons(&schema, &value).is_empty());
        }
        let schema = json!({"not": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}});
        assert_eq!(
            reasons(&schema, &json!(1)),
            [r##"{"$ref":"#/$defs/n"} is not allowed for value"##]
        );
        // Here it is a schema, whatever its name.
        let schema = json!({"properties": {"enum": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"type": "string"}}});
        assert_eq!(reasons(&schema, &json!({"enum": 1})).len(), 1);
    }
}
