//! The engine: one per process. Holds the session template, the query threads and the limits.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arrow::array::RecordBatch;
use clewline_env::clock::Clock;
use clewline_model::signal::Signal;
use clewline_segment::SegmentError;
use clewline_store::{Snapshot, Store};
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::answer::{Answer, QueryError, QueryErrorKind, QueryStatistics};
use crate::error::of_engine;
use crate::filter::RowFilter;
use crate::guard::{Growth, Guard};
use crate::limits::{
    AHEAD_BATCHES, BATCH_ROWS, FORGET_POLL_MS, FUNCTIONS_LEFT_OUT, GROWTH_PERCENT, QUEUE_MS, STACK_BYTES,
};
use crate::names::{LogicalColumn, Names};
use crate::scan::{Scan, Stop};
use crate::source::Opened;
use crate::table::Table;

/// What an operator may choose.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Memory one query may hold in sorts, joins and groups before it spills or fails.
    pub memory_bytes_per_query: usize,
    /// How long one query may take.
    pub timeout: Duration,
    /// Queries that run at the same time; the rest waits a little.
    pub concurrent_max: usize,
    /// Threads for queries.
    pub threads: usize,
}

/// Answers questions about a store.
pub struct Engine {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) opened: Arc<Opened>,
    settings: EngineSettings,
    template: SessionState,
    turns: Arc<Semaphore>,
    guard: Arc<Guard>,
    runtime: Option<Runtime>,
    handle: Handle,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A running query: its place among the concurrent ones, its stop mark, its counters. Dropping it stops the reads.
