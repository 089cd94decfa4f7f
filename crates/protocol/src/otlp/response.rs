//! Answers to OTLP requests: `Export<Signal>ServiceResponse` and `google.rpc.Status`, in protobuf and JSON.
//!
//! Source: opentelemetry-proto docs/specification.md ("OTLP/HTTP Response", "Partial Success", "Failures"),
//! googleapis google/rpc/{status,code,error_details}.proto. Answers stay far below the 4 MiB clients must accept,
//! because reports are bounded (`limits::MESSAGE_BYTES_MAX`).

use clewline_model::json;
use clewline_model::signal::Signal;
use clewline_model::text::truncate;

use crate::limits::MESSAGE_BYTES_MAX;
use crate::report::{DecodeError, Rejections};

/// Codes of `google.rpc.Status` an ingest door answers with.
pub mod code {
    /// The request is malformed.
    pub const INVALID_ARGUMENT: i32 = 3;
    /// Without credentials that are good.
    pub const UNAUTHENTICATED: i32 = 16;
    /// Not allowed.
    pub const PERMISSION_DENIED: i32 = 7;
    /// Too large; never to be retried unless a [`super::Detail::RetryInfo`] is attached.
    pub const RESOURCE_EXHAUSTED: i32 = 8;
    /// No such signal or encoding.
    pub const UNIMPLEMENTED: i32 = 12;
    /// A fault of the server.
    pub const INTERNAL: i32 = 13;
    /// Not now; to be retried.
    pub const UNAVAILABLE: i32 = 14;
}

/// A detail of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail<'a> {
    /// `google.rpc.BadRequest` with one field violation.
    BadRequest {
        /// Where in the request.
        field: &'a str,
        /// What is wrong there.
        description: &'a str,
    },
    /// `google.rpc.RetryInfo`: try again after this time.
    RetryInfo {
        /// Milliseconds to wait.
        delay_ms: u64,
    },
}

/// Field of a partial success that counts the refused records, in JSON.
fn rejected_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "rejectedLogRecords",
        Signal::Spans => "rejectedSpans",
        Signal::Metrics => "rejectedDataPoints",
    }
}

/// `Export<Signal>ServiceResponse` in protobuf; empty bytes when there is nothing to say. The field numbers are the
/// same for every signal.
pub fn response_protobuf(_signal: Signal, rejections: &Rejections) -> Vec<u8> {
    let mut out = Vec::new();
    if !rejections.is_empty() {
        let mut partial = Vec::new();
        if rejections.rejected > 0 {
            put_varint_field(&mut partial, 1, rejections.rejected);
        }
        put_bytes_field(&mut partial, 2, rejections.message().as_bytes());
        put_bytes_field(&mut out, 1, &partial);
    }
    out
}

/// `Export<Signal>ServiceResponse` in OTLP JSON; `{}` when there is nothing to say.
pub fn response_json(signal: Signal, rejections: &Rejections) -> Vec<u8> {
    let mut out = String::from("{");
    if !rejections.is_empty() {
        out.push_str("\"partialSuccess\":{");
        if rejections.rejected > 0 {
            out.push_str(&format!("\"{}\":\"{}\",", rejected_name(signal), rejections.rejected));
        }
        out.push_str("\"errorMessage\":");
        json::push_string(&mut out, &rejections.message());
        out.push('}');
    }
    out.push('}');
    out.into_bytes()
}

