//! Refusals: `application/problem+json` for people and programs (RFC 9457 in spirit; members as in docs/api.md).

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use clewline_query::{QueryError, QueryErrorKind};
use serde_json::{Map, Value, json};

/// Seconds after which a busy engine may be asked again.
const BUSY_RETRY_S: u64 = 2;

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    hint: Option<String>,
    position: Option<(usize, usize)>,
    retry_after_s: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Problem {
        Problem { status, code, message: message.into(), hint: None, position: None, retry_after_s: None }
    }

    /// The request is wrong; asking again does not help.
    pub(crate) fn bad_request(message: impl Into<String>) -> Problem {
        Problem::new(400, "bad_request", message)
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u64) -> Problem {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The members of the answer.
    pub(crate) fn to_json(&self, request_id: &str) -> Value {
        let mut members = Map::new();
        members.insert("code".to_owned(), self.code.into());
        members.insert("message".to_owned(), self.message.as_str().into());
        if let Some(hint) = &self.hint {
            members.insert("hint".to_owned(), hint.as_str().into());
        }
        if let Some((offset, column)) = self.position {
            members.insert("position".to_owned(), json!({ "offset": offset, "column": column }));
        }
        members.insert("request_id".to_owned(), request_id.into());
        Value::Object(members)
    }

    /// The answer.
    pub(crate) fn response(&self, request_id: &str) -> Response {
        if self.status >= 500 && self.status != 503 && self.status != 504 {
            tracing::error!(request_id, status = self.status, code = self.code, "{}", self.message);
        }
        let mut response = Response::new(Body::from(self.to_json(request_id).to_string()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Problem {
        let (status, code, retry_after_s) = match error.kind {
            QueryErrorKind::BadQuery => (400, "bad_query", None),
            QueryErrorKind::LimitExceeded => (422, "limit_exceeded", None),
            QueryErrorKind::Timeout => (504, "timeout", None),
            QueryErrorKind::Busy => (429, "busy", Some(BUSY_RETRY_S)),
            QueryErrorKind::NotReady => (503, "not_ready", Some(crate::limits::RETRY_AFTER_S)),
            QueryErrorKind::Internal => (500, "internal", None),
        };
        Problem { status, code, message: error.message, hint: error.hint, position: error.position, retry_after_s }
    }
}
