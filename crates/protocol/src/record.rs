//! The rules every protocol shares: which time a record gets, which ids count, how long repeated texts may be, when a
//! request has grown too large.
//!
//! A decoder fills a [`RawLog`], [`RawSpan`] or [`RawPoint`] with what it found and gives it to the [`Sink`], which
//! applies the rules and pushes the row. Rules of an absent or broken part are here and nowhere else.

use std::borrow::Cow;

use clewline_model::attributes::{Value, ValueKind};
use clewline_model::batch::{Batch, LogRecord, MetricRecord, SpanRecord};
use clewline_model::limits::VALUE_BYTES_MAX;
use clewline_model::signal::{NULL_DOUBLE_BITS, NULL_INT, Signal, level_of_severity, level_of_text};
use clewline_model::text::truncate;

use crate::limits::{BATCH_BYTES_MAX, REPEATED_BYTES_MAX, ROWS_BEFORE_GUESS, ROWS_BETWEEN_SIZE_CHECKS};
use crate::report::{DecodeError, Rejections};
use crate::{Context, Decoded};

/// A problem found while decoding a record.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The request as a whole cannot be read any further.
    Request(DecodeError),
    /// This record is refused, the next one can be read.
    Record(Cow<'static, str>),
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Fault {
        Fault::Request(error)
    }
}

/// Said of a record with a value deeper than the model allows.
pub(crate) const TOO_DEEP: &str = "a value is nested deeper than 64 levels";

/// A decoded `AnyValue` or JSON value. JSON text of arrays and objects is in the scratch string it was decoded with.
#[derive(Debug, Clone, Default)]
pub(crate) enum Any<'a> {
    #[default]
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Double(f64),
    Bool(bool),
    Bytes(Cow<'a, [u8]>),
    Json,
}

impl Any<'_> {
    pub(crate) fn value<'v>(&'v self, scratch: &'v str) -> Value<'v> {
        match self {
            Any::Null => Value::Null,
            Any::Text(text) => Value::Text(text),
            Any::Int(int) => Value::Int(*int),
            Any::Double(double) => Value::Double(*double),
            Any::Bool(bool) => Value::Bool(*bool),
            Any::Bytes(bytes) => Value::Bytes(bytes),
            Any::Json => Value::Json(scratch),
        }
    }
}

/// A trace or span id as it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Id<const N: usize> {
    #[default]
    Absent,
    /// Of the wrong length, not hexadecimal, or all zero.
    Bad,
    Given([u8; N]),
}

impl<const N: usize> Id<N> {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Id<N> {
        match <[u8; N]>::try_from(bytes) {
            Ok(id) if id != [0; N] => Id::Given(id),
            _ if bytes.is_empty() => Id::Absent,
            _ => Id::Bad,
        }
    }

    pub(crate) fn from_hex(text: &[u8]) -> Id<N> {
        match clewline_model::text::parse_hex::<N>(text) {
            Some(id) => Id::from_bytes(&id),
            None if text.is_empty() => Id::Absent,
            None => Id::Bad,
        }
    }
}

/// What the records of one scope share.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) resource: u32,
    pub(crate) scope: u32,
    pub(crate) service: String,
    /// The resource has named its service: of names given twice the first counts.
    pub(crate) named: bool,
    pub(crate) scope_name: String,
    pub(crate) scope_version: String,
}

impl Origin {
    /// Forgets the service: a resource begins.
    pub(crate) fn begin_resource(&mut self) {
        self.service.clear();
        self.named = false;
    }

    /// Takes the value of `service.name`; the service stays empty unless it is text.
    pub(crate) fn name_service(&mut self, value: Value<'_>, report: &mut Rejections) {
        if !std::mem::replace(&mut self.named, true)
            && let Value::Text(service) = value
        {
            Origin::set(&mut self.service, service, report);
        }
    }

    /// Replaces one of the shared texts, cut to its bound.
    pub(crate) fn set(to: &mut String, text: &str, report: &mut Rejections) {
        let kept = truncate(text, REPEATED_BYTES_MAX);
        report.warnings.values_cut += u64::from(kept.len() < text.len());
        to.clear();
        to.push_str(kept);
    }
}

/// A log record as it came; zero and empty mean absent.
#[derive(Debug, Default)]
pub(crate) struct RawLog<'a> {
    /// The node the record names; empty = the sender.
    pub(crate) node: &'a str,
    pub(crate) time: u64,
    pub(crate) observed: u64,
    pub(crate) severity_number: i64,
    pub(crate) severity_text: Cow<'a, str>,
    pub(crate) body: Any<'a>,
    pub(crate) event_name: Cow<'a, str>,
    pub(crate) trace_id: Id<16>,
    pub(crate) span_id: Id<8>,
    pub(crate) flags: i64,
    pub(crate) dropped: i64,
}

