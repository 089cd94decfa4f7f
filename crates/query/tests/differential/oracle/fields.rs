//! What a name means, of what type it is, and the value a record has for it.
//!
//! A fixed column, else an alias of one, else an attribute: of the record, then its resource, then its scope; the first
//! place that has a value counts. A type belongs to a name, not to a record: it follows from all values that were sent.

use std::collections::{BTreeMap, BTreeSet};

use clewline_model::signal::Signal;

use super::words::folded;
use crate::records::{Record, Val};

/// A value of an answer, or of a record under the type of its field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Double(f64),
    Bool(bool),
    Text(String),
    /// ns.
    Time(i64),
    Id(Vec<u8>),
    /// A number approximated by the product: anything from the one to the other.
    Between(f64, f64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Type {
    Int,
    Double,
    Bool,
    Text,
    Time,
    Id,
}

/// Where a name points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    Fixed(&'static str, Type),
    /// In which of the three lists, in order; the key.
    Attribute(Vec<usize>, String),
    /// All attributes of a list together.
    Object,
}

/// Fixed columns by type, with what they are also called.
const LOG_TEXTS: [(&str, &[&str]); 8] = [
    ("service", &["service.name", "service_name"]),
    ("level", &["severity"]),
    ("body", &["_msg", "message", "msg"]),
    ("node", &[]),
    ("severity_text", &[]),
    ("event_name", &[]),
    ("scope_name", &[]),
    ("scope_version", &[]),
];
const SPAN_TEXTS: [(&str, &[&str]); 11] = [
    ("service", &["service.name", "service_name"]),
    ("name", &["_msg", "span.name", "operation"]),
    ("kind", &[]),
    ("status", &[]),
    ("status_message", &[]),
    ("trace_state", &[]),
    ("events", &[]),
    ("links", &[]),
    ("node", &[]),
    ("scope_name", &[]),
    ("scope_version", &[]),
];

/// Names of the fixed text columns.
pub(crate) fn text_columns(signal: Signal) -> Vec<&'static str> {
    let table: &[(&'static str, &[&str])] = if signal == Signal::Logs { &LOG_TEXTS } else { &SPAN_TEXTS };
    table.iter().map(|(name, _)| *name).collect()
}

const PREFIXES: [&str; 3] = ["attributes.", "resource.", "scope."];

/// The kinds of values each attribute was sent with.
pub(crate) struct Schema {
    pub(crate) signal: Signal,
    kinds: BTreeMap<(usize, String), BTreeSet<&'static str>>,
}

impl Schema {
    pub(crate) fn of(signal: Signal, records: &[Record]) -> Schema {
        let mut kinds: BTreeMap<(usize, String), BTreeSet<&'static str>> = BTreeMap::new();
        for record in records {
            for (place, list) in lists(record).into_iter().enumerate() {
                for (name, value) in list {
                    kinds.entry((place, name.clone())).or_default().insert(kind_of(value));
                }
            }
        }
        Schema { signal, kinds }
    }

    /// Where a name points.
    pub(crate) fn field(&self, name: &str) -> Field {
        let logs = self.signal == Signal::Logs;
        let texts: &[(&'static str, &[&str])] = if logs { &LOG_TEXTS } else { &SPAN_TEXTS };
        if let Some((column, _)) = texts.iter().find(|(column, also)| *column == name || also.contains(&name)) {
            return Field::Fixed(column, Type::Text);
        }
        match (name, logs) {
            ("time" | "_time" | "timestamp" | "@timestamp", _) => return Field::Fixed("time", Type::Time),
            ("observed_time", true) => return Field::Fixed("observed_time", Type::Time),
            ("trace_id" | "trace.id" | "traceId" | "traceID", _) => return Field::Fixed("trace_id", Type::Id),
            ("span_id" | "span.id" | "spanId" | "spanID", _) => return Field::Fixed("span_id", Type::Id),
            ("parent_span_id" | "parent_id" | "parentSpanId", false) => {
                return Field::Fixed("parent_span_id", Type::Id);
            }
            ("severity_number", true) => return Field::Fixed("severity_number", Type::Int),
            ("duration_ns" | "duration", false) => return Field::Fixed("duration_ns", Type::Int),
            ("flags", _) => return Field::Fixed("flags", Type::Int),
            ("dropped_attributes", _) => return Field::Fixed("dropped_attributes", Type::Int),
            ("attributes" | "resource" | "scope", _) => return Field::Object,
            _ => {}
        }
        for (place, prefix) in PREFIXES.iter().enumerate() {
            if let Some(key) = name.strip_prefix(prefix).filter(|key| !key.is_empty()) {
                return Field::Attribute(vec![place], key.to_owned());
            }
        }
        Field::Attribute(vec![0, 1, 2], name.to_owned())
    }

    /// The type of a field: numbers stay numbers and booleans booleans as long as nothing else was sent.
    pub(crate) fn type_of(&self, field: &Field) -> Type {
        match field {
            Field::Fixed(_, of) => *of,
            Field::Object => Type::Text,
            Field::Attribute(places, key) => {
                let mut kinds = BTreeSet::new();
                for place in places {
                    kinds.extend(self.kinds.get(&(*place, key.clone())).into_iter().flatten().copied());
                }
                kinds.remove("null");
                match kinds.into_iter().collect::<Vec<_>>()[..] {
                    ["int"] => Type::Int,
                    ["double"] | ["double", "int"] => Type::Double,
                    ["bool"] => Type::Bool,
                    _ => Type::Text,
                }
            }
        }
    }

    /// The value a record has for a field; [`Cell::Null`] for none.
    pub(crate) fn value(&self, record: &Record, field: &Field) -> Cell {
        match field {
            Field::Fixed(column, of) => fixed(record, column, *of),
            Field::Object => Cell::Null,
            Field::Attribute(places, key) => {
                let of = self.type_of(field);
                let lists = lists(record);
                let found = |place: &usize| lists[*place].iter().find(|(name, _)| name == key);
                places
                    .iter()
                    .filter_map(found)
                    .map(|(_, value)| cell(value, of))
                    .find(|cell| *cell != Cell::Null)
                    .unwrap_or(Cell::Null)
            }
        }
    }

    /// The text forms of every field of a record a person would search: texts, ids, attributes.
    pub(crate) fn searchable<'a>(&self, record: &'a Record) -> &'a [(String, Vec<char>)] {
        record.searchable.get_or_init(|| searchable(record))
    }
}

fn searchable(record: &Record) -> Vec<(String, Vec<char>)> {
    let mut texts: Vec<String> = record.texts.values().cloned().collect();
    let ids: [&[u8]; 3] = [&record.trace_id, &record.span_id, &record.parent_span_id];
    texts.extend(ids.iter().filter(|id| id.iter().any(|b| *b != 0)).map(|id| hex(id)));
    texts.extend(lists(record).into_iter().flatten().filter_map(|(_, value)| value.text()));
    texts.into_iter().map(|text| (text.clone(), folded(&text))).collect()
}

fn lists(record: &Record) -> [&crate::records::Attributes; 3] {
    [&record.attributes, &record.resource, &record.scope]
}

fn kind_of(value: &Val) -> &'static str {
    match value {
        Val::Int(_) => "int",
        Val::Double(_) => "double",
        Val::Bool(_) => "bool",
        Val::Null => "null",
        Val::Text(_) | Val::Bytes(_) | Val::Json(_) => "text",
    }
}

