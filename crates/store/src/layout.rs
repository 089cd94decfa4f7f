//! Names in the data folder.
//!
//! ```text
//! LOCK                                     held by the one process that has the folder open
//! VERSION                                  "1", written when the folder is complete
//! catalog.sqlite (-wal, -shm)              docs/formats/catalog.md
//! wal/<generation, 16 digits>.wal          docs/formats/wal.md; .damaged: kept for inspection, never read again
//! segments/<tenant number>/<signal>/<id>.parquet
//! segments/<tenant number>/<signal>/<id>.idx  its index; can be made again, docs/formats/sidecar.md
//! ```
//! A tenant's name never appears: numbers cannot leave the folder.

use std::path::{Path, PathBuf};

use clewline_model::signal::Signal;

/// Version of the folder's layout.
pub(crate) const VERSION: &str = "1";

/// Paths of one data folder.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) folder: PathBuf,
}

impl Layout {
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("LOCK")
    }

    pub(crate) fn version(&self) -> PathBuf {
        self.folder.join("VERSION")
    }

    pub(crate) fn catalog(&self) -> PathBuf {
        self.folder.join("catalog.sqlite")
    }

    pub(crate) fn wal_folder(&self) -> PathBuf {
        self.folder.join("wal")
    }

    pub(crate) fn wal(&self, generation: u64) -> PathBuf {
        self.wal_folder().join(format!("{generation:016}.wal"))
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.folder.join("segments")
    }

    /// Path of a segment, relative to the folder: what the catalog keeps.
    pub(crate) fn segment_file(tenant: u32, signal: Signal, id: i64) -> String {
        format!("segments/{tenant}/{}/{id}.parquet", signal.name())
    }
}

/// The generation a log file's name holds.
pub(crate) fn generation_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wal")?;
    (digits.len() == 16).then(|| digits.parse().ok())?
}

/// The index file beside a segment.
pub(crate) fn index_path(segment: &Path) -> PathBuf {
    segment.with_extension("idx")
}

/// The folder a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
