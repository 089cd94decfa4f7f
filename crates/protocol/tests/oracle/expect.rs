//! What the rows of a request must be, written down a second time over the decoded message tree.

use clewline_model::attributes::Value as Stored;
use clewline_model::json;
use clewline_model::signal::{level_of_severity, level_of_text};
use clewline_model::text::hex;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric, ResourceMetrics, exemplar, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, span};

pub(crate) const NOW: i64 = 1_800_000_000_000_000_000;

/// Cells of one row, in a form both sides can print: absent is empty.
pub(crate) type Row = Vec<String>;

/// Rows and the count of refused records.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) rows: Vec<Row>,
    pub(crate) rejected: u64,
}

fn push_any(value: Option<&AnyValue>, out: &mut String) {
    match value.and_then(|any| any.value.as_ref()) {
        None => out.push_str("null"),
        Some(Value::StringValue(text)) => json::push_string(out, text),
        Some(Value::BoolValue(bool)) => out.push_str(&bool.to_string()),
        Some(Value::IntValue(int)) => out.push_str(&int.to_string()),
        Some(Value::DoubleValue(double)) => json::push_double(out, *double),
        Some(Value::BytesValue(bytes)) => json::push_bytes(out, bytes),
        Some(Value::ArrayValue(array)) => {
            let items: Vec<String> = array.values.iter().map(|value| any_json(Some(value))).collect();
            out.push_str(&format!("[{}]", items.join(",")));
        }
        Some(Value::KvlistValue(list)) => out.push_str(&object(&list.values)),
        Some(other) => panic!("not generated: {other:?}"),
    }
}

fn any_json(value: Option<&AnyValue>) -> String {
    let mut out = String::new();
    push_any(value, &mut out);
    out
}

fn object(pairs: &[KeyValue]) -> String {
    let members: Vec<String> =
        pairs.iter().map(|pair| format!("{}:{}", quoted(&pair.key), any_json(pair.value.as_ref()))).collect();
    format!("{{{}}}", members.join(","))
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::push_string(&mut out, text);
    out
}

/// An attribute as the batch prints it.
fn stored(value: Option<&AnyValue>) -> String {
    let text = any_json(value);
    let value = match value.and_then(|any| any.value.as_ref()) {
        None => Stored::Null,
        Some(Value::StringValue(text)) => Stored::Text(text),
        Some(Value::BoolValue(bool)) => Stored::Bool(*bool),
        Some(Value::IntValue(int)) => Stored::Int(*int),
        Some(Value::DoubleValue(double)) => Stored::Double(*double),
        Some(Value::BytesValue(bytes)) => Stored::Bytes(bytes),
        Some(_) => Stored::Json(&text),
    };
    format!("{value:?}")
}

fn attributes(pairs: &[KeyValue], prefix: &str, extra: &[(&str, String)]) -> String {
    let mut out: Vec<String> =
        pairs.iter().map(|pair| format!("{prefix}{}={}", pair.key, stored(pair.value.as_ref()))).collect();
    out.extend(extra.iter().map(|(name, value)| format!("{name}={value}")));
    out.join("; ")
}

fn kept(dropped: u32, schema_url: &str) -> Vec<(&'static str, String)> {
    let mut extra = Vec::new();
    if dropped != 0 {
        extra.push(("otel.dropped_attributes_count", format!("{:?}", Stored::Int(i64::from(dropped)))));
    }
    if !schema_url.is_empty() {
        extra.push(("otel.schema_url", format!("{:?}", Stored::Text(schema_url))));
    }
    extra
}

/// What the records of a scope share: service, scope name and version, both attribute lists.
struct Shared([String; 5]);

fn shared(resource: Option<&Resource>, url: &str, scope: Option<&InstrumentationScope>, scope_url: &str) -> Shared {
    let resource = resource.cloned().unwrap_or_default();
    let scope = scope.cloned().unwrap_or_default();
    let texts = resource.attributes.iter().filter(|pair| pair.key == "service.name");
    let mut service = texts.map(|pair| match &pair.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text.clone(),
        _ => String::new(),
    });
    Shared([
        service.next().unwrap_or_default(),
        scope.name.clone(),
        scope.version.clone(),
        attributes(&resource.attributes, "", &kept(resource.dropped_attributes_count, url)),
        attributes(&scope.attributes, "", &kept(scope.dropped_attributes_count, scope_url)),
    ])
}

fn valid(id: &[u8], length: usize) -> bool {
    id.len() == length && id.iter().any(|byte| *byte != 0)
}

