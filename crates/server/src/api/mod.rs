//! The query API, one file a question. The contract is docs/api.md.

mod bytes;
mod delete;
mod fields;
mod hits;
pub(crate) mod output;
pub(crate) mod params;
mod search;
mod services;
mod sql;
mod status;
mod storage;
mod tail;
mod traces;

pub(crate) use bytes::bytes;
pub(crate) use delete::{delete, delete_jobs};
pub(crate) use fields::{fields, values};
pub(crate) use hits::hits;
pub(crate) use search::search;
pub(crate) use services::services;
pub(crate) use sql::sql;
pub(crate) use status::status;
pub(crate) use storage::{compaction, storage};
pub(crate) use tail::tail;
pub(crate) use traces::trace;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;

/// A document as JSON.
fn json_response(document: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(document)
        .map_err(|error| Problem::new(500, "internal", format!("the answer could not be written: {error}")))?;
    Ok(([(CONTENT_TYPE, "application/json"), (axum::http::header::CACHE_CONTROL, "no-store")], body).into_response())
}
