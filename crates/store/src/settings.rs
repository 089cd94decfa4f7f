//! What an operator may choose.

use std::path::PathBuf;
use std::time::Duration;

use crate::retention::Retention;

/// Settings of a store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// The data folder. Created where needed; one process at a time.
    pub folder: PathBuf,
    /// Acknowledge after fdatasync. `false` is the named opt-out: a power cut then loses acknowledged records.
    pub fsync: bool,
    /// Longest time the writer waits for company before it commits a group. 0: what queued during the last commit is
    /// the next group, which is enough under load and fastest when idle.
    pub commit_interval_max_ms: u64,
    /// Write-ahead-log bytes after which a generation becomes segments.
    pub flush_bytes: u64,
    /// Age after which a generation becomes segments.
    pub flush_age_s: u64,
    /// Memory of records not yet in segments; beyond it ingest answers Overloaded.
    pub memory_bytes_max: u64,
    /// Memory of requests waiting for the writer; beyond it ingest answers Overloaded.
    pub queue_bytes_max: u64,
    /// Ingest stops below this free space, so that flush, compaction and deletion can go on.
    pub free_bytes_min: u64,
    /// How long and how much is kept.
    pub retention: Retention,
    /// How long a repeated identity is recognised; at least 15 minutes are promised.
    pub dedupe_window: Duration,
    /// Merge small segments in the background.
    pub compaction: bool,
    /// Most rows of a merged segment.
    pub compaction_rows_max: u64,
    /// Most file bytes merged at once.
    pub compaction_bytes_max: u64,
}

impl StoreSettings {
    /// The defaults for a folder.
    pub fn new(folder: impl Into<PathBuf>) -> StoreSettings {
        StoreSettings {
            folder: folder.into(),
            fsync: true,
            commit_interval_max_ms: 0,
            flush_bytes: 32 << 20,
            flush_age_s: 60,
            memory_bytes_max: 192 << 20,
            queue_bytes_max: 64 << 20,
            free_bytes_min: 256 << 20,
            retention: Retention::default(),
            dedupe_window: Duration::from_secs(20 * 60),
            compaction: true,
            compaction_rows_max: 20_000_000,
            compaction_bytes_max: 512 << 20,
        }
    }
}
