//! A segment file in use.
//!
//! The file of a replaced segment lives until the last snapshot that holds its entry is dropped: dropping a doomed
//! entry removes the file. A file that survives a crash that way has no row in the catalog and is removed at start-up.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use clewline_env::disk::{Disk, ReadAt};
use clewline_segment::Summary;

use crate::catalog::SegmentRow;
use crate::partition;

/// A segment of the catalog.
pub struct SegmentEntry {
    /// Its number; never given twice.
    pub id: i64,
    /// Size class; see [`level_of`].
    pub level: u32,
    /// Its file.
    pub path: PathBuf,
    /// What the catalog knows of it.
    pub summary: Summary,
    /// When its newest record was flushed, ns.
    pub received_ns: i64,
    index_bytes: OnceLock<u64>,
    disk: Arc<dyn Disk>,
    doomed: AtomicBool,
}

impl SegmentEntry {
    pub(crate) fn new(row: SegmentRow, folder: &Path, disk: Arc<dyn Disk>) -> SegmentEntry {
        SegmentEntry {
            id: row.id,
            level: row.level,
            path: folder.join(&row.file),
            summary: row.summary,
            received_ns: row.created_ns,
            index_bytes: OnceLock::new(),
            disk,
            doomed: AtomicBool::new(false),
        }
    }

    /// The time it ages from: that of its newest record, or its receipt while that is ahead of the clock.
    pub(crate) fn newest_ns(&self, now_ns: i64) -> i64 {
        let time = self.summary.time_max;
        if partition::is_future(time, now_ns) { time.min(self.received_ns) } else { time }
    }

    /// The day it belongs to, or [`partition::FUTURE`].
    pub(crate) fn day(&self, now_ns: i64) -> i64 {
        partition::day_of(self.summary.time_max, now_ns)
    }

    /// Bytes of the index beside the file; 0 where there is none. Looks at the file system once.
    pub fn index_bytes(&self) -> u64 {
        if let Some(bytes) = self.index_bytes.get() {
            return *bytes;
        }
        match self.disk.open_read(&self.path.with_extension("idx")).and_then(|file| file.size_bytes()) {
            Ok(bytes) => *self.index_bytes.get_or_init(|| bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => *self.index_bytes.get_or_init(|| 0),
            Err(_) => 0, // asked again next time
        }
    }

    /// Bytes of its file and of the index beside it: what retention by bytes counts.
    pub fn stored_bytes(&self) -> u64 {
        self.summary.bytes + self.index_bytes()
    }

    /// Opens the file for reading parts of it.
    pub fn open(&self) -> io::Result<Arc<dyn ReadAt>> {
        self.disk.open_read(&self.path)
    }

    /// Reads the whole file.
    pub fn read(&self) -> io::Result<Bytes> {
        self.disk.read(&self.path).map(Bytes::from)
    }

    /// The file goes with the last owner of this entry.
    pub(crate) fn doom(&self) {
        self.doomed.store(true, Ordering::SeqCst);
    }
}

impl Drop for SegmentEntry {
    fn drop(&mut self) {
        if *self.doomed.get_mut()
            && let Err(error) = self.disk.remove(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "a replaced segment could not be removed; the next start removes it");
        }
    }
}

impl std::fmt::Debug for SegmentEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentEntry")
            .field("id", &self.id)
            .field("level", &self.level)
            .field("path", &self.path)
            .finish()
    }
}

/// Size class of a segment: 0 below 64 KiB, one more with every factor of four, at most
/// [`crate::limits::LEVEL_MAX`].
pub fn level_of(bytes: u64) -> u32 {
    let (mut level, mut below) = (0, crate::limits::LEVEL_ZERO_BYTES);
    while bytes >= below && level < crate::limits::LEVEL_MAX {
        level += 1;
        below = below.saturating_mul(4);
    }
    level
}

#[cfg(test)]
mod tests {
    use super::level_of;

    #[test]
    fn levels_grow_by_four() {
        for (bytes, level) in
            [(0, 0), (65_535, 0), (65_536, 1), (262_144, 2), (16 << 20, 5), (64 << 20, 6), (1 << 40, 6)]
        {
            assert_eq!(level_of(bytes), level, "{bytes}");
        }
    }
}
