//! Tables and schemas of user data: the one place that makes and drops them.
//! Everything here runs as the owner, with the search_path pinned.

use pgrx::pg_sys;

use super::acting::{as_owner_for_ddl, owner_role};
use super::compat;
use super::ident::{column_definitions, field_definitions, Quoted, TableName, DATA_SCHEMA};
use super::report::catch;
use super::spi::{self, Access};
use crate::model::access_level::MANIFEST_TABLE;
use crate::model::error::Error;
use crate::model::options::ToolOptions;
use crate::model::project::ProjectId;
use crate::model::schema::{Field, FieldType, Schema};
use crate::model::token::Digest;

/// Key of the advisory lock under which the data schema and shared tables in it are
/// made: two sessions that find one missing must not both create it.
const CREATE_LOCK: i64 = 0x0070_6173_5f64_646c; // "pas_ddl"

/// Creates the table of a tool, and its schema if this is the first one.
/// On failure nothing is rolled back here: the caller raises.
pub fn create_tool_table(
    name: &TableName,
    schema: &Schema,
    options: &ToolOptions,
) -> Result<(), Error> {
    check_schema(&name.schema)?;
    if relation_oid(name).is_some() {
        return Err(Error::TableNotCreated {
            sqlstate: *b"42P07",
            reason: format!("relation \"{}\" already exists", name.table),
        });
    }
    let fields = match schema {
        Schema::Fields(fields) => field_definitions(fields),
        Schema::WholePayload => column_definitions(&schema.columns()),
    };
    let versions = if options.versioned {
        format!(", {}", VERSION_COLUMNS.join(", "))
    } else {
        String::new()
    };
    let columns = format!("{}, {CREATED_AT}{versions}{fields}", id_column(name));
    catch(|| {
        as_owner_for_ddl(|| {
            ensure_schema(&name.schema);
            create_table(name, &columns);
            for field in schema.fields() {
                create_field_index(name, field);
            }
        })
    })
    .map_err(|failure| Error::TableNotCreated {
        sqlstate: failure.sqlstate,
        reason: failure.message,
    })
}

/// True if the common table is there; an error if it is not ours.
pub fn common_table_exists() -> Result<bool, Error> {
    table_exists(&TableName::common())
}

