//! ISO 8601 timestamps, as clients send them in JSON. Parsed here rather than
//! by PostgreSQL's own input function, whose answer depends on the session's
//! `DateStyle` and `TimeZone` and which also takes words such as `yesterday`.

use jiff::civil::{date, Date, Time};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::SignedDuration;

/// PostgreSQL counts from here, in microseconds.
const EPOCH: Date = date(2000, 1, 1);
const MICROSECONDS_PER_SECOND: i64 = 1_000_000;
/// From the Unix epoch to PostgreSQL's, in microseconds.
pub const BETWEEN_EPOCHS: i64 = 946_684_800 * MICROSECONDS_PER_SECOND;
const MICROSECONDS_PER_DAY: i64 = 86_400 * MICROSECONDS_PER_SECOND;
const DAYS_IN_400_YEARS: i64 = 146_097;
/// The years 1 to 9999 in UTC: what ISO 8601 writes with four digits, so that
/// what is stored can be shown in the form in which it came.
const SHOWABLE: std::ops::Range<i64> =
    -730_119 * MICROSECONDS_PER_DAY..2_921_940 * MICROSECONDS_PER_DAY;

/// Microseconds since PostgreSQL's epoch for `text`, or nothing if it is not an
/// ISO 8601 date with an optional time and offset. No offset means UTC.
pub fn parse(text: &str) -> Option<i64> {
    let pieces = Pieces::parse(text).ok()?;
    // A zone name would need a time zone database; ISO 8601 has none either.
    if pieces.time_zone_annotation().is_some() {
        return None;
    }
    let offset_seconds = match pieces.offset() {
        None | Some(PiecesOffset::Zulu) => 0,
        Some(PiecesOffset::Numeric(numeric)) => i64::from(numeric.offset().seconds()),
        Some(_) => return None,
    };
    // The parser makes a leap second the second before it, which is another time.
    let has_second_60 = text.contains(":60") || (!text.contains(':') && text.contains("5960"));
    if has_second_60 {
        return None;
    }
    // As far as PostgreSQL goes; no zone is half as far.
    if offset_seconds.abs() >= 16 * 3600 {
        return None;
    }
    let time = pieces.time().unwrap_or(Time::midnight());
    let seconds = pieces.date().duration_since(EPOCH).as_secs()
        + i64::from(time.hour()) * 3600
        + i64::from(time.minute()) * 60
        + i64::from(time.second())
        - offset_seconds;
    let fraction = (i64::from(time.subsec_nanosecond()) + 500) / 1000;
    // Years have at most four digits, or six and a sign: far from overflowing.
    let microseconds = seconds * MICROSECONDS_PER_SECOND + fraction;
    SHOWABLE.contains(&microseconds).then_some(microseconds)
}

/// The instants that ISO 8601 does not write with four digits, as a listing shows
/// them: `infinity`, the years before 1 (` BC`) and after 9999. They are in UTC.
pub fn parse_far(text: &str) -> Option<i64> {
    match text {
        "infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => (),
    }
    let text = text.strip_suffix("+00:00").unwrap_or(text);
    let (text, is_bc) = match text.strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (year, rest) = text.split_once('-')?;
    let is_year = (4..=6).contains(&year.len()) && year.bytes().all(|b| b.is_ascii_digit());
    let year: i64 = year.parse().ok().filter(|_| is_year)?;
    let year = if is_bc { 1 - year } else { year };
    // The calendar repeats itself every 400 years: read the same day of another year.
    let cycles = year.div_euclid(400) - 5;
    let of_2000s = parse(&format!("{}-{rest}", 2000 + year.rem_euclid(400)))?;
    cycles
        .checked_mul(DAYS_IN_400_YEARS * MICROSECONDS_PER_DAY)?
        .checked_add(of_2000s)
}

/// `2026-02-05T10:30:00`, in UTC; nothing for what ISO 8601 does not write with four
/// digits.
pub fn format(instant: i64) -> Option<String> {
    if !SHOWABLE.contains(&instant) {
        return None;
    }
    let midnight = EPOCH.to_datetime(Time::midnight());
    let time = midnight.checked_add(SignedDuration::from_micros(instant));
    time.ok().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_that_clients_send() {
        let noon = 43_200_000_000;
        for text in [
            "2000-01-01T12:00:00",
            "2000-01-01 12:00:00",
            "2000-01-01T12:00",
            "2000-01-01T12:00:00Z",
            "2000-01-01T12:00:00.000000",
            "2000-01-01T12:00:00.000Z",
            "2000-01-01T12:00:00+00:00",
            "2000-01-01T17:30:00+05:30",
            "2000-01-01T07:00:00-05:00",
            "20000101T120000Z",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
        assert_eq!(parse("2000-01-01"), Some(0));
        assert_eq!(
            parse("9999-12-31T23:59:59.999999"),
            Some(252_455_615_999_999_999)
        );
        assert_eq!(parse("1999-12-31T23:59:59.999999Z"), Some(-1));
        assert_eq!(parse("2000-01-01T00:00:00.0000015Z"), Some(2));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "now",
            "yesterday",
            "infinity",
            "01/02/2026",
            "2026-02-30",
            "2026-13-01",
            "2026-02-05T25:00:00",
            "2026-02-05T10:30:00 Europe/Paris",
            "2026-02-05T10:30:00[Europe/Paris]",
            "10:30:00",
            "-009999-01-01",
            "2026-02-05T10:30:00+16:00",
            "2026-06-30T23:59:60",
            "2026-06-30T23:59:60.5Z",
            "20260630T235960Z",
            "0000-12-31",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "1770287400",
            "2026-02-05T10:30:00; drop table x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn years_beyond_four_digits() {
        let year = 86_400 * MICROSECONDS_PER_SECOND * 365;
        assert_eq!(parse_far("infinity"), Some(i64::MAX));
        assert_eq!(parse_far("-infinity"), Some(i64::MIN));
        assert_eq!(parse_far("10000-01-01T00:00:00+00:00"), Some(SHOWABLE.end));
        assert_eq!(
            parse_far("0001-12-31T23:59:59.999999 BC+00:00"),
            Some(SHOWABLE.start - 1)
        );
        // The year 1 BC is a leap year.
        assert_eq!(
            parse_far("0001-01-01T00:00:00 BC"),
            Some(SHOWABLE.start - year - MICROSECONDS_PER_DAY)
        );
        for text in [
            "",
            "x",
            "10000",
            "-1-01-01T00:00:00",
            "10000-13-01T00:00:00",
            "999999-01-01",
            "9999999-01-01",
        ] {
            assert_eq!(parse_far(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_formatted_reads_back(instant in SHOWABLE) {
            prop_assert_eq!(parse(&format(instant).unwrap()), Some(instant));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
            let _ = parse_far(&text);
        }

        #[test]
        fn a_formatted_instant_comes_back(micros in -60_000_000_000_000_000i64..250_000_000_000_000_000) {
            let instant = jiff::Timestamp::from_microsecond(micros).unwrap();
            let between = 946_684_800 * MICROSECONDS_PER_SECOND; // 1970 to 2000
            prop_assert_eq!(parse(&instant.to_string()), Some(micros - between));
        }
    }
}
