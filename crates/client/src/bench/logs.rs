//! Generates log records: Zipf services, varied templates, 30 % with trace ids; as JSON lines or OTLP.
//!
//! The same seed and count give the same records but for their times, which end at the given instant.

use super::spans::trace_id_of;
use super::templates::{Level, TEMPLATES};
use crate::load::random::{Random, hex};
use crate::load::zipf::Zipf;
use crate::otlp::{Attribute, Log, Value, Writer};
use crate::time;

/// Service names, the most frequent first.
pub(crate) const SERVICES: [&str; 20] = [
    "gateway",
    "auth",
    "cart",
    "orders",
    "payments",
    "catalog",
    "search",
    "pricing",
    "shipping",
    "mailer",
    "inventory",
    "recommender",
    "sessions",
    "scheduler",
    "warehouse",
    "ledger",
    "media",
    "webhooks",
    "config",
    "exporter",
];

/// A word that stands in one record of fifty thousand (and in the record number 10).
pub(crate) const RARE_WORD: &str = "quetzalcoatl";

const WORDS: [&str; 24] = [
    "alpha",
    "orders",
    "billing",
    "images",
    "reports",
    "metrics",
    "payments",
    "events",
    "audit",
    "profile",
    "catalog",
    "stock",
    "prices",
    "thumbnails",
    "invoices",
    "refunds",
    "sessions",
    "tokens",
    "webhooks",
    "exports",
    "imports",
    "ledger",
    "search",
    "mail",
];
const PATHS: [&str; 10] = [
    "/api/v1/orders",
    "/api/v1/cart/items",
    "/api/v2/products",
    "/login",
    "/api/v1/search",
    "/static/app.js",
    "/api/v1/users/me",
    "/checkout",
    "/api/v1/payments",
    "/healthz",
];
const METHODS: [&str; 5] = ["GET", "GET", "POST", "PUT", "DELETE"];
const STATUSES: [&str; 8] = ["200", "200", "200", "201", "304", "404", "500", "503"];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "CHF"];
const COUNTRIES: [&str; 6] = ["DE", "FR", "US", "SE", "IT", "PL"];
const REGIONS: [&str; 3] = ["eu-central", "eu-west", "us-east"];

/// A piece of a parsed template.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Text(&'static str),
    Variable(&'static str),
}

/// One generated record.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Index into [`SERVICES`].
    pub(crate) service: usize,
    level: Level,
    time_ns: u64,
    body: String,
    host: u64,
    thread: u64,
    region: &'static str,
    trace: Option<([u8; 16], [u8; 8])>,
}

/// The generator.
pub(crate) struct Logs {
    seed: u64,
    random: Random,
    templates: Vec<(Level, Vec<Piece>)>,
    of_service: Zipf,
    of_template: Zipf,
    number: u64,
    count: u64,
    start_ns: u64,
    period_ns: u64,
}

/// The trace that the log record `number` belongs to, where it has one: three of ten do.
pub(crate) fn trace_of_record(number: u64) -> Option<u64> {
    (number % 10 < 3).then_some(number / 10)
}

impl Logs {
    /// `count` records spread evenly over the `period_ns` before `end_ns`.
    pub(crate) fn new(seed: u64, count: u64, end_ns: u64, period_ns: u64) -> Self {
        Logs {
            seed,
            random: Random::new(seed),
            templates: TEMPLATES.iter().map(|(level, text)| (*level, parse(text))).collect(),
            of_service: Zipf::new(SERVICES.len(), 1.0),
            of_template: Zipf::new(TEMPLATES.len(), 0.8),
            number: 0,
            count,
            start_ns: end_ns.saturating_sub(period_ns),
            period_ns,
        }
    }

    /// The next record; `None` after the last.
    pub(crate) fn record(&mut self) -> Option<Record> {
        if self.number == self.count {
            return None;
        }
        let number = self.number;
        self.number += 1;
        let service = self.of_service.draw(&mut self.random);
        // Every service favours other templates.
        let template = (self.of_template.draw(&mut self.random) + service * 7) % self.templates.len();
        let (level, pieces) = &self.templates[template];
        let mut body = String::with_capacity(160);
        for piece in pieces {
            match piece {
                Piece::Text(text) => body.push_str(text),
                Piece::Variable(name) => variable(name, &mut self.random, &mut body),
            }
        }
        if number % 50_000 == 10 {
            body.push_str(", marker ");
            body.push_str(RARE_WORD);
        }
        let offset = (u128::from(self.period_ns) * u128::from(number) / u128::from(self.count.max(1))) as u64;
        let trace = trace_of_record(number).map(|trace| (trace_id_of(self.seed, trace), self.random.span_id()));
        Some(Record {
            service,
            level: *level,
            time_ns: self.start_ns + offset,
            body,
            host: self.random.below(40),
            thread: self.random.below(16),
            region: self.random.pick::<&str>(&REGIONS),
            trace,
        })
    }
}

/// One JSON object and a newline.
pub(crate) fn json_line(record: &Record, out: &mut Vec<u8>) {
    let (_, _, level) = severity(record.level);
    out.extend_from_slice(b"{\"time\":\"");
    out.extend_from_slice(time::rfc3339(record.time_ns).as_bytes());
    out.extend_from_slice(b"\",\"level\":\"");
    out.extend_from_slice(level.as_bytes());
    out.extend_from_slice(b"\",\"service\":\"");
    out.extend_from_slice(SERVICES[record.service].as_bytes());
    out.extend_from_slice(b"\",\"message\":\"");
    for byte in record.body.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    let rest = format!(
        "\",\"host\":\"node-{:02}\",\"thread\":\"worker-{}\",\"region\":\"{}\"",
        record.host, record.thread, record.region
    );
    out.extend_from_slice(rest.as_bytes());
    if let Some((trace_id, span_id)) = &record.trace {
        out.extend_from_slice(
            format!(",\"trace_id\":\"{}\",\"span_id\":\"{}\"", hex(trace_id), hex(span_id)).as_bytes(),
        );
    }
    out.extend_from_slice(b"}\n");
}

