//! Files, as the durable half of the product sees them: append-only, replaced by rename, removed whole.
//!
//! What makes what durable (and nothing else does):
//! - [`DiskFile::sync_data`]: the bytes and the length of that file;
//! - [`Disk::sync_dir`]: the names in that folder (created, renamed, removed).
//!
//! After a failed `sync_data` the bytes since the last good one are lost for certain only in theory: kernels mark the
//! pages clean, so a second call may answer Ok without having written them. Never retry on that file.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Name without the folder.
    pub name: String,
    /// Length; 0 for a folder.
    pub size_bytes: u64,
    /// True for a folder.
    pub is_dir: bool,
}

/// A file open for appending.
pub trait DiskFile: Send {
    /// Appends all slices, one after another. After an error any prefix of them may be in the file.
    fn append(&mut self, slices: &[&[u8]]) -> io::Result<()>;
    /// Makes everything appended so far durable (`fdatasync`).
    fn sync_data(&mut self) -> io::Result<()>;
    /// Cuts the file to `size_bytes`; appending goes on from there.
    fn truncate(&mut self, size_bytes: u64) -> io::Result<()>;
}

/// A file open for reading anywhere.
pub trait ReadAt: Send + Sync {
    /// Fills `out` from `offset`; too few bytes left is an error of kind `UnexpectedEof`.
    fn read_exact_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    /// Length of the file.
    fn size_bytes(&self) -> io::Result<u64>;
}

/// Holds a lock until dropped.
pub trait Lock: Send + Sync {}

/// Where files are.
pub trait Disk: Send + Sync {
    /// Creates an empty file for appending. An existing one is an error of kind `AlreadyExists`.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for appending.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading.
    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>>;
    /// Reads a whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The entries of a folder, ordered by name.
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>>;
    /// Gives a file a new name in one step, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Creates a folder and those above it.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Bytes an ordinary user may still write on the file system of `dir`.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
    /// Takes the lock file `path`, creating it where needed. Held by another process: an error of kind `WouldBlock`
    /// whose text names the process where known.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
    /// Announces that another library is about to make something durable on this disk (a commit of SQLite). Does
    /// nothing on a real disk; the simulated one counts it as an operation, so that faults also fall there.
    fn external(&self, what: &'static str) -> io::Result<()>;
}

/// An error that says which file, keeping its kind and the number the system gave.
pub fn at_path(error: &io::Error, doing: &str, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {doing} {}: {error}", path.display()))
}
