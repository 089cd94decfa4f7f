//! Compaction and retention: fewer, larger segments, and none beyond their age.
//!
//! Compaction is size-tiered: four or more neighbouring segments of one level ([`crate::entry::level_of`]) become one,
//! within the bounds on rows and bytes. Each record is thus rewritten at most once per level, about seven times. The
//! catalog swaps inputs for output in one transaction; input files go when the last snapshot that holds them does.

use std::sync::Arc;

use clewline_model::signal::{SIGNALS, Signal};
use hashbrown::HashSet;

use crate::core::Core;
use crate::entry::SegmentEntry;
use crate::error::StoreError;
use crate::limits::{COMPACTION_FAN_IN, COMPACTION_INPUTS_MAX, LEVEL_MAX};
use crate::state::Owner;
use crate::statistics::add;

/// State of maintenance.
#[derive(Default)]
pub(crate) struct Maintenance {
    /// Segments that could not be read; they are left alone until the next start.
    unreadable: HashSet<i64>,
}

impl Core {
    /// One round: all compactions there are, then retention. Stops early when asked to.
    pub(crate) fn maintain(&self) {
        let mut maintenance = self.maintenance.lock();
        let idle = || self.stopping() || self.paused.load(std::sync::atomic::Ordering::Acquire) > 0;
        if idle() || !self.is_ready() || self.poison.get().is_some() {
            return;
        }
        if let Err(error) = self.retain() {
            tracing::error!(%error, "segments beyond their age could not be deleted; trying again later");
            self.counters.note_error(&error.to_string());
        }
        self.mend_indexes();
        while self.settings.compaction && !idle() {
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
        let mut parts = Vec::new();
        for input in &inputs {
            let read = input.read().map_err(StoreError::from);
            // Damage that still reads as Parquet must not be merged into a file with a good checksum.
            let read = read.and_then(|bytes| match input.summary.matches(&bytes) {
                true => Ok(clewline_segment::read_parts(bytes, owner.1)?),
                false => Err(StoreError::Segment("its bytes are not those that were written".into())),
            });
            match read {
                Ok(read) => parts.extend(read),
                Err(error) => {
                    maintenance.unreadable.insert(input.id);
                    return Err(StoreError::Segment(format!("{}: {error}", input.path.display())));
                }
            }
        }
        let row = self.write_segment(owner, &parts)?;
        drop(parts);
        let rows = [row];
        let ids: Vec<i64> = inputs.iter().map(|input| input.id).collect();
        let announced = self.sync_folders(&rows).and_then(|()| Ok(self.env.disk.external("replace segments")?));
        if let Err(error) = announced {
            self.remove_segments(&rows);
            return Err(error);
        }
        // After a failed transaction only a restart knows whether it took effect: the output stays for that.
        if let Err(error) = self.catalog.replace(&ids, &rows) {
            maintenance.unreadable.extend(&ids);
            return Err(error);
        }
        add(&self.counters.spans_deduplicated, rows[0].summary.duplicates_removed);
        let added = rows.into_iter().map(|row| (owner, self.entry_of(row))).collect();
        self.swap(owner, &ids, added);
        add(&self.counters.compactions, 1);
        Ok(true)
    }

    fn swap(&self, owner: Owner, ids: &[i64], added: Vec<(Owner, Arc<SegmentEntry>)>) {
        let removed = {
            let mut state = self.state.write();
            state.add_segments(added);
            state.take_segments(owner, ids)
        };
        removed.iter().for_each(|entry| entry.doom());
    }

    /// Neighbours of one level worth merging.
    fn choose(&self, maintenance: &Maintenance) -> Option<(Owner, Vec<Arc<SegmentEntry>>)> {
        let state = self.state.read();
        let mut owners: Vec<&Owner> = state.segments.keys().collect();
        owners.sort();
        for owner in owners {
            let Some(entries) = state.segments.get(owner) else { continue };
            for level in 0..LEVEL_MAX {
                let usable =
                    |entry: &&Arc<SegmentEntry>| entry.level == level && !maintenance.unreadable.contains(&entry.id);
                let candidates: Vec<&Arc<SegmentEntry>> = entries.iter().filter(usable).collect();
                if let Some(run) = self.run_of(&candidates) {
                    return Some((*owner, run));
                }
            }
        }
        None
    }

    /// The first run of candidates that keeps the bounds and is long enough.
    fn run_of(&self, candidates: &[&Arc<SegmentEntry>]) -> Option<Vec<Arc<SegmentEntry>>> {
        for start in 0..candidates.len() {
            let (mut rows, mut bytes, mut end) = (0, 0, start);
            while end < candidates.len() && end - start < COMPACTION_INPUTS_MAX {
                rows += candidates[end].summary.rows;
                bytes += candidates[end].summary.bytes;
                if rows > self.settings.compaction_rows_max || bytes > self.settings.compaction_bytes_max {
                    break;
                }
                end += 1;
            }
            if end - start >= COMPACTION_FAN_IN {
                return Some(candidates[start..end].iter().map(|entry| Arc::clone(entry)).collect());
            }
        }
        None
    }

    /// Deletes segments whose newest record is beyond its age.
    pub(crate) fn retain(&self) -> Result<(), StoreError> {
        let trusted = self.fuse.now(&*self.env.clock);
        if trusted.suspended {
            return Ok(());
        }
        for signal in SIGNALS {
            let Some(age) = self.settings.retention(signal) else { continue };
            let before_ns = trusted.now_ns.saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
            for (owner, ids) in self.expired(signal, before_ns) {
                self.env.disk.external("delete segments")?;
                self.catalog.replace(&ids, &[])?;
                self.swap(owner, &ids, Vec::new());
                add(&self.counters.segments_expired, ids.len() as u64);
                tracing::info!(
                    tenant = owner.0,
                    signal = signal.name(),
                    segments = ids.len(),
                    "deleted segments beyond their age"
                );
            }
        }
        Ok(())
    }

    fn expired(&self, signal: Signal, before_ns: i64) -> Vec<(Owner, Vec<i64>)> {
        let state = self.state.read();
        let owned = state.segments.iter().filter(|(owner, _)| owner.1 == signal);
        let ids = |entries: &Vec<Arc<SegmentEntry>>| {
            entries.iter().filter(|entry| entry.summary.time_max < before_ns).map(|entry| entry.id).collect::<Vec<_>>()
        };
        owned.map(|(owner, entries)| (*owner, ids(entries))).filter(|(_, ids)| !ids.is_empty()).collect()
    }
}
