//! OTLP over HTTP: `POST /v1/logs`, `/v1/traces`, `/v1/metrics`.
//!
//! Source: opentelemetry-proto docs/specification.md, "OTLP/HTTP". Answers have the content type of the request;
//! refusals are `google.rpc.Status`; 429 and 503 carry `Retry-After`.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use clewline_model::signal::Signal;
use clewline_protocol::otlp::response::{Detail, response_json, response_protobuf, status_json, status_protobuf};
use clewline_protocol::otlp::{decode_json, decode_protobuf};
use clewline_protocol::{Context, DecodeError, Decoded};

use super::{Decode, Received, Refusal, identity};
use crate::call::Call;
use crate::problem::Problem;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Encoding> {
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-protobuf" | "application/protobuf" | "application/vnd.google.protobuf" => {
                Some(Encoding::Protobuf)
            }
            "application/json" => Some(Encoding::Json),
            _ => None,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        })
    }
}

/// Decodes one signal.
pub(super) struct Otlp {
    pub(super) signal: Signal,
    pub(super) encoding: Encoding,
    pub(super) door: &'static str,
}

impl Decode for Otlp {
    fn door(&self) -> &'static str {
        self.door
    }

    fn decode(&self, body: &[u8], context: &Context<'_>) -> Result<Decoded, DecodeError> {
        match self.encoding {
            Encoding::Protobuf => decode_protobuf(self.signal, body, context),
            Encoding::Json => decode_json(self.signal, body, context),
        }
    }

    fn identity(&self, body: &[u8], _: &Decoded, _: i64) -> Option<[u8; 16]> {
        // OTLP records carry their own times and ids: an equal body is a repeated request.
        Some(identity::of_body(body, ""))
    }
}

/// `POST /v1/logs`
pub(crate) async fn logs(call: Call) -> Result<Response, Problem> {
    Ok(export(call, Signal::Logs).await)
}

/// `POST /v1/traces`
pub(crate) async fn traces(call: Call) -> Result<Response, Problem> {
    Ok(export(call, Signal::Spans).await)
}

/// `POST /v1/metrics`
pub(crate) async fn metrics(call: Call) -> Result<Response, Problem> {
    Ok(export(call, Signal::Metrics).await)
}

async fn export(call: Call, signal: Signal) -> Response {
    let Some(encoding) = Encoding::of(call.headers()) else {
        call.app.metrics.refused("otlp_http", Refusal::ContentType.reason());
        return refuse(&Refusal::ContentType, Encoding::Json);
    };
    match super::receive(call, Otlp { signal, encoding, door: "otlp_http" }).await {
        Ok(received) => succeed(&received, signal, encoding),
        Err(refusal) => refuse(&refusal, encoding),
    }
}

fn succeed(received: &Received, signal: Signal, encoding: Encoding) -> Response {
    let body = match encoding {
        Encoding::Protobuf => response_protobuf(signal, &received.rejections),
        Encoding::Json => response_json(signal, &received.rejections),
    };
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, encoding.content_type());
    response
}

fn refuse(refusal: &Refusal, encoding: Encoding) -> Response {
    let message = refusal.message();
    let place = refusal.place();
    let mut details = Vec::new();
    if refusal.status() == 400 {
        details.push(Detail::BadRequest { field: place.as_deref().unwrap_or("request"), description: &message });
    }
    let retry_after_s = refusal.retry_after_s();
    details.extend(retry_after_s.map(|seconds| Detail::RetryInfo { delay_ms: seconds * 1_000 }));
    status_response(refusal.status(), refusal.rpc_code(), &message, &details, encoding, retry_after_s)
}

/// A `google.rpc.Status` as an HTTP answer.
pub(crate) fn status_response(
    status: u16,
    code: i32,
    message: &str,
    details: &[Detail<'_>],
    encoding: Encoding,
    retry_after_s: Option<u64>,
) -> Response {
    let body = match encoding {
        Encoding::Protobuf => status_protobuf(code, message, details),
        Encoding::Json => status_json(code, message, details),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response.headers_mut().insert(CONTENT_TYPE, encoding.content_type());
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The encoding an answer to these headers should have, whatever the request is.
pub(crate) fn answer_encoding(headers: &HeaderMap) -> Encoding {
    Encoding::of(headers).unwrap_or(Encoding::Json)
}