/// Records as one OTLP request, one resource per service.
pub(crate) fn otlp(records: Vec<Record>) -> Vec<u8> {
    let mut by_service: Vec<Vec<Log>> = vec![Vec::new(); SERVICES.len()];
    for record in records {
        let (number, text, _) = severity(record.level);
        let attributes: Vec<Attribute> = vec![
            ("host.name", Value::Text(format!("node-{:02}", record.host))),
            ("thread.name", Value::Text(format!("worker-{}", record.thread))),
            ("cloud.region", Value::Static(record.region)),
        ];
        by_service[record.service].push(Log {
            time_ns: record.time_ns,
            severity: number,
            severity_text: text,
            body: record.body,
            attributes,
            context: record.trace,
        });
    }
    let mut writer = Writer::default();
    for (service, logs) in by_service.iter().enumerate().filter(|(_, logs)| !logs.is_empty()) {
        let resource = [("service.name", Value::Static(SERVICES[service]))];
        writer.resource(&resource, "bench", |w| logs.iter().for_each(|log| w.log(log)));
    }
    writer.into_bytes()
}

fn severity(level: Level) -> (u8, &'static str, &'static str) {
    match level {
        Level::Debug => (5, "DEBUG", "debug"),
        Level::Info => (9, "INFO", "info"),
        Level::Warn => (13, "WARN", "warn"),
        Level::Error => (17, "ERROR", "error"),
    }
}

/// Text and `{variables}` of a template.
fn parse(text: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Variable(name));
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn variable(name: &str, random: &mut Random, out: &mut String) {
    let number = match name {
        "few" => 1 + random.below(6),
        "two" => 10 + random.below(50),
        "n" => random.below(250),
        "ms" => random.log_normal(30.0, 1.2) as u64,
        "port" => 1_024 + random.below(60_000),
        "gen" => random.below(1_000_000),
        "bytes" => random.log_normal(9_000.0, 1.5) as u64,
        "ip" => return out.push_str(&format!("10.{}.{}.{}", random.below(4), random.below(256), random.below(256))),
        "host" => return out.push_str(&format!("{}-{}.internal", random.pick::<&str>(&WORDS), random.below(12))),
        "uuid" => return out.push_str(&uuid(random)),
        "hex" => return out.push_str(&hex(&random.span_id()[..6])),
        "user" => return out.push_str(&format!("u{}", random.below(20_000))),
        "sku" => return out.push_str(&format!("SKU-{:05}", random.below(9_000))),
        "amount" => return out.push_str(&format!("{:.2}", random.log_normal(40.0, 0.9))),
        "word" => return out.push_str(random.pick::<&str>(&WORDS)),
        "path" => return out.push_str(random.pick::<&str>(&PATHS)),
        "method" => return out.push_str(random.pick::<&str>(&METHODS)),
        "status" => return out.push_str(random.pick::<&str>(&STATUSES)),
        "currency" => return out.push_str(random.pick::<&str>(&CURRENCIES)),
        "country" => return out.push_str(random.pick::<&str>(&COUNTRIES)),
        _ => 0,
    };
    out.push_str(&number.to_string());
}

fn uuid(random: &mut Random) -> String {
    let digits = hex(&random.trace_id());
    format!("{}-{}-4{}-a{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn records(count: u64) -> Vec<Record> {
        let mut logs = Logs::new(1, count, 10_000_000_000_000, 3_600_000_000_000);
        std::iter::from_fn(|| logs.record()).collect()
    }

    #[test]
    fn every_template_is_understood() {
        let known = [
            "few", "two", "n", "ms", "port", "gen", "bytes", "ip", "host", "uuid", "hex", "user", "sku", "amount",
            "word", "path", "method", "status", "currency", "country",
        ];
        assert!(TEMPLATES.len() >= 120, "{}", TEMPLATES.len());
        let distinct: HashSet<_> = TEMPLATES.iter().map(|(_, text)| text).collect();
        assert_eq!(distinct.len(), TEMPLATES.len());
        for (_, text) in &TEMPLATES {
            for piece in parse(text) {
                if let Piece::Variable(name) = piece {
                    assert!(known.contains(&name), "{name} in {text}");
                }
            }
        }
    }

    #[test]
    fn records_are_as_long_and_as_linked_as_promised() {
        let records = records(20_000);
        let mean = records.iter().map(|record| record.body.len()).sum::<usize>() / records.len();
        assert!((95..=130).contains(&mean), "{mean}");
        assert_eq!(records.iter().filter(|record| record.trace.is_some()).count(), 6_000);
        assert!(records.windows(2).all(|pair| pair[0].time_ns <= pair[1].time_ns));
        assert!(records[10].body.contains(RARE_WORD));
        let errors = records.iter().filter(|record| record.level == Level::Error).count();
        assert!((400..4_000).contains(&errors), "{errors}");
    }

    #[test]
    fn json_lines_are_json_and_repeat() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        records(500).iter().for_each(|record| json_line(record, &mut first));
        records(500).iter().for_each(|record| json_line(record, &mut second));
        assert_eq!(first, second);
        for line in first.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let value: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert!(value["time"].is_string() && value["message"].is_string());
        }
    }
}
