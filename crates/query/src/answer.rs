//! What the engine is asked and what it answers: plain data, no engine types beyond Arrow.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clewline_model::signal::Signal;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::engine::Running;

/// Field metadata: `1` marks a text column whose values are JSON, to be embedded as JSON in JSON output.
pub const JSON_KEY: &str = "clewline.json";

/// A question in the search language.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// Whose data.
    pub tenant: String,
    /// Which table.
    pub signal: Signal,
    /// The text of the query; empty = everything.
    pub query: String,
    /// Records at or after this time, ns.
    pub start: Option<i64>,
    /// Records before this time, ns.
    pub end: Option<i64>,
    /// Rows wanted of a search without pipes (default 100, bounded by `limits::SEARCH_ROWS_MAX`).
    pub limit: Option<u64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// Oldest first instead of newest first.
    pub ascending: bool,
}

/// The common part of the questions the page asks.
#[derive(Debug, Clone)]
pub struct Scoped {
    /// Whose data.
    pub tenant: String,
    /// Which table.
    pub signal: Signal,
    /// A filter in the search language; empty = everything.
    pub query: String,
    /// Records at or after this time, ns.
    pub start: Option<i64>,
    /// Records before this time, ns.
    pub end: Option<i64>,
}

/// Rows, as they come. Dropping the stream cancels the query.
pub struct Answer {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    /// Where the next page starts, when there may be one.
    pub cursor: Option<String>,
    /// What it took to find them.
    pub statistics: QueryStatistics,
}

impl Answer {
    /// Rows that are there already, at most `limit` of them.
    pub(crate) fn of_rows(rows: RecordBatch, limit: Option<usize>, running: &Running) -> Answer {
        let rows = rows.slice(0, rows.num_rows().min(limit.unwrap_or(usize::MAX)));
        let statistics = *running.statistics.lock();
        Answer { schema: rows.schema(), batches: futures::stream::iter([Ok(rows)]).boxed(), cursor: None, statistics }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("schema", &self.schema).field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

/// What a query looked at.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct QueryStatistics {
    /// Rows of the segments and memory parts that could not be left out.
    pub rows_scanned: u64,
    /// Segments opened.
    pub segments: u64,
    /// Segments left out by what the catalog knows.
    pub segments_pruned: u64,
}

/// A field somebody may ask for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldInfo {
    /// Its name in queries.
    pub name: String,
    /// `record` for a column every record has, else `attribute`, `resource` or `scope`.
    pub scope: &'static str,
    /// Kinds of its values.
    pub types: Vec<&'static str>,
}

/// Distinct values of a field, most frequent first.
#[derive(Debug, Clone, Serialize)]
pub struct FieldValues {
    /// The field.
    pub field: String,
    /// Value and number of records.
    pub values: Vec<FieldValue>,
    /// False when there are more values than asked for.
    pub complete: bool,
}

/// One value of a field.
#[derive(Debug, Clone, Serialize)]
pub struct FieldValue {
    /// The value as text.
    pub value: String,
    /// Records that carry it.
    pub count: u64,
}

/// Counts over time.
#[derive(Debug, Clone, Serialize)]
pub struct Hits {
    /// Start of the first bucket, ns.
    pub start_ns: i64,
    /// Length of a bucket, ns.
    pub step_ns: i64,
    /// Number of buckets.
    pub buckets: usize,
    /// All records.
    pub total: u64,
    /// One series per value of the grouping field; one with an empty value without grouping.
    pub groups: Vec<HitGroup>,
}

/// Counts of one value over time.
#[derive(Debug, Clone, Serialize)]
pub struct HitGroup {
    /// The value.
    pub value: String,
    /// All its records.
    pub total: u64,
    /// Records per bucket.
    pub counts: Vec<u64>,
}

/// Rate, errors and duration of one service.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ServiceSummary {
    /// The service.
    pub service: String,
    /// Its spans.
    pub spans: u64,
    /// Spans with status error.
    pub errors: u64,
    /// Spans a second over the window.
    pub rate_per_second: f64,
    /// `errors / spans`.
    pub error_share: f64,
    /// Median duration, ms (approximate: t-digest).
    pub p50_ms: Option<f64>,
    /// 95th percentile, ms.
    pub p95_ms: Option<f64>,
    /// 99th percentile, ms.
    pub p99_ms: Option<f64>,
    /// Its log records.
    pub logs: u64,
    /// Log records of level error or fatal.
    pub log_errors: u64,
    /// Spans and errors over the window.
    pub sparkline: Sparkline,
}

/// Spans and errors over time.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sparkline {
    /// Length of a bucket, ns.
    pub step_ns: i64,
    /// Spans per bucket.
    pub spans: Vec<u64>,
    /// Errors per bucket.
    pub errors: Vec<u64>,
}

/// A trace: its spans in pre-order, its logs by time. Serialises to the answer of `/api/v1/traces/{id}`.
#[derive(Debug, Clone, Serialize)]
pub struct Trace {
    /// Lower-case hexadecimal.
    pub trace_id: String,
    /// RFC 3339.
    pub start: String,
    /// From the first start to the last end.
    pub duration_ns: i64,
    /// Spans.
    pub span_count: usize,
    /// Spans with status error.
    pub error_count: usize,
    /// Services, by self time.
    pub services: Vec<TraceService>,
    /// What looks wrong: missing parents, cycles.
    pub problems: Vec<String>,
    /// Pre-order, children by start. Members as in docs/api.md.
    pub spans: Vec<Map<String, Value>>,
    /// Log records of this trace.
    pub logs: Vec<Map<String, Value>>,
}

/// One service of a trace.
#[derive(Debug, Clone, Serialize)]
pub struct TraceService {
    /// The service.
    pub service: String,
    /// Its spans.
    pub spans: usize,
    /// Time its spans spent outside their children.
    pub self_time_ns: i64,
}

/// Kinds of failure, each with one meaning for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryErrorKind {
    /// The question is wrong; ask another.
    BadQuery,
    /// The question is too expensive for the memory or row limit; narrow it.
    LimitExceeded,
    /// It took longer than allowed; narrow it.
    Timeout,
    /// Too many queries run; ask again in a moment.
    Busy,
    /// The store is still replaying its log; ask again in a moment.
    NotReady,
    /// A defect or damaged data; the log has more.
    Internal,
}

/// A failed query.
#[derive(Debug, Clone)]
pub struct QueryError {
    /// What kind.
    pub kind: QueryErrorKind,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Byte offset and 1-based column in the query text.
    pub position: Option<(usize, usize)>,
}

impl QueryError {
    /// An error without hint or position.
    pub fn new(kind: QueryErrorKind, message: impl Into<String>) -> QueryError {
        QueryError { kind, message: message.into(), hint: None, position: None }
    }

    /// The question is wrong.
    pub fn bad_query(message: impl Into<String>) -> QueryError {
        QueryError::new(QueryErrorKind::BadQuery, message)
    }

    /// With advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> QueryError {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for QueryError {}
