//! Templates of prompts: text with `{{placeholders}}`.
//!
//! A placeholder is a name between two braces and two braces, with spaces around it
//! if one likes. `{{` begins one wherever it stands. All other braces are text, so
//! that a prompt can show JSON, which has `}}` often and `{{` never. Only a name
//! that lacks its first brace, `{name}}`, is taken for the slip that it looks like,
//! unless it follows a letter, a digit or `$`, as in TeX and in programs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::resource_error::{ResourceError, Slip};

/// Bytes of a template.
pub const MAX_TEMPLATE: usize = 1 << 20;
/// Bytes of what becomes of it: a few letters of template can repeat a long value.
pub const MAX_RENDERED: usize = 1 << 24;
/// PostgreSQL's limit for names of fields, and so of parameters.
const MAX_NAME: usize = 63;

/// What the declaration of a parameter may have.
const DESCRIPTION: &str = "description";
const DEFAULT: &str = "default";

/// A template that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

impl<'a> Template<'a> {
    pub fn parse(text: &'a str) -> Result<Self, ResourceError> {
        if text.len() > MAX_TEMPLATE {
            return Err(ResourceError::TemplateTooLong);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            push_text(&mut parts, text, &rest[..open])?;
            let inner = &rest[open + 2..];
            let Some((name, after)) = inner.split_once("}}") else {
                return Err(malformed(text, &rest[open..], Slip::NotClosed));
            };
            let name = name.trim_matches(' ');
            if !is_name(name) {
                // `{{{x}}}` and `{{x}}}` alike: which braces were meant is a guess.
                return Err(malformed(text, &rest[open..], Slip::NoName));
            }
            parts.push(Part::Placeholder(name));
            rest = after;
        }
        push_text(&mut parts, text, rest)?;
        Ok(Template { parts })
    }

    /// The names of its placeholders.
    pub fn placeholders(&self) -> BTreeSet<&'a str> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Placeholder(name) => Some(*name),
                Part::Text(_) => None,
            })
            .collect()
    }

    /// The text with a value in the place of each placeholder. Values are taken as
    /// they are: braces in them mean nothing.
    pub fn render(&self, values: &BTreeMap<String, String>) -> Result<String, ResourceError> {
        let pieces = self.parts.iter().map(|part| match part {
            Part::Text(text) => Ok(*text),
            Part::Placeholder(name) => match values.get(*name) {
                Some(value) => Ok(value.as_str()),
                None => Err(ResourceError::ParameterMissing {
                    names: self.missing(values),
                }),
            },
        });
        let pieces: Vec<&str> = pieces.collect::<Result<_, _>>()?;
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if length > MAX_RENDERED {
            return Err(ResourceError::RenderedTooLong);
        }
        Ok(pieces.concat())
    }

    fn missing(&self, values: &BTreeMap<String, String>) -> Vec<String> {
        let names = self.placeholders().into_iter();
        names
            .filter(|name| !values.contains_key(*name))
            .map(str::to_owned)
            .collect()
    }
}

/// Keeps text between placeholders, which has no `{{`.
fn push_text<'a>(
    parts: &mut Vec<Part<'a>>,
    whole: &str,
    text: &'a str,
) -> Result<(), ResourceError> {
    let mut rest = text;
    while let Some(close) = rest.find("}}") {
        if let Some(open) = rest[..close].rfind('{') {
            let stands_alone =
                !rest[..open].ends_with(|before: char| before.is_alphanumeric() || before == '$');
            if stands_alone && is_name(rest[open + 1..close].trim_matches(' ')) {
                return Err(malformed(whole, &rest[open..], Slip::NotOpened));
            }
        }
        rest = &rest[close + 2..];
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(())
}

/// `at` is the part of `whole` that begins with what is wrong. Both are slices of
/// the same text, so the distance of their starts is the offset.
fn malformed(whole: &str, at: &str, slip: Slip) -> ResourceError {
    let offset = at.as_ptr() as usize - whole.as_ptr() as usize;
    ResourceError::TemplateMalformed {
        position: whole[..offset].chars().count() + 1,
        slip,
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= MAX_NAME
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Checks what is said about the parameters of a template:
/// `{"tone": {"description": "...", "default": "friendly"}}`.
pub fn check_parameters(template: &Template<'_>, declared: &Value) -> Result<(), ResourceError> {
    let Value::Object(declared) = declared else {
        return Err(ResourceError::DeclarationsNotObject);
    };
    let placeholders = template.placeholders();
    for (name, declaration) in declared {
        if !placeholders.contains(name.as_str()) {
            return Err(ResourceError::DeclaredWithoutPlaceholder { name: name.clone() });
        }
        let fits = |(key, value): (&String, &Value)| match key.as_str() {
            DESCRIPTION => value.is_string() || value.is_null(),
            DEFAULT => true,
            _ => false,
        };
        if !declaration
            .as_object()
            .is_some_and(|keys| keys.iter().all(fits))
        {
            return Err(ResourceError::DeclarationInvalid { name: name.clone() });
        }
    }
    Ok(())
}

/// Refuses an adaptation with placeholders that its base does not have: nobody
/// would give values for them.
pub fn check_adaptation(
    adaptation: &Template<'_>,
    base: &Template<'_>,
) -> Result<(), ResourceError> {
    let known = base.placeholders();
    let unknown = adaptation.placeholders();
    let unknown: Vec<String> = unknown
        .difference(&known)
        .map(|name| (*name).to_owned())
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(ResourceError::PlaceholderNotInBase { names: unknown })
    }
}

/// Refuses values for which there is no placeholder, in the base or in what is
/// rendered in its place.
pub fn check_given<'v>(
    given: impl Iterator<Item = &'v str>,
    base: &Template<'_>,
    rendered: &Template<'_>,
) -> Result<(), ResourceError> {
    let mut known = base.placeholders();
    known.append(&mut rendered.placeholders());
    let unknown: Vec<String> = given
        .filter(|name| !known.contains(name))
        .map(str::to_owned)
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(ResourceError::ParameterUnknown {
            names: unknown,
            known: known.into_iter().map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
