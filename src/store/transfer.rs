//! Moving a tool to another database: its definition and all its records, as
//! lines of JSON.

use std::collections::VecDeque;
use std::ffi::CString;
use std::rc::Rc;

use crate::model::error::Error;
use crate::model::json_kind::JsonKind;
use crate::model::name::ToolName;
use crate::model::schema::{FieldType, PAYLOAD_COLUMN};
use crate::model::timestamp;
use crate::model::transfer::{Definition, TransferFault};
use crate::pg::cache;
use crate::pg::compat::LOCK_FOR_READING;
use crate::pg::compiled_tool::CompiledTool;
use crate::pg::import::{continue_after, Import, Origin};
use crate::pg::json_writer::{JsonWriter, Zone};
use crate::pg::jsonb::{JsonValue, Jsonb, Object};
use crate::pg::line_source::LineSource;
use crate::pg::report::{self, catch};
use crate::pg::row::Row;
use crate::pg::{directory, export};

use super::authorise::{self, Caller};
use super::changes::not_unique;
use super::info::Storage;
use super::records::{listed_columns, name_of_tool};
use super::tools::{self, Registered, Registration};
use super::validate;

/// Bytes of lines that are made at once.
const BATCH_BYTES: usize = 256 << 10;

/// An export under way: what it holds is no more than a batch of lines.
pub struct Export {
    name: ToolName,
    tool_id: i64,
    after_id: i64,
    lines: VecDeque<String>,
    finished: bool,
}

impl Export {
    /// Makes the first line. The tool cannot be changed until the transaction ends.
    pub fn begin(tool_name: Option<&str>) -> Result<Self, Error> {
        authorise::admin_role()?;
        let name = name_of_tool(tool_name)?;
        let tool = locked(&name)?;
        let registered = directory::registered(&name).ok_or(Error::ToolNotFound)?;
        let schema = registered.schema_definition.as_deref();
        let definition = Definition::new(
            name.as_str(),
            registered.sensitive,
            registered.description,
            schema.and_then(|text| serde_json::from_str(text).ok()),
            tool.options.clone(),
            export::count(&tool.table.name),
        );
        Ok(Export {
            name,
            tool_id: tool.id,
            after_id: i64::MIN,
            lines: VecDeque::from([definition.to_line()]),
            finished: false,
        })
    }

    /// A line that is made already.
    pub fn ready_line(&mut self) -> Option<String> {
        self.lines.pop_front()
    }

    /// Makes more lines; there are none if there is nothing left.
    pub fn make_lines(&mut self) -> Result<(), Error> {
        if self.finished {
            return Ok(());
        }
        let tool = locked(&self.name)?;
        // Deleted by this very transaction, and registered again.
        if tool.id != self.tool_id {
            return Err(Error::ToolNotFound);
        }
        let mut writer = JsonWriter::new(Zone::Shown);
        let mut bytes = 0;
        let before = self.after_id;
        let (after_id, lines) = (&mut self.after_id, &mut self.lines);
        let columns = listed_columns(&tool);
        export::batch(
            &tool.table.name,
            &columns,
            before,
            &mut writer,
            |record, id| {
                bytes += record.len();
                lines.push_back(record.to_text());
                record.clear();
                *after_id = id;
                bytes < BATCH_BYTES
            },
        );
        self.finished = self.lines.is_empty();
        Ok(())
    }
}

fn locked(name: &ToolName) -> Result<Rc<CompiledTool>, Error> {
    loop {
        let tool = cache::find(name)?;
        if cache::lock(name, &tool, LOCK_FOR_READING) {
            return Ok(tool);
        }
    }
}

/// What came of an import; the token is shown here and never again.
pub struct Imported {
    pub tool: Registered,
    pub records: i64,
}

/// Registers the tool that the first line defines, under another name if one is
/// given, and stores the record of each line that follows. A fault is raised by
/// the caller, and nothing is imported.
pub fn import(
    source: Option<LineSource>,
    tool_name: Option<&str>,
    token: Option<&str>,
) -> Result<Imported, Error> {
    authorise::admin_role()?;
    let source = source.ok_or(Error::ArgumentNull { argument: "source" })?;
    let mut target: Option<Target> = None;
    source.each_line(|line, text| {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(());
        };
        let in_line = |fault| Error::InLine {
            line,
            fault: Box::new(fault),
        };
        match &mut target {
            Some(target) => target.store(text, in_line),
            None => {
                let definition = Definition::parse(text).map_err(in_line)?;
                target = Some(Target::register(definition, tool_name, token)?);
                Ok(())
            }
        }
    })?;
    target
        .ok_or(Error::Transfer(TransferFault::Empty))?
        .finish()
}

/// The tool that is being imported.
struct Target {
    registered: Registered,
    tool: Rc<CompiledTool>,
    rows: Import,
    announced: Option<i64>,
    records: i64,
    largest_id: i64,
}

