//! A disk in memory that forgets what was not synced.
//!
//! Model, stricter than any journalling file system it stands for:
//! - Bytes: each file has its current bytes and its durable bytes. [`DiskFile::sync_data`] makes them equal. At a power
//!   cut the durable bytes remain, followed by a random part of the unsynced tail in which random sectors are zero.
//! - A failed `sync_data` loses the unsynced bytes for good: later calls answer Ok and still do not write them.
//! - Names: changes queue per folder; [`Disk::sync_dir`] applies those of its folder. At a power cut a random number of
//!   the queued changes, oldest first, is applied and the rest forgotten.
//! - A process kill ([`SimDisk::kill`]) keeps everything but open handles and locks.
//!
//! Every operation is counted; one or all from the k-th on can fail, or find the machine without power. Same seed and
//! same operations: same outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile, Entry, Lock, ReadAt};
use crate::limits::SIM_SECTOR_BYTES;
use crate::random::{Random, SeededRandom};

/// What happens to the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device fails (EIO).
    Io,
    /// The device is full (ENOSPC).
    Full,
    /// The power fails; every later operation fails too until [`SimDisk::crash`].
    Power,
}

/// Which operations fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Number of the first failing operation, counted from 1 as [`SimDisk::operations`] counts.
    pub at: u64,
    /// How.
    pub fault: Fault,
    /// True: every operation from `at` on; false: only that one.
    pub sticky: bool,
}

#[derive(Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// The file was cut below its durable length since the last sync.
    cut: bool,
    /// A sync failed: the pages are clean, their bytes never reach the device.
    lost: bool,
}

enum NameChange {
    Link(PathBuf, u64),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
    Folder(PathBuf),
}

impl NameChange {
    fn is_in(&self, dir: &Path) -> bool {
        let (NameChange::Link(path, _)
        | NameChange::Rename(path, _)
        | NameChange::Unlink(path)
        | NameChange::Folder(path)) = self;
        path.parent() == Some(dir)
    }
}

#[derive(Clone)]
struct Names {
    files: BTreeMap<PathBuf, u64>,
    folders: BTreeSet<PathBuf>,
}

impl Names {
    fn apply(&mut self, change: &NameChange) {
        match change {
            NameChange::Link(path, inode) => drop(self.files.insert(path.clone(), *inode)),
            NameChange::Unlink(path) => drop(self.files.remove(path)),
            NameChange::Folder(path) => drop(self.folders.insert(path.clone())),
            NameChange::Rename(from, to) => {
                if let Some(inode) = self.files.remove(from) {
                    self.files.insert(to.clone(), inode);
                }
            }
        }
    }
}

struct State {
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    names: Names,
    durable_names: Names,
    changes: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    /// Handles of an older life fail.
    life: u64,
    powered: bool,
    operations: u64,
    plan: Option<Plan>,
    fired: u64,
    capacity_bytes: u64,
    sync_works: bool,
    syncs: u64,
}

/// The simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    random: Arc<SeededRandom>,
}

impl SimDisk {
    /// An empty disk without a size limit whose power cuts follow `seed`.
    pub fn new(seed: u64) -> SimDisk {
        let names = Names { files: BTreeMap::new(), folders: BTreeSet::from([PathBuf::from("/")]) };
        let state = State {
            inodes: BTreeMap::new(),
            next_inode: 1,
            durable_names: names.clone(),
            names,
            changes: Vec::new(),
            locks: BTreeSet::new(),
            life: 0,
            powered: true,
            operations: 0,
            plan: None,
            fired: 0,
            capacity_bytes: u64::MAX,
            sync_works: true,
            syncs: 0,
        };
        SimDisk { state: Arc::new(Mutex::new(state)), random: Arc::new(SeededRandom::new(seed)) }
    }

    /// Cuts the power and switches the machine on again. Faults planned are forgotten.
    pub fn crash(&self) {
        let mut state = self.state.lock();
        let applied = usize::try_from(self.random.below(state.changes.len() as u64 + 1)).unwrap_or(0);
        let changes = std::mem::take(&mut state.changes);
        for change in &changes[..applied] {
            state.durable_names.apply(change);
        }
        let folders = state.durable_names.folders.clone();
        // What lies in a folder whose own name was lost is lost too.
        let reachable = |path: &Path| path.ancestors().skip(1).all(|above| folders.contains(above));
        state.durable_names.files.retain(|path, _| reachable(path));
        state.durable_names.folders.retain(|path| reachable(path));
        state.names = state.durable_names.clone();
        for inode in state.inodes.values_mut() {
            self.forget_unsynced(inode);
        }
        let kept: BTreeSet<u64> = state.names.files.values().copied().collect();
        state.inodes.retain(|number, _| kept.contains(number));
        state.restart();
    }

