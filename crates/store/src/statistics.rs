//! Numbers about the store, for metrics and status pages.

use std::sync::atomic::{AtomicU64, Ordering};

use clewline_model::signal::SIGNALS;
use parking_lot::Mutex;

use crate::core::Core;
use crate::ledger::Counts;

/// Counters of this process.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) committed_requests: AtomicU64,
    pub(crate) committed_bytes: AtomicU64,
    pub(crate) log_failures: AtomicU64,
    pub(crate) flushes: AtomicU64,
    pub(crate) flush_failures: AtomicU64,
    pub(crate) compactions: AtomicU64,
    pub(crate) compaction_failures: AtomicU64,
    pub(crate) indexes_rebuilt: AtomicU64,
    pub(crate) flushed_bytes: AtomicU64,
    pub(crate) merged_bytes: AtomicU64,
    pub(crate) erased_bytes: AtomicU64,
    pub(crate) segments_expired: AtomicU64,
    pub(crate) records_expired: AtomicU64,
    pub(crate) records_deleted: AtomicU64,
    pub(crate) segments_missing: AtomicU64,
    pub(crate) spans_deduplicated: AtomicU64,
    pub(crate) log_damaged_bytes: AtomicU64,
    pub(crate) log_torn_bytes: AtomicU64,
    pub(crate) identities: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Counters {
    pub(crate) fn note_error(&self, error: &str) {
        *self.last_error.lock() = Some(error.to_owned());
    }
}

pub(crate) fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

/// Numbers about the store at one moment; counters since the process started.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Segments the catalog shows.
    pub segments: u64,
    /// Their bytes on disk.
    pub segment_bytes: u64,
    /// Their rows, by signal number.
    pub segment_rows: [u64; SIGNALS.len()],
    /// Rows in memory, by signal number.
    pub memory_rows: [u64; SIGNALS.len()],
    /// Bytes of rows in memory, roughly.
    pub memory_bytes: u64,
    /// Bytes of write-ahead-log files not yet published.
    pub log_bytes: u64,
    /// Generations waiting to become segments.
    pub frozen_generations: u64,
    /// Newest committed sequence number.
    pub seq: i64,
    /// Tenants.
    pub tenants: u64,
    /// Identities in the window of repeats.
    pub identities: u64,
    /// Requests waiting for the writer.
    pub queue_requests: u64,
    /// Bytes of requests on their way.
    pub queue_bytes: u64,
    /// Groups committed, each with one fdatasync.
    pub commits: u64,
    /// Requests in them.
    pub committed_requests: u64,
    /// Bytes in them.
    pub committed_bytes: u64,
    /// Writes or syncs of the log that failed.
    pub log_failures: u64,
    /// Generations published as segments.
    pub flushes: u64,
    /// Attempts at that that failed.
    pub flush_failures: u64,
    /// Compactions done.
    pub compactions: u64,
    /// Compactions that failed.
    pub compaction_failures: u64,
    /// Indexes made anew because a reader found them missing or damaged.
    pub indexes_rebuilt: u64,
    /// Bytes of segments written by flushes.
    pub flushed_bytes: u64,
    /// Bytes of segments written by compactions.
    pub merged_bytes: u64,
    /// Bytes of segments written again without what delete jobs removed.
    pub erased_bytes: u64,
    /// Compaction is paused by an operator.
    pub merging_paused: bool,
    /// Segments deleted by age or by bytes.
    pub segments_expired: u64,
    /// Records in them.
    pub records_expired: u64,
    /// Records removed by delete jobs.
    pub records_deleted: u64,
    /// Delete jobs that are not done.
    pub delete_jobs_open: u64,
    /// Segments of the catalog whose file was not there at start-up.
    pub segments_missing: u64,
    /// Repeated spans left out of segments.
    pub spans_deduplicated: u64,
    /// Acknowledged log bytes found damaged at start-up.
    pub log_damaged_bytes: u64,
    /// Unacknowledged log bytes found torn at start-up.
    pub log_torn_bytes: u64,
    /// Deletion by age is suspended because the clock jumped.
    pub retention_suspended: bool,
    /// Why writes are refused for good, if they are.
    pub poisoned: Option<String>,
    /// The last error of a background task.
    pub last_error: Option<String>,
    /// Sum of the ledger.
    pub records: Counts,
}

impl Statistics {
    /// Bytes of segments written, for each byte flushed; 1 while nothing was written again.
    pub fn write_amplification(&self) -> f64 {
        let again = self.merged_bytes + self.erased_bytes;
        if self.flushed_bytes == 0 { 1.0 } else { 1.0 + again as f64 / self.flushed_bytes as f64 }
    }
}

impl Core {
    pub(crate) fn statistics(&self) -> Statistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        let mut statistics = Statistics {
            queue_requests: self.queue.len() as u64,
            queue_bytes: self.queue.used_bytes(),
            identities: get(&counters.identities),
            commits: get(&counters.commits),
            committed_requests: get(&counters.committed_requests),
            committed_bytes: get(&counters.committed_bytes),
            log_failures: get(&counters.log_failures),
            flushes: get(&counters.flushes),
            flush_failures: get(&counters.flush_failures),
            compactions: get(&counters.compactions),
            compaction_failures: get(&counters.compaction_failures),
            indexes_rebuilt: get(&counters.indexes_rebuilt),
            flushed_bytes: get(&counters.flushed_bytes),
            merged_bytes: get(&counters.merged_bytes),
            erased_bytes: get(&counters.erased_bytes),
            merging_paused: self.merging_paused.load(Ordering::Acquire),
            segments_expired: get(&counters.segments_expired),
            records_expired: get(&counters.records_expired),
            records_deleted: get(&counters.records_deleted),
            delete_jobs_open: self.deletions.open_count(),
            segments_missing: get(&counters.segments_missing),
            spans_deduplicated: get(&counters.spans_deduplicated),
            log_damaged_bytes: get(&counters.log_damaged_bytes),
            log_torn_bytes: get(&counters.log_torn_bytes),
            retention_suspended: self.fuse.now(&*self.env.clock).suspended,
            poisoned: self.poison.get().cloned(),
            last_error: counters.last_error.lock().clone(),
            records: self.ledger.total(),
            ..Statistics::default()
        };
        self.measure(&mut statistics);
        statistics
    }

    fn measure(&self, statistics: &mut Statistics) {
        let state = self.state.read();
        statistics.seq = state.seq;
        statistics.tenants = state.tenants.len() as u64;
        statistics.frozen_generations = state.frozen.len() as u64;
        for ((_, signal), entries) in &state.segments {
            statistics.segments += entries.len() as u64;
            for entry in entries {
                statistics.segment_bytes += entry.stored_bytes();
                statistics.segment_rows[*signal as usize] += entry.summary.rows;
            }
        }
        for generation in state.generations() {
            statistics.memory_bytes += generation.memory_bytes;
            statistics.log_bytes += generation.log_bytes;
            for ((_, signal), parts) in &generation.parts {
                statistics.memory_rows[*signal as usize] += parts.iter().map(|part| part.rows() as u64).sum::<u64>();
            }
        }
    }
}
