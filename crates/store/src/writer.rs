//! The sequencer: commits groups of requests, one fdatasync each, and begins and ends generations.
//!
//! The only place that gives sequence numbers, looks at identities and writes the log. Order of a commit: remove
//! repeats, append and sync, make visible, remember identities, answer. After any failure of a log file the file is
//! sealed, its generation ends, the group is refused, and the next group begins a new generation in a new file.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use clewline_segment::Part;
use hashbrown::HashSet;

use crate::core::Core;
use crate::dedupe::{Key, Remembered, Window};
use crate::error::{IngestError, StoreError};
use crate::limits::{FREE_SPACE_CHECK_NS, FROZEN_GENERATIONS_MAX, RETRY_AFTER_S, TENANT_NAME_BYTES_MAX, TENANTS_MAX};
use crate::queue::Request;
use crate::state::Generation;
use crate::statistics::add;
use crate::store::Committed;
use crate::wal::format::{self, RecordHead};
use crate::wal::log::LogFile;

/// Largest log file offset at which a group may begin; record heads keep it in 32 bits.
const GROUP_OFFSET_MAX: u64 = 2 << 30;

/// State of the sequencer.
pub(crate) struct Writer {
    pub(crate) log: Option<LogFile>,
    pub(crate) next_generation: u64,
    pub(crate) next_seq: i64,
    pub(crate) window: Window,
    space: Space,
}

/// What is known of the free space.
struct Space {
    checked_ns: Option<u64>,
    free_bytes: u64,
    full: bool,
}

impl Writer {
    pub(crate) fn new(next_generation: u64, next_seq: i64, window: Window) -> Writer {
        let space = Space { checked_ns: None, free_bytes: 0, full: false };
        Writer { log: None, next_generation, next_seq, window, space }
    }

    /// Commits a group and answers every request in it.
    pub(crate) fn commit(&mut self, core: &Core, group: Vec<Request>) {
        let window_ns = i64::try_from(core.settings.dedupe_window.as_nanos()).unwrap_or(i64::MAX);
        self.window.expire(core.fuse.now(&*core.env.clock).now_ns.saturating_sub(window_ns));
        let mut accepted = Vec::with_capacity(group.len());
        let mut followers = Vec::new();
        let mut in_group: HashSet<Key> = HashSet::new();
        for request in group {
            let tenant = match self.tenant_number(core, &request.line.tenant) {
                Ok(tenant) => tenant,
                Err(error) => {
                    request.answer(&core.ledger, Err(error));
                    continue;
                }
            };
            if let Some(identity) = request.identity {
                let key = (tenant, request.line.signal as u8, identity);
                if self.window.contains(&key) {
                    request.answer(&core.ledger, Ok(true));
                    continue;
                }
                if !in_group.insert(key) {
                    followers.push(request); // answered when the first of them is durable
                    continue;
                }
            }
            accepted.push((tenant, request));
        }
        if accepted.is_empty() {
            return;
        }
        match self.write(core, &accepted) {
            Ok(first_seq) => {
                self.apply(core, accepted, first_seq);
                followers.into_iter().for_each(|request| request.answer(&core.ledger, Ok(true)));
            }
            Err(error) => {
                let refused = accepted.into_iter().map(|(_, request)| request).chain(followers);
                refused.for_each(|request| request.answer(&core.ledger, Err(error.clone())));
            }
        }
        if self.log.as_ref().is_some_and(|log| log.good_bytes >= core.settings.flush_bytes.min(GROUP_OFFSET_MAX)) {
            self.freeze(core);
        }
    }