/// A span as it came; zero and empty mean absent.
#[derive(Debug, Default)]
pub(crate) struct RawSpan<'a> {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: i64,
    pub(crate) status: i64,
    pub(crate) status_message: Cow<'a, str>,
    pub(crate) trace_id: Id<16>,
    pub(crate) span_id: Id<8>,
    pub(crate) parent_span_id: Id<8>,
    pub(crate) trace_state: Cow<'a, str>,
    pub(crate) flags: i64,
    pub(crate) dropped_attributes: i64,
    pub(crate) dropped_events: i64,
    pub(crate) dropped_links: i64,
}

/// What the points of one metric share.
#[derive(Debug, Default)]
pub(crate) struct RawMetric<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) unit: Cow<'a, str>,
    pub(crate) description: Cow<'a, str>,
    pub(crate) kind: &'static str,
    pub(crate) temporality: i64,
    pub(crate) monotonic: bool,
}

/// A metric data point as it came; JSON parts as the metric table documents them.
#[derive(Debug, Default)]
pub(crate) struct RawPoint {
    pub(crate) time: u64,
    pub(crate) start: u64,
    pub(crate) value: Option<f64>,
    pub(crate) value_int: Option<i64>,
    pub(crate) count: Option<u64>,
    pub(crate) sum: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) flags: i64,
    pub(crate) buckets: String,
    pub(crate) quantiles: String,
    pub(crate) exemplars: String,
}

impl RawPoint {
    /// Makes it empty, keeping its memory.
    pub(crate) fn clear(&mut self) {
        let (mut buckets, mut quantiles, mut exemplars) = (
            std::mem::take(&mut self.buckets),
            std::mem::take(&mut self.quantiles),
            std::mem::take(&mut self.exemplars),
        );
        buckets.clear();
        quantiles.clear();
        exemplars.clear();
        *self = RawPoint { buckets, quantiles, exemplars, ..RawPoint::default() };
    }
}

/// The batch under construction with its report.
#[derive(Debug)]
pub(crate) struct Sink<'c> {
    pub(crate) batch: Batch,
    pub(crate) report: Rejections,
    now_ns: i64,
    node: &'c str,
    body_text: String,
    bytes_max: usize,
}

impl<'c> Sink<'c> {
    pub(crate) fn new(signal: Signal, context: &Context<'c>) -> Sink<'c> {
        Sink {
            batch: Batch::new(signal),
            report: Rejections::default(),
            now_ns: context.now_ns,
            node: truncate(context.node, REPEATED_BYTES_MAX),
            body_text: String::new(),
            bytes_max: BATCH_BYTES_MAX,
        }
    }

    /// A sink for records of many senders: each brings its node.
    pub(crate) fn of_many(signal: Signal) -> Sink<'static> {
        Sink::new(signal, &Context { now_ns: 0, node: "" })
    }

    /// The time of records without one, from now on.
    pub(crate) fn set_now(&mut self, now_ns: i64) {
        self.now_ns = now_ns;
    }

    /// The result, with what the batch itself had to cut added to the report.
    pub(crate) fn finish(mut self) -> Decoded {
        let trimmed = self.batch.trimmed();
        self.report.warnings.attributes_dropped += trimmed.attributes_dropped;
        self.report.warnings.values_cut += trimmed.values_cut;
        debug_assert!(self.batch.check());
        Decoded { batch: self.batch, rejections: self.report }
    }

    /// Refuses the open record.
    pub(crate) fn reject(&mut self, place: impl FnOnce() -> String, message: Cow<'static, str>) {
        self.batch.abort_record();
        self.report.reject(place, message);
    }

    /// Refuses the request once its batch has grown too large; looked at every few rows.
    pub(crate) fn check_size(&self) -> Result<(), DecodeError> {
        if self.batch.rows().is_multiple_of(ROWS_BETWEEN_SIZE_CHECKS) && self.batch.size_bytes() > self.bytes_max {
            return Err(DecodeError::TooLarge { limit_bytes: self.bytes_max });
        }
        Ok(())
    }

    /// Makes room for the rest of a request, once its beginning shows what the rows are like: `read` of its `total` bytes
    /// became the rows so far.
    #[inline]
    pub(crate) fn expect_rest(&mut self, read: usize, total: usize) {
        if self.batch.rows() == ROWS_BEFORE_GUESS {
            self.batch.reserve(total.saturating_sub(read), read);
        }
    }

