//! Generates spans: traces of ten spans in OpenTelemetry semantic conventions, about twelve attributes each.
//!
//! Trace ids follow from seed and trace number, so that a later run can ask for one without having kept it.

use super::logs::SERVICES;
use crate::load::random::{Random, hex};
use crate::load::zipf::Zipf;
use crate::otlp::{Attribute, Event, Kind, Span, Value, Writer};
use serde_json::{Map, json};

/// Spans of one trace.
pub(crate) const SPANS_PER_TRACE: u64 = 10;
/// A value of `customer.tier` that occurs in one trace of five thousand (and in trace number 3).
pub(crate) const RARE_TIER: &str = "palladium";

const ROUTES: [(&str, &str); 8] = [
    ("GET", "/api/v1/orders/{id}"),
    ("POST", "/api/v1/orders"),
    ("GET", "/api/v2/products/{id}"),
    ("GET", "/api/v1/search"),
    ("POST", "/api/v1/cart/items"),
    ("GET", "/api/v1/users/me"),
    ("PUT", "/api/v1/profile"),
    ("POST", "/checkout"),
];
const STATEMENTS: [(&str, &str, &str); 6] = [
    ("SELECT", "orders", "SELECT id, state, total FROM orders WHERE customer_id = $1 ORDER BY created DESC LIMIT 50"),
    ("SELECT", "order_lines", "SELECT product_id, quantity, price FROM order_lines WHERE order_id = $1"),
    ("INSERT", "orders", "INSERT INTO orders (id, customer_id, total, currency) VALUES ($1, $2, $3, $4)"),
    ("UPDATE", "stock", "UPDATE stock SET reserved = reserved + $1 WHERE product_id = $2"),
    (
        "SELECT",
        "products",
        "SELECT id, name, price FROM products WHERE category = $1 AND active ORDER BY rank LIMIT 24",
    ),
    ("DELETE", "sessions", "DELETE FROM sessions WHERE expires < now() AND shard = $1"),
];
const METHODS: [(&str, &str); 5] = [
    ("shop.Cart", "GetCart"),
    ("shop.Catalog", "GetProduct"),
    ("shop.Payment", "Charge"),
    ("shop.Stock", "Reserve"),
    ("shop.Rates", "Convert"),
];
const TIERS: [&str; 3] = ["free", "silver", "gold"];

/// The id of a trace.
pub(crate) fn trace_id_of(seed: u64, trace: u64) -> [u8; 16] {
    Random::new(seed ^ trace.wrapping_mul(0x9e37_79b9_7f4a_7c15)).trace_id()
}

/// The generator.
pub(crate) struct Spans {
    seed: u64,
    random: Random,
    of_service: Zipf,
    trace: u64,
    traces: u64,
    start_ns: u64,
    period_ns: u64,
}

impl Spans {
    /// `count` spans (rounded up to whole traces) spread over the `period_ns` before `end_ns`.
    pub(crate) fn new(seed: u64, count: u64, end_ns: u64, period_ns: u64) -> Self {
        Spans {
            seed,
            random: Random::new(seed ^ 0x005e_ed05),
            of_service: Zipf::new(SERVICES.len(), 1.0),
            trace: 0,
            traces: count.div_ceil(SPANS_PER_TRACE),
            start_ns: end_ns.saturating_sub(period_ns),
            period_ns,
        }
    }

    /// The spans of the next trace with the index of their service; `None` after the last.
    pub(crate) fn trace(&mut self) -> Option<Vec<(usize, Span)>> {
        if self.trace == self.traces {
            return None;
        }
        let number = self.trace;
        self.trace += 1;
        let trace_id = trace_id_of(self.seed, number);
        let offset = (u128::from(self.period_ns) * u128::from(number) / u128::from(self.traces)) as u64;
        let failed = self.random.chance(0.03);
        let tier = if number % 5_000 == 3 { RARE_TIER } else { self.random.pick::<&str>(&TIERS) };
        let mut spans: Vec<(usize, Span)> = Vec::with_capacity(SPANS_PER_TRACE as usize);
        for index in 0..SPANS_PER_TRACE {
            // A parent is an earlier span that is no leaf; the root is a server span.
            let parent = (index > 0).then(|| spans[self.random.below(index.div_ceil(2)) as usize].clone());
            let span = self.span(index, number, trace_id, offset, parent.as_ref(), tier, failed && index % 4 == 0);
            spans.push(span);
        }
        Some(spans)
    }

