//! `list_records`, `count_records` and `page_cursor`.

use pgrx::prelude::*;

use super::page;
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::jsonb::Jsonb;
use crate::pg::report;
use crate::pg::set_result::{JsonRows, RowsReturned};
use crate::store::search::{self, Filter, Search};

/// Lists records of a tool, oldest first (spec 001, section 4.3), or those that
/// meet a filter, in another order.
///
/// Arguments: `tool_name`; `row_limit`, at most the setting
/// `projectalpha_store.max_page_size` (asking for more gives that many);
/// `row_offset`, rows to skip; `token`, needed only for a sensitive tool;
/// `after_id`, the last id of the page before: the page costs the same at any
/// depth, which it does not with `row_offset`.
///
/// `filter`: a JSON object, `{"field": {"operator": value, ...}, "other": value}`;
/// all its conditions must hold, at most 100. A bare value means `eq`, `null`
/// means `is_null`. Operators: `eq`, `ne`, `in` (an array of 1 to 1000 values),
/// `is_null` (`true` or `false`); `lt`, `lte`, `gt`, `gte` but for bool and json;
/// `like` for str (`%`, `_`, and `\` to escape them); `contains` for json. Values
/// follow the rules of payloads. As in SQL, none but `is_null` is true of a field
/// that is null: neither is `ne`. `id` and `created_at` are fields too.
///
/// `order_by`: `field`, ascending with nulls last, or `-field`, descending with
/// nulls first; ties are in the order of ids, in the same direction. Not for json.
///
/// `after`: a cursor of `page_cursor()` for the last record of the page before,
/// made with the same `order_by`. Costs the same at any depth if there is an index
/// on the field and `id`.
///
/// Returns each record as `json` (not `jsonb`, which would not keep the order
/// of the keys): `id`, `created_at`, then the fields as registered. Timestamps
/// are in UTC and end in `+00:00`.
///
/// Errors: 42704 no such tool; 28000 the tool is sensitive and the token is
/// none of its; 42703 `filter` or `order_by` names an unknown field; 22023 a bad
/// operator, value, order or cursor, negative limit or offset; 22004 no tool name;
/// 42P01 the table was dropped by hand.
///
/// ```sql
/// SELECT r->>'feedback' FROM projectalpha.list_records('survey_bot', row_limit => 20,
///     filter => '{"user_id": {"gte": 42}}', order_by => '-created_at') AS r;
/// ```
#[pg_extern(
    schema = "projectalpha",
    name = "list_records",
    stable,
    parallel_unsafe
)]
#[allow(clippy::too_many_arguments)]
fn search_records(
    tool_name: Option<&str>,
    row_limit: default!(Option<i32>, "10"),
    row_offset: default!(Option<i64>, "0"),
    token: default!(Option<&str>, "NULL"),
    after_id: default!(Option<i64>, "NULL"),
    filter: default!(Option<Jsonb<'_>>, "NULL"),
    order_by: default!(Option<&str>, "NULL"),
    after: default!(Option<&str>, "NULL"),
    mut rows: JsonRows<'_>,
) -> RowsReturned {
    report::run(|| {
        let page = page(row_limit, row_offset, after_id)?;
        let search = Search {
            filter: Filter::Json(filter),
            order_by,
            after,
        };
        let mut writer = JsonWriter::new(Zone::Shown);
        search::list(
            tool_name,
            token,
            &search,
            page,
            &mut writer,
            |record, _id| rows.push(record),
        )
    });
    rows.finish()
}

/// Counts records of a tool, all or those that meet a filter.
///
/// Arguments: `tool_name`; `filter` as for `list_records`; `token`, needed only
/// for a sensitive tool.
///
/// Errors: as for `list_records`.
///
/// ```sql
/// SELECT projectalpha.count_records('survey_bot', filter => '{"user_id": 42}');
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn count_records(
    tool_name: Option<&str>,
    filter: default!(Option<Jsonb<'_>>, "NULL"),
    token: default!(Option<&str>, "NULL"),
) -> i64 {
    report::run(|| search::count(tool_name, token, &Filter::Json(filter)))
}

/// The cursor after a record: what `list_records` takes as `after` to go on from
/// there. It is made of the record alone and stays good for ever.
///
/// Arguments: `record`, the last one of a page, as `list_records` gave it;
/// `order_by`, that of the page.
///
/// Returns the cursor, which can stand in a URL as it is; NULL for no record.
///
/// Errors: 22023 it is not such a record; 42703 it lacks the field of `order_by`.
///
/// ```sql
/// SELECT projectalpha.page_cursor(r, '-created_at')
///   FROM projectalpha.list_records('survey_bot', 1, order_by => '-created_at') AS r;
/// ```
// Declared by hand: json is text of another name, and pgrx has no argument for it.
#[pg_extern(sql = r#"
CREATE FUNCTION projectalpha.page_cursor(record json, order_by text DEFAULT NULL) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#, requires = [projectalpha])]
fn page_cursor(record: Option<&str>, order_by: Option<&str>) -> Option<String> {
    report::run(|| search::page_cursor(record, order_by))
}
