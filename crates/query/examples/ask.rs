//! Asks a data folder one question many times, for profiles: no server, no network.
//! `cargo run --release -p clewline-query --example ask -- FOLDER logs 'level:error' 100 50`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a measurement")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use clewline_env::Env;
use clewline_model::signal::Signal;
use clewline_query::{Engine, EngineSettings, SearchRequest};
use clewline_store::{Store, StoreSettings};
use futures::StreamExt;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, signal, query, limit, times] = arguments.as_slice() else {
        println!("usage: ask FOLDER SIGNAL QUERY LIMIT TIMES");
        return;
    };
    let env = Env::system();
    let clock = Arc::clone(&env.clock);
    let store = Store::open(env, StoreSettings { compaction: false, ..StoreSettings::new(folder) }).unwrap();
    let settings = EngineSettings {
        memory_bytes_per_query: 256 << 20,
        timeout: Duration::from_secs(60),
        concurrent_max: 4,
        threads: 2,
    };
    let engine = Arc::new(Engine::new(store, clock, settings).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut took: Vec<Duration> = Vec::new();
    let mut rows = 0;
    for _ in 0..times.parse().unwrap() {
        let request = SearchRequest {
            tenant: "default".into(),
            signal: Signal::from_name(signal).unwrap(),
            query: query.clone(),
            start: None,
            end: None,
            limit: limit.parse().ok(),
            cursor: None,
            ascending: false,
        };
        let started = Instant::now();
        rows = runtime.block_on(async {
            let mut answer = engine.search(request).await.unwrap();
            let mut rows = 0;
            while let Some(batch) = answer.batches.next().await {
                rows += batch.unwrap().num_rows();
            }
            rows
        });
        took.push(started.elapsed());
    }
    took.sort();
    println!("{rows} rows, median {:?}, least {:?}", took[took.len() / 2], took[0]);
}
