//! Reading the records that are there, to see whether they allow a change.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys;

use super::acting::{as_owner_with_pinned_path, with_all_rows, with_portable_values};
use super::ident::{widened, Quoted, TableName};
use super::spi::{self, Access, Param, Plan, RowRef};
use crate::model::scalar::Scalar;
use crate::model::schema::FieldType;

/// Ids that an error shows.
pub const SHOWN_IDS: i64 = 10;

/// The largest integer up to which a float holds every one exactly: 2^53.
const EXACT_FLOAT: i64 = 1 << 53;

/// A value of a record.
pub enum Value {
    Null,
    Scalar(Scalar),
    /// JSON text.
    Json(String),
}

/// A column to look at: its name now, the type it has and the one it will have.
pub struct Source<'a> {
    pub column: &'a str,
    pub from: FieldType,
    pub to: FieldType,
}

/// Which records to read: a moment after which all are new enough, as the age of
/// a transaction. Of those that are older, nothing has changed since.
#[derive(Clone, Copy)]
pub struct Since(i32);

impl Since {
    /// Records that are written from now on, or being written now.
    pub fn now() -> Self {
        read(
            "SELECT pg_catalog.age(pg_catalog.xid(pg_catalog.pg_snapshot_xmin(\
                 pg_catalog.pg_current_snapshot())))",
            vec![],
            |row| row.get(1),
        )
        .map_or(Since(i32::MAX), Since)
    }
}

/// Shows id and value of every record, in no order.
pub fn scan(
    table: &TableName,
    source: &Source<'_>,
    null_alone: bool,
    since: Option<Since>,
    mut show: impl FnMut(i64, Value),
) {
    let mut conditions = vec!["true".to_owned()];
    if null_alone {
        conditions.push(format!("{} IS NULL", Quoted(source.column)));
    }
    let mut params: Vec<Param> = Vec::new();
    if let Some(Since(age)) = since {
        conditions.push("pg_catalog.age(xmin) OPERATOR(pg_catalog.<=) $1".to_owned());
        params.push(age.into());
    }
    let mut value = widened(source.column, source.from, source.to);
    match source.to {
        FieldType::Json => value = format!("({value})::pg_catalog.text"),
        // Fetched here, a compressed text stays in memory until the end of the scan.
        FieldType::Str => value = format!("{value} OPERATOR(pg_catalog.||) ''"),
        _ => (),
    }
    let sql = format!(
        "SELECT id::pg_catalog.int8, {value} FROM {table} WHERE {}",
        conditions.join(" AND ")
    );
    let types = vec![pg_sys::INT4OID; params.len()];
    in_latest_snapshot(|| {
        let plan = Plan::prepare(&sql, &types);
        spi::scan(&plan, params, |row| {
            show(row.get(1).unwrap_or_default(), value_of(&row, source.to));
        });
    });
}

fn value_of(row: &RowRef<'_>, field_type: FieldType) -> Value {
    let scalar = match field_type {
        FieldType::Int => row.get(2).map(Scalar::Int),
        FieldType::Float => row.get(2).map(Scalar::Float),
        FieldType::Str => row.get(2).map(Scalar::Str),
        FieldType::Bool => row.get(2).map(Scalar::Bool),
        FieldType::Timestamp => row
            .get::<TimestampWithTimeZone>(2)
            .map(|instant| Scalar::Timestamp(String::new(), pg_sys::TimestampTz::from(instant))),
        FieldType::Json => return row.get(2).map_or(Value::Null, Value::Json),
    };
    scalar.map_or(Value::Null, Value::Scalar)
}

/// How many records have an integer that a float does not hold exactly, and the
/// first of their ids.
pub fn inexact_as_float(table: &TableName, column: &str, since: Option<Since>) -> (i64, Vec<i64>) {
    let column = Quoted(column);
    let Since(age) = since.unwrap_or(Since(i32::MAX));
    count(
        &format!(
            "SELECT id::pg_catalog.int8 AS id FROM {table} \
             WHERE ({column} OPERATOR(pg_catalog.>) {EXACT_FLOAT} \
                    OR {column} OPERATOR(pg_catalog.<) (-{EXACT_FLOAT})) \
               AND pg_catalog.age(xmin) OPERATOR(pg_catalog.<=) $1"
        ),
        vec![age.into()],
    )
}

/// How many records have a value that another one has, and the first of their ids.
pub fn repeated(table: &TableName, source: &Source<'_>) -> (i64, Vec<i64>) {
    let column = widened(source.column, source.from, source.to);
    count(
        &format!(
            "SELECT d.id FROM (SELECT id::pg_catalog.int8 AS id \
                                    , pg_catalog.count(*) OVER (PARTITION BY {column}) AS n \
                                 FROM {table} WHERE {column} IS NOT NULL) AS d \
             WHERE d.n OPERATOR(pg_catalog.>) 1"
        ),
        vec![],
    )
}

fn count(found: &str, params: Vec<Param>) -> (i64, Vec<i64>) {
    read(
        &format!(
            "SELECT pg_catalog.count(*) \
                  , (pg_catalog.array_agg(f.id ORDER BY f.id))[1:{SHOWN_IDS}] \
             FROM ({found}) AS f"
        ),
        params,
        |row| Some((row.get(1)?, row.get(2).unwrap_or_default())),
    )
    .unwrap_or_default()
}

fn read<T>(sql: &str, params: Vec<Param>, take: impl FnOnce(RowRef<'_>) -> Option<T>) -> Option<T> {
    in_latest_snapshot(|| {
        spi::connected(|c| c.execute(sql, params, Access::Read).first().and_then(take))
    })
}

fn in_latest_snapshot<T>(body: impl FnOnce() -> T) -> T {
    as_owner_with_pinned_path(|| {
        with_all_rows(|| with_portable_values(|| spi::with_latest_snapshot(body)))
    })
}
