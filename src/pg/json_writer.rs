//! JSON text, written straight into a varlena: built once, copied nowhere.

use pgrx::{pg_sys, PgMemoryContexts};

use super::spi::RowRef;
use crate::model::schema::FieldType;

/// Bytes of the varlena header at the start of the buffer.
const HEADER: usize = pg_sys::VARHDRSZ;

/// How timestamps end. They are always in UTC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// `2026-02-05T10:30:00`, as the drop-in answers have them.
    Implied,
    /// `2026-02-05T10:30:00+00:00`.
    Shown,
}

/// A growing JSON text in the memory context where it was made.
pub struct JsonWriter {
    buffer: pg_sys::StringInfo,
    zone: Zone,
    /// For detoasted and converted values; reset after each record.
    scratch: PgMemoryContexts,
}

impl JsonWriter {
    pub fn new(zone: Zone) -> Self {
        // SAFETY: makeStringInfo gives an empty buffer in the current context.
        let buffer = unsafe { pg_sys::makeStringInfo() };
        let mut writer = JsonWriter {
            buffer,
            zone,
            scratch: PgMemoryContexts::new("projectalpha_store record"),
        };
        writer.raw(&[0; HEADER]);
        writer
    }

    /// Forgets what was written, keeps the space.
    pub fn clear(&mut self) {
        // SAFETY: the buffer is ours.
        unsafe { pg_sys::resetStringInfo(self.buffer) };
        self.raw(&[0; HEADER]);
    }

    /// Bytes of JSON written so far.
    pub fn len(&self) -> usize {
        // SAFETY: the buffer is ours; it always has the header.
        unsafe { (*self.buffer).len as usize - HEADER }
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        // SAFETY: appends a copy of as many bytes as there are.
        unsafe {
            pg_sys::appendBinaryStringInfo(self.buffer, bytes.as_ptr().cast(), bytes.len() as i32)
        };
    }

    /// Takes back what was written after the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        if length < self.len() {
            // SAFETY: the buffer is ours; it ends with a NUL beyond its length.
            unsafe {
                (*self.buffer).len = (HEADER + length) as i32;
                *(*self.buffer).data.add(HEADER + length) = 0;
            }
        }
    }

    /// One record as an object: the columns of `row`, in order, under their names.
    pub fn record(&mut self, columns: &[(&str, FieldType)], row: &RowRef<'_>) {
        // SAFETY: switched back below; an error resets it with the transaction.
        let caller = unsafe { self.scratch.set_as_current() };
        for (position, (name, field_type)) in columns.iter().enumerate() {
            self.raw(if position == 0 { b"{\"" } else { b",\"" });
            // Names of fields need no escaping: see model::name.
            self.raw(name.as_bytes());
            self.raw(b"\":");
            self.value(*field_type, row, position as i32 + 1);
        }
        self.raw(if columns.is_empty() { b"{}" } else { b"}" });
        // SAFETY: the values written are copies; nothing points into the scratch.
        unsafe {
            PgMemoryContexts::For(caller.value()).set_as_current();
            self.scratch.reset();
        }
    }

    /// The text as a varlena datum (json, text, bytea). The writer must not be
    /// used until the datum has been copied or handed over.
    pub(super) fn datum(&mut self) -> pg_sys::Datum {
        // SAFETY: the buffer starts with room for the header, aligned by palloc.
        unsafe {
            let varlena = (*self.buffer).data.cast::<pg_sys::varlena>();
            pgrx::set_varsize_4b(varlena, (*self.buffer).len);
            pg_sys::Datum::from(varlena)
        }
    }

    fn value(&mut self, field_type: FieldType, row: &RowRef<'_>, position: i32) {
        let written = match field_type {
            FieldType::Int => row.get::<i64>(position).map(|v| self.display(v)),
            FieldType::Bool => row.get::<bool>(position).map(|v| self.display(v)),
            FieldType::Float => row.get::<f64>(position).map(|v| self.float(v)),
            FieldType::Str => row.get::<String>(position).map(|v| self.text(&v)),
            FieldType::Json => row.raw(position).map(|v| self.jsonb(v)),
            FieldType::Timestamp => row.get::<i64>(position).map(|v| self.timestamp(v)),
        };
        if written.is_none() {
            self.raw(b"null");
        }
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        self.raw(value.to_string().as_bytes());
    }

    /// The shortest text that reads back as the same double; always with a
    /// fraction, so that a float stays one. Beyond JSON, PostgreSQL's words.
    fn float(&mut self, value: f64) {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.display(number),
            None if value.is_nan() => self.raw(b"\"NaN\""),
            None if value > 0.0 => self.raw(b"\"Infinity\""),
            None => self.raw(b"\"-Infinity\""),
        }
    }

    fn text(&mut self, value: &str) {
        match serde_json::to_string(value) {
            Ok(quoted) => self.raw(quoted.as_bytes()),
            Err(_) => self.raw(b"null"),
        }
    }

    fn jsonb(&mut self, datum: pg_sys::Datum) {
        // SAFETY: the datum is a jsonb; detoasted into the scratch context.
        unsafe {
            let jsonb = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::Jsonb>();
            pg_sys::JsonbToCString(
                self.buffer,
                &mut (*jsonb).root,
                pgrx::varsize_any(jsonb.cast()) as i32,
            );
        }
    }

    /// A timestamptz, as ISO 8601 in UTC. The fraction, if there is one, has six
    /// digits as Python's isoformat() gives it and its parser wants it.
    fn timestamp(&mut self, microseconds: i64) {
        let mut text = [0; pg_sys::MAXDATELEN as usize + 1];
        // SAFETY: the buffer has the size that the function asks for. As a
        // timestamp without zone the value prints as it is: in UTC.
        unsafe {
            pg_sys::JsonEncodeDateTime(
                text.as_mut_ptr(),
                pg_sys::Datum::from(microseconds),
                pg_sys::TIMESTAMPOID,
                std::ptr::null(),
            );
        }
        let text: Vec<u8> = text
            .iter()
            .map(|c| *c as u8)
            .take_while(|c| *c != 0)
            .collect();
        self.raw(b"\"");
        match text.iter().position(|c| *c == b'.') {
            Some(point) => {
                let digits = text[point + 1..]
                    .iter()
                    .take_while(|c| c.is_ascii_digit())
                    .count();
                let (number, era) = text.split_at(point + 1 + digits);
                self.raw(number);
                self.raw(&b"000000"[digits.min(6)..]);
                self.raw(era);
            }
            None => self.raw(&text),
        }
        if self.zone == Zone::Shown && text.contains(&b'T') {
            self.raw(b"+00:00");
        }
        self.raw(b"\"");
    }
}
