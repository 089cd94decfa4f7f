//! What the targets share: small real inputs, and edits of them.

use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord, MetricRecord, SpanRecord};
use clewline_model::signal::Signal;
use clewline_protocol::{Context, Decoded};

/// The surroundings of a decoder.
pub const CONTEXT: Context<'static> = Context { now_ns: 1_780_000_000_000_000_000, node: "10.0.0.9" };

/// The signal a byte chooses.
pub fn signal_of(byte: u8) -> Signal {
    [Signal::Logs, Signal::Spans, Signal::Metrics][usize::from(byte) % 3]
}

/// A copy of `base` with the edits that `data` describes, four bytes each: a place (two bytes), what to do, a byte.
pub fn edited(base: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    for edit in data.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % (bytes.len() + 1);
        match edit[2] % 8 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, edit[3]),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 if at < bytes.len() => bytes[at] ^= 1 << (edit[3] % 8),
            4 => bytes.truncate(bytes.len() - usize::from(edit[3]).min(bytes.len())),
            _ if at < bytes.len() => bytes[at] = edit[3],
            _ => {}
        }
    }
    bytes
}

/// What every decoder promises: a batch whose columns agree, that survives the log's codec.
pub fn promise(decoded: &Decoded) {
    assert!(decoded.batch.check(), "the columns of a batch disagree");
    let mut bytes = Vec::new();
    clewline_model::codec::encode(&decoded.batch, &mut bytes);
    let back = clewline_model::codec::decode(&bytes).expect("what was encoded is decoded");
    assert_eq!(back.rows(), decoded.batch.rows());
}

/// A small batch with every kind of attribute.
pub fn batch(signal: Signal) -> Batch {
    let mut batch = Batch::new(signal);
    batch.resource_attribute("service.name", Value::Text("shop"));
    let resource = batch.end_resource();
    for i in 0..12u8 {
        batch.attribute("status", if i % 5 == 3 { Value::Text("teapot") } else { Value::Int(200 + i64::from(i)) });
        batch.attribute("ratio", Value::Double(f64::from(i) / 4.0));
        batch.attribute("ok", Value::Bool(i % 2 == 0));
        if i == 5 {
            batch.attribute("blob", Value::Bytes(b"\x00\xffabc"));
            batch.attribute("list", Value::Json("[1,\"a\",2.5]"));
            batch.attribute("none", Value::Null);
        }
        let text = format!("order {i} placed by 错误 user {}", i * 7);
        let time = 1_780_000_000_000_000_000 + i64::from(i);
        match signal {
            Signal::Logs => {
                let record = LogRecord { time, service: "shop", level: "info", body: &text, ..LogRecord::default() };
                batch.push_log(resource, 0, &record);
            }
            Signal::Spans => {
                let record = SpanRecord {
                    time,
                    duration_ns: 5,
                    name: "GET",
                    trace_id: [i % 4 + 1; 16],
                    span_id: [i + 1; 8],
                    ..SpanRecord::default()
                };
                batch.push_span(resource, 0, &record);
            }
            Signal::Metrics => {
                let record = MetricRecord { time, name: "m", kind: "gauge", value: Some(0.5), ..MetricRecord::default() };
                batch.push_metric(resource, 0, &record);
            }
        }
    }
    batch
}
