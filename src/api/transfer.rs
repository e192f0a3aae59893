//! `export_tool` and `import_tool`.

use pgrx::prelude::*;
use pgrx::PgRelation;

use crate::pg::line_source::LineSource;
use crate::pg::report;
use crate::store::transfer::{self, Export};

/// Gives a tool as lines of JSON, for `import_tool` in another database: first its
/// definition, then each record as `list_records` has it, in the order of the ids.
/// The records are those of the query's snapshot. There is no token in it, but all
/// records of a sensitive tool are.
///
/// Arguments: `tool_name`.
///
/// Returns the lines as `text`. Memory stays bounded if they are taken as they come:
/// from the select list of COPY or of a cursor. (In FROM, PostgreSQL collects them
/// first, on disk beyond `work_mem`.) No line has control characters, so that with
/// two of those as quote and delimiter COPY writes each line as it is; its default
/// format doubles backslashes, and undoes that when it reads.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 42704 no such
/// tool; 22004 no tool name; 42P01 the table was dropped by hand.
///
/// ```sql
/// COPY (SELECT projectalpha.export_tool('survey_bot')) TO STDOUT
///     WITH (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01');
/// ```
#[pg_extern(schema = "projectalpha", stable, parallel_unsafe)]
fn export_tool(tool_name: Option<&str>) -> SetOfIterator<'static, String> {
    let mut export = report::run(|| Export::begin(tool_name));
    SetOfIterator::new(std::iter::from_fn(move || {
        export.ready_line().or_else(|| {
            report::run(|| export.make_lines());
            export.ready_line()
        })
    }))
}

/// Registers a tool and stores its records from the lines that `export_tool` gave,
/// all or nothing. Ids, times and versions are kept; new ids go on after the largest
/// one. Values are checked as `store_record` checks them, with the rules of the fields
/// and of a strict tool: a null stays one, whatever the default of its field. The limits
/// of the tool (`max_records`, `max_bytes`) hold for what is stored afterwards, and
/// nothing is announced by NOTIFY.
///
/// Arguments: `source`, a table (or view, or foreign table) with one column of type
/// text, read in order and with the rights of the caller; `tool_name`, to import it
/// under another name; `token`, as for `register_tool`.
///
/// Returns one row: `tool_name`, `table_name`, `token`, shown this once, and how many
/// `records` there are.
///
/// Errors: 42501 the role is no member of `projectalpha_admin`; 22023 the source
/// has not one text column, no definition in its first line, or not as many
/// records as the definition says; 0A000 a later version of the format; 22P02 a
/// line is no JSON; the errors of `register_tool` and `store_record`; 23505 an id
/// twice, or a value twice in a unique field. A fault in a line has its number. 22004
/// no source.
///
/// ```sql
/// CREATE TEMP TABLE lines (line text);
/// COPY lines FROM STDIN WITH (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01');
/// SELECT * FROM projectalpha.import_tool('lines');
/// ```
#[pg_extern(schema = "projectalpha", volatile, parallel_unsafe)]
#[allow(clippy::type_complexity)]
fn import_tool(
    source: Option<PgRelation>,
    tool_name: default!(Option<&str>, "NULL"),
    token: default!(Option<&str>, "NULL"),
) -> TableIterator<
    'static,
    (
        name!(tool_name, String),
        name!(table_name, Option<String>),
        name!(token, String),
        name!(records, i64),
    ),
> {
    let imported = report::run(|| {
        let source = source.as_ref().map(LineSource::of).transpose()?;
        transfer::import(source, tool_name, token)
    });
    TableIterator::once((
        imported.tool.tool_name,
        imported.tool.table_name,
        imported.tool.token,
        imported.records,
    ))
}
