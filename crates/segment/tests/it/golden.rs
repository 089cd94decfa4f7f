//! Files of every version, kept as they were written: a reader of today reads them, and says the same of them.
//!
//! A fixture is written when it is missing (a new version); it is never changed.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord, SpanRecord};
use clewline_model::signal::Signal;
use clewline_segment::{Part, Sidecar, read_parts, write};

use crate::lines;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn sample(signal: Signal) -> Part {
    let mut batch = Batch::new(signal);
    batch.resource_attribute("host.name", Value::Text("node-1"));
    let resource = batch.end_resource();
    for i in 0..40i64 {
        batch.attribute("n", Value::Int(i * 7 - 30));
        batch.attribute("ratio", Value::Double(i as f64 / 4.0));
        if i % 13 == 5 {
            batch.attribute("rare", Value::Bytes(&[0, 255, i as u8]));
        }
        let id = u128::from(i as u64 / 4 + 1).wrapping_mul(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef).to_be_bytes();
        let time = 1_780_000_000_000_000_000 + i * 1_500_000_000;
        let service = ["shop", "cart", ""][i as usize % 3];
        match signal {
            Signal::Spans => batch.push_span(
                resource,
                0,
                &SpanRecord {
                    time,
                    duration_ns: i * 1_000_003,
                    service,
                    name: "GET /items",
                    kind: "server",
                    status: if i % 9 == 0 { "error" } else { "unset" },
                    trace_id: id,
                    span_id: (i as u64 + 1).to_be_bytes(),
                    parent_span_id: if i % 4 == 0 { [0; 8] } else { (i as u64).to_be_bytes() },
                    ..SpanRecord::default()
                },
            ),
            _ => batch.push_log(
                resource,
                0,
                &LogRecord {
                    time,
                    service,
                    level: if i % 9 == 0 { "error" } else { "info" },
                    body: &format!("订单 {i} of user u{} took {} ms", i % 5, i * 3),
                    trace_id: if i % 2 == 0 { id } else { [0; 16] },
                    ..LogRecord::default()
                },
            ),
        }
    }
    Part::new(Arc::new(batch), 3)
}

fn check(signal: Signal, name: &str) {
    let part = sample(signal);
    let mut fresh = Vec::new();
    let written = write(signal, std::slice::from_ref(&part), &mut fresh).unwrap();
    let (segment, index) = (fixture(&format!("{name}.parquet")), fixture(&format!("{name}.idx")));
    if !segment.exists() {
        std::fs::create_dir_all(segment.parent().unwrap()).unwrap();
        std::fs::write(&segment, &fresh).unwrap();
        std::fs::write(&index, &written.index).unwrap();
    }
    let kept = Bytes::from(std::fs::read(&segment).unwrap());
    assert_eq!(lines(&read_parts(kept.clone(), signal).unwrap()), lines(&[part]), "{name}: the records it holds");
    let checksum = xxhash_rust::xxh3::xxh3_64(&kept);
    let kept = Sidecar::parse(&Bytes::from(std::fs::read(&index).unwrap()), checksum, written.summary.rows);
    let fresh = Sidecar::parse(&Bytes::from(written.index), written.summary.checksum, written.summary.rows);
    assert_eq!(format!("{:?}", kept.unwrap()), format!("{:?}", fresh.unwrap()), "{name}: what its index says");
}

#[test]
fn version_1_of_segments_and_indexes_is_read_as_it_was_written() {
    check(Signal::Logs, "logs-v1");
    check(Signal::Spans, "spans-v1");
}
