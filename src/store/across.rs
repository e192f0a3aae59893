//! Questions that administrators ask of all projects at once.

use std::collections::BTreeSet;

use crate::model::access_error::AccessError;
use crate::model::error::Error;
use crate::model::filter::{self, Condition};
use crate::model::name::excerpt;
use crate::model::project::ProjectId;
use crate::model::schema::FieldType;
use crate::pg::jsonb::Jsonb;
use crate::pg::project_tables::{self, Column};
use crate::pg::set_result::JsonbRows;

use super::authorise;
use super::projects::{id_of_project, not_found};

/// Adds the rows of every project's table of that name that meet the filter, one
/// project after the other.
pub fn list(
    table_name: Option<&str>,
    projects: Option<Vec<Option<i64>>>,
    where_filter: Option<Jsonb<'_>>,
    rows: &mut JsonbRows<'_>,
) -> Result<(), Error> {
    authorise::admin_role()?;
    let table_name = table_name.ok_or(Error::ArgumentNull {
        argument: "table_name",
    })?;
    let filter = where_filter.map(Jsonb::to_text);
    let projects = asked_for(projects)?;
    let mut found = projects.is_empty();
    for project in projects {
        let Some(table) = project_tables::open(project, table_name)? else {
            continue;
        };
        found = true;
        let conditions = match &filter {
            None => Vec::new(),
            Some(filter) => conditions(project, filter, &table.columns)?,
        };
        table.scan(&conditions, rows)?;
    }
    if found {
        Ok(())
    } else {
        let table = excerpt(table_name);
        Err(AccessError::NoSuchTable { table }.into())
    }
}

/// The projects to look at, in the order of their ids.
fn asked_for(projects: Option<Vec<Option<i64>>>) -> Result<Vec<ProjectId>, Error> {
    let all = project_tables::projects();
    let Some(projects) = projects else {
        return Ok(all);
    };
    let all: BTreeSet<ProjectId> = all.into_iter().collect();
    let mut asked = BTreeSet::new();
    for id in projects {
        let id = id.ok_or(Error::ArgumentNull {
            argument: "an element of projects",
        })?;
        let project = id_of_project(Some(id))?;
        if !all.contains(&project) {
            return Err(not_found(project));
        }
        asked.insert(project);
    }
    Ok(asked.into_iter().collect())
}

/// The filter as conditions on these columns.
fn conditions(
    project: ProjectId,
    filter: &str,
    columns: &[Column],
) -> Result<Vec<Condition>, Error> {
    let known: Vec<(&str, FieldType)> = columns
        .iter()
        .filter_map(|column| Some((column.name.as_str(), column.field_type?)))
        .collect();
    filter::from_json(filter, &known).map_err(|fault| {
        let fault = match fault {
            Error::FieldUnknown { field } => match columns.iter().find(|c| c.name == field) {
                Some(column) => AccessError::ColumnNotFiltered {
                    type_name: column.type_name(),
                    column: field,
                },
                None => AccessError::ColumnUnknown { column: field },
            }
            .into(),
            Error::OperatorUnfit { .. } | Error::OperandUnfit { .. } => fault,
            // Of the filter itself, whatever the table.
            other => return other,
        };
        AccessError::InProject {
            project,
            fault: Box::new(fault),
        }
        .into()
    })
}