    #[allow(clippy::too_many_arguments, reason = "what distinguishes one span of a trace from its siblings")]
    fn span(
        &mut self,
        index: u64,
        number: u64,
        trace_id: [u8; 16],
        offset_ns: u64,
        parent: Option<&(usize, Span)>,
        tier: &'static str,
        failed: bool,
    ) -> (usize, Span) {
        let service = self.of_service.draw(&mut self.random);
        let (start_ns, end_ns) = match parent {
            None => {
                let start_ns = self.start_ns + offset_ns;
                (start_ns, start_ns + (self.random.log_normal(80.0, 0.9) * 1e6) as u64)
            }
            Some((_, parent)) => {
                let length = parent.end_ns - parent.start_ns;
                let start = parent.start_ns + (length as f64 * 0.4 * self.random.unit()) as u64;
                (start, start + (length as f64 * 0.5 * self.random.unit()) as u64 + 1_000)
            }
        };
        let kind = match index {
            0 => Kind::Server,
            index if index % 3 == 0 => Kind::Server,
            index if index % 3 == 1 => Kind::Client,
            _ => Kind::Internal,
        };
        let (name, attributes) = self.shape(index, number, tier, failed);
        let message = "deadline exceeded while waiting for upstream".to_string();
        let event = |time_ns: u64| Event {
            time_ns,
            name: "exception",
            attributes: vec![
                ("exception.type", Value::Static("TimeoutError")),
                ("exception.message", Value::Text(message.clone())),
            ],
        };
        let events = if failed { vec![event(end_ns)] } else { vec![] };
        let span = Span {
            trace_id,
            span_id: self.random.span_id(),
            parent: parent.map(|(_, parent)| parent.span_id),
            name,
            kind,
            start_ns,
            end_ns,
            attributes,
            events,
            error: failed.then(|| message.clone()),
        };
        (service, span)
    }

    /// Name and about twelve attributes, by position: HTTP, database, gRPC in turn.
    fn shape(&mut self, index: u64, number: u64, tier: &'static str, failed: bool) -> (String, Vec<Attribute>) {
        let random = &mut self.random;
        let mut attributes: Vec<Attribute> = vec![
            ("thread.id", Value::Int(random.below(64) as i64)),
            ("thread.name", Value::Text(format!("worker-{}", random.below(16)))),
            ("server.address", Value::Text(format!("node-{:02}.internal", random.below(40)))),
            ("server.port", Value::Int(8_000 + random.below(10) as i64)),
            ("customer.tier", Value::Static(tier)),
        ];
        match index % 3 {
            0 => {
                let (method, route) = *random.pick(&ROUTES);
                attributes.extend([
                    ("http.request.method", Value::Static(method)),
                    ("http.route", Value::Static(route)),
                    ("url.path", Value::Text(route.replace("{id}", &(number % 90_000).to_string()))),
                    ("http.response.status_code", Value::Int(if failed { 500 } else { 200 })),
                    ("http.response.body.size", Value::Int(random.log_normal(9_000.0, 1.2) as i64)),
                    ("client.address", Value::Text(format!("10.0.{}.{}", random.below(256), random.below(256)))),
                    ("user_agent.original", Value::Static("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101")),
                ]);
                (format!("{method} {route}"), attributes)
            }
            1 => {
                let (operation, table, statement) = *random.pick(&STATEMENTS);
                attributes.extend([
                    ("db.system.name", Value::Static("postgresql")),
                    ("db.namespace", Value::Text(format!("shard{}", random.below(8)))),
                    ("db.operation.name", Value::Static(operation)),
                    ("db.collection.name", Value::Static(table)),
                    ("db.query.text", Value::Static(statement)),
                    ("db.response.returned_rows", Value::Int(random.below(50) as i64)),
                    ("network.transport", Value::Static("tcp")),
                ]);
                (format!("{operation} {table}"), attributes)
            }
            _ => {
                let (service, method) = *random.pick(&METHODS);
                attributes.extend([
                    ("rpc.system", Value::Static("grpc")),
                    ("rpc.service", Value::Static(service)),
                    ("rpc.method", Value::Static(method)),
                    ("rpc.grpc.status_code", Value::Int(if failed { 4 } else { 0 })),
                    ("network.peer.address", Value::Text(format!("10.1.{}.{}", random.below(4), random.below(256)))),
                    ("message.id", Value::Int(random.below(1_000_000) as i64)),
                ]);
                (format!("{service}/{method}"), attributes)
            }
        }
    }
}

