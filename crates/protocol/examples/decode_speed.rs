//! Records a second of one core, by decoder: `cargo run --release -p clewline-protocol --example decode_speed`.
//!
//! Each body holds 10 000 records of the shape SDKs and loggers send (8 attributes, about 300 bytes). The figure is the
//! best of several rounds, since anything slower is another program on the same core.

#![allow(clippy::print_stdout, reason = "an example prints its result")]

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
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let batch = decode();
        best = best.min(start.elapsed().as_secs_f64());
        assert_eq!(batch.rows() as u64, RECORDS);
    }
    let records = RECORDS as f64 / best / 1e6;
    let mib = body_bytes as f64 / best / f64::from(1 << 20);
    println!("{name:<16} {records:6.2} M records/s {mib:7.0} MiB/s  ({} bytes a record)", body_bytes as u64 / RECORDS);
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

fn main() {
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
}