fn id(id: &[u8], length: usize) -> String {
    if valid(id, length) { hex(id) } else { String::new() }
}

fn int(value: i64) -> String {
    if value == 0 { String::new() } else { value.to_string() }
}

fn fits(times: &[u64]) -> bool {
    times.iter().all(|time| i64::try_from(*time).is_ok())
}

fn double(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| format!("{value:?}"))
}

fn members(parts: &[(&str, String)]) -> String {
    let parts: Vec<String> =
        parts.iter().filter(|(_, json)| !json.is_empty()).map(|(name, json)| format!("\"{name}\":{json}")).collect();
    format!("{{{}}}", parts.join(","))
}

fn list(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!("[{}]", items.join(",")) }
}

fn unless_empty(text: &str) -> String {
    if text.is_empty() { String::new() } else { quoted(text) }
}

fn object_or_empty(pairs: &[KeyValue]) -> String {
    if pairs.is_empty() { String::new() } else { object(pairs) }
}

fn unsigned(value: u64) -> String {
    if value == 0 { String::new() } else { value.to_string() }
}

pub(crate) fn logs(request: &[ResourceLogs]) -> Expected {
    let mut expected = Expected::default();
    for resource in request {
        for scope in &resource.scope_logs {
            let shared =
                shared(resource.resource.as_ref(), &resource.schema_url, scope.scope.as_ref(), &scope.schema_url);
            for record in &scope.log_records {
                if fits(&[record.time_unix_nano, record.observed_time_unix_nano]) {
                    expected.rows.push(log(record, &shared));
                } else {
                    expected.rejected += 1;
                }
            }
        }
    }
    expected
}

fn log(record: &LogRecord, Shared([service, name, version, resource, scope]): &Shared) -> Row {
    let times = [record.time_unix_nano, record.observed_time_unix_nano, NOW as u64];
    let time = times.iter().find(|time| **time != 0).expect("now is not zero");
    let mut number = i64::from(record.severity_number);
    let mut level = level_of_severity(number);
    if let (true, Some((word, of_word))) = (level.is_empty(), level_of_text(&record.severity_text)) {
        level = word;
        number = if number == 0 { of_word } else { number };
    }
    let (body, kind) = match record.body.as_ref().and_then(|any| any.value.as_ref()) {
        None => (String::new(), 0),
        Some(Value::StringValue(text)) => (text.clone(), 0),
        Some(Value::IntValue(int)) => (int.to_string(), 1),
        Some(Value::DoubleValue(double)) => (format!("{double}"), 2),
        Some(Value::BoolValue(bool)) => (bool.to_string(), 3),
        Some(Value::BytesValue(bytes)) => {
            let mut text = String::new();
            json::push_base64(&mut text, bytes);
            (text, 4)
        }
        Some(_) => (any_json(record.body.as_ref()), 5),
    };
    vec![
        time.to_string(),
        unsigned(record.observed_time_unix_nano),
        service.clone(),
        level.to_owned(),
        body,
        int(kind),
        "peer".into(),
        id(&record.trace_id, 16),
        id(&record.span_id, 8),
        int(number),
        record.severity_text.clone(),
        record.event_name.clone(),
        int(record.flags.into()),
        name.clone(),
        version.clone(),
        int(record.dropped_attributes_count.into()),
        attributes(&record.attributes, "", &[]),
        resource.clone(),
        scope.clone(),
    ]
}

pub(crate) fn spans(request: &[ResourceSpans]) -> Expected {
    let mut expected = Expected::default();
    for resource in request {
        for scope in &resource.scope_spans {
            let shared =
                shared(resource.resource.as_ref(), &resource.schema_url, scope.scope.as_ref(), &scope.schema_url);
            for record in &scope.spans {
                let good = fits(&[record.start_time_unix_nano, record.end_time_unix_nano])
                    && valid(&record.trace_id, 16)
                    && valid(&record.span_id, 8);
                if good {
                    expected.rows.push(span(record, &shared));
                } else {
                    expected.rejected += 1;
                }
            }
        }
    }
    expected
}

