//! `clewline serve`: the composition root. Environment, store, engine, server; started in this order, stopped in reverse.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clewline_env::Env;
use clewline_query::{Engine, EngineSettings};
use clewline_server::{Server, ServerSettings};
use clewline_store::retention::Retention;
use clewline_store::{Store, StoreSettings};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::settings::load::Settings;
use crate::settings::value::Value;

/// Serves until the process is asked to stop.
///
/// # Errors
/// What kept it from starting, or from ending cleanly.
pub(crate) fn serve(env: &Env, settings: &Settings) -> Result<(), String> {
    let folder = absolute(&settings.text("data.folder"));
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let runtime = runtime().map_err(|error| text(&error))?;
    let store = Store::open(env.clone(), store_settings(settings, &folder))
        .map_err(|error| format!("data.folder: {}: {error}", folder.display()))?;
    let engine = Engine::new(Arc::clone(&store), Arc::clone(&env.clock), engine_settings(settings));
    let engine = Arc::new(engine.map_err(|error| text(&error))?);
    let served = runtime.block_on(async {
        let server_settings = server_settings(settings, &folder);
        let server = Server::start(env.clone(), Arc::clone(&store), Arc::clone(&engine), server_settings).await;
        let server = server.map_err(|error| text(&error))?;
        banner(&server, &folder);
        let signalled = wait_for_signal().await;
        say("clewline: stopping");
        server.stop(clewline_server::limits::STOP_DEADLINE).await;
        signalled
    });
    drop(engine);
    let closed = store.close().map_err(|error| text(&error));
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.and(closed)
}

/// Threads for connections. Deep questions are planned on them: their stacks are larger than usual, which costs address
/// space, not memory.
fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().thread_name("server").thread_stack_size(16 << 20).enable_all().build()
}

async fn wait_for_signal() -> Result<(), String> {
    let watch = |kind| signal(kind).map_err(|error| format!("signals cannot be watched: {error}"));
    let (mut terminate, mut interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn store_settings(settings: &Settings, folder: &Path) -> StoreSettings {
    StoreSettings {
        fsync: settings.flag("wal.fsync"),
        flush_bytes: settings.number("wal.flush_bytes"),
        flush_age_s: settings.number("wal.flush_age_s"),
        memory_bytes_max: settings.number("storage.memory_bytes_max"),
        free_bytes_min: settings.number("storage.free_bytes_min"),
        retention: retention(settings),
        dedupe_window: Duration::from_secs(settings.number("dedupe.window_s")),
        ..StoreSettings::new(folder)
    }
}

fn retention(settings: &Settings) -> Retention {
    let seconds = |age: Option<u64>| age.map(Duration::from_secs);
    let mut retention = Retention::default();
    for signal in ["logs", "spans", "metrics"] {
        if let Some(bounds) = retention.signal_mut(signal) {
            bounds.age = seconds(settings.age(&format!("retention.{signal}")));
            bounds.bytes_max = settings.limit(&format!("retention.{signal}_bytes_max"));
        }
    }
    for rule in settings.rules("retention.tenants") {
        match (retention.tenant_mut(&rule.tenant, rule.signal), &rule.bound) {
            (Some(own), Value::Age(age)) => own.age = Some(seconds(*age)),
            (Some(own), Value::Limit(bytes)) => own.bytes_max = Some(*bytes),
            _ => {}
        }
    }
    retention
}

fn engine_settings(settings: &Settings) -> EngineSettings {
    let cores = || std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
    EngineSettings {
        memory_bytes_per_query: settings.size("query.memory_bytes_max"),
        timeout: Duration::from_secs(settings.number("query.timeout_s")),
        concurrent_max: settings.size("query.concurrent_max"),
        threads: Some(settings.size("query.threads")).filter(|threads| *threads > 0).unwrap_or_else(cores),
    }
}

fn server_settings(settings: &Settings, folder: &Path) -> ServerSettings {
    ServerSettings {
        http: settings.text("listen.http"),
        otlp_grpc: settings.text("listen.otlp_grpc"),
        otlp_http: settings.text("listen.otlp_http"),
        raw_tcp: settings.text("listen.raw_tcp"),
        raw_udp: settings.text("listen.raw_udp"),
        syslog: settings.text("listen.syslog"),
        connections_max: settings.size("listen.connections_max"),
        body_bytes_max: settings.size("ingest.body_bytes_max"),
        in_flight_bytes_max: settings.size("ingest.requests_in_flight_bytes_max"),
        tenant_default: settings.text("tenant.default").into(),
        data_folder: folder.display().to_string(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn absolute(folder: &str) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| PathBuf::from(folder))
}

/// Says where the page is, where to send data, and where the data goes.
fn banner(server: &Server, folder: &Path) {
    let address = |name: &str| {
        let mut address = server.address(name)?;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        Some(address.to_string())
    };
    say(&format!("clewline {}", env!("CARGO_PKG_VERSION")));
    for (title, name, prefix) in [
        ("page and API", "http", "http://"),
        ("OTLP over gRPC", "otlp_grpc", "http://"),
        ("OTLP over HTTP", "otlp_http", "http://"),
        ("lines over TCP", "raw_tcp", ""),
        ("lines over UDP", "raw_udp", ""),
        ("syslog", "syslog_udp", ""),
    ] {
        if let Some(address) = address(name) {
            say(&format!("  {title:<15} {prefix}{address}"));
        }
    }
    say(&format!("  {:<15} {}", "data", folder.display()));
    if server.listeners().iter().any(|listening| !listening.address.ip().is_loopback()) {
        say("  note: some addresses are open to the network, and there is no password yet");
    }
    say("  try             clewline demo   or   clewline tail   (Ctrl+C stops)");
}

#[allow(clippy::print_stderr, reason = "the banner is for the person who started the server")]
fn say(line: &str) {
    eprintln!("{line}");
}
