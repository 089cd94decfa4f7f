//! The index beside a segment. First byte even: the file as it is, edited; the checksums notice every edit. Odd: a section
//! is edited and the file sealed again, as a writer gone wrong would: refused, or an index no question panics on.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use clewline_fuzz::{batch, edited, signal_of};
use clewline_lang::WordKind;
use clewline_model::signal::SIGNALS;
use clewline_segment::sidecar::template::Needle;
use clewline_segment::sidecar::tokens::{id_hash, int_hash};
use clewline_segment::{Part, Sidecar, Summary, write};
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes before the table of sections, and of one of its rows (docs/formats/sidecar.md).
const HEAD_BYTES: usize = 8 + 4 * 8;
const ROW_BYTES: usize = 4 * 8;

static FILES: LazyLock<Vec<(Vec<u8>, Summary)>> = LazyLock::new(|| {
    let file = |signal| {
        let parts = [Part::new(Arc::new(batch(signal)), 1)];
        let written = write(signal, &parts, &mut Vec::new()).expect("a small segment");
        (written.index, written.summary)
    };
    SIGNALS.iter().map(|&signal| file(signal)).collect()
});

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The file with one section edited and every checksum made right again.
fn resealed(file: &[u8], section: u8, edits: &[u8]) -> Vec<u8> {
    let count = usize::try_from(number(file, HEAD_BYTES - 8)).expect("a real file");
    let chosen = usize::from(section) % count;
    let mut head = file[..HEAD_BYTES].to_vec();
    let mut body = Vec::new();
    let mut at = HEAD_BYTES + count * ROW_BYTES + 8;
    for index in 0..count {
        let row = HEAD_BYTES + index * ROW_BYTES;
        let (kind, length, raw) = (number(file, row), number(file, row + 8), number(file, row + 16));
        let packed = &file[at..at + usize::try_from(length).expect("a real file")];
        at += packed.len();
        let (mut bytes, mut raw) = (packed.to_vec(), raw);
        if index == chosen {
            let is_packed = kind < 5;
            let plain = match is_packed {
                true => zstd::bulk::decompress(packed, usize::try_from(raw).expect("a real file")).expect("a real file"),
                false => packed.to_vec(),
            };
            let plain = edited(&plain, edits);
            raw = plain.len() as u64;
            bytes = if is_packed { zstd::bulk::compress(&plain, 1).expect("memory") } else { plain };
        }
        for number in [kind, bytes.len() as u64, raw, xxh3_64(&bytes)] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        body.extend_from_slice(&bytes);
    }
    let checksum = xxh3_64(&head);
    head.extend_from_slice(&checksum.to_le_bytes());
    head.extend_from_slice(&body);
    head
}

/// Every kind of look at an index.
fn ask(index: &Sidecar) {
    let needles = [Needle::word(WordKind::Word, "order"), Needle::word(WordKind::Substring, "错"), Needle::whole("GET")];
    for chunk in 0..index.chunks.len() + 1 {
        let _ = (index.may_contain(chunk, int_hash(7)), index.may_contain_trace(chunk, id_hash(&[1; 16])));
    }
    for template in index.runs.iter().flat_map(|runs| &runs.templates) {
        needles.iter().for_each(|needle| drop(template.judge(needle)));
    }
    for column in &index.columns {
        let _ = (column.is_complete(index.chunks.len()), column.alphabet.may_hold_all("order"), column.values.len());
    }
    let rows: u64 = index.runs.iter().flat_map(|runs| &runs.runs).map(|run| u64::from(run.rows)).sum();
    assert!(index.runs.is_none() || rows == index.rows, "the runs are not all rows");
    let _ = index.size_bytes();
}

fuzz_target!(|data: &[u8]| {
    let [mode, which, section, rest @ ..] = data else { return };
    let (original, summary) = &FILES[signal_of(*which) as usize];
    let bytes = match mode % 2 {
        0 => edited(original, rest),
        _ => resealed(original, *section, rest),
    };
    let unchanged = bytes == *original;
    if let Some(index) = Sidecar::parse(&Bytes::from(bytes), summary.checksum, summary.rows) {
        assert!(mode % 2 == 1 || unchanged, "an edit of a file was not noticed");
        ask(&index);
    } else {
        assert!(!unchanged, "a good index was refused");
    }
});
