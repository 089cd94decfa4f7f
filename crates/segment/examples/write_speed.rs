//! Where the time of writing a segment goes: `cargo run --release -p clewline-segment --example write_speed`.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a measurement")]

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use clewline_model::batch::{Batch, LogRecord};
use clewline_model::signal::Signal;
use clewline_segment::file::SegmentFile;
use clewline_segment::gather::{gather, schema};
use clewline_segment::merge::{Input, merge};
use clewline_segment::order::ordered;
use clewline_segment::promote::Layout;
use clewline_segment::sidecar::Builder;
use clewline_segment::{Part, index_of, read_parts, write};

const ROWS: u64 = 131_072;
const SERVICES: [&str; 8] = ["gateway", "auth", "cart", "orders", "payments", "catalog", "search", "pricing"];

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn part(number: u64) -> Part {
    let mut batch = Batch::new(Signal::Logs);
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ (number + 1);
    for i in 0..ROWS {
        let r = random(&mut state);
        let body = match r % 8 {
            0 => format!(
                "accepted connection from 10.{}.{}.{}:{} on listener public",
                r >> 8 & 3,
                r >> 10 & 255,
                r >> 18 & 255,
                r >> 26 & 0xffff
            ),
            1 => format!(
                "GET /api/v1/orders/{} completed with status 200 in {} ms, upstream host-{}:8080",
                r >> 10 & 0xfffff,
                r >> 40 & 255,
                r >> 50 & 15
            ),
            2 => format!(
                "session {:08x}-{:04x}-4{:03x}-a{:03x}-{:012x} of user u{} refreshed",
                r as u32,
                r >> 16 & 0xffff,
                r & 0xfff,
                r >> 20 & 0xfff,
                r >> 16,
                r >> 30 & 0x3fff
            ),
            3 => format!(
                "order {} moved from state paid to state packed in warehouse W{}, took {} s",
                r >> 12 & 0xfffff,
                r >> 33 & 7,
                r >> 40 & 127
            ),
            4 => format!(
                "issued token {:012x} for client billing with scopes read write, valid for {} s",
                r >> 16,
                r >> 9 & 255
            ),
            5 => format!(
                "cache of {} entries warmed in {} ms, hit ratio 0.{}",
                r >> 12 & 0xfff,
                r >> 25 & 0xff,
                r >> 40 & 99
            ),
            6 => format!(
                "query 0x{:08x} on shard{} scanned {} rows in {} ms",
                r as u32,
                r >> 33 & 7,
                r >> 36 & 0xffff,
                r >> 52 & 255
            ),
            _ => "health check passed, nothing to report, next check in one minute".to_owned(),
        };
        let trace = if r & 3 == 0 {
            u128::from(r).wrapping_mul(0x1234_5678_9abc_def1_2345_6789_abcd_ef01).to_be_bytes()
        } else {
            [0; 16]
        };
        let record = LogRecord {
            time: (1_780_000_000_000_000_000 + (number * ROWS + i) * 1_800_000) as i64,
            service: SERVICES[(r >> 3 & 7) as usize],
            level: "info",
            body: &body,
            node: "node-07",
            trace_id: trace,
            ..LogRecord::default()
        };
        batch.attribute(
            "thread",
            clewline_model::attributes::Value::Text(if r & 16 == 0 { "worker-1" } else { "worker-2" }),
        );
        batch.push_log(0, 0, &record);
    }
    Part::new(Arc::new(batch), number as i64 + 1)
}

fn timed<T>(name: &str, rows: u64, work: impl Fn() -> T) -> T {
    let mut best = f64::MAX;
    let mut result = None;
    for _ in 0..5 {
        let started = Instant::now();
        result = Some(work());
        best = best.min(started.elapsed().as_secs_f64());
    }
    println!("{name:32} {:.3} µs a row", best * 1e6 / rows as f64);
    result.unwrap()
}

fn main() {
    let parts: Vec<Part> = (0..4).map(part).collect();
    let one = &parts[..1];
    let (rows, _) = timed("order", ROWS, || ordered(Signal::Logs, one));
    let layout = Layout::of_segment(Signal::Logs, one);
    let batch = timed("gather", ROWS, || gather(&layout, one, &rows).unwrap());
    let schema = schema(&layout);
    timed("index", ROWS, || {
        let mut index = Builder::new(Signal::Logs, &schema);
        index.push(&batch);
        index.finish(1).len()
    });
    timed("write, all of it", ROWS, || write(Signal::Logs, one, std::io::sink()).unwrap());
    let written: Vec<_> = parts
        .iter()
        .map(|part| {
            let mut out = Vec::new();
            let written = write(Signal::Logs, std::slice::from_ref(part), &mut out).unwrap();
            (Bytes::from(out), written)
        })
        .collect();
    let (bytes, first) = &written[0];
    timed("read and index", ROWS, || index_of(bytes.clone(), Signal::Logs, first.summary.checksum).unwrap());
    timed("read as records", ROWS, || read_parts(bytes.clone(), Signal::Logs).unwrap());
    let inputs: Vec<Input<'_>> = written
        .iter()
        .map(|(bytes, written)| {
            let (size, bytes) = (bytes.len() as u64, bytes.clone());
            let read = move |at: u64, out: &mut [u8]| {
                let at = at as usize;
                out.copy_from_slice(&bytes[at..at + out.len()]);
                Ok(())
            };
            Input { file: SegmentFile::new(size, Arc::new(read)), summary: &written.summary }
        })
        .collect();
    timed("merge four", 4 * ROWS, || merge(Signal::Logs, &inputs, std::io::sink()).unwrap());
    println!("{} bytes a row, index {}", bytes.len() as u64 / ROWS, first.index.len() as u64 / ROWS);
}
