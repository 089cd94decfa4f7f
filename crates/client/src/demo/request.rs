//! One visitor's request, simulated: spans of every service it touches and the log records they write.
//!
//! Times are milliseconds since the request began; [`Trace::shift`] places it on the clock.

use super::fault::Fault;
use super::system::{Offer, Operation, SERVICES, Step};
use super::text::{Subject, fill};
use crate::load::random::Random;
use crate::otlp::{Attribute, Event, Kind, Log, Span, Value};

/// A finished request. Spans and logs carry the index of their service and the instance (0 or 1).
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// Spans; times are nanoseconds since the request began until shifted.
    pub(crate) spans: Vec<(usize, u64, Span)>,
    /// Log records.
    pub(crate) logs: Vec<(usize, u64, Log)>,
}

impl Trace {
    /// Simulates one request that enters at `entry`.
    pub(crate) fn simulate(entry: &Operation, fault: Option<Fault>, random: &mut Random) -> Self {
        let subject = Subject::new(random);
        let trace_id = random.trace_id();
        let mut simulation = Simulation { trace: Trace::default(), trace_id, subject, fault, random };
        simulation.operation(entry, None, 0.0);
        simulation.trace
    }

    /// Milliseconds from its beginning to its last end.
    pub(crate) fn length_ns(&self) -> u64 {
        self.spans.iter().map(|(_, _, span)| span.end_ns).max().unwrap_or(0)
    }

    /// Moves all times by `start_ns`.
    pub(crate) fn shift(&mut self, start_ns: u64) {
        for (_, _, span) in &mut self.spans {
            span.start_ns += start_ns;
            span.end_ns += start_ns;
            span.events.iter_mut().for_each(|event| event.time_ns += start_ns);
        }
        self.logs.iter_mut().for_each(|(_, _, log)| log.time_ns += start_ns);
    }
}

/// How an operation or call ended.
struct Done {
    end_ms: f64,
    error: Option<String>,
}

/// Who does a step.
#[derive(Clone, Copy)]
struct Caller {
    service: usize,
    instance: u64,
    span_id: [u8; 8],
}

struct Simulation<'a> {
    trace: Trace,
    trace_id: [u8; 16],
    subject: Subject,
    fault: Option<Fault>,
    random: &'a mut Random,
}

fn ns(ms: f64) -> u64 {
    (ms * 1e6) as u64
}

