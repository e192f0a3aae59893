//! What a tool may ask for beyond spec 001. All off by default.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;

/// The options of a tool, as they are kept in the catalogue: what is off is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolOptions {
    /// Fields that the tool does not have are refused instead of ignored.
    #[serde(skip_serializing_if = "is_off")]
    pub strict: bool,
    /// Records have `updated_at` and `version`.
    #[serde(skip_serializing_if = "is_off")]
    pub versioned: bool,
    /// Every change of a record is announced by NOTIFY.
    #[serde(skip_serializing_if = "is_off")]
    pub notify: bool,
    /// Most records, roughly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_records: Option<i64>,
    /// Most bytes on disk, roughly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<i64>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // what serde calls
fn is_off(option: &bool) -> bool {
    !*option
}

impl ToolOptions {
    /// Reads what the catalogue has; none are the defaults.
    pub fn parse(json: Option<&str>) -> Self {
        json.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// True if a later release has made this JSON: it has options of its own.
    pub fn has_unknown(json: &Value) -> bool {
        const KNOWN: [&str; 5] = ["strict", "versioned", "notify", "max_records", "max_bytes"];
        let mut names = json
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys());
        names.any(|name| !KNOWN.contains(&name.as_str()))
    }

    /// The JSON to keep; none if there is nothing to say.
    pub fn to_json(&self) -> Option<String> {
        if *self == ToolOptions::default() {
            return None;
        }
        serde_json::to_string(self).ok()
    }

    /// True if it may have only so many records or bytes.
    pub fn is_limited(&self) -> bool {
        self.max_records.is_some() || self.max_bytes.is_some()
    }

    /// Refuses limits that allow nothing.
    pub fn check(&self) -> Result<(), Error> {
        for (option, limit) in [
            ("max_records", self.max_records),
            ("max_bytes", self.max_bytes),
        ] {
            if limit.is_some_and(|l| l < 1) {
                return Err(Error::OptionInvalid {
                    option,
                    wanted: "a positive number",
                });
            }
        }
        Ok(())
    }
}
