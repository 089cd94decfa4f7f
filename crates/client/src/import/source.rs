//! A file or standard input as a stream of decompressed bytes, with its identity and how far the disk was read.

use super::detect::{self, Compression, Content};
use crate::error::CliError;
use crate::limits::{DETECT_BYTES, FINGERPRINT_BYTES};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::xxh3_128;

/// What makes a file the same file on a later run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Bytes on disk.
    pub(crate) size: u64,
    /// Modification time, nanoseconds since 1970.
    pub(crate) modified_ns: u64,
    /// Hash of the first bytes on disk.
    pub(crate) fingerprint: u128,
}

/// An opened source.
pub(crate) struct Source {
    /// What to call it.
    pub(crate) name: String,
    /// The absolute path; none for standard input.
    pub(crate) path: Option<PathBuf>,
    /// Identity; for standard input a fresh one each time.
    pub(crate) identity: Identity,
    /// What it seems to hold.
    pub(crate) content: Content,
    /// Bytes taken from the disk so far.
    pub(crate) raw_read: Arc<AtomicU64>,
    reader: Box<dyn BufRead>,
}

impl Source {
    /// Opens a file, or standard input for `-`. `run_id` distinguishes one reading of standard input from the next.
    pub(crate) fn open(path: &Path, run_id: u64) -> Result<Self, CliError> {
        let raw_read = Arc::new(AtomicU64::new(0));
        if path == Path::new("-") {
            let identity = Identity { size: 0, modified_ns: run_id, fingerprint: u128::from(run_id) };
            let raw = Counting { inner: io::stdin().lock(), count: Arc::clone(&raw_read) };
            return Self::build("standard input".into(), None, identity, Box::new(raw), raw_read);
        }
        let named = |error: io::Error| CliError::failed(format!("cannot read {}: {error}", path.display()));
        let mut file = File::open(path).map_err(named)?;
        let metadata = file.metadata().map_err(named)?;
        if metadata.is_dir() {
            return Err(CliError::usage(
                format!("{} is a directory", path.display()),
                "name the files in it, for example with a shell pattern: logs/*.jsonl",
            ));
        }
        let mut start = Vec::new();
        file.by_ref().take(FINGERPRINT_BYTES as u64).read_to_end(&mut start).map_err(named)?;
        file.seek(SeekFrom::Start(0))
            .or_else(|error| if metadata.is_file() { Err(error) } else { Ok(0) })
            .map_err(named)?;
        let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified_ns = since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        let identity = Identity { size: metadata.len(), modified_ns, fingerprint: xxh3_128(&start) };
        let absolute = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let raw = Counting { inner: file, count: Arc::clone(&raw_read) };
        Self::build(path.display().to_string(), Some(absolute), identity, Box::new(raw), raw_read)
    }

    fn build(
        name: String,
        path: Option<PathBuf>,
        identity: Identity,
        raw: Box<dyn Read>,
        raw_read: Arc<AtomicU64>,
    ) -> Result<Self, CliError> {
        let broken = |error: io::Error| CliError::failed(format!("cannot read {name}: {error}"));
        let mut raw = BufReader::with_capacity(256 << 10, raw);
        let (magic, _) = sample(&mut raw, 4).map_err(broken)?;
        let compression = detect::compression(&magic);
        let raw = Cursor::new(magic).chain(raw);
        let plain: Box<dyn Read> = match compression {
            Compression::Plain => Box::new(raw),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(raw).map_err(broken)?),
        };
        let mut plain = BufReader::with_capacity(256 << 10, plain);
        let (start, complete) = sample(&mut plain, DETECT_BYTES).map_err(broken)?;
        let content = detect::content(&start, complete);
        let reader = Box::new(Cursor::new(start).chain(plain));
        Ok(Source { name, path, identity, content, raw_read, reader })
    }

    /// The decompressed bytes from `offset` on.
    pub(crate) fn reader_from(&mut self, offset: u64) -> Result<&mut dyn BufRead, CliError> {
        let skipped = io::copy(&mut self.reader.by_ref().take(offset), &mut io::sink())?;
        if skipped < offset {
            return Err(CliError::failed_hint(
                format!("{} ends before the place where the last import stopped", self.name),
                "--restart imports it from the beginning",
            ));
        }
        Ok(&mut *self.reader)
    }
}

/// The first `length` bytes, and whether they are all.
fn sample(reader: &mut impl Read, length: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes)?;
    let complete = bytes.len() < length;
    Ok((bytes, complete))
}

/// Counts what passes.
struct Counting<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(path: &Path, offset: u64) -> (Content, String) {
        let mut source = Source::open(path, 1).unwrap();
        let mut text = String::new();
        source.reader_from(offset).unwrap().read_to_string(&mut text).unwrap();
        (source.content, text)
    }

    #[test]
    fn compressed_files_read_like_plain_ones() {
        let folder = crate::import::tests::Folder::new("source");
        let text = "{\"a\":1}\n{\"a\":2}\n";
        let plain = folder.file("a.jsonl", text.as_bytes());
        assert_eq!(read(&plain, 0), (Content::JsonLines, text.into()));
        assert_eq!(read(&plain, 8).1, "{\"a\":2}\n");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let packed = folder.file("a.jsonl.gz", &gzip.finish().unwrap());
        assert_eq!(read(&packed, 8), (Content::JsonLines, "{\"a\":2}\n".into()));
        let packed = folder.file("a.zst", &zstd::encode_all(text.as_bytes(), 1).unwrap());
        assert_eq!(read(&packed, 0), (Content::JsonLines, text.into()));
        assert!(Source::open(&plain, 1).unwrap().reader_from(99).is_err());
    }

    #[test]
    fn identity_follows_the_beginning() {
        let folder = crate::import::tests::Folder::new("identity");
        let a = Source::open(&folder.file("a", b"one"), 1).unwrap().identity;
        let b = Source::open(&folder.file("b", b"two"), 1).unwrap().identity;
        assert_ne!(a.fingerprint, b.fingerprint);
        assert_eq!(a.size, 3);
    }
}
