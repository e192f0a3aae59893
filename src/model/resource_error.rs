//! Faults of what projects share and keep: project tokens, object models, contents,
//! prompts, vocabulary and usage. Part of [`super::error::Error`].

use super::prompt::{MAX_RENDERED, MAX_TEMPLATE};

/// Projects, prompts or names that an error lists at most.
const MAX_LISTED: usize = 10;

/// What is wrong at a place of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slip {
    NotClosed,
    NotOpened,
    NoName,
}

/// A place of a document that does not fit its JSON Schema; shows nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// A JSON Pointer; empty for the document as a whole.
    pub at: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceError {
    /// The token is none of this project, or none was given, or there is no such
    /// project: all the same to those who may not know.
    ProjectToken,
    ProjectSuspended,
    ProjectArchived,
    ScopesInvalid,
    ExpiryPast,
    /// A text that is missing, too long, or cannot be told from another.
    TextInvalid {
        what: &'static str,
        max: usize,
    },
    TextTooLong {
        what: &'static str,
        max: usize,
    },
    ModelNotFound,
    ModelExists {
        name: String,
        version: String,
    },
    ModelInUse {
        projects: Vec<i64>,
        prompts: Vec<String>,
    },
    StructureNotObject,
    StructureTooLarge,
    StructureInvalid(Misfit),
    /// The structure of a model is no JSON Schema any more.
    StructureBroken,
    MetadataUnfit {
        name: String,
        version: String,
        misfits: Vec<Misfit>,
    },
    PromptNotFound,
    PromptExists {
        name: String,
    },
    TemplateTooLong,
    TemplateMalformed {
        /// In characters, from 1.
        position: usize,
        slip: Slip,
    },
    DeclarationsNotObject,
    DeclarationsTooDeep,
    DeclaredWithoutPlaceholder {
        name: String,
    },
    DeclarationInvalid {
        name: String,
    },
    PlaceholderNotInBase {
        names: Vec<String>,
    },
    ParametersNotObject,
    ParameterMissing {
        names: Vec<String>,
    },
    ParameterUnknown {
        names: Vec<String>,
        known: Vec<String>,
    },
    RenderedTooLong,
    TokensNegative {
        what: &'static str,
    },
    CostInvalid,
    /// A row that was not there when the transaction took its snapshot.
    NotInSnapshot,
}

