//! SQLSTATEs and HTTP statuses.

use super::Error;
use crate::model::checks::BrokenRule;

impl Error {
    pub fn sqlstate(&self) -> &str {
        match self {
            Error::AdminOnly | Error::ForeignOwner { .. } => "42501",
            Error::ToolToken | Error::CommonToken => "28000",
            Error::ToolNotFound | Error::TokenNotFound => "42704",
            Error::ToolTableMissing { .. } => "42P01",
            Error::ToolExists { .. } | Error::TokenInUse => "42710",
            Error::ToolNameInvalid
            | Error::SenderNameInvalid
            | Error::FieldNameInvalid { .. }
            | Error::FieldOfVersionedTool { .. }
            | Error::FieldReserved { .. } => "42602",
            Error::FieldRepeated { .. } => "42701",
            Error::UnknownField { .. } => "42703",
            Error::RuleBroken {
                rule: BrokenRule::Required,
                ..
            } => "23502",
            Error::RuleBroken { .. } => "23514",
            Error::NotUnique { .. } | Error::IdempotencyKeyReused => "23505",
            Error::QuotaExceeded { .. } => "54000",
            Error::RecordNotFound { .. } => "02000",
            // Not 40001: drivers retry that by themselves, and would fail again.
            Error::VersionChanged { .. } => "23000",
            Error::NotVersioned { .. } => "0A000",
            Error::TooManyFields { .. } => "54011",
            Error::TokenTooShort
            | Error::TokenInvalid
            | Error::TokenAmbiguous
            | Error::SchemaNotArray
            | Error::SchemaTooDeep
            | Error::FieldIncomplete
            | Error::UnsupportedType { .. }
            | Error::FieldOptionInvalid { .. }
            | Error::OptionInvalid { .. }
            | Error::IdempotencyKeyInvalid
            | Error::FieldNotUnique { .. }
            | Error::UpsertValueMissing { .. }
            | Error::PayloadNotObject
            | Error::PayloadsNotArray
            | Error::Negative { .. }
            | Error::BaseUrlInvalid
            | Error::FilterNotObject
            | Error::FilterTooLong
            | Error::OperatorUnknown { .. }
            | Error::OperatorUnfit { .. }
            | Error::OperandUnfit { .. }
            | Error::OrderUnfit { .. }
            | Error::CursorInvalid
            | Error::CursorOfOtherOrder
            | Error::RecordNotListed => "22023",
            Error::FieldUnknown { .. } => "42703",
            Error::InRecord { fault, .. } | Error::InLine { fault, .. } => fault.sqlstate(),
            Error::Transfer(fault) => fault.sqlstate(),
            Error::FieldKind { .. } => "42804",
            Error::IntOutOfRange { .. } | Error::FloatOutOfRange { .. } => "22003",
            Error::TimestampMalformed { .. } => "22007",
            Error::ArgumentNull { .. } => "22004",
            Error::TableNotCreated { sqlstate, .. } => {
                std::str::from_utf8(sqlstate).unwrap_or("XX000")
            }
            Error::Access(fault) => fault.sqlstate(),
            Error::Moving(fault) => fault.sqlstate(),
            Error::Lifecycle(error) => error.sqlstate(),
            Error::Alteration(error) => error.sqlstate(),
            Error::Context(error) => error.sqlstate(),
            Error::Registry(error) => error.sqlstate(),
            Error::Configuration(fault) => fault.sqlstate(),
            Error::Tenant(error) => error.sqlstate(),
            Error::Resource(fault) => fault.sqlstate(),
            Error::Project(fault) => fault.sqlstate(),
            Error::Migration(fault) => fault.sqlstate(),
            Error::Policy(fault) => fault.sqlstate(),
            Error::Agent(fault) => fault.sqlstate(),
            Error::Denial(denial) => denial.sqlstate(),
        }
    }

    pub fn http_status(&self) -> u16 {
        match self {
            Error::AdminOnly => 403,
            Error::ToolToken | Error::CommonToken => 401,
            Error::ToolNotFound | Error::TokenNotFound | Error::RecordNotFound { .. } => 404,
            Error::NotUnique { .. } | Error::IdempotencyKeyReused => 409,
            Error::VersionChanged { .. } | Error::NotVersioned { .. } => 412,
            Error::QuotaExceeded { .. } => 507,
            Error::ToolTableMissing { .. }
            | Error::ForeignOwner { .. }
            | Error::TableNotCreated { .. } => 500,
            Error::InRecord { fault, .. } => fault.http_status(),
            Error::Access(fault) => fault.http_status(),
            Error::Moving(fault) => fault.http_status(),
            Error::Lifecycle(error) => error.http_status(),
            Error::Context(error) => error.http_status(),
            Error::Registry(error) => error.http_status(),
            Error::Configuration(fault) => fault.http_status(),
            Error::Tenant(error) => error.http_status(),
            Error::Resource(fault) => fault.http_status(),
            Error::Project(fault) => fault.http_status(),
            Error::Migration(fault) => fault.http_status(),
            Error::Policy(fault) => fault.http_status(),
            Error::Agent(fault) => fault.http_status(),
            Error::Denial(denial) => denial.http_status(),
            _ => 400,
        }
    }
}
