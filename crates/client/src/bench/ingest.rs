//! Sends generated records and measures: wall time, the server's CPU until it has come to rest, memory, disk.
//!
//! Bodies are made before the clock starts.

use super::logs::{self, Logs};
use super::spans::{self, SPANS_PER_TRACE, Spans};
use super::{BenchArgs, Protocol};
use crate::error::CliError;
use crate::http::Server;
use crate::machine;
use crate::retry::{Backoff, is_retryable};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Generated records cover this much time.
pub(crate) const PERIOD_NS: u64 = 3_600_000_000_000;
/// The server rests when it used less than this share of a core for two seconds.
const REST_SHARE: f64 = 0.05;
/// Longest wait for rest.
const REST_TIMEOUT: Duration = Duration::from_secs(120);
/// A busy server is given this long per request.
const PATIENCE: Duration = Duration::from_secs(120);

/// Request bodies of one phase.
pub(crate) struct Load {
    /// What it is, for people.
    pub(crate) name: String,
    /// `logs` or `spans`.
    pub(crate) data: &'static str,
    path: &'static str,
    content_type: &'static str,
    params: Vec<(&'static str, String)>,
    bodies: Vec<Vec<u8>>,
    records: u64,
}

/// What a phase took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// What was sent.
    pub(crate) name: String,
    /// `logs` or `spans`.
    pub(crate) data: &'static str,
    /// Records sent.
    pub(crate) records: u64,
    /// Bytes sent.
    pub(crate) bytes: u64,
    /// Seconds from the first request to the last answer.
    pub(crate) wall_s: f64,
    /// CPU microseconds of the server per record, work afterwards included.
    pub(crate) cpu_us: Option<f64>,
    /// Peak resident memory of the server since its start.
    pub(crate) peak_bytes: Option<u64>,
    /// Growth of the store per record.
    pub(crate) disk_bytes_per_record: Option<f64>,
}

/// Log bodies.
pub(crate) fn log_load(args: &BenchArgs) -> Load {
    let mut logs = Logs::new(args.seed, args.logs, machine::now_ns(), PERIOD_NS);
    let mut bodies = Vec::new();
    loop {
        let records: Vec<_> = std::iter::from_fn(|| logs.record()).take(args.batch).collect();
        if records.is_empty() {
            break;
        }
        bodies.push(match args.protocol {
            Protocol::Otlp => logs::otlp(records),
            Protocol::Jsonl => {
                let mut body = Vec::with_capacity(records.len() * 300);
                records.iter().for_each(|record| logs::json_line(record, &mut body));
                body
            }
        });
    }
    let (path, content_type, name, params) = match args.protocol {
        Protocol::Otlp => ("/v1/logs", "application/x-protobuf", "logs, OTLP", vec![]),
        Protocol::Jsonl => {
            let fields = [
                ("time_field", "time"),
                ("message_field", "message"),
                ("level_field", "level"),
                ("service_field", "service"),
                ("trace_id_field", "trace_id"),
            ];
            let params = fields.map(|(name, value)| (name, value.to_string())).to_vec();
            ("/api/v1/ingest/jsonl", "application/x-ndjson", "logs, JSON lines", params)
        }
    };
    Load { name: name.into(), data: "logs", path, content_type, params, bodies, records: args.logs }
}

/// Span bodies, always OTLP.
pub(crate) fn span_load(args: &BenchArgs) -> Load {
    let mut spans = Spans::new(args.seed, args.spans, machine::now_ns(), PERIOD_NS);
    let per_body = (args.batch as u64 / SPANS_PER_TRACE).max(1) as usize;
    let (mut bodies, mut records) = (Vec::new(), 0);
    loop {
        let traces: Vec<_> = std::iter::from_fn(|| spans.trace()).take(per_body).collect();
        if traces.is_empty() {
            break;
        }
        records += traces.iter().map(|trace| trace.len() as u64).sum::<u64>();
        bodies.push(spans::otlp(&traces));
    }
    let (path, content_type) = ("/v1/traces", "application/x-protobuf");
    Load { name: "spans, OTLP".into(), data: "spans", path, content_type, params: vec![], bodies, records }
}

