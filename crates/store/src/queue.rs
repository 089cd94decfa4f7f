//! Requests on their way to the writer, bounded by number and by bytes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clewline_model::batch::Batch;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::error::IngestError;
use crate::ledger::{DropReason, Ledger, Line, Outcome};
use crate::limits::{GROUP_BYTES_MAX, GROUP_REQUESTS_MAX, QUEUE_REQUESTS_MAX, RETRY_AFTER_S};
use crate::store::Ack;

/// A batch, encoded, waiting to be committed.
pub(crate) struct Request {
    pub(crate) line: Line,
    pub(crate) batch: Arc<Batch>,
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_crc: u32,
    pub(crate) identity: Option<[u8; 16]>,
    pub(crate) rejected: u64,
    pub(crate) received_ns: i64,
    pub(crate) reply: oneshot::Sender<Result<Ack, IngestError>>,
    pub(crate) _reserved: Reservation,
}

impl Request {
    /// Counts the outcome and answers; a sender that went away is counted all the same.
    pub(crate) fn answer(self, ledger: &Ledger, outcome: Result<bool, IngestError>) {
        let records = self.batch.rows() as u64;
        let (counted, answer) = match outcome {
            Ok(false) => (Outcome::Stored, Ok(Ack { stored: records, duplicate: false })),
            Ok(true) => (Outcome::Duplicate, Ok(Ack { stored: 0, duplicate: true })),
            Err(error) => (Outcome::Dropped(DropReason::of(&error)), Err(error)),
        };
        ledger.count(&self.line, records, self.rejected, counted);
        let _ = self.reply.send(answer);
    }
}

/// Bytes of the budget, given back when dropped.
pub(crate) struct Reservation {
    used: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

struct Inner {
    requests: VecDeque<Request>,
    closed: bool,
}

/// The queue.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    arrived: Condvar,
    used: Arc<AtomicU64>,
    bytes_max: u64,
}

impl Queue {
    pub(crate) fn new(bytes_max: u64) -> Queue {
        let inner = Mutex::new(Inner { requests: VecDeque::new(), closed: false });
        Queue { inner, arrived: Condvar::new(), used: Arc::default(), bytes_max }
    }

    /// Takes `bytes` of the budget. One request may exceed the whole budget when it is alone.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<Reservation, IngestError> {
        let fits = |used: u64| (used == 0 || used + bytes <= self.bytes_max).then_some(used + bytes);
        match self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits) {
            Ok(_) => Ok(Reservation { used: self.used.clone(), bytes }),
            Err(_) => Err(IngestError::Overloaded { what: "the write queue is full", retry_after_s: RETRY_AFTER_S }),
        }
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.lock().requests.len()
    }

    /// Queues a request or gives it back with the reason.
    pub(crate) fn push(&self, request: Request) -> Result<(), Box<(Request, IngestError)>> {
        let mut inner = self.inner.lock();
        if inner.closed {
            return Err(Box::new((request, IngestError::Closing)));
        }
        if inner.requests.len() >= QUEUE_REQUESTS_MAX {
            let what = "too many requests wait for the writer";
            return Err(Box::new((request, IngestError::Overloaded { what, retry_after_s: RETRY_AFTER_S })));
        }
        inner.requests.push_back(request);
        drop(inner);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits until something is queued, the queue is closed, or the time is over.
    pub(crate) fn wait(&self, most: Duration) {
        let mut inner = self.inner.lock();
        if inner.requests.is_empty() && !inner.closed {
            self.arrived.wait_for(&mut inner, most);
        }
    }

    /// Takes the next group: what is queued, up to the bounds of one commit.
    pub(crate) fn take_group(&self) -> Vec<Request> {
        let mut inner = self.inner.lock();
        let (mut count, mut bytes) = (0, 0);
        for request in inner.requests.iter().take(GROUP_REQUESTS_MAX) {
            if count > 0 && bytes >= GROUP_BYTES_MAX {
                break;
            }
            bytes += request.payload.len();
            count += 1;
        }
        inner.requests.drain(..count).collect()
    }

    /// Refuses new requests; what is queued stays.
    pub(crate) fn close(&self) {
        self.inner.lock().closed = true;
        self.arrived.notify_all();
    }

    /// True when closed and empty.
    pub(crate) fn is_done(&self) -> bool {
        let inner = self.inner.lock();
        inner.closed && inner.requests.is_empty()
    }
}