    /// Ends the process and starts it again: handles and locks are gone, the page cache stays.
    pub fn kill(&self) {
        self.state.lock().restart();
    }

    fn forget_unsynced(&self, inode: &mut Inode) {
        if inode.cut && self.random.below(2) == 0 && !inode.lost {
            inode.durable.truncate(inode.bytes.len());
        }
        let from = inode.durable.len();
        if !inode.cut && !inode.lost && inode.bytes.len() > from {
            let kept = usize::try_from(self.random.below((inode.bytes.len() - from) as u64 + 1)).unwrap_or(0);
            let mut tail = inode.bytes[from..from + kept].to_vec();
            if self.random.below(2) == 0 {
                for sector in tail.chunks_mut(SIM_SECTOR_BYTES) {
                    if self.random.below(4) == 0 {
                        sector.fill(0);
                    }
                }
            }
            inode.durable.extend_from_slice(&tail);
        }
        inode.bytes = inode.durable.clone();
        (inode.cut, inode.lost) = (false, false);
    }

    /// Makes operations fail from now on; `None` ends it.
    pub fn plan(&self, plan: Option<Plan>) {
        self.state.lock().plan = plan;
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Faults so far.
    pub fn fired(&self) -> u64 {
        self.state.lock().fired
    }

    /// Successful syncs of files so far.
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// Limits the disk to `bytes` of file content.
    pub fn set_capacity_bytes(&self, bytes: u64) {
        self.state.lock().capacity_bytes = bytes;
    }

    /// With `false`, syncs answer Ok and do nothing: a lying disk, the negative control of every harness.
    pub fn set_sync_works(&self, works: bool) {
        self.state.lock().sync_works = works;
    }

    /// Replaces the bytes of a file, durable ones too: damage by other means.
    pub fn overwrite(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state.lock();
        if let Ok(number) = state.inode_of(path)
            && let Some(inode) = state.inodes.get_mut(&number)
        {
            inode.durable = bytes.clone();
            inode.bytes = bytes;
        }
    }

    fn change(&self, make: impl FnOnce(&mut State) -> io::Result<NameChange>) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let change = make(&mut state)?;
        state.names.apply(&change);
        state.changes.push(change);
        Ok(())
    }

    fn handle(&self, inode: u64, life: u64) -> SimFile {
        SimFile { disk: self.clone(), inode, life }
    }
}

fn off() -> io::Error {
    io::Error::other("the simulated machine has no power")
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} does not exist", path.display()))
}

impl State {
    fn restart(&mut self) {
        self.life += 1;
        self.powered = true;
        self.plan = None;
        self.locks.clear();
    }

    /// Counts one operation and answers what the plan has for it.
    fn operate(&mut self) -> io::Result<()> {
        if !self.powered {
            return Err(off());
        }
        self.operations += 1;
        let Some(plan) = self.plan else { return Ok(()) };
        if self.operations < plan.at || (self.operations > plan.at && !plan.sticky) {
            return Ok(());
        }
        self.fired += 1;
        Err(match plan.fault {
            Fault::Io => io::Error::other("simulated device error"),
            Fault::Full => io::ErrorKind::StorageFull.into(),
            Fault::Power => {
                self.powered = false;
                off()
            }
        })
    }

    fn used_bytes(&self) -> u64 {
        let inodes = self.names.files.values().filter_map(|number| self.inodes.get(number));
        inodes.map(|inode| inode.bytes.len() as u64).sum()
    }

    fn inode_of(&self, path: &Path) -> io::Result<u64> {
        self.names.files.get(path).copied().ok_or_else(|| missing(path))
    }

