//! The index of a segment: a file beside it that narrows questions to some of its rows, and answers some without rows.
//!
//! It only ever narrows: what it lets pass is verified on the data, unless it *knows* that all rows of a run pass. A missing,
//! damaged or stale index makes questions slower, never wrong; it can be made again from the segment at any time. Every
//! byte is under a checksum, and the file names the checksum of the segment it belongs to. Bytes: docs/formats/sidecar.md.
//!
//! Reading order: `tokens` (words as hashes), `filter` (which of them a chunk may hold), `alphabet`, [`template`] (constant
//! pieces and gaps), [`runs`] (rows of one service and template), [`mod@column`] (distinct values, ranges), [`cube`] (exact
//! counts by service, level, minute), `build` (all of it from rows).

mod alphabet;
mod build;
mod bytes;
pub mod column;
pub mod cube;
mod filter;
pub mod runs;
pub mod template;
pub mod tokens;

use ::bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

pub use alphabet::Alphabet;
pub use build::Builder;
pub use column::{ColumnIndex, ColumnKind, ListedValue};
pub use cube::Cube;
pub use runs::Runs;

use self::bytes::{In, Out};
use crate::limits::CHUNK_ROWS;

/// First bytes of an index file.
pub const MAGIC: &[u8; 8] = b"CLEWIDX\n";

/// Version of the format.
pub const VERSION: u64 = 1;

/// zstd level of the sections: small and quick, they are read whole.
const ZSTD_LEVEL: i32 = 3;

/// A section may not unpack to more than this.
const SECTION_BYTES_MAX: usize = 256 << 20;

/// Parts of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
enum Section {
    Chunks = 1,
    Columns = 2,
    Runs = 3,
    Cube = 4,
    Filters = 5,
    Traces = 6,
}

impl Section {
    const ALL: [Section; 6] =
        [Section::Chunks, Section::Columns, Section::Runs, Section::Cube, Section::Filters, Section::Traces];

    /// Filters do not get smaller.
    fn is_packed(self) -> bool {
        !matches!(self, Section::Filters | Section::Traces)
    }
}

/// [`CHUNK_ROWS`] neighbouring rows (the last chunk of a segment may have fewer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Rows.
    pub rows: u32,
    /// Earliest time, ns; rows without a time count as 0.
    pub time_min: i64,
    /// Latest time, ns.
    pub time_max: i64,
    filter_bytes: u64,
    trace_bytes: u64,
}

/// The index of one segment, read and checked.
#[derive(Debug)]
pub struct Sidecar {
    /// Rows of the segment.
    pub rows: u64,
    /// Its chunks, in row order.
    pub chunks: Vec<Chunk>,
    /// Its columns, but for those that are never asked by value.
    pub columns: Vec<ColumnIndex>,
    /// Logs: runs of one template; `None` where there are too many templates.
    pub runs: Option<Runs>,
    /// Counts by service, level and minute; `None` where they would be nearly as many as the rows.
    pub cube: Option<Cube>,
    filters: Filters,
    traces: Filters,
}

/// A filter for each chunk.
#[derive(Debug)]
struct Filters {
    bytes: Bytes,
    /// Where each begins, and where the last ends.
    offsets: Vec<usize>,
}

impl Filters {
    /// `None` unless the lengths are those of the bytes.
    fn new(bytes: &Bytes, lengths: impl Iterator<Item = u64>) -> Option<Filters> {
        let mut offsets = vec![0usize];
        for length in lengths {
            offsets.push(offsets.last()?.checked_add(usize::try_from(length).ok()?)?);
        }
        (offsets.last() == Some(&bytes.len())).then(|| Filters { bytes: bytes.clone(), offsets })
    }

    fn may_contain(&self, chunk: usize, hash: u64) -> bool {
        match (self.offsets.get(chunk), self.offsets.get(chunk + 1)) {
            (Some(&start), Some(&end)) => filter::may_contain(&self.bytes[start..end], hash),
            _ => true,
        }
    }
}

impl Sidecar {
    /// Reads an index file; `None` when it is damaged, of another version, or of another segment than the one with this
    /// checksum and these rows.
    pub fn parse(file: &Bytes, segment_checksum: u64, rows: u64) -> Option<Sidecar> {
        let sections = sections(file, segment_checksum, rows)?;
        let of = |wanted: Section| sections.iter().find(|(section, _)| *section == wanted).map(|(_, bytes)| bytes);
        let mut input = In(of(Section::Chunks)?);
        let chunks = read_chunks(&mut input, rows)?;
        let mut input = In(of(Section::Columns)?);
        let count = input.count(16)?;
        let columns: Vec<ColumnIndex> = (0..count).map(|_| ColumnIndex::read(&mut input)).collect::<Option<_>>()?;
        if columns.iter().any(|column| !column.ranges.is_empty() && column.ranges.len() != chunks.len()) {
            return None;
        }
        let runs = match of(Section::Runs) {
            Some(bytes) => Some(Runs::read(&mut In(bytes), rows)?),
            None => None,
        };
        let cube = match of(Section::Cube) {
            Some(bytes) => Some(Cube::read(&mut In(bytes))?),
            None => None,
        };
        let filters = Filters::new(of(Section::Filters)?, chunks.iter().map(|chunk| chunk.filter_bytes))?;
        let traces = Filters::new(of(Section::Traces)?, chunks.iter().map(|chunk| chunk.trace_bytes))?;
        Some(Sidecar { rows, chunks, columns, runs, cube, filters, traces })
    }

