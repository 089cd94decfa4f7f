//! Writes OTLP protobuf (opentelemetry-proto 1.x), only the fields the generators use. No reading, no reflection.
//!
//! Lengths are canonical varints: a nested message is written behind one reserved byte and moved when its length
//! needs more.

/// Protobuf output.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    buffer: Vec<u8>,
}

/// A scalar attribute value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text known at compile time.
    Static(&'static str),
    /// Text.
    Text(String),
    /// Integer.
    Int(i64),
    /// Floating point.
    Double(f64),
    /// Truth value.
    Bool(bool),
}

/// Name and value.
pub(crate) type Attribute = (&'static str, Value);

/// A span event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Unix nanoseconds.
    pub(crate) time_ns: u64,
    /// For example `exception`.
    pub(crate) name: &'static str,
    /// Attributes.
    pub(crate) attributes: Vec<Attribute>,
}

/// Span kinds, by their OTLP number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Inside one service.
    Internal = 1,
    /// The receiving side of a call.
    Server = 2,
    /// The calling side.
    Client = 3,
    /// The sending side of a message.
    Producer = 4,
    /// The receiving side of a message.
    Consumer = 5,
}

/// One span.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// Trace id.
    pub(crate) trace_id: [u8; 16],
    /// Span id.
    pub(crate) span_id: [u8; 8],
    /// Parent, absent for the root.
    pub(crate) parent: Option<[u8; 8]>,
    /// Name.
    pub(crate) name: String,
    /// Kind.
    pub(crate) kind: Kind,
    /// Unix nanoseconds.
    pub(crate) start_ns: u64,
    /// Unix nanoseconds.
    pub(crate) end_ns: u64,
    /// Attributes.
    pub(crate) attributes: Vec<Attribute>,
    /// Events.
    pub(crate) events: Vec<Event>,
    /// The message of an error status; `None` is unset.
    pub(crate) error: Option<String>,
}

/// One log record.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// Unix nanoseconds.
    pub(crate) time_ns: u64,
    /// Severity number (9 info, 13 warn, 17 error).
    pub(crate) severity: u8,
    /// Severity text.
    pub(crate) severity_text: &'static str,
    /// Message.
    pub(crate) body: String,
    /// Attributes.
    pub(crate) attributes: Vec<Attribute>,
    /// Trace and span id.
    pub(crate) context: Option<([u8; 16], [u8; 8])>,
}

