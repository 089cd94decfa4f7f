//! The three background threads: writer, flusher, maintenance.
//!
//! A panic in any of them poisons the store: a half-done step is never continued.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use clewline_env::thread::{sleep, spawn};

use crate::core::Core;
use crate::limits::{
    BACKGROUND_POLL_MS, FLUSH_RETRY_MS, FROZEN_GENERATIONS_MAX, MAINTENANCE_INTERVAL_MS, ROOM_POLL_MS, ROOM_WAIT_MS,
};
use crate::queue::Request;

/// Name and work of a thread.
type Task = (&'static str, fn(&Core));

/// Starts the threads.
pub(crate) fn start(core: &Arc<Core>) -> io::Result<Vec<JoinHandle<()>>> {
    let run = |name: &'static str, work: fn(&Core)| {
        let core = core.clone();
        spawn(name, move || guard(&core, name, || work(&core)))
    };
    let tasks: [Task; 3] = [("clew-writer", write), ("clew-flush", flush), ("clew-maintain", maintain)];
    let mut threads = Vec::new();
    for (name, work) in tasks {
        match run(name, work) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                core.stop.store(true, Ordering::Release);
                core.queue.close();
                return Err(error);
            }
        }
    }
    Ok(threads)
}

/// Runs a step; a panic poisons the store.
fn guard(core: &Core, name: &str, step: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(step)) {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        core.poison(format!("the background task {name} failed: {text}"));
    }
}

impl Core {
    /// Commits the next group, if there is one.
    pub(crate) fn commit_next(&self) {
        // The lock comes first: whoever finds the queue empty and then takes the lock knows that nothing is on its way.
        let mut writer = self.writer.lock();
        let group = self.queue.take_group();
        if !group.is_empty() {
            writer.commit(self, group);
        }
    }

    /// Waits a little where segments are written more slowly than records arrive: senders feel a slow answer first, and are
    /// only refused when that does not help.
    fn wait_for_room(&self) {
        let until = self.env.clock.monotonic_ns() + ROOM_WAIT_MS * 1_000_000;
        let full = || {
            let state = self.state.read();
            state.frozen.len() >= FROZEN_GENERATIONS_MAX || state.memory_bytes() > self.settings.memory_bytes_max
        };
        while self.queue.len() > 0 && full() && !self.stopping() && self.env.clock.monotonic_ns() < until {
            self.progress.wait_ms(ROOM_POLL_MS);
        }
    }

    fn refuse_all(&self, group: Vec<Request>, reason: &str) {
        let error = crate::error::IngestError::Failed(reason.to_owned());
        group.into_iter().for_each(|request| request.answer(&self.ledger, Err(error.clone())));
    }
}

fn write(core: &Core) {
    while !core.queue.is_done() {
        core.queue.wait(Duration::from_millis(BACKGROUND_POLL_MS));
        if core.settings.commit_interval_max_ms > 0 && core.queue.len() > 0 && !core.stopping() {
            sleep(Duration::from_millis(core.settings.commit_interval_max_ms));
        }
        core.wait_for_room();
        guard(core, "clew-writer", || core.commit_next());
        if let Some(reason) = core.poison.get() {
            core.refuse_all(core.queue.take_group(), reason);
        } else {
            guard(core, "clew-writer", || core.writer.lock().freeze_if_old(core));
        }
    }
}

fn flush(core: &Core) {
    if !core.is_ready()
        && let Err(error) = core.replay()
    {
        core.poison(format!("the log of the last run could not be read: {error}"));
        return;
    }
    while !core.stopping() && core.poison.get().is_none() {
        match core.publish_oldest() {
            Ok(true) => {}
            Ok(false) => core.progress.wait_ms(BACKGROUND_POLL_MS),
            Err(_) => core.progress.wait_ms(FLUSH_RETRY_MS), // logged and counted where it happened
        }
    }
}

fn maintain(core: &Core) {
    while !core.stopping() {
        core.maintain();
        let until = core.env.clock.monotonic_ns() + MAINTENANCE_INTERVAL_MS * 1_000_000;
        while !core.stopping() && core.env.clock.monotonic_ns() < until {
            core.progress.wait_ms(BACKGROUND_POLL_MS);
            if core.deletions.open_count() > 0 {
                break; // somebody waits for it
            }
        }
    }
}
