//! Asking the extension, by SQL, and comparing what it answers.

use pgrx::prelude::*;
use serde_json::Value;

use crate::pg::report::Failure;
use crate::pg::subtransaction::atomically;

/// The SQLSTATEs that a call may be refused with: more than one where several
/// things are wrong and the order of looking is nobody's business.
pub type Refusal = Vec<&'static str>;

/// What a call gave: the JSON of its result, or an SQLSTATE.
pub type Answer = Result<Value, String>;

/// A subtransaction around each call, and one tool so that schemas and tables which
/// come at first use are there.
pub fn prepare() {
    for statement in [
        "SET TimeZone = 'UTC'",
        "CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
         DECLARE result text;
         BEGIN
             EXECUTE statement INTO result;
             RETURN result;
         EXCEPTION WHEN OTHERS THEN
             RETURN 'SQLSTATE ' || SQLSTATE;
         END $$",
        "SELECT projectalpha.register_tool('model_first', 'token-of-first')",
        "SELECT projectalpha.store_record('model_first', 'token-of-first', '{}', 'key')",
        "SELECT projectalpha.store_common('model_first', '{}')",
    ] {
        Spi::run(statement).unwrap();
    }
}

/// Runs `body` and undoes all that it did.
pub fn undone(body: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    struct Outcome(Result<(), String>);
    impl From<Failure> for Outcome {
        fn from(failure: Failure) -> Self {
            Outcome(Err(format!("{failure:?}")))
        }
    }
    match atomically::<(), Outcome>(|| Err(Outcome(body()))) {
        Ok(()) => Ok(()),
        Err(Outcome(outcome)) => outcome,
    }
}

/// Evaluates an expression of a type that has JSON text.
pub fn ask(expression: &str) -> Answer {
    let statement = format!("SELECT ({expression})::text");
    let answer =
        Spi::get_one_with_args::<String>("SELECT pg_temp.answer($1)", &[statement.as_str().into()]);
    let text = answer.unwrap().unwrap_or_default();
    match text.strip_prefix("SQLSTATE ") {
        Some(sqlstate) => Err(sqlstate.to_owned()),
        // void is an empty text.
        None if text.is_empty() => Ok(Value::Null),
        None => Ok(serde_json::from_str(&text).unwrap_or(Value::String(text))),
    }
}

/// The time of this transaction as a listing shows it: a fraction has six digits.
pub fn now() -> Result<String, String> {
    let shown = "replace(to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"'), '.000000', '')";
    match ask(shown) {
        Ok(Value::String(now)) => Ok(now),
        other => Err(format!("{shown}: {other:?}")),
    }
}

/// Evaluates a function that gives a set of records.
pub fn ask_rows(function: &str) -> Answer {
    ask(&format!(
        "array_to_json(ARRAY(SELECT r FROM projectalpha.{function} AS r))"
    ))
}

/// The answer and what was expected, if the call was to succeed and did; nothing if
/// it was refused as expected.
pub fn agreed<T>(
    call: &str,
    expected: Result<T, Refusal>,
    answer: Answer,
) -> Result<Option<(T, Value)>, String> {
    match (expected, answer) {
        (Ok(expected), Ok(value)) => Ok(Some((expected, value))),
        (Err(codes), Err(code)) if codes.contains(&code.as_str()) => Ok(None),
        (Ok(_), Err(code)) => Err(format!("{call}: expected to succeed, got {code}")),
        (Err(codes), other) => Err(format!("{call}: expected {codes:?}, got {other:?}")),
    }
}

/// Compares two results, the order of a record's keys included.
pub fn same(call: &str, expected: &Value, got: &Value) -> Result<(), String> {
    let keys = |value: &Value| -> Vec<Vec<String>> {
        let records = match value {
            Value::Array(records) => records.as_slice(),
            one => std::slice::from_ref(one),
        };
        let objects = records.iter().filter_map(Value::as_object);
        objects.map(|o| o.keys().cloned().collect()).collect()
    };
    if expected == got && keys(expected) == keys(got) {
        return Ok(());
    }
    Err(format!("{call}:\n  expected {expected}\n  got      {got}"))
}

/// Calls, and expects just that.
pub fn expect(call: &str, expected: Result<Value, Refusal>, answer: Answer) -> Result<(), String> {
    match agreed(call, expected, answer)? {
        Some((expected, got)) => same(call, &expected, &got),
        None => Ok(()),
    }
}

/// A string constant of SQL.
pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A constant of any kind, or NULL.
pub fn or_null(value: Option<impl ToString>) -> String {
    value.map_or("NULL".into(), |v| v.to_string())
}