/// `google.rpc.Status` in protobuf: the body of every answer that is not a success.
pub fn status_protobuf(code: i32, message: &str, details: &[Detail<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    if code != 0 {
        put_varint_field(&mut out, 1, i64::from(code).cast_unsigned());
    }
    put_bytes_field(&mut out, 2, truncate(message, MESSAGE_BYTES_MAX).as_bytes());
    for detail in details {
        let mut value = Vec::new();
        match detail {
            Detail::BadRequest { field, description } => {
                let mut violation = Vec::new();
                put_bytes_field(&mut violation, 1, truncate(field, MESSAGE_BYTES_MAX).as_bytes());
                put_bytes_field(&mut violation, 2, truncate(description, MESSAGE_BYTES_MAX).as_bytes());
                put_bytes_field(&mut value, 1, &violation);
            }
            Detail::RetryInfo { delay_ms } => {
                let mut duration = Vec::new();
                put_varint_field(&mut duration, 1, delay_ms / 1000);
                put_varint_field(&mut duration, 2, delay_ms % 1000 * 1_000_000);
                put_bytes_field(&mut value, 1, &duration);
            }
        }
        let mut any = Vec::new();
        put_bytes_field(&mut any, 1, type_url(detail).as_bytes());
        put_bytes_field(&mut any, 2, &value);
        put_bytes_field(&mut out, 3, &any);
    }
    out
}

/// `google.rpc.Status` in JSON.
pub fn status_json(code: i32, message: &str, details: &[Detail<'_>]) -> Vec<u8> {
    let mut out = format!("{{\"code\":{code},\"message\":");
    json::push_string(&mut out, truncate(message, MESSAGE_BYTES_MAX));
    for (i, detail) in details.iter().enumerate() {
        out.push_str(if i == 0 { ",\"details\":[" } else { "," });
        out.push_str("{\"@type\":");
        json::push_string(&mut out, type_url(detail));
        match detail {
            Detail::BadRequest { field, description } => {
                out.push_str(",\"fieldViolations\":[{\"field\":");
                json::push_string(&mut out, truncate(field, MESSAGE_BYTES_MAX));
                out.push_str(",\"description\":");
                json::push_string(&mut out, truncate(description, MESSAGE_BYTES_MAX));
                out.push_str("}]}");
            }
            Detail::RetryInfo { delay_ms } => {
                out.push_str(&format!(",\"retryDelay\":\"{}.{:03}s\"}}", delay_ms / 1000, delay_ms % 1000));
            }
        }
    }
    out.push_str(if details.is_empty() { "}" } else { "]}" });
    out.into_bytes()
}

/// The status of a refused request: its code and its body parts, for [`status_protobuf`] or [`status_json`].
pub fn refusal(error: &DecodeError) -> (i32, String) {
    (if error.is_too_large() { code::RESOURCE_EXHAUSTED } else { code::INVALID_ARGUMENT }, error.to_string())
}

fn type_url(detail: &Detail<'_>) -> &'static str {
    match detail {
        Detail::BadRequest { .. } => "type.googleapis.com/google.rpc.BadRequest",
        Detail::RetryInfo { .. } => "type.googleapis.com/google.rpc.RetryInfo",
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_varint_field(out: &mut Vec<u8>, field: u64, value: u64) {
    if value != 0 {
        put_varint(out, field << 3);
        put_varint(out, value);
    }
}

fn put_bytes_field(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rejected: u64) -> Rejections {
        let mut report = Rejections::default();
        for line in 0..rejected {
            report.reject(|| format!("r[{line}]"), "bad".into());
        }
        report
    }

    #[test]
    fn a_full_success_says_nothing() {
        for signal in clewline_model::signal::SIGNALS {
            assert_eq!(response_protobuf(signal, &report(0)), b"");
            assert_eq!(response_json(signal, &report(0)), b"{}");
        }
    }

    #[test]
    fn a_partial_success_counts_and_explains() {
        let expect = b"\x0a\x24\x08\x01\x12\x20" as &[u8];
        let bytes = response_protobuf(Signal::Logs, &report(1));
        assert_eq!(&bytes[..6], expect);
        assert_eq!(&bytes[6..], b"1 record was rejected: r[0]: bad");
        let json = String::from_utf8(response_json(Signal::Spans, &report(1))).expect("JSON is text");
        assert_eq!(
            json,
            r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"1 record was rejected: r[0]: bad"}}"#
        );
        let mut warned = report(0);
        warned.warnings.ids_dropped = 2;
        let json = String::from_utf8(response_json(Signal::Metrics, &warned)).expect("JSON is text");
        assert_eq!(
            json,
            r#"{"partialSuccess":{"errorMessage":"2 trace or span ids were not valid and were dropped"}}"#
        );
    }

    #[test]
    fn a_status_has_golden_bytes() {
        assert_eq!(status_protobuf(3, "no", &[]), b"\x08\x03\x12\x02no");
        let retry = status_protobuf(14, "busy", &[Detail::RetryInfo { delay_ms: 5250 }]);
        let mut expect =
            b"\x08\x0e\x12\x04busy\x1a\x35\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x09".to_vec();
        expect.extend_from_slice(b"\x0a\x07\x08\x05\x10\x80\xe5\x9a\x77");
        assert_eq!(retry, expect);
        let bad = [Detail::BadRequest { field: "f", description: "d" }];
        let bytes = status_protobuf(3, "no", &bad);
        assert!(bytes.ends_with(b"google.rpc.BadRequest\x12\x08\x0a\x06\x0a\x01f\x12\x01d"));
        let json = String::from_utf8(status_json(3, "no", &bad)).expect("JSON is text");
        assert_eq!(
            json,
            concat!(
                r#"{"code":3,"message":"no","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","#,
                r#""fieldViolations":[{"field":"f","description":"d"}]}]}"#
            )
        );
        let json = String::from_utf8(status_json(14, "busy", &[Detail::RetryInfo { delay_ms: 5000 }])).expect("text");
        assert!(json.ends_with(r#"google.rpc.RetryInfo","retryDelay":"5.000s"}]}"#), "{json}");
    }
}
