//! A batch: the records of one request, column by column.
//!
//! Decoders write straight into it: attributes of the open record with [`Batch::attribute`], then the fixed columns
//! with [`Batch::push_log`], [`Batch::push_span`] or [`Batch::push_metric`], which closes the record. A record that
//! turns out bad is dropped with [`Batch::abort_record`]; what was closed before stays.
//!
//! Invariant ([`Batch::check`]): every column, both references and the attributes have exactly `rows` entries, and
//! references point into the resource and scope tables.

use crate::attributes::{Attributes, Trimmed, Value};
use crate::limits::{RESERVED_BYTES_MAX, VALUE_BYTES_MAX};
use crate::signal::{ColumnType, NULL_DOUBLE_BITS, NULL_INT, Signal, log, metric, span};
use crate::template;
use crate::text::truncate;

/// One fixed column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Times and integers.
    Int(Vec<i64>),
    /// Floats.
    Double(Vec<f64>),
    /// Texts: `ends[i]` is where text `i` ends in `data`.
    Text {
        /// Where each text ends.
        ends: Vec<u32>,
        /// All texts, one after another.
        data: Vec<u8>,
    },
    /// 16-byte ids.
    Id16(Vec<[u8; 16]>),
    /// 8-byte ids.
    Id8(Vec<[u8; 8]>),
}

impl Column {
    /// An empty column of a shape.
    pub fn new(kind: ColumnType) -> Column {
        match kind {
            ColumnType::Time | ColumnType::Int | ColumnType::NullableInt => Column::Int(Vec::new()),
            ColumnType::Double => Column::Double(Vec::new()),
            ColumnType::Text => Column::Text { ends: Vec::new(), data: Vec::new() },
            ColumnType::Id16 => Column::Id16(Vec::new()),
            ColumnType::Id8 => Column::Id8(Vec::new()),
        }
    }

    /// Entries.
    pub fn len(&self) -> usize {
        match self {
            Column::Int(values) => values.len(),
            Column::Double(values) => values.len(),
            Column::Text { ends, .. } => ends.len(),
            Column::Id16(values) => values.len(),
            Column::Id8(values) => values.len(),
        }
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held.
    pub fn size_bytes(&self) -> usize {
        match self {
            Column::Text { ends, data } => ends.len() * 4 + data.len(),
            Column::Id16(values) => values.len() * 16,
            _ => self.len() * 8,
        }
    }

    /// Integers of an integer or time column; empty for another shape.
    pub fn ints(&self) -> &[i64] {
        if let Column::Int(values) = self { values } else { &[] }
    }

    /// Text of entry `row`; empty for another shape.
    pub fn text(&self, row: usize) -> &str {
        std::str::from_utf8(self.text_bytes(row)).expect("text columns hold what entered as &str")
    }

    /// Bytes of text `row`, without checking again that they are UTF-8; empty for another shape.
    pub fn text_bytes(&self, row: usize) -> &[u8] {
        let Column::Text { ends, data } = self else { return &[] };
        let start = if row == 0 { 0 } else { ends[row - 1] as usize };
        &data[start..ends[row] as usize]
    }

    fn append(&mut self, other: &Column) {
        match (self, other) {
            (Column::Int(to), Column::Int(from)) => to.extend_from_slice(from),
            (Column::Double(to), Column::Double(from)) => to.extend_from_slice(from),
            (Column::Id16(to), Column::Id16(from)) => to.extend_from_slice(from),
            (Column::Id8(to), Column::Id8(from)) => to.extend_from_slice(from),
            (Column::Text { ends, data }, Column::Text { ends: from_ends, data: from }) => {
                let base = u32::try_from(data.len()).expect("joined batches are small");
                ends.extend(from_ends.iter().map(|end| base + end));
                data.extend_from_slice(from);
            }
            _ => debug_assert!(false, "columns of one signal have one shape"),
        }
    }

    fn push_int(&mut self, value: i64) {
        if let Column::Int(values) = self {
            values.push(value);
        }
    }

    fn push_double(&mut self, value: f64) {
        if let Column::Double(values) = self {
            values.push(value);
        }
    }

    fn push_text(&mut self, value: &str) {
        if let Column::Text { ends, data } = self {
            if !value.is_empty() {
                data.extend_from_slice(value.as_bytes());
            }
            ends.push(u32::try_from(data.len()).expect("a bounded body has less than 4 GiB of text"));
        }
    }

    fn push_id16(&mut self, value: [u8; 16]) {
        if let Column::Id16(values) = self {
            values.push(value);
        }
    }

    fn push_id8(&mut self, value: [u8; 8]) {
        if let Column::Id8(values) = self {
            values.push(value);
        }
    }
}

/// Fixed columns of one log record. Text may be empty, ids zero, numbers zero: absent.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the names are those of the log table")]
pub struct LogRecord<'a> {
    pub time: i64,
    pub observed_time: i64,
    pub service: &'a str,
    pub level: &'a str,
    pub body: &'a str,
    /// A [`crate::attributes::ValueKind`] number; 0 = text.
    pub body_kind: u8,
    pub node: &'a str,
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub severity_number: i64,
    pub severity_text: &'a str,
    pub event_name: &'a str,
    pub flags: i64,
    pub scope_name: &'a str,
    pub scope_version: &'a str,
    pub dropped_attributes: i64,
}

