//! OTLP 1.x: requests of the three signals, as protobuf and as JSON, to batches; answers; and batches back to OTLP.
//!
//! Source: opentelemetry-proto v1 (`logs.proto`, `trace.proto`, `metrics.proto`, `common.proto`, `resource.proto`) and
//! its docs/specification.md.

pub mod encode;
pub mod response;

use clewline_model::signal::Signal;

use crate::{Context, DecodeError, Decoded};

/// Decodes an `Export<Signal>ServiceRequest` in protobuf.
pub fn decode_protobuf(signal: Signal, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    match signal {
        Signal::Logs => decode_logs_protobuf(body, context),
        Signal::Spans => decode_traces_protobuf(body, context),
        Signal::Metrics => decode_metrics_protobuf(body, context),
    }
}

/// Decodes an `Export<Signal>ServiceRequest` in OTLP JSON.
pub fn decode_json(signal: Signal, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
    match signal {
        Signal::Logs => decode_logs_json(body, context),
        Signal::Spans => decode_traces_json(body, context),
        Signal::Metrics => decode_metrics_json(body, context),
    }
}

/// Decodes an `ExportLogsServiceRequest`.
pub fn decode_logs_protobuf(_body: &[u8], _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
/// Decodes an `ExportTraceServiceRequest`.
pub fn decode_traces_protobuf(_body: &[u8], _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
/// Decodes an `ExportMetricsServiceRequest`.
pub fn decode_metrics_protobuf(_body: &[u8], _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
/// Decodes an `ExportLogsServiceRequest` in OTLP JSON.
pub fn decode_logs_json(_body: &[u8], _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
/// Decodes an `ExportTraceServiceRequest` in OTLP JSON.
pub fn decode_traces_json(_body: &[u8], _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
/// Decodes an `ExportMetricsServiceRequest` in OTLP JSON.
pub fn decode_metrics_json(_body: &[u8], _context: &Context<'_>) -> Result<Decoded, DecodeError> {
    Err(DecodeError::TooDeep { offset: 0 })
}
