//! Segments written and read back, with every kind of attribute and every signal.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod damage;
mod golden;
mod index;
mod merging;

use std::sync::Arc;

use bytes::Bytes;
use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord, MetricRecord, SpanRecord};
use clewline_model::signal::Signal;
use clewline_segment::{Part, Scope, read_parts, write};

fn logs(rows: i64, first: i64) -> Batch {
    let mut batch = Batch::new(Signal::Logs);
    batch.resource_attribute("service.name", Value::Text("shop"));
    batch.resource_attribute("process.pid", Value::Int(7));
    let resource = batch.end_resource();
    batch.scope_attribute("lib", Value::Text("x"));
    let scope = batch.end_scope();
    for i in first..first + rows {
        batch.attribute("http.status_code", if i % 10 == 3 { Value::Text("teapot") } else { Value::Int(200 + i) });
        batch.attribute("ratio", Value::Double(i as f64));
        batch.attribute("ok", Value::Bool(i % 2 == 0));
        batch.attribute("list", Value::Json("[1,\"a\",2.5]"));
        if i == 5 {
            batch.attribute("rare", Value::Bytes(b"\x00\xffabc"));
            batch.attribute("none", Value::Null);
            batch.attribute("nan", Value::Double(f64::NAN));
        }
        let body = format!("order {i} placed by user {}", i * 7);
        let record = LogRecord {
            time: 1_000_000 - i,
            service: if i % 2 == 0 { "shop" } else { "cart" },
            level: "info",
            body: &body,
            trace_id: if i % 3 == 0 { [1; 16] } else { [0; 16] },
            ..LogRecord::default()
        };
        batch.push_log(resource, scope, &record);
    }
    batch
}

/// Every record as one line of text, sorted: what must survive.
fn lines(parts: &[Part]) -> Vec<String> {
    let mut lines = Vec::new();
    for part in parts {
        for row in 0..part.rows() {
            let batch = &part.batch;
            let mut line = format!("{} {} {} ", part.seqs.at(row), batch.times()[row], batch.columns[4].text(row));
            for (list, row) in [
                (&batch.attributes, row),
                (&batch.resources, batch.resource[row] as usize),
                (&batch.scopes, batch.scope[row] as usize),
            ] {
                let mut members: Vec<String> = list
                    .row(row)
                    .map(|(key, value)| {
                        let mut text = format!("{}:{:?}=", list.keys()[key as usize], value.kind());
                        value.push_json(&mut text);
                        text
                    })
                    .collect();
                members.sort();
                line.push_str(&members.join(","));
            }
            lines.push(line);
        }
    }
    lines.sort();
    lines
}

#[test]
fn logs_come_back_with_every_type() {
    let parts = vec![Part::new(Arc::new(logs(1000, 0)), 1), Part::new(Arc::new(logs(10, 5000)), 2)];
    let mut file = Vec::new();
    let summary = write(Signal::Logs, &parts, &mut file).unwrap().summary;
    assert_eq!((summary.rows, summary.seq_min, summary.seq_max), (1010, 1, 2));
    assert_eq!(summary.bytes, file.len() as u64);
    let status = summary.attribute(Scope::Attribute, "http.status_code").unwrap();
    assert_eq!((status.column, status.rest_kinds), (Some(1), 1), "ints in the column, texts in the rest");
    assert_eq!(summary.attribute(Scope::Attribute, "rare").unwrap().column, None);
    assert!(summary.attribute(Scope::Resource, "service.name").is_some());
    let back = read_parts(Bytes::from(file.clone()), Signal::Logs).unwrap();
    assert_eq!(lines(&back), lines(&parts));
    let mut again = Vec::new();
    let merged = write(Signal::Logs, &back, &mut again).unwrap().summary;
    assert_eq!(merged.attributes, summary.attributes);
    assert_eq!(lines(&read_parts(Bytes::from(again), Signal::Logs).unwrap()), lines(&parts));
    assert!(read_parts(Bytes::from(file), Signal::Spans).is_err(), "a segment of another signal is refused");
}

#[test]
fn rows_are_ordered_by_service_template_time() {
    let part = Part::new(Arc::new(logs(100, 0)), 1);
    let mut file = Vec::new();
    write(Signal::Logs, &[part], &mut file).unwrap();
    let back = read_parts(Bytes::from(file), Signal::Logs).unwrap();
    let batch = &back[0].batch;
    let keys: Vec<(&str, i64, i64)> =
        (0..100).map(|row| (batch.columns[2].text(row), batch.columns[6].ints()[row], batch.times()[row])).collect();
    assert!(keys.is_sorted_by_key(|&(service, template, time)| (service, template.cast_unsigned(), time)));
}

#[test]
fn repeated_spans_are_written_once_and_traces_lie_together() {
    let mut batch = Batch::new(Signal::Spans);
    for i in 0..40u8 {
        let record = SpanRecord {
            time: i64::from(i) + 1,
            duration_ns: 0,
            name: "GET",
            trace_id: [i % 4 + 1; 16],
            span_id: [i + 1; 8],
            ..SpanRecord::default()
        };
        batch.push_span(0, 0, &record);
    }
    let parts = [Part::new(Arc::new(batch.clone()), 1), Part::new(Arc::new(batch), 2)];
    let mut file = Vec::new();
    let summary = write(Signal::Spans, &parts, &mut file).unwrap().summary;
    assert_eq!((summary.rows, summary.duplicates_removed, summary.seq_max), (40, 40, 1));
    let back = read_parts(Bytes::from(file), Signal::Spans).unwrap();
    let times = back[0].batch.times();
    assert_eq!(times[..10], [1, 5, 9, 13, 17, 21, 25, 29, 33, 37]);
    assert_eq!(back[0].batch.columns[1].ints()[0], 0, "a duration of zero is not an absent one");
}

#[test]
fn metric_values_keep_absence_and_integers() {
    let mut batch = Batch::new(Signal::Metrics);
    let base = MetricRecord { time: 1, name: "m", kind: "sum", ..MetricRecord::default() };
    batch.push_metric(0, 0, &MetricRecord { value: Some(0.0), value_int: Some(0), ..base });
    batch.push_metric(0, 0, &MetricRecord { value: Some(f64::NAN), ..base });
    let mut file = Vec::new();
    write(Signal::Metrics, &[Part::new(Arc::new(batch.clone()), 1)], &mut file).unwrap();
    let back = read_parts(Bytes::from(file), Signal::Metrics).unwrap();
    for (index, column) in batch.columns.iter().enumerate() {
        assert_eq!(format!("{column:?}"), format!("{:?}", back[0].batch.columns[index]));
    }
}

#[test]
fn damage_is_an_error_never_a_panic() {
    let mut file = Vec::new();
    let summary = write(Signal::Logs, &[Part::new(Arc::new(logs(50, 0)), 1)], &mut file).unwrap().summary;
    assert!(summary.matches(&file));
    for at in (0..file.len()).step_by(7) {
        let mut damaged = file.clone();
        damaged[at] ^= 0x55;
        assert!(!summary.matches(&damaged), "byte {at}");
        let outcome = std::panic::catch_unwind(|| read_parts(Bytes::from(damaged), Signal::Logs).map(|p| p.len()));
        assert!(outcome.is_ok(), "byte {at}");
        let _ = read_parts(Bytes::copy_from_slice(&file[..at]), Signal::Logs);
    }
}
