//! Reading the rows of a unit that pass a filter: prune, read what the filter needs, decide, read the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use clewline_model::signal::Signal;
use clewline_segment::ranges::RowRanges;
use clewline_segment::summary::Summary;
use clewline_segment::{SegmentError, reader};
use clewline_store::{SegmentEntry, Snapshot};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicate, ArrowPredicateFn, ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowFilter as ParquetFilter,
    RowSelection,
};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;

use crate::columns::{evaluate, physical_names};
use crate::filter::evaluate::{Rows, mask};
use crate::filter::index::{Indexed, decide, narrowed};
use crate::filter::{Node, RowFilter, prune};
use crate::limits::BATCH_ROWS;
use crate::names::LogicalColumn;
use crate::source::{Opened, ROW, Source, Unit};

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
    pub opened: Arc<Opened>,
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
                units.push(Unit::of_memory(part, summary));
            }
        }
        for entry in &snapshot.segments {
            let before = units.len();
            if !prune::source_is_out(&self.filter, &entry.summary) {
                self.segment_units(entry, &mut units)?;
            }
            pruned += u64::from(units.len() == before);
        }
        Ok((units, pruned))
    }

    /// The units of one segment: where its index says so, some rows only, and apart from each other those known to pass.
    pub(crate) fn segment_units(&self, entry: &Arc<SegmentEntry>, units: &mut Vec<Unit>) -> Result<(), SegmentError> {
        let index = self.opened.index(entry);
        let at = |index| Indexed { signal: self.signal, summary: &entry.summary, index };
        let decision = index.as_deref().map(|index| decide(&self.filter, at(index)));
        if decision.as_ref().is_some_and(|d| d.sure.is_empty() && d.maybe.is_empty()) {
            return Ok(());
        }
        let narrow = index.as_deref().and_then(|index| narrowed(&self.filter, at(index))).map(Arc::new);
        let open = self.opened.segment(entry, self.signal)?;
        let mut first = 0;
        for (number, group) in open.plain.metadata().row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let (start, end) = (first, first + rows);
            first = end;
            let mut add = |selected: Option<RowRanges>, sure: bool| {
                let picked = selected.as_ref().map_or(rows, RowRanges::len);
                if picked > 0 {
                    units.push(Unit {
                        source: Source::Segment(Arc::clone(entry)),
                        row_group: Some(number),
                        selected: selected.filter(|_| picked < rows),
                        sure,
                        filter: narrow.clone(),
                        rows: picked,
                        time_min: entry.summary.time_min,
                        time_max: entry.summary.time_max,
                    });
                }
            };
            match &decision {
                Some(decision) => {
                    add(Some(decision.sure.within(start, end)), true);
                    add(Some(decision.maybe.within(start, end)), false);
                }
                None if !prune::row_group_is_out(&self.filter, self.signal, group) => add(None, false),
                None => {}
            }
        }
        Ok(())
    }

    /// The rows of a unit that pass the filter, with [`ROW`] when `numbered`.
    pub(crate) fn rows(&self, unit: &Unit, need: &Need, numbered: bool) -> Result<PhysicalRows, SegmentError> {
        match &unit.source {
            Source::Memory(part) => {
                let (batch, summary) = part.columns()?;
                let batch = if numbered { with_row_numbers(batch)? } else { batch.clone() };
                Ok(self.memory_rows(batch, summary.clone(), unit))
            }
            Source::Segment(entry) => {
                let open = self.opened.segment(entry, self.signal)?;
                let metadata = if numbered { open.numbered.clone() } else { open.plain.clone() };
                let group = unit.row_group.unwrap_or(0);
                let columns = match need {
                    Need::Everything => present_columns(&metadata, group),
                    Need::Logical(columns) => {
                        let names =
                            columns.iter().flat_map(|c| physical_names(self.signal, &c.binding, &entry.summary));
                        projection(&metadata, names)
                    }
                };
                let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(open.file, metadata)
                    .with_batch_size(BATCH_ROWS)
                    .with_row_groups(vec![group])
                    .with_projection(columns);
                if !unit.sure {
                    let filter = unit.filter.as_ref().unwrap_or(&self.filter);
                    builder = builder.with_row_filter(self.parquet_filter(filter, &open.plain, &entry.summary));
                }
                if let Some(selected) = &unit.selected {
                    let total = open.plain.metadata().row_group(group).num_rows();
                    builder = builder.with_row_selection(selection(selected, total));
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

    fn memory_rows(&self, batch: RecordBatch, summary: Summary, unit: &Unit) -> PhysicalRows {
        let (filter, signal, stop) = (Arc::clone(&self.filter), self.signal, self.stop.clone());
        let (selected, sure) = (unit.selected.clone(), unit.sure);
        let mut at = 0;
        Box::new(std::iter::from_fn(move || {
            while at < batch.num_rows() && !stop.stopped() {
                let (first, last) = (at, (at + BATCH_ROWS).min(batch.num_rows()));
                at = last;
                let mut slice = batch.slice(first, last - first);
                if let Some(selected) = &selected {
                    let rows = selected.within(first as u64, last as u64);
                    let indices = UInt32Array::from_iter_values(rows.iter().flatten().map(|row| row as u32));
                    slice = match arrow::compute::take_record_batch(&slice, &indices) {
                        Ok(slice) => slice,
                        Err(error) => return Some(Err(error.into())),
                    };
                }
                let passed = if sure { Ok(slice) } else { filtered(&filter, signal, slice, &summary) };
                match passed {
                    Ok(rows) if rows.num_rows() == 0 => {}
                    other => return Some(other.map_err(SegmentError::from)),
                }
            }
            None
        }))
    }

    /// One predicate per conjunct, cheap ones first, each reading only its own columns.
    fn parquet_filter(
        &self,
        filter: &Arc<RowFilter>,
        metadata: &ArrowReaderMetadata,
        summary: &Summary,
    ) -> ParquetFilter {
        let summary = Arc::new(summary.clone());
        let predicates = filter.conjuncts.iter().enumerate().map(|(index, node)| {
            let columns = self.node_projection(filter, node, metadata, &summary);
            let (filter, signal, summary) = (Arc::clone(filter), self.signal, Arc::clone(&summary));
            let test = move |batch: RecordBatch| {
                let rows = Rows { signal, batch: &batch, summary: &summary };
                mask(&filter, &filter.conjuncts[index], &rows)
            };
            Box::new(ArrowPredicateFn::new(columns, test)) as Box<dyn ArrowPredicate>
        });
        ParquetFilter::new(predicates.collect())
    }

    fn node_projection(
        &self,
        filter: &RowFilter,
        node: &Node,
        metadata: &ArrowReaderMetadata,
        summary: &Summary,
    ) -> ProjectionMask {
        let physical = |column: &usize| physical_names(self.signal, &filter.columns[*column].binding, summary);
        let mut indices = Vec::new();
        if !node.columns(&mut indices) {
            let text = |field: &&Arc<Field>| match field.data_type() {
                DataType::Utf8View | DataType::FixedSizeBinary(_) => true,
                _ => field.name().contains('.'),
            };
            let names = metadata.schema().fields().iter().filter(text).map(|field| field.name().clone());
            let time = node.reads_time().then(|| "time".to_owned());
            let own = indices.iter().flat_map(physical);
            return projection(metadata, names.chain(time).chain(own));
        }
        let names = indices.iter().flat_map(physical);
        projection(metadata, names.chain(node.reads_time().then(|| "time".to_owned())))
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

fn selection(selected: &RowRanges, total: i64) -> RowSelection {
    let range = |range: std::ops::Range<u64>| {
        usize::try_from(range.start).unwrap_or(usize::MAX)..usize::try_from(range.end).unwrap_or(usize::MAX)
    };
    RowSelection::from_consecutive_ranges(selected.iter().map(range), usize::try_from(total).unwrap_or(0))
}

/// All columns of a row group but those without any value, which read as absent anyway.
fn present_columns(metadata: &ArrowReaderMetadata, group: usize) -> ProjectionMask {
    let columns = metadata.metadata().row_group(group).columns();
    let empty = |column: &ColumnChunkMetaData| {
        let nulls = column.statistics().and_then(Statistics::null_count_opt);
        nulls.is_some_and(|nulls| i64::try_from(nulls) == Ok(column.num_values()))
    };
    let present = columns.iter().enumerate().filter(|(_, column)| !empty(column)).map(|(index, _)| index);
    // Every column of a segment is a leaf of its own.
    ProjectionMask::leaves(metadata.parquet_schema(), present.collect::<Vec<_>>())
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