    /// The number of a tenant, given at its first batch.
    fn tenant_number(&mut self, core: &Core, name: &Arc<str>) -> Result<u32, IngestError> {
        let known = {
            let state = core.state.read();
            if let Some(number) = state.tenants.get(name) {
                return Ok(*number);
            }
            state.tenants.len()
        };
        check_tenant(name).map_err(IngestError::BadTenant)?;
        if known >= TENANTS_MAX {
            let message =
                format!("tenant {name:?} is new and the store has its {TENANTS_MAX} tenants; use an existing one");
            return Err(IngestError::BadTenant(message));
        }
        if let Some(reason) = core.poison.get() {
            return Err(IngestError::Failed(reason.clone()));
        }
        let announced = core.env.disk.external("tenant").map_err(StoreError::from);
        let added = announced.and_then(|()| core.catalog.add_tenant(name, core.env.clock.now_ns()));
        let number = added.map_err(|error| {
            core.counters.note_error(&error.to_string());
            IngestError::Failed(error.to_string())
        })?;
        core.state.write().tenants.insert(name.clone(), number);
        Ok(number)
    }

    /// Makes the records of a group durable; the first one's sequence number.
    fn write(&mut self, core: &Core, accepted: &[(u32, Request)]) -> Result<i64, IngestError> {
        if let Some(reason) = core.poison.get() {
            return Err(IngestError::Failed(reason.clone()));
        }
        if core.state.read().memory_bytes() > core.settings.memory_bytes_max {
            self.freeze(core);
            let what = "records in memory reached their bound";
            return Err(IngestError::Overloaded { what, retry_after_s: RETRY_AFTER_S });
        }
        self.check_space(core)?;
        self.open_log(core)?;
        let Some(log) = &mut self.log else { return Err(IngestError::Failed("no log file is open".to_owned())) };
        let first_seq = self.next_seq;
        self.next_seq += accepted.len() as i64;
        let group = u32::try_from(log.good_bytes).expect("a generation ends at GROUP_OFFSET_MAX");
        let heads: Vec<_> = accepted
            .iter()
            .zip(first_seq..)
            .map(|((tenant, request), seq)| {
                let head = RecordHead {
                    seq,
                    tenant: *tenant,
                    signal: request.line.signal,
                    identity: request.identity,
                    received_ns: request.received_ns,
                    group,
                };
                format::record_head(log.salt, &head, request.payload.len(), request.payload_crc)
            })
            .collect();
        let slices: Vec<&[u8]> =
            heads.iter().zip(accepted).flat_map(|(head, (_, request))| [&head[..], &request.payload]).collect();
        let before = log.good_bytes;
        if let Err(error) = log.append(&slices) {
            if let Some(log) = self.log.take() {
                log.seal();
            }
            self.freeze(core);
            return Err(self.refuse(core, &error, "write the log"));
        }
        add(&core.counters.commits, 1);
        add(&core.counters.committed_requests, accepted.len() as u64);
        add(&core.counters.committed_bytes, log.good_bytes - before);
        Ok(first_seq)
    }

    /// Begins a generation where none is open.
    fn open_log(&mut self, core: &Core) -> Result<(), IngestError> {
        if self.log.is_some() {
            return Ok(());
        }
        if core.state.read().frozen.len() >= FROZEN_GENERATIONS_MAX {
            let what = "segments are written more slowly than records arrive";
            return Err(IngestError::Overloaded { what, retry_after_s: RETRY_AFTER_S });
        }
        let number = self.next_generation;
        self.next_generation += 1;
        let log = LogFile::create(&core.env, &core.layout, number, core.settings.fsync)
            .map_err(|error| self.refuse(core, &error, "begin a log file"))?;
        let begun_ns = core.env.clock.monotonic_ns();
        let generation = Generation { number, begun_ns, log_bytes: log.good_bytes, ..Generation::default() };
        core.state.write().active = Some(generation);
        self.log = Some(log);
        Ok(())
    }

