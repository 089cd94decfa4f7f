//! `clewline demo`: an invented shop of twelve services that sends traces, correlated logs and metrics.
//!
//! Deterministic but for the clock: the same seed makes the same requests. The load swings by half over ten minutes
//! (a day in small), and now and then something breaks; what and when is said on stderr.

mod encode;
mod fault;
mod meters;
mod request;
mod system;
mod text;

use crate::error::CliError;
use crate::global::Global;
use crate::http::{NoAnswer, Server};
use crate::import::{Kind, grouped};
use crate::limits::RETRY_PAUSE_MAX;
use crate::load::random::Random;
use crate::machine;
use crate::retry::{Backoff, is_retryable};
use crate::terminal::{Style, Terminal, note};
use crate::time;
use fault::{Change, Schedule};
use meters::Meters;
use request::Trace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use system::{ENTRIES, Operation};

const EXAMPLES: &str = "\
Examples:
  clewline demo
  clewline demo --rate 100 --duration 5m
  clewline demo --otlp http://collector:4318 --seed 7

Runs until Ctrl-C. Meanwhile: clewline tail level:error
Exit codes: 0 ended, 1 refused, 2 usage, 3 no server.";

/// Time between two deliveries, and between two rounds of metrics.
const TICK: Duration = Duration::from_secs(1);
const METRICS_EVERY_TICKS: u64 = 10;
/// Length of the load's wave in seconds.
const WAVE_S: f64 = 600.0;

/// Arguments of `clewline demo`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Where to send: an OTLP/HTTP address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
    pub otlp: String,
    /// Traces a second, on average
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub rate: f64,
    /// How long: 90s, 5m, 1h [default: until Ctrl-C]
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// Seed of the invented requests
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Nothing breaks
    #[arg(long)]
    pub no_faults: bool,
}

/// Runs the shop.
pub(crate) fn run(args: DemoArgs, global: &Global) -> Result<(), CliError> {
    if !(args.rate > 0.0 && args.rate <= 100_000.0) {
        return Err(CliError::usage(
            format!("--rate {} is out of range", args.rate),
            "between 0 and 100000 traces a second",
        ));
    }
    let duration = match &args.duration {
        None => None,
        Some(text) => Some(Duration::from_secs(time::seconds_of(text).ok_or_else(|| {
            CliError::usage(format!("--duration {text} is not a stretch of time"), "a number and a unit: 90s, 5m, 1h")
        })?)),
    };
    let otlp = Server::at(&args.otlp, global.tenant.clone(), None)?;
    let stop = machine::stop_on_interrupt()?;
    otlp.must_answer()?;
    let stderr = Terminal::of_stderr(global);
    note(&stderr.paint(
        Style::Dim,
        &format!("12 services send about {} traces a second to {}; Ctrl-C ends it", args.rate, otlp.base()),
    ));
    let mut shop = Shop {
        random: Random::new(args.seed),
        schedule: Schedule::new(args.seed ^ 0x5eed),
        meters: Meters::default(),
        started: machine::monotonic(),
        started_ns: machine::now_ns(),
        sent: Sent::default(),
        otlp,
        stderr,
        args,
    };
    let result = shop.open(duration, &stop);
    let Sent { traces, spans, logs } = shop.sent;
    note(&format!("sent {} traces, {} spans, {} log records", grouped(traces), grouped(spans), grouped(logs)));
    result
}

#[derive(Debug, Default)]
struct Sent {
    traces: u64,
    spans: u64,
    logs: u64,
}

struct Shop {
    random: Random,
    schedule: Schedule,
    meters: Meters,
    started: Instant,
    started_ns: u64,
    sent: Sent,
    otlp: Server,
    stderr: Terminal,
    args: DemoArgs,
}

impl Shop {
    /// Serves visitors second by second until told to stop.
    fn open(&mut self, duration: Option<Duration>, stop: &AtomicBool) -> Result<(), CliError> {
        let mut tick = 0u64;
        while !stop.load(Ordering::Relaxed) {
            let second = self.started.elapsed().as_secs_f64();
            if duration.is_some_and(|duration| second >= duration.as_secs_f64()) {
                return Ok(());
            }
            self.announce(second);
            let traces = self.visitors(second);
            for trace in &traces {
                self.meters.observe(trace);
                self.sent.traces += 1;
                self.sent.spans += trace.spans.len() as u64;
                self.sent.logs += trace.logs.len() as u64;
            }
            if !traces.is_empty() {
                self.send(Kind::Traces, &encode::spans(&traces), stop)?;
                self.send(Kind::Logs, &encode::logs(&traces), stop)?;
            }
            tick += 1;
            if tick % METRICS_EVERY_TICKS == 1 {
                let period = if tick == 1 { 1.0 } else { METRICS_EVERY_TICKS as f64 };
                let body = self.meters.encode(self.started_ns, machine::now_ns(), period, &mut self.random);
                self.send(Kind::Metrics, &body, stop)?;
            }
            machine::sleep_until((self.started + TICK * tick as u32).max(machine::monotonic()), stop);
        }
        Ok(())
    }