impl Target {
    fn register(
        definition: Definition,
        tool_name: Option<&str>,
        token: Option<&str>,
    ) -> Result<Self, Error> {
        let schema = definition.schema.map(|schema| schema.to_string());
        let registered = tools::register(
            Caller::Sql,
            &Registration {
                tool_name: Some(tool_name.unwrap_or(&definition.tool_name)),
                token,
                schema: schema.as_deref(),
                sensitive: Some(definition.sensitive),
                description: definition.description.as_deref(),
                options: definition.options,
                storage: Storage::Table,
                admin_token: None,
            },
        )?;
        let tool = cache::find(&ToolName::parse(&registered.tool_name)?)?;
        let columns = listed_columns(&tool);
        Ok(Target {
            rows: Import::into(&tool.table.name, tool.table.oid, &columns),
            registered,
            tool,
            announced: definition.records,
            records: 0,
            largest_id: 0,
        })
    }

    fn store(&mut self, line: &str, in_line: impl Fn(Error) -> Error) -> Result<(), Error> {
        let (origin, row) = self.record(line).map_err(&in_line)?;
        if let Err(failure) = self.rows.insert(&origin, &row) {
            let refused = TransferFault::Refused {
                sqlstate: failure.sqlstate,
                reason: failure.message.clone(),
            };
            let fault = not_unique(&self.tool, &failure).unwrap_or(Error::Transfer(refused));
            // Raised on the spot: after an error of PostgreSQL's nothing may run
            // but the way out.
            report::raise(&in_line(fault));
        }
        self.records += 1;
        self.largest_id = self.largest_id.max(origin.id);
        Ok(())
    }

    /// The record in a line: where it comes from, and its values. Those are checked as
    /// when they are stored: what the rules of its tool allowed there they allow here.
    /// The limits of the tool are not looked at: it had these records.
    fn record(&self, line: &str) -> Result<(Origin, Row), Error> {
        let record = parse(line)?.as_object().ok_or(Error::PayloadNotObject)?;
        let versions = if self.tool.options.versioned {
            Some((time_of(record, "updated_at")?, int_of(record, "version")?))
        } else {
            None
        };
        let origin = Origin {
            id: int_of(record, "id")?,
            created_at: time_of(record, "created_at")?,
            versions,
        };
        let payload = self.payload_of(record)?;
        let others: &[&str] = if self.tool.options.versioned {
            &["id", "created_at", "updated_at", "version"]
        } else {
            &["id", "created_at"]
        };
        let row = validate::row_beside(&self.tool, payload, others)?;
        Ok((origin, row))
    }

    /// The record as it was sent: beside id and created_at, or under its own key.
    fn payload_of<'a>(&self, record: Object<'a>) -> Result<Object<'a>, Error> {
        if !self.tool.whole_payload {
            return Ok(record);
        }
        let payload = record.get(PAYLOAD_COLUMN).and_then(JsonValue::as_object);
        payload.ok_or(Error::PayloadNotObject)
    }

    fn finish(self) -> Result<Imported, Error> {
        if let Some(announced) = self
            .announced
            .filter(|announced| *announced != self.records)
        {
            return Err(Error::Transfer(TransferFault::RecordsMissing {
                announced,
                found: self.records,
            }));
        }
        if self.largest_id > 0 {
            continue_after(&self.tool.table.name, self.largest_id);
        }
        Ok(Imported {
            tool: self.registered,
            records: self.records,
        })
    }
}

/// The parser takes memory and nothing else, so there is nothing to roll back.
fn parse(line: &str) -> Result<Jsonb<'static>, Error> {
    let not_json = || Error::Transfer(TransferFault::NotJson);
    let text = CString::new(line).map_err(|_| not_json())?;
    catch(|| Jsonb::parse(&text)).map_err(|_| not_json())
}

fn int_of(record: Object<'_>, key: &str) -> Result<i64, Error> {
    let field = || key.to_owned();
    match record.get(key) {
        Some(JsonValue::Number(number)) if number.is_integer() => number
            .to_i64()
            .ok_or_else(|| Error::IntOutOfRange { field: field() }),
        other => Err(wrong_kind(field(), FieldType::Int, other)),
    }
}

fn time_of(record: Object<'_>, key: &str) -> Result<i64, Error> {
    let field = || key.to_owned();
    match record.get(key) {
        Some(JsonValue::Str(text)) => {
            timestamp::parse(text).ok_or_else(|| Error::TimestampMalformed { field: field() })
        }
        other => Err(wrong_kind(field(), FieldType::Timestamp, other)),
    }
}

fn wrong_kind(field: String, declared: FieldType, value: Option<JsonValue<'_>>) -> Error {
    Error::FieldKind {
        field,
        declared,
        got: value.map_or(JsonKind::Null, |value| value.kind()),
    }
}