/// Fixed columns of one span; `events` and `links` are JSON as [`span::COLUMNS`] says.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the names are those of the span table")]
pub struct SpanRecord<'a> {
    pub time: i64,
    pub duration_ns: i64,
    pub service: &'a str,
    pub name: &'a str,
    pub kind: &'a str,
    pub status: &'a str,
    pub status_message: &'a str,
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent_span_id: [u8; 8],
    pub trace_state: &'a str,
    pub flags: i64,
    pub events: &'a str,
    pub links: &'a str,
    pub node: &'a str,
    pub scope_name: &'a str,
    pub scope_version: &'a str,
    pub dropped_attributes: i64,
    pub dropped_events: i64,
    pub dropped_links: i64,
}

/// Fixed columns of one metric data point; JSON members as [`metric::COLUMNS`] says.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs, reason = "the names are those of the metric table")]
pub struct MetricRecord<'a> {
    pub time: i64,
    pub start_time: i64,
    pub service: &'a str,
    pub name: &'a str,
    pub unit: &'a str,
    pub description: &'a str,
    pub kind: &'a str,
    pub temporality: &'a str,
    pub monotonic: bool,
    pub value: Option<f64>,
    pub value_int: Option<i64>,
    pub count: Option<i64>,
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub buckets: &'a str,
    pub quantiles: &'a str,
    pub exemplars: &'a str,
    pub flags: i64,
    pub node: &'a str,
    pub scope_name: &'a str,
    pub scope_version: &'a str,
}

/// A proportion of what a vector holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    parts: usize,
    of: usize,
}

impl Share {
    fn of(self, count: usize) -> usize {
        count.saturating_mul(self.parts) / self.of
    }

    /// Makes room for this proportion, and a little more.
    pub(crate) fn reserve<T>(self, values: &mut Vec<T>) {
        let more = self.of(values.len());
        values.reserve_exact(more + more / 16);
    }
}

/// Records of one signal.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The signal.
    pub signal: Signal,
    /// Fixed columns, in the order of [`Signal::columns`].
    pub columns: Vec<Column>,
    /// Attributes of the records.
    pub attributes: Attributes,
    /// Attribute sets of resources; [`Self::resource`] points into it.
    pub resources: Attributes,
    /// Attribute sets of scopes; [`Self::scope`] points into it.
    pub scopes: Attributes,
    /// Resource of each record.
    pub resource: Vec<u32>,
    /// Scope of each record.
    pub scope: Vec<u32>,
}

