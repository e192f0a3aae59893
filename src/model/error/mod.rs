//! Every expected fault, in one place: its SQLSTATE, message, DETAIL and HINT,
//! and its HTTP status. The same fault always has the same words, in SQL and
//! over HTTP. No variant carries a token or a value from a payload.

mod codes;
mod words;

use crate::model::access_context::ContextError;
use crate::model::access_error::AccessError;
use crate::model::agent_error::AgentError;
use crate::model::alteration_error::AlterationError;
use crate::model::checks::BrokenRule;
use crate::model::configuration_error::ConfigurationError;
use crate::model::denial::Denial;
use crate::model::json_kind::JsonKind;
use crate::model::lifecycle_error::LifecycleError;
use crate::model::migration_error::MigrationError;
use crate::model::moving_error::MovingError;
use crate::model::policy_error::PolicyError;
use crate::model::project_error::ProjectError;
use crate::model::registry_error::RegistryError;
use crate::model::resource_error::ResourceError;
use crate::model::schema::FieldType;
use crate::model::tenant_error::TenantError;
use crate::model::transfer::TransferFault;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Only an administrator may do this.
    AdminOnly,
    /// The token is not one of this tool, or none was given.
    ToolToken,
    /// The token is no common token, or none was given.
    CommonToken,
    ToolNotFound,
    /// The catalogue has the tool but its table is gone.
    ToolTableMissing {
        table: String,
    },
    ToolExists {
        tool: String,
    },
    ToolNameInvalid,
    SenderNameInvalid,
    TokenTooShort,
    TokenInvalid,
    TokenInUse,
    TokenNotFound,
    /// `revoke_token` wants either the token or its id.
    TokenAmbiguous,
    SchemaNotArray,
    SchemaTooDeep,
    FieldIncomplete,
    UnsupportedType {
        type_name: String,
    },
    FieldNameInvalid {
        field: String,
    },
    FieldReserved {
        field: String,
    },
    FieldRepeated {
        field: String,
    },
    TooManyFields {
        count: usize,
    },
    /// An option of a field that its type does not have, or with a bad value.
    FieldOptionInvalid {
        field: String,
        option: &'static str,
        wanted: &'static str,
    },
    /// An option of a tool with a bad value.
    OptionInvalid {
        option: &'static str,
        wanted: &'static str,
    },
    /// A field that only versioned tools may not have.
    FieldOfVersionedTool {
        field: String,
    },
    PayloadNotObject,
    PayloadsNotArray,
    /// A fault in one record of many, by its index in the array.
    InRecord {
        index: usize,
        fault: Box<Error>,
    },
    FieldKind {
        field: String,
        declared: FieldType,
        got: JsonKind,
    },
    IntOutOfRange {
        field: String,
    },
    FloatOutOfRange {
        field: String,
    },
    TimestampMalformed {
        field: String,
    },
    /// A value that has the type of its field but breaks a rule of it.
    RuleBroken {
        field: String,
        rule: BrokenRule,
    },
    /// A strict tool does not have this field.
    UnknownField {
        field: String,
    },
    /// Another record has the value of a unique field.
    NotUnique {
        field: String,
    },
    RecordNotFound {
        id: i64,
    },
    /// The record has changed since the caller read it.
    VersionChanged {
        id: i64,
        version: i64,
    },
    NotVersioned {
        tool: String,
    },
    /// The tool has as many records or bytes as it may.
    QuotaExceeded {
        tool: String,
        max_records: Option<i64>,
        max_bytes: Option<i64>,
    },
    /// The key was used with another payload.
    IdempotencyKeyReused,
    IdempotencyKeyInvalid,
    /// `upsert_record` goes by a unique field.
    FieldNotUnique {
        field: String,
    },
    /// `upsert_record` needs a value to go by.
    UpsertValueMissing {
        field: String,
    },
    /// What `tool_document` was told about where the service is.
    BaseUrlInvalid,
    /// A fault in one line of an export, counted from 1.
    InLine {
        line: i64,
        fault: Box<Error>,
    },
    /// A fault of an export as a whole.
    Transfer(TransferFault),
    ArgumentNull {
        argument: &'static str,
    },
    Negative {
        what: &'static str,
    },
    /// A filter or an order names a field that the tool does not have.
    FieldUnknown {
        field: String,
    },
    FilterNotObject,
    FilterTooLong,
    OperatorUnknown {
        field: String,
        operator: String,
    },
    /// The operator does not exist for fields of this type.
    OperatorUnfit {
        field: String,
        operator: &'static str,
        declared: FieldType,
    },
    /// The operator cannot compare with such a value.
    OperandUnfit {
        field: String,
        operator: &'static str,
        expected: String,
    },
    /// Values of this field have no order.
    OrderUnfit {
        field: String,
    },
    CursorInvalid,
    CursorOfOtherOrder,
    /// Not a record as a listing shows it.
    RecordNotListed,
    /// A schema or table of ours belongs to a role that could do anything with it.
    ForeignOwner {
        object: String,
    },
    TableNotCreated {
        sqlstate: [u8; 5],
        reason: String,
    },
    /// A fault of configuring or promoting a tool.
    Configuration(ConfigurationError),
    /// In the life of a tool after its registration.
    Lifecycle(LifecycleError),
    /// In giving roles access to projects, or asking across projects.
    Access(AccessError),
    /// In moving a project to another database.
    Moving(MovingError),
    /// In a change of a tool's definition.
    Alteration(AlterationError),
    /// Of a tool that projects use.
    Tenant(TenantError),
    /// Of clients and projects.
    Project(ProjectError),
    /// Of migrations and of upgrading projects.
    Migration(MigrationError),
    /// Of what projects share and keep.
    Resource(ResourceError),
    /// In what the catalogue says of a tool, and what follows from it.
    Registry(RegistryError),
    /// Of policies.
    Policy(PolicyError),
    /// Of agents and their credentials.
    Agent(AgentError),
    /// In what is said of a call whose access is asked about.
    Context(ContextError),
    /// The caller is known, but may not do this.
    Denial(Denial),
}

