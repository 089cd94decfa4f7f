//! From a folder as a crash left it to an open store.
//!
//! Start-up reads every unpublished log file once for its record heads: the highest sequence number, the identities,
//! damage. Then ingest may begin. [`Core::replay`] reads the files again in the background and brings the records
//! back; queries wait for that. Log files of published generations, unfinished ones and segments the catalog does not
//! know are removed. Log files are synced before they count: what a killed process left in the page cache must be
//! durable before a repeat of it is acknowledged.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clewline_env::Env;
use clewline_env::disk::{Entry, at_path};
use clewline_model::batch::Batch;
use clewline_model::codec;
use clewline_segment::Part;
use hashbrown::HashSet;

use crate::catalog::{Catalog, Contents};
use crate::core::Core;
use crate::dedupe::{Remembered, Window};
use crate::error::StoreError;
use crate::layout::{Layout, VERSION, folder_of, generation_of, index_path};
use crate::limits::IDENTITIES_MAX;
use crate::settings::StoreSettings;
use crate::state::{Generation, ReplayFile};
use crate::statistics::{Counters, add};
use crate::wal::format::{self, FileHead, Scan};

/// What the log files of the last run hold.
pub(crate) struct LogContents {
    pub(crate) files: Vec<ReplayFile>,
    pub(crate) window: Window,
    pub(crate) seq: i64,
    pub(crate) generation: u64,
}

/// True where the folder was never completed; an error where another version wrote it.
pub(crate) fn is_fresh(env: &Env, layout: &Layout) -> Result<bool, StoreError> {
    let version = match env.disk.read(&layout.version()) {
        Ok(version) => version,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(StoreError::Io(error)),
    };
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    if version == VERSION {
        return Ok(false);
    }
    Err(StoreError::Folder(format!(
        "the data folder {} has layout version {version:?} and this program knows {VERSION}; use the program that wrote it, or a newer one",
        layout.folder.display()
    )))
}

/// Marks the folder complete: from now on a missing catalog is a loss, not a beginning.
pub(crate) fn complete_folder(env: &Env, layout: &Layout) -> Result<(), StoreError> {
    env.disk.sync_dir(&layout.folder)?;
    let unfinished = layout.version().with_extension("tmp");
    let _ = env.disk.remove(&unfinished);
    let mut file = env.disk.create(&unfinished)?;
    file.append(&[VERSION.as_bytes(), b"\n"])?;
    file.sync_data()?;
    env.disk.rename(&unfinished, &layout.version())?;
    env.disk.sync_dir(&layout.folder)?;
    Ok(())
}

/// Refuses a complete folder without its catalog: opening it anew would take its segments for leftovers.
pub(crate) fn require_catalog(layout: &Layout, fresh: bool, exists: bool) -> Result<(), StoreError> {
    if fresh || exists {
        return Ok(());
    }
    Err(StoreError::Folder(format!(
        "{} is missing though the data folder was complete; restore it from a backup, or move the folder away to begin an empty one",
        layout.catalog().display()
    )))
}

/// Reads the unpublished log files' heads; removes files that are not needed.
pub(crate) fn read_logs(
    env: &Env,
    layout: &Layout,
    settings: &StoreSettings,
    counters: &Counters,
    contents: &Contents,
) -> Result<LogContents, StoreError> {
    let mut window = Window::new(IDENTITIES_MAX);
    for entry in &contents.identities {
        window.insert(*entry);
    }
    let mut logs = LogContents {
        files: Vec::new(),
        window,
        seq: contents.seq_published,
        generation: contents.generation_published,
    };
    if settings.fsync {
        env.disk.sync_dir(&layout.wal_folder())?;
    }
    for Entry { name, .. } in env.disk.list(&layout.wal_folder())? {
        let Some(generation) = generation_of(&name) else { continue };
        logs.generation = logs.generation.max(generation);
        let path = layout.wal(generation);
        if generation <= contents.generation_published {
            env.disk.remove(&path)?;
            continue;
        }
        if settings.fsync {
            env.disk.open_append(&path)?.sync_data().map_err(|error| at_path(&error, "sync", &path))?;
        }
        let bytes = env.disk.read(&path)?;
        let (scan, damaged) = scan_file(&path, &bytes, generation, counters)?;
        if scan.records.is_empty() {
            let aside = path.with_extension("damaged");
            if damaged {
                env.disk.rename(&path, &aside)?
            } else {
                env.disk.remove(&path)?
            }
            continue;
        }
        let skip = remember(&mut logs, settings, &scan);
        logs.files.push(ReplayFile { generation, path, skip, bytes: bytes.len() as u64, damaged });
    }
    counters.identities.store(logs.window.len() as u64, Ordering::Relaxed);
    Ok(logs)
}

