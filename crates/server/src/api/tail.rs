//! `GET /api/v1/tail`: records as they are acknowledged, as server-sent events (HTML standard, 9.2).
//!
//! A task of its own reads the store's feed without pause and filters it; what the reader does not take in time is
//! dropped and counted (`event: dropped`), never waited for. A comment every ten seconds shows that it lives.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use clewline_model::signal::Signal;
use clewline_query::{QueryError, TailFilter};
use clewline_store::Committed;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc};

use super::output::json::RowWriter;
use super::params::Params;
use crate::app::{App, Stopping};
use crate::call::Call;
use crate::limits::{TAIL_HEARTBEAT, TAIL_ROWS_AHEAD};
use crate::problem::Problem;

/// Follows new records.
pub(crate) async fn tail(call: Call) -> Result<Response, Problem> {
    let params = Params::of_url(&call);
    let signal = params.signal()?;
    let tenant = call.tenant()?;
    let filter = call.app.engine.tail(signal, params.query())?;
    let turn = Arc::clone(&call.app.tails).try_acquire_owned().map_err(|_| {
        Problem::new(429, "too_many_tails", "too many live tails are open").hint("close one").retry_after(5)
    })?;
    let (sender, receiver) = mpsc::channel(TAIL_ROWS_AHEAD);
    let dropped = Arc::new(AtomicU64::new(0));
    let feed =
        Feed { app: Arc::clone(&call.app), tenant, signal, filter, sender, dropped: Arc::clone(&dropped), _turn: turn };
    let received = call.app.store.subscribe();
    tokio::spawn(feed.run(received));
    let events = Events { receiver, dropped, number: 0, stopping: call.app.stopping.clone(), greeted: false };
    let body = futures::stream::unfold(events, |mut events| async move {
        let chunk = events.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(chunk), events))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

type Row = Result<String, QueryError>;

/// The half that follows the store.
struct Feed {
    app: Arc<App>,
    tenant: Arc<str>,
    signal: Signal,
    filter: TailFilter,
    sender: mpsc::Sender<Row>,
    dropped: Arc<AtomicU64>,
    _turn: OwnedSemaphorePermit,
}

impl Feed {
    async fn run(self, mut received: broadcast::Receiver<Committed>) {
        loop {
            let next = tokio::select! {
                next = received.recv() => next,
                () = self.sender.closed() => return,
            };
            match next {
                Ok(committed) => {
                    let ours = committed.tenant == self.tenant && committed.part.batch.signal == self.signal;
                    if ours && !self.take(&committed) {
                        return;
                    }
                }
                // Batches of any tenant: at least one row each was missed, how many is not known.
                Err(RecvError::Lagged(batches)) => self.drop_rows(batches),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Sends the rows that match; false when there is no sense in going on.
    fn take(&self, committed: &Committed) -> bool {
        let batch = match self.filter.matching(&committed.part) {
            Ok(Some(batch)) => batch,
            Ok(None) => return true,
            Err(error) => {
                let _ = self.sender.try_send(Err(error));
                return false;
            }
        };
        let writer = RowWriter::new(&batch);
        for row in 0..batch.num_rows() {
            if self.sender.capacity() == 0 {
                self.drop_rows((batch.num_rows() - row) as u64);
                break;
            }
            let mut text = String::new();
            writer.write(row, &mut text);
            let _ = self.sender.try_send(Ok(text));
        }
        true
    }

    fn drop_rows(&self, rows: u64) {
        self.dropped.fetch_add(rows, Ordering::AcqRel);
        self.app.metrics.tail_rows_dropped(rows);
    }
}

/// The half that writes to the reader.
struct Events {
    receiver: mpsc::Receiver<Row>,
    dropped: Arc<AtomicU64>,
    number: u64,
    stopping: Stopping,
    greeted: bool,
}

impl Events {
    /// The next piece of the answer; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.greeted, true) {
            return Some(Bytes::from_static(b": following\n\n"));
        }
        let row = tokio::select! {
            row = self.receiver.recv() => row?,
            () = tokio::time::sleep(TAIL_HEARTBEAT) => {
                let mut out = String::from(": alive\n\n");
                self.put_dropped(&mut out);
                return Some(out.into());
            }
            () = self.stopping.stopped() => return None,
        };
        let mut out = String::new();
        self.put_dropped(&mut out);
        self.put(&mut out, row);
        while out.len() < crate::limits::ANSWER_CHUNK_BYTES
            && let Ok(row) = self.receiver.try_recv()
        {
            self.put(&mut out, row);
        }
        Some(out.into())
    }

    fn put(&mut self, out: &mut String, row: Row) {
        match row {
            Ok(row) => {
                self.number += 1;
                let _ = write!(out, "event: record\nid: {}\ndata: {row}\n\n", self.number);
            }
            Err(error) => {
                let problem = Problem::from(error).to_json("");
                let _ = write!(out, "event: error\ndata: {problem}\n\n");
            }
        }
    }

    fn put_dropped(&self, out: &mut String) {
        let count = self.dropped.swap(0, Ordering::AcqRel);
        if count > 0 {
            let _ = write!(out, "event: dropped\ndata: {{\"count\":{count}}}\n\n");
        }
    }
}
