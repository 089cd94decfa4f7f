//! Immutable segments: plain Parquet files any engine can read, in an order that makes them small.
//!
//! Reason to exist: a pure leaf over bytes (no async, clock or files) that quarantines the Parquet crate.
//! Reading order: [`part`] is a batch with the sequence numbers of its rows; [`order`] sorts rows and removes repeated
//! spans; [`promote`] decides which attributes get a typed column; [`gather`] turns rows into Arrow columns;
//! [`writer`] writes a segment and [`reader`] opens one ([`mod@file`]); [`mod@merge`] makes one of several; [`rest`] is the text form of the attributes without a column;
//! [`summary`] is what the catalog remembers; [`sidecar`] is the index beside the file. Bytes: docs/formats/segment.md,
//! docs/formats/sidecar.md.

pub mod file;
pub mod gather;
pub mod limits;
pub mod merge;
pub mod order;
pub mod part;
pub mod promote;
pub mod ranges;
pub mod reader;
pub mod rest;
pub mod restore;
pub mod sidecar;
pub mod summary;
pub mod writer;

pub use part::{Part, Seqs};
pub use restore::{index_of, read_parts};
pub use sidecar::Sidecar;
pub use summary::{AttributeSummary, Scope, Summary};
pub use writer::{Written, write};

/// Why a segment could not be written or read.
#[derive(Debug)]
pub enum SegmentError {
    /// Parquet refused: the file is damaged, or the sink failed.
    Parquet(parquet::errors::ParquetError),
    /// Arrow refused to build a column.
    Arrow(arrow::error::ArrowError),
    /// The file is a Parquet file but not a segment of this version.
    Format(String),
}

impl std::fmt::Display for SegmentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SegmentError::Parquet(error) => write!(f, "segment: {error}"),
            SegmentError::Arrow(error) => write!(f, "segment column: {error}"),
            SegmentError::Format(message) => write!(f, "segment format: {message}"),
        }
    }
}

impl std::error::Error for SegmentError {}

impl From<parquet::errors::ParquetError> for SegmentError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        SegmentError::Parquet(error)
    }
}

impl From<arrow::error::ArrowError> for SegmentError {
    fn from(error: arrow::error::ArrowError) -> Self {
        SegmentError::Arrow(error)
    }
}
