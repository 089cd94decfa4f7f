//! The public face: open, ingest, snapshot, flush, close.

use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;

use clewline_env::Env;
use clewline_env::disk::Lock;
use clewline_model::batch::Batch;
use clewline_model::codec;
use clewline_model::limits::ENCODED_BATCH_BYTES_MAX;
use clewline_model::signal::Signal;
use clewline_segment::Part;
use hashbrown::HashSet;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{broadcast, oneshot};

use crate::background;
use crate::catalog::Catalog;
use crate::core::{Core, Progress, Replay};
use crate::deletion::{DeleteJob, DeleteRequest, Deletions, RowTests};
use crate::entry::SegmentEntry;
use crate::error::{IngestError, StoreError};
use crate::flush::Publishing;
use crate::fuse::Fuse;
use crate::layout::Layout;
use crate::ledger::{DropReason, Ledger, Line, Outcome};
use crate::limits::{BACKGROUND_POLL_MS, SUBSCRIBERS_LAG_MAX};
use crate::maintain::Maintenance;
use crate::queue::{Queue, Request};
use crate::recover;
use crate::settings::StoreSettings;
use crate::state::State;
use crate::statistics::{Counters, Statistics};
use crate::storage::TableStorage;
use crate::writer::{Writer, check_tenant};

/// One batch to store.
#[derive(Debug)]
pub struct Ingest {
    /// Whose records they are; 1 to 150 bytes without control characters.
    pub tenant: Arc<str>,
    /// The records.
    pub batch: Batch,
    /// Names the batch; a second one with the same identity, tenant and signal within the window is a repeat.
    pub identity: Option<[u8; 16]>,
    /// Malformed records that came with it, for the ledger.
    pub rejected: u64,
    /// How it came in (`otlp_http`, `syslog_udp`…), for the ledger.
    pub door: &'static str,
}

/// The batch is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Records stored now; 0 for a repeat.
    pub stored: u64,
    /// It repeats a batch that is durable already.
    pub duplicate: bool,
}

/// A batch that was just acknowledged.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Its tenant.
    pub tenant: Arc<str>,
    /// Its rows.
    pub part: Part,
}

/// All records of a tenant and signal at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Rows in memory, oldest first.
    pub parts: Vec<Part>,
    /// Rows on disk, ordered by smallest sequence number. The files stay while the snapshot lives.
    pub segments: Vec<Arc<SegmentEntry>>,
    /// Newest sequence number included.
    pub seq: i64,
}

/// How far the reading of the last run's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayProgress {
    /// Queries may run.
    pub ready: bool,
    /// Bytes read.
    pub replayed_bytes: u64,
    /// Bytes to read.
    pub total_bytes: u64,
}

