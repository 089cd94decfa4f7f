//! Reading the rows of a unit that pass a filter: prune, read what the filter needs, decide, read the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use clewline_model::signal::Signal;
use clewline_segment::summary::Summary;
use clewline_segment::{SegmentError, reader};
use clewline_store::Snapshot;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowFilter as ParquetFilter,
    RowSelection,
};

use crate::columns::{evaluate, physical_names};
use crate::filter::evaluate::{Rows, mask};
use crate::filter::{Node, RowFilter, prune};
use crate::limits::BATCH_ROWS;
use crate::names::LogicalColumn;
use crate::source::{Footers, OpenSegment, ROW, Source, Unit};

/// Tells running reads to stop: the asker went away or the time is up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Stops every read that holds this.
    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What all reads of one table in one query share.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub signal: Signal,
    pub filter: Arc<RowFilter>,
    pub footers: Arc<Footers>,
    pub stop: Stop,
}

/// Which physical columns to read.
#[derive(Debug, Clone)]
pub(crate) enum Need {
    /// Every column of the source.
    Everything,
    /// What these logical columns are made from.
    Logical(Vec<LogicalColumn>),
}

/// Batches of physical rows.
pub(crate) type PhysicalRows = Box<dyn Iterator<Item = Result<RecordBatch, SegmentError>> + Send>;

impl Scan {
    /// The units of a snapshot that may have rows, and how many segments were left out.
    pub(crate) fn units(&self, snapshot: &Snapshot) -> Result<(Vec<Unit>, u64), SegmentError> {
        let mut units = Vec::new();
        let mut pruned = 0;
        for part in &snapshot.parts {
            let (_, summary) = part.columns()?;
            if !prune::source_is_out(&self.filter, summary) {
                units.push(Unit { source: Source::Memory(part.clone()), row_groups: Vec::new(), rows: summary.rows });
            }
        }
        let trace_id = prune::wanted_trace_id(&self.filter, self.signal);
        for entry in &snapshot.segments {
            if prune::source_is_out(&self.filter, &entry.summary) {
                pruned += 1;
                continue;
            }
            let before = units.len();
            let open = self.footers.open(entry, self.signal)?;
            for (index, group) in open.plain.metadata().row_groups().iter().enumerate() {
                let out = prune::row_group_is_out(&self.filter, self.signal, group)
                    || trace_id.is_some_and(|id| !may_hold_trace(&open, index, id));
                if !out {
                    let source = Source::Segment(Arc::clone(entry));
                    let rows = u64::try_from(group.num_rows()).unwrap_or(0);
                    units.push(Unit { source, row_groups: vec![index], rows });
                }
            }
            pruned += u64::from(units.len() == before);
        }
        Ok((units, pruned))
    }

    /// The rows of a unit that pass the filter, with [`ROW`] when `numbered`, only those of `selection` when given.
    pub(crate) fn rows(
        &self,
        unit: &Unit,
        need: &Need,
        numbered: bool,
        selection: Option<RowSelection>,
    ) -> Result<PhysicalRows, SegmentError> {
        match &unit.source {
            Source::Memory(part) => {
                let (batch, summary) = part.columns()?;
                let batch = if numbered { with_row_numbers(batch)? } else { batch.clone() };
                Ok(self.memory_rows(batch, summary.clone(), selection))
            }
            Source::Segment(entry) => {
                let open = self.footers.open(entry, self.signal)?;
                let metadata = if numbered { open.numbered.clone() } else { open.plain.clone() };
                let columns = match need {
                    Need::Everything => ProjectionMask::all(),
                    Need::Logical(columns) => {
                        let names =
                            columns.iter().flat_map(|c| physical_names(self.signal, &c.binding, &entry.summary));
                        projection(&metadata, names)
                    }
                };
                let filter = self.parquet_filter(&open.plain, &entry.summary);
                let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(open.file, metadata)
                    .with_batch_size(BATCH_ROWS)
                    .with_row_groups(unit.row_groups.clone())
                    .with_projection(columns)
                    .with_row_filter(filter);
                if let Some(selection) = selection {
                    builder = builder.with_row_selection(selection);
                }
                let mut batches = reader::guarded(|| Ok(builder.build()?))?;
                let stop = self.stop.clone();
                Ok(Box::new(std::iter::from_fn(move || {
                    if stop.stopped() {
                        return None;
                    }
                    reader::guarded(|| batches.next().transpose().map_err(SegmentError::from)).transpose()
                })))
            }
        }
    }

