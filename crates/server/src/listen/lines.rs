//! Lines of raw records and syslog messages, gathered into batches.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use clewline_protocol::jsonl::Mapping;
use clewline_protocol::limits::FRAME_BYTES_MAX;
use clewline_protocol::raw::{self, LineFramer};
use clewline_protocol::{Context, Decoded, syslog};
use clewline_store::{Ingest, IngestError};

use crate::app::App;
use crate::limits::{LINE_BATCH_BYTES, LINE_RETRY_MAX, LINES_PER_BATCH};

/// The usual names of fields in lines that are JSON.
static MAPPING: LazyLock<Mapping> = LazyLock::new(Mapping::default);

/// What the lines of a listener are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Raw,
    Syslog,
}

/// Finds lines in a stream.
pub(super) enum Framing {
    Raw(LineFramer),
    Syslog(syslog::Framer),
}

impl Framing {
    pub(super) fn new(kind: Kind) -> Framing {
        match kind {
            Kind::Raw => Framing::Raw(LineFramer::new(FRAME_BYTES_MAX)),
            Kind::Syslog => Framing::Syslog(syslog::Framer::new(FRAME_BYTES_MAX)),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], line: impl FnMut(&[u8])) {
        match self {
            Framing::Raw(framer) => framer.push(bytes, line),
            Framing::Syslog(framer) => framer.push(bytes, line),
        }
    }

    pub(super) fn finish(&mut self, line: impl FnMut(&[u8])) {
        match self {
            Framing::Raw(framer) => framer.finish(line),
            Framing::Syslog(framer) => framer.finish(line),
        }
    }

    /// Lines that were longer than a frame may be.
    pub(super) fn oversized(&self) -> u64 {
        match self {
            Framing::Raw(framer) => framer.oversized(),
            Framing::Syslog(framer) => framer.oversized(),
        }
    }
}

enum Collector {
    Raw(raw::Collector<'static>),
    Syslog(syslog::Collector),
}

/// Lines on their way into a batch.
pub(super) struct Gather {
    kind: Kind,
    collector: Collector,
}

impl Gather {
    pub(super) fn new(kind: Kind) -> Gather {
        let collector = match kind {
            Kind::Raw => Collector::Raw(raw::Collector::new(&MAPPING)),
            Kind::Syslog => Collector::Syslog(syslog::Collector::new()),
        };
        Gather { kind, collector }
    }

    pub(super) fn push(&mut self, line: &[u8], now_ns: i64, node: &str) {
        let context = Context { now_ns, node };
        match &mut self.collector {
            Collector::Raw(collector) => collector.push(line, &context),
            Collector::Syslog(collector) => collector.push(line, &context),
        }
    }

    /// One datagram: lines of raw records, or one syslog message.
    pub(super) fn push_datagram(&mut self, datagram: &[u8], now_ns: i64, node: &str) {
        match self.kind {
            Kind::Syslog => self.push(datagram, now_ns, node),
            Kind::Raw => {
                let mut framer = LineFramer::new(FRAME_BYTES_MAX);
                framer.push(datagram, |line| self.push(line, now_ns, node));
                framer.finish(|line| self.push(line, now_ns, node));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    fn rows(&self) -> usize {
        match &self.collector {
            Collector::Raw(collector) => collector.rows(),
            Collector::Syslog(collector) => collector.rows(),
        }
    }

    /// True when it is time to store what is there.
    pub(super) fn is_full(&self) -> bool {
        let size = match &self.collector {
            Collector::Raw(collector) => collector.size_bytes(),
            Collector::Syslog(collector) => collector.size_bytes(),
        };
        self.rows() >= LINES_PER_BATCH || size >= LINE_BATCH_BYTES * 4
    }

    /// What was gathered; starts anew.
    pub(super) fn take(&mut self) -> Decoded {
        match std::mem::replace(self, Gather::new(self.kind)).collector {
            Collector::Raw(collector) => collector.finish(),
            Collector::Syslog(collector) => collector.finish(),
        }
    }
}

/// The name of a peer in its records.
pub(super) fn node_of(peer: IpAddr) -> String {
    peer.to_canonical().to_string()
}

/// Stores a batch, trying again until the store takes it: what was read is not dropped. Whoever waits for this reads no
/// more meanwhile, which is the back-pressure a line protocol has.
pub(super) async fn store(app: &Arc<App>, door: &'static str, decoded: Decoded) {
    let Decoded { batch, rejections } = decoded;
    if batch.rows() == 0 && rejections.rejected == 0 {
        return;
    }
    let mut pause = Duration::from_millis(10);
    loop {
        while app.gate.is_closed(&*app.clock) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let request = Ingest {
            tenant: Arc::clone(&app.settings.tenant_default),
            batch: batch.clone(),
            identity: None,
            rejected: rejections.rejected,
            door,
        };
        match app.store.ingest(request).await {
            Ok(_) => {
                app.note_received();
                return;
            }
            Err(error) if error.retryable() => {
                if matches!(error, IngestError::Overloaded { .. } | IngestError::DiskFull { .. }) {
                    app.gate.close(&*app.clock);
                }
                app.metrics.retried(door);
                tracing::debug!(door, %error, "lines wait for the store");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LINE_RETRY_MAX);
            }
            Err(error) => {
                tracing::error!(door, %error, rows = batch.rows(), "lines could not be stored");
                return;
            }
        }
    }
}
