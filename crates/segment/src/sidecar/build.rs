//! Makes the index of a segment from its rows, in row order.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, Schema, TimestampNanosecondType};
use clewline_model::signal::{SEQ, Signal};

use super::bytes::Out;
use super::column::{ColumnBuilder, ColumnKind, Texts};
use super::cube::CubeBuilder;
use super::runs::RunsBuilder;
use super::{Chunk, Section, assemble, filter};
use crate::limits::{CHUNK_ROWS, CUBE_ROWS_PER_CELL};
use crate::summary::SCOPES;

/// Collects the index of one segment.
pub struct Builder {
    signal: Signal,
    rows: u64,
    chunks: Vec<Chunk>,
    columns: Vec<(usize, ColumnBuilder)>,
    runs: Option<RunsBuilder>,
    cube: Option<CubeBuilder>,
    filters: Vec<u8>,
    traces: Vec<u8>,
    hashes: Vec<u64>,
    trace_hashes: Vec<u64>,
    scratch: Vec<u64>,
}

impl Builder {
    /// For rows of this schema (the physical one of [`crate::gather`]).
    pub fn new(signal: Signal, schema: &Schema) -> Builder {
        let columns = schema
            .fields()
            .iter()
            .enumerate()
            .filter_map(|(at, field)| {
                let (kind, searched) = role(signal, field.name(), field.data_type())?;
                Some((at, ColumnBuilder::new(field.name(), kind, searched)))
            })
            .collect();
        Builder {
            signal,
            rows: 0,
            chunks: Vec::new(),
            columns,
            runs: (signal == Signal::Logs).then(RunsBuilder::default),
            cube: (signal != Signal::Metrics).then(CubeBuilder::default),
            filters: Vec::new(),
            traces: Vec::new(),
            hashes: Vec::new(),
            trace_hashes: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes the next rows. All but the last batch of a segment must hold whole chunks ([`CHUNK_ROWS`]).
    pub fn push(&mut self, batch: &RecordBatch) {
        debug_assert!(self.rows.is_multiple_of(CHUNK_ROWS as u64), "only the last batch may end within a chunk");
        let mut at = 0;
        while at < batch.num_rows() {
            let chunk = batch.slice(at, CHUNK_ROWS.min(batch.num_rows() - at));
            at += chunk.num_rows();
            self.chunk(&chunk);
        }
    }

    fn chunk(&mut self, batch: &RecordBatch) {
        self.hashes.clear();
        let number = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        self.trace_hashes.clear();
        for (at, column) in &mut self.columns {
            let hashes = if column.is_trace_id() { &mut self.trace_hashes } else { &mut self.hashes };
            column.chunk(number, batch.column(*at), hashes);
        }
        let with_runs = self.runs.as_mut().is_some_and(|runs| runs.chunk(batch, &mut self.hashes));
        if !with_runs {
            self.give_up_runs(batch, number);
        }
        self.add_to_cube(batch);
        let (time_min, time_max) = time_range(batch);
        let filter_bytes = filter::build(&self.hashes, filter::WORD_BITS, &mut self.scratch, &mut self.filters) as u64;
        let trace_bytes =
            filter::build(&self.trace_hashes, filter::TRACE_BITS, &mut self.scratch, &mut self.traces) as u64;
        let rows = batch.num_rows() as u32;
        self.chunks.push(Chunk { rows, time_min, time_max, filter_bytes, trace_bytes });
        self.rows += batch.num_rows() as u64;
    }

    /// Bodies are then a column like others. Chunks indexed before hold the words of their gaps only, so a segment whose
    /// templates become too many on the way is indexed anew without them; see [`Self::finish`].
    fn give_up_runs(&mut self, batch: &RecordBatch, number: u32) {
        let started = self.runs.take().is_some() && number > 0;
        if self.signal != Signal::Logs {
            return;
        }
        if !self.columns.iter().any(|(at, _)| batch.schema_ref().field(*at).name() == "body")
            && let Ok(at) = batch.schema_ref().index_of("body")
        {
            let mut body = ColumnBuilder::new("body", ColumnKind::Text, true);
            if started {
                body.skip_to(number);
            }
            body.chunk(number, batch.column(at), &mut self.hashes);
            self.columns.push((at, body));
        }
    }

    fn add_to_cube(&mut self, batch: &RecordBatch) {
        let Some(cube) = &mut self.cube else { return };
        let spans = self.signal == Signal::Spans;
        let column = |name: &str| batch.column_by_name(name);
        let texts = |name: &str| column(name).and_then(Texts::of);
        let level = if spans { "status" } else { "level" };
        let (Some(service), Some(level)) = (texts("service"), texts(level)) else { return };
        let Some(times) = column("time").and_then(|a| a.as_primitive_opt::<TimestampNanosecondType>()) else { return };
        let durations = column("duration_ns").and_then(|a| a.as_primitive_opt::<Int64Type>());
        for row in 0..batch.num_rows() {
            let duration = durations.filter(|d| d.is_valid(row)).map(|d| d.value(row));
            let time = if times.is_valid(row) { times.value(row) } else { 0 };
            cube.add(service.get(row).unwrap_or(""), level.get(row).unwrap_or(""), time, duration);
        }
        let rows = self.rows + batch.num_rows() as u64;
        if cube.len() as u64 * CUBE_ROWS_PER_CELL > rows + CHUNK_ROWS as u64 * CUBE_ROWS_PER_CELL {
            self.cube = None;
        }
    }

    /// The bytes of the index file of the segment with this checksum.
    pub fn finish(self, segment_checksum: u64) -> Vec<u8> {
        let count = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
        let mut chunks = Out::default();
        chunks.count(self.chunks.len());
        let mut last = 0;
        for chunk in &self.chunks {
            chunks.number(u64::from(chunk.rows));
            chunks.signed(chunk.time_min.wrapping_sub(last));
            chunks.signed(chunk.time_max.wrapping_sub(chunk.time_min));
            chunks.number(chunk.filter_bytes);
            chunks.number(chunk.trace_bytes);
            last = chunk.time_min;
        }
        let mut columns = Out::default();
        columns.count(self.columns.len());
        for (_, column) in self.columns {
            column.finish(count).write(&mut columns);
        }
        let mut sections = vec![(Section::Chunks, chunks.0), (Section::Columns, columns.0)];
        if let Some(runs) = self.runs {
            let mut out = Out::default();
            runs.finish().write(&mut out);
            sections.push((Section::Runs, out.0));
        }
        if let Some(cube) = self.cube.map(CubeBuilder::finish)
            && cube.cells.len() as u64 * CUBE_ROWS_PER_CELL <= self.rows.max(CUBE_ROWS_PER_CELL * 64)
        {
            let mut out = Out::default();
            cube.write(&mut out);
            sections.push((Section::Cube, out.0));
        }
        sections.push((Section::Filters, self.filters));
        sections.push((Section::Traces, self.traces));
        assemble(segment_checksum, self.rows, sections)
    }
}

/// How a column is indexed, and whether a search without a field reads its numbers; `None` for columns that are not.
fn role(signal: Signal, name: &str, data_type: &DataType) -> Option<(ColumnKind, bool)> {
    let attribute = SCOPES.iter().any(|scope| name.starts_with(scope.prefix()));
    if SCOPES.iter().any(|scope| scope.rest_column() == name) {
        return Some((ColumnKind::Rest, true));
    }
    if name == SEQ || (signal == Signal::Logs && matches!(name, "body" | "template_id")) {
        return None;
    }
    Some(match data_type {
        DataType::Utf8 | DataType::Utf8View => (ColumnKind::Text, true),
        DataType::Int64 => (ColumnKind::Int, attribute),
        DataType::Float64 => (ColumnKind::Double, attribute),
        DataType::Boolean => (ColumnKind::Bool, attribute),
        DataType::FixedSizeBinary(_) if name != "parent_span_id" => (ColumnKind::Id, true),
        _ => return None,
    })
}

fn time_range(batch: &RecordBatch) -> (i64, i64) {
    let Some(times) = batch.column_by_name("time").and_then(|a| a.as_primitive_opt::<TimestampNanosecondType>()) else {
        return (i64::MIN, i64::MAX);
    };
    let each = (0..times.len()).map(|row| if times.is_valid(row) { times.value(row) } else { 0 });
    each.fold((i64::MAX, i64::MIN), |(low, high), time| (low.min(time), high.max(time)))
}
