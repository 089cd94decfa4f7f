//! Accounting (D7): every record a door handed over is stored, a duplicate, rejected or dropped for a named reason.
//!
//! Counters of this process per signal, tenant and door. One outcome adds to `received` and to its own counter under
//! one lock, so [`holds`] is true at every moment, also while requests are on their way.

use std::collections::BTreeMap;
use std::sync::Arc;

use clewline_model::signal::Signal;
use parking_lot::Mutex;

use crate::error::IngestError;
use crate::limits::LEDGER_LINES_MAX;

/// Why records were not stored though they were well formed. A sender that can will send them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// Queues or memory were full.
    Overloaded,
    /// The disk was full.
    DiskFull,
    /// The store was starting or closing.
    Unavailable,
    /// The batch was too large.
    TooLarge,
    /// The tenant's name cannot be used.
    BadTenant,
    /// Writing failed.
    Failed,
    /// Lost before the door could read them (gaps in a sequence, full socket buffers).
    LostInTransit,
}

/// All reasons, in the order of [`Counts::dropped`].
pub const DROP_REASONS: [DropReason; 7] = [
    DropReason::Overloaded,
    DropReason::DiskFull,
    DropReason::Unavailable,
    DropReason::TooLarge,
    DropReason::BadTenant,
    DropReason::Failed,
    DropReason::LostInTransit,
];

impl DropReason {
    /// Name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            DropReason::Overloaded => "overloaded",
            DropReason::DiskFull => "disk_full",
            DropReason::Unavailable => "unavailable",
            DropReason::TooLarge => "too_large",
            DropReason::BadTenant => "bad_tenant",
            DropReason::Failed => "failed",
            DropReason::LostInTransit => "lost_in_transit",
        }
    }

    /// The reason behind an error.
    pub fn of(error: &IngestError) -> DropReason {
        match error {
            IngestError::Overloaded { .. } => DropReason::Overloaded,
            IngestError::DiskFull { .. } => DropReason::DiskFull,
            IngestError::NotReady | IngestError::Closing => DropReason::Unavailable,
            IngestError::TooLarge { .. } => DropReason::TooLarge,
            IngestError::BadTenant(_) => DropReason::BadTenant,
            IngestError::Failed(_) => DropReason::Failed,
        }
    }
}

/// What became of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Durable.
    Stored,
    /// Known already.
    Duplicate,
    /// Not stored.
    Dropped(DropReason),
}

/// Record counters of one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Handed over by the door.
    pub received: u64,
    /// Durable.
    pub stored: u64,
    /// Removed as repeats of durable ones.
    pub duplicate: u64,
    /// Malformed: the door could not read them.
    pub rejected: u64,
    /// Not stored, by reason, in the order of [`DROP_REASONS`].
    pub dropped: [u64; DROP_REASONS.len()],
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.received += other.received;
        self.stored += other.stored;
        self.duplicate += other.duplicate;
        self.rejected += other.rejected;
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += more;
        }
    }
}

/// received = stored + duplicate + rejected + dropped.
pub fn holds(counts: &Counts) -> bool {
    counts.received == counts.stored + counts.duplicate + counts.rejected + counts.dropped.iter().sum::<u64>()
}

/// Whose records a line counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Signal.
    pub signal: Signal,
    /// Tenant.
    pub tenant: Arc<str>,
    /// Door they came through.
    pub door: &'static str,
}

/// The counters.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: Mutex<BTreeMap<Line, Counts>>,
}

impl Ledger {
    /// Counts `records` well-formed records with one outcome and `rejected` malformed ones that came with them.
    pub fn count(&self, line: &Line, records: u64, rejected: u64, outcome: Outcome) {
        let mut counts = Counts { received: records + rejected, rejected, ..Counts::default() };
        match outcome {
            Outcome::Stored => counts.stored = records,
            Outcome::Duplicate => counts.duplicate = records,
            Outcome::Dropped(reason) => counts.dropped[reason as usize] = records,
        }
        let mut lines = self.lines.lock();
        if let Some(known) = lines.get_mut(line) {
            known.add(&counts);
        } else if lines.len() < LEDGER_LINES_MAX {
            lines.insert(line.clone(), counts);
        } else {
            let other = Line { tenant: Arc::from("other"), door: "other", ..line.clone() };
            lines.entry(other).or_default().add(&counts);
        }
    }

    /// All lines.
    pub fn lines(&self) -> Vec<(Line, Counts)> {
        self.lines.lock().iter().map(|(line, counts)| (line.clone(), *counts)).collect()
    }

    /// The sum of all lines.
    pub fn total(&self) -> Counts {
        self.lines.lock().values().fold(Counts::default(), |mut sum, counts| {
            sum.add(counts);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_keeps_the_identity() {
        let ledger = Ledger::default();
        let line = Line { signal: Signal::Logs, tenant: Arc::from("t"), door: "otlp" };
        let dropped = DROP_REASONS.into_iter().map(Outcome::Dropped);
        for (number, outcome) in [Outcome::Stored, Outcome::Duplicate].into_iter().chain(dropped).enumerate() {
            ledger.count(&line, number as u64 + 1, 2, outcome);
            assert!(holds(&ledger.total()), "{outcome:?}");
        }
        let counts = ledger.total();
        assert_eq!((counts.received, counts.stored, counts.rejected), (45 + 18, 1, 18));
        assert_eq!(counts.dropped, [3, 4, 5, 6, 7, 8, 9]);
        assert!(!holds(&Counts { received: 1, ..Counts::default() }));
    }
}
