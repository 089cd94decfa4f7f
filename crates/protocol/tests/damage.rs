//! Every byte of small real requests flipped, and every length they can be cut to: each decoder refuses or gives a batch
//! whose columns agree, never a panic.
#![allow(clippy::unwrap_used, reason = "tests")]

use clewline_model::signal::{SIGNALS, Signal};
use clewline_protocol::jsonl::{self, Mapping};
use clewline_protocol::{Context, DecodeError, Decoded, otlp, syslog};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message;

const CONTEXT: Context<'static> = Context { now_ns: 1_780_000_000_000_000_000, node: "10.0.0.9" };
const TIME: u64 = 1_780_000_000_000_000_000;

/// Decodes the body as it is, with each byte changed in three ways, and cut everywhere; the whole one must have rows.
fn damage(what: &str, body: &[u8], decode: impl Fn(&[u8]) -> Result<Decoded, DecodeError>) {
    let whole = decode(body).unwrap();
    assert!(whole.batch.rows() > 0 && whole.batch.check(), "{what}: {:?}", whole.rejections);
    let check = |bytes: &[u8], case: String| {
        if let Ok(decoded) = decode(bytes) {
            assert!(decoded.batch.check(), "{what}, {case}: the columns of the batch disagree");
        }
    };
    for at in 0..body.len() {
        for flip in [1, 0x20, 0xff] {
            let mut bytes = body.to_vec();
            bytes[at] ^= flip;
            check(&bytes, format!("byte {at} ^ {flip}"));
        }
        check(&body[..at], format!("cut at {at}"));
    }
}

fn attributes() -> Vec<KeyValue> {
    let one = |key: &str, value: Value| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    vec![
        one("http.method", Value::StringValue("GET".into())),
        one("n", Value::IntValue(-7)),
        one("ratio", Value::DoubleValue(0.25)),
        one("ok", Value::BoolValue(true)),
        one("blob", Value::BytesValue(vec![0, 255])),
    ]
}

fn protobuf(signal: Signal) -> Vec<u8> {
    match signal {
        Signal::Logs => {
            let body = Some(AnyValue { value: Some(Value::StringValue("连接 refused".into())) });
            let record = LogRecord {
                time_unix_nano: TIME,
                severity_number: 17,
                body,
                attributes: attributes(),
                ..LogRecord::default()
            };
            let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
            let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
            LogsData { resource_logs: vec![resource] }.encode_to_vec()
        }
        Signal::Spans => {
            let span = Span {
                trace_id: vec![1; 16],
                span_id: vec![2; 8],
                name: "GET /".into(),
                start_time_unix_nano: TIME,
                end_time_unix_nano: TIME + 5,
                attributes: attributes(),
                ..Span::default()
            };
            let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
            let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
            TracesData { resource_spans: vec![resource] }.encode_to_vec()
        }
        Signal::Metrics => {
            let value = Some(number_data_point::Value::AsDouble(1.5));
            let point =
                NumberDataPoint { time_unix_nano: TIME, value, attributes: attributes(), ..NumberDataPoint::default() };
            let data = Some(metric::Data::Gauge(Gauge { data_points: vec![point] }));
            let scope = ScopeMetrics {
                metrics: vec![Metric { name: "m".into(), data, ..Metric::default() }],
                ..ScopeMetrics::default()
            };
            let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
            MetricsData { resource_metrics: vec![resource] }.encode_to_vec()
        }
    }
}

#[test]
fn otlp_in_protobuf() {
    for signal in SIGNALS {
        damage(signal.name(), &protobuf(signal), |body| otlp::decode_protobuf(signal, body, &CONTEXT));
    }
}

#[test]
fn otlp_in_json() {
    let logs = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1780000000000000000","severityNumber":17,
        "body":{"stringValue":"连接 \"refused\""},"attributes":[{"key":"n","value":{"intValue":"-7"}},
        {"key":"list","value":{"arrayValue":{"values":[{"doubleValue":0.25},{"boolValue":true}]}}}]}]}]}]}"#;
    damage("logs", logs.as_bytes(), |body| otlp::decode_json(Signal::Logs, body, &CONTEXT));
    let spans = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01010101010101010101010101010101",
        "spanId":"0202020202020202","name":"GET","startTimeUnixNano":1780000000000000000,
        "endTimeUnixNano":"1780000000000000005","kind":2,"events":[{"name":"x","timeUnixNano":"1"}]}]}]}]}"#;
    damage("spans", spans.as_bytes(), |body| otlp::decode_json(Signal::Spans, body, &CONTEXT));
}

#[test]
fn json_lines() {
    let mapping = Mapping::default();
    let lines = "{\"time\":\"2026-05-28T20:26:40Z\",\"level\":\"warn\",\"msg\":\"连接 \\u00e9\\n\",\"a\":{\"b\":[1,2.5e3,null]}}\n\
                 {\"ts\":1780000000,\"message\":\"x\",\"n\":-7}\n";
    damage("lines", lines.as_bytes(), |body| jsonl::decode(body, &mapping, &CONTEXT));
    damage("array", br#"[{"msg":"a","n":1},{"msg":"b"}]"#, |body| jsonl::decode(body, &mapping, &CONTEXT));
}

#[test]
fn syslog_of_both_kinds() {
    for message in [
        "<165>1 2026-05-28T20:26:40.003Z host app 42 ID47 [ex@1 k=\"v \\\"q\\\"\" e=\"\"][x] \u{feff}连接 refused",
        "<34>May 28 20:26:40 host su[17]: 'su root' failed",
    ] {
        damage(message, message.as_bytes(), |body| Ok(syslog::decode_datagram(body, &CONTEXT)));
    }
}