/// Enters the identities of a file into the window; the offsets of records that repeat one.
fn remember(logs: &mut LogContents, settings: &StoreSettings, scan: &Scan) -> Vec<usize> {
    let window_ns = i64::try_from(settings.dedupe_window.as_nanos()).unwrap_or(i64::MAX);
    let mut skip = Vec::new();
    for record in &scan.records {
        let head = &record.head;
        logs.seq = logs.seq.max(head.seq);
        let Some(identity) = head.identity else { continue };
        logs.window.expire(head.received_ns.saturating_sub(window_ns));
        let key = (head.tenant, head.signal as u8, identity);
        // A repeat in the log is one whose first copy was never acknowledged but reached the disk.
        if !logs.window.insert(Remembered { key, received_ns: head.received_ns }) {
            skip.push(record.offset);
        }
    }
    skip
}

/// The records of a file and whether it is damaged; damage is counted and logged.
fn scan_file(path: &Path, bytes: &[u8], generation: u64, counters: &Counters) -> Result<(Scan, bool), StoreError> {
    let mut scan = Scan::default();
    match format::read_head(bytes, generation) {
        FileHead::Good { salt } => scan = format::scan(bytes, salt),
        FileHead::Unfinished => {}
        FileHead::Damaged { salt } => {
            scan = format::scan(bytes, salt);
            scan.damaged_bytes += format::FILE_HEAD_BYTES as u64;
        }
        FileHead::Newer(version) => {
            return Err(StoreError::Folder(format!(
                "the log file {} has version {version}; open the data folder with the program that wrote it, or a newer one",
                path.display()
            )));
        }
    }
    add(&counters.log_damaged_bytes, scan.damaged_bytes);
    add(&counters.log_torn_bytes, scan.torn_bytes);
    if scan.damaged_bytes > 0 {
        let (path, damaged_bytes) = (path.display(), scan.damaged_bytes);
        tracing::error!(%path, damaged_bytes, "acknowledged records of a log file are damaged; the others are kept and the file is put aside as .damaged");
        counters.note_error(&format!("{path}: {damaged_bytes} bytes of acknowledged records are damaged"));
    } else if scan.torn_bytes > 0 {
        tracing::info!(path = %path.display(), torn_bytes = scan.torn_bytes, "a log file ends in a group that was never acknowledged");
    }
    let damaged = scan.damaged_bytes > 0;
    Ok((scan, damaged))
}

/// Removes segment files the catalog does not know; the ids of segments whose file is missing.
pub(crate) fn reconcile_segments(env: &Env, layout: &Layout, contents: &Contents) -> Result<Vec<i64>, StoreError> {
    let mut known: hashbrown::HashMap<_, i64> =
        contents.segments.iter().map(|row| (layout.folder.join(&row.file), row.id)).collect();
    let indexes: HashSet<_> = known.keys().map(|path| index_path(path)).collect();
    for path in files_below(env, &layout.segments(), 2)? {
        if known.remove(&path).is_none() && !indexes.contains(&path) {
            tracing::info!(path = %path.display(), "removing a segment that was never published or was replaced");
            env.disk.remove(&path)?;
        }
    }
    for path in known.keys() {
        tracing::error!(path = %path.display(), "a segment of the catalog is missing; its records cannot be found, restore the file from a backup");
    }
    Ok(known.into_values().collect())
}

