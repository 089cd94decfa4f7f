//! A store with known records, and short ways to ask it.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clewline_env::Env;
use clewline_model::attributes::Value;
use clewline_model::batch::{Batch, LogRecord, SpanRecord};
use clewline_model::signal::Signal;
use clewline_query::{Answer, Engine, EngineSettings, QueryError, SearchRequest};
use clewline_store::{Ingest, Store, StoreSettings};
use futures::StreamExt;

pub(crate) const T0: i64 = 1_780_000_000_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;

pub(crate) struct Fixture {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<Store>,
    _folder: tempfile::TempDir,
}

/// Where the records are when a question is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    Memory,
    Segments,
    Both,
}

pub(crate) const PLACES: [Place; 3] = [Place::Memory, Place::Segments, Place::Both];

impl Fixture {
    pub(crate) fn empty() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::system();
        let clock = Arc::clone(&env.clock);
        let store = Store::open(env, StoreSettings::new(folder.path())).unwrap();
        let settings = EngineSettings {
            memory_bytes_per_query: 256 << 20,
            timeout: Duration::from_secs(30),
            concurrent_max: 4,
            threads: 2,
        };
        let engine = Arc::new(Engine::new(Arc::clone(&store), clock, settings).unwrap());
        Fixture { engine, store, _folder: folder }
    }

    /// 1,000 logs in ten batches and 40 traces of five spans.
    pub(crate) async fn filled(place: Place) -> Fixture {
        let fixture = Fixture::empty();
        for batch in 0..10 {
            fixture.ingest("default", logs(batch)).await;
            if batch == 4 && place == Place::Both {
                fixture.store.flush().unwrap();
            }
        }
        fixture.ingest("default", spans()).await;
        fixture.ingest("other", logs(99)).await;
        if place == Place::Segments {
            fixture.store.flush().unwrap();
        }
        fixture
    }

    pub(crate) async fn ingest(&self, tenant: &str, batch: Batch) {
        let request = Ingest { tenant: tenant.into(), batch, identity: None, rejected: 0, door: "test" };
        self.store.ingest(request).await.unwrap();
    }

    pub(crate) async fn search(&self, signal: Signal, query: &str) -> Vec<String> {
        let request = SearchRequest { limit: Some(10_000), ..request(signal, query) };
        lines(self.engine.search(request).await.unwrap()).await
    }

    /// Number of logs a filter finds.
    pub(crate) async fn count(&self, query: &str) -> usize {
        let rows = self.search(Signal::Logs, query).await.len();
        let counted = self.search(Signal::Logs, &format!("{query} | stats count() as n")).await;
        assert_eq!(counted, [rows.to_string()], "the engine and the search disagree about `{query}`");
        rows
    }

    pub(crate) async fn sql(&self, text: &str) -> Result<Vec<String>, QueryError> {
        Ok(lines(self.engine.sql("default", text).await?).await)
    }
}

pub(crate) fn request(signal: Signal, query: &str) -> SearchRequest {
    SearchRequest {
        tenant: "default".into(),
        signal,
        query: query.into(),
        start: None,
        end: None,
        limit: None,
        cursor: None,
        ascending: false,
    }
}

/// Rows as texts, columns separated by `|`.
pub(crate) async fn lines(mut answer: Answer) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(batch) = answer.batches.next().await {
        add_lines(&batch.unwrap(), &mut lines);
    }
    lines
}

fn add_lines(batch: &RecordBatch, lines: &mut Vec<String>) {
    let options = FormatOptions::new();
    let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
    for row in 0..batch.num_rows() {
        lines.push(columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join("|"));
    }
}

fn logs(number: i64) -> Batch {
    let mut batch = Batch::new(Signal::Logs);
    batch.resource_attribute("service.name", Value::Text("shop"));
    batch.resource_attribute("host.arch", Value::Text("amd64"));
    let resource = batch.end_resource();
    for i in 0..100 {
        let n = number * 100 + i;
        batch.attribute("n", Value::Int(n));
        batch.attribute("http.method", Value::Text(if n % 3 == 0 { "GET" } else { "POST" }));
        batch.attribute("latency", Value::Double(n as f64 / 2.0));
        batch.attribute("ok", Value::Bool(n % 2 == 0));
        if n % 250 == 7 {
            batch.attribute("rare.key", Value::Text("needle-in-haystack"));
        }
        // One name, two types: nothing may get lost.
        batch.attribute("mixed", if n % 4 == 0 { Value::Text("four") } else { Value::Int(n) });
        batch.attribute("client", Value::Text(if n % 5 == 0 { "10.0.0.7" } else { "192.168.1.9" }));
        let body = match n % 4 {
            0 => format!("Order {n} placed by user {}", n * 7),
            1 => format!("connection refused to db-{}", n % 9),
            2 => format!("支付失败，订单号 {n}"),
            _ => format!("GET /api/v1/items/{n} took {}ms", n % 100),
        };
        let error = n % 10 == 1;
        let record = LogRecord {
            time: T0 + (n % 500) * SECOND,
            service: if n % 2 == 0 { "shop" } else { "cart" },
            level: if error { "error" } else { "info" },
            severity_number: if error { 17 } else { 9 },
            body: &body,
            trace_id: if n % 10 == 0 { [u8::try_from(n / 10 % 40).unwrap() + 1; 16] } else { [0; 16] },
            ..LogRecord::default()
        };
        batch.push_log(resource, 0, &record);
    }
    batch
}

fn spans() -> Batch {
    let mut batch = Batch::new(Signal::Spans);
    batch.resource_attribute("service.name", Value::Text("shop"));
    let resource = batch.end_resource();
    for trace in 0..40u8 {
        for span in 0..5u8 {
            batch.attribute("http.route", Value::Text("/cart"));
            let start = T0 + i64::from(trace) * SECOND + i64::from(span) * 1_000_000;
            let record = SpanRecord {
                time: start,
                duration_ns: i64::from(span + 1) * 1_000_000,
                service: if span == 0 { "shop" } else { "db" },
                name: if span == 0 { "GET /cart" } else { "SELECT" },
                kind: "server",
                status: if trace % 8 == 0 && span == 4 { "error" } else { "unset" },
                trace_id: [trace + 1; 16],
                span_id: [span + 1; 8],
                parent_span_id: if span == 0 { [0; 8] } else { [1; 8] },
                events: r#"[{"time_ns":1780000000000000001,"name":"exception"}]"#,
                ..SpanRecord::default()
            };
            batch.push_span(resource, 0, &record);
        }
    }
    batch
}
