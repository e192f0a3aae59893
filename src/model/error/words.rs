//! What errors say: message, DETAIL and HINT.

use super::Error;
use crate::model::checks::BrokenRule;
use crate::model::filter::{Operator, MAX_CONDITIONS};
use crate::model::json_kind::JsonKind;
use crate::model::name::MAX_TOOL_NAME;
use crate::model::schema::{FieldType, MAX_FIELDS};
use crate::model::token::{MAX_LENGTH, MIN_LENGTH};
impl Error {
    /// The message; over HTTP it is the `detail` of the answer.
    pub fn message(&self) -> String {
        match self {
            Error::AdminOnly => "Forbidden: Admin access only".into(),
            Error::ToolToken => "Unauthorized: Invalid token for this tool".into(),
            Error::CommonToken => "Unauthorized: invalid or missing token".into(),
            Error::ToolNotFound => "Tool not found".into(),
            Error::ToolTableMissing { table } => format!("Table '{table}' is missing"),
            Error::ToolExists { tool } => format!("Tool '{tool}' already registered"),
            Error::ToolNameInvalid => "Invalid tool name".into(),
            Error::SenderNameInvalid => "Tool name must have 1 to 50 printable characters".into(),
            Error::TokenTooShort => format!("Token must have at least {MIN_LENGTH} characters"),
            Error::TokenInvalid => format!(
                "Token must have at most {MAX_LENGTH} characters, no control characters and no space at its ends"
            ),
            Error::TokenInUse => "Token is already in use".into(),
            Error::TokenNotFound => "Token not found".into(),
            Error::TokenAmbiguous => "Either token or token_id must be given".into(),
            Error::SchemaNotArray => "Schema must be an array of fields".into(),
            Error::SchemaTooDeep => "Schema is nested too deeply".into(),
            Error::FieldIncomplete => "Each field must have 'name' and 'type'".into(),
            Error::UnsupportedType { type_name } => format!(
                "Unsupported type: {type_name}. Allowed: {}",
                FieldType::allowed_names()
            ),
            Error::FieldNameInvalid { field } => format!("Invalid field name: {field}"),
            Error::FieldReserved { field } => format!("Field name '{field}' is reserved"),
            Error::FieldRepeated { field } => format!("Field '{field}' is defined twice"),
            Error::TooManyFields { count } => {
                format!("A tool can have at most {MAX_FIELDS} fields, got {count}")
            }
            Error::PayloadNotObject => "Payload must be a JSON object".into(),
            Error::PayloadsNotArray => "Payloads must be a JSON array of objects".into(),
            Error::InRecord { index, fault } => format!("Record {index}: {}", fault.message()),
            Error::InLine { line, fault } => format!("Line {line}: {}", fault.message()),
            Error::Transfer(fault) => fault.message(),
            Error::BaseUrlInvalid => "Invalid base URL".into(),
            Error::FieldKind {
                field,
                declared,
                got,
            } => format!(
                "Field '{field}' expected {}, got <class '{}'>",
                declared.name(),
                got.python_name()
            ),
            Error::IntOutOfRange { field } => {
                format!("Field '{field}' expected int, got a number outside the range of bigint")
            }
            Error::FloatOutOfRange { field } => format!(
                "Field '{field}' expected float, got a number outside the range of double precision"
            ),
            Error::TimestampMalformed { field } => format!(
                "Field '{field}' expected timestamp, got a string that is not an ISO 8601 date and time"
            ),
            Error::FieldOptionInvalid {
                field,
                option,
                wanted,
            } => format!("Option '{option}' of field '{field}' needs {wanted}"),
            Error::OptionInvalid { option, wanted } => format!("Option '{option}' needs {wanted}"),
            Error::FieldOfVersionedTool { field } => {
                format!("Field name '{field}' is reserved in a versioned tool")
            }
            Error::RuleBroken { field, rule } => rule_message(field, rule),
            Error::UnknownField { field } => format!("Unknown field '{field}'"),
            Error::NotUnique { field } => {
                format!("Field '{field}' must be unique, and another record has this value")
            }
            Error::QuotaExceeded { tool, .. } => format!("Tool '{tool}' is full"),
            Error::RecordNotFound { .. } => "Record not found".into(),
            Error::VersionChanged { id, version } => {
                format!("Record {id} has version {version} now")
            }
            Error::NotVersioned { tool } => format!("Tool '{tool}' is not versioned"),
            Error::IdempotencyKeyReused => {
                "Idempotency key was used with another payload".into()
            }
            Error::IdempotencyKeyInvalid => {
                "Idempotency key must have 1 to 255 characters and no control characters".into()
            }
            Error::FieldNotUnique { field } => format!("Field '{field}' is not declared unique"),
            Error::UpsertValueMissing { field } => {
                format!("Field '{field}' must have a value to find the record by")
            }
            Error::ArgumentNull { argument } => format!("{argument} must not be null"),
            Error::Negative { what } => format!("{what} must not be negative"),
            Error::FieldUnknown { field } => format!("Unknown field '{field}'"),
            Error::FilterNotObject => "Filter must be a JSON object".into(),
            Error::FilterTooLong => format!("A filter can have at most {MAX_CONDITIONS} conditions"),
            Error::OperatorUnknown { field, operator } => {
                format!("Unknown operator '{operator}' for field '{field}'")
            }
            Error::OperatorUnfit {
                field,
                operator,
                declared,
            } => format!(
                "Operator '{operator}' does not fit field '{field}' of type {}",
                declared.name()
            ),
            Error::OperandUnfit {
                field,
                operator,
                expected,
            } => format!("Operator '{operator}' of field '{field}' expected {expected}"),
            Error::OrderUnfit { field } => format!("Records cannot be ordered by field '{field}'"),
            Error::CursorInvalid => "Invalid cursor".into(),
            Error::CursorOfOtherOrder => "The cursor was made for another order".into(),
            Error::RecordNotListed => "Not a record of list_records".into(),
            Error::ForeignOwner { object } => {
                format!("\"{object}\" does not belong to projectalpha_owner")
            }
            Error::TableNotCreated { reason, .. } => format!("Failed to create table: {reason}"),
            Error::Access(fault) => fault.message(),
            Error::Moving(fault) => fault.message(),
            Error::Lifecycle(error) => error.message(),
            Error::Tenant(error) => error.message(),
            Error::Alteration(error) => error.message(),
            Error::Context(error) => error.message(),
            Error::Registry(error) => error.message(),
            Error::Configuration(fault) => fault.message(),
            Error::Resource(fault) => fault.message(),
            Error::Project(fault) => fault.message(),
            Error::Migration(fault) => fault.message(),
            Error::Policy(fault) => fault.message(),
            Error::Agent(fault) => fault.message(),
            Error::Denial(denial) => denial.message(),
        }
    }