/// An open data folder.
pub struct Store {
    pub(crate) core: Arc<Core>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Background work is paused while this lives.
pub struct Pause(Arc<Core>);

impl Drop for Pause {
    fn drop(&mut self) {
        self.0.paused.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Store {
    /// Opens or creates the data folder and starts the background threads. Ingest is accepted at once; queries when
    /// [`Self::progress`] is ready.
    ///
    /// # Errors
    /// When another process has the folder open, a file refuses, or the folder is damaged or of a newer version.
    pub fn open(env: Env, settings: StoreSettings) -> Result<Arc<Store>, StoreError> {
        let core = Store::open_core(env, settings, None)?;
        let threads = background::start(&core)?;
        Ok(Arc::new(Store { core, threads: Mutex::new(threads) }))
    }

    /// Opens without threads: whoever calls this runs the steps. `catalog` replaces the one of the folder.
    #[cfg(test)]
    pub(crate) fn open_stepped(env: Env, settings: StoreSettings, catalog: Catalog) -> Result<Store, StoreError> {
        let core = Store::open_core(env, settings, Some(catalog))?;
        Ok(Store { core, threads: Mutex::new(Vec::new()) })
    }

    fn open_core(env: Env, settings: StoreSettings, given: Option<Catalog>) -> Result<Arc<Core>, StoreError> {
        let layout = Layout { folder: settings.folder.clone() };
        let (lock, catalog) = Store::open_folder(&env, &layout, given)?;
        let mut contents = catalog.load()?;
        let counters = Counters::default();
        let missing = recover::reconcile_segments(&env, &layout, &contents)?;
        counters.segments_missing.store(missing.len() as u64, Ordering::Relaxed);
        contents.segments.retain(|row| !missing.contains(&row.id));
        let logs = recover::read_logs(&env, &layout, &settings, &counters, &contents)?;
        let tenants = contents.tenants.into_iter().map(|(number, name)| (Arc::from(name), number)).collect();
        let state = State { seq: logs.seq, tenants, ..State::default() };
        let replay = Replay {
            total_bytes: logs.files.iter().map(|file| file.bytes).sum(),
            ready: AtomicBool::new(logs.files.is_empty()),
            files: Mutex::new(logs.files),
            ..Replay::default()
        };
        let core = Core {
            queue: Queue::new(settings.queue_bytes_max),
            writer: Mutex::new(Writer::new(logs.generation + 1, logs.seq + 1, logs.window)),
            state: RwLock::new(state),
            publishing: Mutex::new(Publishing::default()),
            folders: Mutex::new(HashSet::new()),
            maintenance: Mutex::new(Maintenance::default()),
            deletions: Deletions::of(contents.deletes),
            progress: Progress::default(),
            replay,
            ledger: Ledger::default(),
            fuse: Fuse::new(&*env.clock),
            counters,
            tail: broadcast::channel(SUBSCRIBERS_LAG_MAX).0,
            segment_id: AtomicI64::new(contents.segment_id_last),
            poison: OnceLock::new(),
            stop: AtomicBool::new(false),
            paused: AtomicU64::new(0),
            merging_paused: AtomicBool::new(false),
            _lock: lock,
            env,
            settings,
            layout,
            catalog,
        };
        let rows = contents.segments.into_iter();
        let entries = rows.map(|row| ((row.tenant, row.signal), core.entry_of(row))).collect();
        core.state.write().add_segments(entries);
        Ok(Arc::new(core))
    }

    /// Locks the folder, makes what is missing in it and opens its catalog.
    fn open_folder(env: &Env, layout: &Layout, given: Option<Catalog>) -> Result<(Box<dyn Lock>, Catalog), StoreError> {
        let disk = &env.disk;
        disk.create_dir_all(&layout.folder)?;
        let lock = disk.lock(&layout.lock()).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => StoreError::Folder(format!(
                "the data folder is in use: {error}; stop that process or choose another folder"
            )),
            _ => StoreError::Io(error),
        })?;
        let fresh = recover::is_fresh(env, layout)?;
        if let Some(above) = layout.folder.parent().filter(|above| fresh && *above != Path::new("")) {
            disk.sync_dir(above)?;
        }
        disk.create_dir_all(&layout.wal_folder())?;
        disk.create_dir_all(&layout.segments())?;
        let catalog = match given {
            Some(catalog) => catalog,
            None => {
                let exists = disk.open_read(&layout.catalog()).is_ok();
                recover::require_catalog(layout, fresh, exists)?;
                recover::open_catalog(env, layout)?
            }
        };
        if fresh {
            recover::complete_folder(env, layout)?;
        }
        Ok((lock, catalog))
    }

    /// How far the reading of the last run's log is.
    pub fn progress(&self) -> ReplayProgress {
        let replay = &self.core.replay;
        ReplayProgress {
            ready: self.core.is_ready(),
            replayed_bytes: replay.replayed_bytes.load(Ordering::Relaxed),
            total_bytes: replay.total_bytes,
        }
    }

    /// Stores a batch; resolves when it is durable and visible. Dropping the future does not take the batch back.
    ///
    /// # Errors
    /// See [`IngestError`]; nothing was acknowledged then.
    pub async fn ingest(&self, request: Ingest) -> Result<Ack, IngestError> {
        match self.submit(request)? {
            Submitted::Done(ack) => Ok(ack),
            Submitted::Waiting(reply) => {
                let gone = || IngestError::Failed("the writer stopped before it answered".to_owned());
                reply.await.unwrap_or_else(|_| Err(gone()))
            }
        }
    }

