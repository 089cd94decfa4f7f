//! Deletion by query: the records that match a question vanish, for good.
//!
//! A request freezes the log, so that a generation and therefore a segment holds either only records acknowledged
//! before it or only later ones; the highest sequence number given until then bounds the job. The job is a row of the
//! catalog before the request is answered, so it goes on after a crash. `maintain::delete` does the work. The store does
//! not know the query engine: whoever does hands over a function that makes a [`RowTest`] ([`crate::Store::set_row_tests`]).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use clewline_model::signal::Signal;
use hashbrown::HashSet;
use parking_lot::Mutex;

use crate::catalog::DeleteRow;
use crate::core::Core;
use crate::entry::SegmentEntry;
use crate::error::StoreError;
use crate::limits::{DELETE_JOBS_OPEN_MAX, DELETE_QUERY_BYTES_MAX};
use crate::state::Owner;

/// Which records of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Signal.
    pub signal: Signal,
    /// A filter of the search language, without pipes.
    pub query: String,
    /// First time, ns.
    pub start_ns: Option<i64>,
    /// Time behind the last one, ns.
    pub end_ns: Option<i64>,
    /// What relative times of the query count from, ns.
    pub now_ns: i64,
}

/// The positions of the rows of a segment that match, ascending, in the order of the file. The text of an error says
/// what cannot be answered.
pub type RowTest = Box<dyn Fn(&Arc<SegmentEntry>) -> Result<Vec<usize>, String> + Send>;

/// Makes the test of a selection.
pub type RowTests = Arc<dyn Fn(&Selection) -> Result<RowTest, String> + Send + Sync>;

/// What a request asks for.
#[derive(Debug, Clone)]
pub struct DeleteRequest {
    /// Whose records.
    pub tenant: Arc<str>,
    /// Which.
    pub selection: Selection,
    /// How many matched when it was asked, for the record.
    pub matched: u64,
}

/// A job at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteJob {
    /// Its number.
    pub id: i64,
    /// Whose records.
    pub tenant: Arc<str>,
    /// Which.
    pub selection: Selection,
    /// Records with a larger sequence number came after the request and stay.
    pub seq: i64,
    /// Records that matched at the request.
    pub matched: u64,
    /// Records deleted so far.
    pub deleted: u64,
    /// When it was done; `None` while it is not.
    pub finished_ns: Option<i64>,
    /// Segments known to hold no match.
    pub segments_clean: u64,
    /// Segments still to look at.
    pub segments_left: u64,
    /// Replaced files that live until their last reader is gone.
    pub files_leaving: u64,
    /// Why it cannot go on at the moment.
    pub error: Option<String>,
}

/// What is known of a job beyond its row.
#[derive(Default)]
pub(crate) struct Work {
    /// Segments without a match.
    pub(crate) clean: HashSet<i64>,
    /// Segments this job wrote: a match in one of them is a defect.
    pub(crate) written: HashSet<i64>,
    /// Replaced segments whose files may still be read.
    pub(crate) leaving: Vec<Weak<SegmentEntry>>,
    pub(crate) error: Option<String>,
    /// Monotonic time before which a failed job is not tried again.
    pub(crate) retry_ns: u64,
}

/// Jobs by number, and who answers them.
#[derive(Default)]
pub(crate) struct Deletions {
    pub(crate) jobs: Mutex<BTreeMap<i64, (DeleteRow, Work)>>,
    pub(crate) tests: OnceLock<RowTests>,
}

impl Deletions {
    pub(crate) fn of(rows: Vec<DeleteRow>) -> Deletions {
        let jobs = rows.into_iter().map(|row| (row.id, (row, Work::default()))).collect();
        Deletions { jobs: Mutex::new(jobs), tests: OnceLock::new() }
    }

    /// Jobs that are not done.
    pub(crate) fn open_count(&self) -> u64 {
        self.jobs.lock().values().filter(|(row, _)| row.finished_ns.is_none()).count() as u64
    }

    pub(crate) fn with<T>(&self, id: i64, change: impl FnOnce(&mut DeleteRow, &mut Work) -> T) -> Option<T> {
        self.jobs.lock().get_mut(&id).map(|(row, work)| change(row, work))
    }
}