    /// Closes the open record as a log. `json` is the scratch text of a JSON body.
    pub(crate) fn push_log(&mut self, origin: &Origin, raw: &RawLog<'_>, json: &str) -> Result<(), Fault> {
        self.check_size()?;
        let observed_time = time_of(raw.observed)?;
        let mut time = time_of(raw.time)?;
        if time == 0 {
            time = if observed_time != 0 { observed_time } else { self.now_ns };
        }
        let mut level = level_of_severity(raw.severity_number);
        let mut severity_number = raw.severity_number;
        if level.is_empty()
            && let Some((name, number)) = level_of_text(&raw.severity_text)
        {
            level = name;
            severity_number = if severity_number == 0 { number } else { severity_number };
        }
        let value = raw.body.value(json);
        let body = match value {
            Value::Text(text) | Value::Json(text) => text,
            _ => {
                self.body_text.clear();
                value.push_text(&mut self.body_text);
                &self.body_text
            }
        };
        let kind = if matches!(raw.body, Any::Null) { ValueKind::Text } else { value.kind() };
        let warnings = &mut self.report.warnings;
        let record = LogRecord {
            time,
            observed_time,
            service: &origin.service,
            level,
            body,
            body_kind: kind as u8,
            node: if raw.node.is_empty() { self.node } else { repeated(raw.node, &mut warnings.values_cut) },
            trace_id: optional(raw.trace_id, &mut warnings.ids_dropped),
            span_id: optional(raw.span_id, &mut warnings.ids_dropped),
            severity_number,
            severity_text: cut(&raw.severity_text, &mut warnings.values_cut),
            event_name: cut(&raw.event_name, &mut warnings.values_cut),
            flags: raw.flags,
            scope_name: &origin.scope_name,
            scope_version: &origin.scope_version,
            dropped_attributes: raw.dropped,
        };
        self.batch.push_log(origin.resource, origin.scope, &record);
        Ok(())
    }

    /// Closes the open record as a span; `events` and `links` are JSON arrays or empty.
    pub(crate) fn push_span(
        &mut self,
        origin: &Origin,
        raw: &RawSpan<'_>,
        events: &str,
        links: &str,
    ) -> Result<(), Fault> {
        self.check_size()?;
        let trace_id = required(raw.trace_id, "trace_id is missing", "trace_id is not 16 bytes that are not all zero")?;
        let span_id = required(raw.span_id, "span_id is missing", "span_id is not 8 bytes that are not all zero")?;
        let (start, end) = (time_of(raw.start)?, time_of(raw.end)?);
        let warnings = &mut self.report.warnings;
        let (time, duration_ns) = match (start, end) {
            (0, 0) => (self.now_ns, NULL_INT),
            (0, end) => (end, 0),
            (start, 0) => (start, NULL_INT),
            (start, end) => (start, end.saturating_sub(start).max(0)),
        };
        warnings.times_replaced += u64::from(start == 0);
        warnings.durations_clamped += u64::from(end != 0 && end < start);
        let record = SpanRecord {
            time,
            duration_ns,
            service: &origin.service,
            name: cut(&raw.name, &mut warnings.values_cut),
            kind: span_kind(raw.kind),
            status: span_status(raw.status),
            status_message: cut(&raw.status_message, &mut warnings.values_cut),
            trace_id,
            span_id,
            parent_span_id: parent(raw.parent_span_id, &mut warnings.ids_dropped),
            trace_state: cut(&raw.trace_state, &mut warnings.values_cut),
            flags: raw.flags,
            events,
            links,
            node: self.node,
            scope_name: &origin.scope_name,
            scope_version: &origin.scope_version,
            dropped_attributes: raw.dropped_attributes,
            dropped_events: raw.dropped_events,
            dropped_links: raw.dropped_links,
        };
        self.batch.push_span(origin.resource, origin.scope, &record);
        Ok(())
    }

