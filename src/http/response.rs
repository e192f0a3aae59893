//! Answers: status, headers and a JSON body.

use serde::Serialize;
use serde_json::{json, Value};

use crate::model::denial::Denial;
use crate::model::error::Error;
use crate::pg::access_log;
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::report::{self, Failure};
use crate::pg::request_settings::{set_headers, set_status, Body};

/// One entry of a 422 answer, its keys in the contract's order.
#[derive(Serialize)]
pub struct Fault {
    loc: Vec<Value>,
    msg: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Value>,
}

impl Fault {
    pub fn missing(location: &[&str]) -> Self {
        Self::new(location, "field required", "value_error.missing")
    }

    pub fn null(location: &[&str]) -> Self {
        Self::new(
            location,
            "none is not an allowed value",
            "type_error.none.not_allowed",
        )
    }

    pub fn not_a_string(location: &[&str]) -> Self {
        Self::new(location, "str type expected", "type_error.str")
    }

    pub fn not_a_list(location: &[&str]) -> Self {
        Self::new(location, "value is not a valid list", "type_error.list")
    }

    pub fn not_a_dict(location: &[&str]) -> Self {
        Self::new(location, "value is not a valid dict", "type_error.dict")
    }

    pub fn not_an_integer(place: &str, name: &str) -> Self {
        Self::new(
            &[place, name],
            "value is not a valid integer",
            "type_error.integer",
        )
    }

    pub fn negative(place: &str, name: &str) -> Self {
        Fault {
            ctx: Some(json!({"limit_value": 0})),
            ..Self::new(
                &[place, name],
                "ensure this value is greater than or equal to 0",
                "value_error.number.not_ge",
            )
        }
    }

    pub fn not_zero_or_one(header: &str) -> Self {
        Self::new(
            &["header", header],
            "unexpected value; permitted: 0, 1",
            "value_error.const",
        )
    }

    /// The same fault in an element of the list at its location.
    pub fn at(mut self, index: usize) -> Self {
        self.loc.push(index.into());
        self
    }

    fn new(location: &[&str], msg: &'static str, kind: &'static str) -> Self {
        Fault {
            loc: location.iter().map(|part| Value::from(*part)).collect(),
            msg,
            kind,
            ctx: None,
        }
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

    fn sqlstate(&self) -> Option<String> {
        match self {
            Refusal::Expected(error) => Some(error.sqlstate().to_owned()),
            Refusal::Failed(failure) => {
                Some(String::from_utf8_lossy(&failure.sqlstate).into_owned())
            }
            Refusal::BodyTooLarge | Refusal::Faults(_) => None,
        }
    }

    fn headers(&self) -> Headers {
        let mut headers = Headers::default();
        if let Refusal::Expected(Error::Denial(Denial::TooManyRequests { retry_after })) = self {
            headers.add("Retry-After", retry_after.to_string());
        }
        headers
    }

    fn detail(self) -> Detail {
        Detail::Text(match self {
            Refusal::Faults(faults) => return Detail::Faults(faults),
            Refusal::BodyTooLarge => "Request body too large".into(),
            Refusal::Expected(error) => error.message(),
            // Internal errors may say anything; they are in the server log.
            Refusal::Failed(failure) if failure.class() == b"XX" => "Internal Server Error".into(),
            Refusal::Failed(failure) => failure.message,
        })
    }
}

/// The body of a refusal.
#[derive(Serialize)]
struct ErrorBody {
    detail: Detail,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Detail {
    Text(String),
    Faults(Vec<Fault>),
}

/// Headers of an answer beside those that all have.
#[derive(Default)]
pub struct Headers {
    list: Vec<(&'static str, String)>,
    not_modified: bool,
}

impl Headers {
    pub fn add(&mut self, name: &'static str, value: String) {
        self.list.push((name, value));
    }

    /// The client has what would be sent: 304, without a body.
    pub fn not_modified(&mut self) {
        self.not_modified = true;
    }
}

/// Sends what `handle` wrote, or its refusal. `handle` gives the target of the
/// next page, if there is one.
pub fn answer(handle: impl FnOnce(&mut JsonWriter) -> Result<Option<String>, Refusal>) -> Body {
    answer_with(|writer| {
        let mut headers = Headers::default();
        if let Some(target) = handle(writer)? {
            headers.add("Link", format!("<{target}>; rel=\"next\""));
        }
        Ok(headers)
    })
}

/// Sends what `handle` wrote with the headers that it gives, or its refusal.
pub fn answer_with(handle: impl FnOnce(&mut JsonWriter) -> Result<Headers, Refusal>) -> Body {
    let mut writer = JsonWriter::new(Zone::Implied);
    let extra = handle(&mut writer).unwrap_or_else(|refusal| {
        writer.clear();
        let headers = refusal.headers();
        refuse(&mut writer, refusal);
        headers
    });
    if extra.not_modified {
        writer.clear();
        set_status(304);
    }
    let mut headers = format!(
        // Whose records an answer shows depends on the token: no cache may give it to another.
        r#"[{{"Content-Type":"application/json"}},{{"Content-Length":"{}"}},{{"Vary":"token"}}"#,
        writer.len()
    );
    for (name, value) in extra.list {
        headers.push_str(&format!(r#",{{"{name}":{}}}"#, Value::from(value)));
    }
    headers.push(']');
    set_headers(&headers);
    writer.into()
}

fn refuse(writer: &mut JsonWriter, refusal: Refusal) {
    if let Refusal::Failed(failure) = &refusal {
        report::log(failure);
    }
    if let Some(sqlstate) = refusal.sqlstate() {
        access_log::refused(&sqlstate);
    }
    set_status(refusal.status());
    let body = ErrorBody {
        detail: refusal.detail(),
    };
    // Strings and numbers always serialize.
    writer.raw(&serde_json::to_vec(&body).unwrap_or_default());
}

/// Writes `{"message": ...}`.
pub fn message(writer: &mut JsonWriter, text: &str) {
    writer.raw(b"{\"message\":");
    writer.raw(Value::from(text).to_string().as_bytes());
    writer.raw(b"}");
}
