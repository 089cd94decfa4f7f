//! A store on a simulated disk and an oracle that knows what was sent and acknowledged.
//!
//! The catalog lives in memory and survives simulated power cuts: its own durability is SQLite's. Faults fall before
//! each of its commits through [`clewline_env::disk::Disk::external`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use clewline_env::Env;
use clewline_env::clock::ManualClock;
use clewline_env::disk::Disk;
use clewline_env::random::{Random, SeededRandom};
use clewline_env::sim_disk::{Fault, Plan, SimDisk};
use clewline_model::batch::{Batch, LogRecord, SpanRecord};
use clewline_model::signal::{SIGNALS, Signal, log, span};
use clewline_segment::Part;

use crate::catalog::Catalog;
use crate::deletion::{DeleteJob, DeleteRequest, RowTests, Selection};
use crate::entry::SegmentEntry;
use crate::ledger;
use crate::partition::DAY_NS;
use crate::store::Submitted;
use crate::{Ack, Ingest, IngestError, Store, StoreError, StoreSettings};

pub(crate) const TENANTS: [&str; 2] = ["alpha", "beta"];
const START_NS: i64 = 1_750_000_000_000_000_000;

/// What the oracle knows of one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) tenant: usize,
    pub(crate) signal: Signal,
    pub(crate) rows: usize,
    pub(crate) identity: bool,
    pub(crate) acknowledged: bool,
    /// Received times of the first and last attempt are within the window.
    pub(crate) sent_ns: u64,
}

/// What the oracle knows of one delete job.
#[derive(Debug, Clone)]
pub(crate) struct Erasure {
    id: i64,
    /// Rows that match and were sent before the request.
    may_go: BTreeSet<(usize, usize)>,
    /// Those of them that had been acknowledged.
    must_go: BTreeSet<(usize, usize)>,
}

pub(crate) struct World {
    pub(crate) disk: SimDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: Arc<SeededRandom>,
    pub(crate) settings: StoreSettings,
    pub(crate) sent: Vec<Sent>,
    pub(crate) erasures: Vec<Erasure>,
    /// Rows retention by bytes may have taken.
    expirable: BTreeSet<(usize, usize)>,
    /// A defect built in on purpose: some segments are not searched by delete jobs.
    pub(crate) forgetful: bool,
    /// What all stores of this world counted before they stopped: compactions, records deleted, records expired.
    pub(crate) totals: [u64; 3],
    catalog: Catalog,
    store: Option<Store>,
}

pub(crate) fn settings() -> StoreSettings {
    StoreSettings { free_bytes_min: 1, flush_bytes: 4_000, ..StoreSettings::new("/data") }
}

/// Batch `number`: its rows are named `number/row`.
pub(crate) fn batch(signal: Signal, number: usize, rows: usize) -> Batch {
    let mut batch = Batch::new(signal);
    for row in 0..rows {
        let name = format!("{number}/{row}");
        // Some batches hold rows of several days.
        let days_ago = if number % 7 == 6 { row as i64 } else { 0 };
        let time = START_NS + (number * 10 + row) as i64 - days_ago * DAY_NS;
        if signal == Signal::Spans {
            let trace_id = (number as u128 + 1).to_be_bytes();
            let span_id = (row as u64 + 1).to_be_bytes();
            batch.push_span(0, 0, &SpanRecord { time, name: &name, trace_id, span_id, ..SpanRecord::default() });
        } else {
            batch.push_log(0, 0, &LogRecord { time, body: &name, service: "shop", ..LogRecord::default() });
        }
    }
    batch
}

