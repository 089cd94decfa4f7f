//! From the name of a field in a question to where its values are.
//!
//! Order of meaning: a fixed column of the table; an explicit `attributes.`, `resource.` or `scope.` prefix; a well-known
//! alias; otherwise an attribute, looked for on the record, then its resource, then its scope.

use arrow::datatypes::{DataType, Field};
use clewline_model::attributes::ValueKind;
use clewline_model::signal::{ColumnType, SEQ, Signal};
use clewline_segment::gather::time_type;
use clewline_segment::summary::{SCOPES, Scope, Summary};

use crate::answer::JSON_KEY;

/// Where the values of a field are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binding {
    /// A fixed column, by position.
    Fixed(usize),
    /// The sequence number.
    Seq,
    /// The template id, as 16 hexadecimal digits.
    TemplateText,
    /// All attributes of a scope as one JSON object.
    Object(Scope),
    /// An attribute; the first place that has a value counts.
    Attribute(Vec<Scope>, String),
}

/// A column of a question: its name there, its place, its type.
#[derive(Debug, Clone)]
pub(crate) struct LogicalColumn {
    /// Name in the question and in the answer.
    pub name: String,
    /// Where it is.
    pub binding: Binding,
    /// What type all sources agree on.
    pub data_type: DataType,
}

impl LogicalColumn {
    /// The Arrow field of this column in answers.
    pub(crate) fn field(&self) -> Field {
        let field = Field::new(&self.name, self.data_type.clone(), true);
        let json = match &self.binding {
            Binding::Fixed(_) => JSON_COLUMNS.contains(&self.name.as_str()),
            Binding::Object(_) => true,
            _ => false,
        };
        match json {
            true => field.with_metadata([(JSON_KEY.to_owned(), "1".to_owned())].into()),
            false => field,
        }
    }
}

/// Fixed columns whose text is JSON.
pub(crate) const JSON_COLUMNS: [&str; 5] = ["events", "links", "buckets", "quantiles", "exemplars"];

/// The place a name refers to.
pub(crate) fn bind(signal: Signal, name: &str) -> Binding {
    if let Some(index) = signal.column_index(name) {
        return Binding::Fixed(index);
    }
    if name == SEQ {
        return Binding::Seq;
    }
    for scope in SCOPES {
        if let Some(key) = name.strip_prefix(scope.prefix())
            && !key.is_empty()
        {
            return Binding::Attribute(vec![scope], key.to_owned());
        }
    }
    match name {
        "attributes" => return Binding::Object(Scope::Attribute),
        "resource" => return Binding::Object(Scope::Resource),
        "scope" => return Binding::Object(Scope::Scope),
        _ => {}
    }
    if let Some(index) = alias(signal, name).and_then(|column| signal.column_index(column)) {
        return Binding::Fixed(index);
    }
    Binding::Attribute(SCOPES.to_vec(), name.to_owned())
}

/// The column another customary name stands for.
fn alias(signal: Signal, name: &str) -> Option<&'static str> {
    Some(match (name, signal) {
        ("_time" | "timestamp" | "@timestamp", _) => "time",
        ("service.name" | "service_name", _) => "service",
        ("trace.id" | "traceId" | "traceID", _) => "trace_id",
        ("span.id" | "spanId" | "spanID", _) => "span_id",
        ("_msg" | "message" | "msg", Signal::Logs) => "body",
        ("severity", Signal::Logs) => "level",
        ("_msg" | "span.name" | "operation", Signal::Spans) => "name",
        ("duration", Signal::Spans) => "duration_ns",
        ("parent_id" | "parentSpanId", Signal::Spans) => "parent_span_id",
        ("_msg" | "metric", Signal::Metrics) => "name",
        _ => return None,
    })
}

/// The type of a fixed column in questions.
fn fixed_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Time => time_type(),
        ColumnType::Int | ColumnType::NullableInt => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Text => DataType::Utf8View,
        ColumnType::Id16 => DataType::FixedSizeBinary(16),
        ColumnType::Id8 => DataType::FixedSizeBinary(8),
    }
}

/// Resolves names against what some segments and memory parts hold.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    /// The table.
    pub signal: Signal,
    /// Summaries of all sources.
    pub summaries: Vec<&'a Summary>,
}

impl Names<'_> {
    /// The column a name refers to.
    pub(crate) fn column(&self, name: &str) -> LogicalColumn {
        let binding = bind(self.signal, name);
        let data_type = match &binding {
            Binding::Fixed(index) => fixed_type(self.signal.columns()[*index].kind),
            Binding::Seq => DataType::Int64,
            Binding::TemplateText | Binding::Object(_) => DataType::Utf8View,
            Binding::Attribute(scopes, key) => self.attribute_type(scopes, key),
        };
        LogicalColumn { name: name.to_owned(), binding, data_type }
    }

    /// Kinds an attribute has, one bit per [`ValueKind`] number; 0 when nobody sent it.
    pub(crate) fn kinds(&self, scopes: &[Scope], key: &str) -> u8 {
        let mut bits = 0;
        for summary in &self.summaries {
            for &scope in scopes {
                if let Some(attribute) = summary.attribute(scope, key) {
                    bits |= attribute.kinds().fold(0u8, |bits, kind| bits | 1 << kind as u8);
                }
            }
        }
        bits
    }

    /// True when some source may hold the attribute.
    pub(crate) fn knows(&self, name: &str) -> bool {
        match bind(self.signal, name) {
            Binding::Attribute(scopes, key) => {
                self.kinds(&scopes, &key) != 0 || self.summaries.iter().any(|s| s.names_truncated)
            }
            _ => true,
        }
    }

    fn attribute_type(&self, scopes: &[Scope], key: &str) -> DataType {
        const INT: u8 = 1 << ValueKind::Int as u8;
        const DOUBLE: u8 = 1 << ValueKind::Double as u8;
        const BOOL: u8 = 1 << ValueKind::Bool as u8;
        const NULL: u8 = 1 << ValueKind::Null as u8;
        match self.kinds(scopes, key) & !NULL {
            INT => DataType::Int64,
            DOUBLE => DataType::Float64,
            bits if bits == INT | DOUBLE => DataType::Float64,
            BOOL => DataType::Boolean,
            _ => DataType::Utf8View,
        }
    }

    /// All fields of the table, fixed ones first, then attributes by name.
    pub(crate) fn all(&self) -> Vec<(String, Option<Scope>, u8)> {
        let mut fields: Vec<(String, Option<Scope>, u8)> = Vec::new();
        for spec in self.signal.columns() {
            let kind = match spec.kind {
                ColumnType::Int | ColumnType::NullableInt => ValueKind::Int,
                ColumnType::Double => ValueKind::Double,
                _ => ValueKind::Text,
            };
            fields.push((spec.name.to_owned(), None, 1 << kind as u8));
        }
        let mut attributes = std::collections::BTreeMap::<(Scope, &str), u8>::new();
        for summary in &self.summaries {
            for attribute in &summary.attributes {
                *attributes.entry((attribute.scope, &attribute.name)).or_default() |=
                    attribute.kinds().fold(0u8, |bits, kind| bits | 1 << kind as u8);
            }
        }
        fields.extend(attributes.into_iter().map(|((scope, name), bits)| (name.to_owned(), Some(scope), bits)));
        fields
    }
}

/// The column names every table offers without naming attributes: what `SELECT *` gives.
pub(crate) fn standard(signal: Signal) -> impl Iterator<Item = &'static str> {
    signal.columns().iter().map(|spec| spec.name).chain([SEQ, "attributes", "resource", "scope"])
}