    fn announce(&mut self, second: f64) {
        if self.args.no_faults {
            return;
        }
        match self.schedule.advance(second) {
            Some(Change::Begins(fault, seconds)) => {
                note(&self.stderr.paint(Style::Warn, &format!("fault begins, for {seconds} s: {}", fault.describe())));
            }
            Some(Change::Ends(fault)) => {
                note(&self.stderr.paint(Style::Good, &format!("fault is over: {}", fault.describe())));
            }
            None => {}
        }
    }

    /// The requests of one second, Poisson around the wave; they end spread over that second.
    fn visitors(&mut self, second: f64) -> Vec<Trace> {
        let rate = self.args.rate * (1.0 + 0.5 * (std::f64::consts::TAU * second / WAVE_S).sin());
        let fault = self.schedule.current().filter(|_| !self.args.no_faults);
        let now_ns = machine::now_ns();
        let mut traces = Vec::new();
        let mut at = self.random.exponential(1.0 / rate);
        while at < 1.0 {
            let entry = self.entry();
            let mut trace = Trace::simulate(entry, fault, &mut self.random);
            let end_ns = now_ns - 1_000_000_000 + (at * 1e9) as u64;
            trace.shift(end_ns - trace.length_ns());
            traces.push(trace);
            at += self.random.exponential(1.0 / rate);
        }
        traces
    }

    fn entry(&mut self) -> &'static Operation {
        let mut at = self.random.below(100);
        for (weight, operation) in &ENTRIES {
            if at < *weight {
                return operation;
            }
            at -= weight;
        }
        ENTRIES[0].1
    }

    /// Sends one body; a server that is away or busy is waited for, a refusal ends the demo.
    fn send(&self, kind: Kind, body: &[u8], stop: &AtomicBool) -> Result<(), CliError> {
        let mut backoff = Backoff::new(machine::now_ns());
        let headers = [("Content-Type", "application/x-protobuf")];
        let mut waited = false;
        loop {
            let reply = self.otlp.post_raw(kind.path(), &[], &headers, body);
            let (reason, retry_after) = match reply {
                Ok(reply) if reply.status == 200 => {
                    reply.drain();
                    return Ok(());
                }
                Ok(reply) if is_retryable(reply.status) => {
                    (format!("the server answered {}", reply.status), reply.retry_after())
                }
                Ok(reply) => return Err(reply.problem(None)),
                Err(NoAnswer { reason }) => (reason, None),
            };
            if !waited {
                waited = true;
                note(&self.stderr.paint(Style::Warn, &format!("waiting for {}: {reason}", self.otlp.base())));
            }
            let pause = backoff.pause(retry_after).min(RETRY_PAUSE_MAX);
            machine::sleep_until(machine::monotonic() + pause, stop);
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    use prost::Message;

    /// The official message types read what we write, and writing it again gives as many bytes: no field is unknown.
    #[test]
    fn the_official_decoder_agrees() {
        let mut random = Random::new(5);
        let traces: Vec<Trace> = (0..30)
            .map(|n| {
                let mut trace = Trace::simulate(ENTRIES[n % 6].1, Some(fault::Fault::InventoryExceptions), &mut random);
                trace.shift(1_000_000_000_000_000_000);
                trace
            })
            .collect();
        let body = encode::spans(&traces);
        let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
        assert_eq!(request.encoded_len(), body.len());
        let spans =
            request.resource_spans.iter().flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len());
        assert_eq!(spans.sum::<usize>(), traces.iter().map(|trace| trace.spans.len()).sum::<usize>());

        let body = encode::logs(&traces);
        let request = ExportLogsServiceRequest::decode(&body[..]).unwrap();
        assert_eq!(request.encoded_len(), body.len());

        let mut meters = Meters::default();
        traces.iter().for_each(|trace| meters.observe(trace));
        let body = meters.encode(1, 2, 10.0, &mut random);
        let request = ExportMetricsServiceRequest::decode(&body[..]).unwrap();
        assert_eq!(request.encoded_len(), body.len());
        let metrics: Vec<_> =
            request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics).collect();
        let counted: u64 = metrics
            .iter()
            .filter_map(|metric| match &metric.data {
                Some(Data::Histogram(histogram)) => {
                    Some(histogram.data_points.iter().map(|point| point.count).sum::<u64>())
                }
                _ => None,
            })
            .sum();
        let served = traces.iter().flat_map(|trace| &trace.spans);
        let served =
            served.filter(|(_, _, span)| matches!(span.kind, crate::otlp::Kind::Server | crate::otlp::Kind::Consumer));
        assert_eq!(counted, served.count() as u64);
    }
}