fn span(record: &Span, Shared([service, name, version, resource, scope]): &Shared) -> Row {
    let (start, end) = (record.start_time_unix_nano as i64, record.end_time_unix_nano as i64);
    let time = [start, end, NOW].into_iter().find(|time| *time != 0).expect("now is not zero");
    let duration = if end == 0 { String::new() } else { if start == 0 { 0 } else { (end - start).max(0) }.to_string() };
    let status = record.status.clone().unwrap_or_default();
    let events: Vec<String> = record.events.iter().map(event).collect();
    let links: Vec<String> = record.links.iter().map(link).collect();
    vec![
        time.to_string(),
        duration,
        service.clone(),
        record.name.clone(),
        ["", "internal", "server", "client", "producer", "consumer", ""][record.kind as usize].into(),
        ["unset", "ok", "error"][status.code as usize].into(),
        status.message,
        id(&record.trace_id, 16),
        id(&record.span_id, 8),
        id(&record.parent_span_id, 8),
        record.trace_state.clone(),
        int(record.flags.into()),
        list(&events),
        list(&links),
        "peer".into(),
        name.clone(),
        version.clone(),
        int(record.dropped_attributes_count.into()),
        int(record.dropped_events_count.into()),
        int(record.dropped_links_count.into()),
        attributes(&record.attributes, "", &[]),
        resource.clone(),
        scope.clone(),
    ]
}

fn event(event: &span::Event) -> String {
    members(&[
        ("time_ns", unsigned(event.time_unix_nano)),
        ("name", unless_empty(&event.name)),
        ("attributes", object_or_empty(&event.attributes)),
        ("dropped_attributes", unsigned(event.dropped_attributes_count.into())),
    ])
}

fn link(link: &span::Link) -> String {
    members(&[
        ("trace_id", unless_empty(&id(&link.trace_id, 16))),
        ("span_id", unless_empty(&id(&link.span_id, 8))),
        ("trace_state", unless_empty(&link.trace_state)),
        ("attributes", object_or_empty(&link.attributes)),
        ("flags", unsigned(link.flags.into())),
        ("dropped_attributes", unsigned(link.dropped_attributes_count.into())),
    ])
}

pub(crate) fn metrics(request: &[ResourceMetrics]) -> Expected {
    let mut expected = Expected::default();
    for resource in request {
        for scope in &resource.scope_metrics {
            let shared =
                shared(resource.resource.as_ref(), &resource.schema_url, scope.scope.as_ref(), &scope.schema_url);
            for metric in &scope.metrics {
                points(metric, &shared, &mut expected);
            }
        }
    }
    expected
}

/// The cells that differ between the kinds of points.
#[derive(Default)]
struct Point {
    times: [u64; 2],
    attributes: Vec<KeyValue>,
    value: Option<f64>,
    value_int: Option<i64>,
    count: Option<u64>,
    doubles: [Option<f64>; 3],
    buckets: String,
    quantiles: String,
    exemplars: Vec<Exemplar>,
    flags: u32,
}

fn points(metric: &Metric, shared: &Shared, expected: &mut Expected) {
    let (kind, temporality, monotonic, points) = match &metric.data {
        None => return,
        Some(metric::Data::Gauge(data)) => ("gauge", 0, false, numbers(&data.data_points)),
        Some(metric::Data::Sum(data)) => {
            ("sum", data.aggregation_temporality, data.is_monotonic, numbers(&data.data_points))
        }
        Some(metric::Data::Histogram(data)) => ("histogram", data.aggregation_temporality, false, histograms(data)),
        Some(metric::Data::ExponentialHistogram(data)) => {
            ("exponential_histogram", data.aggregation_temporality, false, exponentials(data))
        }
        Some(metric::Data::Summary(data)) => ("summary", 0, false, summaries(data)),
    };
    for point in points {
        if !fits(&point.times) || point.count.is_some_and(|count| i64::try_from(count).is_err()) {
            expected.rejected += 1;
            continue;
        }
        let Shared([service, name, version, resource, scope]) = shared;
        let [start, time] = point.times;
        let exemplars: Vec<String> = point.exemplars.iter().map(exemplar).collect();
        let metadata = attributes(&metric.metadata, "otel.metadata.", &[]);
        let own = attributes(&point.attributes, "", &[]);
        let all: Vec<String> = [own, metadata].into_iter().filter(|part| !part.is_empty()).collect();
        expected.rows.push(vec![
            if time == 0 { NOW.to_string() } else { time.to_string() },
            unsigned(start),
            service.clone(),
            metric.name.clone(),
            metric.unit.clone(),
            metric.description.clone(),
            kind.into(),
            ["", "delta", "cumulative"][temporality as usize].into(),
            int(monotonic.into()),
            double(point.value),
            point.value_int.map_or(String::new(), |int| int.to_string()),
            point.count.map_or(String::new(), |count| count.to_string()),
            double(point.doubles[0]),
            double(point.doubles[1]),
            double(point.doubles[2]),
            point.buckets,
            point.quantiles,
            list(&exemplars),
            int(point.flags.into()),
            "peer".into(),
            name.clone(),
            version.clone(),
            all.join("; "),
            resource.clone(),
            scope.clone(),
        ]);
    }
}

