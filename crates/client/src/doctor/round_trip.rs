//! One log record and one span there, and back by search and by trace id.

use super::{Finding, Verdict};
use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;
use crate::load::random::{Random, hex};
use crate::machine;
use crate::otlp::{Kind, Log, Span, Value, Writer};
use crate::time;
use std::time::Duration;

/// How long a sent record may take to be found.
const FIND_TIMEOUT: Duration = Duration::from_secs(10);
const SERVICE: &str = "clewline-doctor";

/// Sends and looks.
pub(crate) fn run(server: &Server, otlp: Option<&str>, global: &Global) -> Result<Vec<Finding>, CliError> {
    let (host, _) = server.host_port();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let address = otlp.map_or_else(|| format!("http://{host}:4318"), String::from);
    let otlp = Server::at(&address, global.tenant.clone(), None)?;
    let mut random = Random::new(machine::now_ns());
    let (trace_id, span_id) = (random.trace_id(), random.span_id());
    let id = hex(&trace_id);
    let mut findings = Vec::new();
    let logs = send(&otlp, "/v1/logs", &log_request(trace_id, span_id, &id));
    let log_sent = logs.is_ok();
    findings.push(sent("one log record", &address, logs));
    let spans = send(&otlp, "/v1/traces", &span_request(trace_id, span_id));
    let span_sent = spans.is_ok();
    findings.push(sent("one span", &address, spans));
    if log_sent {
        let params =
            [("q", format!("service:{SERVICE} {id}")), ("start", "now-10m".to_string()), ("limit", "1".to_string())];
        findings.push(found("the log record, searched by its text", || {
            let reply = server.get("/api/v1/search", &params, Some("the doctor's search"))?;
            Ok(!reply.text()?.trim().is_empty())
        }));
    }
    if span_sent {
        let path = format!("/api/v1/traces/{id}");
        findings.push(found("the trace, by its id", || match server.get_raw(&path, &[], &[]) {
            Ok(reply) if reply.status == 200 => Ok(true),
            Ok(reply) if reply.status == 404 => Ok(false),
            Ok(reply) => Err(reply.problem(None)),
            Err(error) => Err(server.unreachable(error)),
        }));
    }
    Ok(findings)
}

fn send(otlp: &Server, path: &str, body: &[u8]) -> Result<(), String> {
    match otlp.post_raw(path, &[], &[("Content-Type", "application/x-protobuf")], body) {
        Ok(reply) if reply.status == 200 => Ok(()),
        Ok(reply) => Err(reply.problem(None).to_string()),
        Err(error) => Err(error.reason),
    }
}

fn sent(what: &str, address: &str, result: Result<(), String>) -> Finding {
    match result {
        Ok(()) => Finding::new(format!("sent {what} to {address}"), Verdict::Good),
        Err(reason) => Finding::new(
            format!("cannot send {what} to {address}: {reason}"),
            Verdict::Bad("name the right OTLP/HTTP address with --otlp URL (4318 by default; 4317 is gRPC)".into()),
        ),
    }
}

/// Repeats a look-up until it finds, fails or takes too long.
fn found(what: &str, look: impl Fn() -> Result<bool, CliError>) -> Finding {
    let started = machine::monotonic();
    loop {
        match look() {
            Ok(true) => {
                let took = time::duration(started.elapsed().as_nanos() as f64);
                return Finding::new(format!("found {what} after {took}"), Verdict::Good);
            }
            Err(error) => return Finding::new(format!("cannot look for {what}"), Verdict::Bad(error.to_string())),
            Ok(false) if started.elapsed() > FIND_TIMEOUT => {
                return Finding::new(
                    format!("did not find {what} within {} s", FIND_TIMEOUT.as_secs()),
                    Verdict::Bad(
                        "it was acknowledged, so it is stored: is the tenant the same, are both addresses one server?"
                            .into(),
                    ),
                );
            }
            Ok(false) => machine::sleep(Duration::from_millis(100)),
        }
    }
}

fn log_request(trace_id: [u8; 16], span_id: [u8; 8], id: &str) -> Vec<u8> {
    let log = Log {
        time_ns: machine::now_ns(),
        severity: 9,
        severity_text: "INFO",
        body: format!("test record of the doctor {id}"),
        attributes: vec![],
        context: Some((trace_id, span_id)),
    };
    let mut writer = Writer::default();
    writer.resource(&[("service.name", Value::Static(SERVICE))], SERVICE, |w| w.log(&log));
    writer.into_bytes()
}

fn span_request(trace_id: [u8; 16], span_id: [u8; 8]) -> Vec<u8> {
    let end_ns = machine::now_ns();
    let span = Span {
        trace_id,
        span_id,
        parent: None,
        name: "test of the doctor".into(),
        kind: Kind::Internal,
        start_ns: end_ns.saturating_sub(1_000_000),
        end_ns,
        attributes: vec![],
        events: vec![],
        error: None,
    };
    let mut writer = Writer::default();
    writer.resource(&[("service.name", Value::Static(SERVICE))], SERVICE, |w| w.span(&span));
    writer.into_bytes()
}
