//! Things that go wrong now and then: one at a time, announced when they begin and end.

use crate::load::random::Random;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The acquirer behind payment answers slowly and sometimes not at all.
    SlowPayment,
    /// A release of inventory throws.
    InventoryExceptions,
    /// A missing index makes the catalogue's database slow.
    SlowCatalog,
}

impl Fault {
    /// What to tell the user.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Fault::SlowPayment => "payment: the acquirer answers slowly, some charges time out",
            Fault::InventoryExceptions => {
                "inventory: a bad release throws NullPointerException in a third of its calls"
            }
            Fault::SlowCatalog => "catalog: its database lost an index, SELECTs take twenty times as long",
        }
    }
}

/// When which fault is on. Seconds since the start.
#[derive(Debug)]
pub(crate) struct Schedule {
    current: Option<(Fault, f64)>,
    next_at: f64,
    turn: usize,
    random: Random,
}

/// A change of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It begins and lasts this many seconds.
    Begins(Fault, u64),
    /// It is over.
    Ends(Fault),
}

impl Schedule {
    /// The first fault comes after about half a minute.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let next_at = 20.0 + 20.0 * random.unit();
        Schedule { current: None, next_at, turn: random.below(3) as usize, random }
    }

    /// The fault that is on.
    pub(crate) fn current(&self) -> Option<Fault> {
        self.current.map(|(fault, _)| fault)
    }

    /// Moves to `second`; tells what changed.
    pub(crate) fn advance(&mut self, second: f64) -> Option<Change> {
        const FAULTS: [Fault; 3] = [Fault::SlowPayment, Fault::InventoryExceptions, Fault::SlowCatalog];
        match self.current {
            Some((fault, until)) if second >= until => {
                self.current = None;
                self.next_at = second + 60.0 + 120.0 * self.random.unit();
                Some(Change::Ends(fault))
            }
            None if second >= self.next_at => {
                let fault = FAULTS[self.turn % FAULTS.len()];
                self.turn += 1;
                let length = 30 + self.random.below(31);
                self.current = Some((fault, second + length as f64));
                Some(Change::Begins(fault, length))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_turn_and_ends() {
        let mut schedule = Schedule::new(1);
        let changes: Vec<Change> = (0..1_200).filter_map(|second| schedule.advance(f64::from(second))).collect();
        for pair in changes.chunks_exact(2) {
            assert!(matches!((pair[0], pair[1]), (Change::Begins(a, _), Change::Ends(b)) if a == b), "{pair:?}");
        }
        for fault in [Fault::SlowPayment, Fault::InventoryExceptions, Fault::SlowCatalog] {
            assert!(changes.iter().any(|change| matches!(change, Change::Begins(begun, _) if *begun == fault)));
        }
    }
}
