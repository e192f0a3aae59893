//! What belongs to a project but is not in its schema: what `export_project` writes
//! there, so that a dump of the schema has all of the project, and `adopt_project`
//! reads. Values that others chose are kept as their text: no number loses a digit.

use std::collections::HashSet;
use std::hash::Hash;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::Value;

use super::moving_error::MovingError;

/// The key that names the format, and its version. One that knows more than this is
/// refused: it might say what we would then not do.
pub const FORMAT_KEY: &str = "projectalpha_project";
pub const FORMAT: u64 = 1;

#[derive(Debug, Deserialize)]
pub struct Manifest {
    pub name: String,
    pub client: Option<String>,
    pub status: String,
    /// A JSON object.
    pub settings: Box<RawValue>,
    pub migrations: Vec<Migration>,
    pub object_models: Vec<ObjectModel>,
    pub prompts: Vec<Prompt>,
    /// Prompts that were deleted; adaptations of them are still there.
    pub lost_prompts: Vec<i64>,
    pub tools: Vec<Tool>,
}

/// A migration that the project has had.
#[derive(Debug, Deserialize)]
pub struct Migration {
    pub version: i32,
    pub name: String,
    /// Hexadecimal.
    pub checksum: String,
}

#[derive(Debug, Deserialize)]
pub struct ObjectModel {
    pub id: i64,
    pub name: String,
    pub version: String,
    pub structure: Box<RawValue>,
    pub description: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Prompt {
    pub id: i64,
    pub name: String,
    pub template: String,
    pub parameters: Box<RawValue>,
    pub object_model_id: Option<i64>,
}

/// A tool as the project's table of it is.
#[derive(Debug, Deserialize)]
pub struct Tool {
    pub id: i64,
    pub name: String,
    /// None for one that stores whole payloads.
    pub schema_definition: Option<Box<RawValue>>,
    pub options: Box<RawValue>,
    pub sensitive: bool,
    pub description: Option<String>,
    pub enabled: bool,
}

impl Manifest {
    pub fn parse(text: &str) -> Result<Self, MovingError> {
        let value: Value = serde_json::from_str(text).map_err(|_| MovingError::ManifestInvalid)?;
        match value.get(FORMAT_KEY).and_then(Value::as_u64) {
            None => return Err(MovingError::ManifestInvalid),
            Some(FORMAT) => (),
            Some(version) => return Err(MovingError::FormatUnknown { version }),
        }
        let manifest: Manifest =
            serde_json::from_str(text).map_err(|_| MovingError::ManifestInvalid)?;
        if manifest.is_consistent() {
            Ok(manifest)
        } else {
            Err(MovingError::ManifestInvalid)
        }
    }

    /// True if it says nothing twice, and nothing that no project has.
    fn is_consistent(&self) -> bool {
        let versions = self.migrations.iter().map(|m| m.version);
        let known_models: HashSet<i64> = self.object_models.iter().map(|m| m.id).collect();
        let mut models_of_prompts = self.prompts.iter().filter_map(|p| p.object_model_id);
        self.settings.get().starts_with('{')
            && versions.clone().is_sorted()
            && are_distinct(versions)
            && are_distinct(self.tools.iter().map(|tool| tool.id))
            && are_distinct(self.tools.iter().map(|tool| &tool.name))
            && are_distinct(self.object_models.iter().map(|model| model.id))
            && are_distinct(self.object_models.iter().map(|m| (&m.name, &m.version)))
            && are_distinct(self.prompts.iter().map(|prompt| prompt.id))
            && are_distinct(self.prompts.iter().map(|prompt| &prompt.name))
            && models_of_prompts.all(|id| known_models.contains(&id))
    }
}

fn are_distinct<T: Eq + Hash>(mut values: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    values.all(|value| seen.insert(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"projectalpha_project": 1, "name": "a", "client": null, "status": "active",
        "settings": {"n": 12345678901234567890.5}, "migrations": [{"version": 1, "name": "m", "checksum": "00"}],
        "object_models": [], "prompts": [], "lost_prompts": [3], "more": true,
        "tools": [{"id": 1, "name": "t", "schema_definition": null, "options": {}, "sensitive": false,
                   "description": null, "enabled": true}]}"#;

    #[test]
    fn no_number_loses_a_digit() {
        let manifest = Manifest::parse(WHOLE).unwrap();
        assert_eq!(manifest.settings.get(), r#"{"n": 12345678901234567890.5}"#);
        assert!(manifest.tools[0].schema_definition.is_none());
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for bad in ["", "[]", "{}", &WHOLE.replace("\"name\": \"a\", ", "")] {
            assert_eq!(
                Manifest::parse(bad).unwrap_err(),
                MovingError::ManifestInvalid
            );
        }
        for (part, other) in [
            (r#"{"n": 12345678901234567890.5}"#, "[]"),
            (
                r#"{"version": 1,"#,
                r#"{"version": 1, "name": "m", "checksum": "00"}, {"version": 1,"#,
            ),
            (
                r#"{"version": 1,"#,
                r#"{"version": 2, "name": "m", "checksum": "00"}, {"version": 1,"#,
            ),
            (
                r#""prompts": []"#,
                r#""prompts": [{"id": 1, "name": "p", "template": "", "parameters": {}, "object_model_id": 5}]"#,
            ),
        ] {
            assert!(WHOLE.contains(part));
            assert_eq!(
                Manifest::parse(&WHOLE.replace(part, other)).unwrap_err(),
                MovingError::ManifestInvalid,
                "{other}"
            );
        }
        let later = WHOLE.replace("_project\": 1", "_project\": 2");
        assert_eq!(
            Manifest::parse(&later).unwrap_err(),
            MovingError::FormatUnknown { version: 2 }
        );
    }
}