    pub fn detail(&self) -> Option<String> {
        match self {
            Error::AdminOnly => {
                Some("The role is not a member of projectalpha_admin and no valid admin token was given.".into())
            }
            Error::ToolToken => {
                Some("The token is missing, wrong, expired, revoked, or belongs to another tool.".into())
            }
            Error::CommonToken => {
                Some("Sensitive rows of the common table need a common token or an admin token.".into())
            }
            Error::ToolNotFound => Some("No tool of that name is registered.".into()),
            Error::ToolTableMissing { .. } => {
                Some("The tool is registered, but its table was dropped or renamed.".into())
            }
            Error::ToolNameInvalid => Some(format!(
                "A tool name starts with a lowercase letter, goes on with lowercase letters, digits and \
                 underscores, and has at most {MAX_TOOL_NAME} characters."
            )),
            Error::FieldNameInvalid { .. } => Some(
                "A field name starts with a lowercase letter or an underscore, goes on with lowercase \
                 letters, digits and underscores, and has at most 63 characters."
                    .into(),
            ),
            Error::FieldReserved { .. } => Some("Every tool table has that column already.".into()),
            Error::ForeignOwner { .. } => Some(
                "Its owner could read and change what is stored there, and run code as projectalpha_owner."
                    .into(),
            ),
            Error::FieldOptionInvalid { .. } | Error::OptionInvalid { .. } => {
                Some("Nothing was changed.".into())
            }
            Error::FieldOfVersionedTool { .. } => {
                Some("The table of a versioned tool has that column already.".into())
            }
            Error::RuleBroken { field, rule } => Some(format!(
                "The tool declares '{}' for field '{field}'.",
                rule.option()
            )),
            Error::UnknownField { .. } => Some("The tool takes no fields but its own.".into()),
            Error::NotUnique { field } => Some(format!("The tool declares 'unique' for field '{field}'.")),
            Error::QuotaExceeded {
                max_records,
                max_bytes,
                ..
            } => Some(quota_detail(*max_records, *max_bytes)),
            Error::RecordNotFound { id } => Some(format!("The tool has no record with id {id}.")),
            Error::VersionChanged { .. } => {
                Some("Somebody changed the record after it was read.".into())
            }
            Error::NotVersioned { .. } => Some("Its records have no version.".into()),
            Error::IdempotencyKeyReused => Some("The first payload is stored.".into()),
            Error::IdempotencyKeyInvalid => Some("It could not be kept, or not be sent in an HTTP header.".into()),
            Error::FieldNotUnique { .. } => Some("More than one record could have its value.".into()),
            Error::UpsertValueMissing { .. } => Some("It is missing or null.".into()),
            Error::ArgumentNull { .. } => Some("NULL has no meaning there.".into()),
            Error::Negative { .. } => Some("It counts rows.".into()),
            Error::FieldUnknown { .. } => Some("The tool has no field of that name.".into()),
            Error::FilterNotObject => Some("Its keys are the names of fields.".into()),
            Error::FilterTooLong => Some("Each operator of each field is one condition.".into()),
            Error::OperatorUnknown { .. } => Some(format!("The operators are {}.", Operator::names())),
            Error::OperatorUnfit { .. } => Some(
                "like is for str fields, contains for json fields; lt, lte, gt and gte are for neither bool nor json."
                    .into(),
            ),
            Error::OperandUnfit { .. } => {
                Some("Values follow the rules that the fields of a payload follow.".into())
            }
            Error::OrderUnfit { field } => Some(declared_as(field, FieldType::Json)),
            Error::CursorInvalid => Some("It was cut off or changed, or comes from elsewhere.".into()),
            Error::CursorOfOtherOrder => Some("A cursor fits the order_by that it was made with.".into()),
            Error::RecordNotListed => Some("It has no id.".into()),
            Error::TokenAmbiguous => Some("Both were given, or neither.".into()),
            Error::TokenNotFound => Some("No live credential has that token or id.".into()),
            Error::SchemaNotArray => Some("A schema is a JSON array of objects.".into()),
            Error::SchemaTooDeep => Some("Only the rules 'default' and 'json_schema' can be nested at all.".into()),
            Error::FieldIncomplete => Some("The name or the type is missing or null.".into()),
            Error::UnsupportedType { .. } => Some("Types are written in lower case.".into()),
            Error::FieldRepeated { .. } => Some("Every field needs a name of its own.".into()),
            Error::PayloadNotObject => Some("A record is a JSON object.".into()),
            Error::PayloadsNotArray => Some("Each element of the array is one record.".into()),
            Error::ToolExists { .. } => Some("Tool names are unique in a database.".into()),
            Error::TokenTooShort => Some("Short tokens can be guessed.".into()),
            Error::TokenInvalid => Some("It could not be sent in an HTTP header.".into()),
            Error::SenderNameInvalid => {
                Some("The name of a sender in the common table is free text.".into())
            }
            Error::TooManyFields { .. } => Some("Each field is a column of the tool's table.".into()),
            Error::TableNotCreated { .. } => Some("Nothing was registered.".into()),
            Error::TokenInUse => Some("Another admin or common credential, or a live one of the same tool, has this token.".into()),
            Error::Access(fault) => fault.detail(),
            Error::Moving(fault) => Some(fault.detail().into()),
            Error::Lifecycle(error) => Some(error.detail()),
            Error::Tenant(error) => error.detail(),
            Error::Alteration(error) => Some(error.detail()),
            Error::Context(error) => Some(error.detail()),
            Error::Registry(error) => Some(error.detail()),
            Error::InRecord { fault, .. } | Error::InLine { fault, .. } => fault.detail(),
            Error::Transfer(fault) => Some(fault.detail()),
            Error::BaseUrlInvalid => Some(
                "It starts with http:// or https://, and has neither a query, nor braces, nor blanks.".into(),
            ),
            Error::Configuration(fault) => Some(fault.detail().into()),
            Error::Resource(fault) => fault.detail(),
            Error::Project(fault) => Some(fault.detail()),
            Error::Migration(fault) => Some(fault.detail().into()),
            Error::Policy(fault) => Some(fault.detail()),
            Error::Agent(fault) => Some(fault.detail()),
            Error::Denial(denial) => Some(denial.detail()),
            Error::FieldKind { field, declared, .. } => Some(declared_as(field, *declared)),
            Error::IntOutOfRange { field } => Some(declared_as(field, FieldType::Int)),
            Error::FloatOutOfRange { field } => Some(declared_as(field, FieldType::Float)),
            Error::TimestampMalformed { field } => Some(declared_as(field, FieldType::Timestamp)),
        }
    }

    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::AdminOnly => {
                "Pass admin_token, or have a DBA run: GRANT projectalpha_admin TO <role>."
            }
            Error::ToolToken => "Pass the token that the tool was registered with, or the last one of projectalpha.rotate_token().",
            Error::CommonToken => {
                "An administrator makes one with projectalpha.add_common_token()."
            }
            Error::ToolNotFound => {
                "SELECT tool_name FROM projectalpha.registered_tools lists the tools."
            }
            Error::ToolTableMissing { .. } => {
                "Restore the table, or delete the tool and register it again."
            }
            Error::ToolExists { .. } => {
                "Choose another name, or delete the tool with projectalpha.delete_tool()."
            }
            Error::TokenTooShort => "Leave the token out to have one of 256 random bits generated.",
            Error::TokenNotFound => "SELECT * FROM projectalpha.active_tokens lists the tokens.",
            Error::SchemaNotArray | Error::FieldIncomplete => {
                r#"Example: [{"name": "user_id", "type": "int"}, {"name": "feedback", "type": "str"}]"#
            }
            Error::TooManyFields { .. } => "A field of type json holds any nested value.",
            Error::PayloadNotObject => r#"Example: {"user_id": 42, "feedback": "Great product!"}"#,
            Error::InRecord { fault, .. } | Error::InLine { fault, .. } => return fault.hint(),
            Error::Transfer(fault) => fault.hint(),
            Error::BaseUrlInvalid => "Example: https://storage.example.org",
            Error::Configuration(fault) => fault.hint(),
            Error::Resource(fault) => fault.hint(),
            Error::Project(fault) => fault.hint(),
            Error::Migration(fault) => fault.hint(),
            Error::FieldKind { declared, got, .. } => return kind_hint(*declared, *got),
            Error::TimestampMalformed { .. } => {
                "Examples: 2026-02-05T10:30:00 (UTC), 2026-02-05T10:30:00.5+05:30, 2026-02-05."
            }
            Error::ForeignOwner { .. } => {
                "Look at what is in it; then drop it, or ALTER ... OWNER TO projectalpha_owner."
            }
            Error::TableNotCreated { sqlstate, .. } => match sqlstate {
                b"42P07" => "If a table of that name was left behind, rename or drop it first.",
                b"42501" => {
                    "After a restore without owners: ALTER SCHEMA projectalpha_data OWNER TO projectalpha_owner, \
                     and its tables likewise."
                }
                _ => "The server log says more.",
            },
            Error::FieldOptionInvalid { .. } => {
                r#"Example: {"name": "rating", "type": "int", "required": true, "min": 1, "max": 5}"#
            }
            Error::OptionInvalid { .. } => "Leave it out to have no limit.",
            Error::FieldOfVersionedTool { .. } => "Choose another name, or register the tool without versions.",
            Error::RuleBroken { .. } => {
                "projectalpha.validate_record() shows everything that is wrong with a payload."
            }
            Error::UnknownField { .. } => {
                "SELECT schema_definition FROM projectalpha.registered_tools shows the fields."
            }
            Error::NotUnique { .. } => "projectalpha.upsert_record() changes the record that is there.",
            Error::QuotaExceeded {
                max_bytes: Some(_), ..
            } => {
                "Have an administrator raise the limit with projectalpha.alter_tool(); or delete records, and have a \
                 DBA run VACUUM FULL on the table: until then their space counts."
            }
            Error::QuotaExceeded { .. } => {
                "Delete records, or have an administrator raise the limit with projectalpha.alter_tool()."
            }
            Error::RecordNotFound { .. } => "It may have been deleted; projectalpha.list_records() shows what there is.",
            Error::VersionChanged { .. } => "Read it again, and decide again.",
            Error::NotVersioned { .. } => "Leave out if_version, or make the tool versioned with projectalpha.alter_tool().",
            Error::IdempotencyKeyReused => "Use a new key for a new record.",
            Error::IdempotencyKeyInvalid => "A UUID makes a good key.",
            Error::FieldNotUnique { .. } => r#"Example: {"name": "email", "type": "str", "unique": true}"#,
            Error::UpsertValueMissing { .. } => "Name the field in the payload.",
            Error::ArgumentNull { .. } => "Give a value, or leave out an argument that has a default.",
            Error::Negative { .. } => "Use 0 or more.",
            Error::FieldUnknown { .. } => {
                "Fields are named as they were registered; id and created_at are fields too."
            }
            Error::FilterNotObject | Error::OperatorUnknown { .. } => {
                r#"Example: {"rating": {"gte": 4}, "tag": "a"}"#
            }
            Error::FilterTooLong => "The operator in takes many values at once.",
            Error::OperatorUnfit { .. } => "eq, ne, in and is_null fit every field.",
            Error::OperandUnfit { .. } => "is_null, with true or false, asks for null.",
            Error::OrderUnfit { .. } => "Order by a field of another type, or by id or created_at.",
            Error::CursorInvalid => {
                "Take it from the header Link, or from projectalpha.page_cursor(), as it is."
            }
            Error::CursorOfOtherOrder => "Pass the same order_by, or start at the first page.",
            Error::RecordNotListed => "Pass the last record of the page before, with all its keys.",
            Error::TokenAmbiguous => "SELECT * FROM projectalpha.active_tokens lists the ids.",
            Error::SchemaTooDeep => "Leave out what is no rule, and have fewer levels in these two.",
            Error::UnsupportedType { .. } => "A field of type json takes any value.",
            Error::FieldRepeated { .. } => "Rename one of the two.",
            Error::FieldNameInvalid { .. } | Error::ToolNameInvalid => "Example: survey_bot",
            Error::FieldReserved { .. } => "Choose another name.",
            Error::SenderNameInvalid => "Example: metrics_collector",
            Error::TokenInvalid => "Leave the token out to have one generated.",
            Error::TokenInUse => "Choose another token, or leave it out to have one generated.",
            Error::PayloadsNotArray => r#"Example: [{"user_id": 42}, {"user_id": 43}]"#,
            Error::IntOutOfRange { .. } => {
                "Between -9223372036854775808 and 9223372036854775807. A str field holds any number of digits."
            }
            Error::FloatOutOfRange { .. } => "At most about 1.8e308 on either side of 0.",
            Error::Access(fault) => return fault.hint(),
            Error::Moving(fault) => fault.hint(),
            Error::Lifecycle(error) => error.hint(),
            Error::Tenant(error) => return error.hint(),
            Error::Alteration(error) => error.hint(),
            Error::Context(error) => return Some(error.hint()),
            Error::Registry(error) => return Some(error.hint()),
            Error::Policy(fault) => return Some(fault.hint()),
            Error::Agent(fault) => fault.hint(),
            Error::Denial(denial) => return Some(denial.hint()),
        };
        Some(hint.into())
    }
}

