//! The SQL of a query on a tool's table. Values are parameters, names come from
//! the tool's columns, operators are PostgreSQL's own. What it says of a column
//! is what an index on that column, or on it and `id`, can answer.

use pgrx::pg_sys;

use super::ident::{select_list, typed_column, Quoted, TableName};
use super::jsonb::Jsonb;
use super::report::catch;
use super::spi::Param;
use super::table::type_oid;
use crate::model::cursor::Position;
use crate::model::error::Error;
use crate::model::filter::{Condition, Operand, Operator};
use crate::model::order::{Order, ID};
use crate::model::page::Page;
use crate::model::project::ProjectId;
use crate::model::schema::FieldType;
use crate::model::value::Value;

/// A statement and its parameters.
pub struct Statement {
    pub sql: String,
    pub params: Vec<Param>,
}

/// `count(*)` of the rows that meet all conditions.
pub fn count(table: &TableName, conditions: &[Condition]) -> Result<Statement, Error> {
    let mut params = Params::default();
    let conditions = params.conditions(conditions)?;
    Ok(Statement {
        sql: format!(
            "SELECT pg_catalog.count(*) FROM {table}{}",
            where_clause(&conditions, None)
        ),
        params: params.0,
    })
}

/// Each row that meets all conditions as one jsonb, with the id of its project under
/// `project_id`, whatever the table itself has there.
pub fn documents(
    table: &TableName,
    project: ProjectId,
    conditions: &[Condition],
) -> Result<Statement, Error> {
    let mut params = Params::default();
    let conditions = params.conditions(conditions)?;
    let project = params.place(project.value().into());
    Ok(Statement {
        // With the star: the table may have a column that is called r.
        sql: format!(
            "SELECT pg_catalog.to_jsonb(r.*) OPERATOR(pg_catalog.||) \
                 pg_catalog.jsonb_build_object('project_id', {project}) FROM {table} AS r{}",
            where_clause(&conditions, None)
        ),
        params: params.0,
    })
}

/// A page of the rows that meet all conditions and come after a position.
/// `may_be_null` says whether the column that they are ordered by can hold NULL.
pub fn select(
    table: &TableName,
    columns: &[(&str, FieldType)],
    conditions: &[Condition],
    order: &Order,
    after: Option<(&Position, bool)>,
    page: Page,
) -> Result<Statement, Error> {
    let mut params = Params::default();
    let mut conditions = params.conditions(conditions)?;
    if page.after_id != i64::MIN {
        let place = params.place(page.after_id.into());
        conditions.push(format!("{} OPERATOR(pg_catalog.>) {place}", id_column()));
    }
    let parts = match after {
        None => vec![None],
        Some((position, may_be_null)) => params
            .parts_after(order, position, may_be_null)?
            .into_iter()
            .map(Some)
            .collect(),
    };
    let sorted = order_by(order);
    let list = select_list(columns);
    let selects: Vec<String> = parts
        .iter()
        .map(|part| {
            let conditions = where_clause(&conditions, part.as_deref());
            format!("SELECT {list} FROM {table}{conditions} ORDER BY {sorted}")
        })
        .collect();
    let sql = match selects.as_slice() {
        [select] => select.clone(),
        // Each part in order and no longer than needed: two short index scans.
        parts => {
            let needed = params.place(page.limit.saturating_add(page.offset).into());
            let parts: Vec<String> = parts
                .iter()
                .map(|part| format!("({part} LIMIT {needed})"))
                .collect();
            format!("{} ORDER BY {sorted}", parts.join(" UNION ALL "))
        }
    };
    let limit = params.place(page.limit.into());
    let offset = params.place(page.offset.into());
    Ok(Statement {
        sql: format!("{sql} LIMIT {limit} OFFSET {offset}"),
        params: params.0,
    })
}

/// The parameters so far.
#[derive(Default)]
struct Params(Vec<Param>);

impl Params {
    /// Adds a parameter and gives its place in the text.
    fn place(&mut self, param: Param) -> String {
        self.0.push(param);
        format!("${}", self.0.len())
    }

    fn conditions(&mut self, conditions: &[Condition]) -> Result<Vec<String>, Error> {
        conditions.iter().map(|c| self.condition(c)).collect()
    }

    fn condition(&mut self, condition: &Condition) -> Result<String, Error> {
        let field_type = condition.field_type;
        let column = typed_column(&condition.column, field_type);
        let unfit = || condition.unfit();
        Ok(match &condition.operand {
            Operand::Null(true) => format!("{column} IS NULL"),
            Operand::Null(false) => format!("{column} IS NOT NULL"),
            Operand::Value(value) => {
                let place = self.place(param(value).ok_or_else(unfit)?);
                let operator = sql_operator(condition.operator);
                format!("{column} OPERATOR(pg_catalog.{operator}) {place}")
            }
            Operand::List(values) => {
                let place = self.place(array(field_type, values).ok_or_else(unfit)?);
                format!("{column} OPERATOR(pg_catalog.=) ANY ({place})")
            }
        })
    }

