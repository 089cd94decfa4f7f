//! The three signals and the fixed columns of their tables.
//!
//! A fixed column exists in every segment of its signal. Its position in the table below is its position in a
//! [`crate::batch::Batch`]; the constants in [`log`], [`span`] and [`metric`] name those positions. Adding a column
//! at the end of a table keeps old segments and logs readable (it reads as null there); any other change needs a new
//! format version (docs/formats/).

/// One kind of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Signal {
    /// Log records.
    Logs = 0,
    /// Spans of traces.
    Spans = 1,
    /// Metric data points.
    Metrics = 2,
}

/// All signals, in the order of their numbers.
pub const SIGNALS: [Signal; 3] = [Signal::Logs, Signal::Spans, Signal::Metrics];

impl Signal {
    /// The table name: `logs`, `spans` or `metrics`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Spans => "spans",
            Signal::Metrics => "metrics",
        }
    }

    /// The signal of a table name (`traces` is accepted for spans).
    pub fn from_name(name: &str) -> Option<Signal> {
        match name {
            "logs" => Some(Signal::Logs),
            "spans" | "traces" => Some(Signal::Spans),
            "metrics" => Some(Signal::Metrics),
            _ => None,
        }
    }

    /// The signal of its number.
    pub fn from_number(number: u8) -> Option<Signal> {
        SIGNALS.get(usize::from(number)).copied()
    }

    /// The fixed columns, in batch order.
    pub fn columns(self) -> &'static [ColumnSpec] {
        match self {
            Signal::Logs => log::COLUMNS,
            Signal::Spans => span::COLUMNS,
            Signal::Metrics => metric::COLUMNS,
        }
    }

    /// Position of a fixed column by name.
    pub fn column_index(self, name: &str) -> Option<usize> {
        self.columns().iter().position(|c| c.name == name)
    }
}

/// Shape of a fixed column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Nanoseconds since the Unix epoch, UTC; 0 = absent.
    Time,
    /// 64-bit integer; 0 = absent where `zero_is_null`.
    Int,
    /// 64-bit integer; [`NULL_INT`] = absent.
    NullableInt,
    /// 64-bit float; the bit pattern [`NULL_DOUBLE_BITS`] = absent.
    Double,
    /// UTF-8 text; empty = absent.
    Text,
    /// 16 bytes; all zero = absent.
    Id16,
    /// 8 bytes; all zero = absent.
    Id8,
}

/// Marks an absent [`ColumnType::NullableInt`].
pub const NULL_INT: i64 = i64::MIN;

/// Marks an absent [`ColumnType::Double`]: a quiet NaN no producer sends.
pub const NULL_DOUBLE_BITS: u64 = 0x7ff8_c1e3_11fe_0000;

/// One fixed column.
#[derive(Debug, Clone, Copy)]
pub struct ColumnSpec {
    /// Name in SQL, in segments and in answers.
    pub name: &'static str,
    /// Shape.
    pub kind: ColumnType,
}

const fn column(name: &'static str, kind: ColumnType) -> ColumnSpec {
    ColumnSpec { name, kind }
}

/// Positions of the log columns.
#[allow(missing_docs, reason = "the names are the documentation of the table below")]
pub mod log {
    use super::{ColumnSpec, ColumnType::*, column};
    pub const TIME: usize = 0;
    pub const OBSERVED_TIME: usize = 1;
    pub const SERVICE: usize = 2;
    pub const LEVEL: usize = 3;
    pub const BODY: usize = 4;
    pub const BODY_KIND: usize = 5;
    pub const TEMPLATE_ID: usize = 6;
    pub const NODE: usize = 7;
    pub const TRACE_ID: usize = 8;
    pub const SPAN_ID: usize = 9;
    pub const SEVERITY_NUMBER: usize = 10;
    pub const SEVERITY_TEXT: usize = 11;
    pub const EVENT_NAME: usize = 12;
    pub const FLAGS: usize = 13;
    pub const SCOPE_NAME: usize = 14;
    pub const SCOPE_VERSION: usize = 15;
    pub const DROPPED_ATTRIBUTES: usize = 16;
    /// The log table.
    pub const COLUMNS: &[ColumnSpec] = &[
        column("time", Time),
        column("observed_time", Time),
        column("service", Text),
        column("level", Text),
        column("body", Text),
        column("body_kind", Int),
        column("template_id", Int),
        column("node", Text),
        column("trace_id", Id16),
        column("span_id", Id8),
        column("severity_number", Int),
        column("severity_text", Text),
        column("event_name", Text),
        column("flags", Int),
        column("scope_name", Text),
        column("scope_version", Text),
        column("dropped_attributes", Int),
    ];
}

