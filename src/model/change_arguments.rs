//! Reading what the operations of a change are given.

use serde_json::{Map, Value};

use super::alteration_error::AlterationError;
use super::error::Error;

/// What an operation is given, as an object.
pub fn object_of<'a>(
    operation: &'static str,
    wanted: &'static str,
    argument: &'a Value,
) -> Result<&'a Map<String, Value>, Error> {
    argument
        .as_object()
        .ok_or_else(|| AlterationError::OperationIncomplete { operation, wanted }.into())
}

/// The same, with no keys but these.
pub fn only_keys<'a>(
    operation: &'static str,
    wanted: &'static str,
    argument: &'a Value,
    keys: &[&str],
) -> Result<&'a Map<String, Value>, Error> {
    let object = object_of(operation, wanted, argument)?;
    if object.keys().all(|key| keys.contains(&key.as_str())) {
        Ok(object)
    } else {
        Err(AlterationError::OperationIncomplete { operation, wanted }.into())
    }
}

/// A string out of what an operation is given.
pub fn text_of<'a>(
    operation: &'static str,
    wanted: &'static str,
    object: &'a Map<String, Value>,
    key: &str,
) -> Result<&'a str, Error> {
    object
        .get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| AlterationError::OperationIncomplete { operation, wanted }.into())
}

/// An option that is on or off.
pub fn flag(option: &'static str, value: &Value) -> Result<bool, Error> {
    value.as_bool().ok_or(Error::OptionInvalid {
        option,
        wanted: "true or false",
    })
}

/// An option that is a number, or null for no limit.
pub fn limit(option: &'static str, value: &Value) -> Result<Option<i64>, Error> {
    match value {
        Value::Null => Ok(None),
        other => other.as_i64().map(Some).ok_or(Error::OptionInvalid {
            option,
            wanted: "a positive number",
        }),
    }
}

/// The description of a tool, or null for none.
pub fn description(value: &Value) -> Result<Option<String>, Error> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(Error::OptionInvalid {
            option: "description",
            wanted: "a string or null",
        }),
    }
}
