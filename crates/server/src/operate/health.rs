//! Is it alive, is it ready, which version is it, what can be asked.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::call::Call;
use crate::problem::Problem;

/// The committed description of the API.
pub(crate) const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

const JSON: [(axum::http::HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];

/// `GET /health`: the process answers.
pub(crate) async fn health(_call: Call) -> Result<Response, Problem> {
    Ok((JSON, r#"{"status":"ok"}"#).into_response())
}

/// `GET /ready`: queries may run. Ingest is accepted before.
pub(crate) async fn ready(call: Call) -> Result<Response, Problem> {
    let progress = call.app.store.progress();
    let body = json!({
        "ready": progress.ready,
        "replayed_bytes": progress.replayed_bytes,
        "total_bytes": progress.total_bytes,
    })
    .to_string();
    if progress.ready {
        return Ok((JSON, body).into_response());
    }
    Ok((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], JSON, body).into_response())
}

/// `GET /version`
pub(crate) async fn version(call: Call) -> Result<Response, Problem> {
    let body = json!({ "name": "clewline", "version": call.app.settings.version }).to_string();
    Ok((JSON, body).into_response())
}

/// `GET /api/openapi.json`
pub(crate) async fn openapi(_call: Call) -> Result<Response, Problem> {
    Ok((JSON, OPENAPI).into_response())
}
