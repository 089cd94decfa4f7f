//! Syslog: RFC 5424, RFC 3164 and what calls itself so, over UDP and TCP, to log records.
//!
//! Host → `node`, app name or tag → `service`, severity → `level`, the message → `body`. The rest becomes attributes:
//! `syslog.facility` (name), `syslog.severity` (number), `syslog.procid`, `syslog.msgid`, structured data as
//! `sd-id.param`. No message is refused: what cannot be read is kept as text with `syslog.note` saying why.

mod framing;
mod parse;

use std::borrow::Cow;

use clewline_model::attributes::Value;
use clewline_model::signal::Signal;

pub use framing::Framer;

use crate::limits::REPEATED_BYTES_MAX;
use crate::record::{Any, Fault, Origin, RawLog, Sink};
use crate::{Context, Decoded, level};
use parse::{Message, parameters, push_unescaped};

/// Names of the severities 0–7 (RFC 5424 table 2) and their OpenTelemetry severity numbers (logs data model,
/// appendix B).
pub(crate) const SEVERITIES: [(&str, i64); 8] = [
    ("emerg", 21),
    ("alert", 19),
    ("crit", 18),
    ("err", 17),
    ("warning", 13),
    ("notice", 10),
    ("info", 9),
    ("debug", 5),
];

/// Names of the facilities 0–23 (RFC 5424 table 1, with the names of syslog.conf).
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// Gathers messages of many senders into one batch.
#[derive(Debug)]
pub struct Collector {
    sink: Sink<'static>,
    origin: Origin,
    /// Name of an attribute under construction.
    name: String,
    /// Value of an attribute under construction.
    value: String,
}

impl Default for Collector {
    fn default() -> Collector {
        Collector::new()
    }
}

impl Collector {
    /// An empty collector.
    pub fn new() -> Collector {
        Collector {
            sink: Sink::of_many(Signal::Logs),
            origin: Origin::default(),
            name: String::new(),
            value: String::new(),
        }
    }

    /// Adds one message. Never fails; only a collector that has grown beyond `limits::BATCH_BYTES_MAX`, which its owner
    /// should have emptied long before, refuses and counts.
    pub fn push(&mut self, message: &[u8], context: &Context<'_>) {
        let message = message.trim_ascii_end();
        let message = message.strip_suffix(b"\0").unwrap_or(message);
        if message.is_empty() {
            return;
        }
        self.sink.set_now(context.now_ns);
        let text = String::from_utf8_lossy(message);
        self.sink.report.warnings.text_repaired += u64::from(matches!(text, Cow::Owned(_)));
        let parsed = parse::parse(&text, context.now_ns);
        if let Err(fault) = self.push_parsed(&parsed, context) {
            let message = match fault {
                Fault::Record(message) => message,
                Fault::Request(error) => error.to_string().into(),
            };
            self.sink.reject(|| "message".to_owned(), message);
        }
    }

    fn push_parsed(&mut self, message: &Message<'_>, context: &Context<'_>) -> Result<(), Fault> {
        let batch = &mut self.sink.batch;
        let mut raw = RawLog {
            time: message.time.and_then(|time| u64::try_from(time).ok()).unwrap_or(0),
            observed: u64::try_from(context.now_ns).unwrap_or(0),
            node: if message.host.is_empty() { context.node } else { message.host },
            body: Any::Text(Cow::Borrowed(message.text)),
            ..RawLog::default()
        };
        if let Some(priority) = message.priority {
            let (name, number) = SEVERITIES[usize::from(priority & 7)];
            raw.severity_text = Cow::Borrowed(name);
            raw.severity_number = number;
            let facility = FACILITIES.get(usize::from(priority >> 3)).copied().unwrap_or("");
            batch.attribute("syslog.facility", Value::Text(facility));
            batch.attribute("syslog.severity", Value::Int(i64::from(priority & 7)));
        } else {
            raw.severity_number = level::of_line(message.text.as_bytes()).map_or(0, |(_, number)| number);
        }
        for (name, text) in [
            ("syslog.procid", message.process),
            ("syslog.msgid", message.message_id),
            ("syslog.timestamp", message.unread_time),
            ("syslog.note", message.note.unwrap_or("")),
        ] {
            if !text.is_empty() {
                batch.attribute(name, Value::Text(text));
            }
        }
        parameters(message.data, |id, parameter, written| {
            self.name.clear();
            self.name.push_str(id);
            if parameter.is_empty() {
                // An element without parameters is a fact of its own.
                batch.attribute(&self.name, Value::Bool(true));
                return;
            }
            self.name.push('.');
            self.name.push_str(parameter);
            self.value.clear();
            push_unescaped(written, &mut self.value);
            batch.attribute(&self.name, Value::Text(&self.value));
        });
        self.origin.service.clear();
        self.origin.service.push_str(clewline_model::text::truncate(message.app, REPEATED_BYTES_MAX));
        self.sink.push_log(&self.origin, &raw, "")
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.sink.batch.rows()
    }

    /// Bytes so far, roughly.
    pub fn size_bytes(&self) -> usize {
        self.sink.batch.size_bytes()
    }

    /// The batch and the report.
    pub fn finish(self) -> Decoded {
        self.sink.finish()
    }
}

/// One UDP datagram: one message (RFC 5426 section 3.1).
pub fn decode_datagram(datagram: &[u8], context: &Context<'_>) -> Decoded {
    let mut collector = Collector::new();
    collector.push(datagram, context);
    collector.finish()
}

#[cfg(test)]
mod tests;
