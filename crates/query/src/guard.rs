//! The last line against queries that take more memory than the engine accounts for.
//!
//! The engine counts what its operators hold, but not every accumulator and not what a function makes of one batch. So the
//! resident memory of the process is watched while queries run: when it has grown by more than the limit since the last
//! moment without queries, the running queries are stopped with an error. Ingest that grows at the same time is bounded by
//! its own limits and only makes the guard stricter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clewline_env::memory::resident_bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::limits::GROWTH_POLL_MS;
use crate::scan::Stop;

/// Whether one query was stopped for its memory.
#[derive(Debug)]
pub(crate) struct Growth {
    exceeded: AtomicBool,
    notify: Notify,
    stop: Stop,
}

impl Growth {
    /// True once the query was stopped.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Acquire)
    }

    /// Resolves when the query is stopped.
    pub(crate) async fn exceeds(&self) {
        self.notify.notified().await;
    }

    fn end(&self) {
        self.exceeded.store(true, Ordering::Release);
        self.stop.stop();
        self.notify.notify_one();
    }
}

/// Watches the process while queries run.
#[derive(Debug)]
pub(crate) struct Guard {
    growth_bytes_max: u64,
    running: Mutex<Vec<std::sync::Weak<Growth>>>,
    /// Wakes the watch when a query begins.
    begun: Notify,
}

impl Guard {
    pub(crate) fn new(growth_bytes_max: u64) -> Guard {
        Guard { growth_bytes_max, running: Mutex::default(), begun: Notify::new() }
    }

    /// Puts a query under guard for as long as the result lives.
    pub(crate) fn add(&self, stop: &Stop) -> Arc<Growth> {
        let growth = Arc::new(Growth { exceeded: AtomicBool::new(false), notify: Notify::new(), stop: stop.clone() });
        self.running.lock().push(Arc::downgrade(&growth));
        self.begun.notify_one();
        growth
    }

    /// Runs for ever.
    pub(crate) async fn watch(self: Arc<Guard>) {
        loop {
            self.begun.notified().await;
            let Some(idle_bytes) = resident_bytes() else { return };
            while self.look(idle_bytes) {
                tokio::time::sleep(Duration::from_millis(GROWTH_POLL_MS)).await;
            }
        }
    }

    /// Stops the running queries when the process has grown too far since `idle_bytes`; false when none runs.
    fn look(&self, idle_bytes: u64) -> bool {
        let running: Vec<Arc<Growth>> = {
            let mut running = self.running.lock();
            running.retain(|growth| growth.strong_count() > 0);
            running.iter().filter_map(std::sync::Weak::upgrade).collect()
        };
        let resident = if running.is_empty() { 0 } else { resident_bytes().unwrap_or(0) };
        if resident > idle_bytes.saturating_add(self.growth_bytes_max) {
            tracing::info!(
                resident,
                idle_bytes,
                queries = running.len(),
                "queries are stopped: the process grew too far"
            );
            running.iter().for_each(|growth| growth.end());
        }
        !running.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn queries_are_stopped_when_the_process_grows_and_not_before() {
        let strict = Arc::new(Guard::new(32 << 20));
        let watch = tokio::spawn(Arc::clone(&strict).watch());
        tokio::time::sleep(Duration::from_millis(3 * GROWTH_POLL_MS)).await;
        let stop = Stop::default();
        let growth = strict.add(&stop);
        tokio::time::sleep(Duration::from_millis(5 * GROWTH_POLL_MS)).await;
        assert!(!growth.exceeded() && !stop.stopped());
        let held = vec![1u8; 256 << 20];
        tokio::time::timeout(Duration::from_secs(5), growth.exceeds()).await.expect("the growth is noticed");
        assert!(growth.exceeded() && stop.stopped());
        drop(held);
        watch.abort();
    }
}
