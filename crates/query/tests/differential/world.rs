//! A store with a data set, brought into each state a question may meet.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clewline_env::Env;
use clewline_env::clock::ManualClock;
use clewline_model::signal::Signal;
use clewline_query::{Engine, EngineSettings};
use clewline_store::{Ingest, Pause, Store, StoreSettings};

use crate::generate::{DataSet, SECOND, T0};
use crate::records::{Record, batch_of};

pub(crate) const TENANT: &str = "default";

/// The time questions are asked at: relative ranges count from it.
pub(crate) const NOW: i64 = T0 + 3_600 * SECOND;

/// Where the records are when a question is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum State {
    /// All acknowledged, none in a segment.
    Memory,
    /// All flushed at once: a segment per day.
    Flushed,
    /// The first half in segments, at least one per batch, the rest in memory.
    Mixed,
    /// All in segments, several.
    Segments,
    /// Merged.
    Compacted,
    /// Merged, after a restart.
    Cold,
    /// The same with every index file damaged. Left out while there are no index files.
    DamagedIndex,
    /// The same with every index file gone.
    NoIndex,
}

/// Two ways a store goes; each state follows from the one before.
pub(crate) const WAYS: [&[State]; 2] = [
    &[State::Memory, State::Flushed],
    &[State::Mixed, State::Segments, State::Compacted, State::Cold, State::DamagedIndex, State::NoIndex],
];

/// A running store and an engine over it.
pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    store: Arc<Store>,
    pause: Option<Pause>,
    folder: Arc<tempfile::TempDir>,
}

impl World {
    /// A store with nothing in it.
    fn empty(folder: Arc<tempfile::TempDir>) -> World {
        let settings = StoreSettings {
            fsync: false,
            flush_age_s: 100_000,
            free_bytes_min: 0,
            ..StoreSettings::new(folder.path().join("data"))
        };
        let store = Store::open(Env::system(), settings).unwrap();
        while !store.progress().ready {
            std::thread::sleep(Duration::from_millis(1));
        }
        let settings = EngineSettings {
            memory_bytes_per_query: 256 << 20,
            timeout: Duration::from_secs(60),
            concurrent_max: 4,
            threads: 2,
        };
        let engine = Engine::new(Arc::clone(&store), Arc::new(ManualClock::new(NOW)), settings).unwrap();
        // Background merges would make the states a matter of luck.
        let pause = Some(store.pause_maintenance());
        World { engine: Arc::new(engine), store, pause, folder }
    }

    /// A store in the first state of a way.
    pub(crate) async fn begin(data: &DataSet, first: State) -> World {
        let world = World::empty(Arc::new(tempfile::tempdir().unwrap()));
        for batch in 0..data.batches {
            world.ingest(data, batch).await;
            if first == State::Mixed && batch < data.batches / 2 {
                world.store.flush().unwrap();
            }
        }
        world
    }

    async fn ingest(&self, data: &DataSet, number: usize) {
        let records: Vec<&Record> = data.records.iter().filter(|record| record.batch == number).collect();
        let request = Ingest {
            tenant: TENANT.into(),
            batch: batch_of(data.signal, &records),
            identity: None,
            rejected: 0,
            door: "test",
        };
        self.store.ingest(request).await.unwrap();
    }

    /// Goes on to the next state of its way; `None` when that state cannot be had.
    pub(crate) fn advance(mut self, to: State) -> (World, bool) {
        match to {
            State::Memory | State::Mixed => {}
            State::Flushed | State::Segments => self.store.flush().unwrap(),
            State::Compacted => {
                self.pause = None;
                self.store.maintain();
                self.pause = Some(self.store.pause_maintenance());
            }
            State::Cold => self = self.restarted(|_| ()),
            State::DamagedIndex => {
                if self.index_files().is_empty() {
                    return (self, false);
                }
                self = self.restarted(damage);
            }
            State::NoIndex => self = self.restarted(|path| std::fs::remove_file(path).unwrap()),
        }
        (self, true)
    }

    /// A store with the records in `state`, for one question; `None` when the state cannot be had.
    pub(crate) async fn in_state(data: &DataSet, state: State) -> Option<World> {
        let way = WAYS.into_iter().find(|way| way.contains(&state))?;
        let mut world = World::begin(data, way[0]).await;
        let mut reached = true;
        for &step in way {
            (world, reached) = world.advance(step);
            if step == state {
                break;
            }
        }
        reached.then_some(world)
    }

    /// Segments of the data set now.
    pub(crate) fn segments(&self, signal: Signal) -> usize {
        self.store.snapshot(TENANT, signal).unwrap().segments.len()
    }

    fn index_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.folder.path(), &mut found);
        found
    }

    /// Stops, changes every index file, starts again.
    fn restarted(self, change: impl Fn(&Path)) -> World {
        self.store.close().unwrap();
        let folder = Arc::clone(&self.folder);
        drop(self.pause);
        drop(self.engine);
        let waiting = Arc::downgrade(&self.store);
        drop(self.store);
        // The engine's threads let go of the store a moment later.
        for _ in 0..10_000 {
            if waiting.strong_count() == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut files = Vec::new();
        collect(folder.path(), &mut files);
        files.iter().for_each(|path| change(path));
        World::empty(folder)
    }
}

/// Index files lie beside their segments: `<id>.idx`.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "idx") {
            found.push(path);
        }
    }
}

/// Changes one bit in every sixteenth byte, or cuts the file in half, by its name.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    if path.to_string_lossy().len().is_multiple_of(2) {
        bytes.iter_mut().step_by(16).for_each(|byte| *byte ^= 4);
    } else {
        bytes.truncate(bytes.len() / 2);
    }
    std::fs::write(path, bytes).unwrap();
}