fn exemplar(exemplar: &Exemplar) -> String {
    let value = match exemplar.value {
        None => String::new(),
        Some(exemplar::Value::AsInt(int)) => int.to_string(),
        Some(exemplar::Value::AsDouble(double)) => number(double),
    };
    members(&[
        ("time_ns", unsigned(exemplar.time_unix_nano)),
        ("value", value),
        ("trace_id", unless_empty(&id(&exemplar.trace_id, 16))),
        ("span_id", unless_empty(&id(&exemplar.span_id, 8))),
        ("attributes", object_or_empty(&exemplar.filtered_attributes)),
    ])
}

fn number(value: f64) -> String {
    let mut out = String::new();
    json::push_double(&mut out, value);
    out
}

fn numbers(points: &[opentelemetry_proto::tonic::metrics::v1::NumberDataPoint]) -> Vec<Point> {
    let point = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        let (value, value_int) = match point.value {
            None => (None, None),
            Some(number_data_point::Value::AsDouble(double)) => (Some(double), None),
            Some(number_data_point::Value::AsInt(int)) => (Some(int as f64), Some(int)),
        };
        Point {
            times: [point.start_time_unix_nano, point.time_unix_nano],
            attributes: point.attributes.clone(),
            value,
            value_int,
            exemplars: point.exemplars.clone(),
            flags: point.flags,
            ..Point::default()
        }
    };
    points.iter().map(point).collect()
}

fn joined<T>(values: &[T], print: impl Fn(&T) -> String) -> String {
    values.iter().map(print).collect::<Vec<_>>().join(",")
}

fn histograms(data: &opentelemetry_proto::tonic::metrics::v1::Histogram) -> Vec<Point> {
    let point = |point: &opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint| {
        let bounds = joined(&point.explicit_bounds, |bound| number(*bound));
        let counts = joined(&point.bucket_counts, u64::to_string);
        let empty = bounds.is_empty() && counts.is_empty();
        Point {
            times: [point.start_time_unix_nano, point.time_unix_nano],
            attributes: point.attributes.clone(),
            count: Some(point.count),
            doubles: [point.sum, point.min, point.max],
            buckets: if empty { String::new() } else { format!("{{\"bounds\":[{bounds}],\"counts\":[{counts}]}}") },
            exemplars: point.exemplars.clone(),
            flags: point.flags,
            ..Point::default()
        }
    };
    data.data_points.iter().map(point).collect()
}

fn exponentials(data: &opentelemetry_proto::tonic::metrics::v1::ExponentialHistogram) -> Vec<Point> {
    let side = |side: &Option<Buckets>| match side {
        None => String::new(),
        Some(side) => {
            format!("{{\"offset\":{},\"counts\":[{}]}}", side.offset, joined(&side.bucket_counts, u64::to_string))
        }
    };
    let point = |point: &opentelemetry_proto::tonic::metrics::v1::ExponentialHistogramDataPoint| Point {
        times: [point.start_time_unix_nano, point.time_unix_nano],
        attributes: point.attributes.clone(),
        count: Some(point.count),
        doubles: [point.sum, point.min, point.max],
        buckets: members(&[
            ("scale", point.scale.to_string()),
            ("zero_count", point.zero_count.to_string()),
            ("zero_threshold", if point.zero_threshold == 0.0 { String::new() } else { number(point.zero_threshold) }),
            ("positive", side(&point.positive)),
            ("negative", side(&point.negative)),
        ]),
        exemplars: point.exemplars.clone(),
        flags: point.flags,
        ..Point::default()
    };
    data.data_points.iter().map(point).collect()
}

fn summaries(data: &opentelemetry_proto::tonic::metrics::v1::Summary) -> Vec<Point> {
    let point = |point: &opentelemetry_proto::tonic::metrics::v1::SummaryDataPoint| {
        let quantiles: Vec<String> = point
            .quantile_values
            .iter()
            .map(|at| format!("{{\"quantile\":{},\"value\":{}}}", number(at.quantile), number(at.value)))
            .collect();
        Point {
            times: [point.start_time_unix_nano, point.time_unix_nano],
            attributes: point.attributes.clone(),
            count: Some(point.count),
            doubles: [Some(point.sum), None, None],
            quantiles: list(&quantiles),
            flags: point.flags,
            ..Point::default()
        }
    };
    data.data_points.iter().map(point).collect()
}