/// Sequence numbers that open jobs of an owner are bounded by, ascending: a merge must not join segments on both sides of
/// one.
pub(crate) fn fences_of(jobs: &BTreeMap<i64, (DeleteRow, Work)>, owner: Owner) -> Vec<i64> {
    let open = jobs.values().filter(|(row, _)| row.finished_ns.is_none() && row.owner() == owner);
    let mut fences: Vec<i64> = open.map(|(row, _)| row.seq).collect();
    fences.sort_unstable();
    fences
}

impl DeleteRow {
    pub(crate) fn owner(&self) -> Owner {
        (self.tenant, self.selection.signal)
    }

    /// True when the job has to look at the segment.
    pub(crate) fn concerns(&self, entry: &SegmentEntry) -> bool {
        let summary = &entry.summary;
        summary.seq_min <= self.seq
            && self.selection.start_ns.is_none_or(|start| summary.time_max >= start)
            && self.selection.end_ns.is_none_or(|end| summary.time_min < end)
    }
}

impl Core {
    /// Enters a job into the catalog; the maintenance thread does the work.
    pub(crate) fn delete(&self, request: DeleteRequest) -> Result<DeleteJob, StoreError> {
        let DeleteRequest { tenant, selection, matched } = request;
        if let Some(reason) = self.poison.get() {
            return Err(StoreError::Poisoned(reason.clone()));
        }
        if selection.query.len() > DELETE_QUERY_BYTES_MAX {
            let (has, most) = (selection.query.len(), DELETE_QUERY_BYTES_MAX);
            return Err(StoreError::Refused(format!("the query has {has} bytes and at most {most} are accepted")));
        }
        let Some(&number) = self.state.read().tenants.get(&tenant) else {
            return Err(StoreError::Refused(format!("tenant {tenant:?} has stored nothing")));
        };
        let open = self.deletions.open_count();
        if open >= DELETE_JOBS_OPEN_MAX {
            return Err(StoreError::Refused(format!("{open} delete jobs wait already; try again when some are done")));
        }
        let row = {
            let mut writer = self.writer.lock();
            writer.freeze(self);
            let mut row = DeleteRow {
                id: 0,
                tenant: number,
                selection,
                seq: writer.next_seq - 1,
                created_ns: self.env.clock.now_ns(),
                matched,
                deleted: 0,
                finished_ns: None,
            };
            self.env.disk.external("enter a delete job")?;
            row.id = self.catalog.add_delete(&row)?;
            // Still under the writer's lock: no record with a larger number may reach a segment before merges know.
            self.deletions.jobs.lock().insert(row.id, (row.clone(), Work::default()));
            row
        };
        tracing::info!(
            job = row.id,
            tenant = &*tenant,
            signal = row.selection.signal.name(),
            matched,
            "a delete job begins"
        );
        self.progress.update(|_| ());
        Ok(self.describe(&row, &Work::default()))
    }

    /// All jobs, newest first.
    pub(crate) fn delete_jobs(&self) -> Vec<DeleteJob> {
        self.deletions.jobs.lock().values().rev().map(|(row, work)| self.describe(row, work)).collect()
    }

    fn describe(&self, row: &DeleteRow, work: &Work) -> DeleteJob {
        let state = self.state.read();
        let mut job = DeleteJob {
            id: row.id,
            tenant: state.name_of(row.tenant),
            selection: row.selection.clone(),
            seq: row.seq,
            matched: row.matched,
            deleted: row.deleted,
            finished_ns: row.finished_ns,
            segments_clean: 0,
            segments_left: 0,
            files_leaving: work.leaving.iter().filter(|entry| entry.strong_count() > 0).count() as u64,
            error: work.error.clone(),
        };
        if row.finished_ns.is_none() {
            for entry in state.segments.get(&row.owner()).into_iter().flatten().filter(|entry| row.concerns(entry)) {
                if work.clean.contains(&entry.id) {
                    job.segments_clean += 1;
                } else {
                    job.segments_left += 1;
                }
            }
        }
        job
    }
}
