//! Sends chunks with a few requests in flight; each is repeated until the server answers for good.

use super::chunk::Chunk;
use super::protobuf;
use crate::error::CliError;
use crate::http::{Reply, Server};
use crate::limits::PROBLEM_BYTES_MAX;
use crate::machine;
use crate::retry::{Backoff, is_retryable};
use serde_json::Value;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use xxhash_rust::xxh3::Xxh3;

/// What every request of one import shares.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The server.
    pub(crate) server: Server,
    /// Request parameters (`service=` and field names).
    pub(crate) params: Vec<(&'static str, String)>,
    /// How long one request is repeated.
    pub(crate) patience: Duration,
    /// Identity of the file, part of every key.
    pub(crate) fingerprint: u128,
    /// Set when the user wants to stop.
    pub(crate) stop: Arc<AtomicBool>,
}

/// What the server said about one chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Receipt {
    /// Records taken; `None` when the protocol does not say.
    pub(crate) accepted: Option<u64>,
    /// Records refused.
    pub(crate) rejected: u64,
    /// Where and why, with line numbers of the file where the server names lines.
    pub(crate) errors: Vec<(Option<u64>, String)>,
}

/// One finished chunk. The body is gone.
pub(crate) struct Delivery {
    /// Order of the chunk.
    pub(crate) sequence: u64,
    /// The chunk without its body.
    pub(crate) chunk: Chunk,
    /// Bytes of the body.
    pub(crate) bytes: u64,
    /// The answer.
    pub(crate) result: Result<Receipt, CliError>,
}

/// Threads that send.
pub(crate) struct Senders {
    queue: Option<SyncSender<(u64, Chunk)>>,
    deliveries: Receiver<Delivery>,
    threads: Vec<JoinHandle<()>>,
}

impl Senders {
    /// Starts `connections` threads.
    pub(crate) fn start(target: &Target, connections: usize) -> Result<Self, CliError> {
        let (queue, jobs) = sync_channel(connections);
        let (done, deliveries) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = (0..connections.max(1)).map(|_| {
            let (target, jobs, done) = (target.clone(), Arc::clone(&jobs), done.clone());
            machine::spawn("import", move || work(&target, &jobs, &done))
        });
        let threads = threads.collect::<Result<_, _>>()?;
        Ok(Senders { queue: Some(queue), deliveries, threads })
    }

    /// Queues a chunk; while the queue is full, `idle` is called about every 20 ms.
    pub(crate) fn send(&self, sequence: u64, chunk: Chunk, mut idle: impl FnMut()) -> Result<(), CliError> {
        let mut job = (sequence, chunk);
        loop {
            match self.queue.as_ref().map(|queue| queue.try_send(job)) {
                Some(Ok(())) => return Ok(()),
                Some(Err(TrySendError::Full(back))) => job = back,
                _ => return Err(CliError::failed("a sending thread ended unexpectedly")),
            }
            idle();
            machine::sleep(Duration::from_millis(2));
        }
    }

    /// What has been finished so far.
    pub(crate) fn finished(&self) -> impl Iterator<Item = Delivery> + '_ {
        self.deliveries.try_iter()
    }

    /// Waits up to `patience` for one more delivery; `None` after the last one or on time-out.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Delivery> {
        self.deliveries.recv_timeout(patience).ok()
    }

    /// No more chunks will come.
    pub(crate) fn close(&mut self) {
        self.queue = None;
    }

    /// Whether every thread has ended (after [`Senders::close`]).
    pub(crate) fn ended(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }
}

fn work(target: &Target, jobs: &Mutex<Receiver<(u64, Chunk)>>, done: &Sender<Delivery>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((sequence, mut chunk)) = job else { return };
        let result = deliver(target, &chunk);
        let bytes = chunk.body.len() as u64;
        chunk.body = Vec::new();
        if done.send(Delivery { sequence, chunk, bytes, result }).is_err() {
            return;
        }
    }
}

