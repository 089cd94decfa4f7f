//! Records a second of one core, by decoder: `cargo run --release -p clewline-protocol --example decode_speed`.
//!
//! Each body holds 10 000 records of the shape SDKs and loggers send (8 attributes, about 300 bytes). The figure is the
//! best of several rounds, since anything slower is another program on the same core. Files of JSON lines given as
//! arguments are measured instead, together, in requests of about 1 MiB, up to the WAL payload.
//! `--only NAME` runs one decoder once, for a profiler that counts instructions.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement prints its result and reads its files"
)]

use std::time::Instant;

use clewline_model::batch::Batch;
use clewline_protocol::jsonl::Mapping;
use clewline_protocol::otlp::{decode_json, decode_protobuf, encode};
use clewline_protocol::{Context, jsonl, syslog, text};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use clewline_model::signal::Signal;

const RECORDS: u64 = 10_000;
const ROUNDS: usize = 30;
const NOW: u64 = 1_700_000_000_000_000_000;
const CONTEXT: Context<'_> = Context { now_ns: NOW as i64, node: "10.0.0.9" };

fn measure(name: &str, body_bytes: usize, decode: impl Fn() -> Batch) {
    let mut arguments = std::env::args().skip(1);
    let only = (arguments.next().as_deref() == Some("--only")).then(|| arguments.next().unwrap_or_default());
    if only.as_ref().is_some_and(|only| only != name) {
        return;
    }
    let mut best = f64::INFINITY;
    for _ in 0..if only.is_some() { 1 } else { ROUNDS } {
        let start = Instant::now();
        let batch = decode();
        best = best.min(start.elapsed().as_secs_f64());
        assert_eq!(batch.rows() as u64, RECORDS);
    }
    let records = RECORDS as f64 / best / 1e6;
    let mib = body_bytes as f64 / best / f64::from(1 << 20);
    let each_us = best * 1e6 / RECORDS as f64;
    println!(
        "{name:<16} {records:6.2} M records/s {each_us:6.3} us each {mib:7.0} MiB/s  ({} bytes a record)",
        body_bytes as u64 / RECORDS
    );
}

/// Decodes files of JSON lines and encodes the batches as the write-ahead log does.
fn measure_files(names: &[String]) -> std::io::Result<()> {
    const REQUEST_BYTES: usize = 1 << 20;
    let mut requests = vec![Vec::new()];
    for name in names {
        for line in std::fs::read(name)?.split_inclusive(|&byte| byte == b'\n') {
            if requests.last().is_some_and(|body: &Vec<u8>| body.len() + line.len() > REQUEST_BYTES) {
                requests.push(Vec::new());
            }
            if let Some(body) = requests.last_mut() {
                body.extend_from_slice(line);
            }
        }
    }
    let bytes: usize = requests.iter().map(Vec::len).sum();
    let mapping = Mapping::default();
    let (mut decoding, mut encoding) = (f64::INFINITY, f64::INFINITY);
    let (mut rows, mut rejected, mut payload_bytes) = (0, 0, 0);
    for _ in 0..ROUNDS / 10 {
        let (mut decode_s, mut encode_s) = (0.0, 0.0);
        (rows, rejected, payload_bytes) = (0, 0, 0);
        for body in &requests {
            let start = Instant::now();
            let decoded = jsonl::decode(body, &mapping, &CONTEXT).expect("lines are refused one by one");
            let half = Instant::now();
            let mut payload = Vec::new();
            clewline_model::codec::encode(&decoded.batch, &mut payload);
            encode_s += half.elapsed().as_secs_f64();
            decode_s += (half - start).as_secs_f64();
            rows += decoded.batch.rows();
            rejected += decoded.rejections.rejected;
            payload_bytes += payload.len();
        }
        decoding = decoding.min(decode_s);
        encoding = encoding.min(encode_s);
    }
    let speed =
        |seconds: f64| format!("{:.3} us each, {:.0} MB/s", seconds * 1e6 / rows as f64, bytes as f64 / seconds / 1e6);
    println!("{rows} records of {} bytes, {rejected} rejected", bytes / rows.max(1));
    println!(
        "decode {}; encode {} ({} bytes of payload each)",
        speed(decoding),
        speed(encoding),
        payload_bytes / rows.max(1)
    );
    Ok(())
}

fn text_value(text: impl Into<String>) -> Option<AnyValue> {
    Some(AnyValue { value: Some(Value::StringValue(text.into())) })
}

fn attributes(i: u64) -> Vec<KeyValue> {
    let pair = |key: &str, value| KeyValue { key: key.into(), value, ..KeyValue::default() };
    let int = |value: u64| Some(AnyValue { value: Some(Value::IntValue(value.cast_signed())) });
    vec![
        pair("http.request.method", text_value("GET")),
        pair("http.route", text_value("/api/v1/orders/{id}")),
        pair("http.response.status_code", int(200 + i % 5)),
        pair("url.path", text_value(format!("/api/v1/orders/{i}"))),
        pair("server.address", text_value("shop.example.com")),
        pair("client.address", text_value("192.0.2.17")),
        pair("user.id", int(i * 7919)),
        pair("cached", Some(AnyValue { value: Some(Value::BoolValue(i.is_multiple_of(2))) })),
    ]
}