impl Writer {
    /// The finished bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.buffer
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.buffer.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.buffer.push(value as u8);
    }

    fn tag(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    /// An unsigned (or enum) field.
    pub(crate) fn uint(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.varint(value);
    }

    /// A `fixed64` or `sfixed64` field.
    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    /// A `double` field.
    pub(crate) fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// A `fixed32` field.
    pub(crate) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, 5);
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    /// A `bytes` or `string` field.
    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.buffer.extend_from_slice(value);
    }

    /// A nested message.
    pub(crate) fn message(&mut self, field: u32, fill: impl FnOnce(&mut Writer)) {
        self.tag(field, 2);
        let at = self.buffer.len();
        self.buffer.push(0);
        fill(self);
        let length = self.buffer.len() - at - 1;
        if length < 0x80 {
            self.buffer[at] = length as u8;
            return;
        }
        let mut prefix = Writer::default();
        prefix.varint(length as u64);
        self.buffer.splice(at..=at, prefix.buffer);
    }

    /// `KeyValue` under `field`.
    pub(crate) fn attribute(&mut self, field: u32, name: &str, value: &Value) {
        self.message(field, |w| {
            w.bytes(1, name.as_bytes());
            w.message(2, |w| w.any_value(value));
        });
    }

    fn attributes(&mut self, field: u32, attributes: &[Attribute]) {
        for (name, value) in attributes {
            self.attribute(field, name, value);
        }
    }

    fn any_value(&mut self, value: &Value) {
        match value {
            Value::Static(text) => self.bytes(1, text.as_bytes()),
            Value::Text(text) => self.bytes(1, text.as_bytes()),
            Value::Bool(value) => self.uint(2, u64::from(*value)),
            Value::Int(value) => self.uint(3, *value as u64),
            Value::Double(value) => self.double(4, *value),
        }
    }

    /// `ResourceSpans`, `ResourceLogs` or `ResourceMetrics`: they share their outer shape. `fill` writes the records,
    /// each as field 2 of the scope message.
    pub(crate) fn resource(&mut self, attributes: &[Attribute], scope: &str, fill: impl FnOnce(&mut Writer)) {
        self.message(1, |w| {
            w.message(1, |w| w.attributes(1, attributes));
            w.message(2, |w| {
                w.message(1, |w| w.bytes(1, scope.as_bytes()));
                fill(w);
            });
        });
    }

    /// A span as field 2 of `ScopeSpans`.
    pub(crate) fn span(&mut self, span: &Span) {
        self.message(2, |w| {
            w.bytes(1, &span.trace_id);
            w.bytes(2, &span.span_id);
            if let Some(parent) = &span.parent {
                w.bytes(4, parent);
            }
            w.bytes(5, span.name.as_bytes());
            w.uint(6, span.kind as u64);
            w.fixed64(7, span.start_ns);
            w.fixed64(8, span.end_ns);
            w.attributes(9, &span.attributes);
            for event in &span.events {
                w.message(11, |w| {
                    w.fixed64(1, event.time_ns);
                    w.bytes(2, event.name.as_bytes());
                    w.attributes(3, &event.attributes);
                });
            }
            if let Some(message) = &span.error {
                w.message(15, |w| {
                    w.bytes(2, message.as_bytes());
                    w.uint(3, 2);
                });
            }
            w.fixed32(16, 1);
        });
    }

    /// A log record as field 2 of `ScopeLogs`.
    pub(crate) fn log(&mut self, log: &Log) {
        self.message(2, |w| {
            w.fixed64(1, log.time_ns);
            w.uint(2, u64::from(log.severity));
            w.bytes(3, log.severity_text.as_bytes());
            w.message(5, |w| w.bytes(1, log.body.as_bytes()));
            w.attributes(6, &log.attributes);
            if let Some((trace_id, span_id)) = &log.context {
                w.fixed32(8, 1);
                w.bytes(9, trace_id);
                w.bytes(10, span_id);
            }
            w.fixed64(11, log.time_ns);
        });
    }

    /// A metric as field 2 of `ScopeMetrics`; `fill` writes its data.
    pub(crate) fn metric(&mut self, name: &str, unit: &str, fill: impl FnOnce(&mut Writer)) {
        self.message(2, |w| {
            w.bytes(1, name.as_bytes());
            w.bytes(3, unit.as_bytes());
            fill(w);
        });
    }

    /// Points of a gauge.
    pub(crate) fn gauge(&mut self, points: impl FnOnce(&mut Writer)) {
        self.message(5, points);
    }

    /// Points of a cumulative monotonic sum.
    pub(crate) fn counter(&mut self, points: impl FnOnce(&mut Writer)) {
        self.message(7, |w| {
            points(w);
            w.uint(2, 2);
            w.uint(3, 1);
        });
    }

    /// Points of a cumulative histogram.
    pub(crate) fn histogram(&mut self, points: impl FnOnce(&mut Writer)) {
        self.message(9, |w| {
            points(w);
            w.uint(2, 2);
        });
    }

    /// A `NumberDataPoint` with an integer (sum) or a double (gauge).
    pub(crate) fn number_point(&mut self, attributes: &[Attribute], start_ns: u64, time_ns: u64, value: &Value) {
        self.message(1, |w| {
            w.fixed64(2, start_ns);
            w.fixed64(3, time_ns);
            match value {
                Value::Int(value) => w.fixed64(6, *value as u64),
                Value::Double(value) => w.double(4, *value),
                _ => {}
            }
            w.attributes(7, attributes);
        });
    }

    /// A `HistogramDataPoint`; `buckets` has one more member than `bounds`.
    pub(crate) fn histogram_point(
        &mut self,
        attributes: &[Attribute],
        (start_ns, time_ns): (u64, u64),
        sum: f64,
        buckets: &[u64],
        bounds: &[f64],
    ) {
        self.message(1, |w| {
            w.fixed64(2, start_ns);
            w.fixed64(3, time_ns);
            w.fixed64(4, buckets.iter().sum());
            w.double(5, sum);
            let packed: Vec<u8> = buckets.iter().flat_map(|count| count.to_le_bytes()).collect();
            w.bytes(6, &packed);
            let packed: Vec<u8> = bounds.iter().flat_map(|bound| bound.to_le_bytes()).collect();
            w.bytes(7, &packed);
            w.attributes(9, attributes);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        fill(&mut writer);
        writer.into_bytes()
    }

    #[test]
    fn scalars() {
        assert_eq!(bytes(|w| w.uint(1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(bytes(|w| w.bytes(2, b"testing")), b"\x12\x07testing");
        assert_eq!(bytes(|w| w.fixed32(16, 1)), [0x85, 0x01, 1, 0, 0, 0]);
        assert_eq!(bytes(|w| w.double(4, 1.0)), [0x21, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        let minus_one = bytes(|w| w.any_value(&Value::Int(-1)));
        assert_eq!(minus_one, [0x18, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }

    #[test]
    fn nested_lengths_on_both_sides_of_one_byte() {
        assert_eq!(bytes(|w| w.message(1, |_| {})), [0x0a, 0]);
        for length in [1, 126, 127, 128, 300, 20_000] {
            let payload = vec![7u8; length];
            let nested = bytes(|w| w.message(1, |w| w.bytes(1, &payload)));
            let inner = bytes(|w| w.bytes(1, &payload));
            assert_eq!(nested, bytes(|w| w.bytes(1, &inner)), "{length}");
        }
    }

    #[test]
    fn golden_log_request() {
        let log = Log {
            time_ns: 1,
            severity: 9,
            severity_text: "INFO",
            body: "hi".into(),
            attributes: vec![("k", Value::Bool(true))],
            context: None,
        };
        let got = bytes(|w| w.resource(&[("service.name", Value::Static("a"))], "s", |w| w.log(&log)));
        let mut expect = [
            &[0x0a, 0][..],
            &[0x0a, 0x15, 0x0a, 0x13, 0x0a, 0x0c],
            b"service.name",
            &[0x12, 0x03, 0x0a, 0x01, b'a'],
            &[0x12, 0, 0x0a, 0x03, 0x0a, 0x01, b's', 0x12, 0],
            &[0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0x10, 9, 0x1a, 4],
            b"INFO",
            &[0x2a, 4, 0x0a, 2, b'h', b'i'],
            &[0x32, 7, 0x0a, 1, b'k', 0x12, 2, 0x10, 1],
            &[0x59, 1, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        fix_lengths(&mut expect);
        assert_eq!(got, expect);
    }

    /// Outer lengths of the golden request: whole, scope and record.
    fn fix_lengths(bytes: &mut [u8]) {
        let total = bytes.len();
        bytes[1] = (total - 2) as u8;
        bytes[26] = (total - 27) as u8;
        bytes[33] = (total - 34) as u8;
    }

    #[test]
    fn golden_span() {
        let span = Span {
            trace_id: [1; 16],
            span_id: [2; 8],
            parent: Some([3; 8]),
            name: "GET".into(),
            kind: Kind::Server,
            start_ns: 10,
            end_ns: 20,
            attributes: vec![],
            events: vec![],
            error: Some("no".into()),
        };
        let mut expect = vec![0x12, 79, 0x0a, 16];
        expect.extend([1; 16]);
        expect.extend([0x12, 8]);
        expect.extend([2; 8]);
        expect.extend([0x22, 8]);
        expect.extend([3; 8]);
        expect.extend([0x2a, 3, b'G', b'E', b'T', 0x30, 2]);
        expect.extend([0x39, 10, 0, 0, 0, 0, 0, 0, 0, 0x41, 20, 0, 0, 0, 0, 0, 0, 0]);
        expect.extend([0x7a, 6, 0x12, 2, b'n', b'o', 0x18, 2]);
        expect.extend([0x85, 0x01, 1, 0, 0, 0]);
        expect[1] = (expect.len() - 2) as u8;
        assert_eq!(bytes(|w| w.span(&span)), expect);
    }

    #[test]
    fn golden_histogram() {
        let got = bytes(|w| {
            w.histogram(|w| w.histogram_point(&[], (1, 2), 1.0, &[3, 0], &[0.5]));
        });
        let mut expect = vec![0x4a, 0, 0x0a, 0];
        expect.extend([0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x19, 2, 0, 0, 0, 0, 0, 0, 0, 0x21, 3, 0, 0, 0, 0, 0, 0, 0]);
        expect.extend([0x29, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        expect.extend([0x32, 16, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        expect.extend([0x3a, 8, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
        expect[3] = (expect.len() - 4) as u8;
        expect.extend([0x10, 2]);
        expect[1] = (expect.len() - 2) as u8;
        assert_eq!(got, expect);
    }
}
