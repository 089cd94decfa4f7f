//! How fast the store alone takes log records: decoded batches in, durable acknowledgements out.
//!
//! `cargo run --release -p clewline-store --example ingest_speed [records per batch] [senders] [batches] [folder]`

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a measurement prints its result and reads /proc")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use clewline_env::Env;
use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord};
use clewline_model::signal::Signal;
use clewline_store::{Ingest, Store, StoreSettings};

fn main() -> Result<(), Box<dyn Error>> {
    let number = |at: usize, default: usize| std::env::args().nth(at).map_or(Ok(default), |text| text.parse());
    let (rows, senders, batches) = (number(1, 1_000)?, number(2, 16)?, number(3, 1_000)?);
    let kept = std::env::args().nth(4);
    let temporary = tempfile::tempdir()?;
    let folder = kept.map_or_else(|| temporary.path().join("data"), Into::into);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    let store = Store::open(Env::system(), StoreSettings { free_bytes_min: 1, ..StoreSettings::new(folder) })?;
    let begin = (Instant::now(), cpu_ms());
    let (mut overloads, mut stored) = (0, 0);
    runtime.block_on(async {
        let tasks: Vec<_> =
            (0..senders).map(|sender| tokio::spawn(send(store.clone(), sender, batches / senders, rows))).collect();
        for task in tasks {
            if let Ok((records, refused)) = task.await {
                (stored, overloads) = (stored + records, overloads + refused);
            }
        }
    });
    report("acknowledged", stored, begin);
    let memory = store.statistics();
    println!("  {} commits, {} MB of log, {overloads} times overloaded", memory.commits, memory.committed_bytes >> 20);
    store.flush()?;
    store.maintain();
    report("with segments and merges", stored, begin);
    let statistics = store.statistics();
    let (rows, mb) = (statistics.segment_rows[0], statistics.segment_bytes as f64 / 1e6);
    println!("  {} segments, {rows} rows, {mb:.1} MB, {} compactions", statistics.segments, statistics.compactions);
    store.close()?;
    Ok(())
}

async fn send(store: Arc<Store>, sender: usize, batches: usize, rows: usize) -> (u64, u64) {
    let (mut stored, mut overloads) = (0, 0);
    for number in 0..batches {
        loop {
            let mut identity = [0; 16];
            identity[..8].copy_from_slice(&(number as u64).to_le_bytes());
            identity[8..].copy_from_slice(&(sender as u64).to_le_bytes());
            let batch = batch((number * 64 + sender) * rows, rows);
            let request =
                Ingest { tenant: Arc::from("default"), batch, identity: Some(identity), rejected: 0, door: "example" };
            match store.ingest(request).await {
                Ok(ack) => break stored += ack.stored,
                Err(_) => {
                    overloads += 1;
                    tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_millis(50))).await.ok();
                }
            }
        }
    }
    (stored, overloads)
}

fn batch(first: usize, rows: usize) -> Batch {
    let mut batch = Batch::new(Signal::Logs);
    batch.resource_attribute("service.name", Value::Text("checkout"));
    let resource = batch.end_resource();
    for row in first..first + rows {
        let body = format!(
            "order {} of user {} placed in {} ms from 10.0.{}.{}",
            row * 7919,
            row % 977,
            row % 313,
            row % 256,
            row % 199
        );
        batch.attribute("http.status_code", Value::Int(200));
        batch.attribute("http.route", Value::Text("/api/orders"));
        let time = 1_750_000_000_000_000_000 + row as i64 * 1_000_000;
        let record = LogRecord { time, service: "checkout", level: "info", body: &body, ..LogRecord::default() };
        batch.push_log(resource, 0, &record);
    }
    batch
}

fn report(what: &str, records: u64, begin: (Instant, u64)) {
    let (wall_s, cpu) = (begin.0.elapsed().as_secs_f64(), cpu_ms() - begin.1);
    let each_us = cpu as f64 * 1_000.0 / records.max(1) as f64;
    println!(
        "{what}: {records} records in {wall_s:.2} s = {:.0}/s, {each_us:.2} us CPU per record (making them included)",
        records as f64 / wall_s
    );
}

/// User and system time of this process; ticks of 10 ms.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}