    /// The answer to a group whose log file failed.
    fn refuse(&mut self, core: &Core, error: &io::Error, doing: &str) -> IngestError {
        add(&core.counters.log_failures, 1);
        let text = format!("cannot {doing}: {error}");
        tracing::error!(error = text, "nothing of this group was acknowledged; the next one begins a new log file");
        core.counters.note_error(&text);
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            (self.space.full, self.space.checked_ns) = (true, Some(core.env.clock.monotonic_ns()));
            self.space.free_bytes = core.env.disk.free_bytes(&core.layout.folder).unwrap_or(0);
            return self.disk_full(core);
        }
        IngestError::Failed(text)
    }

    fn disk_full(&self, core: &Core) -> IngestError {
        IngestError::DiskFull { free_bytes: self.space.free_bytes, free_bytes_min: core.settings.free_bytes_min }
    }

    /// Refuses while the disk has too little space; asks it at most once a second.
    fn check_space(&mut self, core: &Core) -> Result<(), IngestError> {
        let now = core.env.clock.monotonic_ns();
        if self.space.checked_ns.is_none_or(|checked| now.saturating_sub(checked) >= FREE_SPACE_CHECK_NS) {
            self.space.checked_ns = Some(now);
            // Where the disk does not say, writing will.
            self.space.free_bytes = core.env.disk.free_bytes(&core.layout.folder).unwrap_or(u64::MAX);
            let full = self.space.free_bytes < core.settings.free_bytes_min;
            if full != self.space.full {
                let free_bytes = self.space.free_bytes;
                tracing::warn!(
                    free_bytes,
                    free_bytes_min = core.settings.free_bytes_min,
                    full,
                    "free space of the data folder"
                );
            }
            self.space.full = full;
        }
        if self.space.full { Err(self.disk_full(core)) } else { Ok(()) }
    }

    /// Makes a durable group visible and answers it.
    fn apply(&mut self, core: &Core, accepted: Vec<(u32, Request)>, first_seq: i64) {
        let mut committed = Vec::with_capacity(accepted.len());
        {
            let mut guard = core.state.write();
            let state = &mut *guard;
            let active = state.active.as_mut().expect("open_log began a generation and only freeze ends it");
            for ((tenant, request), seq) in accepted.into_iter().zip(first_seq..) {
                let part = Part::new(request.batch.clone(), seq);
                active.add((tenant, request.line.signal), part.clone());
                if let Some(identity) = request.identity {
                    let key = (tenant, request.line.signal as u8, identity);
                    let entry = Remembered { key, received_ns: request.received_ns };
                    active.identities.push(entry);
                    self.window.insert(entry);
                }
                state.seq = seq;
                committed.push((request, part));
            }
            active.log_bytes = self.log.as_ref().map_or(0, |log| log.good_bytes);
        }
        core.counters.identities.store(self.window.len() as u64, std::sync::atomic::Ordering::Relaxed);
        for (request, part) in committed {
            let tenant = request.line.tenant.clone();
            request.answer(&core.ledger, Ok(false));
            let _ = core.tail.send(Committed { tenant, part }); // nobody listens: fine
        }
    }

    /// Ends the generation that is open, so that it becomes segments; its number, if it holds records.
    pub(crate) fn freeze(&mut self, core: &Core) -> Option<u64> {
        self.log = None;
        let number = {
            let mut state = core.state.write();
            let active = state.active.take()?;
            let number = active.number;
            if active.rows == 0 {
                drop(state);
                let _ = core.env.disk.remove(&core.layout.wal(number)); // the next start removes it otherwise
                return None;
            }
            state.frozen.push(Arc::new(active));
            debug_assert!(state.check());
            number
        };
        core.progress.update(|_| ());
        Some(number)
    }

    /// Ends the generation that is open if it is old enough.
    pub(crate) fn freeze_if_old(&mut self, core: &Core) {
        let age_ns = core.settings.flush_age_s.saturating_mul(1_000_000_000);
        let begun = core.state.read().active.as_ref().filter(|active| active.rows > 0).map(|active| active.begun_ns);
        if begun.is_some_and(|begun| core.env.clock.monotonic_ns().saturating_sub(begun) >= age_ns) {
            self.freeze(core);
        }
    }
}

/// Refuses names that could not be shown or stored; the text says why.
pub(crate) fn check_tenant(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the tenant name is empty; give it 1 to 150 bytes".to_owned());
    }
    if name.len() > TENANT_NAME_BYTES_MAX {
        return Err(format!(
            "the tenant name has {} bytes and at most {TENANT_NAME_BYTES_MAX} are accepted",
            name.len()
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("the tenant name {name:?} contains control characters; use printable ones"));
    }
    Ok(())
}
