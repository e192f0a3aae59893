//! JSON text, written straight into a varlena: built once, copied nowhere.

use pgrx::{pg_sys, PgMemoryContexts};

use super::raw;
use crate::model::schema::FieldType;

/// Bytes of the varlena header at the start of the buffer.
const HEADER: usize = pg_sys::VARHDRSZ;

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
/// Days that PostgreSQL's and ISO's calendar share in four digits: the years 1
/// to 9999, as days since 2000-01-01.
const PLAIN_DAYS: std::ops::Range<i64> = -730_119..2_921_940;

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
    /// Starts with room for the varlena header.
    buffer: pg_sys::StringInfoData,
    zone: Zone,
    /// For detoasted values; reset after each record that had any.
    scratch: PgMemoryContexts,
    scratch_used: bool,
}

impl JsonWriter {
    pub fn new(zone: Zone) -> Self {
        let mut buffer = pg_sys::StringInfoData::default();
        // SAFETY: gives an empty buffer in the current memory context.
        unsafe { pg_sys::initStringInfo(&mut buffer) };
        let mut writer = JsonWriter {
            buffer,
            zone,
            scratch: PgMemoryContexts::new("projectalpha_store record"),
            scratch_used: false,
        };
        writer.raw(&[0; HEADER]);
        writer
    }

    /// Forgets what was written, keeps the space.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Bytes of JSON written so far.
    pub fn len(&self) -> usize {
        self.buffer.len as usize - HEADER
    }

    /// What was written so far.
    pub fn written(&self) -> &[u8] {
        // SAFETY: that many bytes of the buffer are filled, after the header.
        unsafe { std::slice::from_raw_parts(self.buffer.data.cast::<u8>().add(HEADER), self.len()) }
    }