/// Sends everything and waits until the server rests.
pub(crate) fn measure(server: &Server, load: Load, args: &BenchArgs, pid: Option<u32>) -> Result<Outcome, CliError> {
    let disk_before = disk_bytes(server, args.data_dir.as_deref());
    let cpu_before = pid.and_then(machine::cpu_seconds);
    let bytes = load.bodies.iter().map(|body| body.len() as u64).sum();
    let (name, data, records) = (load.name.clone(), load.data, load.records);
    let started = machine::monotonic();
    send_all(server, load, usize::from(args.connections))?;
    let wall_s = started.elapsed().as_secs_f64();
    let per_record = |amount: f64| amount / records.max(1) as f64;
    settle(server);
    let cpu_after = pid.and_then(rest);
    let disk_after = disk_bytes(server, args.data_dir.as_deref());
    Ok(Outcome {
        name,
        data,
        records,
        bytes,
        wall_s,
        cpu_us: cpu_before.zip(cpu_after).map(|(before, after)| per_record((after - before) * 1e6)),
        peak_bytes: pid.and_then(machine::peak_resident_bytes),
        disk_bytes_per_record: disk_before
            .zip(disk_after)
            .map(|(before, after)| per_record(after.saturating_sub(before) as f64)),
    })
}

/// Longest wait for the server to turn its log into segments (it does so by itself after a minute).
const SETTLE_TIMEOUT: Duration = Duration::from_secs(150);

fn send_all(server: &Server, load: Load, connections: usize) -> Result<(), CliError> {
    let (load, next) = (Arc::new(load), Arc::new(AtomicUsize::new(0)));
    let threads = (0..connections.max(1)).map(|_| {
        let (server, load, next) = (server.clone(), Arc::clone(&load), Arc::clone(&next));
        machine::spawn("bench", move || -> Result<(), CliError> {
            while let Some(body) = load.bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                send(&server, &load, body)?;
            }
            Ok(())
        })
    });
    let threads = threads.collect::<Result<Vec<_>, _>>()?;
    for thread in threads {
        thread.join().map_err(|_| CliError::failed("a sending thread ended unexpectedly"))??;
    }
    Ok(())
}

fn send(server: &Server, load: &Load, body: &[u8]) -> Result<(), CliError> {
    let started = machine::monotonic();
    let mut backoff = Backoff::new(body.len() as u64);
    loop {
        let reply = server.post_raw(load.path, &load.params, &[("Content-Type", load.content_type)], body);
        let reply = reply.map_err(|error| server.unreachable(error))?;
        if reply.status == 200 {
            reply.drain();
            return Ok(());
        }
        if !is_retryable(reply.status) || started.elapsed() > PATIENCE {
            return Err(reply.problem(None));
        }
        let pause = backoff.pause(reply.retry_after());
        reply.drain();
        machine::sleep(pause);
    }
}

/// CPU seconds of the process once it has come to rest.
fn rest(pid: u32) -> Option<f64> {
    let deadline: Instant = machine::monotonic() + REST_TIMEOUT;
    let mut last = machine::cpu_seconds(pid)?;
    loop {
        machine::sleep(Duration::from_secs(2));
        let now = machine::cpu_seconds(pid)?;
        if now - last < 2.0 * REST_SHARE || machine::monotonic() > deadline {
            return Some(now);
        }
        last = now;
    }
}

/// Waits until everything sent is in segments: only then do bytes on disk and processor time count all the work.
fn settle(server: &Server) {
    let deadline = machine::monotonic() + SETTLE_TIMEOUT;
    while machine::monotonic() < deadline {
        let log = server.get_json("/api/v1/status", &[]).ok();
        if log.and_then(|status| status.pointer("/storage/wal_bytes").and_then(Value::as_u64)).unwrap_or(0) == 0 {
            return;
        }
        machine::sleep(Duration::from_secs(1));
    }
}

/// Bytes of the store: of its folder where it is named, else as the server says.
fn disk_bytes(server: &Server, folder: Option<&Path>) -> Option<u64> {
    match folder {
        Some(folder) => Some(machine::bytes_below(folder)),
        None => server.get_json("/api/v1/status", &[]).ok()?.pointer("/storage/bytes").and_then(Value::as_u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    #[test]
    fn every_body_is_sent_once() {
        let stub = Stub::start(|_| (200, vec![], b"{}".to_vec()));
        let server = Server::at(&stub.address, None, None).unwrap();
        let args = BenchArgs { logs: 2_500, spans: 300, batch: 1_000, ..BenchArgs::small() };
        let outcome = measure(&server, log_load(&args), &args, None).unwrap();
        assert_eq!(outcome.records, 2_500);
        let sent = |path: &str| stub.requests().iter().filter(|request| request.target.starts_with(path)).count();
        assert_eq!(sent("/api/v1/ingest/jsonl?time_field=time"), 3);
        let outcome = measure(&server, span_load(&args), &args, None).unwrap();
        assert_eq!(outcome.records, 300);
        assert_eq!(sent("/v1/traces"), 1);
    }
}
