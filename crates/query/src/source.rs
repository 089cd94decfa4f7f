//! What a query reads: parts in memory and segments on disk, seen the same way.

use std::io;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use clewline_model::signal::Signal;
use clewline_segment::file::SegmentFile;
use clewline_segment::ranges::RowRanges;
use clewline_segment::summary::Summary;
use clewline_segment::{Part, SegmentError, Sidecar, reader};
use clewline_store::SegmentEntry;
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;
use parquet::arrow::RowNumber;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::filter::RowFilter;
use crate::limits::OPENED_BYTES_MAX;

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

/// Rows of a source that are read together: rows of a row group of a segment, or a part in memory.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub source: Source,
    /// The row group of a segment; `None` for memory.
    pub row_group: Option<usize>,
    /// The rows, counted from the start of the row group or part; `None` for all.
    pub selected: Option<RowRanges>,
    /// The index knows that all of them pass.
    pub sure: bool,
    /// What the rows must pass, where that is less than the scan's filter.
    pub filter: Option<Arc<RowFilter>>,
    /// Rows to look at.
    pub rows: u64,
    /// No row is earlier, ns.
    pub time_min: i64,
    /// No row is later, ns.
    pub time_max: i64,
}

impl Unit {
    /// All rows of a part in memory.
    pub(crate) fn of_memory(part: &Part, summary: &Summary) -> Unit {
        Unit {
            source: Source::Memory(part.clone()),
            row_group: None,
            selected: None,
            sure: false,
            filter: None,
            rows: summary.rows,
            time_min: summary.time_min,
            time_max: summary.time_max,
        }
    }

    /// What tells row groups and parts apart: rows of equal places are read together.
    pub(crate) fn place(&self) -> (i64, usize) {
        match (&self.source, self.row_group) {
            (Source::Segment(entry), Some(group)) => (entry.id, group),
            (Source::Segment(entry), None) => (entry.id, usize::MAX),
            (Source::Memory(part), _) => (-1, Arc::as_ptr(&part.batch).addr()),
        }
    }
}

/// An opened segment: its footer, read once, with texts as views, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct OpenSegment {
    pub plain: ArrowReaderMetadata,
    /// The same with the column [`ROW`].
    pub numbered: ArrowReaderMetadata,
    pub file: SegmentFile,
}

/// Footers and indexes of recently used segments, within [`OPENED_BYTES_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Opened {
    cached: Mutex<Cached>,
}

#[derive(Debug, Default)]
struct Cached {
    footers: HashMap<i64, Kept<OpenSegment>>,
    /// With the version of the index file; `None` where there is no good one.
    indexes: HashMap<i64, Kept<(u64, Option<Arc<Sidecar>>)>>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Kept<T> {
    value: T,
    bytes: usize,
    used: u64,
}

impl Opened {
    /// The opened segment, from the cache or the disk.
    pub(crate) fn segment(&self, entry: &SegmentEntry, signal: Signal) -> Result<OpenSegment, SegmentError> {
        if let Some(open) = self.cached.lock().footer(entry.id) {
            return Ok(open);
        }
        let open = reader::guarded(|| load(entry, signal))?;
        let bytes = 2 * open.plain.metadata().memory_size();
        let mut cached = self.cached.lock();
        let kept = cached.keep(open.clone(), bytes);
        if let Some(old) = cached.footers.insert(entry.id, kept) {
            cached.bytes -= old.bytes;
        }
        cached.shrink();
        Ok(open)
    }

    /// The index of a segment, if it has a good one.
    pub(crate) fn index(&self, entry: &SegmentEntry) -> Option<Arc<Sidecar>> {
        let version = entry.index_version();
        if let Some(index) = self.cached.lock().index(entry.id, version) {
            return index;
        }
        let index = entry.read_index().map(Arc::new);
        let bytes = index.as_ref().map_or(64, |index| index.size_bytes());
        let mut cached = self.cached.lock();
        let kept = cached.keep((version, index.clone()), bytes);
        if let Some(old) = cached.indexes.insert(entry.id, kept) {
            cached.bytes -= old.bytes;
        }
        cached.shrink();
        index
    }

    /// Forgets all segments but these: an open file keeps the bytes of deleted records on the disk.
    pub(crate) fn keep_only(&self, ids: &HashSet<i64>) {
        let mut cached = self.cached.lock();
        let mut freed = 0;
        let mut stays = |id: &i64, bytes: usize| {
            let known = ids.contains(id);
            freed += if known { 0 } else { bytes };
            known
        };
        cached.footers.retain(|id, kept| stays(id, kept.bytes));
        cached.indexes.retain(|id, kept| stays(id, kept.bytes));
        cached.bytes = cached.bytes.saturating_sub(freed);
    }
}

impl Cached {
    fn tick(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    fn footer(&mut self, id: i64) -> Option<OpenSegment> {
        let now = self.tick();
        let kept = self.footers.get_mut(&id)?;
        kept.used = now;
        Some(kept.value.clone())
    }

    fn index(&mut self, id: i64, version: u64) -> Option<Option<Arc<Sidecar>>> {
        let now = self.tick();
        let kept = self.indexes.get_mut(&id).filter(|kept| kept.value.0 == version)?;
        kept.used = now;
        Some(kept.value.1.clone())
    }

    fn keep<T>(&mut self, value: T, bytes: usize) -> Kept<T> {
        self.bytes += bytes;
        Kept { value, bytes, used: self.tick() }
    }

    /// Forgets what was not used for longest, until the rest is within bounds.
    fn shrink(&mut self) {
        while self.bytes > OPENED_BYTES_MAX && self.footers.len() + self.indexes.len() > 1 {
            let footer = self.footers.iter().map(|(id, kept)| (kept.used, *id)).min();
            let index = self.indexes.iter().map(|(id, kept)| (kept.used, *id)).min();
            let freed = match (footer, index) {
                (Some((used, id)), other) if other.is_none_or(|(newer, _)| used < newer) => {
                    self.footers.remove(&id).map(|kept| kept.bytes)
                }
                (_, Some((_, id))) => self.indexes.remove(&id).map(|kept| kept.bytes),
                _ => None,
            };
            self.bytes -= freed.unwrap_or(0);
        }
    }
}

fn load(entry: &SegmentEntry, signal: Signal) -> Result<OpenSegment, SegmentError> {
    let failed = |error: io::Error| {
        SegmentError::Format(format!("segment {} cannot be opened: {error}; restore it from a backup", entry.id))
    };
    let file = entry.file().map_err(failed)?;
    let first = reader::open(&file, signal)?;
    let views = reader::view_schema(first.schema());
    let options = || ArrowReaderOptions::new().with_schema(Arc::clone(&views));
    let plain = ArrowReaderMetadata::try_new(Arc::clone(first.metadata()), options())?;
    let row = Arc::new(Field::new(ROW, DataType::Int64, false).with_extension_type(RowNumber));
    let numbered =
        ArrowReaderMetadata::try_new(Arc::clone(first.metadata()), options().with_virtual_columns(vec![row])?)?;
    Ok(OpenSegment { plain, numbered, file })
}