impl Batch {
    /// An empty batch. Resource 0 and scope 0 exist and are empty.
    pub fn new(signal: Signal) -> Batch {
        let mut batch = Batch {
            signal,
            columns: signal.columns().iter().map(|spec| Column::new(spec.kind)).collect(),
            attributes: Attributes::default(),
            resources: Attributes::default(),
            scopes: Attributes::default(),
            resource: Vec::new(),
            scope: Vec::new(),
        };
        batch.resources.end_row();
        batch.scopes.end_row();
        batch
    }

    /// Closed records.
    pub fn rows(&self) -> usize {
        self.resource.len()
    }

    /// Makes room for `parts / of` as much as is held, where the rest of a request probably is like its beginning: growing
    /// step by step copies everything once more and leaves a third of the room unused. Asks for nothing where that were more
    /// than [`RESERVED_BYTES_MAX`].
    pub fn reserve(&mut self, parts: usize, of: usize) {
        let share = Share { parts, of };
        if of == 0 || share.of(self.size_bytes()) > RESERVED_BYTES_MAX {
            return;
        }
        for column in &mut self.columns {
            match column {
                Column::Int(values) => share.reserve(values),
                Column::Double(values) => share.reserve(values),
                Column::Text { ends, data } => {
                    share.reserve(ends);
                    share.reserve(data);
                }
                Column::Id16(values) => share.reserve(values),
                Column::Id8(values) => share.reserve(values),
            }
        }
        self.attributes.reserve(share);
        share.reserve(&mut self.resource);
        share.reserve(&mut self.scope);
    }

    /// Bytes held, roughly.
    pub fn size_bytes(&self) -> usize {
        self.columns.iter().map(Column::size_bytes).sum::<usize>()
            + self.attributes.size_bytes()
            + self.resources.size_bytes()
            + self.scopes.size_bytes()
            + self.resource.len() * 8
    }

    /// Start times of the records.
    pub fn times(&self) -> &[i64] {
        self.columns[0].ints()
    }

    /// What was left out to keep within bounds, over all three attribute lists.
    pub fn trimmed(&self) -> Trimmed {
        [&self.attributes, &self.resources, &self.scopes].iter().fold(Trimmed::default(), |sum, part| Trimmed {
            attributes_dropped: sum.attributes_dropped + part.trimmed.attributes_dropped,
            values_cut: sum.values_cut + part.trimmed.values_cut,
        })
    }

    /// Adds an attribute to the open resource.
    pub fn resource_attribute(&mut self, name: &str, value: Value<'_>) {
        self.resources.push(name, value);
    }

    /// Closes the open resource and makes it the resource of the records that follow; returns its number.
    pub fn end_resource(&mut self) -> u32 {
        self.resources.end_row();
        u32::try_from(self.resources.rows() - 1).expect("resource count of a bounded batch fits u32")
    }

    /// Adds an attribute to the open scope.
    pub fn scope_attribute(&mut self, name: &str, value: Value<'_>) {
        self.scopes.push(name, value);
    }

    /// Closes the open scope; returns its number.
    pub fn end_scope(&mut self) -> u32 {
        self.scopes.end_row();
        u32::try_from(self.scopes.rows() - 1).expect("scope count of a bounded batch fits u32")
    }

    /// Adds an attribute to the open record.
    pub fn attribute(&mut self, name: &str, value: Value<'_>) {
        self.attributes.push(name, value);
    }

    /// Forgets the open record's attributes.
    pub fn abort_record(&mut self) {
        self.attributes.abort_row();
    }

    fn end_record(&mut self, resource: u32, scope: u32) {
        self.attributes.end_row();
        self.resource.push(resource);
        self.scope.push(scope);
    }

