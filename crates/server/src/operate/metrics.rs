//! Counters of the server itself. Those of the store come from its statistics and ledger.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::catalogue::DURATION_BOUNDS_S;

/// Requests of one route and status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Durations {
    pub(crate) buckets: [u64; DURATION_BOUNDS_S.len()],
    pub(crate) count: u64,
    pub(crate) sum_s: f64,
}

/// Connections of one listener.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Connections {
    pub(crate) open: u64,
    pub(crate) total: u64,
}

type Labelled = Mutex<BTreeMap<(&'static str, &'static str), u64>>;

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By route and status.
    pub(crate) requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// By route.
    pub(crate) durations: Mutex<BTreeMap<&'static str, Durations>>,
    /// By listener.
    pub(crate) connections: Mutex<BTreeMap<&'static str, Connections>>,
    /// By door and reason.
    pub(crate) refused: Labelled,
    /// By listener and reason.
    pub(crate) datagrams_lost: Labelled,
    /// By door.
    pub(crate) retried: Labelled,
    /// By door.
    pub(crate) cut: Labelled,
    pub(crate) tail_rows_dropped: AtomicU64,
}

impl Metrics {
    /// A request was answered.
    pub(crate) fn answered(&self, route: &'static str, status: u16, seconds: f64) {
        *self.requests.lock().entry((route, status)).or_default() += 1;
        let mut durations = self.durations.lock();
        let durations = durations.entry(route).or_default();
        durations.count += 1;
        durations.sum_s += seconds;
        if let Some(slot) = DURATION_BOUNDS_S.iter().position(|bound| seconds <= *bound) {
            durations.buckets[slot] += 1;
        }
    }

    /// A connection was accepted.
    pub(crate) fn connected(&self, listener: &'static str) {
        let mut all = self.connections.lock();
        let connections = all.entry(listener).or_default();
        connections.open += 1;
        connections.total += 1;
    }

    /// A connection has ended.
    pub(crate) fn disconnected(&self, listener: &'static str) {
        if let Some(connections) = self.connections.lock().get_mut(listener) {
            connections.open = connections.open.saturating_sub(1);
        }
    }

    /// A whole ingest request was refused.
    pub(crate) fn refused(&self, door: &'static str, reason: &'static str) {
        add(&self.refused, door, reason, 1);
    }

    /// Datagrams were lost.
    pub(crate) fn datagrams_lost(&self, listener: &'static str, reason: &'static str, count: u64) {
        add(&self.datagrams_lost, listener, reason, count);
    }

    /// A batch of lines has to be tried again.
    pub(crate) fn retried(&self, door: &'static str) {
        add(&self.retried, door, "", 1);
    }

    /// Lines were stored in pieces.
    pub(crate) fn cut(&self, door: &'static str, count: u64) {
        if count > 0 {
            add(&self.cut, door, "", count);
        }
    }

    /// Rows a live tail could not be given.
    pub(crate) fn tail_rows_dropped(&self, count: u64) {
        self.tail_rows_dropped.fetch_add(count, Ordering::Relaxed);
    }
}

fn add(counters: &Labelled, first: &'static str, second: &'static str, count: u64) {
    *counters.lock().entry((first, second)).or_default() += count;
}
