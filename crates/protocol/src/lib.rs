//! Bytes of OTLP, JSON lines, text, raw lines and syslog to batches and back.
//!
//! Pure: no async, clock, files or sockets; the current time and the peer come in as [`Context`]. Every decoder takes
//! bytes and gives a [`Decoded`]: the rows that were understood and a [`Rejections`] report about the rest (partial
//! success is a value). A [`DecodeError`] refuses a request as a whole and leaves nothing behind.
//!
//! Reading order: [`report`] is what decoders say about bad input; `record` holds the rules every protocol shares
//! (times, ids, bounds); [`json`] is the pull parser; then one module a protocol: [`otlp`], [`jsonl`], [`text`],
//! [`raw`], [`syslog`]. [`compress`] undoes `Content-Encoding`. [`limits`] names every bound.

pub mod compress;
pub mod json;
pub mod jsonl;
mod level;
pub mod limits;
pub mod otlp;
pub mod raw;
mod record;
pub mod report;
pub mod syslog;
pub mod text;
mod time;

use clewline_model::batch::Batch;

pub use report::{DecodeError, Rejection, Rejections, Warnings};

/// What a decoder has to know beyond the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Nanoseconds since the Unix epoch: the time of records that bring none.
    pub now_ns: i64,
    /// Address or name of the sender: the node of records that name none.
    pub node: &'a str,
}

/// The rows of a request and what has to be said about it.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The accepted rows; may be empty.
    pub batch: Batch,
    /// What was refused, changed or left out.
    pub rejections: Rejections,
}
