//! A queue of messages in memory that two processes share: one writes, one reads,
//! neither waits.

use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};

/// Bytes before each message: its length.
const PREFIX: usize = 4;

/// Positions grow for ever; each stands for a place modulo the capacity.
pub struct Ring<'a> {
    /// Up to here it was read; the reader alone moves it.
    pub head: &'a AtomicU64,
    /// Up to here it was written; the writer alone moves it.
    pub tail: &'a AtomicU64,
    pub bytes: &'a [AtomicU8],
}

impl Ring<'_> {
    /// Adds a message; false if there is no room for it.
    pub fn push(&self, message: &[u8]) -> bool {
        let tail = self.tail.load(Ordering::Relaxed);
        let used = tail.wrapping_sub(self.head.load(Ordering::Acquire));
        let needed = (PREFIX + message.len()) as u64;
        if used + needed > self.bytes.len() as u64 {
            return false;
        }
        let prefix = (message.len() as u32).to_le_bytes();
        for (position, byte) in (tail..).zip(prefix.iter().chain(message)) {
            self.place(position).store(*byte, Ordering::Relaxed);
        }
        self.tail.store(tail + needed, Ordering::Release);
        true
    }

    /// The message at a position, and the position after it; none if there is none yet.
    /// It stays until [`Ring::forget`]. Positions are those that this gives, and `first`.
    pub fn peek(&self, position: u64) -> Option<(Vec<u8>, u64)> {
        let written = self.tail.load(Ordering::Acquire).checked_sub(position)?;
        if written < PREFIX as u64 {
            return None;
        }
        let read = |position: u64, length: usize| -> Vec<u8> {
            (position..)
                .take(length)
                .map(|position| self.place(position).load(Ordering::Relaxed))
                .collect()
        };
        let prefix = read(position, PREFIX).try_into().ok()?;
        let length = u32::from_le_bytes(prefix) as usize;
        // Never more than is there, whatever the bytes say.
        if (length + PREFIX) as u64 > written {
            return None;
        }
        let message = read(position + PREFIX as u64, length);
        Some((message, position + (PREFIX + length) as u64))
    }

    /// Where the oldest message is.
    pub fn first(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// Makes room: what lies before this position is read.
    pub fn forget(&self, position: u64) {
        self.head.store(position, Ordering::Release);
    }

    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Acquire) == self.tail.load(Ordering::Acquire)
    }

    fn place(&self, position: u64) -> &AtomicU8 {
        &self.bytes[(position % self.bytes.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[derive(Default)]
    struct Memory {
        head: AtomicU64,
        tail: AtomicU64,
        bytes: Vec<AtomicU8>,
    }

    impl Memory {
        fn of(capacity: usize) -> Self {
            Memory {
                bytes: (0..capacity).map(|_| AtomicU8::new(0)).collect(),
                ..Memory::default()
            }
        }

        fn ring(&self) -> Ring<'_> {
            Ring {
                head: &self.head,
                tail: &self.tail,
                bytes: &self.bytes,
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_a_queue_with_a_bound(steps in proptest::collection::vec(any::<Option<Vec<u8>>>(), 0..200)) {
            let memory = Memory::of(61);
            let ring = memory.ring();
            let mut model: VecDeque<Vec<u8>> = VecDeque::new();
            for step in steps {
                match step {
                    Some(message) => {
                        let used: usize = model.iter().map(|m| m.len() + PREFIX).sum();
                        let fits = used + message.len() + PREFIX <= 61;
                        prop_assert_eq!(ring.push(&message), fits);
                        if fits {
                            model.push_back(message);
                        }
                    }
                    None => {
                        let read = ring.peek(ring.first());
                        prop_assert_eq!(read.as_ref().map(|(m, _)| m), model.front());
                        if let Some((_, next)) = read {
                            ring.forget(next);
                            model.pop_front();
                        }
                    }
                }
                prop_assert_eq!(ring.is_empty(), model.is_empty());
            }
        }
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let memory = Memory::of(97);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0_u32..20_000 {
                    let message = vec![number as u8; (number % 23) as usize];
                    while !memory.ring().push(&message) {
                        std::thread::yield_now();
                    }
                }
            });
            let ring = memory.ring();
            let mut number = 0_u32;
            while number < 20_000 {
                let Some((message, next)) = ring.peek(ring.first()) else {
                    std::thread::yield_now();
                    continue;
                };
                assert_eq!(message, vec![number as u8; (number % 23) as usize]);
                ring.forget(next);
                number += 1;
            }
            assert!(ring.is_empty());
        });
    }
}