fn cell(value: &Val, of: Type) -> Cell {
    match (value, of) {
        (Val::Int(int), Type::Int) => Cell::Int(*int),
        (Val::Int(int), Type::Double) => Cell::Double(*int as f64),
        (Val::Double(double), Type::Double) => Cell::Double(*double),
        (Val::Bool(bool), Type::Bool) => Cell::Bool(*bool),
        _ => value.text().map_or(Cell::Null, Cell::Text),
    }
}

/// A fixed column; absent where its form says so (`docs/formats/segment.md`: empty, zero).
fn fixed(record: &Record, column: &str, of: Type) -> Cell {
    let id = |id: &[u8]| if id.iter().all(|b| *b == 0) { Cell::Null } else { Cell::Id(id.to_vec()) };
    match (column, of) {
        ("trace_id", _) => id(&record.trace_id),
        ("span_id", _) => id(&record.span_id),
        ("parent_span_id", _) => id(&record.parent_span_id),
        ("time", _) => Cell::Time(record.time),
        ("observed_time", _) if record.observed_time != 0 => Cell::Time(record.observed_time),
        ("dropped_attributes", _) => Cell::Int(record.uid),
        ("duration_ns", _) => record.ints.get(column).map_or(Cell::Null, |int| Cell::Int(*int)),
        (_, Type::Int) => record.ints.get(column).filter(|int| **int != 0).map_or(Cell::Null, |int| Cell::Int(*int)),
        (_, Type::Text) => record.texts.get(column).map_or(Cell::Null, |text| Cell::Text(text.clone())),
        _ => Cell::Null,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Cell {
    /// What a text test sees; `None` for no value.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Cell::Null | Cell::Between(..) => return None,
            Cell::Int(int) => int.to_string(),
            Cell::Double(double) => double.to_string(),
            Cell::Bool(bool) => bool.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Time(ns) => clewline_lang::format_time(*ns),
            Cell::Id(bytes) => hex(bytes),
        })
    }

    /// Neither absent nor an empty text.
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, Cell::Null) && *self != Cell::Text(String::new())
    }
}
