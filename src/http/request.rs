//! A request: target, headers and body, as PostgREST passes them.

use std::ffi::CString;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::pg::jsonb::Jsonb;
use crate::pg::report::catch;
use crate::pg::request_settings;

use super::response::{Fault, Faults, Refusal};
use super::search::QuerySearch;

/// Most bytes in a body: 1 MiB. Caddy refuses what is declared to be larger, and
/// cuts off after one byte more what was not declared.
const MAX_BODY: usize = 1 << 20;

/// The headers that the endpoints know. Absent and empty are different.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Headers {
    #[serde(rename = "x-uri")]
    uri: String,
    token: Option<String>,
    #[serde(rename = "admin-token")]
    admin_token: Option<String>,
    #[serde(rename = "tool-name")]
    tool_name: Option<String>,
    sensitive: Option<String>,
    #[serde(rename = "idempotency-key")]
    idempotency_key: Option<String>,
    #[serde(rename = "if-match")]
    if_match: Option<String>,
    #[serde(rename = "if-none-match")]
    if_none_match: Option<String>,
}

/// One request, and what is wrong with it so far.
pub struct Request<'a> {
    headers: Headers,
    body: &'a [u8],
    pub faults: Faults,
}

impl<'a> Request<'a> {
    /// Reads the headers from PostgREST's setting; without it there are none.
    pub fn current(body: &'a [u8]) -> Self {
        let headers = request_settings::request_headers()
            .and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default();
        Request {
            headers,
            body,
            faults: Faults::default(),
        }
    }

    /// The header `token`, if it is there.
    pub fn token(&self) -> Option<&str> {
        self.headers.token.as_deref()
    }

    /// Notes a fault if the header is missing.
    pub fn require_token(&mut self) {
        require(&mut self.faults, &self.headers.token, "token");
    }

    pub fn admin_token(&self) -> Option<&str> {
        self.headers.admin_token.as_deref()
    }

    pub fn require_admin_token(&mut self) {
        require(&mut self.faults, &self.headers.admin_token, "admin-token");
    }

    pub fn tool_name(&self) -> Option<&str> {
        self.headers.tool_name.as_deref()
    }

    pub fn require_tool_name(&mut self) {
        require(&mut self.faults, &self.headers.tool_name, "tool-name");
    }

    pub fn idempotency_key(&self) -> Option<&str> {
        self.headers.idempotency_key.as_deref()
    }

    pub fn if_match(&self) -> Option<&str> {
        self.headers.if_match.as_deref()
    }

    pub fn if_none_match(&self) -> Option<&str> {
        self.headers.if_none_match.as_deref()
    }

    /// The record in `/tools/{tool_id}/records/{record_id}`; notes a fault if it is
    /// no number.
    pub fn record_id(&mut self) -> i64 {
        let path = self.target().split('?').next().unwrap_or_default();
        let id = path.rsplit('/').next().unwrap_or_default();
        match parse_int(&percent_decode_str(id).decode_utf8_lossy()) {
            Some(id) => id,
            None => {
                self.faults.add(Fault::not_an_integer("path", "record_id"));
                0
            }
        }
    }

    /// The header `sensitive`: 0 or 1, 0 if it is missing.
    pub fn sensitive(&mut self) -> bool {
        let Some(text) = &self.headers.sensitive else {
            return false;
        };
        match parse_int(text) {
            Some(0) => false,
            Some(1) => true,
            Some(_) => {
                self.faults.add(Fault::not_zero_or_one("sensitive"));
                true
            }
            None => {
                self.faults
                    .add(Fault::not_an_integer("header", "sensitive"));
                true
            }
        }
    }

    /// The tool in `/tools/{tool_id}` and below it, percent-decoded.
    pub fn tool_id(&self) -> String {
        self.id_after("/tools/")
    }

    /// The tool in `/tool-{tool_id}`, percent-decoded.
    pub fn configured_tool_id(&self) -> String {
        self.id_after("/tool-")
    }

    fn id_after(&self, prefix: &str) -> String {
        let path = self.target().split('?').next().unwrap_or_default();
        let rest = path.strip_prefix(prefix).unwrap_or_default();
        let id = rest.split('/').next().unwrap_or_default();
        percent_decode_str(id).decode_utf8_lossy().into_owned()
    }

    /// A whole number of the query that is not negative. The last one counts
    /// if there are several, as in the service that this replaces.
    pub fn query_number(&mut self, name: &'static str) -> Option<i64> {
        let text = self.query_value(name)?;
        match parse_int(&text) {
            Some(number) if number >= 0 => Some(number),
            Some(_) => {
                self.faults.add(Fault::negative("query", name));
                None
            }
            None => {
                self.faults.add(Fault::not_an_integer("query", name));
                None
            }
        }
    }

    /// A parameter of the query; notes a fault if it is missing.
    pub fn require_query(&mut self, name: &'static str) -> Option<String> {
        let value = self.query_value(name);
        if value.is_none() {
            self.faults.add(Fault::missing(&["query", name]));
        }
        value
    }

