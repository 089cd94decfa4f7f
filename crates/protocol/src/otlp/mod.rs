//! OTLP 1.x: requests of the three signals, as protobuf and as JSON, to batches; answers; and batches back to OTLP.
//!
//! Source: opentelemetry-proto v1 (`logs.proto`, `trace.proto`, `metrics.proto`, `common.proto`, `resource.proto`) and
//! its docs/specification.md.

pub mod encode;
mod json;
mod parts;
mod protobuf;
pub mod response;
mod wire;

use clewline_model::signal::Signal;

use crate::record::RawPoint;
use crate::{Context, DecodeError, Decoded};

/// The resource attribute that names the service.
const SERVICE_KEY: &str = "service.name";

/// Attribute of a resource or scope that keeps its schema URL.
const SCHEMA_URL_KEY: &str = "otel.schema_url";

/// Attribute of a resource or scope that keeps how many attributes its producer dropped.
const DROPPED_ATTRIBUTES_KEY: &str = "otel.dropped_attributes_count";

/// Prefix of the point attributes that keep the metadata of their metric.
const METADATA_PREFIX: &str = "otel.metadata.";

/// Decodes an `Export<Signal>ServiceRequest` in protobuf. An empty body is an empty request.
pub fn decode_protobuf(signal: Signal, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    protobuf::decode(signal, body, context)
}

/// Decodes an `Export<Signal>ServiceRequest` in OTLP JSON. An empty body is an empty request.
pub fn decode_json(signal: Signal, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    json::decode(signal, body, context)
}

/// Decodes an `ExportLogsServiceRequest`.
pub fn decode_logs_protobuf(body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    decode_protobuf(Signal::Logs, body, context)
}

/// Decodes an `ExportTraceServiceRequest`.
pub fn decode_traces_protobuf(body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    decode_protobuf(Signal::Spans, body, context)
}

/// Decodes an `ExportMetricsServiceRequest`.
pub fn decode_metrics_protobuf(body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    decode_protobuf(Signal::Metrics, body, context)
}

/// Decodes an `ExportLogsServiceRequest` in OTLP JSON.
pub fn decode_logs_json(body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    decode_json(Signal::Logs, body, context)
}

/// Decodes an `ExportTraceServiceRequest` in OTLP JSON.
pub fn decode_traces_json(body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    decode_json(Signal::Spans, body, context)
}

/// Decodes an `ExportMetricsServiceRequest` in OTLP JSON.
pub fn decode_metrics_json(body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    decode_json(Signal::Metrics, body, context)
}

/// Texts that are reused from record to record.
#[derive(Debug, Default)]
struct Scratch {
    /// JSON of a log body.
    body: String,
    /// JSON of an attribute value.
    value: String,
    /// A composed attribute name.
    name: String,
    events: String,
    links: String,
    bounds: String,
    counts: String,
    exponential: parts::Exponential,
    point: RawPoint,
}

/// Where in a request a decoder is; printed in the names of the protobuf fields.
#[derive(Debug)]
struct Place {
    signal: Signal,
    resource: usize,
    scope: usize,
    record: usize,
    point: usize,
}

impl Place {
    fn new(signal: Signal) -> Place {
        Place { signal, resource: 0, scope: 0, record: 0, point: 0 }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { signal, resource, scope, record, point } = self;
        match signal {
            Signal::Logs => write!(f, "resource_logs[{resource}].scope_logs[{scope}].log_records[{record}]"),
            Signal::Spans => write!(f, "resource_spans[{resource}].scope_spans[{scope}].spans[{record}]"),
            Signal::Metrics => {
                write!(f, "resource_metrics[{resource}].scope_metrics[{scope}].metrics[{record}].data_points[{point}]")
            }
        }
    }
}
