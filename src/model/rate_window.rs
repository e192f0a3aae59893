//! Counts calls so that no stretch of time ever has more of them than its share.
//!
//! A log of every call would be exact and without bound. This one puts calls that
//! come soon after each other into one group, and takes all calls of a group for
//! as late as its last. So at no time are more than `max` calls within the last
//! `per`. The price: a call counts for up to an eighth of `per` longer than it
//! should, and calls that come one by one, or all at once, for no longer at all.

/// The calls of a group are at most this part of `per` apart.
const PARTS: u64 = 8;

/// As many groups as can reach into one `per`.
const GROUPS: usize = PARTS as usize + 1;

/// Lives in shared memory; all zeros is a window without calls. Times are
/// microseconds of one clock that never goes back.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// When nothing of it counts any longer.
    expires: u64,
    /// When the first call of the newest group came.
    opened: u64,
    /// When the last call of each group came. The groups are a ring.
    last: [u64; GROUPS],
    counts: [u32; GROUPS],
    newest: u32,
}

impl Window {
    /// Counts a call, unless `max` of them have come within the last `per`. Then
    /// it gives the time until one would pass, if nobody else comes.
    pub fn take(&mut self, now: u64, max: u32, per: u64) -> Result<(), u64> {
        let now = self.not_before(now);
        self.look(now, max, per)?;
        self.add(now, per);
        Ok(())
    }

    /// The same answer, and nothing is counted.
    pub fn look(&self, now: u64, max: u32, per: u64) -> Result<(), u64> {
        let now = self.not_before(now);
        let mut counted: u64 = (0..GROUPS)
            .filter(|group| self.counts_at(*group, now, per))
            .map(|group| u64::from(self.counts[group]))
            .sum();
        let mut wait = 0;
        for group in self.oldest_first() {
            if counted < u64::from(max) {
                break;
            }
            if self.counts_at(group, now, per) {
                counted -= u64::from(self.counts[group]);
                wait = self.last[group].saturating_add(per).saturating_sub(now);
            }
        }
        match wait {
            0 => Ok(()),
            wait => Err(wait),
        }
    }

    /// When nothing of it counts any longer, for the `per` of the last call.
    pub fn expires(&self) -> u64 {
        self.expires
    }

    /// Two sessions may read the clock in one order and come here in the other.
    fn not_before(&self, now: u64) -> u64 {
        now.max(self.last[self.newest()])
    }

    fn newest(&self) -> usize {
        self.newest as usize % GROUPS
    }

    fn oldest_first(&self) -> impl Iterator<Item = usize> {
        let newest = self.newest();
        (1..=GROUPS).map(move |step| (newest + step) % GROUPS)
    }

    fn counts_at(&self, group: usize, now: u64, per: u64) -> bool {
        self.counts[group] > 0 && self.last[group].saturating_add(per) > now
    }

