//! OTLP bodies no exporter sends but attackers and broken clients do, and the leniency the specification asks for.

use clewline_model::attributes::Value;
use clewline_model::batch::Column;
use clewline_model::signal::{Signal, log, metric, span};
use clewline_protocol::otlp::{
    decode_json, decode_logs_json, decode_logs_protobuf, decode_protobuf, decode_traces_json,
};
use clewline_protocol::{Context, DecodeError, Decoded, Warnings};

const CONTEXT: Context<'_> = Context { now_ns: 7, node: "peer" };

/// A length-delimited field.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, number << 3 | 2);
    varint(&mut out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A request with one resource, one scope and these records.
fn request(records: &[Vec<u8>]) -> Vec<u8> {
    let records: Vec<u8> = records.iter().flat_map(|record| field(2, record)).collect();
    field(1, &field(2, &records))
}

fn logs(records: &[Vec<u8>]) -> Decoded {
    decode_logs_protobuf(&request(records), &CONTEXT).expect("the request is not refused")
}

fn body(decoded: &Decoded, row: usize) -> &str {
    decoded.batch.columns[log::BODY].text(row)
}

/// An `AnyValue` of this many nested arrays.
fn nested(depth: usize) -> Vec<u8> {
    // Built from inside out, with lengths known before they are written.
    let mut value = Vec::new();
    for _ in 0..depth {
        value = field(5, &field(1, &value));
    }
    value
}

#[test]
fn an_empty_request_is_a_success() {
    for signal in clewline_model::signal::SIGNALS {
        for decoded in [decode_protobuf(signal, b"", &CONTEXT), decode_json(signal, b" {} ", &CONTEXT)] {
            let decoded = decoded.expect("empty is good");
            assert_eq!((decoded.batch.rows(), decoded.rejections.is_empty()), (0, true));
        }
    }
}

#[test]
fn fields_may_come_in_any_order_and_unknown_ones_are_skipped() {
    let text = |text: &str| field(5, &field(1, text.as_bytes()));
    let mut record = field(999, b"unknown");
    record.extend([0xf8, 0x3f, 0x05]);
    record.extend(text("hello"));
    let service = field(1, &[field(2, &field(1, b"shop")), field(1, b"service.name")].concat());
    let scope = field(1, &field(1, b"lib"));
    let scope_logs = [field(2, &record), field(3, b"url"), scope].concat();
    let resource_logs = [field(2, &scope_logs), field(77, b""), field(1, &service)].concat();
    let decoded = decode_logs_protobuf(&field(1, &resource_logs), &CONTEXT).expect("good");
    let columns = &decoded.batch.columns;
    assert_eq!(body(&decoded, 0), "hello");
    assert_eq!((columns[log::SERVICE].text(0), columns[log::SCOPE_NAME].text(0)), ("shop", "lib"));
    let json = r#"{"x":[{"y":{}}],"resourceLogs":[{"scopeLogs":[{"logRecords":[{"z":1,"body":{"stringValue":"hello"}}],
        "schemaUrl":"url","scope":{"name":"lib"}}],"resource":{"attributes":[{"value":{"stringValue":"shop"},"key":"service.name"}]}}]}"#;
    let again = decode_logs_json(json.as_bytes(), &CONTEXT).expect("good");
    assert_eq!(decoded.batch.columns, again.batch.columns);
    assert_eq!(again.batch.scopes.get(1, 0), Some(Value::Text("url")));
}

#[test]
fn deep_values_refuse_their_record_only() {
    let good = field(5, &field(1, b"good"));
    let as_attribute = |value: &[u8]| field(6, &[field(1, b"k"), field(2, value)].concat());
    let decoded =
        logs(&[good.clone(), field(5, &nested(10_000)), as_attribute(&nested(65)), as_attribute(&nested(64)), good]);
    assert_eq!((decoded.batch.rows(), decoded.rejections.rejected), (3, 2));
    let reasons: Vec<_> = decoded.rejections.reasons.iter().map(|reason| reason.place.as_str()).collect();
    assert_eq!(
        reasons,
        ["resource_logs[0].scope_logs[0].log_records[1]", "resource_logs[0].scope_logs[0].log_records[2]"]
    );
    let deep = |depth: usize| {
        let value = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(depth), "]}}".repeat(depth));
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}},{{}}]}}]}}]}}"#)
    };
    for (depth, rows) in [(64, 2), (65, 1), (10_000, 1)] {
        let decoded = decode_logs_json(deep(depth).as_bytes(), &CONTEXT).expect("one record is bad");
        assert_eq!(decoded.batch.rows(), rows, "{depth}");
    }
    let resource = field(1, &field(1, &[field(1, b"k"), field(2, &nested(100))].concat()));
    let bytes = field(1, &[resource, field(2, &field(2, b""))].concat());
    let decoded = decode_logs_protobuf(&bytes, &CONTEXT).expect("good");
    assert_eq!((decoded.batch.rows(), decoded.rejections.warnings.attributes_dropped), (1, 1));
}