    /// Checks, encodes and queues a batch.
    pub(crate) fn submit(&self, request: Ingest) -> Result<Submitted, IngestError> {
        let core = &self.core;
        let Ingest { tenant, batch, identity, rejected, door } = request;
        let line = Line { signal: batch.signal, tenant, door };
        let records = batch.rows() as u64;
        let refuse = |line: &Line, error: IngestError| {
            core.ledger.count(line, records, rejected, Outcome::Dropped(DropReason::of(&error)));
            Err(error)
        };
        if let Some(reason) = core.poison.get() {
            return refuse(&line, IngestError::Failed(reason.clone()));
        }
        if let Err(message) = check_tenant(&line.tenant) {
            let unnamed = Line { tenant: Arc::from(""), ..line };
            return refuse(&unnamed, IngestError::BadTenant(message));
        }
        if records == 0 {
            core.ledger.count(&line, 0, rejected, Outcome::Stored);
            return Ok(Submitted::Done(Ack { stored: 0, duplicate: false }));
        }
        let reserved = match core.queue.reserve(batch.size_bytes() as u64) {
            Ok(reserved) => reserved,
            Err(error) => return refuse(&line, error),
        };
        let mut payload = Vec::new();
        codec::encode(&batch, &mut payload);
        if payload.len() > ENCODED_BATCH_BYTES_MAX {
            let error = IngestError::TooLarge { bytes: payload.len(), bytes_max: ENCODED_BATCH_BYTES_MAX };
            return refuse(&line, error);
        }
        let (reply, answer) = oneshot::channel();
        let request = Request {
            line,
            batch: Arc::new(batch),
            payload_crc: crc32c::crc32c(&payload),
            payload,
            identity,
            rejected,
            received_ns: core.env.clock.now_ns(),
            reply,
            _reserved: reserved,
        };
        if let Err(refused) = core.queue.push(request) {
            let (request, error) = *refused;
            request.answer(&core.ledger, Err(error.clone()));
            return Err(error);
        }
        Ok(Submitted::Waiting(answer))
    }

    /// The records of a tenant and signal now. An unknown tenant has none.
    ///
    /// # Errors
    /// [`StoreError::NotReady`] while the last run's log is being read.
    pub fn snapshot(&self, tenant: &str, signal: Signal) -> Result<Snapshot, StoreError> {
        if !self.core.is_ready() {
            if let Some(reason) = self.core.poison.get() {
                return Err(StoreError::Poisoned(reason.clone()));
            }
            let ReplayProgress { replayed_bytes, total_bytes, .. } = self.progress();
            return Err(StoreError::NotReady { replayed_bytes, total_bytes });
        }
        let state = self.core.state.read();
        let Some(&number) = state.tenants.get(tenant) else {
            return Ok(Snapshot { seq: state.seq, ..Snapshot::default() });
        };
        let owner = (number, signal);
        let segments = state.segments.get(&owner).cloned().unwrap_or_default();
        Ok(Snapshot { parts: state.parts(owner), segments, seq: state.seq })
    }

    /// Names of all tenants that have stored something.
    pub fn tenants(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.core.state.read().tenants.keys().cloned().collect();
        names.sort();
        names
    }

    /// Batches as they are acknowledged. A receiver that falls behind loses the oldest and is told so.
    pub fn subscribe(&self) -> broadcast::Receiver<Committed> {
        self.core.tail.subscribe()
    }

