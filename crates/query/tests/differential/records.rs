//! Records as plain data: what the oracle looks at, and how they become a batch of the product.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord, SpanRecord};
use clewline_model::signal::Signal;

/// An attribute value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    Bytes(Vec<u8>),
    Json(String),
    Null,
}

impl Val {
    fn borrowed(&self) -> Value<'_> {
        match self {
            Val::Text(text) => Value::Text(text),
            Val::Int(int) => Value::Int(*int),
            Val::Double(double) => Value::Double(*double),
            Val::Bool(bool) => Value::Bool(*bool),
            Val::Bytes(bytes) => Value::Bytes(bytes),
            Val::Json(text) => Value::Json(text),
            Val::Null => Value::Null,
        }
    }

    /// What a text test sees; `None` for no value.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Val::Text(text) | Val::Json(text) => text.clone(),
            Val::Int(int) => int.to_string(),
            Val::Double(double) => double.to_string(),
            Val::Bool(bool) => bool.to_string(),
            Val::Bytes(bytes) => base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes),
            Val::Null => return None,
        })
    }
}

/// Names and values, in order; no name twice.
pub(crate) type Attributes = Vec<(String, Val)>;

/// One log or span.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// Different for every record of a data set; stored as `dropped_attributes`.
    pub(crate) uid: i64,
    /// The batch it is sent in, from 0.
    pub(crate) batch: usize,
    pub(crate) time: i64,
    pub(crate) observed_time: i64,
    /// Fixed text columns that are not empty.
    pub(crate) texts: BTreeMap<&'static str, String>,
    /// Fixed integer columns; absent where the column says so.
    pub(crate) ints: BTreeMap<&'static str, i64>,
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) parent_span_id: [u8; 8],
    pub(crate) attributes: Attributes,
    pub(crate) resource: Attributes,
    pub(crate) scope: Attributes,
    /// What a test of any field looks at, made at first use.
    pub(crate) searchable: OnceLock<Vec<(String, Vec<char>)>>,
}

impl Record {
    fn text(&self, column: &str) -> &str {
        self.texts.get(column).map_or("", String::as_str)
    }

    fn int(&self, column: &str) -> i64 {
        self.ints.get(column).copied().unwrap_or(0)
    }
}

/// The records as one batch.
pub(crate) fn batch_of(signal: Signal, records: &[&Record]) -> Batch {
    let mut batch = Batch::new(signal);
    let mut last: Option<(&Attributes, &Attributes, u32, u32)> = None;
    for record in records {
        let (resource, scope) = match last {
            Some((r, s, resource, scope)) if (r, s) == (&record.resource, &record.scope) => (resource, scope),
            _ => {
                record.resource.iter().for_each(|(name, value)| batch.resource_attribute(name, value.borrowed()));
                let resource = batch.end_resource();
                record.scope.iter().for_each(|(name, value)| batch.scope_attribute(name, value.borrowed()));
                (resource, batch.end_scope())
            }
        };
        last = Some((&record.resource, &record.scope, resource, scope));
        record.attributes.iter().for_each(|(name, value)| batch.attribute(name, value.borrowed()));
        match signal {
            Signal::Logs => batch.push_log(resource, scope, &log_of(record)),
            _ => batch.push_span(resource, scope, &span_of(record)),
        }
    }
    batch
}

fn log_of(record: &Record) -> LogRecord<'_> {
    LogRecord {
        time: record.time,
        observed_time: record.observed_time,
        service: record.text("service"),
        level: record.text("level"),
        body: record.text("body"),
        node: record.text("node"),
        trace_id: record.trace_id,
        span_id: record.span_id,
        severity_number: record.int("severity_number"),
        severity_text: record.text("severity_text"),
        event_name: record.text("event_name"),
        flags: record.int("flags"),
        scope_name: record.text("scope_name"),
        scope_version: record.text("scope_version"),
        dropped_attributes: record.uid,
        ..LogRecord::default()
    }
}

fn span_of(record: &Record) -> SpanRecord<'_> {
    SpanRecord {
        time: record.time,
        duration_ns: record.int("duration_ns"),
        service: record.text("service"),
        name: record.text("name"),
        kind: record.text("kind"),
        status: record.text("status"),
        status_message: record.text("status_message"),
        trace_id: record.trace_id,
        span_id: record.span_id,
        parent_span_id: record.parent_span_id,
        trace_state: record.text("trace_state"),
        flags: record.int("flags"),
        events: record.text("events"),
        links: record.text("links"),
        node: record.text("node"),
        scope_name: record.text("scope_name"),
        scope_version: record.text("scope_version"),
        dropped_attributes: record.uid,
        ..SpanRecord::default()
    }
}
