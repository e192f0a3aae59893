//! Whether the records that are there allow what a tool is to become.

use crate::model::alteration::Alteration;
use crate::model::alteration_error::AlterationError;
use crate::model::altered_field::AlteredField;
use crate::model::checks::Checks;
use crate::model::error::Error;
use crate::pg::existing_records::{self, Since, Source, Value, SHOWN_IDS};
use crate::pg::ident::TableName;

/// Checks the columns as they are before the change: all records, or those that
/// came since.
pub fn check_before(
    table: &TableName,
    alteration: &Alteration,
    since: Option<Since>,
) -> Result<(), Error> {
    for altered in &alteration.fields {
        let Some(before) = &altered.before else {
            continue;
        };
        if altered.became_float {
            let (count, ids) = existing_records::inexact_as_float(table, &before.name, since);
            refuse(&before.name, "widen", count, ids)?;
        }
        let source = Source {
            column: &before.name,
            from: before.field_type,
            to: altered.field.field_type,
        };
        check_rules(table, altered, &source, since)?;
        // A unique index tells of those that come later.
        if altered.becomes_unique() && since.is_none() {
            let (count, ids) = existing_records::repeated(table, &source);
            refuse(&altered.field.name, "unique", count, ids)?;
        }
    }
    Ok(())
}

/// Checks the columns that were added.
pub fn check_added(table: &TableName, alteration: &Alteration) -> Result<(), Error> {
    for altered in alteration.fields.iter().filter(|f| f.before.is_none()) {
        let field = &altered.field;
        let source = Source {
            column: &field.name,
            from: field.field_type,
            to: field.field_type,
        };
        if altered.must_be_checked() {
            check_rules(table, altered, &source, None)?;
            if altered.becomes_unique() {
                let (count, ids) = existing_records::repeated(table, &source);
                refuse(&field.name, "unique", count, ids)?;
            }
        }
    }
    Ok(())
}

fn check_rules(
    table: &TableName,
    altered: &AlteredField,
    source: &Source<'_>,
    since: Option<Since>,
) -> Result<(), Error> {
    let field = &altered.field;
    let Some(checks) = Checks::of(&field.rules).filter(|_| altered.must_be_checked()) else {
        return Ok(());
    };
    let mut broken: Vec<Broken> = Vec::new();
    let null_alone = altered.only_null_matters();
    existing_records::scan(table, source, null_alone, since, |id, value| {
        for rule in broken_rules(&checks, &value) {
            match broken.iter_mut().find(|b| b.rule == rule) {
                Some(known) => known.add(id),
                None => broken.push(Broken::new(rule, id)),
            }
        }
    });
    match broken.into_iter().next() {
        Some(first) => refuse(&field.name, first.rule, first.count, first.ids),
        None => Ok(()),
    }
}

fn broken_rules(checks: &Checks, value: &Value) -> Vec<&'static str> {
    let broken = match value {
        Value::Null if checks.required => return vec!["required"],
        Value::Null => return Vec::new(),
        Value::Scalar(scalar) => checks.broken_by(scalar),
        Value::Json(text) => checks.broken_by_json_text(text),
    };
    let mut rules: Vec<&'static str> = broken.iter().map(|rule| rule.option()).collect();
    rules.dedup();
    rules
}

/// The records that break one rule.
struct Broken {
    rule: &'static str,
    count: i64,
    /// The smallest, in order.
    ids: Vec<i64>,
}

impl Broken {
    fn new(rule: &'static str, id: i64) -> Self {
        Broken {
            rule,
            count: 1,
            ids: vec![id],
        }
    }

    fn add(&mut self, id: i64) {
        self.count += 1;
        let place = self.ids.partition_point(|known| *known < id);
        self.ids.insert(place, id);
        self.ids.truncate(SHOWN_IDS as usize);
    }
}

fn refuse(field: &str, rule: &'static str, count: i64, ids: Vec<i64>) -> Result<(), Error> {
    match count {
        0 => Ok(()),
        _ => Err(AlterationError::RecordsBreak {
            field: field.to_owned(),
            rule,
            count,
            ids,
        }
        .into()),
    }
}
