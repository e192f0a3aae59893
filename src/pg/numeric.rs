//! Numbers of a jsonb value, read where they lie. The layout is that of
//! PostgreSQL's numeric on disk, unchanged since 9.1 and fixed by pg_upgrade.

use pgrx::pg_sys;

const SHORT_FORM: u16 = 0x8000;
const SIGN_MASK: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SPECIAL: u16 = 0xC000;
const SHORT_NEGATIVE: u16 = 0x2000;
const SHORT_SCALE_MASK: u16 = 0x1F80;
const SHORT_SCALE_SHIFT: u16 = 7;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;
const SHORT_WEIGHT_MASK: u16 = 0x003F;
const LONG_SCALE_MASK: u16 = 0x3FFF;
const BASE: i128 = 10_000;

/// A number inside a jsonb value.
#[derive(Clone, Copy)]
pub struct Number<'a> {
    /// The numeric without its varlena header.
    bytes: &'a [u8],
    datum: pg_sys::Datum,
}

impl<'a> Number<'a> {
    /// # Safety
    /// `numeric` points to a numeric with a four-byte varlena header that lives
    /// as long as `'a`, as every numeric inside a jsonb value does.
    pub(super) unsafe fn from_raw(numeric: pg_sys::Numeric) -> Self {
        let varlena = numeric.cast::<pg_sys::varlena>();
        // SAFETY: the caller vouches for pointer and lifetime.
        unsafe {
            let length = pgrx::varsize_any_exhdr(varlena);
            let data = pgrx::vardata_any(varlena).cast::<u8>();
            Number {
                bytes: std::slice::from_raw_parts(data, length),
                datum: pg_sys::Datum::from(varlena),
            }
        }
    }

    /// True if the number was written without a fraction.
    pub fn is_integer(&self) -> bool {
        let header = self.word(0);
        let scale = match header & SIGN_MASK {
            SPECIAL => return false,
            _ if header & SHORT_FORM != 0 => (header & SHORT_SCALE_MASK) >> SHORT_SCALE_SHIFT,
            _ => header & LONG_SCALE_MASK,
        };
        scale == 0
    }

    /// The value, if it is an integer that fits a bigint.
    pub fn to_i64(self) -> Option<i64> {
        if !self.is_integer() {
            return None;
        }
        let header = self.word(0);
        let (negative, weight, first_digit) = if header & SHORT_FORM != 0 {
            let weight = i32::from(header & SHORT_WEIGHT_MASK);
            let below_zero = header & SHORT_WEIGHT_SIGN != 0;
            // The weight is a seven-bit two's complement number.
            let weight = if below_zero { weight - 64 } else { weight };
            (header & SHORT_NEGATIVE != 0, weight, 1)
        } else {
            let weight = i32::from(self.word(1) as i16);
            (header & SIGN_MASK == NEGATIVE, weight, 2)
        };
        let stored = self.bytes.len() / 2 - first_digit;
        if stored == 0 {
            return Some(0);
        }
        // 10^20 exceeds every bigint; stopping there keeps i128 from overflowing.
        if !(0..=4).contains(&weight) {
            return None;
        }
        let mut value: i128 = 0;
        for position in 0..=weight as usize {
            let digit = if position < stored {
                self.word(first_digit + position)
            } else {
                0 // trailing zero digits are not stored
            };
            value = value * BASE + i128::from(digit);
        }
        i64::try_from(if negative { -value } else { value }).ok()
    }

    /// The nearest double, if it is finite.
    pub fn to_f64(self) -> Option<f64> {
        // SAFETY: the datum is the numeric that `from_raw` was given; the
        // function allocates its result in the current memory context.
        let double = unsafe {
            pgrx::direct_function_call::<f64>(
                pg_sys::numeric_float8_no_overflow,
                &[Some(self.datum)],
            )
        };
        double.filter(|d| d.is_finite())
    }

    pub(super) fn as_numeric(self) -> pg_sys::Numeric {
        self.datum.cast_mut_ptr()
    }

    fn word(&self, index: usize) -> u16 {
        match self.bytes.get(2 * index..2 * index + 2) {
            Some(pair) => u16::from_ne_bytes([pair[0], pair[1]]),
            None => 0,
        }
    }
}