    /// True when the chunk may hold the token of this hash, in any of the columns whose tokens are in its filter.
    pub fn may_contain(&self, chunk: usize, hash: u64) -> bool {
        self.filters.may_contain(chunk, hash)
    }

    /// True when the chunk may hold the trace id of this hash.
    pub fn may_contain_trace(&self, chunk: usize, hash: u64) -> bool {
        self.traces.may_contain(chunk, hash)
    }

    /// What is known of a physical column.
    pub fn column(&self, name: &str) -> Option<&ColumnIndex> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// First row of a chunk.
    pub fn first_row(chunk: usize) -> u64 {
        (chunk * CHUNK_ROWS) as u64
    }

    /// Bytes held in memory, roughly.
    pub fn size_bytes(&self) -> usize {
        let values = |column: &ColumnIndex| {
            let listed = column.values.iter().map(|v| 64 + v.text.len() + v.chunks.as_ref().map_or(0, |c| c.len() * 4));
            listed.sum::<usize>() + column.ranges.len() * 16 + 128
        };
        let runs = self.runs.as_ref().map_or(0, |runs| {
            let templates = runs.templates.iter().map(|t| 64 + t.pieces.iter().map(|p| p.len() + 96).sum::<usize>());
            runs.runs.len() * 16 + templates.sum::<usize>()
        });
        let cube = self.cube.as_ref().map_or(0, |cube| {
            cube.cells.iter().map(|cell| 48 + cell.durations.as_ref().map_or(0, |_| 400)).sum::<usize>()
        });
        self.filters.bytes.len()
            + self.traces.bytes.len()
            + self.chunks.len() * 64
            + self.columns.iter().map(values).sum::<usize>()
            + runs
            + cube
    }
}

fn read_chunks(input: &mut In<'_>, rows: u64) -> Option<Vec<Chunk>> {
    let count = input.count(5)?;
    let mut chunks = Vec::with_capacity(count);
    let (mut last, mut total) = (0i64, 0u64);
    for _ in 0..count {
        let chunk_rows = u32::try_from(input.number()?).ok()?;
        let time_min = last.wrapping_add(input.signed()?);
        let time_max = time_min.wrapping_add(input.signed()?);
        let (filter_bytes, trace_bytes) = (input.number()?, input.number()?);
        last = time_min;
        total += u64::from(chunk_rows);
        chunks.push(Chunk { rows: chunk_rows, time_min, time_max, filter_bytes, trace_bytes });
    }
    let whole = chunks.iter().rev().skip(1).all(|chunk| chunk.rows as usize == CHUNK_ROWS);
    (total == rows && whole).then_some(chunks)
}

/// The file: head, table of sections, their bytes.
fn assemble(segment_checksum: u64, rows: u64, sections: Vec<(Section, Vec<u8>)>) -> Vec<u8> {
    let packed: Vec<(Section, usize, Vec<u8>)> = sections
        .into_iter()
        .map(|(section, bytes)| match section.is_packed() {
            // It cannot fail with a bounded level; were it to, the empty section would be noticed when it is read.
            true => (section, bytes.len(), zstd::bulk::compress(&bytes, ZSTD_LEVEL).unwrap_or_default()),
            false => (section, bytes.len(), bytes),
        })
        .collect();
    let mut out = Out(MAGIC.to_vec());
    for number in [VERSION, segment_checksum, rows, packed.len() as u64] {
        out.fixed(number);
    }
    for (section, raw_bytes, bytes) in &packed {
        for number in [*section as u64, bytes.len() as u64, *raw_bytes as u64, xxh3_64(bytes)] {
            out.fixed(number);
        }
    }
    let checksum = xxh3_64(&out.0);
    out.fixed(checksum);
    packed.iter().for_each(|(.., bytes)| out.0.extend_from_slice(bytes));
    out.0
}

/// The sections of a file whose every byte is as it was written.
fn sections(file: &Bytes, segment_checksum: u64, rows: u64) -> Option<Vec<(Section, Bytes)>> {
    let mut input = In(file);
    let fits = input.take(MAGIC.len())? == MAGIC
        && input.fixed()? == VERSION
        && input.fixed()? == segment_checksum
        && input.fixed()? == rows;
    if !fits {
        return None;
    }
    let count = usize::try_from(input.fixed()?).ok().filter(|&count| count <= Section::ALL.len())?;
    let mut table = Vec::with_capacity(count);
    for _ in 0..count {
        let mut size = || usize::try_from(input.fixed()?).ok();
        table.push((size()?, size()?, size()?, input.fixed()?));
    }
    let head = file.len() - input.0.len();
    if input.fixed()? != xxh3_64(&file[..head]) {
        return None;
    }
    let mut sections = Vec::with_capacity(count);
    for (number, len, raw_bytes, checksum) in table {
        let at = file.len() - input.0.len();
        if xxh3_64(input.take(len)?) != checksum {
            return None;
        }
        let section = *Section::ALL.iter().find(|section| **section as usize == number)?;
        let stored = file.slice(at..at + len);
        sections.push((section, if section.is_packed() { unpack(&stored, raw_bytes)? } else { stored }));
    }
    input.is_empty().then_some(sections)
}

fn unpack(stored: &[u8], raw_bytes: usize) -> Option<Bytes> {
    let allowed = raw_bytes <= SECTION_BYTES_MAX;
    let bytes = allowed.then(|| zstd::bulk::decompress(stored, raw_bytes).ok()).flatten()?;
    (bytes.len() == raw_bytes).then(|| Bytes::from(bytes))
}