impl World {
    pub(crate) fn new(seed: u64, settings: StoreSettings) -> World {
        let clock = Arc::new(ManualClock::new(START_NS));
        let (disk, random) = (SimDisk::new(seed), Arc::new(SeededRandom::new(!seed)));
        World {
            disk,
            clock,
            random,
            settings,
            sent: Vec::new(),
            erasures: Vec::new(),
            expirable: BTreeSet::new(),
            forgetful: false,
            totals: [0; 3],
            catalog: Catalog::in_memory(),
            store: None,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("the store is open")
    }

    pub(crate) fn is_open(&self) -> bool {
        self.store.is_some()
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// Opens and replays.
    pub(crate) fn open(&mut self) -> Result<(), StoreError> {
        self.stop();
        let env = Env { clock: self.clock.clone(), random: self.random.clone(), disk: Arc::new(self.disk.clone()) };
        let store = Store::open_stepped(env, self.settings.clone(), self.catalog.clone())?;
        if !store.core.is_ready() {
            store.core.replay()?;
        }
        store.set_row_tests(row_tests(self.forgetful));
        self.store = Some(store);
        Ok(())
    }

    /// Drops the store and keeps what it counted.
    fn stop(&mut self) {
        if let Some(store) = self.store.take() {
            let statistics = store.statistics();
            let counted = [statistics.compactions, statistics.records_deleted, statistics.records_expired];
            self.totals.iter_mut().zip(counted).for_each(|(total, more)| *total += more);
        }
    }

    /// The power fails now and comes back.
    pub(crate) fn crash(&mut self) {
        self.disk.plan(Some(Plan { at: 0, fault: Fault::Power, sticky: true }));
        let _ = self.disk.read(Path::new("/")); // the operation at which the power fails
        self.stop();
        self.disk.crash();
    }

    /// The process is killed now.
    pub(crate) fn kill(&mut self) {
        self.disk.plan(Some(Plan { at: 0, fault: Fault::Power, sticky: true }));
        let _ = self.disk.read(Path::new("/"));
        self.stop();
        self.disk.kill();
    }

    /// A new batch for the oracle.
    pub(crate) fn draw(&mut self) -> usize {
        let sent = Sent {
            tenant: self.below(2) as usize,
            signal: if self.below(3) == 0 { Signal::Spans } else { Signal::Logs },
            rows: 1 + self.below(3) as usize,
            identity: self.below(2) == 0,
            acknowledged: false,
            sent_ns: 0,
        };
        self.sent.push(sent);
        self.sent.len() - 1
    }

    /// Sends batches as one group and notes what was acknowledged.
    pub(crate) fn send(&mut self, numbers: &[usize]) -> Vec<Result<Ack, IngestError>> {
        let submitted: Vec<_> = numbers.iter().map(|number| self.submit(*number)).collect();
        self.store().core.commit_next();
        let mut outcomes = Vec::new();
        for (number, submitted) in numbers.iter().zip(submitted) {
            let outcome = match submitted {
                Ok(Submitted::Waiting(mut reply)) => reply.try_recv().expect("the group was answered"),
                Ok(Submitted::Done(ack)) => Ok(ack),
                Err(error) => Err(error),
            };
            self.sent[*number].acknowledged |= outcome.is_ok();
            outcomes.push(outcome);
        }
        assert!(ledger::holds(&self.store().ledger().total()));
        outcomes
    }

    fn submit(&mut self, number: usize) -> Result<Submitted, IngestError> {
        use clewline_env::clock::Clock;
        let sent = self.sent[number];
        self.sent[number].sent_ns = self.clock.monotonic_ns();
        let mut identity = [0; 16];
        identity[..8].copy_from_slice(&(number as u64).to_le_bytes());
        self.store().submit(Ingest {
            tenant: Arc::from(TENANTS[sent.tenant]),
            batch: batch(sent.signal, number, sent.rows),
            identity: sent.identity.then_some(identity),
            rejected: 0,
            door: "test",
        })
    }

    /// Freezes and publishes as far as the disk allows.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let core = &self.store().core;
        core.writer.lock().freeze(core);
        while core.publish_oldest()? {}
        Ok(())
    }

    /// Asks for the deletion of every second row of the batches whose number leaves `rest` when divided by `modulus`.
    pub(crate) fn delete(&mut self, modulus: usize, rest: usize) -> Result<DeleteJob, StoreError> {
        use clewline_env::clock::Clock;
        let (tenant, signal) = (self.below(2) as usize, [Signal::Logs, Signal::Spans][self.below(2) as usize]);
        let selection = Selection {
            signal,
            query: format!("{modulus} {rest}"),
            start_ns: None,
            end_ns: None,
            now_ns: self.clock.now_ns(),
        };
        let request = DeleteRequest { tenant: Arc::from(TENANTS[tenant]), selection, matched: 0 };
        let job = self.store().delete(request)?;
        let matching = |acknowledged: bool| {
            let batches = self.sent.iter().enumerate().filter(|(number, sent)| {
                (sent.tenant, sent.signal) == (tenant, signal)
                    && number % modulus == rest
                    && (sent.acknowledged || !acknowledged)
            });
            batches.flat_map(|(number, sent)| (0..sent.rows).step_by(2).map(move |row| (number, row))).collect()
        };
        let erasure = Erasure { id: job.id, may_go: matching(false), must_go: matching(true) };
        self.erasures.push(erasure);
        Ok(job)
    }

    /// One round of maintenance; what retention by bytes may take in it is noted before.
    pub(crate) fn maintain(&mut self) {
        for (tenant, name) in TENANTS.iter().enumerate() {
            for signal in SIGNALS {
                let Some(bytes_max) = self.settings.retention.of(name, signal).bytes_max else { continue };
                let mut segments = self.store().snapshot(name, signal).expect("the store is ready").segments;
                segments.sort_by_key(|segment| std::cmp::Reverse((segment.summary.time_max, segment.id)));
                let mut bytes = 0;
                for segment in segments {
                    bytes += segment.stored_bytes();
                    if bytes <= bytes_max {
                        continue;
                    }
                    // On a disk that fails now nobody can say what may go: no maintenance this time.
                    let Ok(names) = read_rows(&segment) else { return };
                    for name in names {
                        let place = self.place_of(tenant, signal, &name).expect("it was sent");
                        self.expirable.insert(place);
                    }
                }
            }
        }
        self.store().core.maintain();
    }

    /// Brings all delete jobs to their end; the disk must not fail.
    pub(crate) fn finish_jobs(&mut self) -> Result<(), String> {
        for _ in 0..20 {
            self.flush().map_err(|error| error.to_string())?;
            self.maintain();
            if self.store().delete_jobs().iter().all(|job| job.finished_ns.is_some()) {
                return Ok(());
            }
            self.clock.advance_ns(crate::limits::DELETE_RETRY_NS);
        }
        Err(format!("jobs do not come to an end: {:?}", self.store().delete_jobs()))
    }

    /// Names of all rows visible, per tenant and signal.
    pub(crate) fn rows(&self) -> Vec<(usize, Signal, String)> {
        let mut names = Vec::new();
        for (tenant, name) in TENANTS.iter().enumerate() {
            for signal in SIGNALS {
                let snapshot = self.store().snapshot(name, signal).expect("the store is ready");
                for segment in &snapshot.segments {
                    let rows = read_rows(segment).expect("a visible segment can be read");
                    assert_eq!(rows.len() as u64, segment.summary.rows);
                    names.extend(rows.into_iter().map(|row| (tenant, signal, row)));
                    assert!(segment.summary.seq_max <= snapshot.seq);
                }
                for part in &snapshot.parts {
                    names.extend(names_of(part).map(|row| (tenant, signal, row)));
                    (0..part.rows()).for_each(|row| assert!(part.seqs.at(row) <= snapshot.seq));
                }
            }
        }
        names
    }

    /// Batch and row of a name, if it was sent by this tenant as this signal.
    fn place_of(&self, tenant: usize, signal: Signal, name: &str) -> Result<(usize, usize), String> {
        let (number, row) = name.split_once('/').ok_or("a row has no name")?;
        let (number, row) = (number.parse().unwrap_or(usize::MAX), row.parse().unwrap_or(usize::MAX));
        let sent = self.sent.get(number).ok_or_else(|| format!("row {name} was never sent"))?;
        if (sent.tenant, sent.signal) != (tenant, signal) || row >= sent.rows {
            return Err(format!("row {name} is in the wrong place"));
        }
        Ok((number, row))
    }

    /// Every acknowledged batch is there exactly once, whole, apart from what was deleted; nothing else but whole batches
    /// that were sent; nothing that a finished job deleted. The text says what is wrong.
    pub(crate) fn judge(&self) -> Result<(), String> {
        let mut found: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (tenant, signal, name) in self.rows() {
            *found.entry(self.place_of(tenant, signal, &name)?).or_default() += 1;
        }
        let may_go = |place: &(usize, usize)| {
            self.expirable.contains(place) || self.erasures.iter().any(|erasure| erasure.may_go.contains(place))
        };
        for (number, sent) in self.sent.iter().enumerate() {
            let counts: Vec<usize> =
                (0..sent.rows).map(|row| found.get(&(number, row)).copied().unwrap_or(0)).collect();
            let safe: Vec<usize> =
                (0..sent.rows).filter(|row| !may_go(&(number, *row))).map(|row| counts[row]).collect();
            let whole = safe.iter().all(|count| *count == safe[0]);
            if !whole || counts.iter().any(|count| *count > 1) || (sent.acknowledged && safe.contains(&0)) {
                return Err(format!("batch {number} {sent:?} is there {counts:?} times"));
            }
        }
        for job in self.store().delete_jobs().iter().filter(|job| job.finished_ns.is_some()) {
            let erasure = self.erasures.iter().find(|erasure| erasure.id == job.id).ok_or("a job nobody asked for")?;
            if let Some(place) = erasure.must_go.iter().find(|place| found.contains_key(place)) {
                return Err(format!("row {place:?} is there though {job:?} is done"));
            }
        }
        Ok(())
    }
}

/// The test of a query `modulus rest`: see [`World::delete`].
fn row_tests(forgetful: bool) -> RowTests {
    Arc::new(move |selection| {
        let (modulus, rest) = selection.query.split_once(' ').ok_or("no query")?;
        let (modulus, rest): (usize, usize) = (modulus.parse().unwrap_or(1), rest.parse().unwrap_or(0));
        Ok(Box::new(move |entry: &Arc<SegmentEntry>| {
            if forgetful && entry.id % 2 == 0 {
                return Ok(Vec::new());
            }
            let bytes = entry.read().map_err(|error| error.to_string())?;
            let parts =
                clewline_segment::read_parts(bytes, entry.summary.signal()).map_err(|error| error.to_string())?;
            let matches = |name: &str| {
                let (number, row) = name.split_once('/').expect("rows have names");
                let (number, row): (usize, usize) = (number.parse().unwrap(), row.parse().unwrap());
                number % modulus == rest && row % 2 == 0
            };
            let names = parts.iter().flat_map(names_of);
            Ok(names.enumerate().filter(|(_, name)| matches(name)).map(|(at, _)| at).collect())
        }))
    })
}

/// Names of the rows of a segment.
fn read_rows(segment: &SegmentEntry) -> std::io::Result<Vec<String>> {
    let bytes = segment.read()?;
    let parts = clewline_segment::read_parts(bytes, segment.summary.signal()).expect("a visible segment is whole");
    Ok(parts.iter().flat_map(names_of).collect())
}

fn names_of(part: &Part) -> impl Iterator<Item = String> + '_ {
    let column = if part.batch.signal == Signal::Spans { span::NAME } else { log::BODY };
    (0..part.rows()).map(move |row| part.batch.columns[column].text(row).to_owned())
}