impl ResourceError {
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::ProjectToken => "28000",
            Self::ModelNotFound | Self::PromptNotFound => "42704",
            Self::ModelExists { .. } | Self::PromptExists { .. } => "42710",
            Self::ModelInUse { .. } => "2BP01",
            Self::MetadataUnfit { .. } => "23514",
            Self::ProjectSuspended | Self::ProjectArchived | Self::StructureBroken => "55000",
            Self::StructureTooLarge | Self::TemplateTooLong | Self::RenderedTooLong => "54000",
            Self::NotInSnapshot => "40001",
            _ => "22023",
        }
    }

    pub fn message(&self) -> String {
        match self {
            Self::ProjectToken => "Invalid token for this project".into(),
            Self::ProjectSuspended => "Project is suspended".into(),
            Self::ProjectArchived => "Project is archived".into(),
            Self::ScopesInvalid => "scopes must be 'read', 'write' or both".into(),
            Self::ExpiryPast => "expires must be in the future".into(),
            Self::TextInvalid { what, max } => {
                format!("{what} must have 1 to {max} characters and no control characters")
            }
            Self::TextTooLong { what, max } => format!("{what} can have at most {max} characters"),
            Self::ModelNotFound => "Object model not found".into(),
            Self::ModelExists { name, version } => {
                format!("Object model '{name}' version '{version}' already exists")
            }
            Self::ModelInUse { .. } => "Object model is in use".into(),
            Self::StructureNotObject => "structure must be a JSON object".into(),
            Self::StructureTooLarge => "structure is too large".into(),
            Self::StructureInvalid(misfit) => {
                format!("structure is not a valid JSON Schema: {}", misfit.shown())
            }
            Self::StructureBroken => "The object model's structure is not a JSON Schema".into(),
            Self::MetadataUnfit { name, version, .. } => {
                format!("Metadata does not fit object model '{name}' version '{version}'")
            }
            Self::PromptNotFound => "Prompt not found".into(),
            Self::PromptExists { name } => format!("Prompt '{name}' already exists"),
            Self::TemplateTooLong => {
                format!("A template can have at most {MAX_TEMPLATE} bytes")
            }
            Self::TemplateMalformed { position, .. } => {
                format!("Malformed placeholder at character {position}")
            }
            Self::DeclarationsNotObject => "parameters must be a JSON object".into(),
            Self::DeclarationsTooDeep => {
                "parameters are nested too deeply or have a number that is too large".into()
            }
            Self::DeclaredWithoutPlaceholder { name } => {
                format!("The template has no placeholder for parameter '{name}'")
            }
            Self::DeclarationInvalid { name } => {
                format!("Parameter '{name}' must be described by a JSON object")
            }
            Self::PlaceholderNotInBase { names } => {
                format!("The base prompt has no {}", quoted("placeholder", names))
            }
            Self::ParametersNotObject => "Parameters must be a JSON object".into(),
            Self::ParameterMissing { names } => {
                format!("Missing {}", quoted("parameter", names))
            }
            Self::ParameterUnknown { names, .. } => {
                format!("Unknown {}", quoted("parameter", names))
            }
            Self::RenderedTooLong => {
                format!("A rendered prompt can have at most {MAX_RENDERED} bytes")
            }
            Self::TokensNegative { what } => format!("{what} must not be negative"),
            Self::CostInvalid => "cost must be a number from 0 to 9999.999999".into(),
            Self::NotInSnapshot => "Another transaction stored it in the meantime".into(),
        }
    }

    pub fn detail(&self) -> Option<String> {
        Some(match self {
            // Whatever it was, the answer is the same.
            Self::ProjectToken => return None,
            Self::ProjectSuspended => "It can be read, not written.".into(),
            Self::ProjectArchived => "It can neither be read nor written with a token.".into(),
            Self::ScopesInvalid => {
                "A token that allows nothing, or more than projects have, is none.".into()
            }
            Self::ExpiryPast => "The token would never work.".into(),
            Self::TextInvalid { .. } => "It is what people and programs know it by.".into(),
            Self::TextTooLong { .. } => "It is for people to read at a glance.".into(),
            Self::ModelNotFound => "There is no object model with that id.".into(),
            Self::ModelExists { .. } => "Name and version together are unique.".into(),
            Self::ModelInUse { projects, prompts } => in_use(projects, prompts),
            Self::StructureNotObject => "It is a JSON Schema (draft 2020-12).".into(),
            Self::StructureTooLarge => "Every session that uses it keeps it in memory.".into(),
            Self::StructureInvalid(_) => {
                "It must be one of draft 2020-12. Nothing is fetched from elsewhere.".into()
            }
            Self::StructureBroken => "Somebody changed the row by hand.".into(),
            Self::MetadataUnfit { misfits, .. } => {
                let lines: Vec<String> = misfits.iter().map(Misfit::shown).collect();
                lines.join("\n")
            }
            Self::PromptNotFound => "There is no prompt with that id.".into(),
            Self::PromptExists { .. } => "Names of prompts are unique in a database.".into(),
            Self::TemplateTooLong => "It is read whenever it is rendered.".into(),
            Self::TemplateMalformed { slip, .. } => slip.detail().into(),
            Self::DeclarationsNotObject => "Its keys are the names of placeholders.".into(),
            Self::DeclarationsTooDeep => {
                "A number must fit double precision, and arrays and objects can be nested 100 deep."
                    .into()
            }
            Self::DeclaredWithoutPlaceholder { .. } => "Nothing would become of its value.".into(),
            Self::DeclarationInvalid { .. } => {
                "It may have 'description', a string, and 'default', any value.".into()
            }
            Self::PlaceholderNotInBase { .. } => {
                "Nobody who renders the prompt would give a value for it.".into()
            }
            Self::ParametersNotObject => "Its keys are the names of placeholders.".into(),
            Self::ParameterMissing { .. } => {
                "The prompt needs a value, and declares no default. null is no value.".into()
            }
            Self::ParameterUnknown { known, .. } if known.is_empty() => {
                "The prompt has no placeholders.".into()
            }
            Self::ParameterUnknown { known, .. } => {
                format!("The prompt has {}.", quoted("placeholder", known))
            }
            Self::RenderedTooLong => "Its values are too long, or too often in it.".into(),
            Self::TokensNegative { .. } => "It counts tokens.".into(),
            Self::CostInvalid => "It is negative, too large, or not a number.".into(),
            Self::NotInSnapshot => "This transaction's snapshot is older.".into(),
        })
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::ProjectToken => "Tokens are made by projectalpha.issue_project_token().",
            Self::ProjectSuspended | Self::ProjectArchived => {
                "An administrator can make it active again."
            }
            Self::ScopesInvalid => "Example: scopes => '{read}'.",
            Self::ExpiryPast => "Example: expires => now() + interval '90 days'. NULL never expires.",
            Self::TextInvalid { .. } => "White space alone is no text either.",
            Self::TextTooLong { .. } => "Shorten it.",
            Self::ModelNotFound => "SELECT id, name, version FROM projectalpha.object_models lists them.",
            Self::ModelExists { .. } => "Give the changed model a new version.",
            Self::ModelInUse { .. } => {
                "Delete those contents and prompts first. Old versions of a model harm nobody."
            }
            Self::StructureNotObject => {
                "Example: {\"type\": \"object\", \"required\": [\"author\"], \"properties\": {\"author\": {\"type\": \"string\"}}}."
            }
            Self::StructureTooLarge => "Say less about the metadata.",
            Self::StructureInvalid(_) => "https://json-schema.org/draft/2020-12 describes what there is.",
            Self::StructureBroken => "Make a new version of it with projectalpha.create_object_model().",
            Self::MetadataUnfit { .. } => {
                "SELECT structure FROM projectalpha.object_models shows what it must be."
            }
            Self::PromptNotFound => "SELECT id, name FROM projectalpha.prompts lists them.",
            Self::PromptExists { .. } => "projectalpha.update_prompt() changes it.",
            Self::TemplateTooLong => "Make parameters of its longest parts.",
            Self::TemplateMalformed { .. } => {
                "Example: {{tone}}. To have two braces in the text, make them the default of a parameter."
            }
            Self::DeclarationsNotObject | Self::DeclarationInvalid { .. } => {
                "Example: {\"tone\": {\"description\": \"How it sounds\", \"default\": \"friendly\"}}."
            }
            Self::DeclarationsTooDeep => "Make it a string.",
            Self::DeclaredWithoutPlaceholder { .. } => "Correct the name, or leave the parameter out.",
            Self::PlaceholderNotInBase { .. } => {
                "SELECT template FROM projectalpha.prompts shows what there is."
            }
            Self::ParametersNotObject | Self::ParameterMissing { .. } => {
                "Example: {\"tone\": \"friendly\"}."
            }
            Self::ParameterUnknown { .. } => "Correct the name, or leave the parameter out.",
            Self::RenderedTooLong => "Render it in parts.",
            Self::TokensNegative { .. } => "Pass 0 if there were none.",
            Self::CostInvalid => "It is kept to 12 decimals. Split what costs more.",
            Self::NotInSnapshot => "Try the transaction again.",
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Self::ProjectToken => 401,
            Self::ModelNotFound | Self::PromptNotFound => 404,
            Self::ProjectSuspended
            | Self::ProjectArchived
            | Self::ModelExists { .. }
            | Self::PromptExists { .. }
            | Self::ModelInUse { .. }
            | Self::NotInSnapshot => 409,
            Self::StructureBroken => 500,
            _ => 400,
        }
    }
}