/// Sends one chunk until the server takes or refuses it, or patience ends.
pub(crate) fn deliver(target: &Target, chunk: &Chunk) -> Result<Receipt, CliError> {
    if chunk.body.is_empty() {
        return Ok(Receipt { accepted: Some(0), ..Receipt::default() });
    }
    let key = idempotency_key(target, chunk);
    let headers = [("Content-Type", chunk.endpoint.content_type()), ("Idempotency-Key", key.as_str())];
    let started = machine::monotonic();
    let mut backoff = Backoff::new(machine::now_ns() ^ chunk.start);
    loop {
        let reply = target.server.post_raw(chunk.endpoint.path(), &target.params, &headers, &chunk.body);
        let (reason, retry_after) = match reply {
            Ok(reply) if reply.status == 200 || reply.status == 202 || reply.status == 204 => {
                return receipt(reply, chunk);
            }
            Ok(reply) if is_retryable(reply.status) => {
                let retry_after = reply.retry_after();
                (reply.problem(None).to_string().replace("error: ", ""), retry_after)
            }
            Ok(reply) => return Err(reply.problem(None)),
            Err(error) => (format!("no answer: {}", error.reason), None),
        };
        let pause = backoff.pause(retry_after);
        if target.stop.load(Ordering::Relaxed) || started.elapsed() + pause > target.patience {
            return Err(CliError::failed_hint(
                format!("gave up sending after {} s: {reason}", started.elapsed().as_secs()),
                "run the same command again to continue",
            ));
        }
        machine::sleep_until(machine::monotonic() + pause, &target.stop);
    }
}

/// Equal for equal content at the same place of the same file sent the same way, and for nothing else.
fn idempotency_key(target: &Target, chunk: &Chunk) -> String {
    let mut hash = Xxh3::new();
    hash.update(&target.fingerprint.to_le_bytes());
    hash.update(&chunk.start.to_le_bytes());
    hash.update(chunk.endpoint.path().as_bytes());
    for (name, value) in &target.params {
        hash.update(name.as_bytes());
        hash.update(&[0]);
        hash.update(value.as_bytes());
        hash.update(&[0]);
    }
    hash.update(&chunk.body);
    format!("import-{:032x}", hash.digest128())
}

/// Reads the three shapes of an ingest answer: ours, OTLP JSON, OTLP protobuf.
fn receipt(reply: Reply, chunk: &Chunk) -> Result<Receipt, CliError> {
    let mut body = Vec::new();
    let is_protobuf = reply.header("content-type").is_some_and(|value| value.contains("protobuf"));
    reply.reader().take(PROBLEM_BYTES_MAX * 16).read_to_end(&mut body)?;
    if is_protobuf {
        let (rejected, message) = protobuf::partial_success(&body).unwrap_or_default();
        return Ok(otlp_receipt(rejected, message));
    }
    let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if let Some(partial) = answer.get("partialSuccess").or_else(|| answer.get("partial_success")) {
        let count = |name: &str| partial.get(name).and_then(integer);
        let rejected = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"].into_iter().find_map(count);
        let message = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default().to_string();
        return Ok(otlp_receipt(rejected.unwrap_or(0), message));
    }
    let errors = answer.get("errors").and_then(Value::as_array).into_iter().flatten().map(|error| {
        let line = error.get("line").and_then(Value::as_u64).map(|line| line.saturating_sub(1) + chunk.first_line);
        (line, error.get("message").and_then(Value::as_str).unwrap_or("rejected").to_string())
    });
    Ok(Receipt {
        accepted: answer.get("accepted").and_then(integer),
        rejected: answer.get("rejected").and_then(integer).unwrap_or(0),
        errors: errors.collect(),
    })
}

fn otlp_receipt(rejected: u64, message: String) -> Receipt {
    let errors = if message.is_empty() { vec![] } else { vec![(None, message)] };
    Receipt { accepted: None, rejected, errors }
}

/// OTLP JSON writes 64-bit integers as text.
fn integer(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
