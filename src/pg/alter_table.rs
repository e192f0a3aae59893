//! Changing the table of a tool. The caller holds it locked exclusively.

use super::acting::{as_owner_for_ddl, with_portable_values};
use super::ddl::{create_field_index, relation_oid, run, VERSION_COLUMNS};
use super::ident::{column_definition, column_type, default_constant, widened, Quoted, TableName};
use crate::model::alteration::Step;
use crate::model::altered_field::AlteredField;
use crate::model::name::VERSION_FIELDS;
use crate::model::schema::Field;

/// Makes the changes of columns, one after the other. Columns that a constraint
/// is for are added without it: it comes in a statement of its own.
pub fn alter_columns(table: &TableName, steps: &[Step]) {
    as_owner_for_ddl(|| {
        for step in steps {
            match step {
                Step::Add(field) => add(table, field),
                Step::Rename { from, to } => rename(table, from, to),
                Step::Drop(field) => run(&format!(
                    "ALTER TABLE {table} DROP COLUMN {}",
                    Quoted(field)
                )),
                Step::Widen { field, from, to } => with_portable_values(|| {
                    run(&format!(
                        "ALTER TABLE {table} ALTER COLUMN {column} TYPE {new_type} USING {value}",
                        column = Quoted(field),
                        new_type = column_type(*to),
                        value = widened(field, *from, *to)
                    ));
                }),
            }
        }
    });
}

/// Rows that are there get the field's default, which takes no time: it is kept
/// once, for all of them. New rows get it from the service, like any default.
fn add(table: &TableName, field: &Field) {
    let column = column_definition(field);
    match default_constant(field) {
        None => run(&format!("ALTER TABLE {table} ADD COLUMN {column}")),
        Some(default) => {
            run(&format!(
                "ALTER TABLE {table} ADD COLUMN {column} DEFAULT {default}"
            ));
            run(&format!(
                "ALTER TABLE {table} ALTER COLUMN {} DROP DEFAULT",
                Quoted(&field.name)
            ));
        }
    }
}

fn rename(table: &TableName, from: &str, to: &str) {
    run(&format!(
        "ALTER TABLE {table} RENAME COLUMN {} TO {}",
        Quoted(from),
        Quoted(to)
    ));
    for unique in [false, true] {
        let index = table.index_of_field(from, unique);
        if relation_oid(&index).is_some() {
            run(&format!(
                "ALTER INDEX {index} RENAME TO {}",
                Quoted(&table.index_of_field(to, unique).table)
            ));
        }
    }
}

/// Drops indexes that fields are not to have any longer, by the fields' names
/// before all changes.
pub fn drop_indexes(table: &TableName, fields: &[AlteredField]) {
    as_owner_for_ddl(|| {
        let changing = fields.iter().filter(|field| field.index_changes());
        for before in changing.filter_map(|field| field.before.as_ref()) {
            let index = table.index_of_field(&before.name, before.rules.unique);
            if relation_oid(&index).is_some() {
                run(&format!("DROP INDEX {index}"));
            }
        }
    });
}

/// Makes the indexes that fields are to have now.
pub fn create_indexes(table: &TableName, fields: &[AlteredField]) {
    as_owner_for_ddl(|| {
        for altered in fields.iter().filter(|field| field.index_changes()) {
            create_field_index(table, &altered.field);
        }
    });
}

/// Lets columns be NULL or not, as the fields are required or not.
pub fn alter_not_null(table: &TableName, fields: &[AlteredField]) {
    as_owner_for_ddl(|| {
        for altered in fields {
            let action = match altered.not_null_becomes() {
                Some(true) => "SET",
                Some(false) => "DROP",
                None => continue,
            };
            run(&format!(
                "ALTER TABLE {table} ALTER COLUMN {} {action} NOT NULL",
                Quoted(&altered.field.name)
            ));
        }
    });
}

/// Gives a table the columns of a versioned tool. Records that are there have
/// version 1 and were updated now.
pub fn add_versions(table: &TableName) {
    as_owner_for_ddl(|| {
        for column in VERSION_COLUMNS {
            run(&format!("ALTER TABLE {table} ADD COLUMN {column}"));
        }
    });
}

pub fn drop_versions(table: &TableName) {
    as_owner_for_ddl(|| {
        for column in VERSION_FIELDS {
            run(&format!(
                "ALTER TABLE {table} DROP COLUMN {}",
                Quoted(column)
            ));
        }
    });
}