impl Simulation<'_> {
    fn operation(&mut self, op: &Operation, parent: Option<[u8; 8]>, start_ms: f64) -> Done {
        let caller = Caller { service: op.service, instance: self.random.below(2), span_id: self.random.span_id() };
        let own_ms = self.random.log_normal(op.own_ms, 0.4);
        let mut at_ms = start_ms + own_ms * 0.3;
        let mut events = Vec::new();
        let mut error = self.throws(op, at_ms, &mut events);
        let mut published = Vec::new();
        for step in op.steps {
            if error.is_some() {
                break;
            }
            let done = self.step(step, caller, at_ms, &mut published);
            at_ms = done.end_ms + self.random.exponential(0.1);
            error = done.error;
        }
        let end_ms = at_ms + own_ms * 0.7;
        for (consumer, producer) in published {
            let lag_ms = self.random.log_normal(15.0, 0.7);
            self.operation(consumer, Some(producer), end_ms + lag_ms);
        }
        self.speak(op, caller, start_ms, end_ms, error.as_deref());
        let kind = if matches!(op.offer, Offer::Topic(_)) { Kind::Consumer } else { Kind::Server };
        let attributes = self.offer_attributes(op, error.is_some());
        self.push(caller, parent, op.name(), kind, (start_ms, end_ms), attributes, events, error.clone());
        Done { end_ms, error }
    }

    fn step(
        &mut self,
        step: &Step,
        caller: Caller,
        at_ms: f64,
        published: &mut Vec<(&'static Operation, [u8; 8])>,
    ) -> Done {
        match *step {
            Step::Call(op) => self.call(op, caller, at_ms),
            Step::Try(op) => {
                let done = self.call(op, caller, at_ms);
                if let Some(error) = &done.error {
                    let text = format!("going on without {}: {error}", op.name());
                    self.log(
                        caller,
                        done.end_ms,
                        13,
                        text,
                        vec![("peer.service", Value::Static(SERVICES[op.service].0))],
                    );
                }
                Done { error: None, ..done }
            }
            Step::Each(op, from, to) => {
                let mut done = Done { end_ms: at_ms, error: None };
                for _ in 0..from + self.random.below(to - from + 1) {
                    if done.error.is_none() {
                        done = self.call(op, caller, done.end_ms);
                    }
                }
                done
            }
            Step::Together(ops) => {
                let all: Vec<Done> = ops.iter().map(|op| self.call(op, caller, at_ms)).collect();
                let end_ms = all.iter().map(|done| done.end_ms).fold(at_ms, f64::max);
                Done { end_ms, error: all.into_iter().find_map(|done| done.error) }
            }
            Step::Store(system, operation, collection, statement, median_ms) => {
                self.store((system, operation, collection, statement), median_ms, caller, at_ms)
            }
            Step::Sometimes(chance, step) => {
                if self.random.chance(chance) {
                    self.step(step, caller, at_ms, published)
                } else {
                    Done { end_ms: at_ms, error: None }
                }
            }
            Step::Publish(topic, consumer) => self.publish(topic, consumer, caller, at_ms, published),
            Step::Inside(name, median_ms) => self.inside(name, median_ms, caller, at_ms),
        }
    }

    /// A client span around the other side's server span.
    fn call(&mut self, op: &Operation, caller: Caller, at_ms: f64) -> Done {
        let span_id = self.random.span_id();
        let there_ms = 0.1 + self.random.exponential(0.3);
        let done = self.operation(op, Some(span_id), at_ms + there_ms);
        let end_ms = done.end_ms + 0.1 + self.random.exponential(0.3);
        let mut attributes = vec![("server.address", Value::Text(format!("{}.shop.svc", SERVICES[op.service].0)))];
        attributes.extend(self.offer_attributes(op, done.error.is_some()));
        let client = Caller { span_id, ..caller };
        let name = match op.offer {
            Offer::Http(method, _) => method.to_string(),
            _ => op.name(),
        };
        let parent = Some(caller.span_id);
        self.push(client, parent, name, Kind::Client, (at_ms, end_ms), attributes, vec![], done.error.clone());
        Done { end_ms, error: done.error }
    }

    fn store(
        &mut self,
        (system, operation, collection, statement): (&'static str, &'static str, &'static str, &'static str),
        median_ms: f64,
        caller: Caller,
        at_ms: f64,
    ) -> Done {
        let slow =
            self.fault == Some(Fault::SlowCatalog) && SERVICES[caller.service].0 == "catalog" && operation == "SELECT";
        let took_ms = self.random.log_normal(median_ms, 0.5) * if slow { 20.0 } else { 1.0 };
        let end_ms = at_ms + took_ms;
        if took_ms > 150.0 {
            let text = format!("slow query on {collection}: {took_ms:.0} ms, {statement}");
            self.log(caller, end_ms, 13, text, vec![("db.system.name", Value::Static(system))]);
        }
        let attributes = vec![
            ("db.system.name", Value::Static(system)),
            ("db.operation.name", Value::Static(operation)),
            ("db.collection.name", Value::Static(collection)),
            ("db.query.text", Value::Static(statement)),
            ("server.address", Value::Text(format!("{system}.shop.svc"))),
            ("db.response.returned_rows", Value::Int(self.random.below(24) as i64)),
        ];
        let client = Caller { span_id: self.random.span_id(), ..caller };
        let name = format!("{operation} {collection}");
        self.push(client, Some(caller.span_id), name, Kind::Client, (at_ms, end_ms), attributes, vec![], None);
        Done { end_ms, error: None }
    }

    fn publish(
        &mut self,
        topic: &'static str,
        consumer: &'static Operation,
        caller: Caller,
        at_ms: f64,
        published: &mut Vec<(&'static Operation, [u8; 8])>,
    ) -> Done {
        let producer = Caller { span_id: self.random.span_id(), ..caller };
        let end_ms = at_ms + self.random.log_normal(1.5, 0.5);
        let attributes = vec![
            ("messaging.system", Value::Static("kafka")),
            ("messaging.operation.type", Value::Static("send")),
            ("messaging.destination.name", Value::Static(topic)),
            ("messaging.destination.partition.id", Value::Text(self.random.below(6).to_string())),
            ("messaging.message.body.size", Value::Int(200 + self.random.below(900) as i64)),
        ];
        published.push((consumer, producer.span_id));
        let name = format!("send {topic}");
        self.push(producer, Some(caller.span_id), name, Kind::Producer, (at_ms, end_ms), attributes, vec![], None);
        Done { end_ms, error: None }
    }

    fn inside(&mut self, name: &'static str, median_ms: f64, caller: Caller, at_ms: f64) -> Done {
        let outside = name.starts_with("POST ");
        let slow = outside && self.fault == Some(Fault::SlowPayment);
        let took_ms = self.random.log_normal(median_ms, 0.4) * if slow { 25.0 } else { 1.0 };
        let timed_out = slow && took_ms > 1_500.0;
        let end_ms = at_ms + took_ms.min(2_000.0);
        let error = timed_out.then(|| "deadline of 2 s exceeded while waiting for the acquirer".to_string());
        let span = Caller { span_id: self.random.span_id(), ..caller };
        let (kind, attributes): (Kind, Vec<Attribute>) = if outside {
            let status = if timed_out { 504 } else { 200 };
            (
                Kind::Client,
                vec![
                    ("http.request.method", Value::Static("POST")),
                    ("server.address", Value::Static("acquirer.example")),
                    ("url.full", Value::Static("https://acquirer.example/charges")),
                    ("http.response.status_code", Value::Int(status)),
                ],
            )
        } else {
            (Kind::Internal, vec![])
        };
        let short = if outside { "POST" } else { name };
        self.push(span, Some(caller.span_id), short.into(), kind, (at_ms, end_ms), attributes, vec![], error.clone());
        Done { end_ms, error }
    }

    /// The exception of a bad inventory release, as event and as log record.
    fn throws(&mut self, op: &Operation, at_ms: f64, events: &mut Vec<Event>) -> Option<String> {
        let inventory = SERVICES[op.service].0 == "inventory";
        let chance = if inventory && self.fault == Some(Fault::InventoryExceptions) { 0.35 } else { 0.001 };
        if !self.random.chance(chance) {
            return None;
        }
        let (kind, message) = if inventory {
            (
                "java.lang.NullPointerException",
                format!("Cannot invoke \"Shelf.row()\" because \"shelf\" is null for product {}", self.subject.product),
            )
        } else {
            ("ConnectionResetError", format!("connection reset by peer after {} ms", self.random.below(900)))
        };
        let stack = "at shop.inventory.Shelves.find(Shelves.java:88)\n\tat shop.inventory.Stock.get(Stock.java:41)\n\tat shop.inventory.Server.handle(Server.java:17)";
        events.push(Event {
            time_ns: ns(at_ms),
            name: "exception",
            attributes: vec![
                ("exception.type", Value::Static(kind)),
                ("exception.message", Value::Text(message.clone())),
                ("exception.stacktrace", Value::Text(format!("{kind}: {message}\n\t{stack}"))),
            ],
        });
        Some(format!("{kind}: {message}"))
    }

    /// The log records of a finished operation.
    fn speak(&mut self, op: &Operation, caller: Caller, start_ms: f64, end_ms: f64, error: Option<&str>) {
        if let Some(error) = error {
            let text = format!("{} failed after {:.0} ms: {error}", op.name(), end_ms - start_ms);
            let attributes = vec![("error.type", Value::Text(error.split(':').next().unwrap_or("error").to_string()))];
            return self.log(caller, end_ms, 17, text, attributes);
        }
        for (chance, severity, template) in op.says {
            if self.random.chance(*chance) {
                let text = fill(template, &self.subject, end_ms - start_ms, self.random);
                let attributes = vec![("user.id", Value::Text(self.subject.user.clone()))];
                self.log(caller, end_ms, *severity, text, attributes);
            }
        }
    }

    fn log(&mut self, caller: Caller, at_ms: f64, severity: u8, body: String, attributes: Vec<Attribute>) {
        let severity_text = match severity {
            0..=8 => "DEBUG",
            9..=12 => "INFO",
            13..=16 => "WARN",
            _ => "ERROR",
        };
        let context = Some((self.trace_id, caller.span_id));
        let log = Log { time_ns: ns(at_ms), severity, severity_text, body, attributes, context };
        self.trace.logs.push((caller.service, caller.instance, log));
    }

    fn offer_attributes(&mut self, op: &Operation, failed: bool) -> Vec<Attribute> {
        match op.offer {
            Offer::Http(method, route) => vec![
                ("http.request.method", Value::Static(method)),
                ("http.route", Value::Static(route)),
                ("url.path", Value::Text(route.replace("{id}", &self.subject.product))),
                ("http.response.status_code", Value::Int(if failed { 500 } else { 200 })),
                ("user.id", Value::Text(self.subject.user.clone())),
                ("network.protocol.version", Value::Static("1.1")),
                ("session.returning", Value::Bool(self.subject.order.is_multiple_of(3))),
            ],
            Offer::Grpc(service, method) => vec![
                ("rpc.system", Value::Static("grpc")),
                ("rpc.service", Value::Static(service)),
                ("rpc.method", Value::Static(method)),
                ("rpc.grpc.status_code", Value::Int(if failed { 13 } else { 0 })),
            ],
            Offer::Topic(topic) => vec![
                ("messaging.system", Value::Static("kafka")),
                ("messaging.operation.type", Value::Static("process")),
                ("messaging.destination.name", Value::Static(topic)),
                ("messaging.consumer.group.name", Value::Static(SERVICES[op.service].0)),
            ],
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of a span, in the order of the protocol")]
    fn push(
        &mut self,
        caller: Caller,
        parent: Option<[u8; 8]>,
        name: String,
        kind: Kind,
        (start_ms, end_ms): (f64, f64),
        attributes: Vec<Attribute>,
        events: Vec<Event>,
        error: Option<String>,
    ) {
        let span = Span {
            trace_id: self.trace_id,
            span_id: caller.span_id,
            parent,
            name,
            kind,
            start_ns: ns(start_ms),
            end_ns: ns(end_ms),
            attributes,
            events,
            error,
        };
        self.trace.spans.push((caller.service, caller.instance, span));
    }
}

#[cfg(test)]
mod tests {
    use super::super::system::ENTRIES;
    use super::*;
    use std::collections::HashMap;

    fn traces(fault: Option<Fault>, seed: u64) -> Vec<Trace> {
        let mut random = Random::new(seed);
        (0..600).map(|n| Trace::simulate(ENTRIES[n % ENTRIES.len()].1, fault, &mut random)).collect()
    }

    #[test]
    fn traces_are_trees_of_a_realistic_size() {
        for trace in traces(None, 1) {
            let count = trace.spans.len();
            assert!((1..=70).contains(&count), "{count}");
            let ids: HashMap<_, _> = trace.spans.iter().map(|(_, _, span)| (span.span_id, span)).collect();
            assert_eq!(ids.len(), count);
            assert_eq!(trace.spans.iter().filter(|(_, _, span)| span.parent.is_none()).count(), 1);
            for (_, _, span) in &trace.spans {
                assert!(span.end_ns >= span.start_ns);
                if let Some(parent) = span.parent {
                    assert!(ids[&parent].start_ns <= span.start_ns);
                }
            }
            for (_, _, log) in &trace.logs {
                assert!(ids.contains_key(&log.context.unwrap().1));
            }
        }
    }

    #[test]
    fn every_service_takes_part() {
        let mut seen = [0; SERVICES.len()];
        for trace in traces(None, 2) {
            trace.spans.iter().for_each(|(service, _, _)| seen[*service] += 1);
        }
        assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    }

    #[test]
    fn faults_show() {
        let errors = |traces: &[Trace]| {
            traces.iter().filter(|trace| trace.spans.iter().any(|(_, _, span)| span.error.is_some())).count()
        };
        let calm = traces(None, 3);
        assert!(errors(&calm) < 30, "{}", errors(&calm));
        let inventory = traces(Some(Fault::InventoryExceptions), 3);
        assert!(errors(&inventory) > 100);
        assert!(inventory.iter().flat_map(|trace| &trace.spans).any(|(_, _, span)| !span.events.is_empty()));
        let mean = |traces: &[Trace]| traces.iter().map(Trace::length_ns).sum::<u64>() / traces.len() as u64;
        assert!(mean(&traces(Some(Fault::SlowCatalog), 3)) > 2 * mean(&calm));
    }
}
