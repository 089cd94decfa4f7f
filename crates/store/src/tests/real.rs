//! The whole store with its threads, on a real disk.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clewline_env::Env;
use clewline_model::signal::Signal;

use super::world::batch;
use crate::{Ingest, IngestError, Store, StoreError, StoreSettings};

fn ingest(number: usize, rows: usize) -> Ingest {
    let mut identity = [0; 16];
    identity[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Ingest {
        tenant: Arc::from("shop"),
        batch: batch(Signal::Logs, number, rows),
        identity: Some(identity),
        rejected: 1,
        door: "test",
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn wait_ready(store: &Store) {
    let begin = Instant::now();
    while !store.progress().ready {
        assert!(begin.elapsed() < Duration::from_secs(10), "replay hangs");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn rows(store: &Store) -> u64 {
    let snapshot = store.snapshot("shop", Signal::Logs).unwrap();
    let memory: usize = snapshot.parts.iter().map(clewline_segment::Part::rows).sum();
    memory as u64 + snapshot.segments.iter().map(|segment| segment.summary.rows).sum::<u64>()
}

#[test]
fn many_senders_share_commits_and_everything_survives() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let store = Store::open(Env::system(), StoreSettings::new(folder.path().join("data"))).unwrap();
    let mut tail = store.subscribe();
    let outcomes = runtime.block_on(async {
        let tasks: Vec<_> = (0..400)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move { store.ingest(ingest(number % 300, 3)).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap().unwrap());
        }
        outcomes
    });
    assert_eq!(outcomes.iter().filter(|ack| ack.duplicate).count(), 100);
    assert_eq!(rows(&store), 900);
    let statistics = store.statistics();
    assert!(statistics.commits < 300, "groups form: {} commits", statistics.commits);
    assert_eq!((statistics.records.received, statistics.records.stored), (400 * 4, 900));
    assert!(crate::ledger::holds(&statistics.records));
    assert_eq!(tail.try_recv().unwrap().tenant.as_ref(), "shop");

    store.flush().unwrap();
    assert_eq!((rows(&store), store.statistics().memory_rows[0]), (900, 0));
    runtime.block_on(store.ingest(ingest(1_000, 5))).unwrap();
    drop(store); // without close: the log has the rest
    let store = Store::open(Env::system(), StoreSettings::new(folder.path().join("data"))).unwrap();
    wait_ready(&store);
    assert_eq!(rows(&store), 905);
    assert!(runtime.block_on(store.ingest(ingest(1_000, 5))).unwrap().duplicate);
    assert!(runtime.block_on(store.ingest(ingest(7, 3))).unwrap().duplicate);
    store.close().unwrap();
    assert!(matches!(runtime.block_on(store.ingest(ingest(8, 3))), Err(IngestError::Closing)));
    assert_eq!(rows(&store), 905, "reads go on after close");
    store.close().unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("data/wal")).unwrap().count(), 0);
}

#[test]
fn one_process_at_a_time_and_no_start_without_the_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Env::system(), StoreSettings::new(folder.path())).unwrap();
    let refused = Store::open(Env::system(), StoreSettings::new(folder.path())).unwrap_err();
    assert!(matches!(&refused, StoreError::Folder(text) if text.contains("in use")), "{refused}");
    store.close().unwrap();
    drop(store);
    let catalog = folder.path().join("catalog.sqlite");
    let bytes = std::fs::read(&catalog).unwrap();
    std::fs::remove_file(&catalog).unwrap();
    let refused = Store::open(Env::system(), StoreSettings::new(folder.path())).unwrap_err();
    assert!(refused.to_string().contains("restore it from a backup"), "{refused}");
    std::fs::write(&catalog, bytes).unwrap();
    Store::open(Env::system(), StoreSettings::new(folder.path())).unwrap();
}

#[test]
fn background_threads_flush_by_size_and_compact() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings { flush_bytes: 20_000, ..StoreSettings::new(folder.path()) };
    let store = Store::open(Env::system(), settings).unwrap();
    let runtime = runtime();
    let mut stored = 0;
    for number in 0..60 {
        loop {
            match runtime.block_on(store.ingest(ingest(number, 50))) {
                Ok(ack) => break stored += ack.stored,
                Err(error) if error.retryable() => std::thread::sleep(Duration::from_millis(10)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    let begin = Instant::now();
    while store.statistics().compactions == 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", store.statistics());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!((rows(&store), stored), (3_000, 3_000));
    store.close().unwrap();
    assert_eq!(store.statistics().memory_rows[0], 0);
}