    fn memory_rows(&self, batch: RecordBatch, summary: Summary, selection: Option<RowSelection>) -> PhysicalRows {
        let (filter, signal, stop) = (Arc::clone(&self.filter), self.signal, self.stop.clone());
        let picked = selection.map(|selection| selected_rows(&selection));
        let mut at = 0;
        Box::new(std::iter::from_fn(move || {
            while at < batch.num_rows() && !stop.stopped() {
                let slice = batch.slice(at, BATCH_ROWS.min(batch.num_rows() - at));
                let first = at;
                at += slice.num_rows();
                let slice = match &picked {
                    Some(rows) => {
                        let mine =
                            rows.iter().filter(|&&row| (first..at).contains(&row)).map(|&row| (row - first) as u32);
                        let indices = arrow::array::UInt32Array::from_iter_values(mine);
                        match arrow::compute::take_record_batch(&slice, &indices) {
                            Ok(slice) => slice,
                            Err(error) => return Some(Err(error.into())),
                        }
                    }
                    None => slice,
                };
                match filtered(&filter, signal, slice, &summary) {
                    Ok(rows) if rows.num_rows() == 0 => {}
                    other => return Some(other.map_err(SegmentError::from)),
                }
            }
            None
        }))
    }

    /// One predicate per conjunct, cheap ones first, each reading only its own columns.
    fn parquet_filter(&self, metadata: &ArrowReaderMetadata, summary: &Summary) -> ParquetFilter {
        let summary = Arc::new(summary.clone());
        let predicates = self.filter.conjuncts.iter().enumerate().map(|(index, node)| {
            let columns = self.node_projection(node, metadata, &summary);
            let (filter, signal, summary) = (Arc::clone(&self.filter), self.signal, Arc::clone(&summary));
            let test = move |batch: RecordBatch| {
                let rows = Rows { signal, batch: &batch, summary: &summary };
                mask(&filter, &filter.conjuncts[index], &rows)
            };
            Box::new(ArrowPredicateFn::new(columns, test)) as Box<dyn ArrowPredicate>
        });
        ParquetFilter::new(predicates.collect())
    }

    fn node_projection(&self, node: &Node, metadata: &ArrowReaderMetadata, summary: &Summary) -> ProjectionMask {
        let mut indices = Vec::new();
        if !node.columns(&mut indices) {
            let text = |field: &&Arc<Field>| match field.data_type() {
                DataType::Utf8View | DataType::FixedSizeBinary(_) => true,
                _ => field.name().contains('.'),
            };
            let names = metadata.schema().fields().iter().filter(text).map(|field| field.name().clone());
            let time = node.reads_time().then(|| "time".to_owned());
            let own = indices.iter().flat_map(|&i| self.physical(i, summary));
            return projection(metadata, names.chain(time).chain(own));
        }
        let names = indices.iter().flat_map(|&i| self.physical(i, summary));
        projection(metadata, names.chain(node.reads_time().then(|| "time".to_owned())))
    }

    fn physical(&self, column: usize, summary: &Summary) -> Vec<String> {
        physical_names(self.signal, &self.filter.columns[column].binding, summary)
    }
}

fn with_row_numbers(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields: Vec<Arc<Field>> = batch.schema_ref().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(ROW, DataType::Int64, false)));
    let mut columns = batch.columns().to_vec();
    let rows = i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
    columns.push(Arc::new(Int64Array::from_iter_values(0..rows)));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn selected_rows(selection: &RowSelection) -> Vec<usize> {
    let mut rows = Vec::new();
    let mut at = 0;
    for run in selection.iter() {
        if !run.skip {
            rows.extend(at..at + run.row_count);
        }
        at += run.row_count;
    }
    rows
}

/// The rows of a physical batch that pass every conjunct.
pub(crate) fn filtered(
    filter: &RowFilter,
    signal: Signal,
    mut batch: RecordBatch,
    summary: &Summary,
) -> Result<RecordBatch, ArrowError> {
    for node in &filter.conjuncts {
        if batch.num_rows() == 0 {
            break;
        }
        let keep = mask(filter, node, &Rows { signal, batch: &batch, summary })?;
        if keep.true_count() < batch.num_rows() {
            batch = filter_record_batch(&batch, &keep)?;
        }
    }
    Ok(batch)
}

fn projection(metadata: &ArrowReaderMetadata, names: impl Iterator<Item = String>) -> ProjectionMask {
    let schema = metadata.parquet_schema();
    let fields = schema.root_schema().get_fields();
    let indices = names.filter_map(|name| fields.iter().position(|field| field.name() == name));
    ProjectionMask::roots(schema, indices.collect::<Vec<_>>())
}

fn may_hold_trace(open: &OpenSegment, row_group: usize, trace_id: &[u8]) -> bool {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(open.file.clone(), open.plain.clone());
    let fields = open.plain.parquet_schema().root_schema().get_fields();
    let Some(column) = fields.iter().position(|field| field.name() == "trace_id") else { return false };
    match builder.get_row_group_column_bloom_filter(row_group, column) {
        Ok(Some(bloom)) => bloom.check(&parquet::data_type::FixedLenByteArray::from(trace_id.to_vec())),
        // No filter, or a damaged one: look at the rows.
        _ => true,
    }
}

/// The logical columns of some physical rows.
pub(crate) fn logical_batch(
    signal: Signal,
    columns: &[LogicalColumn],
    schema: &SchemaRef,
    rows: &RecordBatch,
    summary: &Summary,
) -> Result<RecordBatch, ArrowError> {
    let arrays: Result<Vec<ArrayRef>, ArrowError> =
        columns.iter().map(|column| evaluate(signal, column, rows, summary)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays?, &options)
}
