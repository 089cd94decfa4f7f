//! Bytes of a log file, version 1 (docs/formats/wal.md).
//!
//! File head, 28 bytes: magic, version, generation, salt, crc32c. Record: a head of 52 bytes and the payload, an encoded
//! batch. The checksum begins with the file's random salt and covers all of the record but itself: a payload that
//! contains the bytes of a record is never mistaken for one by the search behind damage. `group` is the file offset where the record's group begins:
//! everything before it was durable before the group was written. That tells a torn group (never acknowledged) from
//! damage (acknowledged bytes are gone): bytes that are no record are damage exactly when a later record's group
//! begins behind them.

use clewline_model::signal::Signal;

use crate::limits::RECORD_BYTES_MAX;

/// Length of the file head.
pub(crate) const FILE_HEAD_BYTES: usize = 28;
/// Length of a record's head.
pub(crate) const RECORD_HEAD_BYTES: usize = 52;

const MAGIC: &[u8; 8] = b"CLEWWAL\n";
const VERSION: u32 = 1;
const HAS_IDENTITY: u8 = 1;

/// A record without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHead {
    /// Sequence number.
    pub(crate) seq: i64,
    /// Tenant number.
    pub(crate) tenant: u32,
    /// Signal of the payload.
    pub(crate) signal: Signal,
    /// Identity of the batch, if it has one.
    pub(crate) identity: Option<[u8; 16]>,
    /// When it was received, wall clock.
    pub(crate) received_ns: i64,
    /// File offset where its group begins.
    pub(crate) group: u32,
}

/// The head of a new file.
pub(crate) fn file_head(generation: u64, salt: u32) -> [u8; FILE_HEAD_BYTES] {
    let mut head = [0; FILE_HEAD_BYTES];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..20].copy_from_slice(&generation.to_le_bytes());
    head[20..24].copy_from_slice(&salt.to_le_bytes());
    let crc = crc32c::crc32c(&head[..24]);
    head[24..].copy_from_slice(&crc.to_le_bytes());
    head
}

/// The head of a record whose payload has this length and checksum, in a file with this salt.
pub(crate) fn record_head(
    salt: u32,
    record: &RecordHead,
    payload_bytes: usize,
    payload_crc: u32,
) -> [u8; RECORD_HEAD_BYTES] {
    let mut head = [0; RECORD_HEAD_BYTES];
    let len = u32::try_from(RECORD_HEAD_BYTES - 8 + payload_bytes).expect("RECORD_BYTES_MAX is below 4 GiB");
    head[..4].copy_from_slice(&len.to_le_bytes());
    head[8..16].copy_from_slice(&record.seq.to_le_bytes());
    head[16..24].copy_from_slice(&record.received_ns.to_le_bytes());
    head[24..28].copy_from_slice(&record.group.to_le_bytes());
    head[28..32].copy_from_slice(&record.tenant.to_le_bytes());
    head[32] = record.signal as u8;
    head[33] = if record.identity.is_some() { HAS_IDENTITY } else { 0 };
    head[36..52].copy_from_slice(&record.identity.unwrap_or_default());
    let crc = crc32c::crc32c_append(crc32c::crc32c_append(salt, &head[..4]), &head[8..]);
    let crc = joined_crc(crc, payload_crc, payload_bytes);
    head[4..8].copy_from_slice(&crc.to_le_bytes());
    head
}

/// The crc32c of two byte strings one after the other from their own, by arithmetic of polynomials over GF(2) modulo that of
/// Castagnoli: the crc of the first times x to the power of the bits of the second. (The function of the `crc32c` crate
/// squares matrices, which costs the one thread that writes 13 to 15 us a record; this takes
/// 0.25 us.)
fn joined_crc(first: u32, second: u32, second_bytes: usize) -> u32 {
    let mut shifted = first;
    let mut bytes = second_bytes;
    let mut power = 3;
    while bytes != 0 {
        if bytes & 1 == 1 {
            shifted = product(POWERS[power], shifted);
        }
        bytes >>= 1;
        // x has order 2^31 - 1: its powers of two repeat.
        power = (power + 1) % POWERS.len();
    }
    shifted ^ second
}

/// x to the power of 2^n, n = 0…30, the highest power in the lowest bit.
const POWERS: [u32; 31] = {
    let mut powers = [1 << 30; 31];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = product(powers[n - 1], powers[n - 1]);
        n += 1;
    }
    powers
};

