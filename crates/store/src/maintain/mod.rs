//! The later life of a segment: fewer, larger ones, none beyond its bounds, none with what was deleted.
//!
//! Compaction is size-tiered within a partition: four or more neighbouring segments of one level
//! ([`crate::entry::level_of`]) become one, within the bounds on rows and bytes. Each record is thus rewritten at most once
//! per level, about seven times, and a few times more when its day is over. The catalog swaps inputs for output in one
//! transaction; input files go when the last snapshot that holds them does. [`choose`] decides what is merged, [`retain`]
//! what is too old or too much, [`delete`] does the work of delete jobs.

mod choose;
mod delete;
mod retain;

use std::sync::Arc;

use clewline_segment::file::SegmentFile;
use clewline_segment::{Part, merge};
use hashbrown::HashSet;

use crate::core::Core;
use crate::entry::SegmentEntry;
use crate::error::StoreError;
use crate::state::Owner;
use crate::statistics::add;

/// State of maintenance.
#[derive(Default)]
pub(crate) struct Maintenance {
    /// Segments that could not be read; they are left alone until the next start.
    unreadable: HashSet<i64>,
    /// Segments of a catalog transaction that failed: only a restart knows whether they still exist.
    undecided: HashSet<i64>,
}

impl Core {
    /// One round: retention, then delete jobs and all compactions there are. Stops early when asked to.
    pub(crate) fn maintain(&self) {
        let mut maintenance = self.maintenance.lock();
        let idle = || self.stopping() || self.paused.load(std::sync::atomic::Ordering::Acquire) > 0;
        if idle() || !self.is_ready() || self.poison.get().is_some() {
            return;
        }
        if let Err(error) = self.retain() {
            tracing::error!(%error, "segments beyond their bounds could not be deleted; trying again later");
            self.counters.note_error(&error.to_string());
        }
        let merging_paused = || self.merging_paused.load(std::sync::atomic::Ordering::Acquire);
        self.mend_indexes();
        while !idle() {
            self.advance_deletes(&mut maintenance);
            if !self.settings.compaction || merging_paused() {
                break;
            }
            match self.compact_once(&mut maintenance) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "a compaction failed; its inputs stay as they are");
                    add(&self.counters.compaction_failures, 1);
                    self.counters.note_error(&error.to_string());
                    break;
                }
            }
        }
    }

    /// Does one compaction; false where there is none to do.
    pub(crate) fn compact_once(&self, maintenance: &mut Maintenance) -> Result<bool, StoreError> {
        let Some((owner, inputs)) = self.choose(maintenance) else { return Ok(false) };
        let mut files = Vec::with_capacity(inputs.len());
        for input in &inputs {
            match checked_file(input) {
                Ok(file) => files.push(merge::Input { file, summary: &input.summary }),
                Err(error) => {
                    maintenance.unreadable.insert(input.id);
                    return Err(StoreError::Segment(format!("{}: {error}", input.path.display())));
                }
            }
        }
        let mut row = self.write_file(owner, |sink| clewline_segment::merge::merge(owner.1, &files, sink))?;
        row.created_ns = inputs.iter().map(|input| input.received_ns).max().unwrap_or(row.created_ns);
        let rows = [row];
        let ids: Vec<i64> = inputs.iter().map(|input| input.id).collect();
        let announced = self.sync_folders(&rows).and_then(|()| Ok(self.env.disk.external("replace segments")?));
        if let Err(error) = announced {
            self.remove_segments(&rows);
            return Err(error);
        }
        // After a failed transaction only a restart knows whether it took effect: the output stays for that.
        if let Err(error) = self.catalog.replace(&ids, &rows) {
            maintenance.undecided.extend(&ids);
            return Err(error);
        }
        add(&self.counters.spans_deduplicated, rows[0].summary.duplicates_removed);
        add(&self.counters.merged_bytes, rows[0].summary.bytes);
        let added = rows.into_iter().map(|row| (owner, self.entry_of(row))).collect();
        self.swap(owner, &ids, added);
        add(&self.counters.compactions, 1);
        Ok(true)
    }

    /// The rows of a segment. Damage that still reads as Parquet must not get into a file with a good checksum.
    fn read_checked(&self, entry: &SegmentEntry) -> Result<Vec<Part>, StoreError> {
        let bytes = entry.read()?;
        match entry.summary.matches(&bytes) {
            true => Ok(clewline_segment::read_parts(bytes, entry.summary.signal())?),
            false => Err(StoreError::Segment("its bytes are not those that were written".into())),
        }
    }

    /// Makes a change of segments visible; the rows of those that went.
    fn swap(&self, owner: Owner, ids: &[i64], added: Vec<(Owner, Arc<SegmentEntry>)>) -> u64 {
        let removed = {
            let mut state = self.state.write();
            state.add_segments(added);
            state.take_segments(owner, ids)
        };
        removed.iter().for_each(|entry| entry.doom());
        removed.iter().map(|entry| entry.summary.rows).sum()
    }
}

/// The file of a segment, whose every byte was compared: damage that still reads as Parquet must not get into a file with
/// a good checksum.
fn checked_file(entry: &SegmentEntry) -> Result<SegmentFile, StoreError> {
    match entry.is_whole()? {
        true => Ok(entry.file()?),
        false => Err(StoreError::Segment("its bytes are not those that were written".into())),
    }
}
