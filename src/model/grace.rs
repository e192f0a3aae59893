//! The time for which the tokens before a new one go on working.

use super::error::Error;
use super::lifecycle_error::LifecycleError;

/// Longest grace: a token that works for years after its rotation was not rotated.
pub const MAX_GRACE_DAYS: i64 = 366;

const MICROSECONDS_PER_DAY: i128 = 86_400_000_000;

/// A grace period that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    microseconds: i64,
}

impl Grace {
    /// Takes the parts of an interval; a month has 30 days, a day 24 hours.
    pub fn new(months: i32, days: i32, microseconds: i64) -> Result<Self, Error> {
        let days = i128::from(months) * 30 + i128::from(days);
        let total = days * MICROSECONDS_PER_DAY + i128::from(microseconds);
        let longest = i128::from(MAX_GRACE_DAYS) * MICROSECONDS_PER_DAY;
        match i64::try_from(total) {
            Ok(microseconds) if (0..=longest).contains(&total) => Ok(Grace { microseconds }),
            _ => Err(LifecycleError::GraceOutOfRange.into()),
        }
    }

    pub fn is_none(self) -> bool {
        self.microseconds == 0
    }

    pub fn microseconds(self) -> i64 {
        self.microseconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_edges() {
        assert!(Grace::new(0, 0, 0).unwrap().is_none());
        assert!(Grace::new(12, 6, 0).is_ok());
        assert!(Grace::new(12, 6, 1).is_err());
        assert!(Grace::new(0, 0, -1).is_err());
        assert!(Grace::new(0, 1, -1).is_ok());
    }

    proptest! {
        #[test]
        fn any_interval_is_taken_or_refused(months: i32, days: i32, microseconds: i64) {
            if let Ok(grace) = Grace::new(months, days, microseconds) {
                prop_assert!(grace.microseconds() >= 0);
                prop_assert!(grace.microseconds() <= MAX_GRACE_DAYS * 86_400_000_000);
            }
        }
    }
}
