//! Where the bytes go: raw, stored and about as few as possible, by column, template and attribute.
//!
//! Raw bytes are the values alone: the UTF-8 bytes of a text, 8 bytes of a number or time, 1 of a boolean, 8 or 16 of an
//! id, nothing for an absent value; the text of a residual counts as it is, and an attribute of a resource or scope
//! counts with every record that has it. They and the stored bytes are exact: both are in the footers of the segments.
//! What needs the values themselves is taken from samples of the largest segments ([`sample`]) and scaled: the floor, the
//! names in the residual texts, the templates.

mod sample;

use std::collections::BTreeMap;
use std::sync::Arc;

use clewline_model::signal::Signal;
use clewline_segment::summary::SCOPES;
use clewline_store::{SegmentEntry, Snapshot};
use parquet::basic::Type;
use parquet::file::metadata::ColumnChunkMetaData;
use serde::Serialize;

use crate::answer::{QueryError, QueryErrorKind};
use crate::engine::Engine;
use crate::limits::BYTES_SEGMENTS_MAX;
use crate::scan::Stop;
use crate::source::{OpenSegment, Opened};

/// Where the bytes of one tenant and signal go.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BytesReport {
    /// Segments looked at, the largest first.
    pub segments: u64,
    /// Segments beyond the bound; nothing below counts them.
    pub segments_left_out: u64,
    /// Rows in the segments.
    pub rows: u64,
    /// Bytes of their values.
    pub raw_bytes: u64,
    /// Bytes of their files.
    pub stored_bytes: u64,
    /// Of them, bytes that belong to no column: footers, page indexes, Bloom filters.
    pub overhead_bytes: u64,
    /// Bytes of the index files beside them.
    pub index_bytes: u64,
    /// Rows not yet in segments.
    pub memory_rows: u64,
    /// Memory of those rows.
    pub memory_bytes: u64,
    /// Columns, most stored bytes first.
    pub columns: Vec<ColumnBytes>,
    /// Columns beyond those asked for.
    pub columns_left_out: u64,
    /// Attribute names, most stored bytes first; those without a column share their residual by raw bytes.
    pub attributes: Vec<AttributeBytes>,
    /// Templates of log bodies, most bytes first.
    pub templates: Vec<TemplateBytes>,
    /// Rows the templates were counted in; fewer than `rows` are a sample.
    pub template_rows: u64,
}

/// One column.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ColumnBytes {
    /// Its name in the segments.
    pub name: String,
    /// Values that are not absent.
    pub values: u64,
    /// Bytes of the values.
    pub raw_bytes: u64,
    /// Bytes after encoding, before compression.
    pub encoded_bytes: u64,
    /// Bytes in the files.
    pub stored_bytes: u64,
    /// Stored bytes if the column compressed as well as its sample does at the highest effort; absent without a sample.
    pub floor_bytes: Option<u64>,
    /// Floor by stored: 1 is as small as the sample suggests, above 1 is better.
    pub efficiency: Option<f64>,
    /// Raw bytes of the sample.
    pub sample_bytes: u64,
}

/// One attribute name.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AttributeBytes {
    /// Its name, with `resource.` or `scope.` before it where it belongs there.
    pub name: String,
    /// True where it has a column in some segment.
    pub column: bool,
    /// Bytes of its values, and of its names in residual texts.
    pub raw_bytes: u64,
    /// Bytes in the files: of its columns, and its share of the residual columns.
    pub stored_bytes: u64,
}

/// One template.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TemplateBytes {
    /// Its id, 16 hexadecimal digits.
    pub template_id: String,
    /// The line with its variable parts masked.
    pub text: String,
    /// Rows, scaled from the sample.
    pub rows: u64,
    /// Bytes of their bodies, scaled from the sample.
    pub body_bytes: u64,
    /// Their share of the bytes of all bodies.
    pub share: f64,
}

impl Engine {
    /// Where the bytes of a tenant's signal go; `top` bounds each list.
    ///
    /// # Errors
    /// When the store is not ready, a segment cannot be read, or the time is up.
    pub async fn bytes(&self, tenant: &str, signal: Signal, top: usize) -> Result<BytesReport, QueryError> {
        let running = self.start().await?;
        let snapshot = self.snapshot(tenant, signal)?;
        let (opened, stop) = (Arc::clone(&self.opened), running.stop.clone());
        self.run(&running, move || report(&snapshot, signal, top, &opened, &stop)).await
    }
}

/// A column while it is summed.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    values: u64,
    raw: u64,
    encoded: u64,
    stored: u64,
}