    /// Closes the open record as a log.
    pub fn push_log(&mut self, resource: u32, scope: u32, record: &LogRecord<'_>) {
        debug_assert_eq!(self.signal, Signal::Logs);
        let body = truncate(record.body, VALUE_BYTES_MAX);
        self.attributes.trimmed.values_cut += u64::from(body.len() < record.body.len());
        let c = &mut self.columns;
        c[log::TIME].push_int(record.time);
        c[log::OBSERVED_TIME].push_int(record.observed_time);
        c[log::SERVICE].push_text(record.service);
        c[log::LEVEL].push_text(record.level);
        c[log::BODY].push_text(body);
        c[log::BODY_KIND].push_int(i64::from(record.body_kind));
        c[log::TEMPLATE_ID].push_int(template::id(body).cast_signed());
        c[log::NODE].push_text(record.node);
        c[log::TRACE_ID].push_id16(record.trace_id);
        c[log::SPAN_ID].push_id8(record.span_id);
        c[log::SEVERITY_NUMBER].push_int(record.severity_number);
        c[log::SEVERITY_TEXT].push_text(record.severity_text);
        c[log::EVENT_NAME].push_text(record.event_name);
        c[log::FLAGS].push_int(record.flags);
        c[log::SCOPE_NAME].push_text(record.scope_name);
        c[log::SCOPE_VERSION].push_text(record.scope_version);
        c[log::DROPPED_ATTRIBUTES].push_int(record.dropped_attributes);
        self.end_record(resource, scope);
    }

    /// Closes the open record as a span.
    pub fn push_span(&mut self, resource: u32, scope: u32, record: &SpanRecord<'_>) {
        debug_assert_eq!(self.signal, Signal::Spans);
        let c = &mut self.columns;
        c[span::TIME].push_int(record.time);
        c[span::DURATION_NS].push_int(record.duration_ns);
        c[span::SERVICE].push_text(record.service);
        c[span::NAME].push_text(record.name);
        c[span::KIND].push_text(record.kind);
        c[span::STATUS].push_text(record.status);
        c[span::STATUS_MESSAGE].push_text(record.status_message);
        c[span::TRACE_ID].push_id16(record.trace_id);
        c[span::SPAN_ID].push_id8(record.span_id);
        c[span::PARENT_SPAN_ID].push_id8(record.parent_span_id);
        c[span::TRACE_STATE].push_text(record.trace_state);
        c[span::FLAGS].push_int(record.flags);
        c[span::EVENTS].push_text(record.events);
        c[span::LINKS].push_text(record.links);
        c[span::NODE].push_text(record.node);
        c[span::SCOPE_NAME].push_text(record.scope_name);
        c[span::SCOPE_VERSION].push_text(record.scope_version);
        c[span::DROPPED_ATTRIBUTES].push_int(record.dropped_attributes);
        c[span::DROPPED_EVENTS].push_int(record.dropped_events);
        c[span::DROPPED_LINKS].push_int(record.dropped_links);
        self.end_record(resource, scope);
    }

    /// Closes the open record as a metric data point.
    pub fn push_metric(&mut self, resource: u32, scope: u32, record: &MetricRecord<'_>) {
        debug_assert_eq!(self.signal, Signal::Metrics);
        let double = |value: Option<f64>| value.unwrap_or(f64::from_bits(NULL_DOUBLE_BITS));
        let c = &mut self.columns;
        c[metric::TIME].push_int(record.time);
        c[metric::START_TIME].push_int(record.start_time);
        c[metric::SERVICE].push_text(record.service);
        c[metric::NAME].push_text(record.name);
        c[metric::UNIT].push_text(record.unit);
        c[metric::DESCRIPTION].push_text(record.description);
        c[metric::KIND].push_text(record.kind);
        c[metric::TEMPORALITY].push_text(record.temporality);
        c[metric::MONOTONIC].push_int(i64::from(record.monotonic));
        c[metric::VALUE].push_double(double(record.value));
        c[metric::VALUE_INT].push_int(record.value_int.unwrap_or(NULL_INT));
        c[metric::COUNT].push_int(record.count.unwrap_or(NULL_INT));
        c[metric::SUM].push_double(double(record.sum));
        c[metric::MIN].push_double(double(record.min));
        c[metric::MAX].push_double(double(record.max));
        c[metric::BUCKETS].push_text(record.buckets);
        c[metric::QUANTILES].push_text(record.quantiles);
        c[metric::EXEMPLARS].push_text(record.exemplars);
        c[metric::FLAGS].push_int(record.flags);
        c[metric::NODE].push_text(record.node);
        c[metric::SCOPE_NAME].push_text(record.scope_name);
        c[metric::SCOPE_VERSION].push_text(record.scope_version);
        self.end_record(resource, scope);
    }