#[test]
fn text_that_is_not_utf8_is_kept_and_counted() {
    let decoded = logs(&[field(5, &field(1, b"a\xffb"))]);
    assert_eq!(body(&decoded, 0), "a\u{fffd}b");
    assert_eq!(decoded.rejections.warnings, Warnings { text_repaired: 1, ..Warnings::default() });
    assert_eq!(decoded.rejections.message(), "1 texts were not UTF-8 and were repaired");
}

#[test]
fn large_records_are_trimmed_and_counted() {
    let pair = field(6, &[field(1, b"k"), field(2, &field(1, b"v"))].concat());
    let many = pair.repeat(5000);
    let long = field(5, &field(1, &vec![b'x'; 3 << 20]));
    let decoded = logs(&[many, long]);
    assert_eq!(decoded.batch.attributes.row(0).count(), 2000);
    assert_eq!(body(&decoded, 1).len(), 1 << 20);
    let warnings = decoded.rejections.warnings;
    assert_eq!((warnings.attributes_dropped, warnings.values_cut), (3000, 1));
}

#[test]
fn a_body_that_multiplies_is_refused_in_bounded_memory() {
    let service = field(1, &[field(1, b"service.name"), field(2, &field(1, &vec![b's'; 1 << 20]))].concat());
    let records = field(2, &field(2, b"").repeat(1 << 20));
    let bytes = field(1, &[field(1, &service), records].concat());
    let error = decode_logs_protobuf(&bytes, &CONTEXT).expect_err("4 GiB of services");
    assert!(error.is_too_large(), "{error}");
}

#[test]
fn metadata_does_not_multiply() {
    let point = || field(1, &[]);
    let metadata = |bytes: usize| field(12, &[field(1, b"k"), field(2, &field(1, &vec![b'x'; bytes]))].concat());
    for (bytes, kept, dropped) in [(100, 1, 0), (1 << 20, 0, 1)] {
        let metric = [metadata(bytes), field(5, &point().repeat(1000))].concat();
        let decoded = decode_protobuf(Signal::Metrics, &request(&[metric]), &CONTEXT).expect("good");
        assert_eq!(decoded.batch.rows(), 1000);
        assert_eq!(decoded.batch.attributes.row(999).count(), kept);
        assert_eq!(decoded.rejections.warnings.attributes_dropped, dropped);
        let json = format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"gauge":{{"dataPoints":[{{}},{{}}]}},
            "metadata":[{{"key":"k","value":{{"stringValue":"{}"}}}}]}}]}}]}}]}}"#,
            "x".repeat(bytes)
        );
        let decoded = decode_json(Signal::Metrics, json.as_bytes(), &CONTEXT).expect("good");
        assert_eq!(decoded.batch.attributes.row(1).count(), kept);
        assert_eq!(decoded.rejections.warnings.attributes_dropped, dropped);
    }
}

#[test]
fn times_beyond_64_bits_with_sign_refuse_their_record() {
    let time = |time: u64| [&[0x09][..], &time.to_le_bytes()].concat();
    let decoded = logs(&[time(u64::MAX), time(i64::MAX as u64), time(0)]);
    assert_eq!(decoded.batch.times(), [i64::MAX, 7]);
    assert_eq!(decoded.rejections.rejected, 1);
}