fn rule_message(field: &str, rule: &BrokenRule) -> String {
    match rule {
        BrokenRule::Required => format!("Field '{field}' is required"),
        BrokenRule::Min(limit) => format!("Field '{field}' must be at least {limit}"),
        BrokenRule::Max(limit) => format!("Field '{field}' must be at most {limit}"),
        BrokenRule::MaxLength(limit) => {
            format!("Field '{field}' must have at most {limit} characters")
        }
        BrokenRule::Pattern(pattern) => format!("Field '{field}' must match the pattern {pattern}"),
        BrokenRule::Enum(allowed) => format!("Field '{field}' must be one of {allowed}"),
        BrokenRule::JsonSchema { at, reason } => {
            format!("Field '{field}' does not fit its JSON Schema at '{at}': {reason}")
        }
    }
}

fn quota_detail(max_records: Option<i64>, max_bytes: Option<i64>) -> String {
    let limits = [(max_records, "records"), (max_bytes, "bytes")];
    let limits: Vec<String> = limits
        .iter()
        .filter_map(|(limit, unit)| limit.map(|limit| format!("{limit} {unit}")))
        .collect();
    format!("It may have {}.", limits.join(" and "))
}

fn declared_as(field: &str, declared: FieldType) -> String {
    format!(
        "Field '{field}' is declared as {} (column type {}).",
        declared.name(),
        declared.sql_type()
    )
}

fn kind_hint(declared: FieldType, got: JsonKind) -> Option<String> {
    let hint = match (declared, got) {
        (FieldType::Int, JsonKind::Str) => "Send a JSON number without quotes, such as 42.",
        (FieldType::Int, JsonKind::Float) => "Send a number without a fraction: 42, not 42.0.",
        (FieldType::Float, JsonKind::Str) => {
            "Send a JSON number without quotes. JSON has no NaN or Infinity: send null instead."
        }
        (FieldType::Bool, _) => "Send true or false without quotes.",
        (FieldType::Timestamp, _) => "Send a string such as \"2026-02-05T10:30:00\".",
        (FieldType::Str, _) => "Send a JSON string in double quotes.",
        (FieldType::Int | FieldType::Float, _) => "Send a JSON number, such as 42, or null.",
        (FieldType::Json, _) => return None, // takes every kind
    };
    Some(hint.into())
}
