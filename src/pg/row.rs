//! The values of one record, in the order of the tool's columns.

use pgrx::{pg_sys, IntoDatum};

use super::jsonb::{JsonValue, Jsonb, Object};

/// Values for the columns of a tool table. Values passed by reference live in
/// the memory context that was current when they were pushed.
pub struct Row {
    pub(super) cells: Vec<Cell>,
}

/// One value.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) value: pg_sys::Datum,
    pub(super) is_null: bool,
    /// False for a field that the payload does not name: a column that has a
    /// default gets it, as it would from an INSERT.
    pub(super) is_named: bool,
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Cell {
            value: pg_sys::Datum::from(value),
            is_null: false,
            is_named: true,
        }
    }
}

impl Row {
    pub fn with_capacity(columns: usize) -> Self {
        Row {
            cells: Vec::with_capacity(columns),
        }
    }

    /// Forgets the values, keeps the space.
    pub fn clear(&mut self) {
        self.cells.clear();
    }

    pub fn push_object(&mut self, object: Object<'_>) {
        self.push(Some(object.to_jsonb()));
    }

    /// True if no field was given a value, not even null.
    pub fn names_nothing(&self) -> bool {
        self.cells.iter().all(|cell| !cell.is_named)
    }

    pub fn is_null(&self, column: usize) -> bool {
        self.cells[column].is_null
    }

    /// A field that the payload does not name.
    pub fn push_missing(&mut self) {
        self.cells.push(Cell {
            value: pg_sys::Datum::null(),
            is_null: true,
            is_named: false,
        });
    }

    pub fn push_null(&mut self) {
        self.push(None);
    }

    pub fn push_bool(&mut self, value: bool) {
        self.push(value.into_datum());
    }

    pub fn push_int(&mut self, value: i64) {
        self.push(value.into_datum());
    }

    pub fn push_float(&mut self, value: f64) {
        self.push(value.into_datum());
    }

    pub fn push_text(&mut self, value: &str) {
        self.push(value.into_datum());
    }

    /// Microseconds since PostgreSQL's epoch.
    pub fn push_timestamp(&mut self, value: i64) {
        self.push(value.into_datum());
    }

    pub fn push_json(&mut self, value: JsonValue<'_>) {
        self.push(Some(value.to_jsonb()));
    }

    /// A whole document, in the memory context where it was made.
    pub fn push_document(&mut self, document: Jsonb<'_>) {
        self.push(Some(document.datum()));
    }

    fn push(&mut self, datum: Option<pg_sys::Datum>) {
        self.cells.push(Cell {
            value: datum.unwrap_or(pg_sys::Datum::null()),
            is_null: datum.is_none(),
            is_named: true,
        });
    }
}
