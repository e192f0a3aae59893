//! Answers: status, headers and a JSON body.

use serde_json::{json, Value};

use crate::model::error::Error;
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::report::{self, Failure};
use crate::pg::request_settings::{set_headers, set_status, Body};

/// One entry of a 422 answer.
pub struct Fault(Value);

impl Fault {
    pub fn missing(location: &[&str]) -> Self {
        Self::new(json!(location), "field required", "value_error.missing")
    }

    pub fn null(location: &[&str]) -> Self {
        Self::new(
            json!(location),
            "none is not an allowed value",
            "type_error.none.not_allowed",
        )
    }

    pub fn not_a_string(location: &[&str]) -> Self {
        Self::new(json!(location), "str type expected", "type_error.str")
    }

    pub fn not_a_list(location: &[&str]) -> Self {
        Self::new(
            json!(location),
            "value is not a valid list",
            "type_error.list",
        )
    }

    pub fn not_a_dict(location: Vec<Value>) -> Self {
        Self::new(
            json!(location),
            "value is not a valid dict",
            "type_error.dict",
        )
    }

    pub fn not_an_integer(place: &str, name: &str) -> Self {
        Self::new(
            json!([place, name]),
            "value is not a valid integer",
            "type_error.integer",
        )
    }

    pub fn negative(place: &str, name: &str) -> Self {
        Fault(json!({
            "loc": [place, name],
            "msg": "ensure this value is greater than or equal to 0",
            "type": "value_error.number.not_ge",
            "ctx": {"limit_value": 0},
        }))
    }

    pub fn not_zero_or_one(header: &str) -> Self {
        Self::new(
            json!(["header", header]),
            "unexpected value; permitted: 0, 1",
            "value_error.const",
        )
    }

    fn new(location: Value, message: &str, kind: &str) -> Self {
        Fault(json!({"loc": location, "msg": message, "type": kind}))
    }
}

/// All that is wrong with a request, in the order in which it was found.
#[derive(Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Answers 422 if anything was found.
    pub fn check(&mut self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Refusal::Faults(std::mem::take(&mut self.0)))
    }
}

/// Why a request is not fulfilled.
pub enum Refusal {
    BodyTooLarge,
    Faults(Vec<Fault>),
    Expected(Error),
    Failed(Failure),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Expected(error)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::Failed(failure)
    }
}

impl Refusal {
    fn status(&self) -> u16 {
        match self {
            Refusal::BodyTooLarge => 413,
            Refusal::Faults(_) => 422,
            Refusal::Expected(error) => error.http_status(),
            // What the row itself is to blame for: it is too big for a page.
            Refusal::Failed(failure) if failure.class() == b"54" => 400,
            Refusal::Failed(_) => 500,
        }
    }

    fn detail(self) -> Value {
        match self {
            Refusal::BodyTooLarge => "Request body too large".into(),
            Refusal::Faults(faults) => faults.into_iter().map(|fault| fault.0).collect(),
            Refusal::Expected(error) => Value::String(error.message()),
            // Internal errors may say anything; they are in the server log.
            Refusal::Failed(failure) if failure.class() == b"XX" => "Internal Server Error".into(),
            Refusal::Failed(failure) => Value::String(failure.message),
        }
    }
}

/// Sends what `handle` wrote, or its refusal.
pub fn answer(handle: impl FnOnce(&mut JsonWriter) -> Result<(), Refusal>) -> Body {
    let mut writer = JsonWriter::new(Zone::Implied);
    if let Err(refusal) = handle(&mut writer) {
        writer.clear();
        if let Refusal::Failed(failure) = &refusal {
            report::log(failure);
        }
        set_status(refusal.status());
        let body = json!({"detail": refusal.detail()});
        writer.raw(body.to_string().as_bytes());
    }
    set_headers(&format!(
        r#"[{{"Content-Type": "application/json"}}, {{"Content-Length": "{}"}}]"#,
        writer.len()
    ));
    writer.into()
}

/// Writes `{"message": ...}`.
pub fn message(writer: &mut JsonWriter, text: &str) {
    writer.raw(json!({"message": text}).to_string().as_bytes());
}