/// Positions of the span columns.
#[allow(missing_docs, reason = "the names are the documentation of the table below")]
pub mod span {
    use super::{ColumnSpec, ColumnType::*, column};
    pub const TIME: usize = 0;
    pub const DURATION_NS: usize = 1;
    pub const SERVICE: usize = 2;
    pub const NAME: usize = 3;
    pub const KIND: usize = 4;
    pub const STATUS: usize = 5;
    pub const STATUS_MESSAGE: usize = 6;
    pub const TRACE_ID: usize = 7;
    pub const SPAN_ID: usize = 8;
    pub const PARENT_SPAN_ID: usize = 9;
    pub const TRACE_STATE: usize = 10;
    pub const FLAGS: usize = 11;
    pub const EVENTS: usize = 12;
    pub const LINKS: usize = 13;
    pub const NODE: usize = 14;
    pub const SCOPE_NAME: usize = 15;
    pub const SCOPE_VERSION: usize = 16;
    pub const DROPPED_ATTRIBUTES: usize = 17;
    pub const DROPPED_EVENTS: usize = 18;
    pub const DROPPED_LINKS: usize = 19;
    /// The span table. `kind`: server, client, internal, producer, consumer or empty; `status`: ok, error or unset.
    /// `events`: JSON array of `{"time_ns","name","attributes","dropped_attributes"}`; `links`: JSON array of
    /// `{"trace_id","span_id","trace_state","attributes","flags","dropped_attributes"}`; absent members left out.
    pub const COLUMNS: &[ColumnSpec] = &[
        column("time", Time),
        column("duration_ns", NullableInt),
        column("service", Text),
        column("name", Text),
        column("kind", Text),
        column("status", Text),
        column("status_message", Text),
        column("trace_id", Id16),
        column("span_id", Id8),
        column("parent_span_id", Id8),
        column("trace_state", Text),
        column("flags", Int),
        column("events", Text),
        column("links", Text),
        column("node", Text),
        column("scope_name", Text),
        column("scope_version", Text),
        column("dropped_attributes", Int),
        column("dropped_events", Int),
        column("dropped_links", Int),
    ];
}

/// Positions of the metric columns.
#[allow(missing_docs, reason = "the names are the documentation of the table below")]
pub mod metric {
    use super::{ColumnSpec, ColumnType::*, column};
    pub const TIME: usize = 0;
    pub const START_TIME: usize = 1;
    pub const SERVICE: usize = 2;
    pub const NAME: usize = 3;
    pub const UNIT: usize = 4;
    pub const DESCRIPTION: usize = 5;
    pub const KIND: usize = 6;
    pub const TEMPORALITY: usize = 7;
    pub const MONOTONIC: usize = 8;
    pub const VALUE: usize = 9;
    pub const VALUE_INT: usize = 10;
    pub const COUNT: usize = 11;
    pub const SUM: usize = 12;
    pub const MIN: usize = 13;
    pub const MAX: usize = 14;
    pub const BUCKETS: usize = 15;
    pub const QUANTILES: usize = 16;
    pub const EXEMPLARS: usize = 17;
    pub const FLAGS: usize = 18;
    pub const NODE: usize = 19;
    pub const SCOPE_NAME: usize = 20;
    pub const SCOPE_VERSION: usize = 21;
    /// The metric table. `kind`: gauge, sum, histogram, exponential_histogram, summary; `temporality`: delta,
    /// cumulative or empty; `monotonic`: 1 or 0. `value` is always set for gauge and sum, `value_int` too where the
    /// producer sent an integer. `buckets`: JSON `{"bounds":[..],"counts":[..]}` for histogram,
    /// `{"scale","zero_count","zero_threshold","positive":{"offset","counts"},"negative":{..}}` for exponential
    /// histogram; `quantiles`: JSON array of `{"quantile","value"}`; `exemplars`: JSON array of
    /// `{"time_ns","value","trace_id","span_id","attributes"}`.
    pub const COLUMNS: &[ColumnSpec] = &[
        column("time", Time),
        column("start_time", Time),
        column("service", Text),
        column("name", Text),
        column("unit", Text),
        column("description", Text),
        column("kind", Text),
        column("temporality", Text),
        column("monotonic", Int),
        column("value", Double),
        column("value_int", NullableInt),
        column("count", NullableInt),
        column("sum", Double),
        column("min", Double),
        column("max", Double),
        column("buckets", Text),
        column("quantiles", Text),
        column("exemplars", Text),
        column("flags", Int),
        column("node", Text),
        column("scope_name", Text),
        column("scope_version", Text),
    ];
}

/// Name of the column every table ends with: the sequence number of the acknowledged batch a record came in.
pub const SEQ: &str = "seq";

/// The level name of an OTLP severity number (1–24); empty outside.
pub fn level_of_severity(number: i64) -> &'static str {
    match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "",
    }
}

/// The level name and severity number of a customary severity text (`WARN`, `err`, `Information`…); `None` when the
/// text is not a known level.
pub fn level_of_text(text: &str) -> Option<(&'static str, i64)> {
    // Nearly all records say one of these.
    match text {
        "info" | "INFO" => return Some(("info", 9)),
        "error" | "ERROR" => return Some(("error", 17)),
        "warn" | "WARN" => return Some(("warn", 13)),
        "debug" | "DEBUG" => return Some(("debug", 5)),
        _ => {}
    }
    let mut lower = [0u8; 16];
    let bytes = text.trim().as_bytes();
    if bytes.is_empty() || bytes.len() > lower.len() {
        return None;
    }
    for (to, from) in lower.iter_mut().zip(bytes) {
        *to = from.to_ascii_lowercase();
    }
    Some(match &lower[..bytes.len()] {
        b"trace" | b"trc" | b"finest" | b"finer" | b"verbose" | b"t" => ("trace", 1),
        b"debug" | b"dbg" | b"fine" | b"d" => ("debug", 5),
        b"info" | b"information" | b"informational" | b"inf" | b"i" => ("info", 9),
        b"notice" => ("info", 10),
        b"warn" | b"warning" | b"wrn" | b"w" => ("warn", 13),
        b"error" | b"err" | b"eror" | b"severe" | b"e" => ("error", 17),
        b"critical" | b"crit" => ("error", 18),
        b"alert" => ("error", 19),
        b"fatal" | b"emerg" | b"emergency" | b"panic" | b"f" => ("fatal", 21),
        _ => return None,
    })
}
