//! A tool with one of its tables, read from the registry and ready to be used.

use std::cell::Cell;
use std::ffi::CString;
use std::rc::Rc;
use std::time::Instant;

use pgrx::pg_sys;

use super::ddl::{check_table, relation_oid};
use super::history;
use super::idempotency::Keys;
use super::ident::TableName;
use super::jsonb_merge::SortedKeys;
use super::project_tools::{self, DefinitionRow};
use super::table::{Layout, ToolTable};
use super::{own_writes, policies, registry};
use crate::model::access_log::ToolLogging;
use crate::model::checks::Checks;
use crate::model::error::Error;
use crate::model::name::ToolName;
use crate::model::options::ToolOptions;
use crate::model::policy::Policies;
use crate::model::project::{ProjectId, Status};
use crate::model::registry_error::RegistryError;
use crate::model::revision::FIRST_SCHEMA;
use crate::model::scalar::Scalar;
use crate::model::schema::{Field, FieldType, Schema, PAYLOAD_COLUMN};
use crate::model::tenant_error::TenantError;

/// A column of a tool table. Small, as every record goes through all of them: what
/// most columns do not have is elsewhere.
pub struct Column {
    pub name: String,
    pub field_type: FieldType,
    /// What its values must be besides of that type.
    pub checks: Option<Box<Checks>>,
    /// For a field that a record does not name.
    pub default: Option<Box<DefaultValue>>,
    pub unique: bool,
}

/// A value that was checked when the tool was registered.
pub enum DefaultValue {
    Scalar(Scalar),
    /// JSON text.
    Json(CString),
}

impl Column {
    fn of(field: &Field) -> Self {
        let default = field.rules.default.as_ref();
        Column {
            name: field.name.clone(),
            field_type: field.field_type,
            checks: Checks::of(&field.rules).map(Box::new),
            default: default
                .and_then(|value| match field.field_type {
                    FieldType::Json => CString::new(value.to_string()).ok().map(DefaultValue::Json),
                    other => Scalar::from_json(other, value).map(DefaultValue::Scalar),
                })
                .map(Box::new),
            unique: field.rules.unique,
        }
    }

    fn of_whole_payload() -> Self {
        Column {
            name: PAYLOAD_COLUMN.to_owned(),
            field_type: FieldType::Json,
            checks: None,
            default: None,
            unique: false,
        }
    }
}

/// What a session knows of the room that a limited tool has left.
#[derive(Default)]
pub struct Room {
    /// Records that may be stored before the next look.
    pub records: Cell<i64>,
    /// When it was found full.
    pub full_since: Cell<Option<Instant>>,
}

/// The project that a table of a tool belongs to.
pub struct Tenant {
    pub project: ProjectId,
    pub status: Status,
    keys: Rc<Keys>,
}

/// A tool with one of its tables, ready to be used.
pub struct CompiledTool {
    pub id: i64,
    pub name: ToolName,
    /// None for the table that belongs to no project.
    pub tenant: Option<Tenant>,
    pub sensitive: bool,
    /// False refuses writes: see [`CompiledTool::check_active`].
    pub active: bool,
    /// False for an entry of the catalogue alone, which only `cache::find_entry` gives.
    pub has_table: bool,
    /// What the access log keeps of it.
    pub logging: ToolLogging,
    pub options: ToolOptions,
    /// Of a versioned tool; of any other nobody asks.
    pub schema_version: i32,
    /// True if records are kept whole, in one column.
    pub whole_payload: bool,
    pub columns: Vec<Column>,
    /// Their names, for looking them up in a payload.
    pub keys: SortedKeys,
    /// True if one of them must be unique.
    pub has_unique: bool,
    /// None if the tool has none.
    pub policies: Option<Box<Policies>>,
    pub room: Room,
    pub table: ToolTable,
}

impl CompiledTool {
    /// Passes if the tool takes writes.
    pub fn check_active(&self) -> Result<(), Error> {
        if self.active {
            Ok(())
        } else {
            Err(RegistryError::ToolInactive.into())
        }
    }

    /// The idempotency keys that were used for this table.
    pub fn idempotency_keys(&self) -> Rc<Keys> {
        match &self.tenant {
            Some(tenant) => tenant.keys.clone(),
            None => Keys::shared(),
        }
    }
}

