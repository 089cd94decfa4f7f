//! What every request can reach: the store, the engine, the bounds and the counters.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use clewline_env::Env;
use clewline_env::clock::Clock;
use clewline_query::Engine;
use clewline_store::Store;
use tokio::sync::{Semaphore, watch};

use crate::ingest::budget::{Budget, Gate};
use crate::listen::Listening;
use crate::operate::metrics::Metrics;
use crate::settings::ServerSettings;

/// The shared part of all requests.
pub(crate) struct App {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) env: Env,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ServerSettings,
    pub(crate) budget: Arc<Budget>,
    pub(crate) gate: Gate,
    /// Turns for decompressing and decoding large bodies.
    pub(crate) decoders: Arc<Semaphore>,
    /// Turns for live tails.
    pub(crate) tails: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
    pub(crate) listeners: OnceLock<Vec<Listening>>,
    /// True once the server stops; open-ended answers end then.
    pub(crate) stopping: Stopping,
    started_ns: i64,
    last_received_ns: AtomicI64,
    requests: AtomicU64,
}

/// Tells when the server stops.
#[derive(Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Returns when the server stops.
    pub(crate) async fn stopped(&mut self) {
        let _ = self.0.wait_for(|stopping| *stopping).await; // an error: the server is gone
    }
}

impl App {
    pub(crate) fn new(
        store: Arc<Store>,
        engine: Arc<Engine>,
        env: Env,
        settings: ServerSettings,
        stopping: watch::Receiver<bool>,
    ) -> App {
        let clock = Arc::clone(&env.clock);
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
        App {
            budget: Arc::new(Budget::new(settings.in_flight_bytes_max)),
            gate: Gate::default(),
            decoders: Arc::new(Semaphore::new(cores.max(2))),
            tails: Arc::new(Semaphore::new(crate::limits::TAILS_MAX)),
            metrics: Metrics::default(),
            listeners: OnceLock::new(),
            stopping: Stopping(stopping),
            started_ns: clock.now_ns(),
            last_received_ns: AtomicI64::new(0),
            requests: AtomicU64::new(0),
            store,
            engine,
            env,
            clock,
            settings,
        }
    }

    /// A name for a request, unique in this process and unlikely to repeat in the next.
    pub(crate) fn next_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let run = (self.started_ns / 1_000_000).cast_unsigned() & 0xffff_ffff;
        format!("{run:08x}-{number:06}")
    }

    /// Records have become durable.
    pub(crate) fn note_received(&self) {
        self.last_received_ns.store(self.clock.now_ns(), Ordering::Relaxed);
    }

    /// When records last became durable.
    pub(crate) fn last_received_ns(&self) -> Option<i64> {
        Some(self.last_received_ns.load(Ordering::Relaxed)).filter(|ns| *ns != 0)
    }

    /// When the server started.
    pub(crate) fn started_ns(&self) -> i64 {
        self.started_ns
    }
}
