//! The write-ahead log: one file per generation, records appended in groups, each group made durable by one sync.
//!
//! [`mod@format`] is the bytes and how damaged bytes are read; [`log`] is the file being appended to. Decisions:
//! docs/adr/0003-write-ahead-log.md; bytes: docs/formats/wal.md.

pub(crate) mod format;
pub(crate) mod log;