/// The tool of that name, with the table that belongs to no project.
pub(super) fn compile(name: &ToolName) -> Result<CompiledTool, Error> {
    let row = registry::tool(name).ok_or(Error::ToolNotFound)?;
    let schema = Schema::of_registered(row.schema_definition.as_deref())?;
    let options = ToolOptions::parse(row.options.as_deref());
    let table = TableName::of_tool(name);
    let about = About {
        id: row.id,
        name,
        tenant: None,
        sensitive: row.sensitive,
        active: row.is_active,
        has_table: row.has_table,
        logging: row.logging,
        schema_version: if options.versioned {
            history::latest_version(row.id)
        } else {
            FIRST_SCHEMA
        },
    };
    compile_table(about, table, &schema, options)
}

/// The tool, with the table that a project has of it.
pub(super) fn compile_in(tool: &CompiledTool, project: ProjectId) -> Result<CompiledTool, Error> {
    let name = &tool.name;
    let not_enabled = || TenantError::NotEnabled {
        tool: name.as_str().to_owned(),
    };
    let row = project_tools::tenant(project, tool.id, name)
        .filter(|row| row.is_enabled)
        .ok_or_else(not_enabled)?;
    row.xmins.into_iter().for_each(own_writes::note);
    let (schema, options) = definition(name, &row.definition)?;
    let about = About {
        id: tool.id,
        name,
        tenant: Some(Tenant {
            project,
            status: row.status,
            keys: Keys::of(TableName::idempotency_keys_in(project)),
        }),
        // Nothing of a project is public.
        sensitive: true,
        active: tool.active,
        has_table: true,
        logging: tool.logging,
        schema_version: row.definition.version,
    };
    compile_table(
        about,
        TableName::of_tool_in(name, project),
        &schema,
        options,
    )
}

/// What a project's table of a tool is to look like.
pub fn definition(name: &ToolName, row: &DefinitionRow) -> Result<(Schema, ToolOptions), Error> {
    if !row.is_known {
        return Err(TenantError::VersionUnknown {
            tool: name.as_str().to_owned(),
            version: row.version,
        }
        .into());
    }
    Ok((
        Schema::of_registered(row.schema.as_deref())?,
        ToolOptions::parse(row.options.as_deref()),
    ))
}

/// What is known of a tool besides its table.
struct About<'a> {
    id: i64,
    name: &'a ToolName,
    tenant: Option<Tenant>,
    sensitive: bool,
    active: bool,
    has_table: bool,
    logging: ToolLogging,
    schema_version: i32,
}

fn compile_table(
    about: About<'_>,
    table_name: TableName,
    schema: &Schema,
    options: ToolOptions,
) -> Result<CompiledTool, Error> {
    let columns: Vec<Column> = match schema {
        Schema::Fields(fields) => fields.iter().map(Column::of).collect(),
        Schema::WholePayload => vec![Column::of_whole_payload()],
    };
    let required = |column: &&Column| column.checks.as_ref().is_some_and(|c| c.required);
    let oid = if about.has_table {
        table_oid(&table_name)?
    } else {
        pg_sys::InvalidOid
    };
    Ok(CompiledTool {
        id: about.id,
        name: about.name.clone(),
        tenant: about.tenant,
        sensitive: about.sensitive,
        active: about.active,
        has_table: about.has_table,
        logging: about.logging,
        schema_version: about.schema_version,
        whole_payload: *schema == Schema::WholePayload,
        table: ToolTable::new(
            table_name,
            oid,
            Layout {
                versioned: options.versioned,
                required: columns
                    .iter()
                    .filter(required)
                    .map(|c| c.name.clone())
                    .collect(),
            },
        ),
        keys: SortedKeys::of(columns.iter().map(|c| c.name.as_str())),
        has_unique: columns.iter().any(|c| c.unique),
        columns,
        options,
        policies: policies::of_tool(about.id, &schema.columns()),
        room: Room::default(),
    })
}

fn table_oid(table: &TableName) -> Result<pg_sys::Oid, Error> {
    let oid = relation_oid(table).ok_or_else(|| Error::ToolTableMissing {
        table: table.table.clone(),
    })?;
    check_table(table, oid)?;
    Ok(oid)
}