    /// Takes back what was written after the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.buffer.len = (HEADER + length) as i32;
        }
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        let end = self.buffer.len as usize + bytes.len();
        // SAFETY: enlarged where needed (an error beyond 1 GB), so there is room
        // for the bytes and for the NUL that PostgreSQL keeps behind them.
        unsafe {
            if end >= self.buffer.maxlen as usize {
                pg_sys::enlargeStringInfo(&mut self.buffer, bytes.len() as i32);
            }
            let place = self.buffer.data.add(self.buffer.len as usize).cast::<u8>();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
        }
        self.buffer.len = end as i32;
    }

    /// One record as an object: its columns, in order, under their names. The
    /// values have the types of the columns.
    pub(super) fn record(
        &mut self,
        columns: &[(&str, FieldType)],
        values: &[Option<pg_sys::Datum>],
    ) {
        let mut separator: &[u8] = b"{\"";
        for ((name, field_type), value) in columns.iter().zip(values) {
            self.raw(separator);
            // Names of fields need no escaping: see model::name.
            self.raw(name.as_bytes());
            self.raw(b"\":");
            match value {
                Some(datum) => self.value(*field_type, *datum),
                None => self.raw(b"null"),
            }
            separator = b",\"";
        }
        self.raw(b"}");
        if std::mem::take(&mut self.scratch_used) {
            // SAFETY: what was written is a copy; nothing points into the scratch.
            unsafe { self.scratch.reset() };
        }
    }

    /// What was written so far.
    pub fn to_text(&self) -> String {
        // SAFETY: the buffer has this many bytes, all of them written.
        let bytes = unsafe {
            std::slice::from_raw_parts(self.buffer.data.add(HEADER).cast::<u8>(), self.len())
        };
        // The text of a database in UTF-8 is UTF-8.
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The text as a varlena datum (json, text, bytea). The writer must not be
    /// used until the datum has been copied or handed over.
    pub(super) fn datum(&mut self) -> pg_sys::Datum {
        // SAFETY: the buffer starts with room for the header, aligned by palloc.
        unsafe {
            let varlena = self.buffer.data.cast::<pg_sys::varlena>();
            pgrx::set_varsize_4b(varlena, self.buffer.len);
            pg_sys::Datum::from(varlena)
        }
    }

    fn value(&mut self, field_type: FieldType, datum: pg_sys::Datum) {
        match field_type {
            FieldType::Int => self.int(datum.value() as i64),
            FieldType::Bool => self.raw(if datum.value() & 0xff != 0 {
                b"true"
            } else {
                b"false"
            }),
            FieldType::Float => self.float(f64::from_bits(datum.value() as u64)),
            FieldType::Str => self.text(datum),
            FieldType::Json => self.jsonb(datum),
            FieldType::Timestamp => self.timestamp(datum.value() as i64),
        }
    }

    fn int(&mut self, value: i64) {
        self.raw(itoa::Buffer::new().format(value).as_bytes());
    }

    /// The shortest text that reads back as the same double; always with a
    /// fraction, so that a float stays one. Beyond JSON, PostgreSQL's words.
    fn float(&mut self, value: f64) {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.raw(number.to_string().as_bytes()),
            None if value.is_nan() => self.raw(b"\"NaN\""),
            None if value > 0.0 => self.raw(b"\"Infinity\""),
            None => self.raw(b"\"-Infinity\""),
        }
    }

    fn text(&mut self, datum: pg_sys::Datum) {
        let varlena = self.detoast(datum);
        // SAFETY: a plain varlena that lives until the record is written.
        let bytes = unsafe {
            std::slice::from_raw_parts(
                pgrx::vardata_any(varlena).cast::<u8>(),
                pgrx::varsize_any_exhdr(varlena),
            )
        };
        self.raw(b"\"");
        let mut start = 0;
        for (position, byte) in bytes.iter().enumerate() {
            if *byte < 0x20 || *byte == b'"' || *byte == b'\\' {
                self.raw(&bytes[start..position]);
                self.escape(*byte);
                start = position + 1;
            }
        }
        self.raw(&bytes[start..]);
        self.raw(b"\"");
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'"' => self.raw(b"\\\""),
            b'\\' => self.raw(b"\\\\"),
            b'\n' => self.raw(b"\\n"),
            b'\r' => self.raw(b"\\r"),
            b'\t' => self.raw(b"\\t"),
            0x08 => self.raw(b"\\b"),
            0x0c => self.raw(b"\\f"),
            _ => self.raw(format!("\\u{byte:04x}").as_bytes()),
        }
    }

    fn jsonb(&mut self, datum: pg_sys::Datum) {
        let jsonb = self.detoast_aligned(datum).cast::<pg_sys::Jsonb>();
        // SAFETY: a jsonb with its total size, appended to our buffer.
        unsafe {
            pg_sys::JsonbToCString(
                &mut self.buffer,
                &mut (*jsonb).root,
                pgrx::varsize_any(jsonb.cast()) as i32,
            );
        }
    }

    /// A timestamptz, as ISO 8601 in UTC. The fraction, if there is one, has six
    /// digits as Python's isoformat() gives it and its parser wants it.
    fn timestamp(&mut self, microseconds: i64) {
        let days = microseconds.div_euclid(MICROSECONDS_PER_DAY);
        if !PLAIN_DAYS.contains(&days) {
            return self.far_timestamp(microseconds);
        }
        let (year, month, day) = raw::date_of(days);
        let of_day = microseconds.rem_euclid(MICROSECONDS_PER_DAY);
        let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
        let mut text = *b"\"0000-00-00T00:00:00.000000";
        put_digits(&mut text[1..5], year.into());
        put_digits(&mut text[6..8], month.into());
        put_digits(&mut text[9..11], day.into());
        put_digits(&mut text[12..14], seconds / 3600);
        put_digits(&mut text[15..17], seconds / 60 % 60);
        put_digits(&mut text[18..20], seconds % 60);
        put_digits(&mut text[21..27], fraction);
        self.raw(if fraction == 0 { &text[..20] } else { &text });
        self.raw(match self.zone {
            Zone::Implied => b"\"",
            Zone::Shown => b"+00:00\"",
        });
    }

    /// Infinity, years before 1 and after 9999: as PostgreSQL writes them.
    fn far_timestamp(&mut self, microseconds: i64) {
        let mut text = [0; pg_sys::MAXDATELEN as usize + 1];
        // SAFETY: the buffer has the size that the function asks for. As a
        // timestamp without zone the value prints as it is: in UTC.
        let text = unsafe {
            pg_sys::JsonEncodeDateTime(
                text.as_mut_ptr(),
                pg_sys::Datum::from(microseconds),
                pg_sys::TIMESTAMPOID,
                std::ptr::null(),
            );
            std::ffi::CStr::from_ptr(text.as_ptr()).to_bytes()
        };
        self.raw(b"\"");
        self.raw(text);
        if self.zone == Zone::Shown && text.contains(&b'T') {
            self.raw(b"+00:00");
        }
        self.raw(b"\"");
    }

    /// A varlena that can be read in place, with a header of one or four bytes.
    fn detoast(&mut self, datum: pg_sys::Datum) -> *const pg_sys::varlena {
        let varlena = datum.cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: the datum is a varlena.
        unsafe {
            if pgrx::varatt_is_1b_e(varlena) || pgrx::varatt_is_4b_c(varlena) {
                self.with_scratch(|| pg_sys::pg_detoast_datum(varlena))
            } else {
                varlena
            }
        }
    }

    /// A varlena with a four-byte header, aligned as its type wants it.
    fn detoast_aligned(&mut self, datum: pg_sys::Datum) -> *mut pg_sys::varlena {
        let varlena = datum.cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: the datum is a varlena.
        unsafe {
            if pgrx::varatt_is_4b_u(varlena) {
                varlena
            } else {
                self.with_scratch(|| pg_sys::pg_detoast_datum(varlena))
            }
        }
    }

    fn with_scratch<T>(&mut self, body: impl FnOnce() -> T) -> T {
        self.scratch_used = true;
        // SAFETY: switched back below; an error resets it with the transaction.
        unsafe {
            let caller = self.scratch.set_as_current();
            let value = body();
            PgMemoryContexts::For(caller.value()).set_as_current();
            value
        }
    }
}

/// Writes `value` in decimal, with leading zeros, into all of `place`.
fn put_digits(place: &mut [u8], mut value: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}