impl Slip {
    fn detail(self) -> &'static str {
        match self {
            Self::NotClosed => "'{{' begins a placeholder, and no '}}' ends it.",
            Self::NotOpened => "It ends with '}}' but begins with a single '{'.",
            Self::NoName => {
                "Between '{{' and '}}' stands a name of up to 63 lower-case letters, digits and underscores, not beginning with a digit."
            }
        }
    }
}

impl Misfit {
    fn shown(&self) -> String {
        if self.at.is_empty() {
            self.reason.clone()
        } else {
            format!("at '{}': {}", self.at, self.reason)
        }
    }
}

fn in_use(projects: &[i64], prompts: &[String]) -> String {
    let mut users = Vec::new();
    if !projects.is_empty() {
        let ids: Vec<String> = projects.iter().map(i64::to_string).collect();
        users.push(format!("contents of {}", listed("project", &ids)));
    }
    if !prompts.is_empty() {
        users.push(quoted("prompt", prompts));
    }
    format!("It is referred to by {}.", users.join(" and by "))
}

/// `parameter 'tone'`, `parameters 'tone', 'topic'`
fn quoted(noun: &str, names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    listed(noun, &names)
}

fn listed(noun: &str, items: &[String]) -> String {
    let plural = if items.len() == 1 { "" } else { "s" };
    let shown = items[..items.len().min(MAX_LISTED)].join(", ");
    let more = match items.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{noun}{plural} {shown}{more}")
}
