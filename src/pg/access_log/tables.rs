//! The tables of the log and of its figures, made at first use.

use super::super::compat;
use super::super::ddl::{
    check_schema, check_table, create_shared_table, create_table, id_column, relation_oid, run,
    table_exists,
};
use super::super::ident::{Quoted, TableName};
use crate::model::access_log::Month;
use crate::model::error::Error;

/// Nobody but a superuser changes what is written, not even the owner by mistake.
const ONLY_INSERTS: &str = "UPDATE, DELETE, TRUNCATE";

/// Creates the log and its partition for a month, unless they are there. The month that
/// follows is made by the first who comes in this one: nobody else waits for that.
pub fn ensure_log(month: Month) -> Result<(), Error> {
    let partition = TableName::access_logs_of(month);
    if is_partition(&partition)? {
        return Ok(());
    }
    create_shared_table(&partition, || {
        let log = TableName::access_logs();
        if relation_oid(&log).is_none() {
            create_log(&log);
        }
        create_partition(&log, &partition, month);
        let next = TableName::access_logs_of(month.next());
        if relation_oid(&next).is_none() {
            create_partition(&log, &next, month.next());
        }
    })
}

fn is_partition(name: &TableName) -> Result<bool, Error> {
    match relation_oid(name) {
        Some(oid) if compat::is_partition(oid) => {
            check_schema(&name.schema)?;
            check_table(name, oid)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// `cluster` and `xid` are for the figures: see [`super::figures`]. No CHECKs: whoever can
/// write here has no other values, and each would be read anew for every row.
fn create_log(log: &TableName) {
    run(&format!(
        "CREATE TABLE {log} \
         ( log_id bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {sequence}) \
         , logged_at timestamp with time zone NOT NULL \
         , tool_id bigint, tool_name text NOT NULL, project_id bigint, agent_id bigint, credential_id bigint, policy_id bigint \
         , action text NOT NULL, status text NOT NULL, sqlstate text \
         , scopes text[] NOT NULL, face text NOT NULL, role_name text NOT NULL \
         , request_ip inet, request_data jsonb, duration_ms double precision NOT NULL \
         , xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(), cluster bigint NOT NULL \
         , CONSTRAINT {primary_key} PRIMARY KEY (logged_at, log_id) \
         ) PARTITION BY RANGE (logged_at)",
        sequence = log.sequence(),
        primary_key = Quoted(&log.primary_key().table),
    ));
    run(&format!(
        "CREATE INDEX {} ON {log} (cluster, xid)",
        Quoted(&log.index().table)
    ));
    close(log);
    run(&format!(
        "COMMENT ON TABLE {log} IS 'What was attempted with tools, by whom, and how it ended; a partition for each month (UTC)'"
    ));
}

/// Attached, not created in place: that would keep everybody out of the whole log.
fn create_partition(log: &TableName, partition: &TableName, month: Month) {
    run(&format!(
        "CREATE TABLE {partition} (LIKE {log} INCLUDING CONSTRAINTS INCLUDING STORAGE)"
    ));
    run(&format!(
        "ALTER TABLE {log} ATTACH PARTITION {partition} FOR VALUES FROM ('{}') TO ('{}')",
        month.start(),
        month.next().start()
    ));
    close(partition);
}

fn close(table: &TableName) {
    run(&format!(
        "REVOKE {ONLY_INSERTS} ON TABLE {table} FROM projectalpha_owner"
    ));
    run(&format!(
        "GRANT SELECT ON TABLE {table} TO projectalpha_reader, projectalpha_admin"
    ));
}

/// Creates the tables that [`super::summarise`] writes, unless they are there.
pub fn ensure_figures() -> Result<(), Error> {
    let usage = TableName::api_usage();
    if table_exists(&usage)? {
        return Ok(());
    }
    create_shared_table(&usage, || {
        create_table(
            &usage,
            &format!(
                "{}, day date NOT NULL, client_id bigint, project_id bigint, tool_id bigint, tool_name text, agent_id bigint \
                 , calls bigint NOT NULL, allowed bigint NOT NULL, denied bigint NOT NULL, errors bigint NOT NULL \
                 , total_ms double precision NOT NULL, first_seen timestamp with time zone NOT NULL \
                 , last_seen timestamp with time zone NOT NULL, last_used timestamp with time zone",
                id_column(&usage)
            ),
        );
        run(&format!(
            "GRANT SELECT ON TABLE {usage} TO projectalpha_admin"
        ));
        run(&format!(
            "CREATE UNIQUE INDEX {} ON {usage} (day, (COALESCE(client_id, 0)), (COALESCE(project_id, 0)) \
             , (COALESCE(tool_id, 0)), (COALESCE(tool_name, '')), (COALESCE(agent_id, 0)))",
            Quoted(&usage.index().table)
        ));
        run(&format!(
            "COMMENT ON TABLE {usage} IS 'Calls by day (UTC), client, project, tool and agent, as summarise_usage() has found them in the access log'"
        ));
        let horizons = TableName::access_log_horizons();
        run(&format!(
            "CREATE TABLE {horizons} (cluster bigint PRIMARY KEY, xid xid8 NOT NULL)"
        ));
        run(&format!(
            "COMMENT ON TABLE {horizons} IS 'Up to which transaction, of each cluster, the access log is in api_usage'"
        ));
    })
}
