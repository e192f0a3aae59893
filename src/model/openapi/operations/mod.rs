//! The operations of a tool, one function for each, and what they share.

mod listing;
mod record;
mod storing;
mod tool;

pub use listing::{count_records, list_records};
pub use record::{delete_record, get_record, update_record};
pub use storing::{store_record, store_records, upsert_record, validate_record};
pub use tool::{delete_tool, tool_document};

use serde_json::{json, Value};

use super::{Documented, TOOL_TOKEN};

/// Reading is public unless the tool is sensitive.
fn to_read(tool: &Documented<'_>) -> Value {
    if tool.sensitive {
        to_write()
    } else {
        json!([])
    }
}

fn to_write() -> Value {
    json!([{TOOL_TOKEN: []}])
}

/// The statuses whose condition holds.
fn statuses(known: &[(&'static str, bool)]) -> Vec<&'static str> {
    let given = known.iter().filter(|(_, given)| *given);
    given.map(|(status, _)| *status).collect()
}

fn body(schema: Value, example: Option<Value>) -> Value {
    json!({
        "required": true,
        "content": {"application/json": super::answers::media(schema, example)},
    })
}
