//! What can go wrong, for the caller: few public kinds, the cause in the text.

use std::io;

/// Why a batch was not stored. All but [`IngestError::TooLarge`] and [`IngestError::BadTenant`] may be tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// Queues or memory are full.
    #[error("the store is overloaded ({what}); try again in {retry_after_s} s")]
    Overloaded {
        /// Which bound was reached.
        what: &'static str,
        /// When to try again.
        retry_after_s: u64,
    },
    /// The disk is full; reads go on.
    #[error(
        "the disk of the data folder has {free_bytes} bytes free and {free_bytes_min} are needed; free some space, ingest resumes by itself"
    )]
    DiskFull {
        /// Free bytes when last asked.
        free_bytes: u64,
        /// Free bytes needed.
        free_bytes_min: u64,
    },
    /// The store is not open yet.
    #[error("the store is still starting; try again in a moment")]
    NotReady,
    /// The store is being closed.
    #[error("the store is closing; try again in a moment")]
    Closing,
    /// The batch is larger than any record may be.
    #[error("the batch has {bytes} bytes encoded and at most {bytes_max} are accepted; send smaller batches")]
    TooLarge {
        /// Encoded size.
        bytes: usize,
        /// Limit.
        bytes_max: usize,
    },
    /// The tenant's name cannot be used.
    #[error("{0}")]
    BadTenant(String),
    /// Storing failed; nothing was acknowledged.
    #[error("the batch could not be stored: {0}")]
    Failed(String),
}

impl IngestError {
    /// True where the same batch may be accepted later.
    pub fn retryable(&self) -> bool {
        !matches!(self, IngestError::TooLarge { .. } | IngestError::BadTenant(_))
    }

    /// Seconds to wait before the next attempt.
    pub fn retry_after_s(&self) -> u64 {
        match self {
            IngestError::Overloaded { retry_after_s, .. } => *retry_after_s,
            IngestError::DiskFull { .. } => 5,
            _ => crate::limits::RETRY_AFTER_S,
        }
    }
}

/// Why the store, not one batch, could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder refused; the text names it.
    #[error("data folder: {0}")]
    Io(#[from] io::Error),
    /// The catalog refused.
    #[error("catalog {path}: {cause}")]
    Catalog {
        /// Its path.
        path: String,
        /// What SQLite or the check said.
        cause: String,
    },
    /// The data folder is of another version or incomplete.
    #[error("{0}")]
    Folder(String),
    /// The write-ahead log is still being read.
    #[error(
        "the store is still reading its write-ahead log ({replayed_bytes} of {total_bytes} bytes); try again in a moment"
    )]
    NotReady {
        /// Bytes read.
        replayed_bytes: u64,
        /// Bytes to read.
        total_bytes: u64,
    },
    /// A background task failed for good.
    #[error("the store stopped accepting writes: {0}; restart it, acknowledged records are safe")]
    Poisoned(String),
    /// A segment could not be written or read.
    #[error("{0}")]
    Segment(String),
    /// The request cannot be carried out as it is; the text says why.
    #[error("{0}")]
    Refused(String),
}

impl From<clewline_segment::SegmentError> for StoreError {
    fn from(error: clewline_segment::SegmentError) -> Self {
        StoreError::Segment(error.to_string())
    }
}
