//! A store on a simulated disk and an oracle that knows what was sent and acknowledged.
//!
//! The catalog lives in memory and survives simulated power cuts: its own durability is SQLite's. Faults fall before
//! each of its commits through [`clewline_env::disk::Disk::external`].

use std::collections::BTreeMap;
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
use crate::ledger;
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

pub(crate) struct World {
    pub(crate) disk: SimDisk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: Arc<SeededRandom>,
    pub(crate) settings: StoreSettings,
    pub(crate) sent: Vec<Sent>,
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
        let time = START_NS + (number * 10 + row) as i64;
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
        World { disk, clock, random, settings, sent: Vec::new(), catalog: Catalog::in_memory(), store: None }
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
        self.store = None;
        let env = Env { clock: self.clock.clone(), random: self.random.clone(), disk: Arc::new(self.disk.clone()) };
        let store = Store::open_stepped(env, self.settings.clone(), self.catalog.clone())?;
        if !store.core.is_ready() {
            store.core.replay()?;
        }
        self.store = Some(store);
        Ok(())
    }

    /// The power fails now and comes back.
    pub(crate) fn crash(&mut self) {
        self.disk.plan(Some(Plan { at: 0, fault: Fault::Power, sticky: true }));
        let _ = self.disk.read(Path::new("/")); // the operation at which the power fails
        self.store = None;
        self.disk.crash();
    }

    /// The process is killed now.
    pub(crate) fn kill(&mut self) {
        self.disk.plan(Some(Plan { at: 0, fault: Fault::Power, sticky: true }));
        let _ = self.disk.read(Path::new("/"));
        self.store = None;
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

    /// Names of all rows visible, per tenant and signal.
    pub(crate) fn rows(&self) -> Vec<(usize, Signal, String)> {
        let mut names = Vec::new();
        for (tenant, name) in TENANTS.iter().enumerate() {
            for signal in SIGNALS {
                let snapshot = self.store().snapshot(name, signal).expect("the store is ready");
                let mut parts = snapshot.parts.clone();
                for segment in &snapshot.segments {
                    let bytes = segment.read().expect("a visible segment can be read");
                    let read = clewline_segment::read_parts(bytes, signal).expect("a visible segment is whole");
                    assert_eq!(read.iter().map(|part| part.rows() as u64).sum::<u64>(), segment.summary.rows);
                    parts.extend(read);
                }
                for part in &parts {
                    names.extend(names_of(part).map(|row| (tenant, signal, row)));
                    (0..part.rows()).for_each(|row| assert!(part.seqs.at(row) <= snapshot.seq));
                }
            }
        }
        names
    }

    /// Every acknowledged batch is there exactly once, whole; nothing else but whole batches that were sent.
    /// The text says what is wrong.
    pub(crate) fn judge(&self) -> Result<(), String> {
        let mut found: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (tenant, signal, name) in self.rows() {
            let (number, row) = name.split_once('/').ok_or("a row has no name")?;
            let (number, row): (usize, usize) =
                (number.parse().unwrap_or(usize::MAX), row.parse().unwrap_or(usize::MAX));
            let sent = self.sent.get(number).ok_or_else(|| format!("row {name} was never sent"))?;
            if (sent.tenant, sent.signal) != (tenant, signal) || row >= sent.rows {
                return Err(format!("row {name} is in the wrong place"));
            }
            *found.entry((number, row)).or_default() += 1;
        }
        for (number, sent) in self.sent.iter().enumerate() {
            let counts: Vec<usize> =
                (0..sent.rows).map(|row| found.get(&(number, row)).copied().unwrap_or(0)).collect();
            let whole = counts.iter().all(|count| *count == counts[0]);
            if !whole || counts[0] > 1 || (sent.acknowledged && counts[0] != 1) {
                return Err(format!("batch {number} {sent:?} is there {counts:?} times"));
            }
        }
        Ok(())
    }
}

fn names_of(part: &Part) -> impl Iterator<Item = String> + '_ {
    let column = if part.batch.signal == Signal::Spans { span::NAME } else { log::BODY };
    (0..part.rows()).map(move |row| part.batch.columns[column].text(row).to_owned())
}
