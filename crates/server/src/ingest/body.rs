//! Reading a request body within bounds of size, memory and time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::budget::{Budget, Reservation};
use crate::limits::{BODY_BYTES_PER_SECOND_MIN, BODY_GRACE};

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Larger than allowed.
    TooLarge {
        /// The bound.
        limit_bytes: usize,
    },
    /// Too many bodies are in memory.
    Crowded,
    /// It came too slowly.
    Slow,
    /// The connection broke or the framing is wrong.
    Broken,
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BodyError::TooLarge { limit_bytes } => {
                write!(f, "the body is larger than {limit_bytes} bytes; send smaller requests")
            }
            BodyError::Crowded => write!(f, "too many requests are in memory; try again in a moment"),
            BodyError::Slow => write!(f, "the body came too slowly; send it at 4 KiB/s or faster"),
            BodyError::Broken => write!(f, "the body ended before it was complete"),
        }
    }
}

/// A body in memory.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) bytes: Bytes,
    /// Its place in the budget; held until the store has the records.
    pub(crate) held: Reservation,
}

/// Reads a body.
pub(crate) async fn collect(
    mut body: Body,
    headers: &HeaderMap,
    limit_bytes: usize,
    budget: &Arc<Budget>,
) -> Result<Collected, BodyError> {
    let too_large = BodyError::TooLarge { limit_bytes };
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let declared = declared.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if declared.is_some_and(|length| length > limit_bytes) {
        return Err(too_large);
    }
    let mut held = budget.reserve(declared.unwrap_or(0)).ok_or(BodyError::Crowded)?;
    let start = Instant::now();
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let mut length = 0usize;
    loop {
        let allowed = BODY_GRACE + Duration::from_secs(length as u64 / BODY_BYTES_PER_SECOND_MIN);
        let frame = timeout_at(start + allowed, body.frame()).await.map_err(|_| BodyError::Slow)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length > limit_bytes {
            return Err(too_large);
        }
        if length > held.bytes() && !held.grow(length - held.bytes()) {
            return Err(BodyError::Crowded);
        }
        if first.is_empty() && joined.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(declared.unwrap_or(0).max(length));
            joined.extend_from_slice(&first);
            first = Bytes::new();
        }
        joined.extend_from_slice(&data);
    }
    let bytes = if joined.is_empty() { first } else { joined.freeze() };
    Ok(Collected { bytes, held })
}
