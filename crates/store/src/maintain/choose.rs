//! Which segments are merged.
//!
//! Only segments of one partition (UTC day), and never across the fence of an open delete job: a segment then holds
//! either records from before the request or later ones, and the removal of repeated spans cannot put a later record
//! behind the fence. Within a group: neighbours of one level, [`COMPACTION_FAN_IN`] or more; in a day that is over and
//! quiet, whatever reduces the number of segments without rewriting a large one for the sake of a few records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Maintenance;
use crate::core::Core;
use crate::entry::SegmentEntry;
use crate::limits::{
    COMPACTION_FAN_IN, COMPACTION_INPUTS_MAX, COMPACTION_LARGE_FAN_IN, FLUSH_LEVEL, LEVEL_MAX, QUIET_FAN_IN, QUIET_NS,
    QUIET_RATIO_MAX,
};
use crate::partition::FUTURE;
use crate::settings::StoreSettings;
use crate::state::Owner;

/// Segments merged at once.
pub(crate) type Run = Vec<Arc<SegmentEntry>>;

/// When a choice is made and by which rules.
pub(crate) struct Chooser<'a> {
    pub(crate) now_ns: i64,
    pub(crate) settings: &'a StoreSettings,
}

/// Segments of a level that make a merge: what a flush under load writes is merged by eight, so that most records are
/// written twice in all; smaller ones by four, because queries pay per segment.
fn fan_in(level: u32) -> usize {
    if level >= FLUSH_LEVEL { COMPACTION_LARGE_FAN_IN } else { COMPACTION_FAN_IN }
}

impl Core {
    /// The next merge, if there is one.
    pub(super) fn choose(&self, maintenance: &Maintenance) -> Option<(Owner, Run)> {
        let chooser = self.chooser();
        // The fences are held until the segments are known: records behind a new one cannot be in segments yet.
        let jobs = self.deletions.jobs.lock();
        let state = self.state.read();
        let mut owners: Vec<&Owner> = state.segments.keys().collect();
        owners.sort();
        owners.into_iter().find_map(|owner| {
            let entries = state.segments.get(owner)?;
            let usable = |id| !maintenance.unreadable.contains(id) && !maintenance.undecided.contains(id);
            let usable = entries.iter().filter(|entry| usable(&entry.id)).cloned();
            let fences = crate::deletion::fences_of(&jobs, *owner);
            let run = chooser.runs(usable, &fences).into_iter().next()?;
            Some((*owner, run))
        })
    }

    pub(crate) fn chooser(&self) -> Chooser<'_> {
        Chooser { now_ns: self.fuse.now(&*self.env.clock).now_ns, settings: &self.settings }
    }
}

impl Chooser<'_> {
    /// All merges of one tenant and signal that could be done now; no segment is in two. `entries` are ordered by their
    /// smallest sequence number, `fences` ascend.
    pub(crate) fn runs(&self, entries: impl Iterator<Item = Arc<SegmentEntry>>, fences: &[i64]) -> Vec<Run> {
        let mut groups: BTreeMap<(i64, usize), Vec<Arc<SegmentEntry>>> = BTreeMap::new();
        for entry in entries {
            let fence = fences.partition_point(|fence| *fence < entry.summary.seq_min);
            groups.entry((entry.day(self.now_ns), fence)).or_default().push(entry);
        }
        let mut runs = Vec::new();
        for ((day, _), entries) in groups {
            let before = runs.len();
            for level in 0..LEVEL_MAX {
                let candidates: Vec<_> = entries.iter().filter(|entry| entry.level == level).collect();
                self.level_runs(&candidates, fan_in(level), &mut runs);
            }
            if runs.len() == before && self.is_quiet(day, &entries) {
                runs.extend(self.quiet_run(&entries));
            }
        }
        runs
    }

    /// Runs of neighbours that keep the bounds and are long enough.
    fn level_runs(&self, candidates: &[&Arc<SegmentEntry>], fan_in: usize, runs: &mut Vec<Run>) {
        let mut start = 0;
        while start < candidates.len() {
            let (mut rows, mut bytes, mut end) = (0, 0, start);
            while end < candidates.len() && end - start < COMPACTION_INPUTS_MAX {
                rows += candidates[end].summary.rows;
                bytes += candidates[end].summary.bytes;
                if !self.fits(rows, bytes) {
                    break;
                }
                end += 1;
            }
            if end - start >= fan_in {
                runs.push(candidates[start..end].iter().map(|entry| Arc::clone(entry)).collect());
                start = end;
            } else {
                start += 1;
            }
        }
    }

    fn fits(&self, rows: u64, bytes: u64) -> bool {
        rows <= self.settings.compaction_rows_max && bytes <= self.settings.compaction_bytes_max
    }

    /// The day is over and nothing came in for a while.
    fn is_quiet(&self, day: i64, entries: &[Arc<SegmentEntry>]) -> bool {
        let received = entries.iter().map(|entry| entry.received_ns).max().unwrap_or(i64::MAX);
        let today = self.now_ns.div_euclid(crate::partition::DAY_NS);
        day != FUTURE && day < today && self.now_ns.saturating_sub(received) >= QUIET_NS
    }

    /// The smallest segments of a quiet day, as many as fit.
    fn quiet_run(&self, entries: &[Arc<SegmentEntry>]) -> Option<Run> {
        let mut smallest: Vec<&Arc<SegmentEntry>> = entries.iter().filter(|entry| entry.level < LEVEL_MAX).collect();
        smallest.sort_by_key(|entry| (entry.summary.bytes, entry.id));
        let (mut rows, mut bytes) = (0, 0);
        let fitting = smallest.iter().take(COMPACTION_INPUTS_MAX).take_while(|entry| {
            rows += entry.summary.rows;
            bytes += entry.summary.bytes;
            self.fits(rows, bytes)
        });
        let mut count = fitting.count();
        smallest.truncate(count);
        let mut bytes: u64 = smallest.iter().map(|entry| entry.summary.bytes).sum();
        while count >= QUIET_FAN_IN {
            let largest = smallest[count - 1].summary.bytes;
            bytes -= largest;
            if largest <= bytes.saturating_mul(QUIET_RATIO_MAX) {
                let mut run: Run = smallest[..count].iter().map(|entry| Arc::clone(entry)).collect();
                run.sort_by_key(|entry| (entry.summary.seq_min, entry.id));
                return Some(run);
            }
            count -= 1;
        }
        None
    }
}
