//! The window of identities that removes repeats (D6).
//!
//! Bounded by age and by count; the oldest leave first. Only the sequencer touches it: an identity enters when its
//! batch is durable, so a repeat is acknowledged only for records that are safe.

use std::collections::VecDeque;

use hashbrown::HashSet;

/// Tenant, signal number and identity of a batch. The signal belongs to it: one request may carry several signals under
/// one idempotency key.
pub(crate) type Key = (u32, u8, [u8; 16]);

/// One remembered identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) key: Key,
    pub(crate) received_ns: i64,
}

/// Length of one entry in [`pack`].
const PACKED_BYTES: usize = 29;

/// The window.
#[derive(Debug)]
pub(crate) struct Window {
    known: HashSet<Key>,
    order: VecDeque<Remembered>,
    count_max: usize,
}

impl Window {
    pub(crate) fn new(count_max: usize) -> Window {
        Window { known: HashSet::new(), order: VecDeque::new(), count_max }
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.known.contains(key)
    }

    /// Remembers an identity; false where it was known already.
    pub(crate) fn insert(&mut self, entry: Remembered) -> bool {
        if !self.known.insert(entry.key) {
            return false;
        }
        self.order.push_back(entry);
        while self.order.len() > self.count_max {
            self.forget_oldest();
        }
        true
    }

    /// Forgets what was received before `before_ns`.
    pub(crate) fn expire(&mut self, before_ns: i64) {
        while self.order.front().is_some_and(|entry| entry.received_ns < before_ns) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(entry) = self.order.pop_front() {
            self.known.remove(&entry.key);
        }
    }
}

/// Identities of one generation as the catalog keeps them: tenant, time, signal, identity, little-endian.
pub(crate) fn pack(entries: &[Remembered]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * PACKED_BYTES);
    for entry in entries {
        out.extend_from_slice(&entry.key.0.to_le_bytes());
        out.extend_from_slice(&entry.received_ns.to_le_bytes());
        out.push(entry.key.1);
        out.extend_from_slice(&entry.key.2);
    }
    out
}

/// Reads what [`pack`] wrote; `None` where the length is wrong.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vec<Remembered>> {
    let chunks = bytes.chunks_exact(PACKED_BYTES);
    if !chunks.remainder().is_empty() {
        return None;
    }
    let entry = |chunk: &[u8]| {
        Some(Remembered {
            key: (u32::from_le_bytes(chunk[..4].try_into().ok()?), chunk[12], chunk[13..29].try_into().ok()?),
            received_ns: i64::from_le_bytes(chunk[4..12].try_into().ok()?),
        })
    };
    chunks.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u8, received_ns: i64) -> Remembered {
        Remembered { key: (1, 0, [number; 16]), received_ns }
    }

    #[test]
    fn repeats_are_known_until_they_are_too_old_or_too_many() {
        let mut window = Window::new(3);
        for number in 0..3 {
            assert!(window.insert(entry(number, i64::from(number))));
        }
        assert!(!window.insert(entry(1, 9)));
        window.expire(1);
        assert!(!window.contains(&(1, 0, [0; 16])) && window.contains(&(1, 0, [1; 16])));
        assert!(!window.contains(&(2, 0, [1; 16])), "tenants do not share identities");
        assert!(!window.contains(&(1, 1, [1; 16])), "nor do signals");
        assert!(window.insert(entry(7, 7)) && window.insert(entry(8, 8)));
        assert!(!window.contains(&(1, 0, [1; 16])), "the oldest leaves");
        assert_eq!(window.len(), 3);
    }

    #[test]
    fn entries_pack_and_unpack() {
        let entries = vec![entry(1, -5), entry(2, i64::MAX)];
        assert_eq!(unpack(&pack(&entries)), Some(entries));
        assert_eq!(unpack(&[0; 30]), None);
    }
}
