//! The rows of the log, in a partition for each month.

use pgrx::pg_sys;

use super::super::compat;
use super::super::ident::TableName;
use super::super::registry::write_kept;
use super::super::report;
use super::super::spi::{KeptStatement, Param};
use super::tables;
use crate::model::access_log::{Month, Record};

thread_local! {
    static INSERT: KeptStatement = const { KeptStatement::new(
        "INSERT INTO projectalpha_data.access_logs \
             (logged_at, tool_id, tool_name, project_id, agent_id, credential_id, policy_id, action, status, sqlstate \
            , scopes, face, role_name, request_ip, request_data, duration_ms, cluster) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::pg_catalog.inet, $15::pg_catalog.jsonb, $16, $17)",
        &[
            pg_sys::TIMESTAMPTZOID,
            pg_sys::INT8OID,
            pg_sys::TEXTOID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::INT8OID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTARRAYOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::TEXTOID,
            pg_sys::FLOAT8OID,
            pg_sys::INT8OID,
        ],
    ) };
}

/// Adds a row; makes the table or the month if it is the first one there.
pub fn insert(record: &Record) {
    if let Err(error) = tables::ensure_log(Month::of(record.logged_at)) {
        report::raise(&error);
    }
    let logged_at = Some(pg_sys::Datum::from(record.logged_at));
    let params = vec![
        Param::of(pg_sys::TIMESTAMPTZOID, logged_at),
        record.tool_id.into(),
        record.tool_name.as_str().into(),
        record.project_id.into(),
        record.agent_id.into(),
        record.credential_id.into(),
        record.policy_id.into(),
        record.action.as_str().into(),
        record.status.name().into(),
        record.sqlstate.as_deref().into(),
        record.scopes.clone().into(),
        record.face.name().into(),
        record.role_name.as_str().into(),
        record.address.map(|address| address.to_string()).into(),
        record.payload.as_deref().into(),
        record.milliseconds.into(),
        cluster().into(),
    ];
    write_kept(&INSERT, params, |_| ());
}

/// Tells this cluster's transactions from those of the one that a dump comes from.
pub fn cluster() -> i64 {
    compat::system_identifier() as i64
}

/// The months that the log has.
pub fn months() -> Vec<(Month, TableName)> {
    super::super::registry::write(
        "SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_inherits AS i \
         JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid \
         WHERE i.inhparent OPERATOR(pg_catalog.=) pg_catalog.to_regclass('projectalpha_data.access_logs') \
         ORDER BY 1",
        vec![],
        |rows| {
            (0..rows.count())
                .filter_map(|index| rows.get(index)?.get::<String>(1))
                .filter_map(|name| TableName::month_of_access_logs(&name))
                .collect()
        },
    )
}