impl From<ResourceError> for Error {
    fn from(fault: ResourceError) -> Self {
        Error::Resource(fault)
    }
}

impl From<ProjectError> for Error {
    fn from(fault: ProjectError) -> Self {
        Error::Project(fault)
    }
}

impl From<MigrationError> for Error {
    fn from(fault: MigrationError) -> Self {
        Error::Migration(fault)
    }
}

impl From<AccessError> for Error {
    fn from(fault: AccessError) -> Self {
        Error::Access(fault)
    }
}

impl From<MovingError> for Error {
    fn from(fault: MovingError) -> Self {
        Error::Moving(fault)
    }
}

impl From<ConfigurationError> for Error {
    fn from(fault: ConfigurationError) -> Self {
        Error::Configuration(fault)
    }
}

impl From<AlterationError> for Error {
    fn from(error: AlterationError) -> Self {
        Error::Alteration(error)
    }
}

impl From<TenantError> for Error {
    fn from(error: TenantError) -> Self {
        Error::Tenant(error)
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        Error::Registry(error)
    }
}

impl From<AgentError> for Error {
    fn from(fault: AgentError) -> Self {
        Error::Agent(fault)
    }
}

impl From<ContextError> for Error {
    fn from(fault: ContextError) -> Self {
        Error::Context(fault)
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        Error::Denial(denial)
    }
}

impl From<PolicyError> for Error {
    fn from(fault: PolicyError) -> Self {
        Error::Policy(fault)
    }
}

impl From<LifecycleError> for Error {
    fn from(error: LifecycleError) -> Self {
        Error::Lifecycle(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_words() {
        let error = Error::FieldKind {
            field: "user_id".into(),
            declared: FieldType::Int,
            got: JsonKind::Str,
        };
        assert_eq!(
            error.message(),
            "Field 'user_id' expected int, got <class 'str'>"
        );
        assert_eq!(error.http_status(), 400);
        assert!(error.detail().is_some_and(|d| d.contains("bigint")));
        assert_eq!(Error::ToolNotFound.http_status(), 404);
        assert_eq!(Error::AdminOnly.http_status(), 403);
        assert_eq!(Error::ToolToken.http_status(), 401);
    }
}
