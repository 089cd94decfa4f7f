//! A segment file for the Parquet reader: positioned reads, shared between threads.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// Fills a buffer from an offset; too few bytes left is an error.
pub type ReadExactAt = dyn Fn(u64, &mut [u8]) -> io::Result<()> + Send + Sync;

/// A file of known length that can be read anywhere.
#[derive(Clone)]
pub struct SegmentFile {
    read: Arc<ReadExactAt>,
    size_bytes: u64,
}

impl SegmentFile {
    /// A file of `size_bytes` bytes.
    pub fn new(size_bytes: u64, read: Arc<ReadExactAt>) -> SegmentFile {
        SegmentFile { read, size_bytes }
    }
}

impl std::fmt::Debug for SegmentFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentFile").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}

impl Length for SegmentFile {
    fn len(&self) -> u64 {
        self.size_bytes
    }
}

impl ChunkReader for SegmentFile {
    type T = Positioned;

    fn get_read(&self, start: u64) -> Result<Positioned, ParquetError> {
        Ok(Positioned { file: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64).filter(|&end| end <= self.size_bytes);
        if end.is_none() {
            return Err(ParquetError::General(format!("bytes {start}+{length} lie outside the segment")));
        }
        let mut bytes = vec![0; length];
        (self.read)(start, &mut bytes).map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(Bytes::from(bytes))
    }
}

/// A reader at a position of a segment.
pub struct Positioned {
    file: SegmentFile,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.file.size_bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = out.len().min(left);
        (self.file.read)(self.at, &mut out[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}
