//! The index files of segments: written with them, made anew when lost or damaged.
//!
//! An index is never synced: after a power cut its checksums tell whether it is whole. Nothing depends on it but speed.

use std::path::Path;
use std::sync::Arc;

use crate::core::Core;
use crate::entry::SegmentEntry;
use crate::error::StoreError;
use crate::layout::index_path;
use crate::statistics::add;

impl Core {
    /// Puts the index of a segment beside it.
    pub(crate) fn write_index(&self, segment: &Path, index: &[u8]) -> Result<(), StoreError> {
        let path = index_path(segment);
        let unfinished = path.with_extension("idx.tmp");
        let written = (|| {
            let _ = self.env.disk.remove(&unfinished); // left by a failed attempt
            self.env.disk.create(&unfinished)?.append(&[index])?;
            self.env.disk.rename(&unfinished, &path)
        })();
        if written.is_err() {
            let _ = self.env.disk.remove(&unfinished); // the next start removes it otherwise
        }
        Ok(written?)
    }

    /// Makes the indexes anew that readers found missing or damaged.
    pub(crate) fn mend_indexes(&self) {
        let wanted: Vec<Arc<SegmentEntry>> = {
            let state = self.state.read();
            state.segments.values().flatten().filter(|entry| entry.take_index_wish()).cloned().collect()
        };
        for entry in wanted {
            if self.stopping() {
                return;
            }
            match self.mend_index(&entry) {
                Ok(()) => {
                    add(&self.counters.indexes_rebuilt, 1);
                    entry.index_made();
                }
                // Asked for again by the next reader.
                Err(error) => {
                    tracing::warn!(path = %entry.path.display(), %error, "the index of a segment could not be made anew; queries of it are slower")
                }
            }
        }
    }

    fn mend_index(&self, entry: &SegmentEntry) -> Result<(), StoreError> {
        let bytes = entry.read()?;
        // An index of damaged rows would be believed.
        if !entry.summary.matches(&bytes) {
            return Err(StoreError::Segment("its bytes are not those that were written".into()));
        }
        let index = clewline_segment::index_of(bytes, entry.summary.signal(), entry.summary.checksum)?;
        self.write_index(&entry.path, &index)
    }
}
