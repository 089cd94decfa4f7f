//! What is stored where, for people: per tenant and signal, by partition and level.

use std::collections::BTreeMap;
use std::sync::Arc;

use clewline_model::signal::Signal;

use crate::core::Core;
use crate::entry::SegmentEntry;
use crate::limits::{LEVEL_MAX, PARTITIONS_SHOWN_MAX};
use crate::partition::{DAY_NS, FUTURE};
use crate::retention::Bounds;
use crate::state::Owner;

/// Segments by level.
pub type Levels = [u64; LEVEL_MAX as usize + 1];

/// Some segments together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Segments.
    pub segments: u64,
    /// Their rows.
    pub rows: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Bytes of the indexes beside them.
    pub index_bytes: u64,
    /// Time of the oldest record, ns.
    pub oldest_ns: Option<i64>,
    /// Time of the newest record, ns.
    pub newest_ns: Option<i64>,
}

impl Extent {
    fn add(&mut self, entry: &SegmentEntry) {
        let summary = &entry.summary;
        self.segments += 1;
        self.rows += summary.rows;
        self.bytes += summary.bytes;
        self.index_bytes += entry.summary.index_bytes;
        self.oldest_ns = Some(self.oldest_ns.map_or(summary.time_min, |time| time.min(summary.time_min)));
        self.newest_ns = Some(self.newest_ns.map_or(summary.time_max, |time| time.max(summary.time_max)));
    }
}

/// One UTC day of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Start of the day, ns; `None` for records dated more than a day ahead of the clock.
    pub day_ns: Option<i64>,
    /// Its segments.
    pub extent: Extent,
    /// Their number by level.
    pub levels: Levels,
}

/// The records of one tenant and signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStorage {
    /// Tenant.
    pub tenant: Arc<str>,
    /// Signal.
    pub signal: Signal,
    /// Its segments.
    pub extent: Extent,
    /// Rows not yet in segments.
    pub memory_rows: u64,
    /// Memory of those rows, roughly.
    pub memory_bytes: u64,
    /// Merges that could be done now.
    pub merges_pending: u64,
    /// What is kept.
    pub retention: Bounds,
    /// Its days, newest first, up to [`PARTITIONS_SHOWN_MAX`].
    pub partitions: Vec<Partition>,
    /// Older days left out.
    pub partitions_left_out: u64,
}

impl Core {
    /// Every table, ordered by tenant and signal; only those of `tenant` when given. Looks at the file system.
    pub(crate) fn storage(&self, tenant: Option<&str>) -> Vec<TableStorage> {
        let chooser = self.chooser();
        let (mut tables, memory) = {
            let jobs = self.deletions.jobs.lock();
            let state = self.state.read();
            let mut tables = BTreeMap::new();
            for (name, &number) in state.tenants.iter().filter(|(name, _)| tenant.is_none_or(|only| only == &***name)) {
                for signal in clewline_model::signal::SIGNALS {
                    let owner = (number, signal);
                    let entries = state.segments.get(&owner).cloned().unwrap_or_default();
                    let fences = crate::deletion::fences_of(&jobs, owner);
                    tables.insert(owner, (Arc::clone(name), entries, fences));
                }
            }
            let mut memory: BTreeMap<Owner, (u64, u64)> = BTreeMap::new();
            for (owner, parts) in state.generations().flat_map(|generation| &generation.parts) {
                let sum = memory.entry(*owner).or_default();
                for part in parts {
                    sum.0 += part.rows() as u64;
                    sum.1 += part.size_bytes() as u64;
                }
            }
            (tables, memory)
        };
        tables.retain(|owner, (_, entries, _)| !entries.is_empty() || memory.contains_key(owner));
        let table = |(owner, (tenant, entries, fences)): (Owner, (Arc<str>, Vec<Arc<SegmentEntry>>, Vec<i64>))| {
            let (memory_rows, memory_bytes) = memory.get(&owner).copied().unwrap_or_default();
            let (extent, partitions) = partitions(&entries, chooser.now_ns);
            let shown = partitions.len().min(PARTITIONS_SHOWN_MAX);
            TableStorage {
                retention: self.settings.retention.of(&tenant, owner.1),
                tenant,
                signal: owner.1,
                extent,
                memory_rows,
                memory_bytes,
                merges_pending: chooser.runs(entries.into_iter(), &fences).len() as u64,
                partitions_left_out: (partitions.len() - shown) as u64,
                partitions: partitions.into_iter().take(shown).collect(),
            }
        };
        let mut tables: Vec<TableStorage> = tables.into_iter().map(table).collect();
        tables.sort_by(|a, b| (&a.tenant, a.signal as u8).cmp(&(&b.tenant, b.signal as u8)));
        tables
    }
}

/// All segments together, and by day, newest first.
fn partitions(entries: &[Arc<SegmentEntry>], now_ns: i64) -> (Extent, Vec<Partition>) {
    let mut all = Extent::default();
    let mut days: BTreeMap<i64, Partition> = BTreeMap::new();
    for entry in entries {
        all.add(entry);
        let day = entry.day(now_ns);
        let day_ns = (day != FUTURE).then(|| day.saturating_mul(DAY_NS));
        let partition =
            days.entry(day).or_insert(Partition { day_ns, extent: Extent::default(), levels: Levels::default() });
        partition.extent.add(entry);
        partition.levels[entry.level.min(LEVEL_MAX) as usize] += 1;
    }
    (all, days.into_values().rev().collect())
}