/// Product of two polynomials modulo that of Castagnoli.
const fn product(a: u32, mut b: u32) -> u32 {
    let mut sum = 0;
    let mut bit = 1 << 31;
    while bit != 0 {
        if a & bit != 0 {
            sum ^= b;
        }
        b = if b & 1 == 1 { b >> 1 ^ 0x82f6_3b78 } else { b >> 1 };
        bit >>= 1;
    }
    sum
}

/// One good record of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Offset in the file.
    pub(crate) offset: usize,
    /// Its head.
    pub(crate) head: RecordHead,
    /// Where the payload lies.
    pub(crate) payload: (usize, usize),
}

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The good records, in file order.
    pub(crate) records: Vec<Found>,
    /// Bytes that are no record and were acknowledged: damage.
    pub(crate) damaged_bytes: u64,
    /// Bytes of a group that was being written when the machine stopped: never acknowledged.
    pub(crate) torn_bytes: u64,
}

/// What the head of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileHead {
    /// It is whole.
    Good {
        /// Salt of the checksums.
        salt: u32,
    },
    /// Its creation was interrupted: no record was ever written.
    Unfinished,
    /// Damaged, though it was durable before the first record. Records can be read if the salt is not what was hit.
    Damaged {
        /// The salt as it stands.
        salt: u32,
    },
    /// Written by a newer program.
    Newer(u32),
}

/// Reads the head of a file.
pub(crate) fn read_head(bytes: &[u8], generation: u64) -> FileHead {
    let Some(head) = bytes.get(..FILE_HEAD_BYTES) else { return FileHead::Unfinished };
    let u32_at = |from: usize| u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
    let salt = u32_at(20);
    if head == file_head(generation, salt) {
        return FileHead::Good { salt };
    }
    if &head[..8] == MAGIC && crc32c::crc32c(&head[..24]) == u32_at(24) && u32_at(8) > VERSION {
        return FileHead::Newer(u32_at(8));
    }
    if bytes.len() == FILE_HEAD_BYTES { FileHead::Unfinished } else { FileHead::Damaged { salt } }
}

/// Finds the good records after the file head, going on behind bytes that are none.
pub(crate) fn scan(bytes: &[u8], salt: u32) -> Scan {
    let mut found = Scan::default();
    let mut bad: Vec<(usize, usize)> = Vec::new();
    let mut at = FILE_HEAD_BYTES.min(bytes.len());
    while at < bytes.len() {
        if let Some(record) = record_at(bytes, salt, at) {
            at = record.payload.1;
            found.records.push(record);
            continue;
        }
        let next = (at + 1..bytes.len()).find(|&next| record_at(bytes, salt, next).is_some()).unwrap_or(bytes.len());
        bad.push((at, next));
        at = next;
    }
    let last_group = found.records.iter().map(|record| record.head.group as usize).max().unwrap_or(0);
    for (from, to) in bad {
        // Bytes before the beginning of a later group were durable when that group was written.
        if from < last_group {
            found.damaged_bytes += (to - from) as u64;
        } else {
            found.torn_bytes += (to - from) as u64;
        }
    }
    found
}

/// The record that begins at `at`, if one does.
fn record_at(bytes: &[u8], salt: u32, at: usize) -> Option<Found> {
    let head = bytes.get(at..at.checked_add(RECORD_HEAD_BYTES)?)?;
    let u32_at = |from: usize| u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
    let len = u32_at(0) as usize;
    let end = at.checked_add(8)?.checked_add(len)?;
    // Cheap tests first: the search behind damage tries every byte.
    let possible = (RECORD_HEAD_BYTES - 8..=RECORD_BYTES_MAX).contains(&len);
    if !possible || end > bytes.len() || head[33] > HAS_IDENTITY {
        return None;
    }
    if head[34] != 0 || head[35] != 0 || u32_at(24) as usize > at {
        return None;
    }
    let signal = Signal::from_number(head[32])?;
    let crc = crc32c::crc32c_append(crc32c::crc32c_append(salt, &head[..4]), &bytes[at + 8..end]);
    if crc != u32_at(4) {
        return None;
    }
    let i64_at = |from: usize| i64::from_le_bytes(head[from..from + 8].try_into().expect("eight bytes of the head"));
    let identity: [u8; 16] = head[36..52].try_into().expect("sixteen bytes of the head");
    let head = RecordHead {
        seq: i64_at(8),
        received_ns: i64_at(16),
        group: u32_at(24),
        tenant: u32_at(28),
        signal,
        identity: (head[33] == HAS_IDENTITY).then_some(identity),
    };
    Some(Found { offset: at, head, payload: (at + RECORD_HEAD_BYTES, end) })
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