pub(crate) struct Running {
    pub stop: Stop,
    pub statistics: Arc<Mutex<QueryStatistics>>,
    deadline: tokio::time::Instant,
    growth: Arc<Growth>,
    _turn: OwnedSemaphorePermit,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl Engine {
    /// An engine for `store`.
    ///
    /// # Errors
    /// When the query threads cannot be started.
    pub fn new(store: Arc<Store>, clock: Arc<dyn Clock>, settings: EngineSettings) -> std::io::Result<Engine> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(settings.threads.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        let config = SessionConfig::new()
            .with_target_partitions(settings.threads.max(1))
            .with_batch_size(BATCH_ROWS)
            .with_information_schema(true);
        let mut template = SessionStateBuilder::new().with_default_features().with_config(config).build();
        for name in FUNCTIONS_LEFT_OUT {
            template.deregister_udf(name).map_err(std::io::Error::other)?;
        }
        let guard = Arc::new(Guard::new((settings.memory_bytes_per_query as u64).saturating_mul(GROWTH_PERCENT) / 100));
        runtime.spawn(Arc::clone(&guard).watch());
        let opened: Arc<Opened> = Arc::default();
        runtime.spawn(forget_gone(Arc::downgrade(&store), Arc::downgrade(&opened)));
        Ok(Engine {
            guard,
            store,
            clock,
            opened,
            turns: Arc::new(Semaphore::new(settings.concurrent_max.max(1))),
            settings,
            template,
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// The query threads.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn threads(&self) -> usize {
        self.settings.threads.max(1)
    }

    pub(crate) fn now_ns(&self) -> i64 {
        self.clock.now_ns()
    }

    /// Waits for a turn.
    pub(crate) async fn start(&self) -> Result<Running, QueryError> {
        let turn = tokio::time::timeout(Duration::from_millis(QUEUE_MS), Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            let busy = QueryError::new(QueryErrorKind::Busy, "too many queries are running");
            return Err(busy.with_hint("try again in a few seconds, or raise query.concurrent_max"));
        };
        let stop = Stop::default();
        Ok(Running {
            growth: self.guard.add(&stop),
            stop,
            statistics: Arc::default(),
            deadline: tokio::time::Instant::now() + self.settings.timeout,
            _turn: turn,
        })
    }

    /// A consistent view of one table.
    pub(crate) fn snapshot(&self, tenant: &str, signal: Signal) -> Result<Arc<Snapshot>, QueryError> {
        let snapshot = self.store.snapshot(tenant, signal).map_err(|error| crate::error::of_store(&error))?;
        Ok(Arc::new(snapshot))
    }

    pub(crate) fn scan(&self, signal: Signal, filter: RowFilter, stop: &Stop) -> Scan {
        Scan { signal, filter: Arc::new(filter), opened: Arc::clone(&self.opened), stop: stop.clone() }
    }

    pub(crate) fn table(
        &self,
        snapshot: Arc<Snapshot>,
        signal: Signal,
        columns: Vec<LogicalColumn>,
        filter: RowFilter,
        running: &Running,
    ) -> Table {
        Table {
            signal,
            snapshot,
            columns,
            filter,
            opened: Arc::clone(&self.opened),
            stop: running.stop.clone(),
            partitions: self.settings.threads.max(1),
            statistics: Arc::clone(&running.statistics),
        }
    }

    /// A session with its own memory limit.
    pub(crate) fn session(&self) -> Result<SessionContext, QueryError> {
        let limited = RuntimeEnvBuilder::new().with_memory_limit(self.settings.memory_bytes_per_query, 1.0);
        let runtime = limited.build_arc().map_err(|error| of_engine(&error))?;
        // Tables belong to one query; the template's catalog is shared by all who copy it.
        let state = SessionStateBuilder::new_from_existing(self.template.clone())
            .with_runtime_env(runtime)
            .with_catalog_list(own_catalog()?)
            .build();
        Ok(SessionContext::new_with_state(state))
    }

    /// Runs blocking work on the query threads, within the time limit; stops it when the caller goes away.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        running: &Running,
        work: impl FnOnce() -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, QueryError> {
        let task = self.handle.spawn_blocking(work);
        match tokio::time::timeout_at(running.deadline, task).await {
            Ok(Ok(_)) if running.growth.exceeded() => Err(grown()),
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(QueryError::new(QueryErrorKind::Internal, format!("the query failed: {panic}"))),
            Err(_) => {
                running.stop.stop();
                Err(self.timed_out())
            }
        }
    }

    fn timed_out(&self) -> QueryError {
        let seconds = self.settings.timeout.as_secs_f64();
        QueryError::new(QueryErrorKind::Timeout, format!("the query took longer than {seconds} s"))
            .with_hint("narrow the time range or the filter, or raise query.timeout_s")
    }

    /// Runs a question on the query threads from its first step: parsing and planning recurse as deep as the question is
    /// long, and only those threads have the stack for it. Ends when the caller goes away.
    pub(crate) async fn on_query_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let mut task = JoinSet::new();
        task.spawn_on(work, &self.handle);
        match task.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(QueryError::new(QueryErrorKind::Internal, format!("the query failed: {panic}"))),
            None => Err(QueryError::new(QueryErrorKind::Internal, "the query threads are gone")),
        }
    }

    /// Plans and starts a query; its batches come as the reader takes them.
    pub(crate) async fn stream(&self, running: Running, frame: DataFrame) -> Result<Answer, QueryError> {
        let deadline = running.deadline;
        let mut planned = JoinSet::new();
        planned.spawn_on(async move { frame.execute_stream().await }, &self.handle);
        let mut batches = match tokio::time::timeout_at(deadline, planned.join_next()).await {
            Ok(Some(Ok(Ok(batches)))) => batches,
            Ok(Some(Ok(Err(error)))) => return Err(of_engine(&error)),
            Ok(Some(Err(panic))) => {
                return Err(QueryError::new(QueryErrorKind::Internal, format!("the query failed: {panic}")));
            }
            Ok(None) => return Err(QueryError::new(QueryErrorKind::Internal, "the query threads are gone")),
            Err(_) => return Err(self.timed_out()),
        };
        let schema = batches.schema();
        let statistics = *running.statistics.lock();
        let timed_out = self.timed_out();
        let (sender, mut receiver) = mpsc::channel::<Result<RecordBatch, QueryError>>(AHEAD_BATCHES);
        self.handle.spawn(async move {
            let running = running;
            loop {
                let next = tokio::select! {
                    next = tokio::time::timeout_at(deadline, batches.next()) => next,
                    () = sender.closed() => break,
                    () = running.growth.exceeds() => Ok(None),
                };
                let item = match next {
                    _ if running.growth.exceeded() => Err(grown()),
                    Ok(Some(Ok(batch))) => Ok(batch),
                    Ok(Some(Err(error))) => Err(of_engine(&error)),
                    Ok(None) => break,
                    Err(_) => Err(timed_out.clone()),
                };
                let failed = item.is_err();
                if sender.send(item).await.is_err() || failed {
                    break;
                }
            }
            drop(running);
        });
        let batches = futures::stream::poll_fn(move |context| receiver.poll_recv(context)).boxed();
        Ok(Answer { schema, batches, cursor: None, statistics })
    }

    /// Plans a query and collects all of it.
    pub(crate) async fn collect(&self, running: Running, frame: DataFrame) -> Result<Vec<RecordBatch>, QueryError> {
        let mut answer = self.stream(running, frame).await?;
        let mut batches = Vec::new();
        while let Some(batch) = answer.batches.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }
}

fn grown() -> QueryError {
    QueryError::new(QueryErrorKind::LimitExceeded, "the query needs more memory than allowed")
        .with_hint("narrow the time range, group by fewer fields, or raise query.memory_bytes_max")
}

/// Closes the files of segments that are no more, for as long as the engine lives.
async fn forget_gone(store: Weak<Store>, opened: Weak<Opened>) {
    loop {
        tokio::time::sleep(Duration::from_millis(FORGET_POLL_MS)).await;
        let (Some(store), Some(opened)) = (store.upgrade(), opened.upgrade()) else { return };
        opened.keep_only(&store.segment_ids());
    }
}

/// An empty catalog with the default schema.
fn own_catalog() -> Result<Arc<dyn CatalogProviderList>, QueryError> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("public", Arc::new(MemorySchemaProvider::new())).map_err(|error| of_engine(&error))?;
    let list = MemoryCatalogProviderList::new();
    list.register_catalog("datafusion".to_owned(), Arc::new(catalog));
    Ok(Arc::new(list))
}

/// The names all sources of a snapshot know.
pub(crate) fn names(signal: Signal, snapshot: &Snapshot) -> Result<Names<'_>, SegmentError> {
    let mut summaries = Vec::with_capacity(snapshot.parts.len() + snapshot.segments.len());
    for part in &snapshot.parts {
        summaries.push(part.columns()?.1);
    }
    summaries.extend(snapshot.segments.iter().map(|entry| &entry.summary));
    Ok(Names { signal, summaries })
}
