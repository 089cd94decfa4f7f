//! A segment file in use.
//!
//! The file of a replaced segment lives until the last snapshot that holds its entry is dropped: dropping a doomed
//! entry removes the file. A file that survives a crash that way has no row in the catalog and is removed at start-up.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use clewline_env::disk::{Disk, ReadAt};
use clewline_segment::file::SegmentFile;
use clewline_segment::summary::Checksum;
use clewline_segment::{Sidecar, Summary};

use crate::layout::index_path;
use crate::limits::SEGMENT_BUFFER_BYTES;

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
    disk: Arc<dyn Disk>,
    doomed: AtomicBool,
    index_wanted: AtomicBool,
    index_version: AtomicU64,
}

impl SegmentEntry {
    pub(crate) fn new(row: SegmentRow, folder: &Path, disk: Arc<dyn Disk>) -> SegmentEntry {
        SegmentEntry {
            id: row.id,
            level: row.level,
            path: folder.join(&row.file),
            summary: row.summary,
            received_ns: row.created_ns,
            disk,
            doomed: AtomicBool::new(false),
            index_wanted: AtomicBool::new(false),
            index_version: AtomicU64::new(0),
        }
    }

    /// The index beside the segment, read and checked; `None` where there is no good one. It is then made anew in the
    /// background, after which [`Self::index_version`] differs.
    pub fn read_index(&self) -> Option<Sidecar> {
        let bytes = self.disk.read(&index_path(&self.path)).map(Bytes::from);
        let index = bytes.ok().and_then(|bytes| Sidecar::parse(&bytes, self.summary.checksum, self.summary.rows));
        if index.is_none() {
            self.index_wanted.store(true, Ordering::Release);
        }
        index
    }

    /// Counts how often the index was made anew.
    pub fn index_version(&self) -> u64 {
        self.index_version.load(Ordering::Acquire)
    }

    /// True once after a reader found no good index.
    pub(crate) fn take_index_wish(&self) -> bool {
        self.index_wanted.swap(false, Ordering::AcqRel)
    }

    /// The index was made anew.
    pub(crate) fn index_made(&self) {
        self.index_version.fetch_add(1, Ordering::AcqRel);
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

    /// Bytes of its file and of the index beside it: what retention by bytes counts.
    pub fn stored_bytes(&self) -> u64 {
        self.summary.bytes + self.summary.index_bytes
    }

    /// Opens the file for reading parts of it.
    pub fn file(&self) -> io::Result<SegmentFile> {
        let file: Arc<dyn ReadAt> = self.disk.open_read(&self.path)?;
        let size_bytes = file.size_bytes()?;
        Ok(SegmentFile::new(size_bytes, Arc::new(move |offset, out| file.read_exact_at(offset, out))))
    }

    /// Reads the file once and says whether it is, byte for byte, what was written.
    pub(crate) fn is_whole(&self) -> io::Result<bool> {
        let file = self.disk.open_read(&self.path)?;
        let size_bytes = file.size_bytes()?;
        if size_bytes != self.summary.bytes {
            return Ok(false);
        }
        let mut hash = Checksum::new();
        let mut buffer = vec![0; SEGMENT_BUFFER_BYTES];
        let mut at = 0;
        while at < size_bytes {
            let count = usize::try_from(size_bytes - at).unwrap_or(usize::MAX).min(buffer.len());
            file.read_exact_at(at, &mut buffer[..count])?;
            hash.update(&buffer[..count]);
            at += count as u64;
        }
        Ok(hash.digest() == self.summary.checksum)
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
        } else if *self.doomed.get_mut() {
            let _ = self.disk.remove(&index_path(&self.path)); // it may have none; the next start removes it otherwise
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