pub(super) fn table_exists(name: &TableName) -> Result<bool, Error> {
    match relation_oid(name) {
        Some(oid) => {
            check_schema(&name.schema)?;
            check_table(name, oid)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Creates the common table unless it is there (spec 001, appendix A).
pub fn ensure_common_table() -> Result<(), Error> {
    if common_table_exists()? {
        return Ok(());
    }
    let name = TableName::common();
    create_shared_table(&name, || {
        // The order of the columns is that of spec 001.
        create_table(
            &name,
            &format!(
                "{}, tool_name text NOT NULL, data jsonb NOT NULL \
                 , sensitive integer NOT NULL DEFAULT 0 CHECK (sensitive IN (0, 1)), {CREATED_AT}",
                id_column(&name)
            ),
        );
        run(&format!(
            "CREATE INDEX {} ON {name} (tool_name, id)",
            Quoted(&name.index().table)
        ));
    })
}

/// Creates a table of idempotency keys unless it is there.
pub fn ensure_idempotency_table(name: &TableName) -> Result<(), Error> {
    if table_exists(name)? {
        return Ok(());
    }
    create_shared_table(name, || {
        run(&format!(
            "CREATE TABLE {name} (tool_id bigint NOT NULL, key text NOT NULL, digest bytea NOT NULL \
             , record_id bigint, {CREATED_AT}, PRIMARY KEY (tool_id, key))"
        ));
        run(&format!(
            "CREATE INDEX {} ON {name} (created_at)",
            Quoted(&name.index().table)
        ));
    })
}

/// Creates the table of calls of language models unless it is there. The decimals
/// of a cost are those that `model::usage` keeps.
pub fn ensure_usage_table() -> Result<(), Error> {
    let name = TableName::llm_usage();
    if table_exists(&name)? {
        return Ok(());
    }
    create_shared_table(&name, || {
        create_table(
            &name,
            &format!(
                "{}, project_id bigint NOT NULL, client_id bigint, prompt_id bigint, model text NOT NULL \
                 , tokens_in bigint NOT NULL CHECK (tokens_in >= 0) \
                 , tokens_out bigint NOT NULL CHECK (tokens_out >= 0) \
                 , cost numeric(16, 12) NOT NULL CHECK (cost >= 0 AND cost < 10000), {CREATED_AT}",
                id_column(&name)
            ),
        );
        run(&format!(
            "CREATE INDEX {} ON {name} (created_at)",
            Quoted(&name.index().table)
        ));
    })
}

/// Creates the table of shown secrets unless it is there. Nobody is granted more than
/// to read it.
pub fn ensure_secret_reads() -> Result<(), Error> {
    let name = TableName::secret_reads();
    if table_exists(&name)? {
        return Ok(());
    }
    create_shared_table(&name, || {
        run(&format!(
            "CREATE TABLE {name} ({}, read_at timestamp with time zone NOT NULL DEFAULT pg_catalog.clock_timestamp() \
             , role_name text NOT NULL, client_address inet DEFAULT pg_catalog.inet_client_addr() \
             , tool_id bigint NOT NULL, tool_name text NOT NULL, secret_name text NOT NULL)",
            id_column(&name)
        ));
        run(&format!(
            "GRANT SELECT ON TABLE {name} TO projectalpha_admin"
        ));
        run(&format!(
            "COMMENT ON TABLE {name} IS 'Who had which secret of a tool shown by reveal_tool_secret()'"
        ));
    })
}

/// Creates the table of a project's manifest unless it is there.
pub fn ensure_manifest_table(project: ProjectId) -> Result<(), Error> {
    let name = TableName::in_project(project, MANIFEST_TABLE);
    if table_exists(&name)? {
        return Ok(());
    }
    create_shared_table(&name, || {
        create_table(
            &name,
            "id bigint PRIMARY KEY CHECK (id OPERATOR(pg_catalog.=) 1), manifest jsonb NOT NULL",
        );
    })
}

/// Creates a table that all tools share, unless another session has just done so.
pub(super) fn create_shared_table(name: &TableName, create: impl FnOnce()) -> Result<(), Error> {
    check_schema(&name.schema)?;
    as_owner_for_ddl(|| {
        ensure_schema(&name.schema);
        take_create_lock(&name.schema);
        if relation_oid(name).is_none() {
            create();
        }
    });
    Ok(())
}

/// An error if the table of a tool is missing or not ours.
pub fn check_tool_table(name: &TableName) -> Result<(), Error> {
    let oid = relation_oid(name).ok_or_else(|| Error::ToolTableMissing {
        table: name.shown(),
    })?;
    check_schema(&name.schema)?;
    check_table(name, oid)
}

/// Refuses a table that belongs to a role of its own: whoever owns it could
/// have our statements run anything as the owner of everything.
pub fn check_table(name: &TableName, oid: pg_sys::Oid) -> Result<(), Error> {
    // SAFETY: a look-up in the system cache.
    let owner = unsafe { compat::owner_of_relation(oid) };
    check_owner(owner, || format!("{}.{}", name.schema, name.table))
}

/// Refuses a schema that belongs to a role of its own, which could drop what is
/// in it; one that is not there is no error.
pub(super) fn check_schema(schema: &str) -> Result<(), Error> {
    // SAFETY: a look-up in the system cache.
    let owner = schema_oid(schema).and_then(|oid| unsafe { compat::owner_of_schema(oid) });
    check_owner(owner, || schema.to_owned())
}

fn check_owner(owner: Option<pg_sys::Oid>, object: impl FnOnce() -> String) -> Result<(), Error> {
    match owner {
        // A restore without owners leaves them to a superuser.
        Some(owner) if owner != owner_role() && !is_superuser(owner) => {
            Err(Error::ForeignOwner { object: object() })
        }
        _ => Ok(()),
    }
}

fn is_superuser(role: pg_sys::Oid) -> bool {
    // SAFETY: a look-up in the system cache.
    unsafe { pg_sys::superuser_arg(role) }
}

/// Drops a table; one that is gone already is no error.
pub fn drop_table(name: &TableName) {
    as_owner_for_ddl(|| {
        // A NOTICE about a missing table would only puzzle the caller.
        if relation_oid(name).is_some() {
            run(&format!("DROP TABLE {name}"));
        }
    });
}

/// Whom a change of a table keeps out until the end of the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum KeepOut {
    /// Writers; readers go on.
    Writers,
    Everybody,
}

/// Locks a table and gives its OID; none if it is not there.
pub fn lock_table(name: &TableName, keep_out: KeepOut) -> Result<Option<pg_sys::Oid>, Error> {
    let Some(oid) = relation_oid(name) else {
        return Ok(None);
    };
    check_table(name, oid)?;
    let mode = match keep_out {
        KeepOut::Writers => "SHARE ROW EXCLUSIVE",
        KeepOut::Everybody => "ACCESS EXCLUSIVE",
    };
    as_owner_for_ddl(|| run(&format!("LOCK TABLE {name} IN {mode} MODE")));
    // It may be another one by now.
    let locked = relation_oid(name);
    if let Some(oid) = locked {
        check_table(name, oid)?;
    }
    Ok(locked)
}

/// The OID of a relation by its name, if there is one.
pub fn relation_oid(name: &TableName) -> Option<pg_sys::Oid> {
    let schema = schema_oid(&name.schema)?;
    let table = std::ffi::CString::new(name.table.as_str()).ok()?;
    // SAFETY: a look-up in the system cache.
    let oid = unsafe { pg_sys::get_relname_relid(table.as_ptr(), schema) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// True if there is a table of that name with that column.
pub fn has_column(name: &TableName, column: &str) -> bool {
    let (Some(oid), Ok(column)) = (relation_oid(name), std::ffi::CString::new(column)) else {
        return false;
    };
    // SAFETY: a look-up in the system cache.
    let number = unsafe { pg_sys::get_attnum(oid, column.as_ptr()) };
    i32::from(number) != pg_sys::InvalidAttrNumber as i32
}

/// Every table has these two columns (spec 001, appendix A).
const CREATED_AT: &str = "created_at timestamp with time zone NOT NULL DEFAULT pg_catalog.now()";

/// What a versioned tool has besides.
pub(super) const VERSION_COLUMNS: [&str; 2] = [
    "updated_at timestamp with time zone NOT NULL DEFAULT pg_catalog.now()",
    "version bigint NOT NULL DEFAULT 1",
];

/// The index that a field asks for, if it does.
pub(super) fn create_field_index(table: &TableName, field: &Field) {
    let rules = &field.rules;
    if !rules.unique && !rules.index {
        return;
    }
    let index = table.index_of_field(&field.name, rules.unique).table;
    let (index, column) = (Quoted(&index), Quoted(&field.name));
    run(&match field.field_type {
        FieldType::Json => format!(
            "CREATE INDEX {index} ON {table} USING gin ({column} pg_catalog.jsonb_path_ops)"
        ),
        _ if rules.unique => format!("CREATE UNIQUE INDEX {index} ON {table} ({column})"),
        // With the id it serves pages in this order as well.
        _ => format!("CREATE INDEX {index} ON {table} ({column}, id)"),
    });
}

pub(super) fn id_column(table: &TableName) -> String {
    format!(
        "id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {}) CONSTRAINT {} PRIMARY KEY",
        table.sequence(),
        Quoted(&table.primary_key().table),
    )
}

/// Creates a table that `projectalpha_reader` may read.
pub(super) fn create_table(name: &TableName, columns: &str) {
    run(&format!("CREATE TABLE {name} ({columns})"));
    run(&format!(
        "GRANT SELECT ON TABLE {name} TO projectalpha_reader"
    ));
}

fn ensure_schema(schema: &str) {
    if schema_oid(schema).is_some() {
        return;
    }
    take_create_lock(schema);
    if schema_oid(schema).is_some() {
        return;
    }
    create_schema(schema);
    if schema == DATA_SCHEMA {
        run(&format!(
            "COMMENT ON SCHEMA {} IS 'Records of projectalpha_store; no part of the extension, so that they outlive it'",
            Quoted(schema)
        ));
    }
}

/// While the data schema is missing, whoever will make it is waited for, before the
/// caller locks what that one may be about to lock. Whoever makes it waits here, too.
pub fn wait_for_first_use() {
    if schema_oid(DATA_SCHEMA).is_none() {
        as_owner_for_ddl(|| take_create_lock(DATA_SCHEMA));
    }
}

/// Creates a schema whose tables `projectalpha_reader` may read.
pub(super) fn create_schema(schema: &str) {
    let schema_name = Quoted(schema);
    run(&format!("CREATE SCHEMA {schema_name}"));
    run(&format!(
        "GRANT USAGE ON SCHEMA {schema_name} TO projectalpha_reader, projectalpha_admin"
    ));
}

pub(super) fn schema_oid(schema: &str) -> Option<pg_sys::Oid> {
    let schema = std::ffi::CString::new(schema).ok()?;
    // SAFETY: a look-up in the system cache.
    let oid = unsafe { pg_sys::get_namespace_oid(schema.as_ptr(), true) };
    (oid != pg_sys::InvalidOid).then_some(oid)
}

/// Each project has a lock of its own: what one keeps open, others do not wait for.
fn take_create_lock(schema: &str) {
    let key = match schema {
        DATA_SCHEMA => CREATE_LOCK,
        _ => Digest::of(&format!("create in {schema}")).lock_key(),
    };
    spi::connected(|c| {
        c.execute(
            "SELECT pg_catalog.pg_advisory_xact_lock($1)",
            vec![key.into()],
            Access::Write,
        );
    });
    // Whoever held the lock may just have committed what we are about to make.
    super::cache::accept_invalidations();
}

pub(super) fn run(sql: &str) {
    spi::connected(|c| {
        c.execute(sql, vec![], Access::Write);
    });
}
