//! OTLP over gRPC: unary calls, framed by hand.
//!
//! Source: grpc/doc/PROTOCOL-HTTP2.md. A message is one byte (compressed or not), four bytes of length, the message.
//! The outcome is in the trailers `grpc-status` and `grpc-message`, details in `grpc-status-details-bin`. A call that
//! fails has no message and its outcome in the headers ("trailers-only"). Too large is `RESOURCE_EXHAUSTED` without
//! `RetryInfo` (never retried), overload is `UNAVAILABLE` with it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Version};
use axum::response::Response;
use bytes::Bytes;
use clewline_model::signal::Signal;
use clewline_protocol::otlp::response::{Detail, code, response_protobuf, status_protobuf};
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::body::{self, Collected};
use super::otlp::{Encoding, Otlp};
use super::{Origin, Packed, Refusal};
use crate::call::Call;
use crate::problem::Problem;

/// Bytes before a message.
const PREFIX_BYTES: usize = 5;

/// Encodings of messages this server reads.
const ACCEPTED: HeaderValue = HeaderValue::from_static("identity,gzip,zstd,deflate");

/// `grpc.health.v1.HealthCheckResponse` with status SERVING and NOT_SERVING.
const SERVING: &[u8] = &[0x08, 0x01];
const NOT_SERVING: &[u8] = &[0x08, 0x02];

/// A failed call.
struct Failure {
    code: i32,
    message: String,
    retry_after_s: Option<u64>,
    bad_request: Option<String>,
}

impl Failure {
    fn new(code: i32, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), retry_after_s: None, bad_request: None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let bad_request = (refusal.rpc_code() == code::INVALID_ARGUMENT)
            .then(|| refusal.place().unwrap_or_else(|| "request".to_owned()));
        Failure {
            code: refusal.rpc_code(),
            retry_after_s: refusal.retry_after_s(),
            bad_request,
            message: refusal.message(),
        }
    }
}

/// `LogsService/Export`
pub(crate) async fn logs(call: Call) -> Result<Response, Problem> {
    export(call, Signal::Logs).await
}

/// `TraceService/Export`
pub(crate) async fn traces(call: Call) -> Result<Response, Problem> {
    export(call, Signal::Spans).await
}

/// `MetricsService/Export`
pub(crate) async fn metrics(call: Call) -> Result<Response, Problem> {
    export(call, Signal::Metrics).await
}

/// `grpc.health.v1.Health/Check`
pub(crate) async fn health(call: Call) -> Result<Response, Problem> {
    let serving = call.app.store.progress().ready;
    Ok(succeed(if serving { SERVING } else { NOT_SERVING }))
}

/// True for requests whose sender speaks gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let essence = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    essence == "application/grpc"
        || essence.starts_with("application/grpc+")
        || essence.starts_with("application/grpc;")
}

/// The answer to a call of a method that does not exist.
pub(crate) fn unimplemented(path: &str) -> Response {
    fail(&Failure::new(code::UNIMPLEMENTED, format!("there is no method {path} here")))
}

async fn export(call: Call, signal: Signal) -> Result<Response, Problem> {
    if !is_grpc(call.headers()) || call.parts.version != Version::HTTP_2 {
        return Err(Problem::new(
            415,
            "not_grpc",
            "this path speaks gRPC over HTTP/2 with content type application/grpc",
        )
        .hint("for OTLP over HTTP use POST /v1/logs, /v1/traces or /v1/metrics"));
    }
    let app = Arc::clone(&call.app);
    let decode = Otlp { signal, encoding: Encoding::Protobuf, door: "otlp_grpc" };
    let result = async {
        let (origin, packed) = unpack(call).await?;
        super::process(&app, origin, packed, decode).await.map_err(Counted::from)
    }
    .await;
    match result {
        Ok(received) => Ok(succeed(&response_protobuf(signal, &received.rejections))),
        Err(Counted { reason, failure }) => {
            app.metrics.refused("otlp_grpc", reason);
            Ok(fail(&failure))
        }
    }
}

