//! Rules made ready: patterns and JSON Schemas compiled once.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::json_schema::JsonSchema;
use super::rules::Rules;
use super::scalar::Scalar;

/// Memory that a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

/// What the values of a field are checked against, besides their type.
pub struct Checks {
    pub required: bool,
    min: Option<Scalar>,
    max: Option<Scalar>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    one_of: Option<Vec<Scalar>>,
    json_schema: Option<JsonSchema>,
}

/// A rule that a value does not follow, with its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokenRule {
    Required,
    Min(String),
    Max(String),
    MaxLength(usize),
    Pattern(String),
    /// The values that are allowed.
    Enum(String),
    /// Where in the value, and what is wrong there; shows nothing of the value.
    JsonSchema {
        at: String,
        reason: String,
    },
}

impl BrokenRule {
    /// The option of the field that sets the rule.
    pub fn option(&self) -> &'static str {
        match self {
            BrokenRule::Required => "required",
            BrokenRule::Min(_) => "min",
            BrokenRule::Max(_) => "max",
            BrokenRule::MaxLength(_) => "max_length",
            BrokenRule::Pattern(_) => "pattern",
            BrokenRule::Enum(_) => "enum",
            BrokenRule::JsonSchema { .. } => "json_schema",
        }
    }
}

impl Checks {
    /// None if the rules ask nothing of a value.
    pub fn of(rules: &Rules) -> Option<Self> {
        let checks = Checks {
            required: rules.required,
            min: rules.min.clone(),
            max: rules.max.clone(),
            max_length: rules.max_length,
            pattern: rules.pattern.as_deref().and_then(compile_pattern),
            one_of: rules.one_of.clone(),
            json_schema: rules.json_schema.as_ref().and_then(JsonSchema::compile),
        };
        let idle = !checks.required
            && checks.min.is_none()
            && checks.max.is_none()
            && checks.max_length.is_none()
            && checks.pattern.is_none()
            && checks.one_of.is_none()
            && checks.json_schema.is_none();
        (!idle).then_some(checks)
    }

    /// Every rule that the value breaks; in the normal case none, which allocates nothing.
    pub fn broken_by(&self, value: &Scalar) -> Vec<BrokenRule> {
        let mut broken = Vec::new();
        let order = |limit: &Option<Scalar>| limit.as_ref().and_then(|limit| value.compare(limit));
        if order(&self.min) == Some(Ordering::Less) {
            broken.extend(self.min.as_ref().map(|min| BrokenRule::Min(min.shown())));
        }
        if order(&self.max) == Some(Ordering::Greater) {
            broken.extend(self.max.as_ref().map(|max| BrokenRule::Max(max.shown())));
        }
        if let Scalar::Str(text) = value {
            self.check_text(text, &mut broken);
        }
        if let Some(allowed) = &self.one_of {
            let equal = |other: &Scalar| value.compare(other) == Some(Ordering::Equal);
            if !allowed.iter().any(equal) {
                let shown: Vec<String> = allowed.iter().map(Scalar::shown).collect();
                broken.push(BrokenRule::Enum(shown.join(", ")));
            }
        }
        broken
    }

    fn check_text(&self, text: &str, broken: &mut Vec<BrokenRule>) {
        match self.max_length {
            Some(length) if text.chars().nth(length).is_some() => {
                broken.push(BrokenRule::MaxLength(length));
            }
            _ => (),
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(text) => {
                broken.push(BrokenRule::Pattern(pattern.as_str().to_owned()));
            }
            _ => (),
        }
    }

    pub fn has_json_schema(&self) -> bool {
        self.json_schema.is_some()
    }

    /// Every fault of a json value that is given as text.
    pub fn broken_by_json_text(&self, text: &str) -> Vec<BrokenRule> {
        let schema = self.json_schema.as_ref();
        schema.map_or_else(Vec::new, |schema| schema.broken_by_text(text))
    }
}

/// A pattern of the crate `regex`: its time is linear in the text.
pub fn compile_pattern(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES)
        .build()
        .ok()
}