/// Files exactly `depth` folders below `folder`.
fn files_below(env: &Env, folder: &Path, depth: u32) -> Result<Vec<std::path::PathBuf>, StoreError> {
    let mut files = Vec::new();
    for entry in env.disk.list(folder)? {
        let path = folder.join(&entry.name);
        if entry.is_dir && depth > 0 {
            files.extend(files_below(env, &path, depth - 1)?);
        } else if !entry.is_dir && depth == 0 {
            files.push(path);
        }
    }
    Ok(files)
}

/// The catalog of a folder, with its name made durable.
pub(crate) fn open_catalog(env: &Env, layout: &Layout) -> Result<Catalog, StoreError> {
    let catalog = Catalog::open(&layout.catalog())?;
    env.disk.sync_dir(folder_of(&layout.catalog()))?;
    Ok(catalog)
}

impl Core {
    /// Brings back the records of the last run's log. Queries may run when it is done.
    pub(crate) fn replay(&self) -> Result<(), StoreError> {
        let files = std::mem::take(&mut *self.replay.files.lock());
        let mut replayed = Vec::with_capacity(files.len());
        for file in &files {
            replayed.push(Arc::new(self.replay_file(file)?));
            if self.stopping() {
                return Ok(());
            }
        }
        {
            let mut state = self.state.write();
            state.seq = replayed.iter().map(|generation| generation.seq_max).fold(state.seq, i64::max);
            state.frozen.splice(0..0, replayed.into_iter().filter(|generation| generation.rows > 0));
            debug_assert!(state.check());
        }
        self.replay.ready.store(true, Ordering::Release);
        self.progress.update(|_| ());
        Ok(())
    }

    fn replay_file(&self, file: &ReplayFile) -> Result<Generation, StoreError> {
        let bytes = self.env.disk.read(&file.path)?;
        let (FileHead::Good { salt } | FileHead::Damaged { salt }) = format::read_head(&bytes, file.generation) else {
            return Err(StoreError::Folder(format!("{} changed while it was being read", file.path.display())));
        };
        let skip: HashSet<usize> = file.skip.iter().copied().collect();
        let mut generation = Generation {
            number: file.generation,
            log_bytes: file.bytes,
            damaged: file.damaged,
            begun_ns: self.env.clock.monotonic_ns(),
            ..Generation::default()
        };
        let mut at = 0;
        for record in format::scan(&bytes, salt).records {
            let head = &record.head;
            if !skip.contains(&record.offset) {
                match decode(&bytes[record.payload.0..record.payload.1], head.signal) {
                    Ok(batch) => generation.add((head.tenant, head.signal), Part::new(Arc::new(batch), head.seq)),
                    Err(cause) => self.undecodable(file, record.offset, &cause, &mut generation),
                }
                if let Some(identity) = head.identity {
                    let key = (head.tenant, head.signal as u8, identity);
                    generation.identities.push(Remembered { key, received_ns: head.received_ns });
                }
            }
            add(&self.replay.replayed_bytes, (record.payload.1 - at) as u64);
            at = record.payload.1;
        }
        add(&self.replay.replayed_bytes, file.bytes.saturating_sub(at as u64));
        Ok(generation)
    }

    fn undecodable(&self, file: &ReplayFile, offset: usize, cause: &str, generation: &mut Generation) {
        let path = file.path.display();
        tracing::error!(%path, offset, cause, "a record with a good checksum is no batch; the file is put aside as .damaged");
        self.counters.note_error(&format!("{path}: the record at {offset} is no batch: {cause}"));
        generation.damaged = true;
    }
}

fn decode(payload: &[u8], signal: clewline_model::signal::Signal) -> Result<Batch, String> {
    let batch = codec::decode(payload).map_err(|error| error.to_string())?;
    if batch.signal == signal && batch.rows() > 0 {
        Ok(batch)
    } else {
        Err("its signal or row count is wrong".to_owned())
    }
}
