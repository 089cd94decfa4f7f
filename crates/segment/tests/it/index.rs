//! The index beside a segment: it says what the rows say, and damage to any byte of it is noticed.

use std::sync::Arc;

use bytes::Bytes;
use clewline_lang::{WordKind, WordMatcher};
use clewline_model::batch::{Batch, LogRecord, SpanRecord};
use clewline_model::signal::Signal;
use clewline_segment::sidecar::template::{Needle, Verdict};
use clewline_segment::sidecar::tokens::id_hash;
use clewline_segment::{Part, Sidecar, index_of, read_parts, write};

const ROWS: i64 = 20_000;

fn logs() -> Part {
    let mut batch = Batch::new(Signal::Logs);
    for i in 0..ROWS {
        let body = match i % 4 {
            0 => format!("GET /api/items/{i} took {} ms", i % 97),
            1 => format!("user u{} logged in from 10.0.0.{}", i % 500, i % 200),
            2 => format!("订单 {i} 已支付, amount {}.50 EUR", i % 31),
            _ => "cache warmed".to_owned(),
        };
        let record = LogRecord {
            time: 100_000_000 * i,
            service: ["shop", "cart", ""][i as usize % 3],
            level: if i % 4 == 1 { "warn" } else { "info" },
            body: &body,
            trace_id: if i % 10 == 0 { [i as u8 + 1; 16] } else { [0; 16] },
            ..LogRecord::default()
        };
        batch.push_log(0, 0, &record);
    }
    Part::new(Arc::new(batch), 1)
}

fn written(signal: Signal, part: Part) -> (Bytes, Bytes, Sidecar) {
    let mut file = Vec::new();
    let written = write(signal, &[part], &mut file).unwrap();
    let index = Bytes::from(written.index);
    let sidecar = Sidecar::parse(&index, written.summary.checksum, written.summary.rows).unwrap();
    (Bytes::from(file), index, sidecar)
}

#[test]
fn runs_and_filters_say_what_the_rows_say() {
    let (file, index, sidecar) = written(Signal::Logs, logs());
    let parts = read_parts(file.clone(), Signal::Logs).unwrap();
    let batch = &parts[0].batch;
    let runs = sidecar.runs.as_ref().unwrap();
    assert!(runs.runs.len() <= 12, "{}", runs.runs.len());
    for (kind, needle) in [
        (WordKind::Word, "took"),
        (WordKind::Word, "96"),
        (WordKind::Word, "u499"),
        (WordKind::Word, "支付"),
        (WordKind::Word, "absent"),
        (WordKind::Prefix, "log"),
        (WordKind::Substring, "ogged i"),
        (WordKind::Phrase, "amount 7.50"),
        (WordKind::Word, "404"),
    ] {
        let (matcher, question) = (WordMatcher::new(kind, needle), Needle::word(kind, needle));
        let (mut row, mut looked_at) = (0, 0);
        for run in &runs.runs {
            let (verdict, wanted) = runs.templates[run.template as usize].judge(&question);
            for _ in 0..run.rows {
                let passes = matcher.is_match(batch.columns[4].text(row));
                let in_filter = wanted.iter().all(|&hash| sidecar.may_contain(row / 8192, hash));
                let expect = match verdict {
                    Verdict::Yes => passes,
                    Verdict::No => !passes,
                    Verdict::Maybe => {
                        looked_at += usize::from(in_filter);
                        in_filter || !passes
                    }
                };
                assert!(expect, "{kind:?} {needle} {verdict:?} row {row}");
                assert_eq!(batch.columns[2].text(row), runs.services[run.service as usize]);
                row += 1;
            }
        }
        if matches!(needle, "took" | "absent" | "ogged i") {
            assert_eq!(looked_at, 0, "{needle} is decided without the rows");
        }
    }
    let cube = sidecar.cube.as_ref().unwrap();
    assert_eq!(cube.cells.iter().map(|cell| cell.count).sum::<u64>(), ROWS as u64);
    let again = index_of(file.clone(), Signal::Logs, xxhash_of(&file)).unwrap();
    assert_eq!(again, index, "made anew from the file it is the same");
}

fn xxhash_of(file: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(file)
}

