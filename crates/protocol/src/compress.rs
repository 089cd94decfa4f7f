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
        let mut more = [0u8; 1];
        if from.read(&mut more).map_err(|_| DecompressError::Corrupt)? == 0 {
            return Ok(out);
        }
        if out.len() >= limit {
            return Err(DecompressError::TooLarge { limit_bytes: limit });
        }
        // Small buffers double; a large one goes to the limit at once, so that only one large one ever exists.
        let wanted = out.capacity().saturating_mul(2).max(1 << 12);
        let capacity = if wanted <= DECOMPRESS_STEP_BYTES { wanted.min(limit) } else { limit };
        out.reserve_exact(capacity - out.len());
        out.push(more[0]);
    }
}

/// Zstandard in one step: the output is the window, so no window is allocated and any window size is accepted.
fn unzstd(body: &[u8], limit_bytes: usize) -> Result<Vec<u8>, DecompressError> {
    // The first frame may say its size: a hint, never trusted beyond the limit.
    let said = zstd::zstd_safe::get_frame_content_size(body).ok().flatten();
    let guess = said.map_or(body.len().saturating_mul(8), |size| usize::try_from(size).unwrap_or(usize::MAX));
    let mut capacity = guess.max(1 << 12).min(limit_bytes);
    loop {
        let mut out = Vec::with_capacity(capacity);
        match zstd::zstd_safe::decompress(&mut out, body) {
            Ok(_) => return Ok(out),
            Err(code) if zstd::zstd_safe::get_error_name(code) != ZSTD_NO_ROOM => return Err(DecompressError::Corrupt),
            Err(_) if capacity >= limit_bytes => return Err(DecompressError::TooLarge { limit_bytes }),
            Err(_) => capacity = capacity.saturating_mul(8).min(limit_bytes),
        }
    }
}

/// The message of the error `ZSTD_error_dstSize_tooSmall` (zstd lib/common/error_private.c). A test fails if it changes.
const ZSTD_NO_ROOM: &str = "Destination buffer is too small";

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LIMIT: usize = 2 << 20;

    type Maker = fn(&[u8]) -> Vec<u8>;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).expect("writing to memory");
        encoder.finish().expect("writing to memory")
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(plain, 3).expect("writing to memory")
    }

    /// A frame that does not say its size.
    fn zstd_stream(plain: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(plain, 3).expect("writing to memory")
    }

    fn sample(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i % 251) as u8 ^ (i / 977) as u8).collect()
    }

    #[test]
    fn every_encoding_gives_back_what_went_in() {
        for bytes in [0, 1, 1000, 5000, 100_000, (1 << 20) + 7, LIMIT] {
            let plain = sample(bytes);
            let raw_deflate = zlib(&plain);
            let raw_deflate = &raw_deflate[2..raw_deflate.len() - 4];
            for (encoding, body) in [
                ("gzip", gzip(&plain)),
                ("X-GZIP", gzip(&plain)),
                ("zstd", zstd(&plain)),
                ("zstd", zstd_stream(&plain)),
                ("deflate", zlib(&plain)),
                ("deflate", raw_deflate.to_vec()),
                ("identity", plain.clone()),
                ("", plain.clone()),
                ("gzip, zstd", zstd(&gzip(&plain))),
            ] {
                let out = decompress(encoding, &body, LIMIT).unwrap_or_else(|e| panic!("{encoding} {bytes}: {e}"));
                assert!(*out == plain, "{encoding} {bytes}");
            }
        }
    }

    #[test]
    fn members_and_frames_are_joined() {
        let makers: [(&str, Maker); 3] = [("gzip", gzip), ("zstd", zstd), ("zstd", zstd_stream)];
        for (encoding, make) in makers {
            let body = [make(b"one "), make(b""), make(&sample(9000)), make(b"end")].concat();
            let expect = [b"one ".as_slice(), &sample(9000), b"end"].concat();
            assert_eq!(*decompress(encoding, &body, LIMIT).expect(encoding), expect);
        }
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let bomb = vec![0u8; 3 << 20];
        for (encoding, body) in [
            ("gzip", gzip(&bomb)),
            ("zstd", zstd(&bomb)),
            ("zstd", zstd_stream(&bomb)),
            ("deflate", zlib(&bomb)),
            ("gzip", [gzip(b"x"), gzip(&bomb)].concat()),
            ("gzip, gzip", gzip(&gzip(&bomb))),
            ("identity", bomb.clone()),
        ] {
            assert_eq!(decompress(encoding, &body, LIMIT), Err(DecompressError::TooLarge { limit_bytes: LIMIT }));
        }
        let exact = vec![0u8; LIMIT];
        for body in [gzip(&exact), gzip(&exact[1..])] {
            let out = decompress("gzip", &body, LIMIT).expect("fits");
            let Cow::Owned(out) = out else { panic!("decompressed bytes are owned") };
            assert!(out.capacity() <= LIMIT);
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let plain = sample(500);
        for (encoding, body) in [("gzip", gzip(&plain)), ("zstd", zstd(&plain)), ("deflate", zlib(&plain))] {
            for at in 1..body.len() {
                let _ = decompress(encoding, &body[..at], LIMIT);
                let mut damaged = body.clone();
                damaged[at] ^= 0x10;
                let _ = decompress(encoding, &damaged, LIMIT);
            }
            assert_eq!(
                decompress(encoding, &body[..body.len() - 1], LIMIT),
                Err(DecompressError::Corrupt),
                "{encoding}"
            );
            assert_eq!(decompress(encoding, b"not compressed at all", LIMIT), Err(DecompressError::Corrupt));
        }
        assert_eq!(decompress("br", b"", LIMIT), Err(DecompressError::Unknown));
    }
}
