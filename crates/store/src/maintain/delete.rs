//! The work of delete jobs: look at every segment a job concerns, write those with matches again without them.
//!
//! Each rewrite is one catalog transaction that takes the old segment out, puts the new one in and counts. A job is done
//! when no record from before its request is in memory only, every segment it concerns was found without a match, and
//! the files of the segments it replaced are gone. What was found is kept in memory: after a restart a job looks again.

use std::sync::Arc;

use clewline_segment::Part;

use super::Maintenance;
use crate::catalog::DeleteRow;
use crate::core::Core;
use crate::deletion::RowTest;
use crate::entry::SegmentEntry;
use crate::error::StoreError;
use crate::limits::DELETE_RETRY_NS;
use crate::statistics::add;

impl Core {
    /// Advances all open jobs as far as possible.
    pub(super) fn advance_deletes(&self, maintenance: &mut Maintenance) {
        let now_ns = self.env.clock.monotonic_ns();
        let open: Vec<DeleteRow> = {
            let jobs = self.deletions.jobs.lock();
            let due = jobs.values().filter(|(row, work)| row.finished_ns.is_none() && work.retry_ns <= now_ns);
            due.map(|(row, _)| row.clone()).collect()
        };
        for row in open {
            let error = self.advance_delete(&row, maintenance).err().map(|error| error.to_string());
            if let Some(error) = &error {
                tracing::error!(job = row.id, error, "a delete job could not go on; it is tried again");
                self.counters.note_error(error);
            }
            self.deletions.with(row.id, |_, work| {
                work.retry_ns = if error.is_some() { now_ns.saturating_add(DELETE_RETRY_NS) } else { 0 };
                work.error = error;
            });
        }
    }

    fn advance_delete(&self, row: &DeleteRow, maintenance: &mut Maintenance) -> Result<(), StoreError> {
        let Some(tests) = self.deletions.tests.get() else { return Ok(()) };
        let test = tests(&row.selection).map_err(StoreError::Segment)?;
        let mut failed = None;
        loop {
            // One lock for both: a generation leaves memory in the moment its segments appear.
            let (waiting, entries) = {
                let state = self.state.read();
                let entries = state.segments.get(&row.owner()).cloned().unwrap_or_default();
                (state.holds_in_memory(row.owner(), row.seq), entries)
            };
            let clean = |entry: &Arc<SegmentEntry>| {
                self.deletions.with(row.id, |_, work| work.clean.contains(&entry.id)).unwrap_or(true)
            };
            let unseen: Vec<_> = entries.into_iter().filter(|entry| row.concerns(entry) && !clean(entry)).collect();
            if unseen.is_empty() {
                return if waiting { Ok(()) } else { self.finish_delete(row) };
            }
            for entry in unseen {
                if self.stopping() {
                    return Ok(());
                }
                if let Err(error) = self.erase_from(row, &test, &entry, maintenance) {
                    failed = Some(StoreError::Segment(format!("{}: {error}", entry.path.display())));
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    /// Removes a job's matches from one segment; a segment without any is noted as clean.
    fn erase_from(
        &self,
        row: &DeleteRow,
        test: &RowTest,
        entry: &Arc<SegmentEntry>,
        maintenance: &mut Maintenance,
    ) -> Result<(), StoreError> {
        if maintenance.undecided.contains(&entry.id) {
            return Err(StoreError::Segment("it cannot be rewritten before a restart".to_owned()));
        }
        let matches = test(entry).map_err(StoreError::Segment)?;
        let written_here = self.deletions.with(row.id, |_, work| work.written.contains(&entry.id)).unwrap_or(false);
        let (kept, erased) =
            if matches.is_empty() { (Vec::new(), 0) } else { split(self.read_checked(entry)?, row, &matches)? };
        if erased == 0 {
            self.deletions.with(row.id, |_, work| work.clean.insert(entry.id));
            return Ok(());
        }
        if written_here {
            return Err(StoreError::Segment("it was written without the matching records and has some".to_owned()));
        }
        let left = if kept.is_empty() { None } else { Some(self.write_segment(row.owner(), &kept)?) };
        drop(kept);
        let left = left.map(|mut left| {
            left.created_ns = entry.received_ns;
            left
        });
        let rows: &[_] = left.as_slice();
        let announced = self.sync_folders(rows).and_then(|()| Ok(self.env.disk.external("erase records")?));
        if let Err(error) = announced {
            self.remove_segments(rows);
            return Err(error);
        }
        // After a failed transaction only a restart knows whether it took effect: the output stays for that.
        if let Err(error) = self.catalog.erase(row.id, entry.id, left.as_ref(), erased) {
            maintenance.undecided.insert(entry.id);
            return Err(error);
        }
        add(&self.counters.records_deleted, erased);
        add(&self.counters.erased_bytes, left.as_ref().map_or(0, |left| left.summary.bytes));
        self.deletions.with(row.id, |row, work| {
            row.deleted += erased;
            work.leaving.push(Arc::downgrade(entry));
            work.written.extend(left.as_ref().map(|left| left.id));
        });
        let added = left.into_iter().map(|left| (row.owner(), self.entry_of(left))).collect();
        self.swap(row.owner(), &[entry.id], added);
        Ok(())
    }

    fn finish_delete(&self, row: &DeleteRow) -> Result<(), StoreError> {
        let leaving = self.deletions.with(row.id, |_, work| {
            work.leaving.retain(|entry| entry.strong_count() > 0);
            work.leaving.len()
        });
        if leaving.is_some_and(|files| files > 0) {
            return Ok(()); // somebody still reads a replaced file
        }
        self.env.disk.external("finish a delete job")?;
        let now_ns = self.env.clock.now_ns();
        self.catalog.finish_delete(row.id, now_ns)?;
        let deleted = self.deletions.with(row.id, |row, work| {
            row.finished_ns = Some(now_ns);
            *work = crate::deletion::Work::default();
            row.deleted
        });
        tracing::info!(job = row.id, deleted, "a delete job is done");
        Ok(())
    }
}

/// The rows a job leaves, and how many it takes. `matches` are positions over all parts together.
fn split(parts: Vec<Part>, row: &DeleteRow, matches: &[usize]) -> Result<(Vec<Part>, u64), StoreError> {
    let rows: usize = parts.iter().map(Part::rows).sum();
    if matches.iter().any(|&at| at >= rows) || !matches.is_sorted() {
        return Err(StoreError::Segment("the matching records are not among its rows".to_owned()));
    }
    let (mut first, mut erased, mut kept) = (0, 0, Vec::with_capacity(parts.len()));
    for part in parts {
        let goes = |at: usize| matches.binary_search(&(first + at)).is_ok() && part.seqs.at(at) <= row.seq;
        let stays: Vec<usize> = (0..part.rows()).filter(|&at| !goes(at)).collect();
        erased += (part.rows() - stays.len()) as u64;
        first += part.rows();
        if stays.len() == part.rows() {
            kept.push(part);
        } else if !stays.is_empty() {
            kept.push(part.select(&stays));
        }
    }
    Ok((kept, erased))
}