    /// Closes the open record as a metric data point.
    pub(crate) fn push_point(
        &mut self,
        origin: &Origin,
        metric: &RawMetric<'_>,
        point: &RawPoint,
    ) -> Result<(), Fault> {
        self.check_size()?;
        let mut time = time_of(point.time)?;
        let start_time = time_of(point.start)?;
        let count = point.count.map(i64::try_from).transpose();
        let count = count.map_err(|_| Fault::Record("count does not fit a signed 64-bit integer".into()))?;
        let warnings = &mut self.report.warnings;
        if time == 0 {
            time = self.now_ns;
            warnings.times_replaced += 1;
        }
        let record = MetricRecord {
            time,
            start_time,
            service: &origin.service,
            name: repeated(&metric.name, &mut warnings.values_cut),
            unit: repeated(&metric.unit, &mut warnings.values_cut),
            description: repeated(&metric.description, &mut warnings.values_cut),
            kind: metric.kind,
            temporality: temporality(metric.temporality),
            monotonic: metric.monotonic,
            value: point.value.map(not_the_null),
            value_int: point.value_int,
            count,
            sum: point.sum.map(not_the_null),
            min: point.min.map(not_the_null),
            max: point.max.map(not_the_null),
            buckets: &point.buckets,
            quantiles: &point.quantiles,
            exemplars: &point.exemplars,
            flags: point.flags,
            node: self.node,
            scope_name: &origin.scope_name,
            scope_version: &origin.scope_version,
        };
        self.batch.push_metric(origin.resource, origin.scope, &record);
        Ok(())
    }
}

fn time_of(time: u64) -> Result<i64, Fault> {
    i64::try_from(time).map_err(|_| Fault::Record("a time is after the year 2262".into()))
}

fn cut<'t>(text: &'t str, values_cut: &mut u64) -> &'t str {
    let kept = truncate(text, VALUE_BYTES_MAX);
    *values_cut += u64::from(kept.len() < text.len());
    kept
}

fn repeated<'t>(text: &'t str, values_cut: &mut u64) -> &'t str {
    let kept = truncate(text, REPEATED_BYTES_MAX);
    *values_cut += u64::from(kept.len() < text.len());
    kept
}

fn optional<const N: usize>(id: Id<N>, dropped: &mut u64) -> [u8; N] {
    match id {
        Id::Given(bytes) => bytes,
        Id::Absent => [0; N],
        Id::Bad => {
            *dropped += 1;
            [0; N]
        }
    }
}

fn parent(id: Id<8>, dropped: &mut u64) -> [u8; 8] {
    optional(id, dropped)
}

fn required<const N: usize>(id: Id<N>, missing: &'static str, bad: &'static str) -> Result<[u8; N], Fault> {
    match id {
        Id::Given(bytes) => Ok(bytes),
        Id::Absent => Err(Fault::Record(missing.into())),
        Id::Bad => Err(Fault::Record(bad.into())),
    }
}

/// The one NaN that marks an absent double is stored as another NaN.
fn not_the_null(value: f64) -> f64 {
    if value.to_bits() == NULL_DOUBLE_BITS { f64::NAN } else { value }
}

/// `SpanKind` of trace.proto as the span table names it.
fn span_kind(number: i64) -> &'static str {
    match number {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "",
    }
}

/// `Status.StatusCode` of trace.proto as the span table names it.
fn span_status(number: i64) -> &'static str {
    match number {
        1 => "ok",
        2 => "error",
        _ => "unset",
    }
}

/// `AggregationTemporality` of metrics.proto as the metric table names it.
fn temporality(number: i64) -> &'static str {
    match number {
        1 => "delta",
        2 => "cumulative",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(node: &str, bytes_max: usize) -> (usize, Option<Fault>) {
        let mut sink = Sink::new(Signal::Logs, &Context { now_ns: 1, node });
        sink.bytes_max = bytes_max;
        let raw = RawLog::default();
        for _ in 0..10 * ROWS_BETWEEN_SIZE_CHECKS {
            if let Err(fault) = sink.push_log(&Origin::default(), &raw, "") {
                return (sink.batch.rows(), Some(fault));
            }
        }
        (sink.batch.rows(), None)
    }

    #[test]
    fn a_batch_that_grows_too_large_refuses_the_request() {
        let node = "n".repeat(REPEATED_BYTES_MAX);
        let (rows, fault) = filled(&node, 1 << 20);
        assert_eq!(rows, ROWS_BETWEEN_SIZE_CHECKS, "looked at every few rows");
        assert!(matches!(fault, Some(Fault::Request(error)) if error.is_too_large()));
        assert!(filled("n", 1 << 20).1.is_none());
    }

    #[test]
    fn ids_are_told_apart() {
        assert_eq!(Id::<2>::from_bytes(b""), Id::Absent);
        assert_eq!(Id::<2>::from_bytes(b"\0\0"), Id::Bad);
        assert_eq!(Id::<2>::from_bytes(b"a"), Id::Bad);
        assert_eq!(Id::<2>::from_hex(b"0aFF"), Id::Given([10, 255]));
        assert_eq!(Id::<2>::from_hex(b"0000"), Id::Bad);
        assert_eq!(Id::<2>::from_hex(b"zz00"), Id::Bad);
    }
}