    fn add(&mut self, now: u64, per: u64) {
        let mut newest = self.newest();
        let next = (newest + 1) % GROUPS;
        let is_old = now.saturating_sub(self.opened) >= per / PARTS || self.counts[newest] == 0;
        // All groups still count only if `per` has become longer meanwhile.
        if is_old && !self.counts_at(next, now, per) {
            newest = next;
            self.newest = next as u32;
            self.counts[next] = 0;
            self.opened = now;
        }
        self.counts[newest] = self.counts[newest].saturating_add(1);
        self.last[newest] = now;
        self.expires = now.saturating_add(per);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;

    /// Calls let in, each by its time.
    #[derive(Default)]
    struct Log(Vec<u64>);

    impl Log {
        fn within(&self, now: u64, per: u64) -> usize {
            let calls = self.0.iter();
            calls.filter(|call| **call + per > now).count()
        }
    }

    fn drive(gaps: &[u64], max: u32, per: u64, mut each: impl FnMut(&Window, &Log, u64, bool)) {
        let (mut window, mut log, mut now) = (Window::default(), Log::default(), 5 * SECOND);
        for gap in gaps {
            now += gap;
            let before = window;
            let passes = window.take(now, max, per).is_ok();
            each(&before, &log, now, passes);
            if passes {
                log.0.push(now);
            }
        }
    }

    #[test]
    fn a_burst_passes_again_when_its_time_is_over() {
        let (mut window, per) = (Window::default(), 60 * SECOND);
        for call in 0..3 {
            assert_eq!(window.take(SECOND + call, 3, per), Ok(()));
        }
        assert_eq!(window.take(SECOND + 10, 3, per), Err(per - 8));
        assert_eq!(window.take(SECOND + per + 1, 3, per), Err(1));
        for call in 2..5 {
            assert_eq!(window.take(SECOND + per + call, 3, per), Ok(()));
        }
    }

    #[test]
    fn one_at_a_time_is_exact() {
        let (mut window, per) = (Window::default(), SECOND);
        for turn in 1..100 {
            assert_eq!(window.take(turn * per, 1, per), Ok(()));
            assert_eq!(window.take(turn * per + per - 1, 1, per), Err(1));
        }
    }

    #[test]
    fn the_largest_numbers() {
        let (mut window, per) = (Window::default(), 31 * 86_400 * SECOND);
        assert_eq!(window.take(u64::MAX - 1, 1, per), Ok(()));
        assert!(window.take(0, 1, per).is_err());
        assert_eq!(window.take(u64::MAX, u32::MAX, u64::MAX), Ok(()));
        assert_eq!(window.expires(), u64::MAX);
    }

    /// Gaps that mix bursts, a steady stream and long silence.
    fn gaps(per: u64) -> impl Strategy<Value = Vec<u64>> {
        let gap = prop_oneof![
            4 => 0..per / 50,
            4 => 0..per / 5,
            1 => per / 9..per / 7,
            1 => per - 2..per + 3,
            1 => 0..3 * per,
        ];
        prop::collection::vec(gap, 1..300)
    }

    const MAX: Range<u32> = 1..40;

    proptest! {
        #[test]
        fn no_stretch_of_time_has_more_than_max(gaps in gaps(SECOND), max in MAX) {
            drive(&gaps, max, SECOND, |_, log, now, passes| {
                assert!(!passes || log.within(now, SECOND) < max as usize);
            });
        }

        #[test]
        fn who_is_refused_would_be_so_by_an_exact_log_of_an_eighth_more(gaps in gaps(SECOND), max in MAX) {
            drive(&gaps, max, SECOND, |_, log, now, passes| {
                assert!(passes || log.within(now, SECOND + SECOND / PARTS) >= max as usize);
            });
        }

        #[test]
        fn the_wait_is_neither_too_long_nor_too_short(gaps in gaps(SECOND), max in MAX) {
            drive(&gaps, max, SECOND, |window, _, now, passes| match window.look(now, max, SECOND) {
                Ok(()) => assert!(passes),
                Err(wait) => {
                    assert!(!passes && wait > 0 && wait <= SECOND);
                    assert_eq!(window.look(now + wait - 1, max, SECOND), Err(1));
                    assert_eq!(window.look(now + wait, max, SECOND), Ok(()));
                }
            });
        }

        #[test]
        fn what_is_refused_changes_nothing(gaps in gaps(SECOND), max in MAX) {
            drive(&gaps, max, SECOND, |window, _, now, passes| {
                let mut after = *window;
                assert!(passes || after.take(now, max, SECOND).is_err() && after == *window);
            });
        }

        #[test]
        fn an_expired_window_is_as_good_as_none(gaps in gaps(SECOND), max in MAX) {
            drive(&gaps, max, SECOND, |window, _, _, _| {
                let counted = |now| !(0..GROUPS).all(|group| !window.counts_at(group, now, SECOND));
                assert!(!counted(window.expires()));
                assert!(window.expires() == 0 || counted(window.expires() - 1));
            });
        }

        /// A policy that is changed keeps its windows: a longer `per` then does not
        /// forget what it still knows.
        #[test]
        fn another_rate_on_the_same_window(
            steps in prop::collection::vec((0..20 * SECOND, 1..20u32, 1..100u64), 1..200)
        ) {
            let (mut window, mut now) = (Window::default(), 0);
            for (gap, max, seconds) in steps {
                now += gap;
                let per = seconds * SECOND;
                match window.look(now, max, per) {
                    Ok(()) => prop_assert_eq!(window.take(now, max, per), Ok(())),
                    Err(wait) => {
                        prop_assert!(wait <= per);
                        prop_assert_eq!(window.look(now + wait, max, per), Ok(()));
                    }
                }
                let counted: u32 = (0..GROUPS)
                    .filter(|group| window.counts_at(*group, now, per))
                    .map(|group| window.counts[group])
                    .sum();
                prop_assert!(counted > 0);
            }
        }

        #[test]
        fn any_memory_does_no_harm(
            words in prop::array::uniform9(any::<u64>()),
            counts in prop::array::uniform9(any::<u32>()),
            expires: u64, opened: u64, newest: u32, now: u64, max: u32, per: u64
        ) {
            let mut window = Window { expires, opened, last: words, counts, newest };
            let _ = window.look(now, max, per);
            let _ = window.take(now, max, per);
        }
    }
}
