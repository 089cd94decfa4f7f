//! Every byte of small real files flipped, and many lengths they can be cut to: the checksum of the segment and the index
//! notice all of it, and the readers answer with an error or with rows, never with a panic.

use std::sync::Arc;

use bytes::Bytes;
use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord, MetricRecord, SpanRecord};
use clewline_model::signal::{SIGNALS, Signal};
use clewline_segment::{Part, Sidecar, index_of, read_parts, write};

fn small(signal: Signal) -> Part {
    let mut batch = Batch::new(signal);
    for i in 0..6u8 {
        batch.attribute("status", if i == 3 { Value::Text("teapot") } else { Value::Int(200 + i64::from(i)) });
        batch.attribute("ratio", Value::Double(f64::from(i) / 4.0));
        let body = format!("order {i} placed by 用户 {}", i * 7);
        let time = 1_780_000_000_000_000_000 + i64::from(i);
        match signal {
            Signal::Logs => {
                batch.push_log(0, 0, &LogRecord { time, service: "shop", body: &body, ..LogRecord::default() });
            }
            Signal::Spans => {
                let ids = ([i % 2 + 1; 16], [i + 1; 8]);
                let record = SpanRecord { time, name: "GET", trace_id: ids.0, span_id: ids.1, ..SpanRecord::default() };
                batch.push_span(0, 0, &record);
            }
            Signal::Metrics => {
                batch.push_metric(0, 0, &MetricRecord { time, name: "m", value: Some(0.5), ..MetricRecord::default() });
            }
        }
    }
    Part::new(Arc::new(batch), 1)
}

/// The file with each byte changed, and every fifth beginning of it.
fn damaged(file: &[u8]) -> impl Iterator<Item = (String, Bytes)> + '_ {
    let flipped = (0..file.len()).map(|at| {
        let mut bytes = file.to_vec();
        bytes[at] ^= 1 << (at % 8);
        (format!("byte {at}"), Bytes::from(bytes))
    });
    let cut = (0..file.len()).step_by(5).map(|end| (format!("cut at {end}"), Bytes::copy_from_slice(&file[..end])));
    flipped.chain(cut)
}

#[test]
fn no_damage_of_a_segment_goes_unnoticed_or_panics() {
    for signal in SIGNALS {
        let mut file = Vec::new();
        let written = write(signal, &[small(signal)], &mut file).unwrap();
        let mut cases = 0;
        for (what, bytes) in damaged(&file) {
            assert!(!written.summary.matches(&bytes), "{signal:?}, {what}: the checksum still matches");
            let outcome = std::panic::catch_unwind(|| {
                let index = index_of(bytes.clone(), signal, written.summary.checksum);
                (read_parts(bytes, signal), index.is_ok())
            });
            let Ok((read, _)) = outcome else { panic!("{signal:?}, {what}: a reader panicked") };
            if let Ok(parts) = read {
                assert!(parts.iter().all(|part| part.batch.check()), "{signal:?}, {what}: columns disagree");
            }
            cases += 1;
        }
        assert!(cases > file.len());
    }
}

#[test]
fn no_damage_of_an_index_goes_unnoticed() {
    for signal in SIGNALS {
        let written = write(signal, &[small(signal)], Vec::new()).unwrap();
        let (checksum, rows) = (written.summary.checksum, written.summary.rows);
        let whole = Bytes::from(written.index);
        assert!(Sidecar::parse(&whole, checksum, rows).is_some());
        assert!(Sidecar::parse(&whole, checksum ^ 1, rows).is_none(), "the index of another segment");
        for (what, bytes) in damaged(&whole) {
            assert!(Sidecar::parse(&bytes, checksum, rows).is_none(), "{signal:?}, {what}: read as if it were whole");
        }
    }
}