fn report(
    snapshot: &Snapshot,
    signal: Signal,
    top: usize,
    opened: &Opened,
    stop: &Stop,
) -> Result<BytesReport, QueryError> {
    let mut entries: Vec<&Arc<SegmentEntry>> = snapshot.segments.iter().collect();
    entries.sort_by_key(|entry| (std::cmp::Reverse(entry.summary.bytes), entry.id));
    let left_out = entries.len().saturating_sub(BYTES_SEGMENTS_MAX);
    entries.truncate(BYTES_SEGMENTS_MAX);
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    let mut report = BytesReport { segments_left_out: left_out as u64, ..BytesReport::default() };
    for entry in &entries {
        stopped(stop)?;
        add_footer(&mut sums, &opened.segment(entry, signal)?);
        report.segments += 1;
        report.rows += entry.summary.rows;
        report.stored_bytes += entry.summary.bytes;
        report.index_bytes += entry.summary.index_bytes;
    }
    for part in &snapshot.parts {
        report.memory_rows += part.rows() as u64;
        report.memory_bytes += part.size_bytes() as u64;
    }
    report.raw_bytes = sums.values().map(|sum| sum.raw).sum();
    report.overhead_bytes = report.stored_bytes.saturating_sub(sums.values().map(|sum| sum.stored).sum());
    let samples = sample::Sampler { entries: &entries, signal, opened, stop };
    report.attributes = attributes(&sums, &samples)?;
    report.attributes.truncate(top);
    if signal == Signal::Logs {
        let templates = samples.templates(top)?;
        (report.templates, report.template_rows) = (templates.templates, templates.rows);
    }
    let mut columns: Vec<ColumnBytes> = sums.into_iter().map(|(name, sum)| sum.column(name)).collect();
    columns.sort_by(|a, b| b.stored_bytes.cmp(&a.stored_bytes).then_with(|| a.name.cmp(&b.name)));
    report.columns_left_out = columns.len().saturating_sub(top) as u64;
    columns.truncate(top);
    samples.floors(&mut columns)?;
    report.columns = columns;
    Ok(report)
}

pub(crate) fn stopped(stop: &Stop) -> Result<(), QueryError> {
    match stop.stopped() {
        true => Err(QueryError::new(QueryErrorKind::Timeout, "the query was stopped")),
        false => Ok(()),
    }
}

/// Adds the columns of one segment, as its footer says.
fn add_footer(sums: &mut BTreeMap<String, Sum>, open: &OpenSegment) {
    for group in open.plain.metadata().row_groups() {
        for chunk in group.columns() {
            // A nested column counts under the name of its root.
            let path = chunk.column_path().parts();
            let Some(name) = path.first() else { continue };
            if !sums.contains_key(name) {
                sums.insert(name.clone(), Sum::default());
            }
            if let Some(sum) = sums.get_mut(name) {
                sum.add(chunk);
            }
        }
    }
}

impl Sum {
    fn add(&mut self, chunk: &ColumnChunkMetaData) {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let nulls = chunk.statistics().and_then(|statistics| statistics.null_count_opt()).unwrap_or(0);
        let values = count(chunk.num_values()).saturating_sub(nulls);
        self.values += values;
        self.encoded += count(chunk.uncompressed_size());
        self.stored += count(chunk.compressed_size());
        self.raw += match chunk.column_type() {
            Type::BYTE_ARRAY => chunk.unencoded_byte_array_data_bytes().map_or(0, count),
            Type::FIXED_LEN_BYTE_ARRAY => values * count(i64::from(chunk.column_descr().type_length())),
            Type::BOOLEAN => values,
            Type::INT32 | Type::FLOAT => values * 4,
            Type::INT96 => values * 12,
            Type::INT64 | Type::DOUBLE => values * 8,
        };
    }

    fn column(self, name: String) -> ColumnBytes {
        ColumnBytes {
            name,
            values: self.values,
            raw_bytes: self.raw,
            encoded_bytes: self.encoded,
            stored_bytes: self.stored,
            ..ColumnBytes::default()
        }
    }
}

/// All attribute names, those with most stored bytes first.
fn attributes(sums: &BTreeMap<String, Sum>, samples: &sample::Sampler<'_>) -> Result<Vec<AttributeBytes>, QueryError> {
    let shown = |scope: clewline_segment::Scope, name: &str| match scope {
        clewline_segment::Scope::Attribute => name.to_owned(),
        _ => format!("{}{name}", scope.prefix()),
    };
    let mut all: BTreeMap<String, AttributeBytes> = BTreeMap::new();
    for scope in SCOPES {
        for (column, sum) in sums {
            let Some(name) = column.strip_prefix(scope.prefix()) else { continue };
            let entry = all.entry(shown(scope, name)).or_default();
            entry.column = true;
            entry.raw_bytes += sum.raw;
            entry.stored_bytes += sum.stored;
        }
        let Some(rest) = sums.get(scope.rest_column()).filter(|rest| rest.raw > 0) else { continue };
        let names = samples.residual(scope)?;
        let sampled: u64 = names.values().sum();
        for (name, bytes) in names {
            let share = bytes as f64 / sampled.max(1) as f64;
            let entry = all.entry(shown(scope, &name)).or_default();
            entry.raw_bytes += (rest.raw as f64 * share) as u64;
            entry.stored_bytes += (rest.stored as f64 * share) as u64;
        }
    }
    let mut all: Vec<AttributeBytes> =
        all.into_iter().map(|(name, attribute)| AttributeBytes { name, ..attribute }).collect();
    all.sort_by(|a, b| b.stored_bytes.cmp(&a.stored_bytes).then_with(|| a.name.cmp(&b.name)));
    Ok(all)
}