/// One JSON object and a newline: what the OTLP request says of the span, for programs that do not take OTLP.
pub(crate) fn json_line(service: usize, span: &Span, out: &mut Vec<u8>) {
    let events: Vec<_> = span
        .events
        .iter()
        .map(|event| json!({ "time_ns": event.time_ns, "name": event.name, "attributes": object(&event.attributes) }))
        .collect();
    let line = json!({
        "start_ns": span.start_ns,
        "duration_ns": span.end_ns - span.start_ns,
        "service": SERVICES[service],
        "name": span.name,
        "kind": kind_text(span.kind),
        "status": if span.error.is_some() { "error" } else { "unset" },
        "status_message": span.error.as_deref().unwrap_or_default(),
        "trace_id": hex(&span.trace_id),
        "span_id": hex(&span.span_id),
        "parent_span_id": span.parent.map(|parent| hex(&parent)).unwrap_or_default(),
        "scope": SCOPE,
        "resource": object(&resource_of(service)),
        "attributes": object(&span.attributes),
        "events": events,
    });
    out.extend_from_slice(line.to_string().as_bytes());
    out.push(b'\n');
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Internal => "internal",
        Kind::Server => "server",
        Kind::Client => "client",
        Kind::Producer => "producer",
        Kind::Consumer => "consumer",
    }
}

fn object(attributes: &[Attribute]) -> Map<String, serde_json::Value> {
    let value = |value: &Value| match value {
        Value::Static(text) => json!(text),
        Value::Text(text) => json!(text),
        Value::Int(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Bool(truth) => json!(truth),
    };
    attributes.iter().map(|(name, attribute)| ((*name).to_string(), value(attribute))).collect()
}

/// Name of the instrumentation scope.
const SCOPE: &str = "bench";

fn resource_of(service: usize) -> [Attribute; 3] {
    [
        ("service.name", Value::Static(SERVICES[service])),
        ("service.version", Value::Static("1.4.2")),
        ("telemetry.sdk.language", Value::Static("rust")),
    ]
}

/// Traces as one OTLP request, one resource per service.
pub(crate) fn otlp(traces: &[Vec<(usize, Span)>]) -> Vec<u8> {
    let mut by_service: Vec<Vec<&Span>> = vec![Vec::new(); SERVICES.len()];
    for (service, span) in traces.iter().flatten() {
        by_service[*service].push(span);
    }
    let mut writer = Writer::default();
    for (service, spans) in by_service.iter().enumerate().filter(|(_, spans)| !spans.is_empty()) {
        writer.resource(&resource_of(service), SCOPE, |w| spans.iter().for_each(|span| w.span(span)));
    }
    writer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_trees_inside_their_parents_beginning() {
        let mut spans = Spans::new(1, 995, 10_000_000_000_000, 3_600_000_000_000);
        let traces: Vec<_> = std::iter::from_fn(|| spans.trace()).collect();
        assert_eq!(traces.len(), 100);
        for (number, trace) in traces.iter().enumerate() {
            assert_eq!(trace.len(), 10);
            for (index, (_, span)) in trace.iter().enumerate() {
                assert_eq!(span.trace_id, trace_id_of(1, number as u64));
                assert!(span.end_ns > span.start_ns);
                assert!((10..=13).contains(&span.attributes.len()));
                match span.parent {
                    None => assert_eq!(index, 0),
                    Some(parent) => assert!(trace[..index].iter().any(|(_, earlier)| earlier.span_id == parent)),
                }
            }
        }
        assert!(traces[3][0].1.attributes.contains(&("customer.tier", Value::Static(RARE_TIER))));
    }

    #[test]
    fn a_json_line_says_what_the_span_says() {
        let trace = Spans::new(1, 10, 10_000_000_000_000, 3_600_000_000_000).trace().unwrap();
        let mut lines = Vec::new();
        trace.iter().for_each(|(service, span)| json_line(*service, span, &mut lines));
        let lines: Vec<serde_json::Value> = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(lines.len(), trace.len());
        for (line, (service, span)) in lines.iter().zip(&trace) {
            assert_eq!(line["service"], SERVICES[*service]);
            assert_eq!(line["resource"]["service.name"], SERVICES[*service]);
            assert_eq!(line["start_ns"].as_u64(), Some(span.start_ns));
            assert_eq!(line["duration_ns"].as_u64(), Some(span.end_ns - span.start_ns));
            assert_eq!(line["attributes"].as_object().unwrap().len(), span.attributes.len());
            assert_eq!(line["parent_span_id"].as_str().unwrap().is_empty(), span.parent.is_none());
        }
        assert_eq!(lines[0]["kind"], "server");
        assert!(lines[0]["attributes"]["server.port"].is_u64());
    }

    #[test]
    fn trace_ids_differ() {
        let ids: std::collections::HashSet<_> = (0..1_000).map(|trace| trace_id_of(1, trace)).collect();
        assert_eq!(ids.len(), 1_000);
    }
}
