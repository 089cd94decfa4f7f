//! Wall clock and monotonic clock.
//!
//! The wall clock may jump either way; only the monotonic clock measures how long something took. Units: nanoseconds.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of time.
pub trait Clock: Send + Sync {
    /// Nanoseconds since the Unix epoch, UTC. May jump.
    fn now_ns(&self) -> i64;
    /// Nanoseconds since some start. Never decreases.
    fn monotonic_ns(&self) -> u64;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// The machine's clocks; the monotonic one starts at 0 now.
    pub fn new() -> SystemClock {
        SystemClock { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn now_ns(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        }
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Clocks that stand still until told to move.
#[derive(Debug)]
pub struct ManualClock {
    wall_ns: AtomicI64,
    monotonic_ns: AtomicU64,
}

impl ManualClock {
    /// Stands at `wall_ns`.
    pub fn new(wall_ns: i64) -> ManualClock {
        ManualClock { wall_ns: AtomicI64::new(wall_ns), monotonic_ns: AtomicU64::new(0) }
    }

    /// Time passes: both clocks move.
    pub fn advance_ns(&self, ns: u64) {
        self.wall_ns.fetch_add(i64::try_from(ns).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.monotonic_ns.fetch_add(ns, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock: only that one moves.
    pub fn step_wall_ns(&self, by: i64) {
        self.wall_ns.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> i64 {
        self.wall_ns.load(Ordering::SeqCst)
    }

    fn monotonic_ns(&self) -> u64 {
        self.monotonic_ns.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_moves_forward_and_knows_the_century() {
        let clock = SystemClock::new();
        let first = clock.monotonic_ns();
        assert!(clock.monotonic_ns() >= first);
        assert!(clock.now_ns() > 1_700_000_000_000_000_000);
    }

    #[test]
    fn a_stepped_wall_clock_leaves_the_monotonic_one() {
        let clock = ManualClock::new(100);
        clock.advance_ns(5);
        clock.step_wall_ns(-50);
        assert_eq!((clock.now_ns(), clock.monotonic_ns()), (55, 5));
    }
}
