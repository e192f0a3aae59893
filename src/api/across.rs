//! `across_projects`.

use pgrx::prelude::*;

use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::pg::set_result::{JsonbRows, JsonbRowsReturned};
use crate::store::across;

/// Gives the rows of one table of many projects, for administrators.
///
/// Arguments: `table_name`, without a schema: `contents`, `tool_survey_bot`;
/// `projects`, their ids, all of them if it is NULL, whatever their status;
/// `where_filter`, a filter as `list_records` takes it, on the columns of the table:
/// smallint, integer, bigint, text, varchar, boolean, double precision, json, jsonb and
/// timestamptz. A project that has no such table is passed over.
///
/// Returns each row as jsonb: its columns as `to_jsonb` gives them, timestamps in
/// UTC, and `project_id`, which is the project's even if the table has a column of
/// that name. The projects come in the order of their ids, the rows of each as they
/// are stored.
///
/// Takes no transaction id, so it runs in READ ONLY transactions and on a standby. Memory is
/// bounded: rows beyond `work_mem` are on disk until they are fetched. Each table and
/// index stays locked (ACCESS SHARE) until the end of the transaction: more than
/// about 6,000 of them need a higher `max_locks_per_transaction`.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such
/// project; 42P01 none of the projects has the table; 42809 one of them has a view,
/// or something else, of that name; 42703, 0A000, 22023 the filter, and for which project it
/// is wrong; 22004 no table name, or a NULL among the projects.
///
/// ```sql
/// SELECT r->'project_id' AS project, count(*)
///   FROM projectalpha.across_projects('contents',
///            where_filter => '{"created_at": {"gte": "2026-01-01"}}') AS r GROUP BY 1;
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn across_projects(
    table_name: Option<&str>,
    projects: default!(Option<Vec<Option<i64>>>, "NULL"),
    where_filter: default!(Option<Jsonb<'_>>, "NULL"),
    mut rows: JsonbRows<'_>,
) -> JsonbRowsReturned {
    report::run(|| across::list(table_name, projects, where_filter, &mut rows));
    rows.finish()
}
