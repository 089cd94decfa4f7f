//! Spans of one trace in several segments: where the trace begins over all of them, and which rows therefore move.
//!
//! The first start of every trace is read from two columns of each input. Traces of a single input keep their place among
//! the others; those of several are read whole, sorted, and freed of repeats (same trace, start and span id; the smallest
//! sequence number stays).

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use clewline_model::signal::SEQ;
use hashbrown::HashMap;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection};

use super::Input;
use super::cursor::{FirstStarts, id_at};
use super::unify::Unified;
use crate::SegmentError;
use crate::limits::MERGE_BATCH_ROWS;
use crate::ranges::RowRanges;

/// How spans are merged.
#[derive(Default)]
pub(super) struct Plan {
    /// First start of each trace.
    pub(super) first_start: FirstStarts,
    /// Per input, the rows that keep their place; `None` for all of them.
    pub(super) rest: Vec<Option<RowSelection>>,
    /// The rows that move, in order and without repeats.
    pub(super) moved: Vec<RecordBatch>,
    /// Repeats left out.
    pub(super) duplicates_removed: u64,
}

/// The rows of a trace in an input; a trace is one range of every segment.
struct Place {
    trace: [u8; 16],
    start: u64,
    end: u64,
}

pub(super) fn plan(
    unified: &Unified,
    inputs: &[Input<'_>],
    opened: &[ArrowReaderMetadata],
) -> Result<Plan, SegmentError> {
    let mut plan = Plan::default();
    let mut seen_in: HashMap<[u8; 16], (usize, bool)> = HashMap::new();
    let mut places = Vec::with_capacity(inputs.len());
    for (number, (input, metadata)) in inputs.iter().zip(opened).enumerate() {
        let found = places_of(input, metadata, &mut plan.first_start)?;
        for place in &found {
            let (first, split) = seen_in.entry(place.trace).or_insert((number, false));
            *split |= *first != number;
        }
        places.push(found);
    }
    let mut moved = Vec::new();
    for ((input, metadata), places) in inputs.iter().zip(opened).zip(places) {
        let split = places.into_iter().filter(|place| seen_in.get(&place.trace).is_some_and(|(_, split)| *split));
        let rows: RowRanges = split.map(|place| place.start..place.end).collect();
        if rows.is_empty() {
            plan.rest.push(None);
            continue;
        }
        let unify = unified.input(input.summary);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input.file.clone(), metadata.clone());
        let reader = reader.with_batch_size(MERGE_BATCH_ROWS);
        let reader = reader.with_row_selection(selection(&rows, input.summary.rows));
        for batch in reader.build()? {
            moved.push(unify.batch(&batch?)?);
        }
        let rest = RowRanges::all(input.summary.rows).minus(&rows);
        plan.rest.push(Some(selection(&rest, input.summary.rows)));
    }
    if !moved.is_empty() {
        let (sorted, repeats) = sorted(&concat_batches(&unified.schema, &moved)?, &plan.first_start)?;
        plan.moved = vec![sorted];
        plan.duplicates_removed = repeats;
    }
    Ok(plan)
}

fn selection(rows: &RowRanges, total: u64) -> RowSelection {
    let small = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
    RowSelection::from_consecutive_ranges(rows.iter().map(|r| small(r.start)..small(r.end)), small(total))
}

/// Where each trace of an input is; notes the first starts.
fn places_of(
    input: &Input<'_>,
    metadata: &ArrowReaderMetadata,
    first_start: &mut FirstStarts,
) -> Result<Vec<Place>, SegmentError> {
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input.file.clone(), metadata.clone());
    let columns = ProjectionMask::columns(metadata.parquet_schema(), ["trace_id", "time"]);
    let mut places: Vec<Place> = Vec::new();
    let mut row = 0;
    for batch in reader.with_projection(columns).with_batch_size(MERGE_BATCH_ROWS).build()? {
        let batch = batch?;
        let wrong = || SegmentError::Format("column trace_id or time is missing".into());
        let traces = batch.column_by_name("trace_id").and_then(|a| a.as_fixed_size_binary_opt()).ok_or_else(wrong)?;
        let times = batch.column_by_name("time").and_then(|a| a.as_primitive_opt::<TimestampNanosecondType>());
        let times = times.ok_or_else(wrong)?;
        for (at, time) in times.iter().enumerate() {
            let (trace, time) = (id_at::<16>(traces, at), time.unwrap_or(0));
            match places.last_mut() {
                Some(place) if place.trace == *trace => place.end = row + 1,
                _ => places.push(Place { trace: *trace, start: row, end: row + 1 }),
            }
            first_start.entry(*trace).and_modify(|first| *first = time.min(*first)).or_insert(time);
            row += 1;
        }
    }
    Ok(places)
}

/// The rows in segment order, each span once.
fn sorted(batch: &RecordBatch, first_start: &FirstStarts) -> Result<(RecordBatch, u64), SegmentError> {
    let wrong = || SegmentError::Format("a column of spans is missing".into());
    let column = |name: &str| batch.column_by_name(name).ok_or_else(wrong);
    let traces = column("trace_id")?.as_fixed_size_binary_opt().ok_or_else(wrong)?;
    let spans = column("span_id")?.as_fixed_size_binary_opt().ok_or_else(wrong)?;
    let times = column("time")?.as_primitive_opt::<TimestampNanosecondType>().ok_or_else(wrong)?;
    let seqs = column(SEQ)?.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
    let mut rows: Vec<(i64, [u8; 16], i64, [u8; 8], i64, u32)> = (0..batch.num_rows())
        .map(|row| {
            let trace = *id_at::<16>(traces, row);
            let time = if arrow::array::Array::is_valid(times, row) { times.value(row) } else { 0 };
            let first = first_start.get(&trace).copied().unwrap_or(0);
            (first, trace, time, *id_at::<8>(spans, row), seqs.value(row), row as u32)
        })
        .collect();
    rows.sort_unstable();
    let before = rows.len();
    rows.dedup_by(|a, b| (a.1, a.2, a.3) == (b.1, b.2, b.3));
    let repeats = (before - rows.len()) as u64;
    let order = UInt32Array::from_iter_values(rows.into_iter().map(|row| row.5));
    Ok((take_record_batch(batch, &order)?, repeats))
}
