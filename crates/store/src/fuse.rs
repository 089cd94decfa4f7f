//! The retention fuse: a wall clock that jumped forward must not delete anything.
//!
//! The wall clock is believed as long as it does not run ahead of the monotonic clock by more than a day since the
//! process started. After such a jump the time goes on at the pace of the monotonic clock from the last believed value
//! until the wall clock comes back or an operator confirms it. A restart believes the clock it finds: nothing in the
//! process can know better.

use clewline_env::clock::Clock;
use parking_lot::Mutex;

use crate::limits::CLOCK_JUMP_NS_MAX;

/// Compares both clocks.
#[derive(Debug)]
pub(crate) struct Fuse {
    state: Mutex<FuseState>,
}

#[derive(Debug)]
struct FuseState {
    wall_ns: i64,
    monotonic_ns: u64,
    blown: bool,
}

/// The time to delete by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trusted {
    /// Believed wall time.
    pub(crate) now_ns: i64,
    /// Deletion by age is suspended.
    pub(crate) suspended: bool,
}

impl Fuse {
    pub(crate) fn new(clock: &dyn Clock) -> Fuse {
        let state = FuseState { wall_ns: clock.now_ns(), monotonic_ns: clock.monotonic_ns(), blown: false };
        Fuse { state: Mutex::new(state) }
    }

    /// The believed time now.
    pub(crate) fn now(&self, clock: &dyn Clock) -> Trusted {
        let (wall_ns, monotonic_ns) = (clock.now_ns(), clock.monotonic_ns());
        let mut state = self.state.lock();
        let passed = i64::try_from(monotonic_ns.saturating_sub(state.monotonic_ns)).unwrap_or(i64::MAX);
        let expected = state.wall_ns.saturating_add(passed);
        let suspended = wall_ns.saturating_sub(expected) > CLOCK_JUMP_NS_MAX;
        if suspended != state.blown {
            state.blown = suspended;
            if suspended {
                tracing::error!(
                    wall_ns,
                    expected,
                    "the wall clock jumped ahead by more than a day: deletion by age is suspended until it comes back, is confirmed, or the process restarts"
                );
            } else {
                tracing::info!(wall_ns, "the wall clock is believable again: deletion by age resumes");
            }
        }
        if suspended {
            return Trusted { now_ns: expected, suspended };
        }
        (state.wall_ns, state.monotonic_ns) = (wall_ns, monotonic_ns);
        Trusted { now_ns: wall_ns, suspended }
    }

    /// An operator says the wall clock is right.
    pub(crate) fn confirm(&self, clock: &dyn Clock) {
        let mut state = self.state.lock();
        (state.wall_ns, state.monotonic_ns, state.blown) = (clock.now_ns(), clock.monotonic_ns(), false);
    }
}

#[cfg(test)]
mod tests {
    use clewline_env::clock::ManualClock;

    use super::*;

    const DAY: i64 = 86_400_000_000_000;

    #[test]
    fn only_a_forward_jump_suspends() {
        let clock = ManualClock::new(100 * DAY);
        let fuse = Fuse::new(&clock);
        clock.advance_ns(40 * DAY.cast_unsigned());
        assert_eq!(fuse.now(&clock), Trusted { now_ns: 140 * DAY, suspended: false });
        clock.step_wall_ns(-DAY / 24);
        assert!(!fuse.now(&clock).suspended);
        clock.step_wall_ns(3650 * DAY);
        clock.advance_ns(1_000);
        let trusted = fuse.now(&clock);
        assert_eq!(trusted, Trusted { now_ns: 140 * DAY - DAY / 24 + 1_000, suspended: true });
        clock.step_wall_ns(-3650 * DAY);
        assert!(!fuse.now(&clock).suspended);
        clock.step_wall_ns(3650 * DAY);
        assert!(fuse.now(&clock).suspended);
        fuse.confirm(&clock);
        assert!(!fuse.now(&clock).suspended);
    }
}
