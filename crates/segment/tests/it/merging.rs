//! Merging segments gives what writing all their rows at once gives: the same rows, in the same order.

use std::sync::Arc;

use bytes::Bytes;
use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord, MetricRecord, SpanRecord};
use clewline_model::signal::Signal;
use clewline_segment::file::SegmentFile;
use clewline_segment::merge::{Input, merge};
use clewline_segment::{Part, Sidecar, Written, read_parts, write};

use crate::lines;

fn file(bytes: &Bytes) -> SegmentFile {
    let (size, bytes) = (bytes.len() as u64, bytes.clone());
    SegmentFile::new(
        size,
        Arc::new(move |at, out| {
            let at = usize::try_from(at).unwrap();
            out.copy_from_slice(&bytes[at..at + out.len()]);
            Ok(())
        }),
    )
}

/// Each part as a segment, then all of them merged.
fn merged(signal: Signal, parts: &[Part]) -> (Bytes, Written) {
    let written: Vec<(Bytes, Written)> = parts
        .iter()
        .map(|part| {
            let mut out = Vec::new();
            let written = write(signal, std::slice::from_ref(part), &mut out).unwrap();
            (Bytes::from(out), written)
        })
        .collect();
    let inputs: Vec<Input<'_>> =
        written.iter().map(|(bytes, written)| Input { file: file(bytes), summary: &written.summary }).collect();
    let mut out = Vec::new();
    let written = merge(signal, &inputs, &mut out).unwrap();
    (Bytes::from(out), written)
}

fn check(signal: Signal, parts: &[Part]) {
    let (bytes, written) = merged(signal, parts);
    let mut expect = Vec::new();
    let at_once = write(signal, parts, &mut expect).unwrap();
    let (got, expect) = (read_parts(bytes.clone(), signal).unwrap(), read_parts(Bytes::from(expect), signal).unwrap());
    assert_eq!(lines(&got), lines(&expect));
    let order = |parts: &[Part]| -> Vec<(i64, String)> {
        let rows = parts.iter().flat_map(|part| (0..part.rows()).map(move |row| (part, row)));
        rows.map(|(part, row)| (part.batch.times()[row], part.batch.columns[3].text(row).to_owned())).collect()
    };
    assert_eq!(order(&got), order(&expect), "the same order");
    let (a, b) = (&written.summary, &at_once.summary);
    assert_eq!((a.rows, a.duplicates_removed), (b.rows, b.duplicates_removed));
    assert_eq!((a.time_min, a.time_max, a.seq_max), (b.time_min, b.time_max, b.seq_max));
    for wanted in &b.attributes {
        let found = a.attribute(wanted.scope, &wanted.name).unwrap();
        let kinds = |summary: &clewline_segment::AttributeSummary| summary.kinds().collect::<Vec<_>>();
        assert_eq!(kinds(found), kinds(wanted), "{}", wanted.name);
    }
    assert!(a.matches(&bytes));
    assert!(Sidecar::parse(&Bytes::from(written.index), a.checksum, a.rows).is_some());
}

#[test]
fn logs_with_attributes_that_change_their_type_and_place() {
    let part = |number: i64| {
        let mut batch = Batch::new(Signal::Logs);
        batch.resource_attribute("host", Value::Text(if number % 2 == 0 { "a" } else { "b" }));
        let resource = batch.end_resource();
        for i in 0..3_000 {
            match number {
                0 => batch.attribute("size", Value::Int(i)),
                1 if i % 2 == 0 => batch.attribute("size", Value::Text("large")),
                2 if i == 7 => batch.attribute("size", Value::Int(7)),
                _ => batch.attribute(&format!("only.{number}"), Value::Double(i as f64)),
            }
            if i == 5 {
                batch.attribute("rare", Value::Bytes(b"\x00x"));
            }
            let body = format!("line {i} of {}", ["one", "two", "three"][i as usize % 3]);
            let record = LogRecord {
                time: 1_000 * i + number + 1,
                service: ["shop", "", "cart"][i as usize % 3],
                body: &body,
                ..LogRecord::default()
            };
            batch.push_log(resource, 0, &record);
        }
        Part::new(Arc::new(batch), number + 1)
    };
    check(Signal::Logs, &(0..4).map(part).collect::<Vec<_>>());
}

#[test]
fn spans_of_one_trace_in_several_segments_and_repeats() {
    let part = |number: u64| {
        let mut batch = Batch::new(Signal::Spans);
        for i in 0..6_000u64 {
            // Every tenth trace is in all segments, with the same spans in each two of them.
            let shared = i % 10 == 0;
            let trace = if shared { i / 10 + 1 } else { 1_000_000 * (number + 1) + i };
            let span_number = if shared { i + number / 2 } else { i };
            let record = SpanRecord {
                time: (if shared { 50 + span_number } else { 100 * i + number } + 1) as i64,
                duration_ns: 5,
                name: if shared { "shared" } else { "own" },
                trace_id: u128::from(trace).to_be_bytes(),
                span_id: (span_number + 1).to_be_bytes(),
                ..SpanRecord::default()
            };
            batch.push_span(0, 0, &record);
        }
        Part::new(Arc::new(batch), number as i64 + 1)
    };
    let parts: Vec<Part> = (0..4).map(part).collect();
    check(Signal::Spans, &parts);
    let (_, written) = merged(Signal::Spans, &[parts[0].clone(), parts[0].clone()]);
    assert_eq!((written.summary.rows, written.summary.duplicates_removed), (6_000, 6_000));
}

#[test]
fn metrics_keep_their_order() {
    let part = |number: i64| {
        let mut batch = Batch::new(Signal::Metrics);
        for i in 0..500 {
            let name = ["cpu", "memory"][i as usize % 2];
            let record = MetricRecord { time: i * 10 + number + 1, name, kind: "gauge", ..MetricRecord::default() };
            batch.push_metric(0, 0, &MetricRecord { value: Some(i as f64), ..record });
        }
        Part::new(Arc::new(batch), number + 1)
    };
    check(Signal::Metrics, &(0..3).map(part).collect::<Vec<_>>());
}
