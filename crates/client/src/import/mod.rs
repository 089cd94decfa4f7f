//! `clewline import`: files to the server, in batches, resumable, without duplicates.

mod chunk;
mod detect;
mod progress;
mod protobuf;
mod send;
mod source;
mod state;

use crate::command::Signal;
use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;
use crate::limits::REJECTIONS_SHOWN_MAX;
use crate::machine;
use crate::terminal::{Style, Terminal, escape, note};
use chunk::Chunk;
use detect::Content;
pub(crate) use progress::grouped;
use progress::{Progress, Totals};
use protobuf::Framing;
use send::{Delivery, Senders, Target};
use source::Source;
use state::{Position, State};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  clewline import app.jsonl
  clewline import /var/log/*.log.gz --service web
  clewline import traces.otlp.jsonl.zst
  clewline import spans.bin --format otlp-proto --signal spans
  kubectl logs deploy/cart | clewline import - --service cart
  clewline import app.jsonl --param time_field=when --param message_field=text

The format is recognised by content: OTLP JSON (one request a line, or one document),
OTLP protobuf (one message, length-delimited, or the collector's file exporter),
JSON lines, JSON array, text; each also gzip or zstd compressed.

An interrupted import continues where it stopped when the same command is run again;
sending a file twice stores it once while the server remembers its batches.
Exit codes: 0 all stored, 1 failed or records rejected, 2 usage, 3 no server.";

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ImportFormat {
    /// Recognise by content
    #[default]
    Auto,
    /// OTLP JSON, one request a line
    OtlpJson,
    /// OTLP protobuf, the file is one message
    OtlpProto,
    /// OTLP protobuf, a varint length before each message
    OtlpProtoDelimited,
    /// One JSON object a line
    Jsonl,
    /// Lines of text
    Text,
}

/// Arguments of `clewline import`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// Files; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What the files hold
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: ImportFormat,
    /// Service of records that name none
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Kind of telemetry of OTLP protobuf files that cannot be told apart
    #[arg(long, value_enum)]
    pub signal: Option<Signal>,
    /// Further ingest parameter, such as time_field=ts (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Requests in flight [default: 4; 1 for text, to keep its order]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub connections: Option<u16>,
    /// Seconds to repeat a request that the server cannot take
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub retry_for: u64,
    /// Where progress is kept [default: $XDG_STATE_HOME/clewline/import.json]
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Ignore kept progress and import from the beginning
    #[arg(long)]
    pub restart: bool,
}

/// Which OTLP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Metric points.
    Metrics,
}

impl Kind {
    /// Path of the OTLP/HTTP endpoint.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Kind::Traces => "/v1/traces",
            Kind::Logs => "/v1/logs",
            Kind::Metrics => "/v1/metrics",
        }
    }

    fn json_key(self) -> &'static str {
        match self {
            Kind::Traces => "resourceSpans",
            Kind::Logs => "resourceLogs",
            Kind::Metrics => "resourceMetrics",
        }
    }

    fn of(signal: Signal) -> Self {
        match signal {
            Signal::Logs => Kind::Logs,
            Signal::Spans => Kind::Traces,
            Signal::Metrics => Kind::Metrics,
        }
    }
}

/// Imports every file in turn.
pub(crate) fn run(args: ImportArgs, global: &Global) -> Result<(), CliError> {
    let params = params_of(&args)?;
    let server = Server::of(global)?;
    let stop = machine::stop_on_interrupt()?;
    server.must_answer()?;
    let store = server.get_json("/api/v1/status", &[]).ok();
    let store = store.as_ref().and_then(|status| status.get("store_id")).map(ToString::to_string).unwrap_or_default();
    let state_path = args.state.clone().or_else(|| global.state_dir.as_ref().map(|dir| dir.join("import.json")));
    let stderr = Terminal::of_stderr(global);
    let mut rejected = 0;
    for file in &args.files {
        let source = Source::open(file, machine::now_ns())?;
        let state = State::at(source.path.as_ref().and(state_path.clone()));
        let tenant = global.tenant.as_deref().unwrap_or_default();
        let key = format!("{} -> {} {tenant} {store} {params:?}", source.name_on_disk(), server.base());
        let target = Target {
            server: server.clone(),
            params: params.clone(),
            patience: Duration::from_secs(args.retry_for),
            fingerprint: source.identity.fingerprint,
            stop: Arc::clone(&stop),
        };
        rejected += Import { args: &args, target, state, key, stderr: stderr.clone() }.file(source)?;
    }
    if rejected > 0 {
        return Err(CliError::failed(format!("{} records were rejected", grouped(rejected))));
    }
    Ok(())
}

fn params_of(args: &ImportArgs) -> Result<Vec<(&'static str, String)>, CliError> {
    const KNOWN: [&str; 6] =
        ["time_field", "message_field", "level_field", "service_field", "trace_id_field", "service"];
    let mut params: Vec<(&'static str, String)> = Vec::new();
    params.extend(args.service.iter().map(|service| ("service", service.clone())));
    for param in &args.param {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let Some(known) = KNOWN.iter().find(|known| **known == name) else {
            return Err(CliError::usage(format!("unknown parameter {name}"), format!("known: {}", KNOWN.join(", "))));
        };
        params.push((known, value.to_string()));
    }
    Ok(params)
}

impl Source {
    fn name_on_disk(&self) -> String {
        self.path.as_ref().map_or_else(|| self.name.clone(), |path| path.display().to_string())
    }
}

/// One file on its way.
struct Import<'a> {
    args: &'a ImportArgs,
    target: Target,
    state: State,
    key: String,
    stderr: Terminal,
}

impl Import<'_> {
    /// Sends the file; returns how many records were rejected.
    fn file(&self, mut source: Source) -> Result<u64, CliError> {
        let content = content_of(self.args.format, source.content);
        let from = self.begin(&source);
        let connections = self.args.connections.map_or(if content == Content::Text { 1 } else { 4 }, usize::from);
        let mut senders = Senders::start(&self.target, connections)?;
        let progress = Progress::new(self.stderr.clone(), &source.name, source.identity.size);
        let mut ledger = Ledger::new(from, progress, self.stderr.clone());
        let (raw_read, identity) = (Arc::clone(&source.raw_read), source.identity.clone());
        let line_based = chunk::is_line_based(content);
        let reader = source.reader_from(if line_based { from.offset } else { 0 })?;
        let begin = if line_based { (from.offset, from.line) } else { (0, 1) };
        let mut sequence = 0;
        let mut saved = machine::monotonic();
        let read = chunk::cut(reader, content, self.args.signal.map(Kind::of), begin, &mut |chunk: Chunk| {
            if chunk.end <= from.offset {
                return Ok(true);
            }
            senders.send(sequence, chunk, || ledger.take_all(&senders, raw_read.load(Ordering::Relaxed)))?;
            sequence += 1;
            ledger.take_all(&senders, raw_read.load(Ordering::Relaxed));
            if saved.elapsed() > Duration::from_secs(1) {
                saved = machine::monotonic();
                self.state.save(&self.key, &identity, ledger.position)?;
            }
            Ok(ledger.failure.is_none() && !self.target.stop.load(Ordering::Relaxed))
        });
        self.drain(&mut senders, &mut ledger, raw_read.load(Ordering::Relaxed));
        let complete = read.is_ok() && ledger.failure.is_none() && !self.target.stop.load(Ordering::Relaxed);
        if complete {
            self.state.remove(&self.key)?;
        } else {
            self.state.save(&self.key, &identity, ledger.position)?;
        }
        ledger.finish();
        read?;
        match ledger.failure {
            Some(failure) => Err(failure),
            None if !complete => Err(CliError::failed_hint("interrupted", "run the same command again to continue")),
            None => Ok(ledger.totals.rejected),
        }
    }

    /// Where to begin; says so when it is not the beginning.
    fn begin(&self, source: &Source) -> Position {
        let start = Position { offset: 0, line: 1 };
        if self.args.restart {
            return start;
        }
        let Some(position) = self.state.position(&self.key, &source.identity) else { return start };
        if position.offset > 0 {
            let name = escape(&source.name);
            let text = format!("{name}: continuing at line {} (--restart begins anew)", grouped(position.line));
            note(&self.stderr.paint(Style::Dim, &text));
        }
        position
    }

    /// Waits for the requests in flight.
    fn drain(&self, senders: &mut Senders, ledger: &mut Ledger, raw: u64) {
        senders.close();
        loop {
            match senders.wait(Duration::from_millis(100)) {
                Some(delivery) => ledger.take(delivery),
                None if senders.ended() => break,
                None => {}
            }
            ledger.progress.update(raw, &ledger.totals);
        }
        ledger.take_all(senders, raw);
    }
}

/// The content to assume: what was asked for, with details filled in from what was recognised.
fn content_of(format: ImportFormat, recognised: Content) -> Content {
    match (format, recognised) {
        (ImportFormat::Auto, content) => content,
        (ImportFormat::OtlpJson, Content::OtlpDocument) => Content::OtlpDocument,
        (ImportFormat::OtlpJson, _) => Content::OtlpLines,
        (ImportFormat::OtlpProto, Content::OtlpProto(Framing::Whole, kind)) => Content::OtlpProto(Framing::Whole, kind),
        (ImportFormat::OtlpProto, _) => Content::OtlpProto(Framing::Whole, None),
        (ImportFormat::OtlpProtoDelimited, Content::OtlpProto(framing, kind)) if framing != Framing::Whole => {
            Content::OtlpProto(framing, kind)
        }
        (ImportFormat::OtlpProtoDelimited, _) => Content::OtlpProto(Framing::Varint, None),
        (ImportFormat::Jsonl, Content::JsonArray) => Content::JsonArray,
        (ImportFormat::Jsonl, _) => Content::JsonLines,
        (ImportFormat::Text, _) => Content::Text,
    }
}

/// What has been acknowledged: totals, and the position before which nothing is missing.
struct Ledger {
    totals: Totals,
    position: Position,
    failure: Option<CliError>,
    next: u64,
    ahead: BTreeMap<u64, Position>,
    progress: Progress,
    stderr: Terminal,
    shown: usize,
}

impl Ledger {
    fn new(position: Position, progress: Progress, stderr: Terminal) -> Self {
        Ledger {
            totals: Totals::default(),
            position,
            failure: None,
            next: 0,
            ahead: BTreeMap::new(),
            progress,
            stderr,
            shown: 0,
        }
    }

    fn take_all(&mut self, senders: &Senders, raw: u64) {
        for delivery in senders.finished() {
            self.take(delivery);
        }
        self.progress.update(raw, &self.totals);
    }

    fn take(&mut self, delivery: Delivery) {
        let chunk = delivery.chunk;
        let receipt = match delivery.result {
            Ok(receipt) => receipt,
            Err(error) => {
                self.failure.get_or_insert(error);
                return;
            }
        };
        self.totals.bytes += delivery.bytes;
        self.totals.counts_lines |= receipt.accepted.is_none();
        self.totals.records += receipt.accepted.unwrap_or(chunk.lines - chunk.refused.len() as u64);
        self.totals.rejected += receipt.rejected + chunk.refused.len() as u64;
        for (line, message) in &chunk.refused {
            self.show(&format!("line {line}"), message);
        }
        for (line, message) in &receipt.errors {
            let place = line.map_or_else(
                || format!("lines {} to {}", chunk.first_line, chunk.first_line + chunk.lines.saturating_sub(1)),
                |line| format!("line {line}"),
            );
            self.show(&place, message);
        }
        self.ahead.insert(delivery.sequence, Position { offset: chunk.end, line: chunk.first_line + chunk.lines });
        while let Some(position) = self.ahead.remove(&self.next) {
            self.position = position;
            self.next += 1;
        }
    }

    fn show(&mut self, place: &str, message: &str) {
        self.shown += 1;
        match self.shown {
            shown if shown <= REJECTIONS_SHOWN_MAX => {
                note(&format!("{} {place}: {}", self.stderr.paint(Style::Error, "rejected"), escape(message)));
            }
            shown if shown == REJECTIONS_SHOWN_MAX + 1 => note("further rejections are only counted"),
            _ => {}
        }
    }

    fn finish(&mut self) {
        self.progress.finish(&self.totals);
    }
}

#[cfg(test)]
mod tests;
