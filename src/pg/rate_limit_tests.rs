//! Rates in shared memory, in a server that preloads the library.

#[pgrx::pg_schema]
mod tests {
    use std::time::Duration;

    use pgrx::prelude::*;

    use crate::model::rate_key::{RateKey, Subject};
    use crate::pg::rate_limit;

    const HOUR: Duration = Duration::from_secs(3600);

    fn key(policy: i64, credential: i64) -> RateKey {
        RateKey {
            policy,
            subject: Subject::Credential(credential),
        }
    }

    /// For measuring from several sessions: takes that often, and returns how often
    /// it got something.
    #[pg_extern(volatile)]
    fn take_rate(policy: i64, credential: i64, max: i32, seconds: i32, times: i32) -> i64 {
        let per = Duration::from_secs(seconds.unsigned_abs().into());
        let key = key(policy, credential);
        let taken = (0..times).filter(|_| rate_limit::take(&key, max.unsigned_abs(), per).is_ok());
        taken.count() as i64
    }

    #[pg_test]
    fn each_caller_has_an_allowance() {
        let per = HOUR;
        for credential in [1, 2] {
            for _ in 0..3 {
                assert_eq!(rate_limit::look(&key(-1, credential), 3, per), Ok(()));
                assert_eq!(rate_limit::take(&key(-1, credential), 3, per), Ok(()));
            }
            let wait = rate_limit::take(&key(-1, credential), 3, per).unwrap_err();
            assert!(wait > Duration::ZERO && wait <= per);
            assert!(rate_limit::look(&key(-1, credential), 3, per).is_err());
            // More is allowed than before.
            assert_eq!(rate_limit::look(&key(-1, credential), 4, per), Ok(()));
        }
    }

    #[pg_test]
    fn what_is_over_counts_no_more() {
        let per = Duration::from_millis(100);
        assert_eq!(rate_limit::take(&key(-2, 1), 1, per), Ok(()));
        let wait = rate_limit::take(&key(-2, 1), 1, per).unwrap_err();
        std::thread::sleep(wait);
        assert_eq!(rate_limit::take(&key(-2, 1), 1, per), Ok(()));
    }

    #[pg_test]
    fn read_only_transactions_take_and_nothing_is_given_back() {
        Spi::run("SET TRANSACTION READ ONLY").unwrap();
        let taken = Spi::get_one::<i64>("SELECT tests.take_rate(-3, 1, 5, 3600, 9)").unwrap();
        assert_eq!(taken, Some(5));
        assert!(rate_limit::take(&key(-3, 1), 5, HOUR).is_err());
    }

    #[pg_test]
    fn the_table_says_how_full_it_is() {
        let before = rate_limit::usage().unwrap();
        for credential in 0..1000 {
            rate_limit::take(&key(-4, credential), 1, HOUR).unwrap();
        }
        let after = rate_limit::usage().unwrap();
        assert_eq!(after.slots, 65_536);
        let more = after.used - before.used + (after.evicted_live - before.evicted_live);
        assert_eq!(more, 1000);
    }

    #[pg_test]
    fn keys_are_spread_over_the_table() {
        let before = rate_limit::usage().unwrap();
        // A quarter of the table: a set of eight places overflows once in thousands.
        for credential in 0..16_384 {
            rate_limit::take(&key(-5, credential), 1, HOUR).unwrap();
        }
        let evicted = rate_limit::usage().unwrap().evicted_live - before.evicted_live;
        assert!(evicted < 100, "{evicted}");
    }
}
