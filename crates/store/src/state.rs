//! What snapshots see: generations in memory and segments on disk.
//!
//! One lock guards it all, so a snapshot sees a generation either in memory or as segments, never both, never neither.
//! Invariant ([`State::check`]): generations are ordered by number and only the last may be active.

use std::path::PathBuf;
use std::sync::Arc;

use clewline_model::signal::Signal;
use clewline_segment::Part;
use hashbrown::HashMap;

use crate::dedupe::Remembered;
use crate::entry::SegmentEntry;
use crate::limits::{JOINED_PART_BYTES_MAX, JOINED_PART_ROWS_MAX, SMALL_PART_ROWS};

/// Tenant number and signal: what a segment belongs to.
pub(crate) type Owner = (u32, Signal);

/// Committed records that are not in segments yet.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) parts: HashMap<Owner, Vec<Part>>,
    pub(crate) identities: Vec<Remembered>,
    pub(crate) rows: u64,
    /// Memory of the parts, roughly.
    pub(crate) memory_bytes: u64,
    /// Bytes of its log file.
    pub(crate) log_bytes: u64,
    pub(crate) seq_max: i64,
    /// Monotonic time of its first record.
    pub(crate) begun_ns: u64,
    /// Its log file has damage: keep the file for inspection.
    pub(crate) damaged: bool,
}

impl Generation {
    pub(crate) fn add(&mut self, owner: Owner, part: Part) {
        self.rows += part.rows() as u64;
        self.memory_bytes += part.size_bytes() as u64;
        let seq = part.seqs.at(0);
        self.seq_max = self.seq_max.max(seq);
        let parts = self.parts.entry(owner).or_default();
        parts.push(part);
        join_small(parts);
    }
}

/// Joins the newest parts while they are small, the way a binary counter carries: a snapshot then holds few parts however
/// small the requests were, and a record is copied at most a dozen times.
fn join_small(parts: &mut Vec<Part>) {
    while let [.., before, last] = parts.as_slice() {
        let rows = before.rows() + last.rows();
        if last.rows() >= SMALL_PART_ROWS || before.rows() > 2 * last.rows() || rows > JOINED_PART_ROWS_MAX {
            break;
        }
        if before.size_bytes() + last.size_bytes() > JOINED_PART_BYTES_MAX {
            break;
        }
        let joined = before.joined(last);
        parts.truncate(parts.len() - 2);
        parts.push(joined);
    }
}

/// What snapshots see.
#[derive(Default)]
pub(crate) struct State {
    /// Waiting to become segments, oldest first.
    pub(crate) frozen: Vec<Arc<Generation>>,
    /// Receiving records.
    pub(crate) active: Option<Generation>,
    /// Ordered by smallest sequence number.
    pub(crate) segments: HashMap<Owner, Vec<Arc<SegmentEntry>>>,
    /// Newest committed sequence number.
    pub(crate) seq: i64,
    pub(crate) tenants: HashMap<Arc<str>, u32>,
}

impl State {
    /// True when the invariant of this file holds.
    pub(crate) fn check(&self) -> bool {
        let frozen = self.frozen.iter().map(|generation| generation.number);
        let numbers: Vec<u64> = frozen.chain(self.active.iter().map(|generation| generation.number)).collect();
        numbers.windows(2).all(|pair| pair[0] < pair[1])
    }

    /// Memory of all generations.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.generations().map(|generation| generation.memory_bytes).sum()
    }

    /// All generations, oldest first.
    pub(crate) fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.frozen.iter().map(Arc::as_ref).chain(&self.active)
    }

    /// Parts of an owner, oldest first.
    pub(crate) fn parts(&self, owner: Owner) -> Vec<Part> {
        self.generations().filter_map(|generation| generation.parts.get(&owner)).flatten().cloned().collect()
    }

    /// The name of a tenant; empty for an unknown number.
    pub(crate) fn name_of(&self, number: u32) -> Arc<str> {
        let found = self.tenants.iter().find(|(_, known)| **known == number);
        found.map_or_else(|| Arc::from(""), |(name, _)| Arc::clone(name))
    }

    /// True while rows of an owner with a sequence number up to `seq` are in memory only.
    pub(crate) fn holds_in_memory(&self, owner: Owner, seq: i64) -> bool {
        let mut parts = self.generations().filter_map(|generation| generation.parts.get(&owner)).flatten();
        parts.any(|part| part.seqs.at(0) <= seq)
    }

    /// Adds segments, keeping the order.
    pub(crate) fn add_segments(&mut self, added: Vec<(Owner, Arc<SegmentEntry>)>) {
        for (owner, entry) in added {
            let list = self.segments.entry(owner).or_default();
            list.push(entry);
            list.sort_by_key(|entry| (entry.summary.seq_min, entry.id));
        }
    }

    /// Takes segments out; the caller drops them after the lock is released.
    pub(crate) fn take_segments(&mut self, owner: Owner, ids: &[i64]) -> Vec<Arc<SegmentEntry>> {
        let Some(list) = self.segments.get_mut(&owner) else { return Vec::new() };
        list.extract_if(.., |entry| ids.contains(&entry.id)).collect()
    }
}

/// A log file to be read again after a restart.
#[derive(Debug)]
pub(crate) struct ReplayFile {
    pub(crate) generation: u64,
    pub(crate) path: PathBuf,
    /// Offsets of records that repeat an identity stored elsewhere.
    pub(crate) skip: Vec<usize>,
    pub(crate) bytes: u64,
    pub(crate) damaged: bool,
}
