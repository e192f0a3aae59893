//! Months in UTC: the log has a partition for each.

/// Days from 0000-03-01, where a year of this reckoning begins, to 2000-01-01.
const EPOCH: i64 = 730_425;
const MICROSECONDS_OF_DAY: i64 = 86_400_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    /// From 1 to 12.
    month: u32,
}

impl Month {
    /// The month of a time in microseconds since 2000-01-01.
    pub fn of(microseconds: i64) -> Self {
        // The calendar repeats itself every 400 years, and February is last here.
        let days = microseconds.div_euclid(MICROSECONDS_OF_DAY) + EPOCH;
        let era = days.div_euclid(146_097);
        let day = days.rem_euclid(146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        Month {
            year: (era * 400 + year + i64::from(month <= 2)) as i32,
            month: month as u32,
        }
    }

    pub fn next(self) -> Self {
        if self.month == 12 {
            Month {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Month {
                month: self.month + 1,
                ..self
            }
        }
    }

    /// As names of partitions end: `2026_11`.
    pub fn suffix(self) -> String {
        format!("{:04}_{:02}", self.year, self.month)
    }

    /// The month of such an ending.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        let (year, month) = suffix.split_once('_')?;
        let is_plain =
            |text: &str, digits| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        if !is_plain(year, 4) || !is_plain(month, 2) {
            return None;
        }
        let month = month.parse().ok().filter(|m| (1..=12).contains(m))?;
        Some(Month {
            year: year.parse().ok()?,
            month,
        })
    }

    /// Its first moment, as PostgreSQL reads it under any settings.
    pub fn start(self) -> String {
        format!("{:04}-{:02}-01 00:00:00+00", self.year, self.month)
    }

    /// True if all of it lies before a day of this year, month and day.
    pub fn ends_before(self, year: i32, month: u32) -> bool {
        self < Month { year, month }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn month(year: i32, month: u32) -> Month {
        Month { year, month }
    }

    #[test]
    fn moments_have_months() {
        for (microseconds, expected) in [
            (0, month(2000, 1)),
            (-1, month(1999, 12)),
            (59 * MICROSECONDS_OF_DAY, month(2000, 2)),
            (60 * MICROSECONDS_OF_DAY, month(2000, 3)),
            (366 * MICROSECONDS_OF_DAY - 1, month(2000, 12)),
            (366 * MICROSECONDS_OF_DAY, month(2001, 1)),
        ] {
            assert_eq!(Month::of(microseconds), expected);
        }
    }

    #[test]
    fn names_are_exact() {
        assert_eq!(month(2026, 3).suffix(), "2026_03");
        assert_eq!(Month::of_suffix("2026_03"), Some(month(2026, 3)));
        for bad in [
            "2026_3",
            "2026_13",
            "2026_00",
            "2026_03_1",
            "+026_03",
            "2026",
            "",
        ] {
            assert_eq!(Month::of_suffix(bad), None, "{bad}");
        }
        assert_eq!(month(2026, 12).next(), month(2027, 1));
        assert!(month(2026, 10).ends_before(2026, 11));
        assert!(!month(2026, 11).ends_before(2026, 11));
    }

    proptest! {
        #[test]
        fn months_follow_one_another(days in -3_000_000_i64..3_000_000) {
            let today = Month::of(days * MICROSECONDS_OF_DAY);
            let tomorrow = Month::of((days + 1) * MICROSECONDS_OF_DAY);
            prop_assert!(tomorrow == today || tomorrow == today.next());
            // As jiff has it.
            let there = jiff::civil::date(2000, 1, 1).checked_add(jiff::Span::new().days(days));
            if let Ok(date) = there {
                prop_assert_eq!(today, month(date.year().into(), date.month() as u32));
            }
        }
    }
}