fn resource() -> Option<Resource> {
    let pair = KeyValue { key: "service.name".into(), value: text_value("checkout"), ..KeyValue::default() };
    Some(Resource { attributes: vec![pair], ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "io.example.http".into(),
        version: "1.2.3".into(),
        ..InstrumentationScope::default()
    })
}

fn id(i: u64) -> Vec<u8> {
    [(i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes(), (i + 1).to_le_bytes()].concat()
}

fn logs() -> Vec<u8> {
    let record = |i| LogRecord {
        time_unix_nano: NOW + i,
        observed_time_unix_nano: NOW + i,
        severity_number: 9,
        severity_text: "INFO".into(),
        body: text_value(format!("GET /api/v1/orders/{i} answered 200 in {} ms for user {}", i % 300, i * 7919)),
        attributes: attributes(i),
        trace_id: id(i),
        span_id: id(i)[..8].to_vec(),
        ..LogRecord::default()
    };
    let scope_logs =
        vec![ScopeLogs { scope: scope(), log_records: (0..RECORDS).map(record).collect(), ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

fn spans() -> Vec<u8> {
    let span = |i| Span {
        trace_id: id(i / 10),
        span_id: id(i)[..8].to_vec(),
        parent_span_id: id(i / 10)[..8].to_vec(),
        name: "GET /api/v1/orders/{id}".into(),
        kind: 2,
        start_time_unix_nano: NOW + i,
        end_time_unix_nano: NOW + i + 1_000_000,
        attributes: attributes(i),
        ..Span::default()
    };
    let scope_spans =
        vec![ScopeSpans { scope: scope(), spans: (0..RECORDS).map(span).collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// The shape of `clewline bench`: a message of about 115 bytes, three attributes, three of ten with ids.
fn flat_line(i: u64) -> String {
    let context = if i % 10 < 3 {
        format!(
            ",\"trace_id\":\"{:032x}\",\"span_id\":\"{:016x}\"",
            u128::from(i / 10 + 1) << 64 | 0x9e37_79b9,
            (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
    } else {
        String::new()
    };
    format!(
        "{{\"time\":\"2023-11-14T22:13:20.{i:06}Z\",\"level\":\"info\",\"service\":\"checkout\",\"message\":\"GET \
         /api/v1/orders completed with status 200 in {} ms, upstream orders-{}.internal:{} answered after {} ms\",\
         \"host\":\"node-{:02}\",\"thread\":\"worker-{}\",\"region\":\"eu-west\"{context}}}\n",
        i % 300,
        i % 12,
        1024 + i % 60_000,
        i % 250,
        i % 40,
        i % 16
    )
}

fn main() -> std::io::Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.first().is_some_and(|first| first != "--only") {
        return measure_files(&files);
    }
    for (signal, name, body) in [(Signal::Logs, "logs", logs()), (Signal::Spans, "spans", spans())] {
        let decode = || decode_protobuf(signal, &body, &CONTEXT).expect("a good request").batch;
        measure(&format!("otlp {name}"), body.len(), decode);
        let mut json = String::new();
        match signal {
            Signal::Logs => encode::logs_json(&decode(), &mut json),
            _ => encode::spans_json(&decode(), &mut json),
        }
        measure(&format!("otlp json {name}"), json.len(), || {
            decode_json(signal, json.as_bytes(), &CONTEXT).expect("a good request").batch
        });
    }
    let lines: String = (0..RECORDS)
        .map(|i| {
            format!(
                "{{\"time\":\"2023-11-14T22:13:20.{:06}Z\",\"level\":\"info\",\"msg\":\"order {i} answered 200 in {} ms\",\
                 \"service\":\"checkout\",\"http\":{{\"method\":\"GET\",\"status\":200,\"path\":\"/api/v1/orders/{i}\"}},\
                 \"user_id\":{},\"cached\":true,\"trace_id\":\"5b8efff798038103d269b633813fc60c\"}}\n",
                i,
                i % 300,
                i * 7919
            )
        })
        .collect();
    let mapping = Mapping::default();
    measure("json lines", lines.len(), || {
        jsonl::decode(lines.as_bytes(), &mapping, &CONTEXT).expect("good lines").batch
    });
    let flat: String = (0..RECORDS).map(flat_line).collect();
    measure("flat json lines", flat.len(), || {
        jsonl::decode(flat.as_bytes(), &mapping, &CONTEXT).expect("good lines").batch
    });
    let plain: String = (0..RECORDS)
        .map(|i| format!("2023-11-14T22:13:20.{i:06}Z INFO order {i} answered 200 in {} ms\n", i % 300))
        .collect();
    measure("text", plain.len(), || text::decode(plain.as_bytes(), "checkout", &CONTEXT).expect("good lines").batch);
    let messages: Vec<String> = (0..RECORDS)
        .map(|i| format!("<165>1 2023-11-14T22:13:20.{i:06}Z host app 77 ID47 [a@1 x=\"{i}\"] order {i} answered 200"))
        .collect();
    measure("syslog", messages.iter().map(String::len).sum(), || {
        let mut collector = syslog::Collector::new();
        messages.iter().for_each(|message| collector.push(message.as_bytes(), &CONTEXT));
        collector.finish().batch
    });
    Ok(())
}