#[test]
fn columns_list_their_few_values() {
    let (_, _, sidecar) = written(Signal::Logs, logs());
    let service = sidecar.column("service").unwrap();
    assert!(service.is_complete(sidecar.chunks.len()));
    let mut values: Vec<(&str, u64)> = service.values.iter().map(|v| (v.text.as_str(), v.count)).collect();
    values.sort_unstable();
    assert_eq!(values, [("cart", 6_667), ("shop", 6_667)]);
    assert_eq!(service.nulls, 6_666);
    let held = |id: [u8; 16]| (0..sidecar.chunks.len()).any(|chunk| sidecar.may_contain_trace(chunk, id_hash(&id)));
    assert!(held([11; 16]) && !held([2; 16]));
}

#[test]
fn a_segment_with_too_many_templates_is_indexed_by_words() {
    let mut batch = Batch::new(Signal::Logs);
    let letters = |i: usize| -> String { format!("{i}").bytes().map(|b| (b - b'0' + b'a') as char).collect() };
    for i in 0..20_000 {
        let body = format!("{} constant", letters(i));
        batch.push_log(0, 0, &LogRecord { time: 1, body: &body, service: "s", ..LogRecord::default() });
    }
    let (file, _, sidecar) = written(Signal::Logs, Part::new(Arc::new(batch), 1));
    assert!(sidecar.runs.is_none());
    let body = sidecar.column("body").unwrap();
    let parts = read_parts(file, Signal::Logs).unwrap();
    let batch = &parts[0].batch;
    let needle = Needle::word(WordKind::Word, "bcdef");
    let row = (0..batch.rows()).find(|&row| batch.columns[4].text(row).starts_with("bcdef ")).unwrap();
    let chunk = row / 8192;
    let seen = chunk < body.unknown_chunks as usize || needle.wanted().0.iter().all(|&h| sidecar.may_contain(chunk, h));
    assert!(seen);
}

#[test]
fn spans_have_sketches_of_their_durations() {
    let mut batch = Batch::new(Signal::Spans);
    for i in 0..10_000i64 {
        let record = SpanRecord {
            time: i * 1_000_000,
            duration_ns: (i + 1) * 1_000,
            service: "s",
            status: if i % 10 == 0 { "error" } else { "unset" },
            trace_id: [(i / 10 % 250) as u8 + 1; 16],
            span_id: (i + 1).to_be_bytes(),
            ..SpanRecord::default()
        };
        batch.push_span(0, 0, &record);
    }
    let (_, _, sidecar) = written(Signal::Spans, Part::new(Arc::new(batch), 1));
    let cube = sidecar.cube.as_ref().unwrap();
    assert_eq!((cube.cells.len(), cube.cells.iter().map(|cell| cell.count).sum::<u64>()), (2, 10_000));
    let mut all = cube.cells[0].durations.clone().unwrap();
    all.merge(cube.cells[1].durations.as_ref().unwrap());
    let median = all.quantile(0.5).unwrap();
    assert!((median - 5e6).abs() < 5e4 * 1.1, "{median}");
    let duration = sidecar.column("duration_ns").unwrap();
    assert_eq!(duration.ranges.len(), 2);
}

#[test]
fn every_damaged_byte_is_noticed() {
    let part = {
        let mut batch = Batch::new(Signal::Logs);
        for i in 0..300 {
            let body = format!("row {i} of many");
            batch.push_log(0, 0, &LogRecord { time: i, body: &body, service: "s", ..LogRecord::default() });
        }
        Part::new(Arc::new(batch), 1)
    };
    let mut file = Vec::new();
    let written = write(Signal::Logs, &[part], &mut file).unwrap();
    let (checksum, rows) = (written.summary.checksum, written.summary.rows);
    for at in 0..written.index.len() {
        let mut damaged = written.index.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(Sidecar::parse(&Bytes::from(damaged), checksum, rows).is_none(), "byte {at}");
        let cut = Bytes::copy_from_slice(&written.index[..at]);
        assert!(Sidecar::parse(&cut, checksum, rows).is_none(), "cut at {at}");
    }
    let index = Bytes::from(written.index);
    assert!(Sidecar::parse(&index, checksum, rows).is_some());
    assert!(Sidecar::parse(&index, checksum ^ 1, rows).is_none(), "the index of another segment");
    assert!(Sidecar::parse(&index, checksum, rows + 1).is_none());
}
