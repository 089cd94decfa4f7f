//! The machine's file systems (Linux).

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::disk::{Disk, DiskFile, Entry, Lock, ReadAt, at_path};
use crate::limits::SLICES_PER_WRITE_MAX;

/// The machine's file systems.
#[derive(Debug, Clone, Copy)]
pub struct OsDisk;

struct OsFile(File);

impl DiskFile for OsFile {
    fn append(&mut self, slices: &[&[u8]]) -> io::Result<()> {
        for chunk in slices.chunks(SLICES_PER_WRITE_MAX) {
            let mut vectors: Vec<IoSlice<'_>> = chunk.iter().map(|slice| IoSlice::new(slice)).collect();
            let mut rest = vectors.as_mut_slice();
            IoSlice::advance_slices(&mut rest, 0); // drops leading empty slices
            while !rest.is_empty() {
                match self.0.write_vectored(rest) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => IoSlice::advance_slices(&mut rest, written),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&mut self, size_bytes: u64) -> io::Result<()> {
        self.0.set_len(size_bytes) // the file is in append mode: no position to correct
    }
}

struct OsReader(File);

impl ReadAt for OsReader {
    fn read_exact_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

struct OsLock(#[allow(dead_code, reason = "held, not read: closing it gives the lock back")] Flock<File>);

impl Lock for OsLock {}

impl Disk for OsDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().append(true).create_new(true).open(path);
        Ok(Box::new(OsFile(file.map_err(|error| at_path(&error, "create", path))?)))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().append(true).open(path);
        Ok(Box::new(OsFile(file.map_err(|error| at_path(&error, "open", path))?)))
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(OsReader(File::open(path).map_err(|error| at_path(&error, "open", path))?)))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path).map_err(|error| at_path(&error, "read", path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir).map_err(|error| at_path(&error, "list", dir))? {
            let entry = entry?;
            let Ok(metadata) = entry.metadata() else { continue }; // removed since it was listed
            let name = entry.file_name().to_string_lossy().into_owned();
            let size_bytes = if metadata.is_dir() { 0 } else { metadata.len() };
            entries.push(Entry { name, size_bytes, is_dir: metadata.is_dir() });
        }
        entries.sort();
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to).map_err(|error| at_path(&error, "rename", from))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path).map_err(|error| at_path(&error, "remove", path))
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir).map_err(|error| at_path(&error, "create the folder", dir))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir).and_then(|folder| folder.sync_all()).map_err(|error| at_path(&error, "sync the folder", dir))
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let stat = nix::sys::statvfs::statvfs(dir)
            .map_err(|errno| at_path(&io::Error::from(errno), "ask for the free space of", dir))?;
        Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.map_err(|error| at_path(&error, "open the lock", path))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut lock) => {
                // The number only helps the next reader's error message; the lock itself is the kernel's.
                let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
                Ok(Box::new(OsLock(lock)))
            }
            Err((_, Errno::EWOULDBLOCK)) => {
                let holder = fs::read_to_string(path).unwrap_or_default();
                let by = match holder.trim() {
                    "" => "another process".to_owned(),
                    pid => format!("process {pid}"),
                };
                Err(io::Error::new(io::ErrorKind::WouldBlock, format!("{} is locked by {by}", path.display())))
            }
            Err((_, errno)) => Err(at_path(&io::Error::from(errno), "lock", path)),
        }
    }

    fn external(&self, _what: &'static str) -> io::Result<()> {
        Ok(())
    }
}
