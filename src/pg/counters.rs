//! What the test build counts: work that a warm call must not do. In any other
//! build counting is nothing at all.

/// Something worth counting.
#[derive(Clone, Copy)]
pub enum Event {
    PlanPrepared,
    RegistryRead,
}

#[cfg(any(test, feature = "pg_test"))]
thread_local! {
    static COUNTS: std::cell::Cell<[u64; 2]> = const { std::cell::Cell::new([0, 0]) };
}

#[inline]
pub fn count(_event: Event) {
    #[cfg(any(test, feature = "pg_test"))]
    COUNTS.with(|counts| {
        let mut now = counts.get();
        now[_event as usize] += 1;
        counts.set(now);
    });
}

/// Plans prepared and registry reads so far, in this session.
#[cfg(any(test, feature = "pg_test"))]
pub fn counts() -> [u64; 2] {
    COUNTS.get()
}