    /// The rows after a position, in parts that an index on the column and `id`
    /// has next to each other. The comparison of rows knows no NULL; NULLs come
    /// after every value, or before it where the order is descending.
    fn parts_after(
        &mut self,
        order: &Order,
        position: &Position,
        may_be_null: bool,
    ) -> Result<Vec<String>, Error> {
        let beyond = if order.descending { '<' } else { '>' };
        let id = id_column();
        let after_id = self.place(position.id.into());
        if order.is_by_id() {
            return Ok(vec![format!(
                "{id} OPERATOR(pg_catalog.{beyond}) {after_id}"
            )]);
        }
        let column = typed_column(&order.column, order.field_type);
        let Some(value) = &position.value else {
            let mut parts = vec![format!(
                "{column} IS NULL AND {id} OPERATOR(pg_catalog.{beyond}) {after_id}"
            )];
            if order.descending {
                parts.push(format!("{column} IS NOT NULL"));
            }
            return Ok(parts);
        };
        let value = self.place(param(value).ok_or(Error::CursorInvalid)?);
        let mut parts = vec![format!(
            "ROW({column}, {id}) OPERATOR(pg_catalog.{beyond}) ROW({value}, {after_id})"
        )];
        if may_be_null && !order.descending {
            parts.push(format!("{column} IS NULL"));
        }
        Ok(parts)
    }
}

fn id_column() -> String {
    typed_column(ID, FieldType::Int)
}

/// By names of the output, which are those of the columns.
fn order_by(order: &Order) -> String {
    let direction = if order.descending { "DESC" } else { "ASC" };
    let id = format!("{} {direction}", Quoted(ID));
    if order.is_by_id() {
        id
    } else {
        format!("{} {direction}, {id}", Quoted(&order.column))
    }
}

fn where_clause(conditions: &[String], part: Option<&str>) -> String {
    let all: Vec<&str> = conditions.iter().map(String::as_str).chain(part).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", all.join(" AND "))
    }
}

fn sql_operator(operator: Operator) -> &'static str {
    match operator {
        Operator::Eq | Operator::In | Operator::IsNull => "=",
        Operator::Ne => "<>",
        Operator::Lt => "<",
        Operator::Lte => "<=",
        Operator::Gt => ">",
        Operator::Gte => ">=",
        Operator::Like => "~~",
        Operator::Contains => "@>",
    }
}

/// The value as a parameter; none for JSON text that is none to PostgreSQL.
fn param(value: &Value) -> Option<Param> {
    Some(match value {
        Value::Int(int) => (*int).into(),
        Value::Float(float) => (*float).into(),
        Value::Str(text) => text.as_str().into(),
        Value::Bool(boolean) => (*boolean).into(),
        Value::Timestamp(instant) => {
            Param::of(pg_sys::TIMESTAMPTZOID, Some(pg_sys::Datum::from(*instant)))
        }
        Value::Json(json) => {
            let json = std::ffi::CString::new(json.as_str()).ok()?;
            // Takes memory and nothing else, so there is nothing to roll back.
            Param::document(catch(|| Jsonb::parse(&json)).ok()?)
        }
    })
}

fn array(field_type: FieldType, values: &[Value]) -> Option<Param> {
    let element = type_oid(field_type);
    let params: Vec<Param> = values.iter().map(param).collect::<Option<_>>()?;
    let mut datums: Vec<pg_sys::Datum> = params.iter().filter_map(Param::datum).collect();
    let mut length = 0;
    let mut by_value = false;
    let mut alignment = 0;
    // SAFETY: as many datums as are passed, each of the element's type, whose
    // properties PostgreSQL gives itself; the array is a copy.
    let array = unsafe {
        pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut alignment);
        pg_sys::construct_array(
            datums.as_mut_ptr(),
            datums.len() as i32,
            element,
            i32::from(length),
            by_value,
            alignment,
        )
    };
    Some(Param::of(
        array_type(field_type),
        Some(pg_sys::Datum::from(array)),
    ))
}

fn array_type(field_type: FieldType) -> pg_sys::Oid {
    match field_type {
        FieldType::Int => pg_sys::INT8ARRAYOID,
        FieldType::Str => pg_sys::TEXTARRAYOID,
        FieldType::Bool => pg_sys::BOOLARRAYOID,
        FieldType::Float => pg_sys::FLOAT8ARRAYOID,
        FieldType::Json => pg_sys::JSONBARRAYOID,
        FieldType::Timestamp => pg_sys::TIMESTAMPTZARRAYOID,
    }
}
