//! Why an ingest request is refused, and what that is in each protocol.
//!
//! What a sender may send again gets 429 or 503 with `Retry-After`, `UNAVAILABLE` with `RetryInfo` in gRPC; never 500,
//! because OpenTelemetry and Fluent Bit drop on 500. What can never be stored gets 400, 413 or 415.

use clewline_protocol::DecodeError;
use clewline_protocol::compress::{ACCEPTED, DecompressError};
use clewline_protocol::otlp::response::code;
use clewline_store::IngestError;

use super::body::BodyError;
use crate::limits::RETRY_AFTER_S;
use crate::problem::Problem;

/// Why.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The store refused a moment ago.
    Gate,
    /// The body could not be read.
    Body(BodyError),
    /// `Content-Encoding` is no text.
    Encoding,
    /// The body could not be decompressed.
    Compressed(DecompressError),
    /// The body is not what it claims to be.
    Decode(DecodeError),
    /// The store did not take it.
    Store(IngestError),
    /// The tenant's name cannot be used.
    Tenant(String),
    /// The `Idempotency-Key` is empty or too long.
    Key,
    /// The content type is not known.
    ContentType,
}

impl Refusal {
    /// HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Refusal::Body(BodyError::Crowded) => 429,
            Refusal::Gate | Refusal::Body(BodyError::Slow) => 503,
            Refusal::Body(BodyError::TooLarge { .. }) | Refusal::Compressed(DecompressError::TooLarge { .. }) => 413,
            Refusal::Encoding | Refusal::Compressed(DecompressError::Unknown) | Refusal::ContentType => 415,
            Refusal::Body(BodyError::Broken) | Refusal::Compressed(DecompressError::Corrupt) => 400,
            Refusal::Tenant(_) | Refusal::Key => 400,
            Refusal::Decode(error) => {
                if error.is_too_large() {
                    413
                } else {
                    400
                }
            }
            Refusal::Store(IngestError::TooLarge { .. }) => 413,
            Refusal::Store(IngestError::BadTenant(_)) => 400,
            Refusal::Store(_) => 503,
        }
    }

    /// `google.rpc.Code`.
    pub(crate) fn rpc_code(&self) -> i32 {
        match self.status() {
            413 => code::RESOURCE_EXHAUSTED,
            415 => code::UNIMPLEMENTED,
            429 | 503 => code::UNAVAILABLE,
            _ => code::INVALID_ARGUMENT,
        }
    }

    /// Seconds after which the same request may succeed; none when it never will.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Refusal::Store(error) if error.retryable() => Some(error.retry_after_s().max(1)),
            _ => matches!(self.status(), 429 | 503).then_some(RETRY_AFTER_S),
        }
    }

    /// Name in metrics and in `code` of a problem.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Refusal::Gate | Refusal::Body(BodyError::Crowded) => "overloaded",
            Refusal::Body(BodyError::Slow) => "slow_body",
            Refusal::Body(BodyError::Broken) => "broken_body",
            Refusal::Body(BodyError::TooLarge { .. }) => "too_large",
            Refusal::Encoding | Refusal::Compressed(DecompressError::Unknown) => "unknown_encoding",
            Refusal::Compressed(DecompressError::TooLarge { .. }) => "too_large",
            Refusal::Compressed(DecompressError::Corrupt) => "bad_compression",
            Refusal::Decode(error) => {
                if error.is_too_large() {
                    "too_large"
                } else {
                    "malformed"
                }
            }
            Refusal::Store(IngestError::Overloaded { .. }) => "overloaded",
            Refusal::Store(IngestError::DiskFull { .. }) => "disk_full",
            Refusal::Store(IngestError::NotReady | IngestError::Closing) => "unavailable",
            Refusal::Store(IngestError::TooLarge { .. }) => "too_large",
            Refusal::Store(IngestError::Failed(_)) => "store_failed",
            Refusal::Store(IngestError::BadTenant(_)) | Refusal::Tenant(_) => "bad_tenant",
            Refusal::Key => "bad_idempotency_key",
            Refusal::ContentType => "unknown_content_type",
        }
    }

    /// For the sender: what is wrong and what to do.
    pub(crate) fn message(&self) -> String {
        match self {
            Refusal::Gate => "the server cannot store more at the moment; try again shortly".to_owned(),
            Refusal::Body(error) => error.to_string(),
            Refusal::Encoding => format!("the content encoding is not known; use one of {ACCEPTED}"),
            Refusal::Compressed(error) => error.to_string(),
            Refusal::Decode(error) => error.to_string(),
            Refusal::Store(error) => error.to_string(),
            Refusal::Tenant(message) => message.clone(),
            Refusal::Key => "the Idempotency-Key must have 1 to 256 bytes".to_owned(),
            Refusal::ContentType => {
                "the content type is not known; send application/x-protobuf or application/json".to_owned()
            }
        }
    }

    /// Where in the request, where that can be said.
    pub(crate) fn place(&self) -> Option<String> {
        match self {
            Refusal::Decode(DecodeError::Malformed { offset, .. } | DecodeError::TooDeep { offset }) => {
                Some(format!("byte {offset}"))
            }
            _ => None,
        }
    }

    /// The answer for doors that speak problem+json.
    pub(crate) fn problem(&self) -> Problem {
        let problem = Problem::new(self.status(), self.reason(), self.message());
        match self.retry_after_s() {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}
