//! The bytes of version 1 never change; damage never yields a wrong record.

use std::path::Path;

use super::*;

const SALT: u32 = 0x5a17_0001;

/// A file as the writer makes it: groups of payloads.
fn file(groups: &[&[&[u8]]]) -> Vec<u8> {
    let mut bytes = file_head(7, SALT).to_vec();
    let mut seq = 100;
    for group in groups {
        let begin = bytes.len() as u32;
        for payload in *group {
            let head = RecordHead {
                seq,
                tenant: 3,
                signal: Signal::Spans,
                identity: (seq % 2 == 0).then_some([seq as u8; 16]),
                received_ns: 1_700_000_000_000_000_000 + seq,
                group: begin,
            };
            bytes.extend_from_slice(&record_head(SALT, &head, payload.len(), crc32c::crc32c(payload)));
            bytes.extend_from_slice(payload);
            seq += 1;
        }
    }
    bytes
}

fn sample() -> Vec<u8> {
    file(&[&[b"first", b"second payload"], &[b""], &[b"third", b"fourth", b"fifth"]])
}

#[test]
fn joined_crcs_are_those_of_the_joined_bytes() {
    let data: Vec<u8> = (0..70_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let first = crc32c::crc32c_append(SALT, b"a head");
    for bytes in (0..300).chain([4_095, 4_096, 65_535, 65_536, 70_000]) {
        let (second, joined) = (crc32c::crc32c(&data[..bytes]), crc32c::crc32c_append(first, &data[..bytes]));
        assert_eq!(joined_crc(first, second, bytes), joined, "{bytes}");
    }
    for bytes in [1 << 28, (1 << 32) - 1, 1 << 32, 5 << 32] {
        assert_eq!(joined_crc(77, 99, bytes), crc32c::crc32c_combine(77, 99, bytes), "{bytes}");
    }
}

#[test]
fn golden_bytes_of_version_1() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wal-v1.bin");
    if !path.exists() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, sample()).unwrap();
    }
    assert_eq!(std::fs::read(&path).unwrap(), sample(), "version 1 is on disks: make a new version instead");
}

#[test]
fn whole_files_read_back() {
    let bytes = sample();
    assert_eq!(read_head(&bytes, 7), FileHead::Good { salt: SALT });
    let scan = scan(&bytes, SALT);
    assert_eq!((scan.records.len(), scan.damaged_bytes, scan.torn_bytes), (6, 0, 0));
    let third = scan.records[3];
    assert_eq!(&bytes[third.payload.0..third.payload.1], b"third");
    assert_eq!((third.head.seq, third.head.identity, third.head.tenant), (103, None, 3));
    assert_eq!(scan.records[2].head.identity, Some([102; 16]));
}

#[test]
fn heads_are_told_apart() {
    let good = sample();
    let check = |bytes: &[u8], generation, expect| assert_eq!(read_head(bytes, generation), expect);
    check(&good[..FILE_HEAD_BYTES], 7, FileHead::Good { salt: SALT });
    check(&good, 8, FileHead::Damaged { salt: SALT });
    check(&[0; FILE_HEAD_BYTES], 7, FileHead::Unfinished);
    check(&good[..10], 7, FileHead::Unfinished);
    check(&[], 7, FileHead::Unfinished);
    let mut newer = good.clone();
    newer[8] = 2;
    let crc = crc32c::crc32c(&newer[..24]);
    newer[24..28].copy_from_slice(&crc.to_le_bytes());
    check(&newer, 7, FileHead::Newer(2));
}

/// Records of damaged bytes must be records of the undamaged ones, at the same place.
fn assert_only_true_records(good: &[u8], damaged: &[u8]) -> Scan {
    let truth = scan(good, SALT);
    let found = scan(damaged, SALT);
    for record in &found.records {
        assert!(truth.records.contains(record), "{record:?} was never written");
        assert_eq!(damaged[record.offset..record.payload.1], good[record.offset..record.payload.1]);
    }
    found
}

#[test]
fn no_single_byte_damage_yields_a_wrong_record() {
    let good = sample();
    let all = scan(&good, SALT);
    for at in FILE_HEAD_BYTES..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = good.clone();
            damaged[at] ^= flip;
            let found = assert_only_true_records(&good, &damaged);
            assert_eq!(found.records.len(), all.records.len() - 1, "exactly the hit record is lost");
            let last_group = all.records[3].offset;
            assert_eq!(found.damaged_bytes > 0, at < last_group, "at {at}");
            assert_eq!(found.torn_bytes > 0, at >= last_group, "at {at}");
        }
    }
}

#[test]
fn every_truncation_keeps_the_whole_records_before_it() {
    let good = sample();
    let all = scan(&good, SALT);
    for len in 0..good.len() {
        let found = assert_only_true_records(&good, &good[..len]);
        let whole = all.records.iter().filter(|record| record.payload.1 <= len).count();
        assert_eq!((found.records.len(), found.damaged_bytes), (whole, 0), "cut at {len}");
    }
}

#[test]
fn holes_are_damage_or_torn_by_what_follows() {
    let good = sample();
    let offsets: Vec<usize> = scan(&good, SALT).records.iter().map(|record| record.offset).collect();
    let hole = |from: usize, to: usize| {
        let mut damaged = good.clone();
        damaged[from..to].fill(0);
        let found = assert_only_true_records(&good, &damaged);
        (found.records.len(), found.damaged_bytes, found.torn_bytes)
    };
    let len = |from: usize, to: usize| (to - from) as u64;
    assert_eq!(
        hole(offsets[0], offsets[1]),
        (5, len(offsets[0], offsets[1]), 0),
        "a later group proves it was durable"
    );
    assert_eq!(hole(offsets[3], offsets[4]), (5, 0, len(offsets[3], offsets[4])), "its own group proves nothing");
    assert_eq!(hole(offsets[0], good.len()).0, 0);
}

#[test]
fn a_record_inside_a_payload_is_not_taken_for_one() {
    let forged = {
        let head = RecordHead { seq: 1, tenant: 99, signal: Signal::Logs, identity: None, received_ns: 0, group: 0 };
        // A sender knows the format but not the salt of the file.
        let mut bytes = record_head(0, &head, 4, crc32c::crc32c(b"evil")).to_vec();
        bytes.extend_from_slice(b"evil");
        bytes
    };
    let mut damaged = file(&[&[&forged], &[b"next"]]);
    damaged[FILE_HEAD_BYTES] ^= 1;
    let found = scan(&damaged, SALT);
    assert_eq!(found.records.len(), 1);
    assert_eq!(found.records[0].head.tenant, 3);
}