#[test]
fn spans_without_valid_ids_are_refused_with_the_reason() {
    let span = |trace: &str, span: &str, more: &str| format!(r#"{{"traceId":"{trace}","spanId":"{span}"{more}}}"#);
    let (trace, id) = ("5B8EFFF798038103D269B633813FC60C", "EEE19B7EC3C1B174");
    let spans = [
        span(
            trace,
            id,
            r#","startTimeUnixNano":"10","endTimeUnixNano":25,"kind":2,"status":{"code":"STATUS_CODE_ERROR"}"#,
        ),
        span("", id, ""),
        span(&"0".repeat(32), id, ""),
        span(trace, "abc", ""),
        span(
            trace,
            id,
            r#","startTimeUnixNano":30,"endTimeUnixNano":"20","kind":"SPAN_KIND_CLIENT","parentSpanId":"00""#,
        ),
        span(trace, id, r#","startTimeUnixNano":30"#),
        span(trace, id, r#","name":5"#),
    ]
    .join(",");
    let json = format!(r#"{{"resource_spans":[{{"scope_spans":[{{"spans":[{spans}]}}]}}]}}"#);
    let decoded = decode_traces_json(json.as_bytes(), &CONTEXT).expect("good spans are kept");
    let columns = &decoded.batch.columns;
    assert_eq!(columns[span::DURATION_NS].ints(), [15, 0, i64::MIN]);
    assert_eq!((columns[span::KIND].text(0), columns[span::KIND].text(1)), ("server", "client"));
    assert_eq!(columns[span::STATUS].text(0), "error");
    let Column::Id8(ids) = &columns[span::SPAN_ID] else { panic!("a column of ids") };
    assert_eq!(ids[0], [0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74]);
    let reasons: Vec<_> = decoded.rejections.reasons.iter().map(|reason| &*reason.message).collect();
    assert_eq!(
        reasons,
        [
            "trace_id is missing",
            "trace_id is not 16 bytes that are not all zero",
            "span_id is not 8 bytes that are not all zero",
            "a field that holds text has another type",
        ]
    );
    let warnings = decoded.rejections.warnings;
    assert_eq!((warnings.durations_clamped, warnings.ids_dropped), (1, 1));
}

#[test]
fn json_numbers_enums_and_bytes_come_in_many_forms() {
    let record = r#"{"timeUnixNano":1.7e18,"observedTimeUnixNano":" 5 ","severityNumber":"SEVERITY_NUMBER_WARN2",
        "flags":null,"traceId":null,"body":null,"unknown":[{}],"attributes":[
        {"key":"i","value":{"intValue":"-9223372036854775808"}},{"key":"n","value":{"intValue":7}},
        {"key":"d","value":{"doubleValue":"NaN"}},{"key":"e","value":{"doubleValue":3}},
        {"key":"b","value":{"bytesValue":"_-8"}},{"key":"k","value":{"kvlistValue":{"values":[{"value":{"boolValue":true},"key":"x"}]}}},
        {"key":"z","value":{}},{"key":"u"}]}"#;
    let json = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
    let decoded = decode_logs_json(json.as_bytes(), &CONTEXT).expect("lenient");
    assert!(decoded.rejections.is_empty(), "{:?}", decoded.rejections);
    let ints = |column: usize| decoded.batch.columns[column].ints()[0];
    assert_eq!(ints(log::TIME), 1_700_000_000_000_000_000);
    assert_eq!((ints(log::OBSERVED_TIME), ints(log::SEVERITY_NUMBER)), (5, 14));
    let mut attributes = String::new();
    decoded.batch.attributes.push_json(0, &mut attributes);
    assert_eq!(
        attributes,
        r#"{"i":-9223372036854775808,"n":7,"d":{"$double":"NaN"},"e":3.0,"b":{"$bytes":"/+8="},"k":{"x":true},"z":null,"u":null}"#
    );
}

#[test]
fn packed_and_single_numbers_are_the_same() {
    let double = |number: u8, value: f64| [&[number << 3 | 1][..], &value.to_le_bytes()].concat();
    let fixed = |number: u8, value: u64| [&[number << 3 | 1][..], &value.to_le_bytes()].concat();
    let packed =
        [field(6, &[1u64.to_le_bytes(), 2u64.to_le_bytes()].concat()), field(7, &0.5f64.to_le_bytes())].concat();
    let single = [fixed(6, 1), double(7, 0.5), fixed(6, 2)].concat();
    for point in [packed, single] {
        let metric = [field(1, b"m"), field(9, &field(1, &point))].concat();
        let decoded = decode_protobuf(Signal::Metrics, &request(&[metric]), &CONTEXT).expect("good");
        assert_eq!(decoded.batch.columns[metric::BUCKETS].text(0), r#"{"bounds":[0.5],"counts":[1,2]}"#);
    }
}

#[test]
fn broken_requests_are_refused_with_the_place() {
    for (json, offset) in [("[]", 0), ("{\"resourceLogs\":5}", 16), ("{\"resourceLogs\":[{]}", 18), ("{} x", 3)] {
        match decode_logs_json(json.as_bytes(), &CONTEXT) {
            Err(DecodeError::Malformed { offset: at, .. }) => assert_eq!(at, offset, "{json}"),
            other => panic!("{json}: {other:?}"),
        }
    }
    let error = decode_logs_protobuf(b"\x0a\x04\x12\x7f\x00\x00", &CONTEXT).expect_err("a length is wrong");
    assert_eq!(error.to_string(), "malformed at byte 4: a length reaches beyond its message");
    assert!(decode_logs_protobuf(b"{}", &CONTEXT).is_err());
}
