//! Rows as an answer: NDJSON, JSON, CSV, Arrow or Parquet, streamed batch by batch.
//!
//! The first batch is awaited before the status is sent, so that a query that fails at once is an error status. One
//! that fails later ends NDJSON with a line `{"error":{…}}` and JSON with a member `error`; the other formats are cut
//! off, which HTTP clients see as a broken body. Dropping the body cancels the query.

mod columnar;
mod csv;
pub(crate) mod json;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use clewline_env::clock::Clock;
use clewline_query::{Answer, QueryError, QueryStatistics};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::json;

use super::params::{Params, bad_parameter};
use crate::app::App;
use crate::limits::ANSWER_CHUNK_BYTES;
use crate::problem::Problem;

/// Header with the place where the next page starts.
const CURSOR_HEADER: HeaderName = HeaderName::from_static("x-clewline-cursor");

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Ndjson,
    Json,
    Csv,
    Arrow,
    Parquet,
}

impl Format {
    pub(crate) fn of(params: &Params) -> Result<Format, Problem> {
        Ok(match params.get("format").unwrap_or("ndjson") {
            "ndjson" | "jsonl" => Format::Ndjson,
            "json" => Format::Json,
            "csv" => Format::Csv,
            "arrow" => Format::Arrow,
            "parquet" => Format::Parquet,
            other => return Err(bad_parameter("format", other, "use ndjson, json, csv, arrow or parquet")),
        })
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Format::Ndjson => "application/x-ndjson",
            Format::Json => "application/json",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Arrow => "application/vnd.apache.arrow.stream",
            Format::Parquet => "application/vnd.apache.parquet",
        })
    }
}

/// Writes batches into bytes.
trait Writer: Send {
    /// Before the first batch.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), String>;
    /// Rows `from..` of a batch, until it is done or enough is written; returns the row to go on with.
    fn rows(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, String>;
    /// After the last batch.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), String>;
    /// The query failed midway. True when the format could say so.
    fn fail(&mut self, problem: &serde_json::Value, out: &mut Vec<u8>) -> bool;
}

/// The answer to a query.
pub(crate) async fn respond(
    app: &App,
    id: Arc<str>,
    answer: Answer,
    format: Format,
    started_ns: u64,
) -> Result<Response, Problem> {
    let Answer { schema, mut batches, cursor, statistics } = answer;
    let first = batches.next().await.transpose()?;
    let summary = Summary { cursor: cursor.clone(), statistics, started_ns, clock: Arc::clone(&app.clock) };
    let writer = writer_of(format, &schema, summary).map_err(|error| {
        Problem::new(500, "internal", format!("the rows cannot be written in this format: {error}"))
    })?;
    let answering = Answering { batches, writer, current: first.map(|batch| (batch, 0)), state: State::Start, id };
    let mut response = Response::new(Body::from_stream(futures::stream::unfold(answering, Answering::step)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, format.content_type());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(value) = cursor.and_then(|cursor| HeaderValue::from_str(&cursor).ok()) {
        headers.insert(CURSOR_HEADER, value);
    }
    Ok(response)
}

fn writer_of(format: Format, schema: &SchemaRef, summary: Summary) -> Result<Box<dyn Writer>, String> {
    Ok(match format {
        Format::Ndjson => Box::new(json::Ndjson),
        Format::Json => Box::new(json::Document::new(summary)),
        Format::Csv => Box::new(csv::Csv::new(Arc::clone(schema))),
        Format::Arrow => Box::new(columnar::Arrow::new(schema)?),
        Format::Parquet => Box::new(columnar::Parquet::new(schema)?),
    })
}

/// What a JSON document says beside its rows.
struct Summary {
    cursor: Option<String>,
    statistics: QueryStatistics,
    started_ns: u64,
    clock: Arc<dyn Clock>,
}

impl Summary {
    fn to_json(&self, rows: u64, complete: bool) -> serde_json::Value {
        let took_ns = self.clock.monotonic_ns().saturating_sub(self.started_ns);
        json!({
            "rows": rows,
            "rows_scanned": self.statistics.rows_scanned,
            "segments": self.statistics.segments,
            "segments_pruned": self.statistics.segments_pruned,
            "took_ms": (took_ns / 1_000) as f64 / 1_000.0,
            "complete": complete,
        })
    }
}

#[derive(PartialEq, Eq)]
enum State {
    Start,
    Rows,
    Done,
}

/// An answer on its way.
struct Answering {
    batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    writer: Box<dyn Writer>,
    current: Option<(RecordBatch, usize)>,
    state: State,
    id: Arc<str>,
}

type Chunk = Result<Bytes, std::io::Error>;

impl Answering {
    /// The next piece.
    async fn step(mut self) -> Option<(Chunk, Answering)> {
        if self.state == State::Done {
            return None;
        }
        let mut out = Vec::with_capacity(8 << 10);
        match self.fill(&mut out).await {
            Ok(()) => Some((Ok(out.into()), self)),
            Err(message) => {
                tracing::info!(request_id = %self.id, "an answer was cut off: {message}");
                self.state = State::Done;
                Some((Err(std::io::Error::other(message)), self))
            }
        }
    }

    async fn fill(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        if self.state == State::Start {
            self.writer.begin(out)?;
            self.state = State::Rows;
        }
        while out.len() < ANSWER_CHUNK_BYTES {
            if let Some((batch, from)) = self.current.take() {
                let next = self.writer.rows(&batch, from, out)?;
                if next < batch.num_rows() {
                    self.current = Some((batch, next));
                }
                continue;
            }
            // What is there goes out before the next wait.
            let polled = futures::poll!(self.batches.next());
            let item = match polled {
                std::task::Poll::Ready(item) => item,
                std::task::Poll::Pending if !out.is_empty() => return Ok(()),
                std::task::Poll::Pending => self.batches.next().await,
            };
            match item {
                Some(Ok(batch)) => self.current = Some((batch, 0)),
                Some(Err(error)) => {
                    let message = error.message.clone();
                    self.state = State::Done;
                    let problem = Problem::from(error).to_json(&self.id);
                    return if self.writer.fail(&problem, out) { Ok(()) } else { Err(message) };
                }
                None => {
                    self.writer.end(out)?;
                    self.state = State::Done;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