    /// The body as a JSON object; notes a fault if it is none.
    pub fn object(&mut self) -> Result<Option<Jsonb<'static>>, Refusal> {
        self.json(|json| json.as_object().is_some(), Fault::not_a_dict)
    }

    /// The body as a JSON array; notes a fault if it is none.
    pub fn array(&mut self) -> Result<Option<Jsonb<'static>>, Refusal> {
        self.json(|json| json.as_array().is_some(), Fault::not_a_list)
    }

    fn json(
        &mut self,
        fits: impl FnOnce(&Jsonb<'static>) -> bool,
        fault: impl FnOnce(&[&str]) -> Fault,
    ) -> Result<Option<Jsonb<'static>>, Refusal> {
        if self.body.len() > MAX_BODY {
            return Err(Refusal::BodyTooLarge);
        }
        if self.body.is_empty() {
            self.faults.add(Fault::missing(&["body"]));
            return Ok(None);
        }
        let json = parse_json(self.body).filter(fits);
        if json.is_none() {
            self.faults.add(fault(&["body"]));
        }
        Ok(json)
    }

    /// Filters, order and cursor of the query.
    pub fn search(&self) -> QuerySearch {
        let mut search = QuerySearch::default();
        for (key, value) in self.query_pairs() {
            search.take(&decode(key), decode(value));
        }
        search
    }

    /// A value of the query, decoded; the last one if there are several.
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs()
            .filter(|(key, _)| decode(key) == name)
            .map(|(_, value)| decode(value))
            .next_back()
    }

    /// All values of the query under this name, decoded.
    pub fn query_values(&self, name: &str) -> Vec<String> {
        self.query_pairs()
            .filter(|(key, _)| decode(key) == name)
            .map(|(_, value)| decode(value))
            .collect()
    }

    /// The parameters of the query, as they were sent.
    fn query_pairs(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        let query = self.target().split_once('?').map(|(_, query)| query);
        query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// The path and query of the request, whatever form its target had.
    fn target(&self) -> &str {
        let uri = self.headers.uri.as_str();
        match uri.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => {
                rest.find('/').map_or("/", |slash| &rest[slash..])
            }
            _ => uri,
        }
    }
}

/// A part of a query as the text that it stands for.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

fn require(faults: &mut Faults, header: &Option<String>, name: &'static str) {
    if header.is_none() {
        faults.add(Fault::missing(&["header", name]));
    }
}

/// Any error of the parser means one thing here: that is no JSON for us. There is
/// nothing to roll back, as it takes memory and nothing else.
fn parse_json(body: &[u8]) -> Option<Jsonb<'static>> {
    // PostgreSQL's own parser checks everything but the encoding.
    std::str::from_utf8(body).ok()?;
    let text = CString::new(body).ok()?;
    catch(|| Jsonb::parse(&text)).ok()
}

/// Reads an integer as Python's `int()` does: with blanks around it and a sign.
/// Beyond bigint it saturates; no limit or offset is that large.
fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let saturated = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Some(text.parse().unwrap_or(saturated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str) -> Request<'static> {
        Request {
            headers: Headers {
                uri: uri.into(),
                ..Headers::default()
            },
            body: b"",
            faults: Faults::default(),
        }
    }

    #[test]
    fn the_tool_is_decoded_from_the_target() {
        assert_eq!(request("/tools/survey_bot?limit=5").tool_id(), "survey_bot");
        assert_eq!(request("/tools/x/records:batch").tool_id(), "x");
        assert_eq!(request("/tools/a%2Fb").tool_id(), "a/b");
        assert_eq!(request("http://host:80/tools/x").tool_id(), "x");
        assert_eq!(request("/tools/x?u=http://y/").tool_id(), "x");
        assert_eq!(request("").tool_id(), "");
    }

    #[test]
    fn so_is_a_configured_tool() {
        let id = |uri: &str| request(uri).configured_tool_id();
        assert_eq!(id("/tool-reports?limit=5"), "reports");
        assert_eq!(id("/tool-re%70orts"), "reports");
        assert_eq!(id("http://host:80/tool-x"), "x");
        assert_eq!(id("/tool-tool-x"), "tool-x");
        assert_eq!(id("/tool-"), "");
        assert_eq!(id("/tools/x"), "");
    }

    #[test]
    fn numbers_of_the_query() {
        let number = |uri: &str| request(uri).query_number("limit");
        assert_eq!(number("/tools/x"), None);
        assert_eq!(number("/tools/x?limit=5&offset=2"), Some(5));
        assert_eq!(number("/tools/x?limit=5&limit=7"), Some(7));
        assert_eq!(number("/tools/x?lim%69t=%205%20"), Some(5));
        assert_eq!(
            number("/tools/x?limit=99999999999999999999"),
            Some(i64::MAX)
        );
        for bad in ["", "abc", "5.0", "0x5", "-1", "--1", "١"] {
            let mut request = request(&format!("/tools/x?limit={bad}"));
            assert_eq!(request.query_number("limit"), None, "{bad}");
            assert!(request.faults.check().is_err(), "{bad}");
        }
    }
}
