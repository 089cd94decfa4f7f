//! How much may be in memory before the store has it, and when to refuse without reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use clewline_env::clock::Clock;

use crate::limits::OVERLOAD_GATE;

/// Bytes of bodies in memory, over all requests.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    max: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Budget {
        Budget { used: AtomicUsize::new(0), max }
    }

    /// Takes bytes, or nothing when they do not fit.
    pub(crate) fn reserve(self: &Arc<Budget>, bytes: usize) -> Option<Reservation> {
        let mut reservation = Reservation { budget: Arc::clone(self), bytes: 0 };
        reservation.grow(bytes).then_some(reservation)
    }

    /// Bytes taken now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// Bytes taken from a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// Takes more; false when it does not fit.
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let max = self.budget.max;
        let fits = |used: usize| used.checked_add(more).filter(|sum| *sum <= max);
        let taken = self.budget.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits).is_ok();
        self.bytes += if taken { more } else { 0 };
        taken
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Closed for a moment after the store refused: what comes then is refused before its body is read.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed_until_ns: AtomicU64,
}

impl Gate {
    /// The store cannot take more.
    pub(crate) fn close(&self, clock: &dyn Clock) {
        let until = clock.monotonic_ns().saturating_add(u64::try_from(OVERLOAD_GATE.as_nanos()).unwrap_or(0));
        self.closed_until_ns.store(until, Ordering::Relaxed);
    }

    /// The store took something.
    pub(crate) fn open(&self) {
        self.closed_until_ns.store(0, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self, clock: &dyn Clock) -> bool {
        let until = self.closed_until_ns.load(Ordering::Relaxed);
        until != 0 && clock.monotonic_ns() < until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_comes_back() {
        let budget = Arc::new(Budget::new(100));
        let mut first = budget.reserve(60).unwrap();
        assert!(budget.reserve(41).is_none());
        assert!(first.grow(40));
        assert!(!first.grow(1));
        assert_eq!((budget.used(), first.bytes()), (100, 100));
        drop(first);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_gate_opens_by_itself() {
        let clock = clewline_env::clock::ManualClock::new(0);
        let gate = Gate::default();
        assert!(!gate.is_closed(&clock));
        gate.close(&clock);
        assert!(gate.is_closed(&clock));
        clock.advance_ns(200_000_000);
        assert!(!gate.is_closed(&clock));
    }
}
