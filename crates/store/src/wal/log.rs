//! The file being appended to.
//!
//! Invariant: `good_bytes` is the length up to which every record was synced and acknowledged. After any failure the
//! file is cut there as well as it can be and never written or synced again: the kernel marks the pages of a failed
//! sync clean, so a second sync proves nothing.

use std::io;
use std::path::PathBuf;

use clewline_env::Env;
use clewline_env::disk::DiskFile;

use crate::layout::{Layout, folder_of};
use crate::wal::format;

/// An open log file.
pub(crate) struct LogFile {
    /// Length of the durable, acknowledged part.
    pub(crate) good_bytes: u64,
    /// Salt of its checksums.
    pub(crate) salt: u32,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    fsync: bool,
}

impl LogFile {
    /// Creates the file of a generation and makes it and its name durable. What is left of a failure is removed.
    pub(crate) fn create(env: &Env, layout: &Layout, generation: u64, fsync: bool) -> io::Result<LogFile> {
        let path = layout.wal(generation);
        let disk = &env.disk;
        let salt = env.random.next_u64() as u32;
        let file = disk.create(&path)?;
        let mut log = LogFile { good_bytes: 0, salt, path, file, fsync };
        let head = format::file_head(generation, salt);
        let made = log.append(&[&head]).and_then(|()| if fsync { disk.sync_dir(folder_of(&log.path)) } else { Ok(()) });
        match made {
            Ok(()) => Ok(log),
            Err(error) => {
                let _ = disk.remove(&log.path); // an empty generation; start-up removes it otherwise
                Err(error)
            }
        }
    }

    /// Appends and syncs. After an error use [`Self::seal`].
    pub(crate) fn append(&mut self, slices: &[&[u8]]) -> io::Result<()> {
        self.file.append(slices)?;
        if self.fsync {
            self.file.sync_data()?;
        }
        self.good_bytes += slices.iter().map(|slice| slice.len() as u64).sum::<u64>();
        Ok(())
    }

    /// Ends the file after a failure: what was not acknowledged is cut off, as well as the disk still can.
    pub(crate) fn seal(mut self) {
        if let Err(error) = self.file.truncate(self.good_bytes) {
            tracing::warn!(path = %self.path.display(), %error, "the failed tail of a log file could not be cut; it will be read as unacknowledged");
        }
    }
}
