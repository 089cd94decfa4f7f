//! What a query reads: parts in memory and segments on disk, seen the same way.

use std::io::{self, Read};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use clewline_env::disk::ReadAt;
use clewline_model::signal::Signal;
use clewline_segment::summary::Summary;
use clewline_segment::{Part, SegmentError, reader};
use clewline_store::SegmentEntry;
use hashbrown::HashMap;
use parking_lot::Mutex;
use parquet::arrow::RowNumber;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::limits::FOOTERS_MAX;

/// Name of the column that counts the rows of a source, present when asked for.
pub(crate) const ROW: &str = "__row";

/// A place with rows.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Acknowledged, not yet in a segment.
    Memory(Part),
    /// A published segment.
    Segment(Arc<SegmentEntry>),
}

impl Source {
    /// What is known without reading rows.
    pub(crate) fn summary(&self) -> Result<&Summary, SegmentError> {
        match self {
            Source::Memory(part) => Ok(part.columns()?.1),
            Source::Segment(entry) => Ok(&entry.summary),
        }
    }
}

/// Rows of a source that are read together: some row groups of a segment, or a part in memory.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub source: Source,
    /// Row groups of a segment; empty for memory.
    pub row_groups: Vec<usize>,
    /// Rows in them.
    pub rows: u64,
}

/// An opened segment: its footer, read once, with texts as views, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct OpenSegment {
    pub plain: ArrowReaderMetadata,
    /// The same with the column [`ROW`].
    pub numbered: ArrowReaderMetadata,
    pub file: SegmentFile,
}

/// Footers of recently used segments.
#[derive(Debug, Default)]
pub(crate) struct Footers {
    cached: Mutex<HashMap<i64, (OpenSegment, u64)>>,
    uses: std::sync::atomic::AtomicU64,
}

impl Footers {
    /// The opened segment, from the cache or the disk.
    pub(crate) fn open(&self, entry: &SegmentEntry, signal: Signal) -> Result<OpenSegment, SegmentError> {
        let now = self.uses.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let Some((open, used)) = self.cached.lock().get_mut(&entry.id) {
            *used = now;
            return Ok(open.clone());
        }
        let open = reader::guarded(|| load(entry, signal))?;
        let mut cached = self.cached.lock();
        if cached.len() >= FOOTERS_MAX {
            let oldest = cached.iter().min_by_key(|(_, (_, used))| *used).map(|(id, _)| *id);
            oldest.and_then(|id| cached.remove(&id));
        }
        cached.insert(entry.id, (open.clone(), now));
        Ok(open)
    }
}

fn load(entry: &SegmentEntry, signal: Signal) -> Result<OpenSegment, SegmentError> {
    let failed = |error: io::Error| {
        SegmentError::Format(format!("segment {} cannot be opened: {error}; restore it from a backup", entry.id))
    };
    let data = entry.open().map_err(failed)?;
    let size = data.size_bytes().map_err(failed)?;
    let file = SegmentFile { data, size };
    let first = reader::open(&file, signal)?;
    let views = view_schema(first.schema());
    let options = || ArrowReaderOptions::new().with_schema(Arc::clone(&views));
    let plain = ArrowReaderMetadata::try_new(Arc::clone(first.metadata()), options())?;
    let row = Arc::new(Field::new(ROW, DataType::Int64, false).with_extension_type(RowNumber));
    let numbered =
        ArrowReaderMetadata::try_new(Arc::clone(first.metadata()), options().with_virtual_columns(vec![row])?)?;
    Ok(OpenSegment { plain, numbered, file })
}

/// The schema with every text as a view: dictionary values are then shared, not copied per row.
fn view_schema(schema: &SchemaRef) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => field.as_ref().clone().with_data_type(DataType::Utf8View),
        _ => field.as_ref().clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// A segment file for the Parquet reader: positioned reads, shared between threads.
#[derive(Clone)]
pub(crate) struct SegmentFile {
    data: Arc<dyn ReadAt>,
    size: u64,
}

impl std::fmt::Debug for SegmentFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentFile").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Length for SegmentFile {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for SegmentFile {
    type T = Positioned;

    fn get_read(&self, start: u64) -> Result<Positioned, ParquetError> {
        Ok(Positioned { file: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|&end| end <= self.size);
        if end.is_none() {
            return Err(ParquetError::General(format!("bytes {start}+{length} lie outside the segment")));
        }
        let mut bytes = vec![0; length];
        self.data.read_exact_at(start, &mut bytes).map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(Bytes::from(bytes))
    }
}

/// A reader at a position of a segment.
pub(crate) struct Positioned {
    file: SegmentFile,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.file.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = out.len().min(left);
        self.file.data.read_exact_at(self.at, &mut out[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}