    /// Appends the records of `other`, which has the same signal. Both together must stay far below 4 GiB of text.
    pub fn append(&mut self, other: &Batch) {
        debug_assert_eq!(self.signal, other.signal);
        for (to, from) in self.columns.iter_mut().zip(&other.columns) {
            to.append(from);
        }
        for row in 0..other.rows() {
            self.attributes.append_row(&other.attributes, row);
        }
        let resources = append_sets(&mut self.resources, &other.resources);
        let scopes = append_sets(&mut self.scopes, &other.scopes);
        self.resource.extend(other.resource.iter().map(|&id| resources[id as usize]));
        self.scope.extend(other.scope.iter().map(|&id| scopes[id as usize]));
    }

    /// True when the invariant of this file holds.
    pub fn check(&self) -> bool {
        let rows = self.rows();
        self.columns.len() == self.signal.columns().len()
            && self.columns.iter().all(|column| column.len() == rows)
            && self.attributes.rows() == rows
            && self.scope.len() == rows
            && self.resource.iter().all(|&r| (r as usize) < self.resources.rows())
            && self.scope.iter().all(|&s| (s as usize) < self.scopes.rows())
    }
}

/// Appends attribute sets, each that the last set here does not equal already; returns the new numbers.
fn append_sets(to: &mut Attributes, from: &Attributes) -> Vec<u32> {
    (0..from.rows())
        .map(|row| {
            let last = to.rows() - 1;
            let known = [last, 0].into_iter().find(|&known| to.row_equals(known, from, row));
            let number = known.unwrap_or_else(|| {
                to.append_row(from, row);
                to.rows() - 1
            });
            u32::try_from(number).expect("set count of a bounded batch fits u32")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_more_of_the_same_within_bounds() {
        let mut batch = Batch::new(Signal::Logs);
        for time in 0..10 {
            batch.attribute("n", Value::Int(time));
            batch.push_log(0, 0, &LogRecord { time, body: "hello", ..LogRecord::default() });
        }
        batch.reserve(9, 1);
        let Column::Int(times) = &batch.columns[log::TIME] else { panic!("a column of times") };
        assert!((100..130).contains(&times.capacity()), "{}", times.capacity());
        batch.reserve(usize::MAX, 1);
        batch.reserve(1, 0);
        let Column::Int(times) = &batch.columns[log::TIME] else { panic!("a column of times") };
        assert!(times.capacity() < 130);
    }

    #[test]
    fn appended_batches_keep_their_records() {
        let one = |n: i64, service: &str| {
            let mut batch = Batch::new(Signal::Logs);
            batch.resource_attribute("service.name", Value::Text(service));
            let resource = batch.end_resource();
            batch.attribute("n", Value::Int(n));
            batch.attribute(if n == 1 { "x" } else { "y" }, Value::Text("é"));
            batch.push_log(resource, 0, &LogRecord { time: n, body: "hello", service, ..LogRecord::default() });
            batch
        };
        let mut all = one(1, "a");
        for (n, service) in [(2, "a"), (3, "b"), (4, "b")] {
            all.append(&one(n, service));
        }
        assert!(all.check());
        assert_eq!(all.times(), [1, 2, 3, 4]);
        assert_eq!(all.resources.rows(), 3, "equal resources are kept once");
        assert_eq!(all.columns[log::SERVICE].text(3), "b");
        let mut json = String::new();
        all.attributes.push_json(2, &mut json);
        assert_eq!(json, "{\"n\":3,\"y\":\"é\"}");
        let mut bytes = Vec::new();
        crate::codec::encode(&all, &mut bytes);
        assert_eq!(crate::codec::decode(&bytes).expect("valid").columns, all.columns);
    }
}