    fn file(&mut self, number: u64, life: u64) -> io::Result<&mut Inode> {
        if life != self.life {
            return Err(off());
        }
        self.inodes.get_mut(&number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

struct SimFile {
    disk: SimDisk,
    inode: u64,
    life: u64,
}

impl DiskFile for SimFile {
    fn append(&mut self, slices: &[&[u8]]) -> io::Result<()> {
        let mut guard = self.disk.state.lock();
        let state = &mut *guard;
        let mut outcome = state.operate();
        let room = state.capacity_bytes.saturating_sub(state.used_bytes());
        let mut bytes = slices.concat();
        if bytes.len() as u64 > room {
            bytes.truncate(usize::try_from(room).unwrap_or(0));
            outcome = outcome.and(Err(io::ErrorKind::StorageFull.into()));
        }
        if outcome.is_err() {
            let written = usize::try_from(self.disk.random.below(bytes.len() as u64 + 1)).unwrap_or(0);
            bytes.truncate(written);
        }
        state.file(self.inode, self.life)?.bytes.extend_from_slice(&bytes);
        outcome
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut guard = self.disk.state.lock();
        let state = &mut *guard;
        let outcome = state.operate();
        let (powered, works) = (state.powered, state.sync_works);
        let inode = state.file(self.inode, self.life)?;
        if let Err(error) = outcome {
            inode.lost = inode.lost || powered;
            return Err(error);
        }
        if works && !inode.lost {
            if inode.cut {
                inode.durable = inode.bytes.clone();
            } else {
                let from = inode.durable.len();
                inode.durable.extend_from_slice(&inode.bytes[from..]);
            }
            inode.cut = false;
        }
        state.syncs += 1;
        Ok(())
    }

    fn truncate(&mut self, size_bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.operate()?;
        let inode = state.file(self.inode, self.life)?;
        inode.bytes.resize(usize::try_from(size_bytes).unwrap_or(usize::MAX), 0);
        inode.cut = inode.cut || inode.bytes.len() < inode.durable.len();
        Ok(())
    }
}

impl ReadAt for SimFile {
    fn read_exact_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.operate()?;
        let inode = state.file(self.inode, self.life)?;
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = from.checked_add(out.len()).and_then(|to| inode.bytes.get(from..to));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn size_bytes(&self) -> io::Result<u64> {
        let mut state = self.disk.state.lock();
        Ok(state.file(self.inode, self.life)?.bytes.len() as u64)
    }
}

struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state.lock();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut created = (0, 0);
        self.change(|state| {
            if state.names.files.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if !path.parent().is_some_and(|dir| state.names.folders.contains(dir)) {
                return Err(missing(path.parent().unwrap_or(path)));
            }
            created = (state.next_inode, state.life);
            state.next_inode += 1;
            state.inodes.insert(created.0, Inode::default());
            Ok(NameChange::Link(path.to_owned(), created.0))
        })?;
        Ok(Box::new(self.handle(created.0, created.1)))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state.lock();
        state.operate()?;
        Ok(Box::new(self.handle(state.inode_of(path)?, state.life)))
    }

    fn open_read(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        let mut state = self.state.lock();
        state.operate()?;
        Ok(Arc::new(self.handle(state.inode_of(path)?, state.life)))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.state.lock();
        state.operate()?;
        let number = state.inode_of(path)?;
        Ok(state.inodes.get(&number).ok_or_else(|| missing(path))?.bytes.clone())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state.lock();
        state.operate()?;
        if !state.names.folders.contains(dir) {
            return Err(missing(dir));
        }
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let inside = |path: &&PathBuf| path.parent() == Some(dir);
        let folders = state.names.folders.iter().filter(inside);
        let mut entries: Vec<Entry> =
            folders.map(|path| Entry { name: name(path), size_bytes: 0, is_dir: true }).collect();
        for (path, number) in state.names.files.iter().filter(|(path, _)| inside(path)) {
            let size_bytes = state.inodes.get(number).map_or(0, |inode| inode.bytes.len() as u64);
            entries.push(Entry { name: name(path), size_bytes, is_dir: false });
        }
        entries.sort();
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|state| {
            state.inode_of(from)?;
            Ok(NameChange::Rename(from.to_owned(), to.to_owned()))
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|state| {
            state.inode_of(path)?;
            Ok(NameChange::Unlink(path.to_owned()))
        })
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.operate()?;
        let mut above: Vec<&Path> = dir.ancestors().collect();
        above.reverse();
        for folder in above {
            if !state.names.folders.contains(folder) {
                let change = NameChange::Folder(folder.to_owned());
                state.names.apply(&change);
                state.changes.push(change);
            }
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut guard = self.state.lock();
        guard.operate()?;
        if !guard.sync_works {
            return Ok(());
        }
        let state = &mut *guard;
        let changes = std::mem::take(&mut state.changes);
        let (now, later): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.is_in(dir));
        for change in &now {
            state.durable_names.apply(change);
        }
        state.changes = later;
        Ok(())
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.operate()?;
        Ok(state.capacity_bytes.saturating_sub(state.used_bytes()))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut state = self.state.lock();
        state.operate()?;
        if !state.locks.insert(path.to_owned()) {
            let message = format!("{} is locked by process {}", path.display(), std::process::id());
            return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
        }
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_owned(), life: state.life }))
    }

    fn external(&self, _what: &'static str) -> io::Result<()> {
        self.state.lock().operate()
    }
}
