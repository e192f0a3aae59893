//! The few places that a key of a rate may have in the table.

use super::rate_key::PackedKey;
use super::rate_window::Window;

/// Places in a set.
pub const WAYS: usize = 8;

/// A key and its calls; all zeros is an empty place.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    key: PackedKey,
    window: Window,
}

impl Place {
    pub fn is_live(&self, now: u64) -> bool {
        self.window.expires() > now
    }
}

/// All that may hold a key. One lock guards it.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Set([Place; WAYS]);

impl Set {
    /// The window of a key, if it has one.
    pub fn find(&self, key: &PackedKey) -> Option<&Window> {
        let place = self.0.iter().find(|place| place.key == *key)?;
        Some(&place.window)
    }

    /// The window of a key, an empty one if it had none; and whether another that
    /// was still in use had to make room. The one goes that is longest out of use,
    /// or would be so first.
    pub fn make(&mut self, key: &PackedKey, now: u64) -> (&mut Window, bool) {
        let mut chosen = 0;
        for (index, place) in self.0.iter().enumerate() {
            if place.key == *key {
                chosen = index;
                break;
            }
            if place.window.expires() < self.0[chosen].window.expires() {
                chosen = index;
            }
        }
        let place = &mut self.0[chosen];
        let mut evicts = false;
        if place.key != *key {
            evicts = place.is_live(now);
            *place = Place {
                key: *key,
                window: Window::default(),
            };
        }
        (&mut place.window, evicts)
    }

    pub fn live(&self, now: u64) -> usize {
        self.0.iter().filter(|place| place.is_live(now)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rate_key::{RateKey, Subject};
    use super::*;
    use proptest::prelude::*;

    fn key(policy: i64) -> PackedKey {
        let subject = Subject::Everybody;
        RateKey { policy, subject }.pack(5)
    }

    fn take(set: &mut Set, policy: i64, now: u64, per: u64) -> bool {
        let (window, evicts) = set.make(&key(policy), now);
        window.take(now, 1000, per).unwrap();
        evicts
    }

    #[test]
    fn the_one_that_is_longest_out_of_use_makes_room() {
        let mut set = Set::default();
        for policy in 1..=8 {
            assert!(!take(&mut set, policy, 100, 10 * policy as u64));
        }
        assert_eq!(set.live(105), 8);
        // 1 and 2 are out of use, 1 for longer.
        assert!(!take(&mut set, 9, 125, 1000));
        assert!(set.find(&key(1)).is_none() && set.find(&key(2)).is_some());
        assert!(!take(&mut set, 10, 125, 1000));
        // All others are in use; 3 would be the first that is not.
        assert!(take(&mut set, 11, 125, 1000));
        assert!(set.find(&key(3)).is_none() && set.find(&key(4)).is_some());
    }

    proptest! {
        #[test]
        fn a_key_has_one_place_and_keeps_its_calls(
            calls in prop::collection::vec((1..12i64, 0..50u64, 1..100u64), 1..200)
        ) {
            let (mut set, mut now) = (Set::default(), 1);
            for (policy, gap, per) in calls {
                now += gap;
                let before = set;
                let known = before.find(&key(policy)).copied();
                let evicts = take(&mut set, policy, now, per);
                let places = set.0.iter().filter(|place| place.key == key(policy)).count();
                prop_assert_eq!(places, 1);
                prop_assert!(!evicts || known.is_none() && before.live(now) == WAYS);
                // No other has lost anything, but for the one that made room.
                let lost = before.0.iter().filter(|place| {
                    place.key != key(policy) && place.is_live(now) && set.find(&place.key) != Some(&place.window)
                });
                prop_assert_eq!(lost.count(), usize::from(evicts));
            }
        }
    }
}
