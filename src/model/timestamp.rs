//! ISO 8601 timestamps, as clients send them in JSON. Parsed here rather than
//! by PostgreSQL's own input function, whose answer depends on the session's
//! `DateStyle` and `TimeZone` and which also takes words such as `yesterday`.

use jiff::civil::Time;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::{SignedDuration, Timestamp, Unit};

/// Seconds from the Unix epoch to PostgreSQL's (2000-01-01 00:00 UTC).
const POSTGRES_EPOCH: i64 = 946_684_800;

/// Microseconds since PostgreSQL's epoch for `text`, or nothing if it is not an
/// ISO 8601 date with an optional time and offset. No offset means UTC.
pub fn parse(text: &str) -> Option<i64> {
    let pieces = Pieces::parse(text).ok()?;
    // A zone name would need a time zone database; ISO 8601 has none either.
    if pieces.time_zone_annotation().is_some() {
        return None;
    }
    let local = pieces
        .date()
        .to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let offset_seconds = match pieces.offset() {
        None | Some(PiecesOffset::Zulu) => 0,
        Some(PiecesOffset::Numeric(numeric)) => i64::from(numeric.offset().seconds()),
        Some(_) => return None,
    };
    let instant: Timestamp = jiff::tz::Offset::UTC.to_timestamp(local).ok()?;
    let instant = instant
        .checked_sub(SignedDuration::from_secs(offset_seconds))
        .ok()?
        .round(Unit::Microsecond)
        .ok()?;
    instant
        .as_microsecond()
        .checked_sub(POSTGRES_EPOCH * 1_000_000)
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
            "1770287400",
            "2026-02-05T10:30:00; drop table x",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn a_formatted_instant_comes_back(micros in -60_000_000_000_000_000i64..250_000_000_000_000_000) {
            let instant = Timestamp::from_microsecond(micros).unwrap();
            prop_assert_eq!(
                parse(&instant.to_string()),
                Some(micros - POSTGRES_EPOCH * 1_000_000)
            );
        }
    }
}