/// A failure and its name in metrics.
struct Counted {
    reason: &'static str,
    failure: Failure,
}

impl From<Refusal> for Counted {
    fn from(refusal: Refusal) -> Counted {
        Counted { reason: refusal.reason(), failure: refusal.into() }
    }
}

fn malformed(message: &str) -> Counted {
    let failure = Failure { bad_request: Some("frame".to_owned()), ..Failure::new(code::INVALID_ARGUMENT, message) };
    Counted { reason: "malformed", failure }
}

/// Reads the one message of a unary call.
async fn unpack(call: Call) -> Result<(Origin, Packed), Counted> {
    let app = Arc::clone(&call.app);
    super::admit(&app)?;
    let origin = Origin::of(&call)?;
    let encoding = call.header("grpc-encoding").unwrap_or("identity").to_ascii_lowercase();
    if !matches!(encoding.as_str(), "identity" | "gzip" | "zstd" | "deflate") {
        let message = format!("messages compressed as {encoding} are not known; use gzip, zstd, deflate or none");
        return Err(Counted { reason: "unknown_encoding", failure: Failure::new(code::UNIMPLEMENTED, message) });
    }
    let limit = app.settings.body_bytes_max;
    let Collected { mut bytes, held } =
        body::collect(call.body, &call.parts.headers, limit + PREFIX_BYTES, &app.budget)
            .await
            .map_err(Refusal::Body)?;
    let Some(&[compressed, a, b, c, d]) = bytes.first_chunk::<PREFIX_BYTES>() else {
        return Err(malformed("a message of a unary call was expected and the call has none"));
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let bytes = bytes.split_off(PREFIX_BYTES);
    if length > limit {
        return Err(Refusal::Body(body::BodyError::TooLarge { limit_bytes: limit }).into());
    }
    if bytes.len() != length {
        return Err(malformed(if bytes.len() < length {
            "the message is shorter than its frame says"
        } else {
            "a unary call has one message"
        }));
    }
    let encoding = match compressed {
        0 => String::new(),
        1 if encoding != "identity" => encoding,
        1 => return Err(malformed("the message is marked as compressed and the header grpc-encoding is missing")),
        _ => return Err(malformed("the first byte of a frame is 0 or 1")),
    };
    Ok((origin, Packed { body: Collected { bytes, held }, encoding }))
}

fn succeed(message: &[u8]) -> Response {
    let mut data = Vec::with_capacity(PREFIX_BYTES + message.len());
    data.push(0);
    data.extend_from_slice(&u32::try_from(message.len()).unwrap_or(0).to_be_bytes());
    data.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames: [Result<Frame<Bytes>, Infallible>; 2] = [Ok(Frame::data(data.into())), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(Body::new(StreamBody::new(futures::stream::iter(frames))));
    put_head(response.headers_mut());
    response
}

fn fail(failure: &Failure) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    put_head(headers);
    headers.insert("grpc-status", HeaderValue::from(failure.code));
    let message = HeaderValue::from_str(&percent_encoded(&failure.message));
    headers.insert("grpc-message", message.unwrap_or_else(|_| HeaderValue::from_static("")));
    let mut details = Vec::new();
    if let Some(field) = &failure.bad_request {
        details.push(Detail::BadRequest { field, description: &failure.message });
    }
    details.extend(failure.retry_after_s.map(|seconds| Detail::RetryInfo { delay_ms: seconds * 1_000 }));
    if !details.is_empty() {
        let mut text = String::new();
        clewline_model::json::push_base64(&mut text, &status_protobuf(failure.code, &failure.message, &details));
        if let Ok(value) = HeaderValue::from_str(text.trim_end_matches('=')) {
            headers.insert("grpc-status-details-bin", value);
        }
    }
    response
}

fn put_head(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", ACCEPTED);
}

/// `grpc-message` is percent-encoded outside printable ASCII.
fn percent_encoded(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b'%' => out.push_str("%25"),
            0x20..=0x7e => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_headers() {
        assert_eq!(percent_encoded("100 % sure\nü"), "100 %25 sure%0A%C3%BC");
    }
}
