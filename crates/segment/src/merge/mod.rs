//! Several segments into one, a batch at a time: memory does not grow with their size.
//!
//! Inputs are in segment order already, so their rows are merged by comparing heads ([`cursor`]) and copied in slices, column
//! by column, without ever becoming records. An input whose attribute columns differ from the output's is laid out anew, batch
//! by batch ([`unify`]). Spans of traces that are in several inputs change their place, and repeats of them are found; they
//! are read first and sorted in memory ([`traces`]).

mod cursor;
mod traces;
mod unify;

use std::io::Write;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use clewline_model::signal::Signal;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

use crate::SegmentError;
use crate::file::SegmentFile;
use crate::limits::{CHUNK_ROWS, MERGE_BATCH_ROWS};
use crate::reader;
use crate::summary::Summary;
use crate::writer::{SegmentWriter, Written};
use cursor::Cursor;
use unify::Unified;

/// A segment to merge. Its bytes were compared with [`Summary::matches`] or are trusted otherwise.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Its file.
    pub file: SegmentFile,
    /// What the catalog knows of it.
    pub summary: &'a Summary,
}

/// Batches in the layout of the output.
pub(crate) type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, SegmentError>> + 'a>;

/// Merges segments of one signal into a new one. Spans repeated between them are written once.
///
/// # Errors
/// When an input is damaged or the sink fails.
pub fn merge(signal: Signal, inputs: &[Input<'_>], sink: impl Write + Send) -> Result<Written, SegmentError> {
    reader::guarded(|| {
        let unified = Unified::of(signal, inputs);
        let opened: Vec<ArrowReaderMetadata> =
            inputs.iter().map(|input| open(input, signal)).collect::<Result<_, _>>()?;
        let plan = match signal {
            Signal::Spans => traces::plan(&unified, inputs, &opened)?,
            _ => traces::Plan::default(),
        };
        let mut cursors = Vec::with_capacity(inputs.len() + 1);
        for (number, (input, metadata)) in inputs.iter().zip(&opened).enumerate() {
            let rest = plan.rest.get(number).cloned().flatten();
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input.file.clone(), metadata.clone());
            let mut reader = reader.with_batch_size(MERGE_BATCH_ROWS);
            if let Some(rows) = rest {
                reader = reader.with_row_selection(rows);
            }
            let unify = unified.input(input.summary);
            let batches = reader.build()?.map(move |batch| unify.batch(&batch?));
            cursors.push(Cursor::new(signal, Box::new(batches), &plan.first_start)?);
        }
        let moved: Batches<'_> = Box::new(plan.moved.into_iter().map(Ok));
        cursors.push(Cursor::new(signal, moved, &plan.first_start)?);
        let mut summary = unified.summary(inputs);
        summary.duplicates_removed = plan.duplicates_removed;
        let mut writer = SegmentWriter::new(signal, &unified.schema, sink)?;
        write_merged(cursors, &mut writer)?;
        writer.finish(summary)
    })
}

/// The footer of an input, with texts as views.
fn open(input: &Input<'_>, signal: Signal) -> Result<ArrowReaderMetadata, SegmentError> {
    let first = reader::open(&input.file, signal)?;
    let options = ArrowReaderOptions::new().with_schema(reader::view_schema(first.schema()));
    Ok(ArrowReaderMetadata::try_new(std::sync::Arc::clone(first.metadata()), options)?)
}

/// Rows of one batch that follow each other in the output.
struct Slice {
    columns: Vec<ArrayRef>,
}

fn write_merged<W: Write + Send>(
    mut cursors: Vec<Cursor<'_>>,
    writer: &mut SegmentWriter<W>,
) -> Result<(), SegmentError> {
    let mut slices: Vec<Slice> = Vec::new();
    let mut pending = 0;
    loop {
        cursors.retain(|cursor| !cursor.is_done());
        let Some(least) = cursor::least(&cursors) else { break };
        let (rows, columns) = {
            let others = cursor::least_but(&cursors, least);
            let run = cursors[least].run(others.map(|other| &cursors[other]), CHUNK_ROWS - pending);
            (run, cursors[least].slice(run))
        };
        slices.push(Slice { columns });
        pending += rows;
        cursors[least].advance(rows)?;
        if pending == CHUNK_ROWS {
            writer.write(&joined(writer, &slices)?)?;
            slices.clear();
            pending = 0;
        }
    }
    if pending > 0 {
        let batch = joined(writer, &slices)?;
        writer.write(&batch)?;
    }
    Ok(())
}

fn joined<W: Write + Send>(writer: &SegmentWriter<W>, slices: &[Slice]) -> Result<RecordBatch, SegmentError> {
    let columns = (0..writer.schema().fields().len()).map(|column| {
        let arrays: Vec<&dyn Array> = slices.iter().map(|slice| slice.columns[column].as_ref()).collect();
        concat(&arrays)
    });
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
    Ok(RecordBatch::try_new(std::sync::Arc::clone(writer.schema()), columns)?)
}
