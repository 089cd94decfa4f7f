//! What the background threads and the public face share.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use clewline_env::Env;
use clewline_env::disk::Lock;
use hashbrown::HashSet;
use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::broadcast;

use crate::catalog::Catalog;
use crate::deletion::Deletions;
use crate::flush::Publishing;
use crate::fuse::Fuse;
use crate::layout::Layout;
use crate::ledger::Ledger;
use crate::maintain::Maintenance;
use crate::queue::Queue;
use crate::settings::StoreSettings;
use crate::state::{ReplayFile, State};
use crate::statistics::Counters;
use crate::store::Committed;
use crate::writer::Writer;

/// Everything of one open store. Lock order: `writer` or `maintenance`, then `publishing`, then `state`; the catalog's
/// own lock and that of `deletions` are innermost, apart from `state` inside the latter.
pub(crate) struct Core {
    pub(crate) env: Env,
    pub(crate) settings: StoreSettings,
    pub(crate) layout: Layout,
    pub(crate) catalog: Catalog,
    pub(crate) state: RwLock<State>,
    pub(crate) queue: Queue,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) publishing: Mutex<Publishing>,
    /// Segment folders whose names are durable.
    pub(crate) folders: Mutex<HashSet<PathBuf>>,
    pub(crate) maintenance: Mutex<Maintenance>,
    pub(crate) deletions: Deletions,
    pub(crate) progress: Progress,
    pub(crate) replay: Replay,
    pub(crate) ledger: Ledger,
    pub(crate) fuse: Fuse,
    pub(crate) counters: Counters,
    pub(crate) tail: broadcast::Sender<Committed>,
    /// Last segment number given.
    pub(crate) segment_id: AtomicI64,
    pub(crate) poison: OnceLock<String>,
    pub(crate) stop: AtomicBool,
    pub(crate) paused: AtomicU64,
    /// An operator paused merging.
    pub(crate) merging_paused: AtomicBool,
    pub(crate) _lock: Box<dyn Lock>,
}

/// What is left of the last run's log.
#[derive(Default)]
pub(crate) struct Replay {
    pub(crate) ready: AtomicBool,
    pub(crate) replayed_bytes: AtomicU64,
    pub(crate) total_bytes: u64,
    pub(crate) files: Mutex<Vec<ReplayFile>>,
}

/// Wakes whoever waits for frozen generations or for their publication.
#[derive(Default)]
pub(crate) struct Progress {
    inner: Mutex<ProgressInner>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy)]
pub(crate) struct ProgressInner {
    /// Newest published generation.
    pub(crate) published: u64,
    /// Attempts to publish that failed.
    pub(crate) failures: u64,
}

impl Progress {
    pub(crate) fn get(&self) -> ProgressInner {
        *self.inner.lock()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut ProgressInner)) {
        change(&mut self.inner.lock());
        self.changed.notify_all();
    }

    pub(crate) fn wait_ms(&self, most_ms: u64) {
        let mut inner = self.inner.lock();
        self.changed.wait_for(&mut inner, std::time::Duration::from_millis(most_ms));
    }
}

impl Core {
    pub(crate) fn is_ready(&self) -> bool {
        self.replay.ready.load(Ordering::Acquire)
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Refuses writes from now on; reads go on. The first reason stays.
    pub(crate) fn poison(&self, reason: String) {
        tracing::error!(reason, "the store stops accepting writes; restart it, acknowledged records are safe");
        self.counters.note_error(&reason);
        let _ = self.poison.set(reason);
    }
}