    /// Turns all committed records into segments and waits for it (blocking: call it off the async threads).
    ///
    /// # Errors
    /// The first failure; the records stay safe in the log.
    pub fn flush(&self) -> Result<(), StoreError> {
        let core = &self.core;
        core.writer.lock().freeze(core);
        let before = core.progress.get().failures;
        loop {
            if let Some(reason) = core.poison.get() {
                return Err(StoreError::Poisoned(reason.clone()));
            }
            if core.is_ready() && core.state.read().frozen.is_empty() {
                return Ok(());
            }
            if core.progress.get().failures > before || core.stopping() {
                let error = self.statistics().last_error.unwrap_or_default();
                return Err(StoreError::Segment(format!("flush failed, it is tried again in the background: {error}")));
            }
            core.progress.wait_ms(BACKGROUND_POLL_MS);
        }
    }

    /// One round of compaction and retention now (blocking).
    pub fn maintain(&self) {
        self.core.maintain();
    }

    /// Pauses compaction and retention, for a backup; what runs already is finished first (blocking).
    pub fn pause_maintenance(&self) -> Pause {
        self.core.paused.fetch_add(1, Ordering::AcqRel);
        drop(self.core.maintenance.lock());
        Pause(self.core.clone())
    }

    /// Pauses merging or resumes it; what runs already is finished. Deletion goes on. Ends with the process.
    pub fn set_merging_paused(&self, paused: bool) {
        self.core.merging_paused.store(paused, Ordering::Release);
        self.core.progress.update(|_| ());
        tracing::info!(paused, "merging of segments");
    }

    /// Says how delete jobs find their records; the first call counts. Jobs wait until then.
    pub fn set_row_tests(&self, tests: RowTests) {
        let _ = self.core.deletions.tests.set(tests); // a second engine of one store answers the same
    }

    /// Begins to delete what a selection matches among the records acknowledged so far. The job is durable when this
    /// returns, its work is done in the background (blocking: a commit of the catalog).
    ///
    /// # Errors
    /// When the tenant has nothing, too many jobs wait, or the catalog refuses; nothing is deleted then.
    pub fn delete(&self, request: DeleteRequest) -> Result<DeleteJob, StoreError> {
        self.core.delete(request)
    }

    /// Delete jobs, newest first: all that are open and the last that are done.
    pub fn delete_jobs(&self) -> Vec<DeleteJob> {
        self.core.delete_jobs()
    }

    /// An operator confirms a wall clock that jumped: deletion by age resumes.
    pub fn confirm_clock(&self) {
        self.core.fuse.confirm(&*self.core.env.clock);
    }

    /// Refuses new batches, commits what is queued, turns everything into segments and ends the background threads
    /// (blocking). The folder is free for another process when the last owner of the store is gone.
    ///
    /// # Errors
    /// When the last flush failed; the records stay safe in the log.
    pub fn close(&self) -> Result<(), StoreError> {
        self.core.queue.close();
        while !self.core.queue.is_done() && self.core.poison.get().is_none() {
            self.core.progress.wait_ms(5);
        }
        let flushed = self.flush();
        self.stop();
        self.core.catalog.checkpoint()?;
        flushed
    }

    /// Ends the threads as they are.
    fn stop(&self) {
        self.core.stop.store(true, Ordering::Release);
        self.core.queue.close();
        self.core.progress.update(|_| ());
        for thread in self.threads.lock().drain(..) {
            let _ = thread.join(); // a panic was caught and has poisoned the store
        }
    }

    /// What is stored where, by table; only the tables of `tenant` when given (blocking: looks at the file system).
    pub fn storage(&self, tenant: Option<&str>) -> Vec<TableStorage> {
        self.core.storage(tenant)
    }

    /// Ids of all segments the catalog shows.
    pub fn segment_ids(&self) -> HashSet<i64> {
        self.core.state.read().segments.values().flatten().map(|entry| entry.id).collect()
    }

    /// Numbers about the store.
    pub fn statistics(&self) -> Statistics {
        self.core.statistics()
    }

    /// The accounting of records; doors add what they lose before the store sees it.
    pub fn ledger(&self) -> &Ledger {
        &self.core.ledger
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.core.layout.folder.display())
    }
}

/// What became of a submitted batch at once.
pub(crate) enum Submitted {
    /// Nothing to wait for.
    Done(Ack),
    /// The writer answers.
    Waiting(oneshot::Receiver<Result<Ack, IngestError>>),
}
