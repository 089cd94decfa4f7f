//! Retention: segments go whole, when their newest record is beyond its age, or the oldest ones when there are more
//! bytes than allowed. The clock fuse rules age alone: bytes need no clock.

use std::sync::Arc;

use crate::core::Core;
use crate::entry::SegmentEntry;
use crate::error::StoreError;
use crate::retention::Bounds;
use crate::state::Owner;
use crate::statistics::add;

/// Why segments go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Age,
    Bytes,
}

impl Core {
    /// Deletes what is beyond its bounds.
    pub(crate) fn retain(&self) -> Result<(), StoreError> {
        let trusted = self.fuse.now(&*self.env.clock);
        let owners: Vec<(Owner, Arc<str>)> = {
            let state = self.state.read();
            let mut owners: Vec<Owner> = state.segments.keys().copied().collect();
            owners.sort();
            owners.into_iter().map(|owner| (owner, state.name_of(owner.0))).collect()
        };
        for (owner, tenant) in owners {
            let mut bounds = self.settings.retention.of(&tenant, owner.1);
            if trusted.suspended {
                bounds.age = None;
            }
            for (reason, ids) in self.excess(owner, bounds, trusted.now_ns) {
                self.expire(owner, &tenant, reason, &ids)?;
            }
        }
        Ok(())
    }

    fn expire(&self, owner: Owner, tenant: &str, reason: Reason, ids: &[i64]) -> Result<(), StoreError> {
        self.env.disk.external("delete segments")?;
        self.catalog.replace(ids, &[])?;
        let removed = self.swap(owner, ids, Vec::new());
        add(&self.counters.segments_expired, ids.len() as u64);
        add(&self.counters.records_expired, removed);
        let (signal, segments) = (owner.1.name(), ids.len());
        match reason {
            Reason::Age => {
                tracing::info!(tenant, signal, segments, records = removed, "deleted segments beyond their age")
            }
            Reason::Bytes => {
                tracing::info!(
                    tenant,
                    signal,
                    segments,
                    records = removed,
                    "deleted the oldest segments: there were more bytes than retention allows"
                );
            }
        }
        Ok(())
    }

    /// The segments of an owner that are beyond its bounds.
    fn excess(&self, owner: Owner, bounds: Bounds, now_ns: i64) -> Vec<(Reason, Vec<i64>)> {
        let mut entries: Vec<Arc<SegmentEntry>> = self.state.read().segments.get(&owner).cloned().unwrap_or_default();
        entries.sort_by_key(|entry| (entry.newest_ns(now_ns), entry.id));
        let age_ns = bounds.age.map(|age| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
        let before_ns = age_ns.map_or(i64::MIN, |age| now_ns.saturating_sub(age));
        let old = entries.partition_point(|entry| entry.newest_ns(now_ns) < before_ns);
        let mut end = old;
        if let Some(most) = bounds.bytes_max {
            let mut bytes: u64 = entries[old..].iter().map(|entry| entry.stored_bytes()).sum();
            while bytes > most && end < entries.len() {
                bytes = bytes.saturating_sub(entries[end].stored_bytes());
                end += 1;
            }
        }
        let ids = |entries: &[Arc<SegmentEntry>]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
        let excess = [(Reason::Age, ids(&entries[..old])), (Reason::Bytes, ids(&entries[old..end]))];
        excess.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
    }
}
